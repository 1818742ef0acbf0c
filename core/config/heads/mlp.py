"""A classical network of hidden layers."""

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field

from core.config.heads.base import Choice, CircuitSettings, Entrant, QuantumShape, Style
from core.config.heads.dressed_quantum import DressedQuantum
from core.config.heads.layers import Activation, Layer, dense_stack

STYLE = Style("mlp", "#CC79A7", "18px,3px,5px,3px")


class MLP(QuantumShape):
    """d→hidden→…→classes; by default one hidden layer with as many parameters as the quantum head has."""

    kind: Literal["mlp"] = "mlp"
    hidden: tuple[Annotated[int, Field(ge=1, le=4096)], ...] | None = Field(
        None, description="Units in each hidden layer; empty: matched to the quantum head of n_qubits and q_depth."
    )
    activation: Activation = Field(
        "leaky_relu",
        description="Function applied to each hidden unit. Plain ReLU units die in a layer this narrow whose inputs "
        "are never negative.",
    )

    place_in_menu: ClassVar[int] = 4
    choices: ClassVar[tuple[Choice, ...]] = (
        Choice(STYLE, lambda circuit: MLP(n_qubits=circuit.n_qubits, q_depth=circuit.q_depth)),
    )

    @classmethod
    def rivals(cls, circuit: CircuitSettings, init_scale: float | None, is_points: bool) -> tuple[Entrant, ...]:
        n = circuit.n_qubits
        matched = cls(n_qubits=n, q_depth=circuit.q_depth)

        def rival(name: str, words: str, **fields: Any) -> Entrant:
            return Entrant(name, "classical", words, matched.model_copy(update=fields))

        one = rival("mlp", "one hidden layer of leaky ReLU, as many parameters as the quantum head")
        if not is_points:
            return one, rival("wider mlp", "hidden 64, leaky ReLU", hidden=(64,))
        tanh = {"hidden": (n, n), "activation": "tanh"}
        start = "two layers of 5 tanh units, started near zero as in the paper"
        return (
            one,
            rival("paper's classical", start, **tanh, init_scale=init_scale),
            rival("two tanh layers", f"the same, ordinary start: {n}-{n}", **tanh),
            rival("two sine layers", f"hidden {n}-{n}, sine", hidden=(n, n), activation="sine"),
            rival("wider mlp", "hidden 16-16, leaky ReLU", hidden=(16, 16)),
        )

    @property
    def style(self) -> Style:
        return STYLE

    @property
    def detail(self) -> str:
        return "matched in size" if self.hidden is None else "hidden " + "-".join(map(str, self.hidden))

    def layers(self, n_features: int, n_classes: int) -> tuple[Layer, ...]:
        hidden = self.hidden or (self._matched_width(n_features, n_classes),)
        return dense_stack((n_features, *hidden, n_classes), self.activation, self.init_scale)

    def _matched_width(self, n_features: int, n_classes: int) -> int:
        """Units of the one hidden layer with which it comes closest to the quantum head's parameters."""
        quantum_head = DressedQuantum(n_qubits=self.n_qubits, q_depth=self.q_depth)
        wanted = sum(quantum_head.count_trained(n_features, n_classes))
        return max(1, round((wanted - n_classes) / (n_features + 1 + n_classes)))

    @property
    def inner_width(self) -> int | None:
        return self.hidden[0] if self.hidden else None

    @property
    def inner_widths(self) -> tuple[int, ...]:
        return (16, 32, 64, 128, 256) if self.hidden else ()

    def with_inner_width(self, width: int) -> Self:
        """The same head with all hidden layers as wide."""
        return self.model_copy(update={"hidden": (width,) * len(self.hidden or ())})
