"""The paper's examples: what it reports, what this laboratory measures, and a button that runs any row again."""

from pathlib import Path

import streamlit as st

from core.paper import citation
from pages.ui.paper import wording
from pages.ui.paper.choice import choose, protocols_explained
from pages.ui.paper.closed_form import closed_form
from pages.ui.paper.closely import closely
from pages.ui.paper.rerun import bars
from pages.ui.paper.row_standing import measured_here
from pages.ui.paper.table import rows_table, table_notes

st.html(Path(__file__).parent / "ui" / "paper" / "paper.css")
st.title(wording.TITLE)
st.markdown(wording.ABOUT)
lines = measured_here()
chosen = choose(lines)
with st.container():  # beyond whose ends the bars do not go
    rows_table(chosen.lines)
    bars({line.row.key: line for line in lines})
table_notes()
protocols_explained(chosen)
st.subheader(wording.CLOSED_FORM_TITLE)
closed_form(lines)
st.subheader(wording.CLOSELY_TITLE)
closely(lines)
with st.expander("Cite"):
    st.code(f"{citation.PAPER}\n\n{citation.laboratory()}", language="latex")
