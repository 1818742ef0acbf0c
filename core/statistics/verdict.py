"""Intervals, paired tests and verdicts: what a set of seeds and test images can show, and what it cannot.

Two different questions are kept apart everywhere. *Seeds*: would the same two heads, started and shuffled anew, differ
on this very test set? Tests over paired seeds answer that, and only that: all seeds share one test set, so its sampling
error does not shrink with more seeds. *Images*: would they differ on other images? McNemar's test over images answers
that.

Metrics come in natural units (accuracy in [0, 1]); margins and sentences are in percent points.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import ceil, floor, log2, pi
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from core.errors import LabError

LEVEL = 0.05
"""Chance that is accepted of any wrong claim of one kind over all rivals of a comparison together: so much for
differences, so much again for equivalence, and so much again for what is said of other test samples."""

LARGEST_MARGIN = 100.0
"""Percent points: accuracies cannot differ by more."""

RULE = (
    "Equivalent when two one-sided t tests place the mean paired difference inside ± the margin; otherwise better or "
    "worse when a Wilcoxon signed-rank test over the paired seeds rejects 'no difference' and the 95 % bootstrap "
    "interval of the mean difference lies on one side of zero; otherwise not enough evidence. Better or worse by less "
    "than the margin: the whole interval lies inside it. On this test set: McNemar's test does not show that other "
    "test samples would tell the two apart as well. Each test's p values are corrected by Holm over the rivals: the "
    "chance of any wrong better or worse among all of them is held at 5 %, that of any wrong equivalent at another 5 %."
)
"""The one rule by which every verdict is computed, in words."""

MOST_SEEDS = 10_000
"""Beyond this many seeds a question counts as out of reach."""


@dataclass(frozen=True)
class Interval:
    """An estimate with the confidence interval around it; nan bounds where one value says nothing of its spread."""

    estimate: float
    low: float
    high: float
    level: float = 1 - LEVEL


def mean_interval(values: ArrayLike, level: float = 1 - LEVEL) -> Interval:
    """The mean of some independent values, shape (n,), with Student's t interval of that mean.

    Values that are not finite (a member that diverged) make the mean nan: nothing is left out in silence.
    """
    sample = _sample(values)
    mean = float(sample.mean())
    if len(sample) == 1:
        return Interval(mean, np.nan, np.nan, level)
    half = float(stats.t.ppf((1 + level) / 2, len(sample) - 1) * stats.sem(sample))
    return Interval(mean, mean - half, mean + half, level)


def wilson_interval(successes: int, trials: int, level: float = 1 - LEVEL) -> Interval:
    """The share of successes, e.g. of test images that are told rightly, with Wilson's interval."""
    if trials == 0:
        return Interval(np.nan, np.nan, np.nan, level)
    proportion = stats.binomtest(successes, trials).proportion_ci(level, method="wilson")
    return Interval(successes / trials, float(proportion.low), float(proportion.high), level)


def bootstrap_interval(values: ArrayLike, level: float = 1 - LEVEL, seed: int = 0) -> Interval:
    """The mean of some independent values, shape (n,), with its bias-corrected, accelerated bootstrap interval.

    Efron (1987), doi:10.1080/01621459.1987.10478410. No shape is assumed; the same values give the same interval.
    """
    sample = _sample(values)
    mean = float(sample.mean())
    if len(sample) == 1:
        return Interval(mean, np.nan, np.nan, level)
    if np.ptp(sample) == 0:
        return Interval(mean, mean, mean, level)
    found = stats.bootstrap(
        (sample,), np.mean, confidence_level=level, method="BCa", rng=np.random.default_rng(seed)
    ).confidence_interval
    return Interval(mean, float(found.low), float(found.high), level)


@dataclass(frozen=True)
class PairedDifference:
    """How one head's metric differs from another's over paired seeds (same split, same batch order in each pair)."""

    differences: tuple[float, ...]
    """Candidate minus rival, one for each seed."""
    interval: Interval
    """Mean difference with its 95 % BCa bootstrap interval."""
    wilcoxon_p: float
    """Two-sided Wilcoxon signed-rank test against no difference."""
    effect_size: float
    """Cohen's d_z: mean difference in units of its standard deviation between seeds; infinite without any spread."""
    wins: float
    """Share of the seeds in which the candidate is ahead; a tie counts half."""
    tost_p: float
    """Two one-sided t tests against a mean difference at or beyond ± margin."""


