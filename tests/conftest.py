"""What tests share: the real images and weights, a browser, a running dashboard."""

import os
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest
from file_server import Server
from live_page import Laboratory, launch
from playwright.sync_api import Browser, sync_playwright

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
