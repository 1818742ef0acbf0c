"""Figures show what was measured: every line and band is recomputed here from the numbers it was drawn from."""

import re
import tomllib
from itertools import pairwise
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
import pytest

from core.config.heads.base import Head
from core.config.heads.bottleneck import Bottleneck
from core.config.heads.closed_form import ClosedForm
from core.config.heads.dressed_quantum import DressedQuantum
from core.config.heads.linear import Linear
from core.config.heads.mlp import MLP
from core.events import Epoch
from core.figures.runs import Curve, HeadScore, accuracies, confusion, curves, points_of
from core.figures.style import seed_colour, template
from core.statistics.metrics import Chance

HEADS: list[Head] = [DressedQuantum(), Bottleneck(), Linear(), MLP(), ClosedForm()]
ABLATIONS: list[Head] = [
    DressedQuantum(ablation=ablation)
    for ablation in ("near_zero", "random_angles", "no_entanglers", "shuffled_entanglers", "frozen_pre_net")
]


def epochs(n: int, seeds: int, rng: np.random.Generator) -> list[Epoch]:
    values = rng.uniform(0.1, 0.9, (n, 4, seeds))
    return [
        Epoch(
            epoch=index + 1,
            train_loss=list(train_loss),
            train_accuracy=list(train_accuracy),
            validation_loss=list(validation_loss),
            validation_accuracy=list(validation_accuracy),
            learning_rate=[1e-3] * seeds,
            seconds=0.1,
            status=["ok"] * seeds,
        )
        for index, (train_loss, train_accuracy, validation_loss, validation_accuracy) in enumerate(values)
    ]


def trace(figure: go.Figure, name: str) -> go.Scatter:
    return next(each for each in figure.data if each.name == name)


@pytest.mark.parametrize("quantity", ["loss", "accuracy"])
def test_line_is_the_median_and_band_the_quantiles_over_seeds(quantity: str) -> None:
    rng = np.random.default_rng(0)
    measured = epochs(12, 9, rng)
    figure = curves([Curve(DressedQuantum(), measured)], quantity, 30)  # type: ignore[arg-type]
    validation = np.array([getattr(each, f"validation_{quantity}") for each in measured])
    train = np.array([getattr(each, f"train_{quantity}") for each in measured])
    ordered = np.sort(validation, axis=1)
    low = 0.2 * ordered[:, 0] + 0.8 * ordered[:, 1]  # the tenth part of 8 steps between 9 seeds
    high = 0.2 * ordered[:, 8] + 0.8 * ordered[:, 7]

    line = trace(figure, "quantum, validation")
    np.testing.assert_allclose(line.y, ordered[:, 4], rtol=1e-6)
    np.testing.assert_array_equal(line.x, range(1, 13))
    np.testing.assert_allclose(trace(figure, "quantum, train").y, np.median(train, axis=1), rtol=1e-6)
    edges = trace(figure, "quantum, band from"), trace(figure, "quantum, band to")
    for edge, values in zip(edges, (low, high), strict=True):
        np.testing.assert_allclose(edge.y, values, rtol=1e-6)
        np.testing.assert_array_equal(edge.x, range(1, 13))
    assert edges[1].fill == "tonexty"
    names = [each.name for each in figure.data]
    assert names.index("quantum, band to") == names.index("quantum, band from") + 1  # what "tonexty" fills up to


def test_points_in_parts_are_the_points_of_all() -> None:
    measured = epochs(9, 5, np.random.default_rng(3))
    measured[4].validation_loss[0] = float("nan")
    whole, grown = points_of(measured), points_of(measured[:2])
    grown.extend(points_of(measured[2:]))
    assert grown == whole
    later = whole.since(7)
    assert (later["at"], later["epochs"]) == (7, [8, 9])
    figure = curves([Curve(Linear(), measured)], "loss", 9)
    for each in figure.data:
        assert list(each.y[7:]) == later["loss"][each.meta["series"]]


def test_a_diverged_member_is_left_out_of_line_and_band() -> None:
    measured = epochs(3, 4, np.random.default_rng(1))
    measured[2].validation_loss[0] = float("nan")
    measured[2].validation_loss[1] = float("inf")
    figure = curves([Curve(Linear(), measured)], "loss", 3)
    assert trace(figure, "linear, validation").y[2] == pytest.approx(np.median(measured[2].validation_loss[2:]))
    assert np.isfinite(np.array(trace(figure, "linear, band to").y, dtype=float)).all()


