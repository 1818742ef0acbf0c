"""One dense layer."""

from typing import Literal

from core.config.heads.base import Head


class Linear(Head):
    """d→classes: logistic regression."""

    kind: Literal["linear"] = "linear"
