"""What every kind of work has: a frozen description, one generator of events, and what is kept of its result."""

from collections.abc import Iterator
from typing import Any, ClassVar

from core.config.run import Frozen
from core.errors import LabError
from core.events import Checkpoint, Event, Result


class Work(Frozen):
    """One piece of work, described completely: equal descriptions ask for the same.

    A kind adds ``kind``, a literal that names it in records, and its fields. Making one loads neither torch nor
    PennyLane; what does the work is imported when that begins.
    """

    is_long: ClassVar[bool] = True
    """Whether it takes minutes: then it leaves a worker free for what takes seconds, where there are two."""
    goes_on: ClassVar[bool] = False
    """Whether it can be tried again after its process was lost, without doing all of it anew."""

    @property
    def title(self) -> str:
        """What it does, in a few words for a person."""
        raise NotImplementedError

    def material(self) -> Any:
        """What a worker on another machine has to be given, read in the process that asks for the work.

        Raises `LabError` when something is missing without which the work cannot begin.
        """
        return None

    def events(self, material: Any = None, checkpoint: Checkpoint | None = None) -> Iterator[Event]:
        """Do the work; closing the generator ends it. The last event is its `Result`.

        Args:
            material: what `material` returned; None reads it from this machine's disk.
            checkpoint: where to go on, for work that has checkpoints; None starts anew.

        Raises `LabError` when it cannot be done.
        """
        raise NotImplementedError

    def keep(self, result: Result) -> None:
        """Store what came out where it belongs, whole or not at all; the record holds its summary."""
        raise NotImplementedError


def unable(error: Exception) -> LabError:
    """An error of the program, in one sentence."""
    reason = " ".join(str(error).split())[:300]
    return LabError(f"It ended with an error of the program ({type(error).__name__}: {reason})")
