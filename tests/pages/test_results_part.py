"""What the page says of finished heads on the test set: verdicts, wrong images, and where tuned heads are."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core.comparison import record as comparison
from core.config.heads.base import Head
from core.config.heads.bottleneck import Bottleneck
from core.config.heads.closed_form import ClosedForm
from core.config.heads.dressed_quantum import DressedQuantum
from core.config.heads.linear import Linear
from core.config.heads.mlp import MLP
from core.config.run import RunConfig
from core.statistics.verdict import fewest_seeds
from pages.ui import results as results_part
from pages.ui.results import explanation, most_often_wrong, sentence, tuned_address

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


def seen(head: Head, n_right: list[int], n_test: int = 1_000) -> results_part.Tested:
    """A head whose every seed gets the first so many of the test samples right."""
    correct = np.arange(n_test) < np.array(n_right)[:, None]
    labels = np.arange(n_test) % 2
    names = tuple(f"sample {index}" for index in range(n_test))
    config = RunConfig(dataset="spirals", head=head, seeds=len(n_right))
    return results_part.Tested(config, correct, np.zeros((2, 2)), names, labels, labels)


def test_too_few_seeds_for_so_many_heads_are_told_with_the_number_that_can_decide() -> None:
    apart = [seen(head, [900 - 30 * place + seed for seed in range(8)]) for place, head in enumerate(TEN_HEADS)]
    told = sentence(apart)
    fewest = fewest_seeds(9)
    assert fewest > 8
    assert f"8 seeds are too few to show a difference from any of 9 rivals, however clear: it takes {fewest}." in told
    assert "not enough evidence" not in told
    assert "These 8 seeds show" not in told

    enough = [seen(head, [900 - 30 * place + seed for seed in range(fewest)]) for place, head in enumerate(TEN_HEADS)]
    assert "too few" not in sentence(enough)
    assert f"These {fewest} seeds show of quantum on this test set" in sentence(enough)
    assert "better than bottleneck, linear, mlp, closed form, " in sentence(enough)


def test_equivalence_needs_fewer_seeds_than_a_difference_and_is_told_beside_it() -> None:
    alike = [900 + seed for seed in range(5)]
    found = sentence([seen(DressedQuantum(), alike), seen(Linear(), alike), seen(MLP(), [500] * 5)])
    assert "equivalent within 1 point to linear. 5 seeds are too few to show a difference from any of 2 rivals" in found


def test_rivals_of_the_same_verdict_are_told_together() -> None:
    n_right = [900 + seed for seed in range(12)]
    told = sentence(
        [
            seen(DressedQuantum(), n_right),
            seen(Bottleneck(), [n + (-60, 55)[seed % 2] for seed, n in enumerate(n_right)]),
            seen(Linear(), [n - 40 for n in n_right]),
            seen(MLP(), [n - 80 for n in n_right]),
            seen(ClosedForm(), [n + 4 + seed % 2 for seed, n in enumerate(n_right)]),
            seen(DressedQuantum(ablation="near_zero"), [n + 50 for n in n_right]),
        ]
    )
    shown = "better than linear and mlp; equivalent within 1 point to closed form; worse than near zero; "
    shown += "not enough evidence against bottleneck. More seeds cannot"
    assert f"at one learning rate for all heads: {shown}" in told


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


def wrong_images_of(n_right: list[int], n_test: int, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """The page's part on wrong images of a head whose every seed gets the first so many right."""

    def part() -> None:
        import streamlit as st

        from pages.ui.results import _wrong_images

        _wrong_images(st.session_state.tested, ("cat", "dog"))

    monkeypatch.setattr(results_part, "thumbnails", lambda _, names, __: [np.zeros((4, 4, 3), np.uint8) for _ in names])
    page = AppTest.from_function(part)
    page.session_state.tested = seen(Linear(), n_right, n_test)
    page.run()
    assert not page.exception
    return page


@pytest.mark.parametrize(
    ("n_right", "like_these"),
    [
        ([57] * 8, ": 12 of 143 that all 8 seeds get wrong"),
        ([190] * 3 + [150] * 5, ": 12 of 50 that 5 or more of 8 seeds get wrong"),
        ([57], ": 12 of 143 that its one seed gets wrong"),
        ([188] * 8, ""),
        ([195, 190], ""),
    ],
)
def test_wrong_images_say_how_many_there_are_like_them(
    n_right: list[int], like_these: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (title,) = wrong_images_of(n_right, 200, monkeypatch).markdown
    assert title.value == f"**Test images that linear gets wrong most often**{like_these}"


def test_tuned_heads_are_offered_where_a_comparison_of_these_data_and_features_is_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ants = {"problem": "ants_bees-layer3", "settings": "tuned"}
    assert tuned_address(RunConfig()) == ants
    assert tuned_address(RunConfig(head=Linear(), epochs=3, learning_rate=0.3)) == ants
    assert tuned_address(RunConfig(backbone="mobilenet_v2"))["problem"] == "ants_bees-mobilenet_v2"
    assert tuned_address(RunConfig(dataset="spirals_2.0"))["problem"] == "spirals_2.0"
    assert tuned_address(RunConfig(backbone="resnet18", layer="avgpool")) == {}
    monkeypatch.setattr(comparison, "SHIPPED", tmp_path)
    monkeypatch.setenv("LAB_RESULTS_DIR", str(tmp_path))
    assert tuned_address(RunConfig()) == {}


@pytest.mark.parametrize(
    ("rates", "stored", "addresses"),
    [
        ((0.07, 0.07), True, [{"problem": "spirals", "settings": "tuned"}]),
        ((0.07, 0.07), False, []),
        ((0.07, 0.01), True, []),
    ],
)
def test_the_link_to_tuned_heads_names_what_is_shown(
    rates: tuple[float, float],
    stored: bool,
    addresses: list[dict[str, str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def part() -> None:
        import streamlit as st

        from pages.ui.results import tests_view

        tests_view(st.session_state.tested)

    if not stored:
        monkeypatch.setattr(comparison, "SHIPPED", tmp_path)
        monkeypatch.setenv("LAB_RESULTS_DIR", str(tmp_path))
    links: list[dict[str, str]] = []
    monkeypatch.setattr(st, "page_link", lambda page, label, icon, query_params: links.append(query_params))
    page = AppTest.from_function(part, default_timeout=60)
    both = seen(DressedQuantum(), [900, 905]), seen(Linear(), [800, 810])
    page.session_state.tested = [
        replace(each, config=each.config.model_copy(update={"learning_rate": rate}))
        for each, rate in zip(both, rates, strict=True)
    ]
    page.run()
    assert not page.exception
    assert links == addresses
