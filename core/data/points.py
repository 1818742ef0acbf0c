"""Data sets in the plane: generated, standardised, and split as the notebook of arXiv:1912.08278 splits them."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Points:
    """Points in the plane: training points in the order of the paper's notebook, then test points."""

    inputs: np.ndarray
    """(n, 2) float64, standardised over all points that were generated"""
    labels: np.ndarray
    """(n,) int64"""
    split: np.ndarray
    """(n,) "train" or "test" """
    mean: np.ndarray
    """(2,) float64: ``inputs * scale + mean`` are the coordinates before standardisation"""
    scale: np.ndarray
    """(2,) float64"""


@dataclass(frozen=True)
class Generated:
    """Samples that are points, and the function that makes them."""

    generate: Callable[[], tuple[np.ndarray, np.ndarray]]
    """Gives points (n, 2) float64 and labels (n,) int64, the same at every call"""

    def points(self, n_train: int, n_test: int) -> Points:
        """The points, split as the paper's notebook splits them.

        StandardScaler fitted on all points, train_test_split with seed 42, the first ``n_train`` of the training points
        kept (the spirals have more).
        """
        from sklearn.model_selection import train_test_split
        from sklearn.preprocessing import StandardScaler

        raw, labels = self.generate()
        scaler = StandardScaler().fit(raw)
        x_train, x_test, y_train, y_test = train_test_split(
            scaler.transform(raw), labels, test_size=n_test, random_state=42
        )
        return Points(
            inputs=np.concatenate((x_train[:n_train], x_test)),
            labels=np.concatenate((y_train[:n_train], y_test)).astype(np.int64),
            split=np.repeat(["train", "test"], [n_train, n_test]),
            mean=scaler.mean_,
            scale=scaler.scale_,
        )


def spirals(turns: float, n_points: int = 2_200, noise: float = 0.7, seed: int = 21) -> tuple[np.ndarray, np.ndarray]:
    """Two interleaved spirals, one the exact negative of the other (arXiv:1912.08278, example 1).

    n = sqrt(u)·turns·2π, x = −cos(n)·n + U(0, noise), y = sin(n)·n + U(0, noise), drawn from numpy's legacy generator
    in this order, so that seed 21 gives the points of the paper's notebook bit for bit.

    Returns points (2·n_points, 2) float64 and labels (2·n_points,) int64: all of class 0, then all of class 1.
    """
    random = np.random.RandomState(seed)
    angle = np.sqrt(random.rand(n_points, 1)) * turns * (2 * np.pi)
    x = -np.cos(angle) * angle + random.rand(n_points, 1) * noise
    y = np.sin(angle) * angle + random.rand(n_points, 1) * noise
    first = np.hstack((x, y))
    return np.vstack((first, -first)), np.repeat(np.arange(2), n_points)


def square(n_points: int = 2_200, noise: float = 0.1, seed: int = 21) -> tuple[np.ndarray, np.ndarray]:
    """Points of [−2, 2]², class 1 where max(|x|, |y|) > 1.2, each then moved by U(−noise, noise) in x and y.

    Returns points (n_points, 2) float64 and labels (n_points,) int64.
    """
    random = np.random.RandomState(seed)
    points = random.uniform(-2, 2, (n_points, 2))
    labels = (np.abs(points).max(axis=1) > 1.2).astype(np.int64)
    return points + random.uniform(-noise, noise, (n_points, 2)), labels


def moons(n_points: int = 2_200, noise: float = 0.2, seed: int = 21) -> tuple[np.ndarray, np.ndarray]:
    """scikit-learn's two half moons with normal noise. Points (n_points, 2) float64, labels (n_points,) int64."""
    from sklearn.datasets import make_moons

    return make_moons(n_points, shuffle=True, noise=noise, random_state=seed)
