"""The experiment: controls in the sidebar ↔ the page's address ↔ one `RunConfig` for each head to compare.

Every control is bound to a parameter of the address that is called like its field in `core.config`; a default is left
out. Ranges, defaults and explanations come from the configuration itself, so there is no second copy of them here.
"""

from collections.abc import Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from math import floor, log10
from typing import Any

import streamlit as st
from annotated_types import Ge, Le
from pydantic import BaseModel

from core.config import POINT_DATASETS, DressedQuantum, RunConfig, run_config
from core.cuts import cut_title
from core.datasets import DATASETS
from core.errors import LabError
from core.features import Listing, available_banks
from core.figures import head_style
from core.shapes import count_trained

Values = Mapping[str, Any]


def _quantum(values: Values, ablation: str = "none") -> dict[str, Any]:
    shape = {name: values[name] for name in ("n_qubits", "q_depth", "q_delta", "ansatz", "reuploads")}
    return {"kind": "dressed_quantum", "ablation": ablation, **shape}


def _matched(values: Values, kind: str) -> dict[str, Any]:
    return {"kind": kind, "n_qubits": values["n_qubits"], "q_depth": values["q_depth"]}


HEADS: dict[str, Callable[[Values], dict[str, Any]]] = {
    "quantum": _quantum,
    "bottleneck": lambda values: {"kind": "bottleneck", "width": values["n_qubits"]},
    "linear": lambda values: {"kind": "linear"},
    "mlp": lambda values: _matched(values, "mlp"),
    "closed form": lambda values: _matched(values, "closed_form"),
}
"""Name in the menu → the head of these settings."""

ABLATIONS: dict[str, Callable[[Values], dict[str, Any]]] = {
    "no entanglers": lambda values: _quantum(values, "no_entanglers"),
    "shuffled entanglers": lambda values: _quantum(values, "shuffled_entanglers"),
    "random angles": lambda values: _quantum(values, "random_angles"),
    "near zero": lambda values: _quantum(values, "near_zero"),
    "frozen pre_net": lambda values: _quantum(values, "frozen_pre_net"),
}
"""The quantum head with one part taken out."""

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
"""Keys of all controls, which are also the parameters of the address."""


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
    parts = [DATASETS[first.dataset].title]
    if first.dataset not in POINT_DATASETS:
        parts.append(cut_title(first.backbone, first.layer, first.weights).split(",")[0])
    circuits = [config.head for config in configs if isinstance(config.head, DressedQuantum)]
    if circuits:
        parts.append(f"{circuits[0].n_qubits} qubits × depth {circuits[0].q_depth}")
    parts.append("1 seed" if first.seeds == 1 else f"{first.seeds} seeds")
    return " · ".join(parts)


def experiment(values: Values) -> Experiment:
    """The experiment of these control values; `LabError` says in one sentence what does not fit."""
    chosen = [*values["heads"], *values["ablations"]]
    if not chosen:
        raise LabError("Heads to compare: nothing is chosen; choose one or more of " + ", ".join(HEADS) + ".")
    unknown = [name for name in chosen if name not in HEADS | ABLATIONS]
    if unknown:
        raise LabError(f"heads = {unknown[0]!r} is not possible: choose among {', '.join(HEADS | ABLATIONS)}.")
    listing = find_features(values["dataset"], values["features"])
    shared = {name: values[name] for name in _SHARED}
    cut = {"dataset": listing.dataset, "backbone": listing.backbone, "layer": listing.layer, "weights": listing.weights}
    heads = [(HEADS | ABLATIONS)[name](values) for name in chosen]
    return Experiment(tuple(run_config(shared | cut | {"head": head}) for head in heads), listing)


