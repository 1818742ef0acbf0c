"""The phase form: rotations are phases, everything between them is one constant matrix. For few qubits.

A state is kept in the eigenbasis of the moment (`core.moments`) it is in, as S complex numbers c:

    c ← exp(iφ) · c             rotations, φ_s = −½ Σ_j s_j θ_j, elementwise
    c ← K c                     all fixed gates between two moments, one matrix product with a constant
    ψ = R c,  ⟨O⟩ = Σ_b z_b |ψ_b|²   measurement

for all members and samples at once; no matrix is built for a member. Complex numbers are stored as (Re, Im) pairs and
K, R are real matrices on those 2S numbers. All these maps are orthogonal.

A circuit of real gates (H, CNOT, CZ, RY, CRY) keeps ψ real. With some qubit in the eigenbasis of Y, c of the strings
with σ = −1 there is the conjugate of c with all Y signs turned, so half of the strings do: S = 2^(n−1) instead of 2^n.

Gradients are carried backwards as μ = conj(∂L/∂c), which obeys the same phases, μ ← exp(iφ) · μ, and

    ∂L/∂φ_s = −Im(μ_s c_s)

taken after each moment gives the gradients of all angles in it.
"""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from core.circuits import Circuit, primitive_gates
from core.moments import REAL_GATES, Moment, bit, kept_strings, moments, phase_table, to_basis
from core.workspaces import Workspaces

Call = tuple[Callable[..., Tensor], Tensor, Tensor, Tensor]
"""A torch function, its two arguments, and where the result goes."""


