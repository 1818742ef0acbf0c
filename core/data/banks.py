"""Feature vectors of a data set, extracted once, kept in one file; reading them needs numpy alone.

Banks are looked for in ``core/data/shipped`` (they ship with the laboratory), then in the cache folder of this machine.
`core.data.extraction` makes them.
"""

import hashlib
import json
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from itertools import chain
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np

from core.data.cuts import CUTS, POINTS, POINTS_LISTED, Cut, ListedCut
from core.data.features import Features
from core.data.registry import DATASETS, Dataset, dataset
from core.errors import LabError
from core.files import replace_arrays, writing
from core.settings import settings

SHIPPED = Path(__file__).parent / "shipped"
UNREADABLE = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error)
Storage = Literal["float32", "float16", "packed"]
LEVELS = 512
"""What "packed" keeps of a feature: that many equally spaced values from its smallest to its largest."""


class Splits(NamedTuple):
    """Rows of a bank: (n,) int64 each, ascending."""

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray


@dataclass(frozen=True, eq=False)
class FeatureBank:
    """Features of every image (or point) of a data set under one cut of one network. The arrays are read-only."""

    of: Features
    """Which features these are"""
    features: np.ndarray = field(repr=False)
    """(N, d) float32"""
    labels: np.ndarray = field(repr=False)
    """(N,) int64"""
    names: tuple[str, ...] = field(repr=False)
    """``split/class/file`` of every image"""
    split: np.ndarray = field(repr=False)
    """(N,) "train" or "test": the publishers' split"""
    classes: tuple[str, ...]
    provenance: dict[str, Any] = field(repr=False)
    """How it was made: digests of data and weights, transform, versions, command"""

    def __post_init__(self) -> None:
        n = len(self.features)
        if self.features.ndim != 2 or self.labels.shape != (n,) or self.split.shape != (n,) or len(self.names) != n:
            raise LabError(f"The feature bank of {self.of.dataset} does not fit together: make it again")
        for array in (self.features, self.labels, self.split):
            array.setflags(write=False)

    @property
    def n_features(self) -> int:
        return int(self.features.shape[1])

    @cached_property
    def digest(self) -> str:
        """sha256 of features, labels and split, hexadecimal."""
        total = hashlib.sha256(np.ascontiguousarray(self.features, "<f4").tobytes())
        total.update(np.ascontiguousarray(self.labels, "<i8").tobytes())
        total.update("\n".join(self.split).encode())
        return total.hexdigest()

    def splits(self, validation_share: float, split_seed: int, member_seed: int | None = None) -> Splits:
        """Cut a validation set from the training rows, the same share of every class; the test rows stay the test set.

        A share of 0 gives an empty validation set. Depends on labels, split, share and seeds alone; with a member's
        seed that member has a cut of its own, of the same size.
        """
        seeds = [split_seed] if member_seed is None else [split_seed, member_seed]
        in_train = self.split == "train"
        held_out = []
        for label in range(len(self.classes) if validation_share else 0):
            rows = np.flatnonzero(in_train & (self.labels == label))
            count = min(max(round(validation_share * len(rows)), 1), len(rows) - 1)
            held_out.append(np.random.RandomState([*seeds, label]).permutation(rows)[:count])
        validation = np.sort(np.concatenate([*held_out, np.empty(0, np.int64)])).astype(np.int64)
        train = np.setdiff1d(np.flatnonzero(in_train), validation)
        return Splits(train, validation, np.flatnonzero(~in_train))


State = Literal["shipped", "cached", "generated", "missing"]


@dataclass(frozen=True)
class Listing:
    """One line of a menu of features."""

    features: Features
    n_features: int
    megabytes: float
    """Size of the file, 10^6 bytes; 0 when there is none yet"""
    state: State
    """missing: not extracted on this machine yet"""
    download_mb: float
    """What extracting it would download at most (images and weights), 10^6 bytes; 0 when the bank is there"""

    @property
    def title(self) -> str:
        """What the features are, for a person."""
        return self.features.cut.title


def load_bank(features: Features) -> FeatureBank:
    """The features of a name: generated points, else the shipped bank, else the cached one.

    Raises `LabError` that names the command which makes the bank when there is none.
    """
    entry = dataset(features.dataset)
    if entry.is_points:
        return _points_bank(entry)
    path = find_bank_file(features)
    if path is None:
        cut = features.cut
        raise LabError(
            f"The features of {features.dataset} from {cut.backbone} at {cut.layer} ({cut.weights}) are not on this "
            f"machine: make them with `{features.command} --download`"
        )
    return read_bank(path)


def find_bank_file(features: Features) -> Path | None:
    """The file of this bank, shipped before cached, or None."""
    files = (features.file(folder) for folder in (SHIPPED, settings().cache_dir))
    return next((path for path in files if path.is_file()), None)


@lru_cache(maxsize=8)
def _points_bank(entry: Dataset) -> FeatureBank:
    points = entry.points()
    return FeatureBank(
        Features(entry.name, POINTS),
        points.inputs.astype(np.float32),
        points.labels,
        tuple(f"point {index}" for index in range(len(points.labels))),
        points.split,
        entry.classes,
        {"source": entry.source},
    )


