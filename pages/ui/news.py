"""What makes a page hear of its runs: its end of the line whose other end is `pages.ui.channel`."""

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from core.runs.snapshots import Snapshot
from pages.ui.routes import LIVE_PATH, address
from pages.ui.standing import page_state

_news = st.components.v2.component(
    "news", html="<span></span>\n", js=(Path(__file__).parent / "news.js").read_text(encoding="utf-8")
)


def follow(snapshots: Sequence[Snapshot]) -> None:
    """Let charts and panels that name these runs as ``live`` go on from here; draw the page anew when it has to be."""
    _news(
        key="news",
        data={
            "address": address(LIVE_PATH),
            "runs": [each.run_id for each in snapshots],
            "drawn": [len(each.epochs) for each in snapshots],
            "page": page_state(snapshots),
        },
        on_redraw_change=lambda: None,
        height=1,
    )
