"""The arrows of the design: pages → pages/ui → core, and what stays light."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LIGHT = (
    "config.run",
    "events",
    "errors",
    "settings",
    "config.heads.registry",
    "runs.snapshots",
    "runs.store",
    "runs.frames",
    "runs.estimate",
    "statistics.verdict",
    "report.comparison",
    "report.results",
    "report.paper",
    "figures.runs",
    "figures.comparison",
    "data.banks",
    "recipes",
    "circuit.description",
    "config.ansatze.registry",
    "circuit.dressed",
    "circuit.closed_form",
    "circuit.qnode",
    "circuit.drawing",
    "comparison.store",
    "paper.examples",
    "paper.rows",
    "paper.table",
    "paper.titles",
    "paper.notebook_record",
    "work.queue",
)
ARROWS: dict[str, set[str]] = {
    "errors": set(),
    "files": {"errors"},
    "words": set(),
    "versions": set(),
    "events": {"files"},
    "validation": set(),
    "discovery": set(),
    "settings": {"errors", "validation"},
    "data": {"errors", "events", "settings"},
    "config": {"data", "discovery", "errors", "validation"},
    "recipes": {"config", "data"},
    "circuit": {"config", "errors"},
    "statistics": {"errors"},
    "training": {"circuit", "config", "data", "errors", "events", "settings"},
    "runs": {"config", "errors", "events", "settings"},
    "paper": {"circuit", "config", "data", "errors", "events", "recipes", "runs", "settings", "statistics", "training"},
    "comparison": {"config", "data", "errors", "events", "recipes", "settings", "statistics", "training"},
    "experiment": {"config", "data", "errors", "recipes", "validation"},
    "report": {"circuit", "comparison", "config", "data", "paper", "runs", "statistics"},
    "figures": {"comparison", "config", "events", "report", "statistics"},
    "work": {"comparison", "config", "data", "errors", "events", "paper", "runs", "settings", "training"},
}
"""Family of core → the families that it may look into, besides the ground. `bench` and `commands` may look into any."""
GROUND = {"errors", "words", "validation", "versions", "discovery", "files", "events"}


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


def test_reading_an_address_loads_no_library_of_figures_or_circuits() -> None:
    heavy = "{'torch', 'pennylane', 'plotly', 'matplotlib', 'streamlit'}"
    read = "from core.experiment.address import from_address; from_address({'dataset': 'moons', 'heads': 'mlp'})"
    code = f"import sys; {read}; sys.exit(' '.join({heavy} & sys.modules.keys()) or 0)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def family(path: Path) -> str:
    return path.relative_to(ROOT / "core").parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", below("core"), ids=lambda path: ".".join(path.relative_to(ROOT).with_suffix("").parts))
def test_families_of_core_look_only_where_they_may(path: Path) -> None:
    here = family(path)
    if here in ("bench", "commands", "__init__", "__main__"):
        return
    seen = {name.split(".")[1] for name in imported(path) if name.startswith("core.")}
    assert seen <= ARROWS[here] | {here} | (set() if here in GROUND else GROUND)


@pytest.mark.parametrize("folder", sorted({path.parent for path in below("core")}), ids=lambda path: path.name)
def test_every_family_has_a_map_that_names_its_files(folder: Path) -> None:
    text = ast.get_docstring(ast.parse((folder / "__init__.py").read_text(encoding="utf-8"))) or ""
    files = {path.stem for path in folder.glob("*.py")} - {"__init__", "__main__"}
    families = {path.name for path in folder.iterdir() if (path / "__init__.py").exists()}
    assert {name for name in files | families if f"`{name}`" not in text} == set()
