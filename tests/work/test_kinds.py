"""Work of every kind goes through one queue, in real worker processes: seen, joined, stopped, lost and recorded."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_jobs import PATIENCE, LoneJobs, until

from core.comparison.problem import problem_config
from core.data.banks import read_bank
from core.data.cuts import Cut
from core.data.extraction import Extracted, extract
from core.data.features import Features
from core.errors import LabError
from core.events import Progress
from core.paper.rows import find_row
from core.runs.snapshots import Standing
from core.runs.store import Store
from core.settings import PROJECT
from core.work import records
from core.work.here import do
from core.work.kinds.base import Work
from core.work.kinds.compare import Compare
from core.work.kinds.extract import Extract
from core.work.kinds.measure import Measure
from core.work.kinds.notebook import Notebook
from core.work.kinds.registry import read_work
from core.work.queue import Jobs
from core.work.records import WorkSnapshot, WorkStore
from core.work.rows import row_work
from tests.work.counting import Again, Count

ENDLESS = 1_000_000


@pytest.fixture(scope="module")
def lone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoneJobs]:
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("results")
        patch.setenv("LAB_RESULTS_DIR", str(folder))
        patch.setenv("LAB_CACHE_DIR", str(folder / "cache"))
        jobs = LoneJobs(Store(folder))
        yield jobs
        jobs.close()


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Records of the kinds of this file can be read too."""

    def read(values: dict[str, Any]) -> Work:
        return (Again if values["up_to"] == ENDLESS else Count)(**values) if "up_to" in values else read_work(values)

    monkeypatch.setattr(records, "read_work", read)


def standing(jobs: Jobs, work: Work) -> Standing:
    found = jobs.latest(work)
    assert found is not None
    return found


def ended(jobs: Jobs, work: Work) -> WorkSnapshot:
    until(lambda: standing(jobs, work).status not in ("queued", "running"))
    found = standing(jobs, work)
    assert isinstance(found, WorkSnapshot)
    return found


def under_way(jobs: Jobs, work: Work) -> None:
    until(lambda: standing(jobs, work).progress or standing(jobs, work).status not in ("queued", "running"))
    assert standing(jobs, work).status == "running", standing(jobs, work).message


def test_a_new_kind_is_queued_seen_recorded_and_may_talk_at_length(lone: LoneJobs) -> None:
    work = Count(up_to=50, noise=20_000)  # a megabyte: more than any pipe holds
    run_id = lone.submit(work, owner="ada")
    under_way(lone, work)
    (line,) = lone.queue()
    assert (line.run_id, line.owner, line.position, line.title, line.config) == (run_id, "ada", 0, "count to 50", None)
    found = ended(lone, work)
    assert (found.status, found.message, found.result, found.owner) == ("finished", "", {"total": 50}, "ada")
    assert found == WorkStore(lone.works.root).load(run_id)
    assert lone.recent(Count)[0] == found


def test_the_same_work_is_done_once_for_all_who_ask(lone: LoneJobs) -> None:
    work = Count(up_to=ENDLESS)
    first = lone.submit(work, owner="ada")
    assert lone.submit(Count(up_to=ENDLESS), owner="grace") == first
    other = lone.submit(Count(up_to=3), owner="grace")
    assert {(each.run_id, each.status) for each in lone.queue()} >= {(other, "queued")}
    under_way(lone, work)
    lone.stop(first)
    assert ended(lone, work).status == "stopped"
    assert ended(lone, Count(up_to=3)).result == {"total": 3}
    again = lone.submit(work)
    assert again != first
    lone.stop(again)
    assert ended(lone, work).status == "stopped"
    lone.stop(again)  # once more changes nothing


def test_a_lost_worker_is_tried_again_where_that_can_go_on_and_told_where_not(lone: LoneJobs) -> None:
    once, again = Count(up_to=ENDLESS), Again(up_to=ENDLESS)
    lone.submit(once)
    under_way(lone, once)
    lone.kill_worker()
    lost = ended(lone, once)
    assert lost.status == "interrupted"
    assert "worker process ended" in lost.message
    run_id = lone.submit(again)
    under_way(lone, again)
    lone.kill_worker()
    until(lambda: standing(lone, again).status == "queued")
    assert "goes on" in standing(lone, again).message
    until(lambda: standing(lone, again).status == "running")
    lone.stop(run_id)
    assert ended(lone, again).status == "stopped"


