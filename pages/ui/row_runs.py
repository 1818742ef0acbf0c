"""What happens when a row of the paper's table is run again, and how that stands: a bar that stays in sight.

A row is trained by a worker like any other run, a row of the notebook by a thread of this server. Rows whose features
are not on this machine first offer to make them; rows with BatchNorm in training mode need all images in every epoch,
so a process of their own trains them (`python -m core paper run ROW`). Both say size and time before they begin.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np
import streamlit as st

from core.config.run import RunConfig
from core.data.banks import Listing
from core.data.registry import DATASETS
from core.errors import LabError
from core.experiment.features import find_features
from core.paper.rows import Row
from core.paper.table import Line, Measured
from core.report.numbers import plus_minus
from core.runs.snapshots import Snapshot
from core.runs.store import LIVE
from core.settings import settings
from core.statistics.intervals import Interval, share_interval
from core.words import duration
from pages.ui.extraction import (
    Command,
    extraction_of,
    extraction_offer,
    start_extraction,
    unreadable_images_mb,
)
from pages.ui.notebook_run import Computation
from pages.ui.panel import escape, panel
from pages.ui.service import jobs, may_control, person
from pages.ui.standing import WORKERS_START


class _Button(NamedTuple):
    """What a person can do about a row now."""

    label: str
    press: Callable[[], None]
    primary: bool = True


@dataclass(frozen=True)
class _Standing:
    """How a row stands: what the bar says and offers."""

    status: str
    html: str
    share: float = 0.0
    """How much of the work is done, in [0, 1]"""
    going: bool = False
    """Whether it changes by itself"""
    button: _Button | None = None


def run_row(row: Row) -> None:
    """Start a row that is not under way, or offer what it lacks."""
    st.session_state.paper_latest = row.key
    st.session_state.paper_problem = ""
    if _standing(Line(row, None, None)).going:
        return
    if row.config is None:
        _computations()[row.key] = Computation(row)
        _computations()[row.key].start()
    elif row.config.protocol != "paper_batchnorm" and _listing(row.config).state != "missing":
        try:
            _runs()[row.key] = jobs().submit(row.config, owner=person())
        except LabError as error:
            st.session_state.paper_problem = str(error)


def with_own(line: Line) -> Line:
    """The line with what the person at this browser computed of the notebook."""
    own = _computations().get(line.row.key)
    return Line(line.row, line.measured, own.measured) if own and own.measured else line


def row_view(lines: dict[str, Line]) -> None:
    """How the row that was started last stands; redraws itself while it goes on."""
    key = st.session_state.get("paper_latest")
    going = key is not None and _standing(lines[key]).going
    st.fragment(_draw, run_every=0.5 if going else None)(lines, key, going)


def _draw(lines: dict[str, Line], key: str | None, was_going: bool) -> None:
    standing = _NOTHING_YET if key is None else _standing(lines[key])
    html = (
        f'<div class="status" role="status"><span class="dot {standing.status}"></span>'
        f"<span>{standing.html}</span></div>"
        f'<div class="bar"><div class="{standing.status}" style="width:{100 * standing.share:.1f}%"></div></div>'
    )
    with st.container(horizontal=True, vertical_alignment="center", key="again-bar"):
        panel(html, key="again", min_height=56)
        if standing.button:
            label, press, primary = standing.button
            st.button(label, key="again-button", type="primary" if primary else "secondary", on_click=press)
    if was_going != standing.going:
        st.rerun()


_NOTHING_YET = _Standing("idle", "The button in a row runs it again on this server; here stands what comes out.")


# --- words ------------------------------------------------------------------------------------------------------------


def features_title(row: Row) -> str:
    """What a row's head looks at."""
    if row.config is None or DATASETS[row.dataset].is_points:
        return "2 coordinates"
    size = f", {row.cut.n_features}" if row.cut else ""
    return row.config.cut.title.split(",")[0].removesuffix(" (the paper's)") + size


def head_title(row: Row) -> str:
    """What a row's head is called, as everywhere here; the authors' names for those of the notebook are others."""
    return row.config.head.style.label if row.config else NOTEBOOK_HEADS[row.head_name]


NOTEBOOK_HEADS = {"classical": "mlp", "hybrid": "quantum"}
"""The notebook's network → what a head of its kind is called here."""


