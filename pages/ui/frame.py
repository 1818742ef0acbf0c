"""The dashboard around a page, also when a link to that page is the first visit after the start."""

import streamlit as st
from streamlit.runtime.pages_manager import PagesManager


def within_dashboard() -> None:
    """Make sure that this page runs inside `dashboard.py`; called first on every page.

    Until `st.navigation` has run once in the process, Streamlit takes every file in pages/ for an app of its own: no
    menu, no charts library, a narrow page. It then only needs to be told, and to start again.
    """
    if PagesManager.uses_pages_directory:
        PagesManager.uses_pages_directory = False
        st.rerun()
