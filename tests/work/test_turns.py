"""Whose turn it is in the queue."""

from typing import ClassVar

import pytest

from core.runs.snapshots import Standing
from core.runs.store import Store
from core.work.job import Job
from core.work.kinds.base import Work
from core.work.turns import first_to_start, in_turn


class Short(Work):
    is_long: ClassVar[bool] = False


class Long(Work):
    pass


def job(owner: str, work: Work | None = None, lost: str = "") -> Job:
    return Job(work or Short(), Store(), Standing("", owner, "queued"), None, lambda _: None, lost=lost)


def owners(jobs: list[Job]) -> list[str]:
    return [each.snapshot.owner for each in jobs]


def test_people_take_turns_and_among_equals_the_first_comes_first() -> None:
    ada, grace = [job("ada") for _ in range(4)], [job("grace") for _ in range(2)]
    waiting = [*ada[1:], *grace]
    assert in_turn([*ada, *grace], []) == [ada[0], grace[0], ada[1], grace[1], ada[2], ada[3]]
    assert in_turn(waiting, ada[:1]) == [grace[0], ada[1], grace[1], ada[2], ada[3]]
    assert owners(in_turn([job("ada"), job("grace"), job("mary")], [job("ada"), job("ada")]))[-1] == "ada"


def test_who_lost_a_worker_has_had_the_turn_already() -> None:
    lost = job("ada", lost="attempt")
    assert in_turn([job("grace"), lost], [job("ada")])[0] is lost


@pytest.mark.parametrize("slots", [1, 2, 3])
def test_long_work_leaves_one_worker_of_several_for_short_work(slots: int) -> None:
    waiting: list[Job] = [job("ada", Long()) for _ in range(4)] + [job("grace")]
    working: list[Job] = []
    while first := first_to_start(waiting, working, slots):
        waiting.remove(first)
        working.append(first)
    assert len(working) == slots
    assert sum(each.work.is_long for each in working) == max(1, slots - 1)
