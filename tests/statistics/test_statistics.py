"""Intervals, ranks and metrics against scipy, scikit-learn or a second way."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats
from sklearn.calibration import calibration_curve

from core.errors import LabError
from core.statistics.intervals import FEWEST_SEEDS, Interval, mean_interval, share_interval, wilson_interval
from core.statistics.metrics import Chance, area_under_curve, chance_level, expected_calibration_error
from core.statistics.ranking import ranking


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_mean_interval_is_that_of_scipys_t_test() -> None:
    values = generator().normal(0.9, 0.02, 12)
    found = mean_interval(values)
    expected = stats.ttest_1samp(values, 0).confidence_interval()
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
    assert found.estimate == pytest.approx(values.mean())


def test_one_value_says_nothing_of_its_spread() -> None:
    interval = mean_interval([0.7])
    assert interval.estimate == 0.7
    assert np.isnan(interval.low)
    assert np.isnan(interval.high)


@pytest.mark.parametrize("interval_of", [mean_interval, share_interval])
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
    upper, mirrored = share_interval(high), share_interval(1 - high)
    assert (upper.low, upper.high) == (pytest.approx(whole.low), 1)
    assert (mirrored.low, mirrored.high) == (0, pytest.approx(1 - whole.low))


def test_wilson_interval_solves_its_quadratic() -> None:
    found = wilson_interval(140, 153)
    z = stats.norm.ppf(0.975)
    for bound in (found.low, found.high):
        assert (140 / 153 - bound) ** 2 == pytest.approx(z**2 * bound * (1 - bound) / 153)
    assert wilson_interval(153, 153).high == pytest.approx(1.0)


def test_ranking_finds_the_order_and_groups_what_it_cannot_separate() -> None:
    random = generator(13)
    base = random.normal(0.8, 0.05, 30)
    found = ranking({"low": base - 0.1, "high": base + 0.1, "middle": base + 0.001 * random.normal(size=30)})
    assert list(found.ranks.items()) == [("high", 1.0), ("middle", 2.0), ("low", 3.0)]
    assert found.groups == ()
    # Demšar (2006), table 5: q(0.05) is 2.343 for three heads.
    assert found.critical_difference == pytest.approx(2.343 * np.sqrt(3 * 4 / (6 * 30)), rel=1e-3)
    few = ranking({"low": base[:2] - 0.1, "high": base[:2] + 0.1, "middle": base[:2]})
    assert few.groups == (("high", "middle", "low"),)
    with pytest.raises(LabError):
        ranking({"a": [1.0, 2.0], "b": [1.0, 2.0]})


def test_calibration_error_against_sklearns_bins() -> None:
    random = generator(14)
    positive = random.uniform(0.5, 1, 2000)  # class 1 is always the answer, so confidence is its probability
    labels = (random.random(2000) < positive**2).astype(int)
    found = expected_calibration_error(np.stack([1 - positive, positive], 1), labels, bins=10)
    share, confidence = calibration_curve(labels, positive, n_bins=10)
    weights = np.histogram(positive, bins=10, range=(0, 1))[0]
    assert found == pytest.approx(np.abs(share - confidence) @ weights[weights > 0] / 2000)
    assert found > 0.05


def test_area_under_curve_is_the_chance_to_rank_rightly() -> None:
    random = generator(15)
    labels = random.integers(0, 2, 60)
    positive = np.clip(0.5 + 0.2 * (labels - 0.5) + random.normal(0, 0.2, 60), 0, 1)
    pairs = positive[labels == 1][:, None] - positive[labels == 0][None]
    expected = ((pairs > 0) + (pairs == 0) / 2).mean()
    assert area_under_curve(np.stack([1 - positive, positive], 1), labels) == pytest.approx(expected)
    assert np.isnan(area_under_curve(np.array([[0.2, 0.8]]), np.array([1])))


def test_chance_level_is_the_best_constant_answer() -> None:
    labels = np.array([2, 0, 2, 1, 2])
    found = chance_level(labels, ("ant", "bee", "fly"))
    assert found == Chance("fly", max((labels == one).mean() for one in range(3)))
