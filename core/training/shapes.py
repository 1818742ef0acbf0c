"""The parameters of every head: name, shape, where they sit and whether they are trained. No torch."""

from dataclasses import dataclass
from math import prod

from core.circuit.dressed import dressed_circuit
from core.config.heads.bottleneck import Bottleneck
from core.config.heads.closed_form import ClosedForm
from core.config.heads.dressed_quantum import DressedQuantum
from core.config.heads.linear import Linear
from core.config.heads.mlp import MLP
from core.config.heads.registry import HeadConfig


@dataclass(frozen=True)
class Parameter:
    """One array of weights of one network."""

    name: str
    shape: tuple[int, ...]
    quantum: bool = False
    trained: bool = True

    @property
    def size(self) -> int:
        return prod(self.shape)


def dense_widths(head: HeadConfig, n_features: int, n_classes: int) -> tuple[int, ...]:
    """Width of the data before, between and after the dense layers; the circuit does not change the width."""
    match head:
        case DressedQuantum() | ClosedForm():
            return n_features, head.n_qubits, n_classes
        case Linear():
            return n_features, n_classes
        case Bottleneck():
            return n_features, head.width, n_classes
        case MLP():
            hidden = head.hidden or (matched_width(head, n_features, n_classes),)
            return n_features, *hidden, n_classes


def dense_names(n_layers: int) -> tuple[str, ...]:
    """Names of dense layers, equal for layers that play the same part in different heads."""
    if n_layers == 1:
        return ("post",)
    return ("pre", *(f"hidden{index}" for index in range(1, n_layers - 1)), "post")


def head_parameters(head: HeadConfig, n_features: int, n_classes: int) -> tuple[Parameter, ...]:
    """All parameters of a head in the order in which data meets them; dense weights are (n_out, n_in)."""
    widths = dense_widths(head, n_features, n_classes)
    ablation = head.ablation if isinstance(head, DressedQuantum) else "none"
    found: list[Parameter] = []
    for name, n_in, n_out in zip(dense_names(len(widths) - 1), widths[:-1], widths[1:], strict=True):
        trained = not (name == "pre" and ablation == "frozen_pre_net")
        found.append(Parameter(f"{name}.weight", (n_out, n_in), trained=trained))
        found.append(Parameter(f"{name}.bias", (n_out,), trained=trained))
        if name == "pre" and isinstance(head, DressedQuantum):
            n_angles = dressed_circuit(head).n_weights
            trained = ablation not in ("near_zero", "random_angles")
            found.append(Parameter("circuit.weights", (n_angles,), quantum=True, trained=trained))
    return tuple(found)


def count_trained(head: HeadConfig, n_features: int, n_classes: int) -> tuple[int, int]:
    """Trainable parameters of a head: (in the circuit, elsewhere)."""
    trained = [p for p in head_parameters(head, n_features, n_classes) if p.trained]
    return sum(p.size for p in trained if p.quantum), sum(p.size for p in trained if not p.quantum)


def matched_width(head: MLP, n_features: int, n_classes: int) -> int:
    """Units of the one hidden layer with which an MLP comes closest to the quantum head's parameters."""
    quantum_head = DressedQuantum(n_qubits=head.n_qubits, q_depth=head.q_depth)
    wanted = sum(count_trained(quantum_head, n_features, n_classes))
    return max(1, round((wanted - n_classes) / (n_features + 1 + n_classes)))
