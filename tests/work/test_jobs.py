"""Runs as jobs, with real processes: killed workers, killed owners, strangers, and numbers that stay equal."""

import asyncio
import json
import os
import re
import signal
import socket
import ssl
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import dask
import numpy as np
import psutil
import pytest
import torch
from distributed import Security
from distributed.comm import connect

from core.config.run import run_config
from core.data.banks import load_bank, write_bank
from core.errors import LabError
from core.events import Epoch, Finished
from core.runs.store import Store
from core.settings import PROJECT
from core.training.loop import train
from core.work import attempt, job
from core.work.cluster import NICENESS
from core.work.queue import Jobs

PATIENCE = 120.0
"""Seconds after which something will not happen any more, on the slowest machine."""

RUN = run_config(
    {"head": {"kind": "dressed_quantum", "n_qubits": 6, "q_depth": 6}, "batch_size": 1, "seeds": 4, "epochs": 150}
)
"""A few seconds of many short epochs: enough to be interrupted in."""
LONG = run_config(
    {"head": {"kind": "dressed_quantum", "n_qubits": 8, "q_depth": 20}, "batch_size": 1, "seeds": 16, "epochs": 1000}
)
"""Does not end by itself while a test goes on, but its epochs do."""
ENDLESS = run_config(
    {
        "dataset": "dogs_cats",
        "head": {"kind": "dressed_quantum", "n_qubits": 12, "q_depth": 20},
        "batch_size": 1,
        "seeds": 64,
    }
)
"""Its first epoch has 8,000 steps of a tenth of a second, and does not end while a test goes on."""

Curves = list[dict[str, Any]]


def curves(epochs: list[Epoch] | tuple[Epoch, ...]) -> Curves:
    """Everything that epochs measured except how long they took."""
    return [{name: value for name, value in vars(epoch).items() if name != "seconds"} for epoch in epochs]


def until(happened: Callable[[], Any]) -> Any:
    """Wait for something that is true, and return it."""
    deadline = time.monotonic() + PATIENCE
    while not (value := happened()):
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.005)
    return value


def ended(jobs: Jobs, run_id: str) -> str:
    """Wait until a run is neither queued nor running; its status."""
    return until(lambda: (status := jobs.snapshot(run_id).status) not in ("queued", "running") and status)


def command_line(process: psutil.Process) -> str:
    """How a process was started; empty for one that has just ended."""
    try:
        return " ".join(process.cmdline())
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return ""


def family(owner: int, role: str) -> list[psutil.Process]:
    """Processes started by the process of that id whose command line names a role: "Scheduler" or "Nanny"."""
    return [each for each in psutil.Process(owner).children() if f"distributed.{role}" in command_line(each)]


def all_gone(processes: list[psutil.Process]) -> bool:
    """Wait until these processes have ended; False if some do not."""
    return psutil.wait_procs(processes, timeout=PATIENCE)[1] == []


