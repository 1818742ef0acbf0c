"""An experiment as the controls' values, as an address and as configurations: each gives back the others."""

from typing import Any, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from core.config.heads.bottleneck import Bottleneck
from core.config.heads.dressed_quantum import DressedQuantum
from core.config.heads.linear import Linear
from core.config.heads.mlp import MLP
from core.config.heads.registry import head_choices
from core.config.run import RunConfig, run_config
from core.data.registry import DATASETS
from core.errors import LabError
from core.experiment.address import from_address, to_address
from core.experiment.configs import (
    beyond_controls,
    circuit_of,
    control_values,
    default_values,
    experiment,
    shared_settings,
)
from core.experiment.controls import ANSATZ, CONTROLS, Number, Switch, Values
from core.experiment.features import feature_choices, parameter_counts
from core.recipes import paper_run


@some.composite
def all_values(draw: some.DrawFn) -> dict[str, Any]:
    """Values of the controls that make an experiment."""
    dataset = draw(some.sampled_from(list(DATASETS)))
    values = default_values(dataset)
    for name, control in CONTROLS.items():
        if isinstance(control, Switch):
            values[name] = draw(some.booleans())
        if not isinstance(control, Number):
            continue
        low, high = control.bounds
        if isinstance(values[name], int):
            values[name] = draw(some.integers(int(low), int(high)))
        else:
            values[name] = draw(some.floats(low, high).map(lambda value: float(f"{value:.9g}")))
            values[name] = min(max(values[name], low), high)
    values["reuploads"] = draw(some.integers(1, values["q_depth"]))
    values["ansatz"] = draw(some.sampled_from(ANSATZ.options()))
    values["features"] = draw(some.sampled_from([listing.features.cut.key for listing in feature_choices(dataset)]))
    heads, ablations = head_choices(), head_choices(ablations=True)
    in_order = lambda names: lambda chosen: [name for name in names if name in chosen]  # noqa: E731
    values["heads"] = draw(some.sets(some.sampled_from(list(heads)), min_size=1).map(in_order(heads)))
    values["ablations"] = draw(some.sets(some.sampled_from(list(ablations))).map(in_order(ablations)))
    return values


@settings(deadline=None, max_examples=100)
@given(all_values())
def test_an_address_gives_back_the_controls_it_was_made_from(values: dict[str, Any]) -> None:
    assert from_address(to_address(values)) == (values, "")


@settings(deadline=None, max_examples=100)
@given(all_values())
def test_runs_give_back_the_controls_they_were_made_from(values: dict[str, Any]) -> None:
    configs = experiment(values).configs
    again = values | control_values(configs)
    assert experiment(again).configs == configs
    assert [config.head.style.label for config in configs] == values["heads"] + values["ablations"]


def test_untouched_controls_are_the_paper_and_a_bare_address() -> None:
    values = default_values()
    assert to_address(values) == {}
    quantum, bottleneck, linear = experiment(values).configs
    assert quantum == RunConfig()
    assert (bottleneck.head.kind, linear.head.kind) == ("bottleneck", "linear")


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ({"n_qubits": "13"}, "n_qubits = '13' is not possible: whole numbers from 2 to 12 are allowed"),
        ({"learning_rate": "fast"}, "learning_rate = 'fast' is not possible: numbers from 0.000001 to 1 are allowed"),
        ({"learning_rate": "nan"}, "learning_rate = 'nan' is not possible: numbers from 0.000001 to 1 are allowed"),
        ({"dataset": "mnist"}, "dataset = 'mnist' is not possible: choose one of"),
        ({"heads": "quantum,cubic"}, "heads = 'cubic' is not possible: choose one of"),
        ({"features": "../../etc"}, "features = '../../etc' is not possible"),
    ],
)
def test_a_part_of_an_address_that_is_not_possible_is_one_sentence_and_the_default(
    address: dict[str, str], said: str
) -> None:
    values, problem = from_address(address | {"epochs": "7", "v": "2"})
    assert problem.startswith(said)
    assert values == default_values() | {"epochs": 7}


def test_an_address_of_before_has_the_defaults_of_before() -> None:
    assert from_address({}) == (default_values(), "")
    assert from_address({"epochs": "7", "v": "2"}) == (default_values() | {"epochs": 7}, "")
    old, problem = from_address({"epochs": "7"})
    before = {"features": "resnet18-layer3-IMAGENET1K_V1", "split_per_seed": False}
    assert (old, problem) == (default_values() | before | {"epochs": 7}, "")
    assert from_address(to_address(old)) == (old, "")
    points, problem = from_address({"dataset": "moons", "epochs": "7"})
    assert (points["features"], problem) == (default_values("moons")["features"], "")
    named, problem = from_address({"features": default_values()["features"]})
    assert (named["features"], problem) == (default_values()["features"], "")


