"""The estimate of time, against times that were measured and times that are made up."""

import json
from pathlib import Path

import pandas as pd
import pytest

from core.config.heads.dressed_quantum import DressedQuantum
from core.config.heads.linear import Linear
from core.config.run import RunConfig
from core.runs.estimate import estimate, together

N_TRAIN = 196
SCALING = Path(__file__).resolve().parents[2] / "results" / "benchmarks" / "scaling.json"


def stored(config: RunConfig, seconds: float) -> dict[str, object]:
    values = config.model_dump()
    head = values.pop("head")
    about = {"run_id": f"{config.head.kind}-{seconds}", "status": "finished", "n_train": N_TRAIN, "seconds": seconds}
    about |= {"epochs_done": config.epochs}
    return values | about | {"head": head.pop("kind")} | head


def test_the_same_run_takes_the_same_time() -> None:
    runs = pd.DataFrame([stored(RunConfig(), 3.0), stored(RunConfig(head=Linear()), 0.5)])
    assert estimate(RunConfig(), N_TRAIN, runs) == (pytest.approx(3.0), True)
    assert estimate(RunConfig(epochs=60, base_seed=7), N_TRAIN, runs) == (pytest.approx(6.0), True)
    assert estimate(RunConfig(head=Linear()), N_TRAIN, runs) == (pytest.approx(0.5), True)


def test_workers_share_the_runs() -> None:
    assert together([3.0, 0.5], 2) == 3.0
    assert together([3.0, 2.0, 2.0], 2) == 3.5
    assert together([3.0, 0.5], 1) == 3.5


def test_nothing_is_said_of_a_head_that_has_never_run() -> None:
    runs = pd.DataFrame([stored(RunConfig(), 3.0), stored(RunConfig(head=Linear()), 1.0) | {"status": "failed"}])
    assert estimate(RunConfig(head=Linear()), N_TRAIN, runs) is None
    assert estimate(RunConfig(), N_TRAIN, pd.DataFrame(columns=["run_id"])) is None


def test_a_large_circuit_is_told_from_a_small_one_as_it_was_measured() -> None:
    rows = [row for row in json.loads(SCALING.read_text())["rows"] if row["name"] == "ours" and row["n_qubits"] <= 12]
    for axis in ("qubits", "members"):
        steps = {
            RunConfig(
                head=DressedQuantum(n_qubits=row["n_qubits"], q_depth=row["q_depth"]),
                batch_size=row["batch_size"],
                seeds=row["members"],
            ): row["ms"]
            for row in rows
            if row["axis"] == axis
        }
        small = next(config for config in steps if config.head.n_qubits == 4)
        runs = pd.DataFrame([stored(small, steps[small] * -(-N_TRAIN // small.batch_size))])
        for config, milliseconds in steps.items():
            found = estimate(config, N_TRAIN, runs)
            assert found is not None
            per_step = found.seconds / -(-N_TRAIN // config.batch_size)
            assert per_step == pytest.approx(milliseconds, rel=0.5), config.head


def test_a_step_that_is_much_larger_than_any_before_is_not_alike() -> None:
    runs = pd.DataFrame([stored(RunConfig(), 0.3)])
    found = estimate(RunConfig(head=DressedQuantum(n_qubits=12, q_depth=20), seeds=64), N_TRAIN, runs)
    assert found is not None
    assert not found.alike
    assert 150 < found.seconds < 600
