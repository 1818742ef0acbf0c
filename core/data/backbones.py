"""Frozen networks, cut at a named layer and averaged over space, with their own image transform.

Weights come from, in this order: a file that the user names; the publisher's checkpoint when it is already in the hub
folder (``TORCH_HOME``); a file that the network's entry knows, which ships or is in ``<data folder>/weights``.
`core.data.downloads` fetches checkpoints.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import torch
from PIL import Image
from torch import Tensor, nn
from torchvision.models.feature_extraction import create_feature_extractor, get_graph_node_names

from core.data.cuts import Cut
from core.data.downloads import download
from core.data.networks.base import Checkpoint
from core.data.networks.registry import network as network_of
from core.data.weights import file_sha256, load_into, read_weights
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
    key that the cut needs is missing or does not fit.
    """
    network = cut_network(cut)
    state, source, digest = _weights(cut, data_dir, weights_file)
    load_into(network, state, f"{cut.backbone} up to {cut.layer}", source)
    network.eval().requires_grad_(False).to(memory_format=torch.channels_last)
    return Backbone(cut, network, network_of(cut.backbone).transform(cut.weights), source, digest)


def fetch_weights(cut: Cut, data_dir: Path) -> Iterator[Progress]:
    """Download the publisher's checkpoint into the hub folder, unless `missing_checkpoint` knows of none to fetch."""
    checkpoint = missing_checkpoint(cut, data_dir)
    if checkpoint is not None:
        cut_network(cut)  # nothing is downloaded for a layer that does not exist
        yield from download(checkpoint.url, checkpoint.path, digest=f"sha256:{checkpoint.sha256}")


def missing_checkpoint(cut: Cut, data_dir: Path) -> Checkpoint | None:
    """The checkpoint that has to be downloaded for a cut; None where its weights are here or nobody publishes them."""
    checkpoint = network_of(cut.backbone).published().get(cut.weights)
    is_here = checkpoint is None or checkpoint.path.is_file() or cut.file_is_here(data_dir)
    return None if is_here else checkpoint


def cut_network(cut: Cut) -> nn.Module:
    """The network with random weights, without the layers after the cut; its output is {"features": ...}.

    Raises `LabError` for an unknown network, and for a layer that it does not have.
    """
    network = network_of(cut.backbone).build().eval()
    try:
        return create_feature_extractor(network, {cut.layer: "features"})
    except ValueError:
        _, nodes = get_graph_node_names(network)
        tops = dict.fromkeys(node.split(".")[0] for node in nodes if node != "x")
        raise LabError(
            f"layer = {cut.layer!r} is not possible: {cut.backbone} has {', '.join(tops)} and the layers inside them"
        ) from None


def images_per_second(cut: Cut, n_images: int = 8) -> float:
    """How many images this machine takes through a network in a second, measured on noise; reading them is extra."""
    network = cut_network(cut)
    batch = torch.rand(n_images, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        network(batch[:1])
        began = perf_counter()
        network(batch)
    return n_images / (perf_counter() - began)


def name_of_weights(backbone: str, layer: str, weights_file: Path) -> str:
    """The name of the weights in a file: the published name when its digest says so, otherwise made of the file's."""
    digest, network = file_sha256(weights_file), network_of(backbone)
    for name in dict.fromkeys(entry.weights for entry in network.layers):
        file = network.file(layer, name)
        if file and digest.startswith(file.sha256):
            return name
    for name, checkpoint in network.published().items():
        if digest.startswith(checkpoint.sha256):
            return name
    return re.sub(r"\W", "_", weights_file.stem, flags=re.ASCII)[:64]


def _weights(cut: Cut, data_dir: Path, weights_file: Path | None) -> tuple[dict[str, Tensor], str, str]:
    """State dict, where it comes from, and the sha256 of its file."""
    if weights_file is not None:
        digest = file_sha256(weights_file)
        return read_weights(weights_file), weights_file.name, digest
    checkpoint = network_of(cut.backbone).published().get(cut.weights)
    if checkpoint is not None and checkpoint.path.is_file():
        path, digest = checkpoint.path, file_sha256(checkpoint.path)
        if not digest.startswith(checkpoint.sha256):
            raise LabError(f"{path} is damaged (its sha256 begins with {digest[:8]}): remove it and download it again")
        return read_weights(path), f"{checkpoint.publisher} {path.name}", digest
    known = cut.file
    if known and known.path(data_dir).is_file():
        digest = file_sha256(known.path(data_dir))
        if not digest.startswith(known.sha256):
            raise LabError(f"{known.path(data_dir)} is not the file meant (sha256 {digest[:8]}...): replace it")
        return read_weights(known.path(data_dir)), f"{known.name}: {known.description}", digest
    if checkpoint is None:
        advice = f"put {known.name} into {known.path(data_dir).parent} or name it" if known else "name their file"
        raise LabError(
            f"The weights {cut.weights} of {cut.backbone} are not on this machine and nobody publishes any of that "
            f"name: {advice} with --weights"
        )
    raise LabError(
        f"The weights {cut.weights} of {cut.backbone} are not on this machine: download them from "
        f"{checkpoint.publisher} with --download, or name their file with --weights"
    )
