"""Microsoft's ResNet18 for ML.NET: a complete residual network whose weights ship.

It is not torchvision's ResNet-18: the last of its four stages has three blocks. Its BatchNorm is not folded into the
convolutions, so it can run in training mode. ``core/data/shipped/weights/README.md`` has where its weights come from.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from core.data.networks.base import FrozenNetwork, ListedLayer, WeightsFile

if TYPE_CHECKING:
    from PIL import Image
    from torch import Tensor, nn

BLOCKS = (2, 2, 2, 3)
"""Residual blocks in each of the four stages; torchvision's ResNet-18 has (2, 2, 2, 2)."""


class MlnetResNet18(FrozenNetwork):
    """``ResNet(BasicBlock, BLOCKS)`` without a classifier: 512 features after average pooling."""

    def build(self) -> nn.Module:
        from torch.nn import Identity
        from torchvision.models.resnet import BasicBlock, ResNet

        network: nn.Module = ResNet(BasicBlock, list(BLOCKS))
        network.fc = Identity()
        return network

    def transform(self, weights: str) -> Callable[[Image.Image], Tensor]:
        """That of torchvision's ResNet-18: 224 x 224 pixels, normalised with ImageNet's mean and deviation."""
        from torchvision.models import ResNet18_Weights

        transform: Callable[[Image.Image], Tensor] = ResNet18_Weights.IMAGENET1K_V1.transforms()
        return transform


RESNET18_MLNET = MlnetResNet18(
    "resnet18_mlnet",
    "MIT, Microsoft",
    (
        ListedLayer(
            "avgpool",
            "IMAGENET_MLNET",
            "ML.NET's ResNet18",
            512,
            file=WeightsFile(
                "resnet18_mlnet_imagenet.safetensors",
                "136bc34e73bd7614",
                "Microsoft's ResNet18 for ML.NET, convolutions in float16",
                ships=True,
            ),
            is_default=True,
        ),
    ),
    "ML.NET's ResNet18 is a residual network that Microsoft trained on ImageNet and publishes for ML.NET; it is not "
    "torchvision's ResNet-18, as its last stage has three blocks in place of two. The mean image that Microsoft "
    "subtracts is replaced by the means of its channels, which moves features by 3.8 % and no accuracy of a logistic "
    "regression.",
)
