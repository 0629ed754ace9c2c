"""Resampled covariances: the weights by hand, and what a shift of the answers does not do."""

from __future__ import annotations

import numpy as np
import pytest

from cte_metrics.kernels.numerics.resampling import (
    LimitMethod,
    bootstrap_covariances,
    bootstrap_indices,
    bootstrap_limits,
)


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


@pytest.mark.parametrize(
    ("confidence", "method", "limits"),
    [
        # R's boot.ci and boot:::norm.inter: tests/reference/bootstrap_limits
        (0.95, "percentile", (-2.846782356, 3.854996717)),
        (0.95, "basic", (-3.054996717, 3.646782356)),
        (0.95, "bias_corrected", (-2.864386194, 3.783677828)),
        (0.60, "percentile", (-1.805154750, 2.955215182)),
        (0.60, "basic", (-2.155215182, 2.605154750)),
        (0.60, "bias_corrected", (-2.005348365, 2.660708439)),
    ],
)
def test_bootstrap_limits_are_those_of_boot(
    confidence: float, method: LimitMethod, limits: tuple[float, float]
) -> None:
    i = np.arange(1, 200)
    t = np.sin(i * 12.9898) * 3 + np.cos(i * 0.7) ** 2
    two = np.column_stack((t, -2 * t))
    low, high = bootstrap_limits(two, np.array([0.4, -0.8]), method, confidence)
    assert (low[0], high[0]) == pytest.approx(limits, rel=1e-8)
    assert (low[1], high[1]) == pytest.approx((-2 * limits[1], -2 * limits[0]), rel=1e-8)


@pytest.mark.parametrize("method", ["percentile", "basic", "bias_corrected"])
def test_bootstrap_limits_at_the_ends(method: LimitMethod) -> None:
    flat = np.ones((20, 1))
    low, high = bootstrap_limits(flat, np.ones(1), method, 0.95)
    assert (low[0], high[0]) == (1.0, 1.0)
    few = np.arange(5.0)[:, None]
    low, high = bootstrap_limits(few, np.array([2.5]), method, 0.99)
    assert (low[0], high[0]) == ((1.0, 5.0) if method == "basic" else (0.0, 4.0))
