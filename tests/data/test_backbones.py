"""Frozen networks: against hooks on the whole networks, the real weight files, and files that do not fit."""

import copy
import hashlib
import io
import pickle
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from file_server import Server
from PIL import Image
from torch import Tensor, nn
from torchvision import models
from torchvision.models.resnet import BasicBlock, ResNet

from core.data.backbones import fetch_weights, load_backbone, name_of_weights
from core.data.cuts import CUTS, POINTS, POINTS_LISTED, Cut, ListedCut
from core.data.networks import base, registry
from core.data.networks.base import SHIPPED_WEIGHTS, FrozenNetwork, ListedLayer
from core.data.networks.registry import network
from core.data.weights import FLOATS, load_into, read_weights, write_weights
from core.errors import LabError

MLNET = Cut("resnet18_mlnet", "avgpool", "IMAGENET_MLNET")
OF_DATA_FOLDER = [listed for listed in CUTS if listed.cut.file and not listed.cut.file.ships and listed.entry.file]
"""Listed cuts whose weights are a known file in the data folder."""


def saved(network: nn.Module, path: Path) -> Path:
    torch.save(network.state_dict(), path)
    return path


@pytest.fixture(scope="module")
def resnet18() -> nn.Module:
    """A complete ResNet-18 with random weights and used BatchNorm statistics, the same whenever it is made."""
    with torch.random.fork_rng():
        torch.manual_seed(1)
        made = models.resnet18(weights=None)
        made.train()
        made(torch.randn(4, 3, 64, 64))
    return made.eval()


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder for torchvision's checkpoints."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    return tmp_path / "torch" / "hub" / "checkpoints"


def by_hook(network: nn.Module, layer: str, batch: Tensor) -> Tensor:
    """Averaged output of a layer, caught while the whole network runs."""
    caught = []
    handle = network.get_submodule(layer).register_forward_hook(lambda module, inputs, output: caught.append(output))
    with torch.no_grad():
        network(batch)
    handle.remove()
    return caught[0].flatten(2).mean(dim=2)


def assert_same(computed: Tensor, expected: Tensor) -> None:
    """Equal up to the rounding of float32, which is as large as the largest feature lets it be."""
    torch.testing.assert_close(computed, expected, rtol=0, atol=1e-5 * float(expected.abs().max()))


@pytest.mark.parametrize("listed", CUTS, ids=lambda listed: listed.cut.key)
def test_every_listed_cut_is_what_it_says(listed: ListedCut, tmp_path: Path) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        whole = network(listed.cut.backbone).build().eval()
    file = saved(whole, tmp_path / "weights.pth")
    backbone = load_backbone(listed.cut, data_dir=tmp_path, weights_file=file)
    batch = torch.randn(2, 3, 96, 96, generator=torch.Generator().manual_seed(0))
    computed = backbone.features(batch)
    assert computed.shape == (2, listed.n_features)
    assert_same(computed, by_hook(whole, listed.cut.layer, batch))
    if listed.cut.weights in network(listed.cut.backbone).published():
        enum = models.get_model_weights(listed.cut.backbone)[listed.cut.weights]
        assert listed.download_mb == pytest.approx(enum.meta["_file_size"] * 2**20 / 1e6, abs=0.1)
    else:
        assert listed.download_mb == 0


def test_features_do_not_depend_on_the_company(resnet18: nn.Module, tmp_path: Path) -> None:
    file = saved(resnet18, tmp_path / "weights.pth")
    backbone = load_backbone(Cut("resnet18", "layer3", "mine"), data_dir=tmp_path, weights_file=file)
    before = {key: value.clone() for key, value in backbone.network.state_dict().items()}
    batch = torch.randn(5, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    together = backbone.features(batch)
    alone = torch.cat([backbone.features(image[None]) for image in batch])
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-6)
    for key, value in backbone.network.state_dict().items():
        assert torch.equal(value, before[key]), key
    assert not any(parameter.requires_grad for parameter in backbone.network.parameters())


