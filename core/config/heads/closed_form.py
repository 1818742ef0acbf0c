"""The formula that the dressed circuit starts from."""

from typing import Literal

from core.config.heads.base import QuantumShape


class ClosedForm(QuantumShape):
    """The dressed circuit at zero angles, which is a product of sines: a classical head without an inner weight."""

    kind: Literal["closed_form"] = "closed_form"
