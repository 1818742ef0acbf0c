"""The one rule by which a candidate is compared with its rivals, and the verdicts that it gives."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from core.errors import LabError
from core.statistics.crossed import POPULATIONS, Mean, Population
from core.statistics.intervals import FEWEST_SEEDS, LEVEL, Interval
from core.statistics.metrics import Chance
from core.statistics.paired import PairedDifference, holm, paired_difference
from core.statistics.power import Needed, needed

MARGIN = 1.0
"""Percent points of accuracy that are too few to matter, unless the user asks for another margin."""

LARGEST_MARGIN = 100.0
"""Percent points: accuracies cannot differ by more."""

RULE = (
    "Every seed answers every test sample, so a difference of accuracies varies with the seeds (start, batches, cut of "
    "the training data) and with the samples. A two-way analysis of variance separates the two. 'On this test set' "
    "asks what other seeds would do and counts the seeds' part alone; 'on other test data' asks about other samples of "
    "the kind too and counts both. Better or worse: a t test with that error rejects 'no difference'. Equivalent: two "
    "one-sided t tests place the difference inside ± the margin. Both together: better or worse, by less than the "
    "margin. Neither: not decided. Each test's p values are corrected by Holm over the rivals, so the chance of any "
    "wrong better or worse among all of them is 5 %, that of any wrong equivalent another 5 %. Neither learned "
    "anything, in place of equivalent: always giving the most frequent class is as accurate as the interval of either "
    f"head allows, or more. Fewer than {FEWEST_SEEDS} seeds decide nothing: in place of intervals they have ranges."
)
"""The rule in words."""

VerdictKind = Literal["better", "worse", "equivalent", "at chance", "not decided"]


@dataclass(frozen=True)
class Finding:
    """What may be said of the candidate against one rival, about one population."""

    kind: VerdictKind
    is_below_margin: bool
    """Whether a difference is shown, and that it is smaller than the margin"""
    interval: Interval
    """Of candidate minus rival, in [-1, 1]"""
    difference_p: float
    """After Holm's correction, as the next one"""
    equivalence_p: float

    @property
    def is_difference(self) -> bool:
        """Whether one of the two is shown to be ahead."""
        return self.kind in ("better", "worse")


@dataclass(frozen=True)
class Verdict:
    """What may be said of the candidate against one rival, with the numbers that lead there."""

    candidate: str
    rival: str
    margin: float
    """In percent points of accuracy."""
    paired: PairedDifference
    here: Finding
    """On this test set"""
    elsewhere: Finding
    """On other test data of the kind"""
    n_rivals: int
    """How many questions Holm's correction shares the level among."""
    chance: Chance | None
    """What always giving one answer would reach; None where it is not known"""

    @property
    def n_seeds(self) -> int:
        """Paired seeds."""
        return self.paired.mean.n_seeds

    @property
    def kind(self) -> VerdictKind:
        """What holds for other test data too."""
        return self.elsewhere.kind

    @property
    def is_for_this_test_set_alone(self) -> bool:
        """Whether this test set decides what other test data leave open."""
        return self.kind == "not decided" and self.here.kind != "not decided"

    @cached_property
    def needed(self) -> Needed | None:
        """Seeds and samples with which an answer is likely, if the present mean and spread are true; None: out of
        reach, or the question is answered already."""
        return needed(self.paired.mean, self.margin / 100, self.n_rivals) if self.kind == "not decided" else None


def check_margin(margin: float) -> float:
    """The margin in percent points; `LabError` if it cannot be one."""
    if not 0 < margin <= LARGEST_MARGIN:
        raise LabError(
            f"margin = {margin} is not possible: percent points above 0 and up to {LARGEST_MARGIN:g} are; try 1"
        )
    return margin


def verdicts(
    candidate: str, correct: Mapping[str, np.ndarray], margin: float = MARGIN, chance: Chance | None = None
) -> list[Verdict]:
    """The candidate against every other head by `RULE`, in the order in which the heads come.

    correct: head → (n_seeds, n_samples) bool, rows paired by seed; margin: percent points, above 0 and up to 100;
    chance: of this test set. Raises `LabError` for a margin or a candidate that is none, and for what cannot be paired.
    """
    check_margin(margin)
    if candidate not in correct:
        raise LabError(f"candidate = {candidate!r} is not among the heads {', '.join(correct)}; name one of them")
    rivals = [name for name in correct if name != candidate]
    if not rivals:
        return []
    paired = [paired_difference(correct[candidate], correct[rival]) for rival in rivals]
    at_chance = [
        chance is not None and all(_at_chance(correct[name], chance) for name in (candidate, rival)) for rival in rivals
    ]
    here, elsewhere = (_findings([one.mean for one in paired], margin, at_chance, each) for each in POPULATIONS)
    return [
        Verdict(candidate, rival, margin, *of_rival, len(rivals), chance)
        for rival, of_rival in zip(rivals, zip(paired, here, elsewhere, strict=True), strict=True)
    ]


def _findings(means: list[Mean], margin: float, at_chance: list[bool], population: Population) -> list[Finding]:
    """What may be said of a family of differences, about one population."""
    different = holm([mean.difference_p(population) for mean in means]).tolist()
    equal = holm([mean.equivalence_p(margin / 100, population) for mean in means]).tolist()
    return [
        Finding(
            kind=_kind(mean.estimate, different_p, equal_p, nothing_learned),
            is_below_margin=max(different_p, equal_p) < LEVEL,
            interval=mean.interval(population),
            difference_p=different_p,
            equivalence_p=equal_p,
        )
        for mean, different_p, equal_p, nothing_learned in zip(means, different, equal, at_chance, strict=True)
    ]


def _kind(estimate: float, different_p: float, equal_p: float, at_chance: bool) -> VerdictKind:
    if equal_p < LEVEL and at_chance:
        return "at chance"
    if different_p < LEVEL:
        return "better" if estimate > 0 else "worse"
    return "equivalent" if equal_p < LEVEL else "not decided"


def _at_chance(correct: np.ndarray, chance: Chance) -> bool:
    """Whether one constant answer lies inside or above the interval of a head's mean accuracy."""
    return Mean.of(correct).interval("this test set").low <= chance.accuracy
