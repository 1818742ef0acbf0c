"""Is the quantum head better? Every rival on the same data, seeds and budget, and what may be concluded from it."""

import streamlit as st

from core.comparison.problem import problem_name
from core.comparison.store import load_comparison, load_predictions
from core.statistics.verdict import Verdict
from pages.ui.compare import wording
from pages.ui.compare.again import run_again
from pages.ui.compare.choice import choose
from pages.ui.compare.numbers import circuit_part, numbers_table, ranks, tuning_tried
from pages.ui.compare.verdict import answers, verdict_explained, verdict_figure


@st.cache_data(max_entries=64, show_spinner="Testing ...")
def verdicts(name: str, created: str, margin: float) -> list[Verdict]:
    """Of a stored comparison; created: when it was, since one of its name may take its place."""
    return load_comparison(name).verdicts(load_predictions(name), margin)


st.title(wording.TITLE)
st.markdown(wording.INTRODUCTION)
chosen = choose()
if chosen is None:
    st.info(wording.NOTHING_STORED)
else:
    comparison = chosen.comparison
    judged = verdicts(comparison.name, comparison.created.isoformat(), chosen.margin)
    answers(comparison, judged)
    verdict_figure(comparison, judged)
    st.subheader("Why")
    verdict_explained(comparison, judged, chosen.against)
    st.subheader("All numbers")
    numbers_table(comparison, judged)
    if comparison.contribution:
        st.subheader("Does the circuit do anything?")
        circuit_part(comparison.contribution)
    if comparison.tuned:
        st.subheader("What tuning tried")
        tuning_tried(comparison)
    st.subheader("Over all data sets")
    ranks(comparison)
st.subheader("Run it again")
run_again(problem_name(chosen.comparison.config) if chosen else None)
