"""What a comparison measured: problem, settings, versions, and for every rival its metrics, one number a seed.

`core.comparison.run` makes one, `core.comparison.store` keeps it, `core.report` puts it into words. Needs no torch.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from pydantic import Field, field_validator, model_validator

from core.comparison.rivals import Rival
from core.config.frozen import Frozen
from core.config.run import RunConfig, with_old_meaning
from core.data.registry import dataset
from core.statistics.metrics import chance_level
from core.statistics.ranking import Ranking, ranking
from core.statistics.verdict import MARGIN, Verdict, verdicts

NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}"
"""What a comparison may be called: names are folders, and come from addresses too."""


class Trial(Frozen):
    """One setting that tuning tried for a rival."""

    learning_rate: float
    width: int | None
    """Of the inner layer, for heads that have one."""
    batch_size: int | None = None
    """None in records of the time when tuning left batch size and decay as they were."""
    lr_gamma: float | None = None
    validation_loss: float
    """Upper quartile over tuning seeds of the best loss in nats; in records without batch size the mean of three."""


class Result(Frozen):
    """What one rival measured. Lists hold one number for each seed, in the order of `Comparison.seeds`."""

    rival: Rival
    accuracy: tuple[float, ...]
    loss: tuple[float, ...] | None
    """Cross-entropy in nats on the test set; None for a method that gives no probabilities."""
    area_under_curve: tuple[float, ...]
    calibration_error: tuple[float, ...] | None
    quantum_parameters: int
    classical_parameters: int | None
    """None where the number of parameters depends on the data, as for support vectors."""
    seconds: float
    """Training of all seeds together, on one thread."""
    best_epoch: tuple[int, ...] | None
    diverged: tuple[int, ...] = ()
    """Seeds whose loss became infinite; each counts as a network that gives all classes the same probability."""
    learning_rate: float | None = None
    chosen: dict[str, float | str] = Field(default_factory=dict)
    """Settings that were chosen on validation data, for methods of scikit-learn."""
    trials: tuple[Trial, ...] = ()
    """What tuning tried, when it was asked for."""

    @property
    def best_trial(self) -> Trial:
        """The setting that tuning chose; needs one that was tuned."""
        return min(self.trials, key=lambda trial: trial.validation_loss)

    @property
    def parameters(self) -> int | None:
        return None if self.classical_parameters is None else self.quantum_parameters + self.classical_parameters


class Contribution(Frozen):
    """What the trained angles do in a dressed quantum head; every list holds one number for each seed."""

    moved_mean: tuple[float, ...]
    """Mean distance in radians of the angles from their start."""
    moved_max: tuple[float, ...]
    map_from_start: tuple[float, ...]
    """Mean |Δ⟨Z⟩| over test samples and qubits when the angles are put back to their start."""
    map_from_zero: tuple[float, ...]
    """The same when the angles are set to zero, where the paper's circuit is a product of sines (its closed form)."""
    changed_from_start: tuple[float, ...]
    """Share of the test predictions that change when the angles are put back, all else as trained."""
    changed_from_zero: tuple[float, ...]
    accuracy: tuple[float, ...]
    accuracy_from_start: tuple[float, ...]
    """Test accuracy with the angles put back to their start."""
    accuracy_from_zero: tuple[float, ...]
    gradient_share: tuple[float, ...]
    """Share of the squared parameter gradient of the logits that belongs to the angles, mean over test samples."""
    parameter_share: float
    """Share of the trainable parameters that are angles: what `gradient_share` would be if all were alike."""
    is_closed_form: bool
    """Whether the circuit at zero angles is the paper's, so that "zero" means the closed form."""


class Comparison(Frozen):
    """A finished comparison: everything but the predictions."""

    name: str = Field(pattern=NAME)
    config: RunConfig
    """The candidate's run; rivals differ in the head alone (and in what tuning chose)"""
    seeds: tuple[int, ...]
    n_train: int
    n_validation: int
    n_test: int
    n_features: int
    results: tuple[Result, ...]
    contribution: Contribution | None
    """None where the candidate has no circuit"""
    tuned: bool
    created: datetime
    command: str
    bank_digest: str
    versions: dict[str, str]
    device: str = "cpu"
    """Where the heads were trained, by torch's name; scikit-learn's methods always on the processor"""

    @field_validator("config", mode="before")
    @classmethod
    def _as_of_its_time(cls, values: Any) -> Any:
        return with_old_meaning(values) if isinstance(values, dict) else values

    @model_validator(mode="after")
    def _one_number_a_seed(self) -> "Comparison":
        for result in self.results:
            if len(result.accuracy) != len(self.seeds):
                raise ValueError(f"{result.rival.name} has {len(result.accuracy)} results for {len(self.seeds)} seeds")
        return self

    @property
    def title(self) -> str:
        """The problem, for a person."""
        return self.config.features.title

    @property
    def candidate(self) -> str:
        """Name of the head that all others are compared with."""
        return self.results[0].rival.name

    def same_networks(self, predictions: "Predictions") -> list[tuple[str, ...]]:
        """Names of heads that training made the same network: as many parameters, one learning rate, and identical
        predictions of all seeds."""
        groups: dict[tuple[object, ...], list[str]] = {}
        for result, predicted in zip(self.results, predictions.predicted, strict=True):
            if result.rival.head is not None:
                size = (result.quantum_parameters, result.classical_parameters, result.learning_rate)
                groups.setdefault((*size, predicted.tobytes()), []).append(result.rival.name)
        return [tuple(names) for names in groups.values() if len(names) > 1]

    def accuracy(self) -> dict[str, tuple[float, ...]]:
        """Rival → test accuracies, one for each seed."""
        return {result.rival.name: result.accuracy for result in self.results}

    def verdicts(self, predictions: "Predictions", margin: float = MARGIN) -> list[Verdict]:
        """The candidate against every rival, and beside the chance level of the test set."""
        correct = dict(zip(self.accuracy(), predictions.correct(), strict=True))
        chance = chance_level(predictions.labels, dataset(self.config.dataset).classes)
        return verdicts(self.candidate, correct, margin, chance)


@dataclass(frozen=True)
class Predictions:
    """Classes that every rival's every seed gave to the test samples."""

    labels: np.ndarray
    """(n_test,) uint8"""
    predicted: np.ndarray
    """(n_rivals, n_seeds, n_test) uint8"""

    def correct(self) -> np.ndarray:
        """(n_rivals, n_seeds, n_test) bool"""
        return self.predicted == self.labels


def comparison_ranking(comparisons: list[Comparison]) -> Ranking:
    """Ranks of the rivals that all these comparisons have, by mean test accuracy on each."""
    shared = (
        [
            result.rival.name
            for result in comparisons[0].results
            if all(result.rival.name in one.accuracy() for one in comparisons)
        ]
        if comparisons
        else []
    )
    return ranking({name: [float(np.mean(one.accuracy()[name])) for one in comparisons] for name in shared})
