"""Settings come from the environment; one that cannot be is told in a sentence."""

import pytest

from core.errors import LabError
from core.settings import settings


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
    assert str(told.value).endswith("; change or unset that environment variable.")
    assert "\n" not in str(told.value)
