"""What pages without a browser start in this process ends with the file of their tests."""

from collections.abc import Iterator
from typing import Any

import pytest
import streamlit as st

from core.work.queue import Jobs
from pages.ui import service


@pytest.fixture(scope="module", autouse=True)
def workers_end() -> Iterator[None]:
    """No workers of one file's pages go on beside the tests of the next file."""
    started: list[Jobs] = []

    def start(*given: Any) -> Jobs:
        started.append(Jobs(*given))
        return started[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(service, "Jobs", start)
        yield
    for jobs in started:
        jobs.close()
    st.cache_resource.clear()
    st.cache_data.clear()
