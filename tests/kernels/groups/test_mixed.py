"""Mixed models from group summaries: the same deviance as with full matrices, gradients, limits."""

import numpy as np
import pytest
from scipy.optimize import minimize, minimize_scalar

from cte_metrics.kernels.groups import mixed as mx
from cte_metrics.kernels.groups import mixed_basis as basis
from cte_metrics.kernels.groups import mixed_inference as mi
from cte_metrics.kernels.groups import variance_components as vc
from cte_metrics.kernels.summaries.group_summaries import moments

QUANTILE = 3.841458820694124  # .95 of chi-square with one degree of freedom


def survey(seed, n_groups=12, q=2, spread=(1.0, 0.5, 0.4)):
    rng = np.random.default_rng(seed)
    sizes = rng.integers(2, 9, n_groups)
    codes = np.repeat(np.arange(n_groups), sizes)
    x = np.column_stack(
        [np.ones(len(codes)), rng.normal(3, 2, len(codes)), rng.normal(size=n_groups)[codes]]
    )
    z = np.column_stack([np.ones(len(codes)), rng.normal(size=(len(codes), q - 1))])
    b = rng.normal(size=(n_groups, q)) * np.array(spread[:q])
    y = x @ [2.0, 0.3, -0.5] + (z * b[codes]).sum(axis=1) + rng.normal(size=len(codes))
    return x, y, z, codes, n_groups


def summary_of(x, y, z, codes, n_groups, correlated=True):
    own = basis.orthonormal(z) if correlated and z.shape[1] > 1 else basis.rescaled(z)
    return mx.summarise(basis.orthonormal(x), y, own, codes, n_groups)


def direct_deviance(x, y, z, codes, lam, reml):
    n, p = x.shape
    v = np.eye(n)
    for j in range(codes.max() + 1):
        rows = np.flatnonzero(codes == j)
        zl = z[rows] @ lam
        v[np.ix_(rows, rows)] += zl @ zl.T
    inverse = np.linalg.inv(v)
    information = x.T @ inverse @ x
    beta = np.linalg.solve(information, x.T @ inverse @ y)
    r = y - x @ beta
    df = n - p if reml else n
    out = np.linalg.slogdet(v)[1] + df * (1 + np.log(2 * np.pi * (r @ inverse @ r) / df))
    return out + (np.linalg.slogdet(information)[1] if reml else 0), beta


LAMBDAS = {
    1: np.array([[0.7]]),
    2: np.array([[0.7, 0], [-0.2, 0.4]]),
    3: np.array([[0.7, 0, 0], [-0.2, 0.4, 0], [0.1, 0.3, 0.2]]),
}


@pytest.mark.parametrize("reml", [True, False])
@pytest.mark.parametrize("q", [1, 2, 3])
def test_deviance_from_summaries_equals_the_one_from_rows(q, reml):
    x, y, z, codes, n_groups = survey(q, q=q)
    data = summary_of(x, y, z, codes, n_groups)
    found = mx.finish(data, LAMBDAS[q], mx.lower_pattern(q, True), reml)
    deviance, beta = direct_deviance(x, y, z, codes, data.z_back @ LAMBDAS[q], reml)
    assert found.deviance == pytest.approx(deviance, abs=1e-9)
    np.testing.assert_allclose(found.beta, beta, atol=1e-10)


@pytest.mark.parametrize("reml", [True, False])
@pytest.mark.parametrize("q", [1, 2, 3])
def test_gradient_equals_finite_differences(q, reml):
    data = summary_of(*survey(10 + q, q=q))
    lam = LAMBDAS[q]

    def deviance(value):
        return mx.deviance_given_sigma(data, value, 1.3, reml)[0]

    gradient = 2 * mx.deviance_given_sigma(data, lam, 1.3, reml)[1] @ lam
    for a, b in zip(*np.nonzero(np.tril(np.ones((q, q)))), strict=True):
        h = np.zeros((q, q))
        h[a, b] = 1e-5
        numeric = (deviance(lam + h) - deviance(lam - h)) / 2e-5
        assert gradient[a, b] == pytest.approx(numeric, abs=1e-5)


@pytest.mark.parametrize("reml", [True, False])
@pytest.mark.parametrize("q", [1, 2, 3])
def test_curvature_equals_finite_differences(q, reml):
    data = summary_of(*survey(15 + q, q=q))
    pattern, point = mx.lower_pattern(q, True), np.append(LAMBDAS[q][np.tril_indices(q)], 0.2)

    def slopes(value):
        lam = np.zeros((q, q))
        lam[pattern] = value[:-1]
        _, g, at = mx.deviance_given_sigma(data, lam, np.exp(2 * value[-1]), reml)
        df = data.n_rows - (data.n_fixed if reml else 0)
        return np.append((2 * g @ lam)[pattern], 2 * df - 2 * at.r2 / np.exp(2 * value[-1]))

    steps = 1e-5 * np.eye(len(point))
    numeric = np.array([(slopes(point + h) - slopes(point - h)) / 2e-5 for h in steps])
    found = mx.curvature(
        data, mx.evaluate(data, LAMBDAS[q]), LAMBDAS[q], np.exp(0.4), reml, pattern
    )
    np.testing.assert_allclose(found, numeric, atol=1e-6)


