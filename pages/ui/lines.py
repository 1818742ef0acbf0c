"""The heads of an experiment as lines of the page: settings, size, epochs so far."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from core.config.run import RunConfig
from core.events import Epoch
from core.experiment.features import parameter_counts
from core.runs.snapshots import Snapshot


@dataclass(frozen=True)
class Line:
    """One head of the experiment, trained or not."""

    config: RunConfig
    parameters: tuple[int, int]
    """Trainable ones: in the circuit, elsewhere."""
    epochs: Sequence[Epoch]
    waits: bool = False
    """Whether it waits for others to be trained."""


def lines_of(snapshots: Sequence[Snapshot]) -> list[Line]:
    """One line for each of these runs."""
    some_run = any(each.status == "running" for each in snapshots)
    return [
        Line(each.config, _parameters(each), each.epochs, waits=each.status == "queued" and some_run)
        for each in snapshots
    ]


def untrained_lines(configs: Sequence[RunConfig]) -> list[Line]:
    """One line for each head that could be trained."""
    return [Line(config, _counts(config), ()) for config in configs]


def judged_on(config: RunConfig) -> str:
    """The data that a run is judged by after every epoch: "validation", or "test" in the paper's protocol."""
    return "validation" if config.protocol == "ours" else "test"


def _parameters(snapshot: Snapshot) -> tuple[int, int]:
    if snapshot.started:
        return snapshot.started.quantum_parameters, snapshot.started.classical_parameters
    return _counts(snapshot.config)


@lru_cache(maxsize=512)
def _counts(config: RunConfig) -> tuple[int, int]:
    return parameter_counts(config)
