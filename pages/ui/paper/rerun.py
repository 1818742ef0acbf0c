"""Rows that a person runs again: bars that stay in sight, one for each row that is under way or has just ended."""

from collections.abc import Mapping

import streamlit as st

from core.paper.rows import Row, TrainedRow
from core.paper.table import MeasuredRow
from pages.ui.panel import panel
from pages.ui.paper import wording
from pages.ui.paper.row_standing import RowStanding, listing, row_standing, start
from pages.ui.work_bar import SECONDS_BETWEEN_LOOKS

_NOTHING_RUNS = RowStanding("idle", wording.NOTHING_RUNS)


def run_row(row: Row) -> None:
    """Start a row that is not under way, or offer what it lacks; from now on it has a bar."""
    before = st.session_state.get("paper_followed", {})
    st.session_state.paper_followed = {row.key: row} | {
        key: other for key, other in before.items() if key != row.key and row_standing(MeasuredRow(other)).going
    }
    st.session_state.setdefault("paper_problems", {}).pop(row.key, None)
    if row_standing(MeasuredRow(row)).going:
        return
    if not isinstance(row, TrainedRow) or not (row.needs_images or listing(row).state == "missing"):
        start(row)


def bars(lines: Mapping[str, MeasuredRow]) -> None:
    """How the rows stand that were run again, the last one on top; redraws itself while one goes on."""
    followed = [lines[key] for key in st.session_state.get("paper_followed", {})]
    going = [row_standing(line).going for line in followed]
    st.fragment(_draw, run_every=SECONDS_BETWEEN_LOOKS if any(going) else None)(followed, going)


def _draw(followed: list[MeasuredRow], were_going: list[bool]) -> None:
    standings = [row_standing(line) for line in followed]
    with st.container(key="again-bars"):
        for number, standing in enumerate(standings or [_NOTHING_RUNS]):
            _bar(standing, "" if number == 0 else f"-{followed[number].row.key}")
    if were_going != [standing.going for standing in standings]:
        st.rerun()


def _bar(standing: RowStanding, suffix: str) -> None:
    html = (
        f'<div class="status" role="status"><span class="dot {standing.status}"></span>'
        f"<span>{standing.html}</span></div>"
        f'<div class="bar"><div class="{standing.status}" style="width:{100 * standing.share:.1f}%"></div></div>'
    )
    with st.container(horizontal=True, vertical_alignment="center", key=f"again-bar{suffix}"):
        panel(html, key=f"again{suffix}", min_height=32)
        if button := standing.button:
            st.button(
                button.label,
                key=f"again-button{suffix}",
                type="primary" if button.primary else "secondary",
                on_click=button.press,
            )
