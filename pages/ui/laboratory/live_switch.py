"""Live: a setting that changes is trained at once, and the new curves grow over the old ones."""

from collections.abc import Sequence

import streamlit as st

from core.config.run import RunConfig
from core.errors import LabError
from core.experiment.configs import Experiment
from core.runs.store import LIVE
from pages.ui.laboratory import wording
from pages.ui.laboratory.ghosts import Runs, kept_runs, shown_before
from pages.ui.laboratory.view import load
from pages.ui.service import jobs, may_control

SECONDS_TO_WAIT_FOR = 2.0
"""Live is on at first where an experiment takes less than this."""


def live_switch(dataset: str, seconds: float | None) -> bool:
    """The switch, and whether it is on; seconds: how long the experiment of the controls will take, None if unknown.

    A data set that comes onto the page turns it on or off; after that it stays as it is.
    """
    state = st.session_state
    if state.get("live_for") != dataset:
        state.live_for = dataset
        state.live = seconds is not None and seconds < SECONDS_TO_WAIT_FOR
        state.live_off = "" if state.live else wording.live_is_off(seconds, SECONDS_TO_WAIT_FOR)
    on: bool = st.toggle(
        "Live",
        key="live",
        persist_state="session",
        help=wording.LIVE_HELP,
        on_change=_forget_why,
    )
    if state.get("live_off"):
        st.caption(state.live_off)
    return on


def _forget_why() -> None:
    """Whoever sets the switch needs no word on why it was off."""
    st.session_state.live_off = ""


def has_changed(wanted: Experiment | None) -> bool:
    """Whether the controls describe another experiment than when this page was drawn last."""
    configs = wanted.configs if wanted else None
    before: Sequence[RunConfig] | None = st.session_state.get("wanted", configs)
    st.session_state.wanted = configs
    return wanted is not None and before is not None and configs != before


def remember_live(runs: Runs) -> None:
    """These runs were started by the switch: they pass when others have taken their place."""
    st.session_state.setdefault("live_runs", []).append(runs)


def tidy(shown: Runs) -> None:
    """Stop runs of the switch that newer ones have replaced, and remove those that are over and shown nowhere."""
    staying = {shown, *shown_before(), *kept_runs()}
    remaining: list[Runs] = []
    for runs in st.session_state.get("live_runs", []):
        if runs == shown:
            remaining.append(runs)
            continue
        try:
            snapshots = load(runs)
        except LabError:
            continue  # removed already
        going = [each.run_id for each in snapshots if each.status in LIVE]
        for run_id in going:
            jobs().stop(run_id)
        unfinished = any(each.status != "finished" for each in snapshots)
        if going or (runs in staying and not unfinished):
            remaining.append(runs)
        elif all(may_control(each.owner) for each in snapshots):
            for run_id in runs:
                jobs().store.remove(run_id)
    st.session_state.live_runs = remaining
