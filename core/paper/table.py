"""The paper's examples: what it reports, which of our runs stands beside each number, and what those runs measured.

Mari, Bromley, Izaac, Schuld, Killoran, *Transfer learning in hybrid classical-quantum neural networks*,
arXiv:1912.08278. Rows are made by ``python -m core paper run ROW`` and stored under results/ as ``paper-ROW``.
No number stands in a row until its run has been stored. Needs no torch.
"""

import json
import math
import os
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Literal

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
from core.recipes import paper_run
from core.runs.store import SHIPPED, Record, Store, digest
from core.settings import settings
from core.statistics.verdict import Interval, mean_interval

SEEDS = 20
NOTEBOOK_FILE = "paper-notebook.json"

ProtocolName = Literal["notebook", "paper", "paper, early", "paper, BatchNorm", "ours"]

PROTOCOLS: dict[ProtocolName, str] = {
    "notebook": "The authors' notebook, number for number: its random numbers, its Adam, its one seed, the last step.",
    "paper": "The paper's: train on the whole training set, test after every epoch, report the best epoch on the test "
    "set. Features are those of a frozen network in evaluation mode, computed once.",
    "paper, early": "The same, with the learning rate lowered one epoch earlier: what PyTorch since 1.1 makes of the "
    "authors' scheduler.step() before each epoch.",
    "paper, BatchNorm": "The same with BatchNorm of the frozen network in training mode, as the authors ran it: "
    "features then depend on the other images of a batch, so every epoch needs all images and the full network.",
    "ours": "Ours: a fifth of the training set is kept aside to choose the epoch; the test set is looked at once.",
}


@dataclass(frozen=True)
class Reported:
    """What the authors report: test accuracy in [0, 1], test loss in nats, run time in minutes."""

    accuracy: float
    loss: float | None = None
    minutes: float | None = None


@dataclass(frozen=True)
class Example:
    """One example of the paper."""

    number: str
    title: str
    datasets: tuple[str, ...]
    words: str


EXAMPLES = (
    Example(
        "1",
        "Two spirals",
        ("spirals", "spirals_2.0"),
        "No images and no pretrained network yet: points in the plane, two classes, a network of 5 qubits between two "
        "small linear layers, and the same network with the circuit replaced by five tanh units.",
    ),
    Example(
        "1b",
        "Other shapes",
        ("square", "moons"),
        "The authors' supplementary notebook repeats example 1 with two easier shapes.",
    ),
    Example(
        "2",
        "Ants and bees",
        ("ants_bees",),
        "Photographs go through a ResNet-18 that ImageNet trained and nobody changes any more; only the head learns to "
        "tell ants from bees.",
    ),
    Example(
        "3",
        "CIFAR-10 pairs",
        ("dogs_cats", "planes_cars"),
        "The same with small pictures, 32 by 32 pixels, enlarged to the size that the network expects.",
    ),
)


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


@dataclass(frozen=True)
class Measured:
    """What a stored run says about a row; accuracies in [0, 1], intervals over seeds at 95 %."""

    seeds: int
    best: Interval
    """test accuracy at the chosen epoch: the best on test ("paper"), the best on validation ("ours"), the last one
    (the notebook)"""
    last: Interval | None
    """test accuracy after the last epoch; None under "ours", which looks at the test set once"""
    loss: Interval
    """test loss at the chosen epoch"""
    seconds: float
    """training time of all seeds together"""
    run_id: str


# --- the rows ---------------------------------------------------------------------------------------------------------

_REPORTED = {
    ("ants_bees", "dressed_quantum"): Reported(0.9673, 0.2753, 87),
    ("ants_bees", "linear"): Reported(0.9542, 0.1900),
    ("dogs_cats", "dressed_quantum"): Reported(0.8270, 0.4039, 676),
    ("planes_cars", "dressed_quantum"): Reported(0.9605, 0.1349, 478),
    ("spirals", "classical"): Reported(0.855),
    ("spirals", "hybrid"): Reported(0.970),
    ("spirals_2.0", "classical"): Reported(0.540),
    ("spirals_2.0", "hybrid"): Reported(0.625),
    ("square", "classical"): Reported(0.905),
    ("square", "hybrid"): Reported(0.930),
    ("moons", "classical"): Reported(0.975),
    ("moons", "hybrid"): Reported(0.965),
}

