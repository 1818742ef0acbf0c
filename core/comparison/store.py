"""Stored comparisons: names, reading, writing.

Each is a folder ``results/comparisons/<name>/``:

    comparison.json   `core.comparison.record.Comparison`
    predictions.npz   labels (n_test,) and predicted (n_rivals, n_seeds, n_test): classes as uint8
"""

import os
import re
import secrets
import shutil
import zipfile
from pathlib import Path

import numpy as np
from pydantic import ValidationError

from core.comparison.problem import SHIPPED_COMPARISONS, Shipped, problem_name
from core.comparison.record import NAME, Comparison, Predictions
from core.config.run import config_sentence
from core.errors import LabError
from core.files import replace_arrays, replace_text, writing
from core.settings import PROJECT, settings

SHIPPED = PROJECT / "results" / "comparisons"


def own_folder() -> Path:
    """Where comparisons of this installation are kept."""
    return settings().results_dir / "comparisons"


def stored_names(root: Path | None = None) -> list[str]:
    """Names of all stored comparisons, those that ship first; with ``root``: of that folder alone."""
    folders = [root] if root else [SHIPPED, own_folder()]
    order = list(SHIPPED_COMPARISONS)
    names = {
        path.name
        for folder in folders
        if folder.is_dir()
        for path in folder.iterdir()
        if re.fullmatch(NAME, path.name) and (path / "comparison.json").is_file()
    }
    return sorted(names, key=lambda name: (order.index(name) if name in order else len(order), name))


def load_comparison(name: str, root: Path | None = None) -> Comparison:
    """A stored comparison; `LabError` when there is none of this name or it cannot be read."""
    folder = _folder(name, root)
    try:
        return Comparison.model_validate_json((folder / "comparison.json").read_bytes())
    except FileNotFoundError:
        raise LabError(f"comparison = {name!r} is not stored here: run `python -m core compare`") from None
    except ValidationError as error:
        raise LabError(f"{folder} cannot be read ({config_sentence(error)}): run this comparison again") from None
    except OSError as error:
        raise LabError(f"{folder} cannot be read ({error.strerror}): run this comparison again") from None


def load_predictions(name: str, root: Path | None = None) -> Predictions:
    """The predictions of a stored comparison; `LabError` when they cannot be read."""
    folder = _folder(name, root)
    try:
        with open(folder / "predictions.npz", "rb") as file, np.load(file, allow_pickle=False) as stored:
            return Predictions(stored["labels"], stored["predicted"])
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise LabError(f"{folder} has no readable predictions ({error}): run this comparison again") from None


def untuned_comparison(tuned: Comparison) -> Comparison | None:
    """The stored comparison of the same problem, seeds and features in which every head has the settings as given."""
    problem, there = problem_name(tuned.config), stored_names()
    for name in (Shipped(problem, "converged").name, Shipped(problem, "paper").name):
        if name in there:
            stored = load_comparison(name)
            same = (stored.config, stored.seeds, stored.bank_digest) == (tuned.config, tuned.seeds, tuned.bank_digest)
            if same and not stored.tuned:
                return stored
    return None


def save_comparison(comparison: Comparison, predictions: Predictions, root: Path | None = None) -> Path:
    """Store a comparison, whole or not at all; one of the same name is replaced. Returns its folder."""
    root = root or own_folder()
    folder, draft = root / comparison.name, root / f".{comparison.name}.{secrets.token_hex(4)}"
    arrays = {"labels": predictions.labels, "predicted": predictions.predicted}
    try:
        with writing(root, "the comparison"):
            draft.mkdir(parents=True)
            replace_text(draft / "comparison.json", comparison.model_dump_json(indent=1))
            replace_arrays(draft / "predictions.npz", arrays, compress=True)
            if folder.exists():
                shutil.rmtree(folder)
            os.replace(draft, folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return folder


def check_name(name: str) -> str:
    """The name of a comparison, if it can be one: names also come from addresses, and are folders."""
    if not re.fullmatch(NAME, name):
        raise LabError(f"name = {name[:100]!r} is not possible: use letters, digits, '.', '_' and '-' (up to 100)")
    return name


def _folder(name: str, root: Path | None) -> Path:
    check_name(name)
    folders = [root] if root else [SHIPPED, own_folder()]
    return next((folder / name for folder in folders if (folder / name).is_dir()), folders[-1] / name)
