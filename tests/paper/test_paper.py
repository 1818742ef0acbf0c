"""The paper's table: what it reports, what ships beside it, and that pressing a row's button gives the number again."""

import json
from dataclasses import replace
from math import isnan
from pathlib import Path

import numpy as np
import pytest

from core.__main__ import main
from core.config.heads.dressed_quantum import DressedQuantum
from core.data.banks import load_bank
from core.errors import LabError
from core.events import Epoch, Event
from core.paper.examples import NETWORKS, PROTOCOLS
from core.paper.notebook import DATASETS
from core.paper.notebook_record import keep_notebook_results, notebook_results
from core.paper.rows import PAPERS_CUT, NotebookRow, TrainedRow, find_row, rows
from core.paper.table import measured_by, measured_rows
from core.runs.store import SHIPPED, Store
from core.statistics.intervals import mean_interval

SHIPPED_ROWS = [row for row in rows() if isinstance(row, TrainedRow) and row.cut != PAPERS_CUT]
SHIPPED_KEYS = [row.key for row in SHIPPED_ROWS]


def row_of(dataset: str, head: str, cut: str, protocol: str) -> TrainedRow:
    (row,) = [
        row
        for row in rows()
        if isinstance(row, TrainedRow)
        and (row.dataset, row.head_name, row.protocol) == (dataset, head, protocol)
        and (row.cut.backbone, row.cut.layer) == ("resnet18", cut)
    ]
    return row


def test_keys_are_unique_and_name_runs() -> None:
    keys = [row.key for row in rows()]
    assert len(set(keys)) == len(keys)
    for row in rows():
        Store().folder(row.run_id)  # raises for a name that a folder may not have


@pytest.mark.parametrize(
    ("dataset", "depth", "rate", "batch", "epochs", "step", "gamma", "accuracy", "loss", "minutes"),
    [
        ("ants_bees", 6, 4e-4, 4, 30, 10, 0.1, 0.9673, 0.2753, 87),
        ("dogs_cats", 5, 1e-3, 8, 3, 3, 1.0, 0.8270, 0.4039, 676),
        ("planes_cars", 4, 7e-4, 8, 3, 3, 0.1, 0.9605, 0.1349, 478),
    ],
)
def test_settings_of_the_image_examples(
    dataset: str,
    depth: int,
    rate: float,
    batch: int,
    epochs: int,
    step: int,
    gamma: float,
    accuracy: float,
    loss: float,
    minutes: float,
) -> None:
    row = row_of(dataset, "dressed_quantum", "avgpool", "paper")
    config = row.config
    assert config.head == DressedQuantum(n_qubits=4, q_depth=depth, q_delta=0.01)
    assert (config.learning_rate, config.batch_size, config.epochs) == (rate, batch, epochs)
    assert (config.lr_step, config.lr_gamma) == (step, gamma)
    assert row.reported is not None
    assert (row.reported.accuracy, row.reported.loss, row.reported.minutes) == (accuracy, loss, minutes)


def test_the_papers_head_has_24_angles_among_2086_parameters() -> None:
    config = row_of("ants_bees", "dressed_quantum", "avgpool", "paper").config
    quantum, classical = config.head.count_trained(512, 2)
    assert (quantum, quantum + classical) == (24, 2086)


def test_both_readings_of_the_schedule() -> None:
    """StepLR as PyTorch before 1.1 understood it, and as it does since: the rate falls after 10 or after 9 epochs."""
    late = row_of("ants_bees", "dressed_quantum", "layer3", "paper").config
    early = row_of("ants_bees", "dressed_quantum", "layer3", "paper, early").config
    assert [late.members()[0].rate(epoch) for epoch in (9, 10, 11)] == pytest.approx([4e-4, 4e-4, 4e-5])
    assert [early.members()[0].rate(epoch) for epoch in (9, 10, 11)] == pytest.approx([4e-4, 4e-5, 4e-5])


