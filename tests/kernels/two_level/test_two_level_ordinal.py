"""First stages of two-level ordinal models."""

import numpy as np
import pytest
from scipy import integrate
from scipy.special import ndtr, ndtri

from cte_metrics.kernels.numerics.bivariate_normal import cell_probabilities, cell_slopes
from cte_metrics.kernels.ordinal.ordinal_covariance import asymptotic_covariance
from cte_metrics.kernels.ordinal.ordinal_moments import MixedData, ordinal_moments
from cte_metrics.kernels.two_level import ordinal_pairs as pairs_module
from cte_metrics.kernels.two_level.ordinal_cells import node_cells, node_slopes
from cte_metrics.kernels.two_level.ordinal_covariance import _negative, two_level_moments
from cte_metrics.kernels.two_level.ordinal_pairs import pair_fits, pair_tables
from cte_metrics.kernels.two_level.probit import (
    _scores,
    cluster_counts,
    interval_probabilities,
    item_fits,
    nodes,
)
from tests.reference_case import case

CUTS = np.array([-1.1, -0.3, 0.4, 1.2])


def _answers(rng, n_clusters=40, size=12, p=3, between=0.25):
    """Codes (n, p) of items that correlate .5 within and between, and their clusters."""
    cluster = np.repeat(np.arange(n_clusters), size)
    b = rng.normal(size=(n_clusters, 1)) + rng.normal(size=(n_clusters, p))
    w = rng.normal(size=(len(cluster), 1)) + rng.normal(size=(len(cluster), p))
    y = np.sqrt(between / 2.0) * b[cluster] + np.sqrt(0.5) * w
    return (y[:, :, None] > CUTS).sum(axis=2), cluster


def _items(codes, cluster, n_categories=None):
    n_categories = codes.max(axis=0) + 1 if n_categories is None else n_categories
    counts = cluster_counts(codes, cluster, int(cluster.max()) + 1, int(n_categories.max()))
    return item_fits(counts, n_categories, np.ones(codes.shape[1], dtype=bool))


@pytest.mark.parametrize("item", ["weak", "middle", "strong", "rare", "gap"])
def test_binary_item_equals_glmer(item):
    c = case("two_level_ordinal")
    reference = c[f"probit.{item}"].values
    answers = c.data[item].to_numpy(dtype=float)
    codes = np.where(np.isnan(answers), -1, answers).astype(int)[:, None]
    cluster = np.unique(c.data["school"], return_inverse=True)[1]
    fit = _items(codes, cluster)
    # glmer's optimiser stops with 1e-5 or so; the requirement is 1e-3
    assert -fit.cuts[0, 0] == pytest.approx(reference["intercept"], abs=5e-5)
    assert fit.variance[0] == pytest.approx(reference["variance"], abs=2e-4)
    error = np.sqrt(np.linalg.inv(-fit.hessian[0])[0, 0])
    assert error == pytest.approx(reference["se_intercept"], rel=1e-3)


def test_likelihood_of_a_cluster_is_the_integral():
    counts = np.array([[[3.0, 1.0, 4.0], [0.0, 2.0, 0.0]]])
    cuts, psi = np.array([-0.4, 0.7]), 0.6
    u = nodes(psi, 8.0)
    prior = -0.5 * u * u
    prior -= np.log(np.exp(prior).sum())
    theta = np.array([[*cuts, psi]])
    found = _scores(counts, theta, u, prior)[0][0]

    def integrand(b, n):
        chance = np.diff(np.concatenate(([0.0], ndtr(cuts - b), [1.0])))
        return np.prod(chance**n) * np.exp(-0.5 * b * b / psi) / np.sqrt(2.0 * np.pi * psi)

    exact = [integrate.quad(integrand, -9, 9, args=(n,), epsabs=1e-14)[0] for n in counts[0]]
    assert found == pytest.approx(np.log(exact).sum(), abs=1e-8)


