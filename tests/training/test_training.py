"""Training against plain torch, and its promises: same numbers, resumable, a bad member harms no other."""

from math import isnan

import numpy as np
import pytest
import torch
from devices import DEVICES
from torch.nn import functional

from core.config.heads.bottleneck import Bottleneck
from core.config.heads.dressed_quantum import DressedQuantum
from core.config.heads.linear import Linear
from core.config.run import Member, RunConfig, run_config
from core.data.banks import FeatureBank, load_bank
from core.errors import LabError
from core.events import Checkpoint, Epoch, Event, Finished, Started, Step
from core.training.loop import epoch_order, predict, run_splits, train
from core.training.network import EVALUATED_NUMBERS, Network

EPOCH_FIELDS = ("train_loss", "train_accuracy", "validation_loss", "validation_accuracy")


@pytest.fixture(scope="module")
def bank() -> FeatureBank:
    return load_bank(run_config({}).features)


def small(**changes: object) -> RunConfig:
    return run_config({"epochs": 3, "seeds": 3, "batch_size": 16, "lr_step": 2, "learning_rate": 1e-2} | changes)


def one(events: list[Event], kind: type) -> Event:
    (found,) = (event for event in events if isinstance(event, kind))
    return found


def epochs(events: list[Event]) -> list[Epoch]:
    return [event for event in events if isinstance(event, Epoch)]


def test_events_come_in_order_and_say_what_is_trained(bank: FeatureBank) -> None:
    events = list(train(small(), bank))
    started = events[0]
    assert isinstance(started, Started)
    assert (started.n_train, started.n_validation, started.n_test) == (195, 49, 153)
    assert started.device == "cpu"
    assert started.seeds == [0, 1, 2]
    assert (started.quantum_parameters, started.classical_parameters) == (24, 512 * 4 + 4 + 10)
    assert [epoch.epoch for epoch in epochs(events)] == [1, 2, 3]
    assert [epoch.learning_rate[0] for epoch in epochs(events)] == pytest.approx([1e-2, 1e-2, 1e-3])
    assert isinstance(events[-1], Finished)
    assert {type(event) for event in events} <= {Started, Step, Epoch, Checkpoint, Finished}


@pytest.mark.parametrize("device", DEVICES)
def test_a_linear_head_trains_as_plain_torch_does(bank: FeatureBank, device: str) -> None:
    config = small(head=Linear(), seeds=1, base_seed=4)
    splits = run_splits(config, bank, config.members())
    train_rows, validation = splits.train, splits.validation[0]
    network = Network(config.head, 512, 2, 1)
    network.initialise([4])
    layer = torch.nn.Linear(512, 2)
    layer.load_state_dict({"weight": network.weights["post.weight"][0], "bias": network.weights["post.bias"][0]})
    optimiser = torch.optim.Adam(layer.parameters(), lr=1e-2)
    schedule = torch.optim.lr_scheduler.StepLR(optimiser, 2, 0.1)
    x, labels = torch.tensor(bank.features), torch.tensor(bank.labels)
    losses = []
    for epoch in (1, 2, 3):
        for batch in epoch_order(config.members(), train_rows, epoch)[0].split(16):
            optimiser.zero_grad()
            functional.cross_entropy(layer(x[batch]), labels[batch]).backward()
            optimiser.step()
        schedule.step()
        with torch.no_grad():
            losses.append(functional.cross_entropy(layer(x[validation]), labels[validation]).item())
    measured = [epoch.validation_loss[0] for epoch in epochs(list(train(config, bank, device=device)))]
    assert measured == pytest.approx(losses, abs=2e-5)


@pytest.mark.parametrize("head", [DressedQuantum(), Bottleneck()], ids=lambda head: head.kind)
def test_members_together_equal_members_alone(bank: FeatureBank, head: DressedQuantum | Bottleneck) -> None:
    members = [Member(seed=seed, learning_rate=1e-3 * (1 + seed), lr_step=2, lr_gamma=0.3) for seed in range(8)]
    together = list(train(small(head=head), bank, members=members))
    for index, member in enumerate(members):
        alone = list(train(small(head=head), bank, members=[member]))
        for both, single in zip(epochs(together), epochs(alone), strict=True):
            for name in EPOCH_FIELDS:
                assert getattr(both, name)[index] == pytest.approx(getattr(single, name)[0], abs=1e-4)


