"""Fit, scores, Schmid-Leiman, adequacy and standard errors on arrays."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cte_metrics.kernels.factor import (
    adequacy,
    factor_fit,
    factor_scores,
    fit_indices,
    loading_errors,
)
from cte_metrics.kernels.factor.schmid_leiman import general_loadings, schmid_leiman
from tests.factor.stored import (
    CASES,
    answers,
    array,
    correlations,
    fa_entries,
    phi_of,
)
from tests.reference_case import case

SCORES = {
    "Thurstone": "regression",
    "Bartlett": "bartlett",
    "tenBerge": "tenberge",
    "Anderson": "anderson",
    "Harman": "harman",
}


# --- fit ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "key"), fa_entries(rotation="none"))
def test_fit_reference_psych(name, key):
    c = case(name)
    entry = c[key]
    r, loadings = correlations(c, entry), array(entry.values["loadings"])
    got = factor_fit.fit(r, loadings @ loadings.T, loadings.shape[1], entry.args["n"])
    want = entry.values["fit"]
    assert got.df == want["dof"]
    pairs = {
        "chi2": "STATISTIC",
        "p": "PVAL",
        "tli": "TLI",
        "bic": "BIC",
        "rmsr": "rms",
        "objective": "objective",
        "null_chi2": "null_chisq",
    }
    for ours, theirs in pairs.items():
        np.testing.assert_allclose(getattr(got, ours), want[theirs], rtol=1e-9, atol=1e-10)
    # psych's limits come from uniroot with a tolerance of 1e-4 in the noncentrality
    limits = (got.rmsea, got.rmsea_low, got.rmsea_high)
    np.testing.assert_allclose(limits, want["RMSEA"][:3], atol=1e-6)


def test_fit_by_hand():
    # two uncorrelated pairs, one factor that explains nothing: the model is the identity
    r = np.kron(np.eye(2), np.array([[1, 0.5], [0.5, 1]]))
    got = factor_fit.fit(r, np.zeros((4, 4)), 1, 101)
    assert got.df == 2
    np.testing.assert_allclose(got.objective, -2 * np.log(0.75))
    np.testing.assert_allclose(got.chi2, got.objective * (100 - 13 / 6 - 2 / 3))
    np.testing.assert_allclose(got.rmsr, np.sqrt(4 * 0.25 / 12))


def test_fit_limits():
    one = np.full((4, 1), np.sqrt(0.3))
    r = one @ one.T + 0.7 * np.eye(4)
    got = factor_fit.fit(r, one @ one.T, 1, 500)
    assert got.chi2 == pytest.approx(0, abs=1e-8)
    assert (got.rmsea, got.rmsea_low, got.cfi) == (0, 0, 1)
    without_n = factor_fit.fit(r, one @ one.T, 1, None)
    assert np.isnan(without_n.chi2)
    assert without_n.rmsr == pytest.approx(0, abs=1e-12)
    saturated = factor_fit.fit(r[:3, :3], (one @ one.T)[:3, :3], 1, 500)
    assert saturated.df == 0
    assert np.isnan(saturated.p)


def test_rmsea_limits_enclose_the_noncentrality():
    from cte_metrics.kernels.numerics.distributions import noncentral_chi2_cdf

    low, high = fit_indices.rmsea_interval(80.0, 40, 199)
    for limit, probability in ((low, 0.95), (high, 0.05)):
        ncp = limit**2 * 40 * 199
        np.testing.assert_allclose(noncentral_chi2_cdf(80.0, 40, ncp), probability, atol=1e-8)
    assert fit_indices.rmsea_interval(10.0, 40, 199) == (0.0, 0.0)


# --- scores --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["thurstone", "bfi_ac", "hs1939", "sim_cte12", "sim_cte18"])
@pytest.mark.parametrize("theirs", SCORES)
def test_scores_reference_psych(name, theirs):
    c = case(name)
    entries = [e for e in c.entries("fscores.") if e.id.endswith(theirs)]
    assert entries
    for entry in entries:
        rotation = entry.id.split(".")[-2]
        solution = next(e for e in c.entries("fa.minres") if e.id.endswith(f".{rotation}"))
        r, loadings = correlations(c, solution), array(solution.values["loadings"])
        phi = phi_of(solution.values, loadings.shape[1])
        weights = factor_scores.score_weights(r, loadings, phi, SCORES[theirs])
        np.testing.assert_allclose(weights, array(entry.values["weights"]), atol=1e-9)


def test_scores_by_hand_and_their_promises():
    loadings = np.array([[0.8, 0], [0.7, 0.1], [0.1, 0.6], [0, 0.7], [0.3, 0.5]])
    phi = np.array([[1, 0.4], [0.4, 1]])
    r = loadings @ phi @ loadings.T
    np.fill_diagonal(r, 1)
    weights = {
        m: factor_scores.score_weights(r, loadings, phi, m) for m in factor_scores.SCORE_METHODS
    }
    np.testing.assert_allclose(weights["bartlett"].T @ loadings, np.eye(2), atol=1e-12)
    spread = weights["tenberge"].T @ r @ weights["tenberge"]
    np.testing.assert_allclose(spread, phi, atol=1e-12)
    np.testing.assert_allclose(
        weights["anderson"].T @ r @ weights["anderson"], np.eye(2), atol=1e-12
    )
    validity = {m: factor_scores.score_validity(r, loadings, phi, w) for m, w in weights.items()}
    for other in validity.values():
        assert (validity["regression"] >= other - 1e-12).all()
    one = factor_scores.score_weights(np.eye(1), np.array([[0.6]]), np.eye(1), "regression")
    np.testing.assert_allclose(one, 0.6)


# --- Schmid-Leiman ------------------------------------------------------------------------------


def test_schmid_leiman_by_hand():
    phi = np.outer([0.9, 0.8, 0.7], [0.9, 0.8, 0.7])
    np.fill_diagonal(phi, 1)
    out = schmid_leiman(np.eye(3), phi)
    np.testing.assert_allclose(out.general, [0.9, 0.8, 0.7], atol=1e-7)
    np.testing.assert_allclose(np.diag(out.group), np.sqrt([0.19, 0.36, 0.51]), atol=1e-7)
    assert out.identified
    assert not out.heywood


def test_schmid_leiman_of_one_and_two_factors():
    np.testing.assert_array_equal(general_loadings(np.eye(1)), [1])
    np.testing.assert_allclose(general_loadings(np.array([[1, -0.25], [-0.25, 1]])), [0.5, -0.5])
    one = schmid_leiman(np.array([[0.8], [0.6]]), np.eye(1))
    np.testing.assert_allclose(one.general, [0.8, 0.6])
    assert not one.group.any()
    assert not schmid_leiman(np.eye(2), np.eye(2)).identified


@pytest.mark.parametrize("name", ["thurstone", "hs1939", "sim_cte18"])
def test_schmid_leiman_reference_psych(name):
    entry = next(e for e in case(name).entries("schmid.") if "minres" in e.id)
    values = entry.values
    pattern, phi = array(values["oblique"]), array(values["phi"])
    out = schmid_leiman(pattern, phi)
    table = np.column_stack([out.general, out.group])
    stored = array(values["sl"])[:, : table.shape[1]]
    # psych finds the general loadings with fa's early stop
    np.testing.assert_allclose(table, stored, atol=1e-4)


@given(st.integers(0, 5000))
@settings(max_examples=30, deadline=None)
def test_schmid_leiman_keeps_communalities(seed):
    rng = np.random.default_rng(seed)
    gamma = rng.uniform(0.3, 0.9, 4)
    phi = np.outer(gamma, gamma)
    np.fill_diagonal(phi, 1)
    pattern = np.kron(np.eye(4), np.ones((3, 1))) * rng.uniform(0.4, 0.9, (12, 1))
    out = schmid_leiman(pattern, phi)
    total = out.general**2 + (out.group**2).sum(axis=1)
    np.testing.assert_allclose(total, out.communalities, atol=1e-6)


# --- adequacy -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CASES)
def test_adequacy_reference_psych(name):
    c = case(name)
    entry = c["KMO"]
    r = correlations(c, c["fa.minres.nf1.none"])
    got = adequacy.kmo(r)
    np.testing.assert_allclose(got.overall, entry.values["MSA"], atol=1e-12)
    items = entry.values["MSAi"]
    items = list(items.values()) if isinstance(items, dict) else items
    np.testing.assert_allclose(got.items, items, atol=1e-12)
    test = c["cortest_bartlett"].values
    bartlett = adequacy.bartlett(r, c["fa.minres.nf1.none"].args["n"])
    np.testing.assert_allclose(bartlett.chi2, test["chisq"], rtol=1e-11)
    np.testing.assert_allclose(bartlett.p, test["p.value"], rtol=1e-8, atol=1e-300)
    assert bartlett.df == test["df"]


def test_partial_correlations_by_hand():
    # three equal correlations r: partial (r - r^2) / (1 - r^2) = r / (1 + r)
    r = np.full((3, 3), 0.5) + 0.5 * np.eye(3)
    np.testing.assert_allclose(adequacy.partial_correlations(r)[0, 1], 1 / 3)


@pytest.mark.parametrize("name", ["bfi_ac", "hs1939", "sim_careless", "sim_cte21"])
def test_mardia_reference_psych(name):
    c = case(name)
    entry = c["mardia"]
    got = adequacy.mardia(answers(c, entry).to_numpy(dtype=float))
    want = entry.values
    np.testing.assert_allclose(got.skew, want["b1p"], rtol=1e-9)
    np.testing.assert_allclose(got.kurtosis, want["b2p"], rtol=1e-9)
    np.testing.assert_allclose(got.skew_chi2, want["skew"], rtol=1e-9)
    np.testing.assert_allclose(got.skew_p, want["p.skew"], rtol=1e-6)
    np.testing.assert_allclose(got.kurtosis_z, want["kurtosis"], rtol=1e-8)


def test_mardia_equals_the_sum_over_pairs():
    x = np.random.default_rng(1).exponential(size=(40, 3))
    centred = x - x.mean(axis=0)
    products = centred @ np.linalg.inv(np.cov(x.T)) @ centred.T
    got = adequacy.mardia(x, block=7)
    np.testing.assert_allclose(got.skew, (products**3).mean())
    np.testing.assert_allclose(got.kurtosis, (np.diag(products) ** 2).mean())


# --- standard errors ----------------------------------------------------------------------------


def test_normal_gamma_by_hand():
    # variance of one correlation: (1 - r^2)^2
    gamma = loading_errors.normal_gamma(np.array([[1, 0.6], [0.6, 1]]))
    np.testing.assert_allclose(gamma, [[0.64**2]])


def test_normal_gamma_is_the_delta_method_on_covariances():
    # cov(s_ij, s_kl) = s_ik s_jl + s_il s_jk, carried to r = s_ij / sqrt(s_ii s_jj)
    rng = np.random.default_rng(4)
    common = rng.normal(size=(5, 3)) @ rng.normal(size=(3, 40))
    r = np.corrcoef(common + rng.normal(size=(5, 40)))
    lower = [(a, b) for a in range(5) for b in range(a + 1)]
    pairs = [(a, b) for a in range(5) for b in range(a + 1, 5)]
    cov = np.array([[r[a, c] * r[b, d] + r[a, d] * r[b, c] for c, d in lower] for a, b in lower])
    slopes = np.zeros((len(pairs), len(lower)))
    for row, (i, j) in enumerate(pairs):
        slopes[row, lower.index((j, i))] = 1.0
        slopes[row, lower.index((i, i))] = slopes[row, lower.index((j, j))] = -r[i, j] / 2
    expected = slopes @ cov @ slopes.T
    np.testing.assert_allclose(loading_errors.normal_gamma(r), expected, atol=1e-12)


def test_correlation_jacobian_against_finite_differences():
    rng = np.random.default_rng(2)
    loadings, phi = rng.normal(size=(5, 2)), np.array([[1, 0.3], [0.3, 1]])
    exact = loading_errors.correlation_jacobian(loadings, phi)

    def model(stack, phis):
        rho = stack @ phis @ np.swapaxes(stack, 1, 2)
        i, j = np.triu_indices(5, 1)
        return rho[:, i, j]

    np.testing.assert_allclose(exact, loading_errors.derivatives(model, loadings, phi), atol=1e-8)


def test_one_factor_errors_are_those_of_the_information():
    # with one factor there is no rotation: (D' inv(Gamma) D)^-1
    loadings = np.array([[0.8], [0.7], [0.6], [0.5]])
    rho = loadings @ loadings.T
    np.fill_diagonal(rho, 1)
    gamma = loading_errors.normal_gamma(rho)
    weight = np.linalg.inv(gamma)
    d = loading_errors.correlation_jacobian(loadings, np.eye(1))
    got = loading_errors.asymptotic_covariance(loadings, np.eye(1), weight, gamma, np.empty((0, 4)))
    np.testing.assert_allclose(got, np.linalg.inv(d.T @ weight @ d), rtol=1e-9)
