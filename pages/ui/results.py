"""What an experiment came to: test accuracy once, what the seeds can and cannot show, confusion, wrong images."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from core.config.run import RunConfig
from core.data.registry import DATASETS
from core.errors import LabError
from core.figures.runs import HeadScore, accuracies, confusion
from core.runs.snapshots import Snapshot
from core.runs.store import Record
from core.settings import settings
from core.words import listed
from pages.ui.charts import charts
from pages.ui.panel import escape, panel
from pages.ui.service import jobs

if TYPE_CHECKING:
    from core.statistics.verdict import Verdict

MARGIN = 1.0
"""Percent points of accuracy within which two heads count as equal."""
MOST_IMAGES = 12


@dataclass(frozen=True)
class Tested:
    """One finished head on the test set."""

    config: RunConfig
    correct: np.ndarray
    """(seeds, n_test) bool"""
    confusion: np.ndarray
    """(classes, classes) test images, true class by said class, mean over seeds"""
    names: tuple[str, ...]
    labels: np.ndarray
    """(n_test,) int64"""
    said: np.ndarray
    """(n_test,) class that most seeds say"""

    @property
    def label(self) -> str:
        return self.config.head.style.label


def results_view(snapshots: Sequence[Snapshot]) -> None:
    """The test set, for every run that has finished."""
    tests_view([read_test(each.run_id) for each in snapshots if each.status == "finished"])


def tests_view(tested: Sequence[Tested]) -> None:
    """Heads on the same test set side by side: accuracies, what they show, confusion, images that are told wrong."""
    if not tested:
        return
    st.subheader("On the test set")
    panel(f"<p>{escape(sentence(tested))}</p>", key="sentence", min_height=48)
    chosen = tested[0]
    if len(tested) > 1:
        address = tuned_address(chosen.config)
        if _share_a_rate(tested) and address:
            st.page_link(
                "compare.py",
                label="These data and features with tuned learning rates",
                icon=":material/balance:",
                query_params=address,
            )
        labels = [each.label for each in tested]
        what = "Confusion of" if DATASETS[chosen.config.dataset].is_points else "Confusion and wrong images of"
        label = st.segmented_control(what, labels, default=labels[0], required=True, key="confused")
        chosen = tested[labels.index(label)] if label in labels else tested[0]
    classes = DATASETS[chosen.config.dataset].classes
    charts(
        [accuracies([_score(each) for each in tested]), confusion(chosen.confusion, classes, chosen.config.head)],
        key="results",
        height=130 + 80 * max(len(tested), 3),
        revision=",".join(each.config.model_dump_json() for each in tested),
        describe=["Test accuracy of every seed of every head", f"Confusion of the {chosen.label} head"],
    )
    st.caption(explanation(chosen.config))
    _wrong_images(chosen, classes)


def tuned_address(config: RunConfig) -> dict[str, str]:
    """Where the page Compare shows heads with tuned learning rates on these data and features; empty: nowhere."""
    from core.comparison.record import PROBLEMS, problem_name, stored_names

    name = problem_name(config)
    stored = name in PROBLEMS and f"{name}-tuned" in stored_names()
    return {"problem": name, "settings": "tuned"} if stored else {}


def explanation(config: RunConfig) -> str:
    """What the two charts show."""
    samples = "points" if DATASETS[config.dataset].is_points else "images"
    chosen = "lowest validation loss" if config.protocol == "ours" else "best accuracy on the test set itself"
    return (
        f"Dot: one seed at its epoch of {chosen}, which need not be the last one; 95 % Wilson interval over test "
        f"{samples}. Diamond: mean of the seeds with its 95 % interval. Confusion: test {samples}, mean over seeds."
    )


@st.cache_data(max_entries=128, show_spinner=False)
def read_test(run_id: str) -> Tested:
    """Predictions of a finished run of this server."""
    return test_of(jobs().store.load(run_id))


def test_of(record: Record) -> Tested:
    """Predictions of a finished run."""
    stored = record.predictions()
    labels, said = stored["test_labels"], stored["test_logits"].argmax(axis=2)  # (n_test,), (seeds, n_test)
    n_classes = stored["test_logits"].shape[2]
    counts = np.zeros((n_classes, n_classes))
    np.add.at(counts, (np.broadcast_to(labels, said.shape), said), 1 / len(said))
    votes = np.stack([(said == label).sum(axis=0) for label in range(n_classes)])
    return Tested(
        record.config, said == labels, counts, tuple(map(str, stored["test_names"])), labels, votes.argmax(axis=0)
    )


def _score(tested: Tested) -> HeadScore:
    from core.statistics.verdict import mean_interval, wilson_interval

    hits, n_test = tested.correct.sum(axis=1), tested.correct.shape[1]
    intervals = [wilson_interval(int(count), n_test) for count in hits]
    mean = mean_interval(hits / n_test)
    return HeadScore(
        tested.config.head,
        accuracy=[each.estimate for each in intervals],
        low=[each.low for each in intervals],
        high=[each.high for each in intervals],
        mean=mean.estimate,
        mean_low=mean.low,
        mean_high=mean.high,
    )


def _digest(tested: Tested) -> bytes:
    return tested.config.model_dump_json().encode() + tested.correct.tobytes()


@st.cache_data(max_entries=128, show_spinner=False, hash_funcs={Tested: _digest})
def sentence(tested: Sequence[Tested]) -> str:
    """What these seeds show of the heads, and what they cannot."""
    from core.statistics.verdict import mean_interval, verdicts, wilson_interval

    n_seeds, n_test = tested[0].correct.shape
    means = []
    for each in tested:
        interval = mean_interval(each.correct.mean(axis=1))
        half = (interval.high - interval.low) / 2
        means.append(
            f"{each.label} {100 * interval.estimate:.1f}" + (f" ± {100 * half:.1f} %" if np.isfinite(half) else " %")
        )
    one = wilson_interval(round(float(tested[0].correct.mean()) * n_test), n_test)
    told = f"Test accuracy: {', '.join(means)}."
    cannot = (
        f"cannot show what other test data would say: {n_test} samples leave ± {50 * (one.high - one.low):.1f} points"
    )
    if n_seeds < 2:
        return f"{told} One seed shows nothing of other seeds, and it {cannot}."
    if len(tested) < 2:
        return f"{told} {n_seeds} seeds show how much the start of training matters; they {cannot}."
    found = verdicts(tested[0].label, {each.label: each.correct.mean(axis=1) for each in tested}, margin=MARGIN)
    where = "on this test set" + (", at one learning rate for all heads" if _share_a_rate(tested) else "")
    return f"{told} {_shown(found, n_seeds, where)} More seeds {cannot} around each accuracy."


def _shown(found: Sequence["Verdict"], n_seeds: int, where: str) -> str:
    """What the verdicts say, rivals of one verdict together; of seeds too few for any difference, how many it takes."""
    from core.statistics.verdict import too_few_seeds

    too_few = too_few_seeds(n_seeds, len(found))
    rivals: dict[str, list[str]] = {}
    for verdict in sorted(found, key=_is_open):
        if not (too_few and _is_open(verdict)):
            rivals.setdefault(_words(verdict), []).append(verdict.rival)
    told = []
    if rivals:
        groups = "; ".join(f"{words} {listed(names)}" for words, names in rivals.items())
        told.append(f"These {n_seeds} seeds show of {found[0].candidate} {where}: {groups}.")
    if too_few:
        told.append(f"{too_few}.")
    return " ".join(told)


def _is_open(verdict: "Verdict") -> bool:
    return verdict.kind == "not enough evidence"


def _words(verdict: "Verdict") -> str:
    """A verdict as far as the rival's name."""
    from core.statistics.verdict import points

    margin = points(verdict.margin)
    match verdict.kind:
        case "not enough evidence":
            return "not enough evidence against"
        case "equivalent":
            return f"equivalent within {margin} to"
        case kind:
            return f"{kind} by less than {margin} than" if verdict.is_below_margin else f"{kind} than"


