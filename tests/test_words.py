"""Numbers and lists as a person writes them."""

import re
from html import unescape

import pytest

from core.words import counted, duration, listed, verbatim


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.003, "0.1 s"), (0.42, "0.4 s"), (9.4, "9 s"), (99.0, "99 s"), (197, "3 min"), (71460, "20 h")],
)
def test_durations_for_a_person(seconds: float, words: str) -> None:
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("words", "text"), [((), ""), (("a",), "a"), (("a", "b"), "a and b"), (("a", "b", "c"), "a, b and c")]
)
def test_lists_in_a_sentence(words: tuple[str, ...], text: str) -> None:
    assert listed(words) == text
    assert listed(iter(words)) == text


@pytest.mark.parametrize(("number", "text"), [(0, "0 seeds"), (1, "1 seed"), (8, "8 seeds"), (1200, "1,200 seeds")])
def test_a_number_with_its_noun(number: int, text: str) -> None:
    assert counted(number, "seed") == text


@pytest.mark.parametrize("text", ["plain words 12", "5$ and 10$", "a_b*c* `d` [e](f)", "<b>&amp;</b>", "\\$ #1. -"])
def test_markup_becomes_references_to_its_letters(text: str) -> None:
    shown = verbatim(text)
    assert unescape(shown) == text
    assert not set(re.sub(r"&#\d+;", "", shown)) & set("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")


@pytest.mark.parametrize(
    "text", [":smile:", ":material/home:", "a->b", "--", "https://x.y", "a@b.c", "www.x.y", "x<=y"]
)
def test_what_is_replaced_late_is_kept_apart(text: str) -> None:
    apart = unescape(verbatim(text))
    assert apart != text
    assert apart.replace("\u2060", "") == text


def test_lines_become_one() -> None:
    assert verbatim("a\n\n    b") == "a b"
