"""Measuring how long work on images will take on the machine that does it: seconds of work."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from core.config.run import RunConfig
from core.data.registry import dataset
from core.events import Checkpoint, Event, Progress, Result
from core.settings import settings
from core.work.kinds.base import Work


@dataclass(frozen=True)
class Measured(Result):
    """What was measured."""

    seconds: float
    """That the work will take."""
    weights_mb: float
    """That it will download of weights, 10^6 bytes."""

    def summary(self) -> dict[str, Any]:
        return dict(vars(self))


class Measure(Work):
    """Measure what a run needs before it can train on features, or its training on images, on noise."""

    is_long: ClassVar[bool] = False
    goes_on: ClassVar[bool] = True
    kind: Literal["measure"] = "measure"
    config: RunConfig

    @property
    def title(self) -> str:
        return f"how fast {self.config.cut.name} sees images here"

    def events(self, material: Any = None, checkpoint: Checkpoint | None = None) -> Iterator[Event]:
        from core.data.backbones import images_per_second, missing_checkpoint
        from core.training.on_images import estimate_seconds

        config = self.config
        yield Progress("Measuring the speed of this machine", 0, 0, "")
        if config.protocol == "paper_batchnorm":
            seconds = estimate_seconds(config)
        else:
            seconds = dataset(config.dataset).n_samples / images_per_second(config.cut, n_images=4)
        listed, missing = config.cut.listed, missing_checkpoint(config.cut, settings().data_dir)
        yield Measured(seconds, listed.download_mb if listed and missing else 0.0)

    def keep(self, result: Result) -> None:
        """The record holds it."""
