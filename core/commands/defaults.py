"""Train what ships for untouched controls: the default heads on every data set, so that no page opens empty.

Runs are stored under results/ as ``default-DATASET-HEAD``; settings that a row of the paper's table has need none.
"""

import argparse
from collections.abc import Iterator

from core.commands.terminal import ProgressLine
from core.config.run import RunConfig
from core.data.registry import DATASETS, dataset
from core.events import Epoch, Event, Finished
from core.experiment.configs import default_values, experiment
from core.files import check_folder
from core.runs.shipped import any_seeds, shipped_index
from core.runs.store import Store
from core.statistics.intervals import SEEDS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which data sets, and whether to measure again."""
    parser.add_argument("datasets", nargs="*", metavar="DATASET", help="by default every one")
    parser.add_argument("--again", action="store_true", help="also what is stored already")


def run(given: argparse.Namespace) -> int:
    """Train and store them."""
    names = [dataset(name).name for name in given.datasets] or [*DATASETS]

    import torch  # only now: a mistake is answered at once

    from core.work.resume import training
    from core.work.shipping import measure_run

    torch.set_num_threads(1)  # a run's numbers are the same wherever it is trained
    store = Store()
    check_folder(store.root, "the results", "LAB_RESULTS_DIR")
    there = shipped_index()
    for run_id, config in (each for name in names for each in default_runs(name)):
        stored = there.get(any_seeds(config))
        if stored is not None and not (given.again and stored == run_id):
            print(f"{run_id}: stored already as {stored}")
            continue
        command = f"python -m core defaults {config.dataset} --again"
        measure_run(training(config), run_id, command, store, _Line(run_id))
    return 0


def default_runs(name: str) -> Iterator[tuple[str, RunConfig]]:
    """Id and settings of each run that the page of a data set opens with."""
    for config in experiment(default_values(name)).configs:
        yield f"default-{name}-{config.head.kind}", config.model_copy(update={"seeds": SEEDS})


class _Line:
    """A run on one line."""

    def __init__(self, run_id: str) -> None:
        self.line, self.run_id = ProgressLine(), run_id

    def __call__(self, event: Event) -> None:
        match event:
            case Epoch():
                self.line.show(f"{self.run_id}: epoch {event.epoch}")
            case Finished():
                accuracy = sum(event.test_accuracy) / len(event.test_accuracy)
                self.line.end(f"{self.run_id}: test accuracy {accuracy:.1%}, {event.seconds:.1f} s")
