"""Number-of-factors criteria and random correlation matrices on arrays."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cte_metrics.kernels.factor import retention
from cte_metrics.kernels.factor.comparison_data import (
    _closer,
    _ranked,
    _sampled_roots,
    comparison_data,
    population_of,
)
from cte_metrics.kernels.factor.extraction import extract
from cte_metrics.kernels.factor.henze_zirkler import henze_zirkler
from cte_metrics.kernels.factor.one_factor_batch import one_factor_loadings, reduced_eigenvalues
from cte_metrics.kernels.numerics.random_correlations import (
    category_scores,
    normal_correlations,
    shuffled_correlations,
)
from tests.factor.stored import CASES, correlations
from tests.reference_case import case


def matrix(name):
    c = case(name)
    entry = c["fa.minres.nf1.none"]
    return correlations(c, entry), entry.args["n"]


@pytest.mark.parametrize("name", CASES)
def test_map_reference_psych(name):
    r, _ = matrix(name)
    stored = np.asarray(case(name)["vss_map"].values["map"])
    got = retention.minimum_average_partial(r)[1 : len(stored) + 1]
    np.testing.assert_allclose(got, stored[: len(got)], atol=1e-10)


def test_map_by_hand():
    # no component taken out: the mean squared and fourth-power correlation
    r = np.array([[1, 0.5, 0.2], [0.5, 1, 0.1], [0.2, 0.1, 1]])
    np.testing.assert_allclose(retention.minimum_average_partial(r)[0], (0.25 + 0.04 + 0.01) / 3)
    fourth = retention.minimum_average_partial(r, 4)[0]
    np.testing.assert_allclose(fourth, (0.0625 + 0.0016 + 0.0001) / 3)


@pytest.mark.parametrize("name", CASES)
def test_ekc_reference_efatools(name):
    r, n = matrix(name)
    values = case(name)["efatools.EKC"].values
    roots = retention.eigenvalues(r)
    reference = retention.empirical_kaiser_reference(roots, n)
    np.testing.assert_allclose(reference, values["references"]["BvA2017"], atol=1e-12)
    assert retention.count_until_failure(roots, reference) == values["n_factors_BvA2017"]


@pytest.mark.parametrize("name", ["thurstone", "hs1939", "sim_cte12", "sim_cte18"])
@pytest.mark.parametrize("method", ["ml", "uls"])
def test_hull_reference_efatools(name, method):
    r, n = matrix(name)
    values = case(name)[f"efatools.HULL.{method.upper()}"].values
    got = retention.hull(r, n, int(values["n_fac_max"]), method)
    for fit in ("cfi", "rmsea"):
        stored = values[f"solutions_{fit.upper()}"]
        stored = np.array([[float(cell) for cell in row] for row in _rows(stored)])
        np.testing.assert_allclose(getattr(got, fit), stored[:, 1], atol=1e-8)
        chosen, _ = retention.hull_choice(got.df, getattr(got, fit))
        assert chosen == values[f"n_fac_{fit.upper()}"]
    # the common part accounted for: up to solutions where R stops early or at a Heywood case
    stored = np.array([[float(cell) for cell in row] for row in _rows(values["solutions_CAF"])])
    np.testing.assert_allclose(got.caf[:3], stored[:3, 1], atol=1e-5)


def _rows(stored):
    stored = stored["data"] if isinstance(stored, dict) else stored
    return [
        [np.nan if cell is None else cell for cell in row] for row in np.asarray(stored).tolist()
    ]


def test_hull_by_hand():
    # bends: at 1 (.6/10) / (.2/10) = 3; 2 lies below the line from 1 to 3
    df = np.array([30.0, 20.0, 15.0, 10.0])
    chosen, bend = retention.hull_choice(df, np.array([0.0, 0.6, 0.65, 0.8]))
    assert chosen == 1
    np.testing.assert_allclose(bend, [0, 3, np.nan, 0])


def test_a_later_solution_that_fits_no_better_is_off_the_hull():
    df = np.array([30.0, 20.0, 12.0, 6.0])
    assert retention.hull_choice(df, np.array([0.0, 0.7, 0.6, 0.9]))[1][2] != 0
    assert np.isnan(retention.hull_choice(df, np.array([0.0, 0.7, 0.6, 0.9]))[1][2])


def test_largest_number_of_factors():
    # six items: three factors have 0 degrees of freedom, four have -3
    assert retention.largest_n_factors(6) == 3
    assert retention.largest_n_factors(3) == 1


def test_count_stops_at_the_first_failure():
    assert retention.count_until_failure(np.array([3.0, 0.5, 2.0]), np.ones(3)) == 1
    assert retention.count_until_failure(np.array([3.0, 2.0]), np.ones(2)) == 2


# --- random matrices -----------------------------------------------------------------------------


def test_wishart_draws_have_the_variance_of_correlations():
    r = normal_correlations(50, 6, 4000, np.random.default_rng(1))
    np.testing.assert_allclose(np.diagonal(r, axis1=1, axis2=2), 1, atol=1e-12)
    off = r[:, *np.triu_indices(6, 1)]
    # independent normal variables: mean 0, variance 1 / (n - 1)
    assert abs(off.mean()) < 0.003
    np.testing.assert_allclose(off.var(), 1 / 49, rtol=0.03)


def test_wishart_roots_are_those_of_simulated_rows():
    rng = np.random.default_rng(2)
    drawn = np.linalg.eigvalsh(normal_correlations(80, 5, 3000, rng))[:, ::-1]
    rows = rng.standard_normal((3000, 80, 5))
    rows -= rows.mean(axis=1, keepdims=True)
    rows /= np.sqrt((rows**2).sum(axis=1, keepdims=True))
    simulated = np.linalg.eigvalsh(np.swapaxes(rows, 1, 2) @ rows)[:, ::-1]
    np.testing.assert_allclose(drawn.mean(axis=0), simulated.mean(axis=0), atol=0.01)
    np.testing.assert_allclose(
        np.quantile(drawn, 0.95, axis=0), np.quantile(simulated, 0.95, axis=0), atol=0.025
    )


def test_shuffling_keeps_each_items_answers():
    values = np.random.default_rng(3).integers(1, 6, (200, 4)).astype(float)
    r = shuffled_correlations(values, 300, np.random.default_rng(4), polychoric=False)
    off = r[:, *np.triu_indices(4, 1)]
    np.testing.assert_allclose(off.var(), 1 / 199, rtol=0.15)
    assert abs(off.mean()) < 0.01


def test_one_step_polychorics_are_near_the_full_ones():
    from cte_metrics.factor import polychoric

    rng = np.random.default_rng(5)
    values = np.digitize(rng.normal(size=(400, 4)), [-1.2, 0.3, 1.0]).astype(float)
    scores = category_scores(values) / np.sqrt(400)
    one_step = scores.T @ scores
    full = polychoric(values).correlations.to_numpy()
    i, j = np.triu_indices(4, 1)
    np.testing.assert_allclose(one_step[i, j], full[i, j], atol=2e-3)


def test_batched_one_factor_is_minres():
    r = normal_correlations(60, 7, 40, np.random.default_rng(6))
    r = 0.5 * r + 0.5  # a common part, so that there is one clear minimum
    roots, vectors = np.linalg.eigh(r)
    start = vectors[:, :, -1] * np.sqrt(roots[:, -1:])
    got = one_factor_loadings(r, start, tolerance=1e-10)
    for one, loadings in zip(r, got, strict=True):
        single = extract(one, 1).loadings[:, 0]
        np.testing.assert_allclose(np.abs(loadings), np.abs(single), atol=1e-7)
    reduced = r[0] - np.diag(1 - got[0] ** 2)
    np.testing.assert_allclose(
        reduced_eigenvalues(r, got)[0], np.linalg.eigvalsh(reduced)[::-1], atol=1e-12
    )


@given(st.integers(0, 1000))
@settings(max_examples=10, deadline=None)
def test_batched_loadings_stay_within_the_bound(seed):
    r = normal_correlations(15, 5, 30, np.random.default_rng(seed))
    roots, vectors = np.linalg.eigh(r)
    got = one_factor_loadings(r, vectors[:, :, -1] * np.sqrt(roots[:, -1:]))
    assert np.isfinite(got).all()
    assert (got**2 <= 0.995 + 1e-9).all()


# --- comparison data ----------------------------------------------------------------------------


def two_factor_answers(n=300):
    rng = np.random.default_rng(7)
    factors = rng.normal(size=(n, 2))
    latent = np.repeat(factors, 4, axis=1) * 0.75 + rng.normal(size=(n, 8)) * 0.66
    return np.digitize(latent, [-1.0, 0.0, 1.2]).astype(float)


def test_comparison_data_finds_two_factors():
    values = two_factor_answers()
    r = np.corrcoef(values, rowvar=False)
    out = comparison_data(values, r, 4, np.random.default_rng(8), n_samples=150)
    assert out.n_factors == 2
    assert out.distance[1] < out.distance[0]


def test_a_population_has_the_items_distributions_and_correlations():
    values = two_factor_answers()
    r = np.corrcoef(values, rowvar=False)
    population = population_of(values, r, 2, 5000, np.random.default_rng(9))
    np.testing.assert_allclose(np.corrcoef(population, rowvar=False), r, atol=0.08)
    for j in range(8):
        share = [(population[:, j] == c).mean() - (values[:, j] == c).mean() for c in range(4)]
        assert np.abs(share).max() < 0.03


def test_ranked_variables_have_the_structure_they_are_given():
    # two factors and unique parts of the loadings' sizes, e.g. r = .8 x .6 within a factor
    rng = np.random.default_rng(11)
    loadings = np.zeros((8, 2))
    loadings[:4, 0] = loadings[4:, 1] = 0.8, 0.6, 0.7, 0.5
    wanted = loadings @ loadings.T
    np.fill_diagonal(wanted, 1.0)
    n = 40_000
    sorted_answers = np.sort(rng.normal(size=(n, 8)), axis=0)
    out = _ranked(wanted, 2, rng.normal(size=(n, 2)), rng.normal(size=(n, 8)), sorted_answers)
    np.testing.assert_allclose(np.corrcoef(out, rowvar=False), wanted, atol=0.02)


def test_roots_of_samples_do_not_know_the_means():
    population = np.random.default_rng(12).normal(size=(500, 3))
    near = _sampled_roots(population, 40, 5, np.random.default_rng(13))
    far = _sampled_roots(population + np.array([0, 50, -80]), 40, 5, np.random.default_rng(13))
    np.testing.assert_allclose(far, near, atol=1e-10)
    np.testing.assert_allclose(near.sum(axis=1), 3.0)
    drawn = population[np.random.default_rng(13).integers(0, 500, 40)]
    roots = np.linalg.eigvalsh(np.corrcoef(drawn, rowvar=False))[::-1]
    np.testing.assert_allclose(near[0], roots, atol=1e-12)


@pytest.mark.parametrize("shift", [-0.8, 0.0, 0.3])
def test_closer_is_the_mann_whitney_test_of_scipy(shift):
    from scipy.stats import mannwhitneyu

    rng = np.random.default_rng(14)
    now, before = rng.normal(size=25) + shift, rng.normal(size=31)
    theirs = mannwhitneyu(now, before, alternative="less", method="asymptotic")
    assert _closer(now, before) == pytest.approx(theirs.pvalue, rel=1e-10)


# --- Henze-Zirkler ------------------------------------------------------------------------------


def test_henze_zirkler_in_blocks_is_the_whole():
    x = np.random.default_rng(10).normal(size=(90, 3))
    np.testing.assert_allclose(henze_zirkler(x, block=11).hz, henze_zirkler(x, block=1000).hz)


def test_two_solutions_on_the_hull_have_no_bend():
    # the middle lies below the line between the ends
    df = np.array([30.0, 20.0, 10.0])
    assert retention.hull_choice(df, np.array([0.0, 0.2, 0.8]))[0] is None
    # nothing fits better than no factor at all
    assert retention.hull_choice(df, np.array([0.5, 0.4, 0.3]))[0] is None
