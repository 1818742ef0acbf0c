"""A kind of work for tests: a file of its own, as a new kind would be, which worker processes can import."""

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from core.events import Checkpoint, Event, Progress, Result
from core.work.kinds.base import Work


@dataclass(frozen=True)
class Counted(Result):
    total: int

    def summary(self) -> dict[str, Any]:
        return {"total": self.total}


class Count(Work):
    """A new kind in one file: counts, and says so on its process's standard error at length."""

    kind: Literal["count"] = "count"
    goes_on: ClassVar[bool] = False
    up_to: int
    noise: int = 0

    @property
    def title(self) -> str:
        return f"count to {self.up_to}"

    def events(self, material: Any = None, checkpoint: Checkpoint | None = None) -> Iterator[Event]:
        for number in range(1, self.up_to + 1):
            sys.stderr.write("x" * self.noise)
            time.sleep(0.01)
            yield Progress("Counting", number, self.up_to, "numbers")
        yield Counted(self.up_to)

    def keep(self, result: Result) -> None:
        """The record holds it."""


class Again(Count):
    """The same, which can be tried again."""

    goes_on: ClassVar[bool] = True
