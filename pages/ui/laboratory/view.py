"""What the page shows: the runs of an experiment or what the controls would start."""

from collections.abc import Sequence
from dataclasses import dataclass

from core.config.heads.dressed_quantum import DressedQuantum
from core.experiment.configs import Experiment
from core.runs.snapshots import Snapshot
from pages.ui.service import jobs


@dataclass(frozen=True)
class View:
    """What the page shows: the runs of one experiment, or what the controls would start."""

    run_ids: tuple[str, ...]
    experiment: Experiment | None
    """What the controls describe, None when that is not possible."""
    circuit: DressedQuantum
    """The circuit of the controls."""
    shipped: bool = False
    """Whether the runs came with the laboratory and are shown because nobody has started these settings here."""
    differs: bool = False
    """Whether the controls have moved away from the runs that are shown."""
    beyond: str = ""
    """Settings of these runs for which there is no control."""

    @property
    def live_runs(self) -> tuple[str, ...]:
        """The runs whose news the page hears: those that it shows, unless they came with the laboratory."""
        return () if self.shipped else self.run_ids


def load(run_ids: Sequence[str]) -> list[Snapshot]:
    """Snapshots of these runs."""
    return [jobs().snapshot(run_id) for run_id in run_ids]
