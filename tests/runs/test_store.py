"""The store keeps what it was given, survives crashes at any point, and lets one process at a time write a run."""

import json
import math
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from core.config.run import RunConfig, run_config
from core.errors import LabError
from core.events import Checkpoint, Epoch, Finished, Started, Step
from core.runs.frames import load_epochs, load_runs
from core.runs.store import Store, digest
from core.settings import PROJECT

CONFIG = run_config({"head": {"kind": "bottleneck", "width": 3}, "seeds": 2, "epochs": 3, "base_seed": 5})
STARTED = Started(
    seeds=[5, 6],
    classes=["ants", "bees"],
    n_features=256,
    n_train=195,
    n_validation=49,
    n_test=153,
    steps_per_epoch=49,
    epochs=3,
    first_epoch=1,
    quantum_parameters=0,
    classical_parameters=779,
)


def epoch(number: int, loss: float = 0.5, status: str = "ok") -> Epoch:
    return Epoch(
        epoch=number,
        train_loss=[loss, 0.25],
        train_accuracy=[0.75, 1.0],
        validation_loss=[loss, 0.125],
        validation_accuracy=[0.5, 0.875],
        learning_rate=[4e-4, 4e-4],
        seconds=0.1,
        status=["ok", status],
    )


def finished() -> Finished:
    return Finished(
        test_loss=[0.4, 0.3],
        test_accuracy=[0.8, 0.9],
        best_epoch=[2, 3],
        seconds=0.3,
        test_logits=np.arange(12, dtype=np.float32).reshape(2, 3, 2),
        test_labels=np.array([0, 1, 1]),
        test_names=["ants/a.jpg", "bees/b.jpg", "bees/ü.jpg"],
        weights={"pre.weight": np.ones((2, 3, 256), np.float32), "pre.bias": np.zeros((2, 3), np.float32)},
    )


def checkpoint(number: int) -> Checkpoint:
    return Checkpoint(epoch=number, arrays={"flat": np.full((2, 7), number, np.float32), "step": np.array([4, 5])})


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "results")


def test_a_run_comes_back_as_it_was_written(store: Store) -> None:
    run_id = store.create(CONFIG, {"bank": "abc"}, owner="ada")
    assert store.load(run_id).status == "queued"
    store.append(run_id, STARTED)
    store.append(run_id, Step(epoch=1, step=3, loss=[0.7, 0.6]))
    for number in (1, 2, 3):
        store.append(run_id, epoch(number))
        store.append(run_id, checkpoint(number))
    assert store.load(run_id).status == "running"
    saved = store.load(run_id).checkpoint()
    assert saved is not None
    assert saved.epoch == 3
    assert saved.arrays.keys() == checkpoint(3).arrays.keys()
    for name, array in checkpoint(3).arrays.items():
        np.testing.assert_array_equal(saved.arrays[name], array, strict=True)
    store.append(run_id, finished())

    record = Store(store.root).load(run_id)
    assert (record.status, record.message, record.owner) == ("finished", "", "ada")
    assert record.config == CONFIG
    assert record.provenance == {"bank": "abc"}
    assert record.versions["numpy"] == np.__version__
    assert record.started == STARTED
    assert record.epochs == [epoch(1), epoch(2), epoch(3)]
    assert record.finished is not None
    assert vars(record.finished) == {
        "test_loss": [0.4, 0.3],
        "test_accuracy": [0.8, 0.9],
        "best_epoch": [2, 3],
        "seconds": 0.3,
    }
    for name, array in finished().weights.items():
        np.testing.assert_array_equal(record.weights()[name], array, strict=True)
    np.testing.assert_array_equal(record.predictions()["test_logits"], finished().test_logits, strict=True)
    assert record.predictions()["test_labels"].tolist() == [0, 1, 1]
    assert record.predictions()["test_names"].tolist() == finished().test_names
    assert record.checkpoint() is None


def test_a_new_id_says_when_and_what(store: Store) -> None:
    first, second = store.create(CONFIG, {}), store.create(CONFIG, {})
    assert first != second
    assert first.startswith("20")
    assert "-bottleneck-" in first
    assert store.run_ids() == sorted([first, second])
    with pytest.raises(LabError, match="exists already"):
        store.create(CONFIG, {}, run_id=first)


def test_the_record_is_strict_json_also_when_a_member_diverges(store: Store) -> None:
    run_id = store.create(CONFIG, {})
    store.append(run_id, epoch(1, loss=math.nan, status="diverged in epoch 1"))
    line = (store.folder(run_id) / "epochs.jsonl").read_text()
    assert "NaN" not in line
    assert json.loads(line)["train_loss"] == [None, 0.25]
    (read,) = store.load(run_id).epochs
    assert math.isnan(read.train_loss[0])
    assert read.train_loss[1] == 0.25
    assert read.status == ["ok", "diverged in epoch 1"]


