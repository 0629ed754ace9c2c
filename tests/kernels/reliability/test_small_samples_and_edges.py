"""Reliability formulas where a denominator ends, in the smallest samples, and with gaps."""

from __future__ import annotations

import numpy as np
import pytest

from cte_metrics.kernels.factor.one_factor import fit_one_factor
from cte_metrics.kernels.numerics.resampling import bootstrap_indices
from cte_metrics.kernels.reliability import alpha as al
from cte_metrics.kernels.reliability import greatest_lower_bound as glb
from cte_metrics.kernels.reliability.composite import share_of_sum
from cte_metrics.kernels.reliability.crossed_variances import unbalanced_reml
from cte_metrics.kernels.reliability.omega import bootstrap_omega, omega_coefficient
from cte_metrics.kernels.reliability.retest import profile_agreement


def test_items_that_cancel_have_no_corrected_correlation() -> None:
    # r = -.9: the sum of both correlations with smc .81 in the diagonal is 1.62 - 1.8 < 0
    found = al.item_total(np.array([[1.0, -0.9], [-0.9, 1.0]]))
    assert np.isnan(found.r_corrected).all()
    assert found.r_total == pytest.approx([0.1 / np.sqrt(0.2)] * 2)


@pytest.mark.parametrize("method", al.ANALYTIC_INTERVALS)
def test_an_interval_has_its_smallest_sample(method: str) -> None:
    n = al.smallest_sample(method)
    for alpha in (0.5, 1.0):
        given = {"variance_factor": 1.0 - alpha}
        assert np.isfinite(al.alpha_interval(method, alpha, n, 4, **given)).all()
        assert np.isnan(al.alpha_interval(method, alpha, n - 1, 4, **given)).all()
    assert al.alpha_interval(method, 1.0, n, 4) == (1.0, 1.0)
    assert al.alpha_interval(method, 1.0 - 2e-16, n, 4) == (1.0, 1.0)
    assert np.isnan(al.alpha_interval(method, 1.01, 50, 4, variance_factor=1.0)).all()


@pytest.mark.parametrize("level", [0.0, 5e3])
def test_resampled_alpha_is_alpha_of_the_drawn_rows(level: float) -> None:
    rng = np.random.default_rng(1)
    values = rng.normal(size=(11, 1)) + rng.normal(size=(11, 3)) + level * np.arange(3)
    found = al.bootstrap_alpha(values, 6, np.random.default_rng(2))
    drawn = np.vstack(list(bootstrap_indices(11, 6, np.random.default_rng(2))))
    expected = [al.alpha_of(np.cov(values[rows], rowvar=False)) for rows in drawn]
    np.testing.assert_allclose(found, expected, rtol=1e-8)


def test_a_sum_without_variance_has_no_share() -> None:
    assert np.isnan(share_of_sum(np.ones((2, 2)), np.array([[1.0, -1.0], [-1.0, 1.0]])))


def test_omega_does_not_know_the_unit() -> None:
    loadings = np.array([0.8, 0.6, 0.7])
    covariance = np.outer(loadings, loadings) + np.diag([0.4, 0.6, 0.5])
    whole = omega_coefficient(loadings, covariance)
    assert whole == pytest.approx(2.1**2 / (2.1**2 + 1.5))
    assert omega_coefficient(loadings / 100, covariance / 1e4) == pytest.approx(whole)


def test_profiles_of_three_items_correlate() -> None:
    x = np.array([[1.0, 2.0, 3.0]])
    correlation, distance = profile_agreement(x, np.array([[1.0, 3.0, 2.0]]))
    assert correlation == pytest.approx([0.5])
    assert distance == pytest.approx([2 / 3])
    assert np.isnan(profile_agreement(x[:, :2], x[:, :2])[0]).all()


def test_variances_of_incomplete_ratings_maximise_the_restricted_likelihood() -> None:
    """Against the likelihood with the whole covariance matrix of the ratings."""
    rng = np.random.default_rng(3)
    n, k = 14, 4
    raters = np.array([-2.0, 0.5, 1.0, 3.0])
    ratings = 20 + 1.2 * rng.normal(size=(n, 1)) + raters + rng.normal(size=(n, k))
    ratings[rng.random((n, k)) < 0.25] = np.nan
    found = unbalanced_reml(ratings)
    target, rater = np.nonzero(~np.isnan(ratings))
    y = ratings[target, rater]
    same = [np.equal.outer(f, f).astype(float) for f in (target, rater)]

    def parts(variances: np.ndarray) -> tuple[float, float]:
        v = variances[0] * same[0] + variances[1] * same[1] + variances[2] * np.eye(len(y))
        inverse = np.linalg.inv(v)
        information = inverse.sum()
        residual = y - inverse.sum(0) @ y / information
        logs = np.linalg.slogdet(v)[1] + np.log(information)
        return float(logs), float(residual @ inverse @ residual)

    best = np.array([found.target, found.rater, found.error])
    assert found.converged
    assert parts(best)[1] == pytest.approx(len(y) - 1, rel=1e-9)
    for j in range(3):
        for step in (1e-3, -1e-3):
            moved = best.copy()
            moved[j] *= 1 + step
            assert sum(parts(moved)) > sum(parts(best))


def test_ratings_without_error_have_no_end_of_the_search() -> None:
    ratings = np.add.outer([1.0, 4.0, 2.0, 7.0, 5.0], [0.0, 1.5, -1.0])
    ratings[0, 2] = ratings[3, 1] = np.nan
    assert not unbalanced_reml(ratings).converged


def test_a_bound_whose_search_was_cut_short_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    matrix = np.array([[1.0, 0.5, 0.2], [0.5, 2.0, 0.4], [0.2, 0.4, 1.0]])
    assert glb.greatest_lower_bound(matrix).converged
    monkeypatch.setattr(glb, "_NEWTON_STEPS", 1)
    assert not glb.greatest_lower_bound(matrix).converged


def test_a_resample_of_too_few_respondents_has_no_omega() -> None:
    # d distinct rows span d - 1 dimensions
    rng = np.random.default_rng(4)
    values = rng.normal(size=(7, 1)) + rng.normal(size=(7, 4))
    start = fit_one_factor(np.cov(values, rowvar=False, bias=True))
    found = bootstrap_omega(values, 60, np.random.default_rng(5), start)
    drawn = np.vstack(list(bootstrap_indices(7, 60, np.random.default_rng(5))))
    distinct = np.array([len(set(rows)) for rows in drawn.tolist()])
    assert (distinct == 4).sum() > 5
    assert np.isnan(found[distinct < 5]).all()
    assert np.isfinite(found[distinct > 5]).any()
