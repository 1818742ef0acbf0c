"""The page's address: the values of the controls, those at their defaults left out."""

from collections.abc import Mapping
from typing import Any

from core.errors import LabError
from core.experiment.configs import default_values
from core.experiment.controls import CONTROLS, DATASET, Values, values_of


def to_address(values: Values) -> dict[str, str]:
    """The parameters of the address that give these control values."""
    given: Mapping[str, Any] = {**values}
    default: Mapping[str, Any] = {**default_values(values["dataset"]), "dataset": default_values()["dataset"]}
    return {name: control.to_text(given[name]) for name, control in CONTROLS.items() if given[name] != default[name]}


def from_address(address: Mapping[str, str]) -> tuple[Values, str]:
    """The control values of an address, and one sentence if a part of it is not possible and its default is taken."""
    dataset, problem = default_values()["dataset"], ""
    try:
        dataset = DATASET.from_text(address.get(DATASET.name, dataset), dataset)
    except LabError as error:
        problem = str(error)
    read: dict[str, Any] = {**default_values(dataset)}
    for name, control in CONTROLS.items():
        if name in address and control is not DATASET:
            try:
                read[name] = control.from_text(address[name], dataset)
            except LabError as error:
                problem = problem or str(error)
    return values_of(read), problem
