"""Training: one generator of events, for every head, for many seeds at once. Knows no screen, no file, no process."""

from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import isfinite, nan
from time import perf_counter
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from core.config.run import Member, RunConfig
from core.data.banks import FeatureBank, Splits
from core.errors import LabError
from core.events import Checkpoint, Epoch, Event, Finished, Started, Step
from core.settings import device_name, settings
from core.training.network import Network
from core.training.optimiser import MemberAdam
from core.training.standardisation import Standardisation

SECONDS_BETWEEN_STEP_EVENTS = 0.1
GATHERED_FLOATS = 2_000_000
"""Features that are gathered for several steps in one operation: few calls, and they stay within the caches' reach."""


def train(
    config: RunConfig,
    bank: FeatureBank,
    *,
    members: Sequence[Member] | None = None,
    checkpoint: Checkpoint | None = None,
    device: torch.device | str | None = None,
) -> Iterator[Event]:
    """Train a head on features; closing the generator ends the run after the current step.

    The same configuration gives the same numbers bit for bit on one device of one machine with one thread, whether or
    not the run was interrupted and went on from a checkpoint.

    Args:
        config: what to train, on which data, for how long.
        bank: features (n, d) and labels of that data.
        members: networks to train together; by default one for each of the configuration's seeds.
        checkpoint: where to go on; by default training starts anew.
        device: where to compute; by default the setting. A checkpoint goes on on any device, to rounding the same.

    Raises `LabError` when there is no such device here, or when its memory is too small.
    """
    device = existing_device(device or settings().device)
    with enough_memory(device):
        yield from _train(config, bank, members, checkpoint, device)


@contextmanager
def enough_memory(device: torch.device) -> Iterator[None]:
    """Say in a sentence that a GPU's memory was too small for what is done inside."""
    try:
        yield
    except torch.OutOfMemoryError:
        raise LabError(
            f"The memory of {device} is too small for this: use fewer seeds, fewer qubits or a smaller batch, or the "
            "processor (LAB_DEVICE=cpu)"
        ) from None


def existing_device(name: torch.device | str) -> torch.device:
    """A device of this machine; `LabError` when it has none of that name."""
    try:
        device = torch.device(device_name(str(name)))
    except ValueError as error:
        raise LabError(f"device = {str(name)!r} is not possible: {error}") from None
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        n_gpus = torch.cuda.device_count()
        raise LabError(
            f"device = {device} is not possible: torch {torch.__version__} finds {n_gpus or 'no'} GPU"
            f"{'s' * (n_gpus > 1)} on the machine that trains; set LAB_DEVICE=cpu there and start again"
        )
    return device


def _train(
    config: RunConfig,
    bank: FeatureBank,
    members: Sequence[Member] | None,
    checkpoint: Checkpoint | None,
    device: torch.device,
) -> Iterator[Event]:
    members = tuple(members) if members is not None else config.members()
    splits = run_splits(config, bank, members)
    data = DeviceData(bank, device)
    network = Network(config.head, data.n_features, data.n_classes, len(members), device)
    network.initialise([member.seed for member in members])
    if config.standardise:
        network.standardisation = Standardisation.fitted(data.features, splits.train)
    optimiser = MemberAdam(network.flat, network.flat_grad, config.adam_beta2)
    best = BestEpoch(network, _CHOSEN_BY[config.protocol], config.patience)
    status = ["ok"] * len(members)
    first_epoch, seconds, devices = 1, 0.0, str(device)
    if checkpoint is not None:
        first_epoch, seconds, status, before = _restore(checkpoint, network, optimiser, best)
        devices = before if before.endswith(devices) else f"{before}, then {devices}"

    sizes = splits.train.shape[1], splits.validation.shape[1], len(splits.test)
    start = started(config, members, bank.classes, data.n_features, sizes, first_epoch, devices)
    yield start

    for epoch in range(first_epoch, config.epochs + 1):
        if best.is_settled(epoch - 1):
            break
        rates = [member.rate(epoch) for member in members]
        optimiser.set_rate(network.per_member(rates))
        order = epoch_order(members, splits.train, epoch).to(device)
        steps = yield from _train_epoch(network, optimiser, data, order, config.batch_size, epoch)
        seconds += steps.seconds

        (train_loss, train_accuracy), (validation_loss, validation_accuracy) = evaluate(network, data, splits)
        for member, step in enumerate(steps.not_finite):
            if status[member] == "ok" and (step or not isfinite(train_loss[member])):
                status[member] = f"diverged in epoch {epoch}, step {step or start.steps_per_epoch}"
        best.consider(epoch, validation_loss, validation_accuracy)
        yield Epoch(
            epoch=epoch,
            train_loss=train_loss,
            train_accuracy=train_accuracy,
            validation_loss=validation_loss,
            validation_accuracy=validation_accuracy,
            learning_rate=rates,
            seconds=steps.seconds,
            status=list(status),
        )
        yield _checkpoint(epoch, seconds, status, devices, network, optimiser, best)

    yield _finish(network, data, bank, splits.test, best, status, seconds)


