"""Full-information likelihood: by hand, against a plain loop, limits, derivatives, invariance."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cte_metrics.arrays import Array
from cte_metrics.kernels.likelihood.fiml import (
    fiml_evaluate,
    fiml_expected_information,
    fiml_first_order_information,
    fiml_loglik,
    fiml_observed_information,
    fiml_saturated,
    fiml_scores,
)
from cte_metrics.kernels.numerics.vech import symmetric_product, unvech, vech, vech_index
from cte_metrics.kernels.summaries.missing_patterns import missing_patterns


def with_gaps(seed: int, n: int, p: int, share: float) -> Array:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 1)) + rng.normal(size=(n, p)) + np.arange(p)
    x[rng.random(x.shape) < share] = np.nan
    return x


def some_moments(seed: int, p: int) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(p, p + 2))
    return rng.normal(size=p), root @ root.T / p


def loop_loglik(x: Array, mean: Array, cov: Array) -> float:
    total = 0.0
    for row in x:
        o = ~np.isnan(row)
        if o.any():
            d, part = (row - mean)[o], cov[np.ix_(o, o)]
            total += o.sum() * np.log(2 * np.pi) + np.linalg.slogdet(part)[1]
            total += d @ np.linalg.solve(part, d)
    return -0.5 * total


def test_two_cases_by_hand() -> None:
    # independent standard normals: exp(-2) / 2 pi for (0, 2), exp(-1/2) / sqrt(2 pi) for (1, -)
    x = np.array([[0.0, 2.0], [1.0, np.nan]])
    value = fiml_loglik(missing_patterns(x), np.zeros(2), np.eye(2))
    assert value == pytest.approx(-2.5 - 1.5 * np.log(2 * np.pi), abs=1e-14)


def test_symmetric_product_equals_the_one_with_a_duplication_matrix() -> None:
    p = 4
    rng = np.random.default_rng(0)
    a, b = (m + m.T for m in rng.normal(size=(2, p, p)))
    duplication = np.zeros((p * p, p * (p + 1) // 2))
    for k, (i, j) in enumerate(zip(*vech_index(p), strict=True)):
        duplication[i * p + j, k] = duplication[j * p + i, k] = 1.0
    expected = duplication.T @ np.kron(a, b) @ duplication
    found = symmetric_product(np.multiply.outer(a, b), p)
    assert np.allclose(found, (expected + expected.T) / 2, atol=1e-12)


@pytest.mark.parametrize(("n", "share"), [(60, 0.3), (400, 0.1), (9, 0.5)])
def test_likelihood_equals_a_loop_over_cases(n: int, share: float) -> None:
    x = with_gaps(1, n, 5, share)
    mean, cov = some_moments(2, 5)
    assert fiml_loglik(missing_patterns(x), mean, cov) == pytest.approx(
        loop_loglik(x, mean, cov), rel=1e-12
    )


def test_gradient_and_hessian_equal_finite_differences() -> None:
    x, p = with_gaps(3, 200, 4, 0.3), 4
    data = missing_patterns(x)
    mean, cov = some_moments(4, p)
    point = np.concatenate([mean, vech(cov)])

    def gradient(v: Array) -> Array:
        result = fiml_evaluate(data, v[:p], unvech(v[p:], p))
        assert result is not None
        return result.vector

    h, eye = 1e-6, np.eye(len(point))
    slopes = [
        (loop_loglik(x, (point + h * e)[:p], unvech((point + h * e)[p:], p))
         - loop_loglik(x, (point - h * e)[:p], unvech((point - h * e)[p:], p))) / (2 * h)
        for e in eye
    ]  # fmt: skip
    assert np.allclose(gradient(point), slopes, rtol=1e-5, atol=1e-4)
    bends = np.array([(gradient(point + h * e) - gradient(point - h * e)) / (2 * h) for e in eye])
    observed = fiml_observed_information(data, mean, cov)
    assert np.allclose(-bends, observed, rtol=1e-5, atol=1e-5 * np.abs(observed).max())


def test_scores_add_up_to_the_gradient() -> None:
    x = with_gaps(5, 150, 4, 0.4)
    data = missing_patterns(x)
    mean, cov = some_moments(6, 4)
    result = fiml_evaluate(data, mean, cov)
    assert result is not None
    assert np.allclose(fiml_scores(x, data, mean, cov).sum(axis=0), result.vector, atol=1e-9)


def test_complete_data_give_the_sample_moments_and_the_normal_information() -> None:
    x = with_gaps(7, 300, 3, 0.0)
    data = missing_patterns(x)
    found = fiml_saturated(data)
    cov = np.cov(x.T, bias=True)
    assert np.allclose(found.mean, x.mean(axis=0), atol=1e-10)
    assert np.allclose(found.cov, cov, atol=1e-10)
    expected = fiml_expected_information(data, cov)
    assert np.allclose(expected[:3, :3], 300 * np.linalg.inv(cov))
    assert np.allclose(fiml_observed_information(data, found.mean, cov), expected, atol=1e-6)


def test_saturated_solution_is_stationary() -> None:
    data = missing_patterns(with_gaps(8, 250, 6, 0.25))
    found = fiml_saturated(data)
    result = fiml_evaluate(data, found.mean, found.cov)
    assert found.converged
    assert result is not None
    assert np.abs(result.vector).max() < 1e-5


def test_rows_without_any_answer_change_nothing() -> None:
    x = with_gaps(9, 80, 4, 0.3)
    mean, cov = some_moments(10, 4)
    padded = np.vstack([x[:40], np.full((3, 4), np.nan), x[40:]])
    full, more = missing_patterns(x), missing_patterns(padded)
    assert fiml_loglik(more, mean, cov) == pytest.approx(fiml_loglik(full, mean, cov), rel=1e-13)
    assert np.allclose(fiml_scores(padded, more, mean, cov)[40:43], 0.0)


def test_condensing_does_not_change_the_likelihood() -> None:
    x = with_gaps(11, 500, 3, 0.15)
    mean, cov = some_moments(12, 3)
    short, long = missing_patterns(x), missing_patterns(x, condense=False)
    assert len(short.unit) < len(long.unit) == (~np.isnan(x)).any(axis=1).sum()
    assert fiml_loglik(short, mean, cov) == pytest.approx(fiml_loglik(long, mean, cov), rel=1e-13)


def test_a_weight_of_two_equals_a_repeated_case() -> None:
    x = with_gaps(13, 60, 3, 0.3)
    mean, cov = some_moments(14, 3)
    weights = np.ones(60)
    weights[:10] = 2.0
    twice = missing_patterns(np.vstack([x, x[:10]]))
    assert fiml_loglik(missing_patterns(x, weights), mean, cov) == pytest.approx(
        fiml_loglik(twice, mean, cov), rel=1e-12
    )


def test_one_cluster_a_case_equals_no_clusters() -> None:
    x = with_gaps(15, 70, 3, 0.3)
    data = missing_patterns(x)
    mean, cov = some_moments(16, 3)
    plain = fiml_first_order_information(x, data, mean, cov)
    alone = fiml_first_order_information(x, data, mean, cov, clusters=np.arange(70)[::-1])
    assert np.allclose(plain, alone, rtol=1e-12)


def test_indefinite_covariance_has_no_likelihood() -> None:
    data = missing_patterns(with_gaps(17, 30, 2, 0.2))
    assert fiml_loglik(data, np.zeros(2), np.array([[1.0, 2.0], [2.0, 1.0]])) == -np.inf
    with pytest.raises(np.linalg.LinAlgError):
        fiml_expected_information(data, -np.eye(2))


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), share=st.floats(0.0, 0.6))
def test_order_of_rows_and_columns_does_not_matter(seed: int, share: float) -> None:
    x = with_gaps(seed, 40, 4, share)
    mean, cov = some_moments(seed, 4)
    rng = np.random.default_rng(seed)
    rows, cols = rng.permutation(40), rng.permutation(4)
    turned = fiml_loglik(missing_patterns(x[rows][:, cols]), mean[cols], cov[np.ix_(cols, cols)])
    assert turned == pytest.approx(fiml_loglik(missing_patterns(x), mean, cov), rel=1e-11)


def test_coverage_by_hand() -> None:
    x = np.array([[1.0, 2, 3], [1, np.nan, 3], [4, 2, np.nan], [0, 5, 1]])
    data = missing_patterns(x)
    assert data.n_variables == 3
    assert data.coverage.tolist() == [[1, 0.75, 0.75], [0.75, 0.75, 0.5], [0.75, 0.5, 0.75]]
