"""The arrows of the design: pages → pages/ui → core, and what stays light."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LIGHT = (
    "config",
    "events",
    "errors",
    "settings",
    "shapes",
    "snapshots",
    "store",
    "statistics",
    "figures",
    "features",
    "circuits",
)
ORDER = ("config", "circuits", "simulator", "heads", "training", "jobs")


def imported(path: Path) -> set[str]:
    """Names of all modules that a file imports anywhere."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names |= {str(node.module)} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def below(folder: str) -> list[Path]:
    found = sorted((ROOT / folder).rglob("*.py"))
    assert found
    return found


@pytest.mark.parametrize("path", below("core"), ids=lambda path: path.stem)
def test_core_knows_no_screen(path: Path) -> None:
    assert not {name for name in imported(path) if name.split(".")[0] in ("streamlit", "pages", "dashboard")}


@pytest.mark.parametrize("path", below("pages/ui"), ids=lambda path: path.stem)
def test_shared_page_parts_know_no_page(path: Path) -> None:
    pages = {name for name in imported(path) if name.startswith("pages.") and not name.startswith("pages.ui")}
    assert not pages | (imported(path) & {"dashboard"})


@pytest.mark.parametrize("path", [*below("pages"), ROOT / "dashboard.py"], ids=lambda path: path.stem)
def test_pages_hold_no_training_mathematics(path: Path) -> None:
    assert not {name for name in imported(path) if name.split(".")[0] in ("torch", "torchvision", "pennylane")}


@pytest.mark.parametrize("module", LIGHT)
def test_light_modules_load_neither_torch_nor_pennylane(module: str) -> None:
    code = f"import sys, core.{module}; sys.exit(' '.join({{'torch', 'pennylane'}} & sys.modules.keys()) or 0)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_core_imports_point_one_way() -> None:
    for place, module in enumerate(ORDER):
        later = {f"core.{name}" for name in ORDER[place + 1 :]}
        assert not imported(ROOT / "core" / f"{module}.py") & later, module
