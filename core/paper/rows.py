"""The rows of the paper's table: which of our runs stands beside each number that the paper reports.

Rows are made by ``python -m core paper run ROW`` and stored under results/ as ``paper-ROW``.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from core.config.heads.base import Head
from core.config.heads.bottleneck import Bottleneck
from core.config.heads.closed_form import ClosedForm
from core.config.heads.dressed_quantum import DressedQuantum
from core.config.heads.linear import Linear
from core.config.heads.mlp import MLP
from core.config.run import RunConfig
from core.data.cuts import ListedCut
from core.data.registry import dataset
from core.errors import LabError
from core.paper.examples import EXAMPLES, REPORTED, Example, ProtocolName, Reported
from core.paper.notebook_record import NOTEBOOK_STEPS
from core.recipes import paper_run
from core.statistics.intervals import SEEDS


@dataclass(frozen=True)
class Row:
    """One line of the table: a head on a data set under a protocol."""

    key: str
    example: Example
    dataset: str
    head_name: str
    protocol: ProtocolName
    reported: Reported | None
    config: RunConfig | None
    """None: the notebook's own computation (`core.paper.notebook`)"""

    @property
    def run_id(self) -> str:
        return f"paper-{self.key}"

    @property
    def cut(self) -> ListedCut | None:
        """Where the features come from; None for the notebook."""
        return self.config.cut.listed if self.config else None

    @property
    def steps(self) -> int:
        """Steps of training, each on one batch; fewer under "ours", which keeps a part of the training set aside."""
        if self.config is None:
            return NOTEBOOK_STEPS
        n_train = dataset(self.dataset).n_train
        if self.protocol == "ours":
            n_train -= round(self.config.validation_share * n_train)
        return self.config.epochs * -(-n_train // self.config.batch_size)

    @property
    def command(self) -> str:
        """What makes this row."""
        return f"python -m core paper run {self.key}"


_CUTS = {
    "layer3": {"backbone": "resnet18", "layer": "layer3"},
    "mobilenet_v2": {"backbone": "mobilenet_v2"},
    "avgpool": {"backbone": "resnet18", "layer": "avgpool", "weights": "IMAGENET1K_V1"},
}

_PROTOCOL_FIELDS: dict[ProtocolName, dict[str, Any]] = {
    "paper": {"protocol": "paper"},
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
            for network in ("classical", "hybrid"):
                reported = REPORTED[name, network]
                yield Row(f"{name}-{network}-notebook", example, name, network, "notebook", reported, None)
            for network, head in (("classical", _POINT_MLP), ("hybrid", paper_run(name).head)):
                for protocol in ("paper", "ours"):
                    config = paper_run(name, head=head, **{"seeds": SEEDS} | _PROTOCOL_FIELDS[protocol])
                    yield Row(f"{name}-{network}-{protocol}", example, name, network, protocol, None, config)


_POINT_MLP = MLP(n_qubits=5, q_depth=5, hidden=(5, 5), activation="tanh", init_scale=0.001)
"""The notebook's classical network. Its steps are 1,000 under "paper", fewer under "ours"; with today's Adam."""


def _image_rows() -> Iterable[Row]:
    for example in EXAMPLES[2:]:
        for name in example.datasets:
            cuts = ("layer3", "mobilenet_v2", "avgpool") if name == "ants_bees" else ("layer3", "avgpool")
            for cut in cuts:
                for head in _image_heads(name, cut):
                    for protocol in _image_protocols(name, cut):
                        values = _CUTS[cut] | {"seeds": SEEDS} | _PROTOCOL_FIELDS[protocol]
                        config = paper_run(name, head=head, **values)
                        key = f"{name}-{cut}-{head.kind}-{protocol.replace(', ', '-')}"
                        yield Row(key, example, name, head.kind, protocol, REPORTED.get((name, head.kind)), config)


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
