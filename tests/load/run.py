"""Open many pages at once and press Run on all of them: ``python tests/load/run.py --save``, nothing else running.

Every page is a WebSocket session that speaks Streamlit's protocol and draws nothing, so that what is measured is the
server, and the training that it starts. Each number of pages has a server of its own.
"""

import argparse
import asyncio
import sys
import tempfile
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))
from crowd import Crowd, measure
from live_page import REPOSITORY, Laboratory

from core.bench.report import load_table, save
from core.bench.step import machine
from core.settings import settings


def main() -> None:
    """Measure, print and perhaps store."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pages", type=int, nargs="+", default=[1, 10, 40], metavar="N", help="default 1 10 40")
    parser.add_argument("--settings", default="", metavar="QUERY", help="of every run, as in a page's address")
    parser.add_argument("--idle", type=float, default=10.0, metavar="SECONDS", help="how long to watch the idle server")
    parser.add_argument("--save", action="store_true", help="store the measurement in results/benchmarks/")
    given = parser.parse_args()
    where = machine([]) | {"threads": 1}  # of a worker
    where["versions"] |= {name: version(name) for name in ("streamlit", "distributed")}
    result = {"crowds": [], "workers": settings().workers, "machine": where}
    for pages in given.pages:
        result["crowds"].append(rounded(asdict(crowd_of(pages, given.settings, given.idle))))
        print("\n".join(load_table(result)), flush=True)
    for crowd in result["crowds"]:
        for fault in crowd["faults"]:
            print(f"{crowd['pages']} pages: {fault}")
    if given.save:
        print(f"written to {save('load', result, REPOSITORY / 'results' / 'benchmarks')}", file=sys.stderr)


def crowd_of(pages: int, query: str, idle_seconds: float) -> Crowd:
    """The measurement of so many pages on a server of their own."""
    with tempfile.TemporaryDirectory() as folder:
        laboratory = Laboratory(Path(folder))
        try:
            return asyncio.run(measure(laboratory, pages, query, idle_seconds))
        finally:
            laboratory.close()


def rounded(value: Any) -> Any:
    """The same with three digits after the point."""
    match value:
        case float():
            return round(value, 3)
        case list():
            return [rounded(each) for each in value]
        case dict():
            return {name: rounded(each) for name, each in value.items()}
    return value


if __name__ == "__main__":
    main()
