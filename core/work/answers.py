"""What the first network of a run answers to some samples, at any time: computed by a worker, where torch is."""

import asyncio
import random
from dataclasses import dataclass, field
from time import perf_counter

import numpy as np

from core.config.run import RunConfig
from core.data.banks import load_bank
from core.events import Checkpoint
from core.runs.store import Record
from core.work import worker
from core.work.cluster import Connection


@dataclass(frozen=True)
class Selected:
    """The first network of a finished run."""

    epoch: int
    """The one whose weights were selected"""
    weights: dict[str, np.ndarray] = field(repr=False)
    """By name, each (1, ...) float32"""


@dataclass(frozen=True)
class Answers:
    """What a network answers."""

    epoch: int
    """Whose weights it had"""
    selected: bool
    """Whether these are the selected ones of a finished run"""
    logits: np.ndarray = field(repr=False)
    """(n, classes) float32"""
    seconds: float
    """What they took"""


@dataclass(frozen=True)
class Question:
    """What is asked of the first network of a run."""

    config: RunConfig
    features: np.ndarray = field(repr=False)
    """(n, d) float32"""
    n_classes: int
    attempt: str = ""
    """Name of the attempt under way: its latest weights go before those that are known here."""
    known: Checkpoint | Selected | None = None
    """The weights that the asking process has, if any"""


def known_weights(record: Record) -> Checkpoint | Selected | None:
    """The weights of a recorded run: the selected ones if it has finished, else those it would go on from."""
    if record.finished is not None:
        first = {name: weights[:1] for name, weights in record.weights().items()}
        return Selected(record.finished.best_epoch[0], first)
    checkpoint = record.checkpoint()
    return checkpoint and weights_alone(checkpoint)


def weights_alone(checkpoint: Checkpoint) -> Checkpoint:
    """A checkpoint without what only training needs."""
    return Checkpoint(checkpoint.epoch, {"weights": checkpoint.arrays["weights"]})


async def ask(connection: Connection, question: Question, where: str | None = None) -> Answers | None:
    """A worker's answer, that of the worker at this address or of any one; None while there are no weights."""
    if where is None:
        where = random.choice([*await connection.client.nthreads()])
    answers = await connection.client.run(answer, question, workers=[where], on_error="ignore")
    of_worker: Answers | None = answers.get(where)
    return of_worker


async def answer(question: Question) -> Answers | None:
    """Called in a worker process, whose own thread goes on training meanwhile."""
    network = worker.newer_checkpoint(question.attempt, 0) or question.known
    return None if network is None else await asyncio.to_thread(_answer, question, network)


def _answer(question: Question, network: Checkpoint | Selected) -> Answers:
    import torch

    from core.training.loop import checkpoint_weights, predict

    torch.set_num_threads(1)
    began = perf_counter()
    config, features, n_classes = question.config, question.features, question.n_classes
    if isinstance(network, Selected):
        first = network.weights
    else:
        every = checkpoint_weights(config, network, load_bank(config.features))
        first = {name: weights[:1] for name, weights in every.items()}
    logits = predict(config, first, features, n_classes)[0]
    return Answers(network.epoch, isinstance(network, Selected), logits, perf_counter() - began)
