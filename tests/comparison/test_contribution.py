"""What the trained angles do, against PennyLane, automatic differentiation and cases whose answer is known."""

import numpy as np
import pytest
import torch

from core.circuit.dressed import dressed_circuit
from core.circuit.qnode import qnode
from core.circuit.simulator import expval
from core.comparison.contribution import GRADIENT_SAMPLES, contribution
from core.config.heads.dressed_quantum import DressedQuantum
from core.config.heads.linear import Linear
from core.config.run import RunConfig, run_config
from core.data.banks import FeatureBank, load_bank
from core.errors import LabError
from core.report.comparison import contribution_sentence
from core.training.network import Network

SEEDS = (3, 4)
HEAD = DressedQuantum(n_qubits=3, q_depth=2, q_delta=0.5)
Weights = dict[str, np.ndarray]


@pytest.fixture(scope="module")
def config() -> RunConfig:
    return run_config({"dataset": "moons", "head": HEAD.model_dump()})


@pytest.fixture(scope="module")
def bank(config: RunConfig) -> FeatureBank:
    return load_bank(config.features)


def initial(head: DressedQuantum) -> Weights:
    network = Network(head, 2, 2, len(SEEDS))
    network.initialise(SEEDS)
    return {name: tensor.numpy().copy() for name, tensor in network.weights.items()}


def test_an_untrained_head_has_moved_nowhere(config: RunConfig, bank: FeatureBank) -> None:
    found = contribution(config, bank, initial(HEAD), SEEDS)
    assert found.moved_mean == found.moved_max == (0.0, 0.0)
    assert found.map_from_start == found.changed_from_start == (0.0, 0.0)
    assert found.accuracy == found.accuracy_from_start
    assert min(found.map_from_zero) > 0.01


def test_a_head_at_zero_angles_is_its_closed_form(config: RunConfig, bank: FeatureBank) -> None:
    weights = initial(HEAD)
    start = weights["circuit.weights"]
    weights["circuit.weights"] = np.zeros_like(start)
    found = contribution(config, bank, weights, SEEDS)
    assert found.map_from_zero == found.changed_from_zero == (0.0, 0.0)
    assert found.moved_mean == pytest.approx(np.abs(start).mean(1), rel=1e-5)
    assert found.moved_max == pytest.approx(np.abs(start).max(1), rel=1e-5)
    assert found.is_closed_form
    assert "do next to nothing" in contribution_sentence(found)


def test_distances_and_changes_are_pennylanes(config: RunConfig, bank: FeatureBank) -> None:
    weights = initial(HEAD)
    found = contribution(config, bank, weights, SEEDS)
    features = bank.features[bank.split == "test"].astype(np.float64)
    labels = bank.labels[bank.split == "test"]
    node = qnode(dressed_circuit(HEAD))
    for member in range(len(SEEDS)):
        own = {name: values[member].astype(np.float64) for name, values in weights.items()}
        inputs = np.tanh(features @ own["pre.weight"].T + own["pre.bias"]) * np.pi / 2
        trained, zero = (
            np.stack(node(inputs, angles), -1)
            for angles in (own["circuit.weights"], np.zeros_like(own["circuit.weights"]))
        )
        assert found.map_from_zero[member] == pytest.approx(np.abs(trained - zero).mean(), abs=1e-5)
        said = [(z @ own["post.weight"].T + own["post.bias"]).argmax(1) for z in (trained, zero)]
        assert found.changed_from_zero[member] == pytest.approx((said[0] != said[1]).mean(), abs=0.011)
        assert found.accuracy[member] == pytest.approx((said[0] == labels).mean(), abs=0.011)
        assert found.accuracy_from_zero[member] == pytest.approx((said[1] == labels).mean(), abs=0.011)


def test_the_gradients_share_is_autograds(config: RunConfig, bank: FeatureBank) -> None:
    weights = initial(HEAD)
    found = contribution(config, bank, weights, SEEDS)
    features = torch.tensor(bank.features[bank.split == "test"])
    rows = np.linspace(0, len(features) - 1, GRADIENT_SAMPLES).astype(int)
    circuit = dressed_circuit(HEAD)
    for member in range(len(SEEDS)):
        own = {name: torch.tensor(values[member], requires_grad=True) for name, values in weights.items()}
        shares = []
        for row in rows:
            x = features[row][None] @ own["pre.weight"].T + own["pre.bias"]
            z = expval(circuit, torch.tanh(x) * torch.pi / 2, own["circuit.weights"])
            first, second = (z @ own["post.weight"].T + own["post.bias"]).flatten().topk(2).values
            grads = dict(zip(own, torch.autograd.grad(first - second, list(own.values())), strict=True))
            squares = {name: float(grad.square().sum()) for name, grad in grads.items()}
            shares.append(squares["circuit.weights"] / sum(squares.values()))
        assert found.gradient_share[member] == pytest.approx(np.mean(shares), rel=1e-3)


def test_frozen_angles_have_no_part_in_the_gradient(bank: FeatureBank) -> None:
    head = DressedQuantum(n_qubits=3, q_depth=2, ablation="near_zero")
    frozen = run_config({"dataset": "moons", "head": head.model_dump()})
    found = contribution(frozen, bank, initial(head), SEEDS)
    assert found.gradient_share == (0.0, 0.0)
    assert found.parameter_share == 0


def test_only_the_papers_circuit_has_the_closed_form(bank: FeatureBank) -> None:
    for changes in ({"ansatz": "ring"}, {"reuploads": 2}, {"ablation": "no_entanglers"}):
        head = HEAD.model_copy(update=changes)
        found = contribution(run_config({"dataset": "moons", "head": head.model_dump()}), bank, initial(head), SEEDS)
        assert not found.is_closed_form
        assert "closed form" not in contribution_sentence(found)


def test_a_classical_head_is_refused(config: RunConfig, bank: FeatureBank) -> None:
    with pytest.raises(LabError, match="dressed_quantum"):
        contribution(config.model_copy(update={"head": Linear()}), bank, {}, SEEDS)
