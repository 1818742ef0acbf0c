"""All head kinds; a head from plain values."""

from functools import lru_cache, reduce
from operator import or_
from typing import Annotated, Any

from pydantic import Field, PlainValidator, SerializeAsAny, TypeAdapter

from core.config.heads.base import Choice, Head
from core.config.heads.bottleneck import Bottleneck
from core.config.heads.closed_form import ClosedForm
from core.config.heads.dressed_quantum import DressedQuantum
from core.config.heads.linear import Linear
from core.config.heads.mlp import MLP

HEAD_KINDS: dict[str, type[Head]] = {
    kind.model_fields["kind"].default: kind for kind in (DressedQuantum, Bottleneck, Linear, MLP, ClosedForm)
}
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
