"""A comparison in words and tables: its budget, all rivals with their numbers, the circuit's part, what tuning did."""

from collections.abc import Mapping, Sequence
from math import ceil

import numpy as np

from core.comparison.record import Comparison, Contribution, Result
from core.report.numbers import SPREAD, percent, points
from core.report.table import Cell, Column, Table, accuracy_cell, loss_cell
from core.report.verdicts import title, words_of_candidate
from core.statistics.crossed import POPULATIONS
from core.statistics.intervals import FEWEST_SEEDS, Interval, mean_interval, share_interval
from core.statistics.verdict import Verdict
from core.words import counted, duration


def budget(comparison: Comparison) -> str:
    """What every network was given, in one line."""
    config = comparison.config
    steps = ceil(comparison.n_train / config.batch_size)
    rate = "tuned learning rate" if comparison.tuned else f"learning rate {config.learning_rate:g}"
    epochs = f"{config.epochs} epochs"
    if config.patience:
        epochs = f"up to {epochs} (until {config.patience} bring no lower validation loss)"
    features = ", standardised features" if config.standardise else ""
    return (
        f"{len(comparison.seeds)} paired seeds, {epochs} of {comparison.n_train:,} training samples{features}, "
        f"batch {config.batch_size} ({config.epochs} × {steps:,} = {config.epochs * steps:,} steps), {rate}, "
        f"epoch chosen on {comparison.n_validation:,} validation samples, "
        f"{comparison.n_test:,} test samples"
    )


# --- all rivals -------------------------------------------------------------------------------------------------------

_COLUMNS = (
    Column("Head"),
    Column("Verdict", help="For other test data of this kind, unless it says: on this test set alone"),
    Column("Test accuracy", "right", f"Mean over seeds; {SPREAD}"),
    Column("Median", "right", "Of the seeds' test accuracies: says more than the mean where some seeds collapse"),
    Column("Lowest", "right", "Test accuracy of the worst seed"),
    Column("Untuned", "right", "Test accuracy with the settings as given, from the comparison without tuning"),
    Column("Loss", "right", "Cross-entropy in nats on the test set; none where a method gives no probabilities"),
    Column("AUC", "right", "Area under the ROC curve on the test set"),
    Column("ECE", "right", "Expected calibration error, 15 bins: mean distance of confidence from accuracy"),
    Column("Parameters", "right", "Trained: in the circuit + elsewhere"),
    Column(
        "Time",
        "right",
        "Training of all seeds on one thread without tuning; scikit-learn's choice of settings included",
    ),
    Column("Chosen", help="On validation data, by tuning or, for scikit-learn's methods, from a grid"),
    Column("What it is"),
    Column("Group"),
)


def rivals_table(comparison: Comparison, verdicts: Sequence[Verdict], untuned: Comparison | None = None) -> Table:
    """The candidate and every rival with its verdict and its numbers; "Untuned" only beside an untuned comparison."""
    before = untuned.accuracy() if untuned else {}
    by_rival = {verdict.rival: verdict for verdict in verdicts}
    rows = tuple(_row(result, by_rival.get(result.rival.name), before) for result in comparison.results)
    table = Table(_COLUMNS, rows)
    return table if untuned else table.only(*(name for name in table.headings if name != "Untuned"))


def plain_answers(comparison: Comparison, verdicts: Sequence[Verdict]) -> list[tuple[str, str]]:
    """Questions that everybody asks, and what the comparison answers; of the circuit where the candidate has one."""
    without = [verdict for verdict in verdicts if verdict.rival in _WITHOUT_A_CIRCUIT]
    circuit = (
        [("Does the circuit help?", _does_the_circuit_help(without))] if comparison.contribution and without else []
    )
    return [
        *circuit,
        ("Is it the best method?", _is_it_the_best(comparison, verdicts)),
        ("Would other test data agree?", _would_others_agree(verdicts)),
    ]


_WITHOUT_A_CIRCUIT = ("closed form", "bottleneck")
"""Networks of the same size in which no trained circuit takes part"""


def _does_the_circuit_help(there: Sequence[Verdict]) -> str:
    told = "; ".join(title(verdict) for verdict in there)
    if all(verdict.kind == "better" and not verdict.elsewhere.is_below_margin for verdict in there):
        return f"Yes: {told}."
    if any(
        verdict.kind in ("worse", "equivalent", "at chance") or verdict.elsewhere.is_below_margin for verdict in there
    ):
        return f"No: {told}."
    return f"Not decided: {told}."


