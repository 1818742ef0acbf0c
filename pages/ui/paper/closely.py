"""One example of the paper closely: what it is about, its samples, and the runs on its data."""

from collections.abc import Sequence

import numpy as np
import streamlit as st

from core.config.heads.dressed_quantum import DressedQuantum
from core.config.run import RunConfig
from core.data.banks import load_bank
from core.data.registry import DATASETS
from core.errors import LabError
from core.figures.regions import Region, decision_regions
from core.figures.runs import Curve
from core.paper.examples import EXAMPLES, NETWORKS
from core.paper.notebook_record import DECISION_GRID, notebook_results
from core.paper.rows import TrainedRow, find_row
from core.paper.table import MeasuredRow
from core.paper.titles import EXAMPLE_TITLES, features_title
from core.report.numbers import percent
from core.report.results import HeadResult, head_result
from core.runs.store import SHIPPED, Record, Store
from core.settings import settings
from pages.ui.charts import charts
from pages.ui.curves import curves_view
from pages.ui.lines import judged_on
from pages.ui.paper import wording
from pages.ui.results import tests_view, thumbnails

SAMPLES_OF_A_CLASS = 5


def closely(lines: Sequence[MeasuredRow]) -> None:
    """One example, chosen in the address: what it is about, samples, curves and test results."""
    number = st.segmented_control(
        "Example",
        list(EXAMPLE_TITLES),
        default="2",
        required=True,
        format_func=EXAMPLE_TITLES.__getitem__,
        key="example",
        bind="query-params",
    )
    example = next(each for each in EXAMPLES if each.number == number)
    st.markdown(example.words)
    dataset = example.datasets[0]
    if len(example.datasets) > 1:
        dataset = str(
            st.segmented_control(
                "Data",
                example.datasets,
                default=dataset,
                required=True,
                format_func=lambda each: DATASETS[each].title,
                key=f"data-{example.number}",
            )
        )
    entry = DATASETS[dataset]
    st.caption(wording.samples(entry.n_train, entry.n_test, entry.source))
    if entry.is_points:
        _plane(dataset)
    else:
        _samples(dataset)
    _runs_of([line for line in lines if line.row.dataset == dataset])


def _plane(dataset: str) -> None:
    """What the notebook's two networks make of the plane."""
    kept = notebook_results(SHIPPED)
    rows = [find_row(f"{dataset}-{network}-notebook") for network in NETWORKS]
    if not all(row.key in kept for row in rows):
        st.caption(wording.NO_NOTEBOOK)
        return
    regions = [
        Region(f"{row.head_label}, {percent(kept[row.key]['accuracy'])}", _lead(kept[row.key]["decision"]))
        for row in rows
    ]
    inputs, labels = _test_points(dataset)
    charts(
        [decision_regions(regions, DECISION_GRID, inputs, labels, DATASETS[dataset].classes)],
        key="plane",
        height=430,
        revision=dataset,
        describe=["Decision regions of the notebook's classical and quantum network with the 200 test points"],
    )
    st.caption(wording.plane(rows[-1].command))


def _lead(decision: Sequence[Sequence[float]]) -> np.ndarray:
    """How far each of two classes is ahead, (2, rows, columns), of a decision that is negative for the first one."""
    return np.clip(np.multiply.outer([-1.0, 1.0], decision), 0, 1)


@st.cache_data(show_spinner=False)
def _test_points(dataset: str) -> tuple[np.ndarray, np.ndarray]:
    data = DATASETS[dataset].points()
    return data.inputs[data.split == "test"], data.labels[data.split == "test"]


def _samples(dataset: str) -> None:
    """A few training images of each class."""
    classes = DATASETS[dataset].classes
    try:
        bank = load_bank(RunConfig(dataset=dataset).features)
    except LabError:
        return
    of_class = [np.flatnonzero((bank.labels == label) & (bank.split == "train")) for label in range(len(classes))]
    names = [bank.names[row] for rows in of_class for row in rows[:SAMPLES_OF_A_CLASS]]
    pictures = thumbnails(dataset, tuple(names), settings().data_dir)
    if not pictures:
        st.caption(wording.no_images(dataset))
        return
    with st.grid("auto", min_column_width=110, gap="small"):
        for name, picture in zip(names, pictures, strict=True):
            label = name.split("/")[1]
            st.image(picture, caption=label, alt=f"A training image of {label}", width="stretch")


def _runs_of(lines: Sequence[MeasuredRow]) -> None:
    """Curves and test results of the runs that ship of one data set, all heads together."""
    stored: dict[tuple[str, str], list[Record]] = {}
    for line in lines:
        if isinstance(line.row, TrainedRow) and line.shipped:
            key = (features_title(line.row), line.row.protocol)
            stored.setdefault(key, []).append(_record(line.shipped.run_id))
    if not stored:
        st.caption(wording.NO_RUNS)
        return
    left, right = st.columns(2)
    dataset = lines[0].row.dataset
    cuts = list(dict.fromkeys(cut for cut, _ in stored))
    cut = left.segmented_control("Features", cuts, default=cuts[0], required=True, key=f"cut-{dataset}")
    protocols = [protocol for each, protocol in stored if each == cut]
    protocol = right.segmented_control(
        "Protocol", protocols, default=protocols[-1], required=True, key=f"protocol-{dataset}-{cut}"
    )
    records = stored[str(cut), str(protocol)]
    records.sort(key=lambda record: not isinstance(record.config.head, DressedQuantum))
    curves_view(
        [Curve(record.config.head, record.epochs) for record in records],
        records[0].config.epochs,
        key="paper-curves",
        revision=f"{dataset}-{cut}-{protocol}",
        watched=judged_on(records[0].config),
    )
    tests_view([_result(record.run_id) for record in records])


@st.cache_data(max_entries=256, show_spinner=False)
def _record(run_id: str) -> Record:
    return Store(SHIPPED).load(run_id)


@st.cache_data(max_entries=256, show_spinner=False)
def _result(run_id: str) -> HeadResult:
    return head_result(_record(run_id))
