"""What a comparison is: a problem, its rivals, and the record of who measured what. Needs no torch.

`core.comparison.run` runs one; `core.statistics.verdict` says what its numbers show. A stored comparison is a folder
``results/comparisons/<name>/``:

    comparison.json   problem, settings, versions, and for every rival its metrics, one number a seed
    predictions.npz   labels (n_test,) and predicted (n_rivals, n_seeds, n_test): classes as uint8
"""

import os
import re
import secrets
import shutil
import zipfile
from datetime import datetime
from math import ceil
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field, ValidationError, model_validator

from core.config.frozen import Frozen
from core.config.heads.ablations import ABLATIONS
from core.config.heads.base import Head
from core.config.heads.bottleneck import Bottleneck
from core.config.heads.closed_form import ClosedForm
from core.config.heads.dressed_quantum import DressedQuantum
from core.config.heads.linear import Linear
from core.config.heads.mlp import MLP
from core.config.heads.registry import HeadConfig
from core.config.run import RunConfig, config_sentence
from core.data.cuts import POINTS, Cut
from core.data.features import Features
from core.data.registry import dataset
from core.errors import LabError
from core.files import replace_arrays, replace_text, writing
from core.recipes import paper_run
from core.settings import PROJECT, settings
from core.statistics.verdict import Ranking, Verdict, mean_interval, ranking, verdicts

SEEDS = 20
MARGIN = 1.0
"""Percent points of accuracy that are too few to matter, unless the user says otherwise."""

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

_LAYER3 = Cut("resnet18", "layer3", "IMAGENET1K_V1")

PROBLEMS = {
    "spirals": Features("spirals", POINTS),
    "spirals_2.0": Features("spirals_2.0", POINTS),
    "square": Features("square", POINTS),
    "moons": Features("moons", POINTS),
    "ants_bees-layer3": Features("ants_bees", _LAYER3),
    "ants_bees-mobilenet_v2": Features("ants_bees", Cut("mobilenet_v2", "features", "IMAGENET_INT8")),
    "dogs_cats-layer3": Features("dogs_cats", _LAYER3),
    "planes_cars-layer3": Features("planes_cars", _LAYER3),
}
"""Comparisons that ship → their features; everything has the paper's settings for the quantum head."""

TRIALS = 16
"""Settings that every head tries in the tuned comparisons that ship."""

SHIPPED_TRIALS = {name + suffix: trials for name in PROBLEMS for suffix, trials in (("", 0), ("-tuned", TRIALS))}
"""Name of every comparison that ships → settings that every head tries first."""

SHIPPED = PROJECT / "results" / "comparisons"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class Rival(Frozen):
    """One competitor: a head of this laboratory, or a method of scikit-learn (no head)."""

    name: str
    group: Group
    words: str
    head: HeadConfig | None = None


class Trial(Frozen):
    """One setting that tuning tried for a rival."""

    learning_rate: float
    width: int | None
    """Of the inner layer, for heads that have one."""
    validation_loss: float
    """Mean over the tuning seeds of the best epoch's loss in nats."""


class Result(Frozen):
    """What one rival measured. Lists hold one number for each seed, in the order of `Comparison.seeds`."""

    rival: Rival
    accuracy: tuple[float, ...]
    loss: tuple[float, ...] | None
    """Cross-entropy in nats on the test set; None for a method that gives no probabilities."""
    area_under_curve: tuple[float, ...]
    calibration_error: tuple[float, ...] | None
    quantum_parameters: int
    classical_parameters: int | None
    """None where the number of parameters depends on the data, as for support vectors."""
    seconds: float
    """Training of all seeds together, on one thread."""
    best_epoch: tuple[int, ...] | None
    diverged: tuple[int, ...] = ()
    """Seeds whose loss became infinite; each counts as a network that gives all classes the same probability."""
    learning_rate: float | None = None
    chosen: dict[str, float | str] = Field(default_factory=dict)
    """Settings that cross-validation chose, for methods of scikit-learn."""
    trials: tuple[Trial, ...] = ()
    """What tuning tried, when it was asked for."""

    @property
    def best_trial(self) -> Trial:
        """The setting that tuning chose; needs one that was tuned."""
        return min(self.trials, key=lambda trial: trial.validation_loss)

    @property
    def parameters(self) -> int | None:
        return None if self.classical_parameters is None else self.quantum_parameters + self.classical_parameters


