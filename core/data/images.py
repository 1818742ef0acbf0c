"""Images of a data set: where they lie in a data folder, how they are read and checked. Needs no network.

The data folder is `core.settings.Settings.data_dir`; `core.data.downloads` puts images there when a person agrees.
"""

import hashlib
import io
import re
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np
from PIL import Image

from core.errors import LabError

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")
"""What torchvision's ImageFolder takes for an image; the stray GIF of the Hymenoptera archive is none."""

MAX_PIXELS = 50_000_000
"""No image of a data set is larger; a file that claims more is refused before it is decoded."""


@dataclass(frozen=True, eq=False)
class ImageSet:
    """The images of a data set, known but not yet read; ordered as ImageFolder orders them, training images first."""

    dataset: str
    classes: tuple[str, ...]
    names: tuple[str, ...]
    """``split/class/file`` of each image; the CIFAR pairs have ``split/class/number`` """
    source: Callable[[str], bytes] = field(repr=False)
    """name → the encoded image file; may raise `OSError`"""
    where: str
    """Folder or file that the images are read from"""
    by_pixels: bool = False
    """Whether `digest` is that of the pixels: the same images can lie in different, lossless files."""
    splits: Mapping[str, str] = field(default_factory=dict)
    """Split → its folder below ``where``, if that is called otherwise"""

    @cached_property
    def split(self) -> np.ndarray:
        """(N,) "train" or "test" """
        return np.array([name.split("/")[0] for name in self.names])

    @cached_property
    def labels(self) -> np.ndarray:
        """(N,) int64"""
        return np.array([self.classes.index(name.split("/")[1]) for name in self.names], dtype=np.int64)

    def read(self, name: str) -> bytes:
        """The encoded image file; `LabError` naming the file when it cannot be read."""
        try:
            return self.source(name)
        except OSError as error:
            raise self._refused(f"{self._place(name)} cannot be read ({error.strerror or error})") from None

    def open(self, name: str) -> Image.Image:
        """The decoded image in RGB; `LabError` naming the file when it cannot be read or is no image."""
        content = self.read(name)
        try:
            return decode(content, self._place(name))
        except LabError as error:
            raise self._refused(str(error)) from None

    def _place(self, name: str) -> str:
        split, rest = name.split("/", 1)
        return f"{self.where}/{self.splits.get(split, split)}/{rest}"

    def _refused(self, problem: str) -> LabError:
        return LabError(f"{problem}; replace this file, or remove {self.where} and get it again")

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
    except LabError:
        raise
    except Exception as error:  # a damaged image raises whatever its decoder stumbled over
        raise LabError(f"{source} is not a readable image ({error})") from None


@dataclass(frozen=True)
class Archive:
    """What the publisher of some images offers for download."""

    url: str
    megabytes: float
    """Size of the download, 10^6 bytes"""
    digest: str = ""
    """ "algorithm:hexadecimal digest"; empty: the publisher names none"""
    folder: str = ""
    """The one folder of a zip file that is unpacked; a tar file is unpacked whole"""


class ImageSource(Protocol):
    """Where the images of a data set lie and where they come from: one class for each way in which images are kept."""

    @property
    def archive(self) -> Archive | None:
        """What is downloaded when they are missing; None: there is nothing to download."""
        ...

    def is_here(self, data_dir: Path) -> bool:
        """Whether something that looks like them is in the data folder, without a look inside."""
        ...

    def find(self, dataset: str, classes: tuple[str, ...], data_dir: Path) -> ImageSet | None:
        """The images in the data folder, not yet counted; None when they are missing."""
        ...


