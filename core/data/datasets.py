"""Names -> images or points, each with the split that its authors fixed. Needs neither torch nor a network.

Points are generated. Images are found in a data folder (`core.settings.Settings.data_dir`); `core.data.downloads` puts
them there when a person agrees.
"""

import hashlib
import io
import re
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from core.errors import LabError
from core.settings import settings

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")
"""What torchvision's ImageFolder takes for an image; the stray GIF of the Hymenoptera archive is none."""

MAX_PIXELS = 50_000_000
"""No image of a data set is larger; a file that claims more is refused before it is decoded."""


@dataclass(frozen=True)
class Dataset:
    """What is known of a data set before anything of it is read."""

    name: str
    title: str
    classes: tuple[str, ...]
    """In the order of their labels 0, 1, ...; folders in alphabetical order, as ImageFolder numbers them."""
    n_train: int
    n_test: int
    source: str
    """Where it comes from, in one line."""


DATASETS = {
    dataset.name: dataset
    for dataset in (
        Dataset(
            "ants_bees",
            "Ants and bees",
            ("ants", "bees"),
            244,
            153,
            "Hymenoptera subset of ImageNet, PyTorch's transfer-learning tutorial; its val folder is the test set",
        ),
        Dataset("dogs_cats", "Dogs and cats", ("cat", "dog"), 10_000, 2_000, "CIFAR-10, classes cat and dog"),
        Dataset(
            "planes_cars",
            "Planes and cars",
            ("airplane", "automobile"),
            10_000,
            2_000,
            "CIFAR-10, classes airplane and automobile",
        ),
        Dataset(
            "spirals",
            "Two spirals, 1.52 turns",
            ("first spiral", "second spiral"),
            2_000,
            200,
            "generated: arXiv:1912.08278, example 1",
        ),
        Dataset(
            "spirals_2.0",
            "Two spirals, 2 turns",
            ("first spiral", "second spiral"),
            2_000,
            200,
            "generated: arXiv:1912.08278, example 1",
        ),
        Dataset(
            "square",
            "A square in a frame",
            ("inside", "outside"),
            2_000,
            200,
            "generated: supplementary simulations of arXiv:1912.08278",
        ),
        Dataset(
            "moons",
            "Two half moons",
            ("upper moon", "lower moon"),
            2_000,
            200,
            "generated: supplementary simulations of arXiv:1912.08278",
        ),
    )
}


def dataset(name: str) -> Dataset:
    """The data set of this name; `LabError` for an unknown one."""
    if name not in DATASETS:
        raise LabError(f"dataset = {name!r} is not possible: choose one of {', '.join(DATASETS)}")
    return DATASETS[name]


# --- points -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Points:
    """A data set in the plane: ``n_train`` training points in the paper's order, then the paper's 200 test points."""

    inputs: np.ndarray
    """(2200, 2) float64, standardised over all points that were generated"""
    labels: np.ndarray
    """(2200,) int64"""
    split: np.ndarray
    """(2200,) "train" or "test" """
    mean: np.ndarray
    """(2,) float64: ``inputs * scale + mean`` are the coordinates before standardisation"""
    scale: np.ndarray
    """(2,) float64"""


def spirals(turns: float, n_points: int = 2_200, noise: float = 0.7, seed: int = 21) -> tuple[np.ndarray, np.ndarray]:
    """Two interleaved spirals, one the exact negative of the other (arXiv:1912.08278, example 1).

    n = sqrt(u)·turns·2π, x = −cos(n)·n + U(0, noise), y = sin(n)·n + U(0, noise), drawn from numpy's legacy generator
    in this order, so that seed 21 gives the points of the paper's notebook bit for bit.

    Returns points (2·n_points, 2) float64 and labels (2·n_points,) int64: all of class 0, then all of class 1.
    """
    random = np.random.RandomState(seed)
    angle = np.sqrt(random.rand(n_points, 1)) * turns * (2 * np.pi)
    x = -np.cos(angle) * angle + random.rand(n_points, 1) * noise
    y = np.sin(angle) * angle + random.rand(n_points, 1) * noise
    first = np.hstack((x, y))
    return np.vstack((first, -first)), np.repeat(np.arange(2), n_points)


def square(n_points: int = 2_200, noise: float = 0.1, seed: int = 21) -> tuple[np.ndarray, np.ndarray]:
    """Points of [−2, 2]², class 1 where max(|x|, |y|) > 1.2, each then moved by U(−noise, noise) in x and y.

    Returns points (n_points, 2) float64 and labels (n_points,) int64.
    """
    random = np.random.RandomState(seed)
    points = random.uniform(-2, 2, (n_points, 2))
    labels = (np.abs(points).max(axis=1) > 1.2).astype(np.int64)
    return points + random.uniform(-noise, noise, (n_points, 2)), labels


