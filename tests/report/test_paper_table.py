"""The paper's table as data: differences, marks and the closed form computed a second way."""

import re

import numpy as np
import pytest

from core.__main__ import main
from core.paper.rows import PAPERS_CUT, find_row
from core.paper.table import MeasuredRow, measured_rows
from core.report.paper import beside_shipped, closed_form_table, paper_table, steps_sentence
from core.runs.store import SHIPPED, Store
from core.statistics.intervals import Interval

LINES = {line.row.key: line for line in measured_rows()}


def cells(key: str) -> dict[str, str]:
    table = paper_table([LINES[key]])
    return dict(zip(table.headings, [cell.text for cell in table.rows[0]], strict=True))


@pytest.mark.parametrize(
    ("key", "reported"),
    [("ants_bees-layer3-linear-ours", 95.42), ("ants_bees-mobilenet_v2-dressed_quantum-paper", 96.73)],
)
def test_the_difference_is_that_of_the_stored_predictions(key: str, reported: float) -> None:
    stored = Store(SHIPPED).load(f"paper-{key}").predictions()
    measured = 100 * np.mean(stored["test_logits"].argmax(-1) == stored["test_labels"])
    shown = cells(key)
    assert shown["Reported"] == f"{reported} % *"
    assert shown["Difference"] == f"{measured - reported:+.1f} *"
    assert shown["Measured"].startswith(f"{measured:.1f} ± ")


def test_a_number_of_the_authors_is_marked_beside_other_features_alone() -> None:
    for line in LINES.values():
        shown = cells(line.row.key)
        images = line.row.example.number in ("2", "3")
        for column in ("Reported", "Difference"):
            marked = bool(shown[column]) and images and line.row.cut != PAPERS_CUT
            assert shown[column].endswith(" *") == marked, line.row.key
        assert bool(shown["Difference"]) == (line.row.reported is not None and line.measured is not None)


def test_the_terminal_shows_the_cells_of_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["paper", "list"]) == 0
    heading, *printed = capsys.readouterr().out.splitlines()
    table = paper_table(list(LINES.values())).only(*re.split(r"  +", heading))
    assert table.headings[:4] == ["Name", "Reported", "Measured", "Difference"]
    for row, line in zip(table.rows, printed, strict=False):
        assert re.split(r"  +", line) == [cell.text for cell in row if cell.text]


def test_what_ran_again_is_compared_with_what_ships() -> None:
    shipped = LINES["moons-hybrid-paper"].shipped
    assert shipped is not None
    best, width = shipped.best, shipped.best.high - shipped.best.low
    assert "exactly" in beside_shipped(shipped, best)
    inside = Interval(best.estimate + width / 4, best.low, best.high)
    outside = Interval(best.low - width, best.low - 2 * width, best.low - width / 2)
    assert "within" in beside_shipped(shipped, inside)
    assert "outside" in beside_shipped(shipped, outside)
    assert "first" in beside_shipped(None, best)


def test_steps_are_told_for_each_example_once() -> None:
    rows = [LINES[key].row for key in ("dogs_cats-layer3-linear-paper", "planes_cars-layer3-linear-paper")]
    moons = find_row("moons-hybrid-paper")
    each = 3 * 10_000 // 8  # epochs, images, images of a batch
    assert steps_sentence([*rows, moons], "paper") == f"Steps of training: CIFAR-10 pairs {each:,}, Other shapes 1,000."
    assert steps_sentence(rows, "ours") == ""


def test_the_closed_form_has_the_accuracies_of_its_rows() -> None:
    table = closed_form_table(list(LINES.values()))
    shown = {row[0].text: [cell.text for cell in row[1:]] for row in table.rows}
    assert list(shown) == ["Ants and bees", "Dogs and cats", "Planes and cars"]
    assert shown["Ants and bees"][2:] == ["6", "s₀", "s₁", "s₀·s₂", "s₀·s₁·s₃"]
    assert shown["Planes and cars"][2:] == ["4", "s₀", "s₁", "s₂", "s₃"]
    measured = [
        cells(f"dogs_cats-resnet18_mlnet-{head}-ours")["Measured"] for head in ("dressed_quantum", "closed_form")
    ]
    assert shown["Dogs and cats"][:2] == measured
    assert "ML.NET's ResNet18" in table.caption
    nothing = closed_form_table([MeasuredRow(line.row) for line in LINES.values()])
    assert {cell.text for row in nothing.rows for cell in row[1:3]} == {"not run here"}
