"""How an experiment stands: header with controls, curves, the heads side by side, the circuit. Redrawn in place."""

from collections.abc import Sequence

import streamlit as st

from core.config.heads.registry import HeadConfig
from core.config.run import RunConfig
from core.figures.runs import TRAIN_DASH, Curve, curves, head_style
from core.runs.snapshots import Snapshot
from core.runs.store import LIVE
from pages.ui.charts import charts
from pages.ui.circuit import circuit_view, drawing_ready
from pages.ui.header import header_view
from pages.ui.heads_table import heads_table
from pages.ui.panel import escape, panel, swatch
from pages.ui.service import jobs
from pages.ui.view import Line, View, judged_on, lines_of, load, overall

SECONDS_BETWEEN_UPDATES = 0.3
SECONDS_TO_FIRST_EPOCH = 0.4
"""How long the first drawing of an experiment waits for its first epoch, which is mostly there sooner."""
CHART_HEIGHT = 330


def live_view(view: View) -> None:
    """Everything above the results; redraws itself while something goes on, and the page when that has ended."""
    _wait_for_first_epoch(view)
    snapshots = load(view.run_ids)
    angles, _ = _angles(view, snapshots)
    drawing_ready(view.circuit, angles, wait=0.15)
    if angles is not None:
        drawing_ready(view.circuit, None)  # what the next run shows: its first curves shall not wait for a drawing
    timed = _changes(view, snapshots)
    st.fragment(_draw, run_every=SECONDS_BETWEEN_UPDATES if timed else None)(view, timed)


def _wait_for_first_epoch(view: View) -> None:
    """Give runs that have just come onto this page, and that no other run holds up, a moment for their first epoch."""
    before, st.session_state.shown = st.session_state.get("shown"), view.run_ids
    alone = {each.run_id for each in jobs().queue()} == set(view.run_ids)
    if view.run_ids != before and alone and jobs().wait_until_ready(0):
        jobs().wait_for_epoch(view.run_ids, SECONDS_TO_FIRST_EPOCH)


def _changes(view: View, snapshots: Sequence[Snapshot]) -> bool:
    """Whether something may change that nobody on the page has a hand in."""
    going = overall(snapshots) in LIVE
    return going or not jobs().wait_until_ready(0) or not drawing_ready(view.circuit, _angles(view, snapshots)[0])


def _draw(view: View, timed: bool) -> None:
    snapshots = load(view.run_ids)
    lines = lines_of(view, snapshots)
    header_view(view, snapshots, lines)
    _curves(view, lines)
    with st.container(key="lower"):
        right, left = st.columns(2, gap="large")
    with right:
        heads_table(lines)
    with left:
        circuit_view(view.circuit, *_angles(view, snapshots))
    if timed != _changes(view, snapshots):
        st.rerun()


def _curves(view: View, lines: Sequence[Line]) -> None:
    drawn = [Curve(line.config.head, line.epochs) for line in lines]
    n_epochs = max([line.config.epochs for line in lines], default=RunConfig().epochs)
    data = judged_on(lines[0].config) if lines else "validation"
    curves_view(drawn, n_epochs, key="curves", revision=",".join(view.run_ids), watched=data)


def curves_view(drawn: Sequence[Curve], n_epochs: int, *, key: str, revision: str, watched: str = "validation") -> None:
    """Loss and accuracy of several heads against the epoch, with their legend; watched: the data beside training."""
    panel(_legend_html([curve.head for curve in drawn], watched), key=f"{key}-legend", min_height=24)
    what = f"on {watched} and training data: median over seeds and 10-90 % band of each head"
    charts(
        [curves(drawn, "loss", n_epochs), curves(drawn, "accuracy", n_epochs)],
        key=key,
        height=CHART_HEIGHT,
        revision=revision,
        describe=[f"Loss {what}", f"Accuracy {what}"],
    )


def _legend_html(drawn_heads: Sequence[HeadConfig], watched: str) -> str:
    styles = [head_style(head) for head in drawn_heads]
    heads = [f"<span>{swatch(style.colour, style.dash)}{escape(style.label)}</span>" for style in styles]
    how = [
        f"{swatch('currentColor', 'solid')}{watched}, median of seeds",
        f"{swatch('currentColor', TRAIN_DASH, 1.6)}training",
        f"{_BAND}10-90 % of seeds",
    ]
    return f'<div class="legend">{"".join(heads)}{"".join(f"<span class=quiet>{each}</span>" for each in how)}</div>'


_BAND = (
    '<svg width="30" height="12" aria-hidden="true">'
    '<rect width="30" height="12" rx="2" fill="currentColor" opacity="0.2"/></svg>'
)


def _angles(view: View, snapshots: Sequence[Snapshot]) -> tuple[tuple[float, ...] | None, str]:
    """The trained angles of the circuit that the controls describe, if it has been trained, and a caption."""
    for each in snapshots:
        if each.status == "finished" and _as_drawn(each.config.head) == view.circuit:
            caption = f"Trained angles in radians, of seed {each.config.base_seed}; the first RY take the features."
            return _trained_angles(each.run_id), caption
    return None, "As the sliders say; when the quantum head has been trained, its angles are written into the gates."


def _as_drawn(head: HeadConfig) -> HeadConfig:
    """A head as far as the controls describe it."""
    return head.model_copy(update={"init_scale": None})


@st.cache_data(max_entries=64, show_spinner=False)
def _trained_angles(run_id: str) -> tuple[float, ...]:
    weights = jobs().store.load(run_id).weights()["circuit.weights"][0].ravel()
    return tuple((weights.round(2) + 0.0).tolist())  # two digits are drawn; -0.0 + 0.0 is 0.0
