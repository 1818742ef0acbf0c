"""The head of example 2 that the paper's authors released, and what it answers on the features it was trained for."""

from pathlib import Path

import numpy as np

from core.config.heads.dressed_quantum import DressedQuantum
from core.data.banks import FeatureBank
from core.data.features import Features
from core.errors import LabError
from core.paper.rows import PAPERS_CUT
from core.recipes import paper_run

FILE = Path(__file__).parent / "released" / "quantum_weights.pt"
SHA256 = "7260d645402c3e92f8fe83297fc3a4e543b89de6e0594e8009850b1517e16d1b"
FEATURES = Features("ants_bees", PAPERS_CUT)
"""The features that it was trained for; on those of another network it means nothing."""
RIGHT = 148
"""Test images, of 153, that it answers correctly according to the authors' notebook."""
CONFIG = paper_run(FEATURES.dataset, **vars(FEATURES.cut))
FIRST_ROW = 1
"""Of the 15 rows of angles: the notebook's circuit takes row k + 1 in its layer k and leaves row 0 out."""


def released_weights(file: Path = FILE) -> dict[str, np.ndarray]:
    """The head's weights by name, as `core.events.Finished.weights` has them, for one member.

    Raises `LabError` for a file that is not the one that was released.
    """
    from core.data.weights import file_sha256, read_weights

    if file_sha256(file) != SHA256:
        raise LabError(f"{file} is not the head that was released: get the laboratory again")
    state = {name: value.numpy() for name, value in read_weights(file).items()}
    head = CONFIG.head
    assert isinstance(head, DressedQuantum)
    rows = state["q_params"].reshape(-1, head.n_qubits)[FIRST_ROW : FIRST_ROW + head.q_depth]
    weights = {
        "pre.weight": state["pre_net.weight"],
        "pre.bias": state["pre_net.bias"],
        "circuit.weights": rows.ravel(),
        "post.weight": state["post_net.weight"],
        "post.bias": state["post_net.bias"],
    }
    return {name: value[None] for name, value in weights.items()}


def released_logits(bank: FeatureBank) -> np.ndarray:
    """What the released head says of each test image of this bank: (n_test, classes) float32.

    Raises `LabError` for a bank of other features than `FEATURES`.
    """
    from core.training.loop import predict

    if bank.of != FEATURES:
        raise LabError(f"The released head is not possible on {bank.of.title}: it belongs to {FEATURES.title}")
    return predict(CONFIG, released_weights(), bank.features[bank.split == "test"], len(bank.classes))[0]
