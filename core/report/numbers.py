"""Numbers as text: accuracies with their ±, points, p values, lists of names."""

import math

from core.statistics.intervals import FEWEST_SEEDS, Interval

SPREAD = (
    f"± is half the 95 % interval of the mean over seeds; below {FEWEST_SEEDS} seeds: range, lowest to highest seed"
)
"""What `plus_minus` shows beside an accuracy, in words."""


def percent(share: float) -> str:
    """0.97 → "97.0 %"."""
    return f"{100 * share:.1f} %"


def plus_minus(interval: Interval) -> str:
    """An accuracy with what surrounds it.

    "86.9 ± 1.1 %"; "99.6 % (98.9 to 100.0)" where the interval ends at 0 or 100 % and is lopsided; "72.5 % (range 61.0
    to 84.0)" where the seeds are too few for an interval; "97.0 %" for a single one.
    """
    if not math.isfinite(interval.low + interval.high):
        return percent(interval.estimate)
    ends = f"{100 * interval.low:.1f} to {100 * interval.high:.1f}"
    if interval.is_range:
        return f"{percent(interval.estimate)} (range {ends})"
    below, above = interval.estimate - interval.low, interval.high - interval.estimate
    if not math.isclose(below, above, abs_tol=1e-9):
        return f"{percent(interval.estimate)} ({ends})"
    return f"{100 * interval.estimate:.1f} ± {100 * above:.1f} %"


def spread_title(n_seeds: int) -> str:
    """What surrounds a mean over so many seeds."""
    return "95 % interval" if n_seeds >= FEWEST_SEEDS else "range over seeds"


def points(number: float) -> str:
    """Percent points in words: "1 point", "0.5 points"."""
    return f"{number:g} point{'' if number == 1 else 's'}"


def signed_points(difference: float) -> str:
    """A difference of accuracies in percent points with its sign, which zero has not: 0.0123 → "+1.2"."""
    rounded = round(difference * 100, 1)
    return f"{rounded:+.1f}" if rounded else "0.0"


def size(difference: float) -> str:
    """How large a difference of accuracies is: 0.0123 → "1.2 points"."""
    rounded = f"{abs(difference) * 100:.1f}"
    return f"{rounded} points" if rounded != "0.0" else "less than 0.1 points"


def p_value(value: float) -> str:
    """ "p = 0.031" or "p < 0.001"."""
    return "p < 0.001" if value < 0.001 else f"p = {value:.3f}"