class Contribution(Frozen):
    """What the trained angles do in a dressed quantum head; every list holds one number for each seed."""

    moved_mean: tuple[float, ...]
    """Mean distance in radians of the angles from their start."""
    moved_max: tuple[float, ...]
    map_from_start: tuple[float, ...]
    """Mean |Δ⟨Z⟩| over test samples and qubits when the angles are put back to their start."""
    map_from_zero: tuple[float, ...]
    """The same when the angles are set to zero, where the paper's circuit is a product of sines (its closed form)."""
    changed_from_start: tuple[float, ...]
    """Share of the test predictions that change when the angles are put back, all else as trained."""
    changed_from_zero: tuple[float, ...]
    accuracy: tuple[float, ...]
    accuracy_from_start: tuple[float, ...]
    """Test accuracy with the angles put back to their start."""
    accuracy_from_zero: tuple[float, ...]
    gradient_share: tuple[float, ...]
    """Share of the squared parameter gradient of the logits that belongs to the angles, mean over test samples."""
    parameter_share: float
    """Share of the trainable parameters that are angles: what `gradient_share` would be if all were alike."""
    is_closed_form: bool
    """Whether the circuit at zero angles is the paper's, so that "zero" means the closed form."""

    @property
    def sentence(self) -> str:
        """What the numbers mean, in plain words."""
        moved, distance = mean_interval(self.moved_mean).estimate, mean_interval(self.map_from_zero).estimate
        changed = mean_interval(self.changed_from_zero).estimate
        lost = mean_interval(self.accuracy).estimate - mean_interval(self.accuracy_from_zero).estimate
        other = "its closed form, a product of sines," if self.is_closed_form else "the same circuit at zero angles"
        if changed < 0.01 and distance < 0.05:
            judged = "the trained angles do next to nothing here, a formula without them gives the same answers"
        elif lost > 0.02:
            judged = "the trained angles matter to this network"
        else:
            judged = "the trained angles change some answers, but hardly how many of them are right"
        return (
            f"Training moved the angles by {moved:.2f} radians on average; exchanging the trained circuit for {other} "
            f"shifts ⟨Z⟩ by {distance:.2f} on average, changes {changed:.1%} of the test predictions and "
            f"{'costs' if lost >= 0 else 'gains'} {abs(lost) * 100:.1f} points of accuracy: {judged}."
        )


class Comparison(Frozen):
    """A finished comparison: everything but the predictions."""

    name: str = Field(pattern=_NAME.pattern)
    config: RunConfig
    """The candidate's run; rivals differ in the head alone (and in what tuning chose)."""
    seeds: tuple[int, ...]
    n_train: int
    n_validation: int
    n_test: int
    n_features: int
    results: tuple[Result, ...]
    contribution: Contribution
    tuned: bool
    created: datetime
    command: str
    bank_digest: str
    versions: dict[str, str]
    device: str = "cpu"
    """Where the heads were trained, by torch's name; scikit-learn's methods always on the processor"""

    @model_validator(mode="after")
    def _one_number_a_seed(self) -> "Comparison":
        for result in self.results:
            if len(result.accuracy) != len(self.seeds):
                raise ValueError(f"{result.rival.name} has {len(result.accuracy)} results for {len(self.seeds)} seeds")
        return self

    @property
    def title(self) -> str:
        """The problem, for a person."""
        return self.config.features.title

    @property
    def budget(self) -> str:
        """What every network was given, in one line."""
        config = self.config
        steps = ceil(self.n_train / config.batch_size)
        rate = "tuned learning rate" if self.tuned else f"learning rate {config.learning_rate:g}"
        return (
            f"{len(self.seeds)} paired seeds, {config.epochs} epochs of {self.n_train:,} training samples, "
            f"batch {config.batch_size} ({config.epochs} × {steps:,} = {config.epochs * steps:,} steps), {rate}, "
            f"epoch chosen on {self.n_validation:,} validation samples, "
            f"{self.n_test:,} test samples"
        )

    def same_networks(self, predictions: "Predictions") -> list[tuple[str, ...]]:
        """Names of heads that training made the same network: as many parameters, one learning rate, and identical
        predictions of all seeds."""
        groups: dict[tuple[object, ...], list[str]] = {}
        for result, predicted in zip(self.results, predictions.predicted, strict=True):
            if result.rival.head is not None:
                size = (result.quantum_parameters, result.classical_parameters, result.learning_rate)
                groups.setdefault((*size, predicted.tobytes()), []).append(result.rival.name)
        return [tuple(names) for names in groups.values() if len(names) > 1]

    def accuracy(self) -> dict[str, tuple[float, ...]]:
        """Rival → test accuracies, one for each seed."""
        return {result.rival.name: result.accuracy for result in self.results}

    def verdicts(self, margin: float = MARGIN, predictions: "Predictions | None" = None) -> list[Verdict]:
        """The candidate against every rival; with predictions also over test samples."""
        correct = predictions.correct() if predictions else None
        by_name = dict(zip(self.accuracy(), correct, strict=True)) if correct is not None else None
        return verdicts(CANDIDATE, self.accuracy(), margin, by_name)


