"""The circuit that the controls describe, drawn by the browser; as a file it is PennyLane's drawing."""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache, lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import streamlit as st

from core.circuit.description import Circuit
from core.circuit.drawing import circuit_svg
from core.circuit.dressed import dressed_blocks, dressed_circuit
from core.config.gates import Gate
from core.config.heads.dressed_quantum import DressedQuantum
from core.config.run import head_config
from core.errors import LabError
from core.experiment.controls import N_QUBITS, Q_DEPTH
from pages.ui import wording
from pages.ui.routes import CIRCUIT_PATH, CIRCUITS_PATH, address
from pages.ui.service import jobs, load_for_good

PIXELS_PER_WIRE = 46
"""Distance of two wires on the screen, as in circuit.js."""
SIZES = ("n_qubits", "q_depth")
"""Those that a slider of the same name sets."""
DESCRIBED = (*SIZES, "ansatz", "reuploads")
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
    query = {name: getattr(head, name) for name in DESCRIBED} | ({"run": run_id} if run_id else {})
    of_every_size = {name: getattr(head, name) for name in DESCRIBED if name not in SIZES}
    _circuit(
        key="circuit",
        data={
            "blocks": _blocks(head, angles),
            "choices": f"{address(CIRCUITS_PATH)}?{urlencode(of_every_size)}",
            "caption": wording.CIRCUIT_TRAINED if run_id else wording.CIRCUIT_PLANNED,
            "planned": wording.CIRCUIT_PLANNED,
            "file": f"{address(CIRCUIT_PATH)}?{urlencode(query)}",
            "minHeight": PIXELS_PER_WIRE * head.n_qubits + 150,
        },
    )


def _blocks(head: DressedQuantum, angles: Sequence[float] | None = None) -> dict[str, Any]:
    """The blocks of a head's circuit for circuit.js; angles (n_weights,) radians are written into the gates."""
    blocks = dressed_blocks(head)

    def described(gates: Iterable[Gate]) -> list[object]:
        return [[gate.name, gate.wires, _trained(gate, angles)] for gate in gates]

    return {
        "wires": blocks.n_qubits,
        "preparation": described(blocks.preparation),
        "embedding": described(blocks.embedding),
        "embedded": sorted(blocks.embedded_before),
        "layers": [described(layer) for layer in blocks.layers],
        "period": blocks.period,
    }


def _trained(gate: Gate, angles: Sequence[float] | None) -> int | list[float]:
    """The gate's trained angles, or how many there are while they are not known."""
    indices = [angle.index for angle in gate.angles if angle.source == "weight"]
    return len(indices) if angles is None or not indices else [angles[index] for index in indices]


def circuits_of_every_size(query: Mapping[str, str]) -> dict[str, Any]:
    """What a browser needs to draw a circuit of any size that the sliders reach; `LabError` for one that cannot be.

    "sizes" has the blocks for each number of qubits, with those layers alone that are different; "embedded" has for
    each depth the layers that the embedding stands before.
    """
    low, high = N_QUBITS.bounds
    deepest = _head(query, q_depth=Q_DEPTH.bounds[1])
    reuploads = deepest.reuploads
    heads = [_head(query, q_depth=depth) for depth in range(reuploads, deepest.q_depth + 1)]
    sizes = {n_qubits: _blocks(deepest.model_copy(update={"n_qubits": n_qubits})) for n_qubits in range(low, high + 1)}
    return {
        "sizes": {n: {**blocks, "layers": blocks["layers"][: blocks["period"]]} for n, blocks in sizes.items()},
        "embedded": {head.q_depth: sorted(dressed_blocks(head).embedded_before) for head in heads},
    }


def _head(query: Mapping[str, str], **sizes: int) -> DressedQuantum:
    """The dressed quantum head that a query describes, with other sizes; `LabError` for one that cannot be."""
    given = {name: query[name] for name in DESCRIBED if name in query} | sizes
    head = head_config({"kind": DressedQuantum().kind} | given)
    assert isinstance(head, DressedQuantum)
    return head


def drawn_by_pennylane(query: Mapping[str, str]) -> Future[str]:
    """PennyLane's drawing (SVG) of the circuit in the query of its address; `LabError` for one that cannot be."""
    circuit, angles = dressed_circuit(_head(query)), trained_angles(query["run"]) if query.get("run") else None
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
