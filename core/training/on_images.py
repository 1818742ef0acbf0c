"""The paper's protocol with BatchNorm of the frozen network in training mode, as the authors' notebooks ran it.

They switched their frozen ResNet-18 to training mode in every training epoch. BatchNorm then normalises with the
statistics of the batch, so the features of an image depend on the other images of its batch; and its running
statistics move on to the new data, so the features of test images change from epoch to epoch too. Nothing can be
cached: every epoch takes all images through the full network. The rest is as in `core.training.loop`.
"""

import copy
from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from math import isfinite
from time import perf_counter

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from core.config.run import RunConfig
from core.data.backbones import Backbone
from core.data.extraction import image_batches
from core.data.images import ImageSet
from core.data.networks.registry import network as network_of
from core.data.registry import dataset
from core.events import Epoch, Event, Finished, Step
from core.training.loop import BestEpoch, cross_entropy, epoch_order, score, started, training_step
from core.training.network import Network
from core.training.optimiser import MemberAdam

EVALUATED_IMAGES = 32
"""Test images that the network sees at once."""
SECONDS_BETWEEN_STEP_EVENTS = 1.0
PHOTOGRAPH = (375, 500, 3)
"""Height, width and colours of the noise that stands for an image when the speed is measured."""


def train_on_images(config: RunConfig, image_set: ImageSet, backbone: Backbone) -> Iterator[Event]:
    """Train a head under the protocol "paper_batchnorm"; the events are those of `core.training.loop.train`.

    There are no checkpoints. Training loss and accuracy are means over an epoch's batches, as they were trained on.
    Every member has its own copy of the frozen network, whose running statistics follow that member's batches.

    Raises `LabError` for weights whose BatchNorm is folded into the convolutions.
    """
    members = config.members()
    images = Images(image_set, [replace(backbone, network=copy.deepcopy(backbone.network)) for _ in members])
    train, test = np.flatnonzero(image_set.split == "train"), np.flatnonzero(image_set.split == "test")
    n_features = images.features(test[None, :1].repeat(len(members), 0), training=False).shape[-1]
    n_classes = len(image_set.classes)
    head = Network(config.head, n_features, n_classes, len(members))
    head.initialise([member.seed for member in members])
    optimiser = MemberAdam(head.flat, head.flat_grad, config.adam_beta2)
    best = BestEpoch(head, by="accuracy")
    best_logits = torch.full((len(members), len(test), n_classes), torch.nan)
    status = ["ok"] * len(members)
    seconds = 0.0
    yield started(config, members, image_set.classes, n_features, (len(train), len(test), len(test)))

    for epoch in range(1, config.epochs + 1):
        rates = [member.rate(epoch) for member in members]
        optimiser.set_rate(head.per_member(rates))
        order = epoch_order(members, np.tile(train, (len(members), 1)), epoch)  # (members, n_train)
        trained = yield from _train_epoch(head, optimiser, images, order, config.batch_size, epoch)
        seconds += trained.seconds
        for member, loss in enumerate(trained.loss):
            if status[member] == "ok" and not isfinite(loss):
                status[member] = f"diverged in epoch {epoch}"

        logits = images.test_logits(head, test)
        test_loss, test_accuracy = score(logits, images.labels[test], images.targets[test])
        best.consider(epoch, test_loss, test_accuracy)
        for member, chosen in enumerate(best.epoch):
            if chosen == epoch:
                best_logits[member] = logits[member]
        yield Epoch(
            epoch=epoch,
            train_loss=trained.loss,
            train_accuracy=trained.accuracy,
            validation_loss=test_loss,
            validation_accuracy=test_accuracy,
            learning_rate=rates,
            seconds=trained.seconds,
            status=list(status),
        )

    test_loss, test_accuracy = score(best_logits, images.labels[test], images.targets[test])
    yield Finished(
        test_loss=test_loss,
        test_accuracy=test_accuracy,
        best_epoch=list(best.epoch),
        seconds=seconds,
        test_logits=best_logits.numpy(),
        test_labels=image_set.labels[test],
        test_names=[image_set.names[row] for row in test],
        weights={name: weight.numpy().copy() for name, weight in head.views(best.flat).items()},
    )


