"""Where a frozen network may be cut; names and sizes only, so that a menu opens at once.

A `Cut` names any place where a network may be cut; `CUTS` are those that menus list, from the entries of all networks.
`core.data.backbones` builds the network of a cut, listed or not.
"""

from dataclasses import dataclass
from pathlib import Path

from core.data.networks.base import ListedLayer, WeightsFile
from core.data.networks.registry import NETWORKS


@dataclass(frozen=True)
class Cut:
    """One way to turn an image into a feature vector: the output of a layer, averaged over space."""

    backbone: str
    """Name of the network (`core.data.networks.registry`)"""
    layer: str
    weights: str
    """Name of the weights: their publisher's, or one that a person gave to a file"""

    @property
    def key(self) -> str:
        """How the cut is called in the page's address."""
        return f"{self.backbone}-{self.layer}-{self.weights}"

    @property
    def listed(self) -> "ListedCut | None":
        """The entry of the catalogue, None for a cut that is not listed."""
        return _LISTED.get(self)

    @property
    def name(self) -> str:
        """The network and how far it goes, in a few words."""
        return self.listed.entry.name if self.listed else f"{self.backbone} to {self.layer}"

    @property
    def line(self) -> str:
        """What a menu calls it: its name, and what tells it apart from other lines."""
        return self.listed.entry.line if self.listed else self.title

    @property
    def trained_on(self) -> str:
        """What the network was trained on; empty for weights that somebody brought."""
        return self.listed.entry.trained_on if self.listed else ""

    @property
    def title(self) -> str:
        """What the features are, for a person."""
        return self.listed.entry.title if self.listed else f"{self.name}, weights {self.weights}"

    @property
    def file(self) -> WeightsFile | None:
        """The known file with its weights, wherever that is."""
        network = NETWORKS.get(self.backbone)
        return network.file(self.layer, self.weights) if network else None

    def file_is_here(self, data_dir: Path) -> bool:
        """Whether the known file with its weights ships or is in this data folder."""
        return self.file is not None and self.file.path(data_dir).is_file()


POINTS = Cut("points", "points", "points")
"""Of data sets whose samples are feature vectors already."""


@dataclass(frozen=True)
class ListedCut:
    """A cut, and what is known of it before its network is built."""

    cut: Cut
    entry: ListedLayer

    @property
    def n_features(self) -> int:
        return self.entry.n_features

    @property
    def download_mb(self) -> float:
        """Size of the checkpoint that would be downloaded, 10^6 bytes; 0: there is none to download."""
        return self.entry.download_mb


CUTS = tuple(
    ListedCut(Cut(network.name, entry.layer, entry.weights), entry)
    for network in NETWORKS.values()
    for entry in network.layers
)
_COORDINATES = ListedLayer("points", "points", "The two coordinates themselves", 2, weights_title="")
POINTS_LISTED = ListedCut(POINTS, _COORDINATES)

_LISTED = {listed.cut: listed for listed in (*CUTS, POINTS_LISTED)}


def default_cut(backbone: str) -> Cut:
    """The cut that is taken when nothing but its network is named; one without a layer where there is no default."""
    defaults = (listed.cut for listed in CUTS if listed.entry.is_default and listed.cut.backbone == backbone)
    return next(defaults, Cut(backbone, "", "DEFAULT"))
