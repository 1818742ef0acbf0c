"""The split state: qubits in groups of up to four, one matrix product for each group and layer. For many qubits.

A state is one tensor (members, K_1, …, K_(g−1), batch, K_g) with K_j = 2^(qubits in group j). Gates between groups act
on slices of it (`core.circuit.gate_by_gate`), and so do rotations by inputs in mid-circuit. Everything else is
collected: all gates inside group j between two such gates make one K_j × K_j matrix

    U = E V† diag(exp(iφ)) V O = Σ_s exp(iφ_s) A_s,   φ_s = −½ Σ_j s_j θ_j

(`core.circuit.moments`) for each member. It is linear in the phases, so one product with a constant makes the matrices
of all layers. U acts on all samples in one product: 2 K_j operations for each amplitude, where the matrix of the whole
circuit would take 2^(n+1). Products of different groups commute; they make a layer.

Gradients: with λ = ∂L/∂ψ and ψ after a layer, and Γ_ab = Σ conj(λ_a) ψ_b summed over everything but group j,

    ∂L/∂θ = Re Σ_ab Γ_ab g_ab,   g = −½ i E V† diag(s) V E†  (constant)

The state after each layer is kept; when that would need too much memory, none is, and ψ is walked back with λ.

All gates in a group before the first that is not collected make its opening state: a small circuit in phase form
(`core.circuit.phase_form`), where samples differ by their inputs.
"""

from collections.abc import Callable
from functools import partial
from math import inf, prod
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from core.circuit.description import Circuit, Gate, primitive_gates
from core.circuit.engine import Abilities, Accelerator
from core.circuit.gate_by_gate import Layout, angle_gradient, angle_value, apply_gate
from core.circuit.moments import bit, phase_table, to_basis
from core.circuit.phase_form import PhaseForm, real_numbers
from core.circuit.split_schedule import Layer, Product, schedule, split_wires, steps
from core.circuit.workspaces import Workspaces

GROUP_QUBITS = 4
KEPT_BYTES = 1 << 29
"""Most memory for the states of all layers; beyond it they are computed again on the way back."""
ONE_GROUP = 32
"""Real numbers up to which there is one group, and a split state is a phase form that takes more calls."""
CALLS = {"cpu": {"real": 1 << 20, "complex": 1 << 20}, "cuda": {"real": 1 << 32, "complex": 1 << 29}}
"""Cost of a split state where the phase form still competes with it: there its time is that of its calls.

The rows times (2S)² from which on a split state is faster, measured on one core with 4 to 8 qubits and on an H200 with
5 to 11, depth 6, 4 to 16,384 rows; `python -m core bench step --engine NAME` measures one size with one engine.
"""

Call = Callable[[], object]


