"""The plain engine: every gate in turn on the whole state, and the adjoint method for gradients.

The adjoint method (arXiv:2009.02823) walks back from the final state ψ with λ = ∂L/∂ψ, undoing one gate at a time on
both; a rotation U(θ) = exp(−iθG/2) adds ∂L/∂θ = ½ Im⟨λ|G|ψ⟩. Only the final state is kept.
"""

import torch
from torch import Tensor

from core.circuits import Angle, Circuit, Gate, primitive_gates


class GateByGate:
    """Any circuit, any size; the state is (M, B, 2^n), real when all gates are."""

    def __init__(self, circuit: Circuit, dtype: torch.dtype, device: torch.device) -> None:
        self.circuit = circuit
        self.gates = primitive_gates(circuit)
        real = all(gate.name in ("H", "CNOT", "CZ", "RY", "CRY") for gate in self.gates)
        self.dtype = dtype if real else dtype.to_complex()
        self.device = device

    def forward(self, inputs: Tensor, weights: Tensor) -> tuple[Tensor, tuple[Tensor, Tensor, Tensor]]:
        state = self._final_state(inputs, weights)
        values = [(state.conj() * _pauli(state, pauli, wire)).real.sum(-1) for pauli, wire in self.circuit.observables]
        return torch.stack(values, -1), (state, inputs, weights)

    def backward(
        self, saved: tuple[Tensor, Tensor, Tensor], grad_expvals: Tensor, need_inputs: bool, need_weights: bool
    ) -> tuple[Tensor | None, Tensor | None]:
        state, inputs, weights = saved
        state = state.clone()
        adjoint = torch.zeros_like(state)
        for index, (pauli, wire) in enumerate(self.circuit.observables):
            adjoint += 2 * grad_expvals[..., index, None] * _pauli(state, pauli, wire)
        grad_inputs = torch.zeros_like(inputs)
        grad_weights = torch.zeros_like(weights)
        for gate in reversed(self.gates):
            if gate.angles and gate.angles[0].source != "constant":
                angle = gate.angles[0]
                bra, ket = _active(adjoint, gate), _generator(_active(state, gate), gate.name[-1])
                grad = 0.5 * (bra.conj() * ket).imag.flatten(2).sum(-1) if ket.is_complex() else None
                grad = 0.5 * (bra * ket).flatten(2).sum(-1) if grad is None else grad
                if angle.source == "input":
                    grad_inputs[..., angle.index] += grad
                else:
                    grad_weights[..., angle.index] += grad.sum(1)
            self._apply(gate, state, inputs, weights, inverse=True)
            self._apply(gate, adjoint, inputs, weights, inverse=True)
        return grad_inputs if need_inputs else None, grad_weights if need_weights else None

    def states(self, inputs: Tensor, weights: Tensor) -> Tensor:
        return self._final_state(inputs, weights).to(inputs.dtype.to_complex())

    def _final_state(self, inputs: Tensor, weights: Tensor) -> Tensor:
        state = torch.zeros(*inputs.shape[:2], 1 << self.circuit.n_qubits, dtype=self.dtype, device=self.device)
        state[..., 0] = 1
        for gate in self.gates:
            self._apply(gate, state, inputs, weights)
        return state

    def _apply(self, gate: Gate, state: Tensor, inputs: Tensor, weights: Tensor, inverse: bool = False) -> None:
        """Replace state by U|state⟩, or by U†|state⟩."""
        zero, one = _active(state, gate).unbind(-2)
        if gate.name == "H":
            new_zero, new_one = (zero + one) * 0.5**0.5, (zero - one) * 0.5**0.5
        elif gate.name == "CNOT":
            new_zero, new_one = one.clone(), zero.clone()
        elif gate.name == "CZ":
            one.neg_()
            return
        else:
            theta = _value(gate.angles[0], inputs, weights)
            half = (-0.5 if inverse else 0.5) * theta
            cos, sin = (f.view(*f.shape, *(1,) * (zero.dim() - 2)) for f in (half.cos(), half.sin()))
            axis = gate.name[-1]
            if axis == "X":
                new_zero, new_one = cos * zero - 1j * sin * one, cos * one - 1j * sin * zero
            elif axis == "Y":
                new_zero, new_one = cos * zero - sin * one, sin * zero + cos * one
            else:
                new_zero, new_one = torch.complex(cos, -sin) * zero, torch.complex(cos, sin) * one
        zero.copy_(new_zero)
        one.copy_(new_one)


def _active(state: Tensor, gate: Gate) -> Tensor:
    """View of the amplitudes that a gate acts on: (M, B, …, 2 for the target, …), the control's 1 half."""
    *controls, target = gate.wires
    n = state.shape[-1].bit_length() - 1
    if not controls:
        return state.view(*state.shape[:2], 1 << target, 2, -1)
    control = controls[0]
    low, high = sorted((control, target))
    view = state.view(*state.shape[:2], 1 << low, 2, 1 << (high - low - 1), 2, 1 << (n - high - 1))
    return view[:, :, :, 1] if control < target else view[..., 1, :].movedim(3, -2)


def _generator(active: Tensor, axis: str) -> Tensor:
    """P applied on the target's dimension; for Y on a real state −iY, whose overlap is the imaginary part of Y's."""
    zero, one = active.unbind(-2)
    if axis == "X":
        return torch.stack((one, zero), -2)
    if axis == "Z":
        return torch.stack((zero, -one), -2)
    if active.is_complex():
        return torch.stack((-1j * one, 1j * zero), -2)
    return torch.stack((-one, zero), -2)


def _pauli(state: Tensor, pauli: str, wire: int) -> Tensor:
    """P|state⟩ on one wire; for a real state and Y zero, since ⟨Y⟩ of a real state vanishes."""
    if pauli == "Y" and not state.is_complex():
        return torch.zeros_like(state)
    return _generator(state.view(*state.shape[:2], 1 << wire, 2, -1), pauli).flatten(2)


def _value(angle: Angle, inputs: Tensor, weights: Tensor) -> Tensor:
    """(M, B) or (M, 1)"""
    if angle.source == "constant":
        return inputs.new_full((1, 1), angle.value)
    chosen = inputs[..., angle.index] if angle.source == "input" else weights[:, None, angle.index]
    return chosen + angle.value
