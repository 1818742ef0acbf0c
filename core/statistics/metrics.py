"""What one network's answers on a test set are worth, and what no network has to beat."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Chance:
    """What always giving the most frequent class of a test set reaches."""

    answer: str
    """That class, for a person"""
    accuracy: float
    """Its share of the test set, in [0, 1]"""


def chance_level(labels: np.ndarray, classes: Sequence[str]) -> Chance:
    """Chance level of a test set. labels: (n_test,) integers; classes: a name for each."""
    counts = np.bincount(labels, minlength=len(classes))
    return Chance(classes[int(counts.argmax())], float(counts.max() / len(labels)))


def expected_calibration_error(probabilities: np.ndarray, labels: np.ndarray, bins: int = 15) -> float:
    """Mean distance between confidence and accuracy, weighted by the share of samples in each confidence bin.

    probabilities: (n, classes); labels: (n,). Guo et al. (2017), arXiv:1706.04599, eq. 3, equal-width bins.
    """
    confidence = probabilities.max(1)
    correct = probabilities.argmax(1) == labels
    bin_of = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = np.bincount(bin_of, weights=confidence - correct, minlength=bins)
    return float(np.abs(gaps).sum() / len(labels))


def area_under_curve(scores: np.ndarray, labels: np.ndarray) -> float:
    """Area under the ROC curve; more than two classes: mean of one against the rest. nan if a class has no sample.

    scores: (n, classes), larger is more likely; they need not be probabilities; labels: (n,).
    """
    from sklearn.metrics import roc_auc_score

    n_classes = scores.shape[1]
    if len(np.unique(labels)) < n_classes:
        return float("nan")
    if n_classes == 2:
        return float(roc_auc_score(labels, scores[:, 1]))
    return float(np.mean([roc_auc_score(labels == label, scores[:, label]) for label in range(n_classes)]))
