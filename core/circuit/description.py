"""ONE description of a circuit: the simulator runs it, PennyLane draws it and checks it, its resources are counted.

A description is plain data without torch or PennyLane; PennyLane is imported only where it is used.
"""

import io
import random
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from core.config.heads.dressed_quantum import DressedQuantum
from core.errors import LabError

MAX_QUBITS = 20

PENNYLANE = threading.RLock()
"""Held while PennyLane records or draws: its recording queue and matplotlib's figures are global to the process."""


@dataclass(frozen=True)
class Angle:
    """Angle of a rotation in radians: ``inputs[index] + value``, ``weights[index] + value``, or ``value`` alone."""

    source: Literal["input", "weight", "constant"]
    index: int = 0
    value: float = 0.0


@dataclass(frozen=True)
class Gate:
    """A gate by PennyLane's name and conventions; of two wires the first is the control.

    RX, RY, RZ are exp(−iθP/2); Rot(φ, θ, ω) = RZ(ω) RY(θ) RZ(φ), φ acting first.
    """

    name: str
    wires: tuple[int, ...]
    angles: tuple[Angle, ...] = ()


SHAPE_OF_GATE = {
    "H": (1, 0),
    "CNOT": (2, 0),
    "CZ": (2, 0),
    "RX": (1, 1),
    "RY": (1, 1),
    "RZ": (1, 1),
    "Rot": (1, 3),
    "CRX": (2, 1),
    "CRY": (2, 1),
    "CRZ": (2, 1),
}
"""Gate → (number of wires, number of angles)."""

Observable = tuple[str, int]
"""A Pauli matrix "X", "Y" or "Z" and the wire it is measured on."""


@dataclass(frozen=True)
class Resources:
    """What a circuit costs on a quantum computer."""

    gates: dict[str, int]
    """Name of gate → how often it occurs."""
    depth: int
    """Moments needed when gates on different wires run at the same time."""
    n_qubits: int
    n_weights: int
    n_inputs: int


@dataclass(frozen=True)
class Circuit:
    """Gates on |0…0⟩ and the Pauli observables measured at the end; qubit 0 is the most significant bit.

    Raises `LabError` when a wire or an angle's index is out of range.
    """

    n_qubits: int
    gates: tuple[Gate, ...]
    n_inputs: int
    n_weights: int
    observables: tuple[Observable, ...]

    def __post_init__(self) -> None:
        if not 1 <= self.n_qubits <= MAX_QUBITS:
            raise LabError(f"n_qubits = {self.n_qubits} is not possible: choose 1 to {MAX_QUBITS}.")
        sizes = {"input": self.n_inputs, "weight": self.n_weights}
        for gate in self.gates:
            if gate.name not in SHAPE_OF_GATE:
                raise LabError(f"gate = {gate.name!r} is not known: choose one of {', '.join(SHAPE_OF_GATE)}.")
            if (len(gate.wires), len(gate.angles)) != SHAPE_OF_GATE[gate.name] or len(set(gate.wires)) < len(
                gate.wires
            ):
                wires, angles = SHAPE_OF_GATE[gate.name]
                raise LabError(f"gate = {gate} is not possible: {gate.name} takes {wires} wires and {angles} angles.")
            for wire in gate.wires:
                self._check_wire(wire)
            for angle in gate.angles:
                if angle.source != "constant" and not 0 <= angle.index < sizes[angle.source]:
                    raise LabError(
                        f"angle = {angle} is not possible: the circuit has {sizes[angle.source]} {angle.source}s."
                    )
        for pauli, wire in self.observables:
            self._check_wire(wire)
            if pauli not in ("X", "Y", "Z"):
                raise LabError(f"observable = {pauli!r} is not known: choose X, Y or Z.")

    def _check_wire(self, wire: int) -> None:
        if not 0 <= wire < self.n_qubits:
            raise LabError(f"wire = {wire} is not possible: the circuit has wires 0 to {self.n_qubits - 1}.")

    @cached_property
    def _hash(self) -> int:
        return hash((self.n_qubits, self.gates, self.n_inputs, self.n_weights, self.observables))

    def __hash__(self) -> int:
        """Computed once: circuits are keys of the simulator's cache, looked up in every step."""
        return self._hash

    def queue_gates(self, inputs: Any, weights: Any) -> None:
        """Queue the gates in PennyLane; called inside a QNode.

        inputs is (n_inputs,) or (batch, n_inputs), weights (n_weights,).
        """
        import numpy as np
        import pennylane as qml

        def value(angle: Angle) -> Any:
            if angle.source == "constant":  # as an array like the others: PennyLane's Rot does not mix kinds
                double = np.float64(angle.value)
                return qml.math.cast_like(qml.math.asarray(double, like=qml.math.get_interface(weights)), weights)
            chosen = inputs[..., angle.index] if angle.source == "input" else weights[..., angle.index]
            return chosen + angle.value if angle.value else chosen

        for gate in self.gates:
            operation = qml.Hadamard if gate.name == "H" else getattr(qml, gate.name)
            operation(*map(value, gate.angles), wires=gate.wires)

    def qnode(self, device: Any = None, **options: Any) -> Callable[..., Any]:
        """The circuit as a PennyLane QNode ``f(inputs, weights) -> list of expectation values``.

        device is a PennyLane device, by default ``default.qubit``; options go to ``qml.QNode``.
        """
        import pennylane as qml

        paulis = {"X": qml.PauliX, "Y": qml.PauliY, "Z": qml.PauliZ}

        def run(inputs: Any, weights: Any) -> list[Any]:
            self.queue_gates(inputs, weights)
            return [qml.expval(paulis[pauli](wire)) for pauli, wire in self.observables]

        device = qml.device("default.qubit", wires=self.n_qubits) if device is None else device
        return qml.QNode(run, device, **options)

    def drawing(self, inputs: Sequence[float] | None = None, weights: Sequence[float] | None = None) -> str:
        """PennyLane's drawing as SVG text; angles are written into the gates when weights are given.

        inputs has n_inputs and weights n_weights numbers (radians); inputs that are not given are called x0, x1, ...
        """
        import matplotlib
        import numpy as np
        import pennylane as qml
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        angles = np.zeros(self.n_weights) if weights is None else np.asarray(weights, dtype=float)
        names = np.array([f"x{index}" for index in range(self.n_inputs)])
        values = names if inputs is None else np.asarray(inputs, dtype=float)
        # A figure of our own: Streamlit closes all figures of pyplot whenever a page has run.
        figure = Figure()
        FigureCanvasAgg(figure)
        text = io.StringIO()
        with PENNYLANE, matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "circuit"}):
            decimals = None if weights is None else 2
            qml.draw_mpl(self.qnode(), decimals=decimals, style="black_white", fig=figure)(values, angles)
            figure.savefig(text, format="svg", bbox_inches="tight", transparent=True, metadata={"Date": None})
        return text.getvalue()

    def resources(self) -> Resources:
        """Gate counts and depth."""
        busy_until = [0] * self.n_qubits
        for gate in self.gates:
            moment = 1 + max(busy_until[wire] for wire in gate.wires)
            for wire in gate.wires:
                busy_until[wire] = moment
        counts = Counter(gate.name for gate in self.gates)
        return Resources(dict(counts), max(busy_until), self.n_qubits, self.n_weights, self.n_inputs)


