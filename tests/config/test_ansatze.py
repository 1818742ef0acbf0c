"""A new ansatz is one file: written beside the others, it is found, trained, drawn, offered and compared."""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pennylane as qml
import pytest

from core.circuit.dressed import dressed_circuit
from core.circuit.qnode import qnode
from core.commands.train import add_arguments, config_from
from core.comparison.rivals import rivals
from core.config import ansatze
from core.config.ansatze.registry import ANSAETZE, find_ansaetze
from core.config.heads.dressed_quantum import DressedQuantum
from core.config.run import RunConfig, run_config
from core.data.banks import load_bank
from core.errors import LabError
from core.events import Finished
from core.experiment.address import from_address
from core.experiment.configs import experiment
from core.experiment.controls import ANSATZ
from core.training.loop import train

STAR = """
from core.config.ansatze.base import Ansatz
from core.config.gates import Gate

def _layer(n_qubits, layer, weights):
    for wire in range(n_qubits):
        yield Gate("RX", (wire,), (next(weights),))
        yield Gate("RZ", (wire,), (next(weights),))
    for wire in range(1, n_qubits):
        yield Gate("CZ", (0, wire))

STAR = Ansatz("star", "two angles on every qubit, CZ between the first and all others", _layer)
"""


@pytest.fixture
def star(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The name of an ansatz that one more file of the folder defines."""
    (tmp_path / "star.py").write_text(STAR)
    monkeypatch.setattr(ansatze, "__path__", [*ansatze.__path__, str(tmp_path)])
    assert "star" not in ANSAETZE
    monkeypatch.setitem(ANSAETZE, "star", find_ansaetze()["star"])
    yield "star"
    del sys.modules["core.config.ansatze.star"]


def test_the_circuit_of_a_new_ansatz_is_pennylanes(star: str) -> None:
    head = DressedQuantum(n_qubits=3, q_depth=2, ansatz=star)
    assert head.n_angles == 2 * 2 * 3

    @qml.qnode(qml.device("default.qubit", wires=3))
    def expected(inputs: np.ndarray, weights: np.ndarray) -> list[qml.measurements.ExpectationMP]:
        for wire in range(3):
            qml.Hadamard(wire)
            qml.RY(inputs[wire], wire)
        for layer in weights:
            for wire in range(3):
                qml.RX(layer[wire, 0], wire)
                qml.RZ(layer[wire, 1], wire)
            qml.CZ((0, 1))
            qml.CZ((0, 2))
        return [qml.expval(qml.PauliZ(wire)) for wire in range(3)]

    random = np.random.default_rng(0)
    inputs, weights = random.normal(size=3), random.normal(size=(2, 3, 2))
    values = np.array(qnode(dressed_circuit(head))(inputs, weights.reshape(-1)))
    np.testing.assert_allclose(values, np.array(expected(inputs, weights)), atol=1e-12)


def test_a_head_with_a_new_ansatz_trains(star: str) -> None:
    head = {"kind": "dressed_quantum", "ansatz": star, "n_qubits": 3, "q_depth": 2, "q_delta": 0.5}
    config = run_config({"dataset": "moons", "epochs": 2, "seeds": 2, "head": head})
    assert RunConfig.model_validate_json(config.model_dump_json()) == config
    started, *_, finished = train(config, load_bank(config.features))
    assert started.quantum_parameters == 2 * 2 * 3
    assert isinstance(finished, Finished)


def test_a_new_ansatz_is_in_the_menu_the_address_the_command_line_and_the_comparison(star: str) -> None:
    assert star in ANSATZ.options()
    values, problem = from_address({"ansatz": star})
    assert problem == ""
    assert experiment(values).configs[0].head.controls["ansatz"] == star

    parser = argparse.ArgumentParser()
    add_arguments(parser)
    given = parser.parse_args(["--ansatz", star])
    assert config_from(given).head == DressedQuantum(ansatz=star)
    assert DressedQuantum(ansatz=star) in [rival.head for rival in rivals(RunConfig())]


def test_an_ansatz_without_a_file_is_refused() -> None:
    with pytest.raises(LabError, match=r"ansatz = 'star' .* mari, ring, strongly_entangling"):
        run_config({"head": {"kind": "dressed_quantum", "ansatz": "star"}})
