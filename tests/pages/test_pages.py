"""Pages without a browser: what they say, whom their buttons obey; and the experiment as controls, address, runs."""

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core.config.heads.base import Head
from core.config.heads.dressed_quantum import DressedQuantum
from core.config.heads.linear import Linear
from core.config.run import RunConfig
from core.data.banks import load_bank
from core.events import Epoch, Started
from core.experiment.address import VERSION
from core.experiment.configs import default_values, experiment
from core.experiment.controls import CONTROLS
from core.runs.snapshots import Snapshot
from core.runs.store import Store, Summary
from pages.ui import heads_table, standing
from pages.ui import results as results_part
from pages.ui.forecast import Forecast, past_runs
from pages.ui.laboratory import header, wording
from pages.ui.laboratory.view import View
from pages.ui.lines import Line
from pages.ui.queue import group_by_click, titles_of
from pages.ui.service import jobs

REPOSITORY = Path(__file__).resolve().parents[2]


def test_runs_of_one_click_stay_together(tmp_path: Path) -> None:
    store = Store(tmp_path)
    heads = (DressedQuantum(), Linear())
    ids = [store.create(RunConfig(head=head, epochs=epochs), {}) for epochs in (5, 6) for head in heads]
    store.close()
    records = [store.load(run_id) for run_id in ids]
    assert [{record.config.epochs for record in group} for group in group_by_click(records)] == [{6}, {5}]
    late = [records[0], type(records[1])(**vars(records[1]) | {"created": datetime.now(UTC) + timedelta(minutes=1)})]
    assert [len(group) for group in group_by_click(late)] == [1, 1]


def test_experiments_of_one_title_show_what_differs(tmp_path: Path) -> None:
    store = Store(tmp_path)
    settings: list[dict[str, Any]] = [{}, {"epochs": 5, "base_seed": 7}, {"learning_rate": 0.01}, {"seeds": 3}]
    ids = [store.create(RunConfig(head=Linear(), **each), {}) for each in settings]
    store.close()
    *alike, other = titles_of([[store.load(run_id)] for run_id in ids])
    assert other.endswith("· 3 seeds: linear")
    start = other.replace("3 seeds", "8 seeds")
    assert alike == [
        f"{start}, rate 4·10⁻⁴, epochs 30, base seed 0",
        f"{start}, rate 4·10⁻⁴, epochs 5, base seed 7",
        f"{start}, rate 1·10⁻², epochs 30, base seed 0",
    ]


# --- how an experiment stands ----------------------------------------------------------------------------------------


def after(n_epochs: int, head: Head, pace: float | None = None, **about: Any) -> Snapshot:
    """A run of 200 epochs that has done so many."""
    nothing = dict.fromkeys(
        ("train_loss", "train_accuracy", "validation_loss", "validation_accuracy", "learning_rate", "status"), ()
    )
    epochs = tuple(Epoch(epoch=number, seconds=0.1, **nothing) for number in range(1, n_epochs + 1))  # type: ignore[arg-type]
    about = {"status": "running", "owner": ""} | about
    return Snapshot(head.kind, config=RunConfig(head=head, epochs=200), epochs=epochs, pace=pace, **about)


def test_the_head_that_the_others_wait_for_is_the_one_that_counts() -> None:
    quantum, linear = after(28, DressedQuantum(), pace=1.0), after(200, Linear(), pace=0.01, status="finished")
    assert standing._reached([quantum, linear]) == "quantum at 28 of 200 epochs"
    assert standing._reached([after(28, Linear(), 0.1), after(28, DressedQuantum(), 0.2)]) == "28 of 200 epochs"
    assert standing._reached([after(90, DressedQuantum(), pace=1.0), after(40, Linear(), pace=0.01)]).startswith(
        "quantum"
    )


def test_a_shipped_run_says_with_how_many_seeds() -> None:
    wanted = experiment(default_values())
    shipped = replace(after(200, DressedQuantum(), status="finished"), config=RunConfig(seeds=20))
    for seeds, words in ((20, "laboratory: same settings. "), (8, "laboratory: same settings, 20 seeds. ")):
        same = replace(wanted, configs=tuple(each.model_copy(update={"seeds": seeds}) for each in wanted.configs))
        told = header._progress(View(("paper-a",), same, DressedQuantum(), shipped=True), [shipped])[1]
        assert words in told


