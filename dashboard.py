"""The dashboard as a server: ``streamlit run dashboard.py``.

`pages/navigation.py` is what Streamlit runs for every visitor: the menu and the page that was chosen. Beside
Streamlit's own addresses the server has those of `pages.ui.routes`.
"""

import streamlit as st

from pages.ui.routes import ROUTES, warm_up

app = st.App("pages/navigation.py", routes=ROUTES, lifespan=warm_up)
