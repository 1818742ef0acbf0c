"""Circuits against PennyLane's own templates, drawing and resource count."""

import numpy as np
import pennylane as qml
import pytest

from core.circuit.description import Circuit
from core.circuit.drawing import circuit_svg
from core.circuit.dressed import dressed_blocks, dressed_circuit
from core.circuit.qnode import qnode
from core.config.ansatze.registry import ANSAETZE
from core.config.gates import Angle, Gate
from core.config.heads.dressed_quantum import DressedQuantum
from core.errors import LabError


def rotations_of(circuit):
    """(wire, source, index) of every angle, in order."""
    return [(gate.wires[-1], angle.source, angle.index) for gate in circuit.gates for angle in gate.angles]


def expected_values(template, n, inputs, weights):
    """⟨Z⟩ on every qubit after H, RY(inputs) and a PennyLane template."""

    @qml.qnode(qml.device("default.qubit", wires=n))
    def node():
        for q in range(n):
            qml.Hadamard(q)
            qml.RY(inputs[q], q)
        template(weights)
        return [qml.expval(qml.PauliZ(q)) for q in range(n)]

    return np.array(node())


def paper_layers(weights):
    depth, n = weights.shape
    for k in range(depth):
        for q in [*range(0, n - 1, 2), *range(1, n - 1, 2)]:
            qml.CNOT((q, q + 1))
        for q in range(n):
            qml.RY(weights[k, q], q)


@pytest.mark.parametrize("n", [2, 3, 4, 5])
@pytest.mark.parametrize(
    ("ansatz", "template", "angles"),
    [
        ("mari", paper_layers, ()),
        ("ring", lambda w: qml.BasicEntanglerLayers(w, wires=range(w.shape[1]), rotation=qml.RY), ()),
        ("strongly_entangling", lambda w: qml.StronglyEntanglingLayers(w, wires=range(w.shape[1])), (3,)),
    ],
)
def test_ansatz_is_pennylanes(ansatz, template, angles, n):
    circuit = dressed_circuit(DressedQuantum(n_qubits=n, q_depth=4, ansatz=ansatz))
    random = np.random.default_rng(n)
    inputs, weights = random.normal(size=n), random.normal(size=(4, n, *angles))
    assert circuit.n_weights == weights.size
    values = np.array(qnode(circuit)(inputs, weights.reshape(-1)))
    np.testing.assert_allclose(values, expected_values(template, n, inputs, weights), atol=1e-12)


