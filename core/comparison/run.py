"""Runs a comparison: every rival on one bank, with the same splits, seeds and budget, the test set touched once."""

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np

from core.comparison.contribution import contribution
from core.comparison.record import Comparison, Contribution, Predictions, Result, Trial
from core.comparison.rivals import Rival, rivals
from core.comparison.scikit_learn import fit
from core.comparison.tuning import tune
from core.config.heads.dressed_quantum import DressedQuantum
from core.config.run import RunConfig
from core.data.banks import FeatureBank
from core.errors import LabError
from core.events import Epoch, Event, Finished
from core.settings import settings
from core.statistics.metrics import area_under_curve, expected_calibration_error
from core.training.loop import run_splits, train
from core.versions import versions


@dataclass(frozen=True)
class ComparisonProgress:
    """How far a comparison is."""

    rival: str
    stage: str
    """"tuning", "training" or "fitting" """
    number: int
    """Of this rival, counted from 1."""
    n_rivals: int
    share: float
    """Of the whole comparison that is done, in rivals."""


@dataclass(frozen=True)
class ComparisonFinished:
    """The end of a comparison: what is stored of it."""

    comparison: Comparison
    predictions: Predictions


def run_comparison(
    config: RunConfig,
    bank: FeatureBank,
    *,
    name: str,
    command: str,
    n_trials: int = 0,
    chosen: Sequence[str] = (),
) -> Iterator[ComparisonProgress | ComparisonFinished]:
    """Train every rival of the candidate in ``config``; the last event holds the comparison.

    n_trials: settings that every head may try on validation data before; 0 takes the settings as they are.
    chosen: names of the rivals (`core.comparison.rivals.rivals`); empty: all.
    Closing the generator ends the comparison.
    """
    if config.protocol != "ours":
        raise LabError(f"protocol = {config.protocol!r} is not possible for a comparison: it selects on test data")
    if config.seeds < 2:
        raise LabError(f"seeds = {config.seeds} is not possible for a comparison: 2 to 64 are allowed, 20 are usual")
    everyone = rivals(config, chosen)
    splits = run_splits(config, bank, config.members())
    seeds = tuple(member.seed for member in config.members())
    results, predicted = [], []
    circuit_part: Contribution | None = None
    for index, rival in enumerate(everyone):
        start = ComparisonProgress(rival.name, "training", index + 1, len(everyone), index / len(everyone))
        yield start
        if rival.head is None:
            yield replace(start, stage="fitting")
            run = run_library(rival, config, bank)
        else:
            run = yield from run_head(rival, config, bank, n_trials, start)
        results.append(run.result)
        predicted.append(run.predicted)
        circuit_part = run.contribution or circuit_part
    comparison = Comparison(
        name=name,
        config=config,
        seeds=seeds,
        n_train=splits.train.shape[1],
        n_validation=splits.validation.shape[1],
        n_test=len(splits.test),
        n_features=bank.n_features,
        results=tuple(results),
        contribution=circuit_part,
        tuned=n_trials > 0,
        created=datetime.now(UTC).replace(microsecond=0),
        command=command,
        bank_digest=bank.digest,
        versions=versions("torch", "numpy", "scipy", "scikit-learn"),
        device=settings().device,
    )
    labels = bank.labels[splits.test].astype(np.uint8)
    yield ComparisonFinished(comparison, Predictions(labels, np.stack(predicted).astype(np.uint8)))


@dataclass(frozen=True)
class RivalRun:
    """One rival's part of a comparison."""

    result: Result
    predicted: np.ndarray
    """(n_seeds, n_test) classes"""
    contribution: Contribution | None = None


def run_head(
    rival: Rival, config: RunConfig, bank: FeatureBank, n_trials: int, start: ComparisonProgress
) -> Generator[ComparisonProgress, None, RivalRun]:
    """Tune (if asked for) and train one head from all seeds."""
    assert rival.head is not None
    own = config.model_copy(update={"head": rival.head})
    trials: list[Trial] = []
    part = 1 / start.n_rivals
    if n_trials:
        tuning = tune(own, bank, n_trials)
        while True:
            try:
                share = next(tuning)
            except StopIteration as end:
                own, trials = end.value
                break
            yield replace(start, stage="tuning", share=start.share + part * share / 2)
    last: Event | None = None
    for event in train(own, bank):
        last = event
        if isinstance(event, Epoch):
            done = event.epoch / config.epochs
            yield replace(start, share=start.share + part * ((1 + done) / 2 if n_trials else done))
    assert isinstance(last, Finished)
    logits = np.where(np.isfinite(last.test_logits), last.test_logits, 0).astype(np.float64)
    diverged = [member for member, loss in enumerate(last.test_loss) if not np.isfinite(loss)]
    logits[diverged] = 0
    log_probabilities = logits - np.logaddexp.reduce(logits, axis=-1, keepdims=True)
    quantum, classical = own.head.count_trained(bank.n_features, len(bank.classes))
    seeds = [member.seed for member in own.members()]
    result = _measured(
        rival.model_copy(update={"head": own.head}),
        np.exp(log_probabilities),
        last.test_labels,
        probabilistic=True,
        quantum_parameters=quantum,
        classical_parameters=classical,
        seconds=last.seconds,
        best_epoch=tuple(last.best_epoch),
        diverged=tuple(seeds[member] for member in diverged),
        learning_rate=own.learning_rate,
        trials=tuple(trials),
    )
    has_circuit = rival.group == "candidate" and isinstance(own.head, DressedQuantum)
    kept = contribution(own, bank, last.weights, seeds) if has_circuit else None
    return RivalRun(result, logits.argmax(-1), kept)


def run_library(rival: Rival, config: RunConfig, bank: FeatureBank) -> RivalRun:
    """Fit one of scikit-learn's methods."""
    fitted = fit(rival.name, config, bank)
    result = _measured(
        rival,
        fitted.scores,
        bank.labels[bank.split == "test"],
        probabilistic=fitted.probabilistic,
        quantum_parameters=0,
        classical_parameters=fitted.parameters,
        seconds=fitted.seconds,
        best_epoch=None,
        chosen=fitted.chosen,
    )
    return RivalRun(result, fitted.scores.argmax(-1))


def _measured(rival: Rival, scores: np.ndarray, labels: np.ndarray, probabilistic: bool, **about: object) -> Result:
    """Every metric of scores (n_seeds, n_test, classes), which are probabilities or only ordered like them."""
    chosen = np.take_along_axis(scores, labels[None, :, None], -1)[..., 0]  # (n_seeds, n_test)
    return Result.model_validate(
        {
            "rival": rival,
            "accuracy": (scores.argmax(-1) == labels).mean(1).tolist(),
            "loss": (-np.log(np.maximum(chosen, 1e-300))).mean(1).tolist() if probabilistic else None,
            "area_under_curve": [area_under_curve(one, labels) for one in scores],
            "calibration_error": [expected_calibration_error(one, labels) for one in scores] if probabilistic else None,
        }
        | about
    )
