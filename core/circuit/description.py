"""ONE description of a circuit, as data: engines run it, PennyLane draws and checks it, its resources are counted.

Neither torch nor PennyLane is loaded here.
"""

from collections import Counter
from dataclasses import dataclass
from functools import cached_property

from core.config.gates import GATES, Gate
from core.errors import LabError

MAX_QUBITS = 20

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

    Raises `LabError` when a gate or a Pauli matrix is unknown, or a wire or an angle's index is out of range.
    """

    n_qubits: int
    gates: tuple[Gate, ...]
    n_inputs: int
    n_weights: int
    observables: tuple[Observable, ...]

    def __post_init__(self) -> None:
        if not 1 <= self.n_qubits <= MAX_QUBITS:
            raise LabError(f"n_qubits = {self.n_qubits} is not possible: choose 1 to {MAX_QUBITS}")
        for gate in self.gates:
            self._check_gate(gate)
        for pauli, wire in self.observables:
            self._check_wire(wire)
            if pauli not in ("X", "Y", "Z"):
                raise LabError(f"observable = {pauli!r} is not known: choose X, Y or Z")

    def _check_gate(self, gate: Gate) -> None:
        if gate.name not in GATES:
            raise LabError(f"gate = {gate.name!r} is not known: choose one of {', '.join(GATES)}")
        n_wires, n_angles = gate.kind.n_wires, gate.kind.n_angles
        if (len(set(gate.wires)), len(gate.wires), len(gate.angles)) != (n_wires, n_wires, n_angles):
            raise LabError(f"gate = {gate} is not possible: {gate.name} takes {n_wires} wires and {n_angles} angles")
        for wire in gate.wires:
            self._check_wire(wire)
        sizes = {"input": self.n_inputs, "weight": self.n_weights}
        for angle in gate.angles:
            if angle.source != "constant" and not 0 <= angle.index < sizes[angle.source]:
                size = sizes[angle.source]
                raise LabError(f"angle = {angle} is not possible: the circuit has {size} {angle.source}s")

    def _check_wire(self, wire: int) -> None:
        if not 0 <= wire < self.n_qubits:
            raise LabError(f"wire = {wire} is not possible: the circuit has wires 0 to {self.n_qubits - 1}")

    @cached_property
    def _hash(self) -> int:
        return hash((self.n_qubits, self.gates, self.n_inputs, self.n_weights, self.observables))

    def __hash__(self) -> int:
        """Computed once: circuits are keys of the simulator's cache, looked up in every step."""
        return self._hash

    @cached_property
    def real(self) -> bool:
        """Whether all amplitudes are real, whatever the angles are."""
        return all(gate.kind.real for gate in self.gates)

    @cached_property
    def takes_inputs_late(self) -> bool:
        """Whether an input acts on a wire after a weight has: the data is embedded in mid-circuit."""
        trained: set[int] = set()
        for gate in self.gates:
            if gate.takes("input") and not trained.isdisjoint(gate.wires):
                return True
            if gate.takes("weight") or not trained.isdisjoint(gate.wires):
                trained.update(gate.wires)
        return False

    def resources(self) -> Resources:
        """Gate counts and depth."""
        busy_until = [0] * self.n_qubits
        for gate in self.gates:
            moment = 1 + max(busy_until[wire] for wire in gate.wires)
            for wire in gate.wires:
                busy_until[wire] = moment
        counts = Counter(gate.name for gate in self.gates)
        return Resources(dict(counts), max(busy_until), self.n_qubits, self.n_weights, self.n_inputs)


def primitive_gates(circuit: Circuit) -> tuple[Gate, ...]:
    """The circuit's gates with every Rot(φ, θ, ω) written as RZ(φ), RY(θ), RZ(ω)."""
    gates: list[Gate] = []
    for gate in circuit.gates:
        if gate.name == "Rot":
            gates += [Gate(name, gate.wires, (a,)) for name, a in zip(("RZ", "RY", "RZ"), gate.angles, strict=True)]
        else:
            gates.append(gate)
    return tuple(gates)
