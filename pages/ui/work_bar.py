"""How work stands that goes on in the background: one bar for every kind, with Stop for whoever asked for it."""

import streamlit as st

from core.errors import LabError
from core.events import Progress
from core.runs.snapshots import Snapshot, Standing
from core.runs.store import LIVE
from core.words import duration, verbatim
from pages.ui import wording
from pages.ui.service import jobs, may_control, say
from pages.ui.standing import progress

SECONDS_BETWEEN_LOOKS = 0.5
"""How often a page looks at work that goes on."""


def is_going(standing: Standing | None) -> bool:
    """Whether work is queued or under way."""
    return standing is not None and standing.status in LIVE


def told(standing: Standing) -> tuple[str, float]:
    """What work that is queued or under way is doing, for a person, and the share of it that is done."""
    if standing.status == "queued":
        waiting = wording.waiting(standing.position) if jobs().wait_until_ready(0) else wording.WORKERS_START
        return jobs().problem or standing.message or waiting, _share(standing.progress)
    if isinstance(standing, Snapshot) and standing.started is not None:
        _, text, share = progress([standing])
        return text.removeprefix("running: "), share
    if standing.message:
        return standing.message, _share(standing.progress)
    return _in_words(standing.progress), _share(standing.progress)


def work_bar(standing: Standing, key: str) -> None:
    """The bar of work that is queued or under way; key: the Stop button's."""
    text, share = told(standing)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(share, text=verbatim(text))
        if may_control(standing.owner):
            st.button("Stop", icon=":material/stop:", key=key, on_click=stop, args=(standing.run_id,))


def stop(run_id: str) -> None:
    """End work; what it keeps of itself stays."""
    try:
        jobs().stop(run_id)
    except LabError as error:
        say(str(error))


def _in_words(done: Progress | None) -> str:
    if done is None:
        return wording.LOADING
    text = done.what
    if done.total and done.unit != "%":
        scale, unit = (1e6, "MB") if done.unit == "bytes" else (1.0, done.unit)
        text += f": {done.done / scale:,.0f} of {done.total / scale:,.0f} {unit}"
        text += f", {done.per_second / scale:,.1f} {unit}/s" if done.per_second else ""
    return text + (f", about {duration(done.seconds_left)} left" if done.seconds_left else "")


def _share(done: Progress | None) -> float:
    return min(done.done / done.total, 1.0) if done and done.total else 0.0
