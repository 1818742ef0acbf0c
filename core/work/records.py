"""What is stored of work: runs in folders of their own (`core.runs.store`)."""

from typing import Protocol

from core.events import Event
from core.runs.store import Status


class Log(Protocol):
    """Where work of some kinds is recorded."""

    def append(self, run_id: str, event: Event) -> None:
        """Write down what lasts of an event."""

    def set_status(self, run_id: str, status: Status, message: str = "") -> None:
        """Write down how the work stands; `message` is one sentence for a person that says why."""
