"""Intervals and tests against scipy, a second way or a hand-made truth; verdicts against simulated truth."""

import gc
from collections.abc import Iterator

import numpy as np
import pytest
from scipy import stats
from sklearn.calibration import calibration_curve

from core.errors import LabError
from core.report.verdicts import headline, sentence, title, words
from core.statistics.intervals import LEVEL, bootstrap_interval, mean_interval, wilson_interval
from core.statistics.metrics import Chance, area_under_curve, chance_level, expected_calibration_error
from core.statistics.paired import holm, paired_difference
from core.statistics.power import fewest_seeds, seeds_needed
from core.statistics.ranking import ranking
from core.statistics.samples import sample_test
from core.statistics.verdict import verdicts

SEEDS = 20


@pytest.fixture
def little_garbage() -> Iterator[None]:
    """statsmodels collects garbage at every Holm correction; simulations need it to look at new objects only."""
    gc.freeze()
    yield
    gc.unfreeze()


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_mean_interval_is_that_of_scipys_t_test() -> None:
    values = generator().normal(0.9, 0.02, 12)
    found = mean_interval(values)
    expected = stats.ttest_1samp(values, 0).confidence_interval()
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
    assert found.estimate == pytest.approx(values.mean())


def test_one_value_says_nothing_of_its_spread() -> None:
    for interval in (mean_interval([0.7]), bootstrap_interval([0.7])):
        assert interval.estimate == 0.7
        assert np.isnan(interval.low)
        assert np.isnan(interval.high)


def test_wilson_interval_solves_its_quadratic() -> None:
    found = wilson_interval(140, 153)
    z = stats.norm.ppf(0.975)
    for bound in (found.low, found.high):
        assert (140 / 153 - bound) ** 2 == pytest.approx(z**2 * bound * (1 - bound) / 153)
    assert wilson_interval(153, 153).high == pytest.approx(1.0)


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    random = generator(1)
    hits_t = hits_bootstrap = 0
    for _ in range(300):
        sample = random.normal(0.5, 0.1, SEEDS)
        for interval, kind in ((mean_interval(sample), "t"), (bootstrap_interval(sample), "bootstrap")):
            inside = interval.low <= 0.5 <= interval.high
            hits_t += inside and kind == "t"
            hits_bootstrap += inside and kind == "bootstrap"
    assert 0.91 <= hits_t / 300 <= 0.99
    assert 0.89 <= hits_bootstrap / 300 <= 0.99


def test_bootstrap_interval_is_the_same_again_and_shrinks_to_a_constant() -> None:
    sample = generator(2).normal(size=SEEDS)
    assert bootstrap_interval(sample) == bootstrap_interval(sample)
    constant = bootstrap_interval(np.full(SEEDS, 0.03))
    assert (constant.low, constant.high) == pytest.approx((0.03, 0.03))


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])


def test_paired_difference_by_other_ways() -> None:
    random = generator(3)
    rival = random.normal(0.9, 0.02, SEEDS)
    candidate = rival + random.normal(0.01, 0.01, SEEDS)
    found = paired_difference(candidate, rival, margin=0.02)
    difference = candidate - rival
    assert found.wilcoxon_p == pytest.approx(stats.wilcoxon(difference, method="exact").pvalue)
    assert found.effect_size == pytest.approx(stats.ttest_rel(candidate, rival).statistic / np.sqrt(SEEDS))
    one_sided = [
        stats.ttest_1samp(difference, -0.02, alternative="greater").pvalue,
        stats.ttest_1samp(difference, 0.02, alternative="less").pvalue,
    ]
    assert found.tost_p == pytest.approx(max(one_sided))
    assert found.wins == (difference > 0).mean()


def test_equal_heads_never_differ() -> None:
    same = 0.9 + 0.01 * np.arange(8)
    found = paired_difference(same, same, margin=0.01)
    assert found.wilcoxon_p == 1
    assert found.effect_size == 0
    assert found.wins == 0.5
    assert found.tost_p == 0.5**8  # the sign test: all eight lie inside the margin


@pytest.mark.parametrize(
    ("candidate", "rival"), [([0.9], [0.8]), ([0.9, 0.8], [0.9]), ([0.9, float("nan")], [0.9, 0.8]), ([], [])]
)
def test_what_cannot_be_paired_is_refused(candidate: list[float], rival: list[float]) -> None:
    with pytest.raises(LabError):
        paired_difference(candidate, rival, margin=0.01)


@pytest.mark.parametrize(
    ("margin", "candidate"), [(0, "a"), (float("nan"), "a"), (float("inf"), "a"), (101, "a"), (1, "c")]
)
def test_questions_that_make_no_sense_are_refused(margin: float, candidate: str) -> None:
    with pytest.raises(LabError):
        verdicts(candidate, {"a": [0.9, 0.8], "b": [0.8, 0.9]}, margin)


