"""Finished heads on one test set: accuracies, what their seeds show and cannot show, misclassified samples."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.config.run import RunConfig
from core.data.registry import DATASETS
from core.report.numbers import plus_minus, points, spread_title
from core.report.verdicts import ALONE, all_in_one
from core.runs.store import Record
from core.statistics.intervals import share_interval, wilson_interval
from core.statistics.metrics import chance_level
from core.statistics.verdict import MARGIN, Verdict, verdicts
from core.words import listed

MOST_SAMPLES = 12
"""Misclassified samples that are shown."""


@dataclass(frozen=True)
class HeadResult:
    """One finished head on the test set."""

    config: RunConfig
    correct: np.ndarray
    """(seeds, n_test) bool"""
    confusion: np.ndarray
    """(classes, classes) test samples, true class by predicted class, mean over seeds"""
    names: tuple[str, ...]
    labels: np.ndarray
    """(n_test,) int64"""
    mistaken: np.ndarray
    """(n_test,) the wrong class that most seeds predict, for samples that some seed misclassifies"""
    times_mistaken: np.ndarray
    """(n_test,) number of seeds that predict that class"""

    @property
    def label(self) -> str:
        """What the head is called"""
        return self.config.head.style.label

    @property
    def accuracy(self) -> np.ndarray:
        """(seeds,) test accuracies in [0, 1]"""
        return self.correct.mean(axis=1)

    @property
    def times_wrong(self) -> np.ndarray:
        """(n_test,) number of seeds that misclassify a sample"""
        return (~self.correct).sum(axis=0)


def head_result(record: Record) -> HeadResult:
    """The head of a finished run on the test set."""
    stored = record.predictions()
    labels, predicted = stored["test_labels"], stored["test_logits"].argmax(axis=2)  # (n_test,), (seeds, n_test)
    n_classes = stored["test_logits"].shape[2]
    counts = np.zeros((n_classes, n_classes))
    np.add.at(counts, (np.broadcast_to(labels, predicted.shape), predicted), 1 / len(predicted))
    votes = np.stack([((predicted == one) & (labels != one)).sum(axis=0) for one in range(n_classes)])
    return HeadResult(
        config=record.config,
        correct=predicted == labels,
        confusion=counts,
        names=tuple(map(str, stored["test_names"])),
        labels=labels,
        mistaken=votes.argmax(axis=0),
        times_mistaken=votes.max(axis=0),
    )


def one_learning_rate(heads: Sequence[HeadResult]) -> bool:
    """Whether all heads were trained with the same learning rate."""
    return len({each.config.learning_rate for each in heads}) == 1


def sentence(heads: Sequence[HeadResult]) -> str:
    """What these seeds show of the heads, the first against the others, and what they cannot show."""
    first = heads[0]
    n_seeds, n_test = first.correct.shape
    accuracies = ", ".join(f"{each.label} {plus_minus(share_interval(each.accuracy))}" for each in heads)
    samples = wilson_interval(round(float(first.accuracy.mean()) * n_test), n_test)
    cannot = (
        f"cannot show how other test data would turn out: {n_test} samples leave "
        f"± {50 * (samples.high - samples.low):.1f} points"
    )
    start = f"Test accuracy: {accuracies}."
    if n_seeds < 2:
        return f"{start} One seed cannot show what other seeds would reach, and it {cannot}."
    if len(heads) < 2:
        return f"{start} {n_seeds} seeds show how much the start of training matters; they {cannot}."
    condition = ", at one learning rate for all heads" if one_learning_rate(heads) else ""
    return f"{start} {all_in_one(verdicts_of(heads), condition)}"


def verdicts_of(heads: Sequence[HeadResult]) -> list[Verdict]:
    """The first head against the others."""
    first = heads[0]
    chance = chance_level(first.labels, DATASETS[first.config.dataset].classes)
    return verdicts(first.label, {each.label: each.correct for each in heads}, MARGIN, chance)


def in_one_line(heads: Sequence[HeadResult]) -> str:
    """The mean test accuracy of every head, and how the first compares with the others, as short as can be."""
    first = heads[0]
    means = ", ".join(f"{each.label} {100 * each.accuracy.mean():.1f}" for each in heads)
    line = f"Test: {means} %"
    if len(heads) < 2 or len(first.correct) < 2:
        return line
    rivals: dict[str, list[str]] = {}
    for verdict in verdicts_of(heads):
        rivals.setdefault(_shortest(verdict), []).append(verdict.rival)
    if list(rivals) == [_OPEN]:
        return f"{line}: not decided"
    shown = "; ".join(how.format(listed(names)) for how, names in rivals.items())
    return f"{line}: {first.label} {shown}"


_OPEN = "not decided against {}"


def _shortest(verdict: Verdict) -> str:
    alone = f" {ALONE}" if verdict.is_for_this_test_set_alone else ""
    match (verdict.here if alone else verdict.elsewhere).kind:
        case "equivalent":
            return f"equivalent within {points(MARGIN)} to {{}}{alone}"
        case "at chance":
            return "at chance level like {}"
        case "not decided":
            return _OPEN
        case kind:
            return f"{kind} than {{}}{alone}"


_TESTED = {
    "ours": "at its epoch of lowest validation loss, which need not be the last one",
    "paper": "at its epoch of best accuracy on the test set itself, which need not be the last one",
    "paper_batchnorm": "at its epoch of best accuracy on the test set itself, which need not be the last one",
    "paper_last": "after its last step",
}
"""Protocol → which weights are tested."""


def explanation(config: RunConfig) -> str:
    """What the charts of test accuracy and confusion show."""
    samples = "points" if DATASETS[config.dataset].is_points else "images"
    return (
        f"Dot: one seed {_TESTED[config.protocol]}; 95 % Wilson interval over test "
        f"{samples}. Diamond: mean of the seeds with its {spread_title(config.seeds)}. Confusion: test {samples}, mean "
        "over seeds."
    )


# --- misclassified samples --------------------------------------------------------------------------------------------


def most_often_wrong(times: np.ndarray, labels: np.ndarray) -> list[int]:
    """Indices of the samples that most seeds get wrong; where as many do, the classes take turns.

    times: (n_test,) number of seeds that get a sample wrong; labels: (n_test,) int64.
    """
    before: Counter[tuple[int, int]] = Counter()
    order = []
    for index, (count, label) in enumerate(zip(times.tolist(), labels.tolist(), strict=True)):
        order.append((-count, before[count, label], label, index))
        before[count, label] += 1
    return [index for count, _, _, index in sorted(order)[:MOST_SAMPLES] if count]


def wrong_title(head: HeadResult, shown: Sequence[int]) -> str:
    """Title above misclassified images, with how many there are like them where these are not all."""
    title = f"**Test images that {head.label} gets wrong most often**"
    times, n_seeds = head.times_wrong, len(head.correct)
    fewest = times[shown[-1]]
    alike = int((times >= fewest).sum())
    if alike == len(shown):
        return title
    seeds = f"{fewest} or more of {n_seeds} seeds get" if fewest < n_seeds else f"all {n_seeds} seeds get"
    return f"{title}: {len(shown)} of {alike:,} that {seeds if n_seeds > 1 else 'the one seed gets'} wrong"


def wrong_caption(head: HeadResult, index: int) -> str:
    """What a misclassified sample is, and what it is taken for by how many seeds."""
    classes = DATASETS[head.config.dataset].classes
    truth, mistaken = classes[head.labels[index]], classes[head.mistaken[index]]
    return f"{truth}, taken for {mistaken} by {head.times_mistaken[index]} of {len(head.correct)} seeds"
