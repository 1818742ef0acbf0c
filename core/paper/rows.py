"""The rows of the paper's table: which of our runs belongs beside each number that the paper reports.

Rows are made by ``python -m core paper run ROW`` and stored under results/ as ``paper-ROW``.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

from core.config.heads.base import Head
from core.config.heads.bottleneck import Bottleneck
from core.config.heads.closed_form import ClosedForm
from core.config.heads.dressed_quantum import DressedQuantum
from core.config.heads.linear import Linear
from core.config.heads.mlp import MLP
from core.config.run import RunConfig
from core.data.cuts import POINTS, Cut
from core.data.registry import Dataset, dataset
from core.errors import LabError
from core.paper.examples import EXAMPLES, NETWORKS, REPORTED, Example, NetworkName, ProtocolName, Reported
from core.paper.notebook_record import NOTEBOOK_STEPS
from core.recipes import paper_run
from core.statistics.intervals import SEEDS


@dataclass(frozen=True)
class Row(ABC):
    """One line of the table: a head on a data set under a protocol."""

    key: str
    example: Example
    dataset: str
    head_name: str
    """What the authors call the network, for points; the kind of head, for images"""
    protocol: ProtocolName
    reported: Reported | None

    @property
    def entry(self) -> Dataset:
        """What is known of its data set."""
        return dataset(self.dataset)

    @property
    def run_id(self) -> str:
        """The name under which its run is stored."""
        return f"paper-{self.key}"

    @property
    def command(self) -> str:
        """The command line that makes this row."""
        return f"python -m core paper run {self.key}"

    @property
    @abstractmethod
    def head_label(self) -> str:
        """What its head is called in every legend."""

    @property
    @abstractmethod
    def cut(self) -> Cut:
        """Where its features come from."""

    @property
    def has_papers_features(self) -> bool:
        """Whether network, layer and weights are the paper's; points are their own features."""
        return self.cut in (PAPERS_CUT, POINTS)

    @property
    def is_aside(self) -> bool:
        """Whether its features are neither those that its data set begins with nor the paper's."""
        return self.cut != self.entry.default_cut and not self.has_papers_features

    @property
    @abstractmethod
    def seeds(self) -> int:
        """How many networks it trains, each from its own seed."""

    @property
    @abstractmethod
    def steps(self) -> int:
        """Steps of training, each on one batch."""


@dataclass(frozen=True)
class NotebookRow(Row):
    """A network of the authors' notebook, computed number for number (`core.paper.notebook`)."""

    network: NetworkName

    seeds: ClassVar[int] = 1
    steps: ClassVar[int] = NOTEBOOK_STEPS
    cut: ClassVar[Cut] = POINTS

    @property
    def head_label(self) -> str:
        head = {"classical": MLP(), "hybrid": DressedQuantum()}[self.network]
        return head.style.label


@dataclass(frozen=True)
class TrainedRow(Row):
    """A head that this laboratory trains."""

    config: RunConfig

    @property
    def head_label(self) -> str:
        return self.config.head.style.label

    @property
    def cut(self) -> Cut:
        return self.config.cut

    @property
    def needs_images(self) -> bool:
        """Whether every epoch needs all images and the whole network: stored features do not serve."""
        return self.config.protocol == "paper_batchnorm"

    @property
    def seeds(self) -> int:
        return self.config.seeds

    @property
    def steps(self) -> int:
        """Fewer under "ours", which keeps a part of the training set aside."""
        n_train = self.entry.n_train
        if self.config.protocol == "ours":
            n_train -= round(self.config.validation_share * n_train)
        return self.config.epochs * -(-n_train // self.config.batch_size)


PAPERS_CUT = Cut("resnet18", "avgpool", "IMAGENET1K_V1")
"""Network, layer and weights behind the numbers that the paper reports for images."""

_CUTS: dict[str, dict[str, Any]] = {
    "resnet18_mlnet": {"backbone": "resnet18_mlnet"},
    "layer3": {"backbone": "resnet18", "layer": "layer3"},
    "mobilenet_v2": {"backbone": "mobilenet_v2"},
    "avgpool": vars(PAPERS_CUT),
}

_PROTOCOL_FIELDS: dict[ProtocolName, dict[str, Any]] = {
    "paper": {"protocol": "paper"},
    "paper, last step": {"protocol": "paper_last", "adam_beta2": 0.99},
    "paper, early": {"protocol": "paper", "lr_early": True},
    "paper, BatchNorm": {"protocol": "paper_batchnorm", "seeds": 1},
    "ours": {"protocol": "ours"},
}


@cache
def rows() -> tuple[Row, ...]:
    """All rows, in the order of the paper's examples."""
    return (*_point_rows(), *_image_rows())


def find_row(key: str) -> Row:
    """The row of this key; `LabError` for an unknown one."""
    known = {row.key: row for row in rows()}
    if key not in known:
        raise LabError(f"row = {key[:100]!r} is not in the table: `python -m core paper list` shows all {len(known)}")
    return known[key]


def _point_rows() -> Iterable[Row]:
    for example in EXAMPLES[:2]:
        for name in example.datasets:
            for network in NETWORKS:
                key, reported = f"{name}-{network}-notebook", REPORTED[name, network]
                yield NotebookRow(key, example, name, network, "notebook", reported, network)
            for network, head in zip(NETWORKS, (_POINT_MLP, paper_run(name).head), strict=True):
                for protocol in _POINT_PROTOCOLS:
                    config = paper_run(name, head=head, **{"seeds": SEEDS} | _PROTOCOL_FIELDS[protocol])
                    key = f"{name}-{network}-{_in_key(protocol)}"
                    yield TrainedRow(key, example, name, network, protocol, None, config)


_POINT_PROTOCOLS: tuple[ProtocolName, ...] = ("paper", "paper, last step", "ours")


def _in_key(protocol: ProtocolName) -> str:
    return protocol.replace(", ", "-").replace(" ", "-")


_POINT_MLP = MLP(n_qubits=5, q_depth=5, hidden=(5, 5), activation="tanh", init_scale=0.001)
"""The notebook's classical network. Its steps are 1,000, fewer under "ours"."""


def _image_rows() -> Iterable[Row]:
    for example in EXAMPLES[2:]:
        for name in example.datasets:
            for cut in (cut for cut in _CUTS if cut != "mobilenet_v2" or name == "ants_bees"):
                for head in _image_heads(name, cut):
                    for protocol in _image_protocols(name, cut):
                        values = _CUTS[cut] | {"seeds": SEEDS} | _PROTOCOL_FIELDS[protocol]
                        config = paper_run(name, head=head, **values)
                        key = f"{name}-{cut}-{head.kind}-{_in_key(protocol)}"
                        reported = REPORTED.get((name, head.kind))
                        yield TrainedRow(key, example, name, head.kind, protocol, reported, config)


def _image_protocols(name: str, cut: str) -> Iterable[ProtocolName]:
    yield "paper"
    if cut != "mobilenet_v2" and paper_run(name).lr_gamma < 1:  # a rate that stays is not lowered earlier
        yield "paper, early"
    if cut == "avgpool":  # the other cuts have their BatchNorm folded into the weights
        yield "paper, BatchNorm"
    yield "ours"


def _image_heads(name: str, cut: str) -> Sequence[Head]:
    quantum, linear = paper_run(name).head, Linear()
    assert isinstance(quantum, DressedQuantum)
    depth = quantum.q_depth
    if cut == "avgpool":
        return (quantum, linear)
    return (quantum, Bottleneck(), linear, MLP(q_depth=depth), ClosedForm(q_depth=depth))
