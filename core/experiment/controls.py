"""The form's controls, in one table: what a control is called, what it may be set to, how an address writes it.

Ranges and explanations come from the configuration's fields, so there is no second copy of them here. A control is
called like the field that it sets, and so is its parameter of the address.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel, TypeAdapter
from typing_extensions import TypedDict

from core.config.ansatze.registry import ANSAETZE
from core.config.heads.dressed_quantum import DressedQuantum
from core.config.heads.registry import head_choices
from core.config.run import RunConfig
from core.data.networks.registry import NETWORKS
from core.data.registry import DATASETS
from core.errors import LabError
from core.experiment.features import find_features
from core.validation import allowed

N = TypeVar("N", int, float)


class Values(TypedDict):
    """What the controls are set to, by name."""

    dataset: str
    features: str
    n_qubits: int
    q_depth: int
    learning_rate: float
    epochs: int
    batch_size: int
    seeds: int
    heads: list[str]
    ablations: list[str]
    ansatz: str
    reuploads: int
    q_delta: float
    base_seed: int
    lr_step: int
    lr_gamma: float
    validation_share: float
    split_seed: int
    split_per_seed: bool
    standardise: bool
    patience: int
    adam_beta2: float


_VALUES = TypeAdapter(Values)


def values_of(plain: Mapping[str, Any]) -> Values:
    """Values by name, every one of them and of the right type."""
    return _VALUES.validate_python(plain)


@dataclass(frozen=True)
class Number(Generic[N]):
    """A number in the range of a configuration's field.

    look: a slider over all of the range, one over chosen steps, or a box to type into, whose arrows go by ``step``.
    """

    name: str
    label: str
    kind: type[N]
    owner: type[BaseModel]
    look: Literal["slider", "steps", "box"]
    steps: tuple[N, ...] = ()
    step: N | None = None
    format: str | None = None

    @property
    def help(self) -> str:
        return self.owner.model_fields[self.name].description or ""

    @property
    def bounds(self) -> tuple[N, N]:
        """Smallest and largest value; an end that the field leaves open is one small step inwards."""
        low, high = self.kind(0), self.kind(2**31)
        for rule in self.owner.model_fields[self.name].metadata:
            if (bound := getattr(rule, "ge", None)) is not None:
                low = self.kind(bound)
            if (bound := getattr(rule, "gt", None)) is not None:
                low = self.kind(bound + (1 if self.kind is int else 0.001))
            if (bound := getattr(rule, "le", None)) is not None:
                high = self.kind(bound)
            if (bound := getattr(rule, "lt", None)) is not None:
                high = self.kind(bound - (1 if self.kind is int else 0.01))
        return low, high

    def nearest(self, value: N) -> N:
        """The value that the control can be set to which is closest to this one."""
        low, high = self.bounds
        return min(max(value, low), high)

    def to_text(self, value: N) -> str:
        return f"{value:.15g}" if isinstance(value, float) else str(value)

    def from_text(self, text: str, dataset: str) -> N:
        """Raises `LabError` for what is no number or out of range."""
        low, high = self.bounds
        try:
            value = self.kind(text)
        except ValueError:
            value = None
        if value is None or not low <= value <= high:
            raise LabError(f"{self.name} = {text!r} is not possible: {allowed(self.owner.model_fields[self.name])}")
        return value


def _one_of(name: str, text: str, options: Sequence[str]) -> str:
    """The text, if it is one of a control's options; else `LabError`."""
    if text not in options:
        raise LabError(f"{name} = {text!r} is not possible: choose one of {', '.join(options)}")
    return text


@dataclass(frozen=True)
class Switch:
    """On or off: one of a configuration's fields."""

    name: str
    label: str
    owner: type[BaseModel]

    @property
    def help(self) -> str:
        return self.owner.model_fields[self.name].description or ""

    def to_text(self, value: bool) -> str:
        return "on" if value else "off"

    def from_text(self, text: str, dataset: str) -> bool:
        """Raises `LabError` for what is neither."""
        return _one_of(self.name, text, ("on", "off")) == "on"


@dataclass(frozen=True)
class OneOf:
    """One line of a menu."""

    name: str
    label: str
    help: str
    options: Callable[[], Sequence[str]]

    def to_text(self, value: str) -> str:
        return value

    def from_text(self, text: str, dataset: str) -> str:
        """Raises `LabError` for what is not in the menu."""
        return _one_of(self.name, text, self.options())


