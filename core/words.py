"""Numbers and lists as a person writes them, and foreign text shown letter by letter."""

import re
from collections.abc import Iterable


def duration(seconds: float) -> str:
    """Seconds for a person: "0.4 s", "12 s", "3 min", "20 h"; "0.1 s" is the least."""
    if seconds < 1:
        return f"{max(seconds, 0.1):.1f} s"
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.0f} h"


def listed(words: Iterable[str]) -> str:
    """ "a", "a and b", "a, b and c"; empty for no words."""
    *first, last = tuple(words) or ("",)
    return " and ".join(filter(None, (", ".join(first), last)))


def counted(number: int, noun: str) -> str:
    """ "1 seed", "8 seeds", "1,200 seeds"; for nouns whose plural ends with s."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def verbatim(text: str) -> str:
    """Text of somebody else's so that Markdown (Streamlit's) and plotly show its letters and no markup, on one line.

    Every ASCII punctuation mark becomes a character reference, which both read as the mark alone. What Streamlit
    replaces after that (``:name:``, ``->``, addresses of pages) is kept apart by an invisible word joiner.
    """
    apart = _REPLACED_LATE.sub("\u2060", " ".join(text.split()))
    return _PUNCTUATION.sub(lambda mark: f"&#{ord(mark[0])};", apart)


_PUNCTUATION = re.compile(r"[!-/:-@\[-`{-~]")
_REPLACED_LATE = re.compile(r"(?<=[-<=>~])(?=[-<=>])|(?<=:)(?=[\w/+-]+:|//)|(?<=@)(?=\w)|(?<=www)(?=\.)")
