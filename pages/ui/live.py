"""How an experiment stands: header with controls, curves, the heads side by side, the circuit; changed in place."""

from collections.abc import Sequence

import streamlit as st

from core.config.heads.base import Head
from core.config.run import RunConfig
from core.figures.runs import GHOST_COLOUR, QUANTITIES, Curve, Ghost, curves
from core.figures.style import TRAIN_DASH
from core.runs.snapshots import Snapshot
from pages.ui.charts import charts
from pages.ui.circuit import circuit_view
from pages.ui.ghosts import ghosts
from pages.ui.header import header_view
from pages.ui.heads_table import heads_table
from pages.ui.lines import Line, judged_on, lines_of, untrained_lines
from pages.ui.news import follow
from pages.ui.panel import escape, panel, swatch
from pages.ui.service import jobs
from pages.ui.view import View, load

SECONDS_TO_FIRST_EPOCH = 0.4
"""How long the first drawing of an experiment waits for its first epoch, which is mostly there sooner."""
CHART_HEIGHT = 330


def live_view(view: View) -> None:
    """Everything above the results; what changes while runs go on is told to the page by `pages.ui.channel`."""
    _wait_for_first_epoch(view)
    snapshots = load(view.run_ids)
    lines = lines_of(snapshots) or untrained_lines(view.experiment.configs if view.experiment else ())
    header_view(view, snapshots, lines)
    _curves(view, lines, ghosts(snapshots))
    with st.container(key="lower"):
        right, left = st.columns(2, gap="large")
    with right:
        heads_table(lines, view.live_runs)
    with left:
        run_id, angles = _trained(view, snapshots)
        circuit_view(view.circuit, angles, run_id)
    follow(() if view.shipped else snapshots)


def _wait_for_first_epoch(view: View) -> None:
    """Give runs that have just come onto this page, and that no other run holds up, a moment for their first epoch."""
    before, st.session_state.shown = st.session_state.get("shown"), view.run_ids
    alone = {each.run_id for each in jobs().queue()} == set(view.run_ids)
    if view.run_ids != before and alone and jobs().wait_until_ready(0):
        jobs().wait_for_epoch(view.run_ids, SECONDS_TO_FIRST_EPOCH)


def _curves(view: View, lines: Sequence[Line], before: Sequence[Ghost]) -> None:
    drawn = [Curve(line.config.head, line.epochs) for line in lines]
    n_epochs = max([line.config.epochs for line in lines], default=RunConfig().epochs)
    data = judged_on(lines[0].config) if lines else "validation"
    revision = f"{lines[0].config.dataset} {n_epochs}" if lines else ""
    curves_view(drawn, n_epochs, key="curves", revision=revision, watched=data, live=view.live_runs, before=before)


def curves_view(
    drawn: Sequence[Curve],
    n_epochs: int,
    *,
    key: str,
    revision: str,
    watched: str = "validation",
    live: Sequence[str] = (),
    before: Sequence[Ghost] = (),
) -> None:
    """Loss and accuracy of several heads against the epoch, with their legend.

    watched: the data beside training; live: the runs, one for each head, whose news continue the curves; before:
    experiments that were shown before.
    """
    panel(
        _legend_html([curve.head for curve in drawn], watched, [each.name for each in before]),
        key=f"{key}-legend",
        min_height=24,
    )
    what = f"on {watched} and training data: median over seeds and 10-90 % band of each head"
    charts(
        [curves(drawn, quantity, n_epochs, ghosts=before) for quantity in QUANTITIES],
        key=key,
        height=CHART_HEIGHT,
        revision=revision,
        describe=[f"{quantity.capitalize()} {what}" for quantity in QUANTITIES],
        live=live,
        quantities=QUANTITIES,
    )


def _legend_html(drawn_heads: Sequence[Head], watched: str, before: Sequence[str]) -> str:
    styles = [head.style for head in drawn_heads]
    heads = [f"<span>{swatch(style.colour, style.dash)}{escape(style.label)}</span>" for style in styles]
    how = [
        f"{swatch('currentColor', 'solid')}{watched}, median of seeds",
        f"{swatch('currentColor', TRAIN_DASH, 1.6)}training",
        f"{_BAND}10-90 % of seeds",
        *([f"{swatch(GHOST_COLOUR, 'solid', 1.3)}before: {escape('; '.join(before))}"] if before else []),
    ]
    return f'<div class="legend">{"".join(heads)}{"".join(f"<span class=quiet>{each}</span>" for each in how)}</div>'


_BAND = (
    '<svg width="30" height="12" aria-hidden="true">'
    '<rect width="30" height="12" rx="2" fill="currentColor" opacity="0.2"/></svg>'
)


def _trained(view: View, snapshots: Sequence[Snapshot]) -> tuple[str, tuple[float, ...] | None]:
    """The run that has trained the circuit of the controls, and its angles; "" and None if there is none."""
    for each in snapshots:
        if each.status == "finished" and _as_drawn(each.config.head) == view.circuit:
            return each.run_id, trained_angles(each.run_id)
    return "", None


def _as_drawn(head: Head) -> Head:
    """A head as far as the controls describe it."""
    return head.model_copy(update={"init_scale": None})


@st.cache_data(max_entries=64, show_spinner=False)
def trained_angles(run_id: str) -> tuple[float, ...]:
    """Angles (n_weights,) in radians of a run's first seed, as many digits as are drawn."""
    weights = jobs().store.load(run_id).weights()["circuit.weights"][0].ravel()
    return tuple((weights.round(2) + 0.0).tolist())  # -0.0 + 0.0 is 0.0
