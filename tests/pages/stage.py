"""Press Run again and again on a busy machine: ``python tests/pages/stage.py --clicks 100``.

A speaker clicks while other programs compute. Each click trains with a new base seed, set in the form as a person sets
it, beside a process that takes all the time of a core; with ``--live`` the new seed alone starts the run. No dialog and
no error may be seen, the curves of each run are drawn to their end, and then Run can be pressed again.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, ConsoleMessage, expect, sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from live_page import SLOW, Laboratory, launch, settle, status

FIRST_SEED = 500
STILL_MS = 500
"""Milliseconds to go on looking after a run's end: a dialog may come an instant after the last point of a curve."""
FATAL = ("Bad delta path", "setIn", "Cached ForwardMsg", "Connection error")
"""What Streamlit writes into the browser's console when it has lost track of a page."""

REMEMBER_CURVES = """
() => {
  window.curves = () => [...document.querySelectorAll(".st-key-curves .lab-chart")].flatMap(chart => chart.data)
    .filter(trace => trace.meta && (trace.name || "").endsWith(", validation"))
  window.curvesBefore = JSON.stringify(window.curves().map(trace => trace.y))
}
"""
OTHERS_DRAWN = """
epochs => JSON.stringify(window.curves().map(trace => trace.y)) !== window.curvesBefore
  && window.curves().length > 0 && window.curves().every(trace => trace.x.length === epochs)
"""
EPOCHS = 30


@dataclass(frozen=True)
class Click:
    """What came of one: seconds until the run's end was drawn and Run could be pressed again, and all trouble."""

    base_seed: int
    seconds: float
    trouble: list[str]


class Speaker:
    """Somebody with one page in a browser, who sees whatever is wrong with it.

    live: whether a new setting starts a run by itself, so that nobody has to press Run.
    """

    def __init__(self, browser: Browser, url: str, live: bool) -> None:
        self._live = live
        self._page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
        self._page.set_default_timeout(SLOW)
        expect.set_options(timeout=SLOW)
        self._heard: list[str] = []
        self._page.on("pageerror", lambda error: self._heard.append(f"the page raised {error}"))
        self._page.on("console", self._read)
        self._page.goto(url)
        settle(self._page)
        switch = self._page.locator(".st-key-live")
        if switch.locator("input").is_checked() != live:
            switch.locator("label").click()
        expect(switch.locator("input")).to_be_checked(checked=live)
        self._page.get_by_text("Advanced", exact=True).click()

    def run(self, base_seed: int) -> Click:
        """Choose this base seed, press Run unless that is not needed, and watch."""
        page, began = self._page, time.monotonic()
        run = page.locator(".st-key-start button").first
        try:
            expect(run).to_be_enabled()
            page.evaluate(REMEMBER_CURVES)
            field = page.locator(".st-key-base_seed input")
            field.fill(str(base_seed))
            began = time.monotonic()
            field.press("Enter")
            if not self._live:
                page.wait_for_url(f"**base_seed={base_seed}*")
                began = time.monotonic()
                run.click()
            page.wait_for_function(OTHERS_DRAWN, arg=EPOCHS)
            expect(status(page)).to_contain_text("finished")
            expect(run).to_be_enabled()
            seconds, broken = time.monotonic() - began, []
            page.wait_for_timeout(STILL_MS)
        except Exception as error:  # whatever went wrong belongs beside what was seen on the page
            seconds, broken = time.monotonic() - began, [str(error)]
        return Click(base_seed, seconds, broken + self._heard + self._dialogs())

    def leave(self) -> None:
        """Close the page."""
        self._page.context.close()

    def _read(self, message: ConsoleMessage) -> None:
        if any(words in message.text for words in FATAL):
            self._heard.append(f"console: {message.text}")

    def _dialogs(self) -> list[str]:
        """Text of every dialog and every exception on the page."""
        seen = self._page.locator("[role=dialog]:visible, [data-testid=stException]:visible")
        return [f"shown: {text}" for text in seen.all_inner_texts()]


def clicks_on_stage(browser: Browser, url: str, base_seeds: Iterable[int], live: bool) -> Iterator[Click]:
    """A click for each of these seeds, as it has ended. A page with any trouble is left for a new one."""
    speaker = Speaker(browser, url, live)
    with burner():
        for base_seed in base_seeds:
            click = speaker.run(base_seed)
            yield click
            if click.trouble:
                speaker.leave()
                speaker = Speaker(browser, url, live)
        speaker.leave()


@contextmanager
def burner() -> Iterator[None]:
    """Meanwhile another process computes without end."""
    process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        yield
    finally:
        process.kill()
        process.wait()


def main() -> int:
    """Click, print what came of each, and say how many went wrong; 1 if any did."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clicks", type=int, default=100, metavar="N", help="how often Run is pressed, default 100")
    parser.add_argument("--live", action="store_true", help="do not press it: a new seed trains at once")
    given = parser.parse_args()
    wrong = 0
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = launch(playwright)
        if browser is None:
            sys.exit("There is no Chromium: run `playwright install chromium` first.")
        laboratory = Laboratory(Path(folder))
        try:
            base_seeds = range(FIRST_SEED, FIRST_SEED + given.clicks)
            for click in clicks_on_stage(browser, laboratory.url, base_seeds, given.live):
                print(f"base seed {click.base_seed}: {click.seconds:.1f} s {' | '.join(click.trouble)}", flush=True)
                wrong += bool(click.trouble)
        finally:
            laboratory.close()
            browser.close()
    print(f"{given.clicks} clicks, {wrong} with trouble")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
