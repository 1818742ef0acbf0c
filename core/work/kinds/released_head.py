"""Checking the head that the paper's authors released, on features that are extracted first where they are missing."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from core.data.banks import find_bank_file, load_bank
from core.events import Checkpoint, Event, Progress, Result
from core.work.kinds.base import Work
from core.work.kinds.extract import Extract


@dataclass(frozen=True)
class HeadChecked(Result):
    """How the released head does on the test images."""

    right: int
    """Images that it answers correctly"""
    n_test: int

    def summary(self) -> dict[str, Any]:
        return dict(vars(self))


class CheckReleasedHead(Work):
    """Ask the released head (`core.paper.released_head`) about every test image of the ants and bees."""

    goes_on: ClassVar[bool] = True
    kind: Literal["released head"] = "released head"
    download: bool = False
    """A person's consent to fetch missing images and weights from their publishers."""

    @property
    def title(self) -> str:
        return "the head that the paper's authors released"

    def events(self, material: Any = None, checkpoint: Checkpoint | None = None) -> Iterator[Event]:
        from core.paper.released_head import FEATURES, released_logits

        if find_bank_file(FEATURES) is None:
            extraction = Extract(features=FEATURES, download=self.download)
            yield from (event for event in extraction.events() if isinstance(event, Progress))
        bank = load_bank(FEATURES)
        labels = bank.labels[bank.split == "test"]
        yield HeadChecked(int((released_logits(bank).argmax(-1) == labels).sum()), len(labels))

    def keep(self, result: Result) -> None:
        """The record holds it."""
