"""One number with what surrounds it: intervals over seeds and over test samples, and ranges of few seeds.

scipy loads with the first interval, not with this module: every page shows numbers.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from core.errors import LabError

LEVEL = 0.05
"""Chance of a wrong claim that is accepted; an interval holds the truth with probability 1 - LEVEL."""

SEEDS = 20
"""Seeds of a comparison and of a row of the paper's table, unless the user asks for another number."""

FEWEST_SEEDS = 6
"""Fewer seeds carry no interval and no test: they show too little of their own spread."""


@dataclass(frozen=True)
class Interval:
    """An estimate with the confidence interval around it; nan bounds where one value shows nothing of its spread."""

    estimate: float
    low: float
    high: float
    level: float | None = 1 - LEVEL
    """None: no interval but the range of the values, from the lowest to the highest."""

    @property
    def is_range(self) -> bool:
        """Whether the ends are the lowest and the highest value, because these are too few for an interval."""
        return self.level is None


def mean_interval(values: ArrayLike) -> Interval:
    """The mean of independent values, shape (n,), with Student's 95 % t interval of that mean.

    Below `FEWEST_SEEDS` values with their range instead. A value that is not finite (of a seed that diverged) makes
    the mean nan: nothing is left out in silence. Raises `LabError` for what is no sample.
    """
    sample = one_sample(values)
    if len(sample) < FEWEST_SEEDS:
        return _range(sample)
    from scipy import stats

    mean = float(sample.mean())
    half = float(stats.t.ppf(1 - LEVEL / 2, len(sample) - 1) * stats.sem(sample))
    return Interval(mean, mean - half, mean + half)


def share_interval(values: ArrayLike) -> Interval:
    """`mean_interval` of values in [0, 1], e.g. accuracies: its ends stay in [0, 1] too."""
    whole = mean_interval(values)
    return Interval(whole.estimate, float(np.maximum(whole.low, 0)), float(np.minimum(whole.high, 1)), whole.level)


def wilson_interval(successes: int, trials: int) -> Interval:
    """The share of successes, e.g. of test samples that are classified correctly, with Wilson's 95 % interval."""
    from scipy import stats

    if trials == 0:
        return Interval(np.nan, np.nan, np.nan)
    proportion = stats.binomtest(successes, trials).proportion_ci(1 - LEVEL, method="wilson")
    return Interval(successes / trials, float(proportion.low), float(proportion.high))


def _range(sample: np.ndarray) -> Interval:
    if len(sample) == 1:
        return Interval(float(sample[0]), np.nan, np.nan, level=None)
    return Interval(float(sample.mean()), float(sample.min()), float(sample.max()), level=None)


def one_sample(values: ArrayLike) -> np.ndarray:
    """The values as an array of shape (n,), float64; `LabError` where they are none."""
    sample = np.asarray(values, dtype=float)
    if sample.ndim != 1 or sample.size == 0:
        raise LabError(f"values of shape {sample.shape} are not a sample: give one number for each seed")
    return sample