@pytest.fixture(scope="module")
def reference() -> tuple[Curves, Finished]:
    """What RUN measures when it is trained here, without interruption, by nobody's help."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    *events, finished = train(RUN, load_bank(RUN.features))
    torch.set_num_threads(threads)
    assert isinstance(finished, Finished)
    return curves([event for event in events if isinstance(event, Epoch)]), finished


@pytest.fixture(scope="module")
def jobs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jobs]:
    """Two workers, as by default, both at work before the first test."""
    jobs = Jobs(Store(tmp_path_factory.mktemp("results")), workers=2)
    assert jobs.wait_until_ready(PATIENCE), jobs.problem
    runs = [jobs.submit(LONG) for _ in range(2)]
    until(lambda: {jobs.snapshot(run_id).status for run_id in runs} == {"running"})
    for run_id in runs:
        jobs.stop(run_id)
        ended(jobs, run_id)
    yield jobs
    jobs.close()


class LoneJobs(Jobs):
    """Jobs with one worker, whose processes are known to the tests."""

    def __init__(self, store: Store) -> None:
        self.others = psutil.Process().children()
        super().__init__(store, workers=1)
        assert self.wait_until_ready(PATIENCE), self.problem

    def processes(self) -> list[psutil.Process]:
        own = [each for each in psutil.Process().children() if each not in self.others]
        return own + [each for child in own for each in child.children(recursive=True)]

    def kill_scheduler(self) -> None:
        (scheduler,) = (each for each in self.processes() if "distributed.Scheduler" in command_line(each))
        scheduler.kill()

    def kill_worker(self) -> None:
        (worker,) = (each for each in self.processes() if "spawn_main" in command_line(each))
        worker.kill()


@pytest.fixture(scope="module")
def lone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoneJobs]:
    jobs = LoneJobs(Store(tmp_path_factory.mktemp("results")))
    yield jobs
    jobs.close()


def assert_whole(jobs: Jobs, run_id: str, reference: tuple[Curves, Finished]) -> None:
    """A finished run measured bit for bit what the reference did, on screen and on disk."""
    expected, finished = reference
    snapshot = jobs.snapshot(run_id)
    record = Store(jobs.store.root).load(run_id)
    assert (snapshot.status, snapshot.message) == ("finished", "")
    assert record.status == "finished"
    assert curves(snapshot.epochs) == curves(record.epochs) == expected
    assert snapshot.finished is not None
    assert snapshot.finished == record.finished
    assert snapshot.finished.test_accuracy == finished.test_accuracy
    assert snapshot.finished.best_epoch == finished.best_epoch
    for name, weight in finished.weights.items():
        np.testing.assert_array_equal(record.weights()[name], weight, strict=True)
    np.testing.assert_array_equal(record.predictions()["test_logits"], finished.test_logits)


def test_two_runs_at_once_measure_what_each_measures_alone(jobs: Jobs, reference: tuple[Curves, Finished]) -> None:
    first, second = jobs.submit(RUN, owner="ada"), jobs.submit(RUN, owner="grace")
    until(lambda: all(jobs.snapshot(run_id).epochs for run_id in (first, second)))
    assert {(each.run_id, each.owner, each.status, each.position) for each in jobs.queue()} == {
        (first, "ada", "running", 0),
        (second, "grace", "running", 0),
    }
    assert ended(jobs, first) == ended(jobs, second) == "finished"
    assert_whole(jobs, first, reference)
    assert_whole(jobs, second, reference)
    assert jobs.queue() == []


def test_the_first_step_is_seen_soon(jobs: Jobs) -> None:
    began = time.perf_counter()
    run_id = jobs.submit(ENDLESS)
    until(lambda: jobs.snapshot(run_id).step)
    seconds = time.perf_counter() - began
    until(lambda: jobs.snapshot(run_id).pace)
    assert not jobs.snapshot(run_id).epochs, "the pace is known long before the first epoch has ended"
    jobs.stop(run_id)
    assert ended(jobs, run_id) == "stopped"
    print(f"{seconds:.2f} s from submit to the first step")


def test_the_first_epoch_can_be_waited_for(jobs: Jobs) -> None:
    run_id, endless = jobs.submit(LONG), jobs.submit(ENDLESS)
    assert not jobs.wait_for_epoch([endless], timeout=0)
    assert jobs.wait_for_epoch([run_id], PATIENCE)
    assert jobs.snapshot(run_id).epochs
    for each in (run_id, endless):
        jobs.stop(each)
        ended(jobs, each)
    waiting = [jobs.submit(LONG) for _ in range(3)]
    jobs.stop(waiting[-1])  # before a worker was free for it
    assert jobs.wait_for_epoch(waiting[-1:], PATIENCE)
    assert not jobs.snapshot(waiting[-1]).epochs
    for run_id in waiting[:-1]:
        jobs.stop(run_id)
        ended(jobs, run_id)


def test_training_gives_way_to_the_page(jobs: Jobs) -> None:
    own = psutil.Process()
    (scheduler,) = family(own.pid, "Scheduler")
    nannies = family(own.pid, "Nanny")
    assert scheduler.nice() == own.nice()
    assert len(nannies) == 2
    for nanny in nannies:
        assert {each.nice() for each in (nanny, *nanny.children())} == {own.nice() + NICENESS}


def test_a_paused_run_goes_on_with_the_same_numbers(jobs: Jobs, reference: tuple[Curves, Finished]) -> None:
    run_id = jobs.submit(RUN)
    for enough in (3, 20):
        until(lambda: len(jobs.snapshot(run_id).epochs) >= enough)  # noqa: B023
        jobs.pause(run_id)
        assert ended(jobs, run_id) == "paused"
        paused = jobs.snapshot(run_id)
        assert enough <= len(paused.epochs) < RUN.epochs
        assert curves(Store(jobs.store.root).load(run_id).epochs) == curves(paused.epochs)
        jobs.submit(RUN, run_id=run_id)
        assert jobs.snapshot(run_id).status in ("queued", "running")
        assert len(jobs.snapshot(run_id).epochs) >= len(paused.epochs)
    assert ended(jobs, run_id) == "finished"
    assert_whole(jobs, run_id, reference)
    with pytest.raises(LabError, match="is finished"):
        jobs.resume(run_id)


def test_stop_ends_a_run_in_the_middle_of_an_epoch(jobs: Jobs) -> None:
    run_id = jobs.submit(ENDLESS)
    until(lambda: jobs.snapshot(run_id).step)
    began = time.perf_counter()
    jobs.stop(run_id)
    assert ended(jobs, run_id) == "stopped"
    print(f"{time.perf_counter() - began:.2f} s from stop to stopped")
    assert not jobs.snapshot(run_id).epochs
    jobs.stop(run_id)  # once more changes nothing
    assert jobs.snapshot(run_id).status == "stopped"


def test_the_queue_is_first_come_first_served(jobs: Jobs) -> None:
    runs = [jobs.submit(LONG, owner=f"person {number}") for number in range(5)]
    until(lambda: [each.status for each in jobs.queue()] == ["running"] * 2 + ["queued"] * 3)
    waiting = [(each.run_id, each.position) for each in jobs.queue() if each.position]
    assert waiting == [(runs[2], 1), (runs[3], 2), (runs[4], 3)]
    assert jobs.snapshot(runs[4]).position == 3

    jobs.pause(runs[3])
    assert jobs.snapshot(runs[3]).status == "paused"
    assert jobs.snapshot(runs[4]).position == 2
    jobs.stop(runs[0])
    until(lambda: jobs.snapshot(runs[2]).status == "running")
    until(lambda: jobs.snapshot(runs[4]).position == 1)
    jobs.resume(runs[3])
    assert jobs.snapshot(runs[3]).position == 2
    for run_id in runs:
        jobs.stop(run_id)
    assert {ended(jobs, run_id) for run_id in runs} == {"stopped"}


def test_an_error_in_training_fails_the_run_with_one_sentence(jobs: Jobs) -> None:
    run_id = jobs.submit(RUN)
    until(lambda: len(jobs.snapshot(run_id).epochs) >= 2)
    jobs.pause(run_id)
    assert ended(jobs, run_id) == "paused"
    np.savez(jobs.store.folder(run_id) / "checkpoint.npz", __epoch__=np.int64(2))
    jobs.resume(run_id)
    assert ended(jobs, run_id) == "failed"
    snapshot = jobs.snapshot(run_id)
    assert "error of the program (KeyError" in snapshot.message
    assert "\n" not in snapshot.message
    assert len(snapshot.epochs) >= 2


def test_a_run_whose_features_are_missing_is_not_begun(
    jobs: Jobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAB_CACHE_DIR", str(tmp_path))
    before = jobs.store.run_ids()
    with pytest.raises(LabError):
        jobs.submit(run_config({"backbone": "resnet18", "layer": "avgpool"}))
    assert jobs.store.run_ids() == before


def test_unknown_runs_are_told(jobs: Jobs) -> None:
    for request in (jobs.snapshot, jobs.pause, jobs.stop, jobs.resume):
        with pytest.raises(LabError, match="There is no run 2020-gone"):
            request("2020-gone")
        with pytest.raises(LabError, match="not possible"):
            request("../../etc")


def scheduler_of(owner: int) -> tuple[str, dict[str, Any]]:
    """Address of the scheduler below a process, and its settings for security, as any user can read them."""
    process = family(owner, "Scheduler")[0]
    options = json.loads(process.cmdline()[-1])["opts"]
    return json.loads(Path(options["scheduler_file"]).read_text())["address"], options["security"]


def test_only_this_user_can_use_the_cluster(jobs: Jobs) -> None:
    address, security = scheduler_of(os.getpid())
    assert address.startswith("tls://127.0.0.1:")

    async def knock(address: str, security: Security) -> None:
        comm = await connect(address, timeout=PATIENCE, **security.get_connection_args("client"))
        await comm.close()

    asyncio.run(knock(address, Security(**security)))
    with pytest.raises(OSError, match="TLS certificate does not match"):
        asyncio.run(knock(address, Security.temporary()))
    with pytest.raises(OSError, match="in <TCP"):
        asyncio.run(knock(address.replace("tls://", "tcp://"), Security()))
    nameless = ssl.create_default_context(cafile=security["tls_ca_file"])  # knows the server, has no key of its own
    nameless.check_hostname = False
    host, port = address.removeprefix("tls://").split(":")
    with socket.create_connection((host, int(port))) as plain, nameless.wrap_socket(plain) as secure:
        secure.settimeout(PATIENCE)
        with pytest.raises((ssl.SSLError, ConnectionError), match=r"certificate required|reset"):
            secure.recv(1)

    folder = Path(security["tls_client_key"]).parent
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(Path(security["tls_client_key"]).stat().st_mode) == 0o600
    everyone = psutil.Process().children(recursive=True)
    assert not any("PRIVATE KEY" in command_line(process) for process in everyone)
    listening = [
        connection.laddr.ip
        for process in everyone
        for connection in process.net_connections()
        if connection.status == psutil.CONN_LISTEN
    ]
    assert len(listening) >= 3
    assert set(listening) == {"127.0.0.1"}


def test_an_outside_scheduler_gets_the_features_as_data(
    jobs: Jobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cluster of `jobs` plays the outside one: its workers do not see the feature bank that is made here."""
    address, security = scheduler_of(os.getpid())
    monkeypatch.setenv("LAB_CACHE_DIR", str(tmp_path))
    config = run_config({"layer": "avgpool", "weights": "ELSEWHERE", "epochs": 3, "head": {"kind": "linear"}})
    bank = load_bank(run_config({}).features)
    write_bank(replace(bank, of=config.features), config.features.file(tmp_path))
    ours = {
        "distributed.comm.tls.ca-file": security["tls_ca_file"],
        "distributed.comm.tls.client.cert": security["tls_client_cert"],
        "distributed.comm.tls.client.key": security["tls_client_key"],
        "distributed.comm.require-encryption": True,
    }
    with dask.config.set(ours):
        outside = Jobs(Store(tmp_path / "results"), scheduler=address)
        assert outside.wait_until_ready(PATIENCE), outside.problem
        run_id = outside.submit(config)
        assert ended(outside, run_id) == "finished", outside.snapshot(run_id).message
        with pytest.raises(LabError):
            jobs.store.load(run_id)
        outside.close()
    assert jobs.wait_until_ready(0), "closing a guest leaves the cluster alone"


