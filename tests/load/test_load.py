"""Six people press Run at once: each is told the end, a newcomer gets the page, and then there is silence."""

import asyncio

import pytest
from crowd import Crowd, measure
from live_page import Laboratory

PAGES = 6
IDLE_SECONDS = 5.0


@pytest.fixture(scope="module")
def crowd(laboratory: Laboratory) -> Crowd:
    return asyncio.run(measure(laboratory, PAGES, "epochs=8&seeds=2&heads=quantum,linear", IDLE_SECONDS))


def test_every_page_is_told_the_end_of_its_own_runs(crowd: Crowd, laboratory: Laboratory) -> None:
    assert crowd.untold == 0
    assert len(crowd.told_seconds) == PAGES
    records = laboratory.records()
    assert len(records) == 2 * (PAGES + 1)  # and those that warmed the server up
    assert {record["status"] for record in records} == {"finished"}
    assert len({record["config"]["base_seed"] for record in records}) == PAGES + 1


def test_newcomers_get_the_page_while_runs_go_on(crowd: Crowd) -> None:
    assert crowd.visitor_seconds


def test_no_page_gets_what_a_browser_may_have_forgotten_or_an_exception(crowd: Crowd) -> None:
    assert crowd.faults == []


def test_idle_pages_receive_nothing_and_cost_nothing(crowd: Crowd) -> None:
    assert crowd.idle_bytes == 0
    assert crowd.idle_share < 0.1
