"""Example 1 of the paper, number for number as the authors' notebook computed it in 2019.

Three habits of that notebook decide the last digits (github.com/XanaduAI/quantum-transfer-learning, dressed_circuit):

- its Adam, PennyLane's of that day, starts both moments at the first raw gradient and has β₂ = 0.99;
- the classical network trains first, and the hybrid one inherits the order in which it left the training points;
- one weight vector holds the weights of both networks; the part that a network does not use keeps a zero gradient.

The notebook's numbers are the last step's test accuracies. `core.training.loop` treats the same data with today's Adam.
"""

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field
from math import pi, sqrt
from time import perf_counter
from typing import Any

import numpy as np
import torch
from torch import Tensor

from core.circuit.dressed import dressed_circuit
from core.circuit.simulator import simulator
from core.config.heads.dressed_quantum import DressedQuantum
from core.data.downloads import Stopwatch
from core.data.registry import dataset
from core.errors import LabError
from core.events import Progress
from core.paper.examples import NETWORKS, NetworkName
from core.training.layers import Dense, Elementwise, Layer, Quantum

DATASETS = ("spirals", "spirals_2.0", "square", "moons")
"""Of the paper's example 1, and of the authors' supplementary notebook with other shapes."""

TURNS = {"spirals": 1.52, "spirals_2.0": 2.0}
"""Turns of the two spirals of example 1."""

N_QUBITS, Q_DEPTH = 5, 5
BLOCKS = ((N_QUBITS, 3), (15, N_QUBITS), (N_QUBITS, N_QUBITS + 1), (2, N_QUBITS + 1))
"""The one weight vector: pre_net, angles (rows 1 to 5 are used), classical block, post_net; biases are last columns."""
BATCH_SIZE, ITERATIONS = 10, 1_000
SECONDS_BETWEEN_PROGRESS = 0.1
WEIGHT_SEED, SHUFFLE_SEED, SPREAD = 55, 150, 0.001
BETA_1, BETA_2, EPSILON = 0.9, 0.99, 1e-8


@dataclass(frozen=True)
class NotebookRun:
    """One trained network of the notebook."""

    dataset: str
    network: NetworkName
    test_accuracy: float
    """of the last iteration, on the 200 test points"""
    test_loss: float
    """mean over the test points, in nats; the notebook did not print it"""
    seconds: float
    """wall time of training"""
    weights: np.ndarray = field(repr=False)
    """(132,) float64, laid out as `BLOCKS` says"""


def run_notebook(name: str) -> Iterator[Progress | NotebookRun]:
    """Train the notebook's classical network, then its hybrid one, on "spirals", "spirals_2.0", "square" or "moons".

    Yields its progress about ten times a second. Raises `LabError` for another data set.
    """
    if name not in DATASETS:
        raise LabError(f"dataset = {name!r} is not in the notebook: choose one of {', '.join(DATASETS)}")
    data, learning_rate = dataset(name).points(), dataset(name).recipe["learning_rate"]
    in_train = data.split == "train"
    inputs, labels = torch.from_numpy(data.inputs[in_train]), torch.from_numpy(data.labels[in_train])
    test_inputs, test_labels = torch.from_numpy(data.inputs[~in_train]), torch.from_numpy(data.labels[~in_train])
    for kind in NETWORKS:
        started = perf_counter()
        network = NotebookNetwork(kind)
        order = yield from network.train(inputs, labels, learning_rate, f"the {kind} network")
        seconds = perf_counter() - started
        inputs, labels = inputs[order], labels[order]
        log_likelihood, _ = network.forward(test_inputs)
        yield NotebookRun(
            dataset=name,
            network=kind,
            test_accuracy=(log_likelihood.argmax(1) == test_labels).double().mean().item(),
            test_loss=-log_likelihood[range(len(test_labels)), test_labels].mean().item(),
            seconds=seconds,
            weights=network.flat.numpy(),
        )


def decision(run: NotebookRun, inputs: np.ndarray) -> np.ndarray:
    """What the notebook colours the plane by: tanh(log p₁ − log p₀) of points (n, 2), negative for class 0. (n,)"""
    network = NotebookNetwork(run.network)
    network.flat.copy_(torch.from_numpy(run.weights))
    log_likelihood, _ = network.forward(torch.from_numpy(inputs))
    return torch.tanh(log_likelihood[:, 1] - log_likelihood[:, 0]).numpy()