def moons(n_points: int = 2_200, noise: float = 0.2, seed: int = 21) -> tuple[np.ndarray, np.ndarray]:
    """scikit-learn's two half moons with normal noise. Points (n_points, 2) float64, labels (n_points,) int64."""
    from sklearn.datasets import make_moons

    return make_moons(n_points, shuffle=True, noise=noise, random_state=seed)


GENERATORS: dict[str, Callable[[], tuple[np.ndarray, np.ndarray]]] = {
    "spirals": lambda: spirals(1.52),
    "spirals_2.0": lambda: spirals(2.0),
    "square": square,
    "moons": moons,
}


def points(name: str) -> Points:
    """The point data set of this name, split as the paper's notebook splits it.

    StandardScaler fitted on all points, train_test_split with seed 42 and 200 test points, the first 2,000 of the
    training points kept (the spirals have 4,200).
    """
    from sklearn.model_selection import train_test_split
    from sklearn.preprocessing import StandardScaler

    raw, labels = GENERATORS[name]()
    scaler = StandardScaler().fit(raw)
    x_train, x_test, y_train, y_test = train_test_split(scaler.transform(raw), labels, test_size=200, random_state=42)
    n_train = dataset(name).n_train
    return Points(
        inputs=np.concatenate((x_train[:n_train], x_test)),
        labels=np.concatenate((y_train[:n_train], y_test)).astype(np.int64),
        split=np.repeat(["train", "test"], [n_train, len(x_test)]),
        mean=scaler.mean_,
        scale=scaler.scale_,
    )


# --- images -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class ImageSet:
    """The images of a data set, found but not yet read; ordered as ImageFolder orders them, training images first."""

    dataset: Dataset
    names: tuple[str, ...]
    """``split/class/file`` of each image; the CIFAR pairs have ``split/class/number`` """
    read: Callable[[str], bytes] = field(repr=False)
    """name -> the encoded image file"""
    where: str
    """Folder or file that the images are read from"""
    by_pixels: bool = False
    """Whether `digest` is that of the pixels: the same images can lie in different, lossless files."""

    @cached_property
    def split(self) -> np.ndarray:
        """(N,) "train" or "test" """
        return np.array([name.split("/")[0] for name in self.names])

    @cached_property
    def labels(self) -> np.ndarray:
        """(N,) int64"""
        return np.array([self.dataset.classes.index(name.split("/")[1]) for name in self.names], dtype=np.int64)

    def open(self, name: str) -> Image.Image:
        """The decoded image in RGB; `LabError` naming the file when it is no image."""
        try:
            return decode(self.read(name), f"{self.where}/{name}")
        except LabError as error:
            raise LabError(f"{error}; replace this file, or remove {self.where} and get it again") from None

    def digest(self) -> str:
        """sha256 of all names and all contents, hexadecimal."""
        total = hashlib.sha256()
        for name in self.names:
            content = self.open(name).tobytes() if self.by_pixels else self.read(name)
            total.update(name.encode() + b"\0" + hashlib.sha256(content).digest())
        return total.hexdigest()


def decode(content: bytes, source: str) -> Image.Image:
    """The image in these bytes as RGB; `LabError` naming ``source`` when it cannot be read or is too large."""
    try:
        image = Image.open(io.BytesIO(content))
        if image.width * image.height > MAX_PIXELS:
            raise LabError(f"{source} is {image.width} x {image.height} pixels large: at most {MAX_PIXELS:,} pixels")
        return image.convert("RGB")
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError, ValueError) as error:
        raise LabError(f"{source} is not a readable image ({error})") from None


def images(name: str, data_dir: Path) -> ImageSet:
    """The images of data set ``name`` under ``data_dir``; `LabError` says what is missing and how to get it."""
    if name == "ants_bees":
        found = _hymenoptera(data_dir)
    elif name in _CIFAR_ZIPS:
        found = _cifar_zip(name, data_dir) or _cifar_batches(name, data_dir)
    else:
        raise LabError(f"dataset = {name!r} has no images: choose one of ants_bees, {', '.join(_CIFAR_ZIPS)}")
    if found is None:
        raise LabError(
            f"The images of {name} are not in {data_dir}: download them with "
            f"`python -m core features --dataset {name} --download`, or name their folder with --data-dir"
        )
    for split, expected in (("train", found.dataset.n_train), ("test", found.dataset.n_test)):
        count = int((found.split == split).sum())
        if count != expected:
            raise LabError(
                f"{found.where} has {count} {split} images where {name} has {expected}: remove it and get it again"
            )
    return found


