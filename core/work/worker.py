"""Inside a worker process: one attempt to train a run, told event by event, and stopped from outside.

An attempt has a name of its own. Events are published under it as they happen; what has to arrive for certain (epochs,
the last checkpoint, the result) is also returned at the end.
"""

import logging
from dataclasses import dataclass, field
from typing import Literal

from distributed import Worker, get_worker

from core.config.heads.dressed_quantum import DressedQuantum
from core.config.run import RunConfig
from core.data.banks import FeatureBank, load_bank
from core.errors import LabError
from core.events import Checkpoint, Epoch, Finished

logger = logging.getLogger(__name__)

_stop_requests: set[str] = set()
_checkpoints: dict[str, Checkpoint] = {}


@dataclass
class Outcome:
    """How an attempt ended and what it measured."""

    ended: Literal["finished", "stopped", "failed"] = "stopped"
    message: str = ""
    epochs: list[Epoch] = field(default_factory=list)
    checkpoint: Checkpoint | None = None
    finished: Finished | None = None


def work(attempt: str, config: RunConfig, bank: FeatureBank | None, checkpoint: Checkpoint | None) -> Outcome:
    """Train until the end, a stop request, or an error; which of them is in the outcome.

    Args:
        attempt: name of the topic under which events are published.
        config: what to train.
        bank: features, or None to read them from this machine's disk.
        checkpoint: where to go on, or None to start anew.
    """
    import torch

    from core.training.loop import train

    torch.set_num_threads(1)  # sums in one order: the same numbers whatever else runs
    outcome = Outcome(checkpoint=checkpoint)
    worker = get_worker()
    worker.log_event(attempt, {"kind": "begun", "fields": {"worker": worker.address}})
    try:
        events = train(config, bank if bank is not None else load_bank(config), checkpoint=checkpoint)
        for event in events:
            match event:
                case Checkpoint():
                    outcome.checkpoint = _checkpoints[attempt] = event
                case Finished():
                    outcome.finished = event
                    outcome.ended = "finished"
                    break
                case _:
                    worker.log_event(attempt, {"kind": event.kind, "fields": vars(event)})
            if isinstance(event, Epoch):
                outcome.epochs.append(event)  # its checkpoint comes next: stop after that
            elif attempt in _stop_requests:
                break
    except LabError as error:
        outcome.ended, outcome.message = "failed", str(error)
    except Exception as error:
        logger.exception("Training failed")
        outcome.ended, outcome.message = "failed", failure(error).message
    finally:
        _stop_requests.discard(attempt)
        _checkpoints.pop(attempt, None)
    return outcome


def failure(error: Exception) -> Outcome:
    """The outcome of an attempt that an error of the program ended, in one sentence."""
    reason = " ".join(str(error).split())[:300]
    return Outcome("failed", f"Training ended with an error of the program ({type(error).__name__}: {reason}).")


def request_stop(attempt: str) -> None:
    """Let an attempt that goes on in this process, or is about to, end after its current step."""
    _stop_requests.add(attempt)


def newer_checkpoint(attempt: str, epoch: int) -> Checkpoint | None:
    """The last checkpoint of an attempt in this process, if it is from after that epoch."""
    checkpoint = _checkpoints.get(attempt)
    return checkpoint if checkpoint is not None and checkpoint.epoch > epoch else None


def dask_setup(worker: Worker) -> None:
    """Called by Dask before a worker reports for duty: load everything that the first run would wait for."""
    import torch

    from core.training.loop import train

    torch.set_num_threads(1)
    config = RunConfig(dataset="spirals", head=DressedQuantum(n_qubits=2, q_depth=1), seeds=1, epochs=1, batch_size=500)
    try:
        for _ in train(config, load_bank(config)):
            pass
        load_bank(RunConfig())
    except LabError as error:  # the runs that it concerns will say so
        logger.warning("This worker is not ready for everything: %s", error)
