"""Descriptions of layers → layers that compute with torch, with gradients written by hand.

That saves automatic differentiation's bookkeeping: at the paper's size most of a training step.
"""

from collections.abc import Sequence
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.nn import functional

from core.circuit.closed_form import closed_form_subsets
from core.circuit.dressed import dressed_circuit
from core.circuit.simulator import Simulator, simulator
from core.config.heads import layers as described


def computing(layer: described.Layer, device: torch.device | str) -> "Layer":
    """The layer that computes what a description says, on this device."""
    match layer:
        case described.Dense():
            return Dense(layer.trained)
        case described.Elementwise():
            return Elementwise(layer.function, layer.scale)
        case described.Circuit():
            return Quantum(simulator(dressed_circuit(layer.head), device=device), layer.trained)
        case described.SineProducts():
            return SineProducts(closed_form_subsets(layer.n_qubits, layer.q_depth), device)
    raise NotImplementedError(f"{layer} is not known here: write its forward and backward first")


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
