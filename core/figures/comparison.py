"""Comparisons → plotly figures, in the look of `core.figures.runs`."""

import textwrap
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike

from core.comparison.record import Comparison, Result, Trial
from core.comparison.rivals import Rival
from core.figures.style import seed_marker, template
from core.report.comparison import budget
from core.report.numbers import percent, points, spread_title
from core.report.verdicts import headline, title, words_of_candidate
from core.statistics.intervals import mean_interval
from core.statistics.ranking import Ranking
from core.statistics.verdict import Verdict

LIBRARY_COLOUR = "#767F8C"
"""Methods that are no head of this laboratory."""

ROW_HEIGHT = 38
"""Pixels a rival takes in the figures that list them, with two lines of label."""

LINE_HEIGHT = 12
"""Pixels that each further line of a label takes."""

FAR = 15.0
"""Points of accuracy up to which the axis of differences is linear; with seeds further off it is compressed."""


def rival_colour(rival: Rival) -> str:
    """The colour of its head everywhere, grey for a method of scikit-learn."""
    return rival.head.style.colour if rival.head else LIBRARY_COLOUR


def list_height(n_rows: int) -> int:
    """Pixels for a figure with so many rows."""
    return 240 + ROW_HEIGHT * n_rows


def differences_height(verdicts: Sequence[Verdict]) -> int:
    """Pixels for `paired_differences`: every row as high as the longest label asks for."""
    lines = max(_verdict_words(one).count("<br>") for one in verdicts)
    return list_height(len(verdicts)) + lines * LINE_HEIGHT * len(verdicts)


@dataclass(frozen=True)
class Scale:
    """Where differences in points lie on the axis: as they are, or asinh(points / linear) when some are far off.

    The compressed scale is nearly linear inside ± linear and logarithmic beyond, so that all of it can be seen.
    """

    linear: float | None
    low: float
    high: float
    """Ends of the axis in points."""

    @classmethod
    def of(cls, verdicts: Sequence[Verdict]) -> "Scale":
        """A scale that takes in every seed, every interval and the margin."""
        margin = verdicts[0].margin
        ends = [
            100 * end
            for one in verdicts
            for end in (*one.paired.differences, one.elsewhere.interval.low, one.elsewhere.interval.high)
        ]
        low, high = min(*ends, -2.0, -1.5 * margin), max(*ends, 2.0, 1.5 * margin)
        far = max(-low, high) > max(FAR, 2 * margin)
        return cls(max(2.0, 2 * margin) if far else None, low, high)

    def place(self, points: ArrayLike) -> np.ndarray:
        """Points of accuracy → positions on the axis, same shape."""
        values = np.asarray(points, dtype=float)
        return values if self.linear is None else np.arcsinh(values / self.linear)

    def axis(self, candidate: str) -> dict[str, Any]:
        """Plotly's settings of the axis: its ends with a little room, and on a compressed scale its marks."""
        title = f"{candidate} minus rival, in points<br>of test accuracy"
        low, high = self.place([self.low, self.high])
        room = 0.03 * (high - low)
        axis: dict[str, Any] = {"range": [low - room, high + room], "showgrid": True}
        if self.linear is None:
            return axis | {"title": {"text": title}, "tickformat": "~g"}
        steps = [step for step in _STEPS if step >= self.linear]
        marks = [mark for mark in (*(-step for step in reversed(steps)), 0, *steps) if self.low <= mark <= self.high]
        return axis | {
            "title": {"text": f"{title}; compressed beyond ± {self.linear:g}"},
            "tickvals": self.place(marks).tolist(),
            "ticktext": [f"{mark:g}".replace("-", "−") for mark in marks],
            "tickangle": 0,
            "tickfont": {"size": 11},
        }


_STEPS = (2, 5, 10, 20, 40, 80)
"""Points that are marked on a compressed axis, so few that they also fit on a phone."""


TELLING = ("closed form", "bottleneck", "linear", "wider mlp", "RBF-SVM")
"""Rivals that say most: the circuit's formula, its frame without it, the simplest network, a larger one, no network."""


