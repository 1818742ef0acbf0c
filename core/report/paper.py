"""The paper's rows as data: the table of what is reported and measured, and what it takes to read it."""

from collections.abc import Sequence
from typing import Any

from core.circuit.closed_form import closed_form_subsets
from core.config.heads.closed_form import ClosedForm
from core.paper.examples import EXAMPLES, ProtocolName
from core.paper.notebook_record import NOTEBOOK_MINUTES
from core.paper.rows import NotebookRow, Row, TrainedRow
from core.paper.table import Measured, MeasuredRow
from core.paper.titles import features_title, short_title
from core.report.numbers import plus_minus, signed_points
from core.report.table import Cell, Column, Table, accuracy_cell, loss_cell
from core.statistics.intervals import Interval
from core.words import duration, listed

OTHER_FEATURES = " *"
MARK_EXPLAINED = "* marks rows whose network, layer or weights are not those behind the reported number."

_COLUMNS = (
    Column("Name", help="What `python -m core paper run` calls the row"),
    Column("Row", help="Data, protocol and head; early and BatchNorm are variants of the paper's protocol"),
    Column("Reported", "right", "Test accuracy that the authors report"),
    Column("Measured", "right", "Test accuracy at the chosen epoch, mean over seeds"),
    Column("Difference", "right", "Measured mean minus reported accuracy, in percent points"),
    Column("Features", help="Network, the layer at which it is cut, and how many numbers the head gets"),
    Column("Here", "right", "The newest run of this row on this machine"),
    Column("Time reported", "right", "Run time that the authors report"),
    Column("Time", "right", "Training time of all seeds together, on the machine that made the row"),
    Column("Seeds", "right", "Networks that are trained, each from its own seed"),
    Column("Loss reported", "right", "Test loss that the authors report, in nats"),
    Column("Loss", "right", "Test loss at the chosen epoch, mean over seeds, in nats"),
    Column("Last epoch", "right", "Test accuracy after the last epoch; 'ours' uses the test set only once"),
)


def paper_table(rows: Sequence[MeasuredRow]) -> Table:
    """Every row with what is reported and what was measured, in the order given."""
    return Table(_COLUMNS, tuple(_cells(each) for each in rows))


def _cells(line: MeasuredRow) -> tuple[Cell, ...]:
    row, done = line.row, line.measured
    n_seeds = done.seeds if done else row.seeds
    return (
        Cell(row.key),
        Cell(short_title(row)),
        _reported(row),
        _measured(done),
        _difference(row, done),
        Cell(features_title(row)),
        accuracy_cell(line.again.best) if line.shipped and line.again else Cell(""),
        _reported_time(row),
        Cell(duration(done.seconds), done.seconds) if done else Cell(""),
        Cell(str(n_seeds), n_seeds),
        loss_cell(row.reported.loss if row.reported else None),
        loss_cell(done.loss.estimate if done else None),
        accuracy_cell(done.last) if done and done.last else Cell(""),
    )


def _mark(row: Row) -> str:
    return "" if row.has_papers_features else OTHER_FEATURES


def _reported(row: Row) -> Cell:
    if row.reported is None:
        return Cell("")
    return Cell(f"{100 * row.reported.accuracy:.2f} %{_mark(row)}", row.reported.accuracy)


def _measured(done: Measured | None) -> Cell:
    return accuracy_cell(done.best) if done else Cell("not run here")


def _difference(row: Row, done: Measured | None) -> Cell:
    if row.reported is None or done is None:
        return Cell("")
    difference = done.best.estimate - row.reported.accuracy
    return Cell(f"{signed_points(difference)}{_mark(row)}", difference)


def _reported_time(row: Row) -> Cell:
    if isinstance(row, NotebookRow) and row.example is EXAMPLES[0]:
        return Cell(f"{NOTEBOOK_MINUTES} min for 4", NOTEBOOK_MINUTES)
    if row.reported is None or row.reported.minutes is None:
        return Cell("")
    return Cell(f"{row.reported.minutes:.0f} min", row.reported.minutes)


