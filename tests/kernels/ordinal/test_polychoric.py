"""Polychoric kernels: fractions worked by hand, R's edge cases, invariances."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cte_metrics.kernels.ordinal.ordinal_covariance import asymptotic_covariance
from cte_metrics.kernels.ordinal.ordinal_moments import MixedData, ordinal_moments
from cte_metrics.kernels.ordinal.polychoric import (
    _score,
    _score_correlation,
    corrected_tables,
    fit_pairs,
    item_thresholds,
)
from cte_metrics.kernels.summaries.contingency import category_codes, category_counts, item_pairs
from tests.reference_case import case

TWO = np.array([2])


def one_table(table, **options):
    table = np.asarray(table, float)[None]
    rows, columns = table.sum(axis=2), table.sum(axis=1)
    return fit_pairs(table, item_thresholds(rows), item_thresholds(columns), TWO, TWO, **options)


def mixed(values, numeric=()):
    """Columns as ordinal data, but for the listed positions."""
    is_numeric = np.isin(np.arange(values.shape[1]), numeric)
    coded = category_codes(np.where(is_numeric, 0.0, values))
    codes = np.where(is_numeric, -1, coded.codes).astype(np.int16)
    return MixedData(codes, values, np.where(is_numeric, 0, coded.n_categories))


def edges(name):
    entry = case("polychoric_edges")[name]
    items, ordered = entry.args["items"], entry.args["ordered"]
    frame = case("polychoric_edges").data[items]
    if entry.args["missing"] == "listwise":
        frame = frame.dropna()
    data = mixed(frame.to_numpy(float), [i for i, n in enumerate(items) if n not in ordered])
    return data, entry


def test_thresholds_by_hand():
    tau = item_thresholds(np.array([[50.0, 50.0, 0.0], [10.0, 40.0, 50.0]]))
    assert tau[0].tolist() == [0.0, np.inf]
    np.testing.assert_allclose(tau[1], [-1.2815515655446, 0.0], atol=1e-12)


@pytest.mark.parametrize("n11", [10, 25, 33, 49])
def test_median_splits_give_the_sine(n11):
    """Both thresholds 0: P(both below) = 1/4 + arcsin(rho) / (2 pi)."""
    fit = one_table([[n11, 50 - n11], [50 - n11, n11]])
    assert fit.rho[0] == pytest.approx(np.sin(2 * np.pi * (n11 / 100 - 0.25)), abs=1e-12)
    assert fit.converged.all()


def test_independence_gives_zero():
    fit = one_table([[12.0, 18.0], [28.0, 42.0]])
    assert fit.rho[0] == pytest.approx(0.0, abs=1e-12)


def test_perfect_two_by_two_tables():
    assert one_table([[30, 0], [0, 20]]).rho.tolist() == [1.0]
    reversed_ = one_table([[0, 30], [20, 0]])
    assert reversed_.rho.tolist() == [-1.0]
    assert reversed_.perfect.all()


def test_one_empty_cell_keeps_its_margins():
    table = np.array([[[30.0, 5.0], [0.0, 15.0]]])
    np.testing.assert_allclose(corrected_tables(table, TWO, TWO)[0], [[29.5, 5.5], [0.5, 14.5]])
    mirror = np.array([[[0.0, 15.0], [30.0, 5.0]]])
    np.testing.assert_allclose(corrected_tables(mirror, TWO, TWO)[0], [[0.5, 14.5], [29.5, 5.5]])
    np.testing.assert_array_equal(corrected_tables(table, TWO, TWO, (0.0, 0.5)), table)


def test_empty_cells_of_larger_tables_are_filled():
    table = np.array([[[3.0, 0.0, 1.0], [2.0, 4.0, 0.0], [0.0, 0.0, 0.0]]])
    filled = corrected_tables(table, np.array([2]), np.array([3]), (0.5, 0.25))
    np.testing.assert_allclose(filled[0, :2], [[3.0, 0.25, 1.0], [2.0, 4.0, 0.25]])
    np.testing.assert_allclose(filled[0, 2], 0.0)  # a category that the row item lacks


@pytest.mark.parametrize(
    "name", ["unequal", "binary", "one_empty_cell", "pairwise", "mixed", "mixed.pairwise"]
)
def test_statistics_and_their_covariance_equal_lavaan(name):
    """Tolerance 1e-6 relative: the peer stops its own search at about 1e-8."""
    data, entry = edges(name)
    fitted = ordinal_moments(data)
    scale = np.maximum(1.0, np.abs(entry.values["obs"]))
    np.testing.assert_allclose(fitted.vector / scale, entry.values["obs"] / scale, atol=1e-7)
    gamma = entry.values["gamma"].to_numpy()
    ours = asymptotic_covariance(data, fitted)
    spread = np.sqrt(np.outer(np.diag(gamma), np.diag(gamma)))
    np.testing.assert_allclose(ours / spread, gamma / spread, atol=1e-6)


def test_first_stage_covariance_is_multinomial():
    """The block of one item's thresholds: D^-1 (diag(p) - p p') D^-T of cumulative shares."""
    codes = np.repeat([0, 1, 2], [20, 50, 30]).astype(np.int16)[:, None]
    other = np.tile([0, 1], 50).astype(np.int16)[:, None]
    data = MixedData(np.hstack([codes, other]), np.zeros((100, 2)), np.array([3, 2]))
    fitted = ordinal_moments(data)
    gamma = asymptotic_covariance(data, fitted)
    share = np.array([0.2, 0.7])
    phi = np.exp(-(fitted.cuts[0] ** 2) / 2) / np.sqrt(2 * np.pi)
    expected = (np.minimum.outer(share, share) - np.outer(share, share)) / np.outer(phi, phi)
    np.testing.assert_allclose(gamma[:2, :2], expected, atol=1e-12)


def test_correlation_and_covariance_scale_agree_by_the_delta_method():
    data, _ = edges("mixed")
    fitted = ordinal_moments(data)
    by_r = asymptotic_covariance(data, fitted, scale="correlation")
    by_cov = asymptotic_covariance(data, fitted)
    q = len(by_r) - 10
    a, b = item_pairs(5)
    sd = np.sqrt(fitted.variance)
    ordinal = (data.n_categories[a] > 0) & (data.n_categories[b] > 0)
    at = q + np.flatnonzero(ordinal)
    np.testing.assert_allclose(by_r[np.ix_(at, at)], by_cov[np.ix_(at, at)], rtol=1e-10)
    p = np.flatnonzero((a == 0) & (b == 1))[0]  # b1 with x1: cov = r * sd(x1)
    v = q - 2  # variance of x1
    r, s = fitted.correlation[0, 1], sd[1]
    slope = np.array([1 / s, -r / (2 * s * s)])
    block = by_cov[np.ix_([q + p, v], [q + p, v])]
    assert by_r[q + p, q + p] == pytest.approx(slope @ block @ slope, rel=1e-9)


def test_blocks_of_rows_do_not_matter(monkeypatch):
    from cte_metrics.kernels.ordinal import ordinal_covariance

    data, _ = edges("mixed.pairwise")
    fitted = ordinal_moments(data)
    whole = asymptotic_covariance(data, fitted)
    monkeypatch.setattr(ordinal_covariance, "_CELLS_PER_BLOCK", 1000)
    np.testing.assert_allclose(asymptotic_covariance(data, fitted), whole, rtol=1e-11, atol=1e-11)


def test_duplicated_rows_keep_estimates_and_gamma():
    data, _ = edges("unequal")
    twice = MixedData(np.tile(data.codes, (2, 1)), np.tile(data.values, (2, 1)), data.n_categories)
    one, two = ordinal_moments(data), ordinal_moments(twice)
    np.testing.assert_allclose(one.vector, two.vector, atol=1e-12)
    np.testing.assert_allclose(
        asymptotic_covariance(data, one), asymptotic_covariance(twice, two), rtol=1e-9, atol=1e-9
    )


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), flip=st.lists(st.booleans(), min_size=4, max_size=4))
def test_reversing_an_item_reverses_its_correlations(seed, flip):
    rng = np.random.default_rng(seed)
    latent = rng.normal(size=(150, 1)) * 0.8 + rng.normal(size=(150, 4))
    x = np.digitize(latent, [-1.0, 0.2, 1.1]).astype(float)
    sign = np.where(flip, -1.0, 1.0)
    straight, turned = ordinal_moments(mixed(x)), ordinal_moments(mixed(x * sign))
    expected = straight.correlation * np.outer(sign, sign)
    np.testing.assert_allclose(turned.correlation, expected, atol=1e-7)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_score_vanishes_at_the_estimate(seed):
    """The likelihood of each table, summed directly, is no higher on either side."""
    from cte_metrics.kernels.numerics.bivariate_normal import cell_probabilities

    rng = np.random.default_rng(seed)
    z = rng.multivariate_normal([0, 0], [[1, 0.6], [0.6, 1]], 200)
    x = np.column_stack([np.digitize(z[:, 0], [-0.8, 0.9]), np.digitize(z[:, 1], [0.1])])
    coded = category_codes(x.astype(float))
    counts = category_counts(coded.codes, coded.n_categories)
    tau = item_thresholds(counts.marginals)
    table = counts.tables(*item_pairs(2))
    fit = fit_pairs(table, tau[:1], tau[1:], coded.n_categories[:1], coded.n_categories[1:])

    def loglik(rho):
        p = cell_probabilities(tau[:1], tau[1:], np.array([rho]))
        return float((table * np.log(np.where(table > 0, p, 1.0))).sum())

    best = loglik(fit.rho[0])
    assert best >= loglik(fit.rho[0] + 1e-4)
    assert best >= loglik(fit.rho[0] - 1e-4)


TABLES = np.array([[[12.0, 7, 1], [6, 20, 9], [1, 8, 16]], [[3.0, 9, 11], [5, 14, 6], [13, 2, 1]]])


def test_the_start_is_the_correlation_of_the_category_numbers():
    for table, found in zip(TABLES, _score_correlation(TABLES), strict=True):
        row, column = (
            np.indices(table.shape).reshape(2, -1).repeat(table.ravel().astype(int), axis=1)
        )
        assert found == pytest.approx(np.corrcoef(row, column)[0, 1], abs=1e-12)


def test_slopes_of_the_table_likelihood_are_differences_of_it():
    from cte_metrics.kernels.numerics.bivariate_normal import cell_probabilities

    rows, columns = item_thresholds(TABLES.sum(axis=2)), item_thresholds(TABLES.sum(axis=1))
    rho, h = np.array([0.4, -0.5]), 1e-5

    def log(at):
        return (TABLES * np.log(cell_probabilities(rows, columns, at))).sum(axis=(1, 2))

    first, second = _score(TABLES, rows, columns, rho)
    np.testing.assert_allclose(first, (log(rho + h) - log(rho - h)) / (2 * h), rtol=1e-5)
    above, below = (_score(TABLES, rows, columns, rho + d)[0] for d in (h, -h))
    np.testing.assert_allclose(second, (above - below) / (2 * h), rtol=1e-5)


def test_few_steps_find_the_correlation():
    three = np.array([3, 3])
    rows, columns = item_thresholds(TABLES.sum(axis=2)), item_thresholds(TABLES.sum(axis=1))
    assert 2 <= fit_pairs(TABLES, rows, columns, three, three).n_steps <= 6