def estimate_seconds(config: RunConfig) -> float:
    """How long `train_on_images` will take in one thread of this machine: epochs x images / speed, in seconds.

    Measured on noise, with random weights: a training batch and a test batch of the transform and the full network,
    the former with BatchNorm in training mode. Reading image files and steps of the head come on top.
    """
    data, threads = dataset(config.dataset), torch.get_num_threads()
    entry = network_of(config.backbone)
    network, transform = entry.build().to(memory_format=torch.channels_last), entry.transform(config.weights)
    picture = Image.fromarray(np.random.RandomState(0).randint(0, 256, PHOTOGRAPH, np.uint8))

    def seconds_per_image(n_images: int, training: bool) -> float:
        network.train(training)
        began = perf_counter()
        batch = torch.stack([transform(picture) for _ in range(n_images)])
        network(batch.contiguous(memory_format=torch.channels_last))
        return (perf_counter() - began) / n_images

    torch.set_num_threads(1)  # as rows are run from the command line
    try:
        with torch.inference_mode():
            seconds_per_image(2, training=True)  # the first call is slower than all others
            train, test = seconds_per_image(config.batch_size, True), seconds_per_image(8, False)
    finally:
        torch.set_num_threads(threads)
    return config.seeds * config.epochs * (data.n_train * train + data.n_test * test)


class Images:
    """Images of a data set as every member's frozen network sees them."""

    def __init__(self, image_set: ImageSet, networks: list[Backbone]) -> None:
        self.image_set = image_set
        self.networks = networks
        self.labels = torch.from_numpy(image_set.labels)  # (n,)
        self.targets = nn.functional.one_hot(self.labels, len(image_set.classes)).to(torch.float32)  # (n, classes)

    def features(self, rows: np.ndarray, *, training: bool) -> Tensor:
        """Features (members, n, d) of each member's own images, rows (members, n), all in one batch."""
        return torch.stack([self._of(*pair, training) for pair in zip(self.networks, rows, strict=True)])

    def test_logits(self, head: Network, rows: np.ndarray) -> Tensor:
        """Logits (members, n, classes) for the same images, rows (n,), with the networks in evaluation mode."""
        parts = np.array_split(rows, -(-len(rows) // EVALUATED_IMAGES))
        same = [np.broadcast_to(part, (len(self.networks), len(part))) for part in parts]
        return torch.cat([head.forward(self.features(part, training=False))[0] for part in same], 1)

    def _of(self, backbone: Backbone, rows: np.ndarray, training: bool) -> Tensor:
        (batch,) = image_batches(self.image_set, backbone.transform, rows.tolist(), len(rows))
        return backbone.features_in_training_mode(batch) if training else backbone.features(batch)


@dataclass(frozen=True)
class _Trained:
    """One epoch's steps, per member."""

    loss: list[float]
    accuracy: list[float]
    seconds: float


def _train_epoch(
    head: Network, optimiser: MemberAdam, images: Images, order: Tensor, batch_size: int, epoch: int
) -> Generator[Step, None, _Trained]:
    began = reported = perf_counter()
    loss, hits, seen = torch.zeros(len(order)), torch.zeros(len(order)), 0
    for step, rows in enumerate(order.split(batch_size, dim=1), 1):
        x = images.features(rows.numpy(), training=True)
        logits = training_step(head, optimiser, x, images.targets[rows])
        loss += cross_entropy(logits, images.targets[rows]) * rows.shape[1]
        hits += (logits.argmax(-1) == images.labels[rows]).sum(-1)
        seen += rows.shape[1]
        if perf_counter() - reported > SECONDS_BETWEEN_STEP_EVENTS:
            reported = perf_counter()
            yield Step(epoch=epoch, step=step, loss=(loss / seen).tolist())
    return _Trained((loss / seen).tolist(), (hits / seen).tolist(), perf_counter() - began)
