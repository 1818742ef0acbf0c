"""Comparisons: who takes part, one run end to end, tuning, scikit-learn's rivals, record, figures, command."""

import argparse
import json
import shlex
from collections.abc import Generator, Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.pipeline import Pipeline

from core.__main__ import main
from core.commands.compare import add_arguments, compared
from core.comparison.problem import PROBLEMS, SHIPPED_COMPARISONS, problem_config, problem_name
from core.comparison.record import Comparison, Predictions, comparison_ranking
from core.comparison.rivals import LIBRARY, rivals
from core.comparison.run import ComparisonFinished, ComparisonProgress, run_comparison, run_head
from core.comparison.scikit_learn import PENALTIES, fit
from core.comparison.store import (
    SHIPPED,
    load_comparison,
    load_predictions,
    save_comparison,
    stored_names,
    untuned_comparison,
)
from core.comparison.tuning import TUNING_SEEDS, tune, tuning_settings
from core.config.heads.base import Head
from core.config.heads.bottleneck import Bottleneck
from core.config.heads.dressed_quantum import DressedQuantum
from core.config.heads.linear import Linear
from core.config.heads.mlp import MLP
from core.config.run import RunConfig
from core.data.banks import FeatureBank, load_bank
from core.errors import LabError
from core.events import Epoch, Finished
from core.figures.comparison import (
    by_difference,
    critical_difference,
    five_rivals,
    paired_differences,
    rival_colour,
    tuning,
)
from core.figures.style import seed_colour
from core.recipes import paper_run
from core.report.comparison import budget
from core.report.verdicts import headline, words
from core.statistics.intervals import SEEDS
from core.training.loop import run_splits, train
from core.work.kinds.compare import Compare

N_SEEDS = 3
STORED = [name for name in SHIPPED_COMPARISONS if name in stored_names(SHIPPED)]
"""Comparisons that ship and have been measured"""
T = TypeVar("T")


@pytest.fixture(scope="module")
def config() -> RunConfig:
    return problem_config("moons").model_copy(update={"seeds": N_SEEDS, "epochs": 2})


@pytest.fixture(scope="module")
def bank(config: RunConfig) -> FeatureBank:
    """The moons with the first 300 of their training points."""
    whole = load_bank(config.features)
    kept = np.sort(
        np.concatenate([np.flatnonzero(whole.split == "train")[:300], np.flatnonzero(whole.split == "test")])
    )
    return replace(
        whole,
        features=whole.features[kept],
        labels=whole.labels[kept],
        split=whole.split[kept],
        names=tuple(whole.names[row] for row in kept),
    )


@pytest.fixture(scope="module")
def outcome(config: RunConfig, bank: FeatureBank) -> ComparisonFinished:
    """One whole comparison with tuning, for all tests that look at it."""
    events = list(run_comparison(config, bank, name="try", command="python -m core compare", n_trials=2))
    *progress, last = events
    assert isinstance(last, ComparisonFinished)
    shares = [event.share for event in progress if isinstance(event, ComparisonProgress)]
    assert np.diff(shares).min() > -1e-9
    assert 0 <= shares[0] < shares[-1] <= 1
    return last


def last_value(generator: Generator[object, None, T]) -> T:
    """What a generator returns at its end."""
    while True:
        try:
            next(generator)
        except StopIteration as end:
            return end.value


# --- who takes part ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("problem", PROBLEMS)
def test_ablations_and_circuits_differ_from_the_candidate_in_one_field(problem: str) -> None:
    config = problem_config(problem)
    everyone = rivals(config)
    names = [rival.name for rival in everyone]
    assert names[0] == "quantum"
    assert len(set(names)) == len(names)
    assert everyone[0].head == config.head
    siblings = [rival for rival in everyone if rival.group in ("ablation", "ansatz")]
    assert len(siblings) >= 9
    for rival in siblings:
        assert isinstance(rival.head, DressedQuantum)
        differing = {name for name, value in rival.head if value != getattr(config.head, name)}
        assert len(differing) == 1, rival.name