class Predictions:
    """Classes that every rival's every seed gave to the test samples.

    labels: (n_test,) and predicted: (n_rivals, n_seeds, n_test), both uint8.
    """

    def __init__(self, labels: np.ndarray, predicted: np.ndarray) -> None:
        self.labels = labels
        self.predicted = predicted

    def correct(self) -> np.ndarray:
        """(n_rivals, n_seeds, n_test) bool"""
        return self.predicted == self.labels


def problem_config(name: str) -> RunConfig:
    """The candidate's run for a comparison that ships; `LabError` for an unknown name."""
    if name not in PROBLEMS:
        raise LabError(f"problem = {name!r} is not possible: choose one of {', '.join(PROBLEMS)}.")
    features = PROBLEMS[name]
    return paper_run(features.dataset, **vars(features.cut), seeds=SEEDS)


def problem_name(config: RunConfig) -> str:
    """A short name of data set and features, the one of `PROBLEMS` where there is one."""
    names = (name for name, features in PROBLEMS.items() if features == Features(config.dataset, config.cut))
    return next(names, f"{config.dataset}-{config.backbone}-{config.layer}")


def untuned_comparison(tuned: Comparison) -> Comparison | None:
    """The stored comparison of the same problem, seeds and features in which every head has the settings as given."""
    name = problem_name(tuned.config)
    if name not in stored_names():
        return None
    found = load_comparison(name)
    same = (found.config, found.seeds, found.bank_digest) == (tuned.config, tuned.seeds, tuned.bank_digest)
    return found if same and not found.tuned else None