def short_title(row: Row) -> str:
    """Data, features, protocol and head in a few words that no other row has."""
    words = [DATASETS[row.dataset].title]
    if not DATASETS[row.dataset].is_points:
        words.append(features_title(row).split(",")[0].removeprefix("ResNet-18 ").removeprefix("to "))
    return ", ".join([*words, row.protocol.removeprefix("paper, "), head_title(row)])


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


# --- how a row stands -------------------------------------------------------------------------------------------------


def _standing(line: Line) -> _Standing:
    if st.session_state.paper_problem:
        return _Standing("failed", escape(st.session_state.paper_problem))
    try:
        return _standing_of(line)
    except LabError as error:
        return _Standing("failed", f"{_title(line.row)}: {escape(str(error))}")


def _standing_of(line: Line) -> _Standing:
    row = line.row
    if row.config is None:
        return _of_notebook(line, _computations()[row.key]) if row.key in _computations() else _NOTHING_YET
    if row.config.protocol == "paper_batchnorm":
        return _of_images(line, row.config)
    if row.key in _runs():
        return _of_run(line, jobs().snapshot(_runs()[row.key]))
    listing = _listing(row.config)
    if listing.state == "missing":
        return _of_extraction(row, row.config, listing)
    return _Standing("idle", f"{_title(row)}: its features are here.", button=_Button("Train", partial(run_row, row)))


def _runs() -> dict[str, str]:
    """Row key → the run that this browser started."""
    runs: dict[str, str] = st.session_state.setdefault("paper_runs", {})
    return runs


def _computations() -> dict[str, Computation]:
    """Row key → the network of the notebook that this browser asked for."""
    computations: dict[str, Computation] = st.session_state.setdefault("paper_notebook", {})
    return computations


def _listing(config: RunConfig) -> Listing:
    return find_features(config.dataset, config.cut.key)


def _stop_button(stop: Callable[[], None]) -> _Button:
    return _Button("Stop", stop, primary=False)


def _of_notebook(line: Line, computation: Computation) -> _Standing:
    status = computation.status
    if computation.measured:
        return _Standing(status, _told(line, computation.measured.best), 1.0)
    going = status in LIVE
    html = f"{_title(line.row)}: {escape(computation.told())}"
    return _Standing(status, html, computation.share, going, _stop_button(computation.stop) if going else None)


def _of_run(line: Line, snapshot: Snapshot) -> _Standing:
    link = f' <a href="./?run={escape(snapshot.run_id)}" target="_self">Open it in the laboratory</a>'
    if snapshot.finished:
        return _Standing("finished", _told(line, share_interval(snapshot.finished.test_accuracy)) + link, 1.0)
    going = snapshot.status in LIVE
    done, n_epochs = len(snapshot.epochs), snapshot.config.epochs
    match snapshot.status:
        case "queued":
            text = f"waiting, place {snapshot.position} in the queue" if snapshot.position else "about to start"
            text = jobs().problem or (text if jobs().wait_until_ready(0) else f"{WORKERS_START}, then it trains")
        case "running":
            text = f"{done} of {n_epochs} epochs"
            if snapshot.epochs:
                left = float(np.mean([epoch.seconds for epoch in snapshot.epochs])) * (n_epochs - done)
                text += f", {duration(left)} left"
        case _:
            text = f"{snapshot.status} after {done} of {n_epochs} epochs. {snapshot.message}".strip()
    html = f"{_title(line.row)}: {escape(text)}{'' if going else link}"
    stop = _stop_button(partial(_stop_run, snapshot.run_id)) if going else None
    return _Standing(snapshot.status, html, done / n_epochs, going, stop)


def _stop_run(run_id: str) -> None:
    try:
        jobs().stop(run_id)
    except LabError as error:
        st.session_state.paper_problem = str(error)


# --- rows that need images --------------------------------------------------------------------------------------------


_AS_BUSY = "on this machine as busy as it is now"


class _Cost(NamedTuple):
    """What a row takes that needs images."""

    seconds: float
    megabytes: float
    """Of weights and images that are not on this machine, 10^6 bytes"""


@st.cache_resource(ttl=600, show_spinner=False)
def _costs() -> dict[RunConfig, Future[_Cost]]:
    """Settings → what they take on this machine, as measured not long ago."""
    return {}


