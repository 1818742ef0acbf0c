"""The form in the sidebar. Its controls, the page's address and the experiment are the same thing in three shapes.

The address is written after every change, and read when a page opens or when a person goes back in the browser.
(Streamlit can bind a control to the address by itself, but then with its text on the screen in place of its value.)
"""

from collections.abc import Callable, Mapping
from math import floor, log10
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.config.run import run_config
from core.data.banks import Listing
from core.data.registry import DATASETS
from core.experiment import controls as table
from core.experiment.address import VERSION, from_address, to_address
from core.experiment.configs import default_values
from core.experiment.controls import CONTROLS, Number, OneOf, Switch, Values, values_of
from core.experiment.features import feature_choices
from pages.ui.laboratory import wording


def read_address(linked: Callable[[str], Mapping[str, Any]], returns: bool) -> bool:
    """Set the controls and the runs that are shown from the address, when something other than `write_address` set it.

    linked: run ids as the address has them → the settings of these runs, which apply where the address itself names no
    controls; returns: whether the person comes back from another page, which leaves the address bare.

    True if the address was read: a link was opened, or a person went back in the browser.
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
    """Make the address match what the page shows."""
    state = st.session_state
    wanted = to_address(values) | ({"run": state.run} if state.run else {})
    if "address" in state and wanted != state.address:
        state.address_problem = ""
    state.address = wanted
    given = {name: st.query_params.get_all(name) for name in st.query_params}
    present = {name: st.query_params[name] for name in _ADDRESS if name in given}
    if present != wanted and present.get("run", "") == state.run and from_address(present) == (values, ""):
        state.address = wanted = present  # an older way to write the same: going back to it must not lead on again
    whole = {name: values for name, values in given.items() if name not in _ADDRESS}
    whole |= {name: [text] for name, text in wanted.items()}
    if whole != given:
        st.query_params.from_dict(whole)  # one change, which is one step back in the browser


_ADDRESS = (*CONTROLS, VERSION, "run")


def fill(values: Mapping[str, Any]) -> None:
    """Set the controls, before they are drawn."""
    for name, value in values.items():
        st.session_state[name] = list(value) if isinstance(value, list | tuple) else value


def to_defaults() -> None:
    """All controls back to their defaults, on the same data set."""
    fill(default_values(st.session_state.dataset))


def controls() -> Values:
    """Draw all controls and return their values. Called once in a run of the page, in the sidebar."""
    drawn: dict[str, Any] = {}
    drawn["dataset"] = st.selectbox(
        table.DATASET.label,
        table.DATASET.options(),
        format_func=lambda name: DATASETS[name].title,
        key="dataset",
        persist_state="session",
        on_change=_follow_dataset,
    )
    drawn["features"] = _features(drawn["dataset"])
    drawn |= _pair(table.N_QUBITS, table.Q_DEPTH)
    drawn |= _pair(table.LEARNING_RATE, table.EPOCHS)
    drawn |= _pair(table.BATCH_SIZE, table.SEEDS)
    drawn["heads"] = st.pills(
        table.HEADS.label,
        table.HEADS.options(),
        selection_mode="multi",
        key="heads",
        persist_state="session",
        help=table.HEADS.help,
    )
    with st.expander("Advanced"):
        drawn["ablations"] = st.multiselect(
            table.ABLATIONS.label,
            table.ABLATIONS.options(),
            key="ablations",
            persist_state="session",
            placeholder=wording.NOTHING_TAKEN_OUT,
            help=table.ABLATIONS.help,
        )
        drawn |= _pair(table.ANSATZ, table.REUPLOADS)
        drawn |= _pair(table.Q_DELTA, table.BASE_SEED)
        drawn |= _pair(table.LR_STEP, table.LR_GAMMA)
        drawn |= _pair(table.VALIDATION_SHARE, table.SPLIT_SEED)
        drawn |= _pair(table.PATIENCE, table.ADAM_BETA2)
        drawn |= _pair(table.STANDARDISE, table.SPLIT_PER_SEED)
    return values_of(drawn)


def _follow_dataset() -> None:
    """Controls at their defaults take those of the chosen data set: the paper's settings for it."""
    state = st.session_state
    shown, _ = from_address(state.address)
    before: Mapping[str, Any] = {**default_values(shown["dataset"])}
    after: Mapping[str, Any] = {**default_values(state.dataset)}
    fill({name: after[name] for name in CONTROLS if name != "dataset" and state[name] == before[name]})


def _features(dataset: str) -> str:
    choices = {listing.features.cut.key: listing for listing in feature_choices(dataset)}
    if st.session_state.features not in choices:  # the data set has changed
        st.session_state.features = run_config({"dataset": dataset}).cut.key
    return str(
        st.selectbox(
            table.FEATURES.label,
            list(choices),
            format_func=lambda key: _line(choices[key]),
            key="features",
            persist_state="session",
            help=table.FEATURES.help,
        )
    )


def _line(listing: Listing) -> str:
    """A line of the menu: the network up to its cut, and how many numbers that gives."""
    return f"{listing.features.cut.line}: {listing.n_features}"


def _pair(*two: Number[int] | Number[float] | Switch | OneOf) -> dict[str, Any]:
    """Two controls side by side, below each other on a phone, pair by pair; their values by name."""
    return {control.name: _draw(place, control) for place, control in zip(st.columns(2, gap="small"), two, strict=True)}


def _draw(place: DeltaGenerator, control: Number[int] | Number[float] | Switch | OneOf) -> Any:
    """One control; its value."""
    shared: dict[str, Any] = {"key": control.name, "persist_state": "session", "help": control.help}
    if isinstance(control, OneOf):
        return place.selectbox(control.label, control.options(), **shared)
    if isinstance(control, Switch):
        return place.toggle(control.label, **shared)
    low, high = control.bounds
    match control.look:
        case "slider":
            return place.slider(control.label, low, high, **shared)
        case "steps":  # a value that came from elsewhere joins them
            steps = sorted({*control.steps, st.session_state[control.name]})
            return place.select_slider(control.label, steps, format_func=_step_text(control), **shared)
        case "box":
            return place.number_input(control.label, low, high, step=control.step, format=control.format, **shared)


def _step_text(control: Number[int] | Number[float]) -> Callable[[Any], str]:
    return power_of_ten if control.kind is float else str


def in_words(values: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    """Those of these control values that are different in the other ones, in few words, e.g. "depth 8"."""
    different = [name for name in CONTROLS if values.get(name) != other.get(name)]
    return ", ".join(setting_in_words(name, values.get(name)) for name in different) or "the same settings"


def setting_in_words(name: str, value: Any) -> str:
    """A control's value in few words, e.g. "rate 4·10⁻⁴"."""
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
