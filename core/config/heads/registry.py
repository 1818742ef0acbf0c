"""All head kinds; a head from plain values."""

from functools import lru_cache, reduce
from importlib import import_module
from operator import or_
from pathlib import Path
from pkgutil import iter_modules
from typing import Annotated, Any

from pydantic import Field, PlainValidator, SerializeAsAny, TypeAdapter

from core.config.heads.base import Choice, Head


def _kinds() -> dict[str, type[Head]]:
    """The head kinds of all files in this folder, in the order of the menus."""
    names = [file.name for file in iter_modules([str(Path(__file__).parent)]) if file.name != "registry"]
    values = [value for name in names for value in vars(import_module(f"core.config.heads.{name}")).values()]
    classes = {each for each in values if isinstance(each, type) and issubclass(each, Head)}
    kinds = [each for each in classes - {Head} if "kind" in each.__annotations__]
    return {each.model_fields["kind"].default: each for each in sorted(kinds, key=lambda each: each.place_in_menu)}


HEAD_KINDS = _kinds()
"""Kind → its class, in the order of the menus."""


def head_choices(ablations: bool = False) -> dict[str, Choice]:
    """Label → choice of the laboratory's menu of heads, or of that of ablations."""
    every = (choice for kind in HEAD_KINDS.values() for choice in kind.choices)
    return {choice.style.label: choice for choice in every if choice.is_ablation == ablations}


def validate_head(values: Any) -> Head:
    """A head from plain values with its ``kind``; pydantic's `ValidationError` names the kind and the field."""
    return _adapter(tuple(HEAD_KINDS.values())).validate_python(values)


@lru_cache(maxsize=8)
def _adapter(kinds: tuple[type[Head], ...]) -> TypeAdapter[Head]:
    either: Any = Annotated[reduce(or_, kinds), Field(discriminator="kind")]
    return TypeAdapter(either)


HeadConfig = Annotated[SerializeAsAny[Head], PlainValidator(validate_head)]
"""A head of any registered kind, as a field of a configuration."""
