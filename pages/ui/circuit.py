"""The circuit that the controls describe, drawn by the browser; as a file it is PennyLane's drawing."""

from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache, lru_cache
from pathlib import Path
from urllib.parse import urlencode

import streamlit as st

from core.circuit.description import Circuit, Gate
from core.circuit.drawing import circuit_svg
from core.circuit.dressed import dressed_circuit
from core.config.heads.dressed_quantum import DressedQuantum
from core.config.run import head_config
from core.errors import LabError
from pages.ui.routes import CIRCUIT_PATH, address
from pages.ui.service import jobs, load_for_good

PIXELS_PER_WIRE = 46
"""Distance of two wires on the screen, as in circuit.js."""
DESCRIBED = ("n_qubits", "q_depth", "ansatz", "reuploads")
"""Fields of a dressed quantum head that its circuit follows from."""

_HERE = Path(__file__).parent
_circuit = st.components.v2.component(
    "circuit",
    html='<div class="panel"></div>\n',
    css="\n".join((_HERE / name).read_text(encoding="utf-8") for name in ("panel.css", "circuit.css")),
    js=(_HERE / "circuit.js").read_text(encoding="utf-8"),
)


def circuit_view(head: DressedQuantum, angles: tuple[float, ...] | None, run_id: str) -> None:
    """Show a head's circuit.

    angles: (n_weights,) radians to write into the gates, or None; run_id: the run that trained them.
    """
    circuit = dressed_circuit(head)
    resources = circuit.resources()
    gates = ", ".join(f"{count} {name}" for name, count in resources.gates.items())
    counts = f"{gates} · depth {resources.depth} · {resources.n_weights} trained angles"
    query = {name: getattr(head, name) for name in DESCRIBED} | ({"run": run_id} if run_id else {})
    _circuit(
        key="circuit",
        data={
            "wires": circuit.n_qubits,
            "gates": [_gate(gate, angles) for gate in circuit.gates],
            "what": f"Circuit of {circuit.n_qubits} qubits: {counts}",
            "counts": counts,
            "caption": _TRAINED if run_id else _PLANNED,
            "file": f"{address(CIRCUIT_PATH)}?{urlencode(query)}",
            "minHeight": PIXELS_PER_WIRE * circuit.n_qubits + 130,
        },
    )


_TRAINED = "Trained angles in radians, of the first seed; the first RY take the features."
_PLANNED = "As set by the sliders. Once the quantum head has been trained, the gates show its angles."


def _gate(gate: Gate, angles: tuple[float, ...] | None) -> list[object]:
    """Name, wires, and the trained angles as text, if there are any."""
    numbers = [] if angles is None else [f"{angles[a.index]:.2f}" for a in gate.angles if a.source == "weight"]
    return [gate.name, list(gate.wires), *([" ".join(numbers)] if numbers else [])]


def drawn_by_pennylane(query: Mapping[str, str]) -> Future[str]:
    """PennyLane's drawing (SVG) of the circuit in the query of its address; `LabError` for one that cannot be."""
    head = head_config({"kind": "dressed_quantum"} | {name: query[name] for name in DESCRIBED if name in query})
    if not isinstance(head, DressedQuantum):
        raise LabError("kind is not possible: only a dressed quantum head has a circuit")
    circuit, angles = dressed_circuit(head), trained_angles(query["run"]) if query.get("run") else None
    if angles is not None and len(angles) != circuit.n_weights:
        raise LabError(
            f"run = {query['run']!r} has {len(angles)} angles, the circuit {circuit.n_weights}: name its own"
        )
    return _drawing(circuit, angles)


@cache
def _artist() -> ThreadPoolExecutor:
    """One thread loads PennyLane and matplotlib and draws for all: their settings are global to the process."""
    libraries = ("pennylane", "matplotlib.figure")
    return ThreadPoolExecutor(1, thread_name_prefix="circuit", initializer=load_for_good, initargs=libraries)


@lru_cache(maxsize=64)
def _drawing(circuit: Circuit, angles: tuple[float, ...] | None) -> Future[str]:
    return _artist().submit(circuit_svg, circuit, None, angles)


@st.cache_data(max_entries=64, show_spinner=False)
def trained_angles(run_id: str) -> tuple[float, ...]:
    """Angles (n_weights,) in radians of a run's first seed, as many digits as are drawn."""
    weights = jobs().store.load(run_id).weights()["circuit.weights"][0].ravel()
    return tuple((weights.round(2) + 0.0).tolist())  # -0.0 + 0.0 is 0.0
