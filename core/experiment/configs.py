"""The experiment: values of the controls ↔ one `RunConfig` for each head to compare."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from core.config.heads.base import CircuitSettings
from core.config.heads.dressed_quantum import DressedQuantum, sized_circuit
from core.config.heads.registry import head_choices
from core.config.run import RunConfig, refused_in_one_sentence, run_config
from core.data.banks import Listing
from core.data.registry import DATASETS
from core.errors import LabError
from core.experiment.controls import CONTROLS, OF_RUN, Number, Values, values_of
from core.experiment.features import find_features
from core.recipes import paper_run

DEFAULT_HEADS = ("quantum", "bottleneck", "linear")


@dataclass(frozen=True)
class Experiment:
    """What the controls describe: one configuration for each head, on the same features, seeds and budget."""

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
        parts.append(first.cut.name)
    circuits = [config.head for config in configs if isinstance(config.head, DressedQuantum)]
    if circuits:
        parts.append(f"{circuits[0].n_qubits} qubits × depth {circuits[0].q_depth}")
    parts.append("1 seed" if first.seeds == 1 else f"{first.seeds} seeds")
    return " · ".join(parts)


def experiment(values: Values) -> Experiment:
    """The experiment of these control values; `LabError` names in one sentence what does not fit."""
    chosen = [*values["heads"], *values["ablations"]]
    if not chosen:
        raise LabError("Heads to compare: nothing is chosen; choose one or more of " + ", ".join(head_choices()) + ".")
    choices = head_choices() | head_choices(ablations=True)
    unknown = [name for name in chosen if name not in choices]
    if unknown:
        raise LabError(f"heads = {unknown[0]!r} is not possible: choose one of {', '.join(choices)}")
    listing = find_features(values["dataset"], values["features"])
    features = {"dataset": listing.features.dataset} | vars(listing.features.cut)
    shared = {name: value for name, value in values.items() if name in OF_RUN}
    circuit = circuit_settings(values)
    with refused_in_one_sentence():
        heads = [choices[name].head(circuit) for name in chosen]
    return Experiment(tuple(run_config(shared | features | {"head": head}) for head in heads), listing)


def circuit_settings(values: Values) -> CircuitSettings:
    """The controls of the circuit."""
    return CircuitSettings(
        n_qubits=values["n_qubits"],
        q_depth=values["q_depth"],
        q_delta=values["q_delta"],
        ansatz=values["ansatz"],
        reuploads=values["reuploads"],
    )


def circuit_of(values: Values) -> DressedQuantum:
    """The circuit of the controls, also when no quantum head is chosen; without extra embeddings if they do not fit."""
    circuit = circuit_settings(values)
    return sized_circuit(replace(circuit, reuploads=min(circuit.reuploads, circuit.q_depth)))


def shared_settings(config: RunConfig) -> dict[str, Any]:
    """Everything but the head: equal in all runs of one experiment."""
    return config.model_dump(exclude={"head"})


def control_values(configs: Sequence[RunConfig]) -> dict[str, Any]:
    """The control values that give these configurations: what `experiment` does, backwards.

    A value beyond the ends of its control becomes the nearest one that the control can show. Values of the circuit's
    controls are missing where no head is sized by them.
    """
    first = configs[0]
    labels = [config.head.style.label for config in configs]
    values: dict[str, Any] = {
        "dataset": first.dataset,
        "features": first.cut.key,
        "heads": [label for label in labels if label in head_choices()],
        "ablations": [label for label in labels if label in head_choices(ablations=True)],
    }
    values |= {name: getattr(first, name) for name in OF_RUN}
    for controls in sorted((config.head.controls for config in configs), key=len, reverse=True):
        values = controls | values  # the head that is sized by most controls goes first
    for name, control in CONTROLS.items():
        if isinstance(control, Number) and name in values:
            values[name] = control.nearest(values[name])
    return values


def beyond_controls(configs: Sequence[RunConfig]) -> dict[str, Any]:
    """Settings of these runs that no control can show: name of the field → its value.

    The form, set as these runs are, would train with another value. Runs of the paper's page and of the terminal can
    have such settings, e.g. ``protocol``.
    """
    values = values_of({**default_values(configs[0].dataset), **control_values(configs)})
    try:
        alike = {each.head.style.label: _flat(each) for each in experiment(values).configs}
    except LabError:
        return {}  # their features are not listed here any more
    beyond: dict[str, Any] = {}
    for config in configs:
        taken = alike[config.head.style.label]
        beyond |= {name: value for name, value in _flat(config).items() if value != taken[name]}
    return beyond


def _flat(config: RunConfig) -> dict[str, Any]:
    values = config.model_dump()
    return values | values.pop("head")


def default_values(dataset: str = "ants_bees") -> Values:
    """The values of untouched controls: the paper's settings for these data."""
    return values_of(control_values([paper_run(dataset)]) | {"heads": list(DEFAULT_HEADS), "ablations": []})