def test_heads_have_to_be_chosen_and_to_fit() -> None:
    with pytest.raises(LabError, match="nothing is chosen"):
        experiment(default_values() | {"heads": []})
    with pytest.raises(LabError, match=r"reuploads = 4 is not possible: .* up to q_depth = 3"):
        experiment(default_values() | {"reuploads": 4, "q_depth": 3})


DRESSED = (512 * 4 + 4) + (4 * 2 + 2)
"""Weights and biases of the two linear layers around 4 qubits: 512 features, 2 classes."""


@pytest.mark.parametrize(
    ("name", "expected"),
    {
        "quantum": (6 * 4, DRESSED),
        "bottleneck": (0, DRESSED),
        "linear": (0, 512 * 2 + 2),
        "mlp": (0, (512 * 4 + 4) + (4 * 2 + 2)),  # 4 hidden units come closest to the quantum head's 2,086
        "closed form": (0, DRESSED),
        "no entanglers": (6 * 4, DRESSED),
        "shuffled entanglers": (6 * 4, DRESSED),
        "random angles": (0, DRESSED),
        "near zero": (0, DRESSED),
        "frozen pre_net": (6 * 4, 4 * 2 + 2),
    }.items(),
)
def test_parameters_before_the_click(name: str, expected: tuple[int, int]) -> None:
    chosen = {"heads": [name], "ablations": []} if name in head_choices() else {"heads": [], "ablations": [name]}
    (config,) = experiment(default_values() | chosen).configs
    assert parameter_counts(config) == expected


@pytest.mark.parametrize("dataset", list(DATASETS))
def test_untouched_controls_are_the_papers_settings(dataset: str) -> None:
    values = default_values(dataset)
    (quantum, *_), paper = experiment(values).configs, paper_run(dataset)
    assert quantum.seeds == RunConfig().seeds
    assert shared_settings(quantum) == shared_settings(paper) | {"seeds": quantum.seeds}
    assert quantum.head == paper.head.model_copy(update={"init_scale": None})


def test_what_no_control_says_of_a_run_is_found() -> None:
    assert beyond_controls(experiment(default_values() | {"ablations": ["near zero"]}).configs) == {}
    heads = (DressedQuantum(init_scale=0.001), MLP(hidden=(5, 5), activation="tanh"), Linear())
    found = beyond_controls([RunConfig(head=head, protocol="paper", lr_early=True) for head in heads])
    assert found == {
        "protocol": "paper",
        "lr_early": True,
        "init_scale": 0.001,
        "hidden": (5, 5),
        "activation": "tanh",
    }


def test_heads_of_different_sizes_are_more_than_the_controls_can_say() -> None:
    assert beyond_controls([RunConfig(head=DressedQuantum()), RunConfig(head=Bottleneck(width=4))]) == {}
    assert beyond_controls([RunConfig(head=Bottleneck(width=3))]) == {}
    assert beyond_controls([RunConfig(head=DressedQuantum()), RunConfig(head=Bottleneck(width=3))]) == {"width": 3}


def test_every_value_has_one_control_of_its_type() -> None:
    types = get_type_hints(Values)
    assert types.keys() == CONTROLS.keys()
    for name, control in CONTROLS.items():
        assert not isinstance(control, Number) or control.kind is types[name]


@pytest.mark.parametrize("dataset", list(DATASETS))
def test_every_control_can_stand_at_its_default_and_at_its_steps(dataset: str) -> None:
    values: dict[str, Any] = {**default_values(dataset)}
    for name, control in CONTROLS.items():
        for value in (values[name], *(control.steps if isinstance(control, Number) else ())):
            assert control.from_text(control.to_text(value), dataset) == value


def test_the_circuit_of_the_controls_is_drawn_also_when_its_embeddings_do_not_fit() -> None:
    values = default_values()
    assert circuit_of(values) == DressedQuantum()
    values |= {"q_depth": 3, "reuploads": 5, "ansatz": "ring"}
    assert circuit_of(values) == DressedQuantum(q_depth=3, reuploads=3, ansatz="ring")


@pytest.mark.parametrize(
    ("run", "name", "shown", "beyond"),
    [
        ({"head": {"kind": "bottleneck", "width": 64}}, "n_qubits", 12, {"width": 64}),
        ({"lr_gamma": 0.0005}, "lr_gamma", 0.001, {"lr_gamma": 0.0005}),
        ({"validation_share": 0.895}, "validation_share", 0.89, {"validation_share": 0.895}),
    ],
)
def test_a_run_beyond_the_ends_of_a_control_is_shown_at_the_nearest_value(
    run: dict[str, Any], name: str, shown: float, beyond: dict[str, Any]
) -> None:
    config = run_config(run)
    assert control_values([config])[name] == pytest.approx(shown)
    assert beyond_controls([config]) == beyond
