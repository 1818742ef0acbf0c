"""The laboratory opens with results on every data set, and the command that made them makes them again."""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.special import softmax

from core.__main__ import main
from core.data.banks import load_bank
from core.data.registry import DATASETS
from core.experiment.configs import DEFAULT_HEADS, default_values, experiment
from core.runs.shipped import any_seeds, shipped_index
from core.runs.store import SHIPPED, Store
from core.statistics.intervals import SEEDS


@pytest.mark.parametrize("name", DATASETS)
def test_the_page_of_every_data_set_opens_with_runs_that_ship(name: str) -> None:
    index, configs = shipped_index(), experiment(default_values(name)).configs
    assert tuple(config.head.style.label for config in configs) == DEFAULT_HEADS
    for config in configs:
        record = Store(SHIPPED).load(index[any_seeds(config)])
        assert record.config == config.model_copy(update={"seeds": SEEDS})
        assert record.finished is not None
        bank, stored = load_bank(config.features), record.predictions()
        labels = bank.labels[bank.split == "test"]
        np.testing.assert_array_equal(stored["test_labels"], labels)
        right = stored["test_logits"].argmax(-1) == labels
        np.testing.assert_allclose(right.mean(-1), record.finished.test_accuracy, rtol=0, atol=1e-12)
        of_truth = softmax(stored["test_logits"].astype(float), -1)[:, np.arange(len(labels)), labels]
        np.testing.assert_allclose(-np.log(of_truth).mean(-1), record.finished.test_loss, rtol=0.01, atol=0.002)


def test_the_runs_that_ship_are_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LAB_RESULTS_DIR", str(tmp_path))
    assert main(["defaults", "moons", "square"]) == 0
    assert capsys.readouterr().out.count("stored already") == 6
    assert list(tmp_path.iterdir()) == []

    assert main(["defaults", "moons", "--again"]) == 0
    again, shipped = Store(tmp_path), Store(SHIPPED)
    assert again.run_ids() == [f"default-moons-{kind}" for kind in ("bottleneck", "dressed_quantum", "linear")]
    for run_id in again.run_ids():
        new, old = again.load(run_id), shipped.load(run_id)
        assert new.config == old.config
        assert new.provenance == old.provenance
        for mine, theirs in zip(new.epochs, old.epochs, strict=True):
            np.testing.assert_allclose(mine.validation_loss, theirs.validation_loss, rtol=0.02)
        assert json.loads((tmp_path / run_id / "run.json").read_text())["status"] == "finished"


def test_an_unknown_data_set_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["defaults", "cats"]) == 2
    assert capsys.readouterr().err.startswith("dataset = 'cats' is not possible: choose one of ants_bees")
