import numpy as np
import pytest
import torch

from core.data import registry
from core.errors import LabError
from core.events import Progress
from core.paper.notebook import ITERATIONS, NotebookNetwork, NotebookRun, decision, run_notebook
from core.paper.notebook_record import NOTEBOOK_STEPS


@pytest.mark.parametrize(
    ("dataset", "classical", "hybrid"),
    [("spirals", 0.855, 0.970), ("spirals_2.0", 0.540, 0.625), ("moons", 0.975, 0.965)],
)
def test_the_numbers_of_the_authors_notebooks(dataset: str, classical: float, hybrid: float) -> None:
    runs = {run.network: run for run in run_notebook(dataset) if isinstance(run, NotebookRun)}
    assert (runs["classical"].test_accuracy, runs["hybrid"].test_accuracy) == (classical, hybrid)

    data = registry.dataset(dataset).points()
    test = data.split == "test"
    told = decision(runs["hybrid"], data.inputs[test]) > 0
    assert (told == data.labels[test]).mean() == hybrid


def test_square_differs_from_the_authors_by_one_point_at_most() -> None:
    # 1,000 steps make of a rounding error of 1e-12 a visible change: the 200 test points of this set have one that the
    # authors' simulator and ours tell differently.
    runs = {run.network: run.test_accuracy for run in run_notebook("square") if isinstance(run, NotebookRun)}
    assert runs["classical"] == 0.905
    assert runs["hybrid"] == pytest.approx(0.930, abs=0.0051)


@pytest.mark.parametrize("name", ["classical", "hybrid"])
def test_gradient_is_that_of_finite_differences(name: str) -> None:
    network = NotebookNetwork(name)
    network.flat.mul_(500)
    inputs, labels = torch.tensor([[0.3, -0.8], [1.1, 0.4]], dtype=torch.float64), torch.tensor([0, 1])

    def loss() -> float:
        log_likelihood, _ = network.forward(inputs)
        return -log_likelihood[[0, 1], labels].sum().item()

    log_likelihood, tape = network.forward(inputs)
    network.backward(log_likelihood, labels, tape)
    numeric = np.zeros(len(network.flat))
    for index in range(len(network.flat)):
        start = network.flat[index].item()
        values = []
        for shift in (1e-6, -1e-6):
            network.flat[index] = start + shift
            values.append(loss())
        network.flat[index] = start
        numeric[index] = (values[0] - values[1]) / 2e-6
    np.testing.assert_allclose(network.grad.numpy(), numeric, atol=1e-8)
    assert np.count_nonzero(numeric) == (52 if name == "hybrid" else 57)


def test_progress_is_told_of_both_networks_and_the_training_may_be_closed() -> None:
    heard: list[Progress] = []
    runs = run_notebook("moons")
    for event in runs:
        if isinstance(event, NotebookRun):
            assert (event.network, event.test_accuracy) == ("classical", 0.975)
            assert heard[-1].done == ITERATIONS == NOTEBOOK_STEPS
            break
        heard.append(event)
    assert {(each.what, each.total) for each in heard} == {("the classical network", ITERATIONS)}
    assert [each.done for each in heard] == sorted({each.done for each in heard})
    second = next(runs)
    assert isinstance(second, Progress)
    assert second.what == "the hybrid network"
    assert 0 < second.done < ITERATIONS
    runs.close()


def test_unknown_data_set_is_named() -> None:
    with pytest.raises(LabError, match="'circles' is not in the notebook"):
        next(run_notebook("circles"))
