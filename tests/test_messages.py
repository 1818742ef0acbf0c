"""Sentences for a person have one style: no full stop after a single one, one after each of several."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def written(node: ast.expr) -> str | None:
    """The text of a literal, "…" in place of what is put in; None for anything else."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(written(part) or "…" for part in node.values)
    return None


def messages(path: Path) -> list[tuple[int, str]]:
    """Line and text of all literal messages of `LabError` in a file."""
    calls = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
    texts = [
        (node.lineno, written(node.args[0]))
        for node in calls
        if isinstance(node.func, ast.Name) and node.func.id == "LabError" and node.args
    ]
    return [(line, text) for line, text in texts if text]


FILES = [path for folder in ("core", "pages") for path in sorted((ROOT / folder).rglob("*.py")) if messages(path)]


@pytest.mark.parametrize("path", FILES, ids=lambda path: ".".join(path.relative_to(ROOT).with_suffix("").parts))
def test_messages_end_as_sentences_do(path: Path) -> None:
    for line, text in messages(path):
        several = re.search(r"[.!?] [A-Z`]", text)
        ends = text.endswith((".", "!", "?"))
        assert ends == bool(several), f"{path.name}:{line}: {text}"
        assert "\n" not in text
        assert "  " not in text


def test_both_mistakes_would_be_found(tmp_path: Path) -> None:
    for text in ("one = 1 is not possible.", "There is none. Make one"):
        path = tmp_path / "wrong.py"
        path.write_text(f"raise LabError(f{text!r})", encoding="utf-8")
        with pytest.raises(AssertionError):
            test_messages_end_as_sentences_do(path)
