"""One correlation matrix for all analyses of structure."""

import numpy as np
import pandas as pd
import pytest

import cte_metrics as cte
from cte_metrics.factor import polychoric
from cte_metrics.factor.matrices.correlation_input import correlation_matrix
from tests.reference_case import case


def bfi():
    c = case("bfi_ac")
    return c.data[c["corr_test.pearson.pairwise"].args["items"]]


@pytest.mark.parametrize("correlation", ["pearson", "spearman"])
@pytest.mark.parametrize(("missing", "use"), [("pairwise", "pairwise"), ("listwise", "complete")])
def test_reference(correlation, missing, use):
    expected = case("bfi_ac")[f"corr_test.{correlation}.{use}"].values["r"].to_numpy()
    got = correlation_matrix(bfi(), correlation=correlation, missing=missing)
    np.testing.assert_allclose(got.matrix, expected, atol=1e-12)


def test_polychoric_is_polychorics():
    data = case("datcat").data[["u1", "u2", "u3"]]
    got = correlation_matrix(data, correlation="polychoric", acov=True)
    result = polychoric(data)
    np.testing.assert_array_equal(got.matrix, result.correlations)
    np.testing.assert_array_equal(got.acov, result.correlation_acov)
    assert correlation_matrix(data, correlation="polychoric").acov is None


def test_fiml_of_complete_rows_is_pearson():
    data = case("hs1939").data[["x1", "x2", "x3", "x4"]]
    got = correlation_matrix(data, correlation="fiml")
    np.testing.assert_allclose(got.matrix, np.corrcoef(data.T), atol=1e-7)


def test_a_covariance_matrix_is_rescaled_and_said():
    data = case("hs1939").data[["x1", "x2", "x3"]]
    got = correlation_matrix(data.cov(), n_obs=301)
    np.testing.assert_allclose(got.matrix, data.corr(), atol=1e-14)
    assert got.notes == ("A covariance matrix was rescaled.",)
    assert got.n_obs == 301


def test_moments_serve_for_pearson_only():
    data = case("hs1939").data[["x1", "x2", "x3"]]
    moments = cte.Moments.from_data(data)
    np.testing.assert_allclose(correlation_matrix(moments).matrix, data.corr(), atol=1e-12)
    with pytest.raises(cte.InputError, match="Moments hold no answers"):
        correlation_matrix(moments, correlation="polychoric")


def test_notes_and_refusals():
    data = bfi()
    got = correlation_matrix(data, missing="pairwise")
    assert any("Pairs of items rest on" in n for n in got.notes)
    assert got.n_obs == float(
        (data.notna().astype(int).T @ data.notna().astype(int)).to_numpy().min()
    )
    dropped = correlation_matrix(data)
    assert dropped.n_dropped == int(data.isna().any(axis=1).sum())
    with pytest.raises(cte.InputError, match="same answer to A2"):
        correlation_matrix(data.assign(A2=4))
    with pytest.raises(cte.InputError, match="correlation='kendal'"):
        correlation_matrix(data, correlation="kendal")
    with pytest.raises(cte.InputError, match="n_obs=1"):
        correlation_matrix(pd.DataFrame(np.eye(3)), n_obs=1)
    apart = pd.DataFrame({"a": [1, 2, 3, np.nan, np.nan], "b": [np.nan, np.nan, np.nan, 1, 2]})
    with pytest.raises(cte.InputError, match="Too few respondents answered both"):
        correlation_matrix(apart, missing="pairwise")


@pytest.mark.parametrize(
    "figure",
    [
        lambda d: cte.factor.efa(d, 2).loadings.to_numpy(),
        lambda d: cte.factor.adequacy(d).bartlett_chi2,
        lambda d: cte.factor.n_factors(d, n_resamples=20, rng=1).reference_eigenvalues,
        lambda d: cte.reliability.cronbach_alpha(d).ci.low,
        lambda d: cte.reliability.guttman_lambdas(d).lambda6,
        lambda d: cte.reliability.greatest_lower_bound(d).to_frame().iloc[0, 0],
        lambda d: cte.reliability.hierarchical_omega(d, 3).hierarchical,
        lambda d: cte.reliability.mcdonald_omega(d).omega,
    ],
)
def test_moments_serve_in_place_of_answers(figure):
    data = case("hs1939").data[[f"x{k}" for k in range(1, 10)]]
    halves = cte.Moments.from_data(data[:150]) + cte.Moments.from_data(data[150:])
    np.testing.assert_allclose(figure(halves), figure(data), rtol=1e-6)


@pytest.mark.parametrize(
    ("entry", "said"), [(0.9, "row 1, column 2 holds 0.9, but row 2"), (np.nan, "row 1, column 2")]
)
def test_a_broken_matrix_with_n_obs_is_not_taken_for_answers(entry, said):
    r = np.full((4, 4), 0.5)
    np.fill_diagonal(r, 1.0)
    r[0, 1] = entry
    with pytest.raises(cte.InputError, match=said):
        cte.factor.efa(r, 1, n_obs=100)


def test_n_obs_that_is_no_number():
    r = np.full((4, 4), 0.5) + 0.5 * np.eye(4)
    with pytest.raises(cte.InputTypeError, match="n_obs takes"):
        cte.factor.efa(r, 1, n_obs="many")


@pytest.mark.parametrize(("k", "said"), [(1, "1 of 1 factors has"), (2, "2 of 2 factors have")])
def test_items_without_correlations_have_factors_without_loadings(k, said):
    with pytest.warns(cte.DataWarning, match=f"{said} no loadings"):
        out = cte.factor.efa(np.eye(6), k, rotation="none", n_obs=100)
    np.testing.assert_allclose(out.loadings, 0.0, atol=1e-6)
    assert np.isnan(out.variance["proportion_explained"]).all()
    assert (out.variance["proportion"] == 0.0).all()


def test_a_seed_that_is_none_is_refused():
    with pytest.raises(cte.InputTypeError, match="rng is a seed"):
        cte.factor.n_factors(np.eye(6), n_obs=100, rng="a")
