"""How many seeds an answer takes."""

from bisect import bisect_left
from math import ceil, floor, log2, pi

import numpy as np

from core.statistics.intervals import LEVEL
from core.statistics.paired import PairedDifference

MOST_SEEDS = 10_000
"""Beyond this many seeds a question counts as out of reach."""


def fewest_seeds(n_rivals: int) -> int:
    """The fewest paired seeds with which the rule can find any of so many rivals better or worse.

    The signed-rank test's smallest two-sided p value is 2^(1 - n): with fewer seeds Holm's first and strictest step
    lets none of the rivals through, however clear the differences are.
    """
    return floor(1 - log2(LEVEL / n_rivals)) + 1


def seeds_needed(paired: PairedDifference, margin: float, n_rivals: int = 1, power: float = 0.8) -> int | None:
    """Seeds at which the rule would likely decide, if the mean and spread of these differences are the true ones.

    The smaller of two numbers: for a difference, that of a t test times π/3 (the Wilcoxon test's efficiency under
    normal differences); for equivalence, that of a t test of the distance to the nearer margin. The level is divided
    by the number of rivals, Holm's first and strictest step. margin: in the unit of the metric. None: out of reach.
    """
    from statsmodels.stats.power import TTestPower

    differences = np.array(paired.differences)
    mean, spread = abs(float(differences.mean())), float(differences.std(ddof=1))
    level = LEVEL / n_rivals

    def first_with(distance: float, alternative: str, power: float) -> int | None:
        effect = distance / spread if spread else MOST_SEEDS
        counts = range(3, MOST_SEEDS + 1)

        def reached(n_seeds: int) -> float:
            return float(TTestPower().power(effect_size=effect, nobs=n_seeds, alpha=level, alternative=alternative))

        index = bisect_left(counts, power, key=reached) if distance > 0 else len(counts)
        return counts[index] if index < len(counts) else None

    difference = first_with(mean, "two-sided", power)
    # Equivalence has to reject on both sides: each gets half of the risk to miss.
    equivalence = first_with(margin - mean, "larger", (1 + power) / 2)
    enough = [ceil(difference * pi / 3)] if difference else []
    enough += [equivalence] if equivalence else []
    return max(min(enough), fewest_seeds(n_rivals), len(differences) + 1) if enough else None