def accuracies(random: np.random.Generator, shift: float, spread: float, n_test: int = 200) -> dict[str, np.ndarray]:
    """Paired test accuracies with their grain of 1 / n_test: seeds share a part, rivals trail by ``shift``."""
    shared = random.normal(0.9, 0.01, SEEDS)
    heads = {"quantum": shared} | {f"rival {i}": shared - shift + random.normal(0, spread, SEEDS) for i in range(3)}
    return {name: np.round(values * n_test) / n_test for name, values in heads.items()}


def test_a_true_difference_is_found_in_the_right_direction() -> None:
    better = verdicts("quantum", accuracies(generator(4), +0.03, 0.01))
    worse = verdicts("quantum", accuracies(generator(4), -0.03, 0.01))
    assert {one.kind for one in better} == {"better"}
    assert {one.kind for one in worse} == {"worse"}
    assert "better" in title(better[0])
    assert "quantum" in sentence(better[0])


def test_true_equality_is_found_with_little_noise_and_left_open_with_much() -> None:
    assert {one.kind for one in verdicts("quantum", accuracies(generator(5), 0.0, 0.005))} == {"equivalent"}
    opened = verdicts("quantum", accuracies(generator(16), 0.0, 0.05))
    assert {one.kind for one in opened} == {"not enough evidence"}
    assert all(one.seeds_needed is None or one.seeds_needed > SEEDS for one in opened)


def test_a_small_but_certain_difference_is_equivalent_and_says_so() -> None:
    random = generator(6)
    rival = random.normal(0.9, 0.01, SEEDS)
    (found,) = verdicts("a", {"a": rival + 0.004 + random.normal(0, 0.001, SEEDS), "b": rival}, margin=1.0)
    assert found.kind == "equivalent"
    assert "less than the margin" in sentence(found)


def test_a_shown_difference_inside_the_margin_says_that_it_is_less() -> None:
    """Too uneven to be called equivalent with so many rivals, and yet the whole interval lies inside the margin."""
    random = generator(18)
    rival = random.normal(0.8, 0.01, SEEDS)
    near = rival - 0.007 + 0.0045 * stats.zscore(random.normal(size=SEEDS), ddof=1)
    rest = {f"far {index}": rival + random.normal(0.3, 0.02, SEEDS) for index in range(19)}
    found = verdicts("a", {"a": rival, "near": near, "far": rival - 0.1, **rest}, margin=0.95)
    small, large = found[0], found[1]
    assert small.kind == "better"
    assert small.paired.interval.high < 0.0095
    assert "but by less than the margin" in title(small)
    assert "but by less than the margin of 0.95 points" in sentence(small)
    assert words(small) == "better by less than the margin"
    assert (large.kind, words(large)) == ("better", "better")
    assert "margin" not in title(large)
    assert "better than 2 (1 by less than 0.95 points) and worse than 19 of 21 rivals" in headline(found)


def test_what_rounds_to_zero_is_no_signed_zero() -> None:
    rival = generator(19).normal(0.9, 0.01, SEEDS)
    same, less = verdicts("a", {"a": rival, "same": rival, "less": rival - 0.0001}, margin=1.0)
    assert "by less than 0.1 points (95 % interval 0.0 to 0.0)" in sentence(same)
    assert "by less than 0.1 points (95 % interval 0.0 to 0.0)" in sentence(less)


@pytest.mark.usefixtures("little_garbage")
def test_wrong_claims_of_each_kind_stay_under_the_level_in_one_comparison() -> None:
    """Some rivals are as good, others lie at the margin's edge: a winner among the first is wrong, and so is an
    equivalence to one of the others."""
    random = generator(20)
    rounds = 300
    winners = equals = 0
    for _ in range(rounds):
        heads = accuracies(random, 0.0, 0.01, 2000)
        edge = {f"edge {side}": heads["quantum"] + side * 0.01 + random.normal(0, 0.01, SEEDS) for side in (-1, 1)}
        kinds = {one.rival: one.kind for one in verdicts("quantum", heads | edge, margin=1.0)}
        winners += any(kinds[f"rival {index}"] in ("better", "worse") for index in range(3))
        equals += any(kinds[name] == "equivalent" for name in edge)
    allowed = LEVEL + 3 * np.sqrt(LEVEL * (1 - LEVEL) / rounds)
    assert winners / rounds <= allowed
    assert equals / rounds <= allowed


