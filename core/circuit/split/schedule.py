"""Which gates the split state collects into matrices, and in which order everything runs. Plain numpy."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from core.circuit.moments import Moment, kept_strings, moments, to_basis
from core.config.gates import Gate


@dataclass(eq=False)
class Product:
    """Collected gates of one group that hold one moment of rotations, U = Σ_s exp(iφ_s) A_s."""

    group: int
    moment: Moment
    matrices: np.ndarray
    """A_s for the kept phases s, (S, K, K)."""
    generators: np.ndarray
    """g for each angle of the moment, (angles, K, K): ∂U/∂θ = g U."""

    @property
    def kind(self) -> bytes:
        """Equal for products that differ in nothing but the weights they use."""
        return b"".join((part + 0.0).round(9).tobytes() for part in (self.matrices, self.generators))


@dataclass
class MatrixLayer:
    """Products of different groups, one after the other in any order."""

    products: dict[int, Product] = field(default_factory=dict)


def steps(part: MatrixLayer | Gate) -> Sequence[Product | Gate]:
    """The operations that a part of the program consists of."""
    return list(part.products.values()) if isinstance(part, MatrixLayer) else [part]


def split_wires(n_qubits: int, group_qubits: int) -> list[range]:
    """Neighbouring wires in groups, full ones at the end; a single wire left over joins the first.

    The last group's product has the state's rows on its left, which is slow for matrices smaller than 16 × 16.
    """
    rest = n_qubits % group_qubits
    cuts = [0, *range(rest, n_qubits + 1, group_qubits)]
    if rest == 1 and n_qubits > 1:
        cuts.remove(1)
    return [range(*cut) for cut in pairwise(dict.fromkeys(cuts))]


def schedule(
    gates: Sequence[Gate], groups: Sequence[range], real: bool
) -> tuple[list[tuple[Gate, ...]], list[MatrixLayer | Gate]]:
    """Opening gates of each group, on wires counted within it; then layers and single gates in their order.

    Single gates are those between groups, and rotations by inputs after the opening. One that acts on other wires than
    the gates collected so far commutes with them and lets them wait, so that layers hold as much as possible.
    """
    group_of = {wire: j for j, group in enumerate(groups) for wire in group}
    openings: list[tuple[Gate, ...] | None] = [None] * len(groups)
    collected: list[list[Gate]] = [[] for _ in groups]
    program: list[MatrixLayer | Gate] = []
    last_use = [-1] * len(groups)

    def close(j: int) -> None:
        """Put what group j has collected into the program."""
        first = groups[j][0]
        local = [Gate(gate.name, tuple(wire - first for wire in gate.wires), gate.angles) for gate in collected[j]]
        collected[j] = []
        if openings[j] is None:
            openings[j] = tuple(local)
        elif local:
            for product in _products(local, j, len(groups[j]), real):
                place = last_use[j] + 1
                while place < len(program) and not isinstance(program[place], MatrixLayer):
                    place += 1
                if place == len(program):
                    program.append(MatrixLayer())
                layer = program[place]
                assert isinstance(layer, MatrixLayer)
                layer.products[j] = product
                last_use[j] = place

    for gate in gates:
        touched = {group_of[wire] for wire in gate.wires}
        if len(touched) == 1 and not (gate.takes("input") and openings[min(touched)] is not None):
            collected[min(touched)].append(gate)
            continue
        for j in touched:
            waiting = {wire for other in collected[j] for wire in other.wires}
            if openings[j] is None or not waiting.isdisjoint(gate.wires):
                close(j)
        for j in touched:
            last_use[j] = len(program)
        program.append(gate)
    for j in range(len(groups)):
        close(j)
    return [opening or () for opening in openings], program


def _products(gates: list[Gate], group: int, n_qubits: int, real: bool) -> list[Product]:
    """Gates inside a group, on its own wires, as products with one moment each."""
    before, in_order = moments(gates, n_qubits)
    products = []
    for moment in in_order:
        to = to_basis(moment.axes)
        out = moment.then @ to.conj().T  # E V†
        into = to @ before  # V O
        before = np.eye(1 << n_qubits)
        matrices = out.T[:, :, None] * into[:, None, :]  # A_s = column s of E V† times row s of V O
        generators = [-0.5j * (out * signs) @ out.conj().T for _, signs in moment.angles]
        kept = kept_strings(moment, real)
        products.append(Product(group, moment, matrices[kept], np.array(generators).reshape(-1, *to.shape)))
    return products
