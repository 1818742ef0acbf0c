"""Comparisons that are run from the page: those under way, and the end of the last one."""

import streamlit as st

from core.comparison.problem import CONDITIONS, conditions_of
from core.comparison.store import load_comparison
from core.errors import LabError
from core.words import verbatim
from core.work.kinds.compare import Compare
from pages.ui.compare import wording
from pages.ui.service import jobs, person, say
from pages.ui.work_bar import SECONDS_BETWEEN_LOOKS, is_going, work_bar

_to_top = st.components.v2.component(
    "to_top",
    html="",
    css=".st-key-to-top { position: absolute; width: 1px; }",
    js="""
export default function ({ data, parentElement }) {
  if (parentElement.shown !== undefined && parentElement.shown !== data.shown)
    document.querySelector('[data-testid="stMain"]').scrollTo(0, 0)
  parentElement.shown = data.shown
}
""",
    isolate_styles=False,  # its style is about the element around it
)


def start_comparison(work: Compare) -> None:
    """Queue a comparison; nothing while the very same one is under way."""
    try:
        jobs().submit(work, owner=person())
    except LabError as error:
        say(str(error))


def is_compared(work: Compare) -> bool:
    """Whether this very comparison is queued or under way."""
    return is_going(jobs().latest(work))


def comparisons_view() -> None:
    """How comparisons stand; redraws itself while one goes on. To show one brings the page back to its top."""
    _to_top(key="to-top", data={"shown": st.session_state.get("comparisons-shown", 0)})
    going = [each.run_id for each in jobs().recent(Compare) if is_going(each)]
    st.fragment(_draw, run_every=SECONDS_BETWEEN_LOOKS if going else None)(going)


def _draw(were_going: list[str]) -> None:
    recent = jobs().recent(Compare)
    going = [each for each in recent if is_going(each)]
    ended = [each for each in recent if not is_going(each)]
    if not recent:
        st.caption(wording.NOTHING_COMPARED)
    for each in reversed(going):  # the first to come stays on top
        work_bar(each, key=f"stop-{each.run_id}")
    if ended and ended[0].result:
        name = ended[0].result["name"]
        with st.container(horizontal=True, vertical_alignment="center"):
            st.success(verbatim(f"Finished: {_in_words(name)}"))
            if st.button("Show it", key="show-comparison", on_click=_show, args=(name,)):
                st.rerun()  # the whole page, not this part alone
    elif ended:
        st.warning(verbatim(ended[0].message) or wording.STOPPED)
    if were_going != [each.run_id for each in going]:
        st.rerun()


@st.cache_data(max_entries=16, show_spinner=False)
def _in_words(name: str) -> str:
    """Problem, seeds and settings of a stored comparison."""
    try:
        comparison = load_comparison(name)
    except LabError as error:
        return str(error)
    trials = max(len(result.trials) for result in comparison.results)
    conditions = CONDITIONS[conditions_of(comparison.config, comparison.tuned)]
    settings = f"{trials} settings tried for every head" if trials else conditions
    return f"{comparison.candidate} on {comparison.title}, {len(comparison.seeds)} paired seeds, {settings}"


def _show(name: str) -> None:
    st.session_state["problem"] = name
    st.query_params["problem"] = name
    st.session_state["comparisons-shown"] = st.session_state.get("comparisons-shown", 0) + 1
