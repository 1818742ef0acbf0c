"""A network of the authors' notebook, computed in a thread of this server: how far it is, and what came out.

A thread of its own survives that the page is drawn again, which ends whatever a click has begun inside it.
"""

import threading
from dataclasses import dataclass, field
from time import perf_counter

from core.errors import LabError
from core.paper.notebook_record import NOTEBOOK_STEPS
from core.paper.rows import Row
from core.paper.table import Measured, notebook_measured
from core.runs.store import LIVE, Status
from core.words import duration

_ONE_AT_A_TIME = threading.Lock()
"""Two threads must not use one simulator at once."""


class _StopAsked(Exception):
    """Ends a training from within."""


@dataclass
class Computation:
    """One network of the notebook on one data set, for the person who asked for it."""

    row: Row
    status: Status = "queued"
    measured: Measured | None = None
    problem: str = ""
    """One sentence if it failed."""
    network: str = ""
    """The network that is being trained: the hybrid one goes on from the order in which the classical one left the
    training points."""
    iteration: int = 0
    _began: float = 0.0
    _stop: threading.Event = field(default_factory=threading.Event, repr=False)

    def start(self) -> None:
        """Compute in a thread of its own, once other computations have ended."""
        threading.Thread(target=self._run, name=self.row.key, daemon=True).start()

    def stop(self) -> None:
        """End it after the iteration under way."""
        self._stop.set()

    @property
    def share(self) -> float:
        """The part of the iterations of the network in training that is done."""
        return self.iteration / NOTEBOOK_STEPS

    def told(self) -> str:
        """How far it is, for a person."""
        if self.status not in LIVE:
            return self.problem or self.status
        if self.status == "queued":
            return "waits until another computation of the notebook has ended"
        if not self.network:
            return "starting: the libraries are being read"
        first = "first the classical network, " if self.network != self.row.head_name else ""
        left = (perf_counter() - self._began) / max(self.iteration, 1) * (NOTEBOOK_STEPS - self.iteration)
        return f"{first}iteration {self.iteration:,} of {NOTEBOOK_STEPS:,}, {duration(left)} left"

    def _run(self) -> None:
        with _ONE_AT_A_TIME:
            self.status = "running"
            try:
                self._compute()
                self.status = "finished"
            except _StopAsked:
                self.problem, self.status = f"stopped at iteration {self.iteration:,}.", "stopped"
            except LabError as error:
                self.problem, self.status = str(error), "failed"
            except Exception as error:  # a thread has nobody else to tell
                self.problem, self.status = f"It failed: {error or type(error).__name__}.", "failed"

    def _compute(self) -> None:
        from core.paper.notebook import run_notebook

        self._listen("", 0)
        for done in run_notebook(self.row.dataset, self._listen):
            if done.network == self.row.head_name:
                values = {"accuracy": done.test_accuracy, "loss": done.test_loss, "seconds": done.seconds}
                self.measured = notebook_measured(values)
                return

    def _listen(self, network: str, iteration: int) -> None:
        if self._stop.is_set():
            raise _StopAsked
        if network != self.network:
            self.network, self._began = network, perf_counter()
        self.iteration = iteration
