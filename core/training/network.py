"""The trained part of a network: dressed quantum circuit and its classical rivals, one contract.

A head maps features (members, batch, n_features) to logits (members, batch, n_classes). Members are independent
networks, computed together. Every layer has its gradient written by hand, which saves automatic differentiation's
bookkeeping: at the paper's size that is most of a training step.
"""

from collections.abc import Iterator, Sequence
from math import pi
from typing import Any, Protocol
from zlib import crc32

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from core.circuit.closed_form import closed_form_subsets
from core.circuit.dressed import dressed_circuit
from core.circuit.simulator import Simulator, simulator
from core.config.heads.bottleneck import Bottleneck
from core.config.heads.closed_form import ClosedForm
from core.config.heads.dressed_quantum import DressedQuantum
from core.config.heads.linear import Linear
from core.config.heads.mlp import MLP
from core.config.heads.registry import HeadConfig
from core.training.shapes import Parameter, dense_widths, head_parameters

EVALUATED_NUMBERS = {"cpu": 2**20, "cuda": 2**24}
"""Numbers that an evaluation holds at once: more would leave the caches, or a GPU's memory, fewer would cost calls."""


class Layer(Protocol):
    """One step of a head. ``weights`` and ``grads`` are this layer's tensors, each with a leading member dimension."""

    n_weights: int

    def forward(self, x: Tensor, weights: Sequence[Tensor]) -> tuple[Tensor, Any]:
        """Output for ``x`` (members, batch, n_in), and what `backward` needs."""
        ...

    def infer(self, x: Tensor, weights: Sequence[Tensor]) -> Tensor:
        """The output alone."""
        ...

    def backward(
        self, grad: Tensor, saved: Any, weights: Sequence[Tensor], grads: Sequence[Tensor], need_x: bool
    ) -> Tensor | None:
        """Fill ``grads``; return the gradient with respect to ``x`` if it is needed."""
        ...


class Plain(Layer, Protocol):
    """A layer whose output costs nothing more when `backward` is wanted, too."""

    def infer(self, x: Tensor, weights: Sequence[Tensor]) -> Tensor:
        return self.forward(x, weights)[0]


