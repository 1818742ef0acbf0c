"""The phase form: rotations are phases, everything between them is one constant matrix. For few qubits.

A state is kept in the eigenbasis of the moment (`core.circuit.moments`) it is in, as S complex numbers c:

    c ← exp(iφ) · c             rotations, φ_s = −½ Σ_j s_j θ_j, elementwise
    c ← K c                     all fixed gates between two moments, one matrix product with a constant
    ψ = R c,  ⟨O⟩ = Σ_b z_b |ψ_b|²   measurement

for all members and samples at once; no matrix is built for a member. Complex numbers are stored as (Re, Im) pairs and
K, R are real matrices on those 2S numbers. All these maps are orthogonal. A single member of few qubits is served
faster by fewer calls: its phases are multiplied into K for all moments at once, A = diag(exp(iφ)) K, and c ← A c.

A circuit of real gates (H, CNOT, CZ, RY, CRY) keeps ψ real. With some qubit in the eigenbasis of Y, c of the strings
with σ = −1 there is the conjugate of c with all Y signs turned, so half of the strings do: S = 2^(n−1) instead of 2^n.

Gradients are carried backwards as μ = conj(∂L/∂c), which obeys the same phases, μ ← exp(iφ) · μ, and

    ∂L/∂φ_s = −Im(μ_s c_s)

taken after each moment gives the gradients of all angles in it.
"""

from itertools import pairwise
from math import inf
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from core.circuit.description import Circuit, primitive_gates
from core.circuit.engine import Abilities, Accelerator
from core.circuit.moments import Moment, bit, kept_strings, moments, phase_table, to_basis
from core.circuit.phase_layers import AtMoment, FoldedLayers, Layers, PlainLayers
from core.circuit.workspaces import Workspaces

LARGEST_SIZE = {"cpu": 128, "cuda": 1024}
"""Largest 2S for which the phase form is ever chosen; its work a row grows with the square, its calls do not."""
FOLDED_SIZE = 64
"""Largest 2S for which phases are multiplied into the matrices of a single member."""


def real_numbers(circuit: Circuit) -> int:
    """2S: the real numbers that a state is, once the signs that a real state does not need are left out."""
    return (1 if circuit.real else 2) << circuit.n_qubits


