"""What the page shows: the runs of an experiment or what the controls would start, and how they stand together."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from core.config.heads.dressed_quantum import DressedQuantum
from core.config.run import RunConfig
from core.events import Epoch
from core.runs.snapshots import Snapshot
from core.runs.store import Record, Status
from pages.ui.experiment import Experiment, parameter_counts
from pages.ui.service import jobs

ORDER: tuple[Status, ...] = ("running", "queued", "failed", "interrupted", "paused", "stopped", "finished")
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
    beyond: str = ""
    """Settings of these runs that no control can say."""


def judged_on(config: RunConfig) -> str:
    """The data that a run is judged by after every epoch: "validation", or "test" in the paper's protocol."""
    return "validation" if config.protocol == "ours" else "test"


@dataclass(frozen=True)
class Line:
    """One head of the experiment, trained or not."""

    config: RunConfig
    parameters: tuple[int, int]
    """Trainable ones: in the circuit, elsewhere."""
    epochs: Sequence[Epoch]
    waits: bool = False
    """Whether it waits for others to be trained."""


def overall(runs: Iterable[Snapshot | Record]) -> Status | None:
    """How the runs of one experiment stand together; None without any."""
    statuses = {each.status for each in runs}
    return next((status for status in ORDER if status in statuses), None)


def load(run_ids: Sequence[str]) -> list[Snapshot]:
    """Snapshots of these runs."""
    return [jobs().snapshot(run_id) for run_id in run_ids]


def lines_of(view: View, snapshots: Sequence[Snapshot]) -> list[Line]:
    """One line for each head that is shown."""
    if snapshots:
        return [
            Line(
                each.config,
                (each.started.quantum_parameters, each.started.classical_parameters)
                if each.started
                else parameter_counts(each.config),
                each.epochs,
                waits=each.status == "queued" and overall(snapshots) == "running",
            )
            for each in snapshots
        ]
    return [
        Line(config, parameter_counts(config), ()) for config in (view.experiment.configs if view.experiment else ())
    ]
