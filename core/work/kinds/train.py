"""Training a head on stored features: seconds of work, seen while it is done, and whole after any interruption."""

from collections.abc import Iterator
from typing import Any, ClassVar, Literal

from core.config.run import RunConfig
from core.data.banks import FeatureBank, load_bank
from core.events import Checkpoint, Event
from core.work.kinds.base import Work


class Training(Work):
    """What the kinds that train a head have in common: their record is a run (`core.runs.store`)."""

    config: RunConfig

    @property
    def title(self) -> str:
        return f"{self.config.head.kind} on {self.config.dataset}"

    def provenance(self, material: Any) -> dict[str, Any]:
        """What the run is made from, as far as that is known before it begins."""
        return {}


class Train(Training):
    """Train a head on a feature bank (`core.training.loop.train`)."""

    is_long: ClassVar[bool] = False
    goes_on: ClassVar[bool] = True
    kind: Literal["train"] = "train"

    def material(self) -> FeatureBank:
        return load_bank(self.config.features)

    def provenance(self, material: FeatureBank) -> dict[str, Any]:
        return material.provenance | {"features_sha256": material.digest}

    def events(self, material: FeatureBank | None = None, checkpoint: Checkpoint | None = None) -> Iterator[Event]:
        from core.training.loop import train

        bank = material if material is not None else load_bank(self.config.features)
        return train(self.config, bank, checkpoint=checkpoint)
