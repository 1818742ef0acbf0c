"""Settings come from the environment; one that cannot be is told in a sentence."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from core.errors import LabError
from core.settings import PROJECT, settings


def test_settings_are_read_at_every_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LAB_WORKERS", raising=False)
    monkeypatch.delenv("LAB_DEVICE", raising=False)
    assert (settings().workers, settings().device) == (2, "cpu")
    monkeypatch.setenv("LAB_WORKERS", "3")
    monkeypatch.setenv("LAB_DEVICE", "cuda:1")
    assert (settings().workers, settings().device) == (3, "cuda:1")
    monkeypatch.setenv("LAB_DEVICE", "")
    assert settings().device == "cpu", "an empty variable says nothing"


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("LAB_WORKERS", "two", "LAB_WORKERS = 'two' is not possible: whole numbers from 1 to 64 are allowed"),
        ("LAB_WORKERS", "0", "LAB_WORKERS = '0' is not possible: whole numbers from 1 to 64 are allowed"),
        ("LAB_DEVICE", "gpu", "LAB_DEVICE = 'gpu' is not possible: use cpu, or cuda for a GPU"),
        ("LAB_DEVICE", "cuda:x", "LAB_DEVICE = 'cuda:x' is not possible"),
        ("LAB_DEVICE", "cuda:300", "LAB_DEVICE = 'cuda:300' is not possible"),
    ],
)
def test_a_setting_that_cannot_be_is_told_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(LabError) as told:
        settings()
    assert str(told.value).startswith(words)
    assert str(told.value).endswith("; change or unset that environment variable")
    assert "\n" not in str(told.value)


def test_folders_are_absolute_and_their_home_is_expanded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("LAB_DATA_DIR", "~/data")
    monkeypatch.setenv("LAB_CACHE_DIR", "cache")
    monkeypatch.setenv("LAB_RESULTS_DIR", "../results")
    here = settings()
    assert here.data_dir == tmp_path / "home" / "data"
    assert here.cache_dir == tmp_path / "cache"
    assert here.results_dir.is_absolute()
    assert here.results_dir.resolve() == tmp_path.parent / "results"
    monkeypatch.delenv("LAB_DATA_DIR")
    assert settings().data_dir == tmp_path / "home" / ".cache" / "hybrid-transfer-lab" / "data"


WITHOUT_HOME = """
import os
os.environ.pop("HOME", None)
os.getuid = lambda: 987_654_321  # nobody that this machine knows, as in a container
from core.errors import LabError
from core.settings import settings
from core.data import banks
print(settings().results_dir)
try:
    settings().cache_dir
except LabError as error:
    print(error)
os.environ["LAB_DATA_DIR"] = "~/data"
try:
    settings()
except LabError as error:
    print(error)
"""


def test_a_user_without_a_home_is_told_what_to_set(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("LAB_", "HOME", "XDG_"))}
    told = subprocess.check_output([sys.executable, "-c", WITHOUT_HOME], cwd=PROJECT, env=environment, text=True)
    assert told.splitlines() == [
        str(PROJECT / "results"),
        "LAB_CACHE_DIR has no default, as this user has no home folder: set it to a folder",
        "LAB_DATA_DIR = '~/data' is not possible: there is no such home folder here, use a path without ~; "
        "change or unset that environment variable",
    ]
