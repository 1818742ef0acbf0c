"""Runs that ship: trained in this process under a name of their own, kept in half precision, replaced as a whole."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain
from pathlib import Path

import numpy as np

from core.events import Checkpoint, Event, Finished, Progress
from core.runs.store import Store
from core.work.here import record
from core.work.kinds.train import Training


def measure_run(work: Training, run_id: str, command: str, store: Store, show: Callable[[Event], None]) -> None:
    """Train and store a run under this id. Nothing is stored before training has begun, and an earlier run of that id
    is replaced by a whole one only.

    Args:
        work: what is trained.
        run_id: its name.
        command: the command line that makes it again, for its record.
        store: where it is stored.
        show: gets every event.

    Raises `LabError` when it cannot be done.
    """
    material = work.material()
    events = _as_shipped(work.events(material))
    first = next(events)
    while isinstance(first, Progress):
        show(first)
        first = next(events)
    with _earlier_kept(store.folder(run_id)):
        store.create(work.config, work.provenance(material) | {"run_command": command}, run_id=run_id)
        record(chain([first], events), store, run_id, show)


def _as_shipped(events: Iterator[Event]) -> Iterator[Event]:
    """The same events without checkpoints, and weights and logits in half precision, as runs are kept that ship."""
    for event in events:
        if isinstance(event, Finished):
            weights = {name: weight.astype(np.float16) for name, weight in event.weights.items()}
            logits = event.test_logits - event.test_logits.mean(-1, keepdims=True)  # rounding keeps their order
            event = replace(event, test_logits=logits.astype(np.float16), weights=weights)
        if not isinstance(event, Checkpoint):
            yield event


@contextmanager
def _earlier_kept(folder: Path) -> Iterator[None]:
    """Set an earlier record aside; it comes back unless what is written inside becomes whole."""
    aside = folder.with_name(f".{folder.name}")
    if aside.exists():  # an earlier attempt was killed
        shutil.rmtree(folder, ignore_errors=True)
    elif folder.exists():
        folder.rename(aside)
    try:
        yield
    except BaseException:
        if aside.exists():
            shutil.rmtree(folder)
            aside.rename(folder)
        raise
    shutil.rmtree(aside, ignore_errors=True)
