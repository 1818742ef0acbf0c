"""Expectation values of a split state, and λ = ∂L/∂ψ from their gradient."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from core.circuit.description import Circuit
from core.circuit.moments import bit, to_basis
from core.circuit.split.memory import Groups, Numbers, multiplication


class Readout:
    """Observables of one Pauli matrix P: basis change V on all groups, then ⟨P_q⟩ = Σ_b ±|(Vψ)_b|².

    The sum goes first over the last group, with its signs beside a column of ones, then over all others: that leaves a
    table of (1 + n − last) × (1 + last) numbers, in which ⟨P_q⟩ is one cell.
    """

    def __init__(self, circuit: Circuit, groups: Sequence[range], numbers: Numbers, pauli: str) -> None:
        n, last = circuit.n_qubits, len(groups[-1])
        self.rotations = [numbers.matrix(to_basis(pauli * len(g)))[None] for g in groups] if pauli != "Z" else []
        after = np.stack([np.ones(1 << last)] + [1.0 - 2 * bit(w, last) for w in range(last)], 1)
        before = np.stack([np.ones(1 << (n - last))] + [1.0 - 2 * bit(w, n - last) for w in range(n - last)])
        cells = np.zeros((1 + n - last, 1 + last, len(circuit.observables)))
        for column, (own, wire) in enumerate(circuit.observables):
            if own == pauli:
                row = 1 + wire if wire < n - last else 0
                cells[row, 0 if row else 1 + wire - (n - last), column] = 1
        self.before = numbers.constant(before)  # (1 + n − last, 2^(n−last))
        self.after = numbers.constant(after if numbers.real else after.repeat(2, 0))  # (K_g, 1 + last), on squares
        self.before_back, self.after_back = self.before.t().contiguous(), self.after.t().contiguous()
        self.cells = numbers.constant(cells.reshape(-1, cells.shape[-1]))  # (cells, observables)
        self.cells_back = 2 * self.cells.t().contiguous()


class Measurement:
    """All readouts of one circuit on M × B rows, from the buffer of the final state into that of its λ."""

    def __init__(
        self,
        readouts: Sequence[Readout],
        n_observables: int,
        groups: Groups,
        numbers: Numbers,
        final: Tensor,
        adjoint: Tensor,
    ) -> None:
        self.readouts, self.n_observables, self.groups, self.numbers = readouts, n_observables, groups, numbers
        self.final, self.adjoint = final, adjoint
        self.final_numbers, self.adjoint_numbers = numbers.as_real(final), numbers.as_real(adjoint)
        self.squares = torch.empty_like(self.final_numbers)
        self.square_rows = self.squares.view(-1, groups.sizes[-1] * (1 if numbers.real else 2))

    def values(self) -> Tensor:
        """Expectation values (M, B, observables) of the final state."""
        members, batch = self.groups.members, self.groups.batch
        values = self.squares.new_zeros(members * batch, self.n_observables)
        for readout in self.readouts:
            state = self._rotated_final(readout)
            torch.mul(state, state, out=self.squares)
            inner = torch.mm(self.square_rows, readout.after)
            table = torch.matmul(readout.before, inner.view(members, -1, batch * inner.shape[1]))
            table = table.view(members, -1, batch, inner.shape[1]).transpose(1, 2).reshape(members * batch, -1)
            values = torch.addmm(values, table, readout.cells)
        return values.view(members, batch, self.n_observables)

    def backward(self, grad_expvals: Tensor) -> None:
        """Fill λ = 2 Σ g P ψ of the final state; grad_expvals is (M, B, observables)."""
        members, batch = self.groups.members, self.groups.batch
        rows = grad_expvals.reshape(members * batch, -1)
        for count, readout in enumerate(self.readouts):
            state = self._rotated_final(readout)
            height, width = len(readout.before), readout.after.shape[1]
            table = torch.mm(rows, readout.cells_back).view(members, batch, height, width).transpose(1, 2)
            inner = torch.matmul(readout.before_back, table.reshape(members, height, -1))
            torch.mm(inner.view(-1, width), readout.after_back, out=self.square_rows)
            if count == 0 and not readout.rotations:
                torch.mul(self.squares, state, out=self.adjoint_numbers)
                continue
            own = torch.mul(self.squares, state, out=self.squares)
            own = own if self.numbers.real else torch.view_as_complex(own.view(-1, 2))
            own = self._rotated(readout, own, undo=True)
            self.adjoint.copy_(own) if count == 0 else self.adjoint.add_(own)
        if not self.readouts:
            self.adjoint.zero_()

    def _rotated_final(self, readout: Readout) -> Tensor:
        """V ψ of the final state, as real numbers, flat."""
        if not readout.rotations:
            return self.final_numbers
        return self.numbers.as_real(self._rotated(readout, self.final))

    def _rotated(self, readout: Readout, state: Tensor, undo: bool = False) -> Tensor:
        """V ψ with the basis change V of a readout, or V† ψ."""
        for group, rotation in enumerate(readout.rotations):
            rotated = torch.empty_like(state)
            function, left, right, target = multiplication(rotation, group, self.groups, state, rotated, undo)
            function(left, right, out=target)
            state = rotated
        return state
