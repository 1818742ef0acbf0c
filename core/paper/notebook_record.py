"""What `core.paper.notebook` gave, as it is stored: one file for all networks. Needs no torch."""

import json
from pathlib import Path
from typing import Any

from core.errors import LabError
from core.files import json_text, replace_text, writing

NOTEBOOK_FILE = "paper-notebook.json"

NOTEBOOK_STEPS = 1_000
"""Steps of every network of the authors' notebook: `core.paper.notebook.ITERATIONS`, which loads torch."""
NOTEBOOK_MINUTES = 669
"""What the authors' notebook took for all four networks of example 1, as it printed itself."""

DECISION_GRID = tuple(round(-2.8 + step * 0.08, 2) for step in range(71))
"""Both coordinates at which a notebook network's decision is kept, standardised; rows of "decision" are the second."""


def notebook_results(root: Path) -> dict[str, Any]:
    """Row key → what `core.paper.notebook` gave: accuracy, loss, seconds, weights, decision; empty when not run."""
    path = root / NOTEBOOK_FILE
    if not path.is_file():
        return {}
    try:
        results: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return results
    except ValueError as error:
        raise LabError(f"{path} cannot be read ({error}): remove it and run `python -m core paper run --all`") from None


def keep_notebook_results(results: dict[str, Any], root: Path) -> None:
    """Store these results beside those of other rows, whole or not at all."""
    with writing(root, "the results", "LAB_RESULTS_DIR"):
        root.mkdir(parents=True, exist_ok=True)
        replace_text(root / NOTEBOOK_FILE, json_text(notebook_results(root) | results))