class PhaseForm:
    """One circuit in phase form; constants only, the buffers are in `_Workspace`."""

    def __init__(self, circuit: Circuit, dtype: torch.dtype, device: torch.device) -> None:
        self.circuit, self.dtype, self.device = circuit, dtype, device
        gates = primitive_gates(circuit)
        self.real = all(gate.name in REAL_GATES for gate in gates)
        before, self.moments = moments(gates, circuit.n_qubits)
        first, last = self.moments[0], self.moments[-1]
        start = self._enter(first) @ self._as_real(before)[:, 0]
        self.size = len(start)  # 2S real numbers
        sources = [{angle.source for angle, _ in moment.angles} for moment in self.moments]
        only_inputs = [k for k, found in enumerate(sources) if found == {"input"}]
        mixed = [k for k, found in enumerate(sources) if found == {"input", "weight"}]
        self.with_inputs = only_inputs + mixed
        self.with_weights = mixed + [k for k, found in enumerate(sources) if "input" not in found]

        conjugate = np.tile([1.0, -1.0], self.size // 2)
        constant = self.constant
        self.blocks, self.blocks_back = [], []
        distinct: dict[tuple[object, ...], tuple[Tensor, Tensor]] = {}
        for moment, following in pairwise(self.moments):
            key = (id(moment.then), *moment.axes, *following.axes)
            if key not in distinct:
                block = self._enter(following) @ self._as_real(moment.then) @ self._enter(moment).T
                distinct[key] = constant(block.T), constant(conjugate[:, None] * block * conjugate)
            self.blocks.append(distinct[key][0])  # on rows of states: c Kᵀ
            self.blocks_back.append(distinct[key][1])
        readout, signs = self._measurement()
        leave = self._as_real(last.then) @ self._enter(last).T
        self.leave = constant(leave.T)
        self.readout = constant((readout @ leave).T)
        self.readout_back = constant((readout @ leave) * conjugate)
        self.signs = constant(signs)  # (rows of readout, observables)
        self.signs_back = constant(2 * signs.T)
        magnitude, offset = np.hypot(start[::2], start[1::2]), np.arctan2(start[1::2], start[::2])
        self.input_phases = _Phases(self, "input", self.with_inputs, circuit.n_inputs, magnitude, offset)
        self.weight_phases = _Phases(self, "weight", self.with_weights, circuit.n_weights, magnitude, offset)
        self._workspaces = Workspaces(lambda members, batch: _Workspace(self, members, batch))

    def forward(self, inputs: Tensor, weights: Tensor) -> tuple[Tensor, "_Workspace"]:
        """inputs (M, B, n_inputs), weights (M, n_weights) -> expectation values (M, B, observables), saved."""
        amplitudes, work = self.amplitudes(inputs, weights)
        torch.mul(amplitudes, amplitudes, out=work.squares)
        return torch.mm(work.squares, self.signs).view(work.members, work.batch, -1), work

    def backward(
        self, work: "_Workspace", grad_expvals: Tensor, need_inputs: bool, need_weights: bool
    ) -> tuple[Tensor | None, Tensor | None]:
        """Gradients (M, B, n_inputs) and (M, n_weights); the workspace is free for the next `forward` afterwards."""
        torch.mm(grad_expvals.reshape(work.members * work.batch, -1), self.signs_back, out=work.squares)
        torch.mul(work.squares, work.amplitudes, out=work.grad_amplitudes)
        return self.amplitudes_backward(work, need_inputs, need_weights)

    def amplitudes(self, inputs: Tensor, weights: Tensor) -> tuple[Tensor, "_Workspace"]:
        """The state R c as rows (M · B) of real numbers, or of (Re, Im) pairs; in the computational basis when no
        observables, or only Z, are measured."""
        work = self._workspaces.take(inputs.shape[0], inputs.shape[1])
        self.input_phases.compute(inputs.reshape(work.members * work.batch, -1), work.input_angles, work.input_phases)
        self.weight_phases.compute(weights, work.weight_angles, work.weight_phases)
        for call, a, b, result in work.forward:
            call(a, b, out=result)
        return work.amplitudes, work

    def amplitudes_backward(
        self, work: "_Workspace", need_inputs: bool, need_weights: bool
    ) -> tuple[Tensor | None, Tensor | None]:
        """Gradients from that with respect to the amplitudes, which the caller puts in ``work.grad_amplitudes``."""
        for call, a, b, result in work.backward:
            call(a, b, out=result)
        grad_inputs = grad_weights = None
        if need_inputs:
            torch.mul(work.input_mu, work.input_c, out=work.input_products)
            grad_inputs = torch.mm(work.input_products_flat, self.input_phases.table_back)
            grad_inputs = grad_inputs.view(work.members, work.batch, -1)
        if need_weights:
            torch.mul(work.weight_mu, work.weight_c, out=work.weight_products)
            torch.sum(work.weight_products_flat, 1, out=work.weight_sums)
            grad_weights = torch.mm(work.weight_sums_flat, self.weight_phases.table_back)
        self._workspaces.give(work.members, work.batch, work)
        return grad_inputs, grad_weights

    def evaluate(self, inputs: Tensor, weights: Tensor) -> Tensor:
        """The values of `forward` alone."""
        values, work = self.forward(inputs, weights)
        self._workspaces.give(work.members, work.batch, work)
        return values

    def states(self, inputs: Tensor, weights: Tensor) -> Tensor:
        """Amplitudes (M, B, 2^n), complex."""
        values, work = self.forward(inputs, weights)
        amplitudes = torch.mm(work.c_real[work.slot[-1]], self.leave)
        self._workspaces.give(work.members, work.batch, work)
        if self.real:
            return amplitudes.to(self.dtype.to_complex()).view(*values.shape[:2], -1)
        return torch.view_as_complex(amplitudes.view(*values.shape[:2], -1, 2))

    def _enter(self, moment: Moment) -> np.ndarray:
        """Orthogonal map (2S, real numbers in ψ) from ψ to (Re, Im) of c in a moment's basis."""
        matrix = to_basis(moment.axes)
        if not self.real:
            return self._as_real(matrix)
        kept = matrix[kept_strings(moment, real=True)] * np.sqrt(2)
        return np.stack([kept.real, kept.imag], 1).reshape(-1, kept.shape[1])

    def _as_real(self, matrix: np.ndarray) -> np.ndarray:
        """A matrix as it acts on ψ as stored: on real numbers, or on (Re, Im) pairs."""
        if self.real:
            return matrix.real
        pairs = np.array([[matrix.real, -matrix.imag], [matrix.imag, matrix.real]])  # (2, 2, rows, columns)
        return pairs.transpose(2, 0, 3, 1).reshape(2 * matrix.shape[0], 2 * matrix.shape[1])

    def _measurement(self) -> tuple[np.ndarray, np.ndarray]:
        """R in the computational basis, and the table of signs (rows of R, observables) on the squares of R ψ.

        One set of rows for each Pauli matrix that is measured; ⟨Y⟩ of a real state is zero.
        """
        n, observables = self.circuit.n_qubits, self.circuit.observables
        paulis = sorted({pauli for pauli, _ in observables if not (self.real and pauli == "Y")}) or ["Z"]
        rows = [self._as_real(to_basis(pauli * n)) for pauli in paulis]
        repeat = 1 if self.real else 2
        signs = np.zeros((len(paulis), repeat << n, len(observables)))
        for column, (pauli, wire) in enumerate(observables):
            if pauli in paulis:
                signs[paulis.index(pauli), :, column] = np.repeat(1 - 2 * bit(wire, n), repeat)
        return np.concatenate(rows), signs.reshape(len(paulis) * repeat << n, len(observables))

    def constant(self, array: np.ndarray) -> Tensor:
        return torch.tensor(np.ascontiguousarray(array), dtype=self.dtype, device=self.device)


class _Phases:
    """Phases of all moments that depend on inputs, or on weights: angles θ (rows, angles) -> exp(iφ) (rows, L · S)."""

    def __init__(
        self, form: PhaseForm, source: str, chosen: list[int], n: int, magnitude: np.ndarray, offset: np.ndarray
    ) -> None:
        half = form.size // 2
        table, bias = phase_table([form.moments[k] for k in chosen], form.real, source, n)
        size = np.ones_like(bias)
        if 0 in chosen and (source == "input" or 0 not in form.with_inputs):  # the constant start of the circuit
            first = slice(chosen.index(0) * half, (chosen.index(0) + 1) * half)
            size[first] = magnitude
            bias[first] += offset
        back = np.stack([np.zeros_like(table), -table], -1)  # selects −Im of (Re, Im) pairs
        self.table = form.constant(table)
        self.bias = form.constant(bias)
        self.magnitude = form.constant(size)
        self.table_back = form.constant(back.reshape(n, 2 * len(bias)).T)

    def compute(self, angles: Tensor, buffer: Tensor, phases: Tensor) -> None:
        if len(self.bias):
            torch.addmm(self.bias, angles, self.table, out=buffer)
            torch.polar(self.magnitude, buffer, out=phases)


class _Workspace:
    """Buffers for one size of batch, and the calls of a pass over them, bound once so that a pass is a bare loop."""

    def __init__(self, form: PhaseForm, members: int, batch: int) -> None:
        self.members, self.batch = members, batch
        rows, half, n_moments = members * batch, form.size // 2, len(form.moments)
        complex_dtype = form.dtype.to_complex()

        def empty(*shape: int, dtype: torch.dtype = form.dtype) -> Tensor:
            return torch.empty(*shape, dtype=dtype, device=form.device)

        def pairs(buffer: Tensor, *shape: int) -> Tensor:
            return torch.view_as_real(buffer).view(*shape)

        # Moments with inputs come first in memory and moments with weights last: each set is one block.
        n_in, n_w = len(form.with_inputs), len(form.with_weights)
        order = form.with_inputs + form.with_weights[n_in + n_w - n_moments :]
        self.slot = [order.index(k) for k in range(n_moments)]
        c = empty(n_moments, members, batch, half, dtype=complex_dtype)
        mu = empty(n_moments, members, batch, half, dtype=complex_dtype)
        self.c_real = pairs(c, n_moments, rows, form.size)
        mu_real = pairs(mu, n_moments, rows, form.size)
        moved = empty(members, batch, half, dtype=complex_dtype)
        moved_real = pairs(moved, rows, form.size)

        self.input_angles = empty(rows, n_in * half)
        self.input_phases = empty(rows, n_in * half, dtype=complex_dtype)
        self.weight_angles = empty(members, n_w * half)
        self.weight_phases = empty(members, n_w * half, dtype=complex_dtype)
        begins_with_inputs = form.with_inputs == [0] and 0 not in form.with_weights
        if begins_with_inputs:  # the first phases are the first c
            self.input_phases = c[0].view(rows, half)
        in_phase = self.input_phases.view(members, batch, n_in, half)
        w_phase = self.weight_phases.view(members, 1, n_w, half)
        phases: list[list[Tensor]] = [[] for _ in range(n_moments)]
        for index, k in enumerate(form.with_inputs):
            phases[k].append(in_phase[:, :, index])
        for index, k in enumerate(form.with_weights):
            phases[k].append(w_phase[:, :, index])

        self.amplitudes = empty(rows, form.signs.shape[0])
        self.grad_amplitudes = torch.empty_like(self.amplitudes)
        self.squares = torch.empty_like(self.amplitudes)

        forward: list[Call] = []
        source = torch.ones(members, batch, half, dtype=complex_dtype, device=form.device)
        for k, slot in enumerate(self.slot):
            for factor in [] if k == 0 and begins_with_inputs else phases[k]:
                forward.append((torch.mul, source, factor, c[slot]))
                source = c[slot]
            if k < n_moments - 1:
                forward.append((torch.mm, self.c_real[slot], form.blocks[k], moved_real))
                source = moved
        forward.append((torch.mm, self.c_real[self.slot[-1]], form.readout, self.amplitudes))
        self.forward = forward

        backward: list[Call] = [(torch.mm, self.grad_amplitudes, form.readout_back, mu_real[self.slot[-1]])]
        for k in range(n_moments - 1, 0, -1):
            source = mu[self.slot[k]]
            for factor in phases[k]:
                backward.append((torch.mul, source, factor, moved))
                source = moved
            backward.append((torch.mm, moved_real, form.blocks_back[k - 1], mu_real[self.slot[k - 1]]))
        self.backward = backward

        self.input_mu, self.input_c = mu[:n_in], c[:n_in]
        input_products = empty(members, batch, n_in, half, dtype=complex_dtype)
        self.input_products = input_products.permute(2, 0, 1, 3)
        self.input_products_flat = pairs(input_products, rows, n_in * form.size)
        self.weight_mu, self.weight_c = mu[n_moments - n_w :], c[n_moments - n_w :]
        weight_products = empty(members, n_w, batch, half, dtype=complex_dtype)
        self.weight_products = weight_products.transpose(0, 1)
        self.weight_products_flat = pairs(weight_products, members * n_w, batch, form.size)
        self.weight_sums = empty(members * n_w, form.size)
        self.weight_sums_flat = self.weight_sums.view(members, n_w * form.size)
