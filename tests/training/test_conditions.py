"""What a run's numbers depend on: the cut into training and validation data, scaling, patience, Adam, the epoch kept.

A slow loop in plain torch and PennyLane, one seed after the other, is the measure.
"""

from collections.abc import Callable

import numpy as np
import pennylane as qml
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from core.config.heads.dressed_quantum import DressedQuantum
from core.config.heads.linear import Linear
from core.config.run import RunConfig, run_config, stored_config
from core.data.banks import FeatureBank, load_bank
from core.errors import LabError
from core.events import Checkpoint, Epoch, Event, Finished, Started
from core.training.loop import predict, run_splits, train
from core.training.network import Network

EPOCHS = 12


def slow_run(config: RunConfig, bank: FeatureBank, seed: int) -> dict[str, object]:
    """One seed of a run, written again: curves, best epoch and test accuracy."""
    train_rows, validation_rows = cut(config, bank, seed)
    features = bank.features.astype(np.float64)
    if config.standardise:
        scale = features[train_rows].std(0)
        features = (features - features[train_rows].mean(0)) / np.where(scale > 0, scale, 1)
    x, labels = torch.tensor(features, dtype=torch.float32), torch.tensor(bank.labels)
    model, weights = slow_head(config, bank.n_features, seed)
    adam = torch.optim.Adam(weights, lr=config.learning_rate, betas=(0.9, config.adam_beta2))
    losses, accuracies, kept = [], [], [weight.detach().clone() for weight in weights]
    for epoch in range(1, config.epochs + 1):
        stream = np.random.SeedSequence([seed, epoch]).generate_state(1)[0]
        order = torch.randperm(len(train_rows), generator=torch.Generator().manual_seed(int(stream)))
        for batch in torch.from_numpy(train_rows)[order].split(config.batch_size):
            adam.zero_grad()
            functional.cross_entropy(model(x[batch]), labels[batch]).backward()
            adam.step()
        with torch.no_grad():
            logits = model(x[validation_rows])
        losses.append(functional.cross_entropy(logits, labels[validation_rows]).item())
        accuracies.append((logits.argmax(-1) == labels[validation_rows]).double().mean().item())
        best = {"ours": int(np.argmin(losses)), "paper": int(np.argmax(accuracies)), "paper_last": epoch - 1}
        if best[config.protocol] == epoch - 1:
            kept = [weight.detach().clone() for weight in weights]
        if config.patience and epoch - 1 - best[config.protocol] == config.patience:
            break
    with torch.no_grad():
        for weight, value in zip(weights, kept, strict=True):
            weight.copy_(value)
        test = np.flatnonzero(bank.split == "test")
        right = (model(x[test]).argmax(-1) == labels[test]).double().mean().item()
    return {"losses": losses, "best": best[config.protocol] + 1, "test_accuracy": right}


