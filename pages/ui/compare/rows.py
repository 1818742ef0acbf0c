"""Tables of labels and values as HTML."""

from core.report.table import Table
from pages.ui.panel import escape


def rows_html(table: Table) -> str:
    """A table without its headings, whose cells may break over lines on a phone."""
    cell = '<td style="white-space: normal">'
    rows = "".join(f"<tr>{''.join(f'{cell}{escape(each.text)}</td>' for each in row)}</tr>" for row in table.rows)
    caption = f"<caption>{escape(table.caption)}</caption>" if table.caption else ""
    return f'<div class="scroll"><table><tbody>{rows}</tbody>{caption}</table></div>'
