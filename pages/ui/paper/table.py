"""The table of the paper's rows: a grid that can be sorted, and a list for narrow screens; each row has a button."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from core.paper.rows import find_row
from core.paper.table import MeasuredRow
from core.report.paper import paper_table
from core.report.table import Cell, Column, Table
from pages.ui.panel import escape
from pages.ui.paper import wording
from pages.ui.paper.rerun import run_row
from pages.ui.sortable import sortable

_HERE = Path(__file__).parent
_WIDTHS = {
    "Row": 254,
    "Run": 80,
    "Reported": 78,
    "Measured": 96,
    "Difference": 80,
    "Features": 158,
    "Here": 96,
    "Time reported": 100,
    "Time": 54,
    "Seeds": 50,
    "Loss reported": 94,
    "Loss": 54,
    "Last epoch": 84,
}
"""Column → pixels; these columns in this order"""

_list = st.components.v2.component(
    "paper_rows",
    html='<div class="rows"></div>',
    css=(_HERE / "list.css").read_text(encoding="utf-8"),
    js=(_HERE / "list.js").read_text(encoding="utf-8"),
)


def rows_table(lines: Sequence[MeasuredRow]) -> None:
    """Every row with its numbers and its button."""
    if not lines:
        st.info(wording.CHOOSE_ROWS)
        return
    st.session_state.paper_shown = [line.row.key for line in lines]
    table = _with_buttons(lines)
    with st.container(key="paper-grid"):
        st.dataframe(
            sortable(table),
            hide_index=True,
            height="content",
            column_config={column.heading: _column(column) for column in table.columns},
            alt="Every row: data, protocol, head, reported and measured accuracy, their difference, features and time",
        )
    _list(key="paper-list", data={"html": _list_html(lines, table)}, on_row_change=_pressed_in_list)


def table_notes() -> None:
    """What the numbers are, and how to get them from a terminal."""
    st.caption(f"{wording.TABLE_NOTE} {wording.COMMANDS}")


def _with_buttons(lines: Sequence[MeasuredRow]) -> Table:
    """The report's table with a column of what the buttons say."""
    table = paper_table(lines)
    buttons = [Cell("Run again" if line.measured else "Run") for line in lines]
    rows = tuple((*row, button) for row, button in zip(table.rows, buttons, strict=True))
    return Table((*table.columns, Column("Run")), rows).only(*_WIDTHS)


def _column(column: Column) -> Any:
    width = _WIDTHS[column.heading]
    if column.heading == "Run":
        return st.column_config.ButtonColumn("", width=width, on_click=_pressed_in_grid, key="paper_click")
    return st.column_config.Column(
        width=width, pinned=column.heading == "Row", help=column.help, alignment=column.align
    )


def _list_html(lines: Sequence[MeasuredRow], table: Table) -> str:
    """Two lines a row: what it is, with its button; then reported, measured and difference."""
    numbers = ("Reported", "Measured", "Difference")
    head = "".join(f'<th scope="col">{name}</th>' for name in numbers)
    bodies = [
        f'<tbody><tr><th scope="rowgroup" colspan="3">{escape(title.text)}<small>{escape(features.text)}</small></th>'
        f'<td rowspan="2"><button data-row="{escape(line.row.key)}">{escape(button.text)}</button></td></tr>'
        f"<tr>{''.join(f'<td>{escape(cell.text)}</td>' for cell in cells)}</tr></tbody>"
        for line, (title, features, button, *cells) in zip(
            lines, table.only("Row", "Features", "Run", *numbers).rows, strict=True
        )
    ]
    return f"<table><thead><tr>{head}<td></td></tr></thead>{''.join(bodies)}</table>"


def _pressed_in_grid() -> None:
    run_row(find_row(st.session_state.paper_shown[st.session_state.paper_click.row]))


def _pressed_in_list() -> None:
    run_row(find_row(st.session_state["paper-list"].row))
