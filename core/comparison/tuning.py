"""Equal tuning: every head may try the same number of settings, judged on validation data by the same seeds."""

from collections.abc import Generator, Iterator

import numpy as np
from scipy.stats import qmc

from core.comparison.record import Trial
from core.config.run import Member, RunConfig
from core.data.banks import FeatureBank
from core.events import Epoch
from core.training.loop import train

RATES = (1e-4, 0.3)
"""Learning rates are tried between these two, evenly on a logarithmic scale."""

TUNING_SEEDS = 3
FIRST_TUNING_SEED = 1_000_000
"""Seeds of tuning are none of those of a comparison."""


def tune(config: RunConfig, bank: FeatureBank, n_trials: int) -> Generator[float, None, tuple[RunConfig, list[Trial]]]:
    """The best of ``n_trials`` settings by mean validation loss of the best epoch; the first is the given one.

    Yields the share that is done. Trials of one width are members of one computation.
    """
    settings = list(_settings(config, n_trials))
    widths = list(dict.fromkeys(width for _, width in settings))
    losses: dict[tuple[float, int | None], float] = {}
    for done, width in enumerate(widths):
        rates = [rate for rate, other in settings if other == width]
        sized = _resized(config, width)
        members = [
            Member(
                seed=FIRST_TUNING_SEED + seed,
                learning_rate=rate,
                lr_step=config.lr_step,
                lr_gamma=config.lr_gamma,
                lr_early=config.lr_early,
            )
            for rate in rates
            for seed in range(TUNING_SEEDS)
        ]
        best = np.full(len(members), np.inf)
        for event in train(sized, bank, members=members):
            if isinstance(event, Epoch):
                loss = np.array(event.validation_loss)
                best = np.where(np.isfinite(loss), np.minimum(best, loss), best)
                yield (done + event.epoch / config.epochs) / len(widths)
        for rate, mean in zip(rates, best.reshape(len(rates), TUNING_SEEDS).mean(1), strict=True):
            losses[rate, width] = float(mean)
    trials = [
        Trial(learning_rate=rate, width=width, validation_loss=min(losses[rate, width], 1e9))
        for rate, width in settings
    ]
    chosen = min(trials, key=lambda trial: trial.validation_loss)
    tuned = _resized(config, chosen.width)
    return tuned.model_copy(update={"learning_rate": chosen.learning_rate}), trials


def _resized(config: RunConfig, width: int | None) -> RunConfig:
    """The same run with a head of this inner width; None leaves it as it is."""
    return config if width is None else config.model_copy(update={"head": config.head.with_inner_width(width)})


def _settings(config: RunConfig, n_trials: int) -> Iterator[tuple[float, int | None]]:
    """Learning rate and width of each trial: first the given ones, then points that fill the plane evenly (Sobol)."""
    choices = config.head.inner_widths
    yield config.learning_rate, config.head.inner_width if choices else None
    points = qmc.Sobol(2, scramble=True, rng=np.random.default_rng(config.base_seed)).random_base2(
        max(1, int(np.ceil(np.log2(max(n_trials, 2)))))
    )
    low, high = np.log(RATES)
    for first, second in points[: n_trials - 1]:
        rate = float(f"{np.exp(low + first * (high - low)):.3g}")
        yield rate, choices[int(second * len(choices))] if choices else None
