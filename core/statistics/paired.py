"""Two heads over the same seeds and test samples: their difference, and what surrounds it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from core.errors import LabError
from core.statistics.crossed import Mean


@dataclass(frozen=True)
class PairedDifference:
    """How one head's accuracy differs from another's, each seed of one paired with the same seed of the other."""

    mean: Mean
    """Of candidate minus rival, in [-1, 1]"""
    wins: float
    """Share of the seeds in which the candidate is ahead; a tie counts half."""
    candidate_alone: float
    """Test samples that the candidate alone gets right, mean over the seeds"""
    rival_alone: float

    @property
    def differences(self) -> tuple[float, ...]:
        """Candidate minus rival, one for each seed."""
        return self.mean.by_seed

    @property
    def estimate(self) -> float:
        return self.mean.estimate


def paired_difference(candidate: ArrayLike, rival: ArrayLike) -> PairedDifference:
    """Everything that seeds and samples show of two heads.

    candidate, rival: (n_seeds, n_samples) bool, whether the answer is right; the same seeds in the same order. Raises
    `LabError` where they cannot be paired.
    """
    first, second = np.asarray(candidate), np.asarray(rival)
    if first.ndim != 2 or first.shape != second.shape:
        raise LabError(
            f"answers of shape {first.shape} and {second.shape} cannot be paired: both heads need the same seeds and "
            "test samples; run them together"
        )
    if len(first) < 2:
        raise LabError("seeds = 1 is not possible for a comparison: 2 or more are allowed; raise seeds to 20")
    mean = Mean.of(first.astype(float) - second)
    differences = np.array(mean.by_seed)
    return PairedDifference(
        mean=mean,
        wins=float(((differences > 0) + (differences == 0) / 2).mean()),
        candidate_alone=float((first & ~second).sum(1).mean()),
        rival_alone=float((~first & second).sum(1).mean()),
    )


def holm(p_values: ArrayLike) -> np.ndarray:
    """p values after Holm's step-down correction for as many questions as there are values, shape (n,).

    Holm (1979), Scand. J. Statist. 6, 65. statsmodels has it too, but collects garbage at every call, which holds up
    all threads of the server.
    """
    values = np.asarray(p_values, dtype=float)
    order = np.argsort(values, kind="stable")
    steps = np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1))
    corrected = np.empty_like(values)
    corrected[order] = np.minimum(steps, 1.0)
    return corrected
