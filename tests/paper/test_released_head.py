"""The head that the paper's authors released: PennyLane's own circuit beside ours, and the way from the command."""

import json
from math import pi
from pathlib import Path

import numpy as np
import pennylane as qml
import pytest
import torch
from torch import nn

from core.__main__ import main
from core.config.run import run_config
from core.data.banks import FeatureBank, load_bank
from core.errors import LabError
from core.paper.released_head import FEATURES, FILE, released_logits, released_weights


def notebooks_head(features: torch.Tensor) -> np.ndarray:
    """Logits (n, 2) of the released weights, put together as the authors' notebook puts its network together."""
    state = torch.load(FILE, map_location="cpu", weights_only=True)
    rows = state["q_params"].reshape(15, 4)

    @qml.qnode(qml.device("default.qubit", wires=4))
    def circuit(inputs: np.ndarray) -> list[qml.measurements.ExpectationMP]:
        for wire in range(4):
            qml.Hadamard(wire)
            qml.RY(inputs[wire], wire)
        for layer in range(6):
            for first in (0, 2, 1):
                qml.CNOT((first, first + 1))
            for wire in range(4):
                qml.RY(rows[layer + 1, wire], wire)
        return [qml.expval(qml.PauliZ(wire)) for wire in range(4)]

    angles = torch.tanh(features @ state["pre_net.weight"].T + state["pre_net.bias"]) * pi / 2
    values = torch.tensor(np.array([np.array(circuit(row.numpy())) for row in angles]), dtype=torch.float32)
    logits: np.ndarray = (values @ state["post_net.weight"].T + state["post_net.bias"]).numpy()
    return logits


def bank(features: np.ndarray) -> FeatureBank:
    n = len(features)
    names = tuple(f"test/ants/{row}.jpg" for row in range(n))
    return FeatureBank(FEATURES, features, np.zeros(n, np.int64), names, np.full(n, "test"), ("ants", "bees"), {})


def test_it_answers_as_the_notebooks_network_does() -> None:
    features = np.random.RandomState(0).gamma(1.0, size=(12, 512)).astype(np.float32)
    computed = released_logits(bank(features))
    np.testing.assert_allclose(computed, notebooks_head(torch.tensor(features)), atol=1e-5)
    assert {row.argmax() for row in computed} == {0, 1}


def test_it_belongs_to_its_features_and_is_whole(tmp_path: Path) -> None:
    shipped = load_bank(run_config({}).features)
    with pytest.raises(LabError, match=r"on Ants and bees · ML.NET.s ResNet18.*belongs to .*ResNet-18 complete"):
        released_logits(shipped)
    (tmp_path / "cut.pt").write_bytes(FILE.read_bytes()[:-1])
    with pytest.raises(LabError, match=r"cut\.pt is not the head that was released"):
        released_weights(tmp_path / "cut.pt")


def test_the_command_extracts_and_asks_it(
    few_images: Path,
    checkpoint: nn.Module,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """With a checkpoint made here in the place of torchvision's: the features differ, the way is the same."""
    monkeypatch.setenv("LAB_DATA_DIR", str(few_images))
    monkeypatch.setenv("LAB_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("LAB_RESULTS_DIR", str(tmp_path / "results"))
    assert main(["paper", "released-head", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    stored = load_bank(FEATURES)
    test = stored.split == "test"
    answers = notebooks_head(torch.tensor(stored.features[test])).argmax(1)
    assert told == {"right": int((answers == stored.labels[test]).sum()), "n_test": 4, "reported_right": 148}
    assert main(["paper", "released-head"]) == 0
    assert f"{told['right']} of 4 test images right" in capsys.readouterr().out


def test_without_the_weights_it_says_what_to_do(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("LAB_CACHE_DIR", "LAB_RESULTS_DIR", "TORCH_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.setenv("LAB_DATA_DIR", str(data_dir))
    assert main(["paper", "released-head"]) == 2
    assert "IMAGENET1K_V1 of resnet18 are not on this machine: download them from torchvision with --download" in (
        capsys.readouterr().err
    )
