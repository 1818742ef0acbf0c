"""Run a comparison from the page Compare."""

import streamlit as st

from core.comparison.problem import CONDITIONS, PROBLEMS, TRIALS, Conditions, problem_config
from core.comparison.rivals import rivals
from core.config.heads.base import CircuitSettings
from core.config.heads.registry import head_choices
from core.config.run import RunConfig
from core.report.verdicts import too_few_seeds
from core.statistics.intervals import SEEDS
from core.work.kinds.compare import Compare
from pages.ui.compare.choice import CONDITION_LABELS, comparison_title
from pages.ui.compare.running import comparisons_view, is_compared, start_comparison

PAPERS = "quantum"
"""The candidate of the comparisons that ship"""


def run_again(shown: str | None) -> None:
    """The controls of a new comparison, of the problem that is shown unless another one is chosen."""
    left, middle, right = st.columns([3, 2, 1.4])
    _follow(shown)
    left.selectbox("Problem to run", list(PROBLEMS), format_func=comparison_title, key="run-problem")
    seeds = middle.number_input("Paired seeds", 2, 64, SEEDS, key="run-seeds")
    right.number_input(
        "Settings to try",
        0,
        64,
        0,
        key="run-trials",
        help=f"For every head, on validation data; 0: the same settings for all. The shipped ones try {TRIALS}.",
    )
    left, middle, right = st.columns([3, 2, 1.4])
    ways: list[Conditions] = ["converged", "paper"]
    left.segmented_control(
        "Conditions to run",
        ways,
        default=ways[0],
        required=True,
        format_func=lambda name: CONDITION_LABELS[name],
        key="run-conditions",
        help="; ".join(f"{CONDITION_LABELS[name]}: {CONDITIONS[name]}" for name in ways),
    )
    candidates = [*head_choices(), *head_choices(ablations=True)]
    middle.selectbox("Candidate", candidates, key="run-candidate", help="The head that all others are compared with.")
    config = _config()
    names = [rival.name for rival in rivals(config)[1:]]
    state = st.session_state
    state["run-rivals"] = [name for name in state.get("run-rivals", []) if name in names]  # those of this candidate
    st.multiselect("Rivals", names, placeholder=f"all {len(names)}", key="run-rivals")
    if too_few := too_few_seeds(seeds):
        st.warning(f"{too_few}.", icon=":material/warning:")
    work = _work()
    st.button(
        "Compare",
        icon=":material/play_arrow:",
        type="primary",
        key="start-comparison",
        disabled=is_compared(work),
        on_click=_start_what_is_set,
    )
    comparisons_view()
    st.caption(
        f"The same from a terminal: `{work.command}`. Other data and features: "
        "`python -m core compare --help`. Everything that ships: `python -m core compare --all`."
    )


def _config() -> RunConfig:
    """The candidate's run, of the controls' values."""
    state = st.session_state
    config = problem_config(state["run-problem"], state["run-conditions"])
    if (name := state["run-candidate"]) != PAPERS:
        circuit = CircuitSettings(**config.head.controls)
        choices = head_choices() | head_choices(ablations=True)
        config = config.model_copy(update={"head": choices[name].head(circuit)})
    return config.model_copy(update={"seeds": state["run-seeds"]})


def _work() -> Compare:
    """The comparison of these settings."""
    state = st.session_state
    return Compare(config=_config(), n_trials=state["run-trials"], rivals=tuple(state["run-rivals"]))


def _start_what_is_set() -> None:
    """Start the comparison of the controls as they are at the click, which may be newer than what was drawn last."""
    start_comparison(_work())


def _follow(shown: str | None) -> None:
    """Keep the problem to run at the one that is shown, until somebody chooses another one."""
    state = st.session_state
    if shown in PROBLEMS and state.get("run-problem") in (None, state.get("run-follows"), shown):
        state["run-problem"] = state["run-follows"] = shown
