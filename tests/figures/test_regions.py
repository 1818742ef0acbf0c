"""Decision regions: a byte of the browser's picture is taken apart again and held against probabilities from scipy."""

import numpy as np
import pytest
from scipy.special import softmax

from core.figures.regions import SIDE, cells, levels, places, reach_of


@pytest.mark.parametrize("n_classes", [2, 3, 10])
def test_a_byte_names_the_class_and_how_far_it_is_ahead(n_classes: int) -> None:
    rng = np.random.default_rng(n_classes)
    logits = rng.normal(scale=4, size=(SIDE * SIDE, n_classes)).astype(np.float32)
    label, lead = np.divmod(np.frombuffer(cells(logits), np.uint8), levels(n_classes))
    shares = softmax(logits.astype(np.float64), -1)
    np.testing.assert_array_equal(label, shares.argmax(-1))
    others = np.sort(shares, -1)
    steps = levels(n_classes) - 1
    np.testing.assert_allclose(lead / steps, others[:, -1] - others[:, -2], atol=0.51 / steps)


def test_certain_undecided_and_diverged_networks_fit_into_a_byte() -> None:
    logits = np.array([[0, 500], [7, 7], [np.nan, 1], [np.inf, np.inf]], np.float32)
    assert list(cells(logits)) == [255, 0, 0, 0]


def test_places_go_from_the_top_left_and_points_lie_among_them() -> None:
    points = np.array([[0.3, -2.0], [1.5, 0.2]])
    reach = reach_of(points)
    assert 2 < reach < 2.5
    square = places(reach).reshape(SIDE, SIDE, 2)
    assert square.dtype == np.float32
    np.testing.assert_allclose(square[0, 0], [-reach + reach / SIDE, reach - reach / SIDE], rtol=1e-6)
    np.testing.assert_allclose(square[-1, -1], -square[0, 0], rtol=1e-6)
    assert (np.diff(square[5, :, 0]) > 0).all()
    assert (np.diff(square[:, 5, 1]) < 0).all()