def test_classical_rivals_start_as_usual_except_the_papers_own() -> None:
    started_low = {
        rival.name
        for rival in rivals(problem_config("spirals"))
        if rival.group == "classical" and rival.head is not None and rival.head.init_scale is not None
    }
    assert started_low == {"paper's classical", "closed form"}


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (Linear(), "linear"),
        (DressedQuantum(ablation="near_zero"), "near zero"),
        (DressedQuantum(ansatz="ring"), "quantum"),
        (Bottleneck(activation="relu"), "bottleneck, ReLU"),
        (Bottleneck(width=7), "bottleneck"),
    ],
)
def test_any_head_may_be_the_candidate(head: Head, name: str) -> None:
    everyone = rivals(problem_config("ants_bees-layer3").model_copy(update={"head": head}))
    assert (everyone[0].name, everyone[0].group, everyone[0].head) == (name, "candidate", head)
    assert len({rival.name for rival in everyone}) == len(everyone)
    assert not any(rival.head == head for rival in everyone[1:])
    assert {"linear", "quantum", "closed form", "RBF-SVM"} <= {rival.name for rival in everyone}
    widths = {rival.head.inner_width for rival in everyone if isinstance(rival.head, DressedQuantum | Bottleneck)}
    assert widths == {head.inner_width if isinstance(head, Bottleneck) else 4}


def test_rivals_can_be_chosen() -> None:
    config = problem_config("moons")
    assert [rival.name for rival in rivals(config, ["RBF-SVM", "near zero"])] == ["quantum", "near zero", "RBF-SVM"]
    with pytest.raises(LabError, match="'fish' is not possible: choose among near zero; "):
        rivals(config, ["linear", "fish"])


def test_the_command_line_of_a_comparison_gives_the_same_comparison() -> None:
    quantum = DressedQuantum(n_qubits=5, ansatz="ring", reuploads=2)
    asked = [
        Compare(config=problem_config("moons", "converged"), n_trials=4, rivals=("two tanh layers", "linear")),
        Compare(config=paper_run("ants_bees", head=quantum, seeds=3, standardise=True, learning_rate=0.01)),
        Compare(config=problem_config("spirals").model_copy(update={"head": MLP(hidden=(8, 8)), "epochs": 7})),
    ]
    for work in asked:
        parser = argparse.ArgumentParser()
        add_arguments(parser)
        assert compared(parser.parse_args(shlex.split(work.command)[4:])) == [work]


def test_a_problem_takes_the_papers_settings_where_there_are_some() -> None:
    assert paper_run("dogs_cats").learning_rate == 1e-3
    assert paper_run("dogs_cats", backbone="mobilenet_v2").backbone == "mobilenet_v2"
    assert problem_name(paper_run("dogs_cats", backbone="resnet18")) == "dogs_cats-layer3"
    assert all(problem_config(name).seeds == SEEDS and problem_config(name).protocol == "ours" for name in PROBLEMS)
    with pytest.raises(LabError, match="fish"):
        paper_run("fish")
    with pytest.raises(LabError, match="fish"):
        problem_config("fish")


# --- one comparison, end to end ---------------------------------------------------------------------------------------


def test_heads_get_exactly_the_run_that_train_gives_them(
    outcome: ComparisonFinished, config: RunConfig, bank: FeatureBank
) -> None:
    for result in outcome.comparison.results:
        if result.rival.name not in ("quantum", "bottleneck", "no entanglers"):
            continue
        changes = {"head": result.rival.head, "learning_rate": result.learning_rate}
        *_, finished = train(config.model_copy(update=changes), bank)
        assert isinstance(finished, Finished)
        assert result.accuracy == pytest.approx(finished.test_accuracy)
        assert result.loss == pytest.approx(finished.test_loss, abs=1e-5)
        assert result.best_epoch == tuple(finished.best_epoch)
        positive = torch.softmax(torch.from_numpy(finished.test_logits[0]).double(), -1)[:, 1]
        assert result.area_under_curve[0] == pytest.approx(roc_auc_score(finished.test_labels, positive))
        assert result.loss is not None
        assert result.loss[0] == pytest.approx(log_loss(finished.test_labels, positive), abs=1e-5)