@pytest.mark.parametrize("device", DEVICES)
def test_the_same_configuration_gives_the_same_numbers_bit_for_bit(bank: FeatureBank, device: str) -> None:
    first, second = list(train(small(), bank, device=device)), list(train(small(), bank, device=device))
    for one_epoch, other in zip(epochs(first), epochs(second), strict=True):
        assert all(getattr(one_epoch, name) == getattr(other, name) for name in EPOCH_FIELDS)
    assert np.array_equal(one(first, Finished).test_logits, one(second, Finished).test_logits)


@pytest.mark.parametrize("device", DEVICES)
def test_a_resumed_run_continues_bit_for_bit(bank: FeatureBank, device: str) -> None:
    whole = list(train(small(), bank, device=device))
    checkpoint = next(event for event in whole if isinstance(event, Checkpoint))
    resumed = list(train(small(), bank, checkpoint=checkpoint, device=device))
    assert resumed[0].first_epoch == 2
    assert [epoch.epoch for epoch in epochs(resumed)] == [2, 3]
    for again, before in zip(epochs(resumed), epochs(whole)[1:], strict=True):
        assert all(getattr(again, name) == getattr(before, name) for name in EPOCH_FIELDS)
    assert np.array_equal(one(resumed, Finished).test_logits, one(whole, Finished).test_logits)
    on_the_processor = list(train(small(), bank, checkpoint=checkpoint, device="cpu"))
    np.testing.assert_allclose(one(on_the_processor, Finished).test_logits, one(whole, Finished).test_logits, atol=1e-5)


def test_a_checkpoint_of_another_run_is_refused(bank: FeatureBank) -> None:
    checkpoint = next(event for event in train(small(), bank) if isinstance(event, Checkpoint))
    with pytest.raises(LabError, match="belongs to another run"):
        list(train(small(head=Linear()), bank, checkpoint=checkpoint))


def test_a_run_that_goes_on_elsewhere_says_where_it_was_trained(bank: FeatureBank) -> None:
    whole = list(train(small(), bank))
    checkpoint = next(event for event in whole if isinstance(event, Checkpoint))
    for before, expected in (
        ("cpu", "cpu"),
        ("cuda", "cuda, then cpu"),
        ("cpu, then cuda", "cpu, then cuda, then cpu"),
    ):
        there = Checkpoint(1, checkpoint.arrays | {"devices": np.array(before)})
        resumed = list(train(small(), bank, checkpoint=there))
        assert one(resumed, Started).device == expected
        last = [event for event in resumed if isinstance(event, Checkpoint)][-1]
        assert str(last.arrays["devices"]) == expected
    nameless = {name: array for name, array in checkpoint.arrays.items() if name != "devices"}
    assert one(list(train(small(), bank, checkpoint=Checkpoint(1, nameless))), Started).device == "cpu"


