"""Does the circuit do anything? What the trained angles of a dressed quantum head change, measured three ways."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from core.comparison.record import Contribution
from core.config.heads.dressed_quantum import DressedQuantum
from core.config.run import RunConfig
from core.data.banks import FeatureBank
from core.errors import LabError
from core.training.network import Network

GRADIENT_SAMPLES = 100
"""Test samples, spread evenly, over which the gradient's share is averaged."""


def contribution(
    config: RunConfig, bank: FeatureBank, weights: dict[str, np.ndarray], seeds: Sequence[int]
) -> Contribution:
    """What the angles do in these networks.

    weights: as in `core.events.Finished.weights`, each (members, *shape); seeds: those the members started from.
    The angles are moved back to their start, and to zero, with all else as trained.
    """
    head = config.head
    if not isinstance(head, DressedQuantum):
        raise LabError(f"head = {head.kind} is not possible here: only a dressed_quantum head has a circuit")
    test = np.flatnonzero(bank.split == "test")
    features = torch.tensor(bank.features[test], dtype=torch.float32)
    labels = torch.tensor(bank.labels[test])
    n_classes = len(bank.classes)

    network = Network(head, bank.n_features, n_classes, len(seeds))
    network.initialise(seeds)
    angles = network.weights["circuit.weights"]
    start = angles.clone()
    network.load(weights)
    trained = angles.clone()
    gradient_share = _gradient_share(network, features)

    expvals, logits = _outputs(network, features)
    angles.copy_(start)
    expvals_start, logits_start = _outputs(network, features)
    angles.zero_()
    expvals_zero, logits_zero = _outputs(network, features)

    moved = (trained - start).abs()
    quantum, classical = head.count_trained(bank.n_features, n_classes)
    return Contribution(
        moved_mean=_numbers(moved.mean(1)),
        moved_max=_numbers(moved.amax(1)),
        map_from_start=_numbers((expvals - expvals_start).abs().mean((1, 2))),
        map_from_zero=_numbers((expvals - expvals_zero).abs().mean((1, 2))),
        changed_from_start=_share(logits.argmax(-1) != logits_start.argmax(-1)),
        changed_from_zero=_share(logits.argmax(-1) != logits_zero.argmax(-1)),
        accuracy=_share(logits.argmax(-1) == labels),
        accuracy_from_start=_share(logits_start.argmax(-1) == labels),
        accuracy_from_zero=_share(logits_zero.argmax(-1) == labels),
        gradient_share=_numbers(gradient_share),
        parameter_share=quantum / (quantum + classical),
        is_closed_form=head.ansatz == "mari" and head.reuploads == 1 and head.variant.entanglers == "kept",
    )


def _outputs(network: Network, features: Tensor) -> tuple[Tensor, Tensor]:
    """⟨Z⟩ (members, n, qubits) and logits (members, n, classes) for features (n, d)."""
    weights = network.weights
    pre_net, activation, circuit, post_net = network.layers
    expvals, logits = [], []
    for part in network.parts(features):
        x = pre_net.infer(part, (weights["pre.weight"], weights["pre.bias"]))
        x = circuit.infer(activation.infer(x, ()), (weights["circuit.weights"],))
        expvals.append(x)
        logits.append(post_net.infer(x, (weights["post.weight"], weights["post.bias"])))
    return torch.cat(expvals, 1), torch.cat(logits, 1)


def _gradient_share(network: Network, features: Tensor) -> Tensor:
    """(members,): mean over samples of ‖∂m/∂angles‖² / ‖∂m/∂all‖², m the lead of the likeliest logit over the next."""
    shares = []
    for row in np.linspace(0, len(features) - 1, min(GRADIENT_SAMPLES, len(features))).astype(int):
        logits, tape = network.forward(features[row].expand(network.members, 1, -1).contiguous())
        two = logits.topk(2, -1).indices
        lead = torch.zeros_like(logits).scatter_(-1, two[..., :1], 1.0).scatter_(-1, two[..., 1:], -1.0)
        network.backward(lead, tape)
        squares = {name: grad.square().flatten(1).sum(1) for name, grad in network.grads.items()}
        shares.append(squares["circuit.weights"] / torch.stack(list(squares.values())).sum(0))
    return torch.stack(shares).mean(0)


def _numbers(values: Tensor) -> tuple[float, ...]:
    return tuple(values.tolist())


def _share(flags: Tensor) -> tuple[float, ...]:
    return tuple(flags.to(torch.float64).mean(1).tolist())
