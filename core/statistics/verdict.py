"""The one rule by which a candidate is compared with its rivals, and the verdicts that it gives."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from core.errors import LabError
from core.statistics.intervals import FEWEST_SEEDS, LEVEL, share_interval
from core.statistics.metrics import Chance
from core.statistics.paired import PairedDifference, holm, paired_difference
from core.statistics.power import seeds_needed
from core.statistics.samples import SampleTest, sample_test

MARGIN = 1.0
"""Percent points of accuracy that are too few to matter, unless the user asks for another margin."""

LARGEST_MARGIN = 100.0
"""Percent points: accuracies cannot differ by more."""

RULE = (
    "Equivalent when two one-sided t tests place the mean paired difference inside ± the margin; otherwise better or "
    "worse when an exact Wilcoxon signed-rank test over the paired seeds rejects 'no difference' and the 95 % "
    "bootstrap interval of the mean difference lies on one side of zero; otherwise not enough evidence. Better or "
    "worse by less than the margin: the whole interval lies inside it. Neither learned anything, in place of "
    "equivalent: always giving the most frequent class of the test set is as accurate as the interval of either head "
    "allows, or more. On this test set: McNemar's test does not show that other test samples would tell the two apart "
    "as well. Each test's p values are corrected by Holm over the rivals: the chance of any wrong better or worse "
    "among all of them is held at 5 %, that of any wrong equivalent at another 5 %. "
    f"Fewer than {FEWEST_SEEDS} seeds decide nothing: in place of intervals they have ranges, lowest to highest seed."
)
"""The rule in words."""

VerdictKind = Literal["better", "worse", "equivalent", "at chance", "not enough evidence"]


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
    tost_holm: float | None
    """None where the seeds are too few for the test"""
    samples: SampleTest | None
    samples_holm: float | None
    n_rivals: int
    """How many questions Holm's correction shares the level among."""
    chance: Chance | None
    """What always giving one answer would reach; None where it is not known"""

    @property
    def n_seeds(self) -> int:
        """Paired seeds."""
        return len(self.paired.differences)

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
        return self.is_difference and self.samples_holm is not None and self.samples_holm >= LEVEL

    @cached_property
    def seeds_needed(self) -> int | None:
        """Seeds after which an answer is likely (power 0.8) if the present mean and spread are true; None: out of
        reach, or the question is answered already."""
        if self.kind != "not enough evidence":
            return None
        return seeds_needed(self.paired, self.margin / 100, self.n_rivals)


def check_margin(margin: float) -> float:
    """The margin in percent points; `LabError` if it cannot be one."""
    if not 0 < margin <= LARGEST_MARGIN:
        raise LabError(
            f"margin = {margin} is not possible: percent points above 0 and up to {LARGEST_MARGIN:g} are; try 1"
        )
    return margin


def verdicts(
    candidate: str,
    accuracy: Mapping[str, ArrayLike],
    margin: float = MARGIN,
    correct: Mapping[str, np.ndarray] | None = None,
    chance: Chance | None = None,
) -> list[Verdict]:
    """The candidate against every other head by `RULE`, in the order in which the heads come.

    accuracy: head → (n_seeds,) test accuracies in [0, 1], paired by position; margin: percent points, above 0 and
    up to 100; correct: head → (n_seeds, n_samples) bool, for the test over samples; chance: of this test set.
    Raises `LabError` for a margin or a candidate that is none, and for seeds that cannot be paired.
    """
    check_margin(margin)
    if candidate not in accuracy:
        raise LabError(f"candidate = {candidate!r} is not among the heads {', '.join(accuracy)}; name one of them")
    rivals = [name for name in accuracy if name != candidate]
    if not rivals:
        return []
    paired = [paired_difference(accuracy[candidate], accuracy[rival], margin / 100) for rival in rivals]
    wilcoxon = holm([one.wilcoxon_p for one in paired]).tolist()
    tost = [one.tost_p for one in paired if one.tost_p is not None]
    equivalent = holm(tost).tolist() if tost else [None] * len(rivals)
    samples = [sample_test(correct[candidate], correct[rival]) for rival in rivals] if correct else []
    samples_p = holm([one.p for one in samples]).tolist() if samples else []
    return [
        Verdict(
            candidate=candidate,
            rival=rival,
            kind=_kind(
                paired[index],
                wilcoxon[index],
                equivalent[index],
                chance is not None and all(_at_chance(accuracy[name], chance) for name in (candidate, rival)),
            ),
            margin=margin,
            paired=paired[index],
            wilcoxon_holm=wilcoxon[index],
            tost_holm=equivalent[index],
            samples=samples[index] if samples else None,
            samples_holm=samples_p[index] if samples else None,
            n_rivals=len(rivals),
            chance=chance,
        )
        for index, rival in enumerate(rivals)
    ]


def _kind(paired: PairedDifference, wilcoxon_p: float, tost_p: float | None, at_chance: bool) -> VerdictKind:
    if tost_p is not None and tost_p < LEVEL:
        return "at chance" if at_chance else "equivalent"
    if wilcoxon_p < LEVEL and paired.interval.low > 0:
        return "better"
    if wilcoxon_p < LEVEL and paired.interval.high < 0:
        return "worse"
    return "not enough evidence"


def _at_chance(accuracy: ArrayLike, chance: Chance) -> bool:
    """Whether one constant answer lies inside or above the interval of a head's mean accuracy."""
    return bool(share_interval(accuracy).low <= chance.accuracy)
