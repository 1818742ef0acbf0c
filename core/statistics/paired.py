"""Two heads over the same seeds: the differences, the exact signed-rank test and the test of equivalence."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from core.errors import LabError
from core.statistics.intervals import FEWEST_SEEDS, LEVEL, Interval, bootstrap_interval, one_sample


@dataclass(frozen=True)
class PairedDifference:
    """How one head's metric differs from another's over paired seeds (same split, same batch order in each pair)."""

    differences: tuple[float, ...]
    """Candidate minus rival, one for each seed."""
    interval: Interval
    """Mean difference with its 95 % BCa bootstrap interval, of few seeds with their range."""
    wilcoxon_p: float
    """Two-sided Wilcoxon signed-rank test against no difference, exact."""
    effect_size: float
    """Cohen's d_z: mean difference in units of its standard deviation between seeds; infinite without any spread."""
    wins: float
    """Share of the seeds in which the candidate is ahead; a tie counts half."""
    tost_p: float | None
    """Two one-sided t tests against a mean difference at or beyond ± margin; None below `FEWEST_SEEDS` seeds."""


def paired_difference(candidate: ArrayLike, rival: ArrayLike, margin: float) -> PairedDifference:
    """Everything that paired seeds show of two heads.

    candidate, rival: (n_seeds,) metrics of the same seeds in the same order; margin: in the unit of the metric.
    Raises `LabError` where they cannot be paired.
    """
    first, second = one_sample(candidate), one_sample(rival)
    if first.shape != second.shape:
        raise LabError(
            f"seeds = {len(first)} and {len(second)} cannot be paired: both heads need the same; run them together"
        )
    if len(first) < 2:
        raise LabError("seeds = 1 is not possible for a comparison: 2 or more are allowed; raise seeds to 20")
    if not (np.isfinite(first).all() and np.isfinite(second).all()):
        raise LabError("Not all metrics are finite numbers: a head diverged; lower its learning_rate and run again")
    # Accuracies are fractions of the test set: rounding takes away the noise that would tell equal ones apart.
    differences = np.round(first - second, 12)
    mean, spread = float(differences.mean()), float(differences.std(ddof=1))
    return PairedDifference(
        differences=tuple(differences.tolist()),
        interval=bootstrap_interval(differences),
        wilcoxon_p=signed_rank_p(differences),
        effect_size=mean / spread if spread > 0 else float(np.copysign(np.inf, mean)) if mean else 0.0,
        wins=float(((differences > 0) + (differences == 0) / 2).mean()),
        tost_p=equivalence_p(differences, margin),
    )


def signed_rank_p(differences: ArrayLike) -> float:
    """Two-sided p value of Wilcoxon's signed-rank test, exact for any number of ties and zeros.

    differences: (n,). If there is no difference, each sign is as likely as its opposite: the p value comes from the
    rank sums of all 2^n patterns of signs. Equal magnitudes share their mean rank; zeros take the lowest ranks but have
    no sign (Pratt 1959, doi:10.1080/01621459.1959.10501526).
    """
    values = one_sample(differences)
    # Twice the rank: mean ranks are multiples of one half.
    ranks = np.rint(2 * stats.rankdata(np.abs(values))).astype(int)
    ranks, positive = ranks[values != 0], values[values != 0] > 0
    chance = np.zeros(ranks.sum() + 1)  # of each sum of the positive ranks
    chance[0] = 1
    for rank in ranks:
        chance[rank:] = (chance[rank:] + chance[: len(chance) - rank]) / 2
        chance[:rank] /= 2
    found = ranks[positive].sum()
    return float(min(1.0, 2 * min(chance[: found + 1].sum(), chance[found:].sum())))


def equivalence_p(differences: ArrayLike, margin: float) -> float | None:
    """p value of two one-sided t tests (TOST) that the mean difference lies inside ± margin.

    differences: (n,); margin: in their unit. None below `FEWEST_SEEDS` differences, which cannot carry it. Without any
    spread there is no t: then the sign test, whose p value is 2^-n when all n differences lie inside.
    """
    from statsmodels.stats.weightstats import ttost_paired

    values = one_sample(differences)
    if len(values) < FEWEST_SEEDS:
        return None
    if np.ptp(values) == 0:
        return 0.5 ** len(values) if abs(values[0]) < margin else 1.0
    return float(ttost_paired(values, np.zeros_like(values), -margin, margin)[0])


def holm(p_values: ArrayLike) -> np.ndarray:
    """p values after Holm's step-down correction for as many questions as there are values, shape (n,)."""
    from statsmodels.stats.multitest import multipletests

    return np.asarray(multipletests(p_values, alpha=LEVEL, method="holm")[1])
