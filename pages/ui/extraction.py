"""Features that are not on this machine: what getting them costs, a button that does it, and how far it is."""

import streamlit as st

from core.data.banks import Listing
from core.data.registry import dataset
from core.errors import LabError
from core.runs.snapshots import Standing
from core.settings import settings
from core.words import verbatim
from core.work.kinds.extract import Extract
from pages.ui import wording
from pages.ui.service import jobs, person, say
from pages.ui.work_bar import SECONDS_BETWEEN_LOOKS, is_going, work_bar


def extraction_of(listing: Listing) -> Standing | None:
    """How the extraction of these features stands, the same for everybody; None when nobody has asked for it."""
    return jobs().latest(_work(listing))


def start_extraction(listing: Listing) -> None:
    """Make these features, with a person's consent to download what is missing; nothing while that is under way."""
    try:
        jobs().submit(_work(listing), owner=person())
    except LabError as error:
        say(str(error))


def extraction_offer(listing: Listing) -> str:
    """What the button says that consents to it."""
    megabytes = listing.download_mb + unreadable_images_mb(listing.features.dataset)
    return wording.extraction_button(megabytes)


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
    going = is_going(extraction_of(listing))
    st.fragment(_draw, run_every=SECONDS_BETWEEN_LOOKS if going else None)(listing, going)


def _draw(listing: Listing, was_going: bool) -> None:
    extraction = extraction_of(listing)
    with st.container(border=True, key="extraction"):
        st.markdown(wording.extraction_needed(verbatim(listing.title)))
        if extraction is not None and is_going(extraction):
            work_bar(extraction, key="stop-extraction")
        else:
            if extraction is not None and extraction.message:
                st.error(verbatim(extraction.message))
            st.button(
                extraction_offer(listing), key="extract", type="primary", on_click=start_extraction, args=(listing,)
            )
            st.caption(wording.EXTRACTION_CAPTION)
    if was_going != is_going(extraction):
        st.rerun()  # with a timer from now on, or without one


def _work(listing: Listing) -> Extract:
    return Extract(features=listing.features, download=True)
