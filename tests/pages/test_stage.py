"""Run is pressed ten times while another program computes; `stage.py` presses it as often as one likes."""

import pytest
from live_page import Laboratory
from playwright.sync_api import Browser
from stage import clicks_on_stage

CLICKS = 10


@pytest.mark.parametrize(("live", "first_seed"), [(False, 100), (True, 200)], ids=["Run", "Live"])
def test_nothing_breaks_on_a_busy_machine(
    browser: Browser, laboratory: Laboratory, live: bool, first_seed: int
) -> None:
    base_seeds = range(first_seed, first_seed + CLICKS)
    clicks = list(clicks_on_stage(browser, laboratory.url, base_seeds, live))
    assert [click for click in clicks if click.trouble] == []
    assert [click.base_seed for click in clicks] == list(base_seeds)
