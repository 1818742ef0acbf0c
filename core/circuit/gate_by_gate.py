"""How each gate acts on a state, and the plain engine that applies one after the other.

A state holds M members × B samples × 2^n amplitudes. Its memory may keep some wires before the batch and the others
after it, (M, 2^before, B, 2^after), which lets `core.circuit.split` turn most of its work into large
matrix products.

The adjoint method (arXiv:2009.02823) walks back from the final state ψ with λ = ∂L/∂ψ, undoing one gate at a time on
both; a rotation U(θ) = exp(−iθG/2) adds ∂L/∂θ = ½ Im⟨λ|G|ψ⟩. Only the final state is kept.
"""

from dataclasses import dataclass
from math import inf
from typing import ClassVar

import torch
from torch import Tensor

from core.circuit.description import Circuit, primitive_gates
from core.circuit.engine import Abilities, Accelerator
from core.config.gates import Angle, Gate


@dataclass(frozen=True)
class Layout:
    """Where the wires of a state lie in memory: (members, 2^before, batch, 2^(n_qubits − before))."""

    members: int
    batch: int
    n_qubits: int
    before: int = 0

    def dim(self, wire: int) -> int:
        """Dimension of a wire in `view`."""
        return 1 + wire + (wire >= self.before)

    def view(self, state: Tensor) -> Tensor:
        """One dimension for the members, for the batch and for each wire."""
        return state.view(self.members, *(2,) * self.before, self.batch, *(2,) * (self.n_qubits - self.before))

    def halves(self, state: Tensor, gate: Gate) -> tuple[Tensor, Tensor]:
        """Views of the amplitudes a gate acts on: target 0 and target 1, both where the control, if any, is 1."""
        return self._select(self.view(state), gate, (0, 1))

    def quarters(self, state: Tensor, control: int, target: int) -> Tensor:
        """Amplitudes by the values of two wires, (2 for the control, 2 for the target, …)."""
        strides = {
            wire: (self.batch if wire < self.before else 1) << (self.n_qubits - 1 - wire) for wire in (control, target)
        }
        low, high = sorted((control, target))
        view = state.view(-1, 2, strides[low] // (2 * strides[high]), 2, strides[high])
        return view.permute((1, 3, 0, 2, 4) if control < target else (3, 1, 0, 2, 4))

    def factor(self, values: Tensor, gate: Gate) -> Tensor:
        """Values (M, B) or (M, 1), shaped to multiply the `halves` of that gate."""
        ones = (1,) * self.before, (1,) * (self.n_qubits - self.before)
        return self._select(values.view(values.shape[0], *ones[0], values.shape[1], *ones[1]), gate, (0, 0))[0]

    def _select(self, view: Tensor, gate: Gate, target_values: tuple[int, int]) -> tuple[Tensor, Tensor]:
        dims = [self.dim(wire) for wire in gate.wires]
        if len(dims) == 2:
            view = view.select(dims[0], view.shape[dims[0]] - 1)
            dims[1] -= dims[0] < dims[1]
        return view.select(dims[-1], target_values[0]), view.select(dims[-1], target_values[1])


def apply_gate(gate: Gate, state: Tensor, layout: Layout, theta: Tensor | None, inverse: bool = False) -> None:
    """Replace state by U|state⟩, or by U†|state⟩; theta is the angle (M, B) or (M, 1) of a rotation."""
    zero, one = layout.halves(state, gate)
    if gate.name == "H":
        new_zero, new_one = (zero + one) * 0.5**0.5, (zero - one) * 0.5**0.5
    elif gate.name == "CNOT":
        new_zero, new_one = one.clone(), zero
    elif gate.name == "CZ":
        one.neg_()
        return
    else:
        assert theta is not None
        half = layout.factor((-0.5 if inverse else 0.5) * theta, gate)
        cos, sin = half.cos(), half.sin()
        match gate.kind.axis:
            case "X":
                new_zero, new_one = cos * zero - 1j * sin * one, cos * one - 1j * sin * zero
            case "Y":
                new_zero, new_one = cos * zero - sin * one, sin * zero + cos * one
            case _:
                new_zero, new_one = torch.complex(cos, -sin) * zero, torch.complex(cos, sin) * one
    one.copy_(new_one)
    zero.copy_(new_zero)


def angle_gradient(gate: Gate, adjoint: Tensor, state: Tensor, layout: Layout) -> Tensor:
    """½ Im⟨λ|G|ψ⟩ of a rotation for every member and sample, (M, B); λ and ψ are those after the gate."""
    bra_zero, bra_one = layout.halves(adjoint, gate)
    ket_zero, ket_one = layout.halves(state, gate)
    axis = gate.kind.axis
    match axis:
        case "X":
            overlap = bra_zero.conj() * ket_one + bra_one.conj() * ket_zero
        case "Y":  # with G = −iY, whose overlap is real for a real state
            overlap = bra_one.conj() * ket_zero - bra_zero.conj() * ket_one
        case _:
            overlap = bra_zero.conj() * ket_zero - bra_one.conj() * ket_one
    part = overlap.real if axis == "Y" else overlap.imag
    before = layout.before - sum(wire < layout.before for wire in gate.wires)
    return 0.5 * part.reshape(layout.members, 1 << before, layout.batch, -1).sum((1, 3))


def angle_value(angle: Angle, inputs: Tensor, weights: Tensor) -> Tensor:
    """The angle for every member and sample, (M, B), or (M, 1) where it is the same for all samples."""
    if angle.source == "constant":
        return inputs.new_full((inputs.shape[0], 1), angle.value)
    chosen = inputs[..., angle.index] if angle.source == "input" else weights[:, angle.index, None]
    return chosen + angle.value


class GateByGate:
    """Any circuit, any size (an `Engine`); the state is (M, B, 2^n), real when all gates are."""

    abilities: ClassVar = Abilities()

    @staticmethod
    def cost(circuit: Circuit, accelerator: Accelerator, rows: int) -> float:
        """`inf`: the plain reference is only taken by name."""
        return inf

    def __init__(self, circuit: Circuit, dtype: torch.dtype, device: torch.device) -> None:
        self.circuit = circuit
        self.gates = primitive_gates(circuit)
        self.real = circuit.real
        self.dtype = dtype if self.real else dtype.to_complex()

    def forward(self, inputs: Tensor, weights: Tensor) -> tuple[Tensor, tuple[Tensor, Tensor, Tensor]]:
        """inputs (M, B, n_inputs), weights (M, n_weights) -> expectation values (M, B, observables), saved."""
        state = self._final_state(inputs, weights)
        values = [
            (state.conj() * self._pauli(state, *observable)).real.sum(-1) for observable in self.circuit.observables
        ]
        return torch.stack(values, -1), (state, inputs, weights)

    def backward(
        self, saved: tuple[Tensor, Tensor, Tensor], grad_expvals: Tensor, need_inputs: bool, need_weights: bool
    ) -> tuple[Tensor | None, Tensor | None]:
        """Gradients (M, B, n_inputs) and (M, n_weights)."""
        state, inputs, weights = saved
        layout = self._layout(inputs)
        state = state.clone()
        adjoint = torch.zeros_like(state)
        for index, observable in enumerate(self.circuit.observables):
            adjoint += 2 * grad_expvals[..., index, None] * self._pauli(state, *observable)
        grad_inputs, grad_weights = torch.zeros_like(inputs), torch.zeros_like(weights)
        for gate in reversed(self.gates):
            theta = None
            if gate.angles:
                angle = gate.angles[0]
                theta = angle_value(angle, inputs, weights)
                if angle.source == "input":
                    grad_inputs[..., angle.index] += angle_gradient(gate, adjoint, state, layout)
                elif angle.source == "weight":
                    grad_weights[..., angle.index] += angle_gradient(gate, adjoint, state, layout).sum(1)
            apply_gate(gate, state, layout, theta, inverse=True)
            apply_gate(gate, adjoint, layout, theta, inverse=True)
        return grad_inputs if need_inputs else None, grad_weights if need_weights else None

    def evaluate(self, inputs: Tensor, weights: Tensor) -> Tensor:
        """The values of `forward` alone."""
        return self.forward(inputs, weights)[0]

    def states(self, inputs: Tensor, weights: Tensor) -> Tensor:
        """Amplitudes (M, B, 2^n), complex."""
        return self._final_state(inputs, weights).to(inputs.dtype.to_complex())

    def _layout(self, inputs: Tensor) -> Layout:
        return Layout(inputs.shape[0], inputs.shape[1], self.circuit.n_qubits)

    def _final_state(self, inputs: Tensor, weights: Tensor) -> Tensor:
        layout = self._layout(inputs)
        state = torch.zeros(*inputs.shape[:2], 1 << self.circuit.n_qubits, dtype=self.dtype, device=inputs.device)
        state[..., 0] = 1
        for gate in self.gates:
            apply_gate(gate, state, layout, angle_value(gate.angles[0], inputs, weights) if gate.angles else None)
        return state

    def _pauli(self, state: Tensor, pauli: str, wire: int) -> Tensor:
        """P|ψ⟩ of an observable; for Y of a real state zero, since ⟨Y⟩ vanishes there."""
        zero, one = state.view(*state.shape[:2], 1 << wire, 2, -1).unbind(-2)
        if pauli == "X":
            return torch.stack((one, zero), -2).flatten(2)
        if pauli == "Z":
            return torch.stack((zero, -one), -2).flatten(2)
        return torch.zeros_like(state) if self.real else torch.stack((-1j * one, 1j * zero), -2).flatten(2)