@dataclass(frozen=True)
class SomeOf:
    """Any number of a menu's lines, separated by commas in the address."""

    name: str
    label: str
    help: str
    options: Callable[[], Sequence[str]]

    def to_text(self, value: Sequence[str]) -> str:
        return ",".join(value)

    def from_text(self, text: str, dataset: str) -> list[str]:
        """Raises `LabError` for what is not in the menu."""
        return [_one_of(self.name, each, self.options()) for each in text.split(",")] if text else []


@dataclass(frozen=True)
class FeaturesOf:
    """One of the features that are listed for the chosen data set."""

    name: str
    label: str
    help: str

    def to_text(self, value: str) -> str:
        return value

    def from_text(self, text: str, dataset: str) -> str:
        """Raises `LabError` for what is not listed."""
        return find_features(dataset, text).features.cut.key


DATASET = OneOf("dataset", "Data set", "", lambda: list(DATASETS))
FEATURES = FeaturesOf(
    "features",
    "Features",
    " ".join(
        (
            "The frozen network that turns images into numbers, where it is cut, and how many numbers it gives.",
            *(network.about for network in NETWORKS.values() if network.about),
        )
    ),
)
N_QUBITS = Number("n_qubits", "Qubits", int, DressedQuantum, "slider")
Q_DEPTH = Number("q_depth", "Depth", int, DressedQuantum, "slider")
LEARNING_RATE = Number(
    "learning_rate",
    "Learning rate",
    float,
    RunConfig,
    "steps",
    steps=tuple(float(f"{digits}e{power}") for power in range(-5, 0) for digits in (1, 1.5, 2, 3, 4, 5, 6, 8)),
)
EPOCHS = Number(
    "epochs",
    "Epochs",
    int,
    RunConfig,
    "steps",
    steps=(1, 2, 3, 5, 8, 10, 15, 20, 25, 30, 40, 50, 60, 80, 100, 150, 200, 300, 500, 1000),
)
BATCH_SIZE = Number("batch_size", "Batch size", int, RunConfig, "steps", steps=(1, 2, 4, 8, 16, 32, 64, 128, 256))
SEEDS = Number("seeds", "Seeds", int, RunConfig, "slider")
HEADS = SomeOf(
    "heads",
    "Heads to compare",
    "All heads train on the same features and batches, for the same number of epochs.",
    lambda: list(head_choices()),
)
ABLATIONS = SomeOf(
    "ablations",
    "Quantum head without …",
    "Each ablation trains beside the whole quantum head and shows whether the removed part matters.",
    lambda: list(head_choices(ablations=True)),
)
ANSATZ = OneOf(
    "ansatz",
    "Ansatz",
    DressedQuantum.model_fields["ansatz"].description or "",
    lambda: list(ANSAETZE),
)
REUPLOADS = Number("reuploads", "Embeddings", int, DressedQuantum, "box")
Q_DELTA = Number("q_delta", "Initial angles", float, DressedQuantum, "box", step=0.01, format="%.3g")
BASE_SEED = Number("base_seed", "Base seed", int, RunConfig, "box")
LR_STEP = Number("lr_step", "Rate step", int, RunConfig, "box")
LR_GAMMA = Number("lr_gamma", "Rate factor", float, RunConfig, "box", step=0.1, format="%.3g")
VALIDATION_SHARE = Number("validation_share", "Validation", float, RunConfig, "box", step=0.05, format="%.2f")
SPLIT_SEED = Number("split_seed", "Split seed", int, RunConfig, "box")
SPLIT_PER_SEED = Switch("split_per_seed", "Split per seed", RunConfig)
STANDARDISE = Switch("standardise", "Standardise", RunConfig)
PATIENCE = Number("patience", "Patience", int, RunConfig, "box")
ADAM_BETA2 = Number("adam_beta2", "Adam's β₂", float, RunConfig, "box", step=0.001, format="%.5g")

Control = Number[int] | Number[float] | Switch | OneOf | SomeOf | FeaturesOf

CONTROLS: dict[str, Control] = {
    control.name: control
    for control in (
        DATASET,
        FEATURES,
        N_QUBITS,
        Q_DEPTH,
        Q_DELTA,
        ANSATZ,
        REUPLOADS,
        LEARNING_RATE,
        LR_STEP,
        LR_GAMMA,
        BATCH_SIZE,
        EPOCHS,
        SEEDS,
        BASE_SEED,
        VALIDATION_SHARE,
        SPLIT_SEED,
        SPLIT_PER_SEED,
        STANDARDISE,
        PATIENCE,
        ADAM_BETA2,
        HEADS,
        ABLATIONS,
    )
}
"""All controls by name, in the order of the address."""

OF_RUN = tuple(
    name for name, control in CONTROLS.items() if isinstance(control, Number | Switch) and control.owner is RunConfig
)
"""Names of the controls that set a field of the run itself, which all heads of an experiment share."""