def _is_it_the_best(comparison: Comparison, verdicts: Sequence[Verdict]) -> str:
    means = {name: mean_interval(values).estimate for name, values in comparison.accuracy().items()}
    ahead = [verdict.rival for verdict in verdicts if verdict.kind == "worse"]
    if ahead:
        best = max(ahead, key=lambda name: means[name])
        others = f", and {counted(len(ahead) - 1, 'other')} too" if len(ahead) > 1 else ""
        return f"No: {best} is better ({percent(means[best])} against {percent(means[comparison.candidate])}){others}."
    beaten = sum(verdict.kind == "better" for verdict in verdicts)
    if beaten == len(verdicts):
        return f"Yes: it is better than all {beaten} rivals."
    return (
        f"Nothing is shown to be better; it is shown to be better than {beaten} of {counted(len(verdicts), 'rival')}."
    )


def _would_others_agree(verdicts: Sequence[Verdict]) -> str:
    here = [verdict for verdict in verdicts if verdict.here.kind != "not decided"]
    alone = sum(verdict.is_for_this_test_set_alone for verdict in here)
    if not here:
        return "This test set decides nothing, so there is nothing to agree with."
    if not alone:
        rivals = counted(len(verdicts), "rival")
        return f"Yes: what this test set decides ({len(here)} of {rivals}) holds for other data of the kind."
    return (
        f"In part: of {counted(len(here), 'answer')} on this test set {len(here) - alone} hold for other data of the "
        f"kind; the others need more than these {verdicts[0].paired.mean.n_samples:,} test samples or more seeds."
    )


def _row(result: Result, verdict: Verdict | None, untuned: Mapping[str, Sequence[float]]) -> tuple[Cell, ...]:
    name = result.rival.name
    diverged = f"; {len(result.diverged)} seeds diverged" if result.diverged else ""
    return (
        Cell(name),
        Cell(words_of_candidate(verdict) if verdict else "candidate"),
        accuracy_cell(share_interval(result.accuracy)),
        _share_cell(float(np.median(result.accuracy))),
        _share_cell(min(result.accuracy)),
        accuracy_cell(share_interval(untuned[name])) if result.trials and name in untuned else Cell(""),
        _mean(result.loss),
        _mean(result.area_under_curve),
        _mean(result.calibration_error),
        Cell(_parameters(result), result.parameters),
        Cell(duration(result.seconds), result.seconds),
        Cell(_chosen(result)),
        Cell(f"{result.rival.words}{diverged}"),
        Cell(result.rival.group),
    )


def _share_cell(share: float) -> Cell:
    return Cell(percent(share), share)


def _mean(values: Sequence[float] | None) -> Cell:
    return loss_cell(None if values is None else mean_interval(values).estimate)


def _parameters(result: Result) -> str:
    if result.classical_parameters is None:
        return "grows with data"
    if result.quantum_parameters:
        return f"{result.quantum_parameters} + {result.classical_parameters:,}"
    return f"{result.classical_parameters:,}"


def _chosen(result: Result) -> str:
    if result.trials:
        best = result.best_trial
        parts = [f"learning rate {best.learning_rate:.2g}"]
        parts += [f"{word} {value}" for word, value in (("width", best.width), ("batch", best.batch_size)) if value]
        parts += [f"decay {best.lr_gamma:g}"] if best.lr_gamma is not None else []
        return ", ".join(parts)
    return ", ".join(f"{name} {value:.3g}" for name, value in result.chosen.items() if not isinstance(value, str))


# --- one rival --------------------------------------------------------------------------------------------------------


def evidence_table(verdict: Verdict) -> Table:
    """What leads to one verdict: for each population interval and tests; what surrounds them."""
    paired, mean = verdict.paired, verdict.paired.mean
    rows = []
    for population, finding in (("this test set", verdict.here), ("other test data", verdict.elsewhere)):
        if finding.interval.is_range:
            continue
        rows += [
            (f"{population}: mean difference, 95 % interval", _points_with_ends(finding.interval)),
            (f"{population}: p of no difference, after Holm", f"{finding.difference_p:.2g}"),
            (f"{population}: p for ± {points(verdict.margin)} (TOST), after Holm", f"{finding.equivalence_p:.2g}"),
        ]
    if not rows:
        rows = [("mean difference, range over seeds", _points_with_ends(verdict.here.interval))]
    seeds, both = (100 * mean.error(each) for each in POPULATIONS)
    rows += [
        ("standard error over seeds alone, over seeds and samples", f"{seeds:.2f}, {both:.2f} points"),
        (f"seeds in which {verdict.candidate} is ahead", f"{paired.wins:.0%}"),
        (
            f"right alone, of {mean.n_samples:,} test samples",
            f"{verdict.candidate} {paired.candidate_alone:.1f}, {verdict.rival} {paired.rival_alone:.1f}",
        ),
    ]
    return _pairs(rows)


def _points_with_ends(interval: Interval) -> str:
    estimate, low, high = (round(end * 100, 2) + 0.0 for end in (interval.estimate, interval.low, interval.high))
    return f"{estimate:+.2f} ({low:+.2f} to {high:+.2f}) points"


