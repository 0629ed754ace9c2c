"""Extraction of factors."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cte_metrics.kernels.factor import extraction as ex
from cte_metrics.kernels.factor import profiled_discrepancy as profiled
from tests.factor.stored import CASES, aligned, array, correlations
from tests.reference_case import case

ONE = np.array([0.9, 0.8, 0.7])
R_ONE = np.outer(ONE, ONE) + np.diag(1 - ONE**2)
FACTOR_METHODS = ("minres", "uls", "ols", "ml", "wls", "gls", "pa")


def random_correlations(seed, p=8, n=60):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 3)) @ rng.normal(size=(3, p)) + rng.normal(size=(n, p))
    return np.corrcoef(x, rowvar=False)


def off_diagonal_squares(r, loadings):
    return float((np.tril(r - loadings @ loadings.T, -1) ** 2).sum())


@pytest.mark.parametrize("method", FACTOR_METHODS)
def test_by_hand_a_one_factor_matrix_gives_its_loadings(method):
    found = ex.extract(R_ONE, 1, method)
    np.testing.assert_allclose(found.loadings[:, 0], ONE, atol=1e-7)
    np.testing.assert_allclose(found.uniquenesses, 1 - ONE**2, atol=1e-7)
    assert found.converged
    assert not found.heywood.any()


def test_by_hand_components_of_two_variables():
    # roots 1.5 and 0.5; vectors (1, 1) and (1, -1) over sqrt 2
    found = ex.extract(np.array([[1, 0.5], [0.5, 1]]), 2, "pc")
    np.testing.assert_allclose(found.loadings[:, 0], np.sqrt(0.75))
    np.testing.assert_allclose(np.abs(found.loadings[:, 1]), 0.5)


@pytest.mark.parametrize(
    ("function", "log"),
    [
        (profiled.least_squares_roots, False),
        (profiled.likelihood_roots, True),
        (profiled.generalized_roots, True),
    ],
)
@pytest.mark.parametrize("m", [1, 3])
def test_gradient_and_hessian_are_those_of_finite_differences(function, log, m):
    r = random_correlations(1)
    psi = np.random.default_rng(2).uniform(0.3, 0.7, 8)
    x = np.log(psi) if log else psi
    exact = function(x, r, m)
    h = 1e-6
    ahead = [function(x + h * e, r, m) for e in np.eye(8)]
    behind = [function(x - h * e, r, m) for e in np.eye(8)]
    slope = np.array([(a.value - b.value) / (2 * h) for a, b in zip(ahead, behind, strict=True)])
    bend = np.array(
        [(a.gradient - b.gradient) / (2 * h) for a, b in zip(ahead, behind, strict=True)]
    )
    scale = max(1.0, float(np.abs(exact.gradient).max()))
    np.testing.assert_allclose(exact.gradient, slope, atol=1e-6 * scale)
    np.testing.assert_allclose(exact.hessian, bend, atol=1e-6 * float(np.abs(bend).max()))


PROPER = [
    (name, f"fa.{fm}.nf{k}.none")
    for name, ks in (("thurstone", (3, 2, 1)), ("bfi_ac", (2, 1)), ("hs1939", (3, 2, 1)))
    for k in ks
    for fm in ("minres", "ml", "uls")
    if f"{name}/fa.{fm}.nf{k}.none" in case(name).by_id
]


@pytest.mark.parametrize(("name", "key"), PROPER)
def test_reference_psych(name, key):
    c = case(name)
    entry = c[key]
    r, fm = correlations(c, entry), entry.args["fm"]
    theirs = array(entry.values["loadings"])
    found = ex.extract(r, entry.args["k"], fm)
    ours = aligned(found.loadings, np.eye(theirs.shape[1]), theirs)[0]
    np.testing.assert_allclose(ours, theirs, atol=5e-5)  # psych stops early; see the next test
    if fm == "ml":
        assert found.objective <= entry.values["fit"]["objective"] + 1e-12
    else:
        assert off_diagonal_squares(r, found.loadings) <= off_diagonal_squares(r, theirs) + 1e-14


@pytest.mark.parametrize("name", CASES)
def test_reference_factanal(name):
    c = case(name)
    entry = c["factanal.varimax"]
    found = ex.extract(correlations(c, entry), entry.args["rot_nf"], "ml")
    theirs = float(np.asarray(entry.values["criteria_objective"]))
    assert found.objective <= theirs + 1e-10
    if not found.bounded.any():
        expected = entry.values["uniquenesses"]
        expected = np.array(list(expected.values()) if isinstance(expected, dict) else expected)
        np.testing.assert_allclose(found.uniquenesses, expected, atol=2e-4)


@pytest.mark.parametrize("name", ["thurstone", "bfi_ac", "hs1939"])
def test_where_psych_stops_early_our_optimum_is_better(name):
    c = case(name)
    for fm in ("pa", "wls"):
        k = {"thurstone": 3, "bfi_ac": 2, "hs1939": 3}[name]
        entry = c[f"fa.{fm}.nf{k}.none"]
        r = correlations(c, entry)
        theirs = array(entry.values["loadings"])
        ours = ex.extract(r, k, fm).loadings
        weight = np.ones(len(r)) if fm == "pa" else 1 / np.diagonal(np.linalg.inv(r))
        scale = np.sqrt(np.outer(weight, weight))

        def distance(loadings, r=r, scale=scale):
            return float((np.tril(scale * (r - loadings @ loadings.T), -1) ** 2).sum())

        assert distance(ours) <= distance(theirs)


def test_a_local_minimum_of_psych_is_left_behind():
    # bfi, three factors: psych's minres ends at a Heywood case with a higher sum of squares
    c = case("bfi_ac")
    entry = c["fa.minres.nf3.none"]
    r = correlations(c, entry)
    found = ex.extract(r, 3)
    ours, theirs = off_diagonal_squares(r, found.loadings), array(entry.values["loadings"])
    assert ours < off_diagonal_squares(r, theirs) - 1e-4
    assert found.heywood.sum() == 1


def test_bounded_heywood_case_equals_psych():
    c = case("sim_cte18")
    entry = c["fa.minres.nf5.none"]
    found = ex.extract(correlations(c, entry), 5)
    assert found.bounded.any()
    assert found.heywood.any()
    theirs = array(entry.values["loadings"])
    ours = aligned(found.loadings, np.eye(5), theirs)[0]
    np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_principal_axis_converges_to_minres():
    r = random_correlations(4)
    np.testing.assert_allclose(
        ex.extract(r, 2, "pa").loadings, ex.extract(r, 2, "minres").loadings, atol=1e-8
    )


def test_oblique_loading_above_one_is_not_a_heywood_case():
    # communality .97 only, though rotation could make one loading exceed 1
    loadings = np.array([[0.8, 0.57], [0.7, 0.3], [0.6, 0.2], [0.5, -0.4], [0.4, -0.5]])
    r = loadings @ loadings.T
    np.fill_diagonal(r, 1.0)
    assert not ex.extract(r, 1).heywood.any()


@given(st.integers(0, 10_000), st.sampled_from(FACTOR_METHODS), st.integers(1, 2))
@settings(max_examples=25, deadline=None)
def test_order_of_items_and_reflection_change_nothing_else(seed, method, m):
    r = random_correlations(seed)
    rng = np.random.default_rng(seed)
    order, sign = rng.permutation(8), rng.choice([-1.0, 1.0], 8)
    found = ex.extract(r, m, method)
    moved = ex.extract((r * np.outer(sign, sign))[np.ix_(order, order)], m, method)
    np.testing.assert_allclose(moved.objective, found.objective, atol=1e-8)
    if not found.bounded.any() and found.converged:
        common = found.loadings @ found.loadings.T
        again = moved.loadings @ moved.loadings.T
        np.testing.assert_allclose(
            again, (common * np.outer(sign, sign))[np.ix_(order, order)], atol=1e-5
        )


@given(st.integers(0, 10_000))
@settings(max_examples=15, deadline=None)
def test_more_factors_never_fit_worse(seed):
    r = random_correlations(seed)
    for method in ("minres", "ml", "gls"):
        values = [ex.extract(r, m, method).objective for m in (1, 2, 3)]
        assert values[0] >= values[1] - 1e-9
        assert values[1] >= values[2] - 1e-9


def test_squared_multiple_correlations_by_hand():
    # two variables: r squared
    smc = ex.squared_multiple_correlations(np.array([[1, 0.6], [0.6, 1]]))
    np.testing.assert_allclose(smc, 0.36)


def test_a_communality_of_exactly_one_is_a_heywood_case():
    none = np.zeros(2, dtype=bool)
    found = ex.Extraction(np.array([[1.0], [0.5]]), np.array([0.0, 0.75]), 0.0, True, 1, none)
    assert found.heywood.tolist() == [True, False]


def test_communalities_by_hand():
    loadings = np.array([[0.6, 0.8], [0.5, -0.1]])
    found = ex.Extraction(loadings, np.array([0, 0.74]), 0.0, True, 1, np.zeros(2, dtype=bool))
    np.testing.assert_allclose(found.communalities, [1.0, 0.26])


@pytest.mark.parametrize("method", ["ml", "minres"])
def test_an_item_at_the_bound_is_named(method):
    # one factor would need a communality of .8 x .8 / .5 = 1.28
    r = np.array([[1, 0.8, 0.8], [0.8, 1, 0.5], [0.8, 0.5, 1]])
    found = ex.extract(r, 1, method)
    assert found.bounded.tolist() == [True, False, False]
    assert found.heywood[0]