def _share_a_rate(tested: Sequence[Tested]) -> bool:
    return len({each.config.learning_rate for each in tested}) == 1


def _wrong_images(tested: Tested, classes: Sequence[str]) -> None:
    n_seeds, times = len(tested.correct), (~tested.correct).sum(axis=0)  # (n_test,)
    worst = most_often_wrong(times, tested.labels)
    found = thumbnails(tested.config.dataset, tuple(tested.names[index] for index in worst), settings().data_dir)
    if not found:
        return
    st.markdown(f"**Test images that {tested.label} gets wrong most often**{_out_of(times, worst, n_seeds)}")
    with st.grid("auto", min_column_width=130, gap="small"):
        for index, image in zip(worst, found, strict=True):
            said = classes[tested.said[index]] if 2 * times[index] > n_seeds else classes[1 - tested.labels[index]]
            seeds = f"{times[index]} of {n_seeds} seeds"
            truth = classes[tested.labels[index]]
            st.image(
                image, caption=f"{truth}, taken for {said} by {seeds}", alt=f"A test image of {truth}", width="stretch"
            )


def most_often_wrong(times: np.ndarray, labels: np.ndarray) -> list[int]:
    """Indices of the images that most seeds get wrong; where as many do, the classes take turns.

    times: (n_test,) number of seeds that get an image wrong; labels: (n_test,) int64.
    """
    before: Counter[tuple[int, int]] = Counter()
    order = []
    for index, (count, label) in enumerate(zip(times.tolist(), labels.tolist(), strict=True)):
        order.append((-count, before[count, label], label, index))
        before[count, label] += 1
    return [index for count, _, _, index in sorted(order)[:MOST_IMAGES] if count]


def _out_of(times: np.ndarray, worst: Sequence[int], n_seeds: int) -> str:
    """How many images there are like the shown ones, where these are not all."""
    fewest = times[worst[-1]]
    alike = int((times >= fewest).sum())
    if alike == len(worst):
        return ""
    seeds = f"{fewest} or more of {n_seeds} seeds get" if fewest < n_seeds else f"all {n_seeds} seeds get"
    return f": {len(worst)} of {alike:,} that {seeds if n_seeds > 1 else 'its one seed gets'} wrong"


@st.cache_data(max_entries=64, show_spinner=False)
def thumbnails(dataset: str, names: tuple[str, ...], data_dir: Path) -> list[np.ndarray]:
    """Small square cuts of these images, (180, 180, 3) uint8 each; none when the images are not on this machine."""
    from PIL import ImageOps

    try:
        images = DATASETS[dataset].images(data_dir)
        return [np.asarray(ImageOps.fit(images.open(name), (180, 180))) for name in names]
    except LabError:
        return []
