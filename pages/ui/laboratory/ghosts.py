"""What this page showed before: the last experiments stay behind the current curves, so that a change shows."""

from collections.abc import Sequence

import streamlit as st

from core.errors import LabError
from core.experiment.configs import control_values
from core.figures.runs import Curve, Ghost
from core.runs.snapshots import Snapshot
from pages.ui.laboratory.form import in_words
from pages.ui.laboratory.view import load

KEPT = 3
"""How many experiments stay; those that a person keeps stay as well."""

Runs = tuple[str, ...]


def leave(runs: Runs) -> None:
    """These runs are no longer what the page shows."""
    before: list[Runs] = [each for each in st.session_state.get("before", []) if each != runs]
    before.append(runs)
    kept = kept_runs()
    passing = [each for each in before if each not in kept]
    st.session_state.before = [each for each in before if each in kept or each in passing[-KEPT:]]


def forget() -> None:
    """Stop showing earlier experiments, except those that a person keeps."""
    kept = kept_runs()
    st.session_state.before = [each for each in st.session_state.get("before", []) if each in kept]


def shown_before() -> list[Runs]:
    """The experiments that stay behind the present one, oldest first."""
    return list(st.session_state.get("before", []))


def kept_runs() -> set[Runs]:
    """The experiments that a person keeps."""
    kept: set[Runs] = st.session_state.setdefault("kept", set())
    return kept


def keep_or_release(runs: Runs) -> None:
    """Let an experiment stay behind all later ones, or no longer."""
    kept_runs().symmetric_difference_update({runs})


def ghosts(present: Sequence[Snapshot]) -> list[Ghost]:
    """The experiments from before that have curves on the same data, each named by what is different in it."""
    if not present:
        return []
    values = control_values([each.config for each in present])
    drawn = []
    for runs in shown_before():
        try:
            snapshots = load(runs)
        except LabError:
            continue  # removed meanwhile
        first = snapshots[0].config
        same_data = (first.dataset, first.protocol) == (present[0].config.dataset, present[0].config.protocol)
        if not same_data or not all(each.epochs for each in snapshots) or runs == tuple(s.run_id for s in present):
            continue
        name = in_words(control_values([each.config for each in snapshots]), values)
        drawn.append(Ghost(name, [Curve(each.config.head, each.epochs) for each in snapshots]))
    return drawn
