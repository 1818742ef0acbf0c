"""The paper's page in a real browser: opened by its link, read, and a row pressed."""

import re
from typing import Any, Literal

import pytest
from live_page import Laboratory, new_page
from playwright.sync_api import Browser, Page, expect

from core.paper.examples import EXAMPLES
from core.paper.rows import find_row, rows
from core.paper.table import measured_rows
from core.paper.titles import features_title, full_title, short_title

FIRST_ROW, ROW, RUN_COLUMN, DIFFERENCE_COLUMN = 49, 33, 294, 548
"""Pixels from the table's upper left corner to the first row's middle, from row to row, and to two columns."""


def open_paper(
    browser: Browser, laboratory: Laboratory, query: str, width: int = 1440, height: int = 1000, **look: Any
) -> Page:
    page = new_page(browser, viewport={"width": width, "height": height}, **look)
    page.goto(f"{laboratory.url}/paper?{query}")
    expect(page.get_by_role("heading", name="One example closely")).to_be_visible()
    page.locator(".lab-chart .main-svg").first.wait_for()
    expect(page.locator("[data-testid=stApp]")).to_have_attribute("data-test-script-state", "notRunning")
    return page


def press_row(page: Page, row: int) -> None:
    table = page.locator("[data-testid=stDataFrame]")
    place = table.bounding_box()
    assert place is not None
    page.mouse.move(place["x"] + RUN_COLUMN - 9, place["y"] + FIRST_ROW + row * ROW, steps=3)
    page.mouse.move(place["x"] + RUN_COLUMN, place["y"] + FIRST_ROW + row * ROW, steps=3)
    page.mouse.down()
    page.mouse.up()


def test_a_link_to_the_page_is_the_first_visit_and_rows_run_again(browser: Browser, laboratory: Laboratory) -> None:
    page = open_paper(browser, laboratory, "examples=1+Two+spirals&example=1+Two+spirals")
    expect(page.get_by_role("link", name="Laboratory")).to_be_visible()  # the menu of dashboard.py
    said = page.locator(".st-key-again .status")
    expect(said).to_contain_text("Press a row's button")

    press_row(page, 1)
    expect(said).to_contain_text("Two spirals, 1.52 turns, quantum")
    page.get_by_text("paper, early", exact=True).click()  # draws the page anew while it is computed
    expect(page.get_by_text("with the learning rate lowered")).to_be_visible()
    expect(said).to_contain_text("97.0 %, exactly the number in the table")

    press_row(page, 2)
    expect(said).to_contain_text("mlp, 2 coordinates, paper")
    expect(said).to_contain_text("the table")
    assert "outside" not in said.inner_text()
    (record,) = laboratory.records()
    assert record["status"] == "finished"
    assert (record["config"]["dataset"], record["config"]["protocol"]) == ("spirals", "paper")
    page.context.close()


def test_a_row_that_runs_can_be_stopped_from_wherever_its_button_is(browser: Browser, laboratory: Laboratory) -> None:
    page = open_paper(browser, laboratory, "examples=3+CIFAR-10+pairs&protocols=paper&protocols=ours&example=2")
    before = {record["run_id"] for record in laboratory.records()}
    page.mouse.move(700, 600)
    page.mouse.wheel(0, 150)
    page.wait_for_timeout(500)
    press_row(page, 1)
    page.get_by_role("button", name="Stop").click()
    said = page.locator(".st-key-again .status")
    expect(said).to_contain_text("stopped after")
    expect(said).to_be_in_viewport()
    (record,) = [record for record in laboratory.records() if record["run_id"] not in before]
    assert record["status"] == "stopped"
    page.context.close()


def test_a_link_may_name_examples_by_their_numbers(browser: Browser, laboratory: Laboratory) -> None:
    page = open_paper(browser, laboratory, "examples=1b&example=1")
    expect(page.get_by_text("Steps of training: Other shapes 1,000.").first).to_be_visible()
    assert "examples=1b+Other+shapes" in page.url
    assert "example=1+Two+spirals" in page.url
    page.context.close()
    page = open_paper(browser, laboratory, "examples=7")
    expect(page.get_by_text("examples = '7' is not possible: use 1, 1b, 2, 3.")).to_be_visible()
    page.context.close()


def test_a_row_without_features_offers_them_with_size_and_time(browser: Browser, laboratory: Laboratory) -> None:
    page = open_paper(browser, laboratory, "examples=2+Ants+and+bees&protocols=ours")
    press_row(page, 5)  # after the five heads on the features that ship
    said = page.locator(".st-key-again .status")
    expect(page.get_by_role("button", name="Extract features (downloads up to")).to_be_visible()
    expect(said).to_contain_text(re.compile("397 images once; about .* s"))
    page.context.close()


def test_other_features_are_one_click_away(browser: Browser, laboratory: Laboratory) -> None:
    page = open_paper(browser, laboratory, "examples=2&protocols=ours&example=1", width=390)
    features = page.locator(".st-key-paper-list tbody small")
    expect(features.first).to_have_text("ML.NET's ResNet18, 512")
    assert set(features.all_inner_texts()) == {"ML.NET's ResNet18, 512", "ResNet-18 complete, 512"}
    page.get_by_text("Other networks and layers").click()
    shown = [row for row in rows() if row.example.number == "2" and row.protocol == "ours"]
    expect(features).to_have_text([features_title(row) for row in shown])
    page.wait_for_url("**features=true**")
    page.context.close()


