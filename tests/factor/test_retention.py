"""n_factors(): criteria together."""

import json

import numpy as np
import pytest

import cte_metrics as cte
from cte_metrics.factor import efa, n_factors
from tests.factor.stored import CASES, answers, correlations
from tests.reference_case import case


def hs():
    return case("hs1939").data[[f"x{i}" for i in range(1, 10)]]


@pytest.mark.parametrize("name", CASES)
def test_reference_parallel(name):
    c = case(name)
    entry = c["fa.minres.nf1.none"]
    stored = c["fa_parallel"].values
    out = n_factors(correlations(c, entry), n_obs=entry.args["n"], methods=("parallel",), rng=1)
    np.testing.assert_allclose(out.eigenvalues, stored["pc_values"], atol=1e-10)
    np.testing.assert_allclose(out.factor_eigenvalues, stored["fa_values"], atol=2e-5)
    # stored: means of 50 random data sets
    np.testing.assert_allclose(out.mean_eigenvalues, stored["pc_sim"], atol=0.03)
    np.testing.assert_allclose(out.mean_factor_eigenvalues[1:], stored["fa_sim"][1:], atol=0.05)
    assert (out.reference_eigenvalues > out.mean_eigenvalues)[0]
    assert out.suggested["parallel_components"] == stored["ncomp"]


def test_reference_parallel_harman():
    c = case("harman24")
    stored = c["parallel"].values
    out = n_factors(
        c.data.set_index("variable"), n_obs=145, methods=("parallel",), n_resamples=1500, rng=2
    )
    np.testing.assert_allclose(out.eigenvalues, stored["pc"], atol=1e-10)
    np.testing.assert_allclose(out.factor_eigenvalues, stored["fa"], atol=2e-5)
    np.testing.assert_allclose(out.mean_eigenvalues, stored["pc_mean"], atol=0.02)
    np.testing.assert_allclose(out.reference_eigenvalues, stored["pc_p95"], atol=0.04)
    np.testing.assert_allclose(out.mean_factor_eigenvalues, stored["fa_mean"], atol=0.03)
    np.testing.assert_allclose(
        out.reference_factor_eigenvalues[1:], stored["fa_p95"][1:], atol=0.04
    )
    assert out.suggested["parallel"] == stored["nfact"]
    assert out.suggested["parallel_components"] == stored["ncomp"]


@pytest.mark.parametrize("name", ["thurstone", "bfi_ac", "hs1939", "sim_cte12"])
def test_reference_map_ekc_kaiser(name):
    c = case(name)
    entry = c["fa.minres.nf1.none"]
    out = n_factors(correlations(c, entry), n_obs=entry.args["n"], methods=("map", "ekc", "kaiser"))
    stored = np.asarray(c["vss_map"].values["map"])
    np.testing.assert_allclose(out.map_values.loc[1 : len(stored)], stored, atol=1e-10)
    assert out.map_values.index[0] == 0
    assert out.suggested["map"] == 1 + int(np.argmin(stored))
    assert out.suggested["ekc"] == c["efatools.EKC"].values["n_factors_BvA2017"]
    assert out.suggested["kaiser"] == c["efatools.KGC"].values["n_fac_PCA"]


@pytest.mark.parametrize("name", ["thurstone", "hs1939", "sim_cte12"])
def test_reference_sequential(name):
    c = case(name)
    entry = c["fa.minres.nf1.none"]
    out = n_factors(correlations(c, entry), n_obs=entry.args["n"], methods=("sequential",))
    assert out.suggested["sequential"] == c["efatools.SMT"].values["nfac_chi"]


@pytest.mark.parametrize(("name", "true"), [("thurstone", 3), ("bfi_ac", 2), ("hs1939", 3)])
def test_hull_finds_the_known_number(name, true):
    c = case(name)
    entry = c["fa.minres.nf1.none"]
    out = n_factors(correlations(c, entry), n_obs=entry.args["n"], methods=("hull",), max_factors=4)
    assert out.suggested["hull"] == true
    assert list(out.hull.index) == [0, 1, 2, 3, 4]
    assert out.hull["cfi"].iloc[0] == 0


def test_by_hand_unrelated_items_have_no_factor():
    r = np.eye(6)
    out = n_factors(r, n_obs=300, methods=("parallel", "map", "ekc", "kaiser"), rng=1)
    assert out.suggested["parallel_components"] == 0
    assert out.suggested["map"] == 0
    assert out.suggested["ekc"] == 0
    np.testing.assert_allclose(out.map_values[0], 0)


