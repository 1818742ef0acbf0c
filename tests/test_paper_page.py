"""The paper's page in a real browser: opened by its link, read, and a row pressed."""

import pytest
from playwright.sync_api import Browser, Page, expect
from test_browser import SLOW, Laboratory, browser

__all__ = ["browser"]

FIRST_ROW, ROW, RUN_COLUMN = 57, 35, 520
"""Pixels from the table's upper left corner to the first row's middle, from row to row, and to the buttons."""


@pytest.fixture(scope="module")
def laboratory(tmp_path_factory: pytest.TempPathFactory):  # type: ignore[no-untyped-def]
    running = Laboratory(tmp_path_factory.mktemp("results"))
    yield running
    running.close()


def open_paper(browser: Browser, laboratory: Laboratory, query: str, width: int = 1440) -> Page:
    page = browser.new_context(viewport={"width": width, "height": 1000}).new_page()
    page.set_default_timeout(SLOW)
    expect.set_options(timeout=SLOW)
    page.on("pageerror", lambda error: pytest.fail(f"the page raised {error}"))
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
    expect(said).to_contain_text("Two spirals, 1.52 turns, hybrid")
    expect(said).to_contain_text("97.0 %, exactly the number in the table")

    press_row(page, 2)
    expect(said).to_contain_text("classical, 2 coordinates, paper")
    expect(said).to_contain_text("the table")
    assert "outside" not in said.inner_text()
    (record,) = laboratory.records()
    assert record["status"] == "finished"
    assert (record["config"]["dataset"], record["config"]["protocol"]) == ("spirals", "paper")
    page.context.close()


def test_a_row_without_features_offers_them_with_size_and_time(browser: Browser, laboratory: Laboratory) -> None:
    page = open_paper(browser, laboratory, "examples=2+Ants+and+bees&protocols=paper%2C+BatchNorm")
    press_row(page, 0)
    expect(page.get_by_role("button", name="Extract features (downloads up to")).to_be_visible()
    expect(page.get_by_text("for 397 images at the")).to_be_visible()
    page.context.close()


def test_a_phone_shows_all_of_it(browser: Browser, laboratory: Laboratory) -> None:
    page = open_paper(browser, laboratory, "", width=390)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    expect(page.get_by_text("What the circuit computes when training begins")).to_be_visible()
    page.context.close()
