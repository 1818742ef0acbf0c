"""The paper's examples: list what it reports beside what was measured, and run any row again.

``paper example1`` computes the authors' notebook number for number; ``paper run ROW ...`` trains rows of the table and
stores them under results/; ``paper run --all`` trains those that are not there yet; ``paper released-head`` checks the
head that the authors released.
"""

import argparse
from collections.abc import Callable
from time import perf_counter

from core.commands.features import Line
from core.commands.terminal import print_json
from core.data.downloads import Stopwatch
from core.errors import LabError
from core.events import Epoch, Event, Finished, Progress, Started, Step
from core.files import check_folder
from core.paper.examples import EXAMPLES, REPORTED
from core.paper.rows import find_row, rows
from core.paper.table import measured_rows
from core.report.numbers import SPREAD
from core.report.paper import MARK_EXPLAINED, paper_table, row_values
from core.report.table import plain
from core.runs.store import Store
from core.work.here import do
from core.work.kinds.notebook import NotebookComputed
from core.work.kinds.released_head import CheckReleasedHead, HeadChecked
from core.work.rows import is_stored, measure


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What can be done with the paper."""
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
    released = actions.add_parser("released-head", help="check the trained head that the authors released")
    released.add_argument(
        "--download", action="store_true", help="agree to download images and weights that are missing"
    )
    released.add_argument("--json", action="store_true", help="print one JSON object")


def run(given: argparse.Namespace) -> int:
    """Do what the action says."""
    match given.action:
        case "example1":
            return _example1(given)
        case "list":
            return _list(given)
        case "released-head":
            return _released_head(given)
        case _:
            return _run(given)


def _example1(given: argparse.Namespace) -> int:
    from core.paper.notebook import TURNS, NotebookRun, run_notebook  # loads torch

    started = perf_counter()
    results = []
    for name in EXAMPLES[0].datasets:
        for done in run_notebook(name):
            if not isinstance(done, NotebookRun):
                continue
            reported = REPORTED[name, done.network].accuracy
            results.append(
                {
                    "dataset": name,
                    "turns": TURNS[name],
                    "network": done.network,
                    "test_accuracy": done.test_accuracy,
                    "reported": reported,
                    "test_loss": done.test_loss,
                    "seconds": done.seconds,
                }
            )
            if not given.json:
                print(
                    f"{name:12} {done.network:10} test accuracy {done.test_accuracy:.3f}, "
                    f"reported {reported:.3f}   {done.seconds:5.1f} s",
                    flush=True,
                )
    if given.json:
        print_json({"results": results, "seconds": perf_counter() - started}, indent=1)
    return 0


def _list(given: argparse.Namespace) -> int:
    measured = measured_rows()
    if given.json:
        for each in measured:
            print_json(row_values(each))
        return 0
    print(plain(paper_table(measured).only("Name", "Reported", "Measured", "Difference", "Here")))
    print(f"{len(measured)} rows; {SPREAD}. {MARK_EXPLAINED}")
    return 0


def _released_head(given: argparse.Namespace) -> int:
    from core.paper.released_head import RIGHT

    show = Line()
    done = do(
        CheckReleasedHead(download=given.download),
        lambda event: show(event) if isinstance(event, Progress) and not given.json else None,
    )
    assert isinstance(done, HeadChecked)
    if given.json:
        print_json(done.summary() | {"reported_right": RIGHT})
    else:
        print(f"{done.right} of {done.n_test} test images right; in the authors' notebook {RIGHT} of 153")
    return 0


def _run(given: argparse.Namespace) -> int:
    import torch

    wanted = rows() if given.all else tuple(find_row(key) for key in given.rows)
    if not wanted:
        raise LabError("row = nothing is not possible: name rows of `paper list`, or use --all")
    torch.set_num_threads(1)  # a run's numbers are the same wherever it is trained
    store = Store()
    check_folder(store.root, "the results", "LAB_RESULTS_DIR")
    say: Callable[[str], None] = _say_nothing if given.json else _say
    measured: set[str] = set()
    for number, row in enumerate(wanted, 1):
        say(f"[{number}/{len(wanted)}] {row.key}: ")
        try:
            if row.key in measured or (not given.again and is_stored(row, store)):
                say("stored already\n")
            else:
                measured |= measure(row, store, _Steps() if given.json else _Words(), download=given.download)
        except LabError as error:
            if not given.all:
                raise
            say(f"{error}\n")
    return 0


def _say(words: str) -> None:
    print(words, end="", flush=True)


def _say_nothing(words: str) -> None:
    pass


class _Steps:
    """One JSON object for every step of progress: downloads, then the steps of all epochs."""

    def __call__(self, event: Event) -> None:
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

    def __call__(self, event: Event) -> None:
        match event:
            case Progress():
                self.line(event)
            case Started():
                _say(f"{len(event.seeds)} seeds, {event.epochs} epochs ... ")
            case Finished():
                accuracy = sum(event.test_accuracy) / len(event.test_accuracy)
                _say(f"test accuracy {accuracy:.4f}, {event.seconds:.1f} s\n")
            case NotebookComputed():
                numbers = [
                    f"{key} {values['accuracy']:.3f}, {values['seconds']:.1f} s"
                    for key, values in event.results.items()
                ]
                _say("  ".join(numbers) + "\n")