@pytest.mark.usefixtures("little_garbage")
def test_false_winners_stay_under_the_level_over_all_rivals() -> None:
    """Under the null, any of three rivals called better or worse is one false claim."""
    random = generator(7)
    rounds = 500
    false = sum(
        any(one.kind in ("better", "worse") for one in verdicts("quantum", accuracies(random, 0.0, 0.03), margin=0.1))
        for _ in range(rounds)
    )
    # The share itself is random: three standard errors of a share at the level are allowed for it.
    assert false / rounds <= LEVEL + 3 * np.sqrt(LEVEL * (1 - LEVEL) / rounds)


@pytest.mark.usefixtures("little_garbage")
def test_false_winners_stay_under_the_level_when_seeds_fail_now_and_then() -> None:
    """Heads that get stuck in one of ten seeds give skewed accuracies; the null is that both do so alike."""
    random = generator(8)
    rounds = 1000

    def stuck() -> np.ndarray:
        return np.where(random.random(SEEDS) < 0.1, 0.6, 0.95) + random.normal(0, 0.01, SEEDS)

    false = sum(verdicts("a", {"a": stuck(), "b": stuck()})[0].kind in ("better", "worse") for _ in range(rounds))
    assert false / rounds <= LEVEL + 3 * np.sqrt(LEVEL * (1 - LEVEL) / rounds)


@pytest.mark.usefixtures("little_garbage")
@pytest.mark.parametrize("side", [-1, 1])
def test_false_equivalence_stays_under_the_level_at_the_margins_edge(side: int) -> None:
    random = generator(9)
    rounds = 1000
    false = 0
    for _ in range(rounds):
        rival = random.normal(0.9, 0.01, SEEDS)
        candidate = rival + side * 0.01 + random.normal(0, 0.004, SEEDS)
        false += verdicts("a", {"a": candidate, "b": rival}, margin=1.0)[0].kind == "equivalent"
    assert false / rounds <= LEVEL + 3 * np.sqrt(LEVEL * (1 - LEVEL) / rounds)


