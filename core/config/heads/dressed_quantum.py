"""The dressed quantum circuit, and the ablations that take one part out of it."""

from typing import Literal

from pydantic import Field, model_validator

from core.config.heads.base import QuantumShape


class DressedQuantum(QuantumShape):
    """pre_net d→n, tanh·π/2, circuit, ⟨Z⟩ on each qubit, post_net n→classes (arXiv:1912.08278, eq. 12)."""

    kind: Literal["dressed_quantum"] = "dressed_quantum"
    q_delta: float = Field(0.01, ge=0, le=10, description="Standard deviation of the initial angles, in radians.")
    ansatz: Literal["mari", "ring", "strongly_entangling"] = Field(
        "mari", description="Trained block: the paper's, a ring of CNOTs with RY, or strongly entangling layers."
    )
    reuploads: int = Field(1, ge=1, le=20, description="How often the data is embedded: 1 is once, at the start.")
    ablation: Literal[
        "none", "near_zero", "random_angles", "no_entanglers", "shuffled_entanglers", "frozen_pre_net"
    ] = Field("none", description="What is taken out of the quantum head to see whether it matters.")

    @model_validator(mode="after")
    def _reuploads_fit(self) -> "DressedQuantum":
        if self.reuploads > self.q_depth:
            raise ValueError(
                f"reuploads = {self.reuploads} is not possible: one embedding stands before a layer, "
                f"so use up to q_depth = {self.q_depth} embeddings"
            )
        return self