def five_rivals(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """The telling ones, and where some are missing the first others, sorted as `by_difference`."""
    there = sorted(verdicts, key=lambda one: one.rival not in TELLING)
    return by_difference(there[: len(TELLING)])


def by_difference(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """The rival on top that the candidate is furthest ahead of."""
    return sorted(verdicts, key=lambda one: -float(np.mean(one.paired.differences)))


def paired_differences(
    comparison: Comparison, verdicts: Sequence[Verdict], *, rows: Sequence[Verdict] = (), dark: bool = False
) -> go.Figure:
    """The figure for a talk: for every rival a dot a seed, candidate minus rival in points of test accuracy.

    Diamond: mean with its 95 % interval over seeds and test samples, of few seeds with their range; shaded: differences
    inside the margin. The verdict is above, budget and seeds are below. Every seed and interval is inside the axes
    (`Scale`). Needs one verdict at least.

    rows: verdicts that have a row, from top to bottom; empty: all.
    """
    rows = rows or verdicts
    figure = go.Figure()
    results = {result.rival.name: result for result in comparison.results}
    margin = verdicts[0].margin
    scale = Scale.of(rows)
    for row, verdict in enumerate(rows):
        result, interval = results[verdict.rival], verdict.elsewhere.interval
        colour = rival_colour(result.rival)
        differences = np.array(verdict.paired.differences) * 100
        low, mean, high = (100 * end for end in (interval.low, interval.estimate, interval.high))
        left, centre, right = scale.place([low, mean, high])
        figure.add_scatter(
            x=scale.place(differences),
            y=row + np.linspace(-0.26, 0.26, len(differences)),
            customdata=list(zip(comparison.seeds, differences.tolist(), strict=True)),
            mode="markers",
            marker=seed_marker(colour, 5),
            hovertemplate=f"{verdict.rival}, seed %{{customdata[0]}}: %{{customdata[1]:+.1f}} points<extra></extra>",
            showlegend=False,
        )
        figure.add_scatter(
            x=[centre],
            y=[row],
            mode="markers",
            marker={"color": colour, "size": 12, "symbol": "diamond", "line": {"width": 1.5, "color": "white"}},
            error_x={
                "type": "data",
                "array": [right - centre],
                "arrayminus": [centre - left],
                "color": colour,
                "thickness": 3,
                "width": 0,
            },
            hovertemplate=f"{title(verdict)}<br>mean {mean:+.2f} points ({low:+.2f} to {high:+.2f})<extra></extra>",
            showlegend=False,
        )
    left, right = scale.place([-margin, margin])
    figure.add_vrect(left, right, fillcolor="rgba(118,127,140,0.14)", line_width=0, layer="below")
    spread = spread_title(len(comparison.seeds)).replace("interval", "interval for other test data")
    caption = f"Dot: one seed. Diamond: mean, {spread}. Shaded: ± {points(margin)}. {budget(comparison)}."
    figure.add_vline(0, line={"color": "rgba(118,127,140,0.8)", "width": 1}, layer="below")
    figure.update_layout(
        template=template(dark),
        title={
            "text": f"<b>{_wrapped(f'{comparison.title}: {headline(verdicts)}', 46)}</b>",
            "subtitle": {"text": _wrapped(caption, 62), "font": {"size": 11}},
            "yref": "container",
            "y": 0.985,
            "yanchor": "top",
            "pad": {"t": 24},  # the tools lie above it
        },
        margin={"t": 190, "b": 60},
        meta={"fitTitle": True},  # the page breaks the lines again where there is more room
        hovermode="closest",
        xaxis=scale.axis(comparison.candidate),
        yaxis={
            "tickvals": list(range(len(rows))),
            "ticktext": [_row_label(results[one.rival], one) for one in rows],
            "range": [len(rows) - 0.5, -0.5],
            "showgrid": False,
        },
        uirevision="zoom",
    )
    return figure


def _wrapped(text: str, width: int) -> str:
    return "<br>".join(textwrap.wrap(text, width))


def _row_label(result: Result, verdict: Verdict) -> str:
    mean = percent(mean_interval(result.accuracy).estimate)
    return f"<b>{verdict.rival}</b> {mean}<br><span style='font-size:11px'>{_verdict_words(verdict)}</span>"


def _verdict_words(verdict: Verdict) -> str:
    """The verdict beside its row, in lines short enough for a phone."""
    return _wrapped(words_of_candidate(verdict), 32)


def critical_difference(ranking: Ranking, rivals: Sequence[Rival], *, dark: bool = False) -> go.Figure:
    """Average ranks over data sets, best on top; heads beside one bar cannot be told apart by their ranks."""
    by_name = {rival.name: rival for rival in rivals}
    candidate = next(rival.name for rival in rivals if rival.group == "candidate")
    names = list(ranking.ranks)
    figure = go.Figure()
    for column, group in enumerate(ranking.groups):
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
        x=list(ranking.ranks.values()),
        y=list(range(len(names))),
        mode="markers",
        marker={
            "color": [rival_colour(by_name[name]) for name in names],
            "size": 13,
            "symbol": ["diamond" if name == candidate else "circle" for name in names],
        },
        text=names,
        hovertemplate="%{text}: average rank %{x:.2f}<extra></extra>",
        showlegend=False,
    )
    best = min(ranking.ranks.values())
    figure.add_shape(
        type="line",
        x0=best,
        x1=best + ranking.critical_difference,
        y0=-0.9,
        y1=-0.9,
        line={"width": 3, "color": "#767F8C"},
    )
    figure.add_annotation(
        x=best,
        y=-0.9,
        text=f"critical difference {ranking.critical_difference:.1f}",
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
            "range": [0.3, len(names) + 1.2 + 0.7 * len(ranking.groups)],
            "showgrid": True,
        },
        yaxis={
            "tickvals": list(range(len(names))),
            "ticktext": [f"<b>{name}</b>" if name == candidate else name for name in names],
            "range": [len(names) - 0.5, -1.8],
            "showgrid": False,
        },
        uirevision="zoom",
    )
    return figure


