"""Head kinds say of themselves what the rest of the laboratory needs; a new one is one class."""

import argparse
from dataclasses import asdict
from typing import Any, ClassVar, Literal, get_args

import numpy as np
import pytest

from core.circuit.dressed import dressed_circuit
from core.commands.train import add_arguments, config_from
from core.config.ansatze.registry import ANSAETZE
from core.config.heads.ablations import ABLATIONS
from core.config.heads.base import Choice, CircuitSettings, Head, Style
from core.config.heads.dressed_quantum import DressedQuantum
from core.config.heads.layers import Dense, Elementwise, Layer
from core.config.heads.registry import HEAD_KINDS, head_choices
from core.config.run import RunConfig, run_config
from core.data.banks import load_bank
from core.errors import LabError
from core.events import Epoch, Finished, Started
from core.experiment.address import from_address, to_address
from core.experiment.configs import control_values, default_values, experiment
from core.figures.runs import Curve, curves
from core.training.loop import train

CIRCUIT = CircuitSettings(n_qubits=5, q_depth=3, q_delta=0.3, ansatz="ring", reuploads=2)
CHOICES = {**head_choices(), **head_choices(ablations=True)}


@pytest.mark.parametrize("choice", CHOICES.values(), ids=CHOICES)
def test_a_line_of_the_menu_makes_the_head_that_it_names(choice: Choice) -> None:
    head = choice.head(CIRCUIT)
    assert head.style == choice.style
    assert head.controls.items() <= asdict(CIRCUIT).items()


def test_no_two_heads_are_called_or_drawn_alike() -> None:
    styles = [choice.style for choice in CHOICES.values()]
    assert len(styles) == len(head_choices()) + len(ABLATIONS)
    for quality in ("label", "colour", "dash"):
        assert len({getattr(style, quality) for style in styles}) == len(styles)


def test_every_ablation_of_the_field_is_described() -> None:
    assert {"none", *ABLATIONS} == set(get_args(DressedQuantum.model_fields["ablation"].annotation))


@pytest.mark.parametrize("ansatz", ANSAETZE)
@pytest.mark.parametrize(("n_qubits", "q_depth"), [(2, 1), (3, 4), (5, 2)])
def test_the_angles_that_are_counted_are_those_of_the_circuit(ansatz: Any, n_qubits: int, q_depth: int) -> None:
    head = DressedQuantum(n_qubits=n_qubits, q_depth=q_depth, ansatz=ansatz)
    angles = [angle for gate in dressed_circuit(head).gates for angle in gate.angles if angle.source == "weight"]
    assert sorted(angle.index for angle in angles) == list(range(head.n_angles))


class Narrow(Head):
    """d→1→classes through a sine."""

    kind: Literal["narrow"] = "narrow"
    frequency: float = 2.0

    choices: ClassVar[tuple[Choice, ...]] = (
        Choice(Style("narrow", "#112233", "5px,5px"), lambda circuit: Narrow(frequency=circuit.n_qubits)),
    )

    @property
    def style(self) -> Style:
        return self.choices[0].style

    @property
    def detail(self) -> str:
        return f"one unit, {self.frequency:g} times its sine"

    @property
    def controls(self) -> dict[str, Any]:
        return {"n_qubits": int(self.frequency)}

    def layers(self, n_features: int, n_classes: int) -> tuple[Layer, ...]:
        return (
            Dense("pre", n_features, 1, self.init_scale),
            Elementwise("sine", self.frequency),
            Dense("post", 1, n_classes, self.init_scale),
        )


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(HEAD_KINDS, "narrow", Narrow)


@pytest.mark.usefixtures("narrow")
def test_a_new_kind_trains_is_counted_and_drawn() -> None:
    settings = {"dataset": "moons", "epochs": 5, "seeds": 2, "learning_rate": 0.01}
    config = run_config(settings | {"head": {"kind": "narrow", "frequency": "3"}})
    assert config.head == Narrow(frequency=3.0)
    assert RunConfig.model_validate_json(config.model_dump_json()) == config
    assert config.head.count_trained(2, 2) == (0, 3 + 4)

    bank = load_bank(config.features)
    started, *between, finished = train(config, bank)
    epochs = [event for event in between if isinstance(event, Epoch)]
    assert isinstance(started, Started)
    assert isinstance(finished, Finished)
    assert started.classical_parameters == 7
    assert max(epochs[-1].train_loss) < 0.5 < np.log(2)
    tested, weights = bank.split == "test", finished.weights
    inner = bank.features[tested] @ weights["pre.weight"].transpose(0, 2, 1) + weights["pre.bias"][:, None]
    logits = 3 * np.sin(inner) @ weights["post.weight"].transpose(0, 2, 1) + weights["post.bias"][:, None]
    assert finished.test_accuracy == pytest.approx((logits.argmax(-1) == bank.labels[tested]).mean(-1))

    figure = curves([Curve(config.head, epochs)], "loss", config.epochs)
    assert {trace.line.color for trace in figure.data if trace.name == "narrow, validation"} == {"#112233"}


@pytest.mark.usefixtures("narrow")
def test_a_new_kind_is_in_the_menu_the_address_and_the_command_line() -> None:
    assert list(head_choices())[-1] == "narrow"
    address = {"v": "2", "heads": "narrow,linear", "n_qubits": "7"}
    values, problem = from_address(address)
    assert problem == ""
    assert to_address(values) == address
    configs = experiment(values).configs
    assert configs[0].head == Narrow(frequency=7.0)
    assert default_values() | control_values(configs) == values

    parser = argparse.ArgumentParser()
    add_arguments(parser)
    assert config_from(parser.parse_args(["--head", "narrow", "--frequency", "5"])).head == Narrow(frequency=5.0)


def test_a_kind_that_is_not_registered_is_refused() -> None:
    with pytest.raises(LabError, match="narrow"):
        run_config({"head": {"kind": "narrow"}})
