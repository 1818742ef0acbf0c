"""The quantum head without its circuit."""

from typing import Any, ClassVar, Literal, Self

from pydantic import Field

from core.config.heads.base import INNER_WIDTHS, Choice, CircuitSettings, Entrant, Head, Style
from core.config.heads.layers import Activation, Layer, dense_stack

STYLE = Style("bottleneck", "#E69F00", "22px,4px")


class Bottleneck(Head):
    """d→width→classes: the quantum head with its circuit taken out."""

    kind: Literal["bottleneck"] = "bottleneck"
    width: int = Field(4, ge=1, le=4096, description="Units in the bottleneck; the quantum head's n_qubits.")
    activation: Activation = Field("tanh", description="Function applied to each unit of the bottleneck.")

    place_in_menu: ClassVar[int] = 2
    choices: ClassVar[tuple[Choice, ...]] = (Choice(STYLE, lambda circuit: Bottleneck(width=circuit.n_qubits)),)

    @classmethod
    def rivals(cls, circuit: CircuitSettings, init_scale: float | None, is_points: bool) -> tuple[Entrant, ...]:
        n = circuit.n_qubits
        return (
            Entrant("bottleneck", "classical", f"{n} units, tanh", cls(width=n)),
            Entrant("bottleneck, ReLU", "classical", f"{n} units, ReLU", cls(width=n, activation="relu")),
            Entrant("bottleneck, sine", "classical", f"{n} units, sine", cls(width=n, activation="sine")),
        )

    @property
    def style(self) -> Style:
        return STYLE

    @property
    def detail(self) -> str:
        return f"{self.width} units, {self.activation}"

    @property
    def controls(self) -> dict[str, Any]:
        return {"n_qubits": self.width}

    def layers(self, n_features: int, n_classes: int) -> tuple[Layer, ...]:
        return dense_stack((n_features, self.width, n_classes), self.activation, self.init_scale)

    @property
    def inner_width(self) -> int:
        return self.width

    @property
    def inner_widths(self) -> tuple[int, ...]:
        return INNER_WIDTHS

    def with_inner_width(self, width: int) -> Self:
        return self.model_copy(update={"width": width})
