"""Numbers as text."""

import numpy as np
import pytest

from core.report.numbers import p_value, percent, plus_minus, points, signed_points, size
from core.statistics.intervals import Interval, share_interval


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ([0.97], "97.0 %"),
        ([0.61, 0.84], "72.5 % (range 61.0 to 84.0)"),
        ([0.85, 0.87] * 4, "86.0 ± 0.9 %"),
        ([0.9, 1, 1, 1, 1, 1, 1], "98.6 % (95.1 to 100.0)"),
        ([0.5] * 8, "50.0 ± 0.0 %"),
    ],
)
def test_an_accuracy_has_plus_minus_or_its_ends(values: list[float], text: str) -> None:
    assert plus_minus(share_interval(values)) == text


def test_no_accuracy_reaches_beyond_0_or_100_percent() -> None:
    random = np.random.default_rng(0)
    for n in (2, 3, 5, 6, 20):
        for _ in range(50):
            text = plus_minus(share_interval(random.beta(0.3, 0.3, n)))
            numbers = [float(word) for word in text.replace("(", " ").replace(")", " ").split() if word[0].isdigit()]
            if "±" in text:
                mean, half = numbers
                numbers = [mean - half, mean + half]
            assert min(numbers) >= -0.1  # a rounded mean less its rounded half
            assert max(numbers) <= 100.1


def test_small_numbers_as_text() -> None:
    assert (percent(0.97), points(1), points(0.5)) == ("97.0 %", "1 point", "0.5 points")
    assert (signed_points(0.0123), signed_points(-0.0004), size(-0.012), size(0.0001)) == (
        "+1.2",
        "0.0",
        "1.2 points",
        "less than 0.1 points",
    )
    assert (p_value(0.0312), p_value(0.0002)) == ("p = 0.031", "p < 0.001")
    assert plus_minus(Interval(0.5, np.nan, np.nan)) == "50.0 %"
