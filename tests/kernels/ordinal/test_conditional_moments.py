"""Ordinal statistics given covariates: limits, and agreement with the unconditional ones."""

import numpy as np
import pytest

from cte_metrics.kernels.ordinal import conditional_moments as cm
from cte_metrics.kernels.ordinal.conditional_moments import (
    conditional_covariance,
    conditional_moments,
)
from cte_metrics.kernels.ordinal.ordinal_covariance import asymptotic_covariance
from cte_metrics.kernels.ordinal.ordinal_moments import MixedData, ordinal_moments
from cte_metrics.kernels.ordinal.probit_regression import linear_regression, ordered_probit


def sample(n=250, seed=4):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 2))
    f = 0.5 * x[:, :1] + rng.normal(size=(n, 1))
    latent = f + rng.normal(size=(n, 4))
    codes = np.column_stack(
        [
            np.digitize(latent[:, 0], [-1.0, 0.5]),
            np.digitize(latent[:, 1], [0.2]),
            np.full(n, -1),
            np.full(n, -1),
        ]
    ).astype(np.int16)
    values = np.column_stack([np.zeros((n, 2)), latent[:, 2:]])
    return MixedData(codes, values, np.array([3, 2, 0, 0])), x


def test_without_covariates_it_is_the_unconditional_case():
    data, x = sample()
    none = x[:, :0]
    plain, given = ordinal_moments(data), conditional_moments(data, none)
    np.testing.assert_allclose(given.vector, plain.vector, atol=1e-8)
    np.testing.assert_allclose(
        conditional_covariance(data, given), asymptotic_covariance(data, plain), atol=1e-5
    )


def test_a_binary_covariate_splits_the_thresholds():
    """Probit on one group indicator: each group's own normal quantiles."""
    x = np.repeat([0.0, 1.0], 100)[:, None]
    codes = np.concatenate([np.repeat([0, 1], [30, 70]), np.repeat([0, 1], [60, 40])])
    fit = ordered_probit(codes, 2, x)
    assert fit.converged
    assert fit.cuts[0] == pytest.approx(-0.5244005127080407, abs=1e-9)  # Phi^-1(.3)
    assert fit.cuts[0] - fit.slopes[0] == pytest.approx(0.2533471031357997, abs=1e-9)  # Phi^-1(.6)
    np.testing.assert_allclose(fit.scores.sum(axis=1), 0.0, atol=1e-8)


def test_regression_of_a_numeric_variable_is_least_squares():
    data, x = sample()
    y = data.values[:, 2]
    fit = linear_regression(y, x)
    beta, *_ = np.linalg.lstsq(np.column_stack([np.ones(len(x)), x]), y, rcond=None)
    np.testing.assert_allclose([fit.intercept, *fit.slopes], beta, atol=1e-12)
    assert fit.variance == pytest.approx(np.mean(fit.residuals**2))
    np.testing.assert_allclose(fit.scores.sum(axis=1), 0.0, atol=1e-9)


def test_rescaled_covariates_rescale_slopes_only():
    data, x = sample()
    one = conditional_moments(data, x)
    two = conditional_moments(data, x * [2.0, -5.0] + [1.0, 0.0])
    np.testing.assert_allclose(one.correlation, two.correlation, atol=1e-8)
    np.testing.assert_allclose(one.slopes, two.slopes * [2.0, -5.0], atol=1e-8)


def test_equal_weights_are_no_weights():
    data, x = sample()
    weighted = MixedData(data.codes, data.values, data.n_categories, np.ones(len(x)))
    one, two = conditional_moments(data, x), conditional_moments(weighted, x)
    np.testing.assert_allclose(one.vector, two.vector, atol=1e-12)
    np.testing.assert_allclose(
        conditional_covariance(data, one), conditional_covariance(weighted, two), rtol=1e-9
    )


def test_weights_have_no_unit_and_count_rows():
    data, x = sample()
    w = np.random.default_rng(5).uniform(0.5, 2.0, len(x))
    small = MixedData(data.codes, data.values, data.n_categories, 1e-4 * w)
    codes, values = np.repeat(data.codes, 2, axis=0), np.repeat(data.values, 2, axis=0)
    twice = MixedData(codes, values, data.n_categories, np.repeat(w, 2))
    data = MixedData(data.codes, data.values, data.n_categories, w)
    plain = asymptotic_covariance(data, ordinal_moments(data))
    given = conditional_covariance(data, conditional_moments(data, x))
    for other, z in ((small, x), (twice, np.repeat(x, 2, axis=0))):
        again = asymptotic_covariance(other, ordinal_moments(other))
        np.testing.assert_allclose(again, plain, atol=1e-6)
        again = conditional_covariance(other, conditional_moments(other, z))
        np.testing.assert_allclose(again, given, atol=1e-6)


def boxes():
    upper = np.array([[0.3, 1.2], [0.9, -0.1]]), np.array([[0.8, 0.1], [30.0, 0.6]])
    lower = np.array([[-0.9, 0.2], [-30.0, -1.4]]), np.array([[-0.2, -30.0], [0.4, -0.6]])
    return cm._Rectangles((upper[0], lower[0]), (upper[1], lower[1]))


def test_slopes_of_rectangles_are_differences_of_their_probability():
    of, rho, h = boxes(), np.array([0.35, -0.6]), 1e-5
    first, second = of.slopes(rho)
    above, below = of.probability(rho + h), of.probability(rho - h)
    np.testing.assert_allclose(first, (above - below) / (2 * h), atol=1e-8)
    ahead, behind = of.slopes(rho + h)[0], of.slopes(rho - h)[0]
    np.testing.assert_allclose(second, (ahead - behind) / (2 * h), atol=1e-8)


def test_the_start_is_the_weighted_correlation_of_the_codes():
    rng = np.random.default_rng(8)
    x, y = rng.integers(0, 4, (2, 3, 50)).astype(float)
    y += x
    w = rng.integers(0, 3, (3, 50)).astype(float)
    found = cm._code_correlation(x, y, w)
    for k in range(3):
        n = w[k].astype(int)
        expected = np.corrcoef(x[k].repeat(n), y[k].repeat(n))[0, 1]
        assert found[k] == pytest.approx(expected, abs=1e-12)
    np.testing.assert_allclose(cm._code_correlation(x, y, 1e-4 * w), found, atol=1e-12)


def test_few_steps_find_the_correlation_given_covariates(monkeypatch):
    steps = []
    search = cm.bracketed_newton

    def counted(*arguments):
        steps.append(search(*arguments))
        return steps[-1]

    monkeypatch.setattr(cm, "bracketed_newton", counted)
    conditional_moments(*sample())
    assert steps
    assert all(found.n_steps <= 6 and found.converged.all() for found in steps)
