"""The contract of a head kind, and what several kinds share."""

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self

from pydantic import Field

from core.config.frozen import Frozen
from core.config.heads.layers import Layer, Parameter


@dataclass(frozen=True)
class Style:
    """How a head is called and drawn, on every page, slide and export.

    Colours are Okabe and Ito's, which people with any kind of colour vision can distinguish, and differ in grey.
    dash: plotly's pattern of stroke and gap lengths.
    """

    label: str
    colour: str
    dash: str


@dataclass(frozen=True)
class CircuitSettings:
    """The laboratory's controls of the circuit, to which all heads of an experiment are sized."""

    n_qubits: int
    q_depth: int
    q_delta: float
    ansatz: str
    reuploads: int


@dataclass(frozen=True)
class Choice:
    """One line of the laboratory's menus of heads."""

    style: Style
    """That of the head that it makes, whose label is the line's text."""
    head: Callable[[CircuitSettings], "Head"]
    is_ablation: bool = False
    """Ablations have a menu of their own."""


Group = Literal["ablation", "ansatz", "classical"]
"""What a head is to a quantum head that it is compared with."""


@dataclass(frozen=True)
class Entrant:
    """A head that enters comparisons."""

    name: str
    group: Group
    words: str
    """What it is, for a person"""
    head: "Head"


class Head(Frozen):
    """A trained head: its fields, and everything that the laboratory has to know of its kind."""

    kind: str
    """The name of the kind in records and commands; each kind sets its own."""
    init_scale: float | None = Field(
        None, gt=0, le=10, description="Standard deviation of all initial weights; empty: torch.nn.Linear's own."
    )

    place_in_menu: ClassVar[int]
    """Kinds stand in the order of these numbers."""
    choices: ClassVar[tuple[Choice, ...]]
    """Its lines in the laboratory's menus."""

    @classmethod
    def rivals(cls, circuit: CircuitSettings, init_scale: float | None, is_points: bool) -> tuple[Entrant, ...]:
        """Heads of this kind that are compared with any candidate on points or on images.

        circuit: the size that they are matched to; init_scale: the candidate's start, for those that share it.
        """
        return ()

    def siblings(self) -> tuple[Entrant, ...]:
        """This head with one field changed: what a comparison shows of its parts when it is the candidate."""
        return ()

    @property
    @abstractmethod
    def style(self) -> Style:
        """Name, colour and dash."""

    @property
    @abstractmethod
    def detail(self) -> str:
        """What it is, in few words and with its sizes, e.g. "4 qubits, depth 6"."""

    @property
    def controls(self) -> dict[str, Any]:
        """The controls of `CircuitSettings` that this head was sized by, and their values."""
        return {}

    @abstractmethod
    def layers(self, n_features: int, n_classes: int) -> tuple[Layer, ...]:
        """What it is made of, in the order in which data meets it."""

    @property
    def inner_width(self) -> int | None:
        """Width of the inner layer that tuning may change; None where the size is the head's definition."""
        return None

    @property
    def inner_widths(self) -> tuple[int, ...]:
        """Widths that tuning may choose from."""
        return ()

    def with_inner_width(self, width: int) -> Self:
        """The same head with another of its `inner_widths`."""
        raise NotImplementedError(f"{self.kind} has one width")

    def parameters(self, n_features: int, n_classes: int) -> tuple[Parameter, ...]:
        """All its arrays of weights, in the order in which data meets them."""
        return tuple(each for layer in self.layers(n_features, n_classes) for each in layer.parameters)

    def count_trained(self, n_features: int, n_classes: int) -> tuple[int, int]:
        """Trainable parameters: (in the circuit, elsewhere)."""
        counts = {True: 0, False: 0}
        for parameter in self.parameters(n_features, n_classes):
            counts[parameter.quantum] += parameter.size if parameter.trained else 0
        return counts[True], counts[False]


INNER_WIDTHS = (2, 3, 4, 5, 6, 8)
"""Widths that tuning tries alike for every head with an inner layer as wide as a circuit."""


class QuantumShape(Head):
    """Size of a dressed quantum circuit, or of the circuit that a classical head is matched to."""

    n_qubits: int = Field(4, ge=2, le=12, description="Qubits: the width that features are squeezed to.")
    q_depth: int = Field(6, ge=1, le=20, description="Depth: how often entangler and trained rotations repeat.")

    @property
    def controls(self) -> dict[str, Any]:
        return {"n_qubits": self.n_qubits, "q_depth": self.q_depth}


class AsWideAsQubits(QuantumShape):
    """A head whose inner layer has one number for each qubit."""

    @property
    def inner_width(self) -> int:
        return self.n_qubits

    @property
    def inner_widths(self) -> tuple[int, ...]:
        return INNER_WIDTHS

    def with_inner_width(self, width: int) -> Self:
        return self.model_copy(update={"n_qubits": width})
