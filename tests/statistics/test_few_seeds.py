"""What few seeds, ties and zeros can carry: exact p values by enumeration, ranges for intervals, no early claims."""

from collections.abc import Callable
from itertools import product

import numpy as np
import pytest
from scipy import stats

from core.report.verdicts import sentence
from core.statistics.intervals import (
    FEWEST_SEEDS,
    LEVEL,
    Interval,
    bootstrap_interval,
    mean_interval,
    share_interval,
)
from core.statistics.paired import equivalence_p, signed_rank_p
from core.statistics.power import fewest_seeds
from core.statistics.verdict import verdicts


def generator(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def enumerated_p(differences: np.ndarray) -> float:
    """The signed-rank p value by looking at all patterns of signs, one by one."""
    ranks = stats.rankdata(np.abs(differences)) * (differences != 0)  # Pratt: zeros are ranked, but have no sign
    signs = np.array(list(product((0, 1), repeat=len(differences))))
    sums, found = signs @ ranks, ranks[differences > 0].sum()
    return float(min(1, 2 * min((sums <= found + 1e-9).mean(), (sums >= found - 1e-9).mean())))


@pytest.mark.parametrize("n", range(1, 13))
def test_signed_rank_p_counts_all_patterns_of_signs_with_ties_and_zeros(n: int) -> None:
    random = generator(n)
    for _ in range(20):
        differences = random.integers(-3, 5, n) / 100
        assert signed_rank_p(differences) == pytest.approx(enumerated_p(differences), rel=1e-12)


@pytest.mark.parametrize("n", [6, 13, 14, 20, 40, 64])
def test_signed_rank_p_is_scipys_exact_one_without_ties(n: int) -> None:
    random = generator(n)
    for shift in (0.0, 0.3, 2.0):
        differences = random.normal(shift, 1, n)
        assert signed_rank_p(differences) == pytest.approx(stats.wilcoxon(differences, method="exact").pvalue, rel=1e-9)


def test_signed_rank_p_needs_no_normal_approximation_with_many_zeros() -> None:
    assert signed_rank_p([0.05] * 4 + [0.0] * 16) == 0.125  # 2 of the 2^4 patterns of signs
    assert stats.wilcoxon([0.05] * 4 + [0.0] * 16, zero_method="pratt").pvalue < LEVEL
    assert signed_rank_p(np.zeros(64)) == 1
    assert signed_rank_p([0.01] * 64) == 2.0**-63
    heads = {"a": np.array([0.85] * 4 + [0.8] * 16), "b": np.full(20, 0.8)}
    assert verdicts("a", heads, margin=0.1)[0].kind == "not enough evidence"


def test_signed_rank_p_rejects_no_more_often_than_it_may() -> None:
    random = generator(22)
    p = np.array([signed_rank_p(random.integers(-2, 3, 16)) for _ in range(2000)])
    for level in (0.01, LEVEL, 0.2):
        assert (p <= level).mean() <= level + 3 * np.sqrt(level * (1 - level) / len(p))


@pytest.mark.parametrize("interval_of", [mean_interval, share_interval, bootstrap_interval])
def test_few_values_have_their_range_and_enough_an_interval(interval_of: Callable[[np.ndarray], Interval]) -> None:
    values = generator(21).uniform(0.3, 0.7, FEWEST_SEEDS)
    few = interval_of(values[:-1])
    assert few.is_range
    assert (few.low, few.estimate, few.high) == (values[:-1].min(), values[:-1].mean(), values[:-1].max())
    enough = interval_of(values)
    assert not enough.is_range
    assert values.min() < enough.low < enough.high < values.max()


def test_intervals_of_shares_are_t_intervals_that_end_at_0_and_1() -> None:
    high = np.array([0.97, 1, 1, 1, 1, 0.9])
    whole = stats.ttest_1samp(high, 0).confidence_interval()
    assert whole.high > 1
    found, mirrored = share_interval(high), share_interval(1 - high)
    assert (found.low, found.high) == (pytest.approx(whole.low), 1)
    assert (mirrored.low, mirrored.high) == (0, pytest.approx(1 - whole.low))


def test_few_seeds_claim_neither_difference_nor_equivalence() -> None:
    (found,) = verdicts("q", {"q": [0.856209, 0.862745], "r": [0.849673, 0.856209]})
    assert found.kind == "not enough evidence"
    assert (found.paired.tost_p, found.tost_holm) == (None, None)
    assert found.paired.interval.is_range
    assert "p <" not in sentence(found)
    assert f"and {FEWEST_SEEDS} for equivalence" in sentence(found)
    base, noise = 0.8 + 0.001 * generator(23).normal(size=12), 0.0001 * generator(24).normal(size=12)
    for n_seeds in range(2, 12):
        alike = {"q": base[:n_seeds], "r": base[:n_seeds] + noise[:n_seeds]}
        expected = "equivalent" if n_seeds >= FEWEST_SEEDS else "not enough evidence"
        assert verdicts("q", alike)[0].kind == expected


def test_the_fewest_seeds_are_those_of_one_signed_rank_test() -> None:
    assert fewest_seeds(1) == FEWEST_SEEDS
    assert stats.wilcoxon(np.arange(1, FEWEST_SEEDS + 1)).pvalue < LEVEL < stats.wilcoxon(np.arange(1, 6)).pvalue


@pytest.mark.parametrize("n", [6, 9])
def test_equal_differences_have_the_p_value_of_a_sign_test(n: int) -> None:
    expected = stats.binomtest(n, n, alternative="greater").pvalue
    assert equivalence_p(np.full(n, 0.004), 0.01) == pytest.approx(expected)
    assert equivalence_p(np.full(n, 0.01), 0.01) == 1
    assert equivalence_p(np.full(5, 0.0), 0.01) is None