def test_no_scheduler_is_told_and_tried_again(tmp_path: Path) -> None:
    with socket.socket() as taken:  # bound, but nobody listens
        taken.bind(("127.0.0.1", 0))
        with dask.config.set({"distributed.comm.timeouts.connect": "1s"}):
            outside = Jobs(Store(tmp_path), scheduler=f"tcp://127.0.0.1:{taken.getsockname()[1]}")
            run_id = outside.submit(RUN)
            assert "no connection to the Dask scheduler" in until(lambda: outside.problem)
            assert outside.snapshot(run_id).status == "queued"
            outside.close()
    assert outside.store.load(run_id).status == "interrupted"


def test_threads_serve_where_there_are_no_processes(tmp_path: Path, reference: tuple[Curves, Finished]) -> None:
    threads = torch.get_num_threads()
    before = psutil.Process().children(recursive=True)
    jobs = Jobs(Store(tmp_path), workers=1, processes=False)
    run_id = jobs.submit(RUN)
    assert ended(jobs, run_id) == "finished"
    assert_whole(jobs, run_id, reference)
    assert psutil.Process().children(recursive=True) == before
    jobs.close()
    torch.set_num_threads(threads)


def test_a_run_fails_in_one_sentence_where_its_device_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_DEVICE", f"cuda:{torch.cuda.device_count()}")
    threads = torch.get_num_threads()
    jobs = Jobs(Store(tmp_path), workers=1, processes=False)
    run_id = jobs.submit(run_config({"head": {"kind": "linear"}, "epochs": 1}))
    assert ended(jobs, run_id) == "failed"
    message = jobs.snapshot(run_id).message
    assert re.fullmatch(r"device = cuda:\d is not possible: torch \S+ finds .*; set LAB_DEVICE=cpu .*", message), (
        message
    )
    monkeypatch.setenv("LAB_DEVICE", "cpu")
    jobs.resume(run_id)
    assert ended(jobs, run_id) == "finished"
    jobs.close()
    torch.set_num_threads(threads)


