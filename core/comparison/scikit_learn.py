"""Standard methods of scikit-learn as rivals: the same features, the same training data, no gradient descent of ours.

They may use all data outside the test set, training and validation rows alike, for cross-validation and for the final
fit; the laboratory's heads use the same rows, a part of them to choose their epoch.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter

import numpy as np
from sklearn.kernel_approximation import RBFSampler
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from core.data.banks import FeatureBank

FOLDS = 5
TUNED_ROWS = 3000
"""Cross-validation sees at most so many samples, drawn once; the final fit sees all."""

PENALTIES = (0.01, 0.1, 1.0, 10.0, 100.0)
"""scikit-learn's C: the inverse of the regularisation."""

GAMMAS = (0.01, 0.1, 1.0, 10.0, 100.0)
"""Gaussian kernel's 1 / (2 width²), in units of 1 / number of features, on standardised features."""

FOURIER_FEATURES = 500


@dataclass(frozen=True)
class Fitted:
    """What a method predicts for the test samples; the same for every seed where it has no randomness."""

    scores: np.ndarray
    """(n_seeds, n_test, classes): larger is more likely; probabilities if `probabilistic`"""
    probabilistic: bool
    chosen: dict[str, float | str]
    parameters: int | None
    seconds: float


def fit(name: str, bank: FeatureBank, rows: np.ndarray, test: np.ndarray, seeds: Sequence[int]) -> Fitted:
    """Tune one of `core.comparison.rivals.LIBRARY` by cross-validation on ``rows``, fit it there, judge ``test``."""
    began = perf_counter()
    d, n_classes = bank.n_features, len(bank.classes)
    pipeline, grid = _method(name, d)
    random = np.random.default_rng(seeds[0])
    tuned = random.permutation(rows)[:TUNED_ROWS]
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seeds[0])
    search = GridSearchCV(pipeline, grid, cv=folds, refit=False).fit(bank.features[tuned], bank.labels[tuned])
    pipeline.set_params(**search.best_params_)

    probabilistic = hasattr(pipeline, "predict_proba")
    is_random = "fourier" in pipeline.named_steps
    scores = []
    for seed in seeds if is_random else seeds[:1]:
        if is_random:
            pipeline.set_params(fourier__random_state=seed)
        pipeline.fit(bank.features[rows], bank.labels[rows])
        score = (pipeline.predict_proba if probabilistic else pipeline.decision_function)(bank.features[test])
        scores.append(np.stack([-score, score], 1) if score.ndim == 1 else score)
    sizes = {"logistic regression": d + 1, "random Fourier": FOURIER_FEATURES + 1}
    outputs = 1 if n_classes == 2 else n_classes
    return Fitted(
        scores=np.broadcast_to(np.stack(scores), (len(seeds), *scores[0].shape)),
        probabilistic=probabilistic,
        chosen={key.split("__")[-1]: value for key, value in search.best_params_.items()},
        parameters=sizes[name] * outputs if name in sizes else None,
        seconds=perf_counter() - began,
    )


def _method(name: str, n_features: int) -> tuple[Pipeline, dict[str, list[float]]]:
    """An untuned pipeline and the settings that cross-validation may choose from."""
    gammas = [gamma / n_features for gamma in GAMMAS]
    logistic = LogisticRegression(max_iter=2000)
    match name:
        case "logistic regression":
            return Pipeline([("scale", StandardScaler()), ("fit", logistic)]), {"fit__C": [0.0001, 0.001, *PENALTIES]}
        case "RBF-SVM":
            grid = {"fit__C": list(PENALTIES[1:]), "fit__gamma": gammas}
            return Pipeline([("scale", StandardScaler()), ("fit", SVC())]), grid
        case _:
            fourier = RBFSampler(n_components=FOURIER_FEATURES, random_state=0)
            steps = [("scale", StandardScaler()), ("fourier", fourier), ("fit", logistic)]
            return Pipeline(steps), {"fit__C": list(PENALTIES), "fourier__gamma": gammas}
