"""The same circuit in other simulators, for `core.bench.step`; each is imported only when it is used.

An adapter turns a `Circuit` of H, RY and CNOT gates with ⟨Z⟩ on every qubit into a layer of its library: a function of
inputs (batch, n_qubits) to expectation values (batch, n_qubits) that is differentiable in the inputs and in its
parameters, which begin as ``weights``. Where a library offers several ways, the fastest we know is taken.
"""

import os
from collections.abc import Callable
from importlib import import_module
from typing import Any

import torch
from torch import Tensor, nn

from core.circuit.description import Circuit
from core.circuit.moments import bit
from core.circuit.qnode import qnode
from core.config.gates import Angle

TorchLayer = tuple[Callable[[Tensor], Tensor], list[Tensor]]
"""The function and its parameters."""


def signs(n_qubits: int) -> Tensor:
    """(2^n, n): +1 where a qubit is 0, −1 where it is 1."""
    columns = [torch.tensor(1.0 - 2 * bit(wire, n_qubits), dtype=torch.float32) for wire in range(n_qubits)]
    return torch.stack(columns, 1)


def pennylane_loop(circuit: Circuit, weights: Tensor) -> TorchLayer:
    """default.qubit, one sample after the other: the way of PennyLane's tutorial on transfer learning."""
    node = qnode(circuit, interface="torch", diff_method="backprop")
    angles = nn.Parameter(weights.clone())

    def layer(inputs: Tensor) -> Tensor:
        return torch.stack([torch.stack(list(node(sample, angles))) for sample in inputs]).float()

    return layer, [angles]


def pennylane_broadcast(circuit: Circuit, weights: Tensor) -> TorchLayer:
    """default.qubit, all samples in one execution (parameter broadcasting), backpropagation."""
    node = qnode(circuit, interface="torch", diff_method="backprop")
    angles = nn.Parameter(weights.clone())
    return lambda inputs: torch.stack(list(node(inputs, angles)), -1).float(), [angles]


def lightning(circuit: Circuit, weights: Tensor) -> TorchLayer:
    """lightning.qubit, PennyLane's C++ simulator, adjoint differentiation."""
    import pennylane as qml

    device = qml.device("lightning.qubit", wires=circuit.n_qubits)
    node = qnode(circuit, device, interface="torch", diff_method="adjoint")
    angles = nn.Parameter(weights.clone())

    def layer(inputs: Tensor) -> Tensor:
        return torch.stack([torch.stack(list(node(sample, angles))) for sample in inputs]).float()

    return layer, [angles]


def torchquantum(circuit: Circuit, weights: Tensor) -> TorchLayer:
    """torchquantum's functional gates on a batched device."""
    tq, tqf = import_module("torchquantum"), import_module("torchquantum.functional")
    angles = nn.Parameter(weights.clone())
    measure = tq.MeasureAll(tq.PauliZ)

    def layer(inputs: Tensor) -> Tensor:
        device = tq.QuantumDevice(n_wires=circuit.n_qubits, bsz=len(inputs))
        for gate in circuit.gates:
            match gate.name:
                case "H":
                    tqf.hadamard(device, wires=gate.wires[0])
                case "CNOT":
                    tqf.cnot(device, wires=list(gate.wires))
                case _:
                    tqf.ry(device, wires=gate.wires[0], params=_value(gate.angles[0], inputs, angles))
        return measure(device)

    return layer, [angles]


def deepquantum(circuit: Circuit, weights: Tensor) -> TorchLayer:
    """deepquantum's QubitCircuit: data are encoded, weights are the circuit's own parameters."""
    dq = import_module("deepquantum")
    cir = dq.QubitCircuit(circuit.n_qubits)
    for gate in circuit.gates:
        match gate.name:
            case "H":
                cir.h(gate.wires[0])
            case "CNOT":
                cir.cnot(*gate.wires)
            case _:
                cir.ry(gate.wires[0], encode=gate.angles[0].source == "input")
    for wire in range(circuit.n_qubits):
        cir.observable(wire)
    angles = [parameter for parameter in cir.parameters() if parameter.requires_grad]
    with torch.no_grad():
        for parameter, weight in zip(angles, weights, strict=True):
            parameter.fill_(float(weight))

    def layer(inputs: Tensor) -> Tensor:
        cir(data=inputs)
        return cir.expectation()

    return layer, list(angles)


def qandle(circuit: Circuit, weights: Tensor) -> TorchLayer:
    """qandle's circuit of matrices; every angle is a named input."""
    qd = import_module("qandle")
    operations = []
    for gate in circuit.gates:
        match gate.name:
            case "H":
                half = torch.tensor([[1.0, 1.0], [1.0, -1.0]], dtype=torch.cfloat) * 0.5**0.5
                operations.append(qd.operators.U(gate.wires[0], half))
            case "CNOT":
                operations.append(qd.CNOT(*gate.wires))
            case _:
                operations.append(qd.RY(gate.wires[0], name=_name(gate.angles[0]), remapping=None))
    cir = qd.Circuit(operations, num_qubits=circuit.n_qubits)
    angles, table = nn.Parameter(weights.clone()), signs(circuit.n_qubits)

    def layer(inputs: Tensor) -> Tensor:
        return cir(**_named(inputs, angles)).abs().square() @ table

    return layer, [angles]