def test_a_run_survives_the_kill_of_its_worker(
    lone: LoneJobs, reference: tuple[Curves, Finished], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempt, "SECONDS_BETWEEN_CHECKPOINTS", 0.05)
    run_id = lone.submit(RUN)
    until(lambda: lone.store.load(run_id).checkpoint())
    lone.kill_worker()
    seen = lone.snapshot(run_id).epochs
    pace = lone.snapshot(run_id).pace
    assert pace is not None
    assert 0 < pace < 5
    until(lambda: lone.snapshot(run_id).status == "queued")
    assert "goes on after epoch" in lone.snapshot(run_id).message
    assert curves(lone.store.load(run_id).epochs[: len(seen)]) == curves(seen)
    assert len(lone.snapshot(run_id).epochs) >= len(seen)
    until(lambda: lone.snapshot(run_id).status != "queued")
    started = lone.snapshot(run_id).started
    assert started is not None
    assert started.first_epoch > 1
    assert ended(lone, run_id) == "finished"
    assert_whole(lone, run_id, reference)


def test_a_run_survives_the_kill_of_the_scheduler(lone: LoneJobs, reference: tuple[Curves, Finished]) -> None:
    run_id = lone.submit(RUN)
    until(lambda: lone.snapshot(run_id).epochs)
    lone.kill_scheduler()
    assert ended(lone, run_id) == "finished"
    assert_whole(lone, run_id, reference)


