"""Which rows of the paper's table are shown: examples, protocols and features, all in the address."""

from collections.abc import Sequence
from typing import NamedTuple

import streamlit as st

from core.paper.examples import PROTOCOLS
from core.paper.table import MeasuredRow
from core.paper.titles import EXAMPLE_TITLES
from core.report.paper import steps_sentence
from core.words import verbatim
from pages.ui.paper import wording

SHOWN_FIRST = ("notebook", "paper")


class Choice(NamedTuple):
    """What a person wants to see of the table."""

    lines: list[MeasuredRow]
    protocols: list[str]


def choose(lines: Sequence[MeasuredRow]) -> Choice:
    """The rows of the examples, protocols and features that a person chooses."""
    _accept_numbers()
    left, right = st.columns(2)
    numbers = list(EXAMPLE_TITLES)
    examples = left.pills(
        "Examples",
        numbers,
        selection_mode="multi",
        default=numbers,
        format_func=EXAMPLE_TITLES.__getitem__,
        key="examples",
        bind="query-params",
        wrap=True,
    )
    protocols = right.pills(
        "Protocols",
        list(PROTOCOLS),
        selection_mode="multi",
        default=SHOWN_FIRST,
        key="protocols",
        bind="query-params",
        wrap=True,
    )
    aside = st.toggle(wording.OTHER_FEATURES, key="features", bind="query-params", help=wording.OTHER_FEATURES_HELP)
    shown = [
        line
        for line in lines
        if line.row.protocol in protocols and line.row.example.number in examples and (aside or not line.row.is_aside)
    ]
    return Choice(shown, protocols)


def protocols_explained(chosen: Choice) -> None:
    """What the protocols mean that are chosen, and how many steps their rows take."""
    rows = [line.row for line in chosen.lines]
    meanings = {name: meaning for name, meaning in PROTOCOLS.items() if name in chosen.protocols}
    lines = [f"**{name}**: {meaning} {steps_sentence(rows, name)}" for name, meaning in meanings.items()]
    st.caption("  \n".join(lines))


def _accept_numbers() -> None:
    """Let a link name examples by their number alone, as in ?examples=1; say what it names that is none."""
    for parameter in ("examples", "example"):
        given = [] if parameter in st.session_state else st.query_params.get_all(parameter)
        unknown = [each for each in given if each not in EXAMPLE_TITLES and each not in EXAMPLE_TITLES.values()]
        if unknown:
            st.warning(verbatim(wording.impossible(parameter, unknown[0][:100], ", ".join(EXAMPLE_TITLES))))
        if any(each in EXAMPLE_TITLES for each in given):
            st.query_params[parameter] = [EXAMPLE_TITLES.get(each, each) for each in given]
            st.rerun()  # what is bound to the address reads it when the page starts
