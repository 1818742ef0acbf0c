"""Computing the authors' notebook on one data set, number for number: half a minute of work."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from core.events import Checkpoint, Event, Progress, Result
from core.paper.examples import NetworkName
from core.settings import settings
from core.work.kinds.base import Work


@dataclass(frozen=True)
class NotebookComputed(Result):
    """What the networks measured, by row of the paper's table, as `core.paper.notebook_record` stores it."""

    row: str
    """The row that was asked for."""
    results: dict[str, dict[str, Any]] = field(repr=False)

    def summary(self) -> dict[str, Any]:
        """The numbers of the row that was asked for: accuracy, loss, seconds."""
        return {name: self.results[self.row][name] for name in ("accuracy", "loss", "seconds")}


class Notebook(Work):
    """Train the notebook's networks (`core.paper.notebook.run_notebook`) up to one of them.

    The hybrid network begins with the order in which the classical one left the training points, so it needs that one.
    """

    kind: Literal["notebook"] = "notebook"
    dataset: str
    network: NetworkName = "hybrid"
    stores: bool = False
    """Whether the results become those of the table; else they are in the record of this work alone."""

    @property
    def title(self) -> str:
        return f"the notebook's {self.network} network on {self.dataset}"

    def events(self, material: Any = None, checkpoint: Checkpoint | None = None) -> Iterator[Event]:
        import numpy as np

        from core.paper.notebook import decision, run_notebook
        from core.paper.notebook_record import DECISION_GRID

        grid = np.stack(np.meshgrid(DECISION_GRID, DECISION_GRID), axis=-1).reshape(-1, 2)
        results = {}
        for event in run_notebook(self.dataset):
            if isinstance(event, Progress):
                yield event
                continue
            plane = decision(event, grid).reshape(len(DECISION_GRID), -1).round(2)
            results[f"{self.dataset}-{event.network}-notebook"] = {
                "accuracy": event.test_accuracy,
                "loss": event.test_loss,
                "seconds": event.seconds,
                "weights": event.weights.tolist(),
                "decision": plane.tolist(),
            }
            if event.network == self.network:
                break
        yield NotebookComputed(f"{self.dataset}-{self.network}-notebook", results)

    def keep(self, result: Result) -> None:
        from core.paper.notebook_record import keep_notebook_results

        assert isinstance(result, NotebookComputed)
        if self.stores:
            keep_notebook_results(result.results, settings().results_dir)
