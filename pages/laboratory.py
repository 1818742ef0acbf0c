"""The laboratory: one experiment, hybrid and classical heads side by side, live."""

from collections.abc import Sequence

import streamlit as st

from core.config.run import RunConfig
from core.errors import LabError
from core.experiment.configs import Experiment, beyond_controls, circuit_of, control_values, experiment, shared_settings
from core.experiment.controls import CONTROLS, values_of
from core.runs.estimate import together
from core.runs.shipped import any_seeds, shipped_index
from core.runs.snapshots import Snapshot
from core.runs.store import LIVE
from core.settings import settings
from core.words import verbatim
from pages.ui.extraction import extraction_view
from pages.ui.forecast import forecast
from pages.ui.laboratory import wording
from pages.ui.laboratory.fold import fold
from pages.ui.laboratory.form import controls, read_address, to_defaults, write_address
from pages.ui.laboratory.ghosts import leave
from pages.ui.laboratory.live import live_view
from pages.ui.laboratory.live_switch import has_changed, live_switch, remember_live, tidy
from pages.ui.laboratory.strip import strip
from pages.ui.laboratory.view import View, load
from pages.ui.results import results_view
from pages.ui.service import jobs, person, say
from pages.ui.standing import overall

SECONDS_OF_A_DOUBLE_CLICK = 2


def main() -> None:
    """The page, from top to bottom."""
    arrives = read_address(linked_settings, returns=st.session_state.changes_page)
    with st.sidebar:
        values = controls()
        try:
            wanted, problem = experiment(values), ""
        except LabError as error:
            wanted, problem = None, str(error)
        run_button(wanted)
        is_live, is_new = live_switch(values["dataset"], seconds_of(wanted)[0]), has_changed(wanted)
        if is_live and is_new and not arrives:
            start(wanted, by_itself=True)
        st.button("Default settings", type="tertiary", key="defaults", on_click=to_defaults)
        st.page_link(
            "compare.py", label="Compare these settings", icon=":material/balance:", query_params={"from": "laboratory"}
        )
    run_ids, stale = known_runs(st.session_state.run)
    st.session_state.run = ",".join(run_ids)
    write_address(values)
    st.session_state.address_problem = stale or st.session_state.address_problem
    tidy(run_ids)
    fold(st.session_state.run)

    if wanted is not None:
        strip(wanted.features)
    with st.container():  # always there: what comes and goes in it moves no chart to another place
        for sentence in (st.session_state.address_problem, problem):
            if sentence:
                st.warning(verbatim(sentence))
        if wanted is not None and wanted.features.state == "missing" and not run_ids:
            extraction_view(wanted.features)

    shipped = shipped_runs(wanted) if wanted and not run_ids else ()
    shown = run_ids or shipped
    snapshots = load(shown)
    live_view(View(shown, wanted, circuit_of(values), bool(shipped), *compared(wanted, snapshots if run_ids else [])))
    results_view(snapshots)


def compared(wanted: Experiment | None, snapshots: Sequence[Snapshot]) -> tuple[bool, str]:
    """Whether the controls differ from the runs that are shown, and which settings of the runs have no control."""
    if wanted is None or not snapshots:
        return False, ""
    configs = [each.config for each in snapshots]
    differs = control_values(configs) != control_values(wanted.configs)
    beyond = [f"{name} = {value}" for name, value in beyond_controls(configs).items()]
    return differs, " and ".join(beyond)


def known_runs(named: str) -> tuple[tuple[str, ...], str]:
    """Those of the named runs that are here and belong together, and one sentence if some are or do not."""
    belonging: list[Snapshot] = []
    problem = ""
    for run_id in filter(None, named.split(",")):
        try:
            snapshot = jobs().snapshot(run_id)
        except LabError as error:
            problem = str(error)
            continue
        if belonging and shared_settings(snapshot.config) != shared_settings(belonging[0].config):
            problem = wording.do_not_belong(run_id, belonging[0].run_id)
        else:
            belonging.append(snapshot)
    return tuple(each.run_id for each in belonging), problem


def linked_settings(named: str) -> dict[str, object]:
    """Values of the controls for the named runs; none when they are not here."""
    snapshots = load(known_runs(named)[0])
    return control_values([each.config for each in snapshots]) if snapshots else {}


def run_button(wanted: Experiment | None) -> None:
    """The button that starts all heads, with an estimate of how long they take."""
    missing = wanted is not None and wanted.features.state == "missing"
    with st.container(horizontal=True, vertical_alignment="center", key="run-bar"):
        st.button(
            "Run",
            icon=":material/play_arrow:",
            type="primary",
            key="start",
            disabled=wanted is None or missing,
            on_click=start_what_is_set,
        )
        if wanted and not missing:
            expected, why = wording.run_time(*seconds_of(wanted))
            st.caption(expected, help=why)


def start_what_is_set() -> None:
    """Start the experiment of the controls as they are at the click, which may be newer than what was drawn last."""
    try:
        start(experiment(values_of({name: st.session_state[name] for name in CONTROLS})))
    except LabError as error:
        say(str(error))


def start(wanted: Experiment | None, by_itself: bool = False) -> None:
    """Submit one run for each head and put them into the address, unless these are in training for this person.

    by_itself: nobody pressed Run; such runs pass when others have taken their place.
    """
    if wanted is None or wanted.features.state == "missing":
        return
    shown_ids, _ = known_runs(st.session_state.run)
    shown = load(shown_ids)
    mine = all(each.owner == person() for each in shown)
    same = [each.config for each in shown] == list(wanted.configs)
    if same and (by_itself or (mine and overall(shown) in LIVE)):
        return
    try:
        run_ids = submit(wanted.configs, person())
    except LabError as error:
        say(str(error))
        return
    if shown_ids and list(shown_ids) != run_ids:
        leave(shown_ids)
    if by_itself:
        remember_live(tuple(run_ids))
    st.session_state.run = ",".join(run_ids)


@st.cache_data(ttl=SECONDS_OF_A_DOUBLE_CLICK, show_spinner=False, hash_funcs={RunConfig: RunConfig.model_dump_json})
def submit(configs: Sequence[RunConfig], owner: str) -> list[str]:
    """Ids of new runs; asked again within a moment, those of the first time: a double click starts nothing twice."""
    return [jobs().submit(config, owner=owner) for config in configs]


def seconds_of(wanted: Experiment | None) -> tuple[float | None, bool]:
    """How long the experiment will take, None if that is not known, and whether runs of this machine show it."""
    expected = [forecast(config) for config in wanted.configs] if wanted else []
    known = [each for each in expected if each is not None]
    if not known or len(known) < len(expected):
        return None, False
    return together([each.seconds for each in known], settings().workers), all(each.sure for each in known)


def shipped_runs(wanted: Experiment) -> tuple[str, ...]:
    """Finished runs that came with the laboratory, one for every head of the experiment, or none at all."""
    index = known_index()
    run_ids = [index.get(any_seeds(config), "") for config in wanted.configs]
    return tuple(run_ids) if all(run_ids) else ()


@st.cache_data(ttl=60, show_spinner=False)
def known_index() -> dict[str, str]:
    """Settings of every shipped run, whatever its number of seeds → its id."""
    return shipped_index()


main()