@pytest.mark.parametrize("ansatz", ANSAETZE)
def test_every_layer_of_an_ansatz_has_weights_of_its_own(ansatz):
    circuit = dressed_circuit(DressedQuantum(n_qubits=4, q_depth=3, ansatz=ansatz))
    indices = [index for _, source, index in rotations_of(circuit) if source == "weight"]
    assert indices[: len(indices) // 3] == list(range(circuit.n_weights // 3))
    assert sorted(indices) == list(range(circuit.n_weights))


@pytest.mark.parametrize(
    ("gates", "late"),
    [
        ([("RY", 0, "input"), ("RY", 1, "weight"), ("RY", 0, "input")], False),
        ([("RY", 1, "weight"), ("RY", 0, "input")], False),
        ([("RY", 0, "weight"), ("RY", 0, "input")], True),
        ([("RY", 0, "weight"), ("CNOT", None, None), ("RY", 1, "input")], True),
    ],
)
def test_inputs_are_late_where_a_weight_acts_before_them(gates, late):
    gates = [Gate(n, (0, 1) if wire is None else (wire,), (Angle(s),) if s else ()) for n, wire, s in gates]
    assert Circuit(2, tuple(gates), 1, 1, (("Z", 0),)).takes_inputs_late == late


def test_data_is_embedded_again_at_evenly_spread_layers():
    circuit = dressed_circuit(DressedQuantum(n_qubits=2, q_depth=6, reuploads=3))
    order = [source for wire, source, _ in rotations_of(circuit) if wire == 0]
    assert order == ["input", "weight", "weight"] * 3
    assert [index for wire, source, index in rotations_of(circuit) if source == "input" and wire == 1] == [1, 1, 1]


def test_ablations_change_the_entanglers_alone():
    def split(ablation, seed=0):
        circuit = dressed_circuit(DressedQuantum(n_qubits=4, q_depth=3, ablation=ablation), seed)
        return [g.wires for g in circuit.gates if g.name == "CNOT"], [g for g in circuit.gates if g.name != "CNOT"]

    pairs, rest = split("none")
    assert split("no_entanglers") == ([], rest)
    shuffled, shuffled_rest = split("shuffled_entanglers")
    assert shuffled_rest == rest
    assert len(shuffled) == len(pairs) == 9
    assert shuffled != pairs
    assert shuffled[:3] != shuffled[3:6], "one relabelling of all layers would be the same circuit"
    assert shuffled == split("shuffled_entanglers")[0]
    assert shuffled != split("shuffled_entanglers", seed=1)[0]
    assert split("near_zero") == split("random_angles") == (pairs, rest)


@pytest.mark.parametrize("ansatz", ANSAETZE)
def test_resources_are_pennylanes(ansatz):
    circuit = dressed_circuit(DressedQuantum(n_qubits=5, q_depth=3, ansatz=ansatz, reuploads=2))
    resources = circuit.resources()
    specs = qml.specs(qnode(circuit))(np.zeros(5), np.ones(circuit.n_weights))["resources"]
    names = {"H": "Hadamard"}
    assert {names.get(name, name): count for name, count in resources.gates.items()} == dict(specs.gate_types)
    assert resources.depth == specs.depth
    assert (resources.n_qubits, resources.n_inputs, resources.n_weights) == (5, 5, circuit.n_weights)


def test_drawing_shows_the_angles_it_is_given():
    circuit = dressed_circuit(DressedQuantum(n_qubits=2, q_depth=1))
    plain, trained = circuit_svg(circuit), circuit_svg(circuit, weights=[0.25, -1.5])
    assert plain.lstrip().startswith("<?xml")
    assert "RY" in plain
    assert "0.25" not in plain
    assert "0.25" in trained
    assert "-1.50" in trained or "−1.50" in trained
    assert circuit_svg(circuit) == plain


def test_equal_descriptions_are_one_key():
    head = DressedQuantum(n_qubits=3, q_depth=2)
    assert dressed_circuit(head) == dressed_circuit(head)
    assert len({dressed_circuit(head), dressed_circuit(head)}) == 1
    assert dressed_circuit(head) != dressed_circuit(DressedQuantum(n_qubits=3, q_depth=3))


@pytest.mark.parametrize(
    ("gates", "observables", "word"),
    [
        ([Gate("RY", (3,), (Angle("weight", 0),))], [], "wire = 3"),
        ([Gate("RY", (0,), (Angle("weight", 2),))], [], "index=2"),
        ([Gate("RY", (0,), (Angle("input", 0),))], [], "0 inputs"),
        ([Gate("CNOT", (1, 1))], [], "2 wires"),
        ([Gate("RY", (0,))], [], "1 angles"),
        ([Gate("Toffoli", (0, 1))], [], "Toffoli"),
        ([], [("Z", 2)], "wire = 2"),
        ([], [("A", 0)], "X, Y or Z"),
    ],
)
def test_impossible_circuits_are_refused_in_one_sentence(gates, observables, word):
    with pytest.raises(LabError, match=word) as caught:
        Circuit(2, tuple(gates), n_inputs=0, n_weights=2, observables=tuple(observables))
    assert "\n" not in str(caught.value)
    assert ". " not in str(caught.value)


def test_more_than_twenty_qubits_are_refused():
    with pytest.raises(LabError, match="1 to 20"):
        Circuit(21, (), 0, 0, ())


@pytest.mark.parametrize(("ansatz", "n", "period"), [("mari", 4, 1), ("ring", 3, 1), ("strongly_entangling", 5, 4)])
def test_layers_repeat_after_their_period(ansatz, n, period):
    blocks = dressed_blocks(DressedQuantum(n_qubits=n, q_depth=9, ansatz=ansatz, reuploads=3))
    assert blocks.period == period
    assert blocks.embedded_before == {0, 3, 6}
    wires = [[gate.wires for gate in layer] for layer in blocks.layers]
    assert all(wires[layer] == wires[layer % period] for layer in range(9))
    assert all(wires[0] != wires[layer] for layer in range(1, period))
    rotations = [gate for gate in blocks.gates() if gate.takes("input")]
    assert len(rotations) == 3 * n
