"""Comparisons → plotly figures, in the look of `core.figures`."""

import textwrap
from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from core.comparison import CANDIDATE, Comparison, Result, Rival
from core.figures import head_style, rgba, template
from core.statistics import Ranking, Verdict, headline, mean_interval

LIBRARY_COLOUR = "#767F8C"
"""Methods that are no head of this laboratory."""

ROW_HEIGHT = 38
"""Pixels a rival takes in the figures that list them."""

FAR = 15.0
"""Points of accuracy beyond which the axis of differences does not reach; what lies further is written at its edge."""


def rival_colour(rival: Rival) -> str:
    """The colour of its head everywhere, grey for a method of scikit-learn."""
    return head_style(rival.head).colour if rival.head else LIBRARY_COLOUR


def list_height(n_rows: int) -> int:
    """Pixels for a figure with so many rows."""
    return 240 + ROW_HEIGHT * n_rows


def paired_differences(comparison: Comparison, verdicts: Sequence[Verdict], *, dark: bool = False) -> go.Figure:
    """The figure for a talk: for every rival a dot a seed, candidate minus rival in points of test accuracy.

    Diamond: mean with its 95 % bootstrap interval; shaded: differences inside the margin. The verdict stands above,
    budget and seeds below. Means beyond the axis are written at its edge. Needs one verdict at least.
    """
    figure = go.Figure()
    results = {result.rival.name: result for result in comparison.results}
    margin = verdicts[0].margin
    limit = _axis_limit(verdicts)
    for row, verdict in enumerate(verdicts):
        result, interval = results[verdict.rival], verdict.paired.interval
        colour = rival_colour(result.rival)
        points = np.array(verdict.paired.differences) * 100
        mean = interval.estimate * 100
        if abs(mean) > limit:
            figure.add_annotation(
                x=np.copysign(limit, mean),
                y=row,
                text=f"<b>{mean:+.1f}</b> →" if mean > 0 else f"← <b>{mean:+.1f}</b>",
                showarrow=False,
                xanchor="right" if mean > 0 else "left",
                font={"color": colour},
            )
            continue
        place = row + np.linspace(-0.26, 0.26, len(points))
        inside = np.abs(points) <= limit
        figure.add_scatter(
            x=points[inside],
            y=place[inside],
            customdata=np.array(comparison.seeds)[inside],
            mode="markers",
            marker={"color": rgba(colour, 0.55), "size": 5},
            hovertemplate=f"{verdict.rival}, seed %{{customdata}}: %{{x:+.1f}} points<extra></extra>",
            showlegend=False,
        )
        figure.add_scatter(
            x=[mean],
            y=[row],
            mode="markers",
            marker={"color": colour, "size": 12, "symbol": "diamond", "line": {"width": 1.5, "color": "white"}},
            error_x={
                "type": "data",
                "array": [interval.high * 100 - mean],
                "arrayminus": [mean - interval.low * 100],
                "color": colour,
                "thickness": 3,
                "width": 0,
            },
            hovertemplate=f"{verdict.title}<br>mean %{{x:+.2f}} points<extra></extra>",
            showlegend=False,
        )
    figure.add_vrect(-margin, margin, fillcolor="rgba(118,127,140,0.14)", line_width=0, layer="below")
    caption = f"Dot: one seed. Diamond: mean, 95 % interval. Shaded: ± {margin:g} points. {comparison.budget}."
    figure.add_vline(0, line={"color": "rgba(118,127,140,0.8)", "width": 1}, layer="below")
    figure.update_layout(
        template=template(dark),
        title={
            "text": f"<b>{_wrapped(f'{comparison.title}: {headline(verdicts)}', 46)}</b>",
            "subtitle": {"text": _wrapped(caption, 62), "font": {"size": 11}},
            "yref": "container",
            "y": 0.985,
            "yanchor": "top",
        },
        margin={"t": 190, "b": 50},
        meta={"fitTitle": True},  # the page breaks the lines again where there is more room
        hovermode="closest",
        xaxis={
            "title": {"text": "points of test accuracy, quantum minus rival"},
            "range": [-limit, limit],
            "showgrid": True,
            "ticksuffix": "",
            "tickformat": "+~g",
        },
        yaxis={
            "tickvals": list(range(len(verdicts))),
            "ticktext": [_row_label(results[one.rival], one) for one in verdicts],
            "range": [len(verdicts) - 0.5, -0.5],
            "showgrid": False,
        },
        uirevision="zoom",
    )
    return figure


