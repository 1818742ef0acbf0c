"""What an ansatz is: the gates of one layer, given the number of qubits."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count

from core.config.gates import Angle, Gate


def endless_weights() -> Iterator[Angle]:
    """Trained angles of a circuit, counted from 0."""
    return (Angle("weight", index) for index in count())


@dataclass(frozen=True)
class Ansatz:
    """A trained block, with a layer counter, so that layers may differ."""

    name: str
    """As configurations, addresses and records have it."""
    words: str
    """What it consists of, for a person."""
    layer: Callable[[int, int, Iterator[Angle]], Iterator[Gate]]
    """(n_qubits, layer counted from 0, weights) → the gates of that layer in their order.

    weights are endless and new in every layer: a rotation takes what it needs with ``next(weights)``. Gates on two
    wires are entanglers, which the ablations leave out or move to other wires; they take no weights.
    """

    def count_angles(self, n_qubits: int, q_depth: int) -> int:
        """Trained angles in ``q_depth`` layers."""
        weights = endless_weights()
        gates = [gate for layer in range(q_depth) for gate in self.layer(n_qubits, layer, weights)]
        return sum(len(gate.angles) for gate in gates)
