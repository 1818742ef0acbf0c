"""What the paper's circuit computes when training begins: a product of sines, beside accuracies with and without it."""

from collections.abc import Sequence

import streamlit as st

from core.paper.table import MeasuredRow
from core.recipes import paper_run
from core.report.paper import closed_form_table
from core.report.table import Table
from pages.ui.panel import escape, panel
from pages.ui.paper import wording

PAPERS_FEATURES, CLASSES = 512, 2


def closed_form(lines: Sequence[MeasuredRow]) -> None:
    """The closed form of the circuits, and what follows from it."""
    n_angles, n_classical = paper_run("ants_bees").head.count_trained(PAPERS_FEATURES, CLASSES)
    table = closed_form_table(lines)
    st.markdown(wording.circuit_at_start(n_angles, n_angles + n_classical))
    panel(_html(table), key="closed-form", min_height=140)
    st.caption(table.caption)
    st.markdown(wording.circuit_in_training(n_classical))


def _html(table: Table) -> str:
    head = "".join(f'<th scope="col">{escape(heading)}</th>' for heading in table.headings)
    rows = "".join(f"<tr>{''.join(f'<td>{escape(cell.text)}</td>' for cell in row)}</tr>" for row in table.rows)
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'
