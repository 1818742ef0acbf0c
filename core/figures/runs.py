"""Measurements → plotly figures. The page, an export and a slide draw the same ones.

Losses are in nats, accuracies in [0, 1].
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Literal

import numpy as np
import plotly.graph_objects as go

from core.config.heads.base import Head
from core.events import Epoch
from core.figures.style import TRAIN_DASH, rgba, seed_colour, seed_marker, template
from core.statistics.metrics import Chance
from core.words import verbatim

Quantity = Literal["loss", "accuracy"]
QUANTITIES: tuple[Quantity, ...] = ("loss", "accuracy")

BAND = (0.1, 0.9)
"""Quantiles over seeds that the shaded band lies between; the line is the median."""


@dataclass(frozen=True)
class Curve:
    """One head's epochs so far, all seeds together."""

    head: Head
    epochs: Sequence[Epoch]


@dataclass(frozen=True)
class Ghost:
    """Curves of an experiment that was shown before, and what is different in it, in words."""

    name: str
    curves: Sequence[Curve]


Series = Literal["low", "median", "high", "train"]
Numbers = dict[Quantity, dict[Series, list[float | None]]]


@dataclass(frozen=True)
class Points:
    """What is drawn of one head: a number for each epoch, to seven significant digits, None where it is not finite.

    low, median, high: over the seeds, on the data that are watched; train: the median on training data. Members that
    diverged are left out from the epoch in which they did.
    """

    epochs: list[int]
    numbers: Numbers

    def extend(self, more: "Points") -> None:
        """Append the points of later epochs."""
        self.epochs.extend(more.epochs)
        for quantity, series in self.numbers.items():
            for name, numbers in series.items():
                numbers.extend(more.numbers[quantity][name])

    def since(self, n_epochs: int) -> dict[str, Any]:
        """The points after the first ``n_epochs`` ones, as plain data."""
        plain: dict[str, Any] = {"at": n_epochs, "epochs": self.epochs[n_epochs:]}
        for quantity, series in self.numbers.items():
            plain[quantity] = {name: numbers[n_epochs:] for name, numbers in series.items()}
        return plain


def points_of(epochs: Sequence[Epoch]) -> Points:
    """The points of these epochs."""
    numbers: Numbers = {}
    for quantity in QUANTITIES:
        low, median, high = _over_seeds([getattr(epoch, f"validation_{quantity}") for epoch in epochs])
        _, train, _ = _over_seeds([getattr(epoch, f"train_{quantity}") for epoch in epochs])
        numbers[quantity] = {"low": low, "median": median, "high": high, "train": train}
    return Points([epoch.epoch for epoch in epochs], numbers)


def curves(
    curve_list: Sequence[Curve],
    quantity: Quantity,
    n_epochs: int,
    *,
    ghosts: Sequence[Ghost] = (),
    chance: Chance | None = None,
    dark: bool = False,
    legend: bool = False,
) -> go.Figure:
    """Loss or accuracy against the epoch, all heads in the same axes.

    Line: median over seeds of validation data; dotted: of training data; band: 10-90 % of the seeds on validation
    data. n_epochs fixes the horizontal axis from the first point on, so that a growing curve moves nothing. A trace's
    ``meta`` names the head, by its place in curve_list, and the `Series` that it draws: later points find their place.
    chance is drawn as a line among the accuracies. ghosts, oldest first, are thin and grey, with the dashes of their
    heads, and named where they end.
    """
    figure = go.Figure()
    drawn = [points_of(curve.epochs) for curve in curve_list]
    faded = [_add_ghost(figure, ghost, quantity) for ghost in ghosts]
    for place, (curve, points) in reversed(list(enumerate(zip(curve_list, drawn, strict=True)))):  # the first on top
        style = curve.head.style
        series = points.numbers[quantity]
        several = len(points.epochs) > 1
        band = {"x": points.epochs, "mode": "lines", "line": {"width": 0}, "hoverinfo": "skip"}
        shared = {"legendgroup": style.label, "showlegend": False}
        figure.add_scatter(
            y=series["low"], meta={"head": place, "series": "low"}, name=f"{style.label}, band from", **band, **shared
        )
        figure.add_scatter(
            y=series["high"],
            meta={"head": place, "series": "high"},
            fill="tonexty",
            fillcolor=rgba(style.colour, 0.24),
            name=f"{style.label}, band to",
            **band,
            **shared,
        )
        figure.add_scatter(
            x=points.epochs,
            y=series["train"],
            meta={"head": place, "series": "train"},
            mode="lines",
            line={"color": rgba(style.colour, 0.85), "width": 1.6, "dash": TRAIN_DASH},
            hovertemplate=_HOVER[quantity],
            name=f"{style.label}, train",
            **shared,
        )
        figure.add_scatter(
            x=points.epochs,
            y=series["median"],
            meta={"head": place, "series": "median"},
            customdata=list(zip(series["low"], series["high"], strict=True)),
            mode="lines" if several else "markers",
            cliponaxis=several,  # a first point lies on the axis and is shown whole
            line={"color": style.colour, "width": 2.6, "dash": style.dash},
            marker={"color": style.colour, "size": 7},
            legendgroup=style.label,
            hovertemplate=_HOVER_BAND[quantity],
            name=f"{style.label}, validation",
        )
    figure.update_layout(
        template=template(dark),
        title={"text": "Loss (nats)" if quantity == "loss" else "Accuracy"},
        xaxis={
            "title": {"text": "epoch"},
            "unifiedhovertitle": {"text": "epoch %{x}"},
            "range": [1, n_epochs] if n_epochs > 1 else [0.5, 1.5],
            "tickformat": "d",
            "dtick": 1 if n_epochs <= 12 else None,
        },
        yaxis={
            "range": axis_range([*drawn, *chain.from_iterable(faded)], quantity),
            "tickformat": "" if quantity == "loss" else ".0%",
        },
        showlegend=legend,
        uirevision="zoom",
    )
    if chance is not None and quantity == "accuracy":
        figure.add_hline(
            chance.accuracy,
            line={"color": GHOST_COLOUR, "width": 1, "dash": "1px,4px"},
            annotation={
                "text": f"always '{verbatim(chance.answer)}': {chance.accuracy:.1%}",
                "font": {"color": GHOST_COLOUR, "size": 11},
            },
            annotation_position="top right",
        )
    return figure