def test_everyone_is_measured_on_the_same_test_set(
    outcome: ComparisonFinished, config: RunConfig, bank: FeatureBank
) -> None:
    comparison, predictions = outcome.comparison, outcome.predictions
    everyone = rivals(config)
    assert [result.rival.name for result in comparison.results] == [rival.name for rival in everyone]
    test = np.flatnonzero(bank.split == "test")
    assert (predictions.labels == bank.labels[test]).all()
    assert predictions.predicted.shape == (len(everyone), N_SEEDS, len(test))
    shares = predictions.correct().mean(-1)
    assert shares == pytest.approx(np.array([result.accuracy for result in comparison.results]))
    assert comparison.seeds == (0, 1, 2)
    verdicts = comparison.verdicts(predictions)
    assert [one.rival for one in verdicts] == [rival.name for rival in everyone[1:]]
    assert {one.kind for one in verdicts} == {"not decided"}  # three seeds show nothing


@pytest.mark.parametrize("changes", [{"protocol": "paper"}, {"seeds": 1}])
def test_an_unfair_or_empty_comparison_is_refused(
    config: RunConfig, bank: FeatureBank, changes: dict[str, object]
) -> None:
    with pytest.raises(LabError):
        next(run_comparison(config.model_copy(update=changes), bank, name="try", command=""))


def test_a_diverged_seed_counts_as_one_that_knows_nothing(config: RunConfig, bank: FeatureBank) -> None:
    features = bank.features.copy()
    features[:, 0] = np.where(features[:, 0] > 0, 3e38, -3e38)
    broken = replace(bank, features=features)
    rival = next(rival for rival in rivals(config) if rival.name == "linear")
    entering = run_head(rival, config, broken, 0, ComparisonProgress("linear", "training", 1, 1, 0.0))
    result = last_value(entering).result
    assert result.diverged == (0, 1, 2)
    assert result.loss == pytest.approx([np.log(2)] * 3)
    assert result.area_under_curve == (0.5, 0.5, 0.5)


# --- tuning -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("head", [DressedQuantum(n_qubits=2, q_depth=1), Bottleneck(), Linear()])
def test_every_head_tries_as_many_settings_and_the_best_is_kept(
    config: RunConfig, bank: FeatureBank, head: Head
) -> None:
    given = config.model_copy(update={"head": head, "epochs": 1})
    chosen, trials = last_value(tune(given, bank, 5))
    assert len(trials) == 5
    assert trials[0].learning_rate == given.learning_rate
    assert trials[0].width == (head.inner_width if head.inner_widths else None)
    best = min(trials, key=lambda trial: trial.validation_loss)
    assert chosen.learning_rate == best.learning_rate
    assert chosen.head.inner_width == best.width
    again, _ = last_value(tune(given, bank, 5))
    assert again == chosen


def test_a_trial_is_the_upper_quartile_of_the_best_validation_losses_of_runs_of_their_own(
    config: RunConfig, bank: FeatureBank
) -> None:
    given = config.model_copy(update={"head": Bottleneck(), "epochs": 5, "patience": 1})
    chosen, trials = last_value(tune(given, bank, 3))
    assert len({(trial.width, trial.batch_size, trial.lr_gamma) for trial in trials}) > 1
    for trial in trials:
        own = given.model_copy(
            update={
                "head": Bottleneck(width=trial.width),
                "learning_rate": trial.learning_rate,
                "lr_gamma": trial.lr_gamma,
                "batch_size": trial.batch_size,
                "seeds": TUNING_SEEDS,
                "base_seed": 1_000_000,
            }
        )
        *events, finished = train(own, bank)
        assert isinstance(finished, Finished)
        history = {event.epoch: event.validation_loss for event in events if isinstance(event, Epoch)}
        losses = [history[epoch][member] for member, epoch in enumerate(finished.best_epoch)]
        assert trial.validation_loss == pytest.approx(sorted(losses)[-2], rel=1e-4)
    assert (chosen.learning_rate, chosen.batch_size) in {(trial.learning_rate, trial.batch_size) for trial in trials}