def test_item_scores_are_the_gradient():
    codes, cluster = _answers(np.random.default_rng(1))
    counts = cluster_counts(codes, cluster, 40, 5)[:1]
    u = nodes(0.5, 12.0)
    prior = -0.5 * u * u
    prior -= np.log(np.exp(prior).sum())
    theta = np.array([[-1.0, -0.2, 0.3, 1.3, 0.3]])
    scores = _scores(counts, theta, u, prior)[1].sum(axis=1)[0]
    for r in range(5):
        h = np.zeros_like(theta)
        h[0, r] = 1e-5
        up, down = (_scores(counts, theta + s * h, u, prior)[0][0] for s in (1.0, -1.0))
        assert scores[r] == pytest.approx((up - down) / 2e-5, rel=1e-5, abs=1e-5)


def test_without_cluster_effect_cuts_are_normal_quantiles():
    codes, cluster = _answers(np.random.default_rng(2))
    counts = cluster_counts(codes, cluster, 40, 5)
    fit = item_fits(counts, np.full(3, 5), np.zeros(3, dtype=bool))
    share = np.cumsum(counts.sum(axis=1), axis=1)[:, :-1] / len(codes)
    np.testing.assert_allclose(fit.cuts, ndtri(share), atol=1e-6)
    assert (fit.variance == 0.0).all()


def test_no_between_variance_is_flagged():
    rng = np.random.default_rng(3)
    cluster = np.repeat(np.arange(20), 10)
    codes = np.tile(np.arange(5), 40)[:, None]  # every cluster answers alike: less than chance
    fit = _items(codes, cluster)
    assert fit.at_bound.all()
    assert fit.converged.all()
    assert fit.variance[0] == pytest.approx(1e-3)
    shuffled = rng.permutation(len(cluster))
    again = _items(codes[shuffled], cluster[shuffled])
    assert again.at_bound.all()


def test_interval_probabilities_are_right_in_both_tails():
    cuts = np.array([-9.0, 9.0])
    found = interval_probabilities(cuts)
    np.testing.assert_allclose(found, [ndtr(-9.0), 1.0, ndtr(-9.0)], rtol=1e-12)


@pytest.mark.parametrize("rho", [0.0, 0.3, -0.45, 0.65, -0.85, 0.93, 0.98])
def test_cells_at_nodes(rho):
    rng = np.random.default_rng(4)
    h, k = (np.sort(2.0 * rng.normal(size=(1, 200, 4)), axis=2) for _ in range(2))
    k[:, :, 3] = np.inf
    rhos = np.full(200, rho)
    expected = cell_probabilities(h[0], k[0], rhos)
    np.testing.assert_allclose(node_cells(h, k, rhos[:1])[0], expected, atol=1e-11)
    np.testing.assert_allclose(
        node_slopes(h, k, rhos[:1])[0], cell_slopes(h[0], k[0], rhos)[0], atol=1e-12
    )


def _pair(codes, cluster, cuts, variance, spacing=1.15):
    u = nodes(float(variance.max()), 12.0, spacing=spacing)
    grid = np.stack(np.meshgrid(u, u, indexing="ij"), axis=-1).reshape(-1, 2)
    index = (np.array([0]), np.array([1]))
    return pairs_module._Pairs(
        pair_tables(codes, cluster, int(cluster.max()) + 1, 5, index),
        (cuts[:1], cuts[1:2]),
        (variance[:1], variance[1:2]),
        grid,
        pairs_module._log_prior(grid),
    )


def test_pair_scores_are_the_gradient():
    codes, cluster = _answers(np.random.default_rng(5), p=2)
    cuts, variance = np.stack((CUTS, CUTS + 0.1)), np.array([0.3, 0.2])
    theta = np.array([[0.4, 0.1]])

    def value(cuts, variance, theta):
        part = _pair(codes, cluster, cuts, variance, spacing=0.8)
        return pairs_module._scores(part, theta, full=True)[0][0]

    part = _pair(codes, cluster, cuts, variance, spacing=0.8)
    scores = pairs_module._scores(part, theta, full=True)[1].sum(axis=1)[0]
    h = 1e-5
    moves = [((0, 0), 0, "theta"), ((0, 1), 1, "theta")]
    moves += [((0, r), 2 + r, "cuts") for r in range(4)] + [((0,), 6, "variance")]
    moves += [((1, r), 7 + r, "cuts") for r in range(4)] + [((1,), 11, "variance")]
    for place, at, name in moves:
        ends = []
        for sign in (1.0, -1.0):
            given = {"cuts": cuts.copy(), "variance": variance.copy(), "theta": theta.copy()}
            given[name][place] += sign * h
            ends.append(value(**given))
        assert scores[at] == pytest.approx((ends[0] - ends[1]) / (2.0 * h), rel=2e-5, abs=2e-4)


