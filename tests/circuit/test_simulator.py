"""Every engine against PennyLane's default.qubit: values and both gradients, for any circuit."""

from functools import partial
from threading import Thread

import numpy as np
import pennylane as qml
import pytest
import torch
from devices import DEVICES
from hypothesis import given, seed, settings
from hypothesis import strategies as st

from core.circuit.description import Circuit
from core.circuit.dressed import dressed_circuit
from core.circuit.engine import Abilities
from core.circuit.gate_by_gate import GateByGate
from core.circuit.phase_form import LARGEST_SIZE, real_numbers
from core.circuit.qnode import qnode, queue_gates
from core.circuit.simulator import ENGINES, Simulator, expval, probabilities, simulator, states
from core.circuit.split.state import SplitState
from core.config.ansatze.registry import ANSAETZE
from core.config.gates import GATES, Angle, Gate
from core.config.heads.dressed_quantum import DressedQuantum
from core.errors import LabError

VARIANTS = {
    **ENGINES,
    "split_state, pairs": partial(SplitState, group_qubits=2),
    "split_state, no state kept": partial(SplitState, group_qubits=3, kept_bytes=0),
}
TOLERANCE = {torch.float64: 1e-12, torch.float32: 1e-6}


def engines_for(circuit):
    """All engines; the phase form, whose constants grow with the square of the state, for what a GPU gives to it."""
    large = real_numbers(circuit) > max(LARGEST_SIZE.values())
    return [name for name in VARIANTS if not (large and name == "phase_form")]


def random_arguments(circuit, members, batch, key=0):
    generator = torch.Generator().manual_seed(key)
    shapes = (
        (members, batch, circuit.n_inputs),
        (members, circuit.n_weights),
        (members, batch, len(circuit.observables)),
    )
    return [torch.randn(shape, generator=generator, dtype=torch.float64) for shape in shapes]


def by_pennylane(circuit, inputs, weights, grad_expvals):
    """Values, gradients with respect to inputs and to weights: default.qubit, sample by sample, float64."""
    node = qnode(circuit, interface="torch", diff_method="backprop")
    inputs, weights = inputs.clone().requires_grad_(), weights.clone().requires_grad_()
    values = torch.stack(
        [torch.stack([torch.stack(node(x, w)) for x in rows]) for rows, w in zip(inputs, weights, strict=True)]
    ).double()
    if not values.requires_grad:
        return values, torch.zeros_like(inputs), torch.zeros_like(weights)
    grads = torch.autograd.grad(values, (inputs, weights), grad_expvals, allow_unused=True)
    return values.detach(), *(
        torch.zeros_like(a) if g is None else g for a, g in zip((inputs, weights), grads, strict=True)
    )


def by_engine(name, circuit, arguments, dtype=torch.float64, device="cpu"):
    engine = VARIANTS[name](circuit, dtype, torch.device(device))
    inputs, weights, grad_expvals = (argument.to(device, dtype) for argument in arguments)
    values, saved = engine.forward(inputs, weights)
    return values, *engine.backward(saved, grad_expvals, True, True)


def by_expval(circuit, inputs, weights, grad_expvals):
    """As `by_pennylane`, by the operation that users call."""
    inputs, weights = inputs.clone().requires_grad_(), weights.clone().requires_grad_()
    values = expval(circuit, inputs, weights)
    torch.testing.assert_close(expval(circuit, inputs.detach(), weights.detach()), values.detach(), rtol=0, atol=1e-12)
    return values.detach(), *torch.autograd.grad(values, (inputs, weights), grad_expvals)


def assert_same(measured, expected, circuit, dtype=torch.float64):
    """Largest difference within the tolerance; in float32 relative to the largest entry, times the root of the number
    of gates, since rounding adds up over them."""
    for name, a, b in zip(("values", "grad_inputs", "grad_weights"), measured, expected, strict=True):
        assert a.dtype == dtype
        assert a.shape == b.shape
        if b.numel():
            scale = max(1.0, b.abs().max().item()) * len(circuit.gates) ** 0.5 if dtype == torch.float32 else 1.0
            assert (a.cpu().double() - b).abs().max().item() <= TOLERANCE[dtype] * scale, name