def test_a_torn_last_line_costs_that_line_alone(store: Store) -> None:
    run_id = store.create(CONFIG, {})
    store.append(run_id, epoch(1))
    store.append(run_id, epoch(2))
    path = store.folder(run_id) / "epochs.jsonl"
    whole = path.read_bytes()
    second = whole.index(b"\n") + 1
    for cut in range(second, len(whole) - 1):
        path.write_bytes(whole[:cut])
        assert store.load(run_id).epochs == [epoch(1)]
    store.append(run_id, epoch(2, loss=0.3))
    store.append(run_id, epoch(3))
    assert store.load(run_id).epochs == [epoch(1), epoch(2, loss=0.3), epoch(3)]


def test_a_repeated_epoch_replaces_the_earlier_one(store: Store) -> None:
    run_id = store.create(CONFIG, {})
    for number in (1, 2, 3, 2):
        store.append(run_id, epoch(number, loss=float(number)))
    store.append(run_id, epoch(3, loss=9.0))
    assert [(each.epoch, each.train_loss[0]) for each in store.load(run_id).epochs] == [(1, 1.0), (2, 2.0), (3, 9.0)]


@pytest.mark.parametrize("name", ["../other", "..", "a/b", "/etc", "", ".hidden", "a" * 101, "a\0b", "a\nb", "ä"])
def test_an_id_cannot_leave_the_folder(store: Store, name: str) -> None:
    with pytest.raises(LabError, match=r"run id = .* is not possible"):
        store.load(name)
    with pytest.raises(LabError, match=r"run id = .* is not possible"):
        store.create(CONFIG, {}, run_id=name)


def test_mistakes_are_one_sentence(store: Store) -> None:
    with pytest.raises(LabError, match="There is no run 2026-gone"):
        store.load("2026-gone")
    with pytest.raises(LabError, match="There is no run 2026-gone"):
        store.append("2026-gone", STARTED)
    run_id = store.create(CONFIG, {})
    with pytest.raises(LabError, match="status = 'sleeping' is not possible"):
        store.set_status(run_id, "sleeping")  # type: ignore[arg-type]
    with pytest.raises(LabError, match=r"has no weights\.npz: it is queued"):
        store.load(run_id).weights()


@pytest.mark.parametrize(
    "damage",
    [
        "",
        "{",
        "[]",
        '{"status": "finished"}',
        '{"config": {"epochs": -1}, "status": "finished", "message": ""}',
    ],
)
def test_an_unreadable_record_is_told_and_the_others_load(store: Store, damage: str) -> None:
    bad, good = store.create(CONFIG, {}), store.create(CONFIG, {})
    (store.folder(bad) / "run.json").write_text(damage)
    store.append(good, epoch(1))
    with pytest.raises(LabError, match=f"record of run {bad} cannot be read"):
        store.load(bad)
    runs = load_runs(store.root)
    assert runs.loc[runs["run_id"] == bad, "status"].tolist() == ["unreadable"]
    assert runs.loc[runs["run_id"] == good, "seed"].tolist() == [5, 6]
    assert set(load_epochs(store.root)["run_id"]) == {good}


