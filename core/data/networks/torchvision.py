"""Networks that torchvision builds: any of its classification networks, and those of them that menus list."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from core.data.networks.base import Checkpoint, FrozenNetwork, ListedLayer, WeightsFile

if TYPE_CHECKING:
    from PIL import Image
    from torch import Tensor, nn

LICENCE = "BSD 3-Clause (torchvision); the weights were trained on ImageNet, whose terms of access apply"


class TorchvisionNetwork(FrozenNetwork):
    """A classification network under torchvision's own name; its checkpoints are those that torchvision publishes."""

    def build(self) -> nn.Module:
        from torchvision import models

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # googlenet and inception: the default start is slow
            network: nn.Module = models.get_model(self.name, weights=None)
        return network

    def transform(self, weights: str) -> Callable[[Image.Image], Tensor]:
        """The transform of the published weights; that of the first published ones for weights of another origin."""
        from torchvision import models

        enum = models.get_model_weights(self.name)
        transform: Callable[[Image.Image], Tensor] = (enum.__members__.get(weights) or next(iter(enum))).transforms()
        return transform

    def published(self) -> Mapping[str, Checkpoint]:
        """torchvision's checkpoints, which it keeps in the hub folder (``TORCH_HOME``)."""
        import torch
        from torchvision import models

        folder = Path(torch.hub.get_dir()) / "checkpoints"
        members = models.get_model_weights(self.name).__members__
        return {
            name: Checkpoint(folder / os.path.basename(entry.url), entry.url, "torchvision")
            for name, entry in members.items()
        }


def torchvision_network(name: str) -> TorchvisionNetwork | None:
    """Any classification network of torchvision; None when it has none of this name. Loads torchvision."""
    from torchvision import models

    return TorchvisionNetwork(name, LICENCE) if name in models.list_models(models) else None


RESNET18 = TorchvisionNetwork(
    "resnet18",
    LICENCE,
    (
        ListedLayer(
            "layer3",
            "IMAGENET1K_V1",
            "ResNet-18 to layer3",
            256,
            download_mb=46.8,
            file=WeightsFile(
                "resnet18_imagenet_to_layer3.pth",
                "e0f907c3c878cb79",
                "torchvision's ResNet-18 IMAGENET1K_V1 up to layer3, BatchNorm folded",
                is_complete=False,
            ),
            is_default=True,
        ),
        ListedLayer("avgpool", "IMAGENET1K_V1", "ResNet-18 complete", 512, "the paper's", download_mb=46.8),
    ),
)
MOBILENET_V2 = TorchvisionNetwork(
    "mobilenet_v2",
    LICENCE,
    (
        ListedLayer(
            "features",
            "IMAGENET_INT8",
            "MobileNetV2",
            1280,
            "int8 weights",
            "ImageNet, dequantised",
            file=WeightsFile(
                "mobilenet_v2_imagenet_int8_dequantised.pth",
                "dc92ce4ad9955fc2",
                "MobileNetV2: the int8 weights of PyTorch's iOS demo, dequantised, BatchNorm folded",
            ),
            is_default=True,
        ),
        ListedLayer("features", "IMAGENET1K_V1", "MobileNetV2", 1280, download_mb=14.2),
    ),
)
RESNET50 = TorchvisionNetwork(
    "resnet50", LICENCE, (ListedLayer("avgpool", "IMAGENET1K_V2", "ResNet-50 complete", 2048, "V2", download_mb=102.5),)
)
EFFICIENTNET_B0 = TorchvisionNetwork(
    "efficientnet_b0",
    LICENCE,
    (ListedLayer("features", "IMAGENET1K_V1", "EfficientNet-B0", 1280, download_mb=21.4),),
)
