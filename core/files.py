"""Files that are whole or absent, lines that are only ever added, and JSON in which no number is NaN."""

import errno
import json
import math
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np

from core.errors import LabError

_DISK_FULL = {getattr(errno, name) for name in ("ENOSPC", "EDQUOT") if hasattr(errno, name)}
_PROBE = bytes(1 << 16)


def replace(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    """Replace a file by what ``write`` writes: readers see the old or the new one as a whole, also after a crash."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with open(draft, "xb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def replace_text(path: Path, text: str) -> None:
    """Replace a file by a text, in UTF-8."""
    replace(path, lambda file: file.write(text.encode()))


def replace_arrays(path: Path, arrays: Mapping[str, np.ndarray], compress: bool = False) -> None:
    """Replace an .npz file by these arrays; they must not hold Python objects (`ValueError`)."""
    save = np.savez_compressed if compress else np.savez
    replace(path, lambda file: save(file, allow_pickle=False, **arrays))


def append_line(path: Path, line: str) -> None:
    """Add a line to a file; a last line that a crash tore stays apart from it."""
    with open(path, "ab+") as file:
        if file.tell() and _last_byte(file) != b"\n":
            line = "\n" + line
        file.write(line.encode() + b"\n")


def _last_byte(file: IO[bytes]) -> bytes:
    file.seek(-1, os.SEEK_END)
    return file.read(1)


def json_text(values: Any, *, indent: int | None = None, ascii_only: bool = False) -> str:
    """Strict JSON: a number that is not finite is null, since JSON has no other word for it."""
    return json.dumps(without_nan(values), allow_nan=False, indent=indent, ensure_ascii=ascii_only)


def without_nan(value: Any) -> Any:
    """The same plain data with None in place of every number that is not finite."""
    match value:
        case float():
            return value if math.isfinite(value) else None
        case list() | tuple():
            return [without_nan(item) for item in value]
        case dict():
            return {key: without_nan(item) for key, item in value.items()}
    return value


def with_nan(value: Any) -> Any:
    """A list of numbers as `without_nan` found it, with NaN in place of None; anything else as it is."""
    return [math.nan if item is None else item for item in value] if isinstance(value, list) else value


@contextmanager
def writing(folder: Path, what: str, setting: str = "") -> Iterator[None]:
    """Turn a failure of the disk inside into one sentence.

    Args:
        folder: what is written into.
        what: what it should take, for example "the results".
        setting: the option or variable that names another folder, if there is one.

    Raises `LabError` for any `OSError`.
    """
    try:
        yield
    except OSError as error:
        advice = "free some space" if error.errno in _DISK_FULL else "check that it can be written"
        other = f", or name another folder with {setting}" if setting else ""
        raise LabError(f"{folder} cannot take {what} ({error.strerror or error}): {advice}{other}") from error


def check_folder(folder: Path, what: str, setting: str = "") -> None:
    """Make a folder and write into it for a moment, so that a full or locked one is found before the work.

    Raises `LabError` as `writing` does.
    """
    with writing(folder, what, setting):
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".probe.{secrets.token_hex(4)}"
        try:
            with open(probe, "xb") as file:
                file.write(_PROBE)
                file.flush()
                os.fsync(file.fileno())
        finally:
            probe.unlink(missing_ok=True)
