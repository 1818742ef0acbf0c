"""Feature banks: the shipped ones against the real images, storage, splits, and extractions that are killed."""

import json
import pickle
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import REPOSITORY
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedShuffleSplit

from core.__main__ import main
from core.commands.features import Line
from core.config.run import RunConfig, run_config
from core.data import extraction
from core.data.backbones import load_backbone
from core.data.banks import (
    LEVELS,
    SHIPPED,
    FeatureBank,
    available_banks,
    linear_probe,
    load_bank,
    read_bank,
    write_bank,
)
from core.data.cuts import POINTS, Cut
from core.data.extraction import Extracted, extract, image_batches, verify
from core.data.features import Features
from core.data.registry import DATASETS, dataset
from core.errors import LabError
from core.events import Progress

BANKS = sorted(SHIPPED.glob("*.npz"))
PROBE = {
    "ants_bees-resnet18_mlnet-avgpool-IMAGENET_MLNET": 0.94,
    "dogs_cats-resnet18_mlnet-avgpool-IMAGENET_MLNET": 0.86,
    "planes_cars-resnet18_mlnet-avgpool-IMAGENET_MLNET": 0.97,
    "ants_bees-mobilenet_v2-features-IMAGENET_INT8": 0.95,
    "ants_bees-resnet18-layer3-IMAGENET1K_V1": 0.86,
    "dogs_cats-resnet18-layer3-IMAGENET1K_V1": 0.82,
    "planes_cars-resnet18-layer3-IMAGENET1K_V1": 0.96,
}
"""Shipped bank → test accuracy that a linear probe must reach, a little under what was measured."""


