"""Options of a run: one for every field of `RunConfig` and of every head, and the run that they describe."""

import argparse
from collections.abc import Collection
from types import UnionType
from typing import Any, get_args, get_origin

from pydantic.fields import FieldInfo

from core.config.heads.registry import HEAD_KINDS
from core.config.run import RunConfig
from core.validation import choices

WEIGHTS_OPTION = "--weights-name"
"""As in `core.commands.features`, whose --weights is a file."""


def add_run_options(parser: argparse.ArgumentParser, but: Collection[str] = ()) -> None:
    """Options of the run, without the fields named in ``but``, and of the heads."""
    run = parser.add_argument_group("run")
    for name, field in RunConfig.model_fields.items():
        if name != "head" and name not in but:
            _add_field(run, name, field)
    group = parser.add_argument_group("head (each with the heads that have it)")
    for name in dict.fromkeys(name for head in HEAD_KINDS.values() for name in head.model_fields if name != "kind"):
        owners = {kind: head.model_fields[name] for kind, head in HEAD_KINDS.items() if name in head.model_fields}
        field, *others = owners.values()
        same = all(other.default == field.default for other in others)
        _add_field(group, name, field, heads=f" [{', '.join(owners)}]", show_default=same)


def given_fields(given: argparse.Namespace) -> dict[str, Any]:
    """The fields of `RunConfig`, without the head, that were given as options."""
    return {name: value for name, value in _given(given).items() if name in RunConfig.model_fields and name != "head"}


def given_head_fields(given: argparse.Namespace) -> dict[str, Any]:
    """The fields of heads that were given as options; the head itself refuses those that it does not have."""
    names = {name for head in HEAD_KINDS.values() for name in head.model_fields} - {"kind"}
    return {name: value for name, value in _given(given).items() if name in names}


def _given(given: argparse.Namespace) -> dict[str, Any]:
    return {name: value for name, value in vars(given).items() if value is not None}


def _add_field(group: Any, name: str, field: FieldInfo, heads: str = "", show_default: bool = True) -> None:
    """One option, explained by its field; values stay text, which the configuration checks."""
    option = WEIGHTS_OPTION if name == "weights" else f"--{name.replace('_', '-')}"
    is_list = any(get_origin(part) is tuple for part in get_args(field.annotation))
    default = f" (default {field.default})" if show_default and field.default not in (None, "") else ""
    group.add_argument(
        option,
        dest=name,
        metavar="N,N" if is_list else _metavar(field),
        type=(lambda text: text.split(",")) if is_list else str,
        help=f"{field.description}{default}{heads}".replace("%", "%%"),
    )


def _metavar(field: FieldInfo) -> str:
    if choices(field):
        return "{" + ",".join(choices(field)) + "}"
    annotation: Any = field.annotation
    if isinstance(annotation, UnionType):
        annotation = get_args(annotation)[0]
    return "NAME" if annotation is str else str(annotation.__name__).upper()