def cut(config: RunConfig, bank: FeatureBank, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A share of every class for validation, drawn from the seeds; under the paper's protocols the test set."""
    rows = np.flatnonzero(bank.split == "train")
    if config.protocol != "ours":
        return rows, np.flatnonzero(bank.split == "test")
    held_out: list[int] = []
    for label in range(len(bank.classes)):
        own = rows[bank.labels[rows] == label]
        seeds = [config.split_seed, seed, label] if config.split_per_seed else [config.split_seed, label]
        held_out += np.random.RandomState(seeds).permutation(own)[: round(config.validation_share * len(own))].tolist()
    return np.array(sorted(set(rows.tolist()) - set(held_out))), np.array(sorted(held_out))


def slow_head(config: RunConfig, n_features: int, seed: int) -> tuple[Callable[[Tensor], Tensor], list[Tensor]]:
    """A head as PennyLane and torch have it, from the start that its seed gives, and its weights."""
    start = Network(config.head, n_features, 2, 1)
    start.initialise([seed])
    given = {name: weight[0].clone().requires_grad_() for name, weight in start.weights.items()}
    if isinstance(config.head, Linear):
        return lambda x: functional.linear(x, given["post.weight"], given["post.bias"]), list(given.values())
    head = config.head
    assert isinstance(head, DressedQuantum)

    @qml.qnode(qml.device("default.qubit", wires=head.n_qubits))
    def circuit(inputs: Tensor, angles: Tensor) -> list[object]:
        for wire in range(head.n_qubits):
            qml.Hadamard(wire)
            qml.RY(inputs[:, wire], wire)
        for layer in angles.reshape(head.q_depth, head.n_qubits):
            for wire in [*range(0, head.n_qubits - 1, 2), *range(1, head.n_qubits - 1, 2)]:
                qml.CNOT((wire, wire + 1))
            for wire in range(head.n_qubits):
                qml.RY(layer[wire], wire)
        return [qml.expval(qml.PauliZ(wire)) for wire in range(head.n_qubits)]

    def model(x: Tensor) -> Tensor:
        inner = torch.tanh(functional.linear(x, given["pre.weight"], given["pre.bias"])) * torch.pi / 2
        outer = torch.stack(circuit(inner, given["circuit.weights"].reshape(-1)), -1).float()
        return functional.linear(outer, given["post.weight"], given["post.bias"])

    return model, list(given.values())


@pytest.fixture(scope="module")
def bank() -> FeatureBank:
    return load_bank(run_config({"backbone": "resnet18", "layer": "layer3"}).features)


def changed(**changes: object) -> RunConfig:
    common = {"backbone": "resnet18", "layer": "layer3", "epochs": EPOCHS, "seeds": 3, "batch_size": 32}
    return run_config(common | {"learning_rate": 0.02, "lr_step": EPOCHS, "head": {"kind": "linear"}} | changes)


CASES = {
    "a cut for each seed": {},
    "one cut": {"split_per_seed": False, "split_seed": 3},
    "standardised": {"standardise": True},
    "standardised, one cut": {"standardise": True, "split_per_seed": False},
    "patience": {"standardise": True, "patience": 2, "learning_rate": 0.1, "epochs": 40},
    "the paper's Adam": {"adam_beta2": 0.99},
    "the last step": {"protocol": "paper_last", "adam_beta2": 0.99},
    "standardised, the best on the test set": {"protocol": "paper", "standardise": True},
    "a circuit": {
        "standardise": True,
        "patience": 1,
        "learning_rate": 0.05,
        "seeds": 2,
        "head": {"kind": "dressed_quantum", "n_qubits": 3, "q_depth": 2},
    },
}


@pytest.mark.parametrize("changes", CASES.values(), ids=CASES)
def test_a_slow_loop_gives_the_same_numbers(bank: FeatureBank, changes: dict[str, object]) -> None:
    config = changed(**changes)
    events = list(train(config, bank))
    epochs, finished = curves(events), last(events)
    longest = 0
    for member, seed in enumerate(range(config.seeds)):
        slow = slow_run(config, bank, seed)
        losses = slow["losses"]
        assert isinstance(losses, list)
        measured = [epoch.validation_loss[member] for epoch in epochs[: len(losses)]]
        assert measured == pytest.approx(losses, abs=1e-4)
        assert finished.best_epoch[member] == slow["best"]
        assert finished.test_accuracy[member] == pytest.approx(slow["test_accuracy"])
        longest = max(longest, len(losses))
    assert len(epochs) == longest
    if config.patience:
        assert longest < config.epochs


def test_members_with_cuts_of_their_own_equal_members_alone(bank: FeatureBank) -> None:
    config = changed(standardise=True, patience=2, learning_rate=0.1, epochs=30)
    together = list(train(config, bank))
    for member, own in enumerate(config.members()):
        alone = list(train(config, bank, members=[own]))
        for both, single in zip(curves(together), curves(alone), strict=False):
            assert both.validation_loss[member] == pytest.approx(single.validation_loss[0], abs=1e-5)
            assert both.train_accuracy[member] == single.train_accuracy[0]
        assert last(together).best_epoch[member] == last(alone).best_epoch[0]
        assert last(together).test_accuracy[member] == last(alone).test_accuracy[0]
        assert len(curves(alone)) == last(alone).best_epoch[0] + config.patience


def test_each_seed_keeps_other_samples_aside_of_every_class_the_same_number(bank: FeatureBank) -> None:
    config = changed(seeds=8)
    own = run_splits(config, bank, config.members())
    assert own.train.shape == (8, 195)
    assert own.validation.shape == (8, 49)
    assert len({tuple(rows) for rows in own.validation}) == 8
    for train_rows, validation_rows in zip(own.train, own.validation, strict=True):
        assert sorted([*train_rows, *validation_rows]) == np.flatnonzero(bank.split == "train").tolist()
        assert np.bincount(bank.labels[validation_rows]).tolist() == [25, 24]
    other = changed(seeds=3, base_seed=5)
    assert (run_splits(other, bank, other.members()).validation == own.validation[5:]).all()
    shared = changed(split_per_seed=False)
    assert len({tuple(rows) for rows in run_splits(shared, bank, shared.members()).validation}) == 1


def test_standardisation_sees_training_rows_alone(bank: FeatureBank) -> None:
    config = changed(standardise=True, epochs=2, split_per_seed=False)
    splits = bank.splits(config.validation_share, config.split_seed)
    elsewhere = np.setdiff1d(np.arange(len(bank.labels)), splits.train)
    features = bank.features.copy()
    features[elsewhere] *= 3  # validation and test images
    weights = last(list(train(config, bank))).weights
    moved = FeatureBank(**{**vars_of(bank), "features": features})
    for name, weight in last(list(train(config, moved))).weights.items():
        if name.startswith("features."):
            np.testing.assert_array_equal(weight, weights[name])
    features = bank.features.copy()
    features[splits.train[:1]] *= 3
    moved = FeatureBank(**{**vars_of(bank), "features": features})
    assert not np.array_equal(last(list(train(config, moved))).weights["features.mean"], weights["features.mean"])


def vars_of(bank: FeatureBank) -> dict[str, object]:
    """A bank's fields."""
    return {name: getattr(bank, name) for name in bank.__dataclass_fields__}


def test_stored_weights_predict_from_raw_features_and_constant_ones_do_no_harm(bank: FeatureBank) -> None:
    features = bank.features.copy()
    features[:, 7] = 0.1
    flat = FeatureBank(**{**vars_of(bank), "features": features})
    for head in (Linear(), DressedQuantum(n_qubits=2, q_depth=1)):
        config = changed(standardise=True, head=head.model_dump(), epochs=3)
        finished = last(list(train(config, flat)))
        logits = predict(config, finished.weights, features[bank.split == "test"], 2)
        np.testing.assert_allclose(logits, finished.test_logits, atol=1e-6)
        assert np.isfinite(logits).all()
        assert (finished.weights["features.deviation"][:, 7] == 1).all()


@pytest.mark.parametrize("at", [1, -2])
def test_a_run_with_patience_goes_on_from_a_checkpoint_bit_for_bit(bank: FeatureBank, at: int) -> None:
    config = changed(standardise=True, patience=2, learning_rate=0.1, epochs=30)
    whole = list(train(config, bank))
    checkpoint = [event for event in whole if isinstance(event, Checkpoint)][at]
    resumed = list(train(config, bank, checkpoint=checkpoint))
    assert [epoch.epoch for epoch in curves(resumed)] == [epoch.epoch for epoch in curves(whole)][checkpoint.epoch :]
    assert last(resumed).best_epoch == last(whole).best_epoch
    np.testing.assert_array_equal(last(resumed).test_logits, last(whole).test_logits)
    final = [event for event in whole if isinstance(event, Checkpoint)][-1]
    ended = list(train(config, bank, checkpoint=final))  # killed after its last epoch, before it was tested
    assert [type(event) for event in ended] == [Started, Finished]


def test_what_cannot_be_together_is_refused_in_a_sentence() -> None:
    for values, words in (
        ({"protocol": "paper", "patience": 3}, "patience = 3"),
        ({"protocol": "paper_batchnorm", "standardise": True}, "standardise"),
        ({"adam_beta2": 1.0}, "adam_beta2"),
        ({"patience": -1}, "patience"),
    ):
        with pytest.raises(LabError, match=words) as refused:
            run_config(values)
        assert "\n" not in str(refused.value)


def test_fields_that_do_not_matter_do_not_tell_runs_apart() -> None:
    assert run_config({"protocol": "paper", "split_per_seed": True}) == run_config({"protocol": "paper"})
    before = run_config({}).model_dump()
    for name in ("split_per_seed", "standardise", "patience", "adam_beta2"):
        del before[name]
    assert stored_config(before) == run_config({"split_per_seed": False})
    assert stored_config(before | {"split_per_seed": True}) == run_config({})


def curves(events: list[Event]) -> list[Epoch]:
    return [event for event in events if isinstance(event, Epoch)]


def last(events: list[Event]) -> Finished:
    finished = events[-1]
    assert isinstance(finished, Finished)
    return finished
