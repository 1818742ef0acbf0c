"""The dashboard in a real browser, for tests and for what is timed in one."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from playwright.sync_api import Browser, Locator, Page, Playwright, expect

REPOSITORY = Path(__file__).resolve().parent.parent
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
SLOW = 60_000
"""Milliseconds that something may take on a busy machine."""

REMEMBER_DRAWINGS = 'window.drawings = [...document.querySelectorAll(".st-key-curves .main-svg")]'

TIME_FIRST_POINT = """
() => {
  window.waited = null
  const chart = () => document.querySelector(".st-key-curves .lab-chart")
  const button = document.querySelector(".st-key-start button")
  const drawn = () => JSON.stringify(chart().data.map(trace => trace.y))
  const before = drawn()
  button.addEventListener("click", () => {
    const clicked = performance.now()
    const look = () => {
      const points = chart().data.some(trace => trace.x.length)
      if (points && drawn() !== before) window.waited = (performance.now() - clicked) / 1000
      else requestAnimationFrame(look)
    }
    look()
  }, { once: true, capture: true })
}
"""


class Laboratory:
    """A running dashboard with a results folder of its own."""

    def __init__(self, results: Path) -> None:
        self.results = results
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        command = [sys.executable, "-m", "streamlit", "run", "dashboard.py", "--server.headless=true"]
        command += [f"--server.port={port}", "--server.address=127.0.0.1"]
        environment = os.environ | {"LAB_RESULTS_DIR": str(results)}
        self.log = results / "server.log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(command, cwd=REPOSITORY, env=environment, stdout=log, stderr=log)
        deadline = time.monotonic() + SLOW / 1000
        while not self.is_up():
            if time.monotonic() > deadline:
                self.close()
                pytest.fail(self.log.read_text())
            time.sleep(0.2)

    def is_up(self) -> bool:
        try:
            with urlopen(f"{self.url}/_stcore/health", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def records(self) -> list[dict[str, Any]]:
        """What run.json says of every run."""
        return [json.loads(path.read_text()) for path in sorted(self.results.glob("*/run.json"))]

    def close(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()


def launch(playwright: Playwright) -> Browser | None:
    """Debian's Chromium, or Playwright's own; None without either."""
    path = shutil.which("chromium") or playwright.chromium.executable_path
    return playwright.chromium.launch(executable_path=path, args=FLAGS) if Path(path).exists() else None


def new_page(browser: Browser, **look: Any) -> Page:
    """An empty page in a browser of its own; an error in it fails the test."""
    page = browser.new_context(**({"viewport": {"width": 1440, "height": 900}} | look)).new_page()
    page.set_default_timeout(SLOW)
    expect.set_options(timeout=SLOW)
    page.on("pageerror", lambda error: pytest.fail(f"the page raised {error}"))
    return page


def open_page(browser: Browser, url: str, **look: Any) -> Page:
    """The laboratory in a browser of its own, opened and settled; page.foreign: its requests to other machines."""
    page = new_page(browser, **look)
    page.on("request", lambda request: foreign.append(request.url) if "127.0.0.1" not in request.url[:40] else None)
    foreign: list[str] = []
    page.foreign = foreign  # type: ignore[attr-defined]
    page.goto(url)
    settle(page)
    return page


def settle(page: Page) -> None:
    """Wait until charts are there and workers are warm."""
    page.locator(".st-key-curves .lab-chart .main-svg").first.wait_for()
    expect(status(page)).not_to_contain_text("workers are starting")
    page.evaluate(REMEMBER_DRAWINGS)


def status(page: Page) -> Locator:
    return page.locator(".st-key-status .status")


def press(page: Page, key: str) -> None:
    """Click the button of this key once it can be clicked; one with a tooltip has a second button inside."""
    button = page.locator(f".st-key-{key} button").first
    expect(button).to_be_enabled()
    button.click()


def first_point(page: Page) -> float:
    """Press Run; seconds from that click to the frame in which a chart shows the first epoch."""
    page.evaluate(TIME_FIRST_POINT)
    press(page, "start")
    page.wait_for_function("() => window.waited !== null")
    return float(page.evaluate("window.waited"))