@dataclass(frozen=True)
class Folders:
    """One folder for each split, and in it one folder of image files for each class, as ImageFolder reads them."""

    folder: str
    """In the data folder"""
    splits: Mapping[str, str]
    """ "train" and "test" -> the folder of that split"""
    archive: Archive | None = None

    def is_here(self, data_dir: Path) -> bool:
        """Whether the folder exists."""
        return (data_dir / self.folder).exists()

    def find(self, dataset: str, classes: tuple[str, ...], data_dir: Path) -> ImageSet | None:
        """The image files of all splits and classes."""
        root = data_dir / self.folder
        if not root.is_dir():
            return None
        try:
            names = [
                f"{split}/{label}/{path.name}"
                for split, folder in self.splits.items()
                for label in classes
                for path in sorted((root / folder / label).glob("*"))
                if _is_image(path)
            ]
        except OSError as error:
            raise LabError(f"{root} cannot be read ({error.strerror or error}): name another with --data-dir") from None

        def read(name: str) -> bytes:
            split, rest = name.split("/", 1)
            return (root / self.splits[split] / rest).read_bytes()

        return ImageSet(dataset, classes, tuple(names), read, str(root), splits=self.splits)


def _is_image(path: Path) -> bool:
    """Whether this is called like an image: no hidden file, such as macOS adds, and no folder, but a dead link is."""
    return path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".") and not path.is_dir()


CIFAR_BATCHES = "cifar-10-batches-py"


@dataclass(frozen=True)
class CifarPair:
    """Two classes of CIFAR-10, 32x32: from a zip file of lossless images, or from the batches that torchvision reads.

    The zip file ``NAME.zip`` has the members ``NAME/{train,test}/CLASS/NNNNN.webp``.
    """

    name: str
    archive: Archive | None = None

    def is_here(self, data_dir: Path) -> bool:
        """Whether the zip file or the batches exist."""
        return any((data_dir / source).exists() for source in (f"{self.name}.zip", CIFAR_BATCHES))

    def find(self, dataset: str, classes: tuple[str, ...], data_dir: Path) -> ImageSet | None:
        """The images in the zip file, else those in the batches."""
        return self._in_zip(dataset, classes, data_dir) or _in_batches(dataset, classes, data_dir)

    def _in_zip(self, dataset: str, classes: tuple[str, ...], data_dir: Path) -> ImageSet | None:
        path = data_dir / f"{self.name}.zip"
        if not path.is_file():
            return None
        wanted = re.compile(rf"{self.name}/((train|test)/({'|'.join(classes)})/\d{{5}})\.webp")
        try:
            archive = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, OSError) as error:
            raise LabError(f"{path} is not a readable zip file ({error}): remove it and get it again") from None
        matches = (wanted.fullmatch(info.filename) for info in archive.infolist() if info.file_size <= 65_536)
        names = sorted((match[1] for match in matches if match), key=lambda name: (not name.startswith("train"), name))

        def read(member: str) -> bytes:
            try:
                return archive.read(f"{self.name}/{member}.webp")
            except (zipfile.BadZipFile, OSError, EOFError, zlib.error) as error:
                raise LabError(
                    f"{member} in {path} cannot be read ({error}): remove the zip and get it again"
                ) from None

        return ImageSet(dataset, classes, tuple(names), read, str(path), by_pixels=True)


def _in_batches(dataset: str, classes: Sequence[str], data_dir: Path) -> ImageSet | None:
    """The classes from torchvision's CIFAR10, which checks the md5 of every batch before it reads it."""
    if not (data_dir / CIFAR_BATCHES).is_dir():
        return None
    from torchvision.datasets import CIFAR10

    pixels: dict[str, np.ndarray] = {}
    for split in ("train", "test"):
        try:
            batches = CIFAR10(str(data_dir), train=split == "train")
        except RuntimeError as error:
            raise LabError(f"CIFAR-10 in {data_dir} cannot be used ({error}): get it again with --download") from None
        targets = np.array(batches.targets)
        for label in classes:
            for number, index in enumerate(np.flatnonzero(targets == batches.class_to_idx[label])):
                pixels[f"{split}/{label}/{number:05d}"] = batches.data[index]

    def read(member: str) -> bytes:
        encoded = io.BytesIO()
        Image.fromarray(pixels[member]).save(encoded, "PNG")
        return encoded.getvalue()

    return ImageSet(dataset, tuple(classes), tuple(pixels), read, str(data_dir / CIFAR_BATCHES), by_pixels=True)
