"""What the documents name is there: files, modules, settings, and one version in all of them."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

from core.settings import PREFIX, Settings

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = (
    "README.md",
    "DESIGN.md",
    "CONTRIBUTING.md",
    "NOTICE",
    "core/data/shipped/README.md",
    "core/data/shipped/weights/README.md",
    "core/paper/released/README.md",
)
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_the_citation_is_of_this_version() -> None:
    citation = yaml.safe_load(text_of("CITATION.cff"))
    assert citation["version"] == PROJECT["version"]
    assert citation["license"] == PROJECT["license"]
    assert f"## {citation['version']} ({citation['date-released']})" in text_of("CHANGELOG.md")
    (paper,) = citation["references"]
    assert [each["value"] for each in paper["identifiers"]] == ["arXiv:1912.08278"]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_files_that_a_document_names_are_there(name: str) -> None:
    named = set(re.findall(r"\b(?:core|pages|tests|results|docs)/[\w./-]*[\w/]", text_of(name)))
    assert {path for path in named if not (ROOT / path).exists()} == set()


@pytest.mark.parametrize("name", DOCUMENTS)
def test_modules_that_a_document_names_are_there(name: str) -> None:
    for dotted in set(re.findall(r"`(core(?:\.\w+)+)", text_of(name))):
        parts = dotted.split(".")
        places = [ROOT.joinpath(*parts[:length]) for length in (len(parts), len(parts) - 1)]
        assert any(place.is_dir() or place.with_suffix(".py").is_file() for place in places), dotted


def test_every_setting_is_in_the_readme() -> None:
    fields = Settings.model_fields.items()
    variables = {str(field.validation_alias or f"{PREFIX}{name.upper()}") for name, field in fields}
    assert set(re.findall(rf"^\| `({PREFIX}\w+)`", text_of("README.md"), re.MULTILINE)) == variables
