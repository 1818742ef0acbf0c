"""How long runs will take on this machine, learnt from the ones it has finished."""

from collections.abc import Sequence
from math import ceil

import numpy as np
import pandas as pd

from core.config import DressedQuantum, RunConfig


def estimate_seconds(configs: Sequence[RunConfig], n_train: int, runs: pd.DataFrame, workers: int) -> float | None:
    """Seconds until all of these are trained by ``workers`` processes; None when a kind of head has never run here.

    n_train: samples that are trained on; runs: `core.store.load_runs`, of which the finished ones count.
    The time of a step is taken to grow as a power of its arithmetic, starting from the stored run of that kind of head
    whose step is most alike. The power is fitted to all of them; where they say little, it is 2/3, between overhead
    alone (0) and arithmetic alone (1).
    """
    each = [_run_seconds(config, n_train, runs) for config in configs]
    known = [seconds for seconds in each if seconds is not None]
    if len(known) < len(each) or not each:
        return None
    return max(max(known), sum(known) / workers)


def _run_seconds(config: RunConfig, n_train: int, runs: pd.DataFrame) -> float | None:
    if runs.empty or "seconds" not in runs:
        return None
    past = runs[(runs["status"] == "finished") & (runs["head"] == config.head.kind)].drop_duplicates("run_id").tail(50)
    past = past[past["seconds"] > 0]
    if past.empty:
        return None
    steps = past["epochs"] * np.ceil(past["n_train"] / past["batch_size"])
    per_step = (past["seconds"] / steps).to_numpy(float)
    qubits = past["n_qubits"].fillna(0) if "n_qubits" in past else pd.Series(0, past.index)
    depth = past["q_depth"].fillna(0) if "q_depth" in past else pd.Series(0, past.index)
    samples = past["seeds"] * np.minimum(past["batch_size"], past["n_train"])
    work = _work(config.head.kind, samples.to_numpy(float), qubits.to_numpy(float), depth.to_numpy(float))
    size = (getattr(config.head, "n_qubits", 0), getattr(config.head, "q_depth", 0))
    wanted = _work(config.head.kind, np.array([config.seeds * min(config.batch_size, n_train)]), *map(np.array, size))
    return _per_step(work, per_step, float(wanted[0])) * config.epochs * ceil(n_train / config.batch_size)


def _work(kind: str, samples: np.ndarray, qubits: np.ndarray, depth: np.ndarray) -> np.ndarray:
    """Arithmetic of one step: samples, and for a circuit times amplitudes times rotations."""
    is_circuit = kind == DressedQuantum.model_fields["kind"].default
    return samples * (2.0**qubits * qubits * depth if is_circuit else 1.0)


def _per_step(work: np.ndarray, seconds: np.ndarray, wanted: float) -> float:
    """Seconds of one step of that much work, given others of known work and time, oldest first."""
    x, y = np.log(work), np.log(seconds)
    dx, dy = x - x.mean(), y - y.mean()
    power = float(np.clip((dx @ dy + 2 / 3) / (dx @ dx + 1), 0, 1))
    distance = np.abs(x - np.log(wanted))
    alike = np.flatnonzero(distance == distance.min())[-1]
    return float(seconds[alike] * (wanted / work[alike]) ** power)
