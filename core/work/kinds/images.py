"""Training a head on images, with BatchNorm of the frozen network in training mode: hours of work."""

from collections.abc import Iterator
from typing import Any, Literal

from core.events import Checkpoint, Event, Origin
from core.settings import settings
from core.work.kinds.train import Training


class TrainOnImages(Training):
    """Train a head under the protocol "paper_batchnorm" (`core.training.on_images.train_on_images`)."""

    kind: Literal["train on images"] = "train on images"
    download: bool = False
    """A person's consent to fetch missing images and weights from their publishers."""

    def events(self, material: Any = None, checkpoint: Checkpoint | None = None) -> Iterator[Event]:
        from core.data.backbones import fetch_weights, load_backbone
        from core.data.downloads import fetch_images
        from core.data.registry import dataset
        from core.training.on_images import train_on_images

        config, entry, data_dir = self.config, dataset(self.config.dataset), settings().data_dir
        if self.download:
            yield from fetch_weights(config.cut, data_dir)
            yield from fetch_images(entry, data_dir)
        backbone = load_backbone(config.cut, data_dir=data_dir)
        images = entry.images(data_dir)
        sources = {"source": entry.source, "weights_source": backbone.weights_source}
        yield Origin(sources | {"weights_sha256": backbone.weights_sha256})
        yield from train_on_images(config, images, backbone)
