"""Adam for many members at once, each with its own learning rate, at the cost of one fused optimiser."""

import torch
from torch import Tensor
from torch.optim.adam import adam


class MemberAdam:
    """Adam (Kingma and Ba, arXiv:1412.6980) on one flat buffer that holds the weights of all members.

    A fused Adam knows one learning rate. Adam's direction does not depend on it, so the fused operation moves ``u``
    with learning rate 1 from zero, and the weights are p = p₀ + η ∘ u with η one number for each element. A change of η
    folds p into p₀.

    Args:
        weights: (n,) buffer, updated in place.
        gradient: (n,) buffer that holds the gradient whenever `step` is called.
        beta2: decay of the second moment.
    """

    def __init__(self, weights: Tensor, gradient: Tensor, beta2: float = 0.999) -> None:
        self.weights = weights
        self.beta2 = beta2
        self.start = weights.clone()
        self.moved = torch.zeros_like(weights)
        self.rate = torch.zeros_like(weights)
        self.first_moment = torch.zeros_like(weights)
        self.second_moment = torch.zeros_like(weights)
        self.steps = torch.zeros((), dtype=torch.float32, device=weights.device)
        self._gradient = gradient

    def set_rate(self, rate: Tensor) -> None:
        """Use these learning rates, (n,), from the next step on."""
        self.start.copy_(self.weights)
        self.moved.zero_()
        self.rate.copy_(rate)

    def step(self) -> None:
        """One update of the weights."""
        adam(
            [self.moved],
            [self._gradient],
            [self.first_moment],
            [self.second_moment],
            [],
            [self.steps],
            fused=True,
            lr=1.0,
            beta1=0.9,
            beta2=self.beta2,
            eps=1e-8,
            weight_decay=0.0,
            amsgrad=False,
            maximize=False,
        )
        torch.addcmul(self.start, self.rate, self.moved, out=self.weights)

    def state(self) -> dict[str, Tensor]:
        """What a checkpoint must hold besides the weights."""
        return {"first_moment": self.first_moment, "second_moment": self.second_moment, "steps": self.steps}

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Go on from a `state`."""
        for name, target in self.state().items():
            target.copy_(state[name])
