"""A new kind of work is one file: written beside the others, it is found, done, recorded and read back."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.errors import LabError
from core.work import kinds
from core.work.here import do
from core.work.kinds.base import Work
from core.work.kinds.registry import WORK_KINDS, find_work_kinds
from core.work.records import WorkStore

SUM = """
from dataclasses import dataclass
from typing import Literal

from core.events import Progress, Result
from core.work.kinds.base import Work

@dataclass(frozen=True)
class Summed(Result):
    total: int

    def summary(self):
        return {"total": self.total}

class Sum(Work):
    kind: Literal["sum"] = "sum"
    up_to: int
    title = property(lambda self: f"sum to {self.up_to}")

    def events(self, material=None, checkpoint=None):
        yield Progress("Summing", self.up_to, self.up_to, "numbers")
        yield Summed(sum(range(self.up_to + 1)))

    def keep(self, result):
        pass
"""


@pytest.fixture
def sum_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Work]]:
    """A kind of work that one more file of the folder defines."""
    folder = tmp_path / "kinds"
    folder.mkdir()
    (folder / "sum.py").write_text(SUM)
    monkeypatch.setattr(kinds, "__path__", [*kinds.__path__, str(folder)])
    assert "sum" not in WORK_KINDS
    monkeypatch.setitem(WORK_KINDS, "sum", find_work_kinds()["sum"])
    yield WORK_KINDS["sum"]
    del sys.modules["core.work.kinds.sum"]


def test_a_new_kind_is_done_recorded_and_read_back(sum_to: type[Work], tmp_path: Path) -> None:
    work = sum_to.model_validate({"up_to": 100})
    store = WorkStore(tmp_path / "work")
    run_id = store.create(work, owner="ada").run_id
    do(work, lambda event: store.append(run_id, event))
    store.close()
    record = WorkStore(tmp_path / "work").load(run_id)
    assert (record.work, record.work.title) == (work, "sum to 100")
    assert (record.status, record.result) == ("finished", {"total": 100 * 101 // 2})


def test_a_record_of_a_kind_without_a_file_cannot_be_read(tmp_path: Path) -> None:
    store = WorkStore(tmp_path)
    run_id = store.create(WORK_KINDS["notebook"].model_validate({"dataset": "moons"}), owner="ada").run_id
    store.close()
    file = tmp_path / run_id / "work.json"
    file.write_text(file.read_text().replace('"notebook"', '"sum"'))
    with pytest.raises(LabError, match="cannot be read"):
        WorkStore(tmp_path).load(run_id)


def test_every_kind_of_work_is_one_file_in_the_folder() -> None:
    files = {path.stem for path in Path(kinds.__path__[0]).glob("*.py")} - {"__init__", "base", "registry"}
    assert {each.__module__.rpartition(".")[2] for each in WORK_KINDS.values()} == files
    assert len(WORK_KINDS) == len(files)
