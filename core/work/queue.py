"""Runs as jobs: submitted to Dask workers, queued, followed, paused, stopped and resumed.

One thread with an asyncio loop owns everything: the cluster, the queue, and a coroutine for each run under way. Other
threads (pages) send it requests and read snapshots, which are immutable and replaced as a whole.
"""

import asyncio
import atexit
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Literal, NamedTuple, TypeVar

from distributed import Client, KilledWorker
from distributed.client import FutureCancelledError

from core.config.run import RunConfig
from core.data.banks import FeatureBank, load_bank
from core.errors import LabError
from core.events import Checkpoint, Epoch, Event, Started, Step
from core.runs.snapshots import Snapshot, StoredSnapshots, from_record
from core.runs.store import LIVE, SHIPPED, Status, Store, Summary
from core.settings import settings
from core.work import cluster, worker

T = TypeVar("T")

ATTEMPTS = 3
"""How often a run may lose its worker process after the same epoch before a person has to resume it."""
_LOST = (KilledWorker, FutureCancelledError, OSError)
"""What Dask raises when a worker process or the scheduler is gone."""
SECONDS_BETWEEN_CHECKPOINTS = 1.0
PACE_EPOCHS = 50
"""The pace of a run is the mean over so many of its latest epochs."""
SECONDS_TO_HAND_OVER = 5.0
SECONDS_TO_EXIT = 20.0
SECONDS_TO_ANSWER = 30.0


class Waiting(NamedTuple):
    """One line of the queue; position 0 is being trained."""

    run_id: str
    owner: str
    status: Status
    position: int


@dataclass(eq=False)
class _Run:
    """A run that is queued or under way; only the owning thread changes it."""

    snapshot: Snapshot
    bank: FeatureBank
    checkpoint: Checkpoint | None = None
    attempt: str = ""
    worker: str | None = None
    """Address of the worker that trains it, once that has begun."""
    task: asyncio.Task[None] | None = None
    """Waits for the attempt's outcome."""
    wanted: Literal["paused", "stopped", "interrupted", "failed", "queued"] | None = None
    """What it shall become when its attempt has ended."""
    message: str = ""
    losses: int = 0
    """How many workers died under it since that epoch:"""
    lost_after: int = 0
    heard: deque[tuple[float, float]] = field(default_factory=lambda: deque(maxlen=PACE_EPOCHS + 1))
    """When this attempt had done how many epochs: at its start and after the latest ones."""
    unwritten: bool = False
    """Whether the disk refused a part of its record: then memory is the better source."""

    @property
    def run_id(self) -> str:
        return self.snapshot.run_id


