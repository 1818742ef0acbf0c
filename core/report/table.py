"""A table as data, and the two plain forms of it: Markdown and text for a terminal."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from core.report.numbers import plus_minus
from core.statistics.intervals import Interval


@dataclass(frozen=True)
class Column:
    """What stands in one column."""

    heading: str
    align: Literal["left", "right"] = "left"
    help: str = ""
    """One sentence about it"""


@dataclass(frozen=True)
class Cell:
    """What one field shows, and the number behind it by which rows can be sorted."""

    text: str
    number: float | None = None


def accuracy_cell(interval: Interval) -> Cell:
    """An accuracy with what surrounds it."""
    return Cell(plus_minus(interval), interval.estimate)


def loss_cell(mean: float | None) -> Cell:
    """A loss in nats, or another number of its size; empty where there is none."""
    return Cell("") if mean is None else Cell(f"{mean:.3f}", mean)


@dataclass(frozen=True)
class Table:
    """Columns and rows; every row has a cell for each column."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    caption: str = ""

    def __post_init__(self) -> None:
        for row in self.rows:
            assert len(row) == len(self.columns), f"{len(row)} cells for {len(self.columns)} columns"

    @property
    def headings(self) -> list[str]:
        """Of all columns."""
        return [column.heading for column in self.columns]

    def only(self, *headings: str) -> "Table":
        """The columns with these headings, in this order."""
        kept = [self.headings.index(heading) for heading in headings]
        columns = tuple(self.columns[index] for index in kept)
        return Table(columns, tuple(tuple(row[index] for index in kept) for row in self.rows), self.caption)


def markdown(table: Table) -> str:
    """The table in GitHub's Markdown; what would be markup in a cell is shown letter by letter."""
    heads = [_escaped(heading) for heading in table.headings]
    rules = ["---:" if column.align == "right" else "---" for column in table.columns]
    body = [[_escaped(cell.text) for cell in row] for row in table.rows]
    lines = [f"| {' | '.join(cells)} |" for cells in (heads, rules, *body)]
    return "\n".join([*lines, *(["", _escaped(table.caption)] if table.caption else [])])


def plain(table: Table) -> str:
    """The table for a terminal: columns as wide as their longest cell, two spaces apart."""
    lines = [table.headings, *([cell.text for cell in row] for row in table.rows)]
    widths = [max(len(line[index]) for line in lines) for index in range(len(table.columns))]
    text = [_line(line, widths, table.columns) for line in lines]
    return "\n".join([*text, *([table.caption] if table.caption else [])])


def _line(texts: Sequence[str], widths: Sequence[int], columns: Sequence[Column]) -> str:
    padded = (
        text.rjust(width) if column.align == "right" else text.ljust(width)
        for text, width, column in zip(texts, widths, columns, strict=True)
    )
    return "  ".join(padded).rstrip()


def _escaped(text: str) -> str:
    for mark in "\\`*_{}[]<>|$":
        text = text.replace(mark, f"\\{mark}")
    return text.replace("\n", " ")
