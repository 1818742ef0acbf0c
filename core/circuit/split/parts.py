"""The parts of a walk through a split state, each bound to buffers for one size of batch.

`MatrixLayerPart` applies a layer's matrices, `CnotPart` and `GatePart` the single gates between layers. Each carries ψ
on by ``forward``, and by ``backward`` adds the gradients of its own angles and carries λ = ∂L/∂ψ back to where it
began. All views are made when a part is, so that a pass is a bare row of calls to torch.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from core.circuit.gate_by_gate import Layout, angle_gradient, angle_value, apply_gate
from core.circuit.split.memory import Groups, Multiplication, multiplication
from core.circuit.split.schedule import MatrixLayer, Product
from core.config.gates import Gate


class Path(NamedTuple):
    """The buffers that a part reads and writes; one that has k steps has k + 1 of each kind."""

    states: Sequence[Tensor]
    """On the way forward, ψ before the part and after each step."""
    state_after: Tensor
    """On the way back, ψ after the part."""
    adjoints: Sequence[Tensor]
    """On the way back, λ after the part and when each step is undone."""
    undone: Sequence[Tensor]
    """On the way back, ψ likewise where it is computed again; none where ψ has been kept."""


class Part(Protocol):
    """One part of the circuit after its opening."""

    def forward(self, inputs: Tensor, weights: Tensor) -> None:
        """Carry ψ on."""
        ...

    def backward(self, inputs: Tensor, weights: Tensor, grad_inputs: Tensor, grad_weights: Tensor) -> None:
        """Add the gradients of the part's own angles, and carry λ back, with ψ where it has not been kept."""
        ...


Overlap = tuple[Tensor, Tensor, Tensor, Tensor | None, Tensor]
"""Γ_ab = Σ conj(λ_a) ψ_b, summed over everything but one group, as (bra, ket, blocks, summands, total).

bra · ket goes into ``blocks``: Γ itself, or one summand of it for every state of the groups before, which are then
``summands`` (M, states of the groups before, K, K); ``total`` is Γ, (M, K, K).
"""


def overlap(total: Tensor, group: int, groups: Groups, adjoint: Tensor, state: Tensor) -> Overlap:
    """Γ of λ and ψ on one group, into ``total`` (M, K, K)."""
    size, before = groups.sizes[group], groups.before(group)
    if groups.is_last(group):
        shape = (groups.members, -1, size)
        return adjoint.view(shape).mH, state.view(shape), total, None, total
    shape = (groups.members * before, size, -1)
    bra, ket = adjoint.view(shape).conj(), state.view(shape).transpose(1, 2)
    if before == 1:
        return bra, ket, total, None, total
    summands = torch.empty(groups.members, before, size, size, dtype=state.dtype, device=state.device)
    return bra, ket, summands.view(-1, size, size), summands, total


class MatrixLayerPart:
    """A layer: one matrix for each of its groups, one after the other."""

    def __init__(
        self,
        layer: MatrixLayer,
        groups: Groups,
        matrices: Mapping[Product, Tensor],
        overlaps: Mapping[Product, Tensor],
        path: Path,
    ) -> None:
        products = list(layer.products.values())

        def along(buffers: Sequence[Tensor], undo: bool) -> list[Multiplication]:
            return [
                multiplication(matrices[product], product.group, groups, source, target, undo)
                for product, (source, target) in zip(products, pairwise(buffers), strict=bool(buffers))
            ]

        self.layer = layer
        self.matrices = along(path.states, undo=False)
        self.adjoint_matrices = along(path.adjoints, undo=True)
        self.undone_matrices = along(path.undone, undo=True)
        self.overlaps = [
            overlap(overlaps[product], product.group, groups, path.adjoints[0], path.state_after)
            for product in products
        ]

    def forward(self, inputs: Tensor, weights: Tensor) -> None:
        """ψ ← U ψ, group by group."""
        for function, left, right, target in self.matrices:
            function(left, right, out=target)

    def backward(self, inputs: Tensor, weights: Tensor, grad_inputs: Tensor, grad_weights: Tensor) -> None:
        """Γ of every group from λ and ψ after the layer; then λ ← U† λ, and ψ ← U† ψ, group by group."""
        for bra, ket, blocks, summands, total in self.overlaps:
            torch.bmm(bra, ket, out=blocks)
            if summands is not None:
                torch.sum(summands, 1, out=total)
        for function, left, right, target in self.adjoint_matrices:
            function(left, right, out=target)
        for function, left, right, target in self.undone_matrices:
            function(left, right, out=target)


class CnotPart:
    """A CNOT between two groups: amplitudes with control 1 change places, and all are copied on the way."""

    def __init__(self, gate: Gate, layout: Layout, path: Path) -> None:
        def along(buffers: Sequence[Tensor]) -> list[tuple[Tensor, Tensor]]:
            """(source, target) of every copy."""
            if not buffers:
                return []
            before, after = (layout.quarters(state, *gate.wires) for state in buffers)
            return [(before[0], after[0]), (before[1, 1], after[1, 0]), (before[1, 0], after[1, 1])]

        self.gate = gate
        self.copies = along(path.states)
        self.copies_back = along(path.adjoints) + along(path.undone)

    def forward(self, inputs: Tensor, weights: Tensor) -> None:
        """ψ ← CNOT ψ."""
        for source, target in self.copies:
            target.copy_(source)

    def backward(self, inputs: Tensor, weights: Tensor, grad_inputs: Tensor, grad_weights: Tensor) -> None:
        """λ ← CNOT λ, and ψ likewise: the gate is its own inverse."""
        for source, target in self.copies_back:
            target.copy_(source)


class GatePart:
    """Any other gate between groups, or a rotation by an input in mid-circuit."""

    def __init__(self, gate: Gate, layout: Layout, path: Path) -> None:
        self.gate, self.layout, self.path = gate, layout, path

    def forward(self, inputs: Tensor, weights: Tensor) -> None:
        """ψ ← U ψ."""
        before, after = self.path.states
        after.copy_(before)
        apply_gate(self.gate, after, self.layout, self._theta(inputs, weights))

    def backward(self, inputs: Tensor, weights: Tensor, grad_inputs: Tensor, grad_weights: Tensor) -> None:
        """½ Im⟨λ|G|ψ⟩ for the angle, then λ ← U† λ, and ψ ← U† ψ."""
        gate, layout = self.gate, self.layout
        if gate.takes("input") or gate.takes("weight"):
            index, gradient = (
                gate.angles[0].index,
                angle_gradient(gate, self.path.adjoints[0], self.path.state_after, layout),
            )
            if gate.takes("input"):
                grad_inputs[..., index] += gradient
            else:
                grad_weights[:, index] += gradient.sum(1)
        theta = self._theta(inputs, weights)
        for after, before in filter(None, (self.path.adjoints, self.path.undone)):
            before.copy_(after)
            apply_gate(gate, before, layout, theta, inverse=True)

    def _theta(self, inputs: Tensor, weights: Tensor) -> Tensor | None:
        """The angle (M, B) or (M, 1) of a rotation."""
        return angle_value(self.gate.angles[0], inputs, weights) if self.gate.angles else None
