"""Many people open the dashboard and press Run at the same moment: who learns what when, and what it costs."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

import psutil
from live_page import Laboratory
from sessions import Live, Session

PATIENCE = 60.0
"""Seconds after the last end of all runs after which a page that was not told of its own never will be."""
SECONDS_BETWEEN_VISITORS = 1.0
SECONDS_TO_SETTLE = 3.0
FIRST_SEED = 1000


@dataclass
class Crowd:
    """What was measured; seconds and bytes are one number a page unless they say otherwise."""

    pages: int
    query: str
    """Settings of every run, as they stand in a page's address."""
    opening_seconds: list[float] = field(default_factory=list)
    """From the request to the whole page, all pages at once."""
    opening_bytes: list[int] = field(default_factory=list)
    click_seconds: list[float] = field(default_factory=list)
    """From the click on Run to the whole page, all pages at once."""
    told_seconds: list[float] = field(default_factory=list)
    """From the end of a page's runs, as their records say, to the message that says so."""
    untold: int = 0
    """Pages that never got that message."""
    visitor_seconds: list[float] = field(default_factory=list)
    """One number for each new visitor who came while runs went on: until the whole page was there."""
    training_seconds: float = 0.0
    """From the first click to the end of the last run."""
    page_bytes: list[int] = field(default_factory=list)
    """From Streamlit, from the click to the page with the results."""
    news: list[int] = field(default_factory=list)
    """Number of live messages."""
    news_bytes: list[int] = field(default_factory=list)
    busy_share: float = 0.0
    """Of one core, used by the server's process while runs went on."""
    idle_share: float = 0.0
    """The same when all runs are over and all pages still open."""
    idle_bytes: int = 0
    """What all pages together received meanwhile."""
    memory_mb: dict[str, float] = field(default_factory=dict)
    """Of the server's process: warm, with all pages open, and at the end of all runs."""
    faults: list[str] = field(default_factory=list)
    """What a visitor should never get, see `sessions.Session`."""


async def measure(laboratory: Laboratory, pages: int, query: str, idle_seconds: float) -> Crowd:
    """So many pages, each with settings of its own: the query and a base seed."""
    server, crowd = psutil.Process(laboratory.process.pid), Crowd(pages, query)
    await _warm_up(laboratory, query)
    crowd.memory_mb["warm"] = _memory(server)
    async with AsyncExitStack() as everybody:
        sessions = [
            await everybody.enter_async_context(Session(laboratory.url, f"base_seed={FIRST_SEED + page}&{query}"))
            for page in range(pages)
        ]
        crowd.opening_seconds = await asyncio.gather(*(session.draw() for session in sessions))
        crowd.opening_bytes = [session.received for session in sessions]
        crowd.memory_mb["open"] = _memory(server)

        began, used = time.time(), _cpu(server)
        async with _visitors(laboratory, crowd):
            lines = await asyncio.gather(*(_press_run(session, crowd) for session in sessions))
            runs = [session.line["runs"] for session in sessions]
            told = await _all_told(laboratory, lines, runs)
        ends = [_end(laboratory, each) for each in runs]
        crowd.training_seconds = max(ends) - began
        crowd.busy_share = (_cpu(server) - used) / (time.time() - began)
        crowd.told_seconds = [heard - end for heard, end in zip(told, ends, strict=True) if heard]
        crowd.untold = told.count(None)

        await asyncio.sleep(SECONDS_TO_SETTLE)
        crowd.memory_mb["ended"] = _memory(server)
        crowd.page_bytes = [one.received - n for one, n in zip(sessions, crowd.opening_bytes, strict=True)]
        crowd.news = [len(line.sizes) for line in lines]
        crowd.news_bytes = [sum(line.sizes) for line in lines]
        used = _cpu(server)
        await asyncio.sleep(idle_seconds)
        crowd.idle_share = (_cpu(server) - used) / idle_seconds
        received = sum(session.received for session in sessions) + sum(sum(line.sizes) for line in lines)
        crowd.idle_bytes = received - sum(crowd.opening_bytes + crowd.page_bytes + crowd.news_bytes)
        crowd.faults += [fault for session in sessions for fault in session.faults]
        for line in lines:
            await line.leave()
    return crowd


async def _warm_up(laboratory: Laboratory, query: str) -> None:
    """One run of the same settings: the workers are there, and the server has loaded what a page needs."""
    async with Session(laboratory.url, f"base_seed={FIRST_SEED - 1}&{query}") as session:
        await session.draw()
        await session.press("start")
        line = Live(session)
        await line.until_end()
        await line.leave()


async def _press_run(session: Session, crowd: Crowd) -> Live:
    crowd.click_seconds.append(await session.press("start"))
    return Live(session)


async def _all_told(laboratory: Laboratory, lines: Sequence[Live], runs: Sequence[Sequence[str]]) -> list[float | None]:
    """When each page was told, in order; None for those that are not within `PATIENCE` of the last end."""
    told = [asyncio.create_task(line.until_end()) for line in lines]
    waiting, last = set(told), float("inf")
    while waiting and time.time() - last < PATIENCE:
        _, waiting = await asyncio.wait(waiting, timeout=1)
        last = max(_end(laboratory, each) for each in runs)
    for each in waiting:
        each.cancel()
    return [None if each in waiting else each.result() for each in told]


@asynccontextmanager
async def _visitors(laboratory: Laboratory, crowd: Crowd) -> AsyncIterator[None]:
    """Meanwhile new visitors come, one after the other, look at the page that opens first and leave."""
    over = asyncio.Event()

    async def come_and_go() -> None:
        while not over.is_set():
            began = time.monotonic()
            async with Session(laboratory.url) as visitor:
                try:
                    await asyncio.wait_for(visitor.draw(), PATIENCE)
                except TimeoutError:
                    crowd.faults.append(f"a new visitor had no page after {PATIENCE:.0f} s")
                crowd.faults += visitor.faults
            crowd.visitor_seconds.append(time.monotonic() - began)
            await asyncio.sleep(SECONDS_BETWEEN_VISITORS)

    coming = asyncio.create_task(come_and_go())
    yield
    over.set()
    await coming


def _end(laboratory: Laboratory, run_ids: Sequence[str]) -> float:
    """When the last of these runs was recorded as finished; infinity as long as one is not."""
    paths = [laboratory.results / run_id / "run.json" for run_id in run_ids]
    ended = all(json.loads(path.read_text(encoding="utf-8"))["status"] == "finished" for path in paths)
    return max(path.stat().st_mtime for path in paths) if ended else float("inf")


def _cpu(server: psutil.Process) -> float:
    """Seconds of processor time that the process has used, its children not counted."""
    times = server.cpu_times()
    return times.user + times.system


def _memory(server: psutil.Process) -> float:
    return server.memory_info().rss / 2**20
