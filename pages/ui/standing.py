"""The common status of an experiment's runs: as one line, as a share, and as the pieces of the page that change."""

from collections.abc import Iterable, Sequence

import numpy as np

from core.runs.estimate import together
from core.runs.snapshots import Snapshot
from core.runs.store import LIVE, Record, Status
from core.settings import settings
from pages.ui import wording
from pages.ui.forecast import forecast
from pages.ui.heads_table import table_html
from pages.ui.lines import lines_of
from pages.ui.panel import escape
from pages.ui.service import jobs

EPOCHS_TO_COUNT_DOWN, SECONDS_TO_COUNT_DOWN = 3, 2.0
"""The time left is shown after so many epochs, which are slower at first, or when an epoch takes longer than this."""

ORDER: tuple[Status, ...] = ("running", "queued", "failed", "interrupted", "paused", "stopped", "finished")
"""An experiment of several runs has the first of these statuses that one of its runs has."""


def overall(runs: Iterable[Snapshot | Record]) -> Status | None:
    """The common status of the runs of one experiment; None without any."""
    statuses = {each.status for each in runs}
    return next((status for status in ORDER if status in statuses), None)


def page_state(snapshots: Sequence[Snapshot]) -> str:
    """Changes when the page has to be drawn anew: workers came or went, the runs ended or go on."""
    status = overall(snapshots)
    workers = "ready" if jobs().wait_until_ready(0) else "starting"
    return " | ".join([workers, jobs().problem, "live" if status in LIVE else status or "none"])


def pieces_of(snapshots: Sequence[Snapshot]) -> dict[str, str]:
    """HTML by the name of its place on the page: the status line, the bar below it, the table of heads."""
    status, text, share = progress(snapshots)
    return {
        "status": status_html(status, text),
        "bar": bar_html(status, share),
        "table": table_html(lines_of(snapshots)),
    }


def status_html(status: str, text: str) -> str:
    """The status line."""
    return f'<span class="dot {status}"></span><span>{escape(text)}</span>'


def bar_html(status: str, share: float) -> str:
    """How much is done, share in [0, 1]."""
    return f'<div class="{status}" style="width:{100 * share:.1f}%"></div>'


def progress(snapshots: Sequence[Snapshot]) -> tuple[str, str, float]:
    """Status of these runs, one line about it, and the share of the work that is done."""
    status = overall(snapshots)
    assert status is not None
    if status == "queued" and not any(each.epochs for each in snapshots):
        return status, _waiting(snapshots), 0.0
    reached, message = _reached(snapshots), _message(snapshots)
    match status:
        case "queued":
            text = _waiting(snapshots)
        case "running":
            left = seconds_left(snapshots) if all(map(_has_a_pace, snapshots)) else None
            text = wording.running(reached, left, any(each.config.patience for each in snapshots), message)
        case "finished":
            seconds = sum(each.finished.seconds for each in snapshots if each.finished)
            devices = {each.started.device for each in snapshots if each.started}
            elsewhere = sorted(devices) if devices - {"cpu"} else []
            text = wording.finished(seconds, elsewhere, _early(snapshots), snapshots[0].config.epochs)
        case _:
            text = f"{status}: {reached}. {message}".strip()
    return status, text, share_done(snapshots)


def _waiting(snapshots: Sequence[Snapshot]) -> str:
    """What runs wait for that have not begun, or whose worker was lost."""
    if not jobs().wait_until_ready(0):
        return jobs().problem or wording.WORKERS_START
    place = min(each.position for each in snapshots if each.status == "queued")
    return jobs().problem or _message(snapshots) or wording.waiting(place)


def _reached(snapshots: Sequence[Snapshot]) -> str:
    """How far the head has come that the others will wait for; which one, unless all are as far."""
    last = max(snapshots, key=lambda each: (_run_seconds_left(each) or 0.0, -_epochs_done(each)))
    done = int(_epochs_done(last))
    text = wording.reached(done, last.config.epochs, bool(last.config.patience))
    if all(int(_epochs_done(each)) == done for each in snapshots):
        return text
    return f"{last.config.head.style.label} at {text}"


def _early(snapshots: Sequence[Snapshot]) -> dict[str, int]:
    """Head → epochs that it took, where the patience of some ended before the last epoch; empty otherwise."""
    done = {each.config.head.style.label: len(each.epochs) for each in snapshots}
    return {} if set(done.values()) == {snapshots[0].config.epochs} else done


def _has_a_pace(snapshot: Snapshot) -> bool:
    """Whether a run has shown how long it will take, or has not begun."""
    slow = snapshot.pace is not None and snapshot.pace >= SECONDS_TO_COUNT_DOWN
    of_this_attempt = len(snapshot.heard) - 1 if snapshot.heard else len(snapshot.epochs)
    return snapshot.status != "running" or slow or of_this_attempt >= EPOCHS_TO_COUNT_DOWN


def _message(snapshots: Sequence[Snapshot]) -> str:
    """The message of a run, with the run's name unless all have the same message."""
    if len({each.message for each in snapshots}) == 1:
        return snapshots[0].message
    return next(f"{each.config.head.style.label}: {each.message}" for each in snapshots if each.message)


def _epochs_done(snapshot: Snapshot) -> float:
    """How far a run is; after the loss of a worker it repeats some epochs, and is less far than its curve."""
    done = float(snapshot.epochs[-1].epoch) if snapshot.epochs else 0.0
    if snapshot.status == "running" and snapshot.heard:
        _, done = snapshot.heard[-1]
    if snapshot.status == "running" and snapshot.step and snapshot.started and snapshot.step.epoch > done:
        done += snapshot.step.step / snapshot.started.steps_per_epoch
    return min(done, float(snapshot.config.epochs))


def share_done(snapshots: Sequence[Snapshot]) -> float:
    """Share of the expected time that is behind; all heads count alike when it is not known of one of them."""
    expected = [forecast(each.config) for each in snapshots]
    weights = [each.seconds if each and all(expected) else 1.0 for each in expected]
    done = [1.0 if each.status == "finished" else _epochs_done(each) / each.config.epochs for each in snapshots]
    return sum(weight * share for weight, share in zip(weights, done, strict=True)) / sum(weights)


def seconds_left(snapshots: Sequence[Snapshot]) -> float | None:
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