def test_the_generator_decides_and_global_state_is_left_alone():
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    one = n_factors(hs(), methods=("parallel",), n_resamples=50, rng=3)
    other = n_factors(hs(), methods=("parallel",), n_resamples=50, rng=np.random.default_rng(3))
    np.testing.assert_array_equal(one.reference_eigenvalues, other.reference_eigenvalues)
    np.testing.assert_array_equal(before, np.random.get_state()[1])  # noqa: NPY002


def test_polychoric_parallel_has_wider_random_roots():
    data = case("datcat").data[[f"u{i}" for i in range(1, 9)]]
    poly = n_factors(data, methods=("parallel",), correlation="polychoric", n_resamples=200, rng=4)
    normal = n_factors(data, methods=("parallel",), n_resamples=200, rng=4)
    assert poly.reference_eigenvalues[0] > normal.reference_eigenvalues[0]


def test_order_of_items_and_rows_does_not_matter():
    one = n_factors(hs(), n_resamples=20, rng=5)
    other = n_factors(
        hs().sample(frac=1, random_state=1)[hs().columns[::-1]], n_resamples=20, rng=5
    )
    np.testing.assert_allclose(one.eigenvalues, other.eigenvalues)
    np.testing.assert_allclose(one.map_values, other.map_values, atol=1e-12)
    assert one.suggested == other.suggested


def test_comparison_data():
    c = case("sim_cte12")
    data = answers(c, c["fa.minres.nf1.none"])
    out = n_factors(data, methods=("comparison_data",), max_factors=3, rng=6)
    assert out.suggested["comparison_data"] == 2


def test_refusals():
    with pytest.raises(cte.InputError, match="parallel, ekc, hull need the number of respondents"):
        n_factors(hs().corr())
    with pytest.raises(cte.InputError, match="resamples answers"):
        n_factors(hs().corr(), n_obs=301, methods=("comparison_data",))
    with pytest.raises(cte.InputError, match="methods='paralel' is not one of"):
        n_factors(hs(), methods=("paralel",))
    with pytest.raises(cte.InputError, match="methods is empty"):
        n_factors(hs(), methods=())
    with pytest.raises(cte.InputError, match="n_resamples=0"):
        n_factors(hs(), n_resamples=0)
    with pytest.raises(cte.InputError, match="not positive definite"):
        n_factors(hs().assign(twin=hs()["x1"]))


def test_hull_of_five_items_is_left_out_and_said():
    out = n_factors(hs().iloc[:, :5], methods=("hull", "kaiser"), rng=1)
    assert [out.suggested[k] for k in ("hull", "hull_caf", "hull_rmsea")] == [None] * 3
    assert any("six items or more" in n for n in out.notes)


def test_rendering_and_agreement_table():
    out = n_factors(hs(), n_resamples=50, rng=7)
    table = out.table
    assert table.loc["parallel", "n_factors"] == out.suggested["parallel"]
    assert table.loc["parallel", "agree"] == sum(
        m == out.suggested["parallel"] for m in out.suggested.values()
    )
    assert any("The criteria disagree" in n for n in out.notes)
    text = out.summary()
    for part in ("Criteria", "Roots", "Average partial correlations", "Hull"):
        assert part in text
    assert json.loads(json.dumps(out.to_dict()))["suggested"]["kaiser"] == 3
    assert "<table>" in out._repr_html_()
    assert len(out.plot().axes) == 2
    assert len(n_factors(hs(), methods=("kaiser",)).plot().axes) == 1
    assert efa(hs(), out.suggested["parallel"]).n_factors == 3


def test_hull_without_a_bend_suggests_nothing_and_says_so():
    out = n_factors(np.eye(6) + 0.0, n_obs=300, methods=("hull", "kaiser"), max_factors=2)
    assert out.suggested["hull_caf"] is None
    assert out.suggested["kaiser"] == 0
    assert any(n.startswith("hull_caf suggests no number") for n in out.notes)
    assert out.table["n_factors"].isna()["hull_caf"]
    assert "hull_caf" in out.summary()
    assert out.to_dict()["suggested"]["hull_caf"] is None


def test_items_without_any_correlation_have_no_adequacy():
    out = cte.factor.adequacy(np.eye(3), n_obs=100)
    assert np.isnan(out.kmo)
    assert out.kmo_items.isna().all()
    assert out.kmo_word == "undefined"
    assert any("correlate with no other item" in n for n in out.notes)
