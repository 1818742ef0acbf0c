"""How a row of the paper's table stands that is run again, and what a person can do about it.

Every row is work in the queue. Rows whose features are not on this machine first offer to make them; rows with
BatchNorm in training mode need all images in every epoch. Both say size and time before they begin.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import NamedTuple

import streamlit as st

from core.config.run import RunConfig
from core.data.banks import Listing
from core.data.registry import dataset
from core.errors import LabError
from core.experiment.features import find_features
from core.paper.rows import NotebookRow, Row, TrainedRow
from core.paper.table import Measured, MeasuredRow, measured_rows, notebook_measured
from core.paper.titles import full_title
from core.report.numbers import plus_minus
from core.report.paper import beside_shipped
from core.runs.snapshots import Snapshot, Standing
from core.settings import settings
from core.statistics.intervals import Interval, share_interval
from core.words import duration
from core.work.kinds.measure import Measure
from core.work.records import WorkSnapshot
from core.work.rows import row_work
from pages.ui.extraction import extraction_of, extraction_offer, start_extraction, unreadable_images_mb
from pages.ui.panel import escape
from pages.ui.paper import wording
from pages.ui.service import jobs, may_control, person
from pages.ui.work_bar import is_going, stop, told


class Button(NamedTuple):
    """What a person can do about a row now."""

    label: str
    press: Callable[[], None]
    primary: bool = True


@dataclass(frozen=True)
class RowStanding:
    """How a row stands: what its bar shows and offers."""

    status: str
    html: str
    share: float = 0.0
    """How much of the work is done, in [0, 1]"""
    going: bool = False
    """Whether it changes by itself"""
    button: Button | None = None


def measured_here() -> list[MeasuredRow]:
    """Every row with its measurements, also those that this server's workers computed of the notebook."""
    return [_with_own(line) if isinstance(line.row, NotebookRow) else line for line in measured_rows()]


def _with_own(line: MeasuredRow) -> MeasuredRow:
    own = _notebook_numbers(jobs().latest(row_work(line.row)))
    return MeasuredRow(line.row, line.shipped, own) if own else line


def start(row: Row) -> None:
    """Queue the work of a row; what makes that impossible is shown in its bar."""
    try:
        jobs().submit(row_work(row, download=True), owner=person())
    except LabError as error:
        st.session_state.setdefault("paper_problems", {})[row.key] = str(error)


def listing(row: TrainedRow) -> Listing:
    """The features of a row, made or not."""
    return find_features(row.dataset, row.cut.key)


def row_standing(line: MeasuredRow) -> RowStanding:
    """How a row stands now."""
    if problem := st.session_state.get("paper_problems", {}).get(line.row.key):
        return RowStanding("failed", _about(line.row, problem))
    try:
        return _standing_of(line)
    except LabError as error:
        return RowStanding("failed", _about(line.row, str(error)))


def _about(row: Row, text: str) -> str:
    return escape(f"{full_title(row)}: {text}")


def _standing_of(line: MeasuredRow) -> RowStanding:
    row = line.row
    standing = jobs().latest(row_work(row, download=True))
    if standing is not None and is_going(standing):
        return _of_going(row, standing)
    if isinstance(row, TrainedRow) and row.needs_images:
        return _of_images(line, row, standing)
    if standing is not None:
        return _of_ended(line, standing)
    if isinstance(row, TrainedRow) and listing(row).state == "missing":
        return _of_extraction(row)
    return RowStanding("idle", _about(row, wording.READY), button=Button("Run", partial(start, row)))


def _of_going(row: Row, standing: Standing) -> RowStanding:
    text, share = told(standing)
    button = Button("Stop", partial(stop, standing.run_id), primary=False) if may_control(standing.owner) else None
    return RowStanding(standing.status, _about(row, text), share, True, button)


