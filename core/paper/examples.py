"""The paper's examples, its protocols, and the numbers that it reports.

Mari, Bromley, Izaac, Schuld, Killoran, *Transfer learning in hybrid classical-quantum neural networks*,
arXiv:1912.08278.
"""

from dataclasses import dataclass
from typing import Literal

ProtocolName = Literal["notebook", "paper", "paper, last step", "paper, early", "paper, BatchNorm", "ours"]

NetworkName = Literal["classical", "hybrid"]
"""What the authors call a network on points."""
NETWORKS: tuple[NetworkName, ...] = ("classical", "hybrid")

PROTOCOLS: dict[ProtocolName, str] = {
    "notebook": "The authors' notebook, number for number: its random numbers, its Adam, its one seed, the last step.",
    "paper": "The paper's: train on the whole training set, test after every epoch, report the best epoch on the test "
    "set. Features are those of a frozen network in evaluation mode, computed once.",
    "paper, last step": "What the notebooks on points do: train on the whole training set, report the weights after "
    "the last step, with β₂ = 0.99 in Adam, as PennyLane's had it then (today 0.999).",
    "paper, early": 'As "paper", with the learning rate lowered one epoch earlier: what PyTorch since 1.1 makes of the '
    "authors' scheduler.step() before each epoch.",
    "paper, BatchNorm": 'As "paper", with BatchNorm of the frozen network in training mode, as the authors ran it: '
    "features then depend on the other images of a batch, so every epoch needs all images and the full network.",
    "ours": "Ours: a fifth of the training set is kept aside to choose the epoch; the test set is used once.",
}


@dataclass(frozen=True)
class Reported:
    """What the authors report: test accuracy in [0, 1], test loss in nats, run time in minutes."""

    accuracy: float
    loss: float | None = None
    minutes: float | None = None


@dataclass(frozen=True)
class Example:
    """One example of the paper."""

    number: str
    title: str
    datasets: tuple[str, ...]
    words: str


EXAMPLES = (
    Example(
        "1",
        "Two spirals",
        ("spirals", "spirals_2.0"),
        "No images and no pretrained network yet: points in the plane, two classes, a network of 5 qubits between two "
        "small linear layers, and the same network with the circuit replaced by five tanh units.",
    ),
    Example(
        "1b",
        "Other shapes",
        ("square", "moons"),
        "The authors' supplementary notebook repeats example 1 with two easier shapes.",
    ),
    Example(
        "2",
        "Ants and bees",
        ("ants_bees",),
        "Photographs pass through a ResNet-18 that was trained on ImageNet and stays frozen; only the head learns to "
        "tell ants from bees.",
    ),
    Example(
        "3",
        "CIFAR-10 pairs",
        ("dogs_cats", "planes_cars"),
        "The same with small pictures of 32 by 32 pixels, enlarged to the size that the network expects.",
    ),
)

REPORTED = {
    ("ants_bees", "dressed_quantum"): Reported(0.9673, 0.2753, 87),
    ("ants_bees", "linear"): Reported(0.9542, 0.1900),
    ("dogs_cats", "dressed_quantum"): Reported(0.8270, 0.4039, 676),
    ("planes_cars", "dressed_quantum"): Reported(0.9605, 0.1349, 478),
    ("spirals", "classical"): Reported(0.855),
    ("spirals", "hybrid"): Reported(0.970),
    ("spirals_2.0", "classical"): Reported(0.540),
    ("spirals_2.0", "hybrid"): Reported(0.625),
    ("square", "classical"): Reported(0.905),
    ("square", "hybrid"): Reported(0.930),
    ("moons", "classical"): Reported(0.975),
    ("moons", "hybrid"): Reported(0.965),
}
"""(data set, network or head) → what the authors report."""
