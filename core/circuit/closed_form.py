"""The dressed circuit with all its angles at zero: a product of sines, known without any simulation.

Each feature x_i enters as RY(x_i)·H|0⟩, whose ⟨Z⟩ is s_i = −sin x_i. At zero angles only the CNOTs are left, and a
CNOT turns Z on its target into Z⊗Z on control and target. So ⟨Z_k⟩ of the whole circuit is the product of s_i over a
subset of the qubits, and that subset follows from parity alone. The paper's circuit starts training at angles of 0.01
radians, next to this function.
"""

from functools import cache
from itertools import repeat

from core.config.ansatze.mari import MARI
from core.config.gates import Angle


@cache
def closed_form_subsets(n_qubits: int, q_depth: int) -> tuple[tuple[int, ...], ...]:
    """For each measured qubit k the qubits i whose s_i = −sin x_i multiply to ⟨Z_k⟩ at zero angles.

    The entanglers are the paper's (`core.config.ansatze.mari`), repeated q_depth times.
    4 qubits give ((0,), (1,), (2,), (3,)) at depth 4 and ((0,), (1,), (0, 2), (0, 1, 3)) at 6.
    """
    layer = MARI.layer(n_qubits, 0, repeat(Angle("constant")))
    entanglers = [gate.wires for gate in layer if gate.name == "CNOT"]
    subsets = [{qubit} for qubit in range(n_qubits)]
    for _ in range(q_depth):
        for control, target in reversed(entanglers):  # observables are carried back from the end of the circuit
            for subset in subsets:
                if target in subset:
                    subset ^= {control}
    return tuple(tuple(sorted(subset)) for subset in subsets)