class PhaseForm:
    """One circuit in phase form (an `Engine`); constants only, the buffers are in `_Workspace`."""

    abilities: ClassVar = Abilities(max_qubits=11)  # there one constant K of complex amplitudes is 64 MiB

    @staticmethod
    def cost(circuit: Circuit, accelerator: Accelerator, rows: int) -> float:
        """The arithmetic of c ← K c alone: its few calls are not what makes it slow."""
        size = real_numbers(circuit)
        return rows * size**2 if size <= LARGEST_SIZE[accelerator] else inf

    def __init__(self, circuit: Circuit, dtype: torch.dtype, device: torch.device) -> None:
        self.circuit, self.dtype, self.device = circuit, dtype, device
        gates = primitive_gates(circuit)
        self.real = circuit.real
        before, self.moments = moments(gates, circuit.n_qubits)
        first, last = self.moments[0], self.moments[-1]
        start = self._enter(first) @ self._as_real(before)[:, 0]
        self.size = len(start)  # 2S real numbers
        sources = [{angle.source for angle, _ in moment.angles} for moment in self.moments]
        only_inputs = [k for k, own in enumerate(sources) if own == {"input"}]
        mixed = [k for k, own in enumerate(sources) if own == {"input", "weight"}]
        self.with_inputs = only_inputs + mixed
        self.with_weights = mixed + [k for k, own in enumerate(sources) if "input" not in own]

        conjugate = np.tile([1.0, -1.0], self.size // 2)
        constant = self.constant
        distinct: dict[tuple[object, ...], np.ndarray] = {}
        keys = [(id(one.then), *one.axes, *following.axes) for one, following in pairwise(self.moments)]
        for key, (moment, following) in zip(keys, pairwise(self.moments), strict=True):
            if key not in distinct:
                distinct[key] = self._between(moment, following)
        on_rows = {key: constant(block.T) for key, block in distinct.items()}  # c Kᵀ
        on_rows_back = {key: constant(conjugate[:, None] * block * conjugate) for key, block in distinct.items()}
        self.blocks, self.blocks_back = [on_rows[key] for key in keys], [on_rows_back[key] for key in keys]
        self.conjugation = constant(np.outer(conjugate, conjugate))
        self.can_fold = self.with_inputs in ([], [0]) and self.size <= FOLDED_SIZE and len(keys) > 0
        if self.can_fold:
            stack = torch.stack(self.blocks if len(distinct) > 1 else self.blocks[:1])
            self.block_stack = torch.view_as_complex(stack.view(len(stack), self.size, -1, 2))
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
        work = self._workspaces.take(inputs.shape[0], inputs.shape[1])
        self.run(work, inputs, weights)
        torch.mul(work.amplitudes, work.amplitudes, out=work.squares)
        return work.member_first(torch.mm(work.squares, self.signs)), work

    def backward(
        self, work: "_Workspace", grad_expvals: Tensor, need_inputs: bool, need_weights: bool
    ) -> tuple[Tensor | None, Tensor | None]:
        """Gradients (M, B, n_inputs) and (M, n_weights); the workspace is free for the next `forward` afterwards."""
        torch.mm(work.as_rows(grad_expvals), self.signs_back, out=work.squares)
        torch.mul(work.squares, work.amplitudes, out=work.grad_amplitudes)
        grads = self.run_back(work, need_inputs, need_weights)
        self._workspaces.give(work.members, work.batch, work)
        return grads

    def workspace(self, members: int, batch: int) -> "_Workspace":
        """A workspace of one's own, for `run` and `run_back`."""
        return _Workspace(self, members, batch)

    def run(self, work: "_Workspace", inputs: Tensor, weights: Tensor) -> None:
        """Leave R c in ``work.amplitudes``, (B · M, real numbers or (Re, Im) pairs): ψ in the computational basis when
        no observables, or only Z, are measured."""
        if self.with_inputs:
            phases = self.input_phases
            torch.addmm(phases.bias, work.as_rows(inputs), phases.table, out=work.input_angles)
        if self.with_weights:
            phases = self.weight_phases
            torch.addmm(phases.bias, weights, phases.table, out=work.weight_angles)
        work.make_phases()
        work.layers.forward()
        torch.mm(work.final, self.readout, out=work.amplitudes)

    def run_back(
        self, work: "_Workspace", need_inputs: bool, need_weights: bool
    ) -> tuple[Tensor | None, Tensor | None]:
        """Gradients (M, B, n_inputs) and (M, n_weights) from that in ``work.grad_amplitudes``."""
        torch.mm(work.grad_amplitudes, self.readout_back, out=work.grad_final)
        work.layers.backward()
        torch.mul(work.mu, work.c, out=work.products)
        grad_inputs = grad_weights = None
        if need_inputs:
            grad_inputs = work.member_first(torch.mm(work.input_products(), self.input_phases.table_back))
        if need_weights:
            torch.sum(work.weight_products, 1, out=work.weight_sums)
            grad_weights = torch.mm(work.sums_by_member(), self.weight_phases.table_back)
        return grad_inputs, grad_weights

    def evaluate(self, inputs: Tensor, weights: Tensor) -> Tensor:
        """The values of `forward` alone."""
        values, work = self.forward(inputs, weights)
        self._workspaces.give(work.members, work.batch, work)
        return values

    def states(self, inputs: Tensor, weights: Tensor) -> Tensor:
        """Amplitudes (M, B, 2^n), complex."""
        work = self._workspaces.take(inputs.shape[0], inputs.shape[1])
        self.run(work, inputs, weights)
        amplitudes = work.member_first(torch.mm(work.final, self.leave))
        self._workspaces.give(work.members, work.batch, work)
        if self.real:
            return amplitudes.to(self.dtype.to_complex())
        return torch.view_as_complex(amplitudes.unflatten(-1, (-1, 2)))

    def _enter(self, moment: Moment, columns: np.ndarray | None = None) -> np.ndarray:
        """Orthogonal map E (2S, real numbers in ψ) from ψ to (Re, Im) of c in a moment's basis; E @ columns, if any.

        columns (2^n, any) are real and only possible when ψ is.
        """
        matrix = to_basis(moment.axes, columns)
        if not self.real:
            return self._as_real(matrix)
        kept = matrix[kept_strings(moment, real=True)] * np.sqrt(2)
        return np.stack([kept.real, kept.imag], 1).reshape(-1, kept.shape[1])

    def _between(self, moment: Moment, following: Moment) -> np.ndarray:
        """K (2S, 2S): from (Re, Im) of c in one moment's basis, through its fixed gates U, to the next one's."""
        if self.real:
            return self._enter(moment, self._enter(following, moment.then.real).T).T  # E₂ U E₁ᵀ
        moved = to_basis(following.axes, moment.then)
        return self._as_real(to_basis(moment.axes, moved.conj().T).conj().T)  # B₂ U B₁†

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
        """Real numbers in the form's dtype, on its device."""
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


class _Workspace:
    """Buffers for one size of batch, and the views on them that a pass needs, made once.

    Samples come before members, (B, M, S), so that the phases of all members multiply long contiguous rows.
    """

    def __init__(self, form: PhaseForm, members: int, batch: int) -> None:
        self.members, self.batch = members, batch
        self._form, self._rows, self._half = form, members * batch, form.size // 2
        n_moments, n_in, n_w = len(form.moments), len(form.with_inputs), len(form.with_weights)

        # Moments with inputs come first in memory and moments with weights last: each set is one block. In front of
        # them stand the weights' phases, so that with c of the first moment, often phases itself, they are one block.
        order = form.with_inputs + form.with_weights[n_in + n_w - n_moments :]
        slots = [order.index(k) for k in range(n_moments)]
        n_phases, n_c = n_w * members * self._half, self._rows * self._half
        self._buffer = self._empty(n_phases + n_moments * n_c, of_complex=True)
        self._weight_phases = self._buffer[:n_phases].view(n_w, members, self._half)
        self.c = self._buffer[n_phases:].view(n_moments, batch, members, self._half)
        self.mu = torch.empty_like(self.c)
        self.products = torch.empty_like(self.c)

        self._begins_with_inputs = form.with_inputs == [0] and 0 not in form.with_weights
        if self._begins_with_inputs:
            self._input_phases = self.c[:1].view(batch, members, 1, self._half)
        else:
            self._input_phases = self._empty(batch, members, n_in, self._half, of_complex=True)
        moments = [
            AtMoment(c, self._pairs(c), mu, self._pairs(mu), self._phases_of(k))
            for k, c, mu in ((k, self.c[slot], self.mu[slot]) for k, slot in enumerate(slots))
        ]
        self.final, self.grad_final = moments[-1].c_pairs, moments[-1].mu_pairs
        self._prepare_polar()
        self.layers: Layers
        if members == 1 and form.can_fold:
            phases = self._weight_phases[1 - n_moments :]
            self.layers = FoldedLayers(moments, form.block_stack, phases, form.conjugation)
        else:
            self.layers = PlainLayers(moments, form.blocks, form.blocks_back)

        self.amplitudes = self._empty(self._rows, form.signs.shape[0])
        self.grad_amplitudes = torch.empty_like(self.amplitudes)
        self.squares = torch.empty_like(self.amplitudes)
        products_real = torch.view_as_real(self.products).view(n_moments, batch, members, form.size)
        self._input_products = products_real[:n_in].view(n_in, batch, members, form.size)
        self._input_rows = products_real[0].view(self._rows, form.size) if n_in == 1 else None
        self.weight_products = products_real[n_moments - n_w :]
        self.weight_sums = self._empty(n_w, members, form.size)
        self._only_sums = self.weight_sums[:, 0].reshape(1, n_w * form.size)  # a view when there is one member

    def make_phases(self) -> None:
        """Angles φ in ``input_angles`` and ``weight_angles`` -> magnitude · exp(iφ)."""
        for magnitude, angles, phases in self._polar:
            torch.polar(magnitude, angles, out=phases)

    def as_rows(self, values: Tensor) -> Tensor:
        """(M, B, any) -> (B · M, any)"""
        if self.members > 1:
            values = values.transpose(0, 1)
        return values.reshape(self._rows, -1)

    def member_first(self, rows: Tensor) -> Tensor:
        """(B · M, any) -> (M, B, any)"""
        if self.members == 1:
            return rows.unsqueeze(0)
        return rows.view(self.batch, self.members, -1).transpose(0, 1)

    def input_products(self) -> Tensor:
        """μ c of the moments with inputs, (B · M, moments · 2S)."""
        if self._input_rows is not None:
            return self._input_rows
        return self._input_products.permute(1, 2, 0, 3).reshape(self._rows, -1)

    def sums_by_member(self) -> Tensor:
        """Σ over samples of μ c of the moments with weights, (M, moments · 2S)."""
        if self.members == 1:
            return self._only_sums
        return self.weight_sums.transpose(0, 1).reshape(self.members, -1)

    def _phases_of(self, k: int) -> list[Tensor]:
        """The factors exp(iφ) of a moment; none of the first where its c is the memory of its phases."""
        if k == 0 and self._begins_with_inputs:
            return []
        by_inputs = [self._input_phases[:, :, i] for i, moment in enumerate(self._form.with_inputs) if moment == k]
        by_weights = [self._weight_phases[i] for i, moment in enumerate(self._form.with_weights) if moment == k]
        return by_inputs + by_weights

    def _prepare_polar(self) -> None:
        """Angles, and the (magnitude, angles, phases) that are made of them, in one call if memory allows."""
        form, members, batch, half = self._form, self.members, self.batch, self._half
        n_in, n_w = len(form.with_inputs), len(form.with_weights)
        n_weight_angles = members * n_w * half
        angles = self._empty(n_weight_angles + self._rows * n_in * half)
        self.weight_angles = angles[:n_weight_angles].view(members, n_w * half)
        self.input_angles = angles[n_weight_angles:].view(self._rows, n_in * half)
        weight_magnitude = form.weight_phases.magnitude.view(n_w, 1, half).expand(n_w, members, half)
        input_magnitude = form.input_phases.magnitude.view(1, 1, n_in, half).expand(batch, members, n_in, half)
        if members == 1 and self._begins_with_inputs:
            magnitude = torch.cat([weight_magnitude.reshape(-1), input_magnitude.reshape(-1)])
            self._polar = [(magnitude, angles, self._buffer[: len(angles)])]
            return
        by_moment = self.weight_angles.view(members, n_w, half).transpose(0, 1)
        by_sample = self.input_angles.view(self._input_phases.shape)
        self._polar = [
            (weight_magnitude.contiguous(), by_moment, self._weight_phases),
            (input_magnitude.contiguous(), by_sample, self._input_phases),
        ]

    def _empty(self, *shape: int, of_complex: bool = False) -> Tensor:
        dtype = self._form.dtype.to_complex() if of_complex else self._form.dtype
        return torch.empty(shape, dtype=dtype, device=self._form.device)

    def _pairs(self, values: Tensor) -> Tensor:
        """Complex (B, M, S) as rows of (Re, Im) pairs, (B · M, 2S)."""
        return torch.view_as_real(values).view(self._rows, self._form.size)
