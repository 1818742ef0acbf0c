"""The owner's side of one attempt: work is handed to some worker of the cluster, listened to, and asked to stop."""

import asyncio
import dataclasses
import secrets
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

from distributed import KilledWorker
from distributed.client import FutureCancelledError

from core.events import Checkpoint, Epoch, Event, Origin, Progress, Started, Step
from core.work import worker
from core.work.answers import Answers, Question, ask
from core.work.cluster import Connection
from core.work.kinds.base import Work, unable

SECONDS_BETWEEN_CHECKPOINTS = 1.0
_LOST = (KilledWorker, FutureCancelledError, OSError)
"""What Dask raises when a worker process or the scheduler is gone."""
_PUBLISHED: dict[str, Any] = {event.kind: event for event in (Progress, Origin, Started, Step, Epoch)}
"""The events that a worker publishes; what holds arrays is returned or fetched instead."""

Background = Callable[[Coroutine[Any, Any, Any]], asyncio.Task[Any]]


class Attempt:
    """One attempt at a piece of work; everything here happens in the owning thread's loop.

    Args:
        run_id: whose attempt it is.
        connection: to the cluster that does the work.
        background: starts a coroutine that ends with the cluster at the latest.
        begun: told when a worker has begun.
        hear: told every published event, and every checkpoint that was fetched.
    """

    def __init__(
        self,
        run_id: str,
        connection: Connection,
        background: Background,
        begun: Callable[[], None],
        hear: Callable[[Event], None],
    ) -> None:
        self.name = f"{run_id}-{secrets.token_hex(4)}"
        self.task: asyncio.Task[None] | None = None
        """Waits for its outcome."""
        self._connection = connection
        self._background = background
        self._begun = begun
        self._hear = hear
        self._worker: str | None = None  # the address of the one that has begun
        self._epoch = 0  # of the newest checkpoint that is known here
        self._is_over = False

    async def outcome(
        self, work: Work, material: Any, checkpoint: Checkpoint | None, lost: str
    ) -> worker.Outcome | None:
        """Wait until the attempt ends in one way or another; None when its worker process was lost.

        lost: name of an earlier attempt that was lost, or empty; where an outside scheduler lost its owner, that one
        may still go on.
        """
        client, self._epoch = self._connection.client, checkpoint.epoch if checkpoint else 0
        client.subscribe_topic(self.name, self._listen)
        fetching = asyncio.create_task(self._fetch_checkpoints())
        try:
            if lost and not self._connection.embedded:
                await client.run(worker.request_stop, lost, on_error="ignore")
            material = None if self._connection.embedded or material is None else await client.scatter(material)
            outcome: worker.Outcome = await client.submit(
                worker.attempt, self.name, work, material, checkpoint, key=self.name
            )
            return outcome
        except (*_LOST, asyncio.CancelledError):
            return None
        except Exception as error:
            return worker.Outcome("failed", str(unable(error)))
        finally:
            fetching.cancel()
            self._is_over = True
            client.unsubscribe_topic(self.name)

    def ask_to_stop(self) -> None:
        """Ask the worker to end after its current step; work that still waits inside Dask is taken back."""
        client = self._connection.client

        async def ask() -> None:
            where = [self._worker] if self._worker else None
            await client.run(worker.request_stop, self.name, workers=where, on_error="ignore")
            if where is None and self._worker is None and self.task is not None and not self._is_over:
                self.task.cancel()

        self._background(ask())

    async def ask(self, question: Question) -> Answers | None:
        """What the network under training answers now."""
        return await ask(self._connection, replace(question, attempt=self.name), self._worker)

    async def _fetch_checkpoints(self) -> None:
        """Fetch the worker's last checkpoint about once a second: what a dead worker leaves behind."""
        while True:
            await asyncio.sleep(SECONDS_BETWEEN_CHECKPOINTS)
            if self._worker is None:
                continue
            newer = await self._connection.client.run(
                worker.newer_checkpoint, self.name, self._epoch, workers=[self._worker], on_error="ignore"
            )
            for checkpoint in newer.values():
                if checkpoint is not None:
                    self._epoch = checkpoint.epoch
                    self._hear(checkpoint)

    def _listen(self, message: tuple[float, dict[str, Any]]) -> None:
        """The worker published something."""
        if self._is_over:
            return
        kind, fields = message[1]["kind"], message[1]["fields"]
        if kind == "begun":
            self._worker = fields["worker"]
            self._begun()
        else:
            event = _PUBLISHED[kind]
            known = {
                each.name: fields[each.name] for each in dataclasses.fields(event)
            }  # a kind's own progress has more
            self._hear(event(**{name: list(each) if isinstance(each, tuple) else each for name, each in known.items()}))