def rivals(config: RunConfig) -> tuple[Rival, ...]:
    """The candidate of a run and everyone it is compared with, the candidate first.

    Ablations and other circuits are the candidate's head with one field changed. Classical networks start as
    `torch.nn.Linear` does, whatever the candidate's start is: a rival is not to be held back by it.
    """
    quantum = config.head
    if not isinstance(quantum, DressedQuantum) or quantum.ablation != "none":
        raise LabError(f"head = {quantum.kind} is not possible: the candidate is a whole dressed_quantum head.")

    def changed(**fields: object) -> Head:
        return DressedQuantum.model_validate(quantum.model_dump() | fields)

    n, depth = quantum.n_qubits, quantum.q_depth
    size = {"n_qubits": n, "q_depth": depth}
    found = [
        Rival(name=CANDIDATE, group="candidate", words=quantum.detail, head=quantum),
        *(_ablation(variant.style.label, variant.words, changed(ablation=name)) for name, variant in ABLATIONS.items()),
        _ablation("large q_delta", "angles start with a spread of 1 radian", changed(q_delta=1.0)),
    ]
    if quantum.init_scale is not None:
        found.append(
            _ablation("ordinary start", "dense layers start as torch.nn.Linear does", changed(init_scale=None))
        )
    for repeats in dict.fromkeys((2, depth)):
        if 1 < repeats <= depth:
            head = changed(reuploads=repeats)
            found.append(Rival(name=f"re-upload × {repeats}", group="ansatz", words="data embedded again", head=head))
    found += [
        Rival(name="ring", group="ansatz", words="CNOTs in a ring", head=changed(ansatz="ring")),
        Rival(
            name="strongly entangling",
            group="ansatz",
            words="three angles on every qubit, CNOTs further apart in every layer",
            head=changed(ansatz="strongly_entangling"),
        ),
        _classical("linear", "no inner layer", Linear()),
        _classical("bottleneck", f"{n} units, tanh", Bottleneck(width=n)),
        _classical("bottleneck, ReLU", f"{n} units, ReLU", Bottleneck(width=n, activation="relu")),
        _classical("bottleneck, sine", f"{n} units, sine", Bottleneck(width=n, activation="sine")),
        _classical("mlp", "one hidden layer of leaky ReLU, as many parameters as the quantum head", MLP(**size)),
    ]
    if dataset(config.dataset).is_points:
        found += [
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
        found.append(_classical("wider mlp", "hidden 64, leaky ReLU", MLP(**size, hidden=(64,))))
    found.append(
        _classical(
            "closed form",
            "the circuit at zero angles: a product of sines",
            ClosedForm(**size, init_scale=quantum.init_scale),
        )
    )
    found += [Rival(name=name, group="scikit-learn", words=words) for name, words in LIBRARY.items()]
    return tuple(found)


def _ablation(name: str, words: str, head: Head) -> Rival:
    return Rival(name=name, group="ablation", words=words, head=head)


def _classical(name: str, words: str, head: Head) -> Rival:
    return Rival(name=name, group="classical", words=words, head=head)


def comparison_ranking(comparisons: list[Comparison]) -> Ranking:
    """Ranks of the rivals that all these comparisons have, by mean test accuracy on each."""
    shared = (
        [
            result.rival.name
            for result in comparisons[0].results
            if all(result.rival.name in one.accuracy() for one in comparisons)
        ]
        if comparisons
        else []
    )
    return ranking({name: [float(np.mean(one.accuracy()[name])) for one in comparisons] for name in shared})


# --- stored comparisons -----------------------------------------------------------------------------------------------


def own_folder() -> Path:
    """Where comparisons of this installation are kept."""
    return settings().results_dir / "comparisons"


def stored_names(root: Path | None = None) -> list[str]:
    """Names of all stored comparisons, those that ship first; with ``root``: of that folder alone."""
    folders = [root] if root else [SHIPPED, own_folder()]
    order = list(SHIPPED_TRIALS)
    found = {
        path.name
        for folder in folders
        if folder.is_dir()
        for path in folder.iterdir()
        if _NAME.fullmatch(path.name) and (path / "comparison.json").is_file()
    }
    return sorted(found, key=lambda name: (order.index(name) if name in order else len(order), name))


def load_comparison(name: str, root: Path | None = None) -> Comparison:
    """A stored comparison; `LabError` when there is none of this name or it cannot be read."""
    folder = _folder(name, root)
    try:
        return Comparison.model_validate_json((folder / "comparison.json").read_bytes())
    except FileNotFoundError:
        raise LabError(f"comparison = {name!r} is not stored here: run `python -m core compare`.") from None
    except ValidationError as error:
        raise LabError(f"{folder} cannot be read ({config_sentence(error)}): run this comparison again.") from None
    except OSError as error:
        raise LabError(f"{folder} cannot be read ({error.strerror}): run this comparison again.") from None


def load_predictions(name: str, root: Path | None = None) -> Predictions:
    """The predictions of a stored comparison; `LabError` when they cannot be read."""
    folder = _folder(name, root)
    try:
        with open(folder / "predictions.npz", "rb") as file, np.load(file, allow_pickle=False) as stored:
            return Predictions(stored["labels"], stored["predicted"])
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise LabError(f"{folder} has no readable predictions ({error}): run this comparison again.") from None


def save_comparison(comparison: Comparison, predictions: Predictions, root: Path | None = None) -> Path:
    """Store a comparison, whole or not at all; one of the same name is replaced. Returns its folder."""
    root = root or own_folder()
    folder, draft = root / comparison.name, root / f".{comparison.name}.{secrets.token_hex(4)}"
    arrays = {"labels": predictions.labels, "predicted": predictions.predicted}
    try:
        with writing(root, "the comparison"):
            draft.mkdir(parents=True)
            replace_text(draft / "comparison.json", comparison.model_dump_json(indent=1))
            replace_arrays(draft / "predictions.npz", arrays, compress=True)
            if folder.exists():
                shutil.rmtree(folder)
            os.replace(draft, folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return folder


def check_name(name: str) -> str:
    """The name of a comparison, if it can be one: names also come from addresses, and are folders."""
    if not _NAME.fullmatch(name):
        raise LabError(f"name = {name[:100]!r} is not possible: use letters, digits, '.', '_' and '-' (up to 100).")
    return name


def _folder(name: str, root: Path | None) -> Path:
    check_name(name)
    folders = [root] if root else [SHIPPED, own_folder()]
    return next((folder / name for folder in folders if (folder / name).is_dir()), folders[-1] / name)
