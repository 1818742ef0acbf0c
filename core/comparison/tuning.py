"""Equal tuning: every head may try the same number of settings, judged on validation data by the same seeds."""

from collections.abc import Generator, Iterator

import numpy as np
from scipy.stats import qmc

from core.comparison.record import Trial
from core.config.heads.bottleneck import Bottleneck
from core.config.heads.closed_form import ClosedForm
from core.config.heads.dressed_quantum import DressedQuantum
from core.config.heads.mlp import MLP
from core.config.heads.registry import HeadConfig
from core.config.run import Member, RunConfig
from core.data.banks import FeatureBank
from core.events import Epoch
from core.training.loop import train

RATES = (1e-4, 0.3)
"""Learning rates are tried between these two, evenly on a logarithmic scale."""

TUNING_SEEDS = 3
FIRST_TUNING_SEED = 1_000_000
"""Seeds of tuning are none of those of a comparison."""

QUBITS = (2, 3, 4, 5, 6, 8)
BOTTLENECKS = (2, 4, 8, 16, 32, 64)
HIDDEN = (16, 32, 64, 128, 256)


def tune(config: RunConfig, bank: FeatureBank, n_trials: int) -> Generator[float, None, tuple[RunConfig, list[Trial]]]:
    """The best of ``n_trials`` settings by mean validation loss of the best epoch; the first is the given one.

    Yields the share that is done. Trials of one width are members of one computation.
    """
    settings = list(_settings(config, n_trials))
    widths = list(dict.fromkeys(width for _, width in settings))
    losses: dict[tuple[float, int | None], float] = {}
    for done, width in enumerate(widths):
        rates = [rate for rate, other in settings if other == width]
        sized = config.model_copy(update={"head": with_width(config.head, width)})
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
    head = with_width(config.head, chosen.width)
    return config.model_copy(update={"head": head, "learning_rate": chosen.learning_rate}), trials


def _settings(config: RunConfig, n_trials: int) -> Iterator[tuple[float, int | None]]:
    """Learning rate and width of each trial: first the given ones, then points that fill the plane evenly (Sobol)."""
    choices = width_choices(config.head)
    yield config.learning_rate, head_width(config.head) if choices else None
    points = qmc.Sobol(2, scramble=True, rng=np.random.default_rng(config.base_seed)).random_base2(
        max(1, int(np.ceil(np.log2(max(n_trials, 2)))))
    )
    low, high = np.log(RATES)
    for first, second in points[: n_trials - 1]:
        rate = float(f"{np.exp(low + first * (high - low)):.3g}")
        yield rate, choices[int(second * len(choices))] if choices else None


def width_choices(head: HeadConfig) -> tuple[int, ...]:
    """Widths a head may be given; none where its size is its definition (linear, and the MLP matched in size)."""
    match head:
        case DressedQuantum() | ClosedForm():
            return QUBITS
        case Bottleneck():
            return BOTTLENECKS
        case MLP() if head.hidden:
            return HIDDEN
        case _:
            return ()


def head_width(head: HeadConfig) -> int | None:
    """The width that tuning may change."""
    match head:
        case DressedQuantum() | ClosedForm():
            return head.n_qubits
        case Bottleneck():
            return head.width
        case MLP() if head.hidden:
            return head.hidden[0]
        case _:
            return None


def with_width(head: HeadConfig, width: int | None) -> HeadConfig:
    """The same head, as wide as asked; all hidden layers of an MLP alike."""
    if width is None:
        return head
    match head:
        case DressedQuantum() | ClosedForm():
            return head.model_copy(update={"n_qubits": width})
        case Bottleneck():
            return head.model_copy(update={"width": width})
        case MLP() if head.hidden:
            return head.model_copy(update={"hidden": (width,) * len(head.hidden)})
        case _:
            return head
