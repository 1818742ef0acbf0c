"""Frozen torchvision networks, cut at a named layer and averaged over space, with their own image transform.

Weights come from, in this order: a file that the user names; torchvision's checkpoint when it is already in the hub
folder (``TORCH_HOME``); a known file in ``<data folder>/weights``. `core.data.downloads` fetches torchvision's
checkpoint.
"""

import hashlib
import os
import pickle
import re
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import torch
from PIL import Image
from torch import Tensor, nn
from torchvision import models
from torchvision.models.feature_extraction import create_feature_extractor, get_graph_node_names

from core.data.cuts import CUTS, Cut
from core.data.downloads import download
from core.errors import LabError
from core.events import Progress


@dataclass(frozen=True, eq=False)
class Backbone:
    """A frozen network from image to feature vector."""

    cut: Cut
    network: nn.Module
    transform: Callable[[Image.Image], Tensor]
    """RGB image -> (3, height, width) float32, resized, cropped and normalised as the weights want it"""
    weights_source: str
    weights_sha256: str

    def features(self, batch: Tensor) -> Tensor:
        """Transformed square images (B, 3, side, side) float32 -> feature vectors (B, d) float32, in eval mode."""
        self.network.eval()
        return self._averaged(batch)

    def features_in_training_mode(self, batch: Tensor) -> Tensor:
        """The same with BatchNorm in training mode, as the notebooks of arXiv:1912.08278 ran the frozen network.

        The features of an image then depend on its batch, and the running statistics move with every call. Raises
        `LabError` for weights with BatchNorm folded in, whose scale batch statistics would undo.
        """
        norms = [module for module in self.network.modules() if isinstance(module, nn.BatchNorm2d)]
        if norms and all(norm.running_mean is not None and not norm.running_mean.any() for norm in norms):
            raise LabError(
                f"{self.weights_source} has BatchNorm folded in and cannot run in training mode: use torchvision's "
                f"complete checkpoint of {self.cut.backbone}"
            )
        self.network.train()
        return self._averaged(batch)

    @torch.inference_mode()
    def _averaged(self, batch: Tensor) -> Tensor:
        output: Tensor = self.network(batch.contiguous(memory_format=torch.channels_last))["features"]
        if output.ndim == 4 and output.shape[2] == output.shape[3]:
            output = output.mean(dim=(2, 3))
        if output.ndim != 2:
            raise LabError(
                f"layer = {self.cut.layer!r} is not possible: its output has the shape {tuple(output.shape)}; choose a "
                f"layer of {self.cut.backbone} that gives channels with height and width, or one vector"
            )
        return output


def load_backbone(cut: Cut, *, data_dir: Path, weights_file: Path | None = None) -> Backbone:
    """The network of a cut with its weights, in eval mode.

    Raises `LabError` for an unknown network or layer, weights that are nowhere on this machine, and a file in which a
    key that the cut needs is missing or has another shape.
    """
    network = _cut_network(cut)
    state, source, digest = _weights(cut, data_dir, weights_file)
    _load(network, state, f"{cut.backbone} up to {cut.layer}", source)
    network.eval().requires_grad_(False).to(memory_format=torch.channels_last)
    return Backbone(cut, network, _transform(cut), source, digest)


def fetch_weights(cut: Cut, data_dir: Path) -> Iterator[Progress]:
    """Download torchvision's checkpoint into the hub folder, unless it or a known file that serves is there already."""
    checkpoint = checkpoint_file(cut.backbone, cut.weights)
    if checkpoint is None or checkpoint[0].is_file() or (cut.listed and cut.listed.file_is_here(data_dir)):
        return
    check_cut(cut)  # nothing is downloaded for a layer that does not exist
    path, url = checkpoint
    yield from download(url, path, digest=f"sha256:{sha256_prefix(path)}")


def check_backbone(backbone: str) -> None:
    """Raise `LabError` unless torchvision has a network of this name."""
    if backbone not in models.list_models(models):
        raise LabError(
            f"backbone = {backbone!r} is not possible: use torchvision's name of a classification network, for "
            f"example resnet18, resnet50, mobilenet_v2 or efficientnet_b0"
        )


def check_cut(cut: Cut) -> None:
    """Raise `LabError` unless torchvision has this network and the network has this layer."""
    _cut_network(cut)