def test_the_paper_s_protocol_is_watched_on_test_data() -> None:
    def drawn(protocol: str, waits: bool) -> str:
        return heads_table.table_html([Line(RunConfig(protocol=protocol), (24, 1038), (), waits)])

    ours, paper = drawn("ours", False), drawn("paper", True)
    assert "validation<br>accuracy" in ours
    assert ", waiting" not in ours
    assert "test<br>accuracy" in paper
    assert "4 qubits, depth 6, waiting" in paper


def test_the_bar_goes_by_expected_time(monkeypatch: pytest.MonkeyPatch) -> None:
    expected: dict[str, Forecast | None] = {"dressed_quantum": Forecast(9.0, True), "linear": Forecast(1.0, True)}
    monkeypatch.setattr(standing, "forecast", lambda config: expected[config.head.kind])
    runs = [after(50, DressedQuantum()), after(200, Linear(), status="finished")]
    assert standing.share_done(runs) == pytest.approx(0.9 * 0.25 + 0.1)
    expected["linear"] = None
    assert standing.share_done(runs) == pytest.approx((0.25 + 1) / 2)


def test_time_left_counts_heads_that_have_not_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standing, "forecast", lambda config: Forecast(40.0, False))
    assert standing.seconds_left([after(0, DressedQuantum())]) == pytest.approx(40.0)
    assert standing.seconds_left([after(100, DressedQuantum(), pace=0.5), after(0, Linear(), status="queued")]) == 50.0
    assert standing.seconds_left([after(100, Linear())]) == pytest.approx(10.0)  # no pace: another process trains it
    monkeypatch.setattr(standing, "forecast", lambda config: None)
    assert standing.seconds_left([after(100, DressedQuantum(), pace=0.5), after(0, Linear(), status="queued")]) is None


def test_a_finished_run_says_where_it_was_trained_unless_that_is_usual() -> None:
    def told(*devices: str) -> str:
        summary = Summary([0.4], [0.9], [7], 1.5)
        about: dict[str, Any] = dict.fromkeys(
            ("n_features", "n_train", "n_validation", "n_test", "steps_per_epoch", "epochs", "first_epoch"), 1
        )
        about |= {"seeds": [0], "classes": [], "quantum_parameters": 0, "classical_parameters": 1}
        runs = [
            after(200, Linear(), status="finished", finished=summary, started=Started(**about, device=device))
            for device in devices
        ]
        return header._progress(View(tuple(each.run_id for each in runs), None, DressedQuantum()), runs)[1]

    assert told("cpu", "cpu") == "finished, 3 s of training"
    assert told("cuda") == "finished, 2 s of training on cuda"
    assert told("cuda", "cpu, then cuda", "cuda") == "finished, 4 s of training on cpu, then cuda and on cuda"


def test_a_run_that_repeats_epochs_after_the_loss_of_its_worker_is_as_far_as_it_is() -> None:
    before = after(30, DressedQuantum())
    facts: dict[str, Any] = dict.fromkeys(("n_features", "n_train", "n_validation", "n_test"), 1)
    facts |= {"seeds": [0], "classes": [], "quantum_parameters": 0, "classical_parameters": 1, "device": "cpu"}
    resumed = before.after(Started(**facts, steps_per_epoch=10, epochs=200, first_epoch=13), now=100.0)
    assert standing._reached([resumed]) == "12 of 200 epochs"
    assert not standing._has_a_pace(resumed)
    for number in (13, 14, 15):
        resumed = resumed.after(replace(before.epochs[0], epoch=number), now=100.0 + 2 * (number - 12))
    assert standing._reached([resumed]) == "15 of 200 epochs"
    assert standing._has_a_pace(resumed)
    assert len(resumed.epochs) == 30
    assert standing.seconds_left([resumed]) == pytest.approx(185 * 2.0)


