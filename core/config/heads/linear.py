"""One dense layer."""

from typing import ClassVar, Literal

from core.config.heads.base import Choice, CircuitSettings, Entrant, Head, Style
from core.config.heads.layers import Dense, Layer

STYLE = Style("linear", "#009E73", "12px,4px")


class Linear(Head):
    """d→classes: logistic regression."""

    kind: Literal["linear"] = "linear"

    place_in_menu: ClassVar[int] = 3
    choices: ClassVar[tuple[Choice, ...]] = (Choice(STYLE, lambda circuit: Linear()),)

    @classmethod
    def rivals(cls, circuit: CircuitSettings, init_scale: float | None, is_points: bool) -> tuple[Entrant, ...]:
        return (Entrant("linear", "classical", "no inner layer", cls()),)

    @property
    def style(self) -> Style:
        return STYLE

    @property
    def detail(self) -> str:
        return "logistic regression"

    def layers(self, n_features: int, n_classes: int) -> tuple[Layer, ...]:
        return (Dense("post", n_features, n_classes, self.init_scale),)