_WORD = {
    "better": "quantum better",
    "worse": "quantum worse",
    "equivalent": "equivalent",
    "not enough evidence": "not enough evidence",
}


def _axis_limit(verdicts: Sequence[Verdict]) -> float:
    """Points at which the axis ends: most intervals fit in, a few rivals far off do not squeeze all others."""
    reach = [max(abs(one.paired.interval.low), abs(one.paired.interval.high)) * 100 for one in verdicts]
    wanted = max(2.0, 2 * verdicts[0].margin, 1.15 * float(np.quantile(reach, 0.85)))
    return float(np.ceil(min(wanted, max(FAR, 2 * verdicts[0].margin))))


def _wrapped(text: str, width: int) -> str:
    return "<br>".join(textwrap.wrap(text, width))


def _row_label(result: Result, verdict: Verdict) -> str:
    mean = mean_interval(result.accuracy).estimate
    return f"<b>{verdict.rival}</b> {mean * 100:.1f} %<br><span style='font-size:11px'>{_WORD[verdict.kind]}</span>"


def critical_difference(found: Ranking, rivals: Sequence[Rival], *, dark: bool = False) -> go.Figure:
    """Average ranks over data sets, best on top; heads beside one bar cannot be told apart by their ranks."""
    by_name = {rival.name: rival for rival in rivals}
    names = list(found.ranks)
    figure = go.Figure()
    for column, group in enumerate(found.groups):
        rows = [names.index(name) for name in group]
        figure.add_scatter(
            x=[len(names) + 0.8 + 0.7 * column] * 2,
            y=[rows[0] - 0.25, rows[-1] + 0.25],
            mode="lines",
            line={"color": "#767F8C", "width": 4},
            hovertemplate="not told apart: " + ", ".join(group) + "<extra></extra>",
            showlegend=False,
        )
    figure.add_scatter(
        x=list(found.ranks.values()),
        y=list(range(len(names))),
        mode="markers",
        marker={
            "color": [rival_colour(by_name[name]) for name in names],
            "size": 13,
            "symbol": ["diamond" if name == CANDIDATE else "circle" for name in names],
        },
        text=names,
        hovertemplate="%{text}: average rank %{x:.2f}<extra></extra>",
        showlegend=False,
    )
    best = min(found.ranks.values())
    figure.add_shape(
        type="line",
        x0=best,
        x1=best + found.critical_difference,
        y0=-0.9,
        y1=-0.9,
        line={"width": 3, "color": "#767F8C"},
    )
    figure.add_annotation(
        x=best,
        y=-0.9,
        text=f"critical difference {found.critical_difference:.1f}",
        showarrow=False,
        xanchor="left",
        yanchor="bottom",
    )
    figure.update_layout(
        template=template(dark),
        title={"text": ""},
        hovermode="closest",
        xaxis={
            "title": {"text": "average rank (1 is best)"},
            "range": [0.3, len(names) + 1.2 + 0.7 * len(found.groups)],
            "showgrid": True,
        },
        yaxis={
            "tickvals": list(range(len(names))),
            "ticktext": [f"<b>{name}</b>" if name == CANDIDATE else name for name in names],
            "range": [len(names) - 0.5, -1.8],
            "showgrid": False,
        },
        uirevision="zoom",
    )
    return figure


def tuning(results: Sequence[Result], *, dark: bool = False) -> go.Figure:
    """What tuning tried: validation loss against learning rate, the chosen setting as a large mark."""
    figure = go.Figure()
    for result in results:
        colour = rival_colour(result.rival)
        rates = [trial.learning_rate for trial in result.trials]
        losses = [trial.validation_loss for trial in result.trials]
        widths = [trial.width or "as it is" for trial in result.trials]
        best = int(np.argmin(losses))
        figure.add_scatter(
            x=rates,
            y=losses,
            customdata=widths,
            mode="markers",
            name=result.rival.name,
            marker={
                "color": colour,
                "size": [14 if index == best else 7 for index in range(len(rates))],
                "opacity": [1.0 if index == best else 0.6 for index in range(len(rates))],
                "symbol": "diamond" if result.rival.name == CANDIDATE else "circle",
            },
            hovertemplate="learning rate %{x:.2g}, width %{customdata}: loss %{y:.3f}",
        )
    figure.update_layout(
        template=template(dark),
        title={"text": ""},
        hovermode="closest",
        xaxis={"type": "log", "title": {"text": "learning rate"}, "showgrid": True},
        yaxis={"type": "log", "title": {"text": "validation loss (nats)"}},
        showlegend=True,
        uirevision="zoom",
    )
    return figure
