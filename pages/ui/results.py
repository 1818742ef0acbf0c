"""What an experiment came to: test accuracy once, what the seeds can and cannot show, confusion, wrong images."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from core.config.run import RunConfig
from core.data.registry import DATASETS
from core.errors import LabError
from core.figures.runs import HeadScore, accuracies, confusion
from core.runs.snapshots import Snapshot
from core.settings import settings
from core.words import verbatim
from pages.ui import wording
from pages.ui.charts import charts
from pages.ui.panel import escape, panel
from pages.ui.service import jobs

if TYPE_CHECKING:
    from core.report.results import HeadResult  # loads scipy


def results_view(snapshots: Sequence[Snapshot]) -> None:
    """The test set, for every run that has finished."""
    tests_view([read_test(each.run_id) for each in snapshots if each.status == "finished"])


def tests_view(heads: Sequence["HeadResult"]) -> None:
    """Heads on the same test set side by side: accuracies, what they show, confusion, misclassified images."""
    if not heads:
        return
    from core.report.results import explanation, one_learning_rate

    st.subheader(wording.RESULTS_TITLE)
    panel(f"<p>{escape(_sentence(heads))}</p>", key="sentence", min_height=48)
    chosen = heads[0]
    if len(heads) > 1:
        address = tuned_address(chosen.config)
        if one_learning_rate(heads) and address:
            st.page_link(
                "compare.py",
                label=wording.RESULTS_TUNED,
                icon=":material/balance:",
                query_params=address,
            )
        labels = [each.label for each in heads]
        what = wording.confusion_choice(DATASETS[chosen.config.dataset].is_points)
        label = st.segmented_control(what, labels, default=labels[0], required=True, key="confused")
        chosen = heads[labels.index(label)] if label in labels else heads[0]
    classes = DATASETS[chosen.config.dataset].classes
    charts(
        [accuracies([_score(each) for each in heads]), confusion(chosen.confusion, classes, chosen.config.head)],
        key="results",
        height=130 + 80 * max(len(heads), 3),
        revision=",".join(each.config.model_dump_json() for each in heads),
        describe=[wording.ACCURACIES_DESCRIBED, wording.confusion_described(chosen.label)],
    )
    st.caption(explanation(chosen.config))
    _wrong_images(chosen)


def tuned_address(config: RunConfig) -> dict[str, str]:
    """Where the page Compare shows heads with tuned learning rates on these data and features; empty: nowhere."""
    from core.comparison.problem import PROBLEMS, problem_name
    from core.comparison.store import stored_names

    name = problem_name(config)
    stored = name in PROBLEMS and f"{name}-tuned" in stored_names()
    return {"problem": name, "settings": "tuned"} if stored else {}


@st.cache_data(max_entries=128, show_spinner=False)
def read_test(run_id: str) -> "HeadResult":
    """A finished run of this server on the test set."""
    from core.report.results import head_result

    return head_result(jobs().store.load(run_id))


def _digest(head: "HeadResult") -> bytes:
    return head.config.model_dump_json().encode() + head.correct.tobytes()


@st.cache_data(max_entries=128, show_spinner=False, hash_funcs={"core.report.results.HeadResult": _digest})
def _sentence(heads: Sequence["HeadResult"]) -> str:
    from core.report.results import sentence

    return sentence(heads)


def verdict_line(run_ids: Sequence[str]) -> str:
    """What the test set shows of these finished runs, in one line."""
    return _one_line([read_test(run_id) for run_id in run_ids])


@st.cache_data(max_entries=128, show_spinner=False, hash_funcs={"core.report.results.HeadResult": _digest})
def _one_line(heads: Sequence["HeadResult"]) -> str:
    from core.report.results import in_one_line

    return in_one_line(heads)


def _score(head: "HeadResult") -> HeadScore:
    from core.statistics.intervals import share_interval, wilson_interval

    n_test = head.correct.shape[1]
    intervals = [wilson_interval(int(count), n_test) for count in head.correct.sum(axis=1)]
    mean = share_interval(head.accuracy)
    return HeadScore(
        head.config.head,
        accuracy=[each.estimate for each in intervals],
        low=[each.low for each in intervals],
        high=[each.high for each in intervals],
        mean=mean.estimate,
        mean_low=mean.low,
        mean_high=mean.high,
    )


def _wrong_images(head: "HeadResult") -> None:
    from core.report.results import most_often_wrong, wrong_caption, wrong_title

    worst = most_often_wrong(head.times_wrong, head.labels)
    pictures = thumbnails(head.config.dataset, tuple(head.names[index] for index in worst), settings().data_dir)
    if not pictures:
        return
    st.markdown(wrong_title(head, worst))
    classes = DATASETS[head.config.dataset].classes
    with st.grid("auto", min_column_width=130, gap="small"):
        for index, picture in zip(worst, pictures, strict=True):
            truth = classes[head.labels[index]]
            st.image(
                picture, caption=verbatim(wrong_caption(head, index)), alt=f"A test image of {truth}", width="stretch"
            )


@st.cache_data(max_entries=64, show_spinner=False)
def thumbnails(dataset: str, names: tuple[str, ...], data_dir: Path) -> list[np.ndarray]:
    """Small square cuts of these images, (180, 180, 3) uint8 each; none when the images are not on this machine."""
    from PIL import ImageOps

    try:
        images = DATASETS[dataset].images(data_dir)
        return [np.asarray(ImageOps.fit(images.open(name), (180, 180))) for name in names]
    except LabError:
        return []