def write_bank(bank: FeatureBank, path: Path, storage: Storage = "float32") -> None:
    """Store a bank in one file that is whole or absent: float32 and float16 by rounding, packed by `_pack`."""
    features = _pack(bank.features) if storage == "packed" else {"features": bank.features.astype(storage)}
    about = {
        "dataset": bank.of.dataset,
        "backbone": bank.of.cut.backbone,
        "layer": bank.of.cut.layer,
        "weights": bank.of.cut.weights,
        "classes": bank.classes,
        "n_features": bank.n_features,
        "storage": storage,
        "provenance": bank.provenance,
    }
    arrays = {
        "about": np.frombuffer(json.dumps(about).encode(), np.uint8),
        "labels": bank.labels.astype(np.int16),
        "names": np.frombuffer("\n".join(bank.names).encode(), np.uint8),
        "test": bank.split == "test",
    }
    with writing(path.parent, "the features"):
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_arrays(path, arrays | features, compress=True)


def _pack(features: np.ndarray) -> dict[str, np.ndarray]:
    """Features (N, d) as 9-bit levels, feature by feature: the upper 8 bits compress, the lowest is noise."""
    offset, top = features.min(axis=0), features.max(axis=0)
    step = np.where(top > offset, (top - offset) / (LEVELS - 1), 1).astype(np.float32)
    level = np.rint((features - offset) / step).astype(np.uint16).T
    upper, lowest = (level >> 1).astype(np.uint8), np.packbits(level & 1 == 1, axis=1)
    return {"upper": upper, "lowest": lowest, "offset": offset, "step": step}


def _unpack(stored: Mapping[str, np.ndarray]) -> np.ndarray:
    """(N, d) float32 from what `_pack` made."""
    upper = stored["upper"].astype(np.uint16)
    level = upper * 2 + np.unpackbits(stored["lowest"], axis=1, count=upper.shape[1])
    return np.ascontiguousarray((level.T * stored["step"] + stored["offset"]).astype(np.float32))


def read_bank(path: Path) -> FeatureBank:
    """The bank in this file; `LabError` when it is none. Read once, as long as the file does not change."""
    return _read_bank(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=8)
def _read_bank(path: Path, _modified: int) -> FeatureBank:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            about = json.loads(stored["about"].tobytes())
            packed = about["storage"] == "packed"
            features = _unpack(stored) if packed else stored["features"].astype(np.float32)
            return FeatureBank(
                _named(about),
                features,
                stored["labels"].astype(np.int64),
                tuple(stored["names"].tobytes().decode().split("\n")),
                np.where(stored["test"], "test", "train"),
                tuple(about["classes"]),
                about["provenance"],
            )
    except UNREADABLE as error:
        raise LabError(f"{path} is not a readable feature bank ({error}): remove it and make it again") from None


def _read_about(path: Path) -> dict[str, Any] | None:
    """The description in a bank's file without its features; None when the file is no bank."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            about: dict[str, Any] = json.loads(stored["about"].tobytes())
            return about
    except UNREADABLE:
        return None


def _named(about: dict[str, Any]) -> Features:
    """Which features a bank's description names."""
    return Features(about["dataset"], Cut(about["backbone"], about["layer"], about["weights"]))


def available_banks() -> list[Listing]:
    """Every bank there is, then every listed cut that could be extracted, for menus; reads no features."""
    lines: dict[Features, Listing] = {}
    for line in chain(_stored_banks("shipped", SHIPPED), _stored_banks("cached", settings().cache_dir), _others()):
        lines.setdefault(line.features, line)
    datasets, cuts = list(DATASETS), [listed.cut for listed in CUTS]

    def place(line: Listing) -> tuple[int, bool, int]:
        cut = line.features.cut
        place_of_cut = cuts.index(cut) if cut in cuts else len(cuts)
        return datasets.index(line.features.dataset), line.state == "missing", place_of_cut

    return sorted(lines.values(), key=place)


def _stored_banks(state: State, folder: Path) -> Iterator[Listing]:
    """Banks in a folder, of the data sets that there are."""
    for path in sorted(folder.glob("*.npz")):
        about = _read_about(path)
        if about is not None and about["dataset"] in DATASETS:
            yield Listing(_named(about), about["n_features"], path.stat().st_size / 1e6, state, 0.0)


def _others() -> Iterator[Listing]:
    """Points, which need no bank, and banks that could be made of images."""
    data_dir = settings().data_dir
    for entry in DATASETS.values():
        if entry.is_points:
            yield _unmade(entry, POINTS_LISTED, "generated", 0.0)
            continue
        images_mb = 0.0 if entry.images_are_here(data_dir) else entry.download_mb
        for listed in CUTS:
            if listed.cut.file_is_here(data_dir):
                yield _unmade(entry, listed, "missing", images_mb)
            elif listed.download_mb:
                yield _unmade(entry, listed, "missing", images_mb + listed.download_mb)


def _unmade(entry: Dataset, listed: ListedCut, state: State, download_mb: float) -> Listing:
    return Listing(Features(entry.name, listed.cut), listed.n_features, 0.0, state, download_mb)


def linear_probe(bank: FeatureBank) -> np.ndarray:
    """(n_test,) bool: which test images a logistic regression gets right that was fitted on all training images.

    Features are standardised; C = 0.01. Deterministic: it shows what a change of the features alone changes.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    train, _, test = bank.splits(0, 0)
    features = bank.features.astype(np.float64)
    probe = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=1000))
    probe.fit(features[train], bank.labels[train])
    right: np.ndarray = probe.predict(features[test]) == bank.labels[test]
    return right