@st.composite
def circuits(draw, n_qubits, real=False):
    n_inputs, n_weights = draw(st.integers(0, 3)), draw(st.integers(0, 4))
    sources = ["constant"] + ["input"] * (n_inputs > 0) + ["weight"] * (n_weights > 0)
    names = [name for name, kind in GATES.items() if kind.n_wires <= n_qubits and (kind.real or not real)]

    def angle():
        source = draw(st.sampled_from(sources))
        index = draw(st.integers(0, {"input": n_inputs, "weight": n_weights}.get(source, 1) - 1))
        return Angle(source, index, draw(st.sampled_from([0.0, 0.7, -2.1])))

    gates = []
    for name in draw(st.lists(st.sampled_from(names), min_size=1, max_size=14 + 3 * n_qubits)):
        chosen = draw(st.permutations(range(n_qubits)))[: GATES[name].n_wires]
        gates.append(Gate(name, tuple(chosen), tuple(angle() for _ in range(GATES[name].n_angles))))
    observables = draw(
        st.lists(st.tuples(st.sampled_from("XYZ"), st.integers(0, n_qubits - 1)), min_size=1, max_size=4)
    )
    return Circuit(n_qubits, tuple(gates), n_inputs, n_weights, tuple(observables))


@pytest.mark.parametrize("n_qubits", range(1, 11))
def test_random_circuits_agree_with_pennylane(n_qubits):
    @seed(1)
    @settings(max_examples=30 if n_qubits <= 6 else 10, deadline=None, database=None)
    @given(st.booleans().flatmap(lambda real: circuits(n_qubits, real)), st.integers(0, 1000))
    def check(circuit, key):
        arguments = random_arguments(circuit, members=2, batch=2, key=key)
        expected = by_pennylane(circuit, *arguments)
        for name in engines_for(circuit):
            for device in DEVICES:
                assert_same(by_engine(name, circuit, arguments, device=device), expected, circuit)
                single = by_engine(name, circuit, arguments, torch.float32, device)
                assert_same(single, expected, circuit, torch.float32)
        assert_same(by_expval(circuit, *arguments), expected, circuit)

    check()


@pytest.mark.parametrize("n_qubits", range(2, 11))
@pytest.mark.parametrize("ansatz", ANSAETZE)
@pytest.mark.parametrize("device", DEVICES)
def test_every_ansatz_agrees_with_pennylane(device, ansatz, n_qubits):
    heads = [
        DressedQuantum(n_qubits=n_qubits, q_depth=3, ansatz=ansatz, reuploads=2),
        DressedQuantum(n_qubits=n_qubits, q_depth=2, ansatz=ansatz, ablation="shuffled_entanglers"),
        DressedQuantum(n_qubits=n_qubits, q_depth=2, ansatz=ansatz, ablation="no_entanglers"),
    ]
    for circuit in map(dressed_circuit, heads[: 3 if n_qubits < 7 else 2]):
        arguments = random_arguments(circuit, members=1, batch=2)
        expected = by_pennylane(circuit, *arguments)
        for name in engines_for(circuit):
            assert_same(by_engine(name, circuit, arguments, device=device), expected, circuit)
            single = by_engine(name, circuit, arguments, torch.float32, device)
            assert_same(single, expected, circuit, torch.float32)


