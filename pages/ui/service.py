"""What all pages and all people on this server share, and who the person at this browser is."""

import gc
import hashlib
import secrets
import threading
from importlib import import_module
from typing import TYPE_CHECKING

import streamlit as st

from core.words import verbatim
from core.work.queue import Jobs

if TYPE_CHECKING:
    from pages.ui.channel import Channel

COOKIE = "hybrid_lab_person"

_remember = st.components.v2.component(
    "person",
    js="""
export default function ({ data }) {
  const known = document.cookie.split("; ").some(pair => pair.startsWith(data.name + "="))
  if (!known) document.cookie = `${data.name}=${data.token}; path=/; max-age=31536000; SameSite=Strict`
}
""",
)


@st.cache_resource(show_spinner=False)
def jobs() -> Jobs:
    """The runs of this server. With the first visit workers start, and imports that a first curve would wait for."""
    threading.Thread(target=load_for_good, args=("core.report.results",), name="import", daemon=True).start()
    return Jobs()


@st.cache_resource(show_spinner=False)
def channel() -> "Channel":
    """The line on which pages hear of this server's runs."""
    from pages.ui.channel import Channel  # which draws what it sends with parts of the page that need this module

    return Channel(jobs())


def load_for_good(*modules: str) -> None:
    """Import large libraries, and freeze what is in memory then out of the garbage collector's rounds.

    A round stops all threads, it takes long with such libraries, and Streamlit asks for one whenever a page is drawn.
    """
    for name in modules:
        import_module(name)
    gc.freeze()


def person() -> str:
    """A name for the person at this browser: the digest of a secret that lives in a cookie of the browser.

    It stays the same over reloads and restarts, is in no link, and cannot be guessed.
    """
    return hashlib.sha256(_secret().encode()).hexdigest()[:20]


def remember_person() -> None:
    """Give a new browser its secret to keep; once on every page."""
    _remember(key="person", data={"name": COOKIE, "token": _secret()}, height=1)


def _secret() -> str:
    known = st.context.cookies.get(COOKIE)
    if known:
        return known
    return str(st.session_state.setdefault("person_secret", secrets.token_urlsafe(24)))


def may_control(owner: str) -> bool:
    """Whether this browser's person may pause, resume and stop a run of that owner; one from a terminal has none."""
    return owner in ("", person())


def say(sentence: str) -> None:
    """Tell what went wrong with a click, until it is dismissed."""
    st.toast(verbatim(sentence), icon=":material/error:", duration="infinite")
