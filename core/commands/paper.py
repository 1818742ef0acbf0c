"""The paper's examples: list what it reports beside what was measured, and run any row again.

``paper example1`` computes the authors' notebook number for number; ``paper run ROW ...`` trains rows of the table and
stores them under results/; ``paper run --all`` trains those that are not there yet.
"""

import argparse
import shutil
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from core.commands.features import Line
from core.commands.terminal import print_json
from core.data.downloads import Stopwatch
from core.errors import LabError
from core.events import Checkpoint, Epoch, Finished, Progress, Started, Step
from core.files import check_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from core.events import Event
    from core.paper.rows import Row
    from core.paper.table import Measured
    from core.runs.store import Store
    from core.work.kinds.train import Training


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The three things that can be done with the paper."""
    actions = parser.add_subparsers(metavar="ACTION", required=True, dest="action", parser_class=type(parser))
    example = actions.add_parser("example1", help="the authors' notebook, number for number (half a minute)")
    example.add_argument("--json", action="store_true", help="print one JSON object")
    listing = actions.add_parser("list", help="all rows: what is reported, what was measured")
    listing.add_argument("--json", action="store_true", help="print one JSON object for every row")
    run_rows = actions.add_parser("run", help="train rows of the table and store them")
    run_rows.add_argument("rows", nargs="*", metavar="ROW", help="keys as `paper list` shows them")
    run_rows.add_argument("--all", action="store_true", help="every row whose features are on this machine")
    run_rows.add_argument("--again", action="store_true", help="also rows that are stored already")
    run_rows.add_argument(
        "--download", action="store_true", help="agree to download what 'paper, BatchNorm' lacks of images and weights"
    )
    run_rows.add_argument("--json", action="store_true", help="print one JSON object for every step of progress")


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
    from core.paper.examples import EXAMPLES
    from core.paper.notebook import TURNS, run_notebook
    from core.paper.rows import find_row

    started = perf_counter()
    results = []
    for name in EXAMPLES[0].datasets:
        for done in run_notebook(name):
            if isinstance(done, Progress):
                continue
            reported = find_row(f"{name}-{done.network}-notebook").reported
            assert reported is not None
            results.append(
                {
                    "dataset": name,
                    "turns": TURNS[name],
                    "network": done.network,
                    "test_accuracy": done.test_accuracy,
                    "reported": reported.accuracy,
                    "test_loss": done.test_loss,
                    "seconds": done.seconds,
                }
            )
            if not given.json:
                print(
                    f"{name:12} {done.network:10} test accuracy {done.test_accuracy:.3f}, "
                    f"reported {reported.accuracy:.3f}   {done.seconds:5.1f} s",
                    flush=True,
                )
    if given.json:
        print_json({"results": results, "seconds": perf_counter() - started}, indent=1)
    return 0


def _list(given: argparse.Namespace) -> int:
    from core.paper.rows import rows
    from core.paper.table import table
    from core.report.numbers import SPREAD, plus_minus

    for line in table():
        row, done = line.row, line.again or line.measured
        if given.json:
            print_json(_row_json(row, done))
            continue
        reported = f"{100 * row.reported.accuracy:.2f} %" if row.reported else ""
        print(f"{row.key:48} reported {reported:7}  measured {plus_minus(done.best) if done else 'not run here yet'}")
    if not given.json:
        print(f"{len(rows())} rows; {SPREAD}")
    return 0


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

    from core.paper.notebook_record import notebook_results
    from core.paper.rows import find_row, rows
    from core.runs.store import Store
    from core.work.resume import training

    wanted = rows() if given.all else tuple(find_row(key) for key in given.rows)
    if not wanted:
        raise LabError("row = nothing is not possible: name rows of `paper list`, or use --all")
    torch.set_num_threads(1)  # a run's numbers are the same wherever it is trained
    store = Store()
    check_folder(store.root, "the results", "LAB_RESULTS_DIR")
    stored = set() if given.again else {row.run_id for row in wanted if _is_stored(row.run_id, store)}
    computed = set() if given.again else set(notebook_results(store.root))
    say: Callable[[str], None] = _say_nothing if given.json else _say
    for number, row in enumerate(wanted, 1):
        say(f"[{number}/{len(wanted)}] {row.key}: ")
        try:
            show = _Steps() if given.json else _Words()
            if row.run_id in stored or row.key in computed:
                say("stored already\n")
            elif row.config is None:
                computed |= _compute_notebook(row, show, say)
            else:
                _train(row, training(row.config, download=given.download), store, show)
        except LabError as error:
            if not given.all:
                raise
            say(f"{error}\n")
    return 0


def _is_stored(run_id: str, store: "Store") -> bool:
    """Whether a whole run of this row is there; one that cannot be read is trained again."""
    try:
        return store.load(run_id).finished is not None
    except LabError:
        return False


def _say(words: str) -> None:
    print(words, end="", flush=True)


def _say_nothing(words: str) -> None:
    pass


class _Steps:
    """One JSON object for every step of progress: downloads, then the steps of all epochs."""

    def __call__(self, event: "Event") -> None:
        match event:
            case Progress():
                print_json(vars(event))
            case Started():
                self.per_epoch = event.steps_per_epoch
                self.watch = Stopwatch("Training", self.per_epoch * event.epochs, "steps")
                self._reach(0)
            case Step():
                self._reach(self.per_epoch * (event.epoch - 1) + event.step)
            case Epoch():
                self._reach(self.per_epoch * event.epoch)

    def _reach(self, step: int) -> None:
        self(self.watch.progress(step - self.watch.done))


class _Words:
    """A row on one line: downloads, what is trained, and what came out."""

    def __init__(self) -> None:
        self.line = Line()

    def __call__(self, event: "Event") -> None:
        match event:
            case Progress():
                self.line(event)
            case Started():
                _say(f"{len(event.seeds)} seeds, {event.epochs} epochs ... ")
            case Finished():
                accuracy = sum(event.test_accuracy) / len(event.test_accuracy)
                _say(f"test accuracy {accuracy:.4f}, {event.seconds:.1f} s\n")


def _compute_notebook(row: "Row", show: "Callable[[Event], None]", say: "Callable[[str], None]") -> set[str]:
    """Compute both networks of the notebook for a row's data set and store them; the rows' keys."""
    from core.work.here import do
    from core.work.kinds.notebook import Notebook, NotebookComputed

    done = do(Notebook(dataset=row.dataset, stores=True), show)
    assert isinstance(done, NotebookComputed)
    told = [f"{key} {values['accuracy']:.3f}, {values['seconds']:.1f} s" for key, values in done.results.items()]
    say("  ".join(told) + "\n")
    return set(done.results)


def _train(row: "Row", work: "Training", store: "Store", show: "Callable[[Event], None]") -> None:
    """Train one row and store it under its own name; nothing is stored before training begins."""
    from core.work.here import record

    material = work.material()
    events = _as_shipped(work.events(material))
    first = next(events)
    while isinstance(first, Progress):
        show(first)
        first = next(events)
    with _earlier_kept(store.folder(row.run_id)):
        store.create(work.config, work.provenance(material) | {"run_command": row.command}, run_id=row.run_id)
        record(chain([first], events), store, row.run_id, show)


def _as_shipped(events: "Iterator[Event]") -> "Iterator[Event]":
    """The same events without checkpoints, and weights and logits in half precision, as runs are kept that ship."""
    import numpy as np

    for event in events:
        if isinstance(event, Finished):
            weights = {name: weight.astype(np.float16) for name, weight in event.weights.items()}
            logits = event.test_logits - event.test_logits.mean(-1, keepdims=True)  # rounding keeps their order
            event = replace(event, test_logits=logits.astype(np.float16), weights=weights)
        if not isinstance(event, Checkpoint):
            yield event


@contextmanager
def _earlier_kept(folder: Path) -> "Iterator[None]":
    """Set an earlier record aside; it comes back unless what is written inside becomes whole."""
    aside = folder.with_name(f".{folder.name}")
    if aside.exists():  # an earlier attempt was killed
        shutil.rmtree(folder, ignore_errors=True)
    elif folder.exists():
        folder.rename(aside)
    try:
        yield
    except BaseException:
        if aside.exists():
            shutil.rmtree(folder)
            aside.rename(folder)
        raise
    shutil.rmtree(aside, ignore_errors=True)
