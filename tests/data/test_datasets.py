"""Data sets: generated points against their formulae, images against torchvision's own readers, hostile files."""

import pickle
import re
import shutil
import struct
import zipfile
import zlib
from hashlib import md5
from pathlib import Path

import numpy as np
import pytest
from torchvision.datasets import CIFAR10, ImageFolder

from core.data.images import ImageSet
from core.data.points import Generated, spirals, square
from core.data.registry import DATASETS, dataset
from core.errors import LabError


@pytest.mark.parametrize("turns", [1.52, 2.0])
def test_spirals_follow_the_papers_formula(turns: float) -> None:
    """The same draws, one point at a time, with complex numbers."""
    made, labels = spirals(turns, n_points=50)
    random = np.random.RandomState(21)
    angles, noise_x, noise_y = ([random.random_sample() for _ in range(50)] for _ in range(3))
    for row, (u, dx, dy) in enumerate(zip(angles, noise_x, noise_y, strict=True)):
        n = 2 * np.pi * turns * u**0.5
        z = -n * np.exp(-1j * n) + 0.7 * (dx + 1j * dy)
        assert made[row] == pytest.approx([z.real, z.imag], abs=1e-12)
    np.testing.assert_array_equal(made[50:], -made[:50])
    assert labels.tolist() == [0] * 50 + [1] * 50


def test_square_is_labelled_before_it_is_blurred() -> None:
    made, labels = square(n_points=500, noise=0.1)
    reach = np.abs(made).max(axis=1)
    assert reach.max() <= 2.1
    assert set(labels[reach > 1.3]) == {1}
    assert set(labels[reach < 1.1]) == {0}
    assert {0, 1} == set(labels[(reach > 1.15) & (reach < 1.25)])


@pytest.mark.parametrize("name", [name for name, entry in DATASETS.items() if entry.is_points])
def test_points_are_standardised_and_split_as_the_notebook_splits(name: str) -> None:
    samples = dataset(name).samples
    assert isinstance(samples, Generated)
    raw, labels = samples.generate()
    order = np.random.RandomState(42).permutation(len(raw))
    expected = (raw - raw.mean(axis=0)) / raw.std(axis=0)
    rows = np.concatenate((order[200:2200], order[:200]))
    made = dataset(name).points()
    np.testing.assert_allclose(made.inputs, expected[rows], atol=1e-12)
    np.testing.assert_array_equal(made.labels, labels[rows])
    np.testing.assert_allclose(made.inputs * made.scale + made.mean, raw[rows], atol=1e-12)
    assert made.split.tolist() == ["train"] * 2000 + ["test"] * 200


def test_unknown_names_are_answered_with_the_known_ones() -> None:
    with pytest.raises(LabError, match="dataset = 'cows' is not possible: choose one of ants_bees, dogs_cats"):
        dataset("cows")
    with pytest.raises(LabError, match="'spirals' has no images"):
        dataset("spirals").images(Path())
    with pytest.raises(LabError, match="'ants_bees' has no points: choose one of spirals, "):
        dataset("ants_bees").points()


def test_ants_and_bees_are_what_image_folder_finds(data_dir: Path) -> None:
    images = dataset("ants_bees").images(data_dir)
    for split, folder in (("train", "train"), ("test", "val")):
        samples = ImageFolder(str(data_dir / "hymenoptera_data" / folder)).samples
        rows = np.flatnonzero(images.split == split)
        assert [images.names[row].split("/", 1)[1] for row in rows] == [
            "/".join(Path(p).parts[-2:]) for p, _ in samples
        ]
        assert images.labels[rows].tolist() == [label for _, label in samples]
    assert len(images.names) == 244 + 153
    assert not [name for name in images.names if name.endswith(".gif")]


@pytest.fixture
def few_ants(data_dir: Path, tmp_path: Path) -> Path:
    """A data folder whose Hymenoptera are links to the real ones, to be damaged."""
    source = data_dir / "hymenoptera_data"
    for path in source.rglob("*.*"):
        link = tmp_path / "hymenoptera_data" / path.relative_to(source)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(path)
    return tmp_path


def test_a_missing_image_is_counted(few_ants: Path) -> None:
    next((few_ants / "hymenoptera_data" / "train" / "bees").glob("*.jpg")).unlink()
    with pytest.raises(LabError, match="has 243 train images where ants_bees has 244"):
        dataset("ants_bees").images(few_ants)


def test_missing_images_are_answered_with_the_command(tmp_path: Path) -> None:
    for name in ("ants_bees", "dogs_cats"):
        with pytest.raises(LabError, match=f"core features --dataset {name} --download"):
            dataset(name).images(tmp_path)


