"""Features that are not on this machine: what getting them costs, a button that does it, and how far it is.

Extraction runs as a process of its own (`python -m core features`), so that no page waits for it or loads torch.
"""

import json
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from core.datasets import images
from core.downloads import DOWNLOAD_MB
from core.errors import LabError
from core.features import Listing
from core.settings import PROJECT, settings


@dataclass
class Extraction:
    """One extraction under way or ended, the same for everybody on this server."""

    names: tuple[str, str, str, str]
    progress: dict[str, Any] = field(default_factory=dict)
    problem: str = ""
    ended: bool = False

    def follow(self) -> None:
        """Run the command to its end and keep what it last said."""
        dataset, backbone, layer, weights = self.names
        command = [sys.executable, "-m", "core", "features", "--json", "--download", "--dataset", dataset]
        command += ["--backbone", backbone, "--layer", layer, "--weights-name", weights]
        with subprocess.Popen(
            command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            for line in process.stdout:
                self.progress = json.loads(line)
            said = process.stderr.read().strip().splitlines()
        if process.returncode:
            self.problem = said[-1] if said else f"The extraction ended with status {process.returncode}."
        self.ended = True


@st.cache_resource(show_spinner=False)
def _extractions() -> dict[tuple[str, str, str, str], Extraction]:
    return {}


def _names(listing: Listing) -> tuple[str, str, str, str]:
    return (listing.dataset, listing.backbone, listing.layer, listing.weights)


def extraction_view(listing: Listing) -> None:
    """Offer to make these features; while they are made, how far that is."""
    extraction = _extractions().get(_names(listing))
    going = extraction is not None and not extraction.ended
    st.fragment(_draw, run_every=0.5 if going else None)(listing, going)


def _draw(listing: Listing, was_going: bool) -> None:
    extraction = _extractions().get(_names(listing))
    with st.container(border=True, key="extraction"):
        st.markdown(f"**{listing.title}** has not seen these images on this machine yet.")
        if extraction is not None and not extraction.ended:
            _progress(extraction.progress)
        else:
            if extraction is not None and extraction.problem:
                st.error(extraction.problem)
            st.button(_offer(listing), key="extract", type="primary", on_click=_start, args=(listing,))
            st.caption("The network sees every image once; its features are kept, and training needs them alone.")
    if was_going != (extraction is not None and not extraction.ended):
        st.rerun()  # with a timer from now on, or without one


def _offer(listing: Listing) -> str:
    megabytes = listing.download_mb
    try:
        images(listing.dataset, settings().data_dir)
    except LabError:
        megabytes += DOWNLOAD_MB.get(listing.dataset, 0.0)
    return f"Extract features (downloads up to {megabytes:.0f} MB)" if megabytes else "Extract features"


def _start(listing: Listing) -> None:
    extraction = _extractions()[_names(listing)] = Extraction(_names(listing))
    threading.Thread(target=extraction.follow, name="extraction", daemon=True).start()


def _progress(said: dict[str, Any]) -> None:
    if not said.get("total"):
        st.progress(0.0, text=said.get("what", "Starting …"))
        return
    scale, unit = (1e6, "MB") if said["unit"] == "bytes" else (1.0, said["unit"])
    text = f"{said['what']}: {said['done'] / scale:,.0f} of {said['total'] / scale:,.0f} {unit}"
    if said["per_second"]:
        text += f", {said['per_second'] / scale:,.1f} {unit}/s"
    if said["seconds_left"]:
        text += f", {said['seconds_left']:.0f} s left"
    st.progress(min(said["done"] / said["total"], 1.0), text=text)
