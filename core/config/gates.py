"""Gates as data, in which ansätze are written; nothing here knows how to run them."""

from dataclasses import dataclass
from typing import Literal

Pauli = Literal["X", "Y", "Z"]


@dataclass(frozen=True)
class Angle:
    """Angle of a rotation in radians: ``inputs[index] + value``, ``weights[index] + value``, or ``value`` alone."""

    source: Literal["input", "weight", "constant"]
    index: int = 0
    value: float = 0.0


@dataclass(frozen=True)
class GateKind:
    """What all gates of one name have in common."""

    n_wires: int
    n_angles: int = 0
    axis: Pauli | None = None
    """P of a rotation exp(−iθP/2), which acts on the last wire; None for every other gate."""
    real: bool = True
    """Whether real amplitudes stay real."""


GATES = {
    "H": GateKind(1),
    "CNOT": GateKind(2),
    "CZ": GateKind(2),
    "RX": GateKind(1, 1, "X", real=False),
    "RY": GateKind(1, 1, "Y"),
    "RZ": GateKind(1, 1, "Z", real=False),
    "Rot": GateKind(1, 3, real=False),
    "CRX": GateKind(2, 1, "X", real=False),
    "CRY": GateKind(2, 1, "Y"),
    "CRZ": GateKind(2, 1, "Z", real=False),
}
"""Every gate that engines know, by PennyLane's name (H is its Hadamard)."""


@dataclass(frozen=True)
class Gate:
    """A gate by PennyLane's name and conventions; of two wires the first is the control.

    RX, RY, RZ are exp(−iθP/2); Rot(φ, θ, ω) = RZ(ω) RY(θ) RZ(φ), φ acting first.
    """

    name: str
    wires: tuple[int, ...]
    angles: tuple[Angle, ...] = ()

    @property
    def kind(self) -> GateKind:
        """What the gate's name stands for; `KeyError` for a name that is not in `GATES`."""
        return GATES[self.name]

    @property
    def controls(self) -> tuple[int, ...]:
        """The wires before the last one, which is the target."""
        return self.wires[:-1]

    @property
    def target(self) -> int:
        """The wire that the gate changes."""
        return self.wires[-1]

    def takes(self, source: str) -> bool:
        """Whether one of the angles comes from there: "input" or "weight"."""
        return any(angle.source == source for angle in self.angles)
