"""Equal tuning: as many settings for every head, from the same ranges, judged on validation data by the same seeds."""

from collections.abc import Generator
from dataclasses import dataclass

import numpy as np
from scipy.stats import qmc

from core.comparison.record import Trial
from core.config.run import Member, RunConfig
from core.data.banks import FeatureBank
from core.events import Epoch, Finished
from core.training.loop import train

RATES = (1e-5, 0.5)
"""Learning rates are tried between these two, evenly on a logarithmic scale."""

BATCHES = (0.5, 1, 2, 4, 8)
"""Batch sizes that are tried, as multiples of the given one."""
DECAYS = (1.0, 0.5, 0.1)
"""Factors of the learning rate after every ``lr_step`` epochs; 1 keeps it."""

TUNING_SEEDS = 8
FIRST_TUNING_SEED = 1_000_000
"""Seeds of tuning are none of those of a comparison."""

JUDGED_BY = 0.75
"""A setting is judged by this quantile of its seeds' losses: one that collapses in two seeds of eight is not chosen."""


@dataclass(frozen=True)
class Setting:
    """What tuning changes of a run."""

    learning_rate: float
    lr_gamma: float
    batch_size: int
    width: int | None
    """Of the inner layer; None leaves the head as it is"""

    def applied(self, config: RunConfig) -> RunConfig:
        """The same run with this setting."""
        head = config.head if self.width is None else config.head.with_inner_width(self.width)
        rate = {"learning_rate": self.learning_rate, "lr_gamma": self.lr_gamma, "batch_size": self.batch_size}
        return config.model_copy(update={"head": head} | rate)


def tune(config: RunConfig, bank: FeatureBank, n_trials: int) -> Generator[float, None, tuple[RunConfig, list[Trial]]]:
    """The best of ``n_trials`` settings by validation loss (`JUDGED_BY`); the first is the given one.

    Yields the share that is done. Trials of one width and one batch size are members of one computation.
    """
    settings = tuning_settings(config, n_trials)
    together = list(dict.fromkeys((each.width, each.batch_size) for each in settings))
    losses: dict[Setting, float] = {}
    for done, shape in enumerate(together):
        alike = [each for each in dict.fromkeys(settings) if (each.width, each.batch_size) == shape]
        runs = [each.applied(config) for each in alike]
        members = [member for run in runs for member in tuning_members(run)]
        history, last = [], None
        for event in train(runs[0], bank, members=members):
            last = event
            if isinstance(event, Epoch):
                history.append(event.validation_loss)
                yield (done + event.epoch / config.epochs) / len(together)
        assert isinstance(last, Finished)
        best = [history[epoch - 1][member] if epoch else np.inf for member, epoch in enumerate(last.best_epoch)]
        judged = np.quantile(np.reshape(best, (len(alike), TUNING_SEEDS)), JUDGED_BY, axis=1, method="higher")
        losses |= dict(zip(alike, judged.tolist(), strict=True))
    trials = [Trial(**vars(each), validation_loss=min(losses[each], 1e9)) for each in settings]
    return min(losses, key=lambda each: losses[each]).applied(config), trials


def tuning_members(config: RunConfig) -> tuple[Member, ...]:
    """The seeds that judge a setting, which every rival shares."""
    return config.model_copy(update={"base_seed": FIRST_TUNING_SEED, "seeds": TUNING_SEEDS}).members()


def tuning_settings(config: RunConfig, n_trials: int) -> list[Setting]:
    """The settings of all trials: first the given one, then points that fill the space evenly (Sobol)."""
    widths = config.head.inner_widths
    given = Setting(
        config.learning_rate, config.lr_gamma, config.batch_size, config.head.inner_width if widths else None
    )
    n_points = 2 ** int(np.ceil(np.log2(max(n_trials, 2))))
    points = qmc.Sobol(4, scramble=True, rng=np.random.default_rng(config.base_seed)).random(n_points)
    low, high = np.log(RATES)
    tried = [
        Setting(
            learning_rate=float(f"{np.exp(low + rate * (high - low)):.3g}"),
            lr_gamma=DECAYS[int(decay * len(DECAYS))],
            batch_size=max(1, round(config.batch_size * BATCHES[int(batch * len(BATCHES))])),
            width=widths[int(width * len(widths))] if widths else None,
        )
        for rate, width, batch, decay in points[: n_trials - 1]
    ]
    return [given, *tried]
