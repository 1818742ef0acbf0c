"""The split state: qubits in groups of up to four, one matrix product for each group and layer. For many qubits.

A state is one tensor (members, K_1, …, K_(g−1), batch, K_g) with K_j = 2^(qubits in group j). Gates between groups act
on slices of it (`core.gate_by_gate`), and so do rotations by inputs in mid-circuit. Everything else is collected: all
gates inside group j between two such gates make one K_j × K_j matrix

    U = E V† diag(exp(iφ)) V O = Σ_s exp(iφ_s) A_s,   φ_s = −½ Σ_j s_j θ_j

(`core.moments`) for each member. It is linear in the phases, so one product with a constant makes the matrices of all
layers. U acts on all samples in one product: 2 K_j operations for each amplitude, where the matrix of the whole circuit
would take 2^(n+1). Products of different groups commute; they make a layer.

Gradients: with λ = ∂L/∂ψ and ψ after a layer, and Γ_ab = Σ conj(λ_a) ψ_b summed over everything but group j,

    ∂L/∂θ = Re Σ_ab Γ_ab g_ab,   g = −½ i E V† diag(s) V E†  (constant)

The state after each layer is kept; when that would need too much memory, none is, and ψ is walked back with λ.

All gates in a group before the first that is not collected make its opening state: a small circuit in phase form
(`core.phase_form`), where samples differ by their inputs.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from math import prod

import numpy as np
import torch
from torch import Tensor

from core.circuits import Circuit, Gate, primitive_gates
from core.gate_by_gate import Layout, angle_gradient, angle_value, apply_gate
from core.moments import REAL_GATES, Moment, bit, kept_strings, moments, phase_table, to_basis
from core.phase_form import PhaseForm
from core.workspaces import Workspaces

GROUP_QUBITS = 4
KEPT_BYTES = 1 << 29
"""Most memory for the states of all layers; beyond it they are computed again on the way back."""


@dataclass(eq=False)
class Product:
    """Collected gates of one group that hold one moment of rotations."""

    group: int
    moment: Moment
    matrices: np.ndarray
    """A_s for the kept phases s, (S, K, K)."""
    generators: np.ndarray
    """g for each angle of the moment, (angles, K, K)."""


@dataclass
class Layer:
    """Products of different groups, one after the other in any order."""

    products: dict[int, Product] = field(default_factory=dict)


class SplitState:
    """One circuit as layers of products; constants only, the buffers are in `_Workspace`."""

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
        self.real = all(gate.name in REAL_GATES for gate in gates)
        self.real_dtype, self.dtype = dtype, dtype if self.real else dtype.to_complex()
        self.groups = split_wires(circuit.n_qubits, group_qubits)
        self.sizes = [1 << len(group) for group in self.groups]
        opening_gates, self.program = self._schedule(gates)
        self.openings = [
            PhaseForm(Circuit(len(group), tuple(gates), circuit.n_inputs, circuit.n_weights, ()), dtype, device)
            for group, gates in zip(self.groups, opening_gates, strict=True)
        ]
        layers = [op for op in self.program if isinstance(op, Layer)]
        self.families = _families([product for layer in layers for product in layer.products.values()], self)
        ordered = [product.moment for family in self.families for product in family.products]
        table, bias = phase_table(ordered, self.real, "weight", circuit.n_weights)
        self.table, self.bias = self.constant(table), self.constant(bias)
        self.magnitude = torch.ones_like(self.bias)
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
        grads = work.back(grad_expvals, need_inputs, need_weights)
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

    def _schedule(self, gates: tuple[Gate, ...]) -> tuple[list[list[Gate]], list[Layer | Gate]]:
        """Opening gates of each group, on wires counted within it, then layers and single gates in their order.

        A gate of another kind lets collected gates on other wires wait: they commute with it.
        """
        group_of = {wire: j for j, group in enumerate(self.groups) for wire in group}
        openings: list[list[Gate] | None] = [None] * len(self.groups)
        collected: list[list[Gate]] = [[] for _ in self.groups]
        program: list[Layer | Gate] = []
        last_use = [-1] * len(self.groups)

        def close(j: int) -> None:
            first = self.groups[j][0]
            local = [Gate(gate.name, tuple(w - first for w in gate.wires), gate.angles) for gate in collected[j]]
            collected[j] = []
            if openings[j] is None:
                openings[j] = local
                return
            for product in _products(local, j, len(self.groups[j]), self.real) if local else []:
                place = last_use[j] + 1
                while place < len(program) and not isinstance(program[place], Layer):
                    place += 1
                if place == len(program):
                    program.append(Layer())
                layer = program[place]
                assert isinstance(layer, Layer)
                layer.products[j] = product
                last_use[j] = place

        for gate in gates:
            touched = {group_of[wire] for wire in gate.wires}
            by_input = any(angle.source == "input" for angle in gate.angles)
            if len(touched) == 1 and not (by_input and openings[min(touched)] is not None):
                collected[min(touched)].append(gate)
                continue
            for j in touched:
                waiting = {wire for other in collected[j] for wire in other.wires}
                if openings[j] is None or not waiting.isdisjoint(gate.wires):
                    close(j)
            for j in touched:
                last_use[j] = len(program)
            program.append(gate)
        for j in range(len(self.groups)):
            close(j)
        return [opening or [] for opening in openings], program

    def _readouts(self) -> list["_Readout"]:
        """What is measured, by Pauli matrix; ⟨Y⟩ of a real state is zero and is left out."""
        paulis = sorted({pauli for pauli, _ in self.circuit.observables if not (self.real and pauli == "Y")})
        return [_Readout(self, pauli) for pauli in paulis]


def split_wires(n_qubits: int, group_qubits: int) -> list[range]:
    """Neighbouring wires in groups: the last as large as may be, the others about equal.

    The last group's product has the state's rows on its left, which is slow for matrices smaller than 16 × 16.
    """
    last = min(group_qubits, n_qubits)
    others = -(-(n_qubits - last) // group_qubits)
    cuts = [round(i * (n_qubits - last) / max(others, 1)) for i in range(others + 1)] + [n_qubits]
    return [range(*cut) for cut in pairwise(cuts)]


def _steps(op: Layer | Gate) -> list[Product | Gate]:
    return list(op.products.values()) if isinstance(op, Layer) else [op]


def _products(gates: list[Gate], group: int, n_qubits: int, real: bool) -> list[Product]:
    """Gates inside a group, on its own wires, as products with one moment each."""
    before, found = moments(gates, n_qubits)
    products = []
    for moment in found:
        to = to_basis(moment.axes)
        out = moment.then @ to.conj().T  # E V†
        into = to @ before  # V O
        before = np.eye(1 << n_qubits)
        matrices = out.T[:, :, None] * into[:, None, :]  # A_s = column s of E V† times row s of V O
        generators = [-0.5j * (out * signs) @ out.conj().T for _, signs in moment.angles]
        kept = kept_strings(moment, real)
        products.append(Product(group, moment, matrices[kept], np.array(generators).reshape(-1, *to.shape)))
    return products


class _Family:
    """Products that differ in the weights they use and in nothing else; all their matrices are made together."""

    def __init__(self, products: list[Product], first_column: int, state: SplitState) -> None:
        self.products = products
        self.size = products[0].matrices.shape[1]  # K
        n_phases = len(products[0].matrices)
        self.columns = slice(first_column, first_column + len(products) * n_phases)
        a, g = products[0].matrices, products[0].generators
        if state.real:  # phases and matrices come in conjugate pairs: 2 Re Σ exp(iφ_s) A_s
            pairs, generators = np.stack([2 * a.real, -2 * a.imag], 1), g.real
        else:  # (Re, Im) of the phase -> (Re, Im) of the entries
            pairs = np.stack([a, 1j * a], 1)
            pairs = np.stack([pairs.real, pairs.imag], -1)
            generators = np.stack([g.real, -g.imag], -1)
        self.from_phases = state.constant(pairs.reshape(2 * n_phases, -1))
        self.to_angles = state.constant(generators.reshape(len(g), np.prod(generators.shape[1:], dtype=int)).T)
        indices = [angle.index for product in products for angle, _ in product.moment.angles]
        self.weights = torch.tensor(indices, dtype=torch.int64, device=state.device)


def _families(products: list[Product], state: SplitState) -> list[_Family]:
    alike: dict[bytes, list[Product]] = {}
    for product in products:
        key = (product.matrices + 0.0).round(9).tobytes() + (product.generators + 0.0).round(9).tobytes()
        alike.setdefault(key, []).append(product)
    families, column = [], 0
    for members in alike.values():
        families.append(_Family(members, column, state))
        column = families[-1].columns.stop
    return families


class _Readout:
    """Observables of one Pauli matrix P: basis change V on all groups, then ⟨P_q⟩ = Σ_b ±|(Vψ)_b|².

    The sum goes first over the last group, with its signs beside a column of ones, then over all others.
    """

    def __init__(self, state: SplitState, pauli: str) -> None:
        n, last = state.circuit.n_qubits, len(state.groups[-1])
        wires = [(i, w) for i, (p, w) in enumerate(state.circuit.observables) if p == pauli]
        self.rotations = [state.matrix(to_basis(pauli * len(g)))[None] for g in state.groups] if pauli != "Z" else []
        after = np.stack([np.ones(1 << last)] + [1.0 - 2 * bit(w, last) for w in range(last)], 1)
        before = np.stack([np.ones(1 << (n - last))] + [1.0 - 2 * bit(w, n - last) for w in range(n - last)])
        self.after = state.constant(after if state.real else after.repeat(2, 0))  # (K_g, 1 + last) on squares
        self.before = state.constant(before)  # (1 + n − last, 2^(n−last))
        self.columns = torch.tensor([i for i, _ in wires], device=state.device)
        cells = [(1 + w) * (1 + last) if w < n - last else 1 + w - (n - last) for _, w in wires]
        self.cells = torch.tensor(cells, device=state.device)
        """Where ⟨P_w⟩ of each observable stands in the table (1 + n − last, 1 + last)."""


class _Workspace:
    """Buffers for one size of batch and the calls of a pass over them, bound once so that a pass is a bare loop."""

    def __init__(self, split: SplitState, members: int, batch: int) -> None:
        self.split, self.members, self.batch = split, members, batch
        self.layout = Layout(members, batch, split.circuit.n_qubits, split.circuit.n_qubits - len(split.groups[-1]))
        self.n_amplitudes = members * batch << split.circuit.n_qubits
        self.angles = torch.empty(members, len(split.bias), dtype=split.real_dtype, device=split.device)
        self.phases = torch.empty(members, len(split.bias), dtype=split.real_dtype.to_complex(), device=split.device)
        self.matrices = [self._family_buffer(family) for family in split.families]
        self.grams = [torch.empty_like(buffer) for buffer in self.matrices]
        self.place = {
            id(product): (f, slot)
            for f, family in enumerate(split.families)
            for slot, product in enumerate(family.products)
        }

        n_kept = sum(self._is_kept(op) for op in split.program)
        self.keeps = n_kept * self.n_amplitudes * self._empty(0).element_size() <= split.kept_bytes
        self.spare = [self._empty(self.n_amplitudes) for _ in range(2)]
        self.spare_adjoint = [self._empty(self.n_amplitudes) for _ in range(2)]
        self.squares = torch.empty_like(self._real(self.spare[0]))
        self._prepare_opening()
        self._prepare_program()

    # Opening: ψ = ⊗_j v_j

    def _prepare_opening(self) -> None:
        """Buffers of v_j ⊗ … ⊗ v_g for every j; the whole product goes to a spare buffer."""
        sizes = self.split.sizes
        last = self.members * self.batch * sizes[-1]
        lengths = [last * prod(sizes[j:-1]) for j in range(len(sizes))]
        self.tails = [self.spare[0]] + [self._empty(length) for length in lengths[1:]]

    def _open(self) -> None:
        split, members, batch = self.split, self.members, self.batch
        self.opened, self.vectors = [], []
        for opening, size in zip(split.openings, split.sizes, strict=True):
            work = opening.amplitudes(self.inputs, self.weights)
            amplitudes = work.amplitudes
            if not opening.real:
                amplitudes = torch.view_as_complex(amplitudes.view(-1, size, 2))
            vector = amplitudes.view(batch, members, size).to(split.dtype)
            self.opened.append(work)
            self.vectors.append(vector.permute(1, 2, 0)[:, :, None, :, None])  # (M, K, 1, B, 1)
        tail = self.vectors[-1][:, :, 0, :, 0].transpose(1, 2)  # (M, B, K_g)
        self.tails[-1].view(tail.shape).copy_(tail)
        for j in range(len(split.sizes) - 2, -1, -1):
            tail = self.tails[j + 1].view(members, 1, -1, batch, split.sizes[-1])
            torch.mul(
                self.vectors[j], tail, out=self.tails[j].view(members, split.sizes[j], -1, batch, split.sizes[-1])
            )

    def _open_back(self, adjoint: Tensor, need_inputs: bool, need_weights: bool) -> None:
        """λ of the product state -> λ of each v_j -> gradients of the small circuits."""
        split, members, batch, last = self.split, self.members, self.batch, self.split.sizes[-1]
        for j, (opening, work, size) in enumerate(zip(split.openings, self.opened, split.sizes, strict=True)):
            if j < len(split.sizes) - 1:
                adjoint = adjoint.view(members, size, -1, batch, last)
                tail = self.tails[j + 1].view(members, 1, -1, batch, last)
                grad = (adjoint * tail.conj()).sum((2, 4)).transpose(1, 2)  # (M, B, K)
                adjoint = (adjoint * self.vectors[j].conj()).sum(1)
            else:
                grad = adjoint.view(members, batch, size)
            grad = grad.real if opening.real else torch.view_as_real(grad).flatten(2)
            work.grad_amplitudes.view(batch, members, -1).copy_(grad.transpose(0, 1))
            grad_inputs, grad_weights = opening.amplitudes_backward(work, need_inputs, need_weights)
            if grad_inputs is not None:
                self.grad_inputs += grad_inputs
            if grad_weights is not None:
                self.grad_weights += grad_weights

    # Program: layers and single gates

    def _prepare_program(self) -> None:
        """Bind all calls to their buffers. Each reads one buffer and writes another, and a kept state stays."""
        self.forward_calls: list[Callable[[], object]] = []
        self.backward_calls: list[Callable[[], object]] = []
        state, after = self.spare[0], []
        for op in self.split.program:
            steps = _steps(op)
            for count, step in enumerate(steps, 1):
                keep = self.keeps and count == len(steps) and self._is_kept(op)
                target = self._empty(self.n_amplitudes) if keep else self._other(self.spare, state)
                self.forward_calls += self._calls(step, state, target)
                state = target
            after.append(state)
        self.final = state

        adjoint = self.spare_adjoint[0]
        for op, kept_state in zip(reversed(self.split.program), reversed(after), strict=True):
            state = kept_state if self.keeps else state
            steps = _steps(op)
            if self._is_kept(op):
                self.backward_calls += [self._gradient(step, adjoint, state) for step in steps]
            for step in steps:
                target = self._other(self.spare_adjoint, adjoint)
                self.backward_calls += self._calls(step, adjoint, target, undo=True)
                adjoint = target
                if not self.keeps:
                    target = self._other(self.spare, state)
                    self.backward_calls += self._calls(step, state, target, undo=True)
                    state = target
        self.opening_adjoint = adjoint

    def run(self, inputs: Tensor, weights: Tensor) -> None:
        """Leave the final state in ``final``."""
        self.inputs, self.weights = inputs, weights
        torch.addmm(self.split.bias, weights, self.split.table, out=self.angles)
        torch.polar(self.split.magnitude, self.angles, out=self.phases)
        for family, matrices in zip(self.split.families, self.matrices, strict=True):
            phases = self.phases[:, family.columns].view(self.members, len(family.products), -1).transpose(0, 1)
            rows = torch.view_as_real(phases).reshape(len(family.products) * self.members, -1)
            torch.mm(rows, family.from_phases, out=self._real(matrices).view(len(rows), -1))
        self._open()
        for call in self.forward_calls:
            call()

    def back(self, grad_expvals: Tensor, need_inputs: bool, need_weights: bool) -> tuple[Tensor | None, Tensor | None]:
        self.grad_inputs, self.grad_weights = torch.zeros_like(self.inputs), torch.zeros_like(self.weights)
        self._measure_back(grad_expvals)
        for call in self.backward_calls:
            call()
        for family, grams in zip(self.split.families, self.grams, strict=True):
            rows = self._real(grams).view(len(family.products) * self.members, -1)
            angles = torch.mm(rows, family.to_angles).view(len(family.products), self.members, -1)
            self.grad_weights.index_add_(1, family.weights, angles.transpose(0, 1).reshape(self.members, -1))
        self._open_back(self.opening_adjoint, need_inputs, need_weights)
        return self.grad_inputs if need_inputs else None, self.grad_weights if need_weights else None

    def _is_kept(self, op: Layer | Gate) -> bool:
        """Whether the gradient needs the state after this operation."""
        return isinstance(op, Layer) or (bool(op.angles) and op.angles[0].source != "constant")

    def _calls(
        self, step: Product | Gate, source: Tensor, target: Tensor, undo: bool = False
    ) -> list[Callable[[], object]]:
        """target = U source, or U† source."""
        if isinstance(step, Product):
            family, slot = self.place[id(step)]
            return [self._matmul(self.matrices[family][slot], step.group, source, target, undo)]
        if step.name == "CNOT":
            before, after = (self.layout.quarters(state, *step.wires) for state in (source, target))
            pairs = (after[0], before[0]), (after[1, 0], before[1, 1]), (after[1, 1], before[1, 0])
            return [partial(a.copy_, b) for a, b in pairs]
        return [partial(target.copy_, source), partial(self._gate, step, target, undo)]

    def _gradient(self, step: Product | Gate, adjoint: Tensor, state: Tensor) -> Callable[[], object]:
        if isinstance(step, Product):
            return self._gram(step, adjoint, state)
        return partial(self._gate_gradient, step, adjoint, state)

    def _matmul(
        self, matrix: Tensor, group: int, source: Tensor, target: Tensor, undo: bool = False
    ) -> Callable[[], object]:
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

    def _gram(self, product: Product, adjoint: Tensor, state: Tensor) -> Callable[[], object]:
        """Γ of a product: Σ conj(λ_a) ψ_b over everything but its group."""
        family, slot = self.place[id(product)]
        gram, size, group = self.grams[family][slot], self.split.sizes[product.group], product.group
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
        n_observables = len(self.split.circuit.observables)
        values = torch.zeros(
            self.members, self.batch, n_observables, dtype=self.split.real_dtype, device=self.split.device
        )
        for readout in self.split.readouts:
            state = self._real(self._rotated(readout, self.final))
            torch.mul(state, state, out=self.squares)
            width = readout.after.shape[1]
            inner = torch.mm(self.squares.view(-1, len(readout.after)), readout.after)
            table = torch.matmul(readout.before, inner.view(self.members, -1, self.batch * width))
            table = table.view(self.members, -1, self.batch, width).transpose(1, 2).flatten(2)  # (M, B, cells)
            values[..., readout.columns] = table[..., readout.cells]
        return values

    def _measure_back(self, grad_expvals: Tensor) -> None:
        """λ of the final state: 2 Σ g P ψ, into the first spare buffer of λ."""
        total = self.spare_adjoint[0]
        for count, readout in enumerate(self.split.readouts):
            state = self._rotated(readout, self.final)
            height, width = len(readout.before), readout.after.shape[1]
            table = grad_expvals.new_zeros(self.members, self.batch, height * width)
            table.index_add_(2, readout.cells, 2 * grad_expvals[..., readout.columns])
            table = table.view(self.members, self.batch, height, width).transpose(1, 2)
            inner = torch.matmul(readout.before.t(), table.reshape(self.members, height, -1))
            torch.mm(inner.view(-1, width), readout.after.t(), out=self.squares.view(-1, len(readout.after)))
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

    def _family_buffer(self, family: _Family) -> Tensor:
        shape = len(family.products), self.members, family.size, family.size
        return self._empty(prod(shape)).view(shape)

    def _real(self, tensor: Tensor) -> Tensor:
        """The same numbers, complex ones as (Re, Im) pairs, flat."""
        return tensor.view(-1) if self.split.real else torch.view_as_real(tensor).view(-1)

    @staticmethod
    def _other(pair: list[Tensor], used: Tensor) -> Tensor:
        return pair[1] if used is pair[0] else pair[0]
