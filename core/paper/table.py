"""The paper's table: every row with what was measured for it, in the runs that ship and again on this machine.

A row has no number until its run is stored. Needs no torch.
"""

import math
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from core.errors import LabError
from core.paper.notebook_record import notebook_results
from core.paper.rows import Row, TrainedRow, rows
from core.runs.store import SHIPPED, Record, Store, digest
from core.settings import settings
from core.statistics.intervals import Interval, mean_interval, share_interval


@dataclass(frozen=True)
class Measured:
    """What a stored run measured for a row; accuracies in [0, 1], intervals over seeds at 95 %."""

    seeds: int
    best: Interval
    """test accuracy at the chosen epoch: the best on test ("paper"), the best on validation ("ours"), the last one
    (the notebook)"""
    last: Interval | None
    """test accuracy after the last epoch; None under "ours", which looks at the test set once"""
    loss: Interval
    """test loss at the chosen epoch"""
    seconds: float
    """training time of all seeds together"""
    run_id: str


@dataclass(frozen=True)
class MeasuredRow:
    """A row with what was measured for it: in the runs that ship, and again on this machine."""

    row: Row
    shipped: Measured | None = None
    """None: no run ships"""
    again: Measured | None = None
    """The newest run of this machine; None: there is none"""

    @property
    def measured(self) -> Measured | None:
        """What stands beside the reported number; None: not run yet."""
        return self.shipped or self.again


def measured_rows(shipped: Path = SHIPPED, own: Path | None = None) -> list[MeasuredRow]:
    """Every row with its measurements, read from the folder of shipped runs and from a person's own."""
    own = own or settings().results_dir
    first = {row.key: _read(shipped, row.run_id).measured for row in rows() if (shipped / row.run_id).is_dir()}
    again = {key: each.measured for key, each in _runs_again(own, shipped).items()}
    first |= _notebook(shipped)
    if own != shipped:
        again |= _notebook(own)
    return [MeasuredRow(row, first.get(row.key), again.get(row.key)) for row in rows()]


def measured_by(record: Record) -> Measured | None:
    """What a run measured; None before it has finished."""
    if record.finished is None:
        return None
    last = share_interval(record.epochs[-1].validation_accuracy) if record.config.protocol != "ours" else None
    return Measured(
        seeds=len(record.finished.test_accuracy),
        best=share_interval(record.finished.test_accuracy),
        last=last,
        loss=mean_interval(record.finished.test_loss),
        seconds=record.finished.seconds,
        run_id=record.run_id,
    )


@dataclass(frozen=True)
class _Read:
    """What the table needs of a stored run."""

    digest: str
    created: datetime
    measured: Measured | None


def _read(root: Path, run_id: str) -> _Read:
    return _read_at(root, run_id, (root / run_id / "run.json").stat().st_mtime_ns)


@lru_cache(maxsize=4096)
def _read_at(root: Path, run_id: str, _modified: int) -> _Read:
    record = Store(root).load(run_id)
    return _Read(digest(record.config), record.created, measured_by(record))


def _runs_again(root: Path, shipped: Path) -> dict[str, _Read]:
    """Row key → the newest finished run that a person made with exactly that row's settings."""
    wanted = {digest(row.config): row for row in rows() if isinstance(row, TrainedRow)}
    newest: dict[str, _Read] = {}
    for run_id in Store(root).run_ids():
        try:
            read = _read(root, run_id)
        except LabError:
            continue  # a record that cannot be read counts for no row
        row = wanted.get(read.digest)
        if row is None or read.measured is None or (root == shipped and run_id == row.run_id):
            continue
        if row.key not in newest or newest[row.key].created < read.created:
            newest[row.key] = read
    return newest


def _notebook(root: Path) -> dict[str, Measured]:
    """Row key → what the notebook's computation measured that is stored in this folder."""
    return {key: notebook_measured(values) for key, values in notebook_results(root).items()}


def notebook_measured(values: dict[str, Any]) -> Measured:
    """A stored result of the notebook as a measurement: one seed, without any interval."""
    once = Interval(values["accuracy"], math.nan, math.nan)
    loss = Interval(values["loss"], math.nan, math.nan)
    return Measured(seeds=1, best=once, last=once, loss=loss, seconds=values["seconds"], run_id="")
