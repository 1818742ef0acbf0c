"""All head kinds; a head from plain values."""

from typing import Annotated, Any

from pydantic import PlainValidator, SerializeAsAny

from core.config.heads.base import Choice, Head
from core.discovery import kinds_in
from core.validation import by_kind


def find_head_kinds() -> dict[str, type[Head]]:
    """Kind → its class, of all files in this folder and in the order of the menus."""
    kinds = kinds_in("core.config.heads", Head)  # type: ignore[type-abstract]  # its subclasses are made
    return dict(sorted(kinds.items(), key=lambda each: each[1].place_in_menu))


HEAD_KINDS = find_head_kinds()
"""Kind → its class, in the order of the menus."""


def head_choices(ablations: bool = False) -> dict[str, Choice]:
    """Label → choice of the laboratory's menu of heads, or of that of ablations."""
    every = (choice for kind in HEAD_KINDS.values() for choice in kind.choices)
    return {choice.style.label: choice for choice in every if choice.is_ablation == ablations}


def validate_head(values: Any) -> Head:
    """A head from plain values with its ``kind``; pydantic's `ValidationError` names the kind and the field."""
    return by_kind(tuple(HEAD_KINDS.values())).validate_python(values)


HeadConfig = Annotated[SerializeAsAny[Head], PlainValidator(validate_head)]
"""A head of any registered kind, as a field of a configuration."""