def started(
    config: RunConfig,
    members: Sequence[Member],
    classes: Sequence[str],
    n_features: int,
    sizes: tuple[int, int, int],
    first_epoch: int = 1,
    device: str = "cpu",
) -> Started:
    """The first event of a run; sizes: numbers of training, validation and test samples."""
    n_train, n_validation, n_test = sizes
    quantum, classical = config.head.count_trained(n_features, len(classes))
    return Started(
        seeds=[member.seed for member in members],
        classes=list(classes),
        n_features=n_features,
        n_train=n_train,
        n_validation=n_validation,
        n_test=n_test,
        steps_per_epoch=-(-n_train // config.batch_size),
        epochs=config.epochs,
        first_epoch=first_epoch,
        quantum_parameters=quantum,
        classical_parameters=classical,
        device=device,
    )


class DeviceData:
    """Features and labels of a bank on one device."""

    def __init__(self, bank: FeatureBank, device: torch.device | str) -> None:
        self.features = torch.tensor(bank.features, dtype=torch.float32, device=device)  # (n, d)
        self.labels = torch.tensor(bank.labels, device=device)  # (n,)
        self.n_features = self.features.shape[1]
        self.n_classes = len(bank.classes)
        self.targets = torch.nn.functional.one_hot(self.labels, self.n_classes).to(torch.float32)  # (n, classes)

    def answers(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Labels of rows (...), and the same one-hot (..., classes)."""
        return self.labels[rows], self.targets[rows]


ChosenBy = Literal["loss", "accuracy", "last"]
_CHOSEN_BY: dict[str, ChosenBy] = {
    "ours": "loss",
    "paper": "accuracy",
    "paper_last": "last",
    "paper_batchnorm": "accuracy",
}
"""Protocol → how the epoch is chosen whose weights are tested."""


class BestEpoch:
    """Keeps for every member the weights of its best epoch: lowest loss, highest accuracy, or the last finite one.

    The first epoch wins a tie. With ``patience`` a member that was not better for so many epochs has stopped: it keeps
    what it has, whatever later epochs of the other members bring it.
    """

    def __init__(self, network: Network, by: ChosenBy, patience: int = 0) -> None:
        self.by, self.patience = by, patience
        self.flat = network.flat.clone()
        self.epoch = [0] * network.members
        self.score = [float("-inf")] * network.members
        self._kept = network.views(self.flat)
        self._current = network.weights

    def consider(self, epoch: int, loss: Sequence[float], accuracy: Sequence[float]) -> None:
        """Keep the weights of the members that are better than ever and have not stopped."""
        scores = {"loss": [-each for each in loss], "accuracy": accuracy, "last": [float(epoch)] * len(loss)}[self.by]
        for member, score in enumerate(scores):
            if isfinite(loss[member]) and score > self.score[member] and not self._stopped(member, epoch - 1):
                self.score[member] = score
                self.epoch[member] = epoch
                for name, kept in self._kept.items():
                    kept[member].copy_(self._current[name][member])

    def is_settled(self, epoch: int) -> bool:
        """Whether every member has stopped by the end of an epoch."""
        return all(self._stopped(member, epoch) for member in range(len(self.epoch)))

    def _stopped(self, member: int, epoch: int) -> bool:
        return self.patience > 0 and epoch - self.epoch[member] >= self.patience


@dataclass(frozen=True)
class MemberSplits:
    """Rows of a bank: those that a member is trained on and judged by after every epoch, and those of the test."""

    train: np.ndarray
    """(members, n_train) int64"""
    validation: np.ndarray
    """(members, n_validation) int64"""
    test: np.ndarray
    """(n_test,) int64"""
    shared: bool
    """Whether all members have the same rows."""


def run_splits(config: RunConfig, bank: FeatureBank, members: Sequence[Member]) -> MemberSplits:
    """The rows of a run; all protocols but "ours" train on all training data and watch the test set."""
    if config.protocol != "ours":
        splits = [bank.splits(0, config.split_seed)] * len(members)
        splits = [Splits(each.train, each.test, each.test) for each in splits]
    elif config.split_per_seed:
        splits = [bank.splits(config.validation_share, config.split_seed, member.seed) for member in members]
    else:
        splits = [bank.splits(config.validation_share, config.split_seed)] * len(members)
    return MemberSplits(
        train=np.stack([each.train for each in splits]),
        validation=np.stack([each.validation for each in splits]),
        test=splits[0].test,
        shared=not config.split_per_seed,
    )


def epoch_order(members: Sequence[Member], train: np.ndarray, epoch: int) -> Tensor:
    """Order in which each member meets its training samples, train (members, n_train), in an epoch, of the same shape.

    It depends on the member's seed and the epoch alone: heads of the same seed see the same batches, and a resumed run
    sees those it would have seen.
    """
    rows = []
    for member, own in zip(members, torch.from_numpy(train), strict=True):
        state = np.random.SeedSequence([member.seed, epoch]).generate_state(1)[0]
        generator = torch.Generator().manual_seed(int(state))
        rows.append(own[torch.randperm(len(own), generator=generator)])
    return torch.stack(rows)


@dataclass(frozen=True)
class EpochSteps:
    """What the steps of one epoch came to."""

    seconds: float
    not_finite: list[int]
    """For each member the first step whose loss was not finite, counted from 1; 0: none."""


def training_step(network: Network, optimiser: MemberAdam, x: Tensor, target: Tensor) -> Tensor:
    """One update of all members on their batches; returns the logits (members, batch, classes) from before it.

    Args:
        x: (members, batch, n_features) features.
        target: (members, batch, classes) one-hot labels.
    """
    logits, tape = network.forward(x)
    grad = torch.softmax(logits, -1).sub_(target).mul_(1 / x.shape[1])  # of the mean cross-entropy over the batch
    network.backward(grad, tape)
    optimiser.step()
    return logits


def cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    """Mean over the batch in nats, (..., batch, classes) and one-hot labels of the same shape → (...)."""
    return -(torch.log_softmax(logits, -1) * target).sum(-1).mean(-1)


def _train_epoch(
    network: Network, optimiser: MemberAdam, data: DeviceData, order: Tensor, batch_size: int, epoch: int
) -> Generator[Step, None, EpochSteps]:
    """One pass over the training data in the given order, (members, n_train)."""
    seconds, began = 0.0, perf_counter()
    reported = began
    losses: list[Tensor] = []  # each (steps, members)
    for indices in batch_indices(order, batch_size, data.n_features):
        features = data.features.index_select(0, indices.reshape(-1)).view(*indices.shape, -1)
        targets = data.targets.index_select(0, indices.reshape(-1)).view(*indices.shape, -1)
        logits: list[Tensor] = []
        for x, target in zip(features.unbind(0), targets.unbind(0), strict=True):
            logits.append(training_step(network, optimiser, x, target))
            if perf_counter() - reported > SECONDS_BETWEEN_STEP_EVENTS:
                so_far = torch.cat([*losses, cross_entropy(torch.stack(logits), targets[: len(logits)])])
                loss = so_far.mean(0).tolist()  # waits until a GPU has done all that it was asked for
                seconds += perf_counter() - began
                yield Step(epoch=epoch, step=len(so_far), loss=loss)
                began = reported = perf_counter()
        losses.append(cross_entropy(torch.stack(logits), targets))
    finite = torch.cat(losses).isfinite()  # (steps, members)
    first_bad = (~finite).int().argmax(0) + 1
    bad = torch.where(finite.all(0), 0, first_bad).tolist()  # waits, as above
    return EpochSteps(seconds + perf_counter() - began, bad)


def batch_indices(order: Tensor, batch_size: int, n_features: int) -> Iterator[Tensor]:
    """Cut an epoch's order (members, n_train) into (steps, members, batch) indices, the short last batch apart."""
    members, n_train = order.shape
    n_full = n_train // batch_size
    full = order[:, : n_full * batch_size].view(members, n_full, batch_size).transpose(0, 1)
    yield from full.split(max(1, GATHERED_FLOATS // (members * batch_size * n_features))) if n_full else ()
    if n_train % batch_size:
        yield order[None, :, n_full * batch_size :]


Score = tuple[list[float], list[float]]
"""Mean loss in nats and accuracy of every member; not a number where a loss is not finite."""


def evaluate(network: Network, data: DeviceData, splits: MemberSplits) -> tuple[Score, Score]:
    """How well every member does on its training and on its validation rows."""
    device = data.features.device
    parts = [torch.from_numpy(rows).to(device) for rows in (splits.train, splits.validation)]
    if splits.shared:
        train, validation = (score(network.logits(data.features[rows[0]]), *data.answers(rows[0])) for rows in parts)
        return train, validation
    # Rows of one member are training data, those of another one validation data: all see all, each takes its own.
    everything = torch.cat(parts, 1).unique()
    logits = network.logits(data.features[everything])

    def own(rows: Tensor) -> Score:
        places = torch.searchsorted(everything, rows)[..., None].expand(-1, -1, data.n_classes)
        return score(logits.gather(1, places), *data.answers(rows))

    return own(parts[0]), own(parts[1])


def score(logits: Tensor, labels: Tensor, targets: Tensor) -> Score:
    """That of logits (members, n, classes) for labels (n,) or (members, n), and for the same one-hot (..., classes)."""
    loss = cross_entropy(logits, targets)
    accuracy = (logits.argmax(-1) == labels).to(torch.float64).mean(-1)
    undefined = ~loss.isfinite()
    return loss.masked_fill(undefined, nan).tolist(), accuracy.masked_fill(undefined, nan).tolist()


def predict(config: RunConfig, weights: dict[str, np.ndarray], features: np.ndarray, n_classes: int) -> np.ndarray:
    """Logits (members, n, classes) float32 of trained weights, as in `Finished.weights`, for raw features (n, d)."""
    members = len(next(iter(weights.values())))
    network = Network(config.head, features.shape[1], n_classes, members)
    network.load(weights)
    return network.logits(torch.tensor(features, dtype=torch.float32)).numpy()


def checkpoint_weights(config: RunConfig, checkpoint: Checkpoint, bank: FeatureBank) -> dict[str, np.ndarray]:
    """The latest weights in a checkpoint of a run on this bank, by name, as `Finished.weights` has selected ones."""
    network = Network(config.head, bank.n_features, len(bank.classes), config.seeds)
    if config.standardise:
        rows = run_splits(config, bank, config.members()).train
        network.standardisation = Standardisation.fitted(torch.tensor(bank.features, dtype=torch.float32), rows)
    network.flat.copy_(torch.from_numpy(checkpoint.arrays["weights"]))
    return network.trained()


def _checkpoint(
    epoch: int,
    seconds: float,
    status: Sequence[str],
    devices: str,
    network: Network,
    optimiser: MemberAdam,
    best: BestEpoch,
) -> Checkpoint:
    tensors = {"weights": network.flat, "best_weights": best.flat} | optimiser.state()
    arrays = {name: tensor.cpu().numpy().copy() for name, tensor in tensors.items()}
    arrays |= {"best_epoch": np.array(best.epoch), "best_score": np.array(best.score)}
    arrays |= {"seconds": np.array(seconds), "status": np.array(status), "devices": np.array(devices)}
    return Checkpoint(epoch=epoch, arrays=arrays)


def _restore(
    checkpoint: Checkpoint, network: Network, optimiser: MemberAdam, best: BestEpoch
) -> tuple[int, float, list[str], str]:
    """Put everything back as it was after the checkpoint's epoch; the next epoch, seconds so far, status, devices."""
    arrays = checkpoint.arrays
    if arrays["weights"].shape != tuple(network.flat.shape):
        raise LabError(
            f"the checkpoint holds {arrays['weights'].size} weights and this head {network.flat.numel()}: "
            "it belongs to another run; start this one anew"
        )
    network.flat.copy_(torch.from_numpy(arrays["weights"]))
    optimiser.load_state({name: torch.from_numpy(np.asarray(arrays[name])) for name in optimiser.state()})
    best.flat.copy_(torch.from_numpy(arrays["best_weights"]))
    best.epoch[:] = arrays["best_epoch"].tolist()
    best.score[:] = arrays["best_score"].tolist()
    devices = str(arrays.get("devices", "cpu"))  # checkpoints from before there was a choice name none
    return checkpoint.epoch + 1, float(arrays["seconds"]), arrays["status"].tolist(), devices


def _finish(
    network: Network,
    data: DeviceData,
    bank: FeatureBank,
    test: np.ndarray,
    best: BestEpoch,
    status: Sequence[str],
    seconds: float,
) -> Finished:
    """Evaluate each member's best epoch on the test set; a diverged member has no result."""
    network.flat.copy_(best.flat)
    rows = torch.from_numpy(test).to(data.features.device)
    logits = network.logits(data.features[rows])
    logits[[word != "ok" for word in status]] = nan
    loss, accuracy = score(logits, data.labels[rows], data.targets[rows])
    return Finished(
        test_loss=loss,
        test_accuracy=accuracy,
        best_epoch=list(best.epoch),
        seconds=seconds,
        test_logits=logits.cpu().numpy(),
        test_labels=bank.labels[test],
        test_names=[bank.names[row] for row in test],
        weights=network.trained(),
    )
