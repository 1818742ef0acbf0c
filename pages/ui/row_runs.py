"""What happens when a row of the paper's table is run again, and how that stands: a bar that stays in sight.

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
from core.data.registry import DATASETS
from core.errors import LabError
from core.experiment.features import find_features
from core.paper.rows import NotebookRow, Row, TrainedRow
from core.paper.table import Line, Measured, notebook_measured
from core.report.numbers import plus_minus
from core.runs.snapshots import Snapshot, Standing
from core.settings import settings
from core.statistics.intervals import Interval, share_interval
from core.words import duration
from core.work.kinds.measure import Measure
from core.work.records import WorkSnapshot
from core.work.rows import row_work
from pages.ui.extraction import extraction_of, extraction_offer, start_extraction, unreadable_images_mb
from pages.ui.panel import escape, panel
from pages.ui.service import jobs, may_control, person
from pages.ui.work_bar import SECONDS_BETWEEN_LOOKS, is_going, stop, told


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
    if not isinstance(row, TrainedRow) or not (row.needs_images or _listing(row).state == "missing"):
        _start(row)


def _start(row: Row) -> None:
    try:
        jobs().submit(row_work(row, download=True), owner=person())
    except LabError as error:
        st.session_state.paper_problem = str(error)


def with_own(line: Line) -> Line:
    """The line with what this server computed of the notebook."""
    if not isinstance(line.row, NotebookRow):
        return line
    own = _notebook_numbers(jobs().latest(row_work(line.row)))
    return Line(line.row, line.measured, own) if own else line


def _notebook_numbers(standing: Standing | None) -> Measured | None:
    values = standing.result if isinstance(standing, WorkSnapshot) else None
    return notebook_measured(values) if values else None


def row_view(lines: dict[str, Line]) -> None:
    """How the row that was started last stands; redraws itself while it goes on."""
    key = st.session_state.get("paper_latest")
    going = key is not None and _standing(lines[key]).going
    st.fragment(_draw, run_every=SECONDS_BETWEEN_LOOKS if going else None)(lines, key, going)


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


_NOTHING_YET = _Standing("idle", "The button in a row runs it again on this server; its result appears here.")


# --- words ------------------------------------------------------------------------------------------------------------


def features_title(row: Row) -> str:
    """What a row's head looks at."""
    if row.entry.is_points:
        return "2 coordinates"
    size = f", {row.cut.listed.n_features}" if row.cut.listed else ""
    return row.cut.name + size


def short_title(row: Row) -> str:
    """Data, features, protocol and head in a few words that no other row has."""
    words = [row.entry.title]
    if not row.entry.is_points:
        words.append(features_title(row).split(",")[0].removeprefix("ResNet-18 ").removeprefix("to "))
    return ", ".join([*words, row.protocol.removeprefix("paper, "), row.head_label])


def _title(row: Row) -> str:
    return escape(f"{row.entry.title}, {row.head_label}, {features_title(row)}, {row.protocol}")


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
    standing = jobs().latest(row_work(row, download=True))
    if standing is not None and is_going(standing):
        return _of_going(row, standing)
    if isinstance(row, TrainedRow) and row.needs_images:
        return _of_images(line, row, standing)
    if standing is not None:
        return _of_ended(line, standing)
    if isinstance(row, TrainedRow) and (listing := _listing(row)).state == "missing":
        return _of_extraction(row, listing)
    return _Standing("idle", f"{_title(row)}: nothing is missing.", button=_Button("Run", partial(run_row, row)))


def _listing(row: TrainedRow) -> Listing:
    return find_features(row.dataset, row.cut.key)


def _of_going(row: Row, standing: Standing) -> _Standing:
    text, share = told(standing)
    button = _Button("Stop", partial(stop, standing.run_id), primary=False) if may_control(standing.owner) else None
    return _Standing(standing.status, f"{_title(row)}: {escape(text)}", share, True, button)


def _of_ended(line: Line, standing: Standing) -> _Standing:
    link = ""
    if isinstance(standing, Snapshot):
        link = f' <a href="./?run={escape(standing.run_id)}" target="_self">Open it in the laboratory</a>'
    if again := _again(standing):
        return _Standing("finished", _told(line, again) + link, 1.0)
    where = ""
    if isinstance(standing, Snapshot):
        where = f" after {len(standing.epochs)} of {standing.config.epochs} epochs"
    text = f"{standing.status}{where}. {standing.message}".strip()
    return _Standing(standing.status, f"{_title(line.row)}: {escape(text)}{link}", _share(standing))


def _again(standing: Standing) -> Interval | None:
    """What came out."""
    if isinstance(standing, Snapshot):
        return share_interval(standing.finished.test_accuracy) if standing.finished else None
    numbers = _notebook_numbers(standing)
    return numbers.best if numbers else None


def _share(standing: Standing) -> float:
    return len(standing.epochs) / standing.config.epochs if isinstance(standing, Snapshot) else 0.0


# --- rows that need images --------------------------------------------------------------------------------------------


_AS_BUSY = "on this machine as busy as it is now"
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
        raise LabError(standing.message or "How long it takes was not measured: press the row's button again.")
    entry = DATASETS[config.dataset]
    seen = entry.images_are_here(settings().data_dir)
    images_mb = unreadable_images_mb(config.dataset) if seen else entry.download_mb
    return _Cost(standing.result["seconds"], standing.result["weights_mb"] + images_mb)


def _of_extraction(row: TrainedRow, listing: Listing) -> _Standing:
    extraction = extraction_of(listing)
    if extraction is not None and is_going(extraction):
        return _of_going(row, extraction)
    start = _Button(extraction_offer(listing), partial(start_extraction, listing))
    if extraction is not None and extraction.message:
        return _Standing("failed", f"{_title(row)}: {escape(extraction.message)}", button=start)
    cost = _cost(row.config)
    takes = f"about {duration(cost.seconds)} {_AS_BUSY}" if cost else "how long is being measured"
    seen = f"the network has to see {row.entry.n_samples:,} images once, {takes}"
    html = f"{_title(row)}: {seen}. Training then takes seconds."
    return _Standing("idle", html, going=cost is None, button=start)


def _of_images(line: Line, row: TrainedRow, standing: Standing | None) -> _Standing:
    """A row with BatchNorm in training mode: no features to keep, the full network sees all images in every epoch."""
    if standing is not None and standing.status == "finished":
        return _of_ended(line, standing)
    cost = _cost(row.config)
    label = "Train on images"
    if cost and cost.megabytes:
        label = f"Download {cost.megabytes:.0f} MB and train"
    elif cost:
        label = f"Train for about {duration(cost.seconds)}"
    start = _Button(label, partial(_start, row)) if cost else None
    if standing is not None and standing.message:
        return _Standing("failed", f"{_title(row)}: {escape(standing.message)}", button=start, going=cost is None)
    seen = f"{row.config.epochs} epochs of {row.entry.n_samples:,} images through the full network"
    takes = f"about {duration(cost.seconds)} {_AS_BUSY}" if cost else "how long is being measured"
    words = "stopped. " if standing is not None else ""
    html = f"{_title(row)}: {words}{seen}, {takes}. It goes on when this page is closed."
    return _Standing("stopped" if words else "idle", html, going=cost is None, button=start)