@pytest.mark.parametrize("quantity", ["loss", "accuracy"])
def test_axes_hold_all_that_is_drawn_and_do_not_shrink_around_a_growing_curve(quantity: str) -> None:
    measured = epochs(30, 5, np.random.default_rng(2))
    ranges = []
    for count in (0, 1, 2, 10, 30):
        figure = curves([Curve(DressedQuantum(), measured[:count])], quantity, 30)  # type: ignore[arg-type]
        assert figure.layout.xaxis.range == (1, 30)
        low, high = figure.layout.yaxis.range
        ranges.append((low, high))
        for each in figure.data:
            assert all(low <= value <= high for value in each.y)
    assert all(later[0] <= earlier[0] and later[1] >= earlier[1] for earlier, later in pairwise(ranges))


def test_a_single_epoch_lies_inside_its_axis() -> None:
    measured = epochs(1, 5, np.random.default_rng(2))
    low, high = curves([Curve(DressedQuantum(), measured)], "loss", 1).layout.xaxis.range
    assert low < 1 < high


def test_every_head_has_a_colour_and_a_dash_of_its_own_that_also_differ_in_grey() -> None:
    styles = [head.style for head in [*HEADS, *ABLATIONS]]
    assert len({style.label for style in styles}) == len(styles)
    assert len({style.colour for style in styles}) == len(styles)
    assert len({style.dash for style in styles}) == len(styles)
    colours = {style.label: style.colour for style in styles}
    assert [colours[name] for name in ("quantum", "bottleneck", "linear", "mlp")] == [
        "#0072B2",
        "#E69F00",
        "#009E73",
        "#CC79A7",
    ]
    main = [luminance(style.colour) for style in styles[:3]]
    assert min(abs(first - second) for i, first in enumerate(main) for second in main[:i]) > 0.05


def luminance(colour: str) -> float:
    """Relative luminance of WCAG 2."""
    channels = np.array([int(colour[start : start + 2], 16) for start in (1, 3, 5)]) / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(colour: str, ground: str) -> float:
    """WCAG 2's contrast of "#rrggbb" or "rgba(...)" on an opaque ground."""
    if colour.startswith("rgba"):
        *channels, alpha = map(float, re.findall(r"[\d.]+", colour))
        under = [int(ground[start : start + 2], 16) for start in (1, 3, 5)]
        mixed = [round(alpha * over + (1 - alpha) * below) for over, below in zip(channels, under, strict=True)]
        colour = "#" + "".join(f"{channel:02X}" for channel in mixed)
    brighter, darker = sorted((luminance(colour), luminance(ground)), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)


THEME = tomllib.loads((Path(__file__).resolve().parents[2] / ".streamlit" / "config.toml").read_text())["theme"]
LIGHT, DARK = (THEME[name]["backgroundColor"] for name in ("light", "dark"))


@pytest.mark.parametrize(("dark", "ground"), [(False, LIGHT), (True, DARK)])
def test_text_of_the_template_is_readable_on_its_ground(dark: bool, ground: str) -> None:
    layout = template(dark).layout
    for colour in (layout.font.color, layout.xaxis.tickfont.color, layout.yaxis.title.font.color):
        assert contrast(colour, ground) >= 4.5  # WCAG 2, level AA


@pytest.mark.parametrize(("dark", "ground"), [(False, LIGHT), (True, DARK)])
def test_the_tools_of_a_chart_are_icons_without_a_box(dark: bool, ground: str) -> None:
    tools = template(dark).layout.modebar
    assert contrast(tools.bgcolor, ground) == 1
    assert contrast(tools.activecolor, ground) > contrast(tools.color, ground) >= 4.5


@pytest.mark.parametrize("ground", [LIGHT, DARK])
@pytest.mark.parametrize("head", [*HEADS, *ABLATIONS], ids=lambda head: head.style.label)
def test_single_seeds_and_their_intervals_are_seen_on_both_grounds(head: Head, ground: str) -> None:
    dots, _ = accuracies([HeadScore(head, [0.8, 0.9], [0.7, 0.8], [0.9, 1.0], 0.85, 0.8, 0.9)]).data
    assert contrast(dots.marker.line.color, ground) >= 3  # WCAG 2, graphical objects
    assert contrast(dots.marker.color, ground) >= 2
    assert contrast(dots.error_x.color, ground) >= 2