def test_training_mode_is_torchvisions_own(resnet18: nn.Module, tmp_path: Path) -> None:
    """Two batches, one after the other, so that the running statistics have moved."""
    file = saved(resnet18, tmp_path / "weights.pth")
    backbone = load_backbone(Cut("resnet18", "layer3", "mine"), data_dir=tmp_path, weights_file=file)
    reference = copy.deepcopy(resnet18).train()
    for batch in torch.randn(2, 4, 3, 64, 64, generator=torch.Generator().manual_seed(0)):
        computed = backbone.features_in_training_mode(batch)
        torch.testing.assert_close(computed, by_hook(reference, "layer3", batch), rtol=1e-3, atol=1e-4)
    expected = by_hook(reference.eval(), "layer3", batch)
    torch.testing.assert_close(backbone.features(batch), expected, rtol=1e-3, atol=1e-4)
    assert not torch.allclose(computed, expected, rtol=0.05)


def test_folded_weights_are_not_run_in_training_mode(data_dir: Path, hub: Path) -> None:
    for listed in OF_DATA_FOLDER:
        backbone = load_backbone(listed.cut, data_dir=data_dir)
        with pytest.raises(LabError, match="has BatchNorm folded in and cannot run in training mode"):
            backbone.features_in_training_mode(torch.zeros(2, 3, 64, 64))


