"""Two-level likelihood, complete and with gaps: by hand, against whole clusters, limits,
derivatives.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cte_metrics.arrays import Array, Index
from cte_metrics.kernels.likelihood.fiml import fiml_loglik
from cte_metrics.kernels.numerics.vech import unvech, vech
from cte_metrics.kernels.summaries.cluster_summaries import summarise_clusters, within_products
from cte_metrics.kernels.summaries.missing_patterns import missing_patterns
from cte_metrics.kernels.two_level.gaps import (
    clustered_patterns,
    two_level_fiml_evaluate,
    two_level_fiml_loglik,
    two_level_fiml_scores,
)
from cte_metrics.kernels.two_level.gaps_iteration import (
    two_level_fiml_curvature,
    two_level_fiml_saturated,
    two_level_fiml_scoring,
)
from cte_metrics.kernels.two_level.normal import (
    LevelMoments,
    two_level_evaluate,
    two_level_information,
    two_level_loglik,
    two_level_scores,
)
from cte_metrics.kernels.two_level.saturated import two_level_saturated

# two split variables, one within only, two between only, listed between as z1, y2, y1, z2
PLACE = np.array([3, 1, 0, 4])


@dataclass
class Data:
    y: Array
    z: Array
    cluster: Index


def clustered(seed: int, gaps: float = 0.0, n_clusters: int = 30) -> Data:
    rng = np.random.default_rng(seed)
    cluster = np.repeat(np.arange(n_clusters), rng.integers(1, 7, n_clusters))
    rng.shuffle(cluster)
    y = rng.normal(size=(len(cluster), 3)) + rng.normal(size=(n_clusters, 1))[cluster]
    z = rng.normal(size=(n_clusters, 2))
    y[rng.random(y.shape) < gaps] = np.nan
    z[rng.random(z.shape) < gaps] = np.nan
    return Data(y, z, cluster)


def moments(seed: int) -> LevelMoments:
    rng = np.random.default_rng(seed)
    w, b = rng.normal(size=(3, 6)), rng.normal(size=(4, 7))
    mean_within = np.array([0.0, 0.0, 0.3])
    return LevelMoments(mean_within, w @ w.T / 3, rng.normal(size=4), b @ b.T / 4, PLACE)


def whole_clusters(data: Data, m: LevelMoments) -> float:
    """Sum the normal log-densities of whole clusters."""
    mean, between = m.joint(5)
    total = 0.0
    for j in range(len(data.z)):
        y = data.y[data.cluster == j]
        n = len(y)
        cov = np.empty((3 * n + 2, 3 * n + 2))
        cov[: 3 * n, : 3 * n] = np.kron(np.eye(n), m.cov_within)
        cov[: 3 * n, : 3 * n] += np.kron(np.ones((n, n)), between[:3, :3])
        cov[: 3 * n, 3 * n :] = np.tile(between[:3, 3:], (n, 1))
        cov[3 * n :, : 3 * n] = cov[: 3 * n, 3 * n :].T
        cov[3 * n :, 3 * n :] = between[3:, 3:]
        d = np.concatenate([(y - mean[:3]).ravel(), data.z[j] - mean[3:]])
        seen = ~np.isnan(d)
        d, cov = d[seen], cov[np.ix_(seen, seen)]
        total += len(d) * np.log(2 * np.pi) + np.linalg.slogdet(cov)[1]
        total += d @ np.linalg.solve(cov, d)
    return -0.5 * total


def pack(m: LevelMoments) -> Array:
    parts = [m.mean_within, vech(m.cov_within), m.mean_between, vech(m.cov_between)]
    return np.concatenate(parts)


def unpack(v: Array) -> LevelMoments:
    return LevelMoments(v[:3], unvech(v[3:9], 3), v[9:13], unvech(v[13:], 4), PLACE)


def test_two_members_of_one_variable_by_hand() -> None:
    # values 1 and -1, both variances 1: covariance [[2, 1], [1, 2]], determinant 3, quadratic 2
    y = np.array([[1.0], [-1.0]])
    data = summarise_clusters(y, np.zeros((1, 0)), np.zeros(2, dtype=np.intp))
    one = LevelMoments(np.zeros(1), np.eye(1), np.zeros(1), np.eye(1), np.array([0]))
    expected = -0.5 * (2 * np.log(2 * np.pi) + np.log(3) + 2)
    assert two_level_loglik(data, one) == pytest.approx(expected, abs=1e-14)


def test_likelihood_equals_that_of_whole_clusters() -> None:
    data, m = clustered(1), moments(2)
    summaries = summarise_clusters(data.y, data.z, data.cluster)
    assert two_level_loglik(summaries, m) == pytest.approx(whole_clusters(data, m), rel=1e-12)
    gapped = clustered(3, 0.3)
    patterns = clustered_patterns(gapped.y, gapped.z, gapped.cluster)
    expected = whole_clusters(gapped, m)
    assert two_level_fiml_loglik(patterns, m) == pytest.approx(expected, rel=1e-12)


def test_gradient_equals_finite_differences_of_whole_clusters() -> None:
    h, point = 1e-5, pack(moments(4))
    for gaps in (0.0, 0.25):
        data = clustered(5, gaps)
        if gaps:
            patterns = clustered_patterns(data.y, data.z, data.cluster)
            found = two_level_fiml_evaluate(patterns, moments(4))
        else:
            summaries = summarise_clusters(data.y, data.z, data.cluster)
            found = two_level_evaluate(summaries, moments(4))
        assert found is not None
        ahead, behind = (
            np.array([whole_clusters(data, unpack(point + a * e)) for e in np.eye(len(point))])
            for a in (h, -h)
        )
        slopes = (ahead - behind) / (2 * h)
        assert np.allclose(found.vector, slopes, rtol=1e-5, atol=1e-3)


def test_observed_information_equals_differences_of_the_gradient() -> None:
    data, m = clustered(6), moments(7)
    summaries = summarise_clusters(data.y, data.z, data.cluster)
    patterns = clustered_patterns(data.y, data.z, data.cluster)

    def gradient(v: Array) -> Array:
        found = two_level_evaluate(summaries, unpack(v))
        assert found is not None
        return found.vector

    h, point = 1e-6, pack(m)
    eye = np.eye(len(point))
    bends = np.array([(gradient(point + h * e) - gradient(point - h * e)) / (2 * h) for e in eye])
    observed = two_level_information(summaries, m, "observed")
    size = np.abs(observed).max()
    assert np.allclose(-bends, observed, atol=1e-6 * size)
    assert np.allclose(two_level_fiml_curvature(patterns, m, eye), observed, atol=1e-5 * size)


def test_without_gaps_both_likelihoods_agree() -> None:
    data, m = clustered(8), moments(9)
    summaries = summarise_clusters(data.y, data.z, data.cluster)
    patterns = clustered_patterns(data.y, data.z, data.cluster)
    a, b = two_level_evaluate(summaries, m), two_level_fiml_evaluate(patterns, m)
    assert a is not None
    assert b is not None
    assert a.loglik == pytest.approx(b.loglik, rel=1e-13)
    assert np.allclose(a.vector, b.vector, atol=1e-9)
    assert np.allclose(two_level_fiml_scoring(patterns, m), two_level_information(summaries, m))
    products = within_products(data.y, data.cluster)
    ours = two_level_scores(summaries, products, m)
    assert np.allclose(ours, two_level_fiml_scores(patterns, m), atol=1e-9)
    assert np.allclose(ours.sum(axis=0), a.vector, atol=1e-9)


def test_expected_information_is_the_variance_of_the_scores() -> None:
    m = moments(10)
    mean, between = m.joint(5)
    data = clustered(11, n_clusters=25)
    rng = np.random.default_rng(12)
    total = np.zeros((len(pack(m)),) * 2)
    for _ in range(400):
        v = rng.multivariate_normal(mean, between, size=25)
        within = rng.multivariate_normal(np.zeros(3), m.cov_within, size=len(data.cluster))
        y = v[data.cluster, :3] + within
        summaries = summarise_clusters(y, v[:, 3:], data.cluster)
        scores = two_level_scores(summaries, within_products(y, data.cluster), m)
        total += scores.T @ scores
    expected = two_level_information(summaries, m)
    scale = np.sqrt(np.outer(np.diag(expected), np.diag(expected)))
    assert np.abs((total / 400 - expected)[scale > 0] / scale[scale > 0]).max() < 0.1


def test_without_variance_between_it_is_the_likelihood_of_one_level() -> None:
    data = clustered(13, n_clusters=12)
    y = data.y[:, :2]
    cov = np.array([[2.0, 0.5], [0.5, 1.0]])
    zero = LevelMoments(np.zeros(2), cov, np.array([0.2, 0.1]), np.zeros((2, 2)), np.arange(2))
    summaries = summarise_clusters(y, np.zeros((12, 0)), data.cluster)
    expected = fiml_loglik(missing_patterns(y), np.array([0.2, 0.1]), cov)
    assert two_level_loglik(summaries, zero) == pytest.approx(expected, rel=1e-12)
    patterns = clustered_patterns(y, np.zeros((12, 0)), data.cluster)
    assert two_level_fiml_loglik(patterns, zero) == pytest.approx(expected, rel=1e-12)


def test_saturated_steps_reach_the_maximum() -> None:
    data = clustered(14, n_clusters=80)
    summaries = summarise_clusters(data.y, data.z, data.cluster)
    rough = two_level_saturated(summaries, PLACE)
    fine = two_level_saturated(summaries, PLACE, tolerance=1e-10)
    patterns = clustered_patterns(data.y, data.z, data.cluster)
    start = moments(0)
    other = two_level_fiml_saturated(patterns, start)
    assert rough.loglik < fine.loglik < rough.loglik + 0.01
    assert rough.converged
    assert not two_level_saturated(summaries, PLACE, max_iterations=1).converged
    assert other.loglik == pytest.approx(fine.loglik, abs=1e-5)
    assert np.linalg.eigvalsh(other.moments.cov_between)[0] > -1e-10


def test_saturated_moments_with_gaps_are_stationary() -> None:
    data = clustered(15, 0.15, n_clusters=120)
    patterns = clustered_patterns(data.y, data.z, data.cluster)
    found = two_level_fiml_saturated(patterns, moments(0))
    result = two_level_fiml_evaluate(patterns, found.moments)
    assert found.converged
    assert result is not None
    if np.linalg.eigvalsh(found.moments.cov_between)[0] > 1e-3:
        assert np.abs(result.cov_between).max() < 0.05
    assert np.abs(result.cov_within).max() < 0.05


def test_a_variable_constant_within_clusters_keeps_the_least_variance_and_no_covariance() -> None:
    data = clustered(17, n_clusters=40)
    y = data.y.copy()
    y[:, 1] = np.random.default_rng(18).normal(size=40)[data.cluster]
    summaries = summarise_clusters(y, data.z, data.cluster)
    found = two_level_saturated(summaries, PLACE)
    assert found.converged
    assert found.moments.cov_within[1].tolist() == [0.0, 1e-5, 0.0]
    assert found.moments.cov_within[0, 2] != 0.0
    assert found.moments.cov_within[0, 0] > 0.1


def test_indefinite_sigma_b_is_allowed_while_clusters_stay_definite() -> None:
    data = clustered(16)
    summaries = summarise_clusters(data.y[:, :1], np.zeros((30, 0)), data.cluster)
    patterns = clustered_patterns(data.y[:, :1], np.zeros((30, 0)), data.cluster)

    def at(b: float) -> LevelMoments:
        return LevelMoments(np.zeros(1), np.eye(1), np.zeros(1), np.array([[b]]), np.array([0]))

    assert np.isfinite(two_level_loglik(summaries, at(-0.1)))
    assert two_level_fiml_loglik(patterns, at(-0.1)) == pytest.approx(
        two_level_loglik(summaries, at(-0.1)), rel=1e-12
    )
    assert two_level_loglik(summaries, at(-0.9)) == -np.inf
    assert two_level_fiml_loglik(patterns, at(-0.9)) == -np.inf
    with pytest.raises(np.linalg.LinAlgError):
        two_level_information(summaries, at(-0.9))


def test_one_negative_direction_of_two_is_enough_to_refuse() -> None:
    data = clustered(16)
    y, none = data.y[:, :2], np.zeros((30, 0))
    patterns = clustered_patterns(y, none, data.cluster)
    sign = np.diag([-0.9, 2.0])
    bad = LevelMoments(np.zeros(2), np.eye(2), np.zeros(2), sign, np.array([0, 1]))
    assert two_level_fiml_loglik(patterns, bad) == -np.inf
    assert two_level_loglik(summarise_clusters(y, none, data.cluster), bad) == -np.inf


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), gaps=st.sampled_from([0.0, 0.2]))
def test_order_of_rows_and_of_clusters_does_not_matter(seed: int, gaps: float) -> None:
    data, m = clustered(seed, gaps, 10), moments(seed)
    rng = np.random.default_rng(seed)
    rows, relabel = rng.permutation(len(data.y)), rng.permutation(10)
    z = np.empty_like(data.z)
    z[relabel] = data.z
    a = clustered_patterns(data.y, data.z, data.cluster)
    b = clustered_patterns(data.y[rows], z, relabel[data.cluster][rows])
    assert two_level_fiml_loglik(b, m) == pytest.approx(two_level_fiml_loglik(a, m), rel=1e-11)
    if not gaps:
        c = summarise_clusters(data.y, data.z, data.cluster)
        d = summarise_clusters(data.y[rows], z, relabel[data.cluster][rows])
        assert two_level_loglik(d, m) == pytest.approx(two_level_loglik(c, m), rel=1e-11)
