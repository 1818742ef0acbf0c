"""Run a comparison from the page Compare."""

import streamlit as st

from core.comparison.problem import PROBLEMS, Conditions, problem_config
from core.comparison.rivals import rivals
from core.config.heads.base import CircuitSettings
from core.config.heads.registry import head_choices
from core.config.run import RunConfig
from core.errors import LabError
from core.experiment.configs import experiment
from core.experiment.controls import CONTROLS, values_of
from core.report.verdicts import too_few_seeds
from core.statistics.intervals import SEEDS
from core.work.kinds.compare import Compare
from pages.ui.compare import wording
from pages.ui.compare.choice import CONDITION_LABELS, comparison_title
from pages.ui.compare.running import comparisons_view, is_compared, start_comparison

LABORATORY = "laboratory"
"""Instead of a problem: the settings that the laboratory's controls have; also in the address, of links from there"""

PAPERS = "quantum"
"""The candidate of the comparisons that ship"""


def run_again(shown: str | None) -> None:
    """The controls of a new comparison, of the problem that is shown unless another one is chosen."""
    state = st.session_state
    laboratory = _laboratory()
    _follow(shown, bool(laboratory))
    left, middle, right = st.columns([3, 2, 1.4])
    problems = [LABORATORY, *PROBLEMS] if laboratory else [*PROBLEMS]
    problem = left.selectbox("Problem to run", problems, format_func=_title, key="run-problem")
    seeds = middle.number_input("Paired seeds", 2, 64, SEEDS, key="run-seeds")
    right.number_input(
        "Settings to try",
        0,
        64,
        0,
        key="run-trials",
        help=wording.TRIALS_HELP,
    )
    left, middle = st.columns([3, 3.4])
    if problem == LABORATORY:
        left.caption(wording.OF_THE_LABORATORY)
        candidates = [config.head.style.label for config in laboratory]
    else:
        ways: list[Conditions] = ["converged", "paper"]
        left.segmented_control(
            "Conditions to run",
            ways,
            default=ways[0],
            required=True,
            format_func=lambda name: CONDITION_LABELS[name],
            key="run-conditions",
            help=wording.conditions_help(CONDITION_LABELS, ways),
        )
        candidates = [*head_choices(), *head_choices(ablations=True)]
    if state.get("run-candidate") not in candidates:
        state["run-candidate"] = candidates[0]
    middle.selectbox("Candidate", candidates, key="run-candidate", help=wording.CANDIDATE_HELP)
    names = [rival.name for rival in rivals(_config())[1:]]
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
    st.caption(wording.terminal(work.command))


def _laboratory() -> tuple[RunConfig, ...]:
    """The runs that the laboratory's controls describe; none where nobody has been there or they do not fit."""
    state = st.session_state
    if any(name not in state for name in CONTROLS):
        return ()
    try:
        return experiment(values_of({name: state[name] for name in CONTROLS})).configs
    except LabError:
        return ()


def _title(problem: str) -> str:
    return wording.LABORATORY if problem == LABORATORY else comparison_title(problem)


def _config() -> RunConfig:
    """The candidate's run, of the controls' values."""
    state = st.session_state
    name = state["run-candidate"]
    if state["run-problem"] == LABORATORY:
        config = next(each for each in _laboratory() if each.head.style.label == name)
    else:
        config = problem_config(state["run-problem"], state["run-conditions"])
        if name != PAPERS:
            choices = head_choices() | head_choices(ablations=True)
            config = config.model_copy(update={"head": choices[name].head(CircuitSettings(**config.head.controls))})
    return config.model_copy(update={"seeds": state["run-seeds"]})


def _work() -> Compare:
    """The comparison of these settings."""
    state = st.session_state
    return Compare(config=_config(), n_trials=state["run-trials"], rivals=tuple(state["run-rivals"]))


def _start_what_is_set() -> None:
    """Start the comparison of the controls as they are at the click, which may be newer than what was drawn last."""
    start_comparison(_work())


def _follow(shown: str | None, has_laboratory: bool) -> None:
    """Keep the problem to run at the one that is shown, until somebody chooses another one or comes with settings."""
    state = st.session_state
    if has_laboratory and "run-problem" not in state and st.query_params.get("from") == LABORATORY:
        state["run-problem"] = LABORATORY
    elif shown in PROBLEMS and state.get("run-problem") in (None, state.get("run-follows"), shown):
        state["run-problem"] = state["run-follows"] = shown