@pytest.mark.parametrize("n_qubits", [4, 9])
@pytest.mark.parametrize("device", DEVICES)
def test_members_equal_singles(n_qubits, device):
    circuit = dressed_circuit(DressedQuantum(n_qubits=n_qubits, q_depth=3))
    arguments = random_arguments(circuit, members=5, batch=3)
    for name in engines_for(circuit):
        together = by_engine(name, circuit, arguments, device=device)
        for member in range(5):
            alone = by_engine(name, circuit, [a[member : member + 1] for a in arguments], device=device)
            for many, one in zip(together, alone, strict=True):
                torch.testing.assert_close(many[member : member + 1], one, rtol=0, atol=1e-13)


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize("ansatz", ["mari", "strongly_entangling"])
def test_states_and_probabilities_agree_with_pennylane(name, ansatz):
    circuit = dressed_circuit(DressedQuantum(n_qubits=5, q_depth=3, ansatz=ansatz))
    inputs, weights, _ = random_arguments(circuit, members=2, batch=2)

    @qml.qnode(qml.device("default.qubit", wires=5))
    def node(x, w):
        queue_gates(circuit, x, w)
        return qml.state()

    expected = np.array([[node(x.numpy(), w.numpy()) for x in rows] for rows, w in zip(inputs, weights, strict=True)])
    run = Simulator(circuit, torch.float64, engine=name)
    np.testing.assert_allclose(run.states(inputs, weights).numpy(), expected, atol=1e-12)
    np.testing.assert_allclose(states(circuit, inputs, weights).numpy(), expected, atol=1e-12)
    np.testing.assert_allclose(probabilities(circuit, inputs, weights).numpy(), abs(expected) ** 2, atol=1e-12)


@pytest.mark.parametrize(
    ("n_qubits", "ansatz", "rows", "device", "expected"),
    [
        (4, "mari", 1 << 20, "cpu", "phase_form"),
        (6, "mari", 256, "cpu", "phase_form"),
        (6, "mari", 257, "cpu", "split_state"),
        (5, "strongly_entangling", 257, "cpu", "split_state"),
        (8, "mari", 1, "cpu", "split_state"),
        (8, "mari", 1 << 16, "meta", "phase_form"),
        (8, "mari", (1 << 16) + 1, "meta", "split_state"),
        (8, "strongly_entangling", (1 << 11) + 1, "meta", "split_state"),
        (12, "mari", 1, "meta", "split_state"),
    ],
)
def test_the_cheapest_engine_is_chosen(n_qubits, ansatz, rows, device, expected):
    """Thresholds as they were measured; what is not a processor counts as a GPU, and meta needs none."""
    circuit = dressed_circuit(DressedQuantum(n_qubits=n_qubits, q_depth=2, ansatz=ansatz))
    assert Simulator(circuit, device=device).chosen(rows) == expected


class Free(GateByGate):
    """An engine that costs nothing and can do little."""

    abilities = Abilities(
        max_qubits=3, gates=frozenset({"H", "RY", "CNOT"}), late_inputs=False, devices=frozenset({"cpu"})
    )

    @staticmethod
    def cost(circuit, accelerator, rows):
        return 0


@pytest.mark.parametrize(
    ("head", "device", "reason"),
    [
        (DressedQuantum(n_qubits=3, q_depth=2), "cpu", ""),
        (DressedQuantum(n_qubits=4, q_depth=2), "cpu", "up to 3 qubits"),
        (DressedQuantum(n_qubits=3, q_depth=2, reuploads=2), "cpu", "embeds its data again"),
        (DressedQuantum(n_qubits=3, q_depth=2, ansatz="strongly_entangling"), "cpu", "gates Rot"),
        (DressedQuantum(n_qubits=3, q_depth=2), "meta", "computes on cpu alone"),
    ],
)
def test_an_engine_is_chosen_where_it_is_able_and_refused_by_name_where_not(head, device, reason, monkeypatch):
    monkeypatch.setitem(ENGINES, "free", Free)
    circuit = dressed_circuit(head)
    if not reason:
        assert Simulator(circuit, device=device).chosen(4) == "free"
        inputs, weights, _ = random_arguments(circuit, members=1, batch=4)
        assert type(Simulator(circuit, torch.float64).forward(inputs, weights)[1][0]) is Free
        return
    assert Simulator(circuit, device=device).chosen(4) == "phase_form"
    with pytest.raises(LabError, match=reason):
        Simulator(circuit, device=device, engine="free")


def test_an_unknown_engine_is_refused():
    circuit = dressed_circuit(DressedQuantum(n_qubits=2, q_depth=1))
    inputs, weights, _ = random_arguments(circuit, members=1, batch=1)
    with pytest.raises(LabError, match="choose one of phase_form, split_state, gate_by_gate"):
        expval(circuit, inputs, weights, engine="abacus")


