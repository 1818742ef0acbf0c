"""A table as a grid: the text of every cell over the number behind it."""

import re

from core.report.table import Cell, Column, Table
from pages.ui.sortable import sortable

TABLE = Table(
    (Column("Name"), Column("Difference", "right")),
    (
        (Cell("a"), Cell("-10.6 *", -0.106)),
        (Cell("b"), Cell("not run here")),
        (Cell("c"), Cell("+0.2 *", 0.002)),
        (Cell("d"), Cell("+0.2", 0.002)),
    ),
)


def test_cells_show_their_text_and_sort_by_their_number() -> None:
    styler = sortable(TABLE)
    ordered = styler.data.sort_values("Difference", kind="stable")["Name"].tolist()
    assert ordered == ["b", "a", "c", "d"], "what has no number comes first, before the smallest one"
    for _ in range(2):  # however often it is drawn
        shown = re.findall(r"<td[^>]*>(.*?)</td>", styler.to_html())
        assert shown == [cell.text for row in TABLE.rows for cell in row]