def _huge_png() -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", 100_000, 100_000, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def test_broken_images_are_named(few_ants: Path) -> None:
    images = dataset("ants_bees").images(few_ants)
    name = images.names[5]
    whole = images.read(name)
    for content in (whole[: len(whole) // 2], b"no image at all", b"", _huge_png()):
        path = few_ants / "hymenoptera_data" / name
        path.unlink()
        path.write_bytes(content)
        with pytest.raises(
            LabError, match=f"{path.name} .*; replace this file, or remove .*hymenoptera_data"
        ) as caught:
            images.open(name)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("split", ["train", "test"])
def test_an_image_that_cannot_be_read_is_named(few_ants: Path, split: str) -> None:
    """A dead link, as an unplugged drive leaves them, is still an image of the set."""
    name = next(name for name in dataset("ants_bees").images(few_ants).names if name.startswith(split))
    folder = {"train": "train", "test": "val"}[split]
    path = few_ants / "hymenoptera_data" / folder / name.split("/", 1)[1]
    path.unlink()
    path.symlink_to(few_ants / "unplugged" / path.name)
    images = dataset("ants_bees").images(few_ants)
    for work in (lambda: images.open(name), images.digest):
        with pytest.raises(
            LabError, match=rf"{re.escape(str(path))} cannot be read \(No such file.*; replace this file"
        ):
            work()


def test_what_is_not_an_image_is_left_out(few_ants: Path) -> None:
    whole = dataset("ants_bees").images(few_ants)
    bees = few_ants / "hymenoptera_data" / "train" / "bees"
    (bees / "album.jpg").mkdir()
    (bees / "Thumbs.db").write_bytes(b"small pictures")
    (bees / "._90179376_abc234e5f4.jpg").write_bytes(b"what a Mac adds")
    (bees / ".hidden.png").write_bytes(b"")
    images = dataset("ants_bees").images(few_ants)
    assert images.names == whole.names
    assert images.digest() == whole.digest()


@pytest.mark.parametrize("name", ["dogs_cats", "planes_cars"])
def test_cifar_pairs_are_whole(data_dir: Path, name: str) -> None:
    images = dataset(name).images(data_dir)
    assert [np.bincount(images.labels[images.split == split]).tolist() for split in ("train", "test")] == [
        [5000, 5000],
        [1000, 1000],
    ]
    assert images.open(images.names[0]).size == (32, 32)
    assert list(images.classes) == sorted(images.classes)


def cifar_batches(images: ImageSet, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write the images of a pair as CIFAR-10's own batches; torchvision is told their digests. Returns their folder."""
    batches = folder / "cifar-10-batches-py"
    batches.mkdir()
    names = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
    lists: dict[str, list[list[str]]] = {"train": [], "test": []}

    def write(name: str, content: dict[str, object]) -> str:
        data = pickle.dumps(content)
        (batches / name).write_bytes(data)
        return md5(data).hexdigest()

    for split, files in (("train", [f"data_batch_{n}" for n in range(1, 6)]), ("test", ["test_batch"])):
        rows = np.flatnonzero(images.split == split)
        mixed = np.empty_like(rows)  # the classes in a random sequence, each in its own order, as in CIFAR-10
        mixed[np.random.RandomState(0).permutation(images.labels[rows]).argsort(kind="stable")] = rows
        for name, part in zip(files, np.array_split(mixed, len(files)), strict=True):
            pixels = [np.asarray(images.open(images.names[row])).transpose(2, 0, 1).ravel() for row in part]
            labels = [names.index(images.classes[images.labels[row]]) for row in part]
            lists[split].append([name, write(name, {"data": np.stack(pixels), "labels": labels})])
    digest = write("batches.meta", {"label_names": names})
    monkeypatch.setattr(CIFAR10, "train_list", lists["train"])
    monkeypatch.setattr(CIFAR10, "test_list", lists["test"])
    monkeypatch.setattr(CIFAR10, "meta", {"filename": "batches.meta", "key": "label_names", "md5": digest})
    return batches


def test_torchvisions_cifar_gives_the_same_images(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from_zip = dataset("planes_cars").images(data_dir)
    batches = cifar_batches(from_zip, tmp_path, monkeypatch)
    from_batches = dataset("planes_cars").images(tmp_path)
    assert from_batches.names == from_zip.names
    np.testing.assert_array_equal(from_batches.labels, from_zip.labels)
    assert from_batches.digest() == from_zip.digest()

    with (batches / "data_batch_1").open("ab") as file:
        file.write(b"x")
    with pytest.raises(LabError, match=r"cannot be used .*get it again with --download"):
        dataset("planes_cars").images(tmp_path)


def test_damaged_cifar_zips_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "cifar_dogs_cats.zip"
    path.write_bytes(b"PK but no zip")
    with pytest.raises(LabError, match="is not a readable zip file"):
        dataset("dogs_cats").images(tmp_path)
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("train/cat/00000.webp", "../train/cat/00001.webp", "train/cow/00000.webp", "train/cat/x.webp"):
            archive.writestr(f"cifar_dogs_cats/{name}", b"")
    with pytest.raises(LabError, match="has 1 train images where dogs_cats has 10000"):
        dataset("dogs_cats").images(tmp_path)


def test_a_damaged_member_of_a_cifar_zip_is_named(data_dir: Path, tmp_path: Path) -> None:
    path = tmp_path / "cifar_dogs_cats.zip"
    shutil.copy(data_dir / path.name, path)
    images = dataset("dogs_cats").images(tmp_path)
    with zipfile.ZipFile(path) as archive:
        place = archive.getinfo(f"cifar_dogs_cats/{images.names[7]}.webp").header_offset + 200
    path.chmod(0o644)
    with path.open("r+b") as file:
        file.seek(place)
        file.write(bytes(50))
    with pytest.raises(LabError, match=f"{images.names[7]} in .* cannot be read"):
        images.read(images.names[7])
