"""Runs the images of a data set through a frozen network once and keeps the features; checks a bank that was shipped.

A killed extraction goes on where it stopped: finished chunks of images lie in the cache folder until all are there.
"""

import hashlib
import json
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from core.data.backbones import Backbone, fetch_weights, load_backbone
from core.data.banks import FeatureBank, read_bank, write_bank
from core.data.downloads import Stopwatch, fetch_images
from core.data.features import Features
from core.data.images import ImageSet
from core.data.networks.registry import network as network_of
from core.data.registry import dataset
from core.errors import LabError
from core.events import Progress
from core.files import check_folder, replace
from core.settings import settings
from core.versions import versions

CHUNK = 256
"""Images in one part of a bank that is kept while the rest is extracted."""


@dataclass(frozen=True, kw_only=True)
class Extracted(Progress):
    """The last event of an extraction."""

    bank: FeatureBank
    path: Path


def image_batches(
    images: ImageSet, transform: Callable[[Image.Image], Tensor], order: Iterable[int], batch_size: int
) -> Iterator[Tensor]:
    """The images of these rows in this order: (B, 3, height, width) float32, transformed; the last batch is shorter."""
    rows = list(order)
    for start in range(0, len(rows), batch_size):
        yield torch.stack([transform(images.open(images.names[row])) for row in rows[start : start + batch_size]])


def extract(
    features: Features,
    *,
    data_dir: Path | None = None,
    cache_dir: Path | None = None,
    weights_file: Path | None = None,
    batch_size: int = 32,
    download: bool = False,
) -> Iterator[Progress]:
    """Extract a bank into the cache folder and tell how far it is; the last event is `Extracted`.

    The network is in eval mode. A bank of the same images, weights and transform that is cached already is read,
    not made again. ``download`` is a person's consent to fetch missing images and weights from their publishers.
    Raises `LabError` when images or weights are missing or unusable.
    """
    data_dir, cache_dir = data_dir or settings().data_dir, cache_dir or settings().cache_dir
    entry, target = dataset(features.dataset), features.file(cache_dir)
    if not target.is_file():
        check_folder(cache_dir, "the features", "LAB_CACHE_DIR")
    if download and weights_file is None:
        yield from fetch_weights(features.cut, data_dir)
    network = load_backbone(features.cut, data_dir=data_dir, weights_file=weights_file)
    if download:
        yield from fetch_images(entry, data_dir)
    images = entry.images(data_dir)
    total = len(images.names)
    yield Progress(f"Checking the images of {entry.name}", 0, total, "images")
    recipe = _recipe(images, network)
    if target.is_file() and read_bank(target).provenance.get("recipe") == recipe:
        yield Extracted("Already extracted", total, total, "images", bank=read_bank(target), path=target)
        return

    parts = cache_dir / "partial" / _key(recipe)
    check_folder(parts, "the features", "LAB_CACHE_DIR")
    starts = range(0, total, CHUNK)
    missing = [start for start in starts if not (parts / f"{start}.npy").is_file()]
    done = total - sum(len(_rows(start, total)) for start in missing)
    watch = Stopwatch(f"Extracting {entry.name}", total, "images", done=done)
    yield watch.progress(0)
    for start in missing:
        chunk = []
        for batch in image_batches(images, network.transform, _rows(start, total), batch_size):
            chunk.append(network.features(batch).numpy())
            yield watch.progress(len(batch))
        replace(parts / f"{start}.npy", partial(np.save, arr=np.concatenate(chunk), allow_pickle=False))

    extracted = np.concatenate([np.load(parts / f"{start}.npy", allow_pickle=False) for start in starts])
    if not np.isfinite(extracted).all():
        row = int(np.flatnonzero(~np.isfinite(extracted).all(axis=1))[0])
        raise LabError(f"{images.names[row]} gives features that are not finite: use other weights or another layer")
    bank = FeatureBank(
        features,
        extracted,
        images.labels,
        images.names,
        images.split,
        images.classes,
        _provenance(features, network, recipe),
    )
    write_bank(bank, target)
    shutil.rmtree(parts)
    yield Extracted(f"Extracted {entry.name}", total, total, "images", bank=bank, path=target)


@dataclass(frozen=True)
class Verification:
    """How far a stored bank is off from features made anew."""

    n_images: int
    weights_source: str
    """The weights that were used now"""
    largest: float
    """Largest difference of one number, in standard deviations of its feature over the bank"""
    mean: float
    """Mean absolute difference, likewise"""

    @property
    def agrees(self) -> bool:
        """Whether the difference is what rounding and packing leave: on average under 2 % of a standard deviation."""
        return self.mean < 0.02


def verify(
    bank: FeatureBank, *, n_images: int = 64, data_dir: Path | None = None, weights_file: Path | None = None
) -> Verification:
    """Compute every so many-th image of a bank anew, with torchvision's checkpoint where this machine has it."""
    data_dir = data_dir or settings().data_dir
    network = load_backbone(bank.of.cut, data_dir=data_dir, weights_file=weights_file)
    images = dataset(bank.of.dataset).images(data_dir)
    row_of = {name: row for row, name in enumerate(images.names)}
    sample = np.unique(np.linspace(0, len(bank.names) - 1, n_images).astype(int))
    for row in sample:
        if bank.names[row] not in row_of:
            raise LabError(f"{images.where} has no {bank.names[row]}, which the bank has: name other images")
    order = [row_of[bank.names[row]] for row in sample]
    anew = np.concatenate(
        [network.features(batch).numpy() for batch in image_batches(images, network.transform, order, 32)]
    )
    spread = bank.features.std(axis=0)
    off = np.abs(anew - bank.features[sample]) / np.where(spread > 0, spread, 1)
    return Verification(len(sample), network.weights_source, float(off.max()), float(off.mean()))


def _rows(start: int, total: int) -> range:
    return range(start, min(start + CHUNK, total))


def _recipe(images: ImageSet, network: Backbone) -> dict[str, Any]:
    """What the features depend on."""
    return {
        "data_sha256": images.digest(),
        "weights_sha256": network.weights_sha256,
        "transform": " ".join(repr(network.transform).split()),
    }


def _key(recipe: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps([recipe, CHUNK], sort_keys=True).encode()).hexdigest()[:24]


def _provenance(features: Features, network: Backbone, recipe: dict[str, Any]) -> dict[str, Any]:
    entry = dataset(features.dataset)
    return {
        "recipe": recipe,
        "source": entry.source,
        "licence": entry.licence,
        "weights_source": network.weights_source,
        "weights_licence": network_of(features.cut.backbone).licence,
        "pooling": "mean over height and width, network in eval mode",
        "made": time.strftime("%Y-%m-%d", time.gmtime()),
        "command": features.command,
        "versions": versions("torch", "torchvision", "pillow", "numpy"),
    }
