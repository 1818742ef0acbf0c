"""The circuit inside a dressed quantum head, from its configuration."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace

from core.circuit.description import Circuit
from core.config.ansatze.base import endless_weights
from core.config.ansatze.registry import ANSAETZE
from core.config.gates import Angle, Gate
from core.config.heads.dressed_quantum import DressedQuantum


@dataclass(frozen=True)
class Blocks:
    """A dressed circuit in the blocks that it is made of; weights count through all layers."""

    n_qubits: int
    preparation: tuple[Gate, ...]
    embedding: tuple[Gate, ...]
    layers: tuple[tuple[Gate, ...], ...]
    embedded_before: frozenset[int]
    """Layers, counted from 0, that the embedding stands before."""

    @property
    def period(self) -> int:
        """After how many layers the same gates on the same wires come again; the number of layers if they do not."""
        shapes = [[(gate.name, gate.wires) for gate in layer] for layer in self.layers]
        periods = range(1, len(shapes))
        return next((each for each in periods if shapes[each:] == shapes[:-each]), len(shapes))

    def gates(self) -> Iterator[Gate]:
        """All gates in their order."""
        yield from self.preparation
        for index, layer in enumerate(self.layers):
            if index in self.embedded_before:
                yield from self.embedding
            yield from layer


def dressed_circuit(head: DressedQuantum, entangler_seed: int = 0) -> Circuit:
    """H and RY(x) on every qubit, ``q_depth`` layers of the ansatz, ⟨Z⟩ on every qubit (arXiv:1912.08278, eq. 12).

    Weights are flat, in the order of the gates: layer by layer, qubit by qubit (and φ, θ, ω).
    """
    gates = tuple(dressed_blocks(head, entangler_seed).gates())
    n_weights = sum(angle.source == "weight" for gate in gates for angle in gate.angles)
    observables = tuple(("Z", wire) for wire in range(head.n_qubits))
    return Circuit(head.n_qubits, gates, head.n_qubits, n_weights, observables)


def dressed_blocks(head: DressedQuantum, entangler_seed: int = 0) -> Blocks:
    """The blocks of `dressed_circuit`.

    With ``reuploads`` k, RY(x) is repeated before k − 1 later layers, evenly spread. The ablation
    "shuffled_entanglers" gives the wires of each layer's entanglers other names, drawn anew for every layer from
    entangler_seed; "no_entanglers" leaves them out.
    """
    n_qubits, depth, ansatz = head.n_qubits, head.q_depth, ANSAETZE[head.ansatz]
    weights = endless_weights()
    draw = random.Random(entangler_seed)
    layers = []
    for layer in range(depth):
        block = list(ansatz.layer(n_qubits, layer, weights))
        if head.variant.entanglers == "left out":
            block = [gate for gate in block if not _entangles(gate)]
        elif head.variant.entanglers == "shuffled":
            names = draw.sample(range(n_qubits), n_qubits)
            block = [_renamed(gate, names) if _entangles(gate) else gate for gate in block]
        layers.append(tuple(block))
    return Blocks(
        n_qubits,
        preparation=tuple(Gate("H", (wire,)) for wire in range(n_qubits)),
        embedding=tuple(Gate("RY", (wire,), (Angle("input", wire),)) for wire in range(n_qubits)),
        layers=tuple(layers),
        embedded_before=frozenset(k * depth // head.reuploads for k in range(head.reuploads)),
    )


def _entangles(gate: Gate) -> bool:
    return len(gate.wires) > 1


def _renamed(gate: Gate, names: list[int]) -> Gate:
    return replace(gate, wires=tuple(names[wire] for wire in gate.wires))
