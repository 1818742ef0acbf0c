"""Two heads over test samples: would their difference carry over to other samples of the same kind?"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class SampleTest:
    """McNemar's exact test over the test samples, one network against one, typical of the seeds."""

    n_samples: int
    candidate_alone: float
    """Samples that the candidate alone classifies correctly, mean over the paired seeds."""
    rival_alone: float
    p: float
    """Twice the median of the seeds' p values, at most 1: a valid p value however the seeds depend on each other
    (Vovk and Wang 2020, doi:10.1093/biomet/asaa027)."""


def sample_test(candidate_correct: np.ndarray, rival_correct: np.ndarray) -> SampleTest:
    """Whether other test samples would show a difference too.

    candidate_correct, rival_correct: (n_seeds, n_samples) bool, rows paired by seed.
    """
    from statsmodels.stats.contingency_tables import mcnemar

    candidate_alone = (candidate_correct & ~rival_correct).sum(1)  # (n_seeds,)
    rival_alone = (~candidate_correct & rival_correct).sum(1)
    p = [mcnemar([[0, a], [b, 0]]).pvalue if a + b else 1.0 for a, b in zip(candidate_alone, rival_alone, strict=True)]
    return SampleTest(
        n_samples=candidate_correct.shape[1],
        candidate_alone=float(candidate_alone.mean()),
        rival_alone=float(rival_alone.mean()),
        p=min(1.0, 2 * float(np.median(p))),
    )
