"""Networks answer at any time of their run: while they are trained, when they rest, once they have finished."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from core.config.run import run_config
from core.data.banks import load_bank
from core.errors import LabError
from core.runs.store import Store
from core.work.answers import Answers
from core.work.queue import Jobs

PATIENCE = 120.0
"""Seconds after which something will not happen any more, on the slowest machine."""
PLACES = np.array([[-1, 0.5], [0, 0], [2, -0.25]], np.float32)

SHORT = run_config({"dataset": "moons", "head": {"kind": "linear"}, "seeds": 3, "epochs": 4})
LONG = run_config({"dataset": "moons", "head": {"kind": "dressed_quantum"}, "seeds": 3, "epochs": 1000})


def until(happened: Callable[[], Any]) -> Any:
    """Wait for something that is true, and return it."""
    deadline = time.monotonic() + PATIENCE
    while not (value := happened()):
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)
    return value


@pytest.fixture(scope="module")
def jobs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jobs]:
    jobs = Jobs(Store(tmp_path_factory.mktemp("results")), workers=1)
    assert jobs.wait_until_ready(PATIENCE), jobs.problem
    yield jobs
    jobs.close()


def asked(jobs: Jobs, run_id: str, features: np.ndarray = PLACES) -> Answers | None:
    return jobs.answers(run_id, features).result(PATIENCE)


def test_a_finished_run_answers_as_on_its_test_set(jobs: Jobs) -> None:
    run_id = jobs.submit(SHORT)
    until(lambda: jobs.snapshot(run_id).status == "finished")
    bank, record = load_bank(SHORT.features), jobs.store.load(run_id)
    answers = asked(jobs, run_id, bank.features[bank.split == "test"])
    assert answers is not None
    assert record.finished is not None
    assert (answers.epoch, answers.selected) == (record.finished.best_epoch[0], True)
    np.testing.assert_allclose(answers.logits, record.predictions()["test_logits"][0], atol=1e-6)


def test_the_network_under_training_answers_and_no_other_run_waits_for_it(jobs: Jobs) -> None:
    run_id = jobs.submit(LONG)
    first = until(lambda: asked(jobs, run_id))
    later = until(lambda: (found := asked(jobs, run_id)) and found.epoch > first.epoch and found)
    assert jobs.snapshot(run_id).status == "running"  # the only worker goes on with it
    assert not first.selected
    assert np.abs(later.logits - first.logits).max() > 0
    jobs.stop(run_id)
    until(lambda: jobs.snapshot(run_id).status == "stopped")

    checkpoint = jobs.store.load(run_id).checkpoint()
    rested = asked(jobs, run_id)
    assert checkpoint is not None
    assert rested is not None
    assert (rested.epoch, rested.selected) == (checkpoint.epoch, False)


@pytest.mark.parametrize("standardise", [False, True])
def test_a_run_that_rests_answers_with_the_weights_that_it_would_go_on_from(jobs: Jobs, standardise: bool) -> None:
    config = SHORT.model_copy(update={"epochs": 1000, "standardise": standardise})
    run_id = jobs.submit(config)
    until(lambda: jobs.snapshot(run_id).epochs)
    jobs.pause(run_id)
    until(lambda: jobs.snapshot(run_id).status == "paused")
    checkpoint = jobs.store.load(run_id).checkpoint()
    answers = asked(jobs, run_id)
    assert checkpoint is not None
    assert answers is not None
    weight, bias = np.split(checkpoint.arrays["weights"], [3 * 2 * 2])  # of three networks, one after the other
    bank, seen = load_bank(config.features), PLACES
    if standardise:
        own = bank.features[bank.splits(config.validation_share, config.split_seed, config.base_seed).train]
        seen = (PLACES - own.mean(0)) / own.std(0)
    expected = seen @ weight.reshape(3, 2, 2)[0].T + bias.reshape(3, 2)[0]
    np.testing.assert_allclose(answers.logits, expected, rtol=1e-5)


def test_only_what_is_here_and_has_weights_answers(jobs: Jobs) -> None:
    with pytest.raises(LabError, match="There is no run nothing"):
        asked(jobs, "nothing")
    waiting = jobs.submit(LONG)
    until(lambda: jobs.snapshot(waiting).status == "running")
    behind = jobs.submit(SHORT)  # the only worker is busy
    assert asked(jobs, behind) is None
    for run_id in (behind, waiting):
        jobs.stop(run_id)
        until(lambda run_id=run_id: jobs.snapshot(run_id).status == "stopped")
    assert asked(jobs, behind) is None
