"""How commands print: strict JSON, and one line of progress."""

import sys
import time
from typing import Any, TextIO

from core.files import json_text


def print_json(values: Any, indent: int | None = None) -> None:
    """Print one JSON object in letters that every output can take; a number that is not finite is null."""
    print(json_text(values, indent=indent, ascii_only=True), flush=True)


class ProgressLine:
    """One line that is rewritten on a screen; elsewhere a line now and then.

    Args:
        stream: where it is written, by default the standard output.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        self._on_screen = self._stream.isatty()
        self._shown = -float("inf")

    def show(self, text: str, milestone: bool = False) -> None:
        """Show how far it is; what comes too soon after the last is passed over, unless it is a milestone."""
        now = time.monotonic()
        if milestone or now - self._shown >= (0.1 if self._on_screen else 5):
            self._shown = now
            self._write(text, "" if self._on_screen else "\n")

    def end(self, text: str) -> None:
        """Show the last text, which stays."""
        self._write(text, "\n")

    def _write(self, text: str, end: str) -> None:
        print(f"\r\033[K{text}" if self._on_screen else text, end=end, file=self._stream, flush=True)
