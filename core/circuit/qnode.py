"""A circuit in PennyLane: its gates queued inside a QNode, and a QNode that measures it.

PennyLane is imported where it is used, so that this module is light.
"""

import threading
from collections.abc import Callable
from typing import Any

from core.circuit.description import Circuit
from core.config.gates import Angle

PENNYLANE = threading.RLock()
"""Held while PennyLane records or draws: its recording queue and matplotlib's figures are global to the process."""


def queue_gates(circuit: Circuit, inputs: Any, weights: Any) -> None:
    """Queue the gates in PennyLane; called inside a QNode.

    inputs is (n_inputs,) or (batch, n_inputs), weights (n_weights,), of any kind of array that PennyLane takes.
    """
    import numpy as np
    import pennylane as qml

    def value(angle: Angle) -> Any:
        if angle.source == "constant":  # as an array like the others: PennyLane's Rot does not mix kinds
            double = np.float64(angle.value)
            return qml.math.cast_like(qml.math.asarray(double, like=qml.math.get_interface(weights)), weights)
        chosen = inputs[..., angle.index] if angle.source == "input" else weights[..., angle.index]
        return chosen + angle.value if angle.value else chosen

    for gate in circuit.gates:
        operation = qml.Hadamard if gate.name == "H" else getattr(qml, gate.name)
        operation(*map(value, gate.angles), wires=gate.wires)


def qnode(circuit: Circuit, device: Any = None, **options: Any) -> Callable[..., Any]:
    """The circuit as a PennyLane QNode ``f(inputs, weights) -> list of expectation values``.

    device is a PennyLane device, by default ``default.qubit``; options go to ``qml.QNode``.
    """
    import pennylane as qml

    paulis = {"X": qml.PauliX, "Y": qml.PauliY, "Z": qml.PauliZ}

    def run(inputs: Any, weights: Any) -> list[Any]:
        queue_gates(circuit, inputs, weights)
        return [qml.expval(paulis[pauli](wire)) for pauli, wire in circuit.observables]

    device = qml.device("default.qubit", wires=circuit.n_qubits) if device is None else device
    return qml.QNode(run, device, **options)
