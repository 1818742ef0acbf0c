"""The circuit inside a dressed quantum head, from its configuration."""

import random
from dataclasses import replace
from itertools import count

from core.circuit.ansatze import ANSAETZE
from core.circuit.description import Angle, Circuit, Gate
from core.config.heads.dressed_quantum import DressedQuantum


def dressed_circuit(head: DressedQuantum, entangler_seed: int = 0) -> Circuit:
    """H and RY(x) on every qubit, ``q_depth`` layers of the ansatz, ⟨Z⟩ on every qubit (arXiv:1912.08278, eq. 12).

    Weights are flat, in the order of the gates: layer by layer, qubit by qubit (and φ, θ, ω). With ``reuploads`` k,
    RY(x) is repeated before k − 1 later layers, evenly spread. The ablation "shuffled_entanglers" gives the wires of
    each layer's entanglers other names, drawn anew for every layer from entangler_seed; "no_entanglers" leaves them
    out.
    """
    n_qubits, depth, ansatz = head.n_qubits, head.q_depth, ANSAETZE[head.ansatz]
    weights = (Angle("weight", index) for index in count())
    embedding = [Gate("RY", (wire,), (Angle("input", wire),)) for wire in range(n_qubits)]
    embedded_again = {k * depth // head.reuploads for k in range(1, head.reuploads)}
    draw = random.Random(entangler_seed)

    gates = [Gate("H", (wire,)) for wire in range(n_qubits)] + embedding
    for layer in range(depth):
        if layer in embedded_again:
            gates += embedding
        block = list(ansatz(n_qubits, layer, weights))
        if head.variant.entanglers == "left out":
            block = [gate for gate in block if not _entangles(gate)]
        elif head.variant.entanglers == "shuffled":
            names = draw.sample(range(n_qubits), n_qubits)
            block = [_renamed(gate, names) if _entangles(gate) else gate for gate in block]
        gates += block
    n_weights = next(weights).index  # the first weight that no gate has taken
    return Circuit(n_qubits, tuple(gates), n_qubits, n_weights, tuple(("Z", wire) for wire in range(n_qubits)))


def _entangles(gate: Gate) -> bool:
    return len(gate.wires) > 1


def _renamed(gate: Gate, names: list[int]) -> Gate:
    return replace(gate, wires=tuple(names[wire] for wire in gate.wires))
