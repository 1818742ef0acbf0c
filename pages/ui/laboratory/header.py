"""The line on top: what is shown, its status, and the buttons that pause, resume, stop and clear it."""

from collections.abc import Sequence

import streamlit as st

from core.errors import LabError
from core.experiment.configs import experiment_title
from core.runs.snapshots import Snapshot
from core.runs.store import LIVE
from pages.ui.laboratory import wording
from pages.ui.laboratory.ghosts import forget, keep_or_release, kept_runs
from pages.ui.laboratory.view import View
from pages.ui.lines import Line
from pages.ui.panel import escape, panel
from pages.ui.queue import queue_popover
from pages.ui.results import verdict_line
from pages.ui.service import jobs, may_control, say
from pages.ui.standing import bar_html, overall, progress, status_html


def header_view(view: View, snapshots: Sequence[Snapshot], lines: Sequence[Line]) -> None:
    """Title, status and progress, and the buttons for the person who started the run."""
    with st.container(horizontal=True, vertical_alignment="center", key="header"):
        panel(_header_html(view, snapshots, lines), key="status", min_height=86, live=view.live_runs)
        with st.container(horizontal=True, gap="xsmall", width="content", key="actions"):
            _buttons(() if view.shipped else snapshots)
            queue_popover()


def _header_html(view: View, snapshots: Sequence[Snapshot], lines: Sequence[Line]) -> str:
    title = escape(experiment_title([line.config for line in lines])) if lines else "Laboratory"
    status, text, share = _progress(view, snapshots)
    note = _note(view, snapshots)
    ended = bool(snapshots) and all(each.status == "finished" for each in snapshots)
    verdict = verdict_line([each.run_id for each in snapshots]) if ended else ""
    return (
        f'<p class="title">{title}</p>'
        f'<div class="status" role="status"><span data-live="status">{status_html(status, text)}</span>'
        f'<span class="quiet">{escape(note)}</span></div>'
        f'<p class="verdict">{escape(verdict)}</p>'
        f'<div class="bar" data-live="bar">{bar_html(status, share)}</div>'
    )


def _progress(view: View, snapshots: Sequence[Snapshot]) -> tuple[str, str, float]:
    """Status, one line about it, and the share of the work that is done, also when nothing has been run."""
    if not snapshots:
        return "idle", f"{wording.NO_RUN} {_next(view, wording.PRESS_RUN)}", 0.0
    if view.shipped:
        what = wording.shipped(snapshots[0].config.seeds, _seeds_wanted(view))
        return "finished", f"{what} {_next(view, wording.PRESS_RUN_FOR_OWN)}", 1.0
    return progress(snapshots)


def _note(view: View, snapshots: Sequence[Snapshot]) -> str:
    """What the person at this page should know beyond the status."""
    live = overall(snapshots) in LIVE
    notes = []
    if live and not all(may_control(each.owner) for each in snapshots):
        notes.append(wording.NOT_YOURS)
    if view.differs:
        notes.append(wording.DIFFERS_WHILE_RUNNING if live else wording.DIFFERS)
    elif view.beyond:
        notes.append(wording.beyond_controls(view.beyond))
    return " ".join(notes)


def _seeds_wanted(view: View) -> int:
    return view.experiment.configs[0].seeds if view.experiment else 0


def _next(view: View, run: str) -> str:
    """What a person can do when no run of theirs is shown."""
    if jobs().problem:
        return jobs().problem
    if view.experiment is None:
        return wording.NOT_POSSIBLE
    if view.experiment.features.state == "missing":
        return wording.EXTRACT_FIRST
    return run if jobs().wait_until_ready(0) else wording.WORKERS_START_BUT_RUN


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
    runs = tuple(each.run_id for each in snapshots)
    kept = runs in kept_runs()
    st.button(
        "Release" if kept else "Keep",
        icon=":material/keep_off:" if kept else ":material/keep:",
        key="keep",
        disabled=not snapshots,
        on_click=keep_or_release,
        args=(runs,),
        help=wording.KEEP_HELP,
    )
    st.button(
        "Reset",
        icon=":material/restart_alt:",
        key="reset",
        disabled=not snapshots or bool(mine and going),
        on_click=reset,
        help=wording.RESET_HELP,
    )


def _each(action: str, run_ids: Sequence[str]) -> None:
    """Pause, resume or stop these runs, if they belong to the person who asks."""
    for run_id in run_ids:
        try:
            if may_control(jobs().snapshot(run_id).owner):
                getattr(jobs(), action)(run_id)
        except LabError as error:
            say(str(error))


def reset() -> None:
    """Show no run any more, and none from before but those that are kept."""
    st.session_state.run = ""
    forget()
    st.rerun()  # all of the page, not only the part that the button is in