GHOST_COLOUR = "#8A929E"
"""Grey that shows 3:1 on the light and on the dark ground."""


def _add_ghost(figure: go.Figure, ghost: Ghost, quantity: Quantity) -> list[Points]:
    """Draw the medians of an experiment from before; the points that were drawn."""
    drawn = [points_of(curve.epochs) for curve in ghost.curves]
    for curve, points in zip(ghost.curves, drawn, strict=True):
        style = curve.head.style
        is_first = curve is ghost.curves[0]
        figure.add_scatter(
            x=points.epochs,
            y=points.numbers[quantity]["median"],
            mode="lines+text" if is_first else "lines",
            text=[""] * (len(points.epochs) - 1) + [verbatim(ghost.name)],
            textposition="top left",
            textfont={"color": GHOST_COLOUR, "size": 11},
            line={"color": GHOST_COLOUR, "width": 1.3, "dash": style.dash},
            hovertemplate=_HOVER[quantity],
            showlegend=False,
            name=f"{verbatim(ghost.name)}: {style.label}",
        )
    return drawn


def axis_range(drawn: Sequence[Points], quantity: Quantity) -> list[float]:
    """Ends of the vertical axis on which all these points lie."""
    values = [
        value
        for points in drawn
        for name in ("low", "high", "train")
        for value in points.numbers[quantity][name]
        if value is not None
    ]
    if quantity == "loss":
        return _loss_range(min([1.0, *values]), max([0.0, *values]))
    return _accuracy_range(min([1.0, *values]))


_HOVER = {"loss": "%{y:.3f}", "accuracy": "%{y:.1%}"}
_HOVER_BAND = {
    "loss": "%{y:.3f}  (10-90 %: %{customdata[0]:.3f} to %{customdata[1]:.3f})",
    "accuracy": "%{y:.1%}  (10-90 %: %{customdata[0]:.1%} to %{customdata[1]:.1%})",
}


def _over_seeds(values: Sequence[Sequence[float]]) -> tuple[list[float | None], ...]:
    """(epochs, seeds) → low quantile, median and high quantile of the finite ones, each (epochs,)."""
    wanted = (BAND[0], 0.5, BAND[1])
    table = np.array(values, dtype=np.float64)
    if table.size and np.isfinite(table).all():
        quantiles = np.quantile(table, wanted, axis=1)
    else:
        rows = [row[np.isfinite(row)] for row in table]
        quantiles = np.array([np.quantile(row, wanted) if len(row) else [np.nan] * 3 for row in rows]).reshape(-1, 3).T
    return tuple([float(f"{value:.7g}") if np.isfinite(value) else None for value in each] for each in quantiles)


def _loss_range(smallest: float, largest: float) -> list[float]:
    """Loss axis around ln 2, where two classes begin; it grows in steps of a fifth, so it seldom moves with a curve."""
    bottom, top = np.floor((smallest - 0.02) / 0.2) * 0.2, np.ceil((largest + 0.02) / 0.2) * 0.2
    return [float(max(0.0, min(0.4, bottom))), float(max(0.8, top))]


