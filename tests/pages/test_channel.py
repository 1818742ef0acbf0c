"""The line on which a dashboard tells its pages news: what has not been drawn, from any process, to nobody else."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from live_page import REPOSITORY, Laboratory
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

PATIENCE = 60
"""Seconds in which something is told, on the slowest machine."""


@pytest.fixture(scope="module")
def laboratory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laboratory]:
    """A dashboard that nobody has opened: the line works without a page."""
    running = Laboratory(tmp_path_factory.mktemp("results"))
    with line(running) as socket:
        ask(socket, [], [])
        while not told(socket)["page"].startswith("ready"):  # from now on nothing changes by itself
            continue
    yield running
    running.close()


def line(laboratory: Laboratory, **about: Any) -> ClientConnection:
    return connect(f"{laboratory.url.replace('http', 'ws')}/live", **about)


def ask(socket: ClientConnection, runs: list[str], drawn: list[int]) -> None:
    socket.send(json.dumps({"runs": runs, "drawn": drawn}))


def told(socket: ClientConnection) -> dict[str, Any]:
    return json.loads(socket.recv(PATIENCE))


def training(laboratory: Laboratory, epochs: int) -> "subprocess.Popen[str]":
    """A run of some other process, on the same results."""
    command = [sys.executable, "-m", "core", "train", "--json", "--dataset", "moons", "--head", "linear"]
    command += ["--seeds", "3", "--epochs", str(epochs)]
    environment = os.environ | {"LAB_RESULTS_DIR": str(laboratory.results)}
    return subprocess.Popen(command, cwd=REPOSITORY, env=environment, stdout=subprocess.PIPE, text=True)


def started(process: "subprocess.Popen[str]") -> str:
    """The id of the run that a process has started."""
    assert process.stdout is not None
    return str(json.loads(process.stdout.readline())["run_id"])


def test_a_page_is_told_what_it_has_not_drawn(laboratory: Laboratory) -> None:
    with training(laboratory, 5) as process:
        run_id = started(process)
        process.communicate()
    lines = (laboratory.results / run_id / "epochs.jsonl").read_text().splitlines()
    losses = [json.loads(each)["validation_loss"] for each in lines]
    with line(laboratory) as socket:
        ask(socket, [run_id], [2])
        news = told(socket)
        assert news["runs"] == [run_id]
        assert news["page"].endswith("finished")
        assert "finished" in news["status"]
        (points,) = news["heads"]
        assert (points["at"], points["epochs"]) == (2, [3, 4, 5])
        for series, share in (("low", 0.1), ("median", 0.5), ("high", 0.9)):
            expected = np.quantile(losses[2:], share, axis=1)
            np.testing.assert_allclose(points["loss"][series], expected, rtol=1e-6)

        ask(socket, [run_id], [5])
        with pytest.raises(TimeoutError):  # there is nothing new, so nothing is said
            socket.recv(1)


def test_a_run_of_another_process_is_followed_to_its_end(laboratory: Laboratory) -> None:
    with training(laboratory, 40) as process, line(laboratory) as first, line(laboratory) as second:
        run_id = started(process)
        for socket in (first, second):
            ask(socket, [run_id], [0])
        for socket in (first, second):
            epochs: list[int] = []
            page = ""
            while not page.endswith("finished"):
                news = told(socket)
                page = news.get("page", page)
                for points in news.get("heads", []):
                    assert points["at"] == len(epochs)
                    epochs += points["epochs"]
            assert epochs == list(range(1, 41))
        process.communicate()


@pytest.mark.parametrize(
    "nonsense",
    [
        "",
        "no json",
        "[]",
        '{"runs": "a", "drawn": [0]}',
        '{"runs": ["a"], "drawn": []}',
        '{"runs": ["a"], "drawn": [-1]}',
        '{"runs": ["a"], "drawn": [true]}',
        '{"runs": [["a"]], "drawn": [0]}',
        json.dumps({"runs": ["a"] * 21, "drawn": [0] * 21}),
    ],
)
def test_nonsense_ends_the_line_and_no_other(laboratory: Laboratory, nonsense: str) -> None:
    with line(laboratory) as other:
        with line(laboratory) as socket:
            socket.send(nonsense)
            with pytest.raises(ConnectionClosed):
                socket.recv(PATIENCE)
        ask(other, [], [])
        assert "page" in told(other)


@pytest.mark.parametrize("run_id", ["20200101-000000-linear-abcdef", "../../etc/passwd", "a" * 1000])
def test_of_a_run_that_is_not_here_nothing_is_said(laboratory: Laboratory, run_id: str) -> None:
    with line(laboratory) as socket:
        ask(socket, [run_id], [0])
        with pytest.raises(TimeoutError):
            socket.recv(1)
        ask(socket, [], [])
        assert "page" in told(socket)


def test_a_page_of_another_site_hears_nothing(laboratory: Laboratory) -> None:
    with pytest.raises(InvalidStatus), line(laboratory, origin="http://elsewhere.example"):
        pass
    with line(laboratory, origin=laboratory.url) as socket:
        ask(socket, [], [])
        assert "page" in told(socket)
