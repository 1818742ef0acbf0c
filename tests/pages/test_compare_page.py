"""The page of comparisons, mostly in a real browser: opened by its link, asked with another margin, run and stopped."""

import json
import shlex
from argparse import ArgumentParser
from pathlib import Path

import numpy as np
import pytest
from live_page import REPOSITORY, SLOW, Laboratory, new_page
from playwright.sync_api import Browser, Page, expect
from streamlit.testing.v1 import AppTest

from core.commands.compare import add_arguments, compared
from core.comparison.store import SHIPPED, load_comparison, load_predictions
from core.experiment.configs import default_values, experiment
from core.experiment.controls import values_of
from core.report.verdicts import headline, sentence, title
from core.statistics.intervals import FEWEST_SEEDS, SEEDS
from core.words import verbatim

PROBLEM = "ants_bees-layer3"


def open_compare(browser: Browser, laboratory: Laboratory, query: str, width: int = 1440) -> Page:
    page = new_page(browser, viewport={"width": width, "height": 1000})
    page.goto(f"{laboratory.url}/compare?{query}")
    expect(page.get_by_role("button", name="Compare", exact=True)).to_be_visible()
    page.locator(".st-key-paired .lab-chart .main-svg").first.wait_for()
    return page


def expect_above_the_figure(page: Page, words: str) -> None:
    """Wait until the figure has these words above it: a chart is drawn an instant after the text beside it."""
    page.wait_for_function(
        """words => {
          const { title } = document.querySelector(".st-key-paired .lab-chart")?.layout ?? {}
          return title && [title.text, title.subtitle.text].some(text => text.replaceAll("<br>", " ").includes(words))
        }""",
        arg=words,
    )


def visit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, problem: str) -> AppTest:
    """Somebody opens the page without a browser; nothing but what ships is stored."""
    monkeypatch.setenv("LAB_RESULTS_DIR", str(tmp_path))
    page = AppTest.from_file(str(REPOSITORY / "pages" / "compare.py"), default_timeout=60)
    page.query_params["problem"] = problem
    page.run()
    assert not page.exception
    return page


def test_the_problem_to_run_is_the_one_that_is_shown_until_another_one_is_chosen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = visit(tmp_path, monkeypatch, "moons")
    to_run, shown = "run-problem", "problem"
    assert page.selectbox(key=to_run).value == "moons"
    page.selectbox(key=shown).set_value(PROBLEM).run()
    assert page.selectbox(key=to_run).value == PROBLEM
    page.selectbox(key=to_run).set_value("spirals").run()
    page.selectbox(key=shown).set_value("moons").run()
    assert page.selectbox(key=to_run).value == "spirals"
    page.selectbox(key=to_run).set_value("moons").run()
    page.selectbox(key=shown).set_value(PROBLEM).run()
    assert page.selectbox(key=to_run).value == PROBLEM


def test_the_laboratorys_settings_are_compared_with_any_of_its_heads_as_candidate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAB_RESULTS_DIR", str(tmp_path))
    page = AppTest.from_file(str(REPOSITORY / "pages" / "compare.py"), default_timeout=60)
    values = {**default_values("moons")} | {"epochs": 8, "q_depth": 3, "heads": ["quantum", "linear"]}
    for name, value in values.items():
        page.session_state[name] = value
    page.query_params["from"] = "laboratory"
    page.run()
    assert not page.exception
    assert page.selectbox(key="problem").value == "moons", "the data set one comes from"
    assert page.selectbox(key="run-problem").value == "laboratory"
    assert page.selectbox(key="run-candidate").options == ["quantum", "linear"]

    def command() -> list[str]:
        (said,) = [each.value for each in page.caption if "The same from a terminal" in each.value]
        return shlex.split(said.split("`")[1])

    assert {"--epochs", "8", "--q-depth", "3"} <= {*command()}
    page.multiselect(key="run-rivals").set_value(["near zero", "RBF-SVM"]).run()
    assert command()[-3:] == ["--rivals", "near zero", "RBF-SVM"]
    page.selectbox(key="run-candidate").set_value("linear").run()
    assert command()[-2:] == ["--rivals", "RBF-SVM"], "a linear head has no ablations"
    assert {"--head", "linear"} <= {*command()}
    parser = ArgumentParser()
    add_arguments(parser)
    (work,) = compared(parser.parse_args(command()[4:]))
    wanted, _ = experiment(values_of(values)).configs[::-1]
    assert work.config == wanted.model_copy(update={"seeds": SEEDS})