def _of_ended(line: MeasuredRow, standing: Standing) -> RowStanding:
    link = ""
    if isinstance(standing, Snapshot):
        link = f' <a href="./?run={escape(standing.run_id)}" target="_self">Open it in the laboratory</a>'
    if again := _again(standing):
        outcome = f"<b>{plus_minus(again)}</b>, {escape(beside_shipped(line.shipped, again))}."
        return RowStanding("finished", f"{_about(line.row, '')}{outcome}{link}", 1.0)
    where, share = "", 0.0
    if isinstance(standing, Snapshot):
        where = f" after {len(standing.epochs)} of {standing.config.epochs} epochs"
        share = len(standing.epochs) / standing.config.epochs
    text = f"{standing.status}{where}. {standing.message}".strip()
    return RowStanding(standing.status, f"{_about(line.row, text)}{link}", share)


def _again(standing: Standing) -> Interval | None:
    """The accuracy that was measured; None where the work did not come to its end."""
    if isinstance(standing, Snapshot):
        return share_interval(standing.finished.test_accuracy) if standing.finished else None
    numbers = _notebook_numbers(standing)
    return numbers.best if numbers else None


def _notebook_numbers(standing: Standing | None) -> Measured | None:
    values = standing.result if isinstance(standing, WorkSnapshot) else None
    return notebook_measured(values) if values else None


# --- rows that need images --------------------------------------------------------------------------------------------


MEASURED_ANEW = timedelta(minutes=10)
"""After which what work takes is measured again."""


class _Cost(NamedTuple):
    """What a row takes that needs images."""

    seconds: float
    megabytes: float
    """Of weights and images that are not on this machine, 10^6 bytes"""


def _cost(config: RunConfig) -> _Cost | None:
    """What a row takes; None while a worker measures it."""
    measuring = Measure(config=config)
    standing = jobs().latest(measuring)
    if is_going(standing):
        return None
    fresh = isinstance(standing, WorkSnapshot) and datetime.now(UTC) - standing.created < MEASURED_ANEW
    if not isinstance(standing, WorkSnapshot) or not fresh:
        jobs().submit(measuring, owner=person())
        return None
    if standing.result is None:
        raise LabError(standing.message or wording.NOT_MEASURED)
    entry = dataset(config.dataset)
    seen = entry.images_are_here(settings().data_dir)
    images_mb = unreadable_images_mb(config.dataset) if seen else entry.download_mb
    return _Cost(standing.result["seconds"], standing.result["weights_mb"] + images_mb)


def _takes(cost: _Cost | None) -> str:
    return wording.takes_about(duration(cost.seconds)) if cost else wording.MEASURING


def _of_extraction(row: TrainedRow) -> RowStanding:
    features = listing(row)
    extraction = extraction_of(features)
    if extraction is not None and is_going(extraction):
        return _of_going(row, extraction)
    button = Button(extraction_offer(features), partial(start_extraction, features))
    if extraction is not None and extraction.message:
        return RowStanding("failed", _about(row, extraction.message), button=button)
    cost = _cost(row.config)
    text = f"{wording.passes(row.entry.n_samples, _takes(cost))}. {wording.FEATURES_FIRST}"
    return RowStanding("idle", _about(row, text), going=cost is None, button=button)


def _of_images(line: MeasuredRow, row: TrainedRow, standing: Standing | None) -> RowStanding:
    """A row with BatchNorm in training mode: no features to keep, the full network sees all images in every epoch."""
    if standing is not None and standing.status == "finished":
        return _of_ended(line, standing)
    cost = _cost(row.config)
    button = Button(_train_label(cost), partial(start, row)) if cost else None
    if standing is not None and standing.message:
        return RowStanding("failed", _about(row, standing.message), button=button, going=cost is None)
    text = f"{wording.epochs_on_images(row.config.epochs, row.entry.n_samples, _takes(cost))}. {wording.GOES_ON}"
    if standing is None:
        return RowStanding("idle", _about(row, text), going=cost is None, button=button)
    return RowStanding("stopped", _about(row, f"stopped. {text}"), going=cost is None, button=button)


def _train_label(cost: _Cost) -> str:
    if cost.megabytes:
        return f"Download {cost.megabytes:.0f} MB and train"
    return f"Train for about {duration(cost.seconds)}"
