"""Heads over many data sets: average ranks and Nemenyi's critical difference."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from core.errors import LabError
from core.statistics.intervals import LEVEL


@dataclass(frozen=True)
class Ranking:
    """Average ranks of heads over data sets.

    Demšar (2006), Statistical Comparisons of Classifiers over Multiple Data Sets, JMLR 7.
    """

    ranks: dict[str, float]
    """Head → average rank, best (lowest) first."""
    n_datasets: int
    critical_difference: float
    groups: tuple[tuple[str, ...], ...]
    """Largest sets of neighbours whose ranks differ by less than the critical difference."""


def ranking(scores: Mapping[str, ArrayLike]) -> Ranking:
    """Ranks of the heads. scores: head → (n_datasets,), more is better; `LabError` below 3 heads or 2 data sets."""
    names = list(scores)
    table = np.array([scores[name] for name in names], dtype=float)  # (n_heads, n_datasets)
    if table.ndim != 2 or table.shape[0] < 3 or table.shape[1] < 2:
        raise LabError("Ranks need 3 or more heads on 2 or more data sets; run more comparisons")
    n_heads, n_datasets = table.shape
    average = stats.rankdata(-table, axis=0).mean(1)
    order = np.argsort(average, kind="stable")
    quantile = stats.studentized_range.ppf(1 - LEVEL, n_heads, np.inf) / np.sqrt(2)
    critical = float(quantile * np.sqrt(n_heads * (n_heads + 1) / (6 * n_datasets)))
    sorted_ranks = average[order]
    spans = [(i, int(np.searchsorted(sorted_ranks, sorted_ranks[i] + critical, side="right"))) for i in range(n_heads)]
    largest = [span for i, span in enumerate(spans) if span[1] - span[0] > 1 and (i == 0 or span[1] > spans[i - 1][1])]
    return Ranking(
        ranks={names[i]: float(average[i]) for i in order},
        n_datasets=n_datasets,
        critical_difference=critical,
        groups=tuple(tuple(names[i] for i in order[start:stop]) for start, stop in largest),
    )
