"""Seeds and test samples as crossed random effects: how far a mean over both may be from its true value.

Every seed is tested on every sample, so a table of values (seeds, samples) varies in three ways: between seeds (their
start, their batches, their cut of the training data), between samples, and in what is left. The two-way analysis of
variance for random effects without replication separates them, as in studies where several readers judge the same
cases: Gallas, Pennello and Myers (2007), J. Opt. Soc. Am. A 24, B70, doi:10.1364/JOSAA.24.000B70. Degrees of freedom
are Satterthwaite's (1946), doi:10.2307/3002019.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from core.errors import LabError
from core.statistics.intervals import FEWEST_SEEDS, LEVEL, Interval

Population = Literal["this test set", "other test data"]
"""What a statement is about: other seeds on the test samples at hand, or other seeds on other samples of the kind."""

POPULATIONS: tuple[Population, Population] = ("this test set", "other test data")


@dataclass(frozen=True)
class Mean:
    """A mean over seeds and samples, and what its table shows of its error."""

    by_seed: tuple[float, ...]
    """Mean over samples, one for each seed"""
    n_samples: int
    seeds: float
    """Mean square between seeds"""
    samples: float
    """Mean square between samples"""
    residual: float
    """Mean square of what is left"""

    @classmethod
    def of(cls, table: np.ndarray) -> "Mean":
        """That of values (n_seeds, n_samples), two or more of each; `LabError` for what is no such table.

        Values are correct answers (0 or 1) or differences of two heads' (-1, 0 or 1). Where all samples give the same,
        the next one might still give another, and so might the next seed: sums of squares of at least one sample that
        differs, and of one answer of one seed, are assumed.
        """
        values = np.asarray(table, dtype=float)
        if values.ndim != 2 or min(values.shape) < 2 or not np.isfinite(values).all():
            raise LabError(
                f"table = {values.shape} shows no spread: give finite numbers of 2 or more seeds and samples"
            )
        n_seeds, n_samples = values.shape
        mean, by_seed, by_sample = values.mean(), values.mean(1), values.mean(0)
        between_seeds = n_samples * ((by_seed - mean) ** 2).sum()
        between_samples = n_seeds * ((by_sample - mean) ** 2).sum()
        left = max(((values - mean) ** 2).sum() - between_seeds - between_samples, 0.0)
        return cls(
            by_seed=tuple(np.round(by_seed, 12).tolist()),
            n_samples=n_samples,
            seeds=float(max(between_seeds, 1 / n_samples) / (n_seeds - 1)),
            samples=float(max(between_samples, n_seeds) / (n_samples - 1)),
            residual=float(left / ((n_seeds - 1) * (n_samples - 1))),
        )

    @property
    def n_seeds(self) -> int:
        return len(self.by_seed)

    @property
    def estimate(self) -> float:
        return float(np.mean(self.by_seed))

    def error(self, population: Population) -> float:
        """Standard error of the estimate."""
        return float(np.sqrt(self._square(population) / (self.n_seeds * self.n_samples)))

    def degrees_of_freedom(self, population: Population) -> float:
        """Of the standard error."""
        if population == "this test set":
            return self.n_seeds - 1.0
        parts = (
            self.seeds**2 / (self.n_seeds - 1)
            + self.samples**2 / (self.n_samples - 1)
            + self.residual**2 / ((self.n_seeds - 1) * (self.n_samples - 1))
        )
        return float(self._square(population) ** 2 / parts)

    def interval(self, population: Population) -> Interval:
        """The 95 % interval of the true mean; below `FEWEST_SEEDS` seeds their range."""
        mean = self.estimate
        if self.n_seeds < FEWEST_SEEDS:
            return Interval(mean, min(self.by_seed), max(self.by_seed), level=None)
        from scipy import stats

        half = float(stats.t.ppf(1 - LEVEL / 2, self.degrees_of_freedom(population)) * self.error(population))
        return Interval(mean, mean - half, mean + half)

    def difference_p(self, population: Population) -> float:
        """Two-sided p value of a t test that the true mean is zero; 1 below `FEWEST_SEEDS` seeds.

        What holds for other samples has to hold over the seeds on these too, with the few degrees of freedom of seeds.
        """
        if self.n_seeds < FEWEST_SEEDS:
            return 1.0
        return min(1.0, 2 * max(self._beyond(abs(self.estimate), each) for each in {"this test set", population}))

    def equivalence_p(self, margin: float, population: Population) -> float:
        """p value of two one-sided t tests (TOST) that the true mean lies inside ± margin; 1 for too few seeds."""
        if self.n_seeds < FEWEST_SEEDS:
            return 1.0
        return max(self._beyond(margin - abs(self.estimate), each) for each in {"this test set", population})

    def _beyond(self, distance: float, population: Population) -> float:
        """Chance that an estimate is off by this distance or more in one direction."""
        from scipy import stats

        return float(stats.t.sf(distance / self.error(population), self.degrees_of_freedom(population)))

    def _square(self, population: Population) -> float:
        """The mean square that the error is made of. The sum of all parts may fall below one of them by chance."""
        if population == "this test set":
            return self.seeds
        return max(self.seeds + self.samples - self.residual, self.seeds, self.samples)
