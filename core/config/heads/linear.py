"""One dense layer."""

from typing import ClassVar, Literal

from core.config.heads.base import Choice, Head, Style
from core.config.heads.layers import Dense, Layer

STYLE = Style("linear", "#009E73", "12px,4px")


class Linear(Head):
    """d→classes: logistic regression."""

    kind: Literal["linear"] = "linear"

    place_in_menu: ClassVar[int] = 3
    choices: ClassVar[tuple[Choice, ...]] = (Choice(STYLE, lambda circuit: Linear()),)

    @property
    def style(self) -> Style:
        return STYLE

    @property
    def detail(self) -> str:
        return "logistic regression"

    def layers(self, n_features: int, n_classes: int) -> tuple[Layer, ...]:
        return (Dense("post", n_features, n_classes, self.init_scale),)
