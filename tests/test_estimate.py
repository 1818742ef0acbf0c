"""The estimate of time, against times made from a known law."""

import pandas as pd
import pytest

from core.config import DressedQuantum, Linear, RunConfig
from core.estimate import estimate_seconds

N_TRAIN = 196


def stored(config: RunConfig, seconds: float) -> dict[str, object]:
    values = config.model_dump()
    head = values.pop("head")
    about = {"run_id": f"{config.head.kind}-{seconds}", "status": "finished", "n_train": N_TRAIN, "seconds": seconds}
    return values | about | {"head": head.pop("kind")} | head


def test_the_same_run_takes_the_same_time() -> None:
    runs = pd.DataFrame([stored(RunConfig(), 3.0), stored(RunConfig(head=Linear()), 0.5)])
    assert estimate_seconds([RunConfig()], N_TRAIN, runs, 2) == pytest.approx(3.0)
    assert estimate_seconds([RunConfig(epochs=60)], N_TRAIN, runs, 2) == pytest.approx(6.0)
    assert estimate_seconds([RunConfig(base_seed=7), RunConfig(head=Linear())], N_TRAIN, runs, 2) == pytest.approx(3.0)
    assert estimate_seconds([RunConfig(), RunConfig(head=Linear())], N_TRAIN, runs, 1) == pytest.approx(3.5)


def test_nothing_is_said_of_a_head_that_has_never_run() -> None:
    runs = pd.DataFrame([stored(RunConfig(), 3.0), stored(RunConfig(head=Linear()), 1.0) | {"status": "failed"}])
    assert estimate_seconds([RunConfig(head=Linear())], N_TRAIN, runs, 2) is None
    assert estimate_seconds([RunConfig(), RunConfig(head=Linear())], N_TRAIN, runs, 2) is None
    assert estimate_seconds([RunConfig()], N_TRAIN, pd.DataFrame(columns=["run_id"]), 2) is None


def test_growth_is_learnt_from_runs_of_several_sizes() -> None:
    """Times in proportion to amplitudes x rotations x samples, far from the power that is assumed at first."""
    sizes = [(n, depth) for n in (4, 6, 8, 10) for depth in (2, 6)]
    configs = {size: RunConfig(head=DressedQuantum(n_qubits=size[0], q_depth=size[1])) for size in sizes}
    true = {(n, depth): 1e-4 * 2**n * n * depth for n, depth in [*sizes, (11, 6)]}
    runs = pd.DataFrame([stored(configs[size], true[size]) for size in sizes])
    wanted = RunConfig(head=DressedQuantum(n_qubits=11, q_depth=6))
    assert estimate_seconds([wanted], N_TRAIN, runs, 2) == pytest.approx(true[11, 6], rel=0.1)