def _cost(config: RunConfig) -> _Cost | None:
    """What a row takes; None while a thread measures it."""
    if config not in _costs():
        _costs()[config] = Future()
        threading.Thread(target=_measure, args=(config, _costs()[config]), name="speed", daemon=True).start()
    cost = _costs()[config]
    return cost.result() if cost.done() else None


def _measure(config: RunConfig, cost: Future[_Cost]) -> None:
    try:
        from core.data.backbones import checkpoint_file, images_per_second
        from core.training.on_images import estimate_seconds

        entry = DATASETS[config.dataset]
        if config.protocol == "paper_batchnorm":
            seconds = estimate_seconds(config)
        else:
            seconds = entry.n_samples / images_per_second(config.cut, n_images=4)
        listed = config.cut.listed
        checkpoint = checkpoint_file(config.backbone, config.weights)
        weights_mb = listed.download_mb if listed and checkpoint and not checkpoint[0].is_file() else 0.0
        seen = entry.images_are_here(settings().data_dir)
        images_mb = unreadable_images_mb(config.dataset) if seen else entry.download_mb
        cost.set_result(_Cost(seconds, weights_mb + images_mb))
    except LabError as error:
        cost.set_exception(error)
    except Exception as error:  # whoever asks for the result is told
        cost.set_exception(LabError(f"How long it takes could not be measured: {error or type(error).__name__}."))


def _of_extraction(row: Row, config: RunConfig, listing: Listing) -> _Standing:
    extraction = extraction_of(listing)
    if extraction is not None and not extraction.ended:
        text, share = extraction.told()
        return _Standing("running", f"{_title(row)}: {escape(text)}", share, going=True)
    start = _Button(extraction_offer(listing), partial(start_extraction, listing))
    if extraction is not None and extraction.problem:
        return _Standing("failed", f"{_title(row)}: {escape(extraction.problem)}", button=start)
    cost = _cost(config)
    takes = f"about {duration(cost.seconds)} {_AS_BUSY}" if cost else "how long is being measured"
    seen = f"the network has to see {DATASETS[config.dataset].n_samples:,} images once, {takes}"
    html = f"{_title(row)}: {seen}. Training then takes seconds."
    return _Standing("idle", html, going=cost is None, button=start)


@st.cache_resource(show_spinner=False)
def _commands() -> dict[str, Command]:
    """Row key → the process that trains it on images, for everybody on this server."""
    return {}


def _of_images(line: Line, config: RunConfig) -> _Standing:
    """A row with BatchNorm in training mode: no features to keep, the full network sees all images in every epoch."""
    row, command = line.row, _commands().get(line.row.key)
    if command is not None and not command.ended:
        text, share = command.told()
        stop = _stop_button(command.stop) if may_control(command.owner) else None
        return _Standing("running", f"{_title(row)}: {escape(text)}", share, True, stop)
    cost = _cost(config)
    label = "Train on images"
    if cost and cost.megabytes:
        label = f"Download {cost.megabytes:.0f} MB and train"
    elif cost:
        label = f"Train for about {duration(cost.seconds)}"
    start = _Button(label, partial(_start_images, row.key, config)) if cost else None
    if command is not None and command.problem:
        return _Standing("failed", f"{_title(row)}: {escape(command.problem)}", button=start, going=cost is None)
    if command is not None and not command.stopped:
        finished = jobs().snapshot(row.run_id).finished
        if finished:
            return _Standing("finished", _told(line, share_interval(finished.test_accuracy)), 1.0)
    seen = f"{config.epochs} epochs of {DATASETS[config.dataset].n_samples:,} images through the full network"
    takes = f"about {duration(cost.seconds)} {_AS_BUSY}" if cost else "how long is being measured"
    words = "stopped. " if command is not None and command.stopped else ""
    html = f"{_title(row)}: {words}{seen}, {takes}. It goes on when this page is closed."
    return _Standing("stopped" if words else "idle", html, going=cost is None, button=start)


def _start_images(key: str, config: RunConfig) -> None:
    command = _commands().get(key)
    if command is not None and not command.ended:
        return
    arguments = ("paper", "run", key, "--again", "--download", "--json")
    _commands()[key] = Command(
        arguments, "Getting network and images, from their publishers where they are missing", person()
    )
    _commands()[key].start()
    _costs().pop(config, None)  # what it downloads will be there
