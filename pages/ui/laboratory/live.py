"""The experiment: header with controls, curves, the heads side by side, the circuit; changed in place."""

from collections.abc import Sequence

import streamlit as st

from core.config.heads.base import Head
from core.config.run import RunConfig
from core.data.banks import load_bank
from core.data.registry import DATASETS
from core.errors import LabError
from core.figures.runs import Curve, Ghost
from core.runs.snapshots import Snapshot
from core.statistics.metrics import Chance, chance_level
from pages.ui.circuit import circuit_view, trained_angles
from pages.ui.curves import curves_view
from pages.ui.heads_table import heads_table
from pages.ui.laboratory.ghosts import ghosts
from pages.ui.laboratory.header import header_view
from pages.ui.laboratory.view import View, load
from pages.ui.lines import Line, judged_on, lines_of, untrained_lines
from pages.ui.news import follow
from pages.ui.regions import regions_view
from pages.ui.service import jobs

SECONDS_TO_FIRST_EPOCH = 0.4
"""How long the first drawing of an experiment waits for its first epoch, which is mostly there sooner."""


def live_view(view: View) -> None:
    """Everything above the results; `pages.ui.channel` sends what changes while runs go on."""
    _wait_for_first_epoch(view)
    snapshots = load(view.run_ids)
    lines = lines_of(snapshots) or untrained_lines(view.experiment.configs if view.experiment else ())
    header_view(view, snapshots, lines)
    _curves(view, lines, ghosts(snapshots))
    with st.container(key="plane"):  # always there: what comes and goes in it moves nothing above
        if lines and DATASETS[lines[0].config.dataset].is_points:
            regions_view(lines[0].config.dataset, [line.config.head for line in lines], snapshots, view.live_runs)
    with st.container(key="lower"):
        right, left = st.columns(2, gap="large")
    with right:
        heads_table(lines, view.live_runs)
    with left:
        run_id, angles = _trained(view, snapshots)
        circuit_view(view.circuit, angles, run_id)
    follow(() if view.shipped else snapshots)


def _wait_for_first_epoch(view: View) -> None:
    """Give runs that have just come onto this page, and that no other run holds up, a moment for their first epoch."""
    before, st.session_state.shown = st.session_state.get("shown"), view.run_ids
    alone = {each.run_id for each in jobs().queue()} == set(view.run_ids)
    if view.run_ids != before and alone and jobs().wait_until_ready(0):
        jobs().wait_for_epoch(view.run_ids, SECONDS_TO_FIRST_EPOCH)


def _curves(view: View, lines: Sequence[Line], before: Sequence[Ghost]) -> None:
    drawn = [Curve(line.config.head, line.epochs) for line in lines]
    n_epochs = max([line.config.epochs for line in lines], default=RunConfig().epochs)
    data = judged_on(lines[0].config) if lines else "validation"
    revision = f"{lines[0].config.dataset} {n_epochs}" if lines else ""
    chance = chance_of(lines[0].config) if lines else None
    curves_view(
        drawn,
        n_epochs,
        key="curves",
        revision=revision,
        watched=data,
        live=view.live_runs,
        before=before,
        chance=chance,
    )


def chance_of(config: RunConfig) -> Chance | None:
    """What always giving the most frequent class reaches on the data that a run is judged by; None without features."""
    try:
        bank = load_bank(config.features)
    except LabError:
        return None
    splits = bank.splits(config.validation_share, config.split_seed)
    rows = splits.validation if judged_on(config) == "validation" else splits.test
    return chance_level(bank.labels[rows], bank.classes)


def _trained(view: View, snapshots: Sequence[Snapshot]) -> tuple[str, tuple[float, ...] | None]:
    """The run that has trained the circuit of the controls, and its angles; "" and None if there is none."""
    for each in snapshots:
        if each.status == "finished" and _as_drawn(each.config.head) == view.circuit:
            return each.run_id, trained_angles(each.run_id)
    return "", None


def _as_drawn(head: Head) -> Head:
    """A head as far as the controls describe it."""
    return head.model_copy(update={"init_scale": None})
