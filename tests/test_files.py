"""Files are whole or absent, lines stay apart, JSON is strict, a folder that takes nothing costs one sentence."""

import json
import math
import resource
from pathlib import Path

import numpy as np
import pytest

from core.errors import LabError
from core.files import (
    append_line,
    check_folder,
    json_text,
    replace,
    replace_arrays,
    replace_text,
    with_nan,
    without_nan,
    writing,
)


def test_a_file_is_replaced_as_a_whole_or_stays(tmp_path: Path) -> None:
    path = tmp_path / "file"
    replace_text(path, "± first")
    assert path.read_bytes() == "± first".encode()

    def write_half(file: object) -> None:
        file.write(b"sec")  # type: ignore[attr-defined]
        raise RuntimeError("the plug was pulled")

    with pytest.raises(RuntimeError):
        replace(path, write_half)
    assert path.read_bytes() == "± first".encode()
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("compress", [False, True])
def test_arrays_come_back_as_they_were(tmp_path: Path, compress: bool) -> None:
    arrays = {"a": np.arange(6, dtype=np.float16).reshape(2, 3), "b": np.array(["ant", "bee"])}
    replace_arrays(tmp_path / "arrays.npz", arrays, compress)
    with np.load(tmp_path / "arrays.npz", allow_pickle=False) as stored:
        assert set(stored.files) == {"a", "b"}
        for name, array in arrays.items():
            assert stored[name].dtype == array.dtype
            np.testing.assert_array_equal(stored[name], array)
    with pytest.raises(ValueError, match="allow_pickle"):
        replace_arrays(tmp_path / "objects.npz", {"a": np.array([{}])}, compress)
    assert not (tmp_path / "objects.npz").exists()


def test_a_torn_line_stays_apart_from_the_next(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    append_line(path, "one")
    append_line(path, "two")
    with path.open("ab") as file:
        file.write(b"tor")
    append_line(path, "three")
    assert path.read_text(encoding="utf-8") == "one\ntwo\ntor\nthree\n"


def test_json_is_strict_and_knows_nan_as_null() -> None:
    values = {"loss": [0.5, math.nan], "deep": [{"x": (math.inf, -math.inf, 1)}], "name": "±", "none": None}
    text = json_text(values)
    assert json.loads(text, parse_constant=pytest.fail) == {
        "loss": [0.5, None],
        "deep": [{"x": [None, None, 1]}],
        "name": "±",
        "none": None,
    }
    assert json_text(values, ascii_only=True).isascii()
    assert "±" in text
    back = with_nan(without_nan([0.5, math.nan]))
    assert back[0] == 0.5
    assert math.isnan(back[1])
    assert with_nan("ok") == "ok"


def test_a_folder_below_a_file_is_found_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LabError) as told:
        check_folder(tmp_path / "file" / "below", "the results", "LAB_RESULTS_DIR")
    assert str(told.value) == (
        f"{tmp_path / 'file' / 'below'} cannot take the results (Not a directory): check that it can be written, "
        "or name another folder with LAB_RESULTS_DIR"
    )


def test_a_folder_that_is_full_is_found_before_the_work(tmp_path: Path) -> None:
    check_folder(tmp_path / "new" / "folder", "the results")
    assert list((tmp_path / "new" / "folder").iterdir()) == [], "nothing is left of the try"
    # A limit on the size of files fails inside write() as a full disk does, and needs no disk of its own.
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 10, before[1]))
    try:
        with pytest.raises(LabError, match=r"cannot take the results \(File too large\)"):
            check_folder(tmp_path, "the results")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert [each.name for each in tmp_path.iterdir()] == ["new"]


def test_a_full_disk_is_told_as_one() -> None:
    with pytest.raises(LabError, match="free some space"), writing(Path("folder"), "the results"):
        raise OSError(28, "No space left on device")
