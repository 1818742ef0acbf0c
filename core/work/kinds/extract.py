"""Extracting features: a frozen network sees every image of a data set once, which takes minutes."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

from core.data.banks import FeatureBank, write_bank
from core.data.features import Features
from core.events import Checkpoint, Event, Progress, Result
from core.settings import settings
from core.work.kinds.base import Work


@dataclass(frozen=True)
class FeaturesMade(Result):
    """Features that lie in the cache folder of the machine that made them."""

    path: Path
    bank: FeatureBank | None = field(default=None, repr=False)
    """The features themselves, where another machine may have made them."""

    def summary(self) -> dict[str, Any]:
        return {"bank": str(self.path)}


class Extract(Work):
    """Extract a feature bank (`core.data.extraction.extract`); tried again, it goes on after the images seen so far."""

    goes_on: ClassVar[bool] = True
    kind: Literal["extract"] = "extract"
    features: Features
    download: bool = False
    """A person's consent to fetch missing images and weights from their publishers."""
    data_dir: Path | None = None
    """Folder with images and weights; by default the setting."""
    weights_file: Path | None = None
    """A state_dict to use instead of torchvision's."""
    batch_size: int = 32
    """Images that the network sees at once."""

    @property
    def title(self) -> str:
        return f"features of {self.features.title}"

    def material(self) -> bool:
        """That the features have to be sent back."""
        return True

    def events(self, material: bool | None = None, checkpoint: Checkpoint | None = None) -> Iterator[Event]:
        from core.data.extraction import Extracted, extract

        for event in extract(
            self.features,
            data_dir=self.data_dir,
            weights_file=self.weights_file,
            batch_size=self.batch_size,
            download=self.download,
        ):
            yield Progress(event.what, event.done, event.total, event.unit, event.per_second, event.seconds_left)
            if isinstance(event, Extracted):
                yield FeaturesMade(event.path, event.bank if material else None)

    def keep(self, result: Result) -> None:
        assert isinstance(result, FeaturesMade)
        if result.bank is not None:
            write_bank(result.bank, self.features.file(settings().cache_dir))