def test_what_is_light_enough_for_both_grounds_keeps_its_colour() -> None:
    assert seed_colour("#0072B2") == "#0072B2"
    darkened = seed_colour("#E69F00")
    assert luminance(darkened) == pytest.approx(0.29, abs=0.005)
    red, green, blue = (int(darkened[start : start + 2], 16) for start in (1, 3, 5))
    assert red > green > blue == 0


def test_the_box_over_curves_names_the_epoch() -> None:
    axis = curves([Curve(Linear(), epochs(3, 2, np.random.default_rng(4)))], "loss", 3).layout.xaxis
    assert axis.unifiedhovertitle.text == "epoch %{x}"


def test_test_accuracies_reach_from_the_low_to_the_high_end_of_each_interval() -> None:
    score = HeadScore(Linear(), [0.8, 0.85, 0.9], [0.7, 0.77, 0.83], [0.86, 0.9, 0.94], 0.85, 0.8, 0.9)
    figure = accuracies([score])
    dots, mean = figure.data
    np.testing.assert_allclose(dots.x, score.accuracy)
    np.testing.assert_allclose(np.add(dots.x, dots.error_x.array), score.high)
    np.testing.assert_allclose(np.subtract(dots.x, dots.error_x.arrayminus), score.low)
    assert mean.x[0] == 0.85
    assert mean.x[0] + mean.error_x.array[0] == pytest.approx(0.9)
    assert len(set(dots.y)) == 3


def test_one_seed_has_no_spread() -> None:
    figure = accuracies([HeadScore(Linear(), [0.8], [0.7], [0.9], 0.8, float("nan"), float("nan"))])
    assert figure.data[1].error_x.visible is False


def test_confusion_names_counts_and_shares() -> None:
    figure = confusion(np.array([[60.5, 9.5], [8.0, 75.0]]), ["ants", "bees"], DressedQuantum())
    np.testing.assert_allclose(np.asarray(figure.data[0].z).sum(axis=1), 1)
    texts = {(note.y, note.x): note.text for note in figure.layout.annotations}
    assert texts["ants", "bees"] == "<b>9.5</b><br>13.6%"
    assert texts["bees", "bees"] == "<b>75.0</b><br>90.4%"


@pytest.mark.parametrize(
    ("counts", "told"),
    [
        ([[60.8, 9.25], [13, 70]], ["60.8", "9.2", "13.0", "70.0"]),
        ([[60, 10], [13, 70 + 1e-9]], ["60", "10", "13", "70"]),
        ([[1234.5, 9], [1, 0]], ["1,234.5", "9.0", "1.0", "0.0"]),
    ],
)
def test_all_cells_of_a_confusion_have_one_form(counts: list[list[float]], told: list[str]) -> None:
    notes = confusion(np.array(counts), ["ants", "bees"], DressedQuantum()).layout.annotations
    assert [note.text.split("</b>")[0].removeprefix("<b>") for note in notes] == told


def test_a_figure_for_export_names_its_heads_on_a_dark_ground_too() -> None:
    measured = epochs(2, 3, np.random.default_rng(3))
    figure = curves([Curve(head, measured) for head in HEADS], "loss", 2, dark=True, legend=True)
    assert figure.layout.template == template(dark=True)
    named = [each.name for each in figure.data if each.showlegend is not False]
    assert sorted(named) == sorted(f"{head.style.label}, validation" for head in HEADS)


def test_chance_is_a_line_among_the_accuracies_alone() -> None:
    measured = epochs(3, 2, np.random.default_rng(5))
    chance = Chance("<b>bee</b>", 0.542)
    accuracy = curves([Curve(Linear(), measured)], "accuracy", 3, chance=chance)
    (line,) = accuracy.layout.shapes
    assert line.y0 == line.y1 == 0.542
    (label,) = accuracy.layout.annotations
    assert "54.2%" in label.text
    assert "<b>" not in label.text  # names of classes are shown letter by letter
    assert not curves([Curve(Linear(), measured)], "loss", 3, chance=chance).layout.shapes
