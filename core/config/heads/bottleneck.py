"""The quantum head without its circuit."""

from typing import Literal

from pydantic import Field

from core.config.heads.base import Activation, Head


class Bottleneck(Head):
    """d→width→classes: the quantum head with its circuit taken out."""

    kind: Literal["bottleneck"] = "bottleneck"
    width: int = Field(4, ge=1, le=4096, description="Units in the bottleneck; the quantum head's n_qubits.")
    activation: Activation = Field("tanh", description="Function applied to each unit of the bottleneck.")
