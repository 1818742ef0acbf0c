"""Frozen networks: against hooks on torchvision's own models, the real weight files, and files that do not fit."""

import copy
import hashlib
import io
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from file_server import Server
from PIL import Image
from torch import Tensor, nn
from torchvision import models

from core.data.backbones import checkpoint_file, fetch_weights, load_backbone, name_of_weights
from core.data.cuts import CUTS, POINTS, POINTS_LISTED, Cut, ListedCut
from core.errors import LabError


def saved(network: nn.Module, path: Path) -> Path:
    torch.save(network.state_dict(), path)
    return path


@pytest.fixture(scope="module")
def resnet18() -> nn.Module:
    """A complete ResNet-18 with random weights and used BatchNorm statistics, the same whenever it is made."""
    with torch.random.fork_rng():
        torch.manual_seed(1)
        network = models.resnet18(weights=None)
        network.train()
        network(torch.randn(4, 3, 64, 64))
    return network.eval()


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
        network = models.get_model(listed.cut.backbone, weights=None).eval()
    file = saved(network, tmp_path / "weights.pth")
    backbone = load_backbone(listed.cut, data_dir=tmp_path, weights_file=file)
    batch = torch.randn(2, 3, 96, 96, generator=torch.Generator().manual_seed(0))
    computed = backbone.features(batch)
    assert computed.shape == (2, listed.n_features)
    assert_same(computed, by_hook(network, listed.cut.layer, batch))
    enum = models.get_model_weights(listed.cut.backbone).__members__.get(listed.cut.weights)
    published_mb = enum.meta["_file_size"] * 2**20 / 1e6 if enum else 0
    assert listed.download_mb == pytest.approx(published_mb, abs=0.1)


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
    for listed in (listed for listed in CUTS if listed.file):
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
    checkpoint = checkpoint_file("resnet18", "IMAGENET1K_V1")
    assert checkpoint
    assert checkpoint[0] == hub / "resnet18-f37072fd.pth"
    hub.mkdir(parents=True)
    saved(resnet18, checkpoint[0])
    with pytest.raises(LabError, match=r"resnet18-f37072fd.pth is damaged .* remove it and download it again"):
        load_backbone(Cut("resnet18", "layer3", "IMAGENET1K_V1"), data_dir=tmp_path)


@pytest.mark.parametrize("listed", [listed for listed in CUTS if listed.file], ids=lambda listed: listed.cut.backbone)
def test_known_files_are_found_and_checked(data_dir: Path, hub: Path, tmp_path: Path, listed: ListedCut) -> None:
    assert listed.file
    backbone = load_backbone(listed.cut, data_dir=data_dir)
    assert listed.file.name in backbone.weights_source
    assert name_of_weights(listed.cut.backbone, listed.cut.layer, listed.file.path(data_dir)) == listed.cut.weights
    assert list(fetch_weights(listed.cut, data_dir)) == []
    other = listed.file.path(tmp_path)
    other.parent.mkdir()
    other.write_bytes(listed.file.path(data_dir).read_bytes() + b"x")
    with pytest.raises(LabError, match=f"{listed.file.name} is not the file meant"):
        load_backbone(listed.cut, data_dir=tmp_path)


def test_weights_that_nobody_publishes_are_asked_for(hub: Path, tmp_path: Path) -> None:
    with pytest.raises(LabError, match=r"put mobilenet_v2_imagenet_int8_dequantised.pth into .*weights or name it"):
        load_backbone(Cut("mobilenet_v2", "features", "IMAGENET_INT8"), data_dir=tmp_path)
    with pytest.raises(LabError, match="torchvision has none of that name"):
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
    refused({"state_dict": state}, "holds something else than a state_dict")
    refused([1, 2], "holds something else than a state_dict")
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


# --- names ------------------------------------------------------------------------------------------------------------


def test_names_that_do_not_exist_are_answered_with_those_that_do(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="backbone = 'resnet17' is not possible: use torchvision's name"):
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
    assert Cut("mobilenet_v2", "features", "IMAGENET_INT8").title == "MobileNetV2, ImageNet int8 weights, dequantised"
    assert Cut("resnet34", "layer2", "mine").title == "resnet34 to layer2, weights mine"
    assert Cut("resnet34", "layer2", "mine").listed is None
    assert POINTS.listed is POINTS_LISTED
