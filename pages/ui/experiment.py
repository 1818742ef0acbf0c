"""The experiment: values of the controls ↔ the page's address ↔ one `RunConfig` for each head to compare.

Ranges, defaults and explanations come from the configuration itself, so there is no second copy of them here. A
parameter of the address is called like its field in `core.config.run`; what is at its default is left out.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import SimpleNamespace
from typing import Any, get_args

from annotated_types import Ge, Le
from pydantic.fields import FieldInfo

from core.config.heads.dressed_quantum import DressedQuantum
from core.config.heads.registry import head_choices
from core.config.run import RunConfig, refused_in_one_sentence, run_config
from core.data.banks import Listing, available_banks
from core.data.registry import DATASETS
from core.errors import LabError
from core.recipes import paper_run
from core.validation import allowed

Values = Mapping[str, Any]


ANSAETZE = get_args(DressedQuantum.model_fields["ansatz"].annotation)

DEFAULT_HEADS = ("quantum", "bottleneck", "linear")

_SHARED = (
    "learning_rate",
    "lr_step",
    "lr_gamma",
    "batch_size",
    "epochs",
    "seeds",
    "base_seed",
    "validation_share",
    "split_seed",
)
_CIRCUIT = ("n_qubits", "q_depth", "q_delta", "ansatz", "reuploads")
CONTROLS = ("dataset", "features", *_CIRCUIT, *_SHARED, "heads", "ablations")
"""Names of all controls, which are also the parameters of the address."""


@dataclass(frozen=True)
class Experiment:
    """What the controls say: one configuration for each head, on the same features, seeds and budget."""

    configs: tuple[RunConfig, ...]
    features: Listing

    @property
    def title(self) -> str:
        return experiment_title(self.configs)


def experiment_title(configs: Sequence[RunConfig]) -> str:
    """One line: data, features, size of the circuit, seeds."""
    first = configs[0]
    entry = DATASETS[first.dataset]
    parts = [entry.title]
    if not entry.is_points:
        parts.append(re.split(r", | \(", first.cut.title)[0])
    circuits = [config.head for config in configs if isinstance(config.head, DressedQuantum)]
    if circuits:
        parts.append(f"{circuits[0].n_qubits} qubits × depth {circuits[0].q_depth}")
    parts.append("1 seed" if first.seeds == 1 else f"{first.seeds} seeds")
    return " · ".join(parts)


def experiment(values: Values) -> Experiment:
    """The experiment of these control values; `LabError` says in one sentence what does not fit."""
    chosen = [*values["heads"], *values["ablations"]]
    if not chosen:
        raise LabError("Heads to compare: nothing is chosen; choose one or more of " + ", ".join(head_choices()) + ".")
    choices = head_choices() | head_choices(ablations=True)
    unknown = [name for name in chosen if name not in choices]
    if unknown:
        raise LabError(f"heads = {unknown[0]!r} is not possible: choose among {', '.join(choices)}.")
    listing = find_features(values["dataset"], values["features"])
    shared = {name: values[name] for name in _SHARED}
    features = {"dataset": listing.features.dataset} | vars(listing.features.cut)
    circuit = SimpleNamespace(**values)
    with refused_in_one_sentence():
        heads = [choices[name].head(circuit) for name in chosen]
    return Experiment(tuple(run_config(shared | features | {"head": head}) for head in heads), listing)


def shared_settings(config: RunConfig) -> dict[str, Any]:
    """Everything but the head: equal in all runs of one experiment."""
    return config.model_dump(exclude={"head"})


def control_values(configs: Sequence[RunConfig]) -> dict[str, Any]:
    """The control values that give these configurations: what `experiment` does, backwards."""
    first = configs[0]
    names = [config.head.style.label for config in configs]
    values: dict[str, Any] = {name: getattr(first, name) for name in _SHARED}
    values |= {
        "dataset": first.dataset,
        "features": first.cut.key,
        "heads": [name for name in names if name in head_choices()],
        "ablations": [name for name in names if name in head_choices(ablations=True)],
    }
    for controls in sorted((config.head.controls for config in configs), key=len, reverse=True):
        values = controls | values  # the head that says most is heard first
    return values


def find_features(dataset: str, key: str) -> Listing:
    """The listed features of this data set; `LabError` when there are none of that name."""
    for listing in feature_choices(dataset):
        if listing.features.cut.key == key:
            return listing
    raise LabError(f"features = {key!r} is not possible for {dataset}: choose another line of the menu.")


def feature_choices(dataset: str) -> list[Listing]:
    """Features for one data set, those that are there first."""
    return [listing for listing in available_banks() if listing.features.dataset == dataset]


def parameter_counts(config: RunConfig) -> tuple[int, int]:
    """Trainable parameters of a head on its features: (in the circuit, elsewhere)."""
    n_features = find_features(config.dataset, config.cut.key).n_features
    return config.head.count_trained(n_features, len(DATASETS[config.dataset].classes))


def beyond_controls(configs: Sequence[RunConfig]) -> dict[str, Any]:
    """Settings of runs that no control says, by name, where they are not what the controls would take.

    Runs from the page of the paper and from a terminal can have such settings.
    """
    try:
        alike = {each.head.style.label: _flat(each) for each in experiment(control_values(configs)).configs}
    except LabError:
        return {}  # their features are not listed here any more
    found: dict[str, Any] = {}
    for config in configs:
        taken = alike[config.head.style.label]
        found |= {name: value for name, value in _flat(config).items() if value != taken[name]}
    return found


def _flat(config: RunConfig) -> dict[str, Any]:
    values = config.model_dump()
    return values | values.pop("head")


@cache
def default_config(dataset: str) -> RunConfig:
    """The run of untouched controls: the paper's settings for these data, from the usual number of seeds."""
    return paper_run(dataset)


