"""The formula that the dressed circuit starts from."""

from math import pi
from typing import ClassVar, Literal

from core.config.heads.base import AsWideAsQubits, Choice, CircuitSettings, Entrant, Style
from core.config.heads.layers import Dense, Elementwise, Layer, SineProducts

STYLE = Style("closed form", "#5B7F9C", "9px,3px")


class ClosedForm(AsWideAsQubits):
    """The dressed circuit at zero angles, which is a product of sines: a classical head without an inner weight."""

    kind: Literal["closed_form"] = "closed_form"

    place_in_menu: ClassVar[int] = 5
    choices: ClassVar[tuple[Choice, ...]] = (
        Choice(STYLE, lambda circuit: ClosedForm(n_qubits=circuit.n_qubits, q_depth=circuit.q_depth)),
    )

    @classmethod
    def rivals(cls, circuit: CircuitSettings, init_scale: float | None, is_points: bool) -> tuple[Entrant, ...]:
        head = cls(n_qubits=circuit.n_qubits, q_depth=circuit.q_depth, init_scale=init_scale)
        return (Entrant("closed form", "classical", "the circuit at zero angles: a product of sines", head),)

    @property
    def style(self) -> Style:
        return STYLE

    @property
    def detail(self) -> str:
        return "product of sines"

    def layers(self, n_features: int, n_classes: int) -> tuple[Layer, ...]:
        return (
            Dense("pre", n_features, self.n_qubits, self.init_scale),
            Elementwise("tanh", pi / 2),
            SineProducts(self.n_qubits, self.q_depth),
            Dense("post", self.n_qubits, n_classes, self.init_scale),
        )
