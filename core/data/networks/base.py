"""What a frozen network is: its entry, the layers that menus list, and where its weights come from.

Importing this loads no torch: entries are read by menus and addresses. Methods that build something import it then.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image
    from torch import Tensor, nn

SHIPPED_WEIGHTS = Path(__file__).parent.parent / "shipped" / "weights"
"""Weights that come with the laboratory."""


@dataclass(frozen=True)
class WeightsFile:
    """A weight file that is recognised by its name and checked by its digest."""

    name: str
    sha256: str
    """First characters of the digest"""
    description: str
    is_complete: bool = True
    """Whether it serves at every layer of its network, not only at the one that lists it"""
    ships: bool = False
    """Whether it comes with the laboratory; otherwise it is looked for in ``<data folder>/weights``"""

    def path(self, data_dir: Path) -> Path:
        """Where it is looked for."""
        return (SHIPPED_WEIGHTS if self.ships else data_dir / "weights") / self.name


@dataclass(frozen=True)
class Checkpoint:
    """A weight file that its publisher offers for download."""

    path: Path
    """Where it is kept once it is here"""
    url: str
    publisher: str

    @property
    def sha256(self) -> str:
        """The start of its digest, which stands at the end of its name, as in resnet18-f37072fd.pth."""
        return self.path.stem.rsplit("-", 1)[-1]


@dataclass(frozen=True)
class ListedLayer:
    """A layer at which menus offer to cut a network, under weights of one name."""

    layer: str
    weights: str
    name: str
    """What a person calls the network up to this layer"""
    n_features: int
    remark: str = ""
    """What tells it apart from another line of a menu"""
    weights_title: str = "ImageNet weights"
    trained_on: str = "ImageNet"
    download_mb: float = 0.0
    """Size of the checkpoint that would be downloaded, 10^6 bytes; 0: there is none to download"""
    file: WeightsFile | None = None
    """A file that serves instead of the download"""
    is_default: bool = False
    """Whether it is taken when nothing but the network is named"""

    @property
    def line(self) -> str:
        """What a menu calls it: its name, and what tells it apart from other lines."""
        return f"{self.name} ({self.remark})" if self.remark else self.name

    @property
    def title(self) -> str:
        """What the features are, for a person."""
        return f"{self.line}, {self.weights_title}" if self.weights_title else self.line


@dataclass(frozen=True)
class FrozenNetwork(ABC):
    """One network: how it is built, how it wants its images, where its weights come from."""

    name: str
    """As in configurations, addresses and on the command line"""
    licence: str
    """Of the network and its weights, in one line"""
    layers: tuple[ListedLayer, ...] = ()
    """In the order of menus"""
    about: str = ""
    """What a person should know who chooses it, in one or two sentences"""

    @abstractmethod
    def build(self) -> nn.Module:
        """The complete network with random weights, from images (B, 3, height, width) float32."""

    @abstractmethod
    def transform(self, weights: str) -> Callable[[Image.Image], Tensor]:
        """RGB image → (3, height, width) float32 as these weights want it; weights of other origin are no error."""

    def file(self, layer: str, weights: str) -> WeightsFile | None:
        """The known file with these weights of the network up to a layer."""
        files = {entry.layer: entry.file for entry in self.layers if entry.weights == weights and entry.file}
        return files.get(layer) or next((file for file in files.values() if file.is_complete), None)

    def published(self) -> Mapping[str, Checkpoint]:
        """Name of weights → the checkpoint that their publisher offers for download."""
        return {}
