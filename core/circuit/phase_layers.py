"""The layers of a phase form: c from moment to moment, and μ back, over buffers for one size of batch.

`PlainLayers` serves any number of members. `FoldedLayers` serves a single member of few qubits with fewer calls. Their
views are made once, so that a layer is one or two calls to torch.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple, Protocol

import torch
from torch import Tensor


class AtMoment(NamedTuple):
    """What is kept of one moment: complex numbers (B, M, S), and the same memory as pairs (Re, Im), (B · M, 2S)."""

    c: Tensor
    c_pairs: Tensor
    mu: Tensor
    mu_pairs: Tensor
    phases: list[Tensor]
    """exp(iφ) by inputs (B, M, S), by weights (M, S), or both; none where c itself is the memory of its phases."""


class Layers(Protocol):
    """A way from the first moment to the last, and back."""

    def forward(self) -> None:
        """From the phases of all moments, c of every moment."""
        ...

    def backward(self) -> None:
        """From μ of the last moment, μ of every moment."""
        ...


class PlainLayers:
    """One product with the constant K and one with the phases for each layer.

    blocks, blocks_back: K and conj(K)ᵀ of each layer, as they act on rows of pairs, (2S, 2S).
    """

    def __init__(self, moments: Sequence[AtMoment], blocks: Sequence[Tensor], blocks_back: Sequence[Tensor]) -> None:
        self.first = FirstMoment(moments[0])
        self.layers = [
            (before.c_pairs, block, after.phases, after.c)
            for (before, after), block in zip(pairwise(moments), blocks, strict=True)
        ]
        self.layers_back = [
            (after.mu, after.phases, block, before.mu_pairs)
            for (before, after), block in zip(pairwise(moments), blocks_back, strict=True)
        ][::-1]
        self.moved = torch.empty_like(moments[0].c)
        self.moved_pairs = torch.view_as_real(self.moved).view(moments[0].c_pairs.shape)

    def forward(self) -> None:
        """c ← exp(iφ) · K c from moment to moment."""
        self.first.forward()
        for before, block, phases, after in self.layers:
            torch.mm(before, block, out=self.moved_pairs)
            rotate(self.moved, phases, after)

    def backward(self) -> None:
        """μ ← conj(K)ᵀ exp(iφ) · μ from the last moment to the first."""
        for after, phases, block, before in self.layers_back:
            rotate(after, phases, self.moved)
            torch.mm(self.moved_pairs, block, out=before)


class FoldedLayers:
    """The phases of the only member are multiplied into K for all layers at once, A = diag(exp(iφ)) K.

    blocks: K of each layer as complex columns of rows of pairs, (1 or layers, 2S, S); phases: of all moments but the
    first, (layers, 1, S); conjugation: the signs (2S, 2S) that turn a matrix on pairs into its complex conjugate.
    """

    def __init__(self, moments: Sequence[AtMoment], blocks: Tensor, phases: Tensor, conjugation: Tensor) -> None:
        self.first = FirstMoment(moments[0])
        self.blocks, self.phases, self.conjugation = blocks, phases, conjugation
        self.folded = blocks.new_empty(len(phases), *blocks.shape[1:])
        self.matrices = torch.view_as_real(self.folded).view(-1, *conjugation.shape)
        self.matrices_back = torch.empty_like(self.matrices)
        self.layers = [
            (before.c_pairs, matrix, after.c_pairs)
            for (before, after), matrix in zip(pairwise(moments), self.matrices, strict=True)
        ]
        self.layers_back = [
            (after.mu_pairs, matrix, before.mu_pairs)
            for (before, after), matrix in zip(pairwise(moments), self.matrices_back.mT, strict=True)
        ][::-1]

    def forward(self) -> None:
        """All A, then c ← A c from moment to moment."""
        self.first.forward()
        torch.mul(self.blocks, self.phases, out=self.folded)
        for before, matrix, after in self.layers:
            torch.mm(before, matrix, out=after)

    def backward(self) -> None:
        """μ ← conj(A)ᵀ μ, the conjugate as it acts on pairs: a change of signs."""
        torch.mul(self.matrices, self.conjugation, out=self.matrices_back)
        for after, matrix, before in self.layers_back:
            torch.mm(after, matrix, out=before)


class FirstMoment:
    """c of the first moment is its phases; their magnitude holds what the constant start of the circuit is."""

    def __init__(self, moment: AtMoment) -> None:
        self.moment, self.ones = moment, torch.ones_like(moment.c)

    def forward(self) -> None:
        """c ← exp(iφ), unless the phases were made there."""
        if self.moment.phases:
            rotate(self.ones, self.moment.phases, self.moment.c)


def rotate(values: Tensor, phases: list[Tensor], target: Tensor) -> None:
    """target ← exp(iφ) · values, for one or two factors exp(iφ)."""
    for factor in phases:
        torch.mul(values, factor, out=target)
        values = target
