import numpy as np
import pytest

from core.circuit.closed_form import closed_form_subsets
from core.circuit.dressed import dressed_circuit
from core.circuit.qnode import qnode
from core.config.heads.dressed_quantum import DressedQuantum


@pytest.mark.parametrize(
    ("q_depth", "subsets"),
    [
        (4, ((0,), (1,), (2,), (3,))),
        (5, ((0,), (0, 1), (0, 1, 2), (2, 3))),
        (6, ((0,), (1,), (0, 2), (0, 1, 3))),
    ],
)
def test_products_of_the_papers_circuits(q_depth: int, subsets: tuple[tuple[int, ...], ...]) -> None:
    assert closed_form_subsets(4, q_depth) == subsets


@pytest.mark.parametrize(("n_qubits", "q_depth"), [(4, 4), (4, 5), (4, 6), (2, 1), (3, 2), (5, 5), (6, 3), (7, 8)])
def test_equals_pennylane_at_zero_angles(n_qubits: int, q_depth: int) -> None:
    circuit = dressed_circuit(DressedQuantum(n_qubits=n_qubits, q_depth=q_depth))
    inputs = np.random.default_rng(n_qubits * 100 + q_depth).uniform(-np.pi / 2, np.pi / 2, (5, n_qubits))
    expected = np.array([qnode(circuit)(x, np.zeros(circuit.n_weights)) for x in inputs], dtype=float)
    sines = -np.sin(inputs)
    subsets = closed_form_subsets(n_qubits, q_depth)
    values = np.stack([sines[:, list(subset)].prod(axis=1) for subset in subsets], axis=1)
    np.testing.assert_allclose(values, expected, rtol=0, atol=1e-12)
