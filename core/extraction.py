"""Runs the images of a data set through a frozen network once and keeps the features.

A killed extraction goes on where it stopped: finished chunks of images lie in the cache folder until all are there.
"""

import hashlib
import json
import os
import platform
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import PIL
import torch
import torchvision
from PIL import Image
from torch import Tensor

from core.backbones import Backbone, load_backbone
from core.datasets import ImageSet, images
from core.downloads import Progress, Stopwatch
from core.errors import LabError
from core.features import FeatureBank, bank_file, read_bank, write_bank
from core.settings import settings

CHUNK = 256
"""Images in one part of a bank that is kept while the rest is extracted."""


@dataclass(frozen=True)
class Extracted(Progress):
    """The last event of an extraction."""

    bank: FeatureBank | None = None
    path: Path = Path()


def image_batches(
    found: ImageSet, transform: Callable[[Image.Image], Tensor], order: Iterable[int], batch_size: int
) -> Iterator[Tensor]:
    """The images of these rows in this order: (B, 3, height, width) float32, transformed; the last batch is shorter."""
    rows = list(order)
    for start in range(0, len(rows), batch_size):
        yield torch.stack([transform(found.open(found.names[row])) for row in rows[start : start + batch_size]])


def extract(
    dataset: str,
    backbone: str,
    layer: str,
    weights: str,
    *,
    data_dir: Path | None = None,
    cache_dir: Path | None = None,
    weights_file: Path | None = None,
    batch_size: int = 32,
) -> Iterator[Progress]:
    """Extract a bank into the cache folder and tell how far it is; the last event is `Extracted`.

    The network is in eval mode. A bank of the same images, weights and transform that is cached already is read, not made
    again. Raises `LabError` when images or weights are missing or unusable.
    """
    data_dir, cache_dir = data_dir or settings().data_dir, cache_dir or settings().cache_dir
    target = bank_file(cache_dir, dataset, backbone, layer, weights)
    network = load_backbone(backbone, layer, weights, data_dir=data_dir, weights_file=weights_file)
    found = images(dataset, data_dir)
    total = len(found.names)
    yield Progress(f"Checking the images of {dataset}", 0, total, "images")
    recipe = _recipe(found, network)
    if target.is_file() and read_bank(target).provenance.get("recipe") == recipe:
        yield Extracted("Already extracted", total, total, "images", bank=read_bank(target), path=target)
        return

    parts = cache_dir / "partial" / _key(recipe)
    parts.mkdir(parents=True, exist_ok=True)
    starts = range(0, total, CHUNK)
    missing = [start for start in starts if not (parts / f"{start}.npy").is_file()]
    watch = Stopwatch(f"Extracting {dataset}", total, "images", done=total - sum(len(_rows(s, total)) for s in missing))
    yield watch.progress(0)
    for start in missing:
        chunk = []
        for batch in image_batches(found, network.transform, _rows(start, total), batch_size):
            chunk.append(network.features(batch).numpy())
            yield watch.progress(len(batch))
        _write(parts / f"{start}.npy", np.concatenate(chunk))

    features = np.concatenate([np.load(parts / f"{start}.npy", allow_pickle=False) for start in starts])
    if not np.isfinite(features).all():
        row = int(np.flatnonzero(~np.isfinite(features).all(axis=1))[0])
        raise LabError(f"{found.names[row]} gives features that are not finite: use other weights or another layer")
    bank = FeatureBank(
        dataset,
        backbone,
        layer,
        weights,
        features,
        found.labels,
        found.names,
        found.split,
        found.dataset.classes,
        _provenance(found, network, recipe),
    )
    write_bank(bank, target)
    shutil.rmtree(parts)
    yield Extracted(f"Extracted {dataset}", total, total, "images", bank=bank, path=target)


def _rows(start: int, total: int) -> range:
    return range(start, min(start + CHUNK, total))


def _recipe(found: ImageSet, network: Backbone) -> dict[str, Any]:
    """What the features depend on."""
    return {
        "data_sha256": found.digest(),
        "weights_sha256": network.weights_sha256,
        "transform": " ".join(repr(network.transform).split()),
    }


def _key(recipe: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps([recipe, CHUNK], sort_keys=True).encode()).hexdigest()[:24]


def _provenance(found: ImageSet, network: Backbone, recipe: dict[str, Any]) -> dict[str, Any]:
    return {
        "recipe": recipe,
        "source": found.dataset.source,
        "weights_source": network.weights_source,
        "pooling": "mean over height and width, network in eval mode",
        "made": time.strftime("%Y-%m-%d", time.gmtime()),
        "command": f"python -m core features --dataset {found.dataset.name} --backbone {network.backbone} "
        f"--layer {network.layer} --weights-name {network.weights}",
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "torchvision": torchvision.__version__,
            "pillow": PIL.__version__,
            "numpy": np.__version__,
        },
    }


def _write(path: Path, array: np.ndarray) -> None:
    """An array in a file that is whole or absent."""
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as file:
        np.save(file, array, allow_pickle=False)
        file.flush()
        os.fsync(file.fileno())
    os.replace(file.name, path)
