"""What happens when a row of the paper's table is run again, and how that stands: one line above the table.

A row is trained by a worker like any other run. The notebook's rows are computed at once. Rows whose features are not
on this machine first offer to make them, with size and time; rows with BatchNorm in training mode need all images in
every epoch, so a process of their own trains them (`python -m core paper run ROW`).
"""

import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from typing import IO

import numpy as np
import streamlit as st

from core.config import POINT_DATASETS, RunConfig
from core.cuts import cut_title
from core.datasets import DATASETS
from core.errors import LabError
from core.features import Listing
from core.figures import head_style
from core.jobs import Snapshot
from core.paper import Line, Measured, Row, find_row, notebook_measured
from core.settings import PROJECT
from core.statistics import Interval, mean_interval
from core.store import LIVE
from pages.ui.experiment import features_key, find_features
from pages.ui.extraction import extraction_view
from pages.ui.header import duration
from pages.ui.panel import escape, panel
from pages.ui.service import jobs, person


def run_row(row: Row) -> None:
    """Start a row, or offer what it lacks."""
    st.session_state.paper_latest = row.key
    st.session_state.paper_problem = ""
    if row.config is None:
        _compute_notebook(row)
        return
    try:
        if _listing(row.config).state != "missing" and row.config.protocol != "paper_batchnorm":
            _runs()[row.key] = jobs().submit(row.config, owner=person())
    except LabError as error:
        st.session_state.paper_problem = str(error)


def with_own(line: Line) -> Line:
    """The line with what the person at this browser computed of the notebook."""
    again = st.session_state.get("paper_notebook", {}).get(line.row.key)
    return Line(line.row, line.measured, again) if again else line


def row_view(lines: dict[str, Line]) -> None:
    """How the row that was started last stands; redraws itself while it goes on."""
    key = st.session_state.get("paper_latest")
    going = key is not None and _going(key)
    st.fragment(_draw, run_every=0.5 if going else None)(lines, key, going)


def _draw(lines: dict[str, Line], key: str | None, was_going: bool) -> None:
    if key is None:
        _say("idle", "The button in a row runs it again on this server; here stands what comes out.")
        return
    row, line = find_row(key), lines[key]
    if st.session_state.paper_problem:
        _say("failed", escape(st.session_state.paper_problem))
    elif row.config is None:
        _say("finished", _told(line, st.session_state.paper_notebook[key].best))
    elif (listing := _listing(row.config)).state == "missing":
        _offer_features(row, listing)
    elif row.config.protocol == "paper_batchnorm":
        _draw_images(line, row.config)
    elif key in _runs():
        _say_snapshot(line, jobs().snapshot(_runs()[key]))
    else:
        _say("idle", f"{_title(row)}: the features are there now. Press its button once more.")
    if was_going != _going(key):
        st.rerun()


# --- words ------------------------------------------------------------------------------------------------------------


def features_title(row: Row) -> str:
    """What a row's head looks at."""
    if row.dataset in POINT_DATASETS or row.config is None:
        return "2 coordinates"
    size = f", {row.cut.n_features}" if row.cut else ""
    return cut_title(row.config.backbone, row.config.layer, row.config.weights).split(",")[0] + size


def head_title(row: Row) -> str:
    """What a row's head is called: for points as in the notebook, for images as everywhere here."""
    if row.dataset in POINT_DATASETS or row.config is None:
        return row.head_name
    return head_style(row.config.head).label


def percent(share: float) -> str:
    """0.97 → "97.0 %"."""
    return f"{100 * share:.1f} %"


def plus_minus(interval: Interval) -> str:
    """ "86.9 ± 1.1 %", or "97.0 %" where one seed says nothing of its spread."""
    half = (interval.high - interval.low) / 2
    return f"{100 * interval.estimate:.1f} ± {100 * half:.1f} %" if np.isfinite(half) else percent(interval.estimate)


def _title(row: Row) -> str:
    return escape(f"{DATASETS[row.dataset].title}, {head_title(row)}, {features_title(row)}, {row.protocol}")


def _told(line: Line, again: Interval) -> str:
    """One sentence: what came out, and whether it is what was stored."""
    start = f"{_title(line.row)}: <b>{plus_minus(again)}</b>"
    stored: Measured | None = line.measured
    if stored is None:
        return f"{start}, the first number of this row."
    if again.estimate == stored.best.estimate:
        return f"{start}, exactly the number in the table."
    overlap = again.low <= stored.best.high and stored.best.low <= again.high
    verdict = "within its spread" if overlap else "outside its spread"
    return f"{start}, {verdict}: the table has {plus_minus(stored.best)}."


