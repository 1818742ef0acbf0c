"""How many seeds and test samples an answer takes."""

from dataclasses import dataclass

import numpy as np
from scipy import optimize, stats

from core.statistics.crossed import Mean
from core.statistics.intervals import FEWEST_SEEDS, LEVEL

POWER = 0.8
"""Chance of an answer that counts as likely"""
MOST_SEEDS = 1_000
"""More seeds than this are out of reach"""
MOST_TIMES = 100
"""More than so many times the test samples at hand are out of reach"""


@dataclass(frozen=True)
class Needed:
    """Seeds and test samples with which the rule would likely decide."""

    seeds: int
    samples: int


def needed(difference: Mean, margin: float, n_rivals: int = 1) -> Needed | None:
    """Where the rule decides with `POWER` about other test data, if the present estimate and spread are the true ones.

    It decides by finding a difference or equivalence, whichever takes less; the level is divided by the number of
    rivals, Holm's first and strictest step. Samples are added only where no number of seeds is enough. margin: in the
    unit of the estimate. None: out of reach.
    """
    square = max(
        _square_for_difference(abs(difference.estimate), n_rivals), _square_to_be_equal(difference, margin, n_rivals)
    )
    if not square:
        return None
    n_seeds, n_samples = difference.n_seeds, difference.n_samples
    left = difference.residual
    between_seeds = max(difference.seeds - left, 0.0) / n_samples
    between_samples = max(difference.samples - left, 0.0) / n_seeds
    times = max(1.0, 1.25 * between_samples / n_samples / square)  # a fifth of the variance is left to the seeds
    if times > MOST_TIMES:
        return None
    samples = n_samples if times == 1 else _round_up(times * n_samples)
    rest = square - between_samples / samples
    if rest <= 0:  # seeds alone would never do
        samples = _round_up(1.25 * samples)
        rest = square - between_samples / samples
    seeds = int(np.ceil((between_seeds + left / samples) / rest)) if rest > 0 else MOST_SEEDS + 1
    return Needed(max(seeds, FEWEST_SEEDS), samples) if seeds <= MOST_SEEDS else None


def _square_for_difference(distance: float, n_rivals: int) -> float:
    """The largest squared standard error with which a true difference of this size is likely found."""
    return float((distance / (stats.norm.isf(LEVEL / n_rivals / 2) + stats.norm.isf(1 - POWER))) ** 2)


def _square_to_be_equal(difference: Mean, margin: float, n_rivals: int) -> float:
    """The largest squared standard error with which equivalence is likely shown; 0 beyond the margin."""
    near, far = margin - abs(difference.estimate), margin + abs(difference.estimate)
    if near <= 0:
        return 0.0
    critical = stats.norm.isf(LEVEL / n_rivals)

    def surplus(error: float) -> float:
        inside = stats.norm.cdf(near / error - critical) + stats.norm.cdf(far / error - critical) - 1
        return float(inside - POWER)

    return float(optimize.brentq(surplus, near / 100, near / critical * 2) ** 2)


def _round_up(number: float) -> int:
    """To two digits: 1,234 → 1,300."""
    unit = 10 ** max(int(np.floor(np.log10(number))) - 1, 0)
    return int(np.ceil(number / unit) * unit)
