"""The paper's examples: list what it reports beside what was measured, and run any row again.

``paper example1`` computes the authors' notebook number for number; ``paper run ROW ...`` trains rows of the table and
stores them under results/; ``paper run --all`` trains those that are not there yet.
"""

import argparse
import json
import math
import shutil
import sys
from dataclasses import replace
from time import perf_counter
from typing import TYPE_CHECKING, Any

from core.errors import LabError

if TYPE_CHECKING:
    from core.config import RunConfig
    from core.paper import Measured, Row
    from core.statistics import Interval
    from core.store import Store

HELP = "the paper's examples, reported beside measured"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The three things that can be done with the paper."""
    actions = parser.add_subparsers(metavar="ACTION", required=True, dest="action", parser_class=type(parser))
    example = actions.add_parser("example1", help="the authors' notebook, number for number (half a minute)")
    example.add_argument("--json", action="store_true", help="print one JSON object")
    example.add_argument("--all", action="store_true", help="also the supplementary notebook's square and moons")
    example.add_argument("--keep", action="store_true", help="store the results under results/")
    listing = actions.add_parser("list", help="all rows: what is reported, what was measured")
    listing.add_argument("--json", action="store_true", help="print one JSON object for every row")
    run_rows = actions.add_parser("run", help="train rows of the table and store them")
    run_rows.add_argument("rows", nargs="*", metavar="ROW", help="keys as `paper list` shows them")
    run_rows.add_argument("--all", action="store_true", help="every row whose features are on this machine")
    run_rows.add_argument("--again", action="store_true", help="also rows that are stored already")


def run(given: argparse.Namespace) -> int:
    """Do what the action says."""
    match given.action:
        case "example1":
            return _example1(given)
        case "list":
            return _list(given)
        case _:
            return _run(given)


def _example1(given: argparse.Namespace) -> int:
    import torch

    from core.notebook import run_notebook
    from core.paper import EXAMPLES, find_rows, keep_notebook_results
    from core.settings import settings

    torch.set_num_threads(1)
    started = perf_counter()
    examples = EXAMPLES[: 2 if given.all else 1]
    names = [name for example in examples for name in example.datasets]
    kept, shown = {}, []
    for name in names:
        for done in run_notebook(name):
            (row,) = find_rows([f"{name}-{done.network}-notebook"])
            assert row.reported is not None
            kept[row.key] = {
                "accuracy": done.test_accuracy,
                "loss": done.test_loss,
                "seconds": done.seconds,
                "weights": done.weights.tolist(),
            }
            line = {
                "dataset": name,
                "network": done.network,
                "accuracy": done.test_accuracy,
                "reported": row.reported.accuracy,
                "loss": done.test_loss,
                "seconds": round(done.seconds, 3),
            }
            shown.append(line)
            if not given.json:
                print(
                    f"{name:12} {done.network:10} test accuracy {done.test_accuracy:.3f}, "
                    f"reported {row.reported.accuracy:.3f}   {done.seconds:5.1f} s",
                    flush=True,
                )
    if given.keep:
        keep_notebook_results(kept, settings().results_dir)
    if given.json:
        print(json.dumps({"results": shown, "seconds": round(perf_counter() - started, 3)}, indent=1))
    return 0


def _list(given: argparse.Namespace) -> int:
    from core.paper import rows, table

    for line in table():
        row, done = line.row, line.measured
        if given.json:
            print(json.dumps(_row_json(row, done)))
            continue
        reported = f"{row.reported.accuracy:.4f}" if row.reported else ""
        print(f"{row.key:48} reported {reported:6}  measured {_plus_minus(done.best) if done else 'not run here yet'}")
    if not given.json:
        print(f"{len(rows())} rows; ± is half the 95 % interval of the mean over seeds")
    return 0


def _plus_minus(interval: "Interval") -> str:
    half = "" if math.isnan(interval.high) else f" ± {interval.high - interval.estimate:.4f}"
    return f"{interval.estimate:.4f}{half}"


def _row_json(row: "Row", done: "Measured | None") -> dict[str, Any]:
    found = None
    if done:
        found = {
            "seeds": done.seeds,
            "accuracy": vars(done.best),
            "last": vars(done.last) if done.last else None,
            "loss": vars(done.loss),
            "seconds": done.seconds,
            "run_id": done.run_id,
        }
    return {
        "row": row.key,
        "dataset": row.dataset,
        "head": row.head_name,
        "protocol": row.protocol,
        "reported": vars(row.reported) if row.reported else None,
        "measured": found,
        "command": row.command,
    }


def _run(given: argparse.Namespace) -> int:
    import torch

    from core.paper import find_rows, rows
    from core.store import Store

    wanted = rows() if given.all else find_rows(given.rows)
    if not wanted:
        raise LabError("row = nothing is not possible: name rows of `paper list`, or use --all")
    torch.set_num_threads(1)  # a run's numbers are the same wherever it is trained
    store = Store()
    stored = set(store.run_ids())
    for number, row in enumerate(wanted, 1):
        place = f"[{number}/{len(wanted)}] {row.key}"
        if row.config is None:
            if not given.all:
                raise LabError(f"row = {row.key!r} is the notebook's own computation: use `{row.command}`")
            continue
        if row.run_id in stored and not given.again:
            print(f"{place}: stored already")
            continue
        try:
            _train(row, row.config, store, place)
        except LabError as error:
            if not given.all:
                raise
            print(f"{place}: {error}", file=sys.stderr)
    return 0


def _train(row: "Row", config: "RunConfig", store: "Store", place: str) -> None:
    """Train one row and store it, replacing what was stored under its name only when it has finished."""
    import numpy as np

    from core.events import Checkpoint, Finished
    from core.features import load_bank
    from core.training import train

    bank = load_bank(config)
    print(f"{place}: {config.seeds} seeds, {config.epochs} epochs ...", end=" ", flush=True)
    events = []
    for event in train(config, bank):
        if isinstance(event, Finished):
            event = replace(event, test_logits=event.test_logits.astype(np.float16))
        if not isinstance(event, Checkpoint):
            events.append(event)
    shutil.rmtree(store.folder(row.run_id), ignore_errors=True)
    store.create(config, bank.provenance | {"run_command": row.command}, run_id=row.run_id)
    for event in events:
        store.append(row.run_id, event)
    assert isinstance(event, Finished)
    print(f"test accuracy {np.mean(event.test_accuracy):.4f}, {event.seconds:.1f} s")
