"""Seeds and samples as crossed effects: against statsmodels and the bootstrap, and the rule against known truth."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats
from statsmodels.formula.api import ols
from statsmodels.stats.multitest import multipletests

from core.bench.verdicts import QUESTIONS, WORLDS, Share, World, missed
from core.errors import LabError
from core.report.verdicts import sentence, words
from core.statistics.crossed import POPULATIONS, Mean
from core.statistics.intervals import FEWEST_SEEDS, LEVEL
from core.statistics.paired import holm, paired_difference
from core.statistics.power import Needed, needed
from core.statistics.verdict import verdicts


def generator(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_mean_squares_are_those_of_a_two_way_analysis_of_variance() -> None:
    random = generator(0)
    table = random.normal(size=(5, 1)) + random.normal(size=(1, 7)) + random.normal(size=(5, 7))
    seeds, samples = (index.ravel() for index in np.indices(table.shape))
    frame = pd.DataFrame({"value": table.ravel(), "seed": seeds, "sample": samples})
    anova = sm.stats.anova_lm(ols("value ~ C(seed) + C(sample)", frame).fit())
    mean = Mean.of(table)
    assert (mean.seeds, mean.samples, mean.residual) == pytest.approx(tuple(anova["mean_sq"]))
    square = mean.seeds + mean.samples - mean.residual
    assert mean.error("other test data") == pytest.approx(np.sqrt(square / 35))
    parts = (np.array([mean.seeds, mean.samples, mean.residual]) ** 2 / np.array([4, 6, 24])).sum()
    assert mean.degrees_of_freedom("other test data") == pytest.approx(square**2 / parts)


def test_on_this_test_set_it_is_students_t_over_seeds() -> None:
    table = (generator(1).random((12, 60)) < 0.8).astype(float) - 0.5
    mean, by_seed = Mean.of(table), table.mean(1)
    expected = stats.ttest_1samp(by_seed, 0)
    interval = mean.interval("this test set")
    assert (interval.low, interval.high) == pytest.approx(tuple(expected.confidence_interval()))
    assert mean.difference_p("this test set") == pytest.approx(expected.pvalue)
    one_sided = [
        stats.ttest_1samp(by_seed, -0.4, alternative="greater").pvalue,
        stats.ttest_1samp(by_seed, 0.4, alternative="less").pvalue,
    ]
    assert mean.equivalence_p(0.4, "this test set") == pytest.approx(max(one_sided))


def test_the_error_over_seeds_and_samples_is_that_of_resampling_both() -> None:
    """The pigeonhole bootstrap (Owen 2007), which draws seeds and samples anew, finds a little more on average."""
    random = generator(2)
    world = World(0.8, n_seeds=40, n_samples=300, seed=0.3)
    answers, _ = world.heads(random, np.array([0.8, 0.8]))
    table = answers[0].astype(float) - answers[1]
    means = [table[np.ix_(random.integers(0, 40, 40), random.integers(0, 300, 300))].mean() for _ in range(2_000)]
    assert Mean.of(table).error("other test data") == pytest.approx(np.std(means), rel=0.12)
    by_seeds = [table[random.integers(0, 40, 40)].mean() for _ in range(2_000)]
    assert Mean.of(table).error("this test set") == pytest.approx(np.std(by_seeds), rel=0.08)


def test_samples_that_all_agree_do_not_prove_that_all_others_do() -> None:
    same = np.zeros((20, 153))
    assert Mean.of(same).error("other test data") == pytest.approx(1 / np.sqrt(152 * 153), rel=0.01)
    few, many = np.ones((20, 153), dtype=bool), np.ones((20, 2_000), dtype=bool)
    (open_yet,), (certain,) = (verdicts("a", {"a": each, "b": each}) for each in (few, many))
    assert (open_yet.here.kind, open_yet.kind) == ("equivalent", "not decided")
    assert words(open_yet) == "equivalent on this test set alone"
    assert certain.kind == "equivalent"


def test_seeds_that_all_agree_do_not_prove_that_all_others_do() -> None:
    constant = np.tile(np.arange(100) < 4, (9, 1)).astype(float)
    almost = constant.copy()
    almost[0, 50] = 1  # one answer of one seed
    for population in POPULATIONS:
        assert Mean.of(constant).error(population) == pytest.approx(Mean.of(almost).error(population), rel=0.1)
    assert 0 < Mean.of(constant).difference_p("this test set") < 1e-6
    assert Mean.of(constant).equivalence_p(0.04, "this test set") == pytest.approx(0.5)


def test_what_holds_for_other_data_holds_on_this_test_set() -> None:
    random = generator(8)
    for _ in range(50):
        answers, _ = World(0.85, n_seeds=6, n_samples=500, seed=0.1).heads(random, np.array([0.88, 0.85]))
        mean = paired_difference(*answers).mean
        assert mean.difference_p("other test data") >= mean.difference_p("this test set")
        assert mean.equivalence_p(0.02, "other test data") >= mean.equivalence_p(0.02, "this test set")


@pytest.mark.parametrize("table", [np.ones((1, 5)), np.ones((5, 1)), np.ones(5), np.full((3, 3), np.nan)])
def test_what_is_no_table_is_refused_in_a_sentence(table: np.ndarray) -> None:
    with pytest.raises(LabError, match="shows no spread"):
        Mean.of(table)


def test_holm_is_that_of_statsmodels() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    random = generator(3)
    for n in (1, 2, 20):
        p = np.round(random.random(n) ** 3, 2)  # with ties
        assert holm(p) == pytest.approx(multipletests(p, method="holm")[1])


@pytest.mark.parametrize("world", WORLDS.values(), ids=WORLDS)
@pytest.mark.parametrize("question", [each for each in QUESTIONS if "any" in each])
def test_false_claims_in_a_family_of_twenty_rivals_stay_under_the_level(world: World, question: str) -> None:
    random = generator(4)
    runs = 1_000 if world.n_samples < 500 else 400
    share = Share(sum(QUESTIONS[question](world, random) for _ in range(runs)), runs)
    assert share.value <= LEVEL
    assert share.upper <= 0.065 or runs < 1_000


@pytest.mark.parametrize("world", WORLDS.values(), ids=WORLDS)
@pytest.mark.parametrize("population", ["this test set", "other test data"])
def test_intervals_hold_the_truth_as_often_as_they_say(world: World, population: str) -> None:
    random, happened = generator(5), missed(population)  # type: ignore[arg-type]
    runs = 2_000
    share = sum(happened(world, random) for _ in range(runs)) / runs
    assert 0.03 - 0.008 <= share <= 0.07 + 0.008  # 93 to 97 %, and two standard errors of a share of so many runs


def test_a_test_of_seeds_alone_would_claim_too_much_of_other_data() -> None:
    """What the second part of the variance is for: equivalence by seeds alone, with a difference outside the margin."""
    random, world = generator(6), World(0.86, n_samples=153, seed=0.02, rest=0.2)
    found = {"here": 0, "elsewhere": 0}
    for _ in range(300):
        answers, _ = world.heads(random, np.array([0.86, 0.872]))
        (verdict,) = verdicts("a", {"a": answers[0], "b": answers[1]})
        found["here"] += verdict.here.kind == "equivalent" or verdict.here.is_below_margin
        found["elsewhere"] += verdict.kind == "equivalent" or verdict.elsewhere.is_below_margin
    assert found["here"] / 300 > 0.1
    assert found["elsewhere"] / 300 <= LEVEL


def test_few_seeds_decide_nothing() -> None:
    n_right = np.array([0.95, 0.96, 0.97, 0.95, 0.96, 0.97])
    samples = np.arange(200)[None] / 200
    for n_seeds, kind in ((2, "not decided"), (FEWEST_SEEDS - 1, "not decided"), (FEWEST_SEEDS, "better")):
        first = samples < n_right[:n_seeds, None]
        (verdict,) = verdicts("a", {"a": first, "b": samples < n_right[:n_seeds, None] - 0.2})
        assert verdict.kind == verdict.here.kind == kind
        assert verdict.here.interval.is_range == (n_seeds < FEWEST_SEEDS)
        assert ("too few to decide anything" in sentence(verdict)) == (n_seeds < FEWEST_SEEDS)


def test_what_is_needed_decides_four_times_of_five_and_a_third_of_it_does_not() -> None:
    random, world = generator(7), World(0.85, n_seeds=40, n_samples=2_000, seed=0.3, sample_of_head=0.2)
    accuracies = np.array([0.85, 0.835])
    answers, _ = world.heads(random, accuracies)
    mean = paired_difference(*answers).mean
    # The true parts, as means of many tables have them; one table alone knows them badly.
    tables = [paired_difference(*world.heads(random, accuracies)[0]).mean for _ in range(30)]
    true = Mean(
        tuple(np.full(40, 0.015)), 2_000, *(float(np.mean([getattr(each, name) for each in tables])) for name in PARTS)
    )
    assert mean.n_seeds == true.n_seeds
    wanted = needed(true, margin=0.01)
    assert wanted is not None

    def decided(seeds: int, samples: int) -> float:
        small = World(0.85, n_seeds=max(seeds, 6), n_samples=samples, seed=0.3, sample_of_head=0.2)
        kinds = []
        for _ in range(100):
            first, second = small.heads(random, accuracies)[0]
            kinds.append(verdicts("a", {"a": first, "b": second})[0].kind)
        return float(np.mean([kind != "not decided" for kind in kinds]))

    assert decided(wanted.seeds, wanted.samples) > 0.68
    assert decided(wanted.seeds // 3, wanted.samples // 3) < 0.6


PARTS = ("seeds", "samples", "residual")


@pytest.mark.parametrize("distance", [0.0, 0.004, 0.02])
def test_needed_is_the_least_of_seeds_by_a_plain_search(distance: float) -> None:
    """With no part of the samples: how many seeds, by trying one number after the other."""
    spread, margin = 0.02, 0.01
    mean = Mean(tuple(np.full(10, distance)), 100, seeds=spread**2 * 100, samples=0.0, residual=0.0)

    def decides(n_seeds: int) -> bool:
        error = spread / np.sqrt(n_seeds)
        draws = stats.norm(distance, error)
        different = draws.sf(stats.norm.isf(LEVEL / 2) * error) + draws.cdf(-stats.norm.isf(LEVEL / 2) * error)
        inside = margin - stats.norm.isf(LEVEL) * error
        equal = draws.cdf(inside) - draws.cdf(-inside) if inside > 0 else 0
        return max(different, equal) >= 0.8

    expected = next(n for n in range(6, 5_000) if decides(n))
    wanted = needed(mean, margin)
    assert wanted is not None
    assert wanted.seeds == pytest.approx(expected, rel=0.02, abs=1)
    assert wanted.samples == 100


def test_more_samples_are_asked_for_where_seeds_cannot_do() -> None:
    mean = Mean(tuple(np.full(20, 0.005)), 200, seeds=0.15, samples=0.9, residual=0.1)
    wanted = needed(mean, 0.01)
    assert isinstance(wanted, Needed)
    assert wanted.samples > 200
    assert needed(Mean(tuple(np.full(20, 0.0)), 200, seeds=50.0, samples=90.0, residual=0.1), 0.0001) is None
