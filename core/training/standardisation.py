"""Features shifted and scaled to mean 0 and standard deviation 1, as each member's training data has them."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from torch import Tensor

MEAN, DEVIATION = "features.mean", "features.deviation"
"""Names among the weights of a run, each (members, n_features) float32."""


@dataclass(frozen=True, eq=False)
class Standardisation:
    """(x − mean) / deviation, for every member its own."""

    mean: Tensor
    """(members, 1, n_features) float32"""
    deviation: Tensor
    """(members, 1, n_features) float32, 1 where a feature is constant"""

    @classmethod
    def fitted(cls, features: Tensor, rows: np.ndarray) -> Self:
        """That of the features (n, n_features) in each member's rows (members, some), computed in float64.

        The deviation is that of the rows themselves: their mean squared distance from the mean, under the root.
        """
        members = [features[torch.from_numpy(own).to(features.device)].double() for own in rows]
        mean = torch.stack([own.mean(0, keepdim=True) for own in members])
        deviation = torch.stack([own.std(0, correction=0, keepdim=True) for own in members])
        constant = torch.stack([(own == own[:1]).all(0, keepdim=True) for own in members])
        return cls(mean.float(), deviation.masked_fill(constant, 1.0).float())

    @classmethod
    def stored(cls, weights: dict[str, np.ndarray], device: torch.device) -> Self | None:
        """That of a run's stored weights; None if the run was trained on features as they are."""
        if MEAN not in weights:
            return None
        mean, deviation = (torch.from_numpy(weights[name]).to(device)[:, None] for name in (MEAN, DEVIATION))
        return cls(mean, deviation)

    def weights(self) -> dict[str, np.ndarray]:
        """What a run stores."""
        return {MEAN: self.mean[:, 0].cpu().numpy().copy(), DEVIATION: self.deviation[:, 0].cpu().numpy().copy()}

    def __call__(self, x: Tensor) -> Tensor:
        """Features (members, some, n_features) → the same, standardised."""
        return (x - self.mean) / self.deviation