def _say(status: str, html: str) -> None:
    dot = f'<span class="dot {status}"></span>'
    panel(f'<div class="status" role="status">{dot}<span>{html}</span></div>', key="again", min_height=52)


def _say_snapshot(line: Line, snapshot: Snapshot) -> None:
    link = f' <a href="./?run={escape(snapshot.run_id)}" target="_self">Open it in the laboratory</a>'
    if snapshot.finished:
        _say("finished", _told(line, mean_interval(snapshot.finished.test_accuracy)) + link)
        return
    done = snapshot.epochs[-1].epoch if snapshot.epochs else 0
    state = f"{snapshot.status}, {done} of {snapshot.config.epochs} epochs. {snapshot.message}".strip()
    _say(snapshot.status, f"{_title(line.row)}: {escape(state)}{link}")


# --- ways to run ------------------------------------------------------------------------------------------------------


def _runs() -> dict[str, str]:
    """Row key → the run that this browser started."""
    runs: dict[str, str] = st.session_state.setdefault("paper_runs", {})
    return runs


def _compute_notebook(row: Row) -> None:
    """Both networks of the notebook, in the page's own process: they take less than a second."""
    from core.notebook import run_notebook

    own = st.session_state.setdefault("paper_notebook", {})
    for done in run_notebook(row.dataset):
        values = {"accuracy": done.test_accuracy, "loss": done.test_loss, "seconds": done.seconds}
        own[f"{row.dataset}-{done.network}-notebook"] = notebook_measured(values)


def _listing(config: RunConfig) -> Listing:
    return find_features(config.dataset, features_key(config))


def _offer_features(row: Row, listing: Listing) -> None:
    _say("idle", f"{_title(row)} needs features that do not come with the laboratory.")
    extraction_view(listing)
    assert row.config is not None
    n_images = DATASETS[row.dataset].n_train + DATASETS[row.dataset].n_test
    then = "needs all images in every epoch" if row.config.protocol == "paper_batchnorm" else "takes seconds"
    st.caption(f"That is {_images_take(row.config, n_images)}. Training then {then}.")


def _images_take(config: RunConfig, n_images: int) -> str:
    speed = _images_per_second(config.backbone, config.layer)
    return (
        f"about {duration(n_images / speed)} for {n_images:,} images at the {speed:.1f} images a second that "
        f"{config.backbone} reached just now on this machine"
    )


@st.cache_data(ttl=600, show_spinner="Measuring how fast this machine is")
def _images_per_second(backbone: str, layer: str) -> float:
    from core.backbones import images_per_second

    return images_per_second(backbone, layer, n_images=4)


@dataclass
class _OnImages:
    """A process that trains on images; what it says of a failure is kept in a file."""

    process: subprocess.Popen[str]
    said: IO[str] = field(repr=False)

    def problem(self) -> str:
        """Its last words if it failed, else nothing."""
        if not self.process.poll():
            return ""
        self.said.seek(0)
        return (self.said.read().strip().splitlines() or [f"ended with status {self.process.returncode}"])[-1]


@st.cache_resource(show_spinner=False)
def _processes() -> dict[str, _OnImages]:
    """Row key → its process, for everybody on this server."""
    return {}


def _going(key: str) -> bool:
    """Whether this browser's run of the row, or anybody's process for it, is under way."""
    if key in _processes() and _processes()[key].process.poll() is None:
        return True
    return key in _runs() and jobs().snapshot(_runs()[key]).status in LIVE


def _draw_images(line: Line, config: RunConfig) -> None:
    key = line.row.key
    try:
        snapshot = jobs().snapshot(line.row.run_id)
    except LabError:
        snapshot = None
    if _going(key):
        if snapshot is None:
            _say("queued", f"{_title(line.row)}: reading network and images")
        else:
            _say_snapshot(line, snapshot)
        return
    problem = _processes()[key].problem() if key in _processes() else ""
    if snapshot is not None and snapshot.finished and not problem:
        _say_snapshot(line, snapshot)
    else:
        words = escape(problem) or "every epoch needs all images and the full network."
        _say("failed" if problem else "idle", f"{_title(line.row)}: {words}")
    n_images = config.epochs * (DATASETS[config.dataset].n_train + DATASETS[config.dataset].n_test)
    st.button("Train on images", key="on_images", type="primary", on_click=_start_images, args=(key,))
    st.caption(f"{config.epochs} epochs: {_images_take(config, n_images)}. It goes on when this page is closed.")


def _start_images(key: str) -> None:
    if _going(key):
        return
    said = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 - open as long as the process
    command = [sys.executable, "-m", "core", "paper", "run", key, "--again"]
    process = subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.DEVNULL, stderr=said, text=True)
    _processes()[key] = _OnImages(process, said)
