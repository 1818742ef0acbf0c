"""Decision regions: the plane coloured by what a network says at every place of it.

`decision_regions` is a figure; `cells` are the same for a browser that draws while training goes on: a byte a place.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from core.figures.style import rgba, template

CLASS_COLOURS = ("#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
"""Of the classes of a data set in the plane, by Okabe and Ito; further classes begin anew, with another mark."""
CLASS_MARKS = ("circle", "diamond", "square", "triangle-up", "cross", "star", "pentagon")
MARGIN = 1.12
"""The square that is drawn is so much larger than the smallest one that holds all points."""


@dataclass(frozen=True)
class Region:
    """What one network makes of the plane.

    lead: (classes, rows, columns) in [0, 1], how far a class is ahead of all others; 0 where it is not.
    """

    title: str
    lead: np.ndarray


def decision_regions(
    regions: Sequence[Region],
    grid: Sequence[float],
    points: np.ndarray,
    labels: np.ndarray,
    classes: Sequence[str],
    *,
    dark: bool = False,
) -> go.Figure:
    """The plane coloured by what each network says, the same points in each panel, side by side.

    grid: coordinates of the columns of a lead, and of its rows; points: (n, 2) in those coordinates; labels: (n,).
    """
    reach = [sign * reach_of(points) for sign in (-1, 1)]
    colours = [CLASS_COLOURS[label % len(CLASS_COLOURS)] for label in range(len(classes))]
    figure = make_subplots(
        1, len(regions), subplot_titles=[region.title for region in regions], horizontal_spacing=0.04
    )
    for column, region in enumerate(regions, 1):
        for lead, colour in zip(region.lead, colours, strict=True):
            figure.add_trace(
                go.Heatmap(
                    z=lead,
                    x=grid,
                    y=grid,
                    zmin=0,
                    zmax=1,
                    colorscale=[[0, rgba(colour, 0)], [1, rgba(colour, 0.5)]],
                    showscale=False,
                    hoverinfo="skip",
                ),
                1,
                column,
            )
        for label, name in enumerate(classes):
            chosen = points[labels == label]
            figure.add_scatter(
                x=chosen[:, 0],
                y=chosen[:, 1],
                mode="markers",
                marker={
                    "color": colours[label],
                    "symbol": CLASS_MARKS[label % len(CLASS_MARKS)],
                    "size": 5.5,
                    "line": {"width": 0.7, "color": "white"},
                },
                name=name,
                legendgroup=name,
                showlegend=column == 1,
                hoverinfo="skip",
                row=1,
                col=column,
            )
        figure.update_xaxes(visible=False, row=1, col=column, range=reach, constrain="domain")
        figure.update_yaxes(
            visible=False, row=1, col=column, range=reach, scaleanchor=f"x{column if column > 1 else ''}"
        )
    figure.update_layout(
        template=template(dark),
        hovermode="closest",
        margin={"t": 46, "b": 34},
        legend={"y": -0.02, "yanchor": "top", "x": 0.5, "xanchor": "center"},
    )
    return figure


SIDE = 64
"""Places in a row of the square that `cells` describe, and in a column."""


def reach_of(points: np.ndarray) -> float:
    """Half the side of a square around the origin on which points (n, 2) lie, with some room at its edge."""
    return float(np.abs(points).max()) * MARGIN


def places(reach: float) -> np.ndarray:
    """Coordinates of the middles of the square's places, (SIDE², 2) float32, row by row from the top left."""
    steps = ((np.arange(SIDE) + 0.5) / SIDE * 2 - 1) * reach
    across, up = np.meshgrid(steps, -steps)
    return np.stack((across, up), -1).reshape(-1, 2).astype(np.float32)


def levels(n_classes: int) -> int:
    """How many steps of its lead a class has in a byte."""
    return 256 // n_classes


def cells(logits: np.ndarray) -> bytes:
    """What a network says at each place, one byte a place: ``class · levels + lead``.

    logits: (places, classes). The lead of the class that the network chooses is how far its probability is above the
    next one, from 0 to ``levels - 1``; 0 also where the logits are not finite, as those of a network that diverged.
    """
    with np.errstate(invalid="ignore"):
        shares = np.exp(logits - logits.max(-1, keepdims=True), dtype=np.float64)
    shares /= shares.sum(-1, keepdims=True)
    second, first = np.sort(shares, -1)[:, -2:].T
    lead = np.nan_to_num(first - second) * (levels(logits.shape[1]) - 1)
    return (logits.argmax(-1) * levels(logits.shape[1]) + lead.round().astype(int)).astype(np.uint8).tobytes()
