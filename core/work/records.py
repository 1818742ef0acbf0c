"""What is stored of work that is no run: one folder ``results/work/<id>/`` for each.

    work.json     description, owner, status, progress, and at the end what came out, in short
    owner.lock    locked by the process that works on it, for as long as that process lives

Work that trains a head is a run, whose record is `core.runs.store`'s; what other work makes lies where that belongs
(features in the cache, comparisons beside the others), stored by the kind itself before the record says "finished".
"""

import json
import secrets
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from threading import RLock
from time import monotonic
from typing import Any, Protocol, Self

from core.errors import LabError
from core.events import Event, Progress, Result
from core.files import json_text, replace_text, writing
from core.runs.ownership import Ownership
from core.runs.snapshots import Standing
from core.runs.store import LIVE, Status
from core.work.kinds.base import Work
from core.work.kinds.registry import read_work

SECONDS_BETWEEN_PROGRESS = 1.0
"""How often progress is written down."""


class Log(Protocol):
    """Where work of some kinds is recorded."""

    def append(self, run_id: str, event: Event) -> None:
        """Write down what lasts of an event."""

    def set_status(self, run_id: str, status: Status, message: str = "") -> None:
        """Write down how the work stands; `message` is one sentence for a person that says why."""


@dataclass(frozen=True, kw_only=True)
class WorkSnapshot(Standing):
    """How work stands that is no run."""

    work: Work
    created: datetime
    result: dict[str, Any] | None = None
    """What came out, in short; None before that."""

    def after(self, event: Event, now: float) -> Self:
        """How it stands once that event has happened."""
        if isinstance(event, Result):
            return replace(self, status="finished", message="", result=event.summary())
        return super().after(event, now)


class WorkStore:
    """The records of work below one folder. Threads and processes may share it; each record has one writer."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._owned = Ownership()
        self._known: dict[str, WorkSnapshot] = {}  # those this object writes
        self._written: dict[str, float] = {}  # when progress was written last
        self._mutex = RLock()

    def create(self, work: Work, owner: str = "") -> WorkSnapshot:
        """Make the record of new, queued work."""
        now = datetime.now(UTC)
        kind = work.model_dump()["kind"].replace(" ", "_")
        run_id = f"{now.astimezone():%Y%m%d-%H%M%S}-{kind}-{secrets.token_hex(3)}"
        with self._mutex, self._writing():
            (self.root / run_id).mkdir(parents=True)
            self._owned.take(self.root / run_id)
            self._write(WorkSnapshot(run_id=run_id, owner=owner, status="queued", work=work, created=now))
        return self._known[run_id]

    def append(self, run_id: str, event: Event) -> None:
        """Write down what lasts of an event; a result is stored by its kind before the record says so."""
        with self._mutex, self._writing():
            known = self._known[run_id].after(event, monotonic())
            if isinstance(event, Result):
                known.work.keep(event)
            elif isinstance(event, Progress):
                self._known[run_id] = known
                if monotonic() - self._written.get(run_id, 0.0) < SECONDS_BETWEEN_PROGRESS:
                    return
                self._written[run_id] = monotonic()
            self._write(known)

    def set_status(self, run_id: str, status: Status, message: str = "") -> None:
        """Write down how the work stands."""
        with self._mutex, self._writing():
            self._write(replace(self._known[run_id], status=status, message=message))

    def has(self, run_id: str) -> bool:
        """Whether there is such a record."""
        return run_id in self.run_ids()

    def load(self, run_id: str) -> WorkSnapshot:
        """How recorded work stands; `LabError` if there is none of that id, or it cannot be read."""
        if not self.has(run_id):
            raise LabError(f"There is no work {run_id[:100]!r} in {self.root}: it was removed, or made elsewhere")
        folder = self.root / run_id
        try:
            values = json.loads((folder / "work.json").read_text(encoding="utf-8"))
            status, message = values["status"], values["message"]
            if status in LIVE and not self._owned.is_held(folder):
                status, message = "interrupted", "The process that did this ended before it was done: start it again."
            return WorkSnapshot(
                run_id=run_id,
                owner=values["owner"],
                status=status,
                message=message,
                progress=Progress(**values["progress"]) if values["progress"] else None,
                work=read_work(values["work"]),
                created=datetime.fromisoformat(values["created"]),
                result=values["result"],
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise LabError(f"The record of {run_id} cannot be read ({error}): move {folder} away") from None

    def load_all(self) -> list[WorkSnapshot]:
        """All records that can be read, oldest first."""
        records = []
        for run_id in self.run_ids():
            try:
                records.append(self.load(run_id))
            except LabError:
                continue
        return sorted(records, key=lambda snapshot: snapshot.created)

    def run_ids(self) -> list[str]:
        """Ids of all records."""
        return sorted(path.parent.name for path in self.root.glob("*/work.json"))

    def close(self) -> None:
        """Let go of all work; what is not over reads as interrupted from now on."""
        with self._mutex:
            self._owned.close()

    def _write(self, snapshot: WorkSnapshot) -> None:
        values = {
            "run_id": snapshot.run_id,
            "status": snapshot.status,
            "message": snapshot.message,
            "owner": snapshot.owner,
            "created": snapshot.created.isoformat(),
            "work": snapshot.work.model_dump(mode="json"),
            "progress": vars(snapshot.progress) if snapshot.progress else None,
            "result": snapshot.result,
        }
        folder = self.root / snapshot.run_id
        replace_text(folder / "work.json", json_text(values))
        self._known[snapshot.run_id] = snapshot
        if snapshot.status not in LIVE:
            del self._known[snapshot.run_id]
            self._owned.release(folder)

    def _writing(self) -> AbstractContextManager[None]:
        return writing(self.root, "the records of work", "LAB_RESULTS_DIR")