def paired_difference(candidate: ArrayLike, rival: ArrayLike, margin: float) -> PairedDifference:
    """Everything that paired seeds say of two heads.

    candidate, rival: (n_seeds,) metrics of the same seeds in the same order; margin: in the unit of the metric.
    """
    first, second = _sample(candidate), _sample(rival)
    if first.shape != second.shape:
        raise LabError(
            f"seeds = {len(first)} and {len(second)} cannot be paired: both heads need the same; run them together."
        )
    if len(first) < 2:
        raise LabError("seeds = 1 is not possible for a comparison: 2 or more are allowed; raise seeds to 20.")
    if not (np.isfinite(first).all() and np.isfinite(second).all()):
        raise LabError("Not all metrics are finite numbers: a head diverged; lower its learning_rate and run again.")
    # Accuracies are fractions of the test set: rounding takes away the noise that would tell equal ones apart.
    differences = np.round(first - second, 12)
    mean, spread = float(differences.mean()), float(differences.std(ddof=1))
    return PairedDifference(
        differences=tuple(differences.tolist()),
        interval=bootstrap_interval(differences),
        wilcoxon_p=_wilcoxon(differences),
        effect_size=mean / spread if spread > 0 else float(np.copysign(np.inf, mean)) if mean else 0.0,
        wins=float(((differences > 0) + (differences == 0) / 2).mean()),
        tost_p=_tost(differences, margin),
    )


def _wilcoxon(differences: np.ndarray) -> float:
    """Two-sided p value; seeds without a difference are ranked too (Pratt 1959) but count for neither side."""
    if not differences.any():
        return 1.0
    return float(stats.wilcoxon(differences, zero_method="pratt").pvalue)


def _tost(differences: np.ndarray, margin: float) -> float:
    """p value of two one-sided t tests; without any spread the mean is taken as it is."""
    from statsmodels.stats.weightstats import ttost_paired

    if np.ptp(differences) == 0:
        return 0.0 if abs(differences[0]) < margin else 1.0
    return float(ttost_paired(differences, np.zeros_like(differences), -margin, margin)[0])


def holm(p_values: ArrayLike) -> np.ndarray:
    """p values after Holm's step-down correction for as many questions as there are values, shape (n,)."""
    from statsmodels.stats.multitest import multipletests

    return np.asarray(multipletests(p_values, alpha=LEVEL, method="holm")[1])


@dataclass(frozen=True)
class ImageTest:
    """McNemar's exact test over the images, one network against one, typical of the seeds."""

    n_images: int
    candidate_alone: float
    """Images that the candidate alone tells rightly, mean over the paired seeds."""
    rival_alone: float
    p: float
    """Twice the median of the seeds' p values, at most 1: a valid p value however the seeds depend on each other
    (Vovk and Wang 2020, doi:10.1093/biomet/asaa027)."""


def image_test(candidate_correct: np.ndarray, rival_correct: np.ndarray) -> ImageTest:
    """Would the difference between two networks carry over to other images of the same kind?

    candidate_correct, rival_correct: (n_seeds, n_images) bool, rows paired by seed.
    """
    from statsmodels.stats.contingency_tables import mcnemar

    candidate_alone = (candidate_correct & ~rival_correct).sum(1)  # (n_seeds,)
    rival_alone = (~candidate_correct & rival_correct).sum(1)
    p = [mcnemar([[0, a], [b, 0]]).pvalue if a + b else 1.0 for a, b in zip(candidate_alone, rival_alone, strict=True)]
    return ImageTest(
        n_images=candidate_correct.shape[1],
        candidate_alone=float(candidate_alone.mean()),
        rival_alone=float(rival_alone.mean()),
        p=min(1.0, 2 * float(np.median(p))),
    )


VerdictKind = Literal["better", "worse", "equivalent", "not enough evidence"]


