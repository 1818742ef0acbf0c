"""Work in this very process: its record holds what was measured, however it ends; and what may go on."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from core.config.heads.linear import Linear
from core.config.run import RunConfig
from core.data.banks import load_bank
from core.errors import LabError
from core.events import Epoch, Event, Finished
from core.runs.store import SHIPPED, Store
from core.work.here import record
from core.work.resume import resumable, training

CONFIG = RunConfig(dataset="moons", head=Linear(), seeds=2, epochs=4)


def begin(store: Store) -> str:
    bank = load_bank(CONFIG.features)
    return store.create(CONFIG, bank.provenance | {"features_sha256": bank.digest})


def nobody(event: Event) -> None:
    """Shows an event to nobody."""


def interrupt_after(epoch: int) -> Callable[[Event], None]:
    def show(event: Event) -> None:
        if isinstance(event, Epoch) and event.epoch == epoch:
            raise KeyboardInterrupt

    return show


def test_an_interrupted_run_keeps_its_last_checkpoint_and_goes_on_bit_for_bit(tmp_path: Path) -> None:
    store = Store(tmp_path)
    whole, run_id = begin(store), begin(store)
    record(training(CONFIG).events(), store, whole, nobody)
    with pytest.raises(KeyboardInterrupt):
        record(training(CONFIG).events(), store, run_id, interrupt_after(3))
    interrupted = store.load(run_id)
    assert interrupted.status == "interrupted"
    found = resumable(store, run_id)
    assert found.checkpoint is not None
    assert found.checkpoint.epoch == 2, "written within the second that one checkpoint a second allows"
    record(found.work.events(found.material, found.checkpoint), store, run_id, nobody)
    one, other = store.load(whole), store.load(run_id)
    assert other.status == "finished"
    assert [epoch.train_loss for epoch in other.epochs] == [epoch.train_loss for epoch in one.epochs]
    np.testing.assert_array_equal(other.predictions()["test_logits"], one.predictions()["test_logits"])


def test_an_error_fails_the_run_and_a_result_stays_finished(tmp_path: Path) -> None:
    store = Store(tmp_path)
    failed, finished = begin(store), begin(store)

    def refuse(event: Event) -> None:
        raise LabError("nobody listens")

    def interrupt_at_the_end(event: Event) -> None:
        if isinstance(event, Finished):
            raise KeyboardInterrupt

    with pytest.raises(LabError):
        record(training(CONFIG).events(), store, failed, refuse)
    assert (store.load(failed).status, store.load(failed).message) == ("failed", "nobody listens")
    with pytest.raises(KeyboardInterrupt):
        record(training(CONFIG).events(), store, finished, interrupt_at_the_end)
    assert store.load(finished).status == "finished"


def test_what_is_finished_shipped_or_begun_on_other_features_does_not_go_on(tmp_path: Path) -> None:
    store = Store(tmp_path)
    finished, other = begin(store), store.create(CONFIG, {"features_sha256": "0" * 64})
    record(training(CONFIG).events(), store, finished, nobody)
    with pytest.raises(LabError, match="is being trained by another process"):
        resumable(store, other)
    store.set_status(other, "paused")
    with pytest.raises(LabError, match="began on other features"):
        resumable(store, other)
    with pytest.raises(LabError, match="is finished: start a new run"):
        resumable(store, finished)
    shipped = next(SHIPPED.glob("paper-moons-*-ours")).name
    shutil.copytree(SHIPPED / shipped, tmp_path / shipped)
    with pytest.raises(LabError, match="is finished"):
        resumable(store, shipped)
    store.set_status(shipped, "paused")  # as a broken checkout might say
    with pytest.raises(LabError, match="came with the laboratory"):
        resumable(store, shipped)
