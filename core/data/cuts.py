"""The catalogue of frozen networks and where they may be cut; names and sizes only, so that a menu opens at once.

A *cut* is a backbone (torchvision's name), the layer whose output is averaged over space and taken as the feature
vector, and the name of the weights. `core.data.backbones` builds the network of a cut, also of cuts that are not
listed.
"""

from dataclasses import dataclass
from pathlib import Path

from core.config.run import POINTS_BACKBONE


@dataclass(frozen=True)
class KnownFile:
    """A weight file that is recognised by name in ``<data folder>/weights`` and checked by its digest."""

    name: str
    sha256: str
    """First characters of the digest"""
    description: str

    def path(self, data_dir: Path) -> Path:
        """Where it is looked for."""
        return data_dir / "weights" / self.name


@dataclass(frozen=True)
class Cut:
    """One way to turn an image into a feature vector."""

    backbone: str
    layer: str
    weights: str
    title: str
    n_features: int
    download_mb: float
    """Size of the checkpoint that torchvision downloads, in 10^6 bytes; 0: there is none to download."""
    file: KnownFile | None = None
    """A file that serves instead of the download"""


CUTS = (
    Cut(
        "resnet18",
        "layer3",
        "IMAGENET1K_V1",
        "ResNet-18 to layer3, ImageNet weights",
        256,
        46.8,
        KnownFile(
            "resnet18_imagenet_to_layer3.pth",
            "e0f907c3c878cb79",
            "torchvision's ResNet-18 IMAGENET1K_V1 up to layer3, BatchNorm folded",
        ),
    ),
    Cut("resnet18", "avgpool", "IMAGENET1K_V1", "ResNet-18 complete (the paper's), ImageNet weights", 512, 46.8),
    Cut(
        "mobilenet_v2",
        "features",
        "IMAGENET_INT8",
        "MobileNetV2, ImageNet int8 weights, dequantised",
        1280,
        0.0,
        KnownFile(
            "mobilenet_v2_imagenet_int8_dequantised.pth",
            "dc92ce4ad9955fc2",
            "MobileNetV2: the int8 weights of PyTorch's iOS demo, dequantised, BatchNorm folded",
        ),
    ),
    Cut("mobilenet_v2", "features", "IMAGENET1K_V1", "MobileNetV2, ImageNet weights", 1280, 14.2),
    Cut("resnet50", "avgpool", "IMAGENET1K_V2", "ResNet-50 complete, ImageNet weights (V2)", 2048, 102.5),
    Cut("efficientnet_b0", "features", "IMAGENET1K_V1", "EfficientNet-B0, ImageNet weights", 1280, 21.4),
)

POINTS_CUT = Cut(POINTS_BACKBONE, POINTS_BACKBONE, POINTS_BACKBONE, "The two coordinates themselves", 2, 0.0)


def find_cut(backbone: str, layer: str, weights: str) -> Cut | None:
    """The listed cut of these names, or None."""
    listed = (
        cut for cut in (*CUTS, POINTS_CUT) if (cut.backbone, cut.layer, cut.weights) == (backbone, layer, weights)
    )
    return next(listed, None)


def cut_title(backbone: str, layer: str, weights: str) -> str:
    """A title for any cut, listed or not."""
    cut = find_cut(backbone, layer, weights)
    return cut.title if cut else f"{backbone} to {layer}, weights {weights}"
