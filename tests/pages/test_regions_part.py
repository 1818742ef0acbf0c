"""Decision regions in a real browser: they follow the training, are what the networks say, and cost nothing unseen."""

import re
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import urlopen

import numpy as np
import pytest
from live_page import Laboratory, open_page, press, status
from playwright.sync_api import Browser, Page, expect

from core.data.banks import load_bank
from core.data.cuts import POINTS
from core.data.features import Features
from core.experiment.address import to_address
from core.experiment.configs import default_values
from core.figures.regions import CLASS_COLOURS, SIDE, places, reach_of
from core.runs.store import SHIPPED, Store
from core.training.loop import predict

REMEMBER_WHICH = """
picture => {
  window.seen = []
  new MutationObserver(() => window.seen.push(picture.dataset.which)).observe(picture, { attributes: true })
}
"""
MIDDLES = """
(picture, side) => {
  const pen = picture.getContext("2d")
  const at = place => Math.floor((place + 0.5) / side * picture.width)
  return Array.from({ length: side * side }, (_, place) =>
    [...pen.getImageData(at(place % side), at(Math.floor(place / side)), 1, 1).data])
}
"""
"""Colours in the middle of each place, red, green, blue and opacity from 0 to 255."""


def asked(page: Page) -> list[str]:
    """The addresses under which a page asks for regions, from now on."""
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url) if "/regions.json" in request.url else None)
    return requests


def picture(page: Page) -> Any:
    return page.locator(".st-key-regions canvas[role=img]")


def test_regions_follow_the_training_and_rest_when_it_rests(browser: Browser, laboratory: Laboratory) -> None:
    page = open_page(browser, f"{laboratory.url}/?dataset=moons&epochs=1000&seeds=2&heads=quantum")
    requests = asked(page)
    expect(page.locator(".st-key-regions figcaption")).to_have_text("not trained yet")
    picture(page).evaluate(REMEMBER_WHICH)
    press(page, "start")
    page.wait_for_function("() => new Set(window.seen.filter(which => which.startsWith('after epoch'))).size > 3")
    press(page, "stop")
    expect(status(page)).to_contain_text("stopped")
    (record,) = laboratory.records()
    checkpoint = Store(laboratory.results).load(record["run_id"]).checkpoint()
    assert checkpoint is not None
    expect(picture(page)).to_have_attribute("data-which", f"after epoch {checkpoint.epoch}")
    page.wait_for_timeout(1000)
    before = len(requests)
    page.wait_for_timeout(2000)  # nothing changes, so nothing is asked
    assert len(requests) == before
    page.context.close()


def test_regions_are_what_the_network_of_the_first_seed_says(browser: Browser, laboratory: Laboratory) -> None:
    page = open_page(browser, f"{laboratory.url}/?dataset=moons&epochs=3&seeds=2&heads=quantum")
    press(page, "start")
    expect(status(page)).to_contain_text("finished")
    (run_id,) = page.url.split("run=")[1].split(",")
    record = Store(laboratory.results).load(run_id)
    assert record.finished is not None
    expect(picture(page)).to_have_attribute("data-which", f"best epoch: {record.finished.best_epoch[0]}")

    bank = load_bank(Features("moons", POINTS))
    square = places(reach_of(bank.features))
    logits = predict(record.config, record.weights(), square, 2)[0].astype(float)
    ahead = np.tanh(np.abs(logits[:, 1] - logits[:, 0]) / 2)  # of two probabilities, p − (1 − p)
    test = bank.features[bank.split == "test"]
    nearest = np.sqrt(((square[:, None] - test[None]) ** 2).sum(-1)).min(1)
    free = (nearest > 0.2) & (ahead > 0.2)  # where no mark lies
    assert free.sum() > 500
    drawn = np.array(picture(page).evaluate(MIDDLES, SIDE))[free]
    colours = np.array([[int(colour[start : start + 2], 16) for start in (1, 3, 5)] for colour in CLASS_COLOURS[:2]])
    said = logits.argmax(1)[free]
    assert set(said) == {0, 1}
    assert np.abs(drawn[:, :3] - colours[said]).max(1).mean() < 8
    assert np.corrcoef(drawn[:, 3], ahead[free])[0, 1] > 0.98
    page.context.close()


def test_regions_that_nobody_sees_are_not_asked_for(browser: Browser, laboratory: Laboratory) -> None:
    page = open_page(
        browser,
        f"{laboratory.url}/?dataset=moons&epochs=3&seeds=2&heads=linear,mlp",
        viewport={"width": 390, "height": 600},
    )
    requests = asked(page)
    page.get_by_role("button", name="Settings and Run").click()
    press(page, "start")
    expect(status(page)).to_contain_text("finished")
    page.wait_for_timeout(1000)
    assert requests == []
    picture(page).last.scroll_into_view_if_needed()
    for place in (0, 1):
        expect(picture(page).nth(place)).to_have_attribute("data-which", re.compile("best epoch"))
    page.context.close()


def test_spirals_open_with_the_regions_of_runs_that_ship(browser: Browser, laboratory: Laboratory) -> None:
    page = open_page(browser, f"{laboratory.url}/?{urlencode(to_address(default_values('spirals')))}")
    expect(status(page)).to_contain_text("came with the laboratory")
    for place, kind in enumerate(("dressed_quantum", "bottleneck", "linear")):
        finished = Store(SHIPPED).load(f"default-spirals-{kind}").finished
        assert finished is not None
        expect(picture(page).nth(place)).to_have_attribute("data-which", f"best epoch: {finished.best_epoch[0]}")
    page.context.close()


def test_images_have_no_regions(browser: Browser, laboratory: Laboratory) -> None:
    page = open_page(browser, laboratory.url)
    expect(page.locator(".st-key-circuit")).to_be_visible()
    assert page.locator(".st-key-regions").count() == 0
    page.context.close()


@pytest.mark.parametrize(
    ("runs", "words"),
    [
        ("paper-ants_bees-layer3-linear-ours", "has no plane: name one on a data set of points"),
        ("20200101-000000-linear-abcdef", "There is no run 20200101-000000-linear-abcdef here"),
        ("../secret", "run id = '../secret' is not possible"),
        (",".join(["default-moons-linear"] * 21), "runs = 21 of them is not possible: name 20 or fewer"),
    ],
)
def test_what_has_no_regions_is_one_sentence(laboratory: Laboratory, runs: str, words: str) -> None:
    with pytest.raises(HTTPError) as refused:
        urlopen(f"{laboratory.url}/regions.json?runs={runs}")
    assert refused.value.code == 400
    assert words in refused.value.read().decode()
