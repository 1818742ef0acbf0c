"""Run a comparison from the page Compare."""

import streamlit as st

from core.comparison.problem import PROBLEMS, TRIALS, problem_config
from core.report.verdicts import too_few_seeds
from core.statistics.intervals import SEEDS
from core.work.kinds.compare import Compare
from pages.ui.compare.choice import comparison_title
from pages.ui.compare.running import comparisons_view, is_compared, start_comparison


def run_again(shown: str | None) -> None:
    """The controls of a new comparison, of the problem that is shown unless another one is chosen."""
    left, middle, right = st.columns([3, 2, 1.4])
    _follow(shown)
    problem = left.selectbox("Problem to run", list(PROBLEMS), format_func=comparison_title, key="run-problem")
    seeds = middle.number_input("Paired seeds", 2, 64, SEEDS, key="run-seeds")
    if too_few := too_few_seeds(seeds):
        middle.warning(f"{too_few}.", icon=":material/warning:")
    trials = right.number_input(
        "Settings to try",
        0,
        64,
        0,
        key="run-trials",
        help=f"For every head, on validation data; 0: the paper's settings for all. The shipped ones try {TRIALS}.",
    )
    work = _work(problem, seeds, trials)
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


def _work(problem: str, seeds: int, trials: int) -> Compare:
    """The comparison of these settings."""
    config = problem_config(problem).model_copy(update={"seeds": seeds})
    command = f"python -m core compare --problem {problem} --seeds {seeds} --trials {trials}"
    return Compare(config=config, n_trials=trials, command=command)


def _start_what_is_set() -> None:
    """Start the comparison of the controls as they are at the click, which may be newer than what was drawn last."""
    state = st.session_state
    start_comparison(_work(state["run-problem"], state["run-seeds"], state["run-trials"]))


def _follow(shown: str | None) -> None:
    """Keep the problem to run at the one that is shown, until somebody chooses another one."""
    state = st.session_state
    if shown in PROBLEMS and state.get("run-problem") in (None, state.get("run-follows"), shown):
        state["run-problem"] = state["run-follows"] = shown