def test_pair_likelihood_is_the_integral():
    codes = np.array([[0, 1], [2, 3], [4, 4], [1, 1]])
    cuts, variance = np.stack((CUTS, CUTS + 0.1)), np.array([0.5, 0.3])
    rho, sigma = 0.35, 0.25
    part = _pair(codes, np.zeros(4, dtype=int), cuts, variance)
    found = pairs_module._scores(part, np.array([[rho, sigma]]), full=False)[0][0]
    x, weight = np.polynomial.hermite_e.hermegauss(60)
    weight = weight / weight.sum()
    root = np.linalg.cholesky(np.array([[0.5, sigma], [sigma, 0.3]]))
    u = np.stack(np.meshgrid(x, x, indexing="ij"), axis=-1).reshape(-1, 2)
    b = u @ root.T
    chance = cell_probabilities(cuts[0] - b[:, :1], cuts[1] - b[:, 1:], np.full(len(b), rho))
    likelihood = np.prod([chance[:, i, k] for i, k in codes], axis=0)
    assert found == pytest.approx(np.log(np.outer(weight, weight).ravel() @ likelihood), abs=1e-6)


def test_pairs_without_cluster_effects_are_polychoric():
    codes, cluster = _answers(np.random.default_rng(6), between=0.0)
    n_categories = np.full(3, 5)
    found = two_level_moments(codes, cluster, n_categories, np.zeros(0, dtype=np.intp))
    data = MixedData(codes, np.zeros(codes.shape), n_categories)
    single = ordinal_moments(data, correction=(0.0, 0.0))
    np.testing.assert_allclose(found.within_vector, single.vector, atol=2e-5)


def test_covariance_without_clusters_is_that_of_one_level():
    codes, _ = _answers(np.random.default_rng(7), n_clusters=150, between=0.0)
    rows = np.arange(len(codes))
    found = two_level_moments(codes, rows, np.full(3, 5), np.zeros(0, dtype=np.intp))
    data = MixedData(codes, np.zeros(codes.shape), np.full(3, 5))
    gamma = asymptotic_covariance(data, ordinal_moments(data, correction=(0.0, 0.0)))
    ratio = len(codes) * found.acov.diagonal() / gamma.diagonal()
    # here derivatives are observed, there they are outer products: equal in large samples
    np.testing.assert_allclose(ratio, 1.0, atol=0.06)


def test_finer_nodes_change_nothing(monkeypatch):
    codes, cluster = _answers(np.random.default_rng(8))
    items = _items(codes, cluster)
    coarse = pair_fits(codes, cluster, 40, items)
    monkeypatch.setattr(pairs_module, "_SPACING", 0.7)
    fine = pair_fits(codes, cluster, 40, items)
    np.testing.assert_allclose(coarse.within, fine.within, atol=2e-5)
    np.testing.assert_allclose(coarse.between, fine.between, atol=2e-5)
    np.testing.assert_allclose(coarse.hessian, fine.hessian, atol=1e-3 * np.abs(fine.hessian).max())


def test_rows_and_clusters_in_any_order():
    rng = np.random.default_rng(9)
    codes, cluster = _answers(rng)
    above = np.arange(3)
    one = two_level_moments(codes, cluster, np.full(3, 5), above)
    shuffled = rng.permutation(len(codes))
    renamed = rng.permutation(40)[cluster]
    two = two_level_moments(codes[shuffled], renamed[shuffled], np.full(3, 5), above)
    np.testing.assert_allclose(one.between_vector, two.between_vector, atol=1e-9)
    np.testing.assert_allclose(one.within_vector, two.within_vector, atol=1e-9)
    np.testing.assert_allclose(one.acov, two.acov, atol=1e-9)


