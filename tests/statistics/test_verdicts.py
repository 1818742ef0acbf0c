"""The rule's verdicts on heads whose answers are made, and the words for them."""

import numpy as np
import pytest

from core.errors import LabError
from core.report.verdicts import ALONE, all_in_one, headline, sentence, title, words
from core.statistics.metrics import Chance
from core.statistics.verdict import verdicts

SEEDS, SAMPLES = 12, 2_000


def head(accuracy: float, spread: float = 0.0, seed: int = 0, samples: int = SAMPLES) -> np.ndarray:
    """Answers (SEEDS, samples) that are right where a sample is easy enough, with so many points between seeds."""
    skill = accuracy + spread * np.random.default_rng(seed).normal(size=(SEEDS, 1))
    return np.arange(samples) / samples < skill


@pytest.mark.parametrize(
    ("margin", "candidate"), [(0, "a"), (float("nan"), "a"), (float("inf"), "a"), (101, "a"), (1, "c")]
)
def test_questions_that_make_no_sense_are_refused(margin: float, candidate: str) -> None:
    with pytest.raises(LabError):
        verdicts(candidate, {"a": head(0.9), "b": head(0.8)}, margin)


@pytest.mark.parametrize(
    ("first", "second"), [(head(0.9)[:1], head(0.9)[:1]), (head(0.9), head(0.9)[:-1]), (head(0.9), head(0.9)[:, :-1])]
)
def test_what_cannot_be_paired_is_refused(first: np.ndarray, second: np.ndarray) -> None:
    with pytest.raises(LabError):
        verdicts("a", {"a": first, "b": second})


def test_every_verdict_has_its_words() -> None:
    heads = {
        "q": head(0.90, 0.002),
        "far": head(0.85, 0.002, 1),
        "ahead": head(0.95, 0.002, 2),
        "near": head(0.895, 0.0005, 0),
        "alike": head(0.90, 0.002, 3),
        "noisy": head(0.89, 0.06, 4),
    }
    found = {one.rival: one for one in verdicts("q", heads)}
    assert {name: words(one) for name, one in found.items()} == {
        "far": "better",
        "ahead": "worse",
        "near": "better, by less than the margin",
        "alike": "equivalent",
        "noisy": "not decided",
    }
    assert title(found["far"]).startswith("q is better than far by 5.")
    assert "by less than the margin (0.5 points)" in title(found["near"])
    assert title(found["alike"]) == "q and alike are equivalent within 1 point"
    told = sentence(found["noisy"])
    assert told.startswith("On this test set, with other seeds, q differs from noisy by ")
    assert "On other test data of this kind 95 % interval" in told
    assert "seeds and 2,000 test samples would likely decide." in told
    assert "would likely decide" not in sentence(found["far"])
    assert headline(list(found.values())) == (
        "q is better than 2 (1 by less than 1 point), worse than 1 and equivalent within 1 point to 1 of 5 rivals; "
        "1 not decided"
    )


def test_what_other_samples_leave_open_is_marked() -> None:
    """Certain over seeds, open over samples: both heads always answer alike, and two samples of 100 tell them apart."""
    right = np.tile(np.arange(100) >= 10, (SEEDS, 1))
    rival = np.tile(np.arange(100) >= 12, (SEEDS, 1))
    (found,) = verdicts("a", {"a": right, "b": rival})
    assert (found.here.kind, found.kind) == ("better", "not decided")
    assert words(found) == f"better {ALONE}"
    assert title(found) == f"a is better than b {ALONE} by 2.0 points"
    assert headline([found]) == f"a against 1 rival: nothing is decided (1 of them decided {ALONE})"
    assert all_in_one([found]) == (
        "On this test set, 12 seeds show that a is better than b. For other test data of this kind they do not decide "
        "between a and b."
    )


def test_rivals_of_one_verdict_are_told_together_and_both_populations_once_where_they_agree() -> None:
    heads = {"q": head(0.9, 0.001), "x": head(0.8, 0.001, 1), "y": head(0.7, 0.001, 2), "z": head(0.9, 0.001, 3)}
    assert all_in_one(verdicts("q", heads), ", at one rate") == (
        "On this test set and on other test data of this kind, at one rate, 12 seeds show that q is better than x and "
        "y and equivalent within 1 point to z."
    )


def test_two_heads_that_learned_nothing_are_told_so_in_place_of_equivalent() -> None:
    chance = Chance("bee", 0.542)
    low, lower, high = head(0.542, 0.002, 0, 20_000), head(0.5, 0.002, 1, 20_000), head(0.7, 0.002, 2, 20_000)
    for first, second, kind in (
        (low, head(0.542, 0.002, 3, 20_000), "at chance"),
        (lower, head(0.5, 0.002, 4, 20_000), "at chance"),
        (high, head(0.7, 0.002, 5, 20_000), "equivalent"),
        (low, high, "worse"),
    ):
        (found,) = verdicts("a", {"a": first, "b": second}, chance=chance)
        assert found.kind == kind
        assert ("always answering 'bee' gives 54.2 %" in sentence(found)) == (kind == "at chance")
        assert ("equivalent" in title(found)) == (kind == "equivalent")
    (found,) = verdicts("a", {"a": low, "b": lower}, chance=chance, margin=10)
    assert words(found) == "neither learned anything"
    assert "equivalent" not in headline([found])
    assert verdicts("a", {"a": low, "b": low})[0].kind == "equivalent"  # chance level not known


def test_what_rounds_to_zero_is_no_signed_zero() -> None:
    (same,) = verdicts("a", {"a": head(0.9), "same": head(0.9)})
    assert "by less than 0.1 points (95 % interval 0.0 to 0.0" in sentence(same)
