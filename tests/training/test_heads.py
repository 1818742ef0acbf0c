"""Heads against the same networks written with torch's own layers, automatic gradients and PennyLane's circuit."""

from math import pi

import numpy as np
import pytest
import torch
from devices import DEVICES
from torch.nn import functional

from core.circuit.dressed import dressed_circuit
from core.circuit.qnode import qnode
from core.config.heads.base import Head
from core.config.heads.bottleneck import Bottleneck
from core.config.heads.closed_form import ClosedForm
from core.config.heads.dressed_quantum import DressedQuantum
from core.config.heads.linear import Linear
from core.config.heads.mlp import MLP
from core.training.loop import training_step
from core.training.network import Network
from core.training.optimiser import MemberAdam

HEADS = [
    DressedQuantum(n_qubits=4, q_depth=3, q_delta=0.7),
    DressedQuantum(n_qubits=3, q_depth=2, q_delta=0.7, ansatz="ring"),
    DressedQuantum(n_qubits=3, q_depth=2, q_delta=0.7, ansatz="strongly_entangling"),
    DressedQuantum(n_qubits=3, q_depth=4, q_delta=0.7, reuploads=2),
    DressedQuantum(n_qubits=4, q_depth=2, ablation="near_zero"),
    DressedQuantum(n_qubits=4, q_depth=2, ablation="random_angles"),
    DressedQuantum(n_qubits=4, q_depth=2, q_delta=0.7, ablation="no_entanglers"),
    DressedQuantum(n_qubits=4, q_depth=2, q_delta=0.7, ablation="shuffled_entanglers"),
    DressedQuantum(n_qubits=4, q_depth=2, q_delta=0.7, ablation="frozen_pre_net"),
    ClosedForm(n_qubits=5, q_depth=6),
    Linear(),
    Bottleneck(width=3, activation="tanh"),
    Bottleneck(width=3, activation="sine"),
    MLP(hidden=(6, 5), activation="relu"),
    MLP(hidden=(6, 5), activation="leaky_relu"),
]
ACTIVATIONS = {"tanh": torch.tanh, "relu": torch.relu, "leaky_relu": torch.nn.LeakyReLU(0.01), "sine": torch.sin}
MEMBERS, BATCH, FEATURES, CLASSES = 2, 3, 7, 2


def reference(head: Head, weights: dict[str, torch.Tensor], x: torch.Tensor) -> torch.Tensor:
    """Logits of one member by torch's layers and PennyLane, in float64."""
    dense = [name.removesuffix(".weight") for name in weights if name.endswith(".weight")]
    for name in dense:
        x = functional.linear(x, weights[f"{name}.weight"], weights[f"{name}.bias"])
        if name == dense[-1]:
            return x
        if isinstance(head, DressedQuantum | ClosedForm):
            x = torch.tanh(x) * pi / 2
            angles = weights.get("circuit.weights")
            if angles is None:  # the closed form is the paper's circuit at zero angles
                head = DressedQuantum(n_qubits=head.n_qubits, q_depth=head.q_depth)
                angles = torch.zeros(head.n_qubits * head.q_depth, dtype=torch.float64)
            x = torch.stack(qnode(dressed_circuit(head))(x, angles), -1)
        else:
            x = ACTIVATIONS[head.activation](x)
    raise AssertionError("no last layer")


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("head", HEADS, ids=lambda head: "-".join(str(v) for v in head.model_dump().values()))
def test_logits_and_gradients(head: Head, device: str) -> None:
    generator = torch.Generator().manual_seed(3)
    network = Network(head, FEATURES, CLASSES, MEMBERS, device)
    network.initialise([11, 12])
    x = torch.randn(MEMBERS, BATCH, FEATURES, generator=generator)
    grad_logits = torch.randn(MEMBERS, BATCH, CLASSES, generator=generator)

    logits, tape = network.forward(x.to(device))
    network.backward(grad_logits.to(device), tape)

    logits, all_weights = logits.cpu(), {name: weight.cpu() for name, weight in network.weights.items()}
    trained = {parameter.name for parameter in network.parameters if parameter.trained}
    for member in range(MEMBERS):
        weights = {
            name: weight[member].double().requires_grad_(name in trained) for name, weight in all_weights.items()
        }
        expected = reference(head, weights, x[member].double())
        torch.testing.assert_close(logits[member].double(), expected, atol=2e-5, rtol=1e-5)
        expected.backward(grad_logits[member].double())
        for name, weight in weights.items():
            gradient = weight.grad if name in trained else torch.zeros_like(weight)
            measured = network.grads[name][member].cpu().double()
            torch.testing.assert_close(measured, gradient, atol=5e-5, rtol=1e-4)


