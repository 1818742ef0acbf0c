"""Comparing a quantum head with its rivals on one problem: every rival is trained, which takes minutes."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import monotonic
from typing import TYPE_CHECKING, Any, Literal

from core.config.run import RunConfig
from core.data.banks import FeatureBank, load_bank
from core.events import Checkpoint, Event, Progress, Result
from core.work.kinds.base import Work

if TYPE_CHECKING:
    from core.comparison.record import Comparison, Predictions


@dataclass(frozen=True)
class Compared(Result):
    """A whole comparison."""

    comparison: "Comparison" = field(repr=False)
    predictions: "Predictions" = field(repr=False)

    def summary(self) -> dict[str, Any]:
        return {"name": self.comparison.name}


@dataclass(frozen=True, kw_only=True)
class AtRival(Progress):
    """Where a comparison stands: percent of all that is to be done, and at which rival."""

    rival: str
    stage: str
    """"tuning", "training" or "fitting" """
    number: int
    """Of this rival, counted from 1."""
    n_rivals: int
    share: float
    """Of the whole comparison that is done, in rivals."""


class Compare(Work):
    """Run a comparison (`core.comparison.run.run_comparison`); nothing of it is kept before it is whole."""

    kind: Literal["compare"] = "compare"
    config: RunConfig
    """The candidate's; its seeds are the paired seeds of all."""
    n_trials: int = 0
    """Settings that every head may try first."""
    rivals: tuple[str, ...] = ()
    """Names of those to compare with; empty: all."""
    name: str = ""
    """Of the stored comparison; empty: time and problem."""
    ships: bool = False
    """Whether it replaces one that comes with the laboratory."""

    @property
    def title(self) -> str:
        tuned = f", {self.n_trials} settings tried" if self.n_trials else ""
        who = f"{self.config.head.style.label} against its rivals"
        return f"{who} on {self.config.features.title}, {self.config.seeds} seeds{tuned}"

    @property
    def command(self) -> str:
        """The command line that runs it again, for its record."""
        from core.comparison.command_line import command_line

        return command_line(self.config, self.n_trials, self.rivals)

    def material(self) -> FeatureBank:
        return load_bank(self.config.features)

    def events(self, material: FeatureBank | None = None, checkpoint: Checkpoint | None = None) -> Iterator[Event]:
        from core.comparison.problem import problem_name
        from core.comparison.run import ComparisonFinished, run_comparison

        name = self.name or f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{problem_name(self.config)}"
        bank = material if material is not None else load_bank(self.config.features)
        began = monotonic()
        events = run_comparison(
            self.config, bank, name=name, command=self.command, n_trials=self.n_trials, chosen=self.rivals
        )
        for event in events:
            if isinstance(event, ComparisonFinished):
                yield Compared(event.comparison, event.predictions)
            else:
                left = (monotonic() - began) * (1 / event.share - 1) if event.share else None
                what = f"{event.stage} {event.rival} ({event.number} of {event.n_rivals})"
                done = int(100 * event.share)
                yield AtRival(what=what, done=done, total=100, unit="%", seconds_left=left, **vars(event))

    def keep(self, result: Result) -> None:
        from core.comparison.store import SHIPPED, own_folder, save_comparison

        assert isinstance(result, Compared)
        save_comparison(result.comparison, result.predictions, SHIPPED if self.ships else own_folder())