def test_what_happened_to_one_run_is_told_while_the_others_go_on() -> None:
    lost = after(3, DressedQuantum(), status="queued", message="Its worker process ended.")
    assert standing._message([after(3, Linear()), lost]) == "quantum: Its worker process ended."
    assert standing._message([lost, lost]) == "Its worker process ended."
    assert standing._message([after(3, Linear())]) == ""


# --- the page ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A results folder, for one worker."""
    folder = tmp_path_factory.mktemp("results")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAB_RESULTS_DIR", str(folder))
        patch.setenv("LAB_WORKERS", "1")
        patch.setattr("pages.ui.laboratory.live_switch.SECONDS_TO_WAIT_FOR", 0.0)  # nothing starts by itself
        patch.setattr(type(st.context), "cookies", property(lambda _: {}))  # without a browser there are none
        st.cache_resource.clear()
        st.cache_data.clear()
        yield folder


def visit(**address: str) -> AppTest:
    """Somebody opens the page in a browser of his own."""
    page = AppTest.from_file(str(REPOSITORY / "pages" / "navigation.py"), default_timeout=60)
    version = {VERSION: "2"} if address.keys() & CONTROLS.keys() else {}
    for name, value in (address | version).items():
        page.query_params[name] = value
    page.run()
    assert not page.exception
    return page


def wait_for(status: str, run_ids: list[str]) -> None:
    deadline = time.monotonic() + 120
    while any(jobs().snapshot(run_id).status != status for run_id in run_ids):
        assert time.monotonic() < deadline, [jobs().snapshot(run_id) for run_id in run_ids]
        time.sleep(0.05)


def test_the_page_opens_with_the_defaults(results: Path) -> None:
    page = visit()
    default = default_values()
    for name in CONTROLS:
        assert page.session_state[name] == default[name]
    assert not page.button(key="start").disabled
    assert page.button(key="pause").disabled
    assert not page.warning


def test_a_control_that_is_moved_is_in_the_address(results: Path) -> None:
    page = visit(n_qubits="5")
    assert page.slider(key="n_qubits").value == 5
    page.slider(key="q_depth").set_value(3).run()
    page.select_slider(key="epochs").set_value(40).run()
    assert {name: page.query_params[name] for name in page.query_params} == {
        "n_qubits": "5",
        "q_depth": "3",
        "epochs": "40",
        VERSION: "2",
    }
    page.button(key="defaults").click().run()
    assert not page.exception
    assert list(page.query_params) == []


def test_an_off_grid_number_joins_its_slider(results: Path) -> None:
    page = visit(epochs="7", learning_rate="0.00123")
    assert page.select_slider(key="epochs").value == 7
    assert page.select_slider(key="learning_rate").value == 0.00123
    assert page.query_params["epochs"] == "7"


def test_another_data_set_brings_its_own_features(results: Path) -> None:
    page = visit()
    page.selectbox(key="dataset").set_value("moons").run()
    assert not page.exception
    assert page.selectbox(key="features").value == RunConfig(dataset="moons").cut.key
    assert page.query_params["dataset"] == "moons"


def test_a_value_that_is_not_possible_is_one_sentence(results: Path) -> None:
    page = visit(n_qubits="99")
    said = "n_qubits = '99' is not possible: whole numbers from 2 to 12 are allowed"
    assert [unescape(each.value) for each in page.warning] == [said]
    assert page.slider(key="n_qubits").value == 4


def test_a_run_that_is_not_here_is_one_sentence(results: Path) -> None:
    for name in ("20200101-000000-linear-abcdef", "../../etc/passwd"):
        page = visit(run=name)
        assert len(page.warning) == 1
        assert name in unescape(page.warning[0].value)
        assert "run" not in page.query_params
        page.slider(key="q_depth").set_value(3).run()
        assert not page.warning