class SplitState:
    """One circuit as layers of products (an `Engine`); constants only, the buffers are in `_Workspace`."""

    abilities: ClassVar = Abilities()

    @staticmethod
    def cost(circuit: Circuit, accelerator: Accelerator, rows: int) -> float:
        """`CALLS`, however many rows there are; `inf` where there is nothing to split."""
        if real_numbers(circuit) <= ONE_GROUP:
            return inf
        return CALLS[accelerator]["real" if circuit.real else "complex"]

    def __init__(
        self,
        circuit: Circuit,
        dtype: torch.dtype,
        device: torch.device,
        group_qubits: int = GROUP_QUBITS,
        kept_bytes: int = KEPT_BYTES,
    ) -> None:
        self.circuit, self.device, self.kept_bytes = circuit, device, kept_bytes
        gates = primitive_gates(circuit)
        self.real = circuit.real
        self.real_dtype, self.dtype = dtype, dtype if self.real else dtype.to_complex()
        self.groups = split_wires(circuit.n_qubits, group_qubits)
        self.sizes = [1 << len(group) for group in self.groups]
        opening_gates, self.program = schedule(gates, self.groups, self.real)
        self.openings = [
            PhaseForm(Circuit(len(group), gates, circuit.n_inputs, circuit.n_weights, ()), dtype, device)
            for group, gates in zip(self.groups, opening_gates, strict=True)
        ]
        self.opening_inputs = [any(gate.takes("input") for gate in gates) for gates in opening_gates]
        self.opening_weights = [any(gate.takes("weight") for gate in gates) for gates in opening_gates]

        alike: dict[bytes, list[Product]] = {}
        for op in self.program:
            for step in steps(op):
                if isinstance(step, Product):
                    alike.setdefault(step.kind, []).append(step)
        self.families = [_Family(products, self) for products in alike.values()]
        in_order = [product.moment for family in self.families for product in family.products]
        table, bias = phase_table(in_order, self.real, "weight", circuit.n_weights)
        self.table, self.bias = self.constant(table), self.constant(bias)
        self.magnitude = torch.ones_like(self.bias)
        used = [angle.index for moment in in_order for angle, _ in moment.angles]
        self.used_weights = torch.tensor(used, dtype=torch.int64, device=device)
        self.readouts = self._readouts()
        self._workspaces = Workspaces(lambda members, batch: _Workspace(self, members, batch))

    def forward(self, inputs: Tensor, weights: Tensor) -> tuple[Tensor, "_Workspace"]:
        """inputs (M, B, n_inputs), weights (M, n_weights) -> expectation values (M, B, observables), saved."""
        work = self._run(inputs, weights)
        return work.measure(), work

    def backward(
        self, work: "_Workspace", grad_expvals: Tensor, need_inputs: bool, need_weights: bool
    ) -> tuple[Tensor | None, Tensor | None]:
        """Gradients (M, B, n_inputs) and (M, n_weights); the workspace is free for the next `forward` afterwards."""
        grads = work.run_back(grad_expvals, need_inputs, need_weights)
        self._workspaces.give(work.members, work.batch, work)
        return grads

    def evaluate(self, inputs: Tensor, weights: Tensor) -> Tensor:
        """The values of `forward` alone."""
        values, work = self.forward(inputs, weights)
        self._workspaces.give(work.members, work.batch, work)
        return values

    def states(self, inputs: Tensor, weights: Tensor) -> Tensor:
        """Amplitudes (M, B, 2^n), complex."""
        work = self._run(inputs, weights)
        batch_last = work.final.view(work.members, -1, work.batch, self.sizes[-1])
        amplitudes = batch_last.transpose(1, 2).reshape(work.members, work.batch, -1)
        self._workspaces.give(work.members, work.batch, work)
        return amplitudes.to(self.real_dtype.to_complex(), copy=True)

    def constant(self, array: np.ndarray) -> Tensor:
        return torch.tensor(np.ascontiguousarray(array), dtype=self.real_dtype, device=self.device)

    def matrix(self, array: np.ndarray) -> Tensor:
        """A complex matrix in the state's dtype."""
        return torch.tensor(array.real if self.real else array, dtype=self.dtype, device=self.device)

    def _run(self, inputs: Tensor, weights: Tensor) -> "_Workspace":
        work = self._workspaces.take(inputs.shape[0], inputs.shape[1])
        work.run(inputs, weights)
        return work

    def _readouts(self) -> list["_Readout"]:
        """What is measured, by Pauli matrix; ⟨Y⟩ of a real state is zero and is left out."""
        paulis = sorted({pauli for pauli, _ in self.circuit.observables if not (self.real and pauli == "Y")})
        return [_Readout(self, pauli) for pauli in paulis]


class _Family:
    """Products that differ in the weights they use and in nothing else; all their matrices are made together."""

    def __init__(self, products: list[Product], state: SplitState) -> None:
        self.products = products
        a, g = products[0].matrices, products[0].generators
        self.n_phases, self.size = a.shape[:2]  # S, K
        self.n_angles = len(g)
        if state.real:  # phases and matrices come in conjugate pairs: 2 Re Σ exp(iφ_s) A_s
            pairs, generators = np.stack([2 * a.real, -2 * a.imag], 1), g.real
        else:  # (Re, Im) of the phase -> (Re, Im) of the entries
            pairs = np.stack([a, 1j * a], 1)
            pairs = np.stack([pairs.real, pairs.imag], -1)
            generators = np.stack([g.real, -g.imag], -1)
        self.from_phases = state.constant(pairs.reshape(2 * self.n_phases, -1))
        self.to_angles = state.constant(generators.reshape(self.n_angles, prod(generators.shape[1:])).T)


