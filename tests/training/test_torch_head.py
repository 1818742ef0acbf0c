"""Heads as torch modules: values and gradients are those of the same layers in plain torch."""

import copy

import pytest
import torch
from torch.nn import functional

from core.circuit.dressed import dressed_circuit
from core.circuit.simulator import expval
from core.config.heads.bottleneck import Bottleneck
from core.config.heads.dressed_quantum import DressedQuantum
from core.config.heads.linear import Linear
from core.config.heads.mlp import MLP
from core.errors import LabError
from core.training.torch_module import TorchHead


def in_plain_torch(head, features, weights):
    """Logits of the dressed quantum head, layer by layer."""
    x = torch.tanh(functional.linear(features, weights["pre.weight"], weights["pre.bias"])) * (torch.pi / 2)
    x = expval(dressed_circuit(head), x, weights["circuit.weights"])
    return functional.linear(x, weights["post.weight"], weights["post.bias"])


def test_value_and_gradient_are_those_of_plain_torch():
    config = DressedQuantum(n_qubits=3, q_depth=2, q_delta=1.0)
    head = TorchHead(config, n_features=7, n_classes=3, seeds=(5,))
    features = torch.randn(6, 7, generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([0, 1, 2, 0, 1, 2])
    plain = {name: weight[0].detach().clone().requires_grad_() for name, weight in head.network.weights.items()}

    expected = in_plain_torch(config, features, plain)
    logits = head(features)
    torch.testing.assert_close(logits, expected)
    functional.cross_entropy(expected, labels).backward()
    functional.cross_entropy(logits, labels).backward()
    for name, gradient in head.network.views(head.weights.grad).items():
        torch.testing.assert_close(gradient[0], plain[name].grad, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("config", [Linear(), Bottleneck(width=3), MLP(hidden=(5, 4)), DressedQuantum(n_qubits=2)])
def test_any_head_learns_in_a_loop_of_torch(config):
    generator = torch.Generator().manual_seed(1)
    features = torch.randn(64, 6, generator=generator)
    labels = (features[:, 0] + features[:, 1] > 0).long()
    head = TorchHead(config, n_features=6, n_classes=2)
    optimiser = torch.optim.Adam(head.parameters(), lr=0.05)
    first = functional.cross_entropy(head(features), labels).item()
    for _ in range(60):
        optimiser.zero_grad()
        loss = functional.cross_entropy(head(features), labels)
        loss.backward()
        optimiser.step()
    assert loss.item() < 0.6 * first


@pytest.mark.parametrize("config", [Linear(), MLP(hidden=(5, 4)), DressedQuantum(n_qubits=3, q_depth=2, q_delta=1.0)])
def test_two_uses_in_one_loss_add_their_gradients(config):
    head = TorchHead(config, n_features=4, n_classes=2)
    one, other = torch.randn(2, 5, 4, generator=torch.Generator().manual_seed(3))
    (first,) = torch.autograd.grad(head(one).square().sum(), head.weights)
    (second,) = torch.autograd.grad(head(other).square().sum(), head.weights)
    (head(one).square().sum() + head(other).square().sum()).backward()
    torch.testing.assert_close(head.weights.grad, first + second)


@pytest.mark.parametrize("config", [Linear(), DressedQuantum(n_qubits=2, q_depth=2)])
def test_a_copy_learns_and_leaves_the_original_alone(config):
    head = TorchHead(config, n_features=4, n_classes=2, seeds=(7,))
    features = torch.randn(6, 4, generator=torch.Generator().manual_seed(4))
    before = head(features).detach()
    twin = copy.deepcopy(head)
    torch.testing.assert_close(twin(features), before)
    optimiser = torch.optim.SGD(twin.parameters(), lr=0.5)
    twin(features).square().sum().backward()
    optimiser.step()
    assert (twin(features) - before).abs().max() > 1e-3
    torch.testing.assert_close(head(features), before)


def test_another_device_takes_the_whole_head_along():
    head = TorchHead(DressedQuantum(n_qubits=2, q_depth=2), n_features=4, n_classes=2).to("meta")
    logits = head(torch.empty(3, 4, device="meta"))
    assert logits.shape == (3, 2)
    assert logits.device.type == head.network.flat.device.type == "meta"


def test_another_precision_is_refused():
    head = TorchHead(Linear(), n_features=4, n_classes=2).to(torch.float64)
    with pytest.raises(LabError, match="float32"):
        head(torch.ones(1, 4, dtype=torch.float64))


def test_members_are_independent():
    config = DressedQuantum(n_qubits=3, q_depth=2)
    features = torch.randn(2, 5, 4, generator=torch.Generator().manual_seed(2))
    both = TorchHead(config, 4, 2, seeds=(3, 8))
    for member, seed in enumerate((3, 8)):
        alone = TorchHead(config, 4, 2, seeds=(seed,))
        torch.testing.assert_close(both(features)[member], alone(features[member]))


def test_what_it_cannot_do_it_says():
    head = TorchHead(Linear(), 4, 2)
    with pytest.raises(LabError, match="frozen"):
        head(torch.ones(1, 4, requires_grad=True))
    loss = head(torch.ones(1, 4)).sum()
    loss.backward(retain_graph=True)
    with pytest.raises(LabError, match="once"):
        loss.backward()
