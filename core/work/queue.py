"""The queue: work is submitted to Dask workers, followed, paused, stopped and resumed, the same for every kind.

One thread with an asyncio loop owns everything: the cluster, the queue, and a coroutine for each attempt under way.
Other threads (pages) send it requests and read snapshots, which are immutable and replaced as a whole.
"""

import asyncio
import atexit
import threading
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import Future
from dataclasses import replace
from typing import Any, Literal, NamedTuple, TypeVar

import numpy as np

from core.config.run import RunConfig
from core.data.registry import dataset
from core.errors import LabError
from core.runs.snapshots import Snapshot, Standing, StoredSnapshots, from_record
from core.runs.store import LIVE, SHIPPED, Record, Status, Store
from core.settings import settings
from core.work import cluster
from core.work.answers import Answers, Question, ask, known_weights, weights_alone
from core.work.attempt import Attempt
from core.work.job import Job
from core.work.kinds.base import Work
from core.work.kinds.train import Training
from core.work.records import WorkSnapshot, WorkStore
from core.work.resume import Resumable, resumable, training
from core.work.turns import first_to_start, in_turn

T = TypeVar("T")

SECONDS_TO_HAND_OVER = 5.0
SECONDS_TO_EXIT = 20.0
SECONDS_TO_ANSWER = 30.0


class Waiting(NamedTuple):
    """One line of the queue; position 0 is under way."""

    run_id: str
    owner: str
    status: Status
    position: int
    title: str
    """What it does, in a few words."""
    config: RunConfig | None
    """Of work that trains a run."""