def pyqtorch(circuit: Circuit, weights: Tensor) -> TorchLayer:
    """pyqtorch's QuantumCircuit, one run for all samples, differentiated by torch."""
    pyq = import_module("pyqtorch")
    operations: list[Any] = []
    for gate in circuit.gates:
        match gate.name:
            case "H":
                operations.append(pyq.H(gate.wires[0]))
            case "CNOT":
                operations.append(pyq.CNOT(*gate.wires))
            case _:
                operations.append(pyq.RY(gate.wires[0], _name(gate.angles[0])))
    cir = pyq.QuantumCircuit(circuit.n_qubits, operations)
    angles, table = nn.Parameter(weights.clone()), signs(circuit.n_qubits)

    def layer(inputs: Tensor) -> Tensor:
        state = pyq.run(cir, values=_named(inputs, angles))  # (2, …, 2, batch)
        return state.abs().square().float().flatten(0, -2).t() @ table

    return layer, [angles]


TORCH_LAYERS: dict[str, Callable[[Circuit, Tensor], TorchLayer]] = {
    "pennylane_loop": pennylane_loop,
    "pennylane_broadcast": pennylane_broadcast,
    "lightning": lightning,
    "pyqtorch": pyqtorch,
    "deepquantum": deepquantum,
    "torchquantum": torchquantum,
    "qandle": qandle,
}


def tensorcircuit_step(
    circuit: Circuit, x: Tensor, labels: Tensor, start: dict[str, Tensor], from_state: bool
) -> Callable[[], float]:
    """A whole training step in TensorCircuit-NG on JAX: jit, vmap over samples and members, Adam.

    Expectation values come from its ``expectation_ps``, one contraction for each qubit, as its documentation has it;
    or, from_state, all from the amplitudes, which is faster for many qubits. x is (members, batch, n_features), labels
    (members, batch), start the weights by name, each with a leading member dimension. The function returns the loss of
    the first member.
    """
    flags = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    if torch.get_num_threads() == 1:
        os.environ.setdefault("XLA_FLAGS", flags)
    jax, jnp, tc = (import_module(name) for name in ("jax", "jax.numpy", "tensorcircuit"))
    tc.set_backend("jax")
    tc.set_dtype("complex64")
    table = jnp.asarray(signs(circuit.n_qubits).numpy())

    def expectations(inputs: Any, angles: Any) -> Any:
        cir = tc.Circuit(circuit.n_qubits)
        for gate in circuit.gates:
            match gate.name:
                case "H":
                    cir.h(gate.wires[0])
                case "CNOT":
                    cir.cnot(*gate.wires)
                case _:
                    cir.ry(gate.wires[0], theta=_value(gate.angles[0], inputs, angles))
        if from_state:
            return jnp.abs(cir.state()) ** 2 @ table
        return jnp.stack([jnp.real(cir.expectation_ps(z=[wire])) for wire in range(circuit.n_qubits)])

    def loss(p: dict[str, Any], x: Any, labels: Any) -> Any:
        inputs = jnp.tanh(x @ p["pre.weight"].T + p["pre.bias"]) * (jnp.pi / 2)
        values = jax.vmap(expectations, (0, None))(inputs, p["circuit.weights"])
        logits = jax.nn.log_softmax(values @ p["post.weight"].T + p["post.bias"])
        return -jnp.take_along_axis(logits, labels[:, None], 1).mean()

    def adam(p: Any, g: Any, m: Any, v: Any, t: Any) -> tuple[Any, Any, Any]:
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        return p - 4e-4 * (m / (1 - 0.9**t)) / (jnp.sqrt(v / (1 - 0.999**t)) + 1e-8), m, v

    @jax.jit
    def step(p: Any, m: Any, v: Any, t: Any) -> tuple[Any, Any, Any, Any]:
        values, grads = jax.vmap(jax.value_and_grad(loss))(p, inputs_of_all, labels_of_all)
        new = {name: adam(p[name], grads[name], m[name], v[name], t) for name in p}
        return values, *({name: parts[i] for name, parts in new.items()} for i in range(3))

    inputs_of_all, labels_of_all = jnp.asarray(x.numpy()), jnp.asarray(labels.numpy())
    p = {name: jnp.asarray(value.numpy()) for name, value in start.items()}
    zeros = {name: jnp.zeros_like(value) for name, value in p.items()}
    state: list[Any] = [p, zeros, dict(zeros), 0]

    def call() -> float:
        state[3] += 1
        values, *state[:3] = step(*state[:3], float(state[3]))
        return float(values[0])

    return call


def _value(angle: Angle, inputs: Any, weights: Any) -> Any:
    return inputs[..., angle.index] if angle.source == "input" else weights[angle.index]


def _name(angle: Angle) -> str:
    return f"{angle.source}{angle.index}"


def _named(inputs: Tensor, weights: Tensor) -> dict[str, Tensor]:
    columns = {f"input{i}": column for i, column in enumerate(inputs.unbind(-1))}
    return columns | {f"weight{i}": weight for i, weight in enumerate(weights.unbind(0))}