def test_every_head_searches_the_same_rates_batches_and_decays(config: RunConfig) -> None:
    for_head = [
        tuning_settings(config.model_copy(update={"head": rival.head}), 16)
        for rival in rivals(config)
        if rival.head is not None
    ]
    shared = {tuple((one.learning_rate, one.lr_gamma, one.batch_size) for one in each) for each in for_head}
    assert len(shared) == 1
    (tried,) = shared
    rates, decays, batches = (set(each) for each in zip(*tried, strict=True))
    assert min(rates) < 1e-4 < 0.1 < max(rates)
    assert len(decays) >= 3
    assert len(batches) >= 5
    widths = {
        rival.head.inner_widths
        for rival in rivals(config)
        if rival.head is not None and rival.head.inner_widths and rival.name.split(",")[0] != "mlp"
    }
    narrow = {each for each in widths if max(each) < 16}
    assert len(narrow) == 1, "heads as narrow as a circuit try the widths that circuits try"


# --- scikit-learn's methods -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", LIBRARY)
@pytest.mark.parametrize("standardise", [False, True])
def test_library_rivals_are_fitted_to_the_rows_that_the_heads_are_trained_on(
    name: str, standardise: bool, config: RunConfig, bank: FeatureBank
) -> None:
    config = config.model_copy(update={"standardise": standardise})
    splits = run_splits(config, bank, config.members())
    seen: list[np.ndarray] = []

    class Watched(Pipeline):
        def fit(self, x: np.ndarray, y: np.ndarray) -> "Watched":
            seen.append(x)
            fitted: Watched = super().fit(x, y)
            return fitted

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("core.comparison.scikit_learn.Pipeline", Watched)
        patch.setattr("core.comparison.scikit_learn.GAMMAS", (1.0, 10.0))
        patch.setattr("core.comparison.scikit_learn.PENALTIES", (0.1, 1.0, 10.0, 100.0, 1000.0))
        fitted = fit(name, config, bank)
    for rows, own in zip(splits.train, seen[-N_SEEDS:], strict=True):
        assert (own == bank.features[rows]).all()
    test_points = {tuple(point) for point in bank.features[splits.test]}
    assert not any(test_points & {tuple(point) for point in each} for each in seen)
    accuracy = (fitted.scores.argmax(-1) == bank.labels[splits.test]).mean(1)
    assert accuracy.min() > (0.8 if name == "logistic regression" else 0.9)
    assert not np.array_equal(fitted.scores[0], fitted.scores[1]), "every seed has a cut of its own"
    if fitted.probabilistic:
        assert fitted.scores.sum(-1) == pytest.approx(np.ones(fitted.scores.shape[:2]))


def test_library_rivals_without_randomness_are_one_fit_where_all_seeds_share_one_cut(
    config: RunConfig, bank: FeatureBank
) -> None:
    one_cut = config.model_copy(update={"split_per_seed": False})
    for name in ("logistic regression", "random Fourier"):
        scores = fit(name, one_cut, bank).scores
        assert np.array_equal(scores[0], scores[1]) == (name == "logistic regression")


def test_settings_of_library_rivals_are_those_with_the_best_score_on_validation_rows(
    config: RunConfig, bank: FeatureBank
) -> None:
    config = config.model_copy(update={"standardise": True})
    totals = dict.fromkeys(PENALTIES, 0.0)
    for seed in range(1_000_000, 1_000_000 + TUNING_SEEDS):
        splits = bank.splits(config.validation_share, config.split_seed, seed)
        rows, held_out = bank.features[splits.train], bank.features[splits.validation]
        scaled = [(each - rows.mean(0)) / rows.std(0) for each in (rows, held_out)]
        for penalty in PENALTIES:
            model = LogisticRegression(C=penalty, max_iter=2000).fit(scaled[0], bank.labels[splits.train])
            totals[penalty] += log_loss(bank.labels[splits.validation], model.predict_proba(scaled[1]))
    assert fit("logistic regression", config, bank).chosen == {"C": min(totals, key=lambda each: totals[each])}


