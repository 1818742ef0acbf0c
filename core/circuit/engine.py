"""What a simulator of circuits has to be: an `Engine`, with what it can do, what it costs, and how it runs.

A new engine is a class that fulfils the protocol, and one entry in `core.circuit.simulator.ENGINES`; it is then chosen
wherever it is able and cheapest, and tested against PennyLane with all others.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Protocol

import torch
from torch import Tensor

from core.circuit.description import MAX_QUBITS, Circuit
from core.config.gates import GATES

Accelerator = Literal["cpu", "cuda"]


def accelerator(device: torch.device) -> Accelerator:
    """By which of our two sets of measurements a device is judged: every device but the processor counts as a GPU."""
    return "cpu" if device.type == "cpu" else "cuda"


@dataclass(frozen=True)
class Abilities:
    """Which circuits an engine runs, and where."""

    max_qubits: int = MAX_QUBITS
    gates: frozenset[str] = frozenset(GATES)
    late_inputs: bool = True
    """Whether inputs may act after weights (`Circuit.takes_inputs_late`)."""
    devices: frozenset[str] | None = None
    """Types of torch device that it computes on; None: all."""

    def refusal(self, circuit: Circuit, device: torch.device) -> str:
        """Why the engine cannot run a circuit on a device, as the second half of a sentence; empty when it can."""
        unknown = sorted({gate.name for gate in circuit.gates} - self.gates)
        if circuit.n_qubits > self.max_qubits:
            return f"it takes up to {self.max_qubits} qubits, and the circuit has {circuit.n_qubits}"
        if unknown:
            return f"it does not know the gates {', '.join(unknown)}"
        if circuit.takes_inputs_late and not self.late_inputs:
            return "it takes inputs before weights alone, and the circuit embeds its data again"
        if self.devices is not None and device.type not in self.devices:
            return f"it computes on {', '.join(sorted(self.devices))} alone, and not on {device.type}"
        return ""


class Engine(Protocol):
    """One circuit, prepared for one dtype and device; M members (weight vectors) with B samples each.

    Tensors are real, of that dtype, on that device, and need no gradient. Shapes are not checked: the callers in
    `core.circuit.simulator` have done that.
    """

    abilities: ClassVar[Abilities]

    @staticmethod
    def cost(circuit: Circuit, accelerator: Accelerator, rows: int) -> float:
        """Time of a pass over rows = M · B, forward and back, for a circuit that the engine is able to run.

        The unit is the time that one multiply-add of a large matrix product takes there, times the circuit's layers;
        `inf` where the engine is only taken by name.
        """
        ...

    def __init__(self, circuit: Circuit, dtype: torch.dtype, device: torch.device) -> None:
        """Prepare all that depends neither on inputs nor on weights; dtype is float32 or float64."""
        ...

    def forward(self, inputs: Tensor, weights: Tensor) -> tuple[Tensor, Any]:
        """inputs (M, B, n_inputs), weights (M, n_weights), radians -> expectation values (M, B, observables), saved."""
        ...

    def backward(
        self, saved: Any, grad_expvals: Tensor, need_inputs: bool, need_weights: bool
    ) -> tuple[Tensor | None, Tensor | None]:
        """Gradient with respect to expectation values (M, B, observables) -> (M, B, n_inputs) and (M, n_weights).

        saved comes from `forward` and is used once; None in place of the gradient that is not needed.
        """
        ...

    def evaluate(self, inputs: Tensor, weights: Tensor) -> Tensor:
        """The values of `forward` alone."""
        ...

    def states(self, inputs: Tensor, weights: Tensor) -> Tensor:
        """Amplitudes (M, B, 2^n), complex, qubit 0 the most significant bit."""
        ...
