"""The problems that comparisons ship for and the conditions they are run under, and the candidate's run."""

from dataclasses import dataclass
from itertools import product, starmap
from typing import Any, Literal

from core.config.run import RunConfig, run_config
from core.data.cuts import Cut
from core.data.features import Features
from core.data.registry import dataset
from core.errors import LabError
from core.recipes import paper_run
from core.statistics.intervals import SEEDS

_LAYER3 = Cut("resnet18", "layer3", "IMAGENET1K_V1")

_DATASETS = ("spirals", "spirals_2.0", "square", "moons", "ants_bees", "dogs_cats", "planes_cars")

PROBLEMS = {name: Features(name, dataset(name).default_cut) for name in _DATASETS} | {
    "ants_bees-layer3": Features("ants_bees", _LAYER3),
    "dogs_cats-layer3": Features("dogs_cats", _LAYER3),
    "planes_cars-layer3": Features("planes_cars", _LAYER3),
    "ants_bees-mobilenet_v2": Features("ants_bees", Cut("mobilenet_v2", "features", "IMAGENET_INT8")),
}
"""Problem → its features: the default ones of a data set under its name, others under longer names."""

Conditions = Literal["converged", "paper", "tuned"]

CONDITIONS: dict[Conditions, str] = {
    "converged": "standardised features, trained to convergence",
    "paper": "the paper's settings for every head",
    "tuned": "trained to convergence, tuned equally",
}
"""How a comparison is run: its settings and whether every head is tuned → in words"""

CONVERGED: dict[str, Any] = {
    "standardise": True,
    "learning_rate": 0.005,
    "epochs": 200,
    "patience": 30,
    "lr_step": 40,
    "lr_gamma": 0.5,
    "lr_early": False,
}
"""Changes to the paper's settings that let every head converge: one learning rate for all problems, halved every 40
epochs; a seed ends when its validation loss has not become lower for 30."""

TRIALS = 16
"""Settings that every head tries in the tuned comparisons that ship."""


@dataclass(frozen=True)
class Shipped:
    """A comparison that ships: a problem under one kind of conditions."""

    problem: str
    conditions: Conditions

    @property
    def name(self) -> str:
        return self.problem if self.conditions == "paper" else f"{self.problem}-{self.conditions}"

    @property
    def n_trials(self) -> int:
        """Settings that every head tries first."""
        return TRIALS if self.conditions == "tuned" else 0

    @property
    def config(self) -> RunConfig:
        """The candidate's run."""
        return problem_config(self.problem, self.conditions)


def problem_config(name: str, conditions: Conditions = "paper") -> RunConfig:
    """The quantum head's run on one of `PROBLEMS`; `LabError` for an unknown name."""
    if name not in PROBLEMS:
        raise LabError(f"problem = {name!r} is not possible: choose one of {', '.join(PROBLEMS)}")
    features = PROBLEMS[name]
    return under_conditions(paper_run(features.dataset, **vars(features.cut), seeds=SEEDS), conditions)


def under_conditions(config: RunConfig, conditions: Conditions) -> RunConfig:
    """The paper's run of a problem, changed to these conditions."""
    return config if conditions == "paper" else run_config(config.model_dump() | CONVERGED)


def problem_name(config: RunConfig) -> str:
    """A short name of data set and features, the one of `PROBLEMS` where there is one."""
    names = (name for name, features in PROBLEMS.items() if features == Features(config.dataset, config.cut))
    return next(names, f"{config.dataset}-{config.backbone}-{config.layer}")


def conditions_of(config: RunConfig, tuned: bool) -> Conditions:
    """The conditions of a comparison by its settings."""
    if tuned:
        return "tuned"
    return "converged" if config.patience else "paper"


SHIPPED_COMPARISONS = {each.name: each for each in starmap(Shipped, product(PROBLEMS, CONDITIONS))}
"""Name → comparison, for every one that ships."""
