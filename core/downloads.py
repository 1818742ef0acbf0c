"""Fetches data sets and weights from their publishers: resumable, checked, unpacked safely, with progress."""

import time
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Progress:
    """How far something long has come."""

    what: str
    done: int
    total: int
    """0: not known"""
    unit: str
    per_second: float = 0.0
    seconds_left: float | None = None
    """None: not known yet"""


@dataclass
class Stopwatch:
    """Makes `Progress` out of amounts; what was done before it started does not count for the speed."""

    what: str
    total: int
    unit: str
    done: int = 0
    _started: float = field(default_factory=time.perf_counter)
    _done_now: int = 0

    def progress(self, amount: int) -> Progress:
        """``amount`` more is done."""
        self.done += amount
        self._done_now += amount
        speed = self._done_now / max(time.perf_counter() - self._started, 1e-9)
        left = (self.total - self.done) / speed if speed and self.total else None
        return Progress(self.what, self.done, self.total, self.unit, speed, left)