def test_a_record_that_cannot_be_written_ends_the_run_and_keeps_what_was_measured(jobs: Jobs) -> None:
    run_id = jobs.submit(RUN)
    until(lambda: len(jobs.snapshot(run_id).epochs) >= 2)
    folder = jobs.store.folder(run_id)
    folder.rename(folder.with_name(".gone"))
    assert ended(jobs, run_id) == "failed"
    assert "There is no run" in jobs.snapshot(run_id).message
    assert len(jobs.snapshot(run_id).epochs) >= 2
    assert jobs.queue() == []


def test_a_run_that_loses_its_workers_too_often_waits_for_a_person(
    lone: LoneJobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job, "ATTEMPTS", 1)
    run_id = lone.submit(LONG)
    until(lambda: lone.snapshot(run_id).status == "running")
    lone.kill_worker()
    assert ended(lone, run_id) == "interrupted"
    assert "worker process ended once" in lone.snapshot(run_id).message
    lone.resume(run_id)
    until(lambda: lone.snapshot(run_id).status == "running")
    lone.stop(run_id)
    assert ended(lone, run_id) == "stopped"


OWNER = """
import sys, time
from pathlib import Path
from core.work import attempt, queue
from core.work.queue import Jobs
from core.runs.store import Store
from tests.work.test_jobs import PATIENCE, RUN

attempt.SECONDS_BETWEEN_CHECKPOINTS = 0.05
queue.SECONDS_TO_HAND_OVER, queue.SECONDS_TO_EXIT = PATIENCE, 2 * PATIENCE
jobs = Jobs(Store(Path(sys.argv[1])), workers=1)
run_id = jobs.submit(RUN)
while not jobs.store.load(run_id).checkpoint():
    time.sleep(0.01)
try:
    print(run_id, flush=True)  # from here on the test may interrupt
    sys.stdin.read()
except KeyboardInterrupt:
    pass
"""
"""A dashboard's process: trains a run, and does nothing about it when it ends."""


