"""What work tells while it goes on. Plain data, no torch: screens, files and processes all read these.

All work tells `Progress` and ends with one `Result`; training has the events between and ends with `Finished`.

Lists that hold one number for each member are in the order of `core.config.run.Member`. Losses are in nats, accuracies
in [0, 1]. Arrays are numpy's.
"""

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from core.files import with_nan, without_nan


@dataclass(frozen=True)
class Progress:
    """How far something long has come."""

    kind: ClassVar[str] = "progress"
    what: str
    done: int
    total: int
    """0: not known"""
    unit: str
    per_second: float = 0.0
    seconds_left: float | None = None
    """None: not known yet"""


@dataclass(frozen=True)
class Result:
    """The last event of any work: what came out. Each kind of work has its own."""

    kind: ClassVar[str] = "result"

    def summary(self) -> dict[str, Any]:
        """What a record says of it, as JSON's plain data; what is larger is stored elsewhere."""
        return {}


@dataclass(frozen=True)
class Origin:
    """What a run is made from, where that is known only once it has begun."""

    kind: ClassVar[str] = "origin"
    provenance: dict[str, Any]


@dataclass(frozen=True)
class Started:
    """Before the first step of a run, also of a resumed one."""

    kind: ClassVar[str] = "start"
    seeds: list[int]
    classes: list[str]
    n_features: int
    n_train: int
    n_validation: int
    n_test: int
    steps_per_epoch: int
    epochs: int
    first_epoch: int
    """1 for a new run, the epoch after the checkpoint for a resumed one."""
    quantum_parameters: int
    """Trainable parameters in the circuit."""
    classical_parameters: int
    """Trainable parameters elsewhere in the head."""
    device: str = "cpu"
    """Where it is computed, by torch's name; of a run that went on elsewhere in order: "cpu, then cuda"."""


@dataclass(frozen=True)
class Step:
    """Now and then (about ten times a second), so that a listener can show progress and stop the run."""

    kind: ClassVar[str] = "step"
    epoch: int
    step: int
    """Steps done in this epoch."""
    loss: list[float]
    """Mean training loss since the epoch began, one for each member."""


@dataclass(frozen=True)
class Epoch:
    """After every epoch: all members evaluated on the whole training and validation sets."""

    kind: ClassVar[str] = "epoch"
    epoch: int
    train_loss: list[float]
    train_accuracy: list[float]
    validation_loss: list[float]
    validation_accuracy: list[float]
    learning_rate: list[float]
    seconds: float
    """Wall time of this epoch's training steps alone, without evaluation."""
    status: list[str]
    """"ok", or for a member whose loss stopped being finite: "diverged in epoch 3, step 17"."""


@dataclass(frozen=True)
class Checkpoint:
    """Everything that `train` needs to go on after an epoch, as float and integer arrays."""

    kind: ClassVar[str] = "checkpoint"
    epoch: int
    arrays: dict[str, np.ndarray] = field(repr=False)


@dataclass(frozen=True)
class Finished(Result):
    """After the last epoch: the test set, touched for the first time."""

    kind: ClassVar[str] = "finished"
    test_loss: list[float]
    test_accuracy: list[float]
    best_epoch: list[int]
    """The epoch whose weights were tested: lowest validation loss (protocol "paper": highest test accuracy)."""
    seconds: float
    """Wall time of all training steps of this run."""
    test_logits: np.ndarray = field(repr=False)
    """(members, n_test, classes) float32"""
    test_labels: np.ndarray = field(repr=False)
    """(n_test,) int64"""
    test_names: list[str] = field(repr=False)
    weights: dict[str, np.ndarray] = field(repr=False)
    """Selected weights by name, each with a leading member dimension."""


Event = Progress | Origin | Started | Step | Epoch | Checkpoint | Result


def to_json(event: Event) -> dict[str, Any]:
    """The event as JSON's plain data, its kind included, arrays and names of images left out; not a number is null."""
    plain = {name: value for name, value in vars(event).items() if not isinstance(value, np.ndarray | dict)}
    plain.pop("test_names", None)
    return {"event": event.kind} | without_nan(plain)


def from_epoch_json(values: dict[str, Any]) -> Epoch:
    """The epoch event that `to_json` made these values from."""
    plain = {name: value for name, value in values.items() if name != "event"}
    return Epoch(**{name: with_nan(value) for name, value in plain.items()})
