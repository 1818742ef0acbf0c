"""Frozen networks and where they may be cut; names and sizes only, so that a menu opens at once.

A `Cut` names any place where a network may be cut; `CUTS` is the catalogue of those that menus list.
`core.data.backbones` builds the network of a cut, listed or not.
"""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Cut:
    """One way to turn an image into a feature vector: the output of a layer, averaged over space."""

    backbone: str
    """torchvision's name of the network"""
    layer: str
    weights: str
    """Name of the weights: torchvision's, or one that a person gave to a file"""

    @property
    def key(self) -> str:
        """How the cut is called in the page's address."""
        return f"{self.backbone}-{self.layer}-{self.weights}"

    @property
    def listed(self) -> "ListedCut | None":
        """The entry of the catalogue, None for a cut that is not listed."""
        return _LISTED.get(self)

    @property
    def title(self) -> str:
        """What the features are, for a person."""
        return self.listed.title if self.listed else f"{self.backbone} to {self.layer}, weights {self.weights}"


POINTS = Cut("points", "points", "points")
"""Of data sets whose samples are feature vectors already."""


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
class ListedCut:
    """What is known of a cut before its network is built."""

    cut: Cut
    title: str
    n_features: int
    download_mb: float
    """Size of the checkpoint that torchvision downloads, in 10^6 bytes; 0: there is none to download"""
    file: KnownFile | None = None
    """A file that serves instead of the download"""
    is_default: bool = False
    """Whether it is taken when nothing but its network is named"""

    def file_is_here(self, data_dir: Path) -> bool:
        """Whether the file that serves instead of the download is in this data folder."""
        return self.file is not None and self.file.path(data_dir).is_file()


CUTS = (
    ListedCut(
        Cut("resnet18", "layer3", "IMAGENET1K_V1"),
        "ResNet-18 to layer3, ImageNet weights",
        256,
        46.8,
        KnownFile(
            "resnet18_imagenet_to_layer3.pth",
            "e0f907c3c878cb79",
            "torchvision's ResNet-18 IMAGENET1K_V1 up to layer3, BatchNorm folded",
        ),
        is_default=True,
    ),
    ListedCut(
        Cut("resnet18", "avgpool", "IMAGENET1K_V1"), "ResNet-18 complete (the paper's), ImageNet weights", 512, 46.8
    ),
    ListedCut(
        Cut("mobilenet_v2", "features", "IMAGENET_INT8"),
        "MobileNetV2, ImageNet int8 weights, dequantised",
        1280,
        0.0,
        KnownFile(
            "mobilenet_v2_imagenet_int8_dequantised.pth",
            "dc92ce4ad9955fc2",
            "MobileNetV2: the int8 weights of PyTorch's iOS demo, dequantised, BatchNorm folded",
        ),
        is_default=True,
    ),
    ListedCut(Cut("mobilenet_v2", "features", "IMAGENET1K_V1"), "MobileNetV2, ImageNet weights", 1280, 14.2),
    ListedCut(Cut("resnet50", "avgpool", "IMAGENET1K_V2"), "ResNet-50 complete, ImageNet weights (V2)", 2048, 102.5),
    ListedCut(Cut("efficientnet_b0", "features", "IMAGENET1K_V1"), "EfficientNet-B0, ImageNet weights", 1280, 21.4),
)
POINTS_LISTED = ListedCut(POINTS, "The two coordinates themselves", 2, 0.0)

_LISTED = {listed.cut: listed for listed in (*CUTS, POINTS_LISTED)}


def default_cut(backbone: str) -> Cut:
    """The cut that is taken when nothing but its network is named; one without a layer where there is no default."""
    defaults = (listed.cut for listed in CUTS if listed.is_default and listed.cut.backbone == backbone)
    return next(defaults, Cut(backbone, "", "DEFAULT"))