def dressed_circuit(head: DressedQuantum, entangler_seed: int = 0) -> Circuit:
    """The circuit inside a dressed quantum head: H and RY(x) on every qubit, trained layers, ⟨Z⟩ on every qubit.

    A layer of ansatz "mari" is CNOT on (0,1), (2,3), …, then (1,2), (3,4), …, then RY on every qubit
    (arXiv:1912.08278, eq. 19-21); "ring" is RY on every qubit, then a closed ring of CNOTs (PennyLane's
    BasicEntanglerLayers); "strongly_entangling" is Rot on every qubit, then CNOTs at a distance that grows with the
    layer (PennyLane's StronglyEntanglingLayers, arXiv:1804.00633).
    Weights are flat, layer by layer, qubit by qubit (and φ, θ, ω). With ``reuploads`` k, RY(x) is repeated before
    k − 1 later layers, evenly spread. The ablation "shuffled_entanglers" gives the wires of each layer's CNOTs other
    names, drawn anew for every layer from entangler_seed; "no_entanglers" leaves the CNOTs out.
    """
    n, depth = head.n_qubits, head.q_depth
    draw = random.Random(entangler_seed)
    embedding = [Gate("RY", (q,), (Angle("input", q),)) for q in range(n)]
    embedded_again = {k * depth // head.reuploads for k in range(1, head.reuploads)}

    gates = [Gate("H", (q,)) for q in range(n)] + embedding
    for layer in range(depth):
        if layer in embedded_again:
            gates += embedding
        pairs = _entangled_pairs(head.ansatz, n, layer)
        if head.ablation == "no_entanglers":
            pairs = []
        elif head.ablation == "shuffled_entanglers":
            names = draw.sample(range(n), n)
            pairs = [(names[control], names[target]) for control, target in pairs]
        entanglers = [Gate("CNOT", pair) for pair in pairs]
        if head.ansatz == "strongly_entangling":
            first = layer * n * 3
            rotations = [
                Gate("Rot", (q,), tuple(Angle("weight", first + 3 * q + axis) for axis in range(3))) for q in range(n)
            ]
        else:
            rotations = [Gate("RY", (q,), (Angle("weight", layer * n + q),)) for q in range(n)]
        gates += entanglers + rotations if head.ansatz == "mari" else rotations + entanglers
    n_weights = depth * n * (3 if head.ansatz == "strongly_entangling" else 1)
    return Circuit(n, tuple(gates), n, n_weights, tuple(("Z", q) for q in range(n)))


def _entangled_pairs(ansatz: str, n: int, layer: int) -> list[tuple[int, int]]:
    """(control, target) of the CNOTs in one layer, in their order."""
    if ansatz == "mari":
        return [(q, q + 1) for first in (0, 1) for q in range(first, n - 1, 2)]
    if ansatz == "ring":
        return [(0, 1)] if n == 2 else [(q, (q + 1) % n) for q in range(n)]
    distance = layer % (n - 1) + 1
    return [(q, (q + distance) % n) for q in range(n)]


def primitive_gates(circuit: Circuit) -> tuple[Gate, ...]:
    """The circuit's gates with every Rot(φ, θ, ω) written as RZ(φ), RY(θ), RZ(ω)."""
    gates: list[Gate] = []
    for gate in circuit.gates:
        if gate.name == "Rot":
            gates += [Gate(name, gate.wires, (a,)) for name, a in zip(("RZ", "RY", "RZ"), gate.angles, strict=True)]
        else:
            gates.append(gate)
    return tuple(gates)