def row_values(line: MeasuredRow) -> dict[str, Any]:
    """A row with everything that is known of it, as plain values; accuracies in [0, 1]. The newest run counts."""
    row, done = line.row, line.again or line.shipped
    measured = done and {
        "seeds": done.seeds,
        "accuracy": vars(done.best),
        "last": vars(done.last) if done.last else None,
        "loss": vars(done.loss),
        "seconds": done.seconds,
        "run_id": done.run_id,
    }
    return {
        "row": row.key,
        "dataset": row.dataset,
        "backbone": row.cut.backbone,
        "head": row.head_name,
        "protocol": row.protocol,
        "seeds": done.seeds if done else row.seeds,
        "test_accuracy": done.best.estimate if done else None,
        "reported": vars(row.reported) if row.reported else None,
        "measured": measured,
        "command": row.command,
    }


# --- sentences --------------------------------------------------------------------------------------------------------


def steps_sentence(rows: Sequence[Row], protocol: ProtocolName) -> str:
    """How many steps the rows of a protocol are trained, example by example; empty where there is no such row."""
    steps: dict[str, set[int]] = {}
    for row in rows:
        if row.protocol == protocol:
            steps.setdefault(row.example.title, set()).add(row.steps)
    counts = [f"{title} {' or '.join(f'{each:,}' for each in sorted(some))}" for title, some in steps.items()]
    return f"Steps of training: {', '.join(counts)}." if counts else ""


def beside_shipped(shipped: Measured | None, again: Interval) -> str:
    """How a row that ran again compares with the run that ships, to follow its accuracy in a sentence."""
    if shipped is None:
        return "the first number of this row"
    if again.estimate == shipped.best.estimate:
        return "exactly the number in the table"
    overlap = again.low <= shipped.best.high and shipped.best.low <= again.high
    return f"{'within' if overlap else 'outside'} the spread of the number in the table, {plus_minus(shipped.best)}"


# --- the closed form --------------------------------------------------------------------------------------------------


def closed_form_table(rows: Sequence[MeasuredRow]) -> Table:
    """What the paper's circuits compute when training begins, beside accuracies with and without a circuit.

    One line for each data set of images, on the first features that have both heads, under "ours".
    """
    ours = [each for each in rows if each.row.protocol == "ours"]
    quantum = {(each.row.dataset, each.row.cut): each for each in ours if each.row.head_name == "dressed_quantum"}
    closed: dict[str, MeasuredRow] = {}
    for each in ours:
        if _closed_form(each.row) and (each.row.dataset, each.row.cut) in quantum:
            closed.setdefault(each.row.dataset, each)
    lines = [(each, quantum[each.row.dataset, each.row.cut]) for each in closed.values()]
    columns = (
        Column("data"),
        Column("trained circuit", "right"),
        Column("closed form", "right"),
        Column("depth", "right"),
        *(Column(f"⟨Z{_subscript(qubit)}⟩", "right") for qubit in range(4)),
    )
    cuts = listed(dict.fromkeys(each.row.cut.name for each, _ in lines))
    return Table(
        columns,
        tuple(_closed_form_cells(each, quantum) for each, quantum in lines),
        f"Test accuracy under 'ours' on {cuts}. The head 'closed form' trains the two linear layers around these "
        "products; it has no circuit and no angle.",
    )


def _closed_form(row: Row) -> ClosedForm | None:
    return row.config.head if isinstance(row, TrainedRow) and isinstance(row.config.head, ClosedForm) else None


def _closed_form_cells(closed: MeasuredRow, quantum: MeasuredRow) -> tuple[Cell, ...]:
    head = _closed_form(closed.row)
    assert head is not None
    accuracies = [_measured(each.measured) for each in (quantum, closed)]
    subsets = closed_form_subsets(head.n_qubits, head.q_depth)
    products = ["·".join(f"s{_subscript(qubit)}" for qubit in subset) for subset in subsets]
    depth = Cell(str(head.q_depth), head.q_depth)
    return (Cell(closed.row.entry.title), *accuracies, depth, *(Cell(product) for product in products))


def _subscript(number: int) -> str:
    return chr(ord("₀") + number)