def test_the_laboratory_leads_to_a_comparison_of_its_settings(browser: Browser, laboratory: Laboratory) -> None:
    page = new_page(browser, viewport={"width": 1440, "height": 1000})
    page.goto(f"{laboratory.url}/?dataset=moons&epochs=8&v=2")
    page.get_by_role("link", name="Compare these settings").click()
    page.wait_for_url("**/compare**")
    expect(page.get_by_text("--epochs 8")).to_be_visible()
    expect_above_the_figure(page, "Two half moons")
    page.context.close()


def test_five_rivals_are_shown_until_all_are_asked_for(browser: Browser, laboratory: Laboratory) -> None:
    page = open_compare(browser, laboratory, f"problem={PROBLEM}")
    rows = "document.querySelector('.st-key-paired .lab-chart').layout.yaxis.ticktext.length"
    assert page.evaluate(rows) == 5
    n_rivals = len(load_comparison(PROBLEM, SHIPPED).results) - 1
    page.get_by_text(f"All {n_rivals} rivals").click()
    page.wait_for_function(f"{rows} === {n_rivals}")
    page.context.close()


def test_an_address_that_asks_in_vain_is_repeated_letter_by_letter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = "5$ bill, 10$ bill, `a_b*c*`, :red[bee] ![x](http://x.com/y)"
    (told,) = visit(tmp_path, monkeypatch, asked).info
    assert verbatim(asked) in told.value
    assert not set("$*_[]!()") & set(told.value)


