"""One-way random effects: by hand, a published table, limits, and against direct likelihoods."""

import numpy as np
import pytest
from scipy import optimize

from cte_metrics.kernels.groups import variance_components as vc
from cte_metrics.kernels.summaries import group_summaries as gs


def summary(values, codes):
    values = np.asarray(values, dtype=float)
    return vc.one_way(gs.moments(values.reshape(len(codes), -1), np.asarray(codes), max(codes) + 1))


def simulate(seed, sizes=(3, 8, 2, 15, 6, 6, 4, 9), tau=1.0):
    rng = np.random.default_rng(seed)
    codes = np.repeat(np.arange(len(sizes)), sizes)
    return rng.normal(size=len(sizes))[codes] * tau + rng.normal(size=len(codes)), codes


# BMC Health Services Research 2011, 11:251, Table 3: within MS, F, between MS, ICC1, ICC2, eta2,
# omega2; all three rows imply the average group size K = 26.28
PUBLISHED = [
    (1.4412, 7.6249, 10.9893, 0.2013, 0.8688, 0.2274, 0.1974),
    (0.9902, 12.0921, 11.9737, 0.2968, 0.9173, 0.3174, 0.2909),
    (0.6401, 3.6563, 2.3405, 0.0918, 0.7265, 0.1226, 0.0890),
]


@pytest.mark.parametrize("row", PUBLISHED)
def test_published_mean_square_table(row):
    within, f, between, icc1, icc2, eta2, omega2 = row
    one = np.ones(1)
    # df1, df2 solved from F and eta2 of the first row, df2 / df1 = F (1 - eta2) / eta2, at J = 52
    table = vc.Anova(between * one, within * one, f * one, one, (51, 1321))
    assert between / within == pytest.approx(f, abs=2e-3)
    got1, got2 = vc.intraclass(table, 26.28)
    assert got1[0] == pytest.approx(icc1, abs=1e-4)
    assert got2[0] == pytest.approx(icc2, abs=1e-4)
    assert vc.stepped_up(got1[0], 26.28) == pytest.approx(icc2, abs=1e-4)
    # the rows have slightly different respondents, so the shares agree to three decimals
    assert vc.eta_squared(table)[0] == pytest.approx(eta2, abs=2e-3)
    assert vc.omega_squared(table)[0] == pytest.approx(omega2, abs=2e-3)


def test_sizes_by_hand():
    one = summary([1, 2, 3, 4, 5, 6], [0, 0, 0, 1, 1, 2])
    assert one.mean_size == 2
    assert one.n0 == (6 - (9 + 4 + 1) / 6) / 2


def test_wald_interval_is_the_classical_one_for_equal_sizes():
    values, codes = simulate(1, sizes=(6,) * 9)
    one = summary(values, codes)
    table = vc.anova(one)
    np.testing.assert_allclose(
        vc.wald_interval(one, table, 0.9), vc.f_interval(table, 6.0, 0.9), atol=1e-12
    )


def test_wald_interval_inverts_the_weighted_f():
    values, codes = simulate(2)
    one = summary(values, codes)
    table = vc.anova(one)
    low, high = vc.wald_interval(one, table, 0.95)
    n = np.bincount(codes)
    mean = np.bincount(codes, values) / n
    for rho, p in ((low[0], 0.975), (high[0], 0.025)):
        w = n / (1 + n * rho / (1 - rho))
        centre = w @ mean / w.sum()
        h = w @ (mean - centre) ** 2 / 7 / table.ms_within[0]
        from cte_metrics.kernels.numerics.distributions import f_quantile

        assert h == pytest.approx(f_quantile(p, 7, len(codes) - 8), rel=1e-9)


@pytest.mark.parametrize("reml", [True, False])
@pytest.mark.parametrize("seed", range(6))
def test_likelihood_equals_the_one_written_with_matrices(seed, reml):
    values, codes = simulate(seed, tau=0.6)
    z = np.eye(8)[codes]
    one = np.ones((len(codes), 1))

    def deviance(log_parameters):
        tau2, sigma2 = np.exp(log_parameters)
        v = sigma2 * np.eye(len(codes)) + tau2 * z @ z.T
        inverse = np.linalg.inv(v)
        information = float((one.T @ inverse @ one)[0, 0])
        mean = float((one.T @ inverse @ values)[0]) / information
        r = values - mean
        out = np.linalg.slogdet(v)[1] + r @ inverse @ r + len(codes) * np.log(2 * np.pi)
        return out + (np.log(information) - np.log(2 * np.pi) if reml else 0)

    found = vc.likelihood(summary(values, codes), reml=reml)
    best = optimize.minimize(deviance, [-1.0, 0.0], method="Nelder-Mead",
                             options={"xatol": 1e-10, "fatol": 1e-12, "maxiter": 4000})  # fmt: skip
    assert found.deviance[0] == pytest.approx(best.fun, abs=1e-7)
    if found.between[0] > 1e-3:
        np.testing.assert_allclose(
            [found.between[0], found.within[0]], np.exp(best.x), rtol=2e-4, atol=1e-5
        )


def test_reml_equals_anova_for_equal_sizes():
    values, codes = simulate(4, sizes=(5,) * 10)
    one = summary(values, codes)
    table, fit = vc.anova(one), vc.likelihood(one)
    assert fit.within[0] == pytest.approx(table.ms_within[0], rel=1e-9)
    assert fit.between[0] == pytest.approx((table.ms_between[0] - table.ms_within[0]) / 5, rel=1e-9)


