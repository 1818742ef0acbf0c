"""How long training takes on this machine, as far as stored runs show."""

from typing import NamedTuple

import pandas as pd
import streamlit as st

from core.config.run import RunConfig
from core.data.banks import load_bank
from core.errors import LabError
from core.runs.estimate import estimate
from core.runs.frames import load_runs
from core.runs.store import SHIPPED, is_shipped
from core.settings import settings


class Forecast(NamedTuple):
    """What is expected of one run."""

    seconds: float
    sure: bool
    """Whether a run of about that size has been finished on this machine."""


def forecast(config: RunConfig) -> Forecast | None:
    """How long a run takes by itself, learnt from this machine's runs or else from shipped ones; None if unknown."""
    return _forecast(config.model_copy(update={"base_seed": 0, "split_seed": 0}))  # which take no time of their own


@st.cache_data(ttl=20, show_spinner=False, hash_funcs={RunConfig: RunConfig.model_dump_json})
def _forecast(config: RunConfig) -> Forecast | None:
    try:
        n_train = len(load_bank(config.features).splits(config.validation_share, config.split_seed).train)
    except LabError:
        return None
    for here, runs in past_runs().items():
        expected = estimate(config, n_train, runs)
        if expected is not None:
            return Forecast(expected.seconds, here and expected.alike)
    return None


@st.cache_resource(ttl=20, refresh_mode="background", show_spinner=False)
def past_runs() -> dict[bool, pd.DataFrame]:
    """Finished runs, one row each, as of some seconds ago: of this machine's device (True), those that ship (False)."""
    runs = load_runs(*dict.fromkeys((SHIPPED, settings().results_dir)))
    runs = runs[runs["status"] == "finished"].drop_duplicates("run_id")
    shipped = runs["run_id"].map(is_shipped).astype(bool)
    return {True: runs[~shipped & (runs.get("device") == settings().device)], False: runs[shipped]}
