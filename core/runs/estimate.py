"""How long runs will take on this machine, learnt from the ones it has finished."""

from collections.abc import Sequence
from math import ceil
from typing import NamedTuple

import numpy as np
import pandas as pd

from core.config.heads.dressed_quantum import DressedQuantum
from core.config.run import RunConfig

OVERHEAD = 100.0
"""Time of a step's calls, in samples through the layers around a circuit."""
ROTATIONS = 1500.0
"""Rotated amplitudes of a circuit that cost as much as one sample through the layers around it.

Both were read off ``results/benchmarks/scaling.json``: they give its times for 4 to 12 qubits and 1 to 64 members
within a third.
"""
MOST_ALIKE = 10.0
"""A stored run whose step takes so many times longer or shorter says little."""


class Estimate(NamedTuple):
    """How long one run will take."""

    seconds: float
    alike: bool
    """Whether a run of about that size has been finished before."""


def estimate(config: RunConfig, n_train: int, runs: pd.DataFrame) -> Estimate | None:
    """How long a run takes by itself; None when its kind of head has never run here.

    n_train: samples that are trained on; runs: `core.runs.frames.load_runs`, of which the finished ones count.
    The stored run of that kind of head whose step is most alike gives the speed; `_work` says how a step grows.
    """
    if runs.empty or "seconds" not in runs:
        return None
    past = runs[(runs["status"] == "finished") & (runs["head"] == config.head.kind)].drop_duplicates("run_id").tail(50)
    past = past[past["seconds"] > 0]
    if past.empty:
        return None
    steps = past["epochs_done"] * np.ceil(past["n_train"] / past["batch_size"])
    per_step = (past["seconds"] / steps).to_numpy(float)
    qubits = past["n_qubits"].fillna(0) if "n_qubits" in past else pd.Series(0, past.index)
    depth = past["q_depth"].fillna(0) if "q_depth" in past else pd.Series(0, past.index)
    samples = past["seeds"] * np.minimum(past["batch_size"], past["n_train"])
    is_circuit = isinstance(config.head, DressedQuantum)
    work = _work(is_circuit, samples.to_numpy(float), qubits.to_numpy(float), depth.to_numpy(float))
    size = (getattr(config.head, "n_qubits", 0), getattr(config.head, "q_depth", 0))
    wanted = _work(is_circuit, np.array([config.seeds * min(config.batch_size, n_train)]), *map(np.array, size))
    times = float(wanted[0]) / work
    distance = np.abs(np.log(times))
    nearest = np.flatnonzero(distance == distance.min())[-1]
    seconds = per_step[nearest] * times[nearest] * config.epochs * ceil(n_train / config.batch_size)
    return Estimate(float(seconds), bool(1 / MOST_ALIKE <= times[nearest] <= MOST_ALIKE))


def together(seconds: Sequence[float], workers: int) -> float:
    """Seconds until runs of these times are all trained by so many processes."""
    return max(max(seconds), sum(seconds) / workers)


def _work(is_circuit: bool, samples: np.ndarray, qubits: np.ndarray, depth: np.ndarray) -> np.ndarray:
    """Work of one step in samples through the layers around a circuit: overhead, samples, and rotated amplitudes."""
    return OVERHEAD + samples * (1 + (2.0**qubits * qubits * depth / ROTATIONS if is_circuit else 0.0))
