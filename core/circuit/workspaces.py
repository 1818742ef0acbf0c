"""Buffers that a computation writes into again and again, one set for each size of batch."""

from collections.abc import Callable
from typing import Generic, TypeVar

import torch

KEPT_SIZES = 4
"""Sizes of batch whose buffers are kept: whole and last batches of training, and of evaluation."""

W = TypeVar("W")


class Workspaces(Generic[W]):
    """Hands out workspaces that nobody else is using; safe for several threads, and for forward passes that overlap."""

    def __init__(self, make: Callable[[int, int], W]) -> None:
        self._make = make
        self._free: dict[tuple[int, int], list[W]] = {}

    def take(self, members: int, batch: int) -> W:
        """A workspace for members × batch rows; one that is never given back is garbage as any other object."""
        try:
            return self._free[members, batch].pop()
        except (KeyError, IndexError):
            with torch.inference_mode(False):  # such tensors can be used in either mode
                return self._make(members, batch)

    def give(self, members: int, batch: int, work: W) -> None:
        """Put a workspace back; what is in it may be overwritten from now on."""
        if (members, batch) not in self._free and len(self._free) >= KEPT_SIZES:
            self._free.pop(next(iter(self._free)), None)
        self._free.setdefault((members, batch), []).append(work)