class _Readout:
    """Observables of one Pauli matrix P: basis change V on all groups, then ⟨P_q⟩ = Σ_b ±|(Vψ)_b|².

    The sum goes first over the last group, with its signs beside a column of ones, then over all others: that leaves a
    table of (1 + n − last) × (1 + last) numbers, in which ⟨P_q⟩ is one cell.
    """

    def __init__(self, state: SplitState, pauli: str) -> None:
        n, last = state.circuit.n_qubits, len(state.groups[-1])
        self.rotations = [state.matrix(to_basis(pauli * len(g)))[None] for g in state.groups] if pauli != "Z" else []
        after = np.stack([np.ones(1 << last)] + [1.0 - 2 * bit(w, last) for w in range(last)], 1)
        before = np.stack([np.ones(1 << (n - last))] + [1.0 - 2 * bit(w, n - last) for w in range(n - last)])
        cells = np.zeros((1 + n - last, 1 + last, len(state.circuit.observables)))
        for column, (own, wire) in enumerate(state.circuit.observables):
            if own == pauli:
                row = 1 + wire if wire < n - last else 0
                cells[row, 0 if row else 1 + wire - (n - last), column] = 1
        self.before = state.constant(before)  # (1 + n − last, 2^(n−last))
        self.after = state.constant(after if state.real else after.repeat(2, 0))  # (K_g, 1 + last), on squares
        self.before_back, self.after_back = self.before.t().contiguous(), self.after.t().contiguous()
        self.cells = state.constant(cells.reshape(-1, cells.shape[-1]))  # (cells, observables)
        self.cells_back = 2 * self.cells.t().contiguous()


