"""The frame around every page: the look, the menu, who is there, and the line that brings news (Streamlit's script)."""

from pathlib import Path

import streamlit as st

from core.errors import LabError
from core.settings import check_settings
from core.words import verbatim
from pages.ui.service import remember_person

HERE = Path(__file__).parent

st.set_page_config("Hybrid transfer learning", page_icon=str(HERE / "ui" / "icon.svg"), layout="wide")
st.html(HERE / "ui" / "page.css")
try:
    check_settings()
    refused = ""
except LabError as error:
    refused = f"{error}. Change it and restart the laboratory."
page = st.navigation(
    [
        st.Page("laboratory.py", title="Laboratory", icon=":material/science:", default=True),
        st.Page("paper.py", title="The paper", icon=":material/article:"),
        st.Page("compare.py", title="Compare", icon=":material/balance:"),
    ],
    position="hidden" if refused else "top",
)
if refused:
    st.error(verbatim(refused))
else:
    remember_person()
    st.session_state.changes_page = st.session_state.get("open_page", page.title) != page.title
    st.session_state.open_page = page.title
    page.run()
