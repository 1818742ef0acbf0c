"""What the README claims of the circuit, against the verdicts that the stored comparisons give now."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from core.comparison.store import SHIPPED, load_comparison, load_predictions
from core.report.verdicts import words
from core.statistics.verdict import Verdict

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
SECTION = README.split("## What the circuit is worth")[1]
LAYER3 = ("ants_bees-layer3", "dogs_cats-layer3", "planes_cars-layer3")


@cache
def verdicts(name: str) -> dict[str, Verdict]:
    found = load_comparison(name, SHIPPED).verdicts(load_predictions(name, SHIPPED))
    return {verdict.rival: verdict for verdict in found}


def mean(name: str, head: str) -> float:
    return float(np.mean(load_comparison(name, SHIPPED).accuracy()[head]))


@pytest.mark.parametrize(
    ("start", "name", "head"),
    [
        *(
            ("Ants and bees, complete network", "ants_bees-converged", name)
            for name in ("quantum", "bottleneck", "closed form", "logistic regression", "RBF-SVM")
        ),
        ("Spirals", "spirals", "quantum"),
        ("Spirals", "spirals", "near zero"),
        ("Spirals", "spirals", "no entanglers"),
        ("Spirals", "spirals", "paper's classical"),
        ("Spirals", "spirals", "RBF-SVM"),
        ("Spirals", "spirals-tuned", "two tanh layers"),
        ("Spirals", "spirals-tuned", "quantum"),
        ("Spirals", "spirals-tuned", "near zero"),
        ("Spirals", "spirals-tuned", "closed form"),
        ("Ants and bees", "ants_bees-layer3", "quantum"),
        ("Ants and bees", "ants_bees-layer3", "closed form"),
        ("Ants and bees", "ants_bees-layer3", "logistic regression"),
        ("Ants and bees", "ants_bees-layer3", "RBF-SVM"),
        ("Ants and bees", "ants_bees-layer3-tuned", "quantum"),
        ("Dogs and cats", "dogs_cats-layer3", "quantum"),
        ("Dogs and cats", "dogs_cats-layer3", "bottleneck"),
        ("Dogs and cats", "dogs_cats-layer3", "RBF-SVM"),
        ("Planes and cars", "planes_cars-layer3", "quantum"),
        ("Planes and cars", "planes_cars-layer3", "RBF-SVM"),
    ],
)
def test_every_accuracy_is_the_stored_one(start: str, name: str, head: str) -> None:
    paragraph = SECTION.split(f"- **{start}**")[1].split("\n- **")[0]
    assert f"{100 * mean(name, head):.1f} %" in paragraph


@pytest.mark.parametrize(
    ("name", "rival", "told"),
    [
        ("ants_bees-converged", "bottleneck", "not decided"),
        ("ants_bees-converged", "closed form", "not decided"),
        ("ants_bees-converged", "logistic regression", "worse on this test set alone"),
        ("ants_bees-converged", "RBF-SVM", "worse on this test set alone"),
        ("spirals", "near zero", "better"),
        ("spirals", "no entanglers", "better"),
        ("spirals", "paper's classical", "better"),
        ("spirals-tuned", "two tanh layers", "worse on this test set alone"),
        ("spirals-tuned", "near zero", "better"),
        ("spirals-tuned", "closed form", "better"),
        ("ants_bees-layer3", "closed form", "equivalent on this test set alone"),
        ("ants_bees-layer3", "logistic regression", "worse on this test set alone"),
        ("ants_bees-layer3", "RBF-SVM", "worse on this test set alone"),
        ("ants_bees-layer3-tuned", "logistic regression", "equivalent on this test set alone"),
        ("dogs_cats-layer3", "closed form", "equivalent"),
        ("dogs_cats-layer3", "bottleneck", "better"),
        ("dogs_cats-layer3", "RBF-SVM", "worse"),
        ("dogs_cats-layer3-tuned", "closed form", "equivalent"),
        ("dogs_cats-layer3-tuned", "bottleneck", "not decided"),
        ("planes_cars-layer3", "closed form", "better, by less than the margin"),
        ("planes_cars-layer3", "bottleneck", "better"),
        ("planes_cars-layer3", "RBF-SVM", "worse"),
        ("planes_cars-layer3-tuned", "closed form", "equivalent"),
        ("planes_cars-layer3-tuned", "bottleneck", "equivalent"),
    ],
)
def test_every_verdict_is_the_one_of_the_rule(name: str, rival: str, told: str) -> None:
    assert words(verdicts(name)[rival]) == told


@pytest.mark.parametrize("name", [f"{name}{tuned}" for name in LAYER3 for tuned in ("", "-tuned")])
def test_a_support_vector_machine_is_ahead_of_every_trained_head(name: str) -> None:
    comparison = load_comparison(name, SHIPPED)
    heads = [result.rival.name for result in comparison.results if result.rival.head is not None]
    assert mean(name, "RBF-SVM") > max(mean(name, head) for head in heads)