@pytest.mark.parametrize("correlated", [True, False])
@pytest.mark.parametrize("seed", range(4))
def test_no_nearby_lambda_is_better(seed, correlated):
    data = summary_of(*survey(20 + seed, n_groups=30), correlated=correlated)
    found = mx.fit(data, correlated=correlated)
    assert found.converged
    rng = np.random.default_rng(seed)
    for size in (1e-3, 1e-2, 0.1):
        move = rng.normal(size=found.lam.shape) * size * found.pattern
        other = mx.finish(data, found.lam + move, found.pattern, True)
        assert other.deviance >= found.deviance - 1e-9
    if not correlated:
        assert found.lam[1, 0] == 0


def test_random_intercept_equals_the_one_way_model():
    _x, y, z, codes, n_groups = survey(30, q=1)
    data = summary_of(np.ones((len(y), 1)), y, z, codes, n_groups)
    for reml in (True, False):
        found = mx.fit(data, reml=reml)
        other = vc.likelihood(vc.one_way(moments(y[:, None], codes, n_groups)), reml=reml)
        assert found.deviance == pytest.approx(other.deviance[0], abs=1e-9)
        assert found.random_covariance[0, 0] == pytest.approx(other.between[0], rel=1e-7)
        assert found.beta[0] == pytest.approx(other.mean[0], abs=1e-9)


def test_zero_variance_is_reported_as_singular():
    y = np.tile([1.0, 3.0, 2.0], 6)
    codes = np.repeat(np.arange(6), 3)
    data = summary_of(np.ones((18, 1)), y, np.ones((18, 1)), codes, 6)
    found = mx.fit(data)
    assert found.singular
    assert found.lam[0, 0] == 0
    assert mi.satterthwaite(data, found)[0] == pytest.approx(17)


@pytest.mark.parametrize("q", [1, 2, 3])
def test_a_fit_knows_whether_its_effects_may_correlate(q):
    for correlated in (True, False):
        data = summary_of(*survey(q, q=q), correlated=correlated)
        found = mx.finish(data, LAMBDAS[q], mx.lower_pattern(q, correlated), True)
        assert found.correlated is (correlated or q == 1)


def test_uncorrelated_effects_stay_so_by_maximum_likelihood():
    data = summary_of(*survey(21, n_groups=30), correlated=False)
    found = mx.by_maximum_likelihood(data, mx.fit(data, correlated=False))
    assert found.lam[1, 0] == 0
    assert found.deviance == pytest.approx(mx.fit(data, reml=False, correlated=False).deviance)


def test_rows_and_units_do_not_matter():
    x, y, z, codes, n_groups = survey(40, n_groups=25)
    first = mx.fit(summary_of(x, y, z, codes, n_groups))
    order = np.random.default_rng(1).permutation(len(y))
    again = mx.fit(summary_of(x[order], y[order], z[order], codes[order], n_groups))
    assert again.deviance == pytest.approx(first.deviance, abs=1e-8)
    scaled = mx.fit(summary_of(x, 1000 * y + 5e4, z, codes, n_groups))
    np.testing.assert_allclose(
        scaled.random_covariance, 1e6 * first.random_covariance, rtol=1e-5, atol=1e-3
    )


def test_satterthwaite_is_exact_in_a_balanced_one_way_design():
    rng = np.random.default_rng(5)
    codes = np.repeat(np.arange(9), 4)
    y = rng.normal(size=9)[codes] + rng.normal(size=36)
    data = summary_of(np.ones((36, 1)), y, np.ones((36, 1)), codes, 9)
    assert mi.satterthwaite(data, mx.fit(data))[0] == pytest.approx(8, abs=1e-6)


def test_profile_limits_lie_where_the_deviance_says():
    x, y, z, codes, n_groups = survey(50, q=1)
    data = summary_of(x, y, z, codes, n_groups)
    best = mx.fit(data, reml=False)
    low, high = mi.profile_fixed(data, best, 1, 0.95)
    for value in (low, high):
        held = mx.fit(mx.held(data, np.eye(3)[1], value), reml=False)
        assert held.deviance - best.deviance == pytest.approx(QUANTILE, abs=1e-6)
    assert low < best.beta[1] < high


