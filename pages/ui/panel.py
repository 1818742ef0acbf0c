"""Small pieces of HTML that look like the page and change in place: status line, tables, the circuit."""

from collections.abc import Sequence
from html import escape
from pathlib import Path

import streamlit as st

__all__ = ["escape", "panel", "swatch"]

_HERE = Path(__file__).parent
_panel = st.components.v2.component(
    "panel",
    html='<div class="panel"></div>\n',
    css=(_HERE / "panel.css").read_text(encoding="utf-8"),
    js=(_HERE / "panel.js").read_text(encoding="utf-8"),
)


def panel(html: str, *, key: str, min_height: int = 0, live: Sequence[str] = ()) -> None:
    """Show HTML that the caller made, every foreign text in it escaped; min_height (pixels) keeps its place free.

    live: the runs whose news replace what is inside the elements marked ``data-live="NAME"``.
    """
    _panel(key=key, data={"html": html, "minHeight": min_height, "live": list(live)})


def swatch(colour: str, dash: str, width: float = 2.6) -> str:
    """A short piece of a head's line."""
    dashes = "" if dash == "solid" else f' stroke-dasharray="{dash.replace("px", "")}"'
    return (
        f'<svg width="30" height="12" aria-hidden="true"><line x1="0" y1="6" x2="30" y2="6" '
        f'stroke="{colour}" stroke-width="{width}"{dashes}/></svg>'
    )