@pytest.fixture
def cache_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder for this machine's banks, and no data folder."""
    monkeypatch.setenv("LAB_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("LAB_RESULTS_DIR", str(tmp_path / "results"))
    monkeypatch.setenv("LAB_DATA_DIR", str(tmp_path / "no data"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    return tmp_path / "cache"


MADE = Features("ants_bees", Cut("resnet18", "conv1", "mine"))


def made_bank(n: int = 40, n_features: int = 5) -> FeatureBank:
    random = np.random.RandomState(0)
    features = random.gamma(1.0, size=(n, n_features)).astype(np.float32)
    features[:, 0] = 3
    labels = random.randint(0, 2, n).astype(np.int64)
    split = np.where(np.arange(n) < 0.8 * n, "train", "test")
    names = tuple(f"{part}/é{row}.jpg" for row, part in enumerate(split))
    return FeatureBank(MADE, features, labels, names, split, ("a", "b"), {"x": 1})


# --- the banks that ship ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", BANKS, ids=lambda path: path.stem)
def test_shipped_banks_are_whole(path: Path) -> None:
    bank = read_bank(path)
    known = DATASETS[bank.of.dataset]
    assert bank.features.dtype == np.float32
    assert np.isfinite(bank.features).all()
    assert bank.labels.dtype == np.int64
    assert [(bank.split == part).sum() for part in ("train", "test")] == [known.n_train, known.n_test]
    assert bank.classes == known.classes
    assert len(set(bank.names)) == len(bank.names)
    assert [name.split("/")[1] for name in bank.names] == [known.classes[label] for label in bank.labels]
    assert bank.provenance["command"].startswith(f"python -m core features --dataset {bank.of.dataset} ")
    assert load_bank(RunConfig(dataset=bank.of.dataset, backbone=bank.of.cut.backbone).features).digest == bank.digest
    with pytest.raises(ValueError, match="read-only"):
        bank.features[0, 0] = 1


def test_shipped_banks_are_the_ones_that_are_meant_and_small() -> None:
    assert {path.stem for path in BANKS} == set(PROBE)
    size = {path.stem: path.stat().st_size for path in BANKS}
    assert sum(bytes_ for name, bytes_ in size.items() if name.startswith("ants")) < 1_600_000
    assert sum(bytes_ for name, bytes_ in size.items() if not name.startswith("ants")) < 18_000_000


@pytest.mark.parametrize("name", PROBE)
def test_shipped_features_tell_the_classes_apart(name: str) -> None:
    """A linear probe reaches what it should; its accuracy is scikit-learn's own score on the same split."""
    bank = read_bank(SHIPPED / f"{name}.npz")
    right = linear_probe(bank)
    assert right.mean() > PROBE[name]
    train = bank.features[bank.split == "train"].astype(float)
    test = bank.features[bank.split == "test"].astype(float)
    mean, deviation = train.mean(axis=0), np.where(train.std(axis=0) > 0, train.std(axis=0), 1)
    probe = LogisticRegression(C=0.01, max_iter=1000).fit(
        (train - mean) / deviation, bank.labels[bank.split == "train"]
    )
    assert probe.score((test - mean) / deviation, bank.labels[bank.split == "test"]) == pytest.approx(right.mean())


@pytest.mark.parametrize("path", BANKS, ids=lambda path: path.stem)
def test_shipped_features_come_back_from_the_real_images(path: Path, data_dir: Path) -> None:
    bank = read_bank(path)
    result = verify(bank, n_images=6, data_dir=data_dir)
    assert result.agrees
    assert result.n_images == 6
    assert result.mean < 0.01
    shifted = replace(bank, features=np.roll(bank.features, 1, axis=0))
    assert not verify(shifted, n_images=6, data_dir=data_dir).agrees


def test_a_bank_of_other_images_cannot_be_verified(data_dir: Path) -> None:
    bank = read_bank(SHIPPED / "ants_bees-resnet18-layer3-IMAGENET1K_V1.npz")
    other = replace(bank, names=tuple(f"{name}x" for name in bank.names))
    with pytest.raises(LabError, match=r"has no train/ants/\S+x, which the bank has"):
        verify(other, data_dir=data_dir)


# --- splits -----------------------------------------------------------------------------------------------------------


@settings(deadline=None)
@given(share=st.floats(0.01, 0.89), seed=st.integers(0, 2**31 - 1), n=st.integers(20, 300))
def test_splits_keep_the_test_set_and_the_share_of_every_class(share: float, seed: int, n: int) -> None:
    bank = made_bank(n)
    train, validation, test = bank.splits(share, seed)
    assert [part.dtype for part in (train, validation, test)] == [np.int64] * 3
    assert sorted([*train, *validation]) == np.flatnonzero(bank.split == "train").tolist()
    assert test.tolist() == np.flatnonzero(bank.split == "test").tolist()
    for label in (0, 1):
        held, kept = ((bank.labels[part] == label).sum() for part in (validation, train))
        assert held >= 1
        assert kept >= 1
        assert abs(held - share * (held + kept)) <= 1
    again = bank.splits(share, seed)
    assert all(np.array_equal(a, b) for a, b in zip(again, (train, validation, test), strict=True))


def test_the_split_depends_on_its_seed_alone() -> None:
    bank = load_bank(RunConfig().features)
    first, second = bank.splits(0.2, 0), bank.splits(0.2, 1)
    assert not np.array_equal(first.validation, second.validation)
    other = load_bank(RunConfig(backbone="mobilenet_v2").features)
    np.testing.assert_array_equal(other.splits(0.2, 0).validation, first.validation)
    theirs = StratifiedShuffleSplit(1, test_size=0.2, random_state=0)
    labels = bank.labels[bank.split == "train"]
    _, held = next(theirs.split(labels, labels))
    assert np.bincount(bank.labels[first.validation]).tolist() == np.bincount(labels[held]).tolist()
    whole = bank.splits(0, 0)
    assert (len(whole.train), len(whole.validation), len(whole.test)) == (244, 0, 153)


# --- storage ----------------------------------------------------------------------------------------------------------


def test_storage_keeps_what_it_promises(tmp_path: Path) -> None:
    bank = made_bank()
    span = bank.features.max(axis=0) - bank.features.min(axis=0)
    tops = np.abs(bank.features).max(axis=0)
    allowed = {"float32": 0 * span, "float16": tops / 2048, "packed": span / (LEVELS - 1) / 2 + 1e-6}
    for storage, largest in allowed.items():
        path = tmp_path / f"{storage}.npz"
        write_bank(bank, path, storage)  # type: ignore[arg-type]
        back = read_bank(path)
        error = np.abs(back.features - bank.features).max(axis=0)
        assert (error <= largest).all(), storage
        for name in ("of", "names", "classes", "provenance"):
            assert getattr(back, name) == getattr(bank, name)
        np.testing.assert_array_equal(back.labels, bank.labels)
        np.testing.assert_array_equal(back.split, bank.split)
        assert (back.digest == bank.digest) == (storage == "float32")
        assert list(tmp_path.glob("*.part")) == []


def test_digests_tell_labels_and_splits_apart() -> None:
    bank = made_bank()
    changed = (
        replace(bank, labels=1 - bank.labels),
        replace(bank, split=bank.split[::-1].copy()),
        replace(bank, features=bank.features + 1),
    )
    assert len({bank.digest, *(other.digest for other in changed)}) == 4
    with pytest.raises(LabError, match="does not fit together"):
        replace(bank, names=("one",))


def test_files_that_are_no_banks_are_one_sentence(tmp_path: Path) -> None:
    write_bank(made_bank(), tmp_path / "whole.npz")
    whole = (tmp_path / "whole.npz").read_bytes()

    def refused(path: Path) -> None:
        with pytest.raises(LabError, match=f"{path.name} is not a readable feature bank"):
            read_bank(path)

    for number, content in enumerate((b"", b"PK\3\4", whole[:-30], whole[: len(whole) // 2], pickle.dumps(5))):
        path = tmp_path / f"{number}.npz"
        path.write_bytes(content)
        refused(path)
    np.savez(tmp_path / "other.npz", features=np.zeros(3))
    refused(tmp_path / "other.npz")
    np.savez(tmp_path / "objects.npz", about=np.array([{"storage": "float32"}], dtype=object))
    refused(tmp_path / "objects.npz")


def test_names_cannot_lead_out_of_a_folder(tmp_path: Path) -> None:
    for bad in ("../etc", "a/b", "", ".", "a-b", "ü"):
        with pytest.raises(LabError, match=r"layer = .* is not possible: use letters, digits"):
            Features("ants_bees", Cut("resnet18", bad, "mine")).file(tmp_path)


# --- what there is ----------------------------------------------------------------------------------------------------


def test_a_missing_bank_is_answered_with_its_command(cache_dir: Path) -> None:
    config = run_config({"backbone": "resnet18", "layer": "avgpool"})
    with pytest.raises(LabError) as caught:
        load_bank(config.features)
    command = str(caught.value).split("`")[1]
    assert command == (
        "python -m core features --dataset ants_bees --backbone resnet18 --layer avgpool "
        "--weights-name IMAGENET1K_V1 --download"
    )


def test_listings_say_what_is_there_and_what_it_would_take(
    cache_dir: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layer3, avgpool = (
        Features("ants_bees", Cut("resnet18", layer, "IMAGENET1K_V1")) for layer in ("layer3", "avgpool")
    )
    int8 = Features("dogs_cats", Cut("mobilenet_v2", "features", "IMAGENET_INT8"))
    lines = {line.features: line for line in available_banks()}
    assert {features.dataset for features in lines} == set(DATASETS)
    assert lines[layer3].state == "shipped"
    first, second = (line.features for line in available_banks()[:2])
    assert (first.dataset, first.cut.backbone, second) == ("ants_bees", "resnet18_mlnet", layer3)
    assert lines[Features("spirals", POINTS)].state == "generated"
    papers = lines[avgpool]
    assert (papers.state, papers.n_features) == ("missing", 512)
    assert papers.download_mb == pytest.approx(46.8 + 47.3)
    assert int8 not in lines

    write_bank(made_bank(), MADE.file(cache_dir))
    (cache_dir / "ants_bees-half-a-b.npz").write_bytes(b"PK")
    mine = next(line for line in available_banks() if line.features == MADE)
    assert (mine.state, mine.n_features, mine.title) == ("cached", 5, "resnet18 to conv1, weights mine")
    assert load_bank(MADE).digest == made_bank().digest

    monkeypatch.setenv("LAB_DATA_DIR", str(data_dir))
    lines = {line.features: line for line in available_banks()}
    assert lines[avgpool].download_mb == pytest.approx(46.8)
    assert lines[int8].download_mb == 0


def test_every_data_set_loads_by_its_name() -> None:
    for name in DATASETS:
        bank = load_bank(run_config({"dataset": name}).features)
        assert (bank.of.dataset, len(bank.names)) == (name, DATASETS[name].n_samples)


# --- extraction -------------------------------------------------------------------------------------------------------

QUICK = Features("ants_bees", Cut("resnet18_mlnet", "maxpool", "IMAGENET_MLNET"))
"""The first layers of ML.NET's ResNet18 alone, so that a test runs the real thing in seconds."""


@pytest.fixture
def quick(data_dir: Path) -> Callable[..., Iterator[Progress]]:
    """Extract `QUICK` features of the real ants and bees."""
    return lambda: extract(QUICK, data_dir=data_dir)


@pytest.fixture
def command(data_dir: Path) -> list[str]:
    """The same from a terminal."""
    options = ["--backbone", QUICK.cut.backbone, "--layer", QUICK.cut.layer]
    return [sys.executable, "-m", "core", "features", *options, "--data-dir", str(data_dir), "--json"]


def test_a_killed_extraction_leaves_no_half_bank_and_goes_on(
    cache_dir: Path, command: list[str], quick: Callable[..., Iterator[Progress]]
) -> None:
    target = QUICK.file(cache_dir)
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        for line in process.stdout:
            if json.loads(line)["done"] > extraction.CHUNK:
                break
        process.send_signal(signal.SIGKILL)
    assert not target.exists()
    assert load_fails(QUICK)

    events = list(quick())
    working = [event for event in events if event.what.startswith("Extracting")]
    assert working[0].done == extraction.CHUNK
    assert working[-1].done == working[-1].total == 397
    assert working[-1].per_second > 0
    assert working[-1].seconds_left == 0
    assert isinstance(events[-1], Extracted)
    resumed = events[-1].bank
    assert not list(cache_dir.glob("partial/*"))

    target.unlink()
    *_, fresh = quick()
    assert isinstance(fresh, Extracted)
    assert fresh.bank.digest == resumed.digest
    assert fresh.bank.provenance["recipe"] == resumed.provenance["recipe"]
    again = list(quick())
    assert [event.what for event in again] == ["Checking the images of ants_bees", "Already extracted"]


def load_fails(features: Features) -> bool:
    try:
        load_bank(features)
    except LabError:
        return True
    return False


def test_batches_come_in_the_order_asked_for(data_dir: Path) -> None:
    images = dataset("ants_bees").images(data_dir)
    transform = load_backbone(Cut("resnet18", "layer3", "IMAGENET1K_V1"), data_dir=data_dir).transform
    order = [5, 3, 300, 3]
    batches = list(image_batches(images, transform, order, 3))
    assert [len(batch) for batch in batches] == [3, 1]
    for batch_image, row in zip(torch.cat(batches), order, strict=True):
        assert torch.equal(batch_image, transform(images.open(images.names[row])))


def test_a_broken_image_stops_the_extraction_with_its_name(
    cache_dir: Path, data_dir: Path, command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, copy = data_dir / "hymenoptera_data", tmp_path / "data" / "hymenoptera_data"
    for path in source.rglob("*.*"):
        link = copy / path.relative_to(source)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(path)
    broken = sorted((copy / "train" / "ants").iterdir())[3]
    content = broken.read_bytes()
    broken.unlink()
    broken.write_bytes(content[:2000])
    arguments = [*command[3:], "--data-dir", str(tmp_path / "data")]
    assert main(arguments) == 2
    assert f"train/ants/{broken.name} is not a readable image" in capsys.readouterr().err


def test_the_command_stores_lists_and_verifies(
    cache_dir: Path, command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = command[3:]
    assert main([*arguments, "--output", str(tmp_path / "out"), "--storage", "float16"]) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert told["shape"] == [397, 64]
    stored = read_bank(Path(told["bank"]))
    assert Path(told["bank"]).parent == tmp_path / "out"
    cached = read_bank(QUICK.file(cache_dir))
    np.testing.assert_array_equal(stored.features, cached.features.astype(np.float16).astype(np.float32))

    assert main([*arguments, "--verify"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["n_images"], result["agrees"]) == (64, True)
    moved = replace(cached, features=cached.features + cached.features.std())
    write_bank(moved, QUICK.file(cache_dir))
    assert main([argument for argument in [*arguments, "--verify"] if argument != "--json"]) == 1
    assert "THEY DO NOT AGREE" in capsys.readouterr().out

    assert main(["features", "--list"]) == 0
    listed = capsys.readouterr().out
    assert "cached" in listed
    assert f"resnet18_mlnet to maxpool, weights {QUICK.cut.weights}" in listed


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--dataset cows", "dataset = 'cows' is not possible"),
        ("--dataset spirals --backbone points --layer points", "its points need no extraction"),
        ("--batch-size 0", "batch_size = 0 is not possible"),
        ("--weights nowhere.pth", "'nowhere.pth' is not possible: No such file"),
        ("--backbone resnet18 --layer avgpool", "weights IMAGENET1K_V1 of resnet18 are not on this machine"),
        ("--backbone resnet50", "layer is missing: name the layer of resnet50"),
        ("--backbone nope", "backbone = 'nope' is not possible: use resnet18_mlnet, "),
        ("--layer layer9 --download", "layer = 'layer9' is not possible: resnet18_mlnet has conv1"),
    ],
)
def test_the_command_answers_mistakes_with_one_sentence(
    cache_dir: Path, options: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["features", *options.split()]) == 2
    told = capsys.readouterr().err
    assert message in told
    assert told.count("\n") == 1


def test_progress_is_a_line_for_a_person(capsys: pytest.CaptureFixture[str]) -> None:
    show = Line()
    show(Progress("Downloading file", 20_000_000, 47_000_000, "bytes", 1_500_000.0, 18.2))
    show(Progress("Downloading file", 21_000_000, 47_000_000, "bytes", 1_500_000.0, 18.2))
    show(Progress("Extracting dogs_cats", 12_000, 12_000, "images", 47.31, 0.0))
    Line()(Progress("Extracting dogs_cats", 100, 12_000, "images", 47.31, 251.5))
    assert capsys.readouterr().err == (
        "Downloading file: 20 of 47 MB, 1.5 MB/s, 18 s left\n"
        "Extracting dogs_cats: 12,000 of 12,000 images, 47.3 images/s\n"
        "Extracting dogs_cats: 100 of 12,000 images, 47.3 images/s, 4 min left\n"
    )


def test_probes_compare_shipped_and_own_features(cache_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["features", "--probe"]) == 2
    assert "extract these features" in capsys.readouterr().err
    cache_dir.mkdir()
    shutil.copy(run_config({"dataset": "ants_bees"}).features.file(SHIPPED), cache_dir)
    assert main(["features", "--probe"]) == 0
    assert "0 test images change" in capsys.readouterr().out