@pytest.mark.parametrize(
    ("name", "value"), [("LAB_WORKERS", "two"), ("LAB_DEVICE", "gpu"), ("LAB_CACHE_DIR", "~nobody-here/features")]
)
def test_a_setting_that_cannot_be_is_told_on_the_page(
    results: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    page = visit()
    (error,) = page.error
    assert unescape(error.value).startswith(f"{name} = '{value}' is not possible: ")
    assert not page.button


def test_the_forecast_learns_from_runs_on_the_same_device(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = pd.DataFrame({"run_id": ["20260101-000000-a", "20260101-000000-b", "20260101-000000-c", "paper-a"]})
    runs["status"] = "finished"
    runs["device"] = ["cpu", "cuda", "cpu, then cuda", "cpu"]
    monkeypatch.setattr("pages.ui.forecast.load_runs", lambda *roots: runs)
    for device, own in (("cpu", ["20260101-000000-a"]), ("cuda", ["20260101-000000-b"])):
        monkeypatch.setenv("LAB_DEVICE", device)
        past = past_runs.__wrapped__()
        assert past[True]["run_id"].tolist() == own
        assert past[False]["run_id"].tolist() == ["paper-a"]


def test_without_a_head_there_is_nothing_to_run(results: Path) -> None:
    page = visit()
    page.pills(key="heads").set_value([]).run()
    assert not page.exception
    assert page.button(key="start").disabled
    assert "nothing is chosen" in page.warning[0].value
    told = header._progress(View((), None, DressedQuantum()), [])[1]
    assert told == f"{wording.NO_RUN} {wording.NOT_POSSIBLE}"


def test_the_status_and_its_note_explain_what_a_person_may_wonder_about(
    results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def told(*runs: Snapshot, **about: Any) -> tuple[str, str]:
        view = View(tuple(run.run_id for run in runs), None, DressedQuantum(), **about)
        return header._progress(view, runs)[1], header._note(view, runs)

    running = after(3, DressedQuantum(), pace=1.0)
    assert told(running) == ("running: 3 of 200 epochs, 3 min left", "")
    assert told(running, differs=True)[1] == wording.DIFFERS_WHILE_RUNNING
    assert told(replace(running, owner="ada"))[1] == "Someone else started this run; only they can stop it."
    done = replace(running, status="stopped", message="")
    status, note = told(done, differs=True)
    assert status.startswith("stopped: 3 of 200 epochs")
    assert note == wording.DIFFERS
    assert "protocol = paper" in told(done, beyond="protocol = paper")[1]

    assert "left" not in told(after(2, DressedQuantum(), pace=0.2))[0]  # too early to tell
    assert "left" in told(after(1, DressedQuantum(), pace=20.0))[0]

    monkeypatch.setattr(type(jobs()), "wait_until_ready", lambda self, timeout=None: True)
    assert told(replace(running, status="queued", position=2))[0].startswith("waiting at place 2 in the queue")


def test_choosing_data_takes_the_papers_settings_where_nothing_was_touched(results: Path) -> None:
    page = visit(seeds="3")
    page.selectbox(key="dataset").set_value("spirals").run()
    assert not page.exception
    assert (page.slider(key="n_qubits").value, page.slider(key="seeds").value) == (5, 3)
    assert page.select_slider(key="learning_rate").value == 0.07
    assert dict(page.query_params) == {"dataset": "spirals", "seeds": "3", VERSION: "2"}
    page.selectbox(key="dataset").set_value("dogs_cats").run()
    assert (page.slider(key="q_depth").value, page.select_slider(key="epochs").value) == (5, 3)
    assert page.slider(key="seeds").value == 3


def test_run_starts_every_head_and_a_link_brings_back_run_and_settings(results: Path) -> None:
    page = visit(epochs="2", seeds="2", n_qubits="3", q_depth="2")
    page.button(key="start").click().run()
    assert not page.exception
    run_ids = page.query_params["run"].split(",")
    assert [jobs().snapshot(run_id).config.head.kind for run_id in run_ids] == [
        "dressed_quantum",
        "bottleneck",
        "linear",
    ]
    assert (
        jobs().snapshot(run_ids[0]).config
        == experiment(default_values() | {"epochs": 2, "seeds": 2, "n_qubits": 3, "q_depth": 2}).configs[0]
    )
    wait_for("finished", run_ids)

    linked = visit(run=",".join(run_ids))
    assert (linked.slider(key="n_qubits").value, linked.select_slider(key="epochs").value) == (3, 2)
    assert [each.value for each in linked.subheader] == ["On the test set"]
    linked.slider(key="n_qubits").set_value(4).run()
    assert linked.query_params["run"] == ",".join(run_ids)
    linked.button(key="reset").click().run()
    assert not linked.exception
    assert "run" not in linked.query_params
    assert not linked.subheader


def test_live_trains_what_changes_and_keeps_the_last_three(results: Path) -> None:
    page = visit(epochs="2", seeds="2", n_qubits="3", heads="quantum")
    page.slider(key="q_depth").set_value(2).run()
    assert "run" not in page.query_params
    page.toggle(key="live").set_value(True).run()
    assert "run" not in page.query_params  # nothing has changed
    before = set(jobs().store.run_ids())
    started = []
    for depth in (3, 4, 5, 6, 7, 8):
        page.slider(key="q_depth").set_value(depth).run()
        assert not page.exception
        started.append(page.query_params["run"])
        (head,) = [jobs().snapshot(started[-1]).config.head]
        assert isinstance(head, DressedQuantum)
        assert head.q_depth == depth
        wait_for("finished", [started[-1]])
        if depth == 3:
            page.button(key="keep").click().run()
    page.run()
    assert set(jobs().store.run_ids()) - before == {started[0], *started[-4:]}
    assert page.session_state["before"] == [(run_id,) for run_id in (started[0], *started[-4:-1])]


def test_live_leaves_alone_what_somebody_else_trained(results: Path) -> None:
    owner = visit(epochs="2", seeds="2", n_qubits="3", heads="linear")
    owner.button(key="start").click().run()
    run_id = owner.query_params["run"]
    wait_for("finished", [run_id])
    page = visit(run=run_id)
    page.toggle(key="live").set_value(True).run()
    for seeds in (3, 4, 5, 6, 7):
        page.slider(key="seeds").set_value(seeds).run()
        assert page.query_params["run"] != run_id
        wait_for("finished", [page.query_params["run"]])
    assert jobs().snapshot(run_id).status == "finished"


@pytest.mark.parametrize("epochs", ["1", "1000"])
def test_a_second_click_starts_nothing_twice(results: Path, epochs: str) -> None:
    """Neither at once, when runs as short as these may have ended, nor while long ones are in training."""
    page = visit(epochs=epochs, seeds="64", heads="quantum,linear", n_qubits="3")
    page.button(key="start").click().run()
    started, runs = page.query_params["run"], set(jobs().store.run_ids())
    if epochs == "1000":
        time.sleep(2.5)
    page.button(key="start").click().run()
    assert page.query_params["run"] == started
    assert set(jobs().store.run_ids()) == runs
    for run_id in started.split(","):
        jobs().stop(run_id)


def test_only_the_one_who_started_a_run_has_its_buttons(results: Path) -> None:
    mine = visit(epochs="1000", seeds="64", heads="quantum", n_qubits="8")
    mine.button(key="start").click().run()
    run_id = mine.query_params["run"]
    wait_for("running", [run_id])
    theirs = visit(run=run_id)
    assert theirs.button(key="pause").disabled
    assert theirs.button(key="stop").disabled
    assert not mine.run().button(key="pause").disabled

    mine.button(key="pause").click().run()
    wait_for("paused", [run_id])
    assert visit(run=run_id).button(key="pause").disabled
    assert mine.run().button(key="pause").label == "Resume"
    mine.button(key="pause").click().run()
    wait_for("running", [run_id])
    mine.run().button(key="stop").click().run()
    wait_for("stopped", [run_id])
    assert not mine.exception


def test_wrong_images_are_shown_where_the_images_are(data_dir: Path, tmp_path: Path) -> None:
    bank = load_bank(RunConfig().features)
    names = tuple(name for name, split in zip(bank.names, bank.split, strict=True) if split == "test")[:3]
    shown = results_part.thumbnails("ants_bees", names, data_dir)
    assert [image.shape for image in shown] == [(180, 180, 3)] * 3
    assert len({image.tobytes() for image in shown}) == 3
    assert results_part.thumbnails("ants_bees", names, tmp_path) == []
