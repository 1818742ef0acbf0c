"""The dressed quantum circuit (arXiv:1912.08278, eq. 12)."""

from dataclasses import asdict
from functools import partial
from math import pi
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from core.config.ansatze.registry import ANSAETZE
from core.config.heads.ablations import ABLATIONS, WHOLE, Variant
from core.config.heads.base import AsWideAsQubits, Choice, CircuitSettings, Entrant, Group, Style
from core.config.heads.layers import Circuit, Dense, Elementwise, Layer
from core.validation import OneOf


def sized_circuit(circuit: CircuitSettings, ablation: str = "none") -> "DressedQuantum":
    """The head with the circuit of these settings; pydantic's `ValidationError` where they do not fit together."""
    return DressedQuantum.model_validate(asdict(circuit) | {"ablation": ablation})


class DressedQuantum(AsWideAsQubits):
    """pre_net d→n, tanh·π/2, circuit, ⟨Z⟩ on each qubit, post_net n→classes (arXiv:1912.08278, eq. 12)."""

    kind: Literal["dressed_quantum"] = "dressed_quantum"
    q_delta: float = Field(0.01, ge=0, le=10, description="Standard deviation of the initial angles, in radians.")
    ansatz: Annotated[str, OneOf(ANSAETZE)] = Field(
        "mari",
        description="Trained block of the circuit. "
        + "; ".join(f"{each.name}: {each.words}" for each in ANSAETZE.values())
        + ".",
    )
    reuploads: int = Field(1, ge=1, le=20, description="How often the data is embedded: 1 is once, at the start.")
    ablation: Literal[
        "none", "near_zero", "random_angles", "no_entanglers", "shuffled_entanglers", "frozen_pre_net"
    ] = Field("none", description="What is taken out of the quantum head to see whether it matters.")

    place_in_menu: ClassVar[int] = 1
    choices: ClassVar[tuple[Choice, ...]] = (
        Choice(WHOLE.style, sized_circuit),
        *(
            Choice(variant.style, partial(sized_circuit, ablation=name), is_ablation=True)
            for name, variant in ABLATIONS.items()
        ),
    )

    @classmethod
    def rivals(cls, circuit: CircuitSettings, init_scale: float | None, is_points: bool) -> tuple[Entrant, ...]:
        head = sized_circuit(circuit).model_copy(update={"init_scale": init_scale})
        return (Entrant("quantum", "ansatz", head.detail, head),)

    def siblings(self) -> tuple[Entrant, ...]:
        """Its ablations, another start, and other circuits; none where it is an ablation already."""
        if self.ablation != "none":
            return ()

        def sibling(name: str, group: Group, words: str, **fields: Any) -> Entrant:
            return Entrant(name, group, words, DressedQuantum.model_validate(self.model_dump() | fields))

        parts = [
            sibling(variant.style.label, "ablation", variant.words, ablation=name)
            for name, variant in ABLATIONS.items()
        ]
        parts.append(sibling("large q_delta", "ablation", "angles start with a spread of 1 radian", q_delta=1.0))
        if self.init_scale is not None:
            start = "dense layers start as torch.nn.Linear does"
            parts.append(sibling("ordinary start", "ablation", start, init_scale=None))
        circuits = [
            sibling(f"re-upload × {repeats}", "ansatz", "data embedded again", reuploads=repeats)
            for repeats in dict.fromkeys((2, self.q_depth))
            if 1 < repeats <= self.q_depth
        ]
        circuits += [
            sibling(name.replace("_", " "), "ansatz", ansatz.words, ansatz=name) for name, ansatz in ANSAETZE.items()
        ]
        return tuple(each for each in (*parts, *circuits) if each.head != self)

    @model_validator(mode="after")
    def _reuploads_fit(self) -> "DressedQuantum":
        if self.reuploads > self.q_depth:
            raise ValueError(
                f"reuploads = {self.reuploads} is not possible: one embedding stands before a layer, "
                f"so use up to q_depth = {self.q_depth} embeddings"
            )
        return self

    @property
    def variant(self) -> Variant:
        """Whole, or what its ablation leaves of it."""
        return ABLATIONS.get(self.ablation, WHOLE)

    @property
    def n_angles(self) -> int:
        """Trained angles of its circuit: flat, layer by layer, qubit by qubit."""
        return ANSAETZE[self.ansatz].count_angles(self.n_qubits, self.q_depth)

    @property
    def style(self) -> Style:
        return self.variant.style

    @property
    def detail(self) -> str:
        return f"{self.n_qubits} qubits, depth {self.q_depth}"

    @property
    def controls(self) -> dict[str, Any]:
        return super().controls | {"q_delta": self.q_delta, "ansatz": self.ansatz, "reuploads": self.reuploads}

    def layers(self, n_features: int, n_classes: int) -> tuple[Layer, ...]:
        return (
            Dense("pre", n_features, self.n_qubits, self.init_scale, trained=self.variant.trains_pre_net),
            Elementwise("tanh", pi / 2),
            Circuit(self),
            Dense("post", self.n_qubits, n_classes, self.init_scale),
        )
