"""Resampled covariances: the weights by hand, and what a shift of the answers does not do."""

from __future__ import annotations

import numpy as np

from cte_metrics.kernels.numerics.resampling import bootstrap_covariances, bootstrap_indices


def test_covariances_are_those_of_the_drawn_rows() -> None:
    values = np.random.default_rng(1).normal(size=(9, 3))
    found = np.vstack(list(bootstrap_covariances(values, 4, np.random.default_rng(2))))
    drawn = np.vstack(list(bootstrap_indices(9, 4, np.random.default_rng(2))))
    expected = [np.cov(values[rows], rowvar=False, ddof=0) for rows in drawn]
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_answers_far_from_zero_lose_no_digits() -> None:
    values = np.random.default_rng(3).normal(size=(12, 2))
    near = np.vstack(list(bootstrap_covariances(values, 3, np.random.default_rng(4))))
    far = np.vstack(list(bootstrap_covariances(values + 1e6, 3, np.random.default_rng(4))))
    np.testing.assert_allclose(far, near, atol=1e-8)
