"""Whose turn it is: people take turns, and long work leaves a worker free for what takes seconds."""

from collections import Counter
from collections.abc import Iterable, Sequence

from core.work.job import Job


def in_turn(waiting: Sequence[Job], working: Iterable[Job]) -> list[Job]:
    """Waiting jobs in the order of their turns.

    Everybody's first job comes before anybody's second, what is under way counted; among equals, who came first. Jobs
    that lost their worker keep their place: they have had their turn.
    """
    had = Counter(job.snapshot.owner for job in working)
    turns: dict[Job, int] = {}
    for job in waiting:
        had[job.snapshot.owner] += 1
        turns[job] = 0 if job.lost else had[job.snapshot.owner]
    return sorted(waiting, key=lambda job: turns[job])


def first_to_start(ordered: Iterable[Job], working: Sequence[Job], slots: int) -> Job | None:
    """The first of these that may start now on so many workers, or None.

    Where there are two workers or more, long work never takes the last one that has none.
    """
    if len(working) >= slots:
        return None
    room = max(1, slots - 1) - sum(job.work.is_long for job in working)
    return next((job for job in ordered if room > 0 or not job.work.is_long), None)
