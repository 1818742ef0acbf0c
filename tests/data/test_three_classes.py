"""A data set of three classes that is added while the program runs: everything takes it as one of its own."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.special import log_softmax, softmax
from scipy.stats import rankdata
from sklearn.metrics import accuracy_score, confusion_matrix

from core.circuit.closed_form import closed_form_subsets
from core.comparison.rivals import LIBRARY
from core.comparison.run import ComparisonFinished, run_comparison
from core.comparison.scikit_learn import fit
from core.comparison.store import load_comparison, save_comparison
from core.config.heads.closed_form import ClosedForm
from core.config.heads.linear import Linear
from core.config.heads.registry import HEAD_KINDS
from core.config.run import RunConfig, run_config
from core.data.banks import FeatureBank, available_banks, load_bank, write_bank
from core.data.cuts import POINTS, Cut
from core.data.features import Features
from core.data.images import Folders
from core.data.points import Generated
from core.data.registry import DATASETS, Dataset, register
from core.errors import LabError
from core.events import Epoch, Event, Finished
from core.experiment.address import from_address
from core.experiment.configs import default_values, experiment
from core.experiment.features import parameter_counts
from core.figures.comparison import paired_differences
from core.figures.regions import CLASS_COLOURS, Region, decision_regions
from core.figures.runs import Curve, confusion, curves
from core.recipes import paper_run
from core.report.results import head_result, wrong_caption
from core.runs.store import Store
from core.statistics.metrics import area_under_curve
from core.training.loop import predict, train

CLASSES = ("left", "right", "top")


def blobs() -> tuple[np.ndarray, np.ndarray]:
    """Three clouds that overlap a little, 200 points each, in a random sequence."""
    random = np.random.RandomState(3)
    labels = random.permutation(np.repeat(np.arange(3), 200))
    centres = np.array([(-1.5, 0.0), (1.5, 0.0), (0.0, 2.5)])
    return centres[labels] + random.normal(scale=0.7, size=(600, 2)), labels


BLOBS = Dataset("blobs", "Three clouds", CLASSES, 450, 150, "made by this test", "none needed", Generated(blobs))


@pytest.fixture(autouse=True)
def three() -> Iterator[None]:
    """The data set is there as long as a test runs."""
    register(BLOBS)
    yield
    del DATASETS[BLOBS.name]


@pytest.fixture
def bank(three: None) -> FeatureBank:
    return load_bank(Features(BLOBS.name, POINTS))


def run_of(kind: str) -> RunConfig:
    values = {"dataset": BLOBS.name, "head": {"kind": kind}, "seeds": 2, "epochs": 6, "batch_size": 15}
    return run_config(values | {"learning_rate": 0.05})


def trained(config: RunConfig, bank: FeatureBank) -> tuple[list[Event], Finished]:
    *events, finished = train(config, bank)
    assert isinstance(finished, Finished)
    return events, finished


# --- the entry --------------------------------------------------------------------------------------------------------


def test_an_entry_that_is_added_is_an_entry_like_any_other() -> None:
    config = RunConfig(dataset=BLOBS.name)
    assert config.features == Features(BLOBS.name, POINTS)
    assert config.features.title == "Three clouds"
    assert paper_run(BLOBS.name) == config
    listed = [line for line in available_banks() if line.features.dataset == BLOBS.name]
    assert [(line.features, line.state, line.n_features) for line in listed] == [(config.features, "generated", 2)]
    with pytest.raises(LabError, match=r"dataset = 'cows' is not possible: choose one of ants_bees, .*, blobs$"):
        run_config({"dataset": "cows"})
    values, problem = from_address({"dataset": BLOBS.name})
    assert (values["dataset"], problem) == (BLOBS.name, "")
    wanted = experiment(default_values(BLOBS.name))
    assert wanted.title.startswith("Three clouds · 4 qubits")
    quantum = wanted.configs[0]
    assert parameter_counts(quantum) == (24, (2 + 1) * 4 + (4 + 1) * 3)


def test_an_entry_that_cannot_be_is_refused() -> None:
    for entry, message in (
        (BLOBS, "dataset = 'blobs' is taken by Three clouds"),
        (replace(BLOBS, name="../blobs"), "use letters, digits"),
        (replace(BLOBS, name="one", classes=("all",)), "classes = 'all' is not possible: name two or more"),
        (replace(BLOBS, name="one", classes=("a", "a")), "classes = 'a, a' is not possible"),
    ):
        before = list(DATASETS)
        with pytest.raises(LabError, match=message):
            register(entry)
        assert list(DATASETS) == before


def test_images_of_three_classes_are_read_from_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = replace(
        BLOBS, name="own", n_train=6, n_test=3, samples=Folders("own", {"train": "training", "test": "testing"})
    )
    for folder, count in (("training", 2), ("testing", 1)):
        for label in CLASSES:
            (tmp_path / "own" / folder / label).mkdir(parents=True)
            for number in range(count):
                Image.new("RGB", (8, 8), (number, 0, 0)).save(tmp_path / "own" / folder / label / f"{number}.png")
    images = own.images(tmp_path)
    assert images.labels.tolist() == [0, 0, 1, 1, 2, 2, 0, 1, 2]
    assert images.open("test/top/0.png").size == (8, 8)

    monkeypatch.setitem(DATASETS, "own", own)
    monkeypatch.setenv("LAB_CACHE_DIR", str(tmp_path / "cache"))
    made = Features("own", Cut("elsewhere", "end", "mine"))
    features = np.random.RandomState(0).normal(size=(9, 4)).astype(np.float32)
    bank = FeatureBank(made, features, images.labels, images.names, images.split, CLASSES, {})
    write_bank(bank, made.file(tmp_path / "cache"))
    assert run_config({"dataset": "own"} | vars(made.cut)).features == made
    assert load_bank(made).digest == bank.digest
    assert next(line for line in available_banks() if line.features == made).state == "cached"


# --- training ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", HEAD_KINDS)
def test_every_kind_of_head_learns_three_classes(kind: str, bank: FeatureBank) -> None:
    events, finished = trained(run_of(kind), bank)
    assert finished.test_logits.shape == (2, 150, 3)
    expected = -log_softmax(finished.test_logits.astype(np.float64), -1)[:, np.arange(150), finished.test_labels]
    np.testing.assert_allclose(finished.test_loss, expected.mean(-1), rtol=1e-5)
    answers = finished.test_logits.argmax(-1)
    assert finished.test_accuracy == pytest.approx([accuracy_score(finished.test_labels, one) for one in answers])
    assert min(finished.test_accuracy) > 0.6
    losses = [event.validation_loss for event in events if isinstance(event, Epoch)]
    assert np.mean(losses[-1]) < np.log(3)


def test_the_closed_form_of_three_classes_is_its_formula(bank: FeatureBank) -> None:
    config = run_of("closed_form")
    assert isinstance(config.head, ClosedForm)
    _, finished = trained(config, bank)
    subsets = closed_form_subsets(config.head.n_qubits, config.head.q_depth)
    weights = {name: weight.astype(np.float64) for name, weight in finished.weights.items()}
    test = bank.features[bank.split == "test"].astype(np.float64)
    for member in range(2):
        z = test @ weights["pre.weight"][member].T + weights["pre.bias"][member]
        s = -np.sin(np.pi / 2 * np.tanh(z))
        products = [s[:, list(subset)].prod(1) for subset in subsets]
        expected = np.stack(products, 1) @ weights["post.weight"][member].T + weights["post.bias"][member]
        np.testing.assert_allclose(finished.test_logits[member], expected, atol=1e-4)
    np.testing.assert_allclose(
        predict(config, finished.weights, bank.features[bank.split == "test"], 3), finished.test_logits, atol=1e-5
    )


# --- what is measured -------------------------------------------------------------------------------------------------


def one_against_the_rest(scores: np.ndarray, labels: np.ndarray) -> float:
    """Mean over the classes of the chance that a sample of the class has the higher score, by Mann and Whitney."""
    areas = []
    for label in range(scores.shape[1]):
        inside = labels == label
        ranks = rankdata(scores[:, label])[inside].sum()
        n, others = inside.sum(), (~inside).sum()
        areas.append((ranks - n * (n + 1) / 2) / (n * others))
    return float(np.mean(areas))


def test_area_under_the_curve_is_the_mean_of_one_against_the_rest() -> None:
    random = np.random.RandomState(0)
    labels = random.randint(0, 3, 200)
    scores = random.normal(size=(200, 3)) + 1.2 * np.eye(3)[labels]  # not probabilities: rows do not sum to one
    assert area_under_curve(scores, labels) == pytest.approx(one_against_the_rest(scores, labels))
    assert area_under_curve(softmax(scores, -1), labels) == pytest.approx(
        one_against_the_rest(softmax(scores, -1), labels)
    )
    assert np.isnan(area_under_curve(scores[labels < 2], labels[labels < 2]))


@pytest.mark.parametrize("name", LIBRARY)
def test_scikit_learns_methods_tell_three_classes_apart(name: str, bank: FeatureBank) -> None:
    fitted = fit(name, paper_run(BLOBS.name, seeds=2), bank)
    assert fitted.scores.shape == (2, 150, 3)
    right = (fitted.scores.argmax(-1) == bank.labels[bank.split == "test"]).mean()
    assert right > 0.85
    if fitted.probabilistic:
        np.testing.assert_allclose(fitted.scores.sum(-1), 1, rtol=1e-5)
    expected = {"logistic regression": 3 * 3, "random Fourier": 3 * 501}
    assert fitted.parameters == expected.get(name)


def test_a_comparison_on_three_classes_is_run_stored_and_drawn(bank: FeatureBank, tmp_path: Path) -> None:
    config = paper_run(BLOBS.name, seeds=2, epochs=2, batch_size=50, learning_rate=0.05)
    *_, outcome = run_comparison(config, bank, name="blobs", command="this test")
    assert isinstance(outcome, ComparisonFinished)
    comparison, predictions = outcome.comparison, outcome.predictions
    assert set(np.unique(predictions.labels)) == {0, 1, 2}
    for result, predicted in zip(comparison.results, predictions.predicted, strict=True):
        assert result.accuracy == pytest.approx((predicted == predictions.labels).mean(1))
        assert np.isfinite(result.area_under_curve).all()
        assert result.loss is None or np.isfinite(result.loss).all()
    assert comparison.title == "Three clouds"
    save_comparison(comparison, predictions, tmp_path)
    assert load_comparison("blobs", tmp_path) == comparison
    found = comparison.verdicts(predictions=predictions)
    assert {one.rival for one in found} == {result.rival.name for result in comparison.results} - {"quantum"}
    assert "Three clouds" in paired_differences(comparison, found).layout.title.text.replace("<br>", " ")


# --- what is shown ----------------------------------------------------------------------------------------------------


def test_figures_show_three_classes(bank: FeatureBank) -> None:
    events, finished = trained(run_of("linear"), bank)
    counts = np.mean([confusion_matrix(finished.test_labels, one) for one in finished.test_logits.argmax(-1)], axis=0)
    figure = confusion(counts, CLASSES, Linear())
    assert figure.data[0].z.shape == (3, 3)
    np.testing.assert_allclose(np.array(figure.data[0].z).sum(1), 1)
    assert [(each.y, each.x) for each in figure.layout.annotations] == [(y, x) for y in CLASSES for x in CLASSES]

    epochs = [event for event in events if isinstance(event, Epoch)]
    drawn = curves([Curve(Linear(), epochs)], "loss", len(epochs))
    low, high = drawn.layout.yaxis.range
    assert low <= np.min([event.validation_loss for event in epochs])
    assert high >= np.max([event.validation_loss for event in epochs])

    grid = np.linspace(-2, 2, 9)
    plane = np.stack(np.meshgrid(grid, grid), -1).reshape(-1, 2).astype(np.float32)
    share = softmax(predict(run_of("linear"), finished.weights, plane, 3)[0], -1).T.reshape(3, 9, 9)
    others = np.stack([np.delete(share, label, 0).max(0) for label in range(3)])
    test = bank.split == "test"
    regions = decision_regions(
        [Region("linear", np.clip(share - others, 0, 1))],
        grid.tolist(),
        bank.features[test],
        bank.labels[test],
        CLASSES,
    )
    planes = [trace for trace in regions.data if trace.type == "heatmap"]
    dots = [trace for trace in regions.data if trace.type == "scatter"]
    assert [trace.name for trace in dots] == list(CLASSES)
    assert [trace.marker.color for trace in dots] == list(CLASS_COLOURS[:3])
    assert len({trace.marker.symbol for trace in dots}) == 3
    assert [len(trace.x) for trace in dots] == np.bincount(bank.labels[test]).tolist()
    ahead = np.stack([trace.z for trace in planes])
    assert ((ahead > 0).sum(0) <= 1).all()  # one class is ahead, or none
    np.testing.assert_array_equal(ahead.argmax(0), share.argmax(0))


def test_a_mistake_names_the_wrong_class_that_most_seeds_say(bank: FeatureBank, tmp_path: Path) -> None:
    config = run_of("linear")
    store = Store(tmp_path)
    run_id = store.create(config, {})
    events, finished = trained(config, bank)
    logits = np.zeros((5, 150, 3), np.float32)
    said = [[1, 1, 1, 2, 0], [2, 2, 1, 0, 0]]  # of the first two samples, by five seeds
    truth = np.zeros(150, np.int64)
    for sample, answers in enumerate(said):
        logits[np.arange(5), sample, answers] = 1
    for event in (*events, replace(finished, test_logits=logits, test_labels=truth)):
        store.append(run_id, event)
    result = head_result(store.load(run_id))
    assert result.times_wrong[:2].tolist() == [4, 3]
    assert result.mistaken[:2].tolist() == [1, 2]
    assert result.confusion[0].tolist() == pytest.approx([150 - (4 + 3) / 5, 4 / 5, 3 / 5])
    assert wrong_caption(result, 0) == "left, taken for right by 3 of 5 seeds"
    assert wrong_caption(result, 1) == "left, taken for top by 2 of 5 seeds"
