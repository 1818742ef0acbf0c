"""Who takes part in a comparison: the candidate, its ablations, other circuits, classical networks, scikit-learn.

Head kinds name the heads that enter (`core.config.heads.base.Head.rivals` and `siblings`): a new kind takes part
without a line here.
"""

from collections.abc import Sequence
from itertools import chain
from typing import Literal

from core.config.frozen import Frozen
from core.config.heads.base import CircuitSettings, Entrant, Group, Head
from core.config.heads.dressed_quantum import DressedQuantum
from core.config.heads.registry import HEAD_KINDS, HeadConfig
from core.config.run import RunConfig
from core.data.registry import dataset
from core.errors import LabError
from core.recipes import paper_run

Place = Literal["candidate", Group, "scikit-learn"]
"""What a rival is to the candidate."""

GROUPS: dict[Place, str] = {
    "candidate": "the head that all others are compared with",
    "ablation": "the quantum head with something taken out or changed",
    "ansatz": "other quantum circuits",
    "classical": "classical networks, trained in the same way",
    "scikit-learn": "standard methods without epochs or batches: fitted to the same training samples, their settings "
    "chosen on validation samples",
}

LIBRARY = {
    "logistic regression": "scikit-learn's, its penalty chosen on validation samples",
    "RBF-SVM": "support vectors with a Gaussian kernel, penalty and width chosen on validation samples",
    "random Fourier": "logistic regression on random Fourier features, penalty and width chosen on validation samples",
}
"""Rivals that scikit-learn trains, and what they are."""


class Rival(Frozen):
    """One competitor: a head of this laboratory, or a method of scikit-learn (no head)."""

    name: str
    group: Place
    words: str
    head: HeadConfig | None = None


def rivals(config: RunConfig, chosen: Sequence[str] = ()) -> tuple[Rival, ...]:
    """The candidate of a run and everyone it is compared with, the candidate first.

    chosen: names of those to compare with; empty: all. Classical networks are sized to the candidate and start as
    `torch.nn.Linear` does, whatever the candidate's start is: a rival is not to be held back by it. `LabError` for a
    name that is none of them.
    """
    others = [_rival(each.name, each.group, each.words, each.head) for each in _entrants(config)]
    named = next((each for each in others if each.head == config.head), None)
    name = named.name if named else config.head.style.label
    others = [each for each in others if each.name != name]
    others += [_rival(name, "scikit-learn", words) for name, words in LIBRARY.items()]
    if unknown := set(chosen) - {each.name for each in others}:
        names = "; ".join(each.name for each in others)
        raise LabError(f"rivals = {sorted(unknown)[0]!r} is not possible: choose among {names}")
    candidate = _rival(name, "candidate", config.head.detail, config.head)
    return candidate, *(each for each in others if not chosen or each.name in chosen)


def _entrants(config: RunConfig) -> list[Entrant]:
    """Heads that may be compared with a run's, its siblings first."""
    head = config.head
    is_points = dataset(config.dataset).is_points
    circuit = head if isinstance(head, DressedQuantum) else paper_run(config.dataset).head
    assert isinstance(circuit, DressedQuantum)
    settings = CircuitSettings(**circuit.controls | head.controls)
    kinds = (kind.rivals(settings, circuit.init_scale, is_points) for kind in HEAD_KINDS.values())
    return [*head.siblings(), *chain.from_iterable(kinds)]


def _rival(name: str, group: Place, words: str, head: Head | None = None) -> Rival:
    return Rival(name=name, group=group, words=words, head=head)
