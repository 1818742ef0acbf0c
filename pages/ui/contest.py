"""A comparison that is run from the page: a process of its own (`python -m core compare`), its progress and its end.

One at a time on a server, the same for everybody who looks; who started it may stop it.
"""

import json
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from core.comparison.store import load_comparison
from core.errors import LabError
from core.settings import PROJECT, child_environment
from core.words import duration
from pages.ui.service import may_control, person

REDRAW = 0.5
"""Seconds between two looks at a comparison that goes on."""

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


@dataclass
class Contest:
    """One comparison under way or ended."""

    arguments: tuple[str, ...]
    owner: str
    progress: dict[str, Any] = field(default_factory=dict)
    finished: str = ""
    """Name of the stored comparison, when it is there"""
    problem: str = ""
    ended: bool = False
    process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start the process and a thread that listens to it."""
        command = [sys.executable, "-m", "core", "compare", "--json", *self.arguments]
        self.process = subprocess.Popen(
            command,
            cwd=PROJECT,
            env=child_environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        threading.Thread(target=self._follow, args=(self.process,), name="comparison", daemon=True).start()

    def stop(self) -> None:
        """End the process; nothing of it is kept."""
        if self.process is not None and not self.ended:
            self.problem = "Stopped; nothing of it was kept."
            self.process.terminate()

    def _follow(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        assert process.stderr is not None
        with process:
            for line in process.stdout:
                said = json.loads(line)
                if said["event"] == "finished":
                    self.finished = said["name"]
                else:
                    self.progress = said
            errors = process.stderr.read().strip().splitlines()
        if process.returncode and not self.problem:
            self.problem = errors[-1] if errors else f"The comparison ended with status {process.returncode}."
        self.ended = True


@st.cache_resource(show_spinner=False)
def _contests() -> list[Contest]:
    """The latest comparison of this server, or none."""
    return []


def start_contest(arguments: Sequence[str]) -> None:
    """Start a comparison with these options of ``python -m core compare``, unless another one goes on."""
    contests = _contests()
    if contests and not contests[-1].ended:
        return
    contests[:] = [Contest(tuple(arguments), person())]
    contests[-1].start()


def contest_going() -> bool:
    """Whether a comparison is under way on this server."""
    contests = _contests()
    return bool(contests) and not contests[-1].ended


def contest_view() -> None:
    """How the latest comparison stands; redraws itself while it goes on. To show it brings the page back to its top."""
    _to_top(key="to-top", data={"shown": st.session_state.get("comparisons-shown", 0)})
    going = contest_going()
    st.fragment(_draw, run_every=REDRAW if going else None)(going)


def _draw(was_going: bool) -> None:
    contests = _contests()
    if not contests:
        st.caption("Nothing is being compared on this server now.")
        return
    contest = contests[-1]
    if not contest.ended:
        said = contest.progress
        text = "Starting ..."
        if said:
            left = f", about {duration(said['seconds_left'])} left" if said.get("seconds_left") else ""
            text = f"{said['stage']} {said['rival']} ({said['number']} of {said['n_rivals']}){left}"
        with st.container(horizontal=True, vertical_alignment="center"):
            st.progress(min(float(said.get("share", 0.0)), 1.0), text=text)
            if may_control(contest.owner):
                st.button("Stop", icon=":material/stop:", key="stop-comparison", on_click=contest.stop)
    elif contest.problem:
        st.warning(contest.problem)
    elif contest.finished:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.success(f"Finished: {_in_words(contest.finished)}")
            if st.button("Show it", key="show-comparison", on_click=_show, args=(contest.finished,)):
                st.rerun()  # the whole page, not this part alone
    if was_going and contest.ended:
        st.rerun()


@st.cache_data(max_entries=16, show_spinner=False)
def _in_words(name: str) -> str:
    """Problem, seeds and settings of a stored comparison."""
    try:
        comparison = load_comparison(name)
    except LabError as error:
        return str(error)
    trials = max(len(result.trials) for result in comparison.results)
    settings = f"{trials} settings tried for every head" if trials else "the paper's settings for every head"
    return f"{comparison.title}, {len(comparison.seeds)} paired seeds, {settings}"


def _show(name: str) -> None:
    st.session_state["problem"] = name
    st.query_params["problem"] = name
    st.session_state["comparisons-shown"] = st.session_state.get("comparisons-shown", 0) + 1
