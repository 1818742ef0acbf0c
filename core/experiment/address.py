"""The page's address: the values of the controls, those at their defaults left out, and the version of the defaults.

An address without a version is from the time before there were versions; what it leaves out has the default of then.
"""

from collections.abc import Mapping
from typing import Any

from core.errors import LabError
from core.experiment.configs import default_values
from core.experiment.controls import CONTROLS, DATASET, FEATURES, Values, values_of

VERSION = "v"
"""Name of the version's parameter."""
_PRESENT = "2"
_DEFAULTS_BEFORE: dict[str, Any] = {"split_per_seed": False}
"""Control → its default before there were versions, where it was another one."""
_FEATURES_BEFORE = dict.fromkeys(("ants_bees", "dogs_cats", "planes_cars"), "resnet18-layer3-IMAGENET1K_V1")
"""Data set → its default features before there were versions, where they were others."""


def to_address(values: Values) -> dict[str, str]:
    """The parameters of the address that give these control values."""
    given: Mapping[str, Any] = {**values}
    default: Mapping[str, Any] = {**default_values(values["dataset"]), "dataset": default_values()["dataset"]}
    named = {name: control.to_text(given[name]) for name, control in CONTROLS.items() if given[name] != default[name]}
    return named and named | {VERSION: _PRESENT}


def from_address(address: Mapping[str, str]) -> tuple[Values, str]:
    """The control values of an address, and one sentence if a part of it is not possible and its default is taken."""
    dataset, problem = default_values()["dataset"], ""
    try:
        dataset = DATASET.from_text(address.get(DATASET.name, dataset), dataset)
    except LabError as error:
        problem = str(error)
    read: dict[str, Any] = {**default_values(dataset)}
    if VERSION not in address and any(name in address for name in CONTROLS):
        read |= _DEFAULTS_BEFORE | {FEATURES.name: _FEATURES_BEFORE.get(dataset, read[FEATURES.name])}
    for name, control in CONTROLS.items():
        if name in address and control is not DATASET:
            try:
                read[name] = control.from_text(address[name], dataset)
            except LabError as error:
                problem = problem or str(error)
    return values_of(read), problem