def images_here(name: str, data_dir: Path) -> bool:
    """Whether something that looks like the images of this data set is there, without looking into it."""
    sources = ("hymenoptera_data",) if name == "ants_bees" else (f"{_CIFAR_ZIPS[name]}.zip", _CIFAR_BATCHES)
    return any((data_dir / source).exists() for source in sources)


def image_file(name: str, image_name: str, data_dir: Path | None = None) -> bytes | None:
    """The encoded image of data set ``name`` to show on a page, or None when it is not on this machine.

    ``image_name`` is one of `core.data.banks.FeatureBank.names`; anything else gives None.
    """
    try:
        found = _images_once(name, data_dir or settings().data_dir)
        return found.read(image_name) if image_name in found.names else None
    except (LabError, OSError):
        return None


@lru_cache(maxsize=4)
def _images_once(name: str, data_dir: Path) -> ImageSet:
    return images(name, data_dir)


def _hymenoptera(data_dir: Path) -> ImageSet | None:
    root = data_dir / "hymenoptera_data"
    if not root.is_dir():
        return None
    folders = {"train": "train", "test": "val"}
    this = dataset("ants_bees")
    names = [
        f"{split}/{label}/{path.name}"
        for split, folder in folders.items()
        for label in this.classes
        for path in sorted((root / folder / label).glob("*"))
        if path.suffix.lower() in IMAGE_SUFFIXES
    ]

    def read(name: str) -> bytes:
        split, rest = name.split("/", 1)
        return (root / folders[split] / rest).read_bytes()

    return ImageSet(this, tuple(names), read, str(root))


_CIFAR_BATCHES = "cifar-10-batches-py"
_CIFAR_ZIPS = {"dogs_cats": "cifar_dogs_cats", "planes_cars": "cifar_planes_cars"}


def _cifar_zip(name: str, data_dir: Path) -> ImageSet | None:
    """The pair from ``cifar_NAME.zip``: members ``cifar_NAME/{train,test}/CLASS/NNNNN.webp``, 32x32, lossless."""
    path = data_dir / f"{_CIFAR_ZIPS[name]}.zip"
    if not path.is_file():
        return None
    this = dataset(name)
    wanted = re.compile(rf"{_CIFAR_ZIPS[name]}/((train|test)/({'|'.join(this.classes)})/\d{{5}})\.webp")
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError) as error:
        raise LabError(f"{path} is not a readable zip file ({error}): remove it and get it again") from None
    matches = (wanted.fullmatch(info.filename) for info in archive.infolist() if info.file_size <= 65_536)
    names = sorted((match[1] for match in matches if match), key=lambda name: (not name.startswith("train"), name))

    def read(member: str) -> bytes:
        try:
            return archive.read(f"{_CIFAR_ZIPS[name]}/{member}.webp")
        except (zipfile.BadZipFile, OSError, EOFError, zlib.error) as error:
            raise LabError(f"{member} in {path} cannot be read ({error}): remove the zip and get it again") from None

    return ImageSet(this, tuple(names), read, str(path), by_pixels=True)


def _cifar_batches(name: str, data_dir: Path) -> ImageSet | None:
    """The pair from torchvision's CIFAR10, which checks the md5 of every batch before it reads it."""
    if not (data_dir / _CIFAR_BATCHES).is_dir():
        return None
    from torchvision.datasets import CIFAR10

    this = dataset(name)
    pixels: dict[str, np.ndarray] = {}
    for split in ("train", "test"):
        try:
            batches = CIFAR10(str(data_dir), train=split == "train")
        except RuntimeError as error:
            raise LabError(f"CIFAR-10 in {data_dir} cannot be used ({error}): get it again with --download") from None
        targets = np.array(batches.targets)
        for label in this.classes:
            for number, index in enumerate(np.flatnonzero(targets == batches.class_to_idx[label])):
                pixels[f"{split}/{label}/{number:05d}"] = batches.data[index]

    def read(member: str) -> bytes:
        encoded = io.BytesIO()
        Image.fromarray(pixels[member]).save(encoded, "PNG")
        return encoded.getvalue()

    return ImageSet(this, tuple(pixels), read, str(data_dir / _CIFAR_BATCHES), by_pixels=True)
