"""A piece of work that is queued or under way: how it stands, its record, and what events and outcomes make of it."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

from core.errors import LabError
from core.events import Checkpoint, Event, Step
from core.runs.snapshots import Snapshot, Standing
from core.runs.store import Status
from core.work.attempt import Attempt
from core.work.kinds.base import Work
from core.work.records import Log
from core.work.worker import Outcome

ATTEMPTS = 3
"""How often work may lose its worker process at the same point before a person has to resume it."""


@dataclass(eq=False)
class Job:
    """A piece of work of this process; only the owning thread changes it."""

    work: Work
    log: Log
    snapshot: Standing
    material: Any
    tell: Callable[[str], None]
    """Called with its id after every change of the snapshot."""
    checkpoint: Checkpoint | None = None
    attempt: Attempt | None = None
    """The attempt under way, if there is one."""
    lost: str = ""
    """Name of the latest attempt before."""
    wanted: Literal["paused", "stopped", "interrupted", "failed", "queued"] | None = None
    """What it shall become when its attempt has ended."""
    message: str = ""
    losses: int = 0
    """How many workers died under it since it had come so far:"""
    lost_after: int = 0
    unwritten: bool = False
    """Whether the disk refused a part of its record: then memory is the better source."""

    @property
    def run_id(self) -> str:
        return self.snapshot.run_id

    def show(self, **changes: Any) -> None:
        """Change how it stands."""
        self._become(replace(self.snapshot, **changes))

    def begun(self) -> None:
        """A worker has begun; it may be asked to stop already."""
        if self.wanted and self.attempt:
            self.attempt.ask_to_stop()

    def hear(self, event: Event) -> None:
        """Write an event down and show it."""
        if isinstance(event, Checkpoint):
            self.checkpoint = event
        if not isinstance(event, Step):
            self._write(event)
        self._become(self.snapshot.after(event, time.monotonic()))

    def conclude(self, outcome: Outcome | None) -> None:
        """Write down what an attempt came to (None: its worker process was lost) and decide what becomes of the work:
        "queued" again, or ended."""
        if self.attempt is not None:
            self.lost, self.attempt = self.attempt.name, None
        if outcome is None:
            self._survive()
            return
        known = {epoch.epoch for epoch in self.snapshot.epochs} if isinstance(self.snapshot, Snapshot) else set()
        for event in outcome.epochs:
            if event.epoch not in known:
                self.hear(event)
        if outcome.result is not None and self._write(outcome.result):
            self._become(self.snapshot.after(outcome.result, time.monotonic()))
            return
        if outcome.checkpoint is not None and (
            self.checkpoint is None or outcome.checkpoint.epoch > self.checkpoint.epoch
        ):
            self.hear(outcome.checkpoint)
        if outcome.ended == "failed":
            self.end("failed", outcome.message)
        else:
            self._become_wanted()

    def end(self, status: Status, message: str = "") -> None:
        """Let it be over, for a reason that is one sentence."""
        self._guard(lambda: self.log.set_status(self.run_id, status, message))
        message = self.message if self.unwritten else message
        self.show(status=status, message=message, position=0, **self._nothing_under_way())

    def ask_to_stop(self, wanted: Literal["paused", "stopped", "interrupted"], message: str = "") -> None:
        """Let the attempt under way end after its current step, to become what is wanted."""
        self.wanted, self.message = wanted, message
        if not isinstance(self.snapshot, Snapshot):
            self.show(message="Stopping after the step under way.")
        if self.attempt:
            self.attempt.ask_to_stop()

    def _become(self, snapshot: Standing) -> None:
        if snapshot is not self.snapshot:
            self.snapshot = snapshot
            self.tell(self.run_id)

    def _survive(self) -> None:
        """The worker process ended under it: go on from the last checkpoint, unless that never gets further."""
        mark = self.checkpoint.epoch if self.checkpoint else self.snapshot.mark
        self.losses = 1 if mark > self.lost_after else self.losses + 1
        self.lost_after = mark
        if self.wanted:
            self._become_wanted()
            return
        is_run = isinstance(self.snapshot, Snapshot)
        where = f"after epoch {mark}" if is_run else "at the same point"
        if not self.work.goes_on:
            self.end("interrupted", "Its worker process ended, perhaps for want of memory: start it again.")
        elif self.losses < ATTEMPTS:
            self._wait_again(f"Its worker process ended; it goes on {where if is_run else 'where it was'}.")
        else:
            times = "once" if self.losses == 1 else f"{self.losses} times"
            again = "resume it" if is_run else "start it again"
            self.end("interrupted", f"Its worker process ended {times} {where}, perhaps for want of memory: {again}.")

    def _become_wanted(self) -> None:
        wanted, self.wanted = self.wanted or "interrupted", None
        if wanted == "queued":
            self._wait_again("")
        else:
            self.end(wanted, self.message)

    def _wait_again(self, message: str) -> None:
        self.show(status="queued", message=message, **self._nothing_under_way())

    def _nothing_under_way(self) -> dict[str, None]:
        return {"step": None} if isinstance(self.snapshot, Snapshot) else {}

    def _write(self, event: Event) -> bool:
        return self._guard(lambda: self.log.append(self.run_id, event))

    def _guard(self, write: Callable[[], None]) -> bool:
        """Write to the disk; if it refuses, end the work and say why, and keep in memory what was measured."""
        try:
            write()
        except LabError as error:
            self.unwritten, self.message = True, str(error)
            if self.attempt and self.wanted != "failed":
                self.wanted = "failed"
                self.attempt.ask_to_stop()
            return False
        return True