def test_seeds_needed_are_enough_and_a_third_of_them_is_not() -> None:
    random = generator(10)
    exact = stats.zscore(random.normal(size=10), ddof=1) * 0.02 + 0.01  # mean 1 point, spread 2 points
    needed = seeds_needed(paired_difference(exact + 0.9, np.full(10, 0.9), 0.005), margin=0.005)
    assert needed is not None

    def power(n_seeds: int) -> float:
        draws = random.normal(0.01, 0.02, (400, n_seeds))
        return float(np.mean([stats.wilcoxon(draw).pvalue < LEVEL for draw in draws]))

    assert power(needed) > 0.72
    assert power(needed // 3) < 0.5


def test_seeds_needed_are_none_where_no_number_of_seeds_decides() -> None:
    exact = stats.zscore(generator(11).normal(size=10)) * 0.5 + 0.001
    assert seeds_needed(paired_difference(exact + 0.9, np.full(10, 0.9), 0.001), margin=0.001) is None


def test_three_seeds_can_reject_nothing_and_the_verdict_says_how_many_can() -> None:
    (found,) = verdicts("a", {"a": [0.95, 0.96, 0.97], "b": [0.85, 0.86, 0.88]}, margin=1.0)
    assert found.kind == "not enough evidence"
    assert found.seeds_needed is not None
    assert 6 <= found.seeds_needed <= 10
    assert "3 seeds are too few to show a difference, however clear: it takes 6" in sentence(found)


def test_the_headline_says_that_seeds_are_too_few_where_they_are() -> None:
    def told(n_seeds: int) -> str:
        ahead = 0.9 + 0.001 * np.arange(n_seeds)
        far = {f"rival {index}": ahead - 0.2 - 0.01 * np.arange(n_seeds) for index in range(24)}
        near = {"noisy": ahead + 0.05 * (-1.0) ** np.arange(n_seeds)}
        return headline(verdicts("quantum", {"quantum": ahead} | far | near))

    assert (
        "for 25 (2 seeds are too few to show a difference from any of 25 rivals, however clear: it takes 10, and 6 for "
        "equivalence)" in told(2)
    )
    assert told(10).endswith("not enough evidence for 1")


@pytest.mark.parametrize("n_rivals", [1, 2, 5, 24, 40])
def test_the_fewest_seeds_are_those_with_which_clear_differences_begin_to_show(n_rivals: int) -> None:
    fewest = fewest_seeds(n_rivals)
    for n_seeds, kind in ((fewest - 1, "not enough evidence"), (fewest, "better")):
        clear = 0.9 + 0.001 * np.arange(n_seeds)
        rivals = {f"rival {index}": clear - 0.2 - 0.002 * np.arange(n_seeds) for index in range(n_rivals)}
        assert {one.kind for one in verdicts("quantum", {"quantum": clear} | rivals)} == {kind}


def test_sample_test_is_the_binomial_test_of_a_typical_pair_of_seeds() -> None:
    first = generator(12).random(500) < 0.9
    pairs = [(14, 4), (15, 4), (13, 4)]  # images that one head alone tells rightly, in three seeds
    candidate, rival = np.tile(first, (3, 1)), np.tile(first, (3, 1))
    for seed, (lost, won) in enumerate(pairs):
        rival[seed, np.flatnonzero(first)[:lost]] = False
        rival[seed, np.flatnonzero(~first)[:won]] = True
    found = sample_test(candidate, rival)
    assert (found.n_samples, found.candidate_alone, found.rival_alone) == (500, 14, 4)
    assert found.p == pytest.approx(2 * stats.binomtest(14, 18).pvalue)
    assert sample_test(candidate, candidate).p == 1


def test_false_claims_about_images_stay_under_the_level() -> None:
    """Heads of the same true quality, whose seeds agree on which images are hard."""
    random = generator(17)
    rounds = 500
    false = 0
    for _ in range(rounds):
        hard = random.random(150) < 0.2
        heads = [(random.random(150) < np.where(hard, 0.5, 0.98)) ^ (random.random((5, 150)) < 0.01) for _ in range(2)]
        false += sample_test(*heads).p < LEVEL
    assert false / rounds <= LEVEL + 3 * np.sqrt(LEVEL * (1 - LEVEL) / rounds)


def test_more_seeds_do_not_make_few_images_more() -> None:
    """Certain over seeds, open over images: both heads always answer alike, and two images of 100 tell them apart."""
    right = np.ones((SEEDS, 100), dtype=bool)
    right[:, :10] = False
    rival = right.copy()
    rival[:, 10:12] = False
    (found,) = verdicts("a", {"a": right.mean(1), "b": rival.mean(1)}, 1.0, {"a": right, "b": rival})
    assert found.kind == "better"
    assert found.samples is not None
    assert found.samples.p == 1
    assert "stays open" in sentence(found)
    assert words(found) == "better, on this test set"
    assert "1 of 1 difference might not show on other test samples" in headline([found])
    many = np.ones((SEEDS, 400), dtype=bool)
    worse = many.copy()
    worse[:, :40] = False
    (found,) = verdicts("a", {"a": many.mean(1), "b": worse.mean(1)}, 1.0, {"a": many, "b": worse})
    assert words(found) == "better"
    assert "other test samples" not in headline([found])


def test_ranking_finds_the_order_and_groups_what_it_cannot_separate() -> None:
    random = generator(13)
    base = random.normal(0.8, 0.05, 30)
    found = ranking({"low": base - 0.1, "high": base + 0.1, "middle": base + 0.001 * random.normal(size=30)})
    assert list(found.ranks.items()) == [("high", 1.0), ("middle", 2.0), ("low", 3.0)]
    assert found.groups == ()
    # Demšar (2006), table 5: q(0.05) is 2.343 for three heads.
    assert found.critical_difference == pytest.approx(2.343 * np.sqrt(3 * 4 / (6 * 30)), rel=1e-3)
    assert found.p < 1e-6
    few = ranking({"low": base[:2] - 0.1, "high": base[:2] + 0.1, "middle": base[:2]})
    assert few.groups == (("high", "middle", "low"),)
    assert ranking({"a": [1, 1], "b": [1, 1], "c": [1, 1]}).p == 1
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


def test_two_heads_that_learned_nothing_are_told_so_in_place_of_equivalent() -> None:
    random = generator(26)
    chance = Chance("bee", 0.542)
    at = chance.accuracy + 0.002 * random.normal(size=(2, 12))
    for heads, kind in (
        ({"a": at[0], "b": at[1]}, "at chance"),
        ({"a": at[0] - 0.05, "b": at[1] - 0.05}, "at chance"),
        ({"a": at[0] + 0.2, "b": at[1] + 0.2}, "equivalent"),
        ({"a": at[0] + 0.005, "b": at[1]}, "equivalent"),  # one of them is above
        ({"a": at[0], "b": at[1] + 0.2}, "worse"),
    ):
        (found,) = verdicts("a", heads, chance=chance)
        assert found.kind == kind
        assert ("always answering 'bee' gives 54.2 %" in sentence(found)) == (kind == "at chance")
        assert ("equivalent" in title(found)) == (kind == "equivalent")
    (found,) = verdicts("a", {"a": at[0], "b": at[1]}, chance=chance)
    assert words(found) == "neither learned anything"
    assert "neither it nor 1 of them learned anything (always answering 'bee' gives 54.2 %)" in headline([found])
    assert "equivalent within 1 point to 0" in headline([found])
    assert verdicts("a", {"a": at[0], "b": at[1]})[0].kind == "equivalent"  # chance level not known
