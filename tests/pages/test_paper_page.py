"""The paper's page in a real browser: opened by its link, read, and a row pressed."""

from live_page import Laboratory, new_page
from playwright.sync_api import Browser, Page, expect

from core.paper.rows import find_row, rows
from pages.ui.row_runs import short_title

FIRST_ROW, ROW, RUN_COLUMN = 49, 33, 324
"""Pixels from the table's upper left corner to the first row's middle, from row to row, and to the buttons."""


def open_paper(browser: Browser, laboratory: Laboratory, query: str, width: int = 1440) -> Page:
    page = new_page(browser, viewport={"width": width, "height": 1000})
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
    expect(said).to_contain_text("The button in a row")

    press_row(page, 1)
    expect(said).to_contain_text("Two spirals, 1.52 turns, quantum")
    page.get_by_text("paper, early", exact=True).click()  # draws the page anew while it is computed
    expect(page.get_by_text("The same, with the learning rate lowered")).to_be_visible()
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
    page.mouse.wheel(0, 300)
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
    press_row(page, 10)
    said = page.locator(".st-key-again .status")
    expect(page.get_by_role("button", name="Extract features (downloads up to")).to_be_visible()
    expect(said).to_contain_text("see 397 images once, about")
    page.context.close()


def test_a_row_with_batchnorm_says_what_training_on_images_takes(browser: Browser, laboratory: Laboratory) -> None:
    page = open_paper(browser, laboratory, "examples=2+Ants+and+bees&protocols=paper%2C+BatchNorm")
    press_row(page, 0)
    said = page.locator(".st-key-again .status")
    expect(said).to_contain_text("30 epochs of 397 images through the full network, about")
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


def test_the_short_title_of_a_row_is_its_alone() -> None:
    titles = [short_title(row) for row in rows()]
    assert len(set(titles)) == len(titles)
    assert short_title(find_row("spirals-hybrid-notebook")) == "Two spirals, 1.52 turns, notebook, quantum"
    assert short_title(find_row("ants_bees-layer3-linear-paper-early")) == "Ants and bees, layer3, early, linear"
    assert short_title(find_row("ants_bees-mobilenet_v2-mlp-ours")) == "Ants and bees, MobileNetV2, ours, mlp"
    batchnorm = "dogs_cats-avgpool-dressed_quantum-paper-BatchNorm"
    assert short_title(find_row(batchnorm)) == "Dogs and cats, complete, BatchNorm, quantum"


def test_a_phone_shows_all_of_it(browser: Browser, laboratory: Laboratory) -> None:
    page = open_paper(browser, laboratory, "", width=390)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    expect(page.get_by_text("What the circuit computes when training begins")).to_be_visible()
    page.context.close()


def test_a_phone_has_the_buttons_beside_the_rows(browser: Browser, laboratory: Laboratory) -> None:
    page = open_paper(browser, laboratory, "examples=2+Ants+and+bees&protocols=paper%2C+BatchNorm", width=390)
    page.locator("[data-testid=stDataFrame]").scroll_into_view_if_needed()
    press_row(page, 1)
    expect(page.locator(".st-key-again .status")).to_contain_text("Ants and bees, linear, ResNet-18 complete")
    page.context.close()
