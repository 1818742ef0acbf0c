"""How often the rule of `core.statistics.verdict` is wrong, on made-up heads whose truth is known.

A head's answer to a sample is right where a sum of normal numbers is positive: its skill, how easy the sample is for
all heads, how easy it is for this head, how good the seed is, and the rest. Every run draws samples, heads and seeds
anew, so true accuracies are known in closed form.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from scipy import stats

from core.statistics.crossed import Mean, Population
from core.statistics.verdict import MARGIN, verdicts

N_RIVALS = 20


@dataclass(frozen=True)
class World:
    """Where heads come from: accuracy in [0, 1], numbers of seeds and samples, deviations of the parts."""

    accuracy: float
    n_seeds: int = 20
    n_samples: int = 400
    sample: float = 1.5
    sample_of_head: float = 0.4
    seed: float = 0.1
    rest: float = 0.5

    @property
    def _total(self) -> float:
        return float(np.sqrt(self.sample**2 + self.sample_of_head**2 + self.seed**2 + self.rest**2))

    def heads(self, random: np.random.Generator, accuracies: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Answers (n_heads, n_seeds, n_samples) bool of heads with these true accuracies (n_heads,), and the true
        accuracies (n_heads,) on the very samples that were drawn, over all seeds."""
        n_heads = len(accuracies)
        skill = stats.norm.ppf(accuracies)[:, None] * self._total
        ease = skill + random.normal(0, self.sample, self.n_samples)
        ease = ease + random.normal(0, self.sample_of_head, (n_heads, self.n_samples))
        luck = random.normal(0, self.seed, (n_heads, self.n_seeds, 1))
        rest = random.normal(0, self.rest, (n_heads, self.n_seeds, self.n_samples))
        here = stats.norm.cdf(ease / np.hypot(self.seed, self.rest)).mean(1)
        return ease[:, None] + luck + rest > 0, here


WORLDS = {
    "ants and bees": World(0.86, n_samples=153),
    "an easy problem": World(0.97, n_samples=1_000),
    "points": World(0.80, n_samples=200, seed=0.5, sample=1.0),
}
"""Like stored comparisons in accuracy, seeds and samples."""


@dataclass(frozen=True)
class Share:
    """How often something happened, of so many runs."""

    count: int
    runs: int

    @property
    def upper(self) -> float:
        """The upper end of the one-sided 95 % interval of its probability (Clopper and Pearson)."""
        return 1.0 if self.count == self.runs else float(stats.beta.ppf(0.95, self.count + 1, self.runs - self.count))

    @property
    def value(self) -> float:
        return self.count / self.runs


def false_difference(world: World, random: np.random.Generator) -> bool:
    """Whether any of 20 rivals that are as accurate is found better or worse, about other test data."""
    answers, _ = world.heads(random, np.full(N_RIVALS + 1, world.accuracy))
    return any(one.elsewhere.is_difference for one in _verdicts(answers))


def false_equivalence(world: World, random: np.random.Generator) -> bool:
    """Whether any of 20 rivals that are better by a fifth more than the margin is found equivalent."""
    accuracies = np.full(N_RIVALS + 1, world.accuracy + 1.2 * MARGIN / 100)
    accuracies[0] = world.accuracy
    answers, _ = world.heads(random, accuracies)
    return any(one.kind == "equivalent" or one.elsewhere.is_below_margin for one in _verdicts(answers))


def missed(population: Population) -> Callable[[World, np.random.Generator], bool]:
    """Whether the interval of a difference, true value half a point, misses the truth in that population."""

    def happened(world: World, random: np.random.Generator) -> bool:
        answers, here = world.heads(random, np.array([world.accuracy, world.accuracy - 0.005]))
        truth = here[0] - here[1] if population == "this test set" else 0.005
        interval = Mean.of(answers[0].astype(float) - answers[1]).interval(population)
        return not interval.low <= truth <= interval.high

    return happened


QUESTIONS: dict[str, Callable[[World, np.random.Generator], bool]] = {
    "any false difference among 20 equal rivals": false_difference,
    "any false equivalence among 20 rivals 1.2 margins away": false_equivalence,
    "interval on this test set misses the truth": missed("this test set"),
    "interval on other test data misses the truth": missed("other test data"),
}
"""What can go wrong, each at most in 5 % of all runs."""


def simulate(n_runs: int, seed: int = 0) -> Iterator[tuple[str, str, Share]]:
    """World, question and how often it went wrong."""
    for place, (name, world) in enumerate(WORLDS.items()):
        for number, (question, happened) in enumerate(QUESTIONS.items()):
            random = np.random.default_rng([seed, place, number])
            yield name, question, Share(sum(happened(world, random) for _ in range(n_runs)), n_runs)


def _verdicts(answers: np.ndarray) -> list:
    heads = {"candidate": answers[0]} | {f"rival {index}": one for index, one in enumerate(answers[1:])}
    return verdicts("candidate", heads)