def test_no_between_variance_is_the_edge():
    fit = vc.likelihood(summary([1, 3, 1, 3, 1, 3], [0, 0, 1, 1, 2, 2]))
    assert fit.rho[0] == 0
    assert fit.between[0] == 0
    assert fit.within[0] == pytest.approx(6 / 5)


def test_no_within_variance_is_the_other_edge():
    fit = vc.likelihood(summary([2, 2, 5, 5, 8, 8], [0, 0, 1, 1, 2, 2]))
    assert fit.rho[0] == 1
    assert fit.within[0] == 0
    assert fit.between[0] == pytest.approx(9)


def test_rounding_is_not_taken_for_variance():
    one = summary([0.1 + 0.2, 0.3, 0.3, 0.1 * 3], [0, 0, 1, 1])
    table = vc.anova(one)
    assert table.ms_within[0] == 0
    assert np.isnan(table.f[0])


def test_variables_are_independent_of_each_other():
    values, codes = simulate(5)
    other, _ = simulate(6)
    both = summary(np.column_stack([values, other]), codes)
    for k, column in enumerate((values, other)):
        single = summary(column, codes)
        assert vc.likelihood(both).rho[k] == pytest.approx(vc.likelihood(single).rho[0], abs=1e-14)
        assert vc.anova(both).f[k] == pytest.approx(vc.anova(single).f[0])


def test_shrinkage_by_hand():
    shrunken, reliability, se = vc.shrink(
        np.array([5.0, 1.0]), np.array([4, 1]), 3.0, 1.0, np.array([0.25, 1.0])
    )
    assert reliability == pytest.approx([0.8, 0.5])
    assert shrunken == pytest.approx([4.6, 2.0])
    assert se == pytest.approx(np.sqrt([0.2, 0.5]))


def test_columns_are_analysed_each_for_itself():
    values, codes = simulate(9)
    both = np.column_stack([values, 40 - 3 * np.roll(values, 5), np.round(values)])
    together, table = summary(both, codes), vc.anova(summary(both, codes))
    for j in range(3):
        alone = summary(both[:, j], codes)
        own = vc.anova(alone)
        for name in ("ms_between", "ms_within", "f", "p"):
            np.testing.assert_allclose(getattr(table, name)[j], getattr(own, name)[0], rtol=1e-10)
        for reml in (True, False):
            found, single = vc.likelihood(together, reml=reml), vc.likelihood(alone, reml=reml)
            for name in ("rho", "between", "within", "mean", "mean_variance", "deviance"):
                np.testing.assert_allclose(
                    getattr(found, name)[j], getattr(single, name)[0], rtol=1e-9, atol=1e-12
                )
        np.testing.assert_allclose(
            np.array(vc.wald_interval(together, table, 0.95))[:, j],
            np.array(vc.wald_interval(alone, own, 0.95))[:, 0],
            atol=1e-10,
        )


def test_pairs_have_the_classical_interval_down_to_minus_one():
    # members of a pair that differ as much as they can: ICC near -1
    rng = np.random.default_rng(10)
    half = rng.normal(size=12)
    values = np.column_stack([half, -half]).ravel() + rng.normal(size=24) * 0.2
    one = summary(values, np.repeat(np.arange(12), 2))
    table = vc.anova(one)
    assert vc.intraclass(table, 2)[0][0] < -0.8
    np.testing.assert_allclose(
        vc.wald_interval(one, table, 0.95), vc.f_interval(table, 2.0, 0.95), atol=1e-10
    )


def test_one_group_has_no_variance_between():
    table = vc.anova(summary([1.0, 2.0, 4.0], [0, 0, 0]))
    assert np.isnan(table.ms_between[0])
    assert np.isnan(table.f[0])
    assert table.ms_within[0] == pytest.approx(7 / 3)


def test_two_groups_without_variance_within_by_hand():
    # group means 1 and 2: variance (1/2)^2 + (1/2)^2 by REML, half of it by ML
    one = summary([1.0, 1.0, 2.0, 2.0], [0, 0, 1, 1])
    assert vc.anova(one).f[0] == np.inf
    assert vc.likelihood(one).between[0] == pytest.approx(0.5)
    assert vc.likelihood(one, reml=False).between[0] == pytest.approx(0.25)


def test_rounding_of_large_answers_is_no_variance():
    # beside answers near a million a sum of squares of .001 is rounding, beside one it is variance
    def at(grand, between, within):
        first = np.zeros((1, 1))
        one = vc.OneWay(
            sizes=np.array([10.0]), frequency=np.array([10.0]), first=first, second=first,
            grand=np.array([grand]), between=np.full(1, between), within=np.full(1, within),
            n_rows=100, n_groups=10,
        )  # fmt: skip
        table = vc.anova(one)
        return table.ms_between[0], table.ms_within[0], table.f[0]

    assert at(1e6, 450.0, 1e-3) == (50, 0, np.inf)
    assert at(1e6, 1e-3, 450.0) == (0, 5, 0)
    assert at(1.0, 5.0, 1e-3) == pytest.approx((5 / 9, 1e-3 / 90, 5e4))
    assert at(1.0, 1e-3, 5.0) == pytest.approx((1e-3 / 9, 5 / 90, 2e-3))


def test_groups_of_unlike_sizes_without_variance_within_by_hand():
    # the unweighted variance of the means 1, 2, 4
    one = summary([1.0, 1.0, 2.0, 4.0, 4.0, 4.0], [0, 0, 1, 2, 2, 2])
    assert vc.likelihood(one).between[0] == pytest.approx(7 / 3)
