"""How a split state lies in memory, and how a matrix acts on one group of it."""

from collections.abc import Callable
from dataclasses import dataclass
from math import prod

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True)
class Numbers:
    """How a state's numbers are stored: real when all its gates are."""

    real: bool
    real_dtype: torch.dtype
    device: torch.device

    @property
    def dtype(self) -> torch.dtype:
        """Of amplitudes."""
        return self.real_dtype if self.real else self.real_dtype.to_complex()

    def constant(self, array: np.ndarray) -> Tensor:
        """Real numbers on the state's device."""
        return torch.tensor(np.ascontiguousarray(array), dtype=self.real_dtype, device=self.device)

    def matrix(self, array: np.ndarray) -> Tensor:
        """A complex matrix in the dtype of amplitudes."""
        return torch.tensor(array.real if self.real else array, dtype=self.dtype, device=self.device)

    def empty(self, length: int) -> Tensor:
        """A buffer of amplitudes, flat."""
        return torch.empty(length, dtype=self.dtype, device=self.device)

    def as_real(self, tensor: Tensor) -> Tensor:
        """The same numbers, complex ones as (Re, Im) pairs, flat."""
        return tensor.view(-1) if self.real else torch.view_as_real(tensor).view(-1)


@dataclass(frozen=True)
class Groups:
    """How a state lies in memory: (members, K_1, …, K_(g−1), batch, K_g)."""

    members: int
    batch: int
    sizes: tuple[int, ...]
    """K of each group."""

    @property
    def n_amplitudes(self) -> int:
        """Of all members and samples together."""
        return self.members * self.batch * prod(self.sizes)

    def before(self, group: int) -> int:
        """Product of K of all groups before one."""
        return prod(self.sizes[:group])

    def is_last(self, group: int) -> bool:
        """Whether a group comes after the batch."""
        return group == len(self.sizes) - 1


Multiplication = tuple[Callable[..., Tensor], Tensor, Tensor, Tensor]
"""target = U source on one group, as (function, left, right, target): torch.bmm or torch.matmul on views."""


def multiplication(
    matrix: Tensor, group: int, groups: Groups, source: Tensor, target: Tensor, undo: bool = False
) -> Multiplication:
    """target = U source on one group, or U† source; U is (M, K, K), or (1, K, K) for all members."""
    size = groups.sizes[group]
    if groups.is_last(group):
        shape: tuple[int, ...] = (groups.members, -1, size)
        matrix = (matrix.conj() if undo else matrix.transpose(1, 2)).expand(groups.members, -1, -1)
        return torch.bmm, source.view(shape), matrix, target.view(shape)
    before = groups.before(group)
    matrix = matrix.mH if undo else matrix
    if groups.members == 1 or before == 1:
        shape = (groups.members * before, size, -1)
        matrix = matrix.expand(groups.members * before, -1, -1)
        return torch.bmm, matrix, source.view(shape), target.view(shape)
    shape = (groups.members, before, size, -1)
    return torch.matmul, matrix[:, None], source.view(shape), target.view(shape)