def test_a_device_that_is_not_here_is_told_in_one_sentence(bank: FeatureBank, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.device_count", lambda: 1)
    with pytest.raises(LabError, match=r"device = cuda:1 is not possible: torch \S+ finds 1 GPU on .*LAB_DEVICE=cpu"):
        next(train(small(), bank, device="cuda:1"))
    monkeypatch.setattr("torch.cuda.device_count", lambda: 0)
    monkeypatch.setenv("LAB_DEVICE", "cuda")
    with pytest.raises(LabError, match=r"device = cuda is not possible: torch \S+ finds no GPU on .*LAB_DEVICE=cpu"):
        next(train(small(), bank))
    for other in ("gpu", "mps", "meta", "cpu:0"):
        with pytest.raises(LabError, match=f"device = '{other}' is not possible: use cpu, or cuda for a GPU"):
            next(train(small(), bank, device=other))


def test_too_little_memory_is_told_in_one_sentence(bank: FeatureBank, monkeypatch: pytest.MonkeyPatch) -> None:
    def step(*given: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB.")

    monkeypatch.setattr("core.training.loop.training_step", step)
    with pytest.raises(LabError, match="is too small for this: use fewer seeds"):
        list(train(small(), bank))


def test_a_member_that_diverges_harms_no_other(bank: FeatureBank) -> None:
    """A member is made to diverge by a not finite number in its checkpointed weights."""
    good = list(train(small(), bank))
    checkpoint = next(event for event in good if isinstance(event, Checkpoint))
    weights = checkpoint.arrays["weights"].copy()
    weights[512 * 4] = np.nan  # the first weight of the second member's pre_net
    broken = list(train(small(), bank, checkpoint=Checkpoint(1, checkpoint.arrays | {"weights": weights})))
    last = epochs(broken)[-1]
    assert last.status == ["ok", "diverged in epoch 2, step 1", "ok"]
    assert isnan(last.train_loss[1])
    finished, expected = one(broken, Finished), one(good, Finished)
    assert isnan(finished.test_accuracy[1])
    for member in (0, 2):
        assert finished.test_accuracy[member] == expected.test_accuracy[member]
        assert last.train_loss[member] == epochs(good)[-1].train_loss[member]


def test_the_epoch_is_chosen_on_validation_and_the_test_set_is_evaluated_with_its_weights(bank: FeatureBank) -> None:
    config = small(epochs=6, learning_rate=0.05, lr_gamma=1)
    events = list(train(config, bank))
    finished = one(events, Finished)
    losses = np.array([epoch.validation_loss for epoch in epochs(events)])
    assert finished.best_epoch == (losses.argmin(0) + 1).tolist()
    assert len(set(finished.best_epoch)) > 1 or finished.best_epoch[0] != 6
    splits = run_splits(config, bank, config.members())
    logits = predict(config, finished.weights, bank.features, 2)
    np.testing.assert_allclose(logits[:, splits.test], finished.test_logits, atol=1e-6)
    chosen = np.stack([one[rows] for one, rows in zip(logits, splits.validation, strict=True)])
    loss = functional.cross_entropy(
        torch.from_numpy(chosen).transpose(1, 2),
        torch.tensor(bank.labels[splits.validation]),
        reduction="none",
    )
    assert loss.mean(1).tolist() == pytest.approx(losses.min(0).tolist(), abs=1e-5)


def test_the_papers_protocol_trains_on_everything_and_watches_the_test_set(bank: FeatureBank) -> None:
    events = list(train(small(protocol="paper"), bank))
    assert (events[0].n_train, events[0].n_validation) == (244, 153)
    accuracy = np.array([epoch.validation_accuracy for epoch in epochs(events)])
    finished = one(events, Finished)
    assert finished.best_epoch == (accuracy.argmax(0) + 1).tolist()
    assert finished.test_accuracy == pytest.approx(accuracy.max(0).tolist())


def test_both_readings_of_the_scheduler(bank: FeatureBank) -> None:
    late, early = (small(lr_early=flag).members()[0] for flag in (False, True))
    assert [late.rate(epoch) for epoch in (1, 2, 3)] == pytest.approx([1e-2, 1e-2, 1e-3])
    assert [early.rate(epoch) for epoch in (1, 2, 3)] == pytest.approx([1e-2, 1e-3, 1e-3])


def test_batch_order_depends_on_seed_and_epoch_alone(bank: FeatureBank) -> None:
    members = small().members()
    train_rows = np.tile(np.arange(10, 40), (3, 1))
    order = epoch_order(members, train_rows, 2)
    assert order.shape == (3, 30)
    assert all(sorted(row) == train_rows[0].tolist() for row in order.tolist())
    assert torch.equal(order[1:2], epoch_order(members[1:2], train_rows[1:2], 2))
    assert not torch.equal(order, epoch_order(members, train_rows, 3))


def test_closing_the_generator_ends_the_run(bank: FeatureBank) -> None:
    events = train(small(epochs=1000), bank)
    for event in events:
        if isinstance(event, Epoch) and event.epoch == 2:
            events.close()
    assert list(events) == []


def test_steps_are_reported_while_an_epoch_goes_on(bank: FeatureBank, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.training.loop.SECONDS_BETWEEN_STEP_EVENTS", 0.0)
    events = list(train(small(epochs=1, seeds=2), bank))
    steps = [event for event in events if isinstance(event, Step)]
    assert [event.step for event in steps] == list(range(1, 14))  # 195 samples in batches of 16
    assert all(len(event.loss) == 2 for event in steps)
    quiet = list(train(small(epochs=1, seeds=2), bank))
    assert epochs(quiet)[0].train_loss == epochs(events)[0].train_loss


def test_a_large_evaluation_is_cut_into_parts_that_fit_together(
    bank: FeatureBank, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = Network(DressedQuantum(), 512, 2, 2)
    network.initialise([0, 1])
    features = torch.tensor(bank.features)
    whole = network.logits(features)
    monkeypatch.setitem(EVALUATED_NUMBERS, "cpu", 2 * 24 * 100)  # two members, 24 numbers a sample
    assert [part.shape[1] for part in network.parts(features)] == [100, 100, 100, 97]
    torch.testing.assert_close(network.logits(features), whole)
