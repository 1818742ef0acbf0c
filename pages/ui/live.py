"""How an experiment stands: header with controls, curves, the heads side by side, the circuit. Redrawn in place."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st

from core.config import DressedQuantum, HeadConfig, RunConfig
from core.errors import LabError
from core.events import Epoch
from core.figures import TRAIN_DASH, Curve, curves, head_detail, head_style
from core.jobs import Snapshot
from core.settings import settings
from core.store import LIVE, Status
from pages.ui.charts import charts
from pages.ui.circuit import circuit_view, drawing_ready
from pages.ui.experiment import Experiment, experiment_title, parameter_counts
from pages.ui.panel import escape, panel
from pages.ui.queue import queue_popover
from pages.ui.service import jobs, may_control, say

SECONDS_BETWEEN_UPDATES = 0.4
CHART_HEIGHT = 330

_ORDER: tuple[Status, ...] = ("running", "queued", "failed", "interrupted", "paused", "stopped", "finished")
"""An experiment of several runs stands as the first of these that one of its runs stands at."""


@dataclass(frozen=True)
class View:
    """What the page shows: the runs of one experiment, or what the controls would start."""

    run_ids: tuple[str, ...]
    experiment: Experiment | None
    """What the controls say, None when that is not possible."""
    circuit: DressedQuantum
    """The circuit of the controls."""
    shipped: bool = False
    """Whether the runs came with the laboratory and stand in for ones that nobody has started here."""
    differs: bool = False
    """Whether the controls have moved away from the runs that are shown."""


def overall(snapshots: Sequence[Snapshot]) -> Status | None:
    """How the runs of one experiment stand together; None without any."""
    return next((status for status in _ORDER if any(each.status == status for each in snapshots)), None)


@dataclass(frozen=True)
class Line:
    """One head of the experiment, trained or not."""

    config: RunConfig
    parameters: tuple[int, int]
    """Trainable ones: in the circuit, elsewhere."""
    epochs: Sequence[Epoch]


def live_view(view: View) -> None:
    """Everything above the results; redraws itself while something goes on, and the page when that has ended."""
    snapshots = load(view.run_ids)
    drawn = drawing_ready(view.circuit, _angles(view, snapshots)[0], wait=0.15)
    timed = not drawn or overall(snapshots) in LIVE
    st.fragment(_draw, run_every=SECONDS_BETWEEN_UPDATES if timed else None)(view, timed)


def load(run_ids: Sequence[str]) -> list[Snapshot]:
    """Snapshots of these runs."""
    return [jobs().snapshot(run_id) for run_id in run_ids]


def _draw(view: View, timed: bool) -> None:
    snapshots = load(view.run_ids)
    lines = _lines(view, snapshots)
    _header(view, snapshots, lines)
    _curves(view, lines)
    with st.container(key="lower"):
        right, left = st.columns(2, gap="large")
    with right:
        _table(lines)
    with left:
        angles, caption = _angles(view, snapshots)
        circuit_view(view.circuit, angles, caption)
    if timed != (overall(snapshots) in LIVE or not drawing_ready(view.circuit, angles)):
        st.rerun()


def _lines(view: View, snapshots: Sequence[Snapshot]) -> list[Line]:
    if snapshots:
        return [
            Line(
                each.config,
                (each.started.quantum_parameters, each.started.classical_parameters)
                if each.started
                else parameter_counts(each.config),
                each.epochs,
            )
            for each in snapshots
        ]
    return [
        Line(config, parameter_counts(config), ()) for config in (view.experiment.configs if view.experiment else ())
    ]


# --- header -----------------------------------------------------------------------------------------------------------


def _header(view: View, snapshots: Sequence[Snapshot], lines: Sequence[Line]) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key="header"):
        panel(_status_html(view, snapshots, lines), key="status", min_height=62)
        with st.container(horizontal=True, gap="xsmall", width="content", key="actions"):
            _buttons(() if view.shipped else snapshots)
            queue_popover()


def _status_html(view: View, snapshots: Sequence[Snapshot], lines: Sequence[Line]) -> str:
    title = escape(experiment_title([line.config for line in lines])) if lines else "Laboratory"
    status, text, share = _progress(view, snapshots)
    return (
        f'<p class="title">{title}</p>'
        f'<div class="status" role="status"><span class="dot {status}"></span><span>{escape(text)}</span></div>'
        f'<div class="bar"><div class="{status}" style="width:{100 * share:.1f}%"></div></div>'
    )


def _progress(view: View, snapshots: Sequence[Snapshot]) -> tuple[str, str, float]:
    """Status, one line about it, and the share of the work that is done."""
    status = overall(snapshots)
    if status is None:
        return "idle", jobs().problem or "Nothing has been trained with these settings yet. Press Run.", 0.0
    done = [_epochs_done(each) for each in snapshots]
    total = sum(each.config.epochs for each in snapshots)
    share = sum(done) / total
    longest = max(each.config.epochs for each in snapshots)
    epochs = f"{int(share * longest)}/{longest} epochs"
    message = next((each.message for each in snapshots if each.message and each.status == status), "")
    if view.shipped:
        return (
            status,
            "This run came with the laboratory: these settings, trained elsewhere. Press Run for your own.",
            1.0,
        )
    match status:
        case "queued":
            ready = jobs().wait_until_ready(0)
            place = min(each.position for each in snapshots if each.status == "queued")
            text = f"waiting, place {place} in the queue" if ready else "waiting for the workers to start"
            text = jobs().problem or message or text
        case "running":
            left = _seconds_left(snapshots)
            text = f"running {epochs}" + (f", {duration(left)} left" if left is not None else "")
        case "finished":
            text = (
                f"finished, {duration(sum(each.finished.seconds for each in snapshots if each.finished))} of training"
            )
        case "failed":
            text = f"failed at {epochs}. {message}"
        case _:
            text = f"{status} at {epochs}. {message}".strip()
    if view.differs and status not in LIVE:
        text += " The settings on the left have changed since; Run trains them."
    return status, text, share


def _epochs_done(snapshot: Snapshot) -> float:
    done = float(snapshot.epochs[-1].epoch) if snapshot.epochs else 0.0
    if snapshot.status == "running" and snapshot.step and snapshot.started and snapshot.step.epoch > done:
        done += snapshot.step.step / snapshot.started.steps_per_epoch
    return min(done, float(snapshot.config.epochs))


def _seconds_left(snapshots: Sequence[Snapshot]) -> float | None:
    """Until all have ended that have an epoch behind them; None before one has."""
    each = []
    for snapshot in snapshots:
        if snapshot.status not in LIVE:
            continue
        if not snapshot.epochs:
            continue
        per_epoch = float(np.mean([epoch.seconds for epoch in snapshot.epochs[-10:]]))
        each.append(per_epoch * (snapshot.config.epochs - _epochs_done(snapshot)))
    return max(max(each), sum(each) / settings().workers) if each else None


def duration(seconds: float) -> str:
    """Seconds for a person: "0.4 s", "12 s", "3 min"."""
    if seconds < 9.5:
        return f"{seconds:.1f} s" if seconds < 1 else f"{seconds:.0f} s"
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


def _buttons(snapshots: Sequence[Snapshot]) -> None:
    mine = bool(snapshots) and all(may_control(each.owner) for each in snapshots)
    going = [each.run_id for each in snapshots if each.status in LIVE]
    resting = [each.run_id for each in snapshots if each.status not in (*LIVE, "finished")]
    if going or not resting:
        st.button(
            "Pause",
            icon=":material/pause:",
            key="pause",
            disabled=not (mine and going),
            on_click=_each,
            args=("pause", going),
        )
    else:
        st.button(
            "Resume",
            icon=":material/play_arrow:",
            key="resume",
            disabled=not mine,
            on_click=_each,
            args=("resume", resting),
        )
    st.button(
        "Stop", icon=":material/stop:", key="stop", disabled=not (mine and going), on_click=_each, args=("stop", going)
    )
    st.button(
        "Reset",
        icon=":material/restart_alt:",
        key="reset",
        disabled=not snapshots or bool(mine and going),
        on_click=reset,
        help="Clear the charts and keep the settings; the run stays in the list.",
    )


def _each(action: str, run_ids: Sequence[str]) -> None:
    """Pause, resume or stop these runs, if they belong to whoever asks."""
    for run_id in run_ids:
        try:
            if may_control(jobs().snapshot(run_id).owner):
                getattr(jobs(), action)(run_id)
        except LabError as error:
            say(str(error))


def reset() -> None:
    """Show no run any more."""
    st.session_state.run = ""


# --- curves -----------------------------------------------------------------------------------------------------------


def _curves(view: View, lines: Sequence[Line]) -> None:
    drawn = [Curve(line.config.head, line.epochs) for line in lines]
    n_epochs = max([line.config.epochs for line in lines], default=RunConfig().epochs)
    curves_view(drawn, n_epochs, key="curves", revision=",".join(view.run_ids))


def curves_view(drawn: Sequence[Curve], n_epochs: int, *, key: str, revision: str, watched: str = "validation") -> None:
    """Loss and accuracy of several heads against the epoch, with their legend; watched: the data beside training."""
    panel(_legend_html([curve.head for curve in drawn], watched), key=f"{key}-legend", min_height=24)
    what = f"on {watched} and training data: median over seeds and 10-90 % band of each head"
    charts(
        [curves(drawn, "loss", n_epochs), curves(drawn, "accuracy", n_epochs)],
        key=key,
        height=CHART_HEIGHT,
        revision=revision,
        describe=[f"Loss {what}", f"Accuracy {what}"],
    )


def _legend_html(drawn_heads: Sequence[HeadConfig], watched: str) -> str:
    styles = [head_style(head) for head in drawn_heads]
    heads = [f"<span>{swatch(style.colour, style.dash)}{escape(style.label)}</span>" for style in styles]
    how = [
        f"{swatch('currentColor', 'solid')}{watched}, median of seeds",
        f"{swatch('currentColor', TRAIN_DASH, 1.6)}training",
        f"{_BAND}10-90 % of seeds",
    ]
    return f'<div class="legend">{"".join(heads)}{"".join(f"<span class=quiet>{each}</span>" for each in how)}</div>'


_BAND = (
    '<svg width="30" height="12" aria-hidden="true">'
    '<rect width="30" height="12" rx="2" fill="currentColor" opacity="0.2"/></svg>'
)


def swatch(colour: str, dash: str, width: float = 2.6) -> str:
    """A short piece of a head's line."""
    dashes = "" if dash == "solid" else f' stroke-dasharray="{dash.replace("px", "")}"'
    return (
        f'<svg width="30" height="12" aria-hidden="true"><line x1="0" y1="6" x2="30" y2="6" '
        f'stroke="{colour}" stroke-width="{width}"{dashes}/></svg>'
    )