class Jobs:
    """The runs of this process. Returns at once; the cluster starts in the background, and runs queue until it is up.

    Args:
        store: where runs are recorded.
        scheduler: address of an outside Dask scheduler; by default the setting, which by default is none.
        workers: worker processes of the embedded cluster; by default the setting.
        processes: False keeps the workers inside this process, for platforms where Dask cannot do better.
    """

    def __init__(
        self,
        store: Store | None = None,
        scheduler: str | None = None,
        workers: int | None = None,
        processes: bool = cluster.PROCESSES,
    ) -> None:
        self.store = store if store is not None else Store(also=SHIPPED)
        self.problem = ""
        """One sentence if the cluster could not be started or reached, else empty."""
        self._scheduler = scheduler if scheduler is not None else settings().scheduler
        self._workers = workers if workers is not None else settings().workers
        self._processes = processes
        self._runs: dict[str, _Run] = {}
        self._waiting: deque[_Run] = deque()
        self._working: dict[str, _Run] = {}  # attempt -> run
        self._stored = StoredSnapshots(self.store)
        self._ready = threading.Event()
        self._news = threading.Condition()
        self._listeners: list[Callable[[str], None]] = []
        self._closing = False
        self._client: Client | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._changed = asyncio.Event()
        self._thread = threading.Thread(target=self._own, name="jobs", daemon=True)
        self._thread.start()
        atexit.register(self.close)

    def wait_until_ready(self, timeout: float | None = None) -> bool:
        """Wait until workers are there and warm; False if they are not by then."""
        return self._ready.wait(timeout)

    def wait_for_epoch(self, run_ids: Sequence[str], timeout: float) -> bool:
        """Wait until one of these runs has done an epoch, or all have ended; False if that is not so by then."""

        def there() -> bool:
            runs = [self.snapshot(run_id) for run_id in run_ids]
            return any(run.epochs for run in runs) or all(run.status not in LIVE for run in runs)

        with self._news:
            return self._news.wait_for(there, timeout)

    def listen(self, hear: Callable[[str], None]) -> None:
        """Call ``hear`` with the id of every run that changes from now on, and with "" when workers come or go.

        It is called by the owning thread and must return at once.
        """
        self._listeners.append(hear)

    def submit(self, config: RunConfig, owner: str = "", run_id: str | None = None) -> str:
        """Queue a new run, or with `run_id` go on with that one, and return its id.

        `LabError` if its features are not on this machine, or the results cannot be written.
        """
        if run_id is not None:
            self.resume(run_id)
            return run_id
        bank = load_bank(config)
        provenance = bank.provenance | {"features_sha256": bank.digest}
        run_id = self.store.create(config, provenance, owner=owner)
        snapshot = Snapshot(run_id=run_id, config=config, owner=owner, status="queued")
        self._do(self._enqueue(_Run(snapshot, bank)))
        return run_id

    def pause(self, run_id: str) -> None:
        """Let a run end after its current step, to go on later from its last checkpoint."""
        self._do(self._end_early(run_id, "paused"))

    def stop(self, run_id: str) -> None:
        """Let a run end after its current step; its epochs stay, and it can still be resumed."""
        self._do(self._end_early(run_id, "stopped"))

    def resume(self, run_id: str) -> None:
        """Queue a paused, stopped, interrupted or failed run: it goes on from its last checkpoint.

        Its numbers are those it would have had without the interruption, bit for bit on the same device.
        """
        self._do(self._resume(run_id, load_bank(self.snapshot(run_id).config)))

    def queue(self) -> list[Waiting]:
        """The runs of this process that are being trained (position 0) and those that wait for a worker (from 1)."""
        live = [run.snapshot for run in list(self._runs.values()) if run.snapshot.status in LIVE]
        live.sort(key=lambda each: each.position)
        return [Waiting(each.run_id, each.owner, each.status, each.position) for each in live]

    def snapshot(self, run_id: str) -> Snapshot:
        """How a run stands: from memory if it is one of this process, else from its record; `LabError` if unknown."""
        run = self._runs.get(run_id)
        return run.snapshot if run is not None else self._stored.snapshot(run_id)

    def close(self) -> None:
        """End all runs, which can be resumed, and the cluster."""
        atexit.unregister(self.close)
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._begin_to_close)
            self._thread.join(SECONDS_TO_EXIT)
        self.store.close()

    # What follows runs in the owning thread, except `_do`.

    def _do(self, request: Coroutine[Any, Any, T]) -> T:
        if self._closing or not self._thread.is_alive():
            request.close()
            raise LabError("The laboratory is closing: start it again first.")
        try:
            return asyncio.run_coroutine_threadsafe(request, self._loop).result(SECONDS_TO_ANSWER)
        except TimeoutError:
            raise LabError(f"The laboratory did not answer within {SECONDS_TO_ANSWER:.0f} s: try again.") from None

    def _own(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._main())
        finally:
            self._loop.close()

    def _begin_to_close(self) -> None:
        self._closing = True
        self._changed.set()

    async def _main(self) -> None:
        pause = 1.0
        while not self._closing:
            try:
                async with cluster.connect(self._scheduler, self._workers, self._processes) as connection:
                    self._client = connection.client
                    pause = 1.0
                    try:
                        await self._dispatch(connection)
                    finally:
                        self._ready.clear()
                        self._tell_listeners("")
                        await self._end_attempts()
                        self._client = None
            except Exception as error:
                if self._closing:
                    break
                where = f"the Dask scheduler {self._scheduler}" if self._scheduler else "the workers of this machine"
                reason = " ".join(str(error).split()) or type(error).__name__
                self.problem = f"There is no connection to {where} ({reason}): trying again every {pause:.0f} s."
                self._tell_listeners("")
                self._changed.clear()
                await self._wait_for_change(pause)
                pause = min(2 * pause, 30.0)
        for run in list(self._waiting):
            self._waiting.remove(run)
            self._end(run, "interrupted", "The laboratory was closed before a worker was free.")

    async def _dispatch(self, connection: cluster.Connection) -> None:
        """Give waiting runs to free workers, until closing or until the cluster is lost."""
        while not self._closing:
            self._changed.clear()
            await connection.keep()
            if self._waiting or not self._ready.is_set():
                slots = await connection.slots()
                if slots and (self.problem or not self._ready.is_set()):
                    self.problem = ""
                    self._ready.set()
                    self._tell_listeners("")
                while self._waiting and len(self._working) < slots:
                    run = self._waiting.popleft()
                    lost, run.attempt = run.attempt, f"{run.run_id}-{secrets.token_hex(4)}"
                    self._working[run.attempt] = run
                    run.task = self._background(self._attempt(connection, run, lost))
                self._number_the_queue()
            await self._wait_for_change(0.25 if self._waiting or not self._ready.is_set() else 2.0)

    async def _wait_for_change(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._changed.wait(), seconds)
        except TimeoutError:
            return

    async def _attempt(self, connection: cluster.Connection, run: _Run, lost: str) -> None:
        """Train a run on some worker until that ends in one way or another.

        An earlier attempt that was lost, if there was one, may still go on where an outside scheduler lost its owner.
        """
        attempt, client = run.attempt, connection.client
        outcome: worker.Outcome | None = None
        client.subscribe_topic(attempt, partial(self._hear, attempt))
        checkpoints = asyncio.create_task(self._collect_checkpoints(connection.client, run))
        try:
            if lost and not connection.embedded:
                await client.run(worker.request_stop, lost, on_error="ignore")
            bank = None if connection.embedded else await client.scatter(run.bank)
            outcome = await client.submit(worker.work, attempt, run.snapshot.config, bank, run.checkpoint, key=attempt)
        except (*_LOST, asyncio.CancelledError):
            outcome = None
        except Exception as error:
            outcome = worker.failure(error)
        finally:
            checkpoints.cancel()
            del self._working[attempt]
            run.task = run.worker = None
            client.unsubscribe_topic(attempt)
            self._conclude(run, outcome)
            self._changed.set()

    def _conclude(self, run: _Run, outcome: worker.Outcome | None) -> None:
        """Write down what an attempt came to and decide what becomes of the run."""
        if outcome is None:
            self._survive(run)
            return
        known = {epoch.epoch for epoch in run.snapshot.epochs}
        for event in outcome.epochs:
            if event.epoch not in known:
                self._tell(run, event)
        if outcome.finished is not None and self._write(run, outcome.finished):
            self._show(run, status="finished", message="", step=None, finished=Summary.of(outcome.finished))
            self._forget(run)
            return
        if outcome.checkpoint is not None and (
            run.checkpoint is None or outcome.checkpoint.epoch > run.checkpoint.epoch
        ):
            run.checkpoint = outcome.checkpoint
            self._write(run, outcome.checkpoint)
        if outcome.ended == "failed":
            self._end(run, "failed", outcome.message)
        else:
            self._become_wanted(run)

    def _survive(self, run: _Run) -> None:
        """The worker process ended under a run: go on from the last checkpoint, unless that never gets further."""
        epoch = run.checkpoint.epoch if run.checkpoint else 0
        run.losses = run.losses + 1 if epoch == run.lost_after else 1
        run.lost_after = epoch
        if run.wanted:
            self._become_wanted(run)
        elif run.losses < ATTEMPTS:
            self._wait_again(run, f"Its worker process ended; it goes on after epoch {epoch}.")
        else:
            times = "once" if run.losses == 1 else f"{run.losses} times"
            reason = f"Its worker process ended {times} after epoch {epoch}, perhaps for want of memory: resume it."
            self._end(run, "interrupted", reason)

    def _become_wanted(self, run: _Run) -> None:
        wanted, run.wanted = run.wanted or "interrupted", None
        if wanted == "queued":
            self._wait_again(run, "")
        else:
            self._end(run, wanted, run.message)

    def _wait_again(self, run: _Run, message: str) -> None:
        self._waiting.appendleft(run)
        self._show(run, status="queued", message=message, step=None)
        self._number_the_queue()

    async def _collect_checkpoints(self, client: Client, run: _Run) -> None:
        """Fetch the worker's last checkpoint about once a second: what a dead worker leaves behind."""
        while True:
            await asyncio.sleep(SECONDS_BETWEEN_CHECKPOINTS)
            if run.worker is None:
                continue
            epoch = run.checkpoint.epoch if run.checkpoint else 0
            found = await client.run(
                worker.newer_checkpoint, run.attempt, epoch, workers=[run.worker], on_error="ignore"
            )
            for checkpoint in found.values():
                if checkpoint is not None:
                    run.checkpoint = checkpoint
                    self._write(run, checkpoint)

    def _hear(self, attempt: str, message: tuple[float, dict[str, Any]]) -> None:
        """A worker published an event."""
        run = self._working.get(attempt)
        if run is None:
            return
        # Lists arrive as tuples.
        fields: dict[str, Any] = {
            name: list(value) if isinstance(value, tuple) else value for name, value in message[1]["fields"].items()
        }
        match message[1]["kind"]:
            case "begun":
                run.worker = fields["worker"]
                if run.wanted:
                    self._request_stop(run)
            case Started.kind:
                self._tell(run, Started(**fields))
            case Step.kind:
                self._show_step(run, Step(**fields))
            case Epoch.kind:
                self._tell(run, Epoch(**fields))

    def _tell(self, run: _Run, event: Started | Epoch) -> None:
        """Write an event down and show it."""
        self._write(run, event)
        if isinstance(event, Started):
            run.heard.clear()
            run.heard.append((time.monotonic(), event.first_epoch - 1))
            self._show(run, status="running", message="", started=event)
        else:
            epochs = {epoch.epoch: epoch for epoch in run.snapshot.epochs} | {event.epoch: event}
            pace = _pace(run, event.epoch)
            run.heard.append((time.monotonic(), event.epoch))
            self._show(run, step=None, pace=pace, epochs=tuple(epochs[number] for number in sorted(epochs)))

    def _show_step(self, run: _Run, step: Step) -> None:
        """Show progress within an epoch; in the first one of an attempt it is also what the pace is known from."""
        pace = run.snapshot.pace
        if len(run.heard) == 1 and run.snapshot.started is not None:
            pace = _pace(run, step.epoch - 1 + step.step / run.snapshot.started.steps_per_epoch)
        self._show(run, step=step, pace=pace)

    async def _enqueue(self, run: _Run) -> None:
        self._runs[run.run_id] = run
        self._waiting.append(run)
        self._number_the_queue()
        self._changed.set()

    async def _end_early(self, run_id: str, wanted: Literal["paused", "stopped"]) -> None:
        run = self._runs.get(run_id)
        if run is None or run.snapshot.status not in LIVE:
            record = self.store.load(run_id)
            if record.status in LIVE:
                raise LabError(f"Run {run_id} is being trained by another process: end it there.")
            if wanted == "stopped" and record.status in ("paused", "interrupted"):
                self.store.set_status(run_id, "stopped")
            return  # it has ended in some other way meanwhile
        if run in self._waiting:
            self._waiting.remove(run)
            self._end(run, wanted)
            self._number_the_queue()
        else:
            run.wanted, run.message = wanted, ""
            self._request_stop(run)

    async def _resume(self, run_id: str, bank: FeatureBank) -> None:
        run = self._runs.get(run_id)
        if run is not None and run.snapshot.status in LIVE:
            if run.wanted:
                run.wanted = "queued"  # its stop is under way
            return
        record = self.store.load(run_id)
        if run is None and record.status in LIVE:
            raise LabError(f"Run {run_id} is being trained by another process already: wait for it.")
        if record.status == "finished":
            raise LabError(f"Run {run_id} is finished: start a new run with its settings instead.")
        if record.provenance.get("features_sha256", bank.digest) != bank.digest:
            raise LabError(f"Run {run_id} began on other features than those here now: start a new run instead.")
        checkpoint = record.checkpoint()
        self.store.set_status(run_id, "queued")
        for epoch in run.snapshot.epochs if run is not None else ():  # the disk may have refused some
            self.store.append(run_id, epoch)
        snapshot = replace(from_record(self.store.load(run_id)), message="")
        await self._enqueue(_Run(snapshot, bank, checkpoint))

    def _request_stop(self, run: _Run) -> None:
        """Ask the worker to end an attempt after the current step; one that waits inside Dask is taken back."""
        client = self._client
        if client is None:
            return

        async def ask() -> None:
            attempt, task = run.attempt, run.task
            where = [run.worker] if run.worker else None
            await client.run(worker.request_stop, attempt, workers=where, on_error="ignore")
            if where is None and run.worker is None and run.attempt == attempt and task is not None:
                task.cancel()

        self._background(ask())

    async def _end_attempts(self) -> None:
        """When closing, let all attempts hand over their last checkpoint; then give up those that are left."""
        attempts = [run.task for run in self._working.values() if run.task is not None]
        if self._closing and attempts:
            for run in self._working.values():
                if run.wanted not in ("paused", "stopped"):
                    run.wanted, run.message = "interrupted", "The laboratory was closed while this run was going on."
                self._request_stop(run)
            await asyncio.wait(attempts, timeout=SECONDS_TO_HAND_OVER)
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for attempt, run in list(self._working.items()):  # cancelled before they began
            del self._working[attempt]
            self._conclude(run, None)

    def _background(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _number_the_queue(self) -> None:
        for position, run in enumerate(self._waiting, start=1):
            self._show(run, position=position)
        for run in self._working.values():
            self._show(run, position=0)

    def _end(self, run: _Run, status: Status, message: str = "") -> None:
        self._guard(run, lambda: self.store.set_status(run.run_id, status, message))
        self._show(run, status=status, message=run.message if run.unwritten else message, step=None, position=0)
        self._forget(run)

    def _forget(self, run: _Run) -> None:
        """Leave an ended run to its record, which other processes may go on with."""
        if not run.unwritten:
            del self._runs[run.run_id]

    def _write(self, run: _Run, event: Event) -> bool:
        return self._guard(run, lambda: self.store.append(run.run_id, event))

    def _guard(self, run: _Run, write: Callable[[], None]) -> bool:
        """Write to the disk; if it refuses, end the run and say why, and keep in memory what was measured."""
        try:
            write()
        except LabError as error:
            run.unwritten, run.message = True, str(error)
            if run.attempt in self._working and run.wanted != "failed":
                run.wanted = "failed"
                self._request_stop(run)
            return False
        return True

    def _show(self, run: _Run, **changes: Any) -> None:
        run.snapshot = replace(run.snapshot, **changes)
        with self._news:
            self._news.notify_all()
        self._tell_listeners(run.run_id)

    def _tell_listeners(self, run_id: str) -> None:
        for hear in self._listeners:
            hear(run_id)


def _pace(run: _Run, done: float) -> float | None:
    """Seconds per epoch of a run that has done so many by now; None if that is as many as before."""
    before, done_before = run.heard[0] if run.heard else (0.0, done)
    return (time.monotonic() - before) / (done - done_before) if done > done_before else run.snapshot.pace
