"""Half-vectors: by hand, stacks, and what cannot be written to."""

from __future__ import annotations

import numpy as np
import pytest

from cte_metrics.kernels.numerics import vech as v


def test_order_by_hand() -> None:
    s = np.array([[1.0, 2.0, 3.0], [2.0, 4.0, 5.0], [3.0, 5.0, 6.0]])
    assert v.vech(s).tolist() == [1, 2, 3, 4, 5, 6]
    assert v.unvech(v.vech(s), 3).tolist() == s.tolist()
    assert v.vech_weights(3).tolist() == [1, 2, 2, 1, 2, 1]


def test_stacks_of_stacks_keep_their_shape() -> None:
    s = np.arange(2 * 3 * 2 * 2, dtype=float).reshape(2, 3, 2, 2)
    s = s + s.swapaxes(-1, -2)
    assert v.vech(s).shape == (2, 3, 3)
    assert v.vech(s)[1, 2].tolist() == v.vech(s[1, 2]).tolist()


def test_what_is_kept_for_later_cannot_be_written_to() -> None:
    for kept in (*v.vech_index(4), v.vech_weights(4)):
        with pytest.raises(ValueError, match="read-only"):
            kept[0] = 1


def test_gradient_counts_what_stands_twice_twice() -> None:
    g = np.array([[1.0, 2.0], [2.0, 5.0]])
    assert v.vech_gradient(g).tolist() == [1, 4, 5]


def test_products_are_those_of_the_duplication_matrix() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(2, 3, 3))
    a, b = a + a.T, b + b.T
    duplication = np.zeros((9, 6))
    for column, (i, j) in enumerate(zip(*v.vech_index(3), strict=True)):
        duplication[3 * i + j, column] = duplication[3 * j + i, column] = 1
    kron = np.einsum("ac,bd->acbd", a, b).reshape(9, 9)
    expected = duplication.T @ np.kron(a, b) @ duplication
    np.testing.assert_allclose(v.symmetric_product(kron, 3), expected, atol=1e-12)
