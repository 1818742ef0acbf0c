"""Which process works on a stored piece of work: a lock file in its folder, held for as long as that process lives."""

import os
import sys
import time
import weakref
from pathlib import Path

LOCK_FILE = "owner.lock"


class Ownership:
    """The folders that this object holds; what a process holds is free again when it ends, however it ends."""

    def __init__(self) -> None:
        self._held: dict[Path, int] = {}  # folder -> descriptor of its locked file
        weakref.finalize(self, _close_all, self._held)

    def take(self, folder: Path) -> bool:
        """Hold a folder; False if somebody else does."""
        if folder in self._held:
            return True
        descriptor = os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o600)
        # A reader that looks whether the folder is held has the lock for an instant; an owner has it for long.
        for _ in range(20):
            if _lock(descriptor):
                self._held[folder] = descriptor
                return True
            time.sleep(0.02)
        os.close(descriptor)
        return False

    def release(self, folder: Path) -> None:
        """Let go of a folder that is held."""
        os.close(self._held.pop(folder))

    def is_held(self, folder: Path) -> bool:
        """Whether anybody holds a folder."""
        if folder in self._held:
            return True
        try:
            with open(folder / LOCK_FILE, "rb") as file:
                return not _lock(file.fileno(), shared=True)
        except FileNotFoundError:
            return False

    def close(self) -> None:
        """Let go of all folders."""
        _close_all(self._held)


def _close_all(held: dict[Path, int]) -> None:
    while held:
        os.close(held.popitem()[1])


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int, shared: bool = False) -> bool:
        """Lock an open file until its descriptor is closed, if nobody else has; tell whether that went well."""
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _lock(descriptor: int, shared: bool = False) -> bool:
        """Lock an open file until its descriptor is closed, if nobody else has; tell whether that went well."""
        try:
            fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
