"""Finished heads on one test set, in words: what their seeds show, and which samples are misclassified."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.config.heads.base import Head
from core.config.heads.bottleneck import Bottleneck
from core.config.heads.closed_form import ClosedForm
from core.config.heads.dressed_quantum import DressedQuantum
from core.config.heads.linear import Linear
from core.config.heads.mlp import MLP
from core.config.run import RunConfig
from core.events import Finished
from core.report.results import (
    HeadResult,
    explanation,
    head_result,
    in_one_line,
    most_often_wrong,
    sentence,
    wrong_caption,
    wrong_title,
)
from core.runs.store import Store
from core.statistics.intervals import FEWEST_SEEDS

TEN_HEADS: tuple[Head, ...] = (
    DressedQuantum(),
    Bottleneck(),
    Linear(),
    MLP(),
    ClosedForm(),
    *(
        DressedQuantum(ablation=ablation)
        for ablation in ("near_zero", "random_angles", "no_entanglers", "shuffled_entanglers", "frozen_pre_net")
    ),
)


def seen(head: Head, n_right: list[int], n_test: int = 1_000) -> HeadResult:
    """A head whose every seed gets the first so many of the test samples right."""
    correct = np.arange(n_test) < np.array(n_right)[:, None]
    labels = np.arange(n_test) % 2
    names = tuple(f"sample {index}" for index in range(n_test))
    config = RunConfig(dataset="spirals", head=head, seeds=len(n_right))
    return HeadResult(config, correct, np.zeros((2, 2)), names, labels, 1 - labels, (~correct).sum(axis=0))


def test_too_few_seeds_are_told_with_the_number_that_can_decide() -> None:
    def told(n_seeds: int) -> str:
        return sentence(
            [seen(head, [900 - 30 * place + seed for seed in range(n_seeds)]) for place, head in enumerate(TEN_HEADS)]
        )

    few = f"{FEWEST_SEEDS - 1} seeds are too few to decide anything: it takes {FEWEST_SEEDS}."
    assert few in told(FEWEST_SEEDS - 1)
    assert "seeds show" not in told(FEWEST_SEEDS - 1)
    assert "too few" not in told(FEWEST_SEEDS)
    shown = f"{FEWEST_SEEDS} seeds show that quantum is better than bottleneck, linear, mlp, closed form, near zero, "
    assert shown in told(FEWEST_SEEDS)


def test_rivals_of_the_same_verdict_are_told_together() -> None:
    n_right = [900 + seed for seed in range(12)]
    told = sentence(
        [
            seen(DressedQuantum(), n_right),
            seen(Bottleneck(), [n + (-60, 55)[seed % 2] for seed, n in enumerate(n_right)]),
            seen(Linear(), [n - 40 for n in n_right]),
            seen(MLP(), [n - 80 for n in n_right]),
            seen(ClosedForm(), [n + (2, -2)[seed % 2] for seed, n in enumerate(n_right)]),
            seen(DressedQuantum(ablation="near_zero"), [n + 50 for n in n_right]),
        ]
    )
    shown = "better than linear and mlp, equivalent within 1 point to closed form and worse than near zero"
    assert f"at one learning rate for all heads, 12 seeds show that quantum is {shown}; they" in told
    assert "do not decide between quantum and bottleneck" in told


def test_few_seeds_have_a_range_and_enough_have_plus_minus() -> None:
    told = sentence([seen(Linear(), [700, 800, 900])])
    assert "linear 80.0 % (range 70.0 to 90.0)" in told
    assert "±" in sentence([seen(Linear(), [700, 800, 900] * 2)]).split(".")[1]
    assert "range over seeds" in explanation(RunConfig(seeds=5))
    assert "95 % interval" in explanation(RunConfig(seeds=6)).split("Diamond")[1]


def test_heads_at_chance_level_are_told_that_they_learned_nothing() -> None:
    always_first = seen(DressedQuantum(), [500] * 8)  # the classes take turns: one constant answer is right in half
    assert "neither quantum nor linear learned anything (always answering '" in sentence(
        [always_first, seen(Linear(), [500] * 8)]
    )
    assert "gives 50.0 %" in sentence([always_first, seen(Linear(), [500] * 8)])
    assert "learned anything" not in sentence([always_first, seen(Linear(), [900] * 8)])


def test_a_tested_head_counts_what_its_predictions_are(tmp_path: Path) -> None:
    store = Store(tmp_path)
    run_id = store.create(RunConfig(seeds=2), {})
    logits = np.array([[[2, 1], [0, 1], [0, 3]], [[0, 1], [0, 1], [5, 3]]], dtype=np.float32)  # 0 1 1 and 1 1 0
    finished = Finished(
        test_loss=[0.5, 0.6],
        test_accuracy=[2 / 3, 2 / 3],
        best_epoch=[1, 1],
        seconds=1.0,
        test_logits=logits,
        test_labels=np.array([0, 0, 1]),
        test_names=["a", "b", "c"],
        weights={},
    )
    store.append(run_id, finished)
    head = head_result(store.load(run_id))
    np.testing.assert_array_equal(head.correct, [[True, False, True], [False, False, False]])
    np.testing.assert_array_equal(head.confusion, [[0.5, 1.5], [0.5, 0.5]])
    np.testing.assert_array_equal(head.mistaken, [1, 1, 0])
    np.testing.assert_array_equal(head.times_wrong, [1, 2, 1])
    assert wrong_caption(head, 1) == "ants, taken for bees by 2 of 2 seeds"

    other = replace(head, config=RunConfig(seeds=2, head=Linear()))
    assert "at one learning rate for all heads" in sentence((seen_8(head), seen_8(other)))
    tuned = replace(other, config=RunConfig(seeds=2, head=Linear(), learning_rate=0.01))
    assert "at one learning rate for all heads" not in sentence((seen_8(head), seen_8(tuned)))


def seen_8(head: HeadResult) -> HeadResult:
    """The same head with eight seeds that get everything right."""
    return replace(head, correct=np.ones((8, 3), dtype=bool))


@pytest.mark.parametrize(
    ("dataset", "protocol", "words"),
    [
        ("ants_bees", "ours", ("lowest validation loss", "test images")),
        ("ants_bees", "paper", ("best accuracy on the test set", "test images")),
        ("ants_bees", "paper_batchnorm", ("best accuracy on the test set", "test images")),
        ("spirals", "ours", ("lowest validation loss", "test points")),
        ("moons", "paper", ("best accuracy on the test set", "test points")),
    ],
)
def test_the_caption_says_which_epoch_is_tested_and_on_what(
    dataset: str, protocol: str, words: tuple[str, str]
) -> None:
    told = explanation(RunConfig.model_validate({"dataset": dataset, "protocol": protocol} | _features(protocol)))
    for each in words:
        assert each in told
    assert ("images" in told) == (dataset == "ants_bees")


def _features(protocol: str) -> dict[str, str]:
    return {"backbone": "resnet18", "layer": "avgpool"} if protocol == "paper_batchnorm" else {}


def test_among_images_that_are_wrong_as_often_the_classes_take_turns() -> None:
    times = np.array([8, 8, 8, 0, 8, 7, 8, 8])
    labels = np.array([0, 0, 0, 0, 0, 1, 1, 1])
    assert most_often_wrong(times, labels) == [0, 6, 1, 7, 2, 4, 5]
    many = most_often_wrong(np.full(400, 3), np.arange(400) // 200)
    assert [index // 200 for index in many] == [0, 1] * 6


@pytest.mark.parametrize(
    ("n_right", "like_these"),
    [
        ([57] * 8, ": 12 of 143 that all 8 seeds get wrong"),
        ([190] * 3 + [150] * 5, ": 12 of 50 that 5 or more of 8 seeds get wrong"),
        ([57], ": 12 of 143 that the one seed gets wrong"),
        ([188] * 8, ""),
        ([195, 190], ""),
    ],
)
def test_wrong_samples_say_how_many_there_are_like_them(n_right: list[int], like_these: str) -> None:
    head = seen(Linear(), n_right, 200)
    title = wrong_title(head, most_often_wrong(head.times_wrong, head.labels))
    assert title == f"**Test images that linear gets wrong most often**{like_these}"


def test_one_line_says_what_is_decided_and_what_is_not() -> None:
    best = seen(DressedQuantum(), [900 + seed for seed in range(8)])
    worse = seen(Linear(), [700 + seed for seed in range(8)])
    alike = seen(Bottleneck(), [900 + (seed * 37) % 60 - 26 for seed in range(8)])
    line = in_one_line([best, worse, alike])
    assert line.startswith("Test: quantum 90.4, linear 70.3, bottleneck 89.9 %: quantum ")
    assert "better than linear" in line
    assert "not decided against bottleneck" in line
    assert in_one_line([best, alike]).endswith(" %: not decided")
    assert in_one_line([best]) == "Test: quantum 90.4 %"
    lost = seen(Linear(), [500 - seed % 2 for seed in range(8)])
    assert "at chance level like bottleneck" in in_one_line(
        [lost, replace(lost, config=RunConfig(dataset="spirals", head=Bottleneck()))]
    )
