"""Compare the quantum head with its ablations and with classical rivals, and say what the seeds can show."""

import argparse
import shlex
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from core.commands.terminal import ProgressLine, print_json
from core.comparison.record import (
    MARGIN,
    PROBLEMS,
    SEEDS,
    SHIPPED,
    SHIPPED_TRIALS,
    Comparison,
    Predictions,
    check_name,
    own_folder,
    problem_config,
    problem_name,
    save_comparison,
)
from core.config.run import RunConfig, run_config
from core.errors import LabError
from core.files import check_folder
from core.recipes import paper_run
from core.statistics.verdict import check_margin, mean_interval
from core.words import duration

if TYPE_CHECKING:
    from core.comparison.run import Progress


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """One problem with its settings, or all that ship."""
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "--all",
        nargs="*",
        metavar="NAME",
        help="run those that ship again and replace them, settings as given and tuned; with names: these alone",
    )
    what.add_argument("--problem", choices=PROBLEMS, help="one of the problems that ship")
    what.add_argument("--dataset", help="a data set; its settings are the paper's where it has some")
    for name in ("backbone", "layer", "weights"):
        parser.add_argument(f"--{name}", default="", help="of the features, with --dataset; empty: its default")
    for name in ("learning_rate", "epochs", "batch_size", "base_seed", "split_seed"):
        field = RunConfig.model_fields[name]
        parser.add_argument(f"--{name.replace('_', '-')}", metavar="N", help=f"{field.description} Empty: the paper's.")
    parser.add_argument("--seeds", metavar="N", default=str(SEEDS), help=f"paired seeds, 2 to 64 (default {SEEDS})")
    parser.add_argument(
        "--trials", type=int, default=0, metavar="N", help="settings that every head may try first (default 0: none)"
    )
    parser.add_argument(
        "--margin", type=float, default=MARGIN, help=f"points of accuracy too few to matter (default {MARGIN:g})"
    )
    parser.add_argument("--name", help="name of the stored comparison; empty: time and problem")
    parser.add_argument("--json", action="store_true", help="print one JSON object for every event")


def run(given: argparse.Namespace) -> int:
    """Run, store and print."""
    import torch

    from core.comparison.run import Outcome, compete
    from core.data.banks import load_bank

    check_margin(given.margin)
    if not 0 <= given.trials <= 64:
        raise LabError(f"trials = {given.trials} is not possible: 0 (no tuning) to 64 are allowed.")
    if given.name in SHIPPED_TRIALS:
        raise LabError(f"name = {given.name!r} belongs to a comparison that ships: take another, or run --all.")
    torch.set_num_threads(1)  # a comparison's numbers are the same wherever it is run
    show = _print_json if given.json else _Show()
    report = _report_json if given.json else _report
    tasks = _tasks(given)
    for folder in {task.root for task in tasks}:
        check_folder(folder, "the comparison", "LAB_RESULTS_DIR")
    for task in tasks:
        began = perf_counter()
        for event in compete(
            task.config, load_bank(task.config.features), name=task.name, command=task.command, n_trials=task.n_trials
        ):
            if isinstance(event, Outcome):
                save_comparison(event.comparison, event.predictions, task.root)
                report(event.comparison, event.predictions, given.margin)
            else:
                show(event, (perf_counter() - began) * (1 / event.share - 1) if event.share else None)
    return 0


@dataclass(frozen=True)
class Task:
    """One comparison to run."""

    name: str
    config: RunConfig
    n_trials: int
    command: str
    root: Path


def _tasks(given: argparse.Namespace) -> list[Task]:
    if given.all is not None:
        if unknown := [name for name in given.all if name not in SHIPPED_TRIALS]:
            raise LabError(f"all = {unknown[0]!r} does not ship: choose from {', '.join(SHIPPED_TRIALS)}.")
        return [
            Task(name, problem_config(name.removesuffix("-tuned")), trials, _shipped_command(name, trials), SHIPPED)
            for name, trials in SHIPPED_TRIALS.items()
            if name in (given.all or SHIPPED_TRIALS)
        ]
    config = _config(given)
    name = check_name(given.name or f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{problem_name(config)}")
    return [Task(name, config, given.trials, _command(given), own_folder())]


def _shipped_command(name: str, trials: int) -> str:
    tuning = f" --trials {trials}" if trials else ""
    return f"python -m core compare --problem {name.removesuffix('-tuned')}{tuning}"


def _config(given: argparse.Namespace) -> RunConfig:
    config = (
        problem_config(given.problem)
        if given.problem
        else paper_run(given.dataset, backbone=given.backbone, layer=given.layer, weights=given.weights)
    )
    names = ("learning_rate", "epochs", "batch_size", "base_seed", "split_seed", "seeds")
    changes = {name: getattr(given, name) for name in names if getattr(given, name) is not None}
    return run_config(config.model_dump() | changes)


def _command(given: argparse.Namespace) -> str:
    """The command line that runs this comparison again."""
    words = ["python", "-m", "core", "compare"]
    for name, value in vars(given).items():
        if name in ("run", "name", "json", "margin", "all") or value in (None, "", 0):
            continue
        words += [f"--{name.replace('_', '-')}", str(value)]
    return shlex.join(words)


def _print_json(event: "Progress", seconds_left: float | None) -> None:
    print_json({"event": "progress"} | vars(event) | {"seconds_left": seconds_left})


def _report_json(comparison: Comparison, predictions: Predictions, margin: float) -> None:
    found = comparison.verdicts(margin, predictions)
    values = {
        "event": "finished",
        "name": comparison.name,
        "title": comparison.title,
        "budget": comparison.budget,
        "margin": margin,
        "rivals": [
            {
                "name": result.rival.name,
                "group": result.rival.group,
                "accuracy": result.accuracy,
                "mean": mean_interval(result.accuracy).estimate,
                "parameters": result.parameters,
                "seconds": result.seconds,
            }
            for result in comparison.results
        ],
        "verdicts": [
            {
                "rival": one.rival,
                "kind": one.kind,
                "below_margin": one.is_below_margin,
                "this_test_set_alone": one.is_this_test_set_alone,
                "title": one.title,
                "sentence": one.sentence,
            }
            for one in found
        ],
        "contribution": comparison.contribution.sentence,
    }
    print_json(values)


def _report(comparison: Comparison, predictions: Predictions, margin: float) -> None:
    print(f"\n{comparison.title}: {comparison.budget}")
    kinds = {one.rival: one for one in comparison.verdicts(margin, predictions)}
    for result in comparison.results:
        interval = mean_interval(result.accuracy)
        verdict = kinds[result.rival.name].words if result.rival.name in kinds else ""
        spread = (interval.high - interval.low) / 2
        size = "" if result.parameters is None else f"{result.parameters:,}"
        print(
            f"  {result.rival.name:22} {interval.estimate:6.1%} ± {spread * 100:4.1f}  {size:>7} parameters  "
            f"{result.seconds:6.1f} s  {verdict and f'quantum is: {verdict}'}"
        )
    print(comparison.contribution.sentence)
    for one in kinds.values():
        print(f"- {one.sentence}")


class _Show:
    """Progress for a person; where the output is no screen, one line a rival."""

    def __init__(self) -> None:
        self.line = ProgressLine()
        self.last = ""

    def __call__(self, event: "Progress", seconds_left: float | None) -> None:
        left = "" if seconds_left is None else f", {duration(seconds_left)} left"
        text = f"{event.share:4.0%}  {event.stage} {event.rival} ({event.number} of {event.n_rivals}{left})"
        self.line.show(text, milestone=event.rival != self.last)
        self.last = event.rival
