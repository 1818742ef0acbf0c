"""Numbers and lists as a person writes them."""

import pytest

from core.words import counted, duration, listed


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
