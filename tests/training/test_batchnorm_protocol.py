"""The paper's own protocol, from images and torchvision's loader to the stored row, with a checkpoint made here."""

import copy
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from core.__main__ import main
from core.config.heads.linear import Linear
from core.config.run import RunConfig
from core.data.backbones import load_backbone
from core.data.banks import load_bank
from core.data.cuts import Cut
from core.data.registry import dataset
from core.errors import LabError
from core.events import Epoch, Finished, Started
from core.paper.rows import find_row
from core.paper.table import measured_by
from core.runs.store import Store
from core.training.loop import epoch_order
from core.training.network import Network
from core.training.on_images import estimate_seconds, train_on_images

CONFIG = RunConfig(
    backbone="resnet18", layer="avgpool", head=Linear(), protocol="paper_batchnorm", seeds=2, epochs=2, batch_size=4
)


def test_equals_a_plain_torch_loop(few_images: Path, checkpoint: nn.Module) -> None:
    backbone = load_backbone(Cut("resnet18", "avgpool", "IMAGENET1K_V1"), data_dir=few_images)
    found = dataset("ants_bees").images(few_images)
    events = list(train_on_images(CONFIG, found, backbone))
    started = next(event for event in events if isinstance(event, Started))
    epochs = [event for event in events if isinstance(event, Epoch)]
    finished = events[-1]
    assert isinstance(finished, Finished)
    assert (started.n_train, started.n_test, started.n_features, len(epochs)) == (10, 4, 512, 2)

    pictures = torch.stack([backbone.transform(found.open(name)) for name in found.names])
    labels = torch.from_numpy(found.labels)
    test = torch.from_numpy(np.flatnonzero(found.split == "test"))
    for index, member in enumerate(CONFIG.members()):
        frozen = copy.deepcopy(checkpoint)
        frozen.fc = nn.Identity()
        start = Network(CONFIG.head, 512, 2, 1)
        start.initialise([member.seed])
        head = nn.Linear(512, 2)
        with torch.no_grad():
            head.weight.copy_(start.weights["post.weight"][0])
            head.bias.copy_(start.weights["post.bias"][0])
        adam = torch.optim.Adam(head.parameters(), lr=CONFIG.learning_rate)
        accuracies = []
        for epoch in (1, 2):
            frozen.train()
            (order,) = epoch_order([member], np.flatnonzero(found.split == "train")[None], epoch)
            total = 0.0
            for rows in order.split(4):
                with torch.no_grad():
                    features = frozen(pictures[rows])
                loss = nn.functional.cross_entropy(head(features), labels[rows])
                adam.zero_grad()
                loss.backward()
                adam.step()
                total += loss.item() * len(rows)
            frozen.eval()
            with torch.no_grad():
                logits = head(frozen(pictures[test]))
            assert epochs[epoch - 1].train_loss[index] == pytest.approx(total / 10, rel=1e-4)
            expected = nn.functional.cross_entropy(logits, labels[test]).item()
            assert epochs[epoch - 1].validation_loss[index] == pytest.approx(expected, rel=1e-4)
            accuracies.append((logits.argmax(1) == labels[test]).double().mean().item())
        assert finished.test_accuracy[index] == max(accuracies)
        assert finished.best_epoch[index] == 1 + accuracies.index(max(accuracies))


def test_a_row_of_the_table_runs_from_the_command(
    few_images: Path,
    checkpoint: nn.Module,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("LAB_DATA_DIR", str(few_images))
    monkeypatch.setenv("LAB_RESULTS_DIR", str(tmp_path / "results"))
    row = find_row("ants_bees-avgpool-dressed_quantum-paper-BatchNorm")
    assert main(["paper", "run", row.key, "--json", "--download"]) == 0
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {(each["what"], each["total"], each["unit"]) for each in told} == {("Training", 30 * 3, "steps")}
    done = [each["done"] for each in told]
    assert (done[0], done[-1]) == (0, 90)
    assert done == sorted(done)
    record = Store().load(row.run_id)
    found = measured_by(record)
    assert found is not None
    assert record.config == row.config
    assert len(record.epochs) == 30
    assert found.best.estimate >= found.last.estimate


def test_estimate_counts_every_image_in_every_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a machine where the clock moves 0.8 s with every look at it: 4 training images and 8 test images take that."""
    clock = iter(range(100))
    monkeypatch.setattr("core.training.on_images.perf_counter", lambda: 0.8 * next(clock))
    threads = torch.get_num_threads()
    assert estimate_seconds(CONFIG) == pytest.approx(2 * 2 * (244 * 0.8 / 4 + 153 * 0.8 / 8))
    assert torch.get_num_threads() == threads


def test_folded_weights_are_refused(data_dir: Path) -> None:
    backbone = load_backbone(Cut("resnet18", "layer3", "IMAGENET1K_V1"), data_dir=data_dir)
    with pytest.raises(LabError, match="has BatchNorm folded in"):
        list(
            train_on_images(
                CONFIG.model_copy(update={"layer": "layer3"}), dataset("ants_bees").images(data_dir), backbone
            )
        )


def test_stored_features_are_not_used_for_it() -> None:
    with pytest.raises(LabError, match="'paper_batchnorm' is not possible with stored features"):
        load_bank(CONFIG.features)
