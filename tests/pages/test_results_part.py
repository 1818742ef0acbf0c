"""The page's part on finished heads: where the same data have tuned heads."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core.comparison import store as comparison
from core.config.heads.base import Head
from core.config.heads.dressed_quantum import DressedQuantum
from core.config.heads.linear import Linear
from core.config.run import RunConfig
from core.report.results import HeadResult
from pages.ui.results import tuned_address


def seen(head: Head, n_right: list[int], n_test: int = 1_000) -> HeadResult:
    """A head whose every seed gets the first so many of the test samples right."""
    correct = np.arange(n_test) < np.array(n_right)[:, None]
    labels = np.arange(n_test) % 2
    names = tuple(f"sample {index}" for index in range(n_test))
    config = RunConfig(dataset="spirals", head=head, seeds=len(n_right))
    return HeadResult(config, correct, np.zeros((2, 2)), names, labels, 1 - labels, (~correct).sum(axis=0))


def test_tuned_heads_are_offered_where_a_comparison_of_these_data_and_features_is_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ants = {"problem": "ants_bees-layer3", "settings": "tuned"}
    assert tuned_address(RunConfig(backbone="resnet18")) == ants
    assert tuned_address(RunConfig(backbone="resnet18", head=Linear(), epochs=3, learning_rate=0.3)) == ants
    assert tuned_address(RunConfig(backbone="mobilenet_v2"))["problem"] == "ants_bees-mobilenet_v2"
    assert tuned_address(RunConfig(dataset="spirals_2.0"))["problem"] == "spirals_2.0"
    assert tuned_address(RunConfig(backbone="resnet18", layer="avgpool")) == {}
    monkeypatch.setattr(comparison, "SHIPPED", tmp_path)
    monkeypatch.setenv("LAB_RESULTS_DIR", str(tmp_path))
    assert tuned_address(RunConfig(backbone="resnet18")) == {}


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
