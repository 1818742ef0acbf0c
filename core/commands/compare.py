"""Compare a head with its ablations and with classical rivals, and say what the seeds can show."""

import argparse
from typing import TYPE_CHECKING

from core.commands.run_options import add_run_options, given_fields, given_head_fields
from core.commands.terminal import ProgressLine, print_json
from core.comparison.problem import CONDITIONS, PROBLEMS, SHIPPED_COMPARISONS, problem_config, under_conditions
from core.comparison.record import Comparison, Predictions
from core.comparison.rivals import rivals
from core.comparison.store import SHIPPED, check_name, own_folder
from core.config.heads.registry import HEAD_KINDS
from core.config.run import RunConfig, run_config
from core.errors import LabError
from core.files import check_folder
from core.recipes import paper_run
from core.report import verdicts as words
from core.report.comparison import budget, contribution_sentence, rivals_table
from core.report.table import plain
from core.statistics.intervals import SEEDS, share_interval
from core.statistics.verdict import MARGIN, check_margin
from core.words import duration
from core.work.kinds.compare import Compare

if TYPE_CHECKING:
    from core.work.kinds.compare import AtRival


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """One problem with its settings, or all that ship."""
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "--all",
        nargs="*",
        metavar="NAME",
        help="run those that ship again and replace them, each problem under all conditions; with names: these alone",
    )
    what.add_argument("--problem", choices=PROBLEMS, help="one of the problems that ship")
    what.add_argument("--dataset", help="a data set; its settings are the paper's where it has some")
    for name in ("backbone", "layer", "weights"):
        parser.add_argument(f"--{name}", default="", help="of the features, with --dataset; empty: its default")
    parser.add_argument(
        "--conditions",
        choices=[name for name in CONDITIONS if name != "tuned"],
        default="converged",
        help="; ".join(f"{name}: {words}" for name, words in CONDITIONS.items() if name != "tuned")
        + " (default converged); options of the run change single fields of it",
    )
    parser.add_argument(
        "--rivals", metavar="NAME", nargs="*", default=[], help="compare with these alone (default all)"
    )
    parser.add_argument("--seeds", metavar="N", default=str(SEEDS), help=f"paired seeds, 2 to 64 (default {SEEDS})")
    parser.add_argument(
        "--trials", type=int, default=0, metavar="N", help="settings that every head may try first (default 0: none)"
    )
    parser.add_argument(
        "--margin", type=float, default=MARGIN, help=f"points of accuracy too few to matter (default {MARGIN:g})"
    )
    parser.add_argument("--name", help="name of the stored comparison; empty: time and problem")
    parser.add_argument("--json", action="store_true", help="print one JSON object for every event")
    parser.add_argument("--head", choices=HEAD_KINDS, help="the candidate (default: the paper's)")
    add_run_options(parser, but=("dataset", "backbone", "layer", "weights", "seeds", "protocol"))


def run(given: argparse.Namespace) -> int:
    """Run, store and print."""
    import torch

    from core.work.here import do
    from core.work.kinds.compare import AtRival, Compared

    check_margin(given.margin)
    if not 0 <= given.trials <= 64:
        raise LabError(f"trials = {given.trials} is not possible: 0 (no tuning) to 64 are allowed")
    if given.name in SHIPPED_COMPARISONS:
        raise LabError(f"name = {given.name!r} belongs to a comparison that ships: take another, or run --all")
    torch.set_num_threads(1)  # a comparison's numbers are the same wherever it is run
    show = _print_json if given.json else _Show()
    report = _report_json if given.json else _report
    asked = compared(given)
    check_folder(SHIPPED if given.all is not None else own_folder(), "the comparison", "LAB_RESULTS_DIR")
    for work in asked:
        done = do(work, lambda event: show(event) if isinstance(event, AtRival) else None)
        assert isinstance(done, Compared)
        report(done.comparison, done.predictions, given.margin)
    return 0


def compared(given: argparse.Namespace) -> list[Compare]:
    """The comparisons that the options ask for."""
    if given.all is not None:
        if unknown := [name for name in given.all if name not in SHIPPED_COMPARISONS]:
            raise LabError(f"all = {unknown[0]!r} does not ship: choose from {', '.join(SHIPPED_COMPARISONS)}")
        return [
            Compare(config=each.config, n_trials=each.n_trials, name=name, ships=True)
            for name, each in SHIPPED_COMPARISONS.items()
            if name in (given.all or SHIPPED_COMPARISONS)
        ]
    name = check_name(given.name) if given.name else ""
    config = _config(given)
    rivals(config, given.rivals)  # a name that is none of them is refused before anything is computed
    return [Compare(config=config, n_trials=given.trials, rivals=tuple(given.rivals), name=name)]


def _config(given: argparse.Namespace) -> RunConfig:
    """The candidate's run: the paper's, changed to the conditions and by single options."""
    config = (
        problem_config(given.problem, given.conditions)
        if given.problem
        else under_conditions(
            paper_run(given.dataset, backbone=given.backbone, layer=given.layer, weights=given.weights),
            given.conditions,
        )
    )
    head = ({"kind": given.head} if given.head else config.head.model_dump()) | given_head_fields(given)
    features = {"dataset": config.dataset} | vars(config.cut)
    return run_config(config.model_dump() | given_fields(given) | features | {"head": head})


def _print_json(event: "AtRival") -> None:
    print_json({"event": event.kind} | vars(event))


def _report_json(comparison: Comparison, predictions: Predictions, margin: float) -> None:
    values = {
        "event": "finished",
        "name": comparison.name,
        "title": comparison.title,
        "budget": budget(comparison),
        "margin": margin,
        "rivals": [
            {
                "name": result.rival.name,
                "group": result.rival.group,
                "accuracy": result.accuracy,
                "mean": share_interval(result.accuracy).estimate,
                "parameters": result.parameters,
                "seconds": result.seconds,
            }
            for result in comparison.results
        ],
        "verdicts": [
            {
                "rival": one.rival,
                "kind": one.kind,
                "below_margin": one.elsewhere.is_below_margin,
                "on_this_test_set": one.here.kind,
                "needed": vars(one.needed) if one.needed else None,
                "title": words.title(one),
                "sentence": words.sentence(one),
            }
            for one in comparison.verdicts(predictions, margin)
        ],
        "contribution": contribution_sentence(comparison.contribution) if comparison.contribution else None,
    }
    print_json(values)


def _report(comparison: Comparison, predictions: Predictions, margin: float) -> None:
    verdicts = comparison.verdicts(predictions, margin)
    table = rivals_table(comparison, verdicts).only("Head", "Test accuracy", "Parameters", "Time", "Verdict")
    print(f"\n{comparison.title}: {budget(comparison)}\n\n{plain(table)}\n")
    if comparison.contribution:
        print(contribution_sentence(comparison.contribution))
    for one in verdicts:
        print(f"- {words.sentence(one)}")


class _Show:
    """Progress for a person; where the output is no screen, one line a rival."""

    def __init__(self) -> None:
        self.line = ProgressLine()
        self.last = ""

    def __call__(self, event: "AtRival") -> None:
        left = "" if event.seconds_left is None else f", {duration(event.seconds_left)} left"
        text = f"{event.share:4.0%}  {event.stage} {event.rival} ({event.number} of {event.n_rivals}{left})"
        self.line.show(text, milestone=event.rival != self.last)
        self.last = event.rival
