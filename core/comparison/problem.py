"""The problems that comparisons ship for, and the candidate's run on each."""

from core.config.run import RunConfig
from core.data.cuts import POINTS, Cut
from core.data.features import Features
from core.errors import LabError
from core.recipes import paper_run
from core.statistics.intervals import SEEDS

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


def problem_config(name: str) -> RunConfig:
    """The candidate's run for a comparison that ships; `LabError` for an unknown name."""
    if name not in PROBLEMS:
        raise LabError(f"problem = {name!r} is not possible: choose one of {', '.join(PROBLEMS)}")
    features = PROBLEMS[name]
    return paper_run(features.dataset, **vars(features.cut), seeds=SEEDS)


def problem_name(config: RunConfig) -> str:
    """A short name of data set and features, the one of `PROBLEMS` where there is one."""
    names = (name for name, features in PROBLEMS.items() if features == Features(config.dataset, config.cut))
    return next(names, f"{config.dataset}-{config.backbone}-{config.layer}")