class _Workspace:
    """Buffers for one size of batch and the calls of a pass over them, bound once so that a pass is a bare loop."""

    def __init__(self, split: SplitState, members: int, batch: int) -> None:
        self.split, self.members, self.batch = split, members, batch
        self.layout = Layout(members, batch, split.circuit.n_qubits, split.circuit.n_qubits - len(split.groups[-1]))
        self.n_amplitudes = members * batch << split.circuit.n_qubits
        n_kept = sum(self._is_kept(op) for op in split.program)
        self.keeps = n_kept * self.n_amplitudes * self._empty(0).element_size() <= split.kept_bytes
        self.spare = [self._empty(self.n_amplitudes) for _ in range(2)]
        self.spare_adjoint = [self._empty(self.n_amplitudes) for _ in range(2)]
        self.squares = torch.empty_like(self._real(self.spare[0]))
        self.matrix_calls, self.angle_calls = self._prepare_matrices()
        self.opening_calls = self._prepare_opening()
        self.forward_calls, self.backward_calls = self._prepare_program()

    def run(self, inputs: Tensor, weights: Tensor) -> None:
        """Leave the final state in ``final``."""
        split = self.split
        self.inputs, self.weights = inputs, weights
        torch.addmm(split.bias, weights, split.table, out=self.angles)
        for call in self.matrix_calls:
            call()
        for opening, work in zip(split.openings, self.opened, strict=True):
            opening.run(work, inputs, weights)
        for call in self.opening_calls:
            call()
        for call in self.forward_calls:
            call()

    def run_back(
        self, grad_expvals: Tensor, need_inputs: bool, need_weights: bool
    ) -> tuple[Tensor | None, Tensor | None]:
        """Gradients from those with respect to the expectation values."""
        self.grad_inputs, self.grad_weights = torch.zeros_like(self.inputs), torch.zeros_like(self.weights)
        self._measure_back(grad_expvals)
        for call in self.backward_calls:
            call()
        if need_weights:
            for call in self.angle_calls:
                call()
            self.grad_weights.index_add_(1, self.split.used_weights, self.grad_angles)
        self._open_back(need_inputs, need_weights)
        return self.grad_inputs if need_inputs else None, self.grad_weights if need_weights else None

    # Matrices: U = Σ_s exp(iφ_s) A_s of all layers, and from Γ to the angles' gradients

    def _prepare_matrices(self) -> tuple[list[Call], list[Call]]:
        split, members = self.split, self.members
        self.angles = torch.empty(members, len(split.bias), dtype=split.real_dtype, device=split.device)
        phases = torch.empty_like(self.angles, dtype=split.real_dtype.to_complex())
        self.grad_angles = self.angles.new_empty(members, len(split.used_weights))
        self.matrices: dict[Product, Tensor] = {}
        self.grams: dict[Product, Tensor] = {}
        make: list[Call] = [partial(torch.polar, split.magnitude.expand_as(self.angles), self.angles, out=phases)]
        back: list[Call] = []
        column, angle = 0, 0
        for family in split.families:
            count, size = len(family.products), family.size
            matrices, grams = (self._empty(members * count * size * size) for _ in range(2))
            own_phases = phases[:, column : column + count * family.n_phases].unflatten(1, (count, -1))
            own_grads = self.grad_angles[:, angle : angle + count * family.n_angles].unflatten(1, (count, -1))
            column, angle = column + count * family.n_phases, angle + count * family.n_angles
            pairs = torch.view_as_real(own_phases).view(members, count, -1)  # (M, count, 2S)
            for_all = self._real(matrices).view(members, count, -1)
            make.append(partial(torch.bmm, pairs, family.from_phases.expand(members, -1, -1), out=for_all))
            from_all = self._real(grams).view(members, count, -1)
            if family.n_angles:
                back.append(partial(torch.bmm, from_all, family.to_angles.expand(members, -1, -1), out=own_grads))
            for slot, product in enumerate(family.products):
                self.matrices[product] = matrices.view(members, count, size, size)[:, slot]
                self.grams[product] = grams.view(members, count, size, size)[:, slot]
        return make, back

    # Opening: ψ = v_1 ⊗ … ⊗ v_g

    def _prepare_opening(self) -> list[Call]:
        """Buffers of v_j ⊗ … ⊗ v_g for every j; the whole product goes to a spare buffer."""
        split, members, batch, last = self.split, self.members, self.batch, self.split.sizes[-1]
        self.opened = [opening.workspace(members, batch) for opening in split.openings]
        calls: list[Call] = []
        vectors = []  # (M, B, K)
        for opening, work, size in zip(split.openings, self.opened, split.sizes, strict=True):
            vector = work.amplitudes
            if not opening.real:
                vector = torch.view_as_complex(vector.view(-1, size, 2))
            elif not split.real:
                vector = self._empty(len(vector) * size).view(-1, size)
                calls.append(partial(vector.copy_, work.amplitudes))
            vectors.append(vector.view(batch, members, size).transpose(0, 1))
        lengths = [members * batch * last * prod(split.sizes[j:-1]) for j in range(len(split.sizes))]
        tails = [self.spare[0]] + [self._empty(length) for length in lengths[1:]]
        calls.append(partial(tails[-1].view(members, batch, last).copy_, vectors[-1]))
        self.tails: list[Tensor] = []
        self.vectors: list[Tensor] = []
        for j in range(len(split.sizes) - 2, -1, -1):
            vector = vectors[j].transpose(1, 2)[:, :, None, :, None]  # (M, K, 1, B, 1)
            tail = tails[j + 1].view(members, 1, -1, batch, last)
            whole = tails[j].view(members, split.sizes[j], -1, batch, last)
            calls.append(partial(torch.mul, vector, tail, out=whole))
            self.vectors.insert(0, vector)
            self.tails.insert(0, tail)
        return calls

    def _open_back(self, need_inputs: bool, need_weights: bool) -> None:
        """λ of the product state -> λ of each v_j -> gradients of the small circuits."""
        split, members, batch, last = self.split, self.members, self.batch, self.split.sizes[-1]
        adjoint = self.opening_adjoint
        for j, (opening, work, size) in enumerate(zip(split.openings, self.opened, split.sizes, strict=True)):
            if j < len(split.sizes) - 1:
                adjoint = adjoint.view(members, size, -1, batch, last)
                grad = (adjoint * self.tails[j].conj()).sum((2, 4)).permute(2, 0, 1)
                adjoint = (adjoint * self.vectors[j].conj()).sum(1)
            else:
                grad = adjoint.view(members, batch, size).transpose(0, 1)
            by_inputs = need_inputs and split.opening_inputs[j]
            by_weights = need_weights and split.opening_weights[j]
            if by_inputs or by_weights:  # grad is (B, M, K)
                target = work.grad_amplitudes.view(batch, members, -1)
                if split.real or not opening.real:
                    target.copy_(grad if split.real else torch.view_as_real(grad).flatten(2))
                else:
                    target.copy_(grad.real)
                grad_inputs, grad_weights = opening.run_back(work, by_inputs, by_weights)
                if grad_inputs is not None:
                    self.grad_inputs += grad_inputs
                if grad_weights is not None:
                    self.grad_weights += grad_weights

    # Program: layers and single gates

    def _prepare_program(self) -> tuple[list[Call], list[Call]]:
        """Bind all calls to their buffers. Each reads one buffer and writes another, and a kept state stays."""
        forward_calls: list[Call] = []
        backward_calls: list[Call] = []
        state, after = self.spare[0], []
        for op in self.split.program:
            for step in steps(op):
                keep = self.keeps and step is steps(op)[-1] and self._is_kept(op)
                target = self._empty(self.n_amplitudes) if keep else self._other(self.spare, state)
                forward_calls += self._calls(step, state, target)
                state = target
            after.append(state)
        self.final = state

        adjoint = self.spare_adjoint[0]
        for op, kept_state in zip(reversed(self.split.program), reversed(after), strict=True):
            state = kept_state if self.keeps else state
            if self._is_kept(op):
                backward_calls += [self._gradient(step, adjoint, state) for step in steps(op)]
            for step in steps(op):
                target = self._other(self.spare_adjoint, adjoint)
                backward_calls += self._calls(step, adjoint, target, undo=True)
                adjoint = target
                if not self.keeps:
                    target = self._other(self.spare, state)
                    backward_calls += self._calls(step, state, target, undo=True)
                    state = target
        self.opening_adjoint = adjoint
        return forward_calls, backward_calls

    def _is_kept(self, op: Layer | Gate) -> bool:
        """Whether the gradient needs the state after this operation."""
        return isinstance(op, Layer) or (bool(op.angles) and op.angles[0].source != "constant")

    def _calls(self, step: Product | Gate, source: Tensor, target: Tensor, undo: bool = False) -> list[Call]:
        """target = U source, or U† source."""
        if isinstance(step, Product):
            return [self._matmul(self.matrices[step], step.group, source, target, undo)]
        if step.name == "CNOT":
            before, after = (self.layout.quarters(state, *step.wires) for state in (source, target))
            pairs = (after[0], before[0]), (after[1, 0], before[1, 1]), (after[1, 1], before[1, 0])
            return [partial(a.copy_, b) for a, b in pairs]
        return [partial(target.copy_, source), partial(self._gate, step, target, undo)]

    def _gradient(self, step: Product | Gate, adjoint: Tensor, state: Tensor) -> Call:
        if isinstance(step, Product):
            return self._gram(step, adjoint, state)
        return partial(self._gate_gradient, step, adjoint, state)

    def _matmul(self, matrix: Tensor, group: int, source: Tensor, target: Tensor, undo: bool = False) -> Call:
        """target = U source on one group, or U† source; U is (M, K, K), or (1, K, K) for all members."""
        size = self.split.sizes[group]
        if group == len(self.split.sizes) - 1:
            shape = (self.members, -1, size)
            matrix = (matrix.conj() if undo else matrix.transpose(1, 2)).expand(self.members, -1, -1)
            return partial(torch.bmm, source.view(shape), matrix, out=target.view(shape))
        before = prod(self.split.sizes[:group])
        matrix = matrix.mH if undo else matrix
        if self.members == 1 or before == 1:
            shape = (self.members * before, size, -1)
            matrix = matrix.expand(self.members * before, -1, -1)
            return partial(torch.bmm, matrix, source.view(shape), out=target.view(shape))
        shapes = (self.members, before, size, -1)
        return partial(torch.matmul, matrix[:, None], source.view(shapes), out=target.view(shapes))

    def _gram(self, product: Product, adjoint: Tensor, state: Tensor) -> Call:
        """Γ of a product: Σ conj(λ_a) ψ_b over everything but its group."""
        gram, size, group = self.grams[product], self.split.sizes[product.group], product.group
        if group == len(self.split.sizes) - 1:
            shape = (self.members, -1, size)
            return partial(torch.bmm, adjoint.view(shape).mH, state.view(shape), out=gram)
        before = prod(self.split.sizes[:group])
        shape = (self.members * before, size, -1)
        bra, ket = adjoint.view(shape).conj(), state.view(shape).transpose(1, 2)
        if before == 1:
            return partial(torch.bmm, bra, ket, out=gram)
        parts = self._empty(self.members * before * size * size)

        def call() -> None:
            torch.bmm(bra, ket, out=parts.view(-1, size, size))
            torch.sum(parts.view(self.members, before, size, size), 1, out=gram)

        return call

    def _gate(self, gate: Gate, state: Tensor, undo: bool) -> None:
        theta = angle_value(gate.angles[0], self.inputs, self.weights) if gate.angles else None
        apply_gate(gate, state, self.layout, theta, undo)

    def _gate_gradient(self, gate: Gate, adjoint: Tensor, state: Tensor) -> None:
        angle, gradient = gate.angles[0], angle_gradient(gate, adjoint, state, self.layout)
        if angle.source == "input":
            self.grad_inputs[..., angle.index] += gradient
        else:
            self.grad_weights[:, angle.index] += gradient.sum(1)

    # Measurement

    def measure(self) -> Tensor:
        """Expectation values (M, B, observables) of the final state."""
        members, batch = self.members, self.batch
        n_observables = len(self.split.circuit.observables)
        values = self.angles.new_zeros(members * batch, n_observables)
        for readout in self.split.readouts:
            state = self._real(self._rotated(readout, self.final))
            torch.mul(state, state, out=self.squares)
            inner = torch.mm(self.squares.view(-1, len(readout.after)), readout.after)
            table = torch.matmul(readout.before, inner.view(members, -1, batch * inner.shape[1]))
            table = table.view(members, -1, batch, inner.shape[1]).transpose(1, 2).reshape(members * batch, -1)
            values = torch.addmm(values, table, readout.cells)
        return values.view(members, batch, n_observables)

    def _measure_back(self, grad_expvals: Tensor) -> None:
        """λ of the final state: 2 Σ g P ψ, into the first spare buffer of λ."""
        members, batch = self.members, self.batch
        total = self.spare_adjoint[0]
        rows = grad_expvals.reshape(members * batch, -1)
        for count, readout in enumerate(self.split.readouts):
            state = self._rotated(readout, self.final)
            height, width = len(readout.before), readout.after.shape[1]
            table = torch.mm(rows, readout.cells_back).view(members, batch, height, width).transpose(1, 2)
            inner = torch.matmul(readout.before_back, table.reshape(members, height, -1))
            torch.mm(inner.view(-1, width), readout.after_back, out=self.squares.view(-1, len(readout.after)))
            if count == 0 and not readout.rotations:
                torch.mul(self.squares, self._real(state), out=self._real(total))
                continue
            adjoint = torch.mul(self.squares, self._real(state), out=self.squares)
            adjoint = torch.view_as_complex(adjoint.view(-1, 2)) if not self.split.real else adjoint
            adjoint = self._rotated(readout, adjoint, undo=True)
            total.copy_(adjoint) if count == 0 else total.add_(adjoint)
        if not self.split.readouts:
            total.zero_()

    def _rotated(self, readout: _Readout, state: Tensor, undo: bool = False) -> Tensor:
        for group, rotation in enumerate(readout.rotations):
            target = torch.empty_like(state)
            self._matmul(rotation, group, state, target, undo)()
            state = target
        return state

    # Buffers

    def _empty(self, length: int) -> Tensor:
        return torch.empty(length, dtype=self.split.dtype, device=self.split.device)

    def _real(self, tensor: Tensor) -> Tensor:
        """The same numbers, complex ones as (Re, Im) pairs, flat."""
        return tensor.view(-1) if self.split.real else torch.view_as_real(tensor).view(-1)

    @staticmethod
    def _other(pair: list[Tensor], used: Tensor) -> Tensor:
        return pair[1] if used is pair[0] else pair[0]
