"""The circuit as PennyLane draws it, following the sliders, with its gate counts; trained angles when there are any."""

import re
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache, lru_cache

import streamlit as st

from core.circuit.description import Circuit, dressed_circuit
from core.config.heads.dressed_quantum import DressedQuantum
from pages.ui.panel import escape, panel
from pages.ui.service import load_for_good

PIXELS_PER_WIRE = 46
"""Distance of two wires on the screen."""


@cache
def _artist() -> ThreadPoolExecutor:
    """One thread loads PennyLane and matplotlib and draws for all: their settings are global to the process."""
    libraries = ("pennylane", "matplotlib.figure")
    return ThreadPoolExecutor(1, thread_name_prefix="circuit", initializer=load_for_good, initargs=libraries)


@lru_cache(maxsize=64)
def _drawing(circuit: Circuit, angles: tuple[float, ...] | None) -> Future[str]:
    return _artist().submit(circuit.drawing, None, angles)


def drawing_ready(head: DressedQuantum, angles: tuple[float, ...] | None, wait: float = 0.0) -> bool:
    """Ask for a drawing, which is made in the background; True if it is there, after waiting so many seconds."""
    try:
        _drawing(dressed_circuit(head), angles).result(timeout=wait)
    except TimeoutError:
        return False
    return True


def circuit_view(head: DressedQuantum, angles: tuple[float, ...] | None, caption: str) -> None:
    """Show a head's circuit; while its drawing is being made, the one before it, faint.

    angles: (n_weights,) radians to write into the gates, or None; caption: where they come from.
    """
    circuit = dressed_circuit(head)
    ready = drawing_ready(head, angles)
    if ready:
        st.session_state.circuit_svg = _drawing(circuit, angles).result()
    svg = _fit(st.session_state.get("circuit_svg", "")) or '<span class="quiet">drawing …</span>'
    resources = circuit.resources()
    gates = ", ".join(f"{count} {name}" for name, count in resources.gates.items())
    counts = f"{gates} · depth {resources.depth} · {resources.n_weights} trained angles"
    look = (["plain"] if angles is None else []) + ([] if ready else ["pending"])
    what = f"Circuit of {head.n_qubits} qubits: {counts}"
    panel(
        '<div class="headline"><h2>Circuit</h2><button type="button" class="enlarge" data-file="circuit.svg" '
        f'aria-haspopup="dialog" aria-label="Show all of the circuit" {"" if ready else "disabled"}>'
        "show all of it</button></div>"
        f'<div class="scroll circuit {" ".join(look)}" role="img" tabindex="0" '
        f'aria-label="{escape(what)}">{svg}</div>'
        f'<div class="quiet"><small>{escape(counts)}<br>{escape(caption)}</small></div>',
        key="circuit",
        min_height=PIXELS_PER_WIRE * circuit.n_qubits + 130,
    )


def _fit(svg: str) -> str:
    """The SVG without its prolog, in the page's colours, sized by its wires, which PennyLane draws one inch apart."""
    scale = PIXELS_PER_WIRE / 72

    def in_pixels(size: re.Match[str]) -> str:
        return f'width="{float(size[1]) * scale:.0f}" height="{float(size[2]) * scale:.0f}"'

    sized = re.sub(r'width="([\d.]+)pt" height="([\d.]+)pt"', in_pixels, svg[max(svg.find("<svg"), 0) :], count=1)
    return sized.replace("#000000", "currentColor").replace("#ffffff", "var(--st-background-color)")
