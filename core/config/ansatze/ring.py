"""A ring of CNOTs: PennyLane's BasicEntanglerLayers with RY."""

from collections.abc import Iterator

from core.config.ansatze.base import Ansatz
from core.config.gates import Angle, Gate


def _layer(n_qubits: int, layer: int, weights: Iterator[Angle]) -> Iterator[Gate]:
    """RY on every qubit, then CNOT on (0,1), (1,2), …, (n−1,0)."""
    for wire in range(n_qubits):
        yield Gate("RY", (wire,), (next(weights),))
    for wire in range(n_qubits if n_qubits > 2 else 1):  # a ring of two would undo itself
        yield Gate("CNOT", (wire, (wire + 1) % n_qubits))


RING = Ansatz("ring", "CNOTs in a ring", _layer)