def test_the_notebook_computes_in_a_worker_what_it_computes_here(lone: LoneJobs) -> None:
    work = row_work(find_row("moons-classical-notebook"))
    assert work == Notebook(dataset="moons", network="classical")
    lone.submit(work)
    found = ended(lone, work)
    result = do(work, lambda event: None)
    assert found.result is not None
    assert found.result["accuracy"] == result.summary()["accuracy"] == 0.975
    assert found.result["loss"] == result.summary()["loss"]
    assert not (lone.store.root / "paper-notebook.json").exists(), "what a page asks for leaves the table alone"


def test_a_stopped_comparison_keeps_nothing(lone: LoneJobs) -> None:
    config = problem_config("moons").model_copy(update={"seeds": 2})
    work = Compare(config=config)
    run_id = lone.submit(work)
    under_way(lone, work)
    progress = standing(lone, work).progress
    assert progress is not None
    assert (progress.unit, progress.total) == ("%", 100)
    assert "quantum" in progress.what
    lone.stop(run_id)
    assert ended(lone, work).status == "stopped"
    assert list((lone.store.root / "comparisons").glob("20*")) == []


def test_features_that_a_killed_worker_began_are_those_made_in_one_go(
    lone: LoneJobs, data_dir: Path, tmp_path: Path
) -> None:
    """Extraction goes on where it was, at a layer that comes soon."""
    features = Features("ants_bees", Cut("resnet18_mlnet", "maxpool", "IMAGENET_MLNET"))
    how: dict[str, Any] = {"data_dir": data_dir, "batch_size": 8}
    work = Extract(features=features, **how)
    lone.submit(work)
    until(lambda: (progress := standing(lone, work).progress) and progress.done > 256)
    parts = list((lone.store.root / "cache" / "partial").glob("*/0.npy"))
    began = [part.stat().st_mtime_ns for part in parts]
    lone.kill_worker()
    until(lambda: standing(lone, work).status == "queued")
    until(lambda: standing(lone, work).status == "running")
    assert [part.stat().st_mtime_ns for part in parts] == began != []
    found = ended(lone, work)
    assert found.status == "finished", found.message
    assert found.result is not None
    made = read_bank(Path(found.result["bank"]))
    *_, whole = extract(features, **how, cache_dir=tmp_path)
    assert isinstance(whole, Extracted)
    assert made.names == whole.bank.names
    np.testing.assert_allclose(made.features, whole.bank.features, rtol=1e-4, atol=1e-5)


def test_what_cannot_be_done_says_why(lone: LoneJobs, tmp_path: Path) -> None:
    work = Extract(features=Features("ants_bees", Cut("resnet18", "layer3", "nobodys")), data_dir=tmp_path)
    lone.submit(work)
    found = ended(lone, work)
    assert found.status == "failed"
    assert found.message
    assert "\n" not in found.message


def test_how_long_work_takes_is_measured_in_a_worker(lone: LoneJobs) -> None:
    work = Measure(config=problem_config("ants_bees-layer3"))
    lone.submit(work)
    found = ended(lone, work)
    assert found.result is not None, found.message
    assert 0 < found.result["seconds"] < PATIENCE * 10


def test_a_record_without_its_process_reads_as_interrupted(tmp_path: Path) -> None:
    work = Notebook(dataset="moons")
    mine = WorkStore(tmp_path)
    snapshot = mine.create(work, owner="ada")
    mine.append(snapshot.run_id, Progress("the classical network", 10, 1000, "iterations"))
    other = WorkStore(tmp_path)
    assert other.load(snapshot.run_id).status == "running", "its process lives"
    mine.close()
    found = other.load(snapshot.run_id)
    assert (found.status, found.work, found.owner) == ("interrupted", work, "ada")
    assert found.progress is not None
    assert found.progress.done == 10
    assert "start it again" in found.message
    (tmp_path / snapshot.run_id / "work.json").write_text("{")
    with pytest.raises(LabError, match="cannot be read"):
        other.load(snapshot.run_id)
    assert other.load_all() == []
    with pytest.raises(LabError, match="There is no work"):
        other.load("../etc")


@pytest.mark.parametrize(
    "work",
    [Notebook(dataset="moons"), Compare(config=problem_config("moons")), Measure(config=problem_config("moons"))],
)
def test_a_description_is_read_back_as_it_was(work: Work) -> None:
    assert read_work(work.model_dump(mode="json")) == work


def test_no_page_starts_processes_or_threads_of_its_own_for_work() -> None:
    found = [
        path.name for path in (PROJECT / "pages").rglob("*.py") if "subprocess" in path.read_text(encoding="utf-8")
    ]
    assert found == []