def control_values(configs: Sequence[RunConfig]) -> dict[str, Any]:
    """The control values that give these configurations: what `experiment` does, backwards."""
    first = configs[0]
    names = [head_style(config.head).label for config in configs]
    values: dict[str, Any] = {name: getattr(first, name) for name in _SHARED}
    values |= {
        "dataset": first.dataset,
        "features": features_key(first),
        "heads": [name for name in names if name in HEADS],
        "ablations": [name for name in names if name in ABLATIONS],
    }
    sized = [config.head.model_dump() for config in configs if hasattr(config.head, "n_qubits")]
    for head in sorted(sized, key=lambda head: head["kind"] != "dressed_quantum")[:1]:
        values |= {name: head[name] for name in _CIRCUIT if name in head}
    for config in configs:
        if config.head.kind == "bottleneck":
            values.setdefault("n_qubits", config.head.width)
    return values


def features_key(cut: RunConfig | Listing) -> str:
    """How a cut is called in the address."""
    return f"{cut.backbone}-{cut.layer}-{cut.weights}"


def find_features(dataset: str, key: str) -> Listing:
    """The listed features of this data set; `LabError` when there are none of that name."""
    for listing in feature_choices(dataset):
        if features_key(listing) == key:
            return listing
    raise LabError(f"features = {key!r} is not possible for {dataset}: choose another line of the menu.")


def feature_choices(dataset: str) -> list[Listing]:
    """Features for one data set, those that are there first."""
    return [listing for listing in available_banks() if listing.dataset == dataset]


# --- controls ---------------------------------------------------------------------------------------------------------

_RATES = tuple(float(f"{digits}e{power}") for power in range(-5, 0) for digits in (1, 1.5, 2, 3, 4, 5, 6, 8))
_EPOCHS = (1, 2, 3, 5, 8, 10, 15, 20, 25, 30, 40, 50, 60, 80, 100, 150, 200, 300, 500, 1000)
_BATCHES = (1, 2, 4, 8, 16, 32, 64, 128, 256)


def fill_controls(values: Values, state: MutableMapping[Any, Any]) -> None:
    """Set controls that are not drawn yet, e.g. to those of a run that was opened from a link."""
    for name, value in values.items():
        state[name] = list(value) if isinstance(value, list | tuple) else value


def reset_controls(state: MutableMapping[Any, Any]) -> None:
    """All controls back to their defaults."""
    fill_controls(default_values(state.get("dataset", "ants_bees")), state)


def default_values(dataset: str = "ants_bees") -> dict[str, Any]:
    """The values of untouched controls: the configuration's own defaults."""
    default = run_config({"dataset": dataset})
    values = control_values([default])
    return values | {"heads": list(DEFAULT_HEADS), "ablations": []}


def controls() -> dict[str, Any]:
    """Draw all controls and return their values by name. Called once in a run of the page, in the sidebar."""
    values: dict[str, Any] = {}
    values["dataset"] = st.selectbox(
        "Data set", list(DATASETS), format_func=lambda name: DATASETS[name].title, key="dataset", bind="query-params"
    )
    values["features"] = _features(values["dataset"])
    left, right = _pair()
    values["n_qubits"] = _slider(left, "Qubits", DressedQuantum, "n_qubits")
    values["q_depth"] = _slider(right, "Depth", DressedQuantum, "q_depth")
    left, right = _pair()
    values["learning_rate"] = _steps(left, "Learning rate", "learning_rate", _RATES, power_of_ten)
    values["epochs"] = _steps(right, "Epochs", "epochs", _EPOCHS)
    left, right = _pair()
    values["batch_size"] = _steps(left, "Batch size", "batch_size", _BATCHES)
    values["seeds"] = _slider(right, "Seeds", RunConfig, "seeds")
    values["heads"] = st.pills(
        "Heads to compare",
        list(HEADS),
        selection_mode="multi",
        default=list(DEFAULT_HEADS),
        key="heads",
        bind="query-params",
        help="Trained on the same features, the same batches and the same budget.",
    )
    with st.expander("Advanced"):
        values |= _advanced()
    return values


def _features(dataset: str) -> str:
    choices = {features_key(listing): listing for listing in feature_choices(dataset)}
    default = features_key(run_config({"dataset": dataset}))
    return str(
        st.selectbox(
            "Features",
            list(choices),
            index=list(choices).index(default) if default in choices else 0,
            format_func=lambda key: _short_title(choices[key]) if key in choices else key,
            key="features",
            bind="query-params",
            help="The frozen network that turns an image into numbers, where it is cut, and how many numbers it gives.",
        )
    )


