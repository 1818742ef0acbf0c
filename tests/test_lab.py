"""The script that installs and starts, run in a copy of its own: its requirements are empty, so nothing is fetched.

What it starts with ``-m`` (streamlit, ruff, mypy, pytest) are one-line modules in that copy, found before any other.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PYTHON = str(Path(sys.base_prefix) / "bin" / f"python3.{sys.version_info.minor}")
"""The Python below this environment: a person starts with such a one."""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A folder with the script."""
    place = tmp_path / "lab"
    place.mkdir()
    shutil.copy(ROOT / "lab.py", place)
    for name in ("requirements.txt", "requirements-dev.txt"):
        (place / name).write_text("# nothing\n")
    for name in ("streamlit", "ruff", "mypy", "pytest"):
        (place / f"{name}.py").write_text(f"import sys\nprint('{name}', *sys.argv[1:], flush=True)\n")
    (place / "bin").mkdir()
    (place / "bin" / "chromium").write_text("#!/bin/sh\n")
    (place / "bin" / "chromium").chmod(0o755)
    return place


def lab(place: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PIP_NO_INDEX": "1", "PATH": f"{place / 'bin'}:{os.environ['PATH']}"}
    command = [PYTHON, "lab.py", *arguments]
    return subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True, timeout=300)


def test_the_first_start_installs_and_later_ones_do_not(copy: Path) -> None:
    first = lab(copy, "--server.port", "8600")
    assert first.returncode == 0, first.stderr
    assert "Making the virtual environment" in first.stdout
    assert first.stdout.splitlines()[-1] == "streamlit run dashboard.py --server.port 8600"
    second = lab(copy)
    assert second.stdout.splitlines() == ["streamlit run dashboard.py"]

    (copy / ".venv" / "bin" / "python").unlink()  # as when the system's Python went away
    (copy / ".venv" / "bin" / "python").symlink_to("/nowhere/python")
    third = lab(copy)
    assert "Repairing the virtual environment" in third.stdout
    assert third.stdout.splitlines()[-1] == "streamlit run dashboard.py"
    assert lab(copy).stdout.splitlines() == ["streamlit run dashboard.py"]


def test_an_environment_without_pip_is_repaired(copy: Path) -> None:
    subprocess.run([PYTHON, "-m", "venv", "--without-pip", ".venv"], cwd=copy, check=True)
    done = lab(copy)
    assert done.returncode == 0, done.stderr
    assert "Repairing the virtual environment" in done.stdout
    assert done.stdout.splitlines()[-1] == "streamlit run dashboard.py"
    subprocess.run([copy / ".venv" / "bin" / "python", "-c", "import pip"], check=True)


def test_every_check_runs_until_one_fails(copy: Path) -> None:
    done = lab(copy, "test", "-k", "word")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-4:] == ["ruff check .", "ruff format --check .", "mypy", "pytest -k word"]
    (copy / "mypy.py").write_text("import sys\nprint('mypy fails', flush=True)\nsys.exit(3)\n")
    failed = lab(copy, "test")
    assert failed.returncode == 3
    assert failed.stdout.splitlines()[-1] == "mypy fails"


def test_an_environment_that_cannot_be_made_costs_one_sentence(copy: Path) -> None:
    (copy / ".venv").symlink_to("/proc/nowhere/.venv")  # the superuser, too, cannot make that folder
    done = lab(copy)
    assert done.returncode == 1
    assert done.stdout == "Making the virtual environment in .venv\n"
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith(f"{copy} cannot take a .venv (")