def test_a_row_with_batchnorm_says_what_training_on_images_takes(browser: Browser, laboratory: Laboratory) -> None:
    page = open_paper(browser, laboratory, "examples=2+Ants+and+bees&protocols=paper%2C+BatchNorm")
    press_row(page, 0)
    said = page.locator(".st-key-again .status")
    expect(said).to_contain_text(re.compile("30 epochs of 397 images .*; about .* min|h"))
    expect(page.get_by_role("button", name="and train")).to_be_visible()
    expect(page.get_by_role("button", name="Extract features")).to_have_count(0)
    page.context.close()


def test_the_button_belongs_to_its_row_also_when_the_table_is_sorted(browser: Browser, laboratory: Laboratory) -> None:
    page = open_paper(browser, laboratory, "examples=1&example=1")
    for _ in range(2):  # the second click sorts the other way
        page.locator("[data-testid=stDataFrame]").click(position={"x": 60, "y": 17})
        page.wait_for_timeout(500)
    press_row(page, 0)
    expect(page.locator(".st-key-again .status")).to_contain_text("Two spirals, 2 turns, quantum, 2 coordinates, paper")
    page.context.close()


def test_differences_sort_as_numbers(browser: Browser, laboratory: Laboratory) -> None:
    page = open_paper(browser, laboratory, "examples=2&examples=3&protocols=paper&example=1&features=true")
    for _ in range(2):  # the second click sorts the other way
        page.locator("[data-testid=stDataFrame]").click(position={"x": DIFFERENCE_COLUMN, "y": 17})
        page.wait_for_timeout(500)
    press_row(page, 0)
    differences = {
        each.row: each.measured.best.estimate - each.row.reported.accuracy
        for each in measured_rows()
        if each.row.example in EXAMPLES[2:] and each.row.protocol == "paper" and each.row.reported and each.measured
    }
    largest = max(differences, key=differences.__getitem__)
    expect(page.locator(".st-key-again .status")).to_contain_text(full_title(largest))
    page.context.close()


def test_titles_of_a_row_are_its_alone() -> None:
    titles = [(short_title(row), features_title(row)) for row in rows()]
    assert len(set(titles)) == len({full_title(row) for row in rows()}) == len(titles)
    assert short_title(find_row("spirals-hybrid-notebook")) == "Two spirals, 1.52 turns, notebook, quantum"
    assert short_title(find_row("ants_bees-layer3-linear-paper-early")) == "Ants and bees, early, linear"
    assert features_title(find_row("ants_bees-mobilenet_v2-mlp-ours")) == "MobileNetV2, 1280"
    batchnorm = find_row("dogs_cats-avgpool-dressed_quantum-paper-BatchNorm")
    assert (short_title(batchnorm), features_title(batchnorm)) == (
        "Dogs and cats, BatchNorm, quantum",
        "ResNet-18 complete, 512",
    )


@pytest.mark.parametrize("look", ["light", "dark"])
def test_a_second_row_does_not_hide_the_bar_of_the_first(
    browser: Browser, laboratory: Laboratory, look: Literal["light", "dark"]
) -> None:
    page = open_paper(browser, laboratory, "examples=1&protocols=notebook&example=1", color_scheme=look)
    for row in (1, 0):
        press_row(page, row)
        bars = page.locator(".st-key-again-bars .status")
        expect(bars.first).to_contain_text(("mlp", "quantum")[row])
    expect(bars).to_have_count(2)
    expect(bars.nth(1)).to_contain_text("97.0 %, exactly the number in the table")
    expect(bars.first).to_contain_text("85.5 %, exactly the number in the table")
    for bar in bars.all():
        expect(bar).to_be_in_viewport()
    colours = "name => getComputedStyle(document.querySelector(name)).backgroundColor"
    assert page.evaluate(colours, ".st-key-again-bars") == page.evaluate(colours, ".stApp"), "nothing shines through"
    press_row(page, 2)
    expect(bars).to_have_count(1)
    page.context.close()


def test_a_phone_shows_all_of_it(browser: Browser, laboratory: Laboratory) -> None:
    page = open_paper(browser, laboratory, "", width=390, height=844)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    expect(page.locator("[data-testid=stDataFrame]")).to_be_hidden()
    first = page.locator(".st-key-paper-list tbody").first
    numbers = first.locator("tr").last.locator("td")
    expect(numbers).to_have_text(["85.50 %", "85.5 %", "0.0"])
    for place in (numbers.nth(column).bounding_box() for column in range(3)):
        assert place is not None
        assert 0 <= place["x"] < place["x"] + place["width"] <= 390
        assert place["y"] + place["height"] < 844, "seen without any scrolling"
    expect(page.get_by_text("What the circuit computes when training begins")).to_be_visible()
    page.context.close()


def test_a_phone_has_the_buttons_beside_the_rows(browser: Browser, laboratory: Laboratory) -> None:
    page = open_paper(browser, laboratory, "examples=2+Ants+and+bees&protocols=paper%2C+BatchNorm", width=390)
    page.locator(".st-key-paper-list").get_by_role("button", name="Run").nth(1).click()
    expect(page.locator(".st-key-again .status")).to_contain_text("Ants and bees, linear, ResNet-18 complete")
    page.context.close()
