"""The look of all figures: colours on a light and on a dark ground, markers, dashes.

The colour and the dash of a head are its own (`core.config.heads.base.Style`), the same wherever it is drawn.
"""

from typing import Any

import numpy as np
import plotly.graph_objects as go

from core.config.heads.registry import head_choices

TRAIN_DASH = "2px,3px"
"""Dotted: training data. The dash of a head, all long strokes, always means validation or test data."""


def rgba(colour: str, alpha: float) -> str:
    """The colour "#rrggbb" with an opacity."""
    red, green, blue = (int(colour[index : index + 2], 16) for index in (1, 3, 5))
    return f"rgba({red},{green},{blue},{alpha:g})"


MOST_LUMINANCE = 0.29
"""Relative luminance (WCAG 2) up to which a mark shows 3:1 on white; from 0.125 on it also does on the dark page."""


def seed_colour(colour: str) -> str:
    """The head's colour "#rrggbb" for thin marks, darkened where need be, so that they show on both grounds."""
    light = np.array([int(colour[index : index + 2], 16) for index in (1, 3, 5)]) / 255
    linear = np.where(light <= 0.04045, light / 12.92, ((light + 0.055) / 1.055) ** 2.4)
    linear *= min(1.0, MOST_LUMINANCE / float(linear @ [0.2126, 0.7152, 0.0722]))
    dimmed = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    return "#" + "".join(f"{round(channel * 255):02X}" for channel in dimmed)


def seed_marker(colour: str, size: float) -> dict[str, Any]:
    """Plotly's settings of a dot for one seed: an edge that shows on both grounds, lighter inside, so that many dots
    over each other are no blot."""
    edge = seed_colour(colour)
    return {"color": rgba(edge, 0.75), "size": size, "line": {"color": edge, "width": 1}}


def _main_colours() -> list[str]:
    """Those of the first four heads of the menu, for lines that have no colour of their own."""
    return [choice.style.colour for choice in head_choices().values()][:4]


def template(dark: bool = False) -> go.layout.Template:
    """Our look on a light or on a dark ground: no box, quiet grid, a colourway of the four main heads."""
    text, quiet, grid = ("#E6E9EE", "#A3ACB9", "#2A313C") if dark else ("#1B2430", "#5B6675", "#E6E9EE")
    axis = {
        "gridcolor": grid,
        "linecolor": grid,
        "zeroline": False,
        "ticks": "",
        "tickfont": {"color": quiet, "size": 12},
        "title": {"font": {"color": quiet, "size": 12}, "standoff": 8},
        "automargin": True,
    }
    return go.layout.Template(
        layout={
            "font": {"family": "Source Sans, system-ui, sans-serif", "size": 13, "color": text},
            "title": {
                "font": {"size": 15, "color": text},
                "x": 0,
                "xref": "container",
                "xanchor": "left",
                "pad": {"l": 4},
            },
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "colorway": _main_colours(),
            "margin": {"l": 8, "r": 12, "t": 40, "b": 8},
            "hovermode": "x unified",
            "hoverlabel": {
                "bgcolor": "#171C24" if dark else "#FFFFFF",
                "bordercolor": grid,
                "font": {"color": text, "size": 12},
            },
            "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": quiet, "activecolor": text},
            "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 1, "xanchor": "right"},
            "xaxis": axis | {"showgrid": False},
            "yaxis": axis | {"showline": False},
        }
    )
