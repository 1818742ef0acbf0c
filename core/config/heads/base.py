"""What head kinds share."""

from typing import Literal

from pydantic import Field

from core.config.frozen import Frozen

Activation = Literal["tanh", "relu", "leaky_relu", "sine"]


class Head(Frozen):
    """What every head has in common."""

    init_scale: float | None = Field(
        None, gt=0, le=10, description="Standard deviation of all initial weights; empty: torch.nn.Linear's own."
    )


class QuantumShape(Head):
    """Size of a dressed quantum circuit, or of the circuit that a classical head is matched to."""

    n_qubits: int = Field(4, ge=2, le=12, description="Qubits: the width that features are squeezed to.")
    q_depth: int = Field(6, ge=1, le=20, description="Depth: how often entangler and trained rotations repeat.")