_SYMBOLS = ("circle", "square", "triangle-up", "cross", "star", "pentagon", "hexagram", "x")
"""Tell apart heads of one colour in the figure of tuning; the candidate is a diamond everywhere."""


def tuning(results: Sequence[Result], *, dark: bool = False) -> go.Figure:
    """What tuning tried: validation loss against learning rate, a ring in the head's own shape around what it chose.

    Heads of one colour differ in shape. Rings lie above all other marks and are open: none hides another.
    """
    figure = go.Figure()
    drawn: Counter[str] = Counter()
    rings = []
    for result in results:
        colour = rival_colour(result.rival)
        if result.rival.group == "candidate":
            symbol = "diamond"
        else:
            symbol = _SYMBOLS[drawn[colour] % len(_SYMBOLS)]
            drawn[colour] += 1
        tried = _tried(result, result.trials)
        figure.add_scatter(
            **tried, name=result.rival.name, marker={"color": colour, "size": 8, "opacity": 0.65, "symbol": symbol}
        )
        ring = {"color": colour, "size": 17, "symbol": f"{symbol}-open", "line": {"width": 3}}
        rings.append(_tried(result, [result.best_trial]) | {"marker": ring, "showlegend": False})
    for one in rings:
        figure.add_scatter(**one)
    figure.update_layout(
        template=template(dark),
        title={"text": ""},
        hovermode="closest",
        margin={"t": 20},
        legend={"x": 0, "xanchor": "left", "y": -0.22, "yanchor": "top"},  # the tools lie above
        xaxis={"type": "log", "title": {"text": "learning rate"}, "showgrid": True, "dtick": 1, "tickformat": "~g"},
        yaxis={"type": "log", "title": {"text": "validation loss (nats)"}},
        showlegend=True,
        uirevision="zoom",
    )
    return figure


def _tried(result: Result, trials: Sequence[Trial]) -> dict[str, Any]:
    """Marks at some of a rival's trials, without their look."""
    return {
        "x": [trial.learning_rate for trial in trials],
        "y": [trial.validation_loss for trial in trials],
        "customdata": [trial.width or "as it is" for trial in trials],
        "mode": "markers",
        "legendgroup": result.rival.name,
        "hovertemplate": f"{result.rival.name}, learning rate %{{x:.2g}}, width %{{customdata}}: loss %{{y:.3f}}"
        "<extra></extra>",
    }
