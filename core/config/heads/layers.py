"""The layers of a head as a description: which arrays there are, how they start, what is trained. No torch.

`core.training.layers` alone turns a description into layers that compute. Data goes through a head's layers in order,
(batch, n_features) → (batch, n_classes).
"""

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from core.config.heads.dressed_quantum import DressedQuantum

Activation = Literal["tanh", "relu", "leaky_relu", "sine"]


@dataclass(frozen=True)
class Normal:
    """Normally distributed around zero with this standard deviation."""

    scale: float


@dataclass(frozen=True)
class FanIn:
    """Uniform in ±1/sqrt(n_in), as ``torch.nn.Linear`` starts its weights and its bias."""

    n_in: int


@dataclass(frozen=True)
class FullTurn:
    """Uniform in [0, 2π)."""


Start = Normal | FanIn | FullTurn


@dataclass(frozen=True)
class Parameter:
    """One array of weights of one network."""

    name: str
    shape: tuple[int, ...]
    start: Start
    trained: bool = True
    quantum: bool = False

    @property
    def size(self) -> int:
        return prod(self.shape)


@dataclass(frozen=True)
class Layer:
    """One step of a head."""

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """Its arrays of weights."""
        return ()


@dataclass(frozen=True)
class Dense(Layer):
    """y = W x + b, with W (n_out, n_in) and b (n_out,).

    Layers that play the same part in different heads have the same name, so that heads of one seed share their start.
    init_scale: standard deviation of the start; None: torch.nn.Linear's own.
    """

    name: str
    n_in: int
    n_out: int
    init_scale: float | None
    trained: bool = True

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        start = FanIn(self.n_in) if self.init_scale is None else Normal(self.init_scale)
        return (
            Parameter(f"{self.name}.weight", (self.n_out, self.n_in), start, self.trained),
            Parameter(f"{self.name}.bias", (self.n_out,), start, self.trained),
        )


@dataclass(frozen=True)
class Elementwise(Layer):
    """y = scale · f(x), f one of tanh, ReLU, leaky ReLU (slope 0.01 below zero), sine."""

    function: Activation
    scale: float = 1.0


@dataclass(frozen=True)
class Circuit(Layer):
    """⟨Z⟩ on every qubit of a dressed head's circuit, whose inputs are x (n_qubits,), angles in radians."""

    head: "DressedQuantum"

    @property
    def trained(self) -> bool:
        return self.head.variant.trains_angles

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        start = FullTurn() if self.head.variant.random_angles else Normal(self.head.q_delta)
        return (Parameter("circuit.weights", (self.head.n_angles,), start, self.trained, quantum=True),)


@dataclass(frozen=True)
class SineProducts(Layer):
    """What the paper's circuit of this size computes at zero angles: products of −sin(x_i), n_qubits of them."""

    n_qubits: int
    q_depth: int


def dense_stack(widths: tuple[int, ...], activation: Activation, init_scale: float | None) -> tuple[Layer, ...]:
    """Dense layers "pre", "hidden1", …, "post" from width to width, with the activation after all but the last."""
    names = ("pre", *(f"hidden{index}" for index in range(1, len(widths) - 2)), "post")
    stack: list[Layer] = []
    for name, n_in, n_out in zip(names, widths[:-1], widths[1:], strict=True):
        stack += [Dense(name, n_in, n_out, init_scale), Elementwise(activation)]
    return tuple(stack[:-1])
