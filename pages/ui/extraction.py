"""Features that are not on this machine: what getting them costs, a button that does it, and how far it is.

Extraction runs as a process of its own (`python -m core features`), so that no page waits for it or loads torch.
"""

import json
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

import streamlit as st

from core.data.banks import Listing
from core.data.features import Features
from core.data.registry import dataset
from core.errors import LabError
from core.settings import PROJECT, child_environment, settings


@dataclass
class Command:
    """A command of the laboratory in a process of its own that tells its progress, under way or ended."""

    arguments: tuple[str, ...]
    """What follows ``python -m core``; the command prints one JSON object for every step of progress."""
    at_first: str
    """What it does until it tells of progress."""
    owner: str = ""
    progress: dict[str, Any] = field(default_factory=dict)
    problem: str = ""
    """Its last words if it failed."""
    ended: bool = False
    stopped: bool = False
    """Whether a person ended it."""
    _began: float = field(default_factory=monotonic)
    _process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Follow the process in a thread, so that it goes on when nobody looks."""
        threading.Thread(target=self._follow, name=self.arguments[0], daemon=True).start()

    def stop(self) -> None:
        """End the process; what it has stored so far stays."""
        self.stopped = True
        if self._process is not None:
            self._process.terminate()

    def told(self) -> tuple[str, float]:
        """What it is doing, for a person, and the share of that which is done."""
        said = self.progress
        if not said.get("total"):
            return f"{said.get('what', self.at_first)} ({monotonic() - self._began:.0f} s)", 0.0
        scale, unit = (1e6, "MB") if said["unit"] == "bytes" else (1.0, said["unit"])
        text = f"{said['what']}: {said['done'] / scale:,.0f} of {said['total'] / scale:,.0f} {unit}"
        if said["per_second"]:
            text += f", {said['per_second'] / scale:,.1f} {unit}/s"
        if said["seconds_left"]:
            text += f", {said['seconds_left']:.0f} s left"
        return text, min(said["done"] / said["total"], 1.0)

    def _follow(self) -> None:
        command = [sys.executable, "-m", "core", *self.arguments]
        try:
            with (
                tempfile.TemporaryFile("w+", encoding="utf-8") as said,
                subprocess.Popen(
                    command, cwd=PROJECT, env=child_environment(), stdout=subprocess.PIPE, stderr=said, text=True
                ) as process,
            ):
                self._process = process
                if self.stopped:
                    process.terminate()
                assert process.stdout is not None
                for line in process.stdout:
                    told = json.loads(line)
                    self.progress = told if "what" in told else self.progress
                status = process.wait()
                said.seek(0)
                words = said.read().strip().splitlines()
            if status and not self.stopped:
                self.problem = words[-1] if words else f"The process ended with status {status}."
        except (OSError, ValueError) as error:
            self.problem = f"The process could not be followed ({error}): try again."
        finally:
            self.ended = True


@st.cache_resource(show_spinner=False)
def _extractions() -> dict[Features, Command]:
    """Features → the process that makes them, the same for everybody on this server."""
    return {}


def extraction_of(listing: Listing) -> Command | None:
    """The extraction of these features, under way or ended; None when nobody has asked for it."""
    return _extractions().get(listing.features)


def start_extraction(listing: Listing) -> None:
    """Make these features, with a person's consent to download what is missing; nothing while that is under way."""
    known = extraction_of(listing)
    if known is not None and not known.ended:
        return
    megabytes = listing.download_mb + unreadable_images_mb(listing.features.dataset)
    asked = (
        f"Asking the publishers for what is missing, up to {megabytes:.0f} MB" if megabytes else "Reading the network"
    )
    arguments = (*listing.features.arguments, "--json", "--download")
    extraction = _extractions()[listing.features] = Command(arguments, asked)
    extraction.start()


def extraction_offer(listing: Listing) -> str:
    """What the button says that consents to it."""
    megabytes = listing.download_mb + unreadable_images_mb(listing.features.dataset)
    return f"Extract features (downloads up to {megabytes:.0f} MB)" if megabytes else "Extract features"


def unreadable_images_mb(name: str) -> float:
    """What downloading the images anew takes, in 10^6 bytes, where they seem to be there but are not whole; else 0."""
    entry, data_dir = dataset(name), settings().data_dir
    if not entry.images_are_here(data_dir):
        return 0.0
    try:
        entry.images(data_dir)
    except LabError:
        return entry.download_mb
    return 0.0


def extraction_view(listing: Listing) -> None:
    """Offer to make these features; while they are made, how far that is."""
    extraction = extraction_of(listing)
    going = extraction is not None and not extraction.ended
    st.fragment(_draw, run_every=0.5 if going else None)(listing, going)


def _draw(listing: Listing, was_going: bool) -> None:
    extraction = extraction_of(listing)
    going = extraction is not None and not extraction.ended
    with st.container(border=True, key="extraction"):
        st.markdown(f"**{listing.title}** has not seen these images on this machine yet.")
        if extraction is not None and going:
            text, share = extraction.told()
            st.progress(share, text=text)
        else:
            if extraction is not None and extraction.problem:
                st.error(extraction.problem)
            st.button(
                extraction_offer(listing), key="extract", type="primary", on_click=start_extraction, args=(listing,)
            )
            st.caption("The network sees every image once; its features are kept, and training needs them alone.")
    if was_going != going:
        st.rerun()  # with a timer from now on, or without one