def images_per_second(cut: Cut, n_images: int = 8) -> float:
    """How many images this machine takes through a network in a second, measured on noise; reading them is extra."""
    network = _cut_network(cut).eval()
    batch = torch.rand(n_images, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        network(batch[:1])
        began = perf_counter()
        network(batch)
    return n_images / (perf_counter() - began)


def name_of_weights(backbone: str, layer: str, weights_file: Path) -> str:
    """The name of the weights in a file: the published name when its digest says so, otherwise made of the file's."""
    digest = _sha256(weights_file)
    for listed in CUTS:
        place = (listed.cut.backbone, listed.cut.layer)
        if place == (backbone, layer) and listed.file and digest.startswith(listed.file.sha256):
            return listed.cut.weights
    for name in models.get_model_weights(backbone).__members__ if backbone in models.list_models(models) else ():
        checkpoint = checkpoint_file(backbone, name)
        if checkpoint and digest.startswith(sha256_prefix(checkpoint[0])):
            return name
    return re.sub(r"\W", "_", weights_file.stem, flags=re.ASCII)[:64]


def checkpoint_file(backbone: str, weights: str) -> tuple[Path, str] | None:
    """Where torchvision keeps the checkpoint of these weights and its address, or None when it publishes none."""
    published = _published(backbone, weights)
    if published is None:
        return None
    return Path(torch.hub.get_dir()) / "checkpoints" / os.path.basename(published.url), published.url


def sha256_prefix(checkpoint: Path) -> str:
    """The start of the sha256 that torchvision writes at the end of a checkpoint's name: resnet18-f37072fd.pth."""
    return checkpoint.stem.rsplit("-", 1)[-1]


def _cut_network(cut: Cut) -> nn.Module:
    """The randomly initialised network without the layers after the cut; its output is {"features": ...}."""
    check_backbone(cut.backbone)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # googlenet and inception: the default initialisation is slow
        network = models.get_model(cut.backbone, weights=None).eval()
    try:
        return create_feature_extractor(network, {cut.layer: "features"})
    except ValueError:
        _, nodes = get_graph_node_names(network)
        tops = dict.fromkeys(node.split(".")[0] for node in nodes if node != "x")
        raise LabError(
            f"layer = {cut.layer!r} is not possible: {cut.backbone} has {', '.join(tops)} and the layers inside them"
        ) from None


def _published(backbone: str, weights: str) -> Any:
    """torchvision's entry for these weights, or None."""
    if backbone not in models.list_models(models):
        return None
    enum = models.get_model_weights(backbone)
    return enum.__members__.get(weights)


def _transform(cut: Cut) -> Callable[[Image.Image], Tensor]:
    """The transform of the published weights; that of the first published ones for weights of another origin."""
    published = _published(cut.backbone, cut.weights) or next(iter(models.get_model_weights(cut.backbone)))
    transform: Callable[[Image.Image], Tensor] = published.transforms()
    return transform


def _weights(cut: Cut, data_dir: Path, weights_file: Path | None) -> tuple[dict[str, Tensor], str, str]:
    """State dict, where it comes from, and the sha256 of its file."""
    if weights_file is not None:
        digest = _sha256(weights_file)
        return _read(weights_file), weights_file.name, digest
    checkpoint = checkpoint_file(cut.backbone, cut.weights)
    if checkpoint is not None and checkpoint[0].is_file():
        path = checkpoint[0]
        digest = _sha256(path)
        if not digest.startswith(sha256_prefix(path)):
            raise LabError(f"{path} is damaged (its sha256 begins with {digest[:8]}): remove it and download it again")
        state = _published(cut.backbone, cut.weights).get_state_dict(progress=False, check_hash=True, weights_only=True)
        return state, f"torchvision {path.name}", digest
    known = cut.listed.file if cut.listed else None
    if known and known.path(data_dir).is_file():
        digest = _sha256(known.path(data_dir))
        if not digest.startswith(known.sha256):
            raise LabError(f"{known.path(data_dir)} is not the file meant (sha256 {digest[:8]}...): replace it")
        return _read(known.path(data_dir)), f"{known.name}: {known.description}", digest
    if checkpoint is None:
        raise LabError(
            f"The weights {cut.weights} of {cut.backbone} are not on this machine and torchvision has none of that "
            f"name: put {known.name if known else 'their file'} into {data_dir / 'weights'} or name it with --weights"
        )
    raise LabError(
        f"The weights {cut.weights} of {cut.backbone} are not on this machine: download them from torchvision with "
        f"--download, or name their file with --weights"
    )


def _read(path: Path) -> dict[str, Tensor]:
    """The state dict in a file that nobody has to trust."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # what torch says of a strange file, the error below says too
            state = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, ValueError, KeyError, pickle.UnpicklingError):
        raise LabError(f"{path} is not a readable file of weights: save model.state_dict() and use that") from None
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise LabError(
            f"{path} holds something else than a state_dict of tensors: save model.state_dict() and use that"
        )
    return state


def _load(network: nn.Module, state: dict[str, Tensor], what: str, source: str) -> None:
    """Copy what the cut network needs out of a state dict that may hold more; name the key that does not fit."""
    needed = {key: value for key, value in network.state_dict().items() if not key.endswith("num_batches_tracked")}
    for key, value in needed.items():
        if key not in state:
            raise LabError(f"{source} has no {key}, which {what} needs: use weights of this network")
        if state[key].shape != value.shape:
            raise LabError(
                f"{source} has {key} of shape {tuple(state[key].shape)} where {what} needs {tuple(value.shape)}: use "
                f"weights of this network"
            )
        if not torch.isfinite(state[key]).all():
            raise LabError(f"{source} has numbers in {key} that are not finite: use undamaged weights")
    network.load_state_dict({key: state[key] for key in needed}, strict=False)


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise LabError(f"weights = {str(path)!r} is not possible: {error.strerror}; name a readable file") from None
