"""The paper's examples: what it reports, what this laboratory measures, and a button that runs any row again."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import streamlit as st

from core.circuit.closed_form import closed_form_subsets
from core.config.heads.dressed_quantum import DressedQuantum
from core.config.run import RunConfig
from core.data.banks import load_bank
from core.data.registry import DATASETS
from core.errors import LabError
from core.figures.regions import Region, decision_regions
from core.figures.runs import Curve
from core.paper import citation
from core.paper.examples import EXAMPLES, PROTOCOLS
from core.paper.notebook_record import DECISION_GRID, NOTEBOOK_MINUTES, notebook_results
from core.paper.rows import Row, TrainedRow, find_row
from core.paper.table import Line, Measured, table
from core.report.numbers import SPREAD, percent, plus_minus
from core.report.results import HeadResult, head_result
from core.runs.store import SHIPPED, Record, Store
from core.settings import settings
from core.words import duration
from pages.ui.charts import charts
from pages.ui.curves import curves_view
from pages.ui.lines import judged_on
from pages.ui.panel import panel
from pages.ui.results import tests_view, thumbnails
from pages.ui.row_runs import (
    features_title,
    row_view,
    run_row,
    short_title,
    with_own,
)

PAPER = "https://arxiv.org/abs/1912.08278"
STYLE = Path(__file__).parent / "ui" / "paper.css"
SAMPLES_OF_A_CLASS = 5
OTHER_FEATURES = " *"  # marks an accuracy of the authors beside a row whose features they did not use


def page() -> None:
    """From top to bottom: what this is, the table, what runs, what the circuit is at its start, one example closely."""
    st.html(STYLE)
    st.title("The paper, reported beside measured")
    st.markdown(
        f"[Mari, Bromley, Izaac, Schuld and Killoran]({PAPER}) put a small quantum circuit, simulated, between a "
        "frozen pretrained network and a classifier, and train what is around and inside the circuit. This page runs "
        "the examples of their paper that need nothing but a simulator. The table shows this laboratory's own "
        "measurement beside the reported number, with classical heads on the same features. A row's button runs it "
        "again here, once its features are on this machine."
    )
    lines = [with_own(line) for line in table()]
    chosen = _choose(lines)
    with st.container():  # beyond whose end the bar does not go
        row_view({line.row.key: line for line in lines})
        _table(chosen)
    st.subheader("What the circuit computes when training begins")
    _closed_form({line.row.key: line.measured for line in lines if line.measured})
    st.subheader("One example closely")
    _closely()
    with st.expander("Cite"):
        st.code(f"{citation.PAPER}\n\n{citation.laboratory()}", language="latex")


# --- the table --------------------------------------------------------------------------------------------------------


def _choose(lines: Sequence[Line]) -> list[Line]:
    """The lines of the examples and protocols that are chosen, and what these protocols mean."""
    _accept_numbers()
    left, right = st.columns(2)
    numbers = [example.number for example in EXAMPLES]
    examples = left.pills(
        "Examples",
        numbers,
        selection_mode="multi",
        default=numbers,
        format_func=_example_title,
        key="examples",
        bind="query-params",
        wrap=True,
    )
    names: list[str] = list(PROTOCOLS)
    protocols = right.pills(
        "Protocols",
        names,
        selection_mode="multi",
        default=["notebook", "paper"],
        key="protocols",
        bind="query-params",
        wrap=True,
    )
    chosen = [line for line in lines if line.row.protocol in protocols and line.row.example.number in examples]
    meanings = [f"**{name}**: {words}{_steps(chosen, name)}" for name, words in PROTOCOLS.items() if name in protocols]
    st.caption("  \n".join(meanings))
    return chosen


def _accept_numbers() -> None:
    """Let a link name examples by their number alone, as in ?examples=1; say what it names that is none."""
    titles = {example.number: _example_title(example.number) for example in EXAMPLES}
    for parameter in ("examples", "example"):
        given = [] if parameter in st.session_state else st.query_params.get_all(parameter)
        unknown = [each for each in given if each not in titles and each not in titles.values()]
        if unknown:
            st.warning(f"{parameter} = {unknown[0][:100]!r} is not possible: use {', '.join(titles)}.")
        if any(each in titles for each in given):
            st.query_params[parameter] = [titles.get(each, each) for each in given]
            st.rerun()  # what is bound to the address reads it when the page starts


def _steps(lines: Sequence[Line], protocol: str) -> str:
    """How many steps the rows of a protocol take, example by example."""
    found: dict[str, set[int]] = {}
    for line in lines:
        if line.row.protocol == protocol:
            found.setdefault(line.row.example.title, set()).add(line.row.steps)
    told = [f"{title} {' or '.join(f'{each:,}' for each in sorted(counts))}" for title, counts in found.items()]
    return f" Steps of training: {', '.join(told)}." if told else ""


def _example_title(number: str) -> str:
    return next(f"{number} {example.title}" for example in EXAMPLES if example.number == number)


def _table(lines: Sequence[Line]) -> None:
    if not lines:
        st.info("Choose an example and a protocol above to see its rows.")
        return
    st.caption(
        f"Accuracy on the test set; {SPREAD}. The authors' numbers for images "
        "come from one seed, the best epoch on the test set and the 512 features of the complete ResNet-18; "
        f"{OTHER_FEATURES} marks them beside rows with other features. Their hybrid network is called quantum here, "
        "their classical one mlp."
    )
    st.session_state.paper_shown = [line.row.key for line in lines]
    text = st.column_config.TextColumn
    st.dataframe(
        pd.DataFrame([_cells(line) for line in lines]),
        hide_index=True,
        height="content",
        column_config={
            "Row": text(
                width=284,
                pinned=True,
                help="Data, features (of ResNet-18 unless another network is named), protocol and head; early and "
                "BatchNorm are variants of the paper's",
            ),
            "run": st.column_config.ButtonColumn("", width=80, on_click=_clicked, key="paper_click"),
            "Reported": text(width=74, help="Test accuracy that the authors report"),
            "Measured": text(width=96, help="Test accuracy at the chosen epoch, mean over seeds"),
            "Here": text(width=98, help="The newest run of this row on this server"),
            "Features": text(width=156),
            "Time reported": text(width=100),
            "Time": text(width=56, help="Training time of all seeds together, on the machine that made the row"),
            "Seeds": text(width=52),
            "Loss reported": text(width=94),
            "Loss": text(width=54),
            "Last epoch": text(
                width=98, help="Test accuracy after the last epoch; 'ours' looks at the test set once only"
            ),
        },
        alt="Every row: data, head, protocol, features, reported and measured accuracy and time",
    )
    st.caption(
        "All rows from a terminal: `python -m core paper run --all`, one row: `python -m core paper run ROW`, "
        "names of rows: `python -m core paper list`."
    )


def _cells(line: Line) -> dict[str, str]:
    row, done = line.row, line.measured or line.again
    return {
        "Row": short_title(row),
        "run": "Run again" if done else "Run",
        "Reported": _reported(row),
        "Measured": plus_minus(done.best) if done else "not run here",
        "Here": plus_minus(line.again.best) if line.again and line.measured else "",
        "Features": features_title(row),
        "Time reported": _reported_time(row),
        "Time": duration(done.seconds) if done else "",
        "Seeds": str(done.seeds if done else row.seeds),
        "Loss reported": f"{row.reported.loss:.3f}" if row.reported and row.reported.loss else "",
        "Loss": f"{done.loss.estimate:.3f}" if done else "",
        "Last epoch": plus_minus(done.last) if done and done.last else "",
    }


def _reported(row: Row) -> str:
    if row.reported is None:
        return ""
    return f"{100 * row.reported.accuracy:.2f} %{'' if row.has_papers_features else OTHER_FEATURES}"


def _reported_time(row: Row) -> str:
    if row.protocol == "notebook" and row.example is EXAMPLES[0]:
        return f"{NOTEBOOK_MINUTES} min for 4"
    return f"{row.reported.minutes:.0f} min" if row.reported and row.reported.minutes else ""


def _clicked() -> None:
    run_row(find_row(st.session_state.paper_shown[st.session_state.paper_click.row]))


# --- the closed form --------------------------------------------------------------------------------------------------


def _closed_form(found: dict[str, Measured]) -> None:
    paper = RunConfig(head=DressedQuantum(), backbone="resnet18", layer="avgpool")
    quantum, classical = paper.head.count_trained(512, 2)
    st.markdown(
        f"The paper's head for ants and bees has {quantum + classical:,} trained parameters behind the 512 features "
        f"of ResNet-18; {quantum} of them are angles in the circuit, and these start at about 0.01 radians. At exactly "
        "zero the circuit can be written down, since only its CNOTs are left. With "
        r"$s_i = -\sin\left(\tfrac{\pi}{2}\tanh z_i\right)$ for the four numbers $z_i$ that the first linear layer "
        "gives, the four measured values are"
    )
    rows = "".join(
        f"<tr><td>{name}</td>"
        + "".join(f"<td>{_of(found, f'{key}-layer3-{head}-ours')}</td>" for head in ("dressed_quantum", "closed_form"))
        + f"<td>{depth}</td>"
        + "".join(f"<td>{_product(subset)}</td>" for subset in closed_form_subsets(4, depth))
        + "</tr>"
        for name, key, depth in (
            ("Ants and bees", "ants_bees", 6),
            ("Dogs and cats", "dogs_cats", 5),
            ("Planes and cars", "planes_cars", 4),
        )
    )
    panel(
        '<div class="scroll"><table><thead><tr><th scope="col">data</th><th scope="col">trained circuit</th>'
        '<th scope="col">closed form</th><th scope="col">depth</th>'
        + "".join(f'<th scope="col">⟨Z<sub>{qubit}</sub>⟩</th>' for qubit in range(4))
        + f"</tr></thead><tbody>{rows}</tbody></table></div>",
        key="closed-form",
        min_height=140,
    )
    st.caption(
        "Test accuracy under 'ours' on ResNet-18 to layer3. The head 'closed form' trains the two linear layers around "
        "these products and has no circuit and no angle."
    )
    st.markdown(
        "So training starts next to an ordinary classical function: two linear layers with a sine between them, and "
        "at depth 5 and 6 some products of those sines. Nothing in it needs a quantum computer. What the angles add "
        "while they are trained is the difference between the two accuracies; the other "
        f"{classical:,} parameters are classical."
    )


def _product(subset: Sequence[int]) -> str:
    return "·".join(f"s<sub>{qubit}</sub>" for qubit in subset)


def _of(found: dict[str, Measured], key: str) -> str:
    return plus_minus(found[key].best) if key in found else "not run here yet"


# --- one example ------------------------------------------------------------------------------------------------------


def _closely() -> None:
    numbers = {example.number: example for example in EXAMPLES}
    number = st.segmented_control(
        "Example",
        list(numbers),
        default="2",
        required=True,
        format_func=_example_title,
        key="example",
        bind="query-params",
    )
    example = numbers[str(number)]
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
    this = DATASETS[dataset]
    st.caption(f"{this.n_train:,} training and {this.n_test:,} test samples. {this.source}.")
    if this.is_points:
        _plane(dataset)
    else:
        _samples(dataset)
    _runs_of(dataset)


def _plane(dataset: str) -> None:
    kept = notebook_results(SHIPPED)
    keys = [f"{dataset}-{network}-notebook" for network in ("classical", "hybrid")]
    if not all(key in kept for key in keys):
        st.caption("The notebook's networks have not been run here yet: `python -m core paper run --all`.")
        return
    regions = [
        Region(f"{find_row(key).head_label}, {percent(kept[key]['accuracy'])}", _lead(kept[key]["decision"]))
        for key in keys
    ]
    inputs, labels = _test_points(dataset)
    charts(
        [decision_regions(regions, DECISION_GRID, inputs, labels, DATASETS[dataset].classes)],
        key="plane",
        height=430,
        revision=dataset,
        describe=["Decision regions of the notebook's classical and quantum network with the 200 test points"],
    )
    st.caption(
        "Colour: what each of the notebook's two networks says of the plane. Points: the 200 test points. "
        f"`python -m core paper run {keys[1]}`"
    )


def _lead(decision: Sequence[Sequence[float]]) -> np.ndarray:
    """How far each of two classes is ahead, (2, rows, columns), of a decision that is negative for the first one."""
    return np.clip(np.multiply.outer([-1.0, 1.0], decision), 0, 1)


@st.cache_data(show_spinner=False)
def _test_points(dataset: str) -> tuple[np.ndarray, np.ndarray]:
    data = DATASETS[dataset].points()
    return data.inputs[data.split == "test"], data.labels[data.split == "test"]


def _samples(dataset: str) -> None:
    classes = DATASETS[dataset].classes
    try:
        bank = load_bank(RunConfig(dataset=dataset).features)
    except LabError:
        return
    of_class = [np.flatnonzero((bank.labels == label) & (bank.split == "train")) for label in range(len(classes))]
    names = [bank.names[row] for rows in of_class for row in rows[:SAMPLES_OF_A_CLASS]]
    found = thumbnails(dataset, tuple(names), settings().data_dir)
    if not found:
        st.caption(
            "The images themselves are not on this machine; the features that ship were made from them. "
            f"`python -m core features --dataset {dataset} --download` fetches them."
        )
        return
    with st.grid("auto", min_column_width=110, gap="small"):
        for name, image in zip(names, found, strict=True):
            label = name.split("/")[1]
            st.image(image, caption=label, alt=f"A training image of {label}", width="stretch")


def _runs_of(dataset: str) -> None:
    """Curves and test results of the stored runs on one data set, all heads together."""
    stored: dict[tuple[str, str], list[Record]] = {}
    for line in table():
        if line.row.dataset == dataset and isinstance(line.row, TrainedRow) and line.measured:
            key = (features_title(line.row), line.row.protocol)
            stored.setdefault(key, []).append(_record(line.measured.run_id))
    if not stored:
        st.caption("No run on these data is stored yet.")
        return
    left, right = st.columns(2)
    cuts = list(dict.fromkeys(cut for cut, _ in stored))
    cut = left.segmented_control("Features", cuts, default=cuts[0], required=True, key=f"cut-{dataset}")
    protocols = [protocol for each, protocol in stored if each == cut]
    protocol = right.segmented_control(
        "Protocol", protocols, default=protocols[-1], required=True, key=f"protocol-{dataset}-{cut}"
    )
    records = stored[str(cut), str(protocol)]
    records.sort(key=lambda record: not isinstance(record.config.head, DressedQuantum))
    drawn = [Curve(record.config.head, record.epochs) for record in records]
    curves_view(
        drawn,
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


page()
