"""A classical network of hidden layers."""

from typing import Annotated, Literal

from pydantic import Field

from core.config.heads.base import Activation, QuantumShape


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
