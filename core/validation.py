"""What does not fit, in one sentence: field, value, what is allowed."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache, reduce
from operator import or_
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin

from pydantic import BaseModel, Field, GetCoreSchemaHandler, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import CoreSchema, core_schema

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True)
class OneOf:
    """Marks a text field as a name out of a collection that may grow while the program runs."""

    names: Collection[str]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def _check(self, name: str) -> str:
        if name not in self.names:
            raise ValueError(f"choose one of {', '.join(self.names)}")
        return name


@lru_cache(maxsize=16)
def by_kind(models: tuple[type[Model], ...]) -> TypeAdapter[Model]:
    """Turns plain values into the model whose ``kind`` they name; pydantic's `ValidationError` where none fits."""
    either: Any = Annotated[reduce(or_, models), Field(discriminator="kind")]
    return TypeAdapter(either)


def one_sentence(
    error: ValidationError, model: type[BaseModel], parts: Mapping[str, type[BaseModel]] | None = None
) -> str:
    """The first problem of a failed validation, as: field, value, what is allowed.

    model: what was validated; parts: kind → model, of a field whose value is one of several models.
    """
    first = error.errors()[0]
    path = [str(part) for part in first["loc"] if part != "head"]
    message = first["msg"].removeprefix("Value error, ")
    if not path or (first["type"] == "value_error" and isinstance(first["input"], dict)):
        return message
    owner = ""
    if parts and path[0] in parts:
        owner, *path = path
        model = parts[owner]
    if first["type"] == "extra_forbidden":
        return f"{owner} has no {path[0]}" if owner else f"there is no {'.'.join(path)}"
    known = model.model_fields.get(path[0])
    if known is not None and allowed(known):
        return f"{path[0]} = {first['input']!r} is not possible: {allowed(known)}"
    return f"{'.'.join(path)} = {first['input']!r} is not possible: {message[0].lower()}{message[1:]}"


def choices(field: FieldInfo) -> tuple[str, ...]:
    """The names that a field takes; empty for one that takes something else."""
    for kind in (field.annotation, *get_args(field.annotation)):
        if get_origin(kind) is Literal:
            return tuple(map(str, get_args(kind)))
    return next((tuple(rule.names) for rule in field.metadata if isinstance(rule, OneOf)), ())


def allowed(field: FieldInfo) -> str:
    """What may be given for a field, in words; empty for one that takes any text."""
    if choices(field):
        return f"choose one of {', '.join(choices(field))}"
    kinds = (field.annotation, *get_args(field.annotation))
    for kind in kinds:
        if get_origin(kind) is tuple:
            return allowed(FieldInfo.from_annotation(get_args(kind)[0]))
    if bool in kinds:
        return "use true or false"
    limits = {name: getattr(rule, name) for rule in field.metadata for name in _LIMITS if hasattr(rule, name)}
    if int in kinds and "lt" in limits:
        limits["le"] = limits.pop("lt") - 1
    if not limits:
        return ""
    if limits.keys() == {"ge", "le"}:
        ends = f"from {_in_full(limits['ge'])} to {_in_full(limits['le'])}"
    else:
        ends = " and ".join(f"{_LIMITS[name]} {_in_full(limit)}" for name, limit in limits.items())
    return f"{'whole numbers' if int in kinds else 'numbers'} {ends} are allowed"


_LIMITS = {"ge": "from", "gt": "above", "le": "up to", "lt": "below"}


def _in_full(number: float) -> str:
    """1000000 → "1,000,000", 1e-6 → "0.000001"."""
    return f"{number:,}" if isinstance(number, int) else f"{number:.12f}".rstrip("0").rstrip(".")
