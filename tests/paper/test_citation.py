"""The BibTeX entries can be read and are of what runs."""

import re

from core.paper import citation
from core.settings import PROJECT


def test_the_entry_of_the_laboratory_is_of_the_version_that_runs() -> None:
    version = re.search(r'^version = "(.+)"$', (PROJECT / "pyproject.toml").read_text(), re.M)
    assert version is not None
    assert f"version = {{{version[1]}}}" in citation.laboratory()
    for entry in (citation.PAPER, citation.laboratory()):
        assert entry.count("{") == entry.count("}")
