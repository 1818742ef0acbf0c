"""The paper's settings for each data set: what its rows, comparisons and untouched controls begin from.

The settings themselves are in the data set's entry (`core.data.registry`); here a run is made of them.
"""

from typing import Any

from core.config.heads.dressed_quantum import DressedQuantum
from core.config.run import RunConfig, run_config
from core.data.registry import dataset


def paper_run(name: str, **changes: Any) -> RunConfig:
    """The run of a quantum head with the paper's settings for a data set, with some fields changed.

    A data set that the paper does not have takes the defaults of `RunConfig`, the paper's settings for ants and bees.
    Raises `LabError` for an unknown data set and for a change that is not possible.
    """
    head = {"kind": DressedQuantum().kind} | dataset(name).recipe.get("head", {})
    return run_config({"dataset": name} | dict(dataset(name).recipe) | {"head": head} | changes)