def _accuracy_range(smallest: float) -> list[float]:
    """Accuracy axis up to one, from a multiple of 10 % below all curves, at most one half."""
    return [float(min(0.5, max(0.0, np.floor(smallest / 0.1 - 0.2) * 0.1))), 1.005]


@dataclass(frozen=True)
class HeadScore:
    """One head on the test set. accuracy, low, high: (seeds,), with a Wilson interval per seed; mean with its
    95 % t interval over seeds (nan bounds for a single seed)."""

    head: Head
    accuracy: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]
    mean: float
    mean_low: float
    mean_high: float


def accuracies(scores: Sequence[HeadScore], *, dark: bool = False) -> go.Figure:
    """Test accuracy: a dot for each seed with its Wilson interval (of test images), a diamond for the mean."""
    figure = go.Figure()
    for row, score in enumerate(scores):
        style = score.head.style
        accuracy = np.asarray(score.accuracy, dtype=float)
        place = row + np.linspace(-0.28, 0.28, len(accuracy)) if len(accuracy) > 1 else np.array([float(row)])
        figure.add_scatter(
            x=accuracy,
            y=place,
            mode="markers",
            marker=seed_marker(style.colour, 7),
            error_x={
                "type": "data",
                "array": np.asarray(score.high) - accuracy,
                "arrayminus": accuracy - np.asarray(score.low),
                "color": rgba(seed_colour(style.colour), 0.7),
                "thickness": 1.2,
                "width": 0,
            },
            customdata=np.stack([score.low, score.high], axis=1),
            hovertemplate="%{x:.1%}, Wilson 95 %: %{customdata[0]:.1%} to %{customdata[1]:.1%}<extra>one seed</extra>",
            name=style.label,
        )
        spread = np.isfinite([score.mean_low, score.mean_high]).all()
        figure.add_scatter(
            x=[score.mean],
            y=[row],
            mode="markers",
            marker={"color": style.colour, "size": 13, "symbol": "diamond", "line": {"width": 1.5, "color": "white"}},
            error_x={
                "type": "data",
                "visible": bool(spread),
                "array": [score.mean_high - score.mean if spread else 0],
                "arrayminus": [score.mean - score.mean_low if spread else 0],
                "color": style.colour,
                "thickness": 3,
                "width": 0,
            },
            hovertemplate="mean %{x:.1%}<extra></extra>",
            name=f"{style.label}, mean",
        )
    figure.update_layout(
        template=template(dark),
        title={"text": "Test accuracy"},
        hovermode="closest",
        showlegend=False,
        xaxis={"tickformat": ".0%", "showgrid": True},
        yaxis={
            "tickvals": list(range(len(scores))),
            "ticktext": [score.head.style.label for score in scores],
            "range": [len(scores) - 0.5, -0.5],
            "showgrid": False,
        },
        uirevision="zoom",
    )
    return figure


def confusion(counts: np.ndarray, classes: Sequence[str], head: Head, *, dark: bool = False) -> go.Figure:
    """Confusion matrix. counts: (classes, classes), rows are the true class; a mean over seeds may be fractional.

    A cell is the darker the larger its share of the true class; the numbers are counts of test images, all of them
    with one decimal, or none where all are whole.
    """
    classes = [verbatim(each) for each in classes]
    decimals = 0 if np.abs(counts - np.round(counts)).max() < 0.05 else 1
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    colour = head.style.colour
    figure = go.Figure(
        go.Heatmap(
            z=share,
            x=classes,
            y=classes,
            zmin=0,
            zmax=1,
            colorscale=[[0, rgba(colour, 0.03)], [1, rgba(colour, 0.55)]],
            showscale=False,
            xgap=3,
            ygap=3,
            hovertemplate="%{y} taken for %{x}: %{z:.1%}<extra></extra>",
        )
    )
    for row, true in enumerate(classes):
        for column, said in enumerate(classes):
            figure.add_annotation(
                x=said,
                y=true,
                text=f"<b>{counts[row, column]:,.{decimals}f}</b><br>{share[row, column]:.1%}",
                showarrow=False,
            )
    figure.update_layout(
        template=template(dark),
        title={"text": "Confusion"},
        hovermode="closest",
        xaxis={"title": {"text": "predicted class"}, "side": "bottom", "fixedrange": True},
        yaxis={"title": {"text": "true class"}, "autorange": "reversed", "fixedrange": True, "showgrid": False},
    )
    return figure
