"""The trained blocks that a dressed circuit repeats: one function an ansatz, one line in `ANSAETZE`.

A new ansatz is a function and an entry here, and its name in `core.config.heads.dressed_quantum`; a test compares
the two lists, and every simulator is tested on whatever the list holds.
"""

from collections.abc import Callable, Iterator

from core.circuit.description import Angle, Gate

Ansatz = Callable[[int, int, Iterator[Angle]], Iterator[Gate]]
"""(n_qubits, layer counted from 0, weights) → the gates of that layer in their order.

weights are endless and new in every layer: a gate takes what it needs with ``next(weights)``. Gates on two wires are
entanglers, which the ablations leave out or move to other wires.
"""


def mari(n_qubits: int, layer: int, weights: Iterator[Angle]) -> Iterator[Gate]:
    """CNOT on (0,1), (2,3), …, then on (1,2), (3,4), …, then RY on every qubit (arXiv:1912.08278, eq. 19-21)."""
    for first in (0, 1):
        for wire in range(first, n_qubits - 1, 2):
            yield Gate("CNOT", (wire, wire + 1))
    for wire in range(n_qubits):
        yield Gate("RY", (wire,), (next(weights),))


def ring(n_qubits: int, layer: int, weights: Iterator[Angle]) -> Iterator[Gate]:
    """RY on every qubit, then a closed ring of CNOTs: PennyLane's BasicEntanglerLayers."""
    for wire in range(n_qubits):
        yield Gate("RY", (wire,), (next(weights),))
    for wire in range(n_qubits if n_qubits > 2 else 1):  # a ring of two would undo itself
        yield Gate("CNOT", (wire, (wire + 1) % n_qubits))


def strongly_entangling(n_qubits: int, layer: int, weights: Iterator[Angle]) -> Iterator[Gate]:
    """Rot on every qubit, then CNOTs at a distance that grows with the layer: PennyLane's StronglyEntanglingLayers
    (arXiv:1804.00633)."""
    for wire in range(n_qubits):
        yield Gate("Rot", (wire,), (next(weights), next(weights), next(weights)))
    distance = layer % (n_qubits - 1) + 1
    for wire in range(n_qubits):
        yield Gate("CNOT", (wire, (wire + distance) % n_qubits))


ANSAETZE: dict[str, Ansatz] = {"mari": mari, "ring": ring, "strongly_entangling": strongly_entangling}
"""Name, as a configuration gives it → builder."""
