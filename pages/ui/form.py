"""The form in the sidebar. Its controls, the page's address and the experiment are the same thing in three shapes.

The address is written after every change, and read when a page opens or when somebody goes back in the browser.
(Streamlit can bind a control to the address by itself, but then with its text on the screen in place of its value.)
"""

from collections.abc import Callable, Sequence
from math import floor, log10
from typing import Any

import streamlit as st

from core.config.heads.registry import head_choices
from core.config.run import run_config
from core.data.banks import Listing
from core.data.registry import DATASETS
from pages.ui.experiment import (
    ANSAETZE,
    CONTROLS,
    Values,
    bounds,
    default_values,
    feature_choices,
    field_of,
    from_address,
    to_address,
)

_RATES = tuple(float(f"{digits}e{power}") for power in range(-5, 0) for digits in (1, 1.5, 2, 3, 4, 5, 6, 8))
_EPOCHS = (1, 2, 3, 5, 8, 10, 15, 20, 25, 30, 40, 50, 60, 80, 100, 150, 200, 300, 500, 1000)
_BATCHES = (1, 2, 4, 8, 16, 32, 64, 128, 256)


def read_address(linked: Callable[[str], Values], returns: bool) -> bool:
    """Set the controls and the runs that are shown from the address, when somebody else than `write_address` set it.

    linked: run ids as they stand in the address → the settings of these runs, which hold where the address itself says
    nothing of controls; returns: whether the person comes back from another page, which leaves the address bare.

    True if the address was read: a link was opened, or somebody went back in the browser.
    """
    state = st.session_state
    address = {name: st.query_params[name] for name in _ADDRESS if name in st.query_params}
    if "address" in state and (address == state.address or (returns and not address)):
        return False
    state.run = address.get("run", "")
    values, state.address_problem = from_address(address)
    fill(values if any(name in address for name in CONTROLS) else {**values, **linked(state.run)})
    return True


def write_address(values: Values) -> None:
    """Make the address say what the page shows."""
    state = st.session_state
    wanted = to_address(values) | ({"run": state.run} if state.run else {})
    if "address" in state and wanted != state.address:
        state.address_problem = ""
    state.address = wanted
    given = {name: st.query_params.get_all(name) for name in st.query_params}
    whole = {name: values for name, values in given.items() if name not in _ADDRESS}
    whole |= {name: [text] for name, text in wanted.items()}
    if whole != given:
        st.query_params.from_dict(whole)  # one change, which is one step back in the browser


_ADDRESS = (*CONTROLS, "run")


def fill(values: Values) -> None:
    """Set the controls, before they are drawn."""
    for name, value in values.items():
        st.session_state[name] = list(value) if isinstance(value, list | tuple) else value


def to_defaults() -> None:
    """All controls back to their defaults, on the same data set."""
    fill(default_values(st.session_state.dataset))


def controls() -> dict[str, Any]:
    """Draw all controls and return their values by name. Called once in a run of the page, in the sidebar."""
    values: dict[str, Any] = {}
    values["dataset"] = st.selectbox(
        "Data set",
        list(DATASETS),
        format_func=lambda name: DATASETS[name].title,
        key="dataset",
        persist_state="session",
        on_change=_follow_dataset,
    )
    values["features"] = _features(values["dataset"])
    left, right = _pair()
    values["n_qubits"] = _slider(left, "Qubits", "n_qubits")
    values["q_depth"] = _slider(right, "Depth", "q_depth")
    left, right = _pair()
    values["learning_rate"] = _steps(left, "Learning rate", "learning_rate", _RATES, power_of_ten)
    values["epochs"] = _steps(right, "Epochs", "epochs", _EPOCHS)
    left, right = _pair()
    values["batch_size"] = _steps(left, "Batch size", "batch_size", _BATCHES)
    values["seeds"] = _slider(right, "Seeds", "seeds")
    values["heads"] = st.pills(
        "Heads to compare",
        list(head_choices()),
        selection_mode="multi",
        key="heads",
        persist_state="session",
        help="Trained on the same features, the same batches and the same budget.",
    )
    with st.expander("Advanced"):
        values |= _advanced()
    return values


