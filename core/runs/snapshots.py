"""How runs stand, for whoever looks: an immutable picture of each, replaced as a whole."""

from dataclasses import dataclass
from pathlib import Path

from core.config.run import RunConfig
from core.events import Epoch, Started, Step
from core.runs.store import LIVE, Record, Status, Store, Summary


@dataclass(frozen=True)
class Snapshot:
    """How a run stands."""

    run_id: str
    config: RunConfig
    owner: str
    status: Status
    message: str = ""
    """One sentence that says why, if the status needs one."""
    position: int = 0
    """Place in the queue, from 1; 0 if the run is not waiting."""
    started: Started | None = None
    epochs: tuple[Epoch, ...] = ()
    step: Step | None = None
    """Progress since the last epoch, while running."""
    finished: Summary | None = None
    pace: float | None = None
    """Seconds that an epoch with its evaluation takes at present; None while that is not known to this process."""


class StoredSnapshots:
    """Snapshots of recorded runs; a record is read again only when it has changed."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[str, tuple[object, Snapshot]] = {}

    def snapshot(self, run_id: str) -> Snapshot:
        """How a run stands as its record says; `LabError` if there is none."""
        state = _file_state(self._store.found(run_id))
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
