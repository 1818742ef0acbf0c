"""The line on top: what is shown, how it stands, and the buttons that pause, resume, stop and clear it."""

from collections.abc import Sequence

import numpy as np
import streamlit as st

from core.errors import LabError
from core.jobs import Snapshot
from core.settings import settings
from core.store import LIVE
from pages.ui.experiment import experiment_title
from pages.ui.panel import escape, panel
from pages.ui.queue import queue_popover
from pages.ui.service import jobs, may_control, say
from pages.ui.view import Line, View, overall

WORKERS_START = "the workers are starting"


def header_view(view: View, snapshots: Sequence[Snapshot], lines: Sequence[Line]) -> None:
    """Title, status and progress, and the buttons of whoever started the run."""
    with st.container(horizontal=True, vertical_alignment="center", key="header"):
        panel(_status_html(view, snapshots, lines), key="status", min_height=62)
        with st.container(horizontal=True, gap="xsmall", width="content", key="actions"):
            _buttons(() if view.shipped else snapshots)
            queue_popover()


def _status_html(view: View, snapshots: Sequence[Snapshot], lines: Sequence[Line]) -> str:
    title = escape(experiment_title([line.config for line in lines])) if lines else "Laboratory"
    status, text, share = _progress(view, snapshots)
    return (
        f'<p class="title">{title}</p>'
        f'<div class="status" role="status"><span class="dot {status}"></span><span>{escape(text)}</span></div>'
        f'<div class="bar"><div class="{status}" style="width:{100 * share:.1f}%"></div></div>'
    )


def _progress(view: View, snapshots: Sequence[Snapshot]) -> tuple[str, str, float]:
    """Status, one line about it, and the share of the work that is done."""
    status = overall(snapshots)
    if status is None:
        return "idle", f"Nothing has been trained with these settings yet. {_next(view, 'Press Run.')}", 0.0
    if view.shipped:
        told = _next(view, "Press Run for your own.")
        return status, f"This run came with the laboratory: these settings, trained elsewhere. {told}", 1.0
    share = sum(map(_epochs_done, snapshots)) / sum(each.config.epochs for each in snapshots)
    longest = max(each.config.epochs for each in snapshots)
    text = f"{status} at {int(share * longest)} of {longest} epochs."
    message = next((each.message for each in snapshots if each.message and each.status == status), "")
    match status:
        case "queued":
            place = min(each.position for each in snapshots if each.status == "queued")
            text = f"waiting, place {place} in the queue" if place else "about to start"
            text = text if jobs().wait_until_ready(0) else WORKERS_START
            text = jobs().problem or message or text
        case "running":
            left = _seconds_left(snapshots)
            text = f"running {int(share * longest)}/{longest} epochs"
            text += f", {duration(left)} left" if left is not None else ""
        case "finished":
            seconds = sum(each.finished.seconds for each in snapshots if each.finished)
            text = f"finished, {duration(seconds)} of training"
        case _:
            text = f"{text} {message}".strip()
    if view.differs and status not in LIVE:
        text = f"{text.rstrip('.')}. The settings have changed since; Run trains the new ones."
    return status, text, share


def _next(view: View, run: str) -> str:
    """What a person can do when nothing of his is shown."""
    if jobs().problem:
        return jobs().problem
    if view.experiment is not None and view.experiment.features.state == "missing":
        return "Its features have to be extracted first."
    return run if jobs().wait_until_ready(0) else f"Run when you like: {WORKERS_START}."


def _epochs_done(snapshot: Snapshot) -> float:
    done = float(snapshot.epochs[-1].epoch) if snapshot.epochs else 0.0
    if snapshot.status == "running" and snapshot.step and snapshot.started and snapshot.step.epoch > done:
        done += snapshot.step.step / snapshot.started.steps_per_epoch
    return min(done, float(snapshot.config.epochs))


def _seconds_left(snapshots: Sequence[Snapshot]) -> float | None:
    """Until all have ended that have an epoch behind them; None before one has."""
    each = []
    for snapshot in snapshots:
        if snapshot.status not in LIVE:
            continue
        if not snapshot.epochs:
            continue
        per_epoch = float(np.mean([epoch.seconds for epoch in snapshot.epochs[-10:]]))
        each.append(per_epoch * (snapshot.config.epochs - _epochs_done(snapshot)))
    return max(max(each), sum(each) / settings().workers) if each else None


def duration(seconds: float) -> str:
    """Seconds for a person: "0.4 s", "12 s", "3 min"."""
    if seconds < 9.5:
        return f"{seconds:.1f} s" if seconds < 1 else f"{seconds:.0f} s"
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


def _buttons(snapshots: Sequence[Snapshot]) -> None:
    mine = bool(snapshots) and all(may_control(each.owner) for each in snapshots)
    going = [each.run_id for each in snapshots if each.status in LIVE]
    resting = [each.run_id for each in snapshots if each.status not in (*LIVE, "finished")]
    # One button with two faces: one that replaced another would lose a click in the moment of the change.
    pauses = bool(going) or not resting
    st.button(
        "Pause" if pauses else "Resume",
        icon=":material/pause:" if pauses else ":material/play_arrow:",
        key="pause",
        disabled=not (mine and (going or resting)),
        on_click=_each,
        args=("pause", going) if pauses else ("resume", resting),
    )
    st.button(
        "Stop", icon=":material/stop:", key="stop", disabled=not (mine and going), on_click=_each, args=("stop", going)
    )
    st.button(
        "Reset",
        icon=":material/restart_alt:",
        key="reset",
        disabled=not snapshots or bool(mine and going),
        on_click=reset,
        help="Clear the charts and keep the settings; the run stays in the list.",
    )


def _each(action: str, run_ids: Sequence[str]) -> None:
    """Pause, resume or stop these runs, if they belong to whoever asks."""
    for run_id in run_ids:
        try:
            if may_control(jobs().snapshot(run_id).owner):
                getattr(jobs(), action)(run_id)
        except LabError as error:
            say(str(error))


def reset() -> None:
    """Show no run any more."""
    st.session_state.run = ""
    st.rerun()  # all of the page, not only the part that the button is in
