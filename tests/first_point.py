"""Time the first curve point in a browser: ``python tests/first_point.py --save``, nothing else running.

From the click on Run, with default settings and warm workers, to the frame in which a chart shows the first epoch.
"""

import argparse
import json
import statistics
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

from live_page import REPOSITORY, Laboratory, first_point, launch, open_page, press, status
from playwright.sync_api import expect, sync_playwright

sys.path.insert(0, str(REPOSITORY))
from core.bench.report import save
from core.bench.step import machine

QUIET_MS = 5_000
"""Milliseconds between a run's end and the next click: what the page does after a run is over by then."""


def main() -> None:
    """Measure, print and perhaps store."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clicks", type=int, default=20, metavar="N", help="how often Run is pressed, default 20")
    parser.add_argument("--save", action="store_true", help="store the measurement in results/benchmarks/")
    given = parser.parse_args()
    result = measure(given.clicks)
    if given.save:
        print(f"written to {save('first_point', result, REPOSITORY / 'results' / 'benchmarks')}", file=sys.stderr)
    print(json.dumps(result))


def measure(clicks: int) -> dict[str, Any]:
    """Seconds from click to first point, for so many clicks on one page of one server, and where that was."""
    waited = []
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = launch(playwright)
        if browser is None:
            sys.exit("There is no Chromium: run `playwright install chromium` first.")
        where = machine([]) | {"threads": 1}  # of a worker
        where["versions"] |= {"streamlit": version("streamlit"), "Chromium": browser.version}
        laboratory = Laboratory(Path(folder))
        try:
            page = open_page(browser, laboratory.url)
            for _ in range(clicks):
                page.wait_for_timeout(QUIET_MS)
                waited.append(round(first_point(page), 3))
                print(f"{waited[-1]:.2f} s", file=sys.stderr)
                expect(status(page)).to_contain_text("finished")
                press(page, "reset")
                expect(status(page)).to_contain_text("Press Run")
        finally:
            laboratory.close()
            browser.close()
    return {"seconds": waited, "median": statistics.median(waited), "machine": where}


if __name__ == "__main__":
    main()