# --- the record -------------------------------------------------------------------------------------------------------


def test_a_stored_comparison_comes_back_as_it_was(outcome: ComparisonFinished, tmp_path: Path) -> None:
    save_comparison(outcome.comparison, outcome.predictions, tmp_path)
    assert stored_names(tmp_path) == ["try"]
    assert load_comparison("try", tmp_path) == outcome.comparison
    found = load_predictions("try", tmp_path)
    assert (found.predicted == outcome.predictions.predicted).all()
    renamed = outcome.comparison.model_copy(update={"tuned": False})
    save_comparison(renamed, outcome.predictions, tmp_path)
    assert not load_comparison("try", tmp_path).tuned
    assert [path.name for path in tmp_path.iterdir()] == ["try"]


@pytest.mark.parametrize("name", ["../etc", "", "a/b", ".hidden", "x" * 200])
def test_names_lead_nowhere_else(name: str, tmp_path: Path) -> None:
    with pytest.raises(LabError, match="is not possible"):
        load_comparison(name, tmp_path)


def test_a_broken_record_is_told_in_one_sentence(outcome: ComparisonFinished, tmp_path: Path) -> None:
    folder = save_comparison(outcome.comparison, outcome.predictions, tmp_path)
    with pytest.raises(LabError, match="is not stored"):
        load_comparison("other", tmp_path)
    (folder / "predictions.npz").write_bytes(b"PK\x03\x04 no zip")
    with pytest.raises(LabError, match="no readable predictions"):
        load_predictions("try", tmp_path)
    values = json.loads((folder / "comparison.json").read_text())
    values["results"][3]["accuracy"] = [0.5]
    (folder / "comparison.json").write_text(json.dumps(values))
    with pytest.raises(LabError, match="1 results for 3 seeds"):
        load_comparison("try", tmp_path)
    (folder / "comparison.json").write_text("{")
    with pytest.raises(LabError, match="cannot be read"):
        load_comparison("try", tmp_path)


@pytest.mark.parametrize("name", STORED)
def test_shipped_comparisons_are_whole(name: str) -> None:
    comparison, predictions = load_comparison(name, SHIPPED), load_predictions(name, SHIPPED)
    config = SHIPPED_COMPARISONS[name].config
    if not comparison.config.split_per_seed:  # of the time of one cut for all seeds, tuned under the paper's settings
        config = problem_config(SHIPPED_COMPARISONS[name].problem).model_copy(update={"split_per_seed": False})
    assert comparison.config == config
    assert len(comparison.seeds) >= 20
    assert comparison.bank_digest == load_bank(config.features).digest
    assert {result.rival.name for result in comparison.results} == {rival.name for rival in rivals(config)}
    shares = predictions.correct().mean(-1)
    assert shares == pytest.approx(np.array([result.accuracy for result in comparison.results]))
    tried = {len(result.trials) for result in comparison.results if result.rival.head is not None}
    assert tried == {SHIPPED_COMPARISONS[name].n_trials}


@pytest.mark.parametrize("name", STORED)
def test_shipped_comparisons_are_between_the_rivals_that_would_run_now(name: str) -> None:
    """Equal but for the widths that tuning chose."""
    comparison = load_comparison(name, SHIPPED)
    everyone = {rival.name: rival for rival in rivals(SHIPPED_COMPARISONS[name].config)}
    for result in comparison.results:
        rival = everyone[result.rival.name]
        if comparison.tuned and rival.head is not None:
            assert result.rival.head is not None
            width = rival.head.inner_width
            head = result.rival.head if width is None else result.rival.head.with_inner_width(width)
            assert (result.rival.group, head) == (rival.group, rival.head)
            best = result.best_trial
            assert (result.learning_rate, result.rival.head.inner_width) == (
                best.learning_rate,
                best.width or rival.head.inner_width,
            )
        else:
            assert (result.rival.group, result.rival.head) == (rival.group, rival.head)