class NotebookNetwork:
    """Linear 2→5, tanh, then circuit or tanh(Linear 5→5), then Linear 5→2 and log-softmax; float64."""

    def __init__(self, name: NetworkName) -> None:
        n_weights = sum(rows * columns for rows, columns in BLOCKS)
        self.flat = torch.from_numpy(SPREAD * np.random.RandomState(WEIGHT_SEED).randn(n_weights))  # (132,)
        self.grad = torch.zeros_like(self.flat)
        pre, middle, post = Dense(), Dense(), Dense()
        if name == "hybrid":
            head = DressedQuantum(n_qubits=N_QUBITS, q_depth=Q_DEPTH)
            circuit = Quantum(simulator(dressed_circuit(head), dtype=torch.float64), trained=True)
            self.layers: Sequence[Layer] = (pre, Elementwise("tanh", pi / 2), circuit, post)
        else:
            self.layers = (pre, Elementwise("tanh"), middle, Elementwise("tanh"), post)
        self.weights = _per_layer(self.flat, name)
        self.grads = _per_layer(self.grad, name)

    def forward(self, inputs: Tensor) -> tuple[Tensor, list[Any]]:
        """Log-likelihood (n, 2) of points (n, 2), and what `backward` needs."""
        x, tape = inputs.unsqueeze(0), []
        for layer, weights in zip(self.layers, self.weights, strict=True):
            x, saved = layer.forward(x, weights)
            tape.append(saved)
        return torch.log_softmax(x[0], 1), tape

    def backward(self, log_likelihood: Tensor, labels: Tensor, tape: list[Any]) -> None:
        """Fill ``grad`` with the gradient of the negative log-likelihood, summed over the batch."""
        grad_logits = log_likelihood.exp()
        grad_logits[range(len(labels)), labels] -= 1
        grad: Tensor | None = grad_logits.unsqueeze(0)
        for index in range(len(self.layers) - 1, -1, -1):
            layer, weights, grads = self.layers[index], self.weights[index], self.grads[index]
            assert grad is not None
            grad = layer.backward(grad, tape[index], weights, grads, index > 0)

    def train(
        self,
        inputs: Tensor,
        labels: Tensor,
        learning_rate: float,
        what: str,
    ) -> Generator[Progress, None, Tensor]:
        """1,000 steps of the notebook's Adam; returns the order (n,) int64 in which it leaves the training points.

        what: the name of the network, for whoever reads its progress.
        """
        watch, told = Stopwatch(what, ITERATIONS, "iterations"), 0.0
        shuffle = np.random.RandomState(SHUFFLE_SEED)
        order = torch.arange(len(inputs))
        first_moment = second_moment = torch.empty(0)
        start = 0
        for step in range(1, ITERATIONS + 1):
            if start == len(inputs):
                indices = np.arange(len(inputs))
                shuffle.shuffle(indices)
                order, start = order[indices], 0
            batch = order[start : start + BATCH_SIZE]
            start += BATCH_SIZE

            log_likelihood, tape = self.forward(inputs[batch])
            self.backward(log_likelihood, labels[batch], tape)
            if step == 1:
                first_moment, second_moment = self.grad.clone(), self.grad**2
            else:
                first_moment = BETA_1 * first_moment + (1 - BETA_1) * self.grad
                second_moment = BETA_2 * second_moment + (1 - BETA_2) * self.grad**2
            rate = learning_rate * sqrt(1 - BETA_2**step) / (1 - BETA_1**step)
            self.flat -= rate * first_moment / (second_moment.sqrt() + EPSILON)
            if perf_counter() - told > SECONDS_BETWEEN_PROGRESS or step == ITERATIONS:
                told = perf_counter()
                yield watch.progress(step - watch.done)
        return order


def _per_layer(flat: Tensor, name: NetworkName) -> list[list[Tensor]]:
    """Views of the notebook's weight vector for every layer, each with a leading member dimension."""
    parts = flat.split([rows * columns for rows, columns in BLOCKS])
    pre, angles, middle, post = (part.view(1, *shape) for part, shape in zip(parts, BLOCKS, strict=True))
    inner = [[angles[:, 1 : Q_DEPTH + 1].flatten(1)]] if name == "hybrid" else [_dense(middle), []]
    return [_dense(pre), [], *inner, _dense(post)]


def _dense(block: Tensor) -> list[Tensor]:
    """Weight (1, n_out, n_in) and bias (1, n_out) of a block (1, n_out, n_in + 1)."""
    return [block[:, :, :-1], block[:, :, -1]]