@dataclass(frozen=True)
class Verdict:
    """What may be said of the candidate against one rival, with the numbers that lead there."""

    candidate: str
    rival: str
    kind: VerdictKind
    margin: float
    """In percent points of accuracy."""
    paired: PairedDifference
    wilcoxon_holm: float
    tost_holm: float
    images: ImageTest | None
    images_holm: float | None
    n_rivals: int
    """How many questions Holm's correction shares the level among."""

    @property
    def is_difference(self) -> bool:
        """Whether one of the two is shown to be ahead."""
        return self.kind in ("better", "worse")

    @property
    def is_below_margin(self) -> bool:
        """Whether a difference is shown that does not matter: its whole interval lies inside the margin."""
        interval = self.paired.interval
        return self.is_difference and max(abs(interval.low), abs(interval.high)) * 100 < self.margin

    @property
    def is_this_test_set_alone(self) -> bool:
        """Whether a difference is shown over seeds, but not over test samples: other samples might not show it."""
        return self.is_difference and self.images_holm is not None and self.images_holm >= LEVEL

    @property
    def words(self) -> str:
        """The verdict in a few words, e.g. "better by less than the margin, on this test set"."""
        size = " by less than the margin" if self.is_below_margin else ""
        return f"{self.kind}{size}{', on this test set' if self.is_this_test_set_alone else ''}"

    @cached_property
    def seeds_needed(self) -> int | None:
        """Seeds after which an answer is likely (power 0.8) if the present mean and spread are true; None: out of
        reach, or the question is answered already."""
        if self.kind != "not enough evidence":
            return None
        return seeds_needed(self.paired, self.margin / 100, self.n_rivals)

    @cached_property
    def title(self) -> str:
        """The verdict as a headline."""
        return _title(self)

    @cached_property
    def sentence(self) -> str:
        """The verdict with the numbers that lead there, and what it does not say."""
        return _sentence(self)


def check_margin(margin: float) -> float:
    """The margin in percent points, if it can be one."""
    if not 0 < margin <= LARGEST_MARGIN:
        raise LabError(
            f"margin = {margin} is not possible: percent points above 0 and up to {LARGEST_MARGIN:g} are; try 1."
        )
    return margin


def verdicts(
    candidate: str,
    accuracy: Mapping[str, ArrayLike],
    margin: float = 1.0,
    correct: Mapping[str, np.ndarray] | None = None,
) -> list[Verdict]:
    """The candidate against every other head by `RULE`, in the order in which the heads come.

    accuracy: head → (n_seeds,) test accuracies in [0, 1], paired by position; margin: percent points, above 0 and
    up to 100; correct: head → (n_seeds, n_images) bool, for the test over images.
    """
    check_margin(margin)
    if candidate not in accuracy:
        raise LabError(f"candidate = {candidate!r} is not among the heads {', '.join(accuracy)}; name one of them.")
    rivals = [name for name in accuracy if name != candidate]
    if not rivals:
        return []
    paired = [paired_difference(accuracy[candidate], accuracy[rival], margin / 100) for rival in rivals]
    wilcoxon = holm([one.wilcoxon_p for one in paired])
    equivalent = holm([one.tost_p for one in paired])
    images = [image_test(correct[candidate], correct[rival]) for rival in rivals] if correct else []
    images_p = holm([one.p for one in images]) if correct else np.empty(0)
    found = []
    for index, rival in enumerate(rivals):
        found.append(
            Verdict(
                candidate=candidate,
                rival=rival,
                kind=_kind(paired[index], float(wilcoxon[index]), float(equivalent[index])),
                margin=margin,
                paired=paired[index],
                wilcoxon_holm=float(wilcoxon[index]),
                tost_holm=float(equivalent[index]),
                images=images[index] if correct else None,
                images_holm=float(images_p[index]) if correct else None,
                n_rivals=len(rivals),
            )
        )
    return found


def _kind(paired: PairedDifference, wilcoxon_p: float, tost_p: float) -> VerdictKind:
    if tost_p < LEVEL:
        return "equivalent"
    if wilcoxon_p < LEVEL and paired.interval.low > 0:
        return "better"
    if wilcoxon_p < LEVEL and paired.interval.high < 0:
        return "worse"
    return "not enough evidence"


def headline(found: Sequence[Verdict]) -> str:
    """All verdicts of one candidate in one sentence; those that nothing is known about are counted too."""
    candidate, margin = found[0].candidate, points(found[0].margin)
    counts = Counter(one.kind for one in found)

    def count(kind: VerdictKind) -> str:
        small = sum(one.is_below_margin for one in found if one.kind == kind)
        return f"{counts[kind]}{f' ({small} by less than {margin})' if small else ''}"

    told = (
        f"{candidate} is better than {count('better')} and worse than {count('worse')} of {len(found)} rivals, "
        f"equivalent within {margin} to {counts['equivalent']}"
    )
    if still_open := counts["not enough evidence"]:
        told += f"; not enough evidence for {still_open}"
        too_few = too_few_seeds(len(found[0].paired.differences), len(found))
        told += f" ({too_few})" if too_few else ""
    if here := sum(one.is_this_test_set_alone for one in found):
        shown = counts["better"] + counts["worse"]
        told += f"; {here} of {shown} difference{'' if shown == 1 else 's'} might not show on other test samples"
    return told


