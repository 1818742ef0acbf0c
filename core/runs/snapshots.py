"""How work stands, for whoever looks: an immutable picture, replaced as a whole with every event."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

from core.config.run import RunConfig
from core.events import Epoch, Event, Finished, Progress, Started, Step
from core.runs.store import LIVE, Record, Status, Store, Summary

PACE_EPOCHS = 50
"""The pace of a run is the mean over so many of its latest epochs."""


@dataclass(frozen=True)
class Standing:
    """How work of any kind stands."""

    run_id: str
    owner: str
    status: Status
    message: str = ""
    """One sentence that says why, if the status needs one."""
    position: int = 0
    """Place in the queue, from 1; 0 if the work is not waiting."""
    progress: Progress | None = None
    """How far it is, where it tells; a run that trains tells steps and epochs instead."""

    def after(self, event: Event, now: float) -> Self:
        """How it stands once that event has happened, at that time of a monotonic clock, in seconds."""
        if isinstance(event, Progress):
            return replace(self, status="running", message="", progress=event)
        return self

    @property
    def mark(self) -> int:
        """Grows when the work gets further, so that a lost worker can be told from work that never gets on."""
        return self.progress.done if self.progress else 0


@dataclass(frozen=True, kw_only=True)
class Snapshot(Standing):
    """How a run stands."""

    config: RunConfig
    started: Started | None = None
    epochs: tuple[Epoch, ...] = ()
    step: Step | None = None
    """Progress since the last epoch, while running."""
    finished: Summary | None = None
    pace: float | None = None
    """Seconds that an epoch with its evaluation takes at present; None while that is not known to this process."""
    heard: tuple[tuple[float, float], ...] = field(default=(), repr=False, compare=False)
    """When this attempt had done how many epochs: at its start and after the latest ones."""

    def after(self, event: Event, now: float) -> Self:
        """How the run stands once that event has happened; in an attempt's first epoch, steps tell the pace."""
        match event:
            case Started():
                began = (now, event.first_epoch - 1.0)
                return replace(self, status="running", message="", progress=None, started=event, heard=(began,))
            case Step():
                done = event.epoch - 1 + event.step / self.started.steps_per_epoch if self.started else 0.0
                return replace(self, step=event, pace=self._pace(done, now) if len(self.heard) == 1 else self.pace)
            case Epoch():
                epochs = {epoch.epoch: epoch for epoch in self.epochs} | {event.epoch: event}
                ordered = tuple(epochs[number] for number in sorted(epochs))
                heard = (*self.heard, (now, float(event.epoch)))[-PACE_EPOCHS - 1 :]
                return replace(self, step=None, pace=self._pace(event.epoch, now), epochs=ordered, heard=heard)
            case Finished():
                return replace(self, status="finished", message="", step=None, finished=Summary.of(event))
        return super().after(event, now)

    def _pace(self, done: float, now: float) -> float | None:
        """Seconds per epoch of a run that has done so many by now; as before if that is no more than before."""
        began, done_before = self.heard[0] if self.heard else (0.0, done)
        return (now - began) / (done - done_before) if done > done_before else self.pace


class StoredSnapshots:
    """Snapshots of recorded runs; a record is read again only when it has changed."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[str, tuple[object, Snapshot]] = {}

    def snapshot(self, run_id: str) -> Snapshot:
        """How a run stands as its record says; `LabError` if there is none."""
        state = _file_state(self._store.readable_folder(run_id))
        known = self._known.get(run_id)
        if known is None or known[0] != state or known[1].status in LIVE:  # whoever trained it may have died since
            known = self._known[run_id] = state, from_record(self._store.load(run_id))
        return known[1]


def from_record(record: Record) -> Snapshot:
    """How the run of this record stands."""
    return Snapshot(
        run_id=record.run_id,
        config=record.config,
        owner=record.owner,
        status=record.status,
        message=record.message,
        started=record.started,
        epochs=tuple(record.epochs),
        finished=record.finished,
    )


def _file_state(folder: Path) -> object:
    """Changes whenever a record does."""
    states: list[object] = []
    for name in ("run.json", "epochs.jsonl"):
        try:
            status = (folder / name).stat()
            states.append((status.st_ino, status.st_size, status.st_mtime_ns))
        except OSError:
            states.append(None)
    return states