class Dense(Plain):
    """y = x Wᵀ + b, with W (members, n_out, n_in) and b (members, n_out), as in ``torch.nn.Linear``."""

    n_weights = 2

    def __init__(self, trained: bool = True) -> None:
        self.trained = trained

    def forward(self, x: Tensor, weights: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        weight, bias = weights
        return torch.baddbmm(bias.unsqueeze(1), x, weight.transpose(1, 2)), x

    def backward(
        self, grad: Tensor, saved: Tensor, weights: Sequence[Tensor], grads: Sequence[Tensor], need_x: bool
    ) -> Tensor | None:
        if self.trained:
            torch.bmm(grad.transpose(1, 2), saved, out=grads[0])
            torch.sum(grad, 1, out=grads[1])
        return torch.bmm(grad, weights[0]) if need_x else None


class Elementwise(Plain):
    """y = scale · f(x), f one of tanh, ReLU, leaky ReLU (slope 0.01 below zero), sine."""

    n_weights = 0

    def __init__(self, function: str, scale: float = 1.0) -> None:
        self.function = function
        self.scale = scale

    def forward(self, x: Tensor, weights: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        match self.function:
            case "tanh":
                y = saved = torch.tanh(x)
            case "relu":
                y = saved = torch.relu(x)
            case "leaky_relu":
                y, saved = functional.leaky_relu(x, 0.01), x
            case _:
                y, saved = torch.sin(x), x
        return (y if self.scale == 1.0 else y * self.scale), saved

    def backward(
        self, grad: Tensor, saved: Tensor, weights: Sequence[Tensor], grads: Sequence[Tensor], need_x: bool
    ) -> Tensor | None:
        if self.scale != 1.0:
            grad = grad * self.scale
        match self.function:
            case "tanh":
                return torch.ops.aten.tanh_backward(grad, saved)
            case "relu":
                return torch.ops.aten.threshold_backward(grad, saved, 0)
            case "leaky_relu":
                return torch.ops.aten.leaky_relu_backward(grad, saved, 0.01, False)
            case _:
                return grad * torch.cos(saved)


class Quantum(Layer):
    """⟨Z⟩ on every qubit of a circuit whose inputs are ``x`` (members, batch, n_qubits), angles in radians."""

    n_weights = 1

    def __init__(self, circuit: Simulator, trained: bool) -> None:
        self.circuit = circuit
        self.trained = trained

    def forward(self, x: Tensor, weights: Sequence[Tensor]) -> tuple[Tensor, Any]:
        return self.circuit.forward(x, weights[0])

    def infer(self, x: Tensor, weights: Sequence[Tensor]) -> Tensor:
        return self.circuit.expval(x, weights[0])

    def backward(
        self, grad: Tensor, saved: Any, weights: Sequence[Tensor], grads: Sequence[Tensor], need_x: bool
    ) -> Tensor | None:
        grad_x, grad_weights = self.circuit.backward(saved, grad, need_inputs=need_x, need_weights=self.trained)
        if grad_weights is not None:
            grads[0].copy_(grad_weights)
        return grad_x


class SineProducts(Plain):
    """What the paper's circuit computes at zero angles: y_k = Π_{i in subset k} s_i with s_i = −sin(x_i)."""

    n_weights = 0

    def __init__(self, subsets: Sequence[Sequence[int]], device: torch.device | str) -> None:
        n = len(subsets)
        mask = torch.zeros(n, n, dtype=torch.bool)
        for row, subset in enumerate(subsets):
            mask[row, list(subset)] = True
        self.mask = mask.to(device)

    def forward(self, x: Tensor, weights: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        factors = torch.where(self.mask, -torch.sin(x).unsqueeze(-2), 1.0)  # (members, batch, outputs, inputs)
        return factors.prod(-1), x

    def backward(
        self, grad: Tensor, saved: Tensor, weights: Sequence[Tensor], grads: Sequence[Tensor], need_x: bool
    ) -> Tensor | None:
        factors = torch.where(self.mask, -torch.sin(saved).unsqueeze(-2), 1.0)
        ones = torch.ones_like(factors[..., :1])
        before = torch.cat([ones, factors[..., :-1]], -1).cumprod(-1)
        after = torch.cat([factors[..., 1:], ones], -1).flip(-1).cumprod(-1).flip(-1)
        others = torch.where(self.mask, before * after, 0.0)  # the product without factor i: never a division by zero
        return (grad.unsqueeze(-2) @ others).squeeze(-2) * -torch.cos(saved)


def head_layers(head: HeadConfig, n_layers: int, device: torch.device | str) -> tuple[Layer, ...]:
    """The layers of a head between features and logits."""
    match head:
        case Linear():
            return (Dense(),)
        case DressedQuantum():
            circuit = simulator(dressed_circuit(head), device=device)
            trained = head.ablation not in ("near_zero", "random_angles")
            pre_net = Dense(trained=head.ablation != "frozen_pre_net")
            return pre_net, Elementwise("tanh", pi / 2), Quantum(circuit, trained), Dense()
        case ClosedForm():
            subsets = closed_form_subsets(head.n_qubits, head.q_depth)
            return Dense(), Elementwise("tanh", pi / 2), SineProducts(subsets, device), Dense()
        case Bottleneck() | MLP():
            hidden = [layer for _ in range(n_layers - 1) for layer in (Dense(), Elementwise(head.activation))]
            return *hidden, Dense()


class Network:
    """A head with the weights of its members.

    All weights lie in one flat buffer, one parameter after the other, each as (members, *shape), so that the optimiser
    works on a single tensor; ``weights`` are views into it by name. ``grads`` mirrors it; what is frozen keeps a zero
    gradient.
    """

    def __init__(
        self, head: HeadConfig, n_features: int, n_classes: int, members: int, device: torch.device | str = "cpu"
    ) -> None:
        self.head = head
        self.members = members
        self.parameters = head_parameters(head, n_features, n_classes)
        self.layers = head_layers(head, len(dense_widths(head, n_features, n_classes)) - 1, device)
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
                target[member].copy_(initial_weights(self.head, parameter, self._fan_in(parameter), seed))

    def load(self, weights: dict[str, np.ndarray]) -> None:
        """Take weights by name, each (members, *shape)."""
        for name, target in self.weights.items():
            target.copy_(torch.from_numpy(weights[name]))

    def forward(self, x: Tensor) -> tuple[Tensor, list[Any]]:
        """Logits (members, batch, classes) of features (members, batch, n_features), and what `backward` needs."""
        tape = []
        for layer, weights, _ in self._bound:
            x, saved = layer.forward(x, weights)
            tape.append(saved)
        return x, tape

    def logits(self, features: Tensor) -> Tensor:
        """Logits (members, n, classes) of every member for the same features (n, n_features), any number of them."""
        return torch.cat([self._infer(part) for part in self.parts(features)], 1)

    def parts(self, features: Tensor) -> Iterator[Tensor]:
        """Features (n, n_features) cut into what is evaluated at once, each (members, some, n_features)."""
        held = EVALUATED_NUMBERS["cpu" if features.device.type == "cpu" else "cuda"]
        for part in features.split(max(1, held // (self.members * self._numbers_per_sample))):
            yield part.expand(self.members, -1, -1)

    def _infer(self, x: Tensor) -> Tensor:
        for layer, weights, _ in self._bound:
            x = layer.infer(x, weights)
        return x

    @property
    def _numbers_per_sample(self) -> int:
        """The most numbers that one sample of one member occupies on its way: mostly the circuit's amplitudes."""
        amplitudes = 2**self.head.n_qubits if isinstance(self.head, DressedQuantum) else 0
        return max(amplitudes, *(parameter.shape[0] for parameter in self.parameters))

    def backward(self, grad_logits: Tensor, tape: list[Any]) -> None:
        """Fill ``grads`` with the gradient of a loss whose gradient with respect to the logits is given."""
        grad: Tensor | None = grad_logits
        for index in range(len(self._bound) - 1, -1, -1):
            layer, weights, grads = self._bound[index]
            assert grad is not None
            grad = layer.backward(grad, tape[index], weights, grads, index > 0)

    def _fan_in(self, parameter: Parameter) -> int:
        weight = parameter.name.replace(".bias", ".weight")
        return next(p.shape[-1] for p in self.parameters if p.name == weight)

    def _bind(self) -> list[tuple[Layer, list[Tensor], list[Tensor]]]:
        weights, grads, start = list(self.weights.values()), list(self.grads.values()), 0
        bound = []
        for layer in self.layers:
            stop = start + layer.n_weights
            bound.append((layer, weights[start:stop], grads[start:stop]))
            start = stop
        return bound


def initial_weights(head: HeadConfig, parameter: Parameter, fan_in: int, seed: int) -> Tensor:
    """One network's start for one parameter, float32.

    Every parameter has its own stream, so heads that share a layer start it alike: differences between heads of the
    same seed then come from the heads. Dense layers start as ``torch.nn.Linear`` does, uniform in ±1/sqrt(fan_in).
    """
    stream = np.random.SeedSequence([seed, crc32(parameter.name.encode())])
    generator = torch.Generator().manual_seed(int(stream.generate_state(1)[0]))
    if parameter.quantum:
        assert isinstance(head, DressedQuantum)
        if head.ablation == "random_angles":
            return torch.rand(parameter.shape, generator=generator) * 2 * pi
        return torch.randn(parameter.shape, generator=generator) * head.q_delta
    if head.init_scale is not None:
        return torch.randn(parameter.shape, generator=generator) * head.init_scale
    return (torch.rand(parameter.shape, generator=generator) * 2 - 1) / fan_in**0.5
