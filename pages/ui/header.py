"""The line on top: what is shown, how it stands, and the buttons that pause, resume, stop and clear it."""

from collections.abc import Sequence

import numpy as np
import streamlit as st

from core.errors import LabError
from core.figures.runs import head_style
from core.runs.estimate import together
from core.runs.snapshots import Snapshot
from core.runs.store import LIVE
from core.settings import settings
from pages.ui.experiment import experiment_title
from pages.ui.forecast import forecast
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
        return "idle", f"Nothing has been trained with these settings. {_next(view, 'Press Run.')}", 0.0
    if view.shipped:
        told = _next(view, "Press Run for your own.")
        seeds = snapshots[0].config.seeds
        same = "these settings" if seeds == _seeds_wanted(view) else f"these settings, {seeds} seeds"
        return status, f"This run came with the laboratory: {same}. {told}", 1.0
    reached, message = _reached(snapshots), _message(snapshots)
    match status:
        case "queued":
            place = min(each.position for each in snapshots if each.status == "queued")
            text = f"waiting, place {place} in the queue{_behind_own(snapshots)}" if place else "about to start"
            text = text if jobs().wait_until_ready(0) else WORKERS_START
            text = jobs().problem or message or text
        case "running":
            left = _seconds_left(snapshots)
            text = f"running: {reached}"
            text += f", {duration(left)} left" if left is not None else ""
            text += f". {message}" if message else ""
        case "finished":
            seconds = sum(each.finished.seconds for each in snapshots if each.finished)
            devices = {each.started.device for each in snapshots if each.started}
            where = f" on {' and on '.join(sorted(devices))}" if devices - {"cpu"} else ""
            text = f"finished, {duration(seconds)} of training{where}"
        case _:
            text = f"{status}: {reached}. {message}".strip()
    notes = []
    if status in LIVE and not all(may_control(each.owner) for each in snapshots):
        notes.append("Started by somebody else, who alone can stop it.")
    if view.differs and status in LIVE:
        notes.append("It keeps its settings; Run queues the new ones.")
    elif view.differs:
        notes.append("The settings have changed since; Run trains the new ones.")
    elif view.beyond:
        notes.append(f"Trained with {view.beyond}, for which there is no control; Run trains without.")
    return status, " ".join([f"{text.rstrip('.')}.", *notes]) if notes else text, _share_done(snapshots)


def _seeds_wanted(view: View) -> int:
    return view.experiment.configs[0].seeds if view.experiment else 0


def _behind_own(snapshots: Sequence[Snapshot]) -> str:
    """Where to stop what these runs wait for, when that is the same person's."""
    shown = {each.run_id for each in snapshots}
    own = any(each.position == 0 and each.run_id not in shown and may_control(each.owner) for each in jobs().queue())
    return " behind runs of yours, which you find under Runs" if own else ""


def _next(view: View, run: str) -> str:
    """What a person can do when nothing of his is shown."""
    if jobs().problem:
        return jobs().problem
    if view.experiment is None:
        return "Change them first: see above."
    if view.experiment.features.state == "missing":
        return "Its features have to be extracted first."
    return run if jobs().wait_until_ready(0) else f"Run when you like: {WORKERS_START}."


def _reached(snapshots: Sequence[Snapshot]) -> str:
    """How far the head has come that the others will wait for; which one, unless all are as far."""
    last = max(snapshots, key=lambda each: (_run_seconds_left(each) or 0.0, -_epochs_done(each)))
    done, of = int(_epochs_done(last)), last.config.epochs
    if all(int(_epochs_done(each)) == done for each in snapshots):
        return f"{done} of {of} epochs"
    return f"{head_style(last.config.head).label} at {done} of {of} epochs"


def _message(snapshots: Sequence[Snapshot]) -> str:
    """What there is to say of a run, and of which one unless it holds for all."""
    if len({each.message for each in snapshots}) == 1:
        return snapshots[0].message
    return next(f"{head_style(each.config.head).label}: {each.message}" for each in snapshots if each.message)


def _epochs_done(snapshot: Snapshot) -> float:
    done = float(snapshot.epochs[-1].epoch) if snapshot.epochs else 0.0
    if snapshot.status == "running" and snapshot.step and snapshot.started and snapshot.step.epoch > done:
        done += snapshot.step.step / snapshot.started.steps_per_epoch
    return min(done, float(snapshot.config.epochs))


def _share_done(snapshots: Sequence[Snapshot]) -> float:
    """Share of the expected time that is behind; all heads count alike when it is not known of one of them."""
    expected = [forecast(each.config) for each in snapshots]
    weights = [each.seconds if each and all(expected) else 1.0 for each in expected]
    done = [_epochs_done(each) / each.config.epochs for each in snapshots]
    return sum(weight * share for weight, share in zip(weights, done, strict=True)) / sum(weights)


def _seconds_left(snapshots: Sequence[Snapshot]) -> float | None:
    """Until all have ended; None while it is not known of one of them."""
    each = [_run_seconds_left(snapshot) for snapshot in snapshots if snapshot.status in LIVE]
    known = [seconds for seconds in each if seconds is not None]
    return together(known, settings().workers) if known and len(known) == len(each) else None


def _run_seconds_left(snapshot: Snapshot) -> float | None:
    """Until one has ended: at its present pace, else at that of its latest epochs, else as expected before it began."""
    pace = snapshot.pace
    if pace is None and snapshot.epochs:
        pace = float(np.mean([epoch.seconds for epoch in snapshot.epochs[-10:]]))
    if pace is None and (expected := forecast(snapshot.config)):
        pace = expected.seconds / snapshot.config.epochs
    return None if pace is None else pace * (snapshot.config.epochs - _epochs_done(snapshot))


def duration(seconds: float) -> str:
    """Seconds for a person: "0.4 s", "12 s", "3 min", "20 h"."""
    if seconds < 1:
        return f"{seconds:.1f} s"
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.0f} h"


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
        help="Put this run away and keep the settings; it stays under Runs.",
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
