"""The opening state ψ = v_1 ⊗ … ⊗ v_g: one small circuit for each group, in phase form, and their outer product."""

from collections.abc import Sequence
from math import prod

import torch
from torch import Tensor

from core.circuit.description import Circuit
from core.circuit.phase_form import PhaseForm
from core.circuit.split.memory import Groups, Numbers
from core.config.gates import Gate


class Opening:
    """The small circuit of one group; constants."""

    def __init__(self, circuit: Circuit, n_qubits: int, gates: tuple[Gate, ...], numbers: Numbers) -> None:
        """gates of ``circuit`` that come before all others in the group, on its own n_qubits wires."""
        small = Circuit(n_qubits, gates, circuit.n_inputs, circuit.n_weights, ())
        self.form = PhaseForm(small, numbers.real_dtype, numbers.device)
        self.takes_inputs = any(gate.takes("input") for gate in gates)
        self.takes_weights = any(gate.takes("weight") for gate in gates)


class OpeningBuffers:
    """The opening states of M × B rows, and of λ back to the small circuits."""

    def __init__(self, openings: Sequence[Opening], groups: Groups, numbers: Numbers, whole: Tensor) -> None:
        """whole: buffer for ψ."""
        self.openings, self.groups, self.numbers = openings, groups, numbers
        members, batch, sizes, last = groups.members, groups.batch, groups.sizes, groups.sizes[-1]
        self.work = [opening.form.workspace(members, batch) for opening in openings]
        self.widened: list[tuple[Tensor, Tensor]] = []
        """(real amplitudes of a small circuit, the same as complex numbers) where others are complex."""
        vectors: list[Tensor] = []  # v_j, (M, B, K)
        for opening, work, size in zip(openings, self.work, sizes, strict=True):
            vector = work.amplitudes
            if not opening.form.real:
                vector = torch.view_as_complex(vector.view(-1, size, 2))
            elif not numbers.real:
                vector = numbers.empty(len(vector) * size).view(-1, size)
                self.widened.append((work.amplitudes, vector))
            vectors.append(vector.view(batch, members, size).transpose(0, 1))
        lengths = [members * batch * last * prod(sizes[j:-1]) for j in range(len(sizes))]
        buffers = [whole] + [numbers.empty(length) for length in lengths[1:]]
        self.last_vector, self.last_tail = vectors[-1], buffers[-1].view(members, batch, last)
        self.outer_products: list[tuple[Tensor, Tensor, Tensor]] = []
        """(v_j, v_(j+1) ⊗ … ⊗ v_g, v_j ⊗ … ⊗ v_g) from the last j to the first, with dimensions (M, K_j, other groups
        before the batch, B, K_g)."""
        for j in range(len(sizes) - 2, -1, -1):
            vector = vectors[j].transpose(1, 2)[:, :, None, :, None]
            tail = buffers[j + 1].view(members, 1, -1, batch, last)
            self.outer_products.append((vector, tail, buffers[j].view(members, sizes[j], -1, batch, last)))

    def forward(self, inputs: Tensor, weights: Tensor) -> None:
        """inputs (M, B, n_inputs), weights (M, n_weights) -> ψ in the buffer for it."""
        for opening, work in zip(self.openings, self.work, strict=True):
            opening.form.run(work, inputs, weights)
        for amplitudes, in_complex in self.widened:
            in_complex.copy_(amplitudes)
        self.last_tail.copy_(self.last_vector)
        for vector, tail, product in self.outer_products:
            torch.mul(vector, tail, out=product)

    def backward(self, adjoint: Tensor, grad_inputs: Tensor | None, grad_weights: Tensor | None) -> None:
        """λ of ψ -> λ of each v_j -> gradients of the small circuits, added to those that are given."""
        members, batch, sizes, last = self.groups.members, self.groups.batch, self.groups.sizes, self.groups.sizes[-1]
        for j, (opening, work, size) in enumerate(zip(self.openings, self.work, sizes, strict=True)):
            if j < len(sizes) - 1:
                vector, tail, _ = self.outer_products[-1 - j]
                adjoint = adjoint.view(members, size, -1, batch, last)
                grad = (adjoint * tail.conj()).sum((2, 4)).permute(2, 0, 1)
                adjoint = (adjoint * vector.conj()).sum(1)
            else:
                grad = adjoint.view(members, batch, size).transpose(0, 1)
            by_inputs = grad_inputs is not None and opening.takes_inputs
            by_weights = grad_weights is not None and opening.takes_weights
            if by_inputs or by_weights:  # grad is (B, M, K)
                target = work.grad_amplitudes.view(batch, members, -1)
                if self.numbers.real or not opening.form.real:
                    target.copy_(grad if self.numbers.real else torch.view_as_real(grad).flatten(2))
                else:
                    target.copy_(grad.real)
                own_inputs, own_weights = opening.form.run_back(work, by_inputs, by_weights)
                if grad_inputs is not None and own_inputs is not None:
                    grad_inputs += own_inputs
                if grad_weights is not None and own_weights is not None:
                    grad_weights += own_weights
