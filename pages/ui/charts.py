"""Plotly charts that are updated in place: a growing curve never rebuilds its chart, and a zoom stays.

`st.plotly_chart` inside a timed fragment takes its chart down and builds it anew at every update. This component calls
`Plotly.react` on the plotly.js of the installed plotly package instead, which browsers get from
`pages.ui.routes` and keep.
"""

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import plotly.graph_objects as go
import streamlit as st

from core.figures.style import template
from pages.ui.routes import PLOTLY_PATH, address

_HERE = Path(__file__).parent


@cache
def _templates() -> dict[str, object]:
    return {name: json.loads(template(dark=name == "dark").to_json()) for name in ("light", "dark")}


_charts = st.components.v2.component(
    "charts",
    html='<div class="lab-charts"></div>\n',
    css=(_HERE / "charts.css").read_text(encoding="utf-8"),
    js=(_HERE / "charts.js").read_text(encoding="utf-8"),
    isolate_styles=False,  # plotly.js puts its style sheet into the document
)


def charts(
    figures: Sequence[go.Figure],
    *,
    key: str,
    height: int,
    revision: str,
    describe: Sequence[str],
    live: Sequence[str] = (),
    quantities: Sequence[str] = (),
) -> None:
    """Figures side by side, below each other on a phone, where the last one comes first.

    height: pixels of each, fixed, so that nothing moves when data comes. revision: a zoom is kept until this changes.
    describe: one sentence for each figure, for those who hear the page. live: the runs whose news continue the curves,
    each figure with the points of its quantity.
    """
    _charts(
        key=key,
        data={
            "figures": [json.loads(figure.to_json()) for figure in figures],
            "height": height,
            "revision": revision,
            "describe": list(describe),
            "templates": _templates(),
            "library": address(PLOTLY_PATH),
            "live": list(live),
            "quantities": list(quantities),
        },
    )