def default_values(dataset: str = "ants_bees") -> dict[str, Any]:
    """The values of untouched controls."""
    return control_values([default_config(dataset)]) | {"heads": list(DEFAULT_HEADS), "ablations": []}


# --- the address ------------------------------------------------------------------------------------------------------


def to_address(values: Values) -> dict[str, str]:
    """The parameters of the address that give these control values, those at their defaults left out."""
    default = default_values(values["dataset"]) | {"dataset": default_values()["dataset"]}
    return {name: _to_text(values[name]) for name in CONTROLS if values[name] != default[name]}


def from_address(address: Mapping[str, str]) -> tuple[dict[str, Any], str]:
    """The control values of an address, and one sentence if a part of it is not possible and its default is taken."""
    values, problem = default_values(), ""
    if address.get("dataset", values["dataset"]) not in DATASETS:
        problem = f"dataset = {address['dataset']!r} is not possible: choose one of {', '.join(DATASETS)}."
    elif "dataset" in address:
        values = default_values(address["dataset"])
    for name in CONTROLS[1:]:
        if name in address:
            try:
                values[name] = _from_text(name, address[name], values["dataset"])
            except LabError as error:
                problem = problem or str(error)
    return values, problem


def _to_text(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ",".join(value)
    return f"{value:.15g}" if isinstance(value, float) else str(value)


def _from_text(name: str, text: str, dataset: str) -> Any:
    match name:
        case "features":
            return find_features(dataset, text).features.cut.key
        case "heads" | "ablations":
            return _chosen(name, text.split(",") if text else [], head_choices(ablations=name == "ablations"))
        case "ansatz":
            return _chosen(name, [text], ANSAETZE)[0]
    low, high = bounds(name)
    try:
        value = type(field_of(name).default)(text)
    except ValueError:
        value = None
    if value is None or not low <= value <= high:
        raise LabError(f"{name} = {text!r} is not possible: {allowed(field_of(name))}.")
    return value


def _chosen(name: str, chosen: list[str], allowed: Collection[str]) -> list[str]:
    for each in chosen:
        if each not in allowed:
            raise LabError(f"{name} = {each!r} is not possible: choose among {', '.join(allowed)}.")
    return chosen


def field_of(name: str) -> FieldInfo:
    """The configuration's field that the control of this name sets: its default, range and explanation."""
    return (DressedQuantum if name in _CIRCUIT else RunConfig).model_fields[name]


def bounds(name: str) -> tuple[float, float]:
    """Smallest and largest value that the configuration allows; an open end is taken one small step inwards."""
    low, high = 0.0, float(2**31)
    for rule in field_of(name).metadata:
        match rule:
            case Ge(ge=bound):
                low = bound  # type: ignore[assignment]
            case Le(le=bound):
                high = bound  # type: ignore[assignment]
            case _ if hasattr(rule, "gt"):
                low = rule.gt + 0.001
            case _ if hasattr(rule, "lt"):
                high = rule.lt - (1 if isinstance(rule.lt, int) else 0.01)
    return low, high
