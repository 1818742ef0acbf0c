"""What tests share: the real images and weights, a browser, a running dashboard."""

import hashlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

import pytest
from file_server import Server
from live_page import Laboratory, launch
from playwright.sync_api import Browser, sync_playwright

from core.data.registry import DATASETS

if TYPE_CHECKING:
    from torch import nn

REPOSITORY = Path(__file__).resolve().parent.parent
os.environ.pop("LAB_DEVICE", None)  # tests say themselves where they compute


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Folder with the real images and weights: ``LAB_TEST_DATA``, or shared/data beside the repository.

    Where it is missing, tests that need it fail with ``CI=true`` and are skipped elsewhere.
    """
    folder = Path(os.environ.get("LAB_TEST_DATA", REPOSITORY.parent / "shared" / "data"))
    if not (folder / "hymenoptera_data").is_dir():
        message = f"there are no real images in {folder}; name their folder with LAB_TEST_DATA"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return folder


@pytest.fixture
def few_images(data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder with 14 of the real images, 5 and 2 of each class, and a data set that has no more."""
    monkeypatch.setitem(DATASETS, "ants_bees", replace(DATASETS["ants_bees"], n_train=10, n_test=4))
    for split, count in (("train", 5), ("val", 2)):
        for label in ("ants", "bees"):
            folder = tmp_path / "data" / "hymenoptera_data" / split / label
            folder.mkdir(parents=True)
            for image in sorted((data_dir / "hymenoptera_data" / split / label).glob("*.jpg"))[:count]:
                shutil.copy(image, folder)
    return tmp_path / "data"


@pytest.fixture
def checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> "nn.Module":
    """A ResNet-18 whose weights lie where torchvision keeps its own, under the name that their digest asks for."""
    import torch
    from torchvision import models

    with torch.random.fork_rng():
        torch.manual_seed(3)
        network = models.resnet18(weights=None).train()
        network(torch.randn(4, 3, 64, 64))
    folder = tmp_path / "torch" / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    torch.save(network.state_dict(), folder / "draft")
    digest = hashlib.sha256((folder / "draft").read_bytes()).hexdigest()[:8]
    (folder / "draft").rename(folder / f"resnet18-{digest}.pth")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setattr(models.ResNet18_Weights.IMAGENET1K_V1.value, "url", f"https://localhost/resnet18-{digest}.pth")
    return network


@pytest.fixture
def server() -> Iterator[Server]:
    """A running web server of the test's own files."""
    with Server() as running:
        thread = Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser; where there is none, its tests fail with ``CI=true`` and are skipped elsewhere."""
    with sync_playwright() as playwright:
        started = launch(playwright)
        if started is None:
            message = "there is no Chromium: run `playwright install chromium`, or install Debian's chromium"
            if os.environ.get("CI") == "true":
                pytest.fail(message)
            pytest.skip(message)
        yield started
        started.close()


@pytest.fixture(scope="module")
def laboratory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laboratory]:
    """A dashboard that runs for the tests of one file."""
    running = Laboratory(tmp_path_factory.mktemp("results"))
    yield running
    running.close()