def test_statistics_between_follow_the_order_of_the_items():
    codes, cluster = _answers(np.random.default_rng(11))
    n_categories = np.full(3, 5)
    one = two_level_moments(codes, cluster, n_categories, np.array([0, 2]))
    two = two_level_moments(codes, cluster, n_categories, np.array([2, 0]))
    # within: 4 thresholds and 3 correlations; between: 4 and 4 thresholds and 3 covariances
    order = np.array([*range(7), *range(11, 15), *range(7, 11), 17, 16, 15])
    np.testing.assert_allclose(two.acov, one.acov[np.ix_(order, order)], atol=1e-15)
    np.testing.assert_array_equal(two.between_vector, one.between_vector[order[7:] - 7])


def test_pair_curvature_is_the_second_difference_of_the_likelihood():
    codes, cluster = _answers(np.random.default_rng(12), p=2)
    items = _items(codes, cluster)
    found = pair_fits(codes, cluster, 40, items)
    theta = np.array([[found.within[0], found.between[0]]])
    part = _pair(codes, cluster, items.cuts, items.variance, spacing=0.8)

    def value(*move):
        return pairs_module._scores(part, theta + np.array(move), full=False)[0][0]

    h = 2e-3
    rho, sigma = ((value(*m) - 2.0 * value(0, 0) + value(*-m)) / h**2 for m in h * np.eye(2))
    both = (value(h, h) - value(h, -h) - value(-h, h) + value(-h, -h)) / (4.0 * h**2)
    expected = np.array([[rho, both], [both, sigma]])
    np.testing.assert_allclose(found.hessian[0, :, :2], expected, rtol=2e-3)


def test_an_item_given_twice_is_at_the_limit():
    codes, cluster = _answers(np.random.default_rng(13))
    codes[:, 2] = codes[:, 0]
    found = pair_fits(codes, cluster, 40, _items(codes, cluster))
    assert found.within[1] == pytest.approx(pairs_module.LIMIT)
    assert found.at_limit.tolist() == [False, True, False]


def test_only_curvature_that_is_not_negative_is_replaced():
    rng = np.random.default_rng(14)
    scores = rng.normal(size=(3, 9, 3))
    scores[2, :, 1] = 0.0
    small = -1e-9 * np.array([[2.0, 1.0, 0.0], [1.0, 2.0, 0.0], [0.0, 0.0, 1.0]])
    hessian = np.stack([small, np.diag([-1.0, -2.0, 1.0]), np.diag([-1.0, 0.0, -3.0])])
    found = _negative(hessian, scores)
    np.testing.assert_array_equal(found[0], small)
    outer = scores[1:].transpose(0, 2, 1) @ scores[1:]
    outer[1, 1, 1] = 1.0  # nothing is known of a parameter without scores: it stays where it is
    np.testing.assert_allclose(found[1:], -outer, rtol=1e-8, atol=1e-8)


def test_a_reversed_item_turns_its_signs():
    codes, cluster = _answers(np.random.default_rng(10))
    flipped = codes.copy()
    flipped[:, 2] = 4 - codes[:, 2]
    above = np.arange(3)
    one = two_level_moments(codes, cluster, np.full(3, 5), above)
    two = two_level_moments(flipped, cluster, np.full(3, 5), above)
    sign = np.array([1.0, 1.0, -1.0])
    np.testing.assert_allclose(two.within, one.within * np.outer(sign, sign), atol=1e-5)
    np.testing.assert_allclose(two.between, one.between * np.outer(sign, sign), atol=1e-5)
    np.testing.assert_allclose(two.cuts[2], -one.cuts[2][::-1], atol=1e-5)


def test_missing_answers_are_left_out_of_the_tables():
    codes = np.array([[0, 1], [-1, 1], [1, -1], [1, 0]])
    cluster = np.array([0, 0, 1, 1])
    counts = cluster_counts(codes, cluster, 2, 2)
    np.testing.assert_array_equal(counts[0], [[1, 0], [0, 2]])
    np.testing.assert_array_equal(counts[1], [[0, 2], [1, 0]])
    tables = pair_tables(codes, cluster, 2, 2, (np.array([0]), np.array([1])))
    np.testing.assert_array_equal(tables[0], [[[0, 1], [0, 0]], [[0, 0], [1, 0]]])
