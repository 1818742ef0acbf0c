"""The terminal: every command and option explains itself, events come as JSON, a mistake costs one sentence."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from core.__main__ import COMMANDS
from core.runs.frames import load_runs
from core.runs.store import Store

ROOT = Path(__file__).resolve().parents[2]
TRAIN = "train --dataset ants_bees --backbone resnet18 --layer layer3 --head dressed_quantum --n-qubits 4 --q-depth 6"


def core(arguments: str, results: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "core", *arguments.split()],
        cwd=ROOT,
        env=os.environ | {"LAB_RESULTS_DIR": str(results)},
        capture_output=True,
        text=True,
        timeout=300,
    )


def test_training_prints_one_json_object_for_every_event(tmp_path: Path) -> None:
    done = core(f"{TRAIN} --learning-rate 4e-4 --batch-size 4 --epochs 3 --seeds 8 --json", tmp_path)
    assert done.returncode == 0, done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert events[0]["event"] == "start"
    assert [event["epoch"] for event in events if event["event"] == "epoch"] == [1, 2, 3]
    last = events[-1]
    assert last["event"] == "finished"
    assert len(last["test_accuracy"]) == 8
    assert last["seconds"] > 0
    record = Store(tmp_path).load(last["run_id"])
    assert record.status == "finished"
    assert record.finished is not None
    assert record.finished.test_accuracy == last["test_accuracy"]
    assert record.config.learning_rate == 4e-4


def test_without_json_a_person_reads_progress_and_the_result(tmp_path: Path) -> None:
    done = core("train --head linear --epochs 2 --seeds 2", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "epoch 2/2" in done.stdout
    assert "test accuracy" in done.stdout
    assert load_runs(tmp_path)["test_accuracy"].notna().all()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("train --epochs 0", ["epochs = '0' is not possible: whole numbers from 1 to 1,000 are allowed"]),
        (
            "train --learning-rate nan",
            ["learning_rate = 'nan'", "numbers from 0.000001 to 1 are allowed"],
        ),
        ("train --n-qubits 40", ["n_qubits = '40' is not possible: whole numbers from 2 to 12 are allowed"]),
        ("train --n-qubits four", ["n_qubits = 'four' is not possible: whole numbers from 2 to 12 are allowed"]),
        ("train --head linear --q-depth 3", ["linear has no q_depth"]),
        ("train --head mlp --hidden 8,0", ["hidden = '0' is not possible: whole numbers from 1 to 4,096 are allowed"]),
        ("train --lr-gamma 2", ["lr_gamma = '2' is not possible: numbers above 0 and up to 1 are allowed"]),
        ("train --validation-share 1", ["validation_share = '1'", "numbers above 0 and below 0.9 are allowed"]),
        ("train --base-seed x", ["base_seed = 'x'", "whole numbers from 0 to 1,073,741,823 are allowed"]),
        ("train --lr-early maybe", ["lr_early = 'maybe' is not possible: use true or false"]),
        ("train --ansatz x", ["ansatz = 'x' is not possible: choose one of mari, ring, strongly_entangling"]),
        ("train --head sphere", ["--head", "sphere"]),
        ("train --dataset cats", ["dataset", "cats", "ants_bees"]),
        ("train --dataset spirals --backbone resnet18", ["spirals", "resnet18"]),
        ("train --backbone resnet18 --layer layer9", ["layer = 'layer9' is not possible", "layer3"]),
        ("train --backbone nope", ["backbone = 'nope' is not possible", "resnet50"]),
        ("train --backbone resnet18 --layer avgpool --weights-name mine", ["not on this machine", "features"]),
        ("train --weights my.pth", ["features --weights FILE", "--weights-name"]),
        ("train --resume no-such-run", ["no-such-run"]),
        ("train --nonsense 3", ["--nonsense"]),
        ("no-such-command", ["no-such-command"]),
    ],
)
def test_a_mistake_costs_one_sentence(arguments: str, words: list[str], tmp_path: Path) -> None:
    done = core(arguments, tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert all(word in done.stderr for word in words), done.stderr
    assert not list(tmp_path.iterdir())


def test_a_device_that_is_not_there_leaves_no_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_DEVICE", "cuda:99")
    done = core("train --head linear --epochs 1", tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("device = cuda:99 is not possible: torch ")
    assert len(done.stderr.splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_every_command_and_every_option_explains_itself(tmp_path: Path) -> None:
    overview = core("--help", tmp_path)
    assert overview.returncode == 0
    for command in COMMANDS:
        assert command in overview.stdout
        text = core(f"{command} --help", tmp_path).stdout
        assert len(text) > 200, f"{command} has no help"
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert not [command for command in COMMANDS if f"python -m core {command}" not in readme]


def test_an_interrupted_run_resumes_from_the_terminal(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "core", *f"{TRAIN} --epochs 1000 --seeds 1 --json".split()]
    with subprocess.Popen(
        command, cwd=ROOT, env=os.environ | {"LAB_RESULTS_DIR": str(tmp_path)}, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        events = (json.loads(line) for line in process.stdout)
        run_id = next(events)["run_id"]
        checkpoint = tmp_path / run_id / "checkpoint.npz"
        next(event for event in events if event["event"] == "epoch" and checkpoint.exists())
        process.kill()
    record = Store(tmp_path).load(run_id)
    assert record.status == "interrupted"
    kept = record.checkpoint()
    assert kept is not None
    assert 1 <= kept.epoch <= len(record.epochs) < 1000
    done = core(f"train --resume {run_id} --json", tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[0])["first_epoch"] == kept.epoch + 1
    assert len(Store(tmp_path).load(run_id).epochs) == 1000


def test_a_finished_run_is_not_trained_again_and_keeps_every_byte(tmp_path: Path) -> None:
    shipped = "paper-moons-classical-ours"
    folder = shutil.copytree(ROOT / "results" / shipped, tmp_path / shipped)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    done = core(f"train --resume {shipped}", tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"Run {shipped} is finished" in done.stderr
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
