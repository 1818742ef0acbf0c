"""A circuit as fixed unitaries and layers of rotations between them, the form that the fast engines start from.

Rotations that are diagonal in one common product basis (every qubit in the eigenbasis of X, Y or Z) make a *moment*:
in that basis they multiply amplitudes by phases exp(−½ i Σ_j s_j θ_j), with signs s_j in {−1, 0, 1}. Everything else is
a constant matrix. Computed once for each circuit, in numpy and double precision.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from core.config.gates import Angle, Gate

_PAULI = {
    "X": np.array([[0, 1], [1, 0]], dtype=complex),
    "Y": np.array([[0, -1j], [1j, 0]]),
    "Z": np.array([[1, 0], [0, -1]], dtype=complex),
}
TO_EIGENBASIS = {
    "X": np.array([[1, 1], [1, -1]], dtype=complex) / np.sqrt(2),
    "Y": np.array([[1, -1j], [1, 1j]]) / np.sqrt(2),
    "Z": np.eye(2, dtype=complex),
}
"""Rows are the bras of the eigenvectors with eigenvalues +1 and −1."""


@dataclass
class Moment:
    """Rotations that are diagonal together, and the fixed unitary that follows them."""

    axes: list[str]
    """Basis of every qubit: "X", "Y" or "Z"."""
    angles: list[tuple[Angle, np.ndarray]] = field(default_factory=list)
    """Angle and its sign in front of every basis state, (2^n,)."""
    then: np.ndarray = field(default_factory=lambda: np.empty(0))
    """Unitary (2^n, 2^n) between this moment and the next, in the computational basis."""


def moments(gates: Sequence[Gate], n_qubits: int) -> tuple[np.ndarray, list[Moment]]:
    """The unitary before the first moment, and the moments in their order (at least one, perhaps without angles).

    gates are primitive (`core.circuit.description.primitive_gates`); rotations by a constant angle count as fixed.
    """
    fixed: list[list[Gate]] = [[]]
    in_order: list[Moment] = []
    axis_of_wire: list[dict[int, str]] = []
    for gate in gates:
        axis = gate.kind.axis
        if axis is None or gate.angles[0].source == "constant":
            fixed[-1].append(gate)
            continue
        axes = dict.fromkeys(gate.controls, "Z") | {gate.target: axis}
        touched = {wire for other in fixed[-1] for wire in other.wires}
        joins = (
            bool(in_order)
            and touched.isdisjoint(gate.wires)
            and all(axis_of_wire[-1].get(wire, axis) == axis for wire, axis in axes.items())
        )
        if not joins:
            in_order.append(Moment(["Z"] * n_qubits))
            axis_of_wire.append({})
            fixed.append([])
        axis_of_wire[-1] |= axes
        in_order[-1].angles.append((gate.angles[0], _signs(gate, n_qubits)))
    if not in_order:
        in_order.append(Moment(["Y"] + ["Z"] * (n_qubits - 1)))
        axis_of_wire.append({0: "Y"})
        fixed.append([])
    for moment, axes, gates_after in zip(in_order, axis_of_wire, fixed[1:], strict=True):
        for wire, wanted in axes.items():
            moment.axes[wire] = wanted
        moment.then = unitary(tuple(gates_after), n_qubits)
    return unitary(tuple(fixed[0]), n_qubits), in_order


def kept_strings(moment: Moment, real: bool) -> np.ndarray:
    """Mask (2^n,) of the basis states whose amplitudes in a moment's basis determine the others.

    A real state's amplitudes come in conjugate pairs that differ by the sign of all qubits in the eigenbasis of Y.
    """
    n_qubits = len(moment.axes)
    if not real:
        return np.ones(1 << n_qubits, dtype=bool)
    return bit(moment.axes.index("Y"), n_qubits) == 0


def phase_table(chosen: Sequence[Moment], real: bool, source: str, n_angles: int) -> tuple[np.ndarray, np.ndarray]:
    """(n_angles, Σ S) and (Σ S,): inputs or weights @ table + bias are the kept phases φ of the moments, one by one."""
    table, bias = [np.zeros((n_angles, 0))], [np.zeros(0)]
    for moment in chosen:
        kept = kept_strings(moment, real)
        table.append(np.zeros((n_angles, kept.sum())))
        bias.append(np.zeros(kept.sum()))
        for angle, signs in moment.angles:
            if angle.source == source:
                table[-1][angle.index] -= 0.5 * signs[kept]
                bias[-1] -= 0.5 * signs[kept] * angle.value
    return np.concatenate(table, 1), np.concatenate(bias)


@lru_cache(maxsize=64)
def unitary(gates: tuple[Gate, ...], n_qubits: int) -> np.ndarray:
    """Matrix (2^n, 2^n) of gates whose angles are all constant; layers that repeat share one, so do not write to it."""
    matrix = np.eye(1 << n_qubits, dtype=complex)
    for gate in gates:
        matrix = _apply(_gate_matrix(gate), gate.wires, matrix, n_qubits)
    return matrix


def to_basis(axes: Sequence[str], columns: np.ndarray | None = None) -> np.ndarray:
    """Unitary (2^n, 2^n) from the computational basis to the eigenbases of one Pauli matrix for each qubit.

    With columns (2^n, any), the product with them instead: qubit by qubit, n/2^n of the work of a whole product.
    """
    matrix = np.eye(1 << len(axes), dtype=complex) if columns is None else columns
    for wire, axis in enumerate(axes):
        if axis != "Z":
            matrix = _apply(TO_EIGENBASIS[axis], (wire,), matrix, len(axes))
    return matrix


def bit(wire: int, n_qubits: int) -> np.ndarray:
    """Value of one qubit in every basis state, (2^n,) of 0 and 1."""
    return np.arange(1 << n_qubits) >> (n_qubits - 1 - wire) & 1


def _signs(gate: Gate, n_qubits: int) -> np.ndarray:
    """Eigenvalue of a rotation's generator in every basis state: ±1, and 0 where its control is 0."""
    signs = 1 - 2 * bit(gate.target, n_qubits)
    for control in gate.controls:
        signs = signs * bit(control, n_qubits)
    return signs


def _gate_matrix(gate: Gate) -> np.ndarray:
    """(2^wires, 2^wires), complex, of a gate without an angle or with a constant one."""
    if gate.kind.axis is None:
        single = {"H": TO_EIGENBASIS["X"], "CNOT": _PAULI["X"], "CZ": _PAULI["Z"]}[gate.name]
    else:
        half = gate.angles[0].value / 2
        single = np.cos(half) * np.eye(2) - 1j * np.sin(half) * _PAULI[gate.kind.axis]
    if not gate.controls:
        return single
    controlled = np.eye(4, dtype=complex)
    controlled[2:, 2:] = single
    return controlled


def _apply(gate: np.ndarray, wires: Sequence[int], columns: np.ndarray, n_qubits: int) -> np.ndarray:
    """gate @ columns, the gate acting on some wires of the row index."""
    k = len(wires)
    tensor = columns.reshape((2,) * n_qubits + (-1,))
    tensor = np.tensordot(gate.reshape((2,) * 2 * k), tensor, axes=(range(k, 2 * k), wires))
    return np.moveaxis(tensor, range(k), wires).reshape(columns.shape)