def test_seeds_that_can_show_nothing_are_told_at_their_field(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = visit(tmp_path, monkeypatch, "moons")

    def warned(seeds: int) -> list[str]:
        page.number_input(key="run-seeds").set_value(seeds).run()
        return [warning.value for warning in page.warning]

    assert warned(FEWEST_SEEDS) == []
    (warning,) = warned(FEWEST_SEEDS - 1)
    assert f"{FEWEST_SEEDS - 1} seeds are too few" in warning


def test_a_link_opens_one_verdict_and_another_margin_gives_another(browser: Browser, laboratory: Laboratory) -> None:
    comparison, predictions = load_comparison(PROBLEM, SHIPPED), load_predictions(PROBLEM, SHIPPED)
    page = open_compare(browser, laboratory, f"problem={PROBLEM}&against=closed+form")
    explained = page.locator(".st-key-explained")
    for margin in (1.0, 0.1, 5.0):
        if margin != 1.0:
            page.get_by_role("spinbutton", name="Margin (points)").fill(f"{margin:g}")
            page.keyboard.press("Enter")
        found = comparison.verdicts(predictions, margin)
        (verdict,) = [one for one in found if one.rival == "closed form"]
        expect(explained).to_contain_text(sentence(verdict)[1:])
        expect(explained.get_by_role("heading")).to_contain_text(title(verdict)[1:])
        expect_above_the_figure(page, headline(found))
    page.context.close()


def test_the_address_keeps_what_is_looked_at(browser: Browser, laboratory: Laboratory) -> None:
    untuned, tuned = (load_comparison(name, SHIPPED) for name in ("spirals_2.0", "spirals_2.0-tuned"))
    page = open_compare(browser, laboratory, "problem=spirals_2.0")
    expect_above_the_figure(page, "learning rate 0.07")
    page.get_by_text("tuned equally").first.click()
    page.wait_for_url("**settings=tuned**")
    page.get_by_role("spinbutton", name="Margin (points)").fill("2.5")
    page.keyboard.press("Enter")
    page.wait_for_url("**margin=2.5**")
    page.reload()
    change = page.get_by_text("tuning moved quantum")
    before, after = (np.mean(each.accuracy()["quantum"]) * 100 for each in (untuned, tuned))
    expect(change).to_contain_text(f"from {before:.1f} to {after:.1f} %")
    expect_above_the_figure(page, "tuned learning rate")
    expect_above_the_figure(page, "± 2.5 points")
    expect(page.get_by_text("The address asked for")).to_have_count(0)
    page.context.close()


def test_an_address_that_asks_for_what_is_not_there_is_told_and_corrected(
    browser: Browser, laboratory: Laboratory
) -> None:
    page = open_compare(browser, laboratory, "problem=nonsense&settings=best&margin=abc&against=zzz")
    told = page.get_by_text("The address asked for")
    for wrong in ("problem = nonsense", "settings = best", "margin = abc", "against = zzz", "0.1 to 10"):
        expect(told).to_contain_text(wrong)
    page.wait_for_url("**problem=spirals&settings=paper&margin=1&against=bottleneck")
    page.context.close()
    for margin in ("0", "99", "inf", "nan"):
        page = open_compare(browser, laboratory, f"problem={PROBLEM}&margin={margin}")
        expect(page.get_by_text("The address asked for")).to_contain_text(f"margin = {margin}")
        page.wait_for_url(f"**problem={PROBLEM}&margin=1")
        page.context.close()


def test_the_title_takes_the_lines_that_the_width_asks_for(browser: Browser, laboratory: Laboratory) -> None:
    page = open_compare(browser, laboratory, f"problem={PROBLEM}")
    lines = "document.querySelectorAll('.st-key-paired .lab-chart .gtitle tspan.line').length"
    wide = page.evaluate(lines)
    page.set_viewport_size({"width": 390, "height": 1000})
    page.wait_for_function(f"{lines} > {wide}")
    ends = page.evaluate("document.querySelector('.st-key-paired .lab-chart .gtitle').getBoundingClientRect().right")
    assert ends <= 390
    page.context.close()


def test_a_phone_shows_it_without_scrolling_sideways(browser: Browser, laboratory: Laboratory) -> None:
    page = open_compare(browser, laboratory, f"problem={PROBLEM}", width=390)
    for part in ("[data-testid=stMain]", ".st-key-paired", ".st-key-explained", ".st-key-contribution"):
        wide, there = page.locator(part).first.evaluate("part => [part.scrollWidth, part.clientWidth]")
        assert wide <= there, part
    page.context.close()


def set_two_seeds_and_the_papers_settings(page: Page) -> None:
    page.get_by_role("spinbutton", name="Paired seeds").fill("2")
    page.keyboard.press("Enter")
    expect(page.get_by_text("--seeds 2")).to_be_visible()
    page.locator(".st-key-run-conditions").get_by_text("the paper's").click()
    expect(page.get_by_text("--conditions paper --seeds 2")).to_be_visible()


def test_a_comparison_runs_survives_a_reload_stops_and_is_shown_when_it_is_done(
    browser: Browser, laboratory: Laboratory
) -> None:
    page = open_compare(browser, laboratory, "")
    start = page.get_by_role("button", name="Compare", exact=True)
    set_two_seeds_and_the_papers_settings(page)
    start.click()
    expect(page.locator("[data-testid=stProgress]")).to_be_visible()
    expect(start).to_be_disabled()

    page.reload()
    expect(page.locator("[data-testid=stProgress]")).to_be_visible()
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_text("Stopped; nothing of it was kept.")).to_be_visible()
    assert not list(laboratory.results.glob("comparisons/*"))

    set_two_seeds_and_the_papers_settings(page)
    start.click()
    expect(page.get_by_text("Finished:")).to_be_visible(timeout=6 * SLOW)
    (folder,) = laboratory.results.glob("comparisons/*")
    assert len(json.loads((folder / "comparison.json").read_text())["seeds"]) == 2
    title = load_comparison("spirals", SHIPPED).title
    settings = "2 paired seeds, the paper's settings for every head"
    expect(page.get_by_text("Finished:")).to_have_text(f"Finished: quantum on {title}, {settings}")
    scrolled = "document.querySelector('[data-testid=stMain]').scrollTop"
    assert page.evaluate(scrolled) > 1000
    page.get_by_role("button", name="Show it").click()
    page.wait_for_function(
        "document.querySelector('.st-key-paired .lab-chart').layout.title.subtitle.text.includes('2 paired')"
    )
    page.wait_for_function(f"{scrolled} === 0")
    expect_above_the_figure(page, "2 seeds are too few")
    assert f"problem={folder.name}" in page.url
    page.context.close()
