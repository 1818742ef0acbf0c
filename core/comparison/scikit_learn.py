"""Standard methods of scikit-learn as rivals: the same features, rows and scaling as the heads, no gradient descent.

Every seed fits its own training rows, standardised where the run is. Settings are chosen by the mean score on the
validation rows of the seeds that tuning uses, as those of a head are; all seeds share them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter

import numpy as np
from sklearn.kernel_approximation import RBFSampler
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import ParameterGrid
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from threadpoolctl import threadpool_limits

from core.comparison.tuning import tuning_members
from core.config.run import RunConfig
from core.data.banks import FeatureBank
from core.training.loop import run_splits

TUNED_ROWS = 2000
"""Settings are chosen on at most so many training rows of each cut; the final fit sees all."""

PENALTIES = (1e-4, 1e-3, 0.01, 0.1, 1.0, 10.0, 100.0, 1000.0)
KERNEL_PENALTIES = (0.01, 1.0, 100.0, 1e4)
"""scikit-learn's C, the inverse of the regularisation, of the linear method and of those with kernels."""

GAMMAS = (0.01, 0.1, 1.0, 10.0, 100.0, 1000.0)
"""Gaussian kernel's 1 / (2 width²), in units of 1 / (number of features × variance of the features)."""

FOURIER_FEATURES = 500


@dataclass(frozen=True)
class Fitted:
    """What a method predicts for the test samples."""

    scores: np.ndarray
    """(n_seeds, n_test, classes): larger is more likely; probabilities if `probabilistic`"""
    probabilistic: bool
    chosen: dict[str, float]
    parameters: int | None
    seconds: float


def fit(name: str, config: RunConfig, bank: FeatureBank) -> Fitted:
    """Choose settings of one of `core.comparison.rivals.LIBRARY`, fit it for every seed, judge the test samples."""
    began = perf_counter()
    with threadpool_limits(1):  # as the networks are trained; more threads slow fits of this size down
        chosen = choose(name, config, bank)
        scores = _fit_every_seed(name, config, bank, chosen)
    d, n_classes = bank.n_features, len(bank.classes)
    sizes = {"logistic regression": d + 1, "random Fourier": FOURIER_FEATURES + 1}
    return Fitted(
        scores=scores,
        probabilistic=name != "RBF-SVM",
        chosen={key.split("__")[-1]: value for key, value in chosen.items()},
        parameters=sizes[name] * (1 if n_classes == 2 else n_classes) if name in sizes else None,
        seconds=perf_counter() - began,
    )


def _fit_every_seed(name: str, config: RunConfig, bank: FeatureBank, settings: Mapping[str, float]) -> np.ndarray:
    """Scores (n_seeds, n_test, classes)."""
    splits = run_splits(config, bank, config.members())
    scores: list[np.ndarray] = []
    for member, rows in zip(config.members(), splits.train, strict=True):
        if scores and splits.shared and name != "random Fourier":
            scores.append(scores[0])  # without randomness, the same rows give the same fit
            continue
        method = _method(name, config, member.seed).set_params(**settings)
        scores.append(_scores(method.fit(bank.features[rows], bank.labels[rows]), bank.features[splits.test]))
    return np.stack(scores)


def choose(name: str, config: RunConfig, bank: FeatureBank) -> dict[str, float]:
    """The settings with the best mean score on validation rows: log loss, accuracy where there are no probabilities."""
    members = tuning_members(config) if config.split_per_seed else tuning_members(config)[:1]
    splits = run_splits(config, bank, members)
    totals: list[float] = []
    grid = list(ParameterGrid(_grid(name, config, bank.features[splits.train[0]])))
    for settings in grid:
        total = 0.0
        for member, rows, held_out in zip(members, splits.train, splits.validation, strict=True):
            few = np.random.default_rng(member.seed).permutation(rows)[:TUNED_ROWS]
            method = _method(name, config, member.seed).set_params(**settings)
            scores = _scores(method.fit(bank.features[few], bank.labels[few]), bank.features[held_out])
            total += _quality(scores, bank.labels[held_out], probabilistic=name != "RBF-SVM")
        totals.append(total)
    return dict(grid[int(np.argmax(totals))])


def _quality(scores: np.ndarray, labels: np.ndarray, probabilistic: bool) -> float:
    if probabilistic:
        return float(np.log(np.maximum(scores[np.arange(len(labels)), labels], 1e-15)).mean())
    return float((scores.argmax(1) == labels).mean())


def _scores(method: Pipeline, features: np.ndarray) -> np.ndarray:
    """(n, classes)"""
    values = (method.predict_proba if hasattr(method, "predict_proba") else method.decision_function)(features)
    return np.stack([-values, values], 1) if values.ndim == 1 else np.asarray(values)


def _method(name: str, config: RunConfig, seed: int) -> Pipeline:
    """A method before its settings are chosen."""
    scale = [("scale", StandardScaler())] if config.standardise else []
    logistic = ("fit", LogisticRegression(max_iter=2000))
    match name:
        case "logistic regression":
            return Pipeline([*scale, logistic])
        case "RBF-SVM":
            return Pipeline([*scale, ("fit", SVC())])
        case _:
            fourier = RBFSampler(n_components=FOURIER_FEATURES, random_state=seed)
            return Pipeline([*scale, ("fourier", fourier), logistic])


def _grid(name: str, config: RunConfig, features: np.ndarray) -> dict[str, Sequence[float]]:
    """The settings that may be chosen; features: of training rows, whose variance sets the scale of kernels."""
    variance = 1.0 if config.standardise else float(features.var())
    gammas = [gamma / (features.shape[1] * variance) for gamma in GAMMAS]
    match name:
        case "logistic regression":
            return {"fit__C": PENALTIES}
        case "RBF-SVM":
            return {"fit__C": KERNEL_PENALTIES, "fit__gamma": gammas}
        case _:
            return {"fit__C": KERNEL_PENALTIES, "fourier__gamma": gammas}