def _follow_dataset() -> None:
    """Controls that stand at their defaults take those of the data set that was chosen, the paper's settings for it."""
    state = st.session_state
    shown, _ = from_address(state.address)
    before, after = default_values(shown["dataset"]), default_values(state.dataset)
    fill({name: after[name] for name in CONTROLS if name != "dataset" and state[name] == before[name]})


def _features(dataset: str) -> str:
    choices = {listing.features.cut.key: listing for listing in feature_choices(dataset)}
    if st.session_state.features not in choices:  # the data set has changed
        st.session_state.features = run_config({"dataset": dataset}).cut.key
    return str(
        st.selectbox(
            "Features",
            list(choices),
            format_func=lambda key: _short_title(choices[key]),
            key="features",
            persist_state="session",
            help="The frozen network that turns an image into numbers, where it is cut, and how many numbers it gives.",
        )
    )


def _short_title(listing: Listing) -> str:
    """The title without what is the same in all, and how many numbers."""
    title = listing.title.replace(", ImageNet weights", "").replace(", ImageNet", ",").replace(", dequantised", "")
    title = title.replace(" complete (", " (")
    return f"{title}: {listing.n_features}"


def _advanced() -> dict[str, Any]:
    values: dict[str, Any] = {}
    values["ablations"] = st.multiselect(
        "Quantum head without …",
        list(head_choices(ablations=True)),
        key="ablations",
        persist_state="session",
        placeholder="nothing taken out",
        help="Ablations: each is trained beside the whole head and shows whether that part matters.",
    )
    left, right = _pair()
    values["ansatz"] = left.selectbox(
        "Ansatz", ANSAETZE, key="ansatz", persist_state="session", help=field_of("ansatz").description
    )
    values["reuploads"] = _number(right, "Embeddings", "reuploads")
    left, right = _pair()
    values["q_delta"] = _number(left, "Initial angles", "q_delta", step=0.01, format="%.3g")
    values["base_seed"] = _number(right, "Base seed", "base_seed")
    left, right = _pair()
    values["lr_step"] = _number(left, "Rate step", "lr_step")
    values["lr_gamma"] = _number(right, "Rate factor", "lr_gamma", step=0.1, format="%.3g")
    left, right = _pair()
    values["validation_share"] = _number(left, "Validation", "validation_share", step=0.05, format="%.2f")
    values["split_seed"] = _number(right, "Split seed", "split_seed")
    return values


def _pair() -> tuple[Any, Any]:
    """Two controls side by side; below each other on a phone, pair by pair."""
    return st.columns(2, gap="small")


def _slider(place: Any, label: str, name: str) -> int:
    low, high = bounds(name)
    return int(
        place.slider(label, int(low), int(high), key=name, persist_state="session", help=field_of(name).description)
    )


def _steps(place: Any, label: str, name: str, options: Sequence[Any], show: Callable[[Any], str] = str) -> Any:
    """A slider over chosen values; a value that came from elsewhere joins them."""
    return place.select_slider(
        label,
        sorted({*options, st.session_state[name]}),
        format_func=show,
        key=name,
        persist_state="session",
        help=field_of(name).description,
    )


def _number(place: Any, label: str, name: str, **look: Any) -> Any:
    kind = type(field_of(name).default)
    low, high = map(kind, bounds(name))
    return place.number_input(
        label, low, high, key=name, persist_state="session", help=field_of(name).description, **look
    )


def in_words(values: Values, other: Values) -> str:
    """Those of these control values that are different in the other ones, in few words, e.g. "depth 8"."""
    different = [name for name in CONTROLS if values.get(name) != other.get(name)]
    return ", ".join(_short(name, values.get(name)) for name in different) or "the same settings"


def _short(name: str, value: Any) -> str:
    if name == "n_qubits":
        return f"{value} qubits"
    words = {"q_depth": "depth", "q_delta": "angles", "learning_rate": "rate"}.get(name, name.replace("_", " "))
    if name == "learning_rate":
        return f"{words} {power_of_ten(value)}"
    return f"{words} {' + '.join(value) if isinstance(value, list | tuple) else value}"


def power_of_ten(value: float) -> str:
    """0.0004 → "4·10⁻⁴"."""
    exponent = floor(log10(value) + 1e-9)
    raised = str(exponent).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"{value / 10**exponent:.3g}·10{raised}"