def test_the_transform_is_the_papers(resnet18: nn.Module, tmp_path: Path) -> None:
    """Resize the shorter side to 256, crop 224 in the middle, normalise with ImageNet's mean and deviation."""
    backbone = load_backbone(
        Cut("resnet18", "layer3", "mine"), data_dir=tmp_path, weights_file=saved(resnet18, tmp_path / "weights.pth")
    )
    image = Image.fromarray(np.random.RandomState(0).randint(0, 256, (300, 400, 3), np.uint8))
    resized = image.resize((341, 256), Image.Resampling.BILINEAR)
    left, top = round((341 - 224) / 2), (256 - 224) // 2
    pixels = np.asarray(resized.crop((left, top, left + 224, top + 224))) / 255
    expected = (pixels - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    np.testing.assert_allclose(backbone.transform(image).numpy(), expected.transpose(2, 0, 1), atol=1e-5)


# --- where weights come from ------------------------------------------------------------------------------------------


def publish(network: nn.Module, server: Server, monkeypatch: pytest.MonkeyPatch) -> str:
    """Let torchvision take this network's weights for the published ones; returns the checkpoint's name."""
    memory = io.BytesIO()
    torch.save(network.state_dict(), memory)
    content = memory.getvalue()
    name = f"resnet18-{hashlib.sha256(content).hexdigest()[:8]}.pth"
    server.files[name] = content
    monkeypatch.setattr(models.ResNet18_Weights.IMAGENET1K_V1.value, "url", server.url(name))
    return name


def test_torchvisions_checkpoint_is_fetched_checked_and_read(
    resnet18: nn.Module, server: Server, hub: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole way of the paper's cut: its address, the hub folder, torchvision's own loader, 512 features."""
    name = publish(resnet18, server, monkeypatch)
    with pytest.raises(LabError, match="IMAGENET1K_V1 of resnet18 are not on this machine: download them"):
        load_backbone(Cut("resnet18", "avgpool", "IMAGENET1K_V1"), data_dir=tmp_path)
    told = list(fetch_weights(Cut("resnet18", "avgpool", "IMAGENET1K_V1"), tmp_path))
    assert told[-1].done == told[-1].total == (hub / name).stat().st_size
    assert list(fetch_weights(Cut("resnet18", "avgpool", "IMAGENET1K_V1"), tmp_path)) == []
    backbone = load_backbone(Cut("resnet18", "avgpool", "IMAGENET1K_V1"), data_dir=tmp_path)
    assert backbone.weights_source == f"torchvision {name}"
    batch = torch.randn(2, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    assert_same(backbone.features(batch), by_hook(resnet18, "avgpool", batch))
    assert name_of_weights("resnet18", "avgpool", hub / name) == "IMAGENET1K_V1"


def test_a_checkpoint_that_came_damaged_is_not_kept(
    resnet18: nn.Module, server: Server, hub: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = publish(resnet18, server, monkeypatch)
    server.files[name] += b"x"
    with pytest.raises(LabError, match="came damaged"):
        list(fetch_weights(Cut("resnet18", "avgpool", "IMAGENET1K_V1"), tmp_path))
    assert list(hub.iterdir()) == []


def test_a_false_checkpoint_in_the_hub_folder_is_refused(resnet18: nn.Module, hub: Path, tmp_path: Path) -> None:
    checkpoint = network("resnet18").published()["IMAGENET1K_V1"]
    assert checkpoint.path == hub / "resnet18-f37072fd.pth"
    hub.mkdir(parents=True)
    saved(resnet18, checkpoint.path)
    with pytest.raises(LabError, match=r"resnet18-f37072fd.pth is damaged .* remove it and download it again"):
        load_backbone(Cut("resnet18", "layer3", "IMAGENET1K_V1"), data_dir=tmp_path)


@pytest.mark.parametrize("listed", OF_DATA_FOLDER, ids=lambda listed: listed.cut.backbone)
def test_known_files_are_found_and_checked(data_dir: Path, hub: Path, tmp_path: Path, listed: ListedCut) -> None:
    file = listed.cut.file
    assert file
    backbone = load_backbone(listed.cut, data_dir=data_dir)
    assert file.name in backbone.weights_source
    assert name_of_weights(listed.cut.backbone, listed.cut.layer, file.path(data_dir)) == listed.cut.weights
    assert list(fetch_weights(listed.cut, data_dir)) == []
    other = file.path(tmp_path)
    other.parent.mkdir()
    other.write_bytes(file.path(data_dir).read_bytes() + b"x")
    with pytest.raises(LabError, match=f"{file.name} is not the file meant"):
        load_backbone(listed.cut, data_dir=tmp_path)


def test_a_file_that_ends_at_a_layer_does_not_serve_beyond_it(data_dir: Path, hub: Path) -> None:
    assert Cut("resnet18", "avgpool", "IMAGENET1K_V1").file is None
    with pytest.raises(LabError, match="download them from torchvision with --download"):
        load_backbone(Cut("resnet18", "avgpool", "IMAGENET1K_V1"), data_dir=data_dir)


def test_weights_that_nobody_publishes_are_asked_for(hub: Path, tmp_path: Path) -> None:
    with pytest.raises(LabError, match=r"put mobilenet_v2_imagenet_int8_dequantised.pth into .*weights or name it"):
        load_backbone(Cut("mobilenet_v2", "features", "IMAGENET_INT8"), data_dir=tmp_path)
    with pytest.raises(LabError, match="nobody publishes any of that name: name their file with --weights"):
        load_backbone(Cut("resnet18", "layer3", "MINE"), data_dir=tmp_path)
    assert list(fetch_weights(Cut("mobilenet_v2", "features", "IMAGENET_INT8"), tmp_path)) == []


def test_a_file_needs_only_the_keys_of_its_cut(resnet18: nn.Module, tmp_path: Path) -> None:
    state = {key: value for key, value in resnet18.state_dict().items() if key.startswith(("conv1", "bn1", "layer1"))}
    file = tmp_path / "my weights-2.pth"
    torch.save({key: value for key, value in state.items() if not key.endswith("num_batches_tracked")}, file)
    assert load_backbone(Cut("resnet18", "layer1", "mine"), data_dir=tmp_path, weights_file=file).cut.layer == "layer1"
    assert name_of_weights("resnet18", "layer1", file) == "my_weights_2"
    with pytest.raises(LabError, match=r"has no layer2.0.conv1.weight, which resnet18 up to layer2 needs"):
        load_backbone(Cut("resnet18", "layer2", "mine"), data_dir=tmp_path, weights_file=file)


class Harmful:
    """Would write a file if it were unpickled."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self):  # type: ignore[no-untyped-def]
        return Path.touch, (self.target,)


def test_files_that_do_not_fit_are_one_sentence(resnet18: nn.Module, tmp_path: Path) -> None:
    state = resnet18.state_dict()
    path = tmp_path / "weights.pth"

    def refused(content: object, message: str) -> None:
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            torch.save(content, path)
        with pytest.raises(LabError, match=message) as caught:
            load_backbone(Cut("resnet18", "layer3", "mine"), data_dir=tmp_path, weights_file=path)
        assert "\n" not in str(caught.value)
        assert len(str(caught.value)) < 400

    refused(
        state | {"layer3.1.conv2.weight": torch.zeros(256, 128, 3, 3)},
        r"layer3.1.conv2.weight of shape \(256, 128, 3, 3\) where resnet18 up to layer3 needs \(256, 256, 3, 3\)",
    )
    refused(state | {"bn1.weight": torch.full((64,), torch.nan)}, "numbers in bn1.weight that are not finite")
    refused({"state_dict": state}, "holds something other than a state_dict")
    refused([1, 2], "holds something other than a state_dict")
    refused({1: torch.zeros(2)}, "holds something other than a state_dict")
    for strange in (torch.zeros(64).to_sparse(), torch.zeros(64, device="meta")):
        refused(state | {"bn1.weight": strange}, "holds something other than a state_dict of plain tensors")
    for dtype in (torch.int8, torch.int64, torch.bool, torch.complex64, torch.float8_e4m3fn):
        kind = str(dtype).removeprefix("torch.")
        refused(state | {"bn1.weight": torch.ones(64).to(dtype)}, f"bn1.weight of type {kind} where resnet18 up to")
    refused(b"", "is not a readable file of weights")
    refused(b"PK\3\4 half a file", "is not a readable file of weights")
    whole = tmp_path / "whole.pth"
    saved(resnet18, whole)
    refused(whole.read_bytes()[:5000], "is not a readable file of weights")
    refused(pickle.dumps(Harmful(tmp_path / "harm")), "is not a readable file of weights")
    refused({"conv1.weight": Harmful(tmp_path / "harm")}, "is not a readable file of weights")
    assert not (tmp_path / "harm").exists()
    with pytest.raises(LabError, match=r"weights = .*nowhere.pth' is not possible: No such file"):
        load_backbone(Cut("resnet18", "layer3", "mine"), data_dir=tmp_path, weights_file=tmp_path / "nowhere.pth")


def test_prefixes_of_wrappers_are_taken_away(resnet18: nn.Module, tmp_path: Path) -> None:
    cut, batch = Cut("resnet18", "layer1", "mine"), torch.ones(1, 3, 64, 64)
    bare = load_backbone(cut, data_dir=tmp_path, weights_file=saved(resnet18, tmp_path / "bare.pth")).features(batch)
    for number, wrapped in enumerate((nn.DataParallel(resnet18), torch.compile(resnet18, backend="eager"))):
        file = saved(wrapped, tmp_path / f"{number}.pth")
        assert not set(torch.load(file)) & set(resnet18.state_dict())
        assert torch.equal(load_backbone(cut, data_dir=tmp_path, weights_file=file).features(batch), bare)


def mutations(whole: bytes, number: int) -> Iterator[bytes]:
    """Copies of a file that are cut, or in which some bytes, mostly those of its start, are others."""
    random = np.random.RandomState(0)
    for _ in range(number):
        content = bytearray(whole)
        reach = len(whole) if random.rand() < 0.3 else min(len(whole), 1500)
        for place in random.randint(0, reach, random.choice([1, 2, 8])):
            content[place] = random.randint(256)
        yield bytes(content[: random.randint(len(whole))] if random.rand() < 0.2 else content)


@pytest.mark.parametrize("kind", ["zip", "legacy", "safetensors"])
def test_damaged_weight_files_are_one_sentence_or_weights(kind: str, tmp_path: Path) -> None:
    """However a file is damaged: it is refused in one sentence, or it holds finite numbers of the right shape."""
    small = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
    path = tmp_path / f"weights.{'safetensors' if kind == 'safetensors' else 'pth'}"
    if kind == "safetensors":
        write_weights(small.state_dict(), path)
    else:
        torch.save(small.state_dict(), path, _use_new_zipfile_serialization=kind == "zip")
    refusals = []
    for content in mutations(path.read_bytes(), 250):
        path.write_bytes(content)
        try:
            load_into(small, read_weights(path), "a small network", path.name)
        except LabError as error:
            refusals.append(str(error))
        assert all(torch.isfinite(value).all() for value in small.state_dict().values())
    assert 50 < len(refusals) < 250
    assert not [sentence for sentence in refusals if "\n" in sentence]


# --- the network that ships -------------------------------------------------------------------------------------------


def test_mlnets_network_has_three_blocks_in_its_last_stage(hub: Path, tmp_path: Path) -> None:
    """Its shipped weights fit, with nothing missing or left over, a network that is put together here."""
    assert MLNET.file
    state = read_weights(MLNET.file.path(tmp_path))
    whole = ResNet(BasicBlock, [2, 2, 2, 3])
    whole.fc = nn.Identity()
    whole.load_state_dict(state)  # strict, but for counters, which torch adds to states without them
    backbone = load_backbone(MLNET, data_dir=tmp_path)
    batch = torch.randn(2, 3, 96, 96, generator=torch.Generator().manual_seed(0))
    computed = backbone.features(batch)
    assert computed.shape == (2, 512)
    assert_same(computed, by_hook(whole.eval(), "avgpool", batch))
    assert backbone.weights_source.startswith(MLNET.file.name)
    assert not torch.allclose(backbone.features_in_training_mode(batch), computed, rtol=0.05)
    assert list(fetch_weights(MLNET, tmp_path)) == []
    assert name_of_weights(MLNET.backbone, MLNET.layer, MLNET.file.path(tmp_path)) == MLNET.weights


def test_shipped_weights_serve_at_every_layer(hub: Path, tmp_path: Path) -> None:
    backbone = load_backbone(Cut(MLNET.backbone, "layer2", MLNET.weights), data_dir=tmp_path)
    assert backbone.features(torch.zeros(1, 3, 64, 64)).shape == (1, 128)


def test_shipped_weights_can_be_written_again_bit_for_bit(tmp_path: Path) -> None:
    """From a checkpoint of torch.save and in any order; every number is finite, convolutions are float16."""
    assert MLNET.file
    shipped = MLNET.file.path(tmp_path)
    state = read_weights(shipped)
    assert {name: FLOATS.index(value.dtype) for name, value in state.items()} == {
        name: FLOATS.index(torch.float16 if value.ndim == 4 else torch.float32) for name, value in state.items()
    }
    torch.save(dict(reversed(state.items())), tmp_path / "checkpoint.pth")
    write_weights(read_weights(tmp_path / "checkpoint.pth"), tmp_path / "again.safetensors")
    assert (tmp_path / "again.safetensors").read_bytes() == shipped.read_bytes()


def test_weights_that_ship_and_are_cut_renamed_or_of_another_network_are_refused(
    resnet18: nn.Module, hub: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert MLNET.file
    shipped, copied = MLNET.file.path(tmp_path), tmp_path / MLNET.file.name
    monkeypatch.setattr(base, "SHIPPED_WEIGHTS", tmp_path)
    with pytest.raises(LabError, match=rf"put {MLNET.file.name} into {tmp_path} or name it with --weights"):
        load_backbone(MLNET, data_dir=tmp_path)
    copied.write_bytes(shipped.read_bytes()[:-10])
    with pytest.raises(LabError, match=f"{MLNET.file.name} is not the file meant"):
        load_backbone(MLNET, data_dir=tmp_path)

    def refused(file: Path, message: str) -> None:
        with pytest.raises(LabError, match=message):
            load_backbone(Cut(MLNET.backbone, MLNET.layer, "mine"), data_dir=tmp_path, weights_file=file)

    refused(copied, "is not a readable file of weights")
    refused(Path(shutil.copy(shipped, tmp_path / "renamed.pth")), "renamed.pth is not a readable file of weights")
    refused(saved(resnet18, tmp_path / "other.pth"), r"other.pth has no layer4.2.conv1.weight, which resnet18_mlnet up")
    write_weights(resnet18.state_dict(), tmp_path / "other.safetensors")
    refused(tmp_path / "other.safetensors", r"other.safetensors has no layer4.2.conv1.weight")


def test_what_ships_is_whole_and_said() -> None:
    """Every file of weights that ships is that of an entry, and its digest is written beside it."""
    files = {path.name for path in SHIPPED_WEIGHTS.iterdir()} - {"README.md", "LICENSE-MLNET"}
    assert files == {listed.cut.file.name for listed in CUTS if listed.cut.file and listed.cut.file.ships}
    about = (SHIPPED_WEIGHTS / "README.md").read_text(encoding="utf-8")
    for name in files:
        assert hashlib.sha256((SHIPPED_WEIGHTS / name).read_bytes()).hexdigest() in about


# --- names ------------------------------------------------------------------------------------------------------------


def test_names_that_do_not_exist_are_answered_with_those_that_do(tmp_path: Path) -> None:
    with pytest.raises(LabError, match=r"backbone = 'resnet17' is not possible: use .*, resnet18, .* or torchvision's"):
        load_backbone(Cut("resnet17", "layer3", "mine"), data_dir=tmp_path)
    with pytest.raises(
        LabError, match=r"layer = 'layer7' is not possible: resnet18 has conv1, .*layer3, layer4, avgpool"
    ):
        load_backbone(Cut("resnet18", "layer7", "mine"), data_dir=tmp_path)


def test_a_layer_without_channels_in_second_place_is_refused(tmp_path: Path) -> None:
    file = saved(models.swin_t(weights=None), tmp_path / "weights.pth")
    backbone = load_backbone(Cut("swin_t", "features", "mine"), data_dir=tmp_path, weights_file=file)
    with pytest.raises(
        LabError, match=r"layer = 'features' is not possible: its output has the shape \(1, 7, 7, 768\)"
    ):
        backbone.features(torch.zeros(1, 3, 224, 224))
    backbone = load_backbone(Cut("swin_t", "permute", "mine"), data_dir=tmp_path, weights_file=file)
    assert backbone.features(torch.zeros(1, 3, 224, 224)).shape == (1, 768)


def test_titles_say_what_features_are() -> None:
    assert Cut("mobilenet_v2", "features", "IMAGENET_INT8").title == "MobileNetV2 (int8 weights), ImageNet, dequantised"
    assert MLNET.name == MLNET.line == "ML.NET's ResNet18"
    assert "ResNet-18" not in MLNET.title
    assert Cut("resnet34", "layer2", "mine").title == "resnet34 to layer2, weights mine"
    assert len({listed.entry.line for listed in CUTS}) == len(CUTS)
    assert Cut("resnet34", "layer2", "mine").listed is None
    assert POINTS.listed is POINTS_LISTED


class TwoLayers(FrozenNetwork):
    """A network of nobody, in one entry."""

    def build(self) -> nn.Module:
        return nn.Sequential(nn.Conv2d(3, 7, 3), nn.ReLU())

    def transform(self, weights: str) -> object:
        return models.ResNet18_Weights.IMAGENET1K_V1.transforms()


def test_a_new_network_is_one_entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = TwoLayers("two_layers", "none", (ListedLayer("1", "MINE", "Two layers", 7),))
    monkeypatch.setitem(registry.NETWORKS, entry.name, entry)
    file = saved(entry.build(), tmp_path / "weights.pth")
    backbone = load_backbone(Cut("two_layers", "1", "MINE"), data_dir=tmp_path, weights_file=file)
    batch = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    weights = torch.load(file)
    expected = nn.functional.conv2d(batch, weights["0.weight"], weights["0.bias"]).relu().mean((2, 3))
    assert_same(backbone.features(batch), expected)
    with pytest.raises(LabError, match="are not on this machine and nobody publishes any of that name"):
        load_backbone(Cut("two_layers", "1", "MINE"), data_dir=tmp_path)
    with pytest.raises(LabError, match=r"use .*, two_layers or torchvision's name"):
        network("three_layers")
