"""A circuit as PennyLane and matplotlib draw it. Both are imported where they are used."""

import io
from collections.abc import Sequence

from core.circuit.description import Circuit
from core.circuit.qnode import PENNYLANE, qnode


def circuit_svg(circuit: Circuit, inputs: Sequence[float] | None = None, weights: Sequence[float] | None = None) -> str:
    """PennyLane's drawing as SVG text; angles are written into the gates when weights are given.

    inputs has n_inputs and weights n_weights numbers (radians); inputs that are not given are called x0, x1, ...
    """
    import matplotlib
    import numpy as np
    import pennylane as qml
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    angles = np.zeros(circuit.n_weights) if weights is None else np.asarray(weights, dtype=float)
    names = np.array([f"x{index}" for index in range(circuit.n_inputs)])
    values = names if inputs is None else np.asarray(inputs, dtype=float)
    # A figure of our own: Streamlit closes all figures of pyplot whenever a page has run.
    figure = Figure()
    FigureCanvasAgg(figure)
    text = io.StringIO()
    with PENNYLANE, matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "circuit"}):
        decimals = None if weights is None else 2
        qml.draw_mpl(qnode(circuit), decimals=decimals, style="black_white", fig=figure)(values, angles)
        figure.savefig(text, format="svg", bbox_inches="tight", transparent=True, metadata={"Date": None})
    return text.getvalue()
