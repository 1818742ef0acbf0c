"""All head kinds, and a head from plain values."""

from typing import Annotated, get_args

from pydantic import Field

from core.config.heads.base import Head
from core.config.heads.bottleneck import Bottleneck
from core.config.heads.closed_form import ClosedForm
from core.config.heads.dressed_quantum import DressedQuantum
from core.config.heads.linear import Linear
from core.config.heads.mlp import MLP

HeadConfig = Annotated[DressedQuantum | ClosedForm | Linear | Bottleneck | MLP, Field(discriminator="kind")]

HEADS: dict[str, type[Head]] = {head.model_fields["kind"].default: head for head in get_args(get_args(HeadConfig)[0])}
"""Kind → its configuration."""