def _short_title(listing: Listing) -> str:
    """The title without what is the same in all; how many numbers; whether they have to be made first."""
    title = listing.title.replace(", ImageNet weights", "").replace(", ImageNet", ",").replace(", dequantised", "")
    return f"{title}: {listing.n_features}" + (" (to extract)" if listing.state == "missing" else "")


def _advanced() -> dict[str, Any]:
    values: dict[str, Any] = {}
    values["ablations"] = st.multiselect(
        "Quantum head without …",
        list(ABLATIONS),
        key="ablations",
        bind="query-params",
        placeholder="nothing taken out",
        help="Ablations: each is trained beside the whole head and shows whether that part matters.",
    )
    left, right = _pair()
    ansatz = DressedQuantum.model_fields["ansatz"]
    values["ansatz"] = left.selectbox(
        "Ansatz", ("mari", "ring", "strongly_entangling"), key="ansatz", bind="query-params", help=ansatz.description
    )
    values["reuploads"] = _number(right, "Embeddings", DressedQuantum, "reuploads")
    left, right = _pair()
    values["q_delta"] = _number(left, "Initial angles", DressedQuantum, "q_delta", step=0.01, format="%.3g")
    values["base_seed"] = _number(right, "Base seed", RunConfig, "base_seed")
    left, right = _pair()
    values["lr_step"] = _number(left, "Lower rate every", RunConfig, "lr_step")
    values["lr_gamma"] = _number(right, "by the factor", RunConfig, "lr_gamma", step=0.1, format="%.3g")
    left, right = _pair()
    values["validation_share"] = _number(
        left, "Validation share", RunConfig, "validation_share", step=0.05, format="%.2f"
    )
    values["split_seed"] = _number(right, "Split seed", RunConfig, "split_seed")
    return values


def _pair() -> list[Any]:
    """Two controls side by side; below each other on a phone, pair by pair."""
    return st.columns(2, gap="medium")


def _slider(place: Any, label: str, model: type[BaseModel], name: str) -> int:
    low, high = _bounds(model, name)
    field = model.model_fields[name]
    return int(
        place.slider(label, int(low), int(high), field.default, key=name, bind="query-params", help=field.description)
    )


def _steps(place: Any, label: str, name: str, options: Sequence[Any], show: Callable[[Any], str] = str) -> Any:
    """A slider over chosen values; a value that came from elsewhere joins them."""
    field = RunConfig.model_fields[name]
    present = st.session_state.get(name, field.default)
    return place.select_slider(
        label,
        sorted({*options, present, field.default}),
        value=field.default,
        format_func=show,
        key=name,
        bind="query-params",
        help=field.description,
    )


def _number(place: Any, label: str, model: type[BaseModel], name: str, **look: Any) -> Any:
    field = model.model_fields[name]
    low, high = _bounds(model, name)
    whole = isinstance(field.default, int)
    return place.number_input(
        label,
        min_value=int(low) if whole else float(low),
        max_value=int(high) if whole else float(high),
        value=field.default,
        key=name,
        bind="query-params",
        help=field.description,
        **look,
    )


def _bounds(model: type[BaseModel], name: str) -> tuple[float, float]:
    """Smallest and largest value that the configuration allows; an open end is taken one small step inwards."""
    low, high = 0.0, float(2**31)
    for rule in model.model_fields[name].metadata:
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


def power_of_ten(value: float) -> str:
    """0.0004 → "4·10⁻⁴"."""
    exponent = floor(log10(value) + 1e-9)
    raised = str(exponent).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"{value / 10**exponent:.3g}·10{raised}"


def parameter_counts(config: RunConfig) -> tuple[int, int]:
    """Trainable parameters of a head on its features: (in the circuit, elsewhere)."""
    n_features = find_features(config.dataset, features_key(config)).n_features
    return count_trained(config.head, n_features, len(DATASETS[config.dataset].classes))