@pytest.mark.parametrize("name", [name for name in STORED if SHIPPED_COMPARISONS[name].n_trials])
def test_tuning_leaves_no_two_equal_heads_that_the_page_does_not_name(name: str) -> None:
    comparison, predictions = load_comparison(name, SHIPPED), load_predictions(name, SHIPPED)
    named = comparison.same_networks(predictions)
    results = comparison.results
    for first, second in combinations(range(len(results)), 2):
        one, other = results[first], results[second]
        alike = (predictions.predicted[first] == predictions.predicted[second]).all()
        if one.rival.head is not None and one.rival.head == other.rival.head and alike:
            assert any({one.rival.name, other.rival.name} <= set(group) for group in named)


def test_heads_that_tuning_made_one_network_are_named_together(outcome: ComparisonFinished) -> None:
    comparison, predictions = outcome.comparison, outcome.predictions
    names = [result.rival.name for result in comparison.results]
    results, predicted = list(comparison.results), predictions.predicted.copy()
    first, second, third = (names.index(name) for name in ("bottleneck", "wider mlp", "linear"))
    same = {"classical_parameters": 99, "learning_rate": 0.1}
    for index in (first, second, third):
        results[index] = results[index].model_copy(update=same)
        predicted[index] = predicted[first]
    results[third] = results[third].model_copy(update={"classical_parameters": 98})
    changed = comparison.model_copy(update={"results": tuple(results)})
    assert ("bottleneck", "wider mlp") in changed.same_networks(Predictions(predictions.labels, predicted))
    assert not any("linear" in group for group in changed.same_networks(Predictions(predictions.labels, predicted)))


def test_a_tuned_comparison_finds_the_untuned_one_of_the_same_problem() -> None:
    tuned = load_comparison("spirals_2.0-tuned", SHIPPED)
    found = untuned_comparison(tuned)
    assert found is not None
    assert found.name == "spirals_2.0"
    other_seeds = tuned.model_copy(update={"seeds": tuned.seeds[:-1]})
    assert untuned_comparison(other_seeds) is None


def test_the_budget_counts_the_steps() -> None:
    comparison = load_comparison("spirals", SHIPPED)
    assert (comparison.n_train, comparison.config.batch_size, comparison.config.epochs) == (1600, 10, 5)
    assert "(5 × 160 = 800 steps)" in budget(comparison)
    converged = comparison.model_copy(update={"config": problem_config("spirals", "converged")})
    assert "up to 200 epochs (until 30 bring no lower validation loss) of 1,600" in budget(converged)
    assert "standardised" in budget(converged)
    assert "standardised" not in budget(comparison)


def test_shipped_comparisons_are_small() -> None:
    assert sum(path.stat().st_size for name in STORED for path in (SHIPPED / name).iterdir()) < 6e6


def test_spirals_are_the_positive_control() -> None:
    """On spirals trained, entangled angles do what their absence and the paper's classical network cannot."""
    predictions = load_predictions("spirals", SHIPPED)
    kinds = {one.rival: one.kind for one in load_comparison("spirals", SHIPPED).verdicts(predictions)}
    for rival in ("near zero", "no entanglers", "closed form", "paper's classical", "linear"):
        assert kinds[rival] == "better", rival


# --- figures ----------------------------------------------------------------------------------------------------------