def points(number: float) -> str:
    """Percent points in words."""
    return f"{number:g} point{'' if number == 1 else 's'}"


def seeds_needed(paired: PairedDifference, margin: float, n_rivals: int = 1, power: float = 0.8) -> int | None:
    """Seeds at which the rule would likely decide, if the mean and spread of these differences are the true ones.

    The smaller of two numbers: for a difference, that of a t test times π/3 (the Wilcoxon test's efficiency under
    normal differences); for equivalence, that of a t test of the distance to the nearer margin. The level is divided
    by the number of rivals, Holm's first and strictest step. margin: in the unit of the metric.
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
    found = [ceil(difference * pi / 3)] if difference else []
    found += [equivalence] if equivalence else []
    return max(min(found), fewest_seeds(n_rivals), len(differences) + 1) if found else None


def fewest_seeds(n_comparisons: int) -> int:
    """The fewest paired seeds with which the rule can find any of so many rivals better or worse.

    The signed-rank test's smallest two-sided p value is 2^(1 - n): with fewer seeds Holm's first and strictest step
    lets none of the comparisons through, however clear the differences are. Equivalence is another test and may show.
    """
    return floor(1 - log2(LEVEL / n_comparisons)) + 1


def too_few_seeds(n_seeds: int, n_rivals: int) -> str:
    """That so few seeds cannot show any difference from so many rivals, and how many can; empty where they can."""
    fewest = fewest_seeds(n_rivals)
    if n_seeds >= fewest:
        return ""
    rivals = f" from any of {n_rivals} rivals" if n_rivals > 1 else ""
    return f"{n_seeds} seeds are too few to show a difference{rivals}, however clear: it takes {fewest}"


def _title(verdict: Verdict) -> str:
    match verdict.kind:
        case "equivalent":
            return f"{verdict.candidate} and {verdict.rival} are equivalent within {points(verdict.margin)}"
        case "not enough evidence":
            return f"{verdict.candidate} against {verdict.rival}: not enough evidence"
        case kind:
            size = _size(verdict.paired.interval.estimate)
            if verdict.is_below_margin:
                return f"{verdict.candidate} is {kind} than {verdict.rival}, but by less than the margin ({size})"
            return f"{verdict.candidate} is {kind} than {verdict.rival} by {size}"


def _sentence(verdict: Verdict) -> str:
    paired, interval = verdict.paired, verdict.paired.interval
    seeds = len(paired.differences)
    mean = _signed(interval.estimate) if _signed(interval.estimate) != "0.0" else "less than 0.1"
    over = (
        f"Over {seeds} paired seeds on this test set {verdict.candidate} differs from {verdict.rival} by {mean} points "
        f"(95 % interval {_signed(interval.low)} to {_signed(interval.high)})"
    )
    match verdict.kind:
        case "equivalent":
            shown = verdict.wilcoxon_holm < LEVEL
            also = "; the small difference is there in most seeds, but it is less than the margin" if shown else ""
            text = f"{over}: inside ± {points(verdict.margin)} (TOST p {_p(verdict.tost_holm)}){also}."
        case "not enough evidence":
            more = (
                f"about {verdict.seeds_needed} seeds would likely decide"
                if verdict.seeds_needed
                else f"even {MOST_SEEDS:,} seeds would hardly decide"
            )
            too_few = too_few_seeds(seeds, verdict.n_rivals)
            text = (
                f"{over}: neither a difference (Wilcoxon p {_p(verdict.wilcoxon_holm)}) nor equality within "
                f"± {points(verdict.margin)} (TOST p {_p(verdict.tost_holm)}) is shown; "
                f"{f'{too_few}; ' if too_few else ''}{more}."
            )
        case kind:
            ahead = f"ahead in {paired.wins * seeds:g} of {seeds} seeds, a tie as half"
            small = f", but by less than the margin of {points(verdict.margin)}" if verdict.is_below_margin else ""
            text = f"{over}: {kind}{small} (Wilcoxon p {_p(verdict.wilcoxon_holm)}, {ahead})."
    images = verdict.images
    if images is None or verdict.images_holm is None:
        return text
    counts = (
        f"of {images.n_images} test samples {verdict.candidate} alone gets {images.candidate_alone:.1f} right and "
        f"{verdict.rival} alone {images.rival_alone:.1f}, mean over seeds (McNemar p {_p(verdict.images_holm)})"
    )
    if verdict.images_holm < LEVEL:
        return f"{text} Other test samples would show a difference too: {counts}."
    return f"{text} This is about seeds; whether other test samples would show it stays open: {counts}."


def _size(difference: float) -> str:
    """How large a difference is, in percent points."""
    size = f"{abs(difference) * 100:.1f}"
    return f"{size} points" if size != "0.0" else "less than 0.1 points"


def _signed(difference: float) -> str:
    """Percent points with their sign, which zero has not."""
    rounded = round(difference * 100, 1)
    return f"{rounded:+.1f}" if rounded else "0.0"


def _p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"= {value:.3f}"


@dataclass(frozen=True)
class Ranking:
    """Average ranks of heads over data sets, Friedman's test and Nemenyi's critical difference.

    Demšar (2006), Statistical Comparisons of Classifiers over Multiple Data Sets, JMLR 7.
    """

    ranks: dict[str, float]
    """Head → average rank, best (lowest) first."""
    n_datasets: int
    p: float
    critical_difference: float
    groups: tuple[tuple[str, ...], ...]
    """Largest sets of neighbours whose ranks differ by less than the critical difference."""


def ranking(scores: Mapping[str, ArrayLike]) -> Ranking:
    """Ranks the heads, shape head → (n_datasets,) scores where more is better; needs 3 heads and 2 data sets."""
    names = list(scores)
    table = np.array([scores[name] for name in names], dtype=float)  # (n_heads, n_datasets)
    if table.ndim != 2 or table.shape[0] < 3 or table.shape[1] < 2:
        raise LabError("Ranks need 3 or more heads on 2 or more data sets; run more comparisons.")
    n_heads, n_datasets = table.shape
    average = stats.rankdata(-table, axis=0).mean(1)
    order = np.argsort(average, kind="stable")
    quantile = stats.studentized_range.ppf(1 - LEVEL, n_heads, np.inf) / np.sqrt(2)
    critical = float(quantile * np.sqrt(n_heads * (n_heads + 1) / (6 * n_datasets)))
    sorted_ranks = average[order]
    spans = [(i, int(np.searchsorted(sorted_ranks, sorted_ranks[i] + critical, side="right"))) for i in range(n_heads)]
    largest = [span for i, span in enumerate(spans) if span[1] - span[0] > 1 and (i == 0 or span[1] > spans[i - 1][1])]
    varied = bool((np.ptp(table, axis=0) > 0).any())
    return Ranking(
        ranks={names[i]: float(average[i]) for i in order},
        n_datasets=n_datasets,
        p=float(stats.friedmanchisquare(*table).pvalue) if varied else 1.0,
        critical_difference=critical,
        groups=tuple(tuple(names[i] for i in order[start:stop]) for start, stop in largest),
    )


def expected_calibration_error(probabilities: np.ndarray, labels: np.ndarray, bins: int = 15) -> float:
    """Mean distance between confidence and accuracy, weighted by the share of samples in each confidence bin.

    probabilities: (n, classes); labels: (n,). Guo et al. (2017), arXiv:1706.04599, eq. 3, equal-width bins.
    """
    confidence = probabilities.max(1)
    correct = probabilities.argmax(1) == labels
    bin_of = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = np.bincount(bin_of, weights=confidence - correct, minlength=bins)
    return float(np.abs(gaps).sum() / len(labels))


def area_under_curve(scores: np.ndarray, labels: np.ndarray) -> float:
    """Area under the ROC curve; more than two classes: mean of one against the rest. nan if a class has no sample.

    scores: (n, classes), larger is more likely; they need not be probabilities; labels: (n,).
    """
    from sklearn.metrics import roc_auc_score

    n_classes = scores.shape[1]
    if len(np.unique(labels)) < n_classes:
        return float("nan")
    if n_classes == 2:
        return float(roc_auc_score(labels, scores[:, 1]))
    return float(np.mean([roc_auc_score(labels == label, scores[:, label]) for label in range(n_classes)]))


def _sample(values: ArrayLike) -> np.ndarray:
    sample = np.asarray(values, dtype=float)
    if sample.ndim != 1 or sample.size == 0:
        raise LabError(f"values of shape {sample.shape} are not a sample: give one number for each seed.")
    return sample