# --- heads side by side -----------------------------------------------------------------------------------------------


def _table(lines: Sequence[Line]) -> None:
    linear = next((_seconds_per_epoch(line.epochs) for line in lines if line.config.head.kind == "linear"), None)
    body = "".join(_row(line, linear) for line in lines)
    panel(
        '<h2>Heads side by side</h2><div class="scroll"><table><thead><tr><th scope="col">head</th>'
        '<th scope="col">parameters<br>circuit + other</th><th scope="col">validation<br>accuracy</th>'
        '<th scope="col">s per<br>epoch</th><th scope="col">times<br>linear</th></tr></thead>'
        f"<tbody>{body}</tbody><caption>Parameters are the trained ones; ± is the 95 % interval of the "
        "mean over seeds, on validation data after the latest epoch.</caption></table></div>",
        key="table",
        min_height=120 + 52 * max(len(lines), 3),
    )


def _row(line: Line, linear: float | None) -> str:
    style = head_style(line.config.head)
    seconds = _seconds_per_epoch(line.epochs)
    ratio = f"{seconds / linear:.1f}" if seconds and linear else "–"
    accuracy = _accuracy(line.epochs[-1]) if line.epochs else "–"
    return (
        f"<tr><td>{swatch(style.colour, style.dash)} {escape(style.label)}"
        f"<small>{escape(head_detail(line.config.head))}</small></td>"
        f"<td>{line.parameters[0]:,} + {line.parameters[1]:,}</td><td>{accuracy}</td>"
        f"<td>{_short(seconds) if seconds is not None else '–'}</td><td>{ratio}</td></tr>"
    )


