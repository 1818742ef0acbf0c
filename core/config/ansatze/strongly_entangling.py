"""Strongly entangling layers (arXiv:1804.00633): PennyLane's StronglyEntanglingLayers."""

from collections.abc import Iterator

from core.config.ansatze.base import Ansatz
from core.config.gates import Angle, Gate


def _layer(n_qubits: int, layer: int, weights: Iterator[Angle]) -> Iterator[Gate]:
    """Rot on every qubit, then CNOTs at a distance that grows with the layer."""
    for wire in range(n_qubits):
        yield Gate("Rot", (wire,), (next(weights), next(weights), next(weights)))
    distance = layer % (n_qubits - 1) + 1
    for wire in range(n_qubits):
        yield Gate("CNOT", (wire, (wire + distance) % n_qubits))


STRONGLY_ENTANGLING = Ansatz(
    "strongly_entangling", "three angles on every qubit, CNOTs further apart in every layer", _layer
)