def far_apart(outcome: ComparisonFinished) -> tuple[Comparison, Predictions]:
    """The comparison with one rival that is always wrong."""
    labels, predicted = outcome.predictions.labels, outcome.predictions.predicted.copy()
    predicted[5] = 1 - labels
    results = list(outcome.comparison.results)
    accuracy = tuple((predicted[5] == labels).mean(-1).tolist())
    results[5] = results[5].model_copy(update={"accuracy": accuracy})
    comparison = outcome.comparison.model_copy(update={"results": tuple(results)})
    return comparison, replace(outcome.predictions, predicted=predicted)


def test_the_talk_figure_shows_every_rival_and_says_budget_and_verdict(outcome: ComparisonFinished) -> None:
    comparison, predictions = far_apart(outcome)
    found = comparison.verdicts(predictions)
    figure = paired_differences(comparison, found)
    text = figure.layout.title.text.replace("<br>", " ")
    assert headline(found) in text
    assert "3 paired seeds" in figure.layout.title.subtitle.text.replace("<br>", " ")
    assert len(figure.layout.yaxis.ticktext) == len(found)
    assert not figure.layout.annotations
    assert figure.layout.title.pad.t >= 22  # pixels of plotly's row of tools, which lies above
    dots = [trace for trace in figure.data if trace.marker.symbol != "diamond"]
    edges = [seed_colour(rival_colour(result.rival)) for result in comparison.results if result.rival.name != "quantum"]
    assert [trace.marker.line.color for trace in dots] == edges


@pytest.mark.parametrize("far", [False, True])
def test_the_talk_figure_draws_every_seed_and_every_interval_inside_its_axis(
    outcome: ComparisonFinished, far: bool
) -> None:
    comparison, predictions = far_apart(outcome) if far else (outcome.comparison, outcome.predictions)
    found = comparison.verdicts(predictions)
    figure = paired_differences(comparison, found)
    axis = figure.layout.xaxis
    dots = [trace for trace in figure.data if trace.marker.symbol != "diamond"]
    diamonds = [trace for trace in figure.data if trace.marker.symbol == "diamond"]
    reach = max(abs(value) for one in found for value in one.paired.differences) * 100
    assert ("compressed beyond ± 2" in axis.title.text) == (reach > 15)

    def points(place: float) -> float:
        return 2 * float(np.sinh(place)) if reach > 15 else place

    for verdict, seeds, mean in zip(found, dots, diamonds, strict=True):
        differences = np.array(verdict.paired.differences) * 100
        assert [points(place) for place in seeds.x] == pytest.approx(differences)
        assert [told for _, told in seeds.customdata] == pytest.approx(differences)
        assert [seed for seed, _ in seeds.customdata] == list(comparison.seeds)
        interval = verdict.elsewhere.interval
        ends = [mean.x[0] - mean.error_x.arrayminus[0], mean.x[0], mean.x[0] + mean.error_x.array[0]]
        expected = [interval.low, interval.estimate, interval.high]
        assert [points(end) for end in ends] == pytest.approx(np.array(expected) * 100)
        assert axis.range[0] < min(*seeds.x, *ends)
        assert axis.range[1] > max(*seeds.x, *ends)
    if reach > 15:
        marks = [float(text.replace("−", "-")) for text in axis.ticktext]
        assert [points(place) for place in axis.tickvals] == pytest.approx(marks)
        assert {0, 2, 10, 40} <= set(marks)


def test_five_rivals_have_rows_those_furthest_behind_on_top() -> None:
    comparison, predictions = load_comparison("spirals", SHIPPED), load_predictions("spirals", SHIPPED)
    found = comparison.verdicts(predictions)
    means = {result.rival.name: np.mean(result.accuracy) for result in comparison.results}
    telling = {"closed form", "bottleneck", "linear", "wider mlp", "RBF-SVM"}
    five, everyone = five_rivals(found), by_difference(found)
    assert [one.rival for one in five] == sorted(telling, key=lambda name: means[name])
    assert [means[one.rival] for one in everyone] == sorted(means[name] for name in means if name != "quantum")
    figure = paired_differences(comparison, found, rows=five)
    assert len(figure.layout.yaxis.ticktext) == 5
    assert headline(found) in figure.layout.title.text.replace("<br>", " "), "the headline counts all rivals"
    few = [one for one in found if one.rival in ("near zero", "ring", "linear")]
    assert {one.rival for one in five_rivals(few)} == {"near zero", "ring", "linear"}


