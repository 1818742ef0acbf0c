"""Who takes part in a comparison: the candidate, its ablations, other circuits, classical networks, scikit-learn."""

from typing import Literal

from core.config.ansatze.mari import MARI
from core.config.ansatze.registry import ANSAETZE
from core.config.frozen import Frozen
from core.config.heads.ablations import ABLATIONS
from core.config.heads.base import Head
from core.config.heads.bottleneck import Bottleneck
from core.config.heads.closed_form import ClosedForm
from core.config.heads.dressed_quantum import DressedQuantum
from core.config.heads.linear import Linear
from core.config.heads.mlp import MLP
from core.config.heads.registry import HeadConfig
from core.config.run import RunConfig
from core.data.registry import dataset
from core.errors import LabError

CANDIDATE = "quantum"

Group = Literal["candidate", "ablation", "ansatz", "classical", "scikit-learn"]

GROUPS: dict[Group, str] = {
    "candidate": "the dressed quantum head",
    "ablation": "the quantum head with something taken out or changed",
    "ansatz": "other quantum circuits",
    "classical": "classical networks, trained in the same way",
    "scikit-learn": "standard methods without epochs or batches: fitted to training and validation samples together, "
    "features standardised, settings chosen by cross-validation there",
}

LIBRARY = {
    "logistic regression": "scikit-learn's, penalty chosen by cross-validation on the training data",
    "RBF-SVM": "support vectors with a Gaussian kernel, chosen by cross-validation on the training data",
    "random Fourier": "logistic regression on random Fourier features, chosen by cross-validation",
}
"""Rivals that scikit-learn trains, and what they are."""


class Rival(Frozen):
    """One competitor: a head of this laboratory, or a method of scikit-learn (no head)."""

    name: str
    group: Group
    words: str
    head: HeadConfig | None = None


def rivals(config: RunConfig) -> tuple[Rival, ...]:
    """The candidate of a run and everyone it is compared with, the candidate first.

    Ablations and other circuits are the candidate's head with one field changed. Classical networks start as
    `torch.nn.Linear` does, whatever the candidate's start is: a rival is not to be held back by it.
    """
    quantum = config.head
    if not isinstance(quantum, DressedQuantum) or quantum.ablation != "none":
        raise LabError(f"head = {quantum.kind} is not possible: the candidate is a whole dressed_quantum head")

    def changed(**fields: object) -> Head:
        return DressedQuantum.model_validate(quantum.model_dump() | fields)

    n, depth = quantum.n_qubits, quantum.q_depth
    size = {"n_qubits": n, "q_depth": depth}
    everyone = [
        Rival(name=CANDIDATE, group="candidate", words=quantum.detail, head=quantum),
        *(_ablation(variant.style.label, variant.words, changed(ablation=name)) for name, variant in ABLATIONS.items()),
        _ablation("large q_delta", "angles start with a spread of 1 radian", changed(q_delta=1.0)),
    ]
    if quantum.init_scale is not None:
        everyone.append(
            _ablation("ordinary start", "dense layers start as torch.nn.Linear does", changed(init_scale=None))
        )
    for repeats in dict.fromkeys((2, depth)):
        if 1 < repeats <= depth:
            head = changed(reuploads=repeats)
            everyone.append(
                Rival(name=f"re-upload × {repeats}", group="ansatz", words="data embedded again", head=head)
            )
    everyone += [
        Rival(name=name.replace("_", " "), group="ansatz", words=ansatz.words, head=changed(ansatz=name))
        for name, ansatz in ANSAETZE.items()
        if ansatz is not MARI
    ]
    everyone += [
        _classical("linear", "no inner layer", Linear()),
        _classical("bottleneck", f"{n} units, tanh", Bottleneck(width=n)),
        _classical("bottleneck, ReLU", f"{n} units, ReLU", Bottleneck(width=n, activation="relu")),
        _classical("bottleneck, sine", f"{n} units, sine", Bottleneck(width=n, activation="sine")),
        _classical("mlp", "one hidden layer of leaky ReLU, as many parameters as the quantum head", MLP(**size)),
    ]
    if dataset(config.dataset).is_points:
        everyone += [
            _classical(
                "paper's classical",
                "two layers of 5 tanh units, started near zero as in the paper",
                MLP(**size, hidden=(n, n), activation="tanh", init_scale=quantum.init_scale),
            ),
            _classical(
                "two tanh layers", f"the same, ordinary start: {n}-{n}", MLP(**size, hidden=(n, n), activation="tanh")
            ),
            _classical("two sine layers", f"hidden {n}-{n}, sine", MLP(**size, hidden=(n, n), activation="sine")),
            _classical("wider mlp", "hidden 16-16, leaky ReLU", MLP(**size, hidden=(16, 16))),
        ]
    else:
        everyone.append(_classical("wider mlp", "hidden 64, leaky ReLU", MLP(**size, hidden=(64,))))
    everyone.append(
        _classical(
            "closed form",
            "the circuit at zero angles: a product of sines",
            ClosedForm(**size, init_scale=quantum.init_scale),
        )
    )
    everyone += [Rival(name=name, group="scikit-learn", words=words) for name, words in LIBRARY.items()]
    return tuple(everyone)


def _ablation(name: str, words: str, head: Head) -> Rival:
    return Rival(name=name, group="ablation", words=words, head=head)


def _classical(name: str, words: str, head: Head) -> Rival:
    return Rival(name=name, group="classical", words=words, head=head)
