"""The paper's ansatz (arXiv:1912.08278, eq. 19-21)."""

from collections.abc import Iterator

from core.config.ansatze.base import Ansatz
from core.config.gates import Angle, Gate


def _layer(n_qubits: int, layer: int, weights: Iterator[Angle]) -> Iterator[Gate]:
    """CNOT on (0,1), (2,3), …, then on (1,2), (3,4), …, then RY on every qubit."""
    for first in (0, 1):
        for wire in range(first, n_qubits - 1, 2):
            yield Gate("CNOT", (wire, wire + 1))
    for wire in range(n_qubits):
        yield Gate("RY", (wire,), (next(weights),))


MARI = Ansatz("mari", "CNOTs between neighbours, then one angle on every qubit, as in the paper", _layer)