def test_only_the_papers_own_network_layer_and_weights_are_the_papers_features() -> None:
    images = [row for row in rows() if not row.entry.is_points]
    papers = {row.key for row in images if row.has_papers_features}
    assert papers == {row.key for row in images if "-avgpool-" in row.key}
    assert papers != {row.key for row in images}
    other = find_row("ants_bees-avgpool-linear-paper")
    assert isinstance(other, TrainedRow)
    for name, value in (("backbone", "resnet50"), ("layer", "layer4"), ("weights", "IMAGENET1K_V2")):
        assert not replace(other, config=other.config.model_copy(update={name: value})).has_papers_features


def test_steps_are_those_of_the_training_set() -> None:
    """20,000 points and 10 of a batch give 1,000 steps in 5 epochs, and 244 images, 4 of a batch, 61 an epoch."""
    steps = {row.key: row.steps for row in rows()}
    assert {steps[f"spirals-{network}-{name}"] for network in NETWORKS for name in ("notebook", "paper")} == {1_000}
    assert steps["ants_bees-layer3-linear-paper"] == 30 * 61
    assert steps["ants_bees-layer3-linear-ours"] == 30 * 49  # 195 of the images


def test_every_protocol_has_rows_and_words() -> None:
    assert {row.protocol for row in rows()} == set(PROTOCOLS)


# --- what ships -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", SHIPPED_KEYS)
def test_shipped_row_is_whole(key: str) -> None:
    row = find_row(key)
    assert isinstance(row, TrainedRow)
    record = Store(SHIPPED).load(row.run_id)
    done = measured_by(record)
    assert record.config == row.config
    assert done is not None
    assert done.seeds >= 20
    assert not isnan(done.best.low)
    assert record.started is not None
    assert record.started.steps_per_epoch * record.started.epochs == row.steps
    stored = record.predictions()
    right = (stored["test_logits"].argmax(-1) == stored["test_labels"]).mean(axis=1)
    np.testing.assert_allclose(right, record.finished.test_accuracy if record.finished else [], rtol=1e-12)
    assert not (record.folder / "checkpoint.npz").exists()


def test_shipped_results_stay_small() -> None:
    size = sum(path.stat().st_size for folder in SHIPPED.glob("paper*") for path in folder.rglob("*"))
    assert size < 20e6


def test_shipped_notebook_is_the_authors() -> None:
    kept = notebook_results(SHIPPED)
    for dataset in DATASETS:
        for network in ("classical", "hybrid"):
            row = find_row(f"{dataset}-{network}-notebook")
            assert row.reported is not None
            assert kept[row.key]["accuracy"] == pytest.approx(row.reported.accuracy, abs=0.0051)


def test_no_number_stands_where_nobody_ran(tmp_path: Path) -> None:
    for line in measured_rows(SHIPPED, tmp_path):
        assert (line.shipped is None) == (line.row.cut == PAPERS_CUT), line.row.key
        assert line.again is None


def test_the_paper_protocol_reports_its_best_epoch() -> None:
    row = row_of("ants_bees", "linear", "layer3", "paper")
    record = Store(SHIPPED).load(row.run_id)
    done = measured_by(record)
    assert done is not None
    assert done.last is not None
    best = np.max([epoch.validation_accuracy for epoch in record.epochs], axis=0)
    assert done.best == mean_interval(best)
    assert done.best.estimate >= done.last.estimate


