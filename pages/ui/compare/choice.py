"""What the page Compare looks at: a comparison, a margin and a rival, all three in the address."""

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from core.comparison.problem import CONDITIONS, PROBLEMS, SHIPPED_COMPARISONS
from core.comparison.record import Comparison
from core.comparison.store import load_comparison, stored_names
from core.errors import LabError
from core.experiment.controls import DATASET
from core.statistics.verdict import MARGIN
from core.words import verbatim
from pages.ui.compare import wording

AS_RUN = "as it was run"
"""What is said of comparisons that do not ship, instead of their conditions"""

CONDITION_LABELS = {"converged": "converged", "paper": "the paper's", "tuned": "tuned equally"}
"""In the address → on the page"""

MARGINS = (0.1, 10.0)
"""Percent points that the page offers as margin, from and to"""


@dataclass(frozen=True)
class Refused:
    """Something that the address names and the page does not have."""

    key: str
    named: str
    instead: str


@dataclass(frozen=True)
class Choice:
    """What the page shows."""

    comparison: Comparison
    margin: float
    """In percent points"""
    against: str
    """The rival that is explained"""


def choose() -> Choice | None:
    """The comparison, the margin and the rival that are looked at; None where nothing is stored."""
    names = stored_names()
    if not names:
        return None
    left, middle, right = st.columns([3, 2, 1.4])
    there = [shipped for name, shipped in SHIPPED_COMPARISONS.items() if name in names]
    own = [name for name in names if name not in SHIPPED_COMPARISONS]
    problems = [*dict.fromkeys(shipped.problem for shipped in there), *own]
    refused: list[Refused] = []
    problem = _named_in_address("problem", problems, _of_the_laboratory(problems) or problems[0], refused)
    left.selectbox(
        "Problem", problems, format_func=comparison_title, key="problem", on_change=into_address, args=("problem",)
    )
    ways: list[str] = [shipped.conditions for shipped in there if shipped.problem == problem] or [AS_RUN]
    settings = _named_in_address("settings", ways, ways[0], refused)
    middle.segmented_control(
        "Conditions",
        ways,
        required=True,
        format_func=lambda each: CONDITION_LABELS.get(each, each),
        key="settings",
        on_change=into_address,
        args=("settings",),
        help=wording.conditions_help(CONDITION_LABELS, [*CONDITIONS])
        + ". Many of the paper's settings were chosen for the quantum head.",
    )
    margin = _margin_in_address(refused)
    right.number_input(
        "Margin (points)",
        *MARGINS,
        step=0.1,
        key="margin",
        on_change=into_address,
        args=("margin",),
        help=wording.MARGIN_HELP,
    )
    try:
        comparison = load_comparison(_stored_as(problem, settings))
    except LabError as error:
        st.warning(verbatim(str(error)))
        return None
    others = [name for name in comparison.accuracy() if name != comparison.candidate]
    against = _named_in_address("against", others, "bottleneck" if "bottleneck" in others else others[0], refused)
    if refused:
        st.info(verbatim(_told(refused)))
    return Choice(comparison, margin, against)


def _of_the_laboratory(problems: Sequence[str]) -> str | None:
    """The first problem on the data set that the laboratory's controls are set to, if they have been drawn."""
    data = st.session_state.get(DATASET.name)
    return next((name for name in problems if name in PROBLEMS and PROBLEMS[name].dataset == data), None)


def _stored_as(problem: str, settings: str) -> str:
    asked = (problem, settings)
    shipped = (each.name for each in SHIPPED_COMPARISONS.values() if (each.problem, each.conditions) == asked)
    return next(shipped, problem)


def _named_in_address(key: str, options: Sequence[str], default: str, refused: list[Refused]) -> str:
    """The option that a menu shows: what was chosen, else what the address names, else the default.

    What the address names in vain is corrected there and told in ``refused``.
    """
    if st.session_state.get(key) not in options:
        named = st.query_params.get(key, default)
        if named not in options:
            if key not in st.session_state:
                refused.append(Refused(key, named, default))
            named = st.query_params[key] = default
        st.session_state[key] = named
    return str(st.session_state[key])


def _margin_in_address(refused: list[Refused]) -> float:
    """The margin in percent points: what was typed, else what the address names, else the usual one."""
    if "margin" not in st.session_state:
        usual, (low, high) = f"{MARGIN:g}", MARGINS
        named = st.query_params.get("margin", usual)
        try:
            margin = float(named)
        except ValueError:
            margin = float("nan")
        if not low <= margin <= high:
            refused.append(Refused("margin", named, usual))
            st.query_params["margin"], margin = usual, MARGIN
        st.session_state["margin"] = margin
    return float(st.session_state["margin"])


def _told(refused: Sequence[Refused]) -> str:
    """One sentence about everything that the address asked for in vain."""
    asked = ", ".join(f"{one.key} = {one.named[:60]}" for one in refused)
    instead = ", ".join(f"{one.key} = {one.instead}" for one in refused)
    return wording.refused(asked, instead, MARGINS if any(one.key == "margin" for one in refused) else None)


def into_address(key: str) -> None:
    """Put what a control shows into the address."""
    value = st.session_state[key]
    st.query_params[key] = f"{value:g}" if isinstance(value, float) else value


@st.cache_data(max_entries=64, show_spinner=False)
def comparison_title(name: str) -> str:
    """A problem, or a stored comparison that the user ran, for a person."""
    if name in PROBLEMS:
        return PROBLEMS[name].title
    try:
        comparison = load_comparison(name)
    except LabError:
        return name
    tuned = ", tuned equally" if comparison.tuned else ""
    return f"{comparison.title}{tuned}, run {comparison.created:%d %B %Y, %H:%M} UTC"