class Jobs:
    """The work of this process. Returns at once; the cluster starts in the background, and work queues until it is up.

    Args:
        store: where runs are recorded; other work is recorded below its folder.
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
        self.works = WorkStore(self.store.root / "work")
        self.problem = ""
        """One sentence if the cluster could not be started or reached, else empty."""
        self._scheduler = scheduler if scheduler is not None else settings().scheduler
        self._workers = workers if workers is not None else settings().workers
        self._processes = processes
        self._jobs: dict[str, Job] = {}
        self._waiting: list[Job] = []
        self._working: list[Job] = []
        self._stored = StoredSnapshots(self.store)
        self._latest: dict[Work, str] = {each.work: each.run_id for each in self.works.load_all()}
        self._ready = threading.Event()
        self._news = threading.Condition()
        self._listeners: list[Callable[[str], None]] = []
        self._closing = False
        self._tasks: set[asyncio.Task[Any]] = set()
        self._loop = asyncio.new_event_loop()
        self._changed = asyncio.Event()
        self._connection: cluster.Connection | None = None
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
        """Call ``hear`` with the id of all work that changes from now on, and with "" when workers come or go.

        It is called by the owning thread and must return at once.
        """
        self._listeners.append(hear)

    def submit(self, work: RunConfig | Work, owner: str = "", run_id: str | None = None) -> str:
        """Queue work and return its id.

        Args:
            work: what to do; a configuration stands for its training. Equal work that is no run is done once for
                all who submit it while it is queued or running: they get the same id.
            owner: the person who may stop it; empty: anybody.
            run_id: a run to resume instead; ``work`` is ignored then.

        Raises `LabError` when the work needs something that is missing, e.g. features, when the results folder cannot
        be written, or when the run cannot be resumed.
        """
        if run_id is not None:
            self.resume(run_id)
            return run_id
        work = training(work) if isinstance(work, RunConfig) else work
        material = work.material()
        if not isinstance(work, Training):
            return self._do(self._join(work, material, owner))
        run_id = self.store.create(work.config, work.provenance(material), owner=owner)
        snapshot = Snapshot(run_id=run_id, config=work.config, owner=owner, status="queued")
        self._latest[work] = run_id
        self._do(self._enqueue(Job(work, self.store, snapshot, material, self._tell)))
        return run_id

    def pause(self, run_id: str) -> None:
        """Let a run end after its current step, to go on later from its last checkpoint."""
        self._do(self._end_early(run_id, "paused"))

    def stop(self, run_id: str) -> None:
        """Let work end after its current step; a run's epochs stay, and it can still be resumed."""
        self._do(self._end_early(run_id, "stopped"))

    def resume(self, run_id: str) -> None:
        """Queue a paused, stopped, interrupted or failed run: it goes on from its last checkpoint.

        Its numbers are those it would have had without the interruption, bit for bit on the same device.
        """
        if not self._do(self._call_off_stop(run_id)):
            resumed = resumable(self.store, run_id, ended=run_id in self._jobs)
            self._do(self._go_on(resumed))

    def queue(self) -> list[Waiting]:
        """The work of this process that is under way (position 0) and that waits for a worker (from 1)."""
        live = [job for job in list(self._jobs.values()) if job.snapshot.status in LIVE]
        live.sort(key=lambda job: job.snapshot.position)
        return [_line(job) for job in live]

    def snapshot(self, run_id: str) -> Snapshot:
        """How a run stands: from memory if it is one of this process, else from its record; `LabError` if unknown."""
        job = self._jobs.get(run_id)
        if job is not None and isinstance(job.snapshot, Snapshot):
            return job.snapshot
        return self._stored.snapshot(run_id)

    def latest(self, work: Work) -> Standing | None:
        """How the latest work stands that was asked to do exactly this; None if none was, or its record is gone.

        Runs are known of this process alone, other work also of earlier ones.
        """
        run_id = self._latest.get(work)
        if run_id is None:
            return None
        job = self._jobs.get(run_id)
        if job is not None:
            return job.snapshot
        try:
            return self._stored.snapshot(run_id) if isinstance(work, Training) else self.works.load(run_id)
        except LabError:
            return None

    def answers(self, run_id: str, features: np.ndarray) -> "Future[Answers | None]":
        """What the first network of a run answers to features (n, d) float32; None: it has none, or no worker is here.

        It is the latest network while the run goes on, and that of the best epoch once it has finished. `LabError` for
        a run that is not here.
        """
        return asyncio.run_coroutine_threadsafe(self._answers(run_id, features), self._loop)

    def recent(self, kind: type[Work]) -> list[WorkSnapshot]:
        """Work of a kind that is no run, newest first: all that goes on, and the last that ended or was interrupted."""
        standings: list[WorkSnapshot] = []
        for work in reversed([*self._latest]):
            standing = self.latest(work) if isinstance(work, kind) else None
            if isinstance(standing, WorkSnapshot):
                standings.append(standing)
                if standing.status not in LIVE:
                    break
        return standings

    def close(self) -> None:
        """End all work, which can be resumed, and the cluster."""
        atexit.unregister(self.close)
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._begin_to_close)
            self._thread.join(SECONDS_TO_EXIT)
        self.store.close()
        self.works.close()

    # What follows runs in the owning thread, except `_do`.

    def _do(self, request: Coroutine[Any, Any, T]) -> T:
        if self._closing or not self._thread.is_alive():
            request.close()
            raise LabError("The laboratory is closing: start it again first")
        try:
            return asyncio.run_coroutine_threadsafe(request, self._loop).result(SECONDS_TO_ANSWER)
        except TimeoutError:
            raise LabError(f"The laboratory did not answer within {SECONDS_TO_ANSWER:.0f} s: try again") from None

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
                    pause = 1.0
                    self._connection = connection
                    try:
                        await self._dispatch(connection)
                    finally:
                        self._connection = None
                        self._ready.clear()
                        self._tell_listeners("")
                        await self._end_attempts()
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
        while self._waiting:
            job = self._waiting.pop()
            job.end("interrupted", "The laboratory was closed before a worker was free.")
            self._forget(job)

    async def _dispatch(self, connection: cluster.Connection) -> None:
        """Give waiting work to free workers, until closing or until the cluster is lost."""
        while not self._closing:
            self._changed.clear()
            await connection.keep()
            if self._waiting or not self._ready.is_set():
                slots = await connection.slots()
                if slots and (self.problem or not self._ready.is_set()):
                    self.problem = ""
                    self._ready.set()
                    self._tell_listeners("")
                while job := first_to_start(in_turn(self._waiting, self._working), self._working, slots):
                    self._waiting.remove(job)
                    self._working.append(job)
                    attempt = Attempt(job.run_id, connection, self._background, job.begun, job.hear)
                    job.attempt, attempt.task = attempt, self._background(self._attempt(job, attempt))
                self._number_the_queue()
            await self._wait_for_change(0.25 if self._waiting or not self._ready.is_set() else 2.0)

    async def _wait_for_change(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._changed.wait(), seconds)
        except TimeoutError:
            return

    async def _attempt(self, job: Job, attempt: Attempt) -> None:
        """Work at a job on some worker until that ends in one way or another."""
        outcome = None
        try:
            outcome = await attempt.outcome(job.work, job.material, job.checkpoint, job.lost)
        finally:
            self._leave(job)
            job.conclude(outcome)
            self._put_away(job)

    def _leave(self, job: Job) -> None:
        self._working.remove(job)
        self._changed.set()

    def _put_away(self, job: Job) -> None:
        """A job has no attempt any more: it waits again, or it has ended."""
        if job.snapshot.status == "queued":
            self._waiting.insert(0, job)
            self._number_the_queue()
        else:
            self._forget(job)

    async def _enqueue(self, job: Job) -> None:
        self._jobs[job.run_id] = job
        self._waiting.append(job)
        self._number_the_queue()
        self._changed.set()

    async def _join(self, work: Work, material: Any, owner: str) -> str:
        """The id of work that is no run: that which is under way already, or new."""
        job = self._jobs.get(self._latest.get(work, ""))
        if job is not None and job.snapshot.status in LIVE and job.wanted is None:
            return job.run_id
        snapshot = self.works.create(work, owner)
        self._latest.pop(work, None)  # so that the newest comes last
        self._latest[work] = snapshot.run_id
        await self._enqueue(Job(work, self.works, snapshot, material, self._tell))
        return snapshot.run_id

    async def _end_early(self, run_id: str, wanted: Literal["paused", "stopped"]) -> None:
        job = self._jobs.get(run_id)
        if job is None or job.snapshot.status not in LIVE:
            record: Record | Standing = self.works.load(run_id) if self.works.has(run_id) else self.store.load(run_id)
            if record.status in LIVE:
                raise LabError(f"Run {run_id} is being trained by another process: end it there")
            if isinstance(record, Record) and wanted == "stopped" and record.status in ("paused", "interrupted"):
                self.store.set_status(run_id, "stopped")
        elif job in self._waiting:
            self._waiting.remove(job)
            job.end(wanted)
            self._forget(job)
            self._number_the_queue()
        else:
            job.ask_to_stop(wanted)

    async def _call_off_stop(self, run_id: str) -> bool:
        """Whether a run is queued or under way here; a stop that is under way becomes a pause, and it waits again."""
        job = self._jobs.get(run_id)
        if job is None or job.snapshot.status not in LIVE:
            return False
        if job.wanted:
            job.wanted = "queued"
        return True

    async def _go_on(self, resumed: Resumable) -> None:
        run_id = resumed.record.run_id
        if await self._call_off_stop(run_id):
            return  # somebody else was faster
        before = self._jobs.get(run_id)
        self.store.set_status(run_id, "queued")
        if before is not None and isinstance(before.snapshot, Snapshot):
            for epoch in before.snapshot.epochs:  # the disk may have refused some
                self.store.append(run_id, epoch)
        snapshot = replace(from_record(self.store.load(run_id)), message="")
        await self._enqueue(Job(resumed.work, self.store, snapshot, resumed.material, self._tell, resumed.checkpoint))

    async def _answers(self, run_id: str, features: np.ndarray) -> Answers | None:
        connection, job = self._connection, self._jobs.get(run_id)
        if connection is None:
            return None
        if job is None or not isinstance(job.work, Training):
            record = await asyncio.to_thread(self.store.load, run_id)
            config, known = record.config, await asyncio.to_thread(known_weights, record)
        else:
            config, known = job.work.config, job.checkpoint and weights_alone(job.checkpoint)
        question = Question(config, features, len(dataset(config.dataset).classes), known=known)
        return await (job.attempt.ask(question) if job and job.attempt else ask(connection, question))

    async def _end_attempts(self) -> None:
        """When closing, let all attempts hand over their last checkpoint; then give up those that are left."""
        attempts = [job.attempt.task for job in self._working if job.attempt and job.attempt.task]
        if self._closing and attempts:
            for job in self._working:
                if job.wanted in ("paused", "stopped"):
                    job.ask_to_stop(job.wanted)
                else:
                    job.ask_to_stop("interrupted", "The laboratory was closed while this was going on.")
            await asyncio.wait(attempts, timeout=SECONDS_TO_HAND_OVER)
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for job in list(self._working):  # cancelled before they began
            self._leave(job)
            job.conclude(None)
            self._put_away(job)

    def _background(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _number_the_queue(self) -> None:
        places = {job: place for place, job in enumerate(in_turn(self._waiting, self._working), start=1)}
        for job in (*self._waiting, *self._working):
            if job.snapshot.position != places.get(job, 0):
                job.show(position=places.get(job, 0))

    def _forget(self, job: Job) -> None:
        """Leave ended work to its record, which other processes may go on with."""
        if not job.unwritten:
            del self._jobs[job.run_id]

    def _tell(self, run_id: str) -> None:
        with self._news:
            self._news.notify_all()
        self._tell_listeners(run_id)

    def _tell_listeners(self, run_id: str) -> None:
        for hear in self._listeners:
            hear(run_id)


def _line(job: Job) -> Waiting:
    config = job.work.config if isinstance(job.work, Training) else None
    standing = job.snapshot
    return Waiting(job.run_id, standing.owner, standing.status, standing.position, job.work.title, config)