# --- running rows -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "key",
    ["ants_bees-layer3-linear-ours", "ants_bees-layer3-dressed_quantum-paper", "planes_cars-layer3-closed_form-paper"],
)
def test_a_row_run_again_is_within_its_spread(key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_RESULTS_DIR", str(tmp_path))
    assert main(["paper", "run", key]) == 0
    (line,) = [line for line in measured_rows() if line.row.key == key]
    assert line.shipped is not None
    assert line.again is not None
    assert line.shipped.best.low <= line.again.best.estimate <= line.shipped.best.high


def test_the_notebook_computed_here_stands_beside_what_ships(tmp_path: Path) -> None:
    keep_notebook_results({"moons-hybrid-notebook": {"accuracy": 0.5, "loss": 0.7, "seconds": 1.0}}, tmp_path)
    again = {line.row.key: line.again.best.estimate for line in measured_rows(SHIPPED, tmp_path) if line.again}
    assert again == {"moons-hybrid-notebook": 0.5}
    assert not any(line.again for line in measured_rows(SHIPPED, SHIPPED) if isinstance(line.row, NotebookRow))


def test_what_is_stored_is_not_run_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LAB_RESULTS_DIR", str(tmp_path))
    key = "spirals-classical-ours"
    assert main(["paper", "run", key, key]) == 0
    created = Store().load(f"paper-{key}").created
    assert main(["paper", "run", key]) == 0
    assert "stored already" in capsys.readouterr().out
    assert Store().load(f"paper-{key}").created == created


@pytest.mark.parametrize("error", [KeyboardInterrupt, LabError])
def test_a_row_that_fails_again_keeps_its_earlier_record(
    error: type[BaseException], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAB_RESULTS_DIR", str(tmp_path))
    key = "spirals-classical-ours"
    assert main(["paper", "run", key]) == 0
    folder = tmp_path / f"paper-{key}"
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    append = Store.append

    def break_off(store: Store, run_id: str, event: Event) -> None:
        append(store, run_id, event)
        if isinstance(event, Epoch):
            raise error("broken off")

    monkeypatch.setattr(Store, "append", break_off)
    assert main(["paper", "run", key, "--again"]) != 0
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    monkeypatch.setattr(Store, "append", append)
    assert main(["paper", "run", key, "--again"]) == 0
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == [folder.name]


def test_everything_that_ships_can_be_read() -> None:
    store = Store(SHIPPED)
    shipped = [run_id for run_id in store.run_ids() if run_id.startswith("paper-")]
    assert set(shipped) == {row.run_id for row in SHIPPED_ROWS}
    assert all(store.load(run_id).finished for run_id in shipped)
    assert not [run_id for run_id in store.run_ids() if run_id in ("benchmarks", "comparisons")]


def test_example_1_from_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["paper", "example1", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    found = {(each["turns"], each["network"]): each["test_accuracy"] for each in told["results"]}
    assert found == {
        (1.52, "classical"): 0.855,
        (1.52, "hybrid"): 0.970,
        (2.0, "classical"): 0.540,
        (2.0, "hybrid"): 0.625,
    }
    assert told["seconds"] < 60


def test_the_list_has_every_row(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["paper", "list", "--json"]) == 0
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [each["row"] for each in told] == [row.key for row in rows()]
    assert all(each["measured"]["seeds"] >= 20 for each in told if each["row"] in SHIPPED_KEYS)


def test_mistakes_are_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(LabError, match="row = 'example 7' is not in the table"):
        find_row("example 7")
    keep_notebook_results({"square-classical-notebook": {"accuracy": 1.0}}, tmp_path)
    assert notebook_results(tmp_path) == {"square-classical-notebook": {"accuracy": 1.0}}
    (tmp_path / "paper-notebook.json").write_text("{")
    with pytest.raises(LabError, match=r"paper-notebook.json cannot be read"):
        notebook_results(tmp_path)
    monkeypatch.setenv("LAB_RESULTS_DIR", str(tmp_path / "results"))
    monkeypatch.setenv("LAB_CACHE_DIR", str(tmp_path / "cache"))
    assert main(["paper", "run", "ants_bees-avgpool-linear-ours"]) == 2
    assert not (tmp_path / "results" / "paper-ants_bees-avgpool-linear-ours").exists()
    assert main(["paper", "run"]) == 2


def test_cuts_of_the_rows_are_listed() -> None:
    for row in SHIPPED_ROWS:
        assert row.cut.listed is not None
        assert load_bank(row.config.features).n_features == row.cut.listed.n_features