def _accuracy(epoch: Epoch) -> str:
    from core.statistics import mean_interval

    kept = [value for value, status in zip(epoch.validation_accuracy, epoch.status, strict=True) if status == "ok"]
    lost = len(epoch.status) - len(kept)
    note = f"<small>{lost} of {len(epoch.status)} diverged</small>" if lost else ""
    if not kept:
        return f"–{note}"
    interval = mean_interval(kept)
    half = (interval.high - interval.low) / 2
    spread = f" ± {100 * half:.1f}" if np.isfinite(half) else ""
    return f"{100 * interval.estimate:.1f}{spread} %{note}"


def _seconds_per_epoch(epochs: Sequence[Epoch]) -> float | None:
    return float(np.mean([epoch.seconds for epoch in epochs])) if epochs else None


def _short(seconds: float) -> str:
    return f"{seconds:.3f}" if seconds < 0.0995 else f"{seconds:.2f}" if seconds < 9.95 else f"{seconds:.0f}"


# --- circuit ----------------------------------------------------------------------------------------------------------


def _angles(view: View, snapshots: Sequence[Snapshot]) -> tuple[tuple[float, ...] | None, str]:
    """The trained angles of the circuit that the controls describe, if it has been trained, and a caption."""
    for each in snapshots:
        if each.status == "finished" and each.config.head == view.circuit:
            caption = f"Trained angles in radians, of seed {each.config.base_seed}; the first RY take the features."
            return _trained_angles(each.run_id), caption
    return None, "As the sliders say; when the quantum head has been trained, its angles are written into the gates."


@st.cache_data(max_entries=64, show_spinner=False)
def _trained_angles(run_id: str) -> tuple[float, ...]:
    return tuple(jobs().store.load(run_id).weights()["circuit.weights"][0].ravel().tolist())