def test_row_labels_say_how_little_a_difference_is_and_where_it_holds() -> None:
    comparison, predictions = (
        load_comparison("dogs_cats-layer3", SHIPPED),
        load_predictions("dogs_cats-layer3", SHIPPED),
    )
    for margin in (0.1, 1.0, 10.0):
        found = comparison.verdicts(predictions, margin)
        labels = paired_differences(comparison, found).layout.yaxis.ticktext
        for verdict, label in zip(found, labels, strict=True):
            assert words(verdict) in label.replace("<br>", " ")


def test_the_rank_figure_lists_every_shared_head_best_first(outcome: ComparisonFinished) -> None:
    comparisons = [outcome.comparison, far_apart(outcome)[0]]
    found = comparison_ranking(comparisons)
    figure = critical_difference(found, [result.rival for result in outcome.comparison.results])
    assert len(figure.layout.yaxis.ticktext) == len(outcome.comparison.results)
    (points,) = [trace for trace in figure.data if trace.mode == "markers"]
    assert list(points.x) == sorted(points.x)
    with pytest.raises(LabError):
        comparison_ranking([])


def test_the_tuning_figure_marks_the_chosen_setting(outcome: ComparisonFinished) -> None:
    tuned = [result for result in outcome.comparison.results if result.trials]
    figure = tuning(tuned)
    tried, rings = figure.data[: len(tuned)], figure.data[len(tuned) :]
    for result, trace, ring in zip(tuned, tried, rings, strict=True):
        assert list(trace.y) == [trial.validation_loss for trial in result.trials]
        assert list(ring.y) == [min(trace.y)]
        assert ring.marker.symbol == f"{trace.marker.symbol}-open"
    looks = {(trace.marker.color, trace.marker.symbol) for trace in tried}
    assert len(looks) == len(tuned)


# --- the command ------------------------------------------------------------------------------------------------------


def test_the_command_stores_and_reports(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LAB_RESULTS_DIR", str(tmp_path))
    options = ["--problem", "spirals", "--seeds", "2", "--epochs", "1", "--json"]
    assert main(["compare", *options]) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {event["event"] for event in events[:-1]} == {"progress"}
    last = events[-1]
    comparison = load_comparison(last["name"], tmp_path / "comparisons")
    assert comparison.command == "python -m core compare --problem spirals --conditions converged --epochs 1 --seeds 2"
    assert [rival["name"] for rival in last["rivals"]] == [result.rival.name for result in comparison.results]
    assert len(last["verdicts"]) == len(last["rivals"]) - 1


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (["--problem", "moons", "--margin", "0"], "margin"),
        (["--problem", "moons", "--margin", "inf"], "margin"),
        (["--problem", "moons", "--margin", "101"], "margin"),
        (["--problem", "moons", "--margin", "nan"], "margin"),
        (["--problem", "moons", "--trials", "65"], "trials"),
        (["--problem", "moons", "--name", "spirals-tuned"], "ships"),
        (["--problem", "moons", "--name", "../moons"], "name"),
        (["--problem", "moons", "--seeds", "1"], "seeds"),
        (["--problem", "moons", "--seeds", "many"], "seeds"),
        (["--problem", "moons", "--rivals", "fish"], "fish"),
        (["--problem", "moons", "--head", "linear", "--q-depth", "2"], "q_depth"),
        (["--all", "fish"], "fish"),
        (["--dataset", "fish"], "fish"),
        (["--dataset", "moons", "--backbone", "resnet18"], "backbone"),
    ],
)
def test_mistakes_are_told_in_one_sentence(
    options: Sequence[str], word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", *options]) == 2
    said = capsys.readouterr().err.strip()
    assert word in said
    assert "\n" not in said