def test_twenty_qubits():
    """A chain of CNOTs and its inverse between two rotations is nothing: ⟨Z_q⟩ = −sin(x_q + θ_q)."""
    n = 20
    chain = [Gate("CNOT", (q, q + 1)) for q in range(n - 1)]
    gates = [Gate("H", (q,)) for q in range(n)] + [Gate("RY", (q,), (Angle("input", q),)) for q in range(n)]
    gates += [*chain, *chain[::-1]] + [Gate("RY", (q,), (Angle("weight", q),)) for q in range(n)]
    circuit = Circuit(n, tuple(gates), n, n, tuple(("Z", q) for q in range(n)))
    for dtype, tolerance in ((torch.float64, 1e-11), (torch.float32, 1e-4)):
        inputs, weights, _ = (a.to(dtype) for a in random_arguments(circuit, members=1, batch=1))
        run = simulator(circuit, dtype)
        values, saved = run.forward(inputs, weights)
        torch.testing.assert_close(values, -torch.sin(inputs + weights), rtol=0, atol=tolerance)
        grad_inputs, grad_weights = run.backward(saved, torch.ones_like(values))
        torch.testing.assert_close(grad_inputs, -torch.cos(inputs + weights), rtol=0, atol=tolerance)
        torch.testing.assert_close(grad_weights, -torch.cos(inputs + weights)[:, 0], rtol=0, atol=tolerance)


@pytest.mark.parametrize("n_qubits", [3, 8])
def test_large_batches_are_evaluated_in_parts(n_qubits):
    circuit = dressed_circuit(DressedQuantum(n_qubits=n_qubits, q_depth=2))
    run = Simulator(circuit, torch.float64)
    samples = (1 << 18 >> n_qubits) // 2 * 2 + 7  # with two members: three parts, the last one smaller
    inputs, weights, _ = random_arguments(circuit, members=2, batch=samples)
    torch.testing.assert_close(run.expval(inputs, weights), run.forward(inputs, weights)[0], rtol=0, atol=1e-13)


