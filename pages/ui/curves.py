"""Loss and accuracy of several heads against the epoch, with their legend."""

from collections.abc import Sequence

from core.config.heads.base import Head
from core.figures.runs import GHOST_COLOUR, QUANTITIES, Curve, Ghost, curves
from core.figures.style import TRAIN_DASH
from core.statistics.metrics import Chance
from pages.ui.charts import charts
from pages.ui.panel import escape, panel, swatch

CHART_HEIGHT = 330


def curves_view(
    drawn: Sequence[Curve],
    n_epochs: int,
    *,
    key: str,
    revision: str,
    watched: str = "validation",
    live: Sequence[str] = (),
    before: Sequence[Ghost] = (),
    chance: Chance | None = None,
) -> None:
    """Loss and accuracy of several heads against the epoch, with their legend.

    watched: the data beside training; live: the runs, one for each head, whose news continue the curves; before:
    experiments that were shown before; chance: what always giving one answer reaches.
    """
    panel(
        _legend_html([curve.head for curve in drawn], watched, [each.name for each in before]),
        key=f"{key}-legend",
        min_height=24,
    )
    what = f"on {watched} and training data: median over seeds and 10-90 % band of each head"
    charts(
        [curves(drawn, quantity, n_epochs, ghosts=before, chance=chance) for quantity in QUANTITIES],
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