NOTEBOOK_STEPS = 1_000
"""Steps of every network of the authors' notebook: `core.paper.notebook.ITERATIONS`, which loads torch."""
NOTEBOOK_MINUTES = 669
"""What the authors' notebook took for all four networks of example 1, as it printed itself."""

DECISION_GRID = tuple(round(-2.8 + step * 0.08, 2) for step in range(71))
"""Both coordinates at which a notebook network's decision is kept, standardised; rows of "decision" are the second."""

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
                reported = _REPORTED[name, network]
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
                        yield Row(key, example, name, head.kind, protocol, _REPORTED.get((name, head.kind)), config)


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


# --- what was measured ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Line:
    """A row with what was measured for it: in the runs that ship, and again on this machine."""

    row: Row
    measured: Measured | None
    """None: not run yet"""
    again: Measured | None


def table(shipped: Path = SHIPPED, own: Path | None = None) -> list[Line]:
    """Every row with its measurements, read from the folder of shipped runs and from a person's own."""
    own = own or settings().results_dir
    found = {row.key: _read(shipped, row.run_id).measured for row in rows() if (shipped / row.run_id).is_dir()}
    again = {key: each.measured for key, each in _runs_again(own, shipped).items()}
    found |= {key: notebook_measured(values) for key, values in notebook_results(shipped).items()}
    return [Line(row, found.get(row.key), again.get(row.key)) for row in rows()]


def measured(record: Record) -> Measured | None:
    """What a run says, None before it has finished."""
    if record.finished is None:
        return None
    last = mean_interval(record.epochs[-1].validation_accuracy) if record.config.protocol != "ours" else None
    return Measured(
        seeds=len(record.finished.test_accuracy),
        best=mean_interval(record.finished.test_accuracy),
        last=last,
        loss=mean_interval(record.finished.test_loss),
        seconds=record.finished.seconds,
        run_id=record.run_id,
    )


@dataclass(frozen=True)
class _Read:
    """What the table needs of a stored run."""

    digest: str
    created: datetime
    measured: Measured | None


def _read(root: Path, run_id: str) -> _Read:
    return _read_at(root, run_id, (root / run_id / "run.json").stat().st_mtime_ns)


@lru_cache(maxsize=4096)
def _read_at(root: Path, run_id: str, _modified: int) -> _Read:
    record = Store(root).load(run_id)
    return _Read(digest(record.config), record.created, measured(record))


def _runs_again(root: Path, shipped: Path) -> dict[str, _Read]:
    """Row key → the newest finished run that a person made with exactly that row's settings."""
    wanted = {digest(row.config): row for row in rows() if row.config}
    found: dict[str, _Read] = {}
    for run_id in Store(root).run_ids():
        try:
            read = _read(root, run_id)
        except LabError:
            continue  # a record that cannot be read counts for no row
        row = wanted.get(read.digest)
        if row is None or read.measured is None or (root == shipped and run_id == row.run_id):
            continue
        if row.key not in found or found[row.key].created < read.created:
            found[row.key] = read
    return found


def notebook_results(root: Path) -> dict[str, Any]:
    """Row key → what `core.paper.notebook` gave: accuracy, loss, seconds, weights, decision; empty when not run."""
    path = root / NOTEBOOK_FILE
    if not path.is_file():
        return {}
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return found
    except ValueError as error:
        raise LabError(f"{path} cannot be read ({error}): remove it and run `python -m core paper run --all`") from None


def keep_notebook_results(results: dict[str, Any], root: Path) -> None:
    """Store these results beside those of other rows, whole or not at all."""
    root.mkdir(parents=True, exist_ok=True)
    text = json.dumps(notebook_results(root) | results)
    with tempfile.NamedTemporaryFile("w", dir=root, suffix=".part", delete=False, encoding="utf-8") as file:
        file.write(text)
    os.chmod(file.name, 0o644)
    os.replace(file.name, root / NOTEBOOK_FILE)


def notebook_measured(values: dict[str, Any]) -> Measured:
    once = Interval(values["accuracy"], math.nan, math.nan)
    loss = Interval(values["loss"], math.nan, math.nan)
    return Measured(seeds=1, best=once, last=once, loss=loss, seconds=values["seconds"], run_id="")