@pytest.mark.parametrize("n_qubits", [4, 8])
def test_passes_may_overlap(n_qubits):
    """A forward pass does not disturb what an earlier one saved, in one thread or in several."""
    circuit = dressed_circuit(DressedQuantum(n_qubits=n_qubits, q_depth=3))
    run = Simulator(circuit, torch.float64)
    arguments = [random_arguments(circuit, members=2, batch=4, key=key) for key in range(4)]
    expected = [by_engine("gate_by_gate", circuit, given) for given in arguments]
    passes = [(run.forward(inputs, weights), grad) for inputs, weights, grad in arguments]
    for ((values, saved), grad), right in zip(passes, expected, strict=True):
        assert_same((values, *run.backward(saved, grad)), right, circuit)

    results: list = [None] * len(arguments)

    def work(index):
        inputs, weights, grad = arguments[index]
        for _ in range(20):
            values, saved = run.forward(inputs, weights)
            results[index] = (values, *run.backward(saved, grad))

    threads = [Thread(target=work, args=(index,)) for index in range(len(arguments))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for result, right in zip(results, expected, strict=True):
        assert_same(result, right, circuit)


def test_only_the_gradients_that_are_needed():
    for n_qubits in (4, 8):
        circuit = dressed_circuit(DressedQuantum(n_qubits=n_qubits, q_depth=2))
        inputs, weights, grad = random_arguments(circuit, members=1, batch=2)
        run = simulator(circuit, torch.float64)
        both = run.backward(run.forward(inputs, weights)[1], grad)
        only_inputs = run.backward(run.forward(inputs, weights)[1], grad, need_weights=False)
        only_weights = run.backward(run.forward(inputs, weights)[1], grad, need_inputs=False)
        assert only_inputs[1] is None
        assert only_weights[0] is None
        torch.testing.assert_close(only_inputs[0], both[0], rtol=0, atol=0)
        torch.testing.assert_close(only_weights[1], both[1], rtol=0, atol=0)


def test_expval_is_an_operation_of_torch():
    circuit = dressed_circuit(DressedQuantum(n_qubits=3, q_depth=2))
    inputs, weights, _ = random_arguments(circuit, members=2, batch=3)
    inputs.requires_grad_()
    weights.requires_grad_()
    assert torch.autograd.gradcheck(partial(expval, circuit), (inputs, weights))
    one_weights = weights[0].detach().requires_grad_()
    assert torch.autograd.gradcheck(partial(expval, circuit), (inputs[0], one_weights))
    assert torch.autograd.gradcheck(partial(expval, circuit), (inputs[0, 0], one_weights))
    assert torch.autograd.gradcheck(partial(expval, circuit), (inputs, one_weights))
    assert expval(circuit, inputs[:, None], weights).shape == (2, 2, 3, 3)


def test_expval_may_be_differentiated_again_when_the_graph_is_kept():
    circuit = dressed_circuit(DressedQuantum(n_qubits=3, q_depth=2))
    inputs, weights, grad = random_arguments(circuit, members=1, batch=3)
    weights.requires_grad_()
    values = expval(circuit, inputs, weights)
    (first,) = torch.autograd.grad(values, weights, grad, retain_graph=True)
    expval(circuit, inputs + 1, weights).sum().backward()
    (second,) = torch.autograd.grad(values, weights, grad)
    torch.testing.assert_close(first, second, rtol=0, atol=0)


def test_expval_of_no_samples_is_part_of_the_graph():
    circuit = dressed_circuit(DressedQuantum(n_qubits=3, q_depth=2))
    for lead in [(), (2,)]:
        inputs = torch.zeros(*lead, 0, circuit.n_inputs, requires_grad=True)
        weights = torch.zeros(*lead, circuit.n_weights, requires_grad=True)
        values = expval(circuit, inputs, weights)
        assert values.shape == (*lead, 0, 3)
        values.sum().backward()
        assert not weights.grad.any()
    assert states(circuit, torch.zeros(2, 0, 3), torch.zeros(2, circuit.n_weights)).shape == (2, 0, 8)


@pytest.mark.parametrize("reuploads", [1, 2])
def test_an_input_that_was_changed_in_place_is_noticed(reuploads):
    circuit = dressed_circuit(DressedQuantum(n_qubits=4, q_depth=2, reuploads=reuploads))
    inputs, weights, _ = random_arguments(circuit, members=1, batch=2)
    values = expval(circuit, inputs, weights.requires_grad_()).sum()
    inputs.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        values.backward()


@pytest.mark.parametrize(
    ("inputs", "weights", "message"),
    [
        (torch.zeros(2, 3), torch.zeros(6), "the last dimension must be 2"),
        (torch.zeros(2, 2), torch.zeros(5), "the last dimension must be 4"),
        (torch.zeros(2, 2), torch.zeros(4, dtype=torch.float64), "float32 or float64 for both"),
        (torch.zeros(2, 2, dtype=torch.int64), torch.zeros(4, dtype=torch.int64), "float32 or float64 for both"),
    ],
)
def test_arguments_that_do_not_fit_are_refused_in_one_sentence(inputs, weights, message):
    circuit = dressed_circuit(DressedQuantum(n_qubits=2, q_depth=2))
    for call in (expval, states):
        with pytest.raises(LabError, match=message):
            call(circuit, inputs, weights)
    with pytest.raises(LabError, match="members, samples, inputs"):
        states(circuit, torch.zeros(3, 1, 2), torch.zeros(1, 4))


def test_expval_has_no_second_derivative():
    circuit = dressed_circuit(DressedQuantum(n_qubits=2, q_depth=1))
    inputs, weights, _ = random_arguments(circuit, members=1, batch=1)
    weights.requires_grad_()
    with pytest.raises(LabError, match="no second derivative"):
        torch.autograd.grad(expval(circuit, inputs, weights).sum(), weights, create_graph=True)
