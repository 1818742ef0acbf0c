"""The quantum head with one part taken out: what each ablation changes, and how it is called and drawn."""

from dataclasses import dataclass
from typing import Literal

from core.config.heads.base import Style

Entanglers = Literal["kept", "left out", "shuffled"]


@dataclass(frozen=True)
class Variant:
    """The quantum head as a whole or with one part taken out."""

    style: Style
    words: str
    """What is special about it, as a comparison puts it."""
    trains_angles: bool = True
    trains_pre_net: bool = True
    random_angles: bool = False
    """Whether the angles start anywhere in a full turn, and not near zero."""
    entanglers: Entanglers = "kept"


WHOLE = Variant(Style("quantum", "#0072B2", "solid"), "the dressed quantum head")

ABLATIONS = {
    "near_zero": Variant(
        Style("near zero", "#7A93A8", "16px,3px,3px,3px"),
        "angles frozen at their start near zero",
        trains_angles=False,
    ),
    "random_angles": Variant(
        Style("random angles", "#8C8CA8", "7px,4px"),
        "angles frozen at random",
        trains_angles=False,
        random_angles=True,
    ),
    "no_entanglers": Variant(
        Style("no entanglers", "#4F6B8A", "14px,3px,8px,3px"),
        "qubits that never meet",
        entanglers="left out",
    ),
    "shuffled_entanglers": Variant(
        Style("shuffled entanglers", "#94A9BF", "10px,3px,10px,6px"),
        "the same CNOTs on other pairs",
        entanglers="shuffled",
    ),
    "frozen_pre_net": Variant(
        Style("frozen pre_net", "#6C7A96", "20px,6px"),
        "only circuit and post_net are trained",
        trains_pre_net=False,
    ),
}
"""Name of each ablation in records → the head that is left."""
