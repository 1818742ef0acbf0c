"""The queue of this server, and the experiments of the person at this browser."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise

import streamlit as st

from core.errors import LabError
from core.experiment.configs import control_values, experiment_title, shared_settings
from core.experiment.controls import CONTROLS
from core.runs.store import Record, is_shipped
from core.words import verbatim
from pages.ui import wording
from pages.ui.laboratory.form import fill, setting_in_words
from pages.ui.service import jobs, may_control
from pages.ui.standing import overall

SHOWN = 12


def queue_popover() -> None:
    """A button that opens the queue and one's own runs; both are read when it is open."""
    opened = st.popover("Runs", icon=":material/list:", key="runs", on_change="rerun")
    if opened.open:
        with opened:
            _queue()
            _own()


def _queue() -> None:
    st.markdown(f"**{wording.QUEUE_TITLE}**")
    waiting = jobs().queue()
    if not waiting:
        st.caption(wording.QUEUE_IS_EMPTY)
    for each in waiting:
        config = each.config
        what = f"{config.head.style.label}, {experiment_title([config])}" if config else each.title
        st.caption(verbatim(wording.queue_line(each.position, what, may_control(each.owner))))


def _own() -> None:
    st.markdown(f"**{wording.OWN_TITLE}**")
    groups = own_experiments()
    if not groups:
        st.caption(wording.OWN_IS_EMPTY)
    for group, title in zip(groups[:SHOWN], titles_of(groups[:SHOWN]), strict=True):
        when = group[0].created.astimezone().strftime("%d %b %H:%M")
        st.button(
            verbatim(f"{when} · {overall(group)} · {title}"),
            key=f"open-{group[0].run_id}",
            type="tertiary",
            on_click=show,
            args=([record.run_id for record in group],),
        )


def titles_of(groups: Sequence[Sequence[Record]]) -> list[str]:
    """What each of these experiments is, with those settings that differ among experiments of one title."""
    configs = [[record.config for record in group] for group in groups]
    titles = [f"{experiment_title(each)}: {', '.join(config.head.style.label for config in each)}" for each in configs]
    values = [control_values(each) for each in configs]
    texts = []
    for title, own in zip(titles, values, strict=True):
        alike = [others for other, others in zip(titles, values, strict=True) if other == title]
        different = [name for name in CONTROLS if any(others.get(name) != own.get(name) for others in alike)]
        texts.append(", ".join((title, *(setting_in_words(name, own.get(name)) for name in different))))
    return texts


def show(run_ids: Sequence[str]) -> None:
    """Put these runs and their settings onto the page."""
    st.session_state.run = ",".join(run_ids)
    fill(control_values([jobs().snapshot(run_id).config for run_id in run_ids]))
    st.rerun()  # all of the page, not only the part that the button is in


def own_experiments() -> list[list[Record]]:
    """Runs that the person at this browser has started, latest first, those of one click together."""
    records = []
    for run_id in reversed(jobs().store.run_ids()):
        if is_shipped(run_id):
            continue
        try:
            record = jobs().store.load(run_id)
        except LabError:
            continue
        if may_control(record.owner):
            records.append(record)
        if len(records) > 5 * SHOWN:
            break
    return group_by_click(records)


def group_by_click(records: Sequence[Record]) -> list[list[Record]]:
    """Runs of one owner, equal but for their heads and made within seconds of each other, latest first."""
    ordered = sorted(records, key=lambda record: record.created)
    groups: list[list[Record]] = [[record] for record in ordered[:1]]
    for earlier, later in pairwise(ordered):
        together = later.created - earlier.created < timedelta(seconds=3) and later.owner == earlier.owner
        if together and shared_settings(later.config) == shared_settings(earlier.config):
            groups[-1].append(later)
        else:
            groups.append([later])
    return groups[::-1]