@pytest.fixture
def owner(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    environment = os.environ | {"PYTHONPATH": str(PROJECT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-W", "error", "-c", OWNER, str(tmp_path / "results")]
    with subprocess.Popen(
        command,
        cwd=tmp_path,
        env=environment,
        start_new_session=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        yield process
        process.kill()


def test_a_killed_owner_leaves_no_process_and_a_run_to_resume(
    owner: subprocess.Popen[str], lone: LoneJobs, reference: tuple[Curves, Finished]
) -> None:
    assert owner.stdout is not None
    run_id = owner.stdout.readline().strip()
    mine = Store(Path(owner.args[-1]))
    assert mine.load(run_id).status == "running"
    with pytest.raises(LabError, match="by another process"):
        mine.set_status(run_id, "queued")
    folder = Path(scheduler_of(owner.pid)[1]["tls_client_key"]).parent
    everyone = psutil.Process(owner.pid).children(recursive=True)
    assert len(everyone) >= 3, "scheduler, nanny, worker"

    owner.kill()
    owner.wait()
    assert all_gone(everyone)
    until(lambda: not folder.exists())
    record = mine.load(run_id)
    assert record.status == "interrupted"
    expected = reference[0]
    assert 0 < len(record.epochs) < len(expected)
    assert curves(record.epochs) == expected[: len(record.epochs)]

    (lone.store.root / run_id).symlink_to(record.folder)
    assert lone.snapshot(run_id).status == "interrupted"
    lone.resume(run_id)
    assert ended(lone, run_id) == "finished"
    assert_whole(lone, run_id, reference)


def test_control_c_in_the_terminal_ends_all_in_good_order(owner: subprocess.Popen[str]) -> None:
    assert owner.stdout is not None
    run_id = owner.stdout.readline().strip()
    everyone = psutil.Process(owner.pid).children(recursive=True)
    os.killpg(owner.pid, signal.SIGINT)  # a terminal sends it to every process of the group
    _, complaints = owner.communicate(timeout=PATIENCE)
    slow = "Worker process still alive"  # what a nanny says of a machine that is busy
    assert (owner.returncode, [line for line in complaints.splitlines() if slow not in line]) == (0, [])
    assert all_gone(everyone)
    record = Store(Path(owner.args[-1])).load(run_id)
    assert record.status == "interrupted"
    assert "was closed" in record.message
    checkpoint = record.checkpoint()
    assert checkpoint is not None
    assert checkpoint.epoch == record.epochs[-1].epoch, "the worker handed over its last one"


def test_closing_ends_runs_and_processes(lone: LoneJobs) -> None:
    """The last test: it closes what the ones before it used."""
    everyone = lone.processes()
    run_id, waiting = lone.submit(LONG), lone.submit(LONG)
    until(lambda: lone.snapshot(run_id).status == "running")
    lone.close()
    lone.close()  # once more changes nothing
    assert all_gone(everyone)
    for each in (run_id, waiting):
        assert Store(lone.store.root).load(each).status == "interrupted"
        assert "was closed" in lone.snapshot(each).message
    with pytest.raises(LabError, match="is closing"):
        lone.submit(RUN)
