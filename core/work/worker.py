"""Inside a worker process: one attempt at a piece of work, told event by event, and stopped from outside.

An attempt has a name of its own. Events are published under it as they happen; what has to arrive for certain (epochs,
the last checkpoint, the result) is also returned at the end.
"""

import logging
from dataclasses import dataclass, field
from typing import Any, Literal

from distributed import Worker, get_worker

from core.config.heads.dressed_quantum import DressedQuantum
from core.config.run import RunConfig
from core.errors import LabError
from core.events import Checkpoint, Epoch, Result
from core.work.kinds.base import Work, unable
from core.work.kinds.train import Train

logger = logging.getLogger(__name__)

_stop_requests: set[str] = set()
_checkpoints: dict[str, Checkpoint] = {}


@dataclass
class Outcome:
    """How an attempt ended and what came out."""

    ended: Literal["finished", "stopped", "failed"] = "stopped"
    message: str = ""
    epochs: list[Epoch] = field(default_factory=list)
    checkpoint: Checkpoint | None = None
    result: Result | None = None


def attempt(name: str, work: Work, material: Any, checkpoint: Checkpoint | None) -> Outcome:
    """Work until the end, a stop request, or an error; which of them is in the outcome.

    Args:
        name: the topic under which events are published.
        work: what to do.
        material: what it needs, or None to read that from this machine's disk.
        checkpoint: where to go on, or None to start anew.
    """
    import torch

    torch.set_num_threads(1)  # sums in one order: the same numbers whatever else runs
    outcome = Outcome(checkpoint=checkpoint)
    worker = get_worker()
    worker.log_event(name, {"kind": "begun", "fields": {"worker": worker.address}})
    try:
        for event in work.events(material, checkpoint):
            match event:
                case Checkpoint():
                    outcome.checkpoint = _checkpoints[name] = event
                case Result():
                    outcome.result = event
                    outcome.ended = "finished"
                    break
                case _:
                    worker.log_event(name, {"kind": event.kind, "fields": vars(event)})
            if isinstance(event, Epoch):
                outcome.epochs.append(event)  # its checkpoint comes next: stop after that
            elif name in _stop_requests:
                break
    except LabError as error:
        outcome.ended, outcome.message = "failed", str(error)
    except Exception as error:
        logger.exception("Work failed")
        outcome.ended, outcome.message = "failed", str(unable(error))
    finally:
        _stop_requests.discard(name)
        _checkpoints.pop(name, None)
    return outcome


def request_stop(name: str) -> None:
    """Let an attempt that goes on in this process, or is about to, end after its current step."""
    _stop_requests.add(name)


def newer_checkpoint(name: str, epoch: int) -> Checkpoint | None:
    """The last checkpoint of an attempt in this process, if it is from after that epoch."""
    checkpoint = _checkpoints.get(name)
    return checkpoint if checkpoint is not None and checkpoint.epoch > epoch else None


def dask_setup(worker: Worker) -> None:
    """Called by Dask before a worker reports for duty: load everything that the first run would wait for."""
    import torch

    torch.set_num_threads(1)
    config = RunConfig(dataset="spirals", head=DressedQuantum(n_qubits=2, q_depth=1), seeds=1, epochs=1, batch_size=500)
    try:
        for _ in Train(config=config).events():
            pass
        Train(config=RunConfig()).material()
    except LabError as error:  # the work that it concerns will say so
        logger.warning("This worker is not ready for everything: %s", error)
