"""News of runs, pushed to every page that shows them: one producer for all pages, silence while nothing changes.

A page is drawn once, by Streamlit, and then hears what is new over a WebSocket of its own at ``/live``: new points of
its curves, the status line, the table of heads. No page looks for news on a timer, so pages that wait cost nothing. A
page says which runs it shows and how many epochs of each it has drawn; every message continues from there, so a page
that was slow gets one message instead of many. When something changes that only a new drawing can show (the end of a
run, say), the message's ``page`` changes, and the page asks Streamlit for that drawing.
"""

import asyncio
import json
import random
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Any
from urllib.parse import urlparse

from starlette.websockets import WebSocket, WebSocketDisconnect

from core.errors import LabError
from core.figures.runs import QUANTITIES, Points, axis_range, points_of
from core.runs.snapshots import Snapshot
from core.runs.store import LIVE
from core.work.queue import Jobs
from pages.ui.standing import overall, page_state, pieces_of

SECONDS_BETWEEN_NEWS = 0.15
SHARE_OF_TIME = 0.25
"""The producer rests until it has worked at most this share of the time: a server that is late has fewer news."""
MOST_SECONDS_BETWEEN_NEWS = 0.6
"""However late the server is, the end of a run waits no longer than this."""
SECONDS_BETWEEN_PAGES = 0.1
"""Pages that watch the same run are drawn anew one after the other when it ends."""
SECONDS_BETWEEN_LOOKS = 1.0
"""How often the records of runs are read that another process trains."""
MOST_RUNS = 20
"""No page shows more runs at once."""

Runs = tuple[str, ...]


@dataclass(eq=False)
class _Page:
    """One page at the other end of a line; only the server's loop touches it."""

    runs: Runs = ()
    drawn: list[int] = field(default_factory=list)
    """How many epochs of each run the page has."""
    said: dict[str, Any] = field(default_factory=dict)
    """What was sent to the page last, apart from points."""
    news: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass
class _Experiment:
    """Runs that some page shows: their news, made once for all their pages."""

    points: list[Points]
    said: dict[str, Any]
    elsewhere: set[str]
    """Those of the runs that another process trains."""
    pages: set[_Page] = field(default_factory=set)


