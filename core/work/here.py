"""Work that is done in this process, as from a terminal: the same events, written into the same records."""

import math
from collections.abc import Callable, Iterable
from itertools import chain
from time import monotonic

from core.events import Checkpoint, Event, Result
from core.settings import settings
from core.work.kinds.base import Work
from core.work.records import Log, WorkStore

SECONDS_BETWEEN_CHECKPOINTS = 1.0
"""Writing one takes longer than a short epoch."""


def record(events: Iterable[Event], log: Log, run_id: str, show: Callable[[Event], None]) -> None:
    """Do work to its end: every event is written down, then shown.

    However it ends, the record says how, and holds the last checkpoint; an error goes on to the caller.
    """
    written, pending, is_finished = -math.inf, None, False
    try:
        for event in events:
            if isinstance(event, Checkpoint):
                pending = event
                if monotonic() - written < SECONDS_BETWEEN_CHECKPOINTS:
                    continue
                written, pending = monotonic(), None
            log.append(run_id, event)
            is_finished = isinstance(event, Result)
            show(event)
    except BaseException as error:
        if not is_finished:
            if pending is not None:
                log.append(run_id, pending)
            stopped = isinstance(error, KeyboardInterrupt | BrokenPipeError)  # a person, or a reader that has gone
            log.set_status(run_id, "interrupted" if stopped else "failed", "" if stopped else str(error))
        raise


def do(work: Work, show: Callable[[Event], None]) -> Result:
    """Do work that is no run, and return its result; what cannot even begin leaves no record."""
    events = work.events()
    first = next(events)
    store = WorkStore(settings().results_dir / "work")
    last: list[Event] = []

    def keep_and_show(event: Event) -> None:
        last[:] = [event]
        show(event)

    record(chain([first], events), store, store.create(work).run_id, keep_and_show)
    (result,) = last
    assert isinstance(result, Result)
    return result