def test_damaged_arrays_are_told(store: Store) -> None:
    run_id = store.create(CONFIG, {})
    store.append(run_id, finished())
    folder = store.folder(run_id)
    weights = (folder / "weights.npz").read_bytes()
    (folder / "weights.npz").write_bytes(weights[: len(weights) // 2])
    with pytest.raises(LabError, match=r"weights\.npz of run .* cannot be read"):
        store.load(run_id).weights()
    np.savez(folder / "predictions.npz", test_names=np.array([{"code": "that unpickling would run"}], dtype=object))
    with pytest.raises(LabError, match=r"predictions\.npz of run .* cannot be read"):
        store.load(run_id).predictions()


def test_a_full_disk_is_one_sentence_and_loses_nothing(tmp_path: Path) -> None:
    """A limit on the size of files makes the kernel refuse to write, as a full disk does."""
    store = Store(tmp_path)
    run_id = store.create(CONFIG, {})
    store.append(run_id, epoch(1))
    store.append(run_id, checkpoint(1))
    store.close()
    code = f"""
import resource, signal
from tests.runs.test_store import *
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
store = Store(Path({str(tmp_path)!r}))
store.append({run_id!r}, epoch(2))
resource.setrlimit(resource.RLIMIT_FSIZE, (600, 600))
for event in (Checkpoint(epoch=2, arrays=dict(flat=np.ones(9000))), epoch(3), epoch(4), epoch(5)):
    try:
        store.append({run_id!r}, event)
    except LabError as error:
        print(error)
"""
    done = _python(code)
    messages = done.stdout.splitlines()
    assert messages, done.stderr
    assert all("cannot take the results" in message and "LAB_RESULTS_DIR" in message for message in messages)
    record = store.load(run_id)
    assert record.epochs[:2] == [epoch(1), epoch(2)]
    saved = record.checkpoint()
    assert saved is not None
    assert saved.epoch == 1
    assert not list(record.folder.glob(".*")), "drafts are cleaned up"


def test_a_run_of_a_living_process_stays_running_and_of_a_killed_one_is_interrupted(store: Store) -> None:
    code = f"""
from tests.runs.test_store import *
store = Store(Path({str(store.root)!r}))
run_id = store.create(CONFIG, {{}}, run_id="2026-other")
store.append(run_id, STARTED)
store.append(run_id, epoch(1))
print("ready", flush=True)
sys.stdin.read()
"""
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "ready\n"
        assert store.load("2026-other").status == "running"
        assert set(load_runs(store.root)["status"]) == {"running"}
        with pytest.raises(LabError, match="is being trained by another process"):
            store.append("2026-other", epoch(2))
        other.send_signal(signal.SIGKILL)
        other.wait()
    record = store.load("2026-other")
    assert record.status == "interrupted"
    assert "ended before the run did" in record.message
    assert record.epochs == [epoch(1)]
    store.append("2026-other", STARTED)
    assert Store(store.root).load("2026-other").status == "running"
    store.set_status("2026-other", "stopped", "Stopped by ada.")
    assert Store(store.root).load("2026-other").message == "Stopped by ada."
    Store(store.root).set_status("2026-other", "queued")  # free again for any other store


def test_closing_lets_go(store: Store) -> None:
    run_id = store.create(CONFIG, {})
    store.close()
    assert store.load(run_id).status == "interrupted"


def test_frames_have_a_row_for_each_run_and_member(store: Store) -> None:
    done = store.create(CONFIG, {})
    for event in (STARTED, epoch(1), epoch(2), finished()):
        store.append(done, event)
    waiting = store.create(RunConfig(dataset="spirals", seeds=1), {}, owner="ada")
    (store.root / "benchmarks").mkdir()
    (store.root / "benchmarks" / "speed.json").write_text("{}")
    (store.root / ".cache").mkdir()
    (store.root / "README.md").write_text("Stored runs.")

    runs = load_runs(store.root)
    assert runs["run_id"].tolist() == [done, done, waiting]
    first = runs.iloc[1]
    assert first["head"] == "bottleneck"
    assert first["width"] == 3
    assert first["dataset"] == "ants_bees"
    assert (first["member"], first["seed"], first["epochs_done"], first["best_epoch"]) == (1, 6, 2, 3)
    assert (first["test_accuracy"], first["validation_accuracy"]) == (0.9, 0.875)
    assert first["device"] == "cpu"
    last = runs.iloc[2]
    assert (last["status"], last["head"], last["n_qubits"], last["owner"]) == ("queued", "dressed_quantum", 4, "ada")

    epochs = load_epochs(store.root)
    assert epochs[["member", "epoch"]].to_numpy().tolist() == [[0, 1], [1, 1], [0, 2], [1, 2]]
    assert epochs["train_loss"].tolist() == [0.5, 0.25, 0.5, 0.25]
    assert epochs["rate"].tolist() == [4e-4] * 4


def test_no_results_are_empty_frames(tmp_path: Path) -> None:
    assert load_runs(tmp_path / "nowhere").empty
    assert load_epochs(tmp_path).empty
    assert "run_id" in load_runs(tmp_path)


def test_the_digest_tells_configurations_apart() -> None:
    assert digest(CONFIG) == digest(run_config(CONFIG.model_dump()))
    assert digest(CONFIG) != digest(CONFIG.model_copy(update={"base_seed": 6}))


def _python(code: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONWARNINGS": "ignore"}
    return subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, env=environment, capture_output=True, text=True, timeout=60
    )


def test_a_run_that_is_over_can_be_removed_whole(store: Store) -> None:
    run_id = store.create(CONFIG, {})
    with pytest.raises(LabError, match="stop it before"):
        store.remove(run_id)
    store.set_status(run_id, "stopped")
    other = store.create(CONFIG, {})
    store.remove(run_id)
    assert store.run_ids() == [other]
    assert [path.name for path in store.root.iterdir()] == [other]
    with pytest.raises(LabError, match="There is no run"):
        store.remove(run_id)


def test_a_shipped_run_cannot_be_removed(store: Store) -> None:
    run_id = store.create(CONFIG, {}, run_id="paper-something")
    store.set_status(run_id, "stopped")
    with pytest.raises(LabError, match="came with the laboratory"):
        store.remove(run_id)
    assert store.run_ids() == [run_id]
