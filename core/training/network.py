"""The trained part of a network, for many members at once: dressed quantum circuit and classical rivals alike.

A head maps features (members, batch, n_features) to logits (members, batch, n_classes). Members are independent
networks, computed together.
"""

from collections.abc import Iterator, Sequence
from math import pi
from typing import Any
from zlib import crc32

import numpy as np
import torch
from torch import Tensor

from core.config.heads import layers as described
from core.config.heads.base import Head
from core.training.layers import Layer, computing
from core.training.standardisation import Standardisation

EVALUATED_NUMBERS = {"cpu": 2**20, "cuda": 2**24}
"""Numbers that an evaluation holds at once: more would leave the caches, or a GPU's memory, fewer would cost calls."""


class Network:
    """A head with the weights of its members.

    All weights lie in one flat buffer, one parameter after the other, each as (members, *shape), so that the optimiser
    works on a single tensor; ``weights`` are views into it by name. ``grads`` mirrors it; what is frozen keeps a zero
    gradient. ``standardisation``, where there is one, comes before the first layer.
    """

    def __init__(
        self, head: Head, n_features: int, n_classes: int, members: int, device: torch.device | str = "cpu"
    ) -> None:
        self.members, self.n_features = members, n_features
        self.standardisation: Standardisation | None = None
        self.parameters = head.parameters(n_features, n_classes)
        layers = head.layers(n_features, n_classes)
        self.layers = tuple(computing(layer, device) for layer in layers)
        self._numbers_per_sample = max(map(_numbers_per_sample, layers))
        self.attach(torch.zeros(members * sum(parameter.size for parameter in self.parameters), device=device))

    def attach(self, flat: Tensor) -> None:
        """Work on these weights, laid out like this network's, from now on."""
        self.flat, self.flat_grad = flat, torch.zeros_like(flat)
        self.weights, self.grads = self.views(self.flat), self.views(self.flat_grad)
        self._bound = self._bind()

    def views(self, flat: Tensor) -> dict[str, Tensor]:
        """Name → (members, *shape) view of a buffer that is laid out like this network's."""
        views, start = {}, 0
        for parameter in self.parameters:
            stop = start + self.members * parameter.size
            views[parameter.name] = flat[start:stop].view(self.members, *parameter.shape)
            start = stop
        return views

    def per_member(self, values: Sequence[float]) -> Tensor:
        """One number for each member, repeated over all its weights: a buffer laid out like this network's."""
        column = torch.tensor(values, dtype=self.flat.dtype, device=self.flat.device)
        return torch.cat([column.repeat_interleave(parameter.size) for parameter in self.parameters])

    def initialise(self, seeds: Sequence[int]) -> None:
        """Draw every member's weights from its own seed, whatever the other members are."""
        for parameter in self.parameters:
            target = self.weights[parameter.name]
            for member, seed in enumerate(seeds):
                target[member].copy_(initial_weights(parameter, seed))

    def load(self, weights: dict[str, np.ndarray]) -> None:
        """Take what `trained` gave."""
        for name, target in self.weights.items():
            target.copy_(torch.from_numpy(weights[name]))
        self.standardisation = Standardisation.stored(weights, self.flat.device)

    def trained(self) -> dict[str, np.ndarray]:
        """Weights by name, each (members, *shape), with those of the standardisation if there is one."""
        weights = {name: weight.cpu().numpy().copy() for name, weight in self.weights.items()}
        return weights | (self.standardisation.weights() if self.standardisation else {})

    def forward(self, x: Tensor) -> tuple[Tensor, list[Any]]:
        """Logits (members, batch, classes) of features (members, batch, n_features), and what `backward` needs."""
        if self.standardisation:
            x = self.standardisation(x)
        tape = []
        for layer, weights, _ in self._bound:
            x, saved = layer.forward(x, weights)
            tape.append(saved)
        return x, tape

    def logits(self, features: Tensor) -> Tensor:
        """Logits (members, n, classes) of every member for the same features (n, n_features), any number of them."""
        return torch.cat([self._infer(part) for part in self.parts(features)], 1)

    def parts(self, features: Tensor) -> Iterator[Tensor]:
        """Features (n, n_features) cut into what is evaluated at once, each (members, some, n_features).

        They are standardised, if that is what the network does.
        """
        held = EVALUATED_NUMBERS["cpu" if features.device.type == "cpu" else "cuda"]
        numbers = max(self._numbers_per_sample, self.n_features if self.standardisation else 1)
        for part in features.split(max(1, held // (self.members * numbers))):
            same = part.expand(self.members, -1, -1)
            yield self.standardisation(same) if self.standardisation else same

    def _infer(self, x: Tensor) -> Tensor:
        for layer, weights, _ in self._bound:
            x = layer.infer(x, weights)
        return x

    def backward(self, grad_logits: Tensor, tape: list[Any]) -> None:
        """Fill ``grads`` with the gradient of a loss whose gradient with respect to the logits is given."""
        grad: Tensor | None = grad_logits
        for index in range(len(self._bound) - 1, -1, -1):
            layer, weights, grads = self._bound[index]
            assert grad is not None
            grad = layer.backward(grad, tape[index], weights, grads, index > 0)

    def _bind(self) -> list[tuple[Layer, list[Tensor], list[Tensor]]]:
        weights, grads, start = list(self.weights.values()), list(self.grads.values()), 0
        bound = []
        for layer in self.layers:
            stop = start + layer.n_weights
            bound.append((layer, weights[start:stop], grads[start:stop]))
            start = stop
        return bound


def _numbers_per_sample(layer: described.Layer) -> int:
    """Numbers that one sample of one member occupies on its way: mostly a circuit's amplitudes."""
    amplitudes = 2**layer.head.n_qubits if isinstance(layer, described.Circuit) else 1
    return max(amplitudes, *(parameter.shape[0] for parameter in layer.parameters), 1)


def initial_weights(parameter: described.Parameter, seed: int) -> Tensor:
    """One network's start for one parameter, float32.

    Every parameter has its own stream, so heads that share a layer start it alike: differences between heads of the
    same seed then come from the heads.
    """
    stream = np.random.SeedSequence([seed, crc32(parameter.name.encode())])
    generator = torch.Generator().manual_seed(int(stream.generate_state(1)[0]))
    match parameter.start:
        case described.FullTurn():
            return torch.rand(parameter.shape, generator=generator) * 2 * pi
        case described.Normal(scale):
            return torch.randn(parameter.shape, generator=generator) * scale
        case described.FanIn(n_in):
            return (torch.rand(parameter.shape, generator=generator) * 2 - 1) / n_in**0.5