@pytest.mark.parametrize("head", [*HEADS, DressedQuantum(n_qubits=9), DressedQuantum(n_qubits=9, reuploads=2)])
def test_a_training_step_stays_on_its_device(head: Head) -> None:
    """torch's meta device computes shapes alone, and refuses to mix with tensors that were made elsewhere."""
    network = Network(head, FEATURES, CLASSES, MEMBERS, device="meta")
    optimiser = MemberAdam(network.flat, network.flat_grad)
    optimiser.set_rate(network.per_member([0.1] * MEMBERS))
    x, target = (torch.empty(MEMBERS, BATCH, width, device="meta") for width in (FEATURES, CLASSES))
    logits = training_step(network, optimiser, x, target)
    assert logits.shape == (MEMBERS, BATCH, CLASSES)
    assert logits.device.type == network.flat_grad.device.type == "meta"
    assert network.logits(x[0]).device.type == "meta"


def test_a_member_starts_from_its_own_seed_alone() -> None:
    head = DressedQuantum()
    together, alone = Network(head, FEATURES, CLASSES, 3), Network(head, FEATURES, CLASSES, 1)
    together.initialise([5, 6, 7])
    alone.initialise([6])
    for name in alone.weights:
        assert torch.equal(together.weights[name][1], alone.weights[name][0])


def test_heads_of_one_seed_share_the_start_of_the_layers_they_share() -> None:
    quantum, bottleneck = Network(DressedQuantum(), 9, 2, 1), Network(Bottleneck(), 9, 2, 1)
    quantum.initialise([4])
    bottleneck.initialise([4])
    for name in bottleneck.weights:
        assert torch.equal(quantum.weights[name], bottleneck.weights[name])


def test_dense_layers_start_as_torch_starts_them() -> None:
    network = Network(Linear(), 400, 50, 1)
    network.initialise([0])
    with torch.random.fork_rng():
        torch.manual_seed(0)
        layer = torch.nn.Linear(400, 50)
    for ours, theirs in ((network.weights["post.weight"], layer.weight), (network.weights["post.bias"], layer.bias)):
        assert ours.abs().max() <= 1 / 20
        assert ours.std().item() == pytest.approx(theirs.std().item(), rel=0.25)


@pytest.mark.parametrize(("n_features", "n_qubits", "q_depth"), [(512, 4, 6), (256, 4, 6), (2, 5, 5), (1280, 8, 10)])
def test_the_default_mlp_has_about_as_many_parameters_as_the_quantum_head(
    n_features: int, n_qubits: int, q_depth: int
) -> None:
    wanted = sum(DressedQuantum(n_qubits=n_qubits, q_depth=q_depth).count_trained(n_features, 2))
    found = sum(MLP(n_qubits=n_qubits, q_depth=q_depth).count_trained(n_features, 2))
    assert abs(found - wanted) <= (n_features + 3) / 2  # one hidden unit more or less is further off


def test_parameter_counts_are_the_papers() -> None:
    quantum, classical = DressedQuantum(n_qubits=4, q_depth=6).count_trained(512, 2)
    assert (quantum, classical) == (24, 512 * 4 + 4 + 4 * 2 + 2)
    assert quantum + classical == 2086


def test_weights_load_by_name() -> None:
    head = MLP(hidden=(3, 2))
    first, second = Network(head, 4, 2, 2), Network(head, 4, 2, 2)
    first.initialise([1, 2])
    second.load({name: weight.numpy() for name, weight in first.weights.items()})
    assert torch.equal(first.flat, second.flat)
    shapes = [parameter.shape for parameter in head.parameters(4, 2)]
    assert shapes == [(3, 4), (3,), (2, 3), (2,), (2, 2), (2,)]
    assert np.prod(first.flat.shape) == 2 * sum(map(np.prod, shapes))
