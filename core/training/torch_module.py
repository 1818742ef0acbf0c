"""A head as a module of torch, for training loops of one's own; the laboratory's own loop does without autograd."""

from typing import Any

import torch
from torch import Tensor, nn

from core.config.heads.base import Head
from core.errors import LabError
from core.training.network import Network


class _Logits(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, network: Network, features: Tensor, weights: Tensor) -> Tensor:
        logits, ctx.tape = network.forward(features)
        ctx.network = network
        return logits

    @staticmethod
    def backward(ctx: Any, grad_logits: Tensor) -> tuple[None, None, Tensor]:
        if torch.is_grad_enabled() or ctx.tape is None:
            raise LabError("a head's gradient is taken once: call backward without create_graph or retain_graph")
        tape, ctx.tape = ctx.tape, None
        ctx.network.backward(grad_logits, tape)
        return None, None, ctx.network.flat_grad.clone()  # the next backward writes into the buffer


class TorchHead(nn.Module):
    """Any head of the laboratory: features of a frozen network -> logits, with gradients by hand inside.

    One parameter, ``weights``, holds all weights of all members; ``network.weights`` has views into it by name.
    Features are float32 (batch, n_features), or (members, batch, n_features) for several members; they may not need
    a gradient, for the network they come from is frozen.

    Args:
        config: which head.
        seeds: one member for each; they start as in `core.training.loop.train`.
    """

    def __init__(
        self,
        config: Head,
        n_features: int,
        n_classes: int,
        seeds: tuple[int, ...] = (0,),
        device: torch.device | str = "cpu",
    ) -> None:
        super().__init__()
        self.size = (config, n_features, n_classes, len(seeds))
        self.network = Network(*self.size, device)
        self.network.initialise(seeds)
        self.weights = nn.Parameter(self.network.flat)

    def forward(self, features: Tensor) -> Tensor:
        """Logits (batch, n_classes), or (members, batch, n_classes)."""
        if features.requires_grad:
            raise LabError("features that need a gradient are not possible: detach them, their network is frozen")
        if self.weights.data_ptr() != self.network.flat.data_ptr():
            self._follow_weights()
        if features.dim() == 3:
            return _Logits.apply(self.network, features, self.weights)
        return _Logits.apply(self.network, features.unsqueeze(0), self.weights).squeeze(0)

    def _follow_weights(self) -> None:
        """A network on the parameter as it is now: it was copied, moved to another device, or exchanged."""
        if self.weights.dtype != torch.float32:
            raise LabError(f"dtype = {self.weights.dtype} is not possible: heads compute in float32; use head.float()")
        self.network = Network(*self.size, self.weights.device)
        self.network.attach(self.weights.data)