def _pairs(rows: Sequence[tuple[str, str]], caption: str = "") -> Table:
    cells = tuple((Cell(label), Cell(value)) for label, value in rows)
    return Table((Column("Quantity"), Column("Value")), cells, caption)


# --- the circuit's part -----------------------------------------------------------------------------------------------


def contribution_sentence(contribution: Contribution) -> str:
    """What the trained angles do, in plain words."""
    moved, distance, changed = (
        mean_interval(values).estimate
        for values in (contribution.moved_mean, contribution.map_from_zero, contribution.changed_from_zero)
    )
    lost = mean_interval(contribution.accuracy).estimate - mean_interval(contribution.accuracy_from_zero).estimate
    other = "its closed form, a product of sines," if contribution.is_closed_form else "the same circuit at zero angles"
    if changed < 0.01 and distance < 0.05:
        judged = "the trained angles do next to nothing here, a formula without them gives the same answers"
    elif lost > 0.02:
        judged = "the trained angles matter to this network"
    else:
        judged = "the trained angles change some answers, but hardly how many of them are right"
    return (
        f"Training moved the angles by {moved:.2f} radians on average; exchanging the trained circuit for {other} "
        f"shifts ⟨Z⟩ by {distance:.2f} on average, changes {changed:.1%} of the test predictions and "
        f"{'costs' if lost >= 0 else 'gains'} {abs(lost) * 100:.1f} points of accuracy: {judged}."
    )


def contribution_table(contribution: Contribution) -> Table:
    """Every number about the circuit's part, with what surrounds it over seeds."""
    zero = "its closed form" if contribution.is_closed_form else "all angles at zero"
    rows = [
        ("angles moved from their start, mean", _radians(contribution.moved_mean)),
        ("angles moved from their start, the most", _radians(contribution.moved_max)),
        (f"⟨Z⟩ differs from {zero}, mean", _with_ends(contribution.map_from_zero, "{:.3f}")),
        ("⟨Z⟩ differs from the start's, mean", _with_ends(contribution.map_from_start, "{:.3f}")),
        (f"test predictions that change with {zero}", _share(contribution.changed_from_zero)),
        ("test predictions that change with the start's angles", _share(contribution.changed_from_start)),
        ("test accuracy as trained", _share(contribution.accuracy)),
        (f"test accuracy with {zero}", _share(contribution.accuracy_from_zero)),
        ("the logits' squared gradient that runs through the angles", _share(contribution.gradient_share)),
        ("trained parameters that are angles", f"{contribution.parameter_share:.1%}"),
    ]
    kind = "95 % interval" if len(contribution.accuracy) >= FEWEST_SEEDS else "range"
    return _pairs(
        rows,
        f"Mean over seeds and its {kind}. The rest of the network stays as trained when the angles are exchanged; the "
        "line 'near zero' above shows how far a network comes that never had trained angles.",
    )


def _share(values: Sequence[float]) -> str:
    interval = share_interval(values)
    return f"{interval.estimate:.1%} ({interval.low:.1%} to {interval.high:.1%})"


def _radians(values: Sequence[float]) -> str:
    return _with_ends(values, "{:.3f}", " rad")


def _with_ends(values: Sequence[float], form: str, unit: str = "") -> str:
    """A mean that cannot be negative, with its ends."""
    interval = mean_interval(values)
    low, high = (form.format(max(end, 0.0)) for end in (interval.low, interval.high))
    return f"{form.format(interval.estimate)}{unit} ({low} to {high})"


# --- tuning -----------------------------------------------------------------------------------------------------------


def tuning_caption(tuned: Comparison) -> str:
    """How many settings were tried, and how they were judged."""
    trials = next(result.trials for result in tuned.results if result.trials)
    judged = (
        "the mean validation loss of three seeds"
        if trials[0].batch_size is None
        else "the upper quartile of the validation losses of eight seeds"
    )
    return (
        f"{len(trials)} settings for every head, judged by {judged} that the comparison does not use; the first is the "
        "untuned one. Ringed: chosen. The settings of scikit-learn's methods come from a grid instead."
    )


def tuning_sentence(tuned: Comparison, untuned: Comparison) -> str:
    """What tuning did to the candidate's test accuracy, and how often it lowered that of a head."""
    before, after = (
        {name: mean_interval(values).estimate for name, values in each.accuracy().items()} for each in (untuned, tuned)
    )
    name = tuned.candidate
    heads = [result.rival.name for result in tuned.results if result.trials and result.rival.name in before]
    lower = sum(after[name] < before[name] for name in heads)
    return (
        f"tuning moved {name} from {before[name] * 100:.1f} to {after[name] * 100:.1f} %. Less accurate "
        f"than with the settings as given: {lower} of {len(heads)} heads. The lowest loss of a few seeds on validation "
        "samples need not be the highest accuracy on test samples."
    )