@pytest.mark.parametrize(("n_groups", "spread"), [(10, (0.6, 0.4)), (14, (0.8, 0.6))])
def test_limits_of_a_correlation_lie_where_the_deviance_says(n_groups, spread):
    """Also where the estimate is -1 or 1: minimised from a grid, it is the quantile above."""
    x, y, z, codes, n_groups = survey(50, n_groups=n_groups, spread=spread)
    data = summary_of(x, y, z, codes, n_groups)
    best = mx.fit(data, reml=False)
    inward = np.linalg.inv(data.z_back)

    def deviance(point, r):
        first, second, sigma = np.exp(point)
        lam = inward @ np.array([[first, 0], [second * r, second * np.sqrt(1 - r**2)]]) / sigma
        return mx.deviance_given_sigma(data, lam, sigma**2, False)[0]

    def lowest(r):
        starts = [np.log([a, b, 1]) for a in (0.1, 0.6) for b in (0.1, 0.6)]
        return min(minimize(deviance, s, args=(r,), method="Nelder-Mead").fun for s in starts)

    limits = [r for r in mi.profile_correlation(data, best, 0.8) if abs(r) < 1]
    assert limits
    for r in limits:
        assert lowest(r) - best.deviance == pytest.approx(1.642374415, abs=1e-3)


@pytest.mark.parametrize("distance", [0.0, 1.0, 100.0])
def test_profile_limits_of_a_balanced_one_way_design(distance):
    # 6 groups of 3: 12 within (12 df), 30 distance^2 between
    within, between = 12.0, 30 * distance**2
    y = np.add.outer(distance * np.array([-2.0, -1, 0, 0, 1, 2]), [-1.0, 0, 1]).ravel()
    one = np.ones((18, 1))
    data = summary_of(one, y, one, np.repeat(np.arange(6), 3), 6)
    best = mx.fit(data, reml=False)

    def excess(tau, sigma):
        total = sigma**2 + 3 * tau**2
        out = 24 * np.log(sigma) + within / sigma**2 + 6 * np.log(total) + between / total
        return out + 18 * np.log(2 * np.pi) - best.deviance

    def least(function, high):
        return minimize_scalar(
            function, bounds=(0, high), method="bounded", options={"xatol": 1e-10}
        ).fun

    low, high = mi.profile_sd(data, best, 0, 0.95)
    assert least(lambda sigma: excess(high, sigma), 5) == pytest.approx(QUANTILE, abs=1e-4)
    if distance:
        assert least(lambda sigma: excess(low, sigma), 5) == pytest.approx(QUANTILE, abs=1e-4)
    else:
        assert low == 0
    for sigma in mi.profile_sigma(data, best, 0.95):
        found = least(lambda tau, s=sigma: excess(tau, s), 10 * distance + 1)
        assert found == pytest.approx(QUANTILE, abs=1e-4)


def test_profile_limits_of_a_correlation_by_the_full_likelihood():
    x, y, z, codes, n_groups = survey(51, n_groups=20, spread=(1.0, 0.8))
    data = summary_of(x, y, z, codes, n_groups)
    best = mx.fit(data, reml=False)
    at = mi.natural(best)
    same = codes[:, None] == codes

    def deviance(value):
        first, second, r, sigma = value
        if min(first, second, sigma) <= 0 or abs(r) >= 1:
            return np.inf
        d = np.array([[first**2, r * first * second], [r * first * second, second**2]])
        v = sigma**2 * np.eye(len(y)) + same * (z @ d @ z.T)
        inverse = np.linalg.inv(v)
        residual = y - x @ np.linalg.solve(x.T @ inverse @ x, x.T @ inverse @ y)
        return np.linalg.slogdet(2 * np.pi * v)[1] + residual @ inverse @ residual

    assert deviance(at) == pytest.approx(best.deviance, abs=1e-8)
    low, high = mi.profile_correlation(data, best, 0.95)
    assert low < 0 < high
    for limit in (low, high):
        found = minimize(
            lambda free, r=limit: deviance(np.insert(free, 2, r)), np.delete(at, 2),
            method="Nelder-Mead", options={"xatol": 1e-4, "fatol": 1e-6},
        )  # fmt: skip
        assert found.fun - best.deviance == pytest.approx(QUANTILE, abs=1e-4)


def test_random_effects_are_shrunken_means():
    _x, y, z, codes, n_groups = survey(60, q=1)
    data = summary_of(np.ones((len(y), 1)), y, z, codes, n_groups)
    found = mx.fit(data)
    n = np.bincount(codes)
    mean = np.bincount(codes, y) / n
    tau2, sigma2 = found.random_covariance[0, 0], found.sigma2
    effects, covariance = mx.random_effects(data, found)
    weight = tau2 / (tau2 + sigma2 / n)
    np.testing.assert_allclose(effects[:, 0], weight * (mean - found.beta[0]), atol=1e-10)
    np.testing.assert_allclose(covariance[:, 0, 0], tau2 * (1 - weight), atol=1e-10)
