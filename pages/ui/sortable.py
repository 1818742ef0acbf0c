"""A table as Streamlit's grid, sorted by the numbers behind its cells."""

from collections.abc import Iterator
from functools import partial
from itertools import cycle
from typing import TYPE_CHECKING

import pandas as pd

from core.report.table import Table

if TYPE_CHECKING:
    from pandas.io.formats.style import Styler

NO_NUMBER = float("-inf")
"""Sorts cells that have no number, e.g. "not run here", below all that have one."""


def sortable(table: Table) -> "Styler":
    """The table for `st.dataframe`: it shows the text of the cells and sorts by their numbers, where they have some."""
    columns = dict(zip(table.headings, zip(*table.rows, strict=True), strict=True))
    numeric = [name for name, cells in columns.items() if any(cell.number is not None for cell in cells)]
    frame = pd.DataFrame(
        {
            name: [NO_NUMBER if cell.number is None else cell.number for cell in cells]
            if name in numeric
            else [cell.text for cell in cells]
            for name, cells in columns.items()
        }
    )
    texts = {name: cycle([cell.text for cell in columns[name]]) for name in numeric}  # pandas asks from top to bottom
    return frame.style.format({name: partial(_next, column) for name, column in texts.items()})


def _next(texts: Iterator[str], _number: float) -> str:
    return next(texts)