class Channel:
    """The line between the runs of this process and the pages that show them.

    Args:
        jobs: whose runs they are.
    """

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs
        self._lock = threading.Lock()
        self._experiments: dict[Runs, _Experiment] = {}
        self._news: SimpleQueue[str] = SimpleQueue()
        """Ids of runs that have changed; an empty one when workers came or went."""
        self._loop: asyncio.AbstractEventLoop | None = None
        jobs.listen(self._news.put)
        threading.Thread(target=self._produce, name="news", daemon=True).start()

    async def serve(self, socket: WebSocket) -> None:
        """Talk to one page until it goes away."""
        if not _same_origin(socket):
            await socket.close(1008)
            return
        await socket.accept()
        self._loop = asyncio.get_running_loop()
        page = _Page()
        listening = asyncio.create_task(self._listen(socket, page))
        try:
            while not listening.done():
                waiting = asyncio.create_task(page.news.wait())
                await asyncio.wait({waiting, listening}, return_when=asyncio.FIRST_COMPLETED)
                waiting.cancel()
                page.news.clear()
                message = self._message(page)
                if message:
                    await socket.send_text(json.dumps(message, allow_nan=False, separators=(",", ":")))
        except (WebSocketDisconnect, RuntimeError):
            pass  # gone in mid-sentence
        finally:
            listening.cancel()
            self._unwatch(page)

    async def _listen(self, socket: WebSocket, page: _Page) -> None:
        """Hear which runs the page shows and how much of each it has drawn."""
        while True:
            try:
                runs, drawn = _understood(await socket.receive_text())
            except (ValueError, WebSocketDisconnect, RuntimeError):
                return
            if runs != page.runs or page not in self._watched(runs):
                self._unwatch(page)
                page.runs, page.said = runs, {}
                await asyncio.to_thread(self._watch, page)
            page.drawn = drawn
            page.news.set()

    def _message(self, page: _Page) -> dict[str, Any]:
        """What the page does not know yet; empty if nothing."""
        with self._lock:
            experiment = self._experiments.get(page.runs)
            if experiment is None:
                return {}
            said = {name: value for name, value in experiment.said.items() if page.said.get(name) != value}
            points = [each.since(n) for each, n in zip(experiment.points, page.drawn, strict=True)]
            n_pages = len(experiment.pages)
        page.said = page.said | said
        page.drawn = [each["at"] + len(each["epochs"]) for each in points]
        if any(each["epochs"] for each in points):
            said |= {"heads": points}
        if "page" in said:
            said["after"] = random.uniform(0, SECONDS_BETWEEN_PAGES * (n_pages - 1))
        return {"runs": page.runs, **said} if said else {}

    def _watched(self, runs: Runs) -> set[_Page]:
        with self._lock:
            experiment = self._experiments.get(runs)
            return experiment.pages if experiment else set()

    def _watch(self, page: _Page) -> None:
        with self._lock:
            known = page.runs in self._experiments
        made = None if known else self._made(page.runs)
        with self._lock:
            if made is not None:
                self._experiments.setdefault(page.runs, made)
            if page.runs in self._experiments:
                self._experiments[page.runs].pages.add(page)
        if page.runs:
            self._news.put(page.runs[0])

    def _unwatch(self, page: _Page) -> None:
        with self._lock:
            experiment = self._experiments.get(page.runs)
            if experiment is not None:
                experiment.pages.discard(page)
                if not experiment.pages:
                    del self._experiments[page.runs]

    def _produce(self) -> None:
        """Make what is new of every experiment that is watched and has changed, and wake its pages."""
        while True:
            changed = self._wait_for_news()
            began = time.thread_time()
            with self._lock:
                due = [(runs, each) for runs, each in self._experiments.items() if changed & {"", *runs}]
            for runs, experiment in sorted(due, key=lambda each: self._only_waits(each[0])):
                self._renew(runs, experiment)
            worked = time.thread_time() - began
            time.sleep(min(max(SECONDS_BETWEEN_NEWS, worked / SHARE_OF_TIME), MOST_SECONDS_BETWEEN_NEWS))

    def _only_waits(self, runs: Runs) -> bool:
        """Whether the only news of these runs can be their place in the queue: others go first."""
        return overall(self._snapshots(runs) or ()) == "queued"

    def _wait_for_news(self) -> set[str]:
        """Ids of runs that have changed, or may have: a run that another process trains shows only in its record."""
        with self._lock:
            elsewhere = {run_id for each in self._experiments.values() for run_id in each.elsewhere}
        try:
            changed = {self._news.get(timeout=SECONDS_BETWEEN_LOOKS if elsewhere else None)}
        except Empty:
            changed = set()
        while not self._news.empty():
            changed.add(self._news.get())
        return changed | elsewhere

    def _renew(self, runs: Runs, experiment: _Experiment) -> None:
        snapshots = self._snapshots(runs)
        if snapshots is None:
            return
        more = [
            points_of(snapshot.epochs[len(known.epochs) :])
            for snapshot, known in zip(snapshots, experiment.points, strict=True)
        ]
        said = self._said(snapshots)
        with self._lock:
            for known, new in zip(experiment.points, more, strict=True):
                known.extend(new)
            experiment.said = said | _ranges(experiment.points)
            experiment.elsewhere = self._elsewhere(snapshots)
            pages = list(experiment.pages)
        if self._loop is not None:
            self._loop.call_soon_threadsafe(_wake, pages)

    def _made(self, runs: Runs) -> _Experiment | None:
        snapshots = self._snapshots(runs)
        if snapshots is None:
            return None
        points = [points_of(each.epochs) for each in snapshots]
        return _Experiment(points, self._said(snapshots) | _ranges(points), self._elsewhere(snapshots))

    def _said(self, snapshots: Sequence[Snapshot]) -> dict[str, Any]:
        return {"page": page_state(snapshots)} | (pieces_of(snapshots) if snapshots else {})

    def _elsewhere(self, snapshots: Sequence[Snapshot]) -> set[str]:
        """Which of these runs another process trains."""
        ours = {each.run_id for each in self._jobs.queue()}
        return {each.run_id for each in snapshots if each.status in LIVE} - ours

    def _snapshots(self, runs: Runs) -> list[Snapshot] | None:
        try:
            return [self._jobs.snapshot(run_id) for run_id in runs]
        except LabError:
            return None  # not here, or removed meanwhile; the page itself shows that


def _ranges(points: Sequence[Points]) -> dict[str, Any]:
    return {"ranges": {quantity: axis_range(points, quantity) for quantity in QUANTITIES}} if points else {}


def _wake(pages: Sequence[_Page]) -> None:
    for page in pages:
        page.news.set()


def _understood(text: str) -> tuple[Runs, list[int]]:
    """Runs and numbers of epochs in a page's message; `ValueError` for anything else."""
    said = json.loads(text)
    if not isinstance(said, dict):
        raise ValueError("no object")
    runs, drawn = said.get("runs"), said.get("drawn")
    if not isinstance(runs, list) or not isinstance(drawn, list) or len(runs) != len(drawn) or len(runs) > MOST_RUNS:
        raise ValueError("no list of runs with as many numbers")
    if not all(isinstance(each, str) for each in runs) or not all(type(each) is int and each >= 0 for each in drawn):
        raise ValueError("no names and numbers")
    return tuple(runs), drawn


def _same_origin(socket: WebSocket) -> bool:
    """Whether the page came from this server; a program that is no browser names no origin."""
    origin = socket.headers.get("origin")
    return origin is None or urlparse(origin).netloc == socket.headers.get("host")
