"""What a terminal can do to a command: close its pipe, lack letters, name folders that take nothing."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from core.__main__ import main
from core.runs.store import Store

ROOT = Path(__file__).resolve().parents[2]


def core(arguments: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "core", *arguments.split()]
    return subprocess.run(command, cwd=ROOT, env=os.environ | environment, capture_output=True, timeout=300)


def into_closed_pipe(arguments: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """A command whose output nobody reads."""
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "core", *arguments.split()]
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"} | environment
    try:
        return subprocess.run(command, cwd=ROOT, env=buffered, stdout=writer, stderr=subprocess.PIPE, timeout=300)
    finally:
        os.close(writer)


@pytest.mark.parametrize("arguments", ["--help", "paper list", "train --dataset spirals --json"])
def test_a_closed_pipe_ends_a_command_quietly(arguments: str, tmp_path: Path) -> None:
    done = into_closed_pipe(arguments, LAB_RESULTS_DIR=str(tmp_path))
    assert done.returncode == 141, "what a shell gives for a program that SIGPIPE kills"
    assert done.stderr == b""
    assert [(run.status, run.message) for run in map(Store(tmp_path).load, Store(tmp_path).run_ids())] == (
        [("interrupted", "")] if arguments.startswith("train") else []
    )


@pytest.mark.parametrize(("encoding", "sign"), [("ascii", "?"), ("cp1252", "±")])
def test_letters_that_a_terminal_lacks_are_replaced(encoding: str, sign: str) -> None:
    done = core("paper list", PYTHONIOENCODING=encoding)
    assert done.returncode == 0, done.stderr.decode()
    assert f"; {sign} is" in done.stdout.decode(encoding)


def test_rows_of_the_paper_are_strict_json() -> None:
    done = core("paper list --json", PYTHONIOENCODING="ascii")
    assert done.returncode == 0, done.stderr.decode()
    rows = [json.loads(line, parse_constant=pytest.fail) for line in done.stdout.decode("ascii").splitlines()]
    once = [row["measured"]["accuracy"] for row in rows if row["protocol"] == "notebook" and row["measured"]]
    assert once
    assert all(accuracy["low"] is None and 0 < accuracy["estimate"] < 1 for accuracy in once)


@pytest.mark.parametrize("path", sorted((ROOT / "core" / "commands").glob("*.py")), ids=lambda path: path.stem)
def test_commands_print_json_in_one_way(path: Path) -> None:
    imported = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Import)]
    assert "json" not in {alias.name for node in imported for alias in node.names}


@pytest.mark.parametrize(
    ("arguments", "setting", "named"),
    [
        ("bench scaling --figure {below}/x.html", "", "--figure"),
        ("bench step --save", "LAB_RESULTS_DIR", "LAB_RESULTS_DIR"),
        ("compare --dataset spirals --seeds 2", "LAB_RESULTS_DIR", "LAB_RESULTS_DIR"),
        ("paper run square-hybrid-ours", "LAB_RESULTS_DIR", "LAB_RESULTS_DIR"),
        ("train --dataset spirals --epochs 1", "LAB_RESULTS_DIR", "LAB_RESULTS_DIR"),
        ("features --output {below}", "", "--output"),
        ("features --backbone resnet18 --layer avgpool --weights-name IMAGENET1K_V1", "LAB_CACHE_DIR", "LAB_CACHE_DIR"),
        (
            "features --backbone resnet18 --layer avgpool --weights-name IMAGENET1K_V1 --download",
            "TORCH_HOME",
            "resnet18-f37072fd.pth",
        ),
    ],
)
def test_a_folder_that_takes_nothing_is_found_before_the_work(
    arguments: str,
    setting: str,
    named: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "file").write_text("no folder")
    below = tmp_path / "file" / "below"
    for name in ("LAB_RESULTS_DIR", "LAB_CACHE_DIR", "LAB_DATA_DIR", "TORCH_HOME"):
        monkeypatch.setenv(name, str(below if name == setting else tmp_path / name))
    assert main(arguments.format(below=below).split()) == 2
    said = capsys.readouterr()
    assert len(said.err.splitlines()) == 1
    assert f"{below}" in said.err
    assert " cannot take " in said.err
    assert named in said.err
    assert said.out == ""


def test_a_figure_that_is_no_page_is_refused_before_the_work(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bench", "scaling", "--figure", str(tmp_path / "x.png")]) == 2
    assert "x.png is not possible: the figure is a page, name a file that ends in .html" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
