"""Tables as Markdown and as plain text, and the table of rivals from a stored comparison."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from core.comparison.store import SHIPPED, load_comparison, load_predictions, stored_names, untuned_comparison
from core.report.comparison import contribution_table, evidence_table, rivals_table
from core.report.table import Cell, Column, Table, markdown, plain
from core.report.verdicts import words

TABLE = Table(
    (Column("Head"), Column("Accuracy", "right")),
    ((Cell("a|b*"), Cell("86.0 ± 0.9 %", 0.86)), (Cell("long name"), Cell("5 %", 0.05))),
    "caption",
)


def test_plain_columns_are_as_wide_as_their_longest_cell() -> None:
    head, first, second, caption = plain(TABLE).split("\n")
    assert head == "Head           Accuracy"
    assert first == "a|b*       86.0 ± 0.9 %"
    assert second == "long name           5 %"
    assert caption == "caption"


def test_markdown_shows_foreign_text_letter_by_letter() -> None:
    head, rule, first, second, _, caption = markdown(TABLE).split("\n")
    assert (head, rule) == ("| Head | Accuracy |", "| --- | ---: |")
    assert first == "| a\\|b\\* | 86.0 ± 0.9 % |"
    assert second == "| long name | 5 % |"
    assert caption == "caption"


def test_columns_are_chosen_by_their_headings_in_any_order() -> None:
    assert plain(TABLE.only("Accuracy")).split("\n")[1] == "86.0 ± 0.9 %"
    assert TABLE.only("Accuracy", "Head").headings == ["Accuracy", "Head"]
    with pytest.raises(ValueError, match="is not in list"):
        TABLE.only("Loss")


@pytest.mark.parametrize("name", stored_names(SHIPPED))
def test_the_table_of_rivals_shows_what_is_stored(name: str) -> None:
    comparison = load_comparison(name, SHIPPED)
    verdicts = comparison.verdicts(load_predictions(name, SHIPPED))
    untuned = untuned_comparison(comparison) if comparison.tuned else None
    table = rivals_table(comparison, verdicts, untuned)
    assert ("Untuned" in table.headings) == comparison.tuned
    rows = {row[0].text: dict(zip(table.headings, row, strict=True)) for row in table.rows}
    assert list(rows) == [result.rival.name for result in comparison.results]
    for result in comparison.results:
        row = rows[result.rival.name]
        n, mean = len(result.accuracy), np.mean(result.accuracy)
        half = stats.t.ppf(0.975, n - 1) * np.std(result.accuracy, ddof=1) / np.sqrt(n)
        inside = mean + half <= 1
        assert (row["Test accuracy"].text == f"{100 * mean:.1f} ± {100 * half:.1f} %") == inside
        assert row["Test accuracy"].number == pytest.approx(mean)
        assert row["Loss"].text == (f"{np.mean(result.loss):.3f}" if result.loss else "")
        assert row["Parameters"].number == result.parameters
    assert rows["quantum"]["Verdict"].text == "candidate"
    for verdict in verdicts:
        assert words(verdict) in rows[verdict.rival]["Verdict"].text
        assert rows[verdict.rival]["Lowest"].number == min(comparison.accuracy()[verdict.rival])


def test_the_evidence_of_a_verdict_names_every_test() -> None:
    comparison, predictions = load_comparison("moons", SHIPPED), load_predictions("moons", SHIPPED)
    verdict = comparison.verdicts(predictions)[0]
    shown = {row[0].text: row[1].text for row in evidence_table(verdict).rows}
    for population, finding in (("this test set", verdict.here), ("other test data", verdict.elsewhere)):
        assert shown[f"{population}: p of no difference, after Holm"] == f"{finding.difference_p:.2g}"
        assert shown[f"{population}: p for ± 1 point (TOST), after Holm"] == f"{finding.equivalence_p:.2g}"
    few = comparison.model_copy(
        update={
            "seeds": (0, 1, 2),
            "results": tuple(each.model_copy(update={"accuracy": each.accuracy[:3]}) for each in comparison.results),
        }
    )
    of_three = replace(predictions, predicted=predictions.predicted[:, :3])
    shown = {row[0].text: row[1].text for row in evidence_table(few.verdicts(of_three)[0]).rows}
    assert any("range over seeds" in label for label in shown)
    assert not any("Holm" in label for label in shown)


def test_shares_of_the_circuits_part_stay_between_0_and_100_percent() -> None:
    for name in stored_names(SHIPPED):
        contribution = load_comparison(name, SHIPPED).contribution
        assert contribution is not None
        table = contribution_table(contribution)
        for row in table.rows:
            if "%" in row[1].text:
                numbers = [float(word.strip("()%")) for word in row[1].text.split() if word.strip("()")[0].isdigit()]
                assert 0 <= min(numbers) <= max(numbers) <= 100, row
