"""The command line that runs a comparison again."""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from core.comparison.problem import PROBLEMS, conditions_of, problem_name, under_conditions
from core.config.run import RunConfig, head_config
from core.recipes import paper_run
from core.statistics.intervals import SEEDS


def command_line(config: RunConfig, n_trials: int = 0, rivals: Sequence[str] = ()) -> str:
    """``python -m core compare`` with the options that give this candidate's run, tuning and rivals."""
    problem = problem_name(config)
    words = ["python", "-m", "core", "compare"]
    where = {"problem": problem} if problem in PROBLEMS else {"dataset": config.dataset} | vars(config.cut)
    words += _options(where)
    conditions = conditions_of(config, tuned=False)
    words += ["--conditions", conditions]
    usual = under_conditions(paper_run(config.dataset, **vars(config.cut), seeds=SEEDS), conditions)
    words += _options(_changes(config.model_dump(exclude={"head"}), usual.model_dump()))
    if config.head != usual.head:
        bare = head_config({"kind": config.head.kind})
        words += ["--head", config.head.kind, *_options(_changes(config.head.model_dump(), bare.model_dump()))]
    words += ["--trials", str(n_trials)] if n_trials else []
    words += ["--rivals", *rivals] if rivals else []
    return shlex.join(words)


def _changes(values: Mapping[str, Any], usual: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value != usual[name] and value is not None}


def _options(values: Mapping[str, Any]) -> Iterator[str]:
    """Options and values as they are typed: fields of several numbers have commas between them."""
    for name, value in values.items():
        yield f"--{name.replace('_', '-')}"
        yield ",".join(map(str, value)) if isinstance(value, tuple | list) else str(value)
