"""Models with ordinal items: invariances, refusals, and lavaan's figures beyond the stored ones.

The models of the shared reference cases are in test_lavaan_entries.py.
"""

import numpy as np
import pandas as pd
import pytest

import cte_metrics as cte
from cte_metrics import sem
from cte_metrics.factor import polychoric
from tests.reference_case import case
from tests.sem.lavaan_entry import differences, run


@pytest.mark.parametrize(
    "entry",
    case("ordinal_models").entries(),
    ids=lambda e: e.id,
)
def test_further_models_equal_lavaan(entry):
    c = case("ordinal_models")
    if "sampling.weights" in entry.args:
        args = entry.args
        found = sem.cfa(args["model"], c.data, ordered=args["ordered"], weights="w")
    else:
        found = run(c, entry)
    assert differences(found, entry) == []


def binary(n=300, seed=1):
    rng = np.random.default_rng(seed)
    f = rng.normal(size=(n, 1))
    x = (0.8 * f + 0.6 * rng.normal(size=(n, 3)) > [0.2, -0.3, 0.0]).astype(int)
    return pd.DataFrame(x, columns=["a", "b", "c"])


def test_three_binary_items_fit_exactly():
    """Loadings follow from the tetrachoric correlations: l_a^2 = r_ab r_ac / r_bc."""
    data = binary()
    fit = sem.cfa("f =~ a + b + c", data, ordered=True, identification="variance")
    r = polychoric(data).correlations
    expected = np.sqrt(r.loc["a", "b"] * r.loc["a", "c"] / r.loc["b", "c"])
    table = fit.parameters
    loading = table[(table.op == "=~") & (table.rhs == "a")].est.iloc[0]
    assert loading == pytest.approx(expected, abs=1e-6)
    assert fit.fit_measures["df"] == 0
    assert fit.fit_measures["chisq"] == pytest.approx(0.0, abs=1e-8)
    threshold = table[(table.op == "|") & (table.lhs == "a")].est.iloc[0]
    assert threshold == pytest.approx(polychoric(data).thresholds["a"][0], abs=1e-8)


MODEL = "f1 =~ u1 + u2 + u3 + u4\nf2 =~ u5 + u6 + u7 + u8"


@pytest.fixture(scope="module")
def items():
    return case("datcat").data[[f"u{j}" for j in range(1, 9)]]


def measures(fit):
    return np.array([fit.fit_measures[k] for k in ("chisq", "chisq_scaled", "cfi", "srmr")])


def test_theta_and_delta_are_the_same_model(items):
    delta = sem.cfa(MODEL, items, ordered=True)
    theta = sem.cfa(MODEL, items, ordered=True, parameterization="theta")
    np.testing.assert_allclose(measures(delta), measures(theta), rtol=1e-6)
    both = [f.standardized().query("op == '=~'").est.to_numpy() for f in (delta, theta)]
    np.testing.assert_allclose(both[0], both[1], atol=1e-6)


def test_order_of_rows_and_items_does_not_matter(items):
    plain = sem.cfa(MODEL, items, ordered=True)
    turned = "f2 =~ u8 + u5 + u7 + u6\nf1 =~ u3 + u1 + u4 + u2"
    shuffled = items.sample(frac=1.0, random_state=3)
    np.testing.assert_allclose(
        measures(plain), measures(sem.cfa(turned, shuffled, ordered=True)), rtol=1e-6
    )


def test_codes_of_categories_do_not_matter(items):
    coded = items.replace({1: -3.0, 2: 0.0, 3: 0.5, 4: 7.0, 5: 8.0})
    np.testing.assert_allclose(
        measures(sem.cfa(MODEL, items, ordered=True)),
        measures(sem.cfa(MODEL, coded, ordered=True)),
        rtol=1e-9,
    )


def test_a_reversed_item_changes_only_its_signs(items):
    plain = sem.cfa(MODEL, items, ordered=True)
    turned = sem.cfa(MODEL, items.assign(u3=6 - items["u3"]), ordered=True)
    np.testing.assert_allclose(measures(plain), measures(turned), rtol=1e-6)
    a, b = (f.parameters.query("op == '=~' and rhs == 'u3'").est.iloc[0] for f in (plain, turned))
    assert a == pytest.approx(-b, rel=1e-6)


def test_variants_share_the_estimates_of_dwls(items):
    found = [
        sem.cfa(MODEL, items, ordered=True, estimator=e).parameters.est
        for e in ("DWLS", "WLSMV", "WLSM", "WLSMVS")
    ]
    for other in found[1:]:
        np.testing.assert_array_equal(found[0], other)


def test_equal_weights_are_no_weights(items):
    plain = sem.cfa(MODEL, items, ordered=True)
    weighted = sem.cfa(MODEL, items, ordered=True, weights=np.full(len(items), 3.0))
    np.testing.assert_allclose(measures(plain), measures(weighted), rtol=1e-8)


def test_wlsmv_is_the_default_with_ordered_items(items):
    assert sem.cfa(MODEL, items, ordered=True).provenance.settings["estimator"] == "WLSMV"


def test_refusals(items):
    with pytest.raises(cte.InputError, match="no item is declared ordinal"):
        sem.cfa(MODEL, items, estimator="WLSMV")
    with pytest.raises(cte.InputError, match="cannot be used with ordered items"):
        sem.cfa(MODEL, items, estimator="ML", ordered=True)
    with pytest.raises(cte.UnknownNameError, match="Did you mean 'u4'"):
        sem.cfa(MODEL, items, ordered=["u1", "u2", "u3", "uu4"])
    with pytest.raises(cte.InputError, match="None of the ordered items"):
        sem.cfa(MODEL, items, ordered=["elsewhere"])
    with pytest.raises(cte.InputError, match="has 1 categories"):
        sem.cfa(MODEL, items.assign(u2=3), ordered=True)
    rng = np.random.default_rng(1)
    with pytest.raises(cte.InputError, match="different values"):
        sem.cfa(MODEL, items.assign(u2=rng.normal(size=len(items))), ordered=True)
    with pytest.raises(cte.InputError, match="fiml"):
        sem.cfa(MODEL, items, ordered=True, missing="fiml")
    with pytest.raises(cte.InputError, match="is for ordinal items") as error:
        sem.cfa(MODEL, items, missing="pairwise")
    assert "fiml" in str(error.value)


def test_a_group_without_a_category_gets_a_choice(items):
    group = np.where(np.arange(len(items)) % 2, "a", "b")
    lacking = items.copy()
    lacking.loc[(group == "a") & (lacking["u6"] == 5), "u6"] = 4
    with pytest.raises(
        cte.InputError, match=r"No one answered 5 to the ordinal item 'u6' in group"
    ) as error:
        sem.cfa(MODEL, lacking, ordered=True, group=group)
    assert "replace(5, 4)" in str(error.value)
    assert "taking it" in str(error.value) or "take the item as numeric" in str(error.value)
    merged = lacking.assign(u6=lacking["u6"].replace(5, 4))
    assert sem.cfa(MODEL, merged, ordered=True, group=group).converged


def test_empty_cells_and_dropped_rows_are_said(items):
    holed = items.astype(float)
    holed.iloc[:7, 0] = np.nan
    fit = sem.cfa(MODEL, holed, ordered=True)
    assert fit.provenance.n_dropped == 7
    assert any("7 of 200 rows" in n for n in fit.notes)
    assert any(n.startswith("Empty cells in ") and "of 28 two-way" in n for n in fit.notes)


def test_pairwise_deletion_is_said_and_changes_nothing_without_gaps(items):
    plain = sem.cfa(MODEL, items, ordered=True)
    pairwise = sem.cfa(MODEL, items, ordered=True, missing="pairwise")
    np.testing.assert_array_equal(measures(plain), measures(pairwise))
    holed = items.astype(float)
    holed.iloc[:7, 0] = np.nan
    found = sem.cfa(MODEL, holed, ordered=True, missing="pairwise")
    assert found.provenance.n_used == 200
    assert "Missing answers were skipped pair by pair of items." in found.notes


def test_wls_with_too_few_rows_says_what_to_do():
    rng = np.random.default_rng(2)
    names = [f"v{j}" for j in range(9)]
    data = pd.DataFrame(
        (rng.normal(size=(40, 9)) + rng.normal(size=(40, 1)) > 0) * 1, columns=names
    )
    with pytest.raises(cte.EstimationError, match="singular") as error:
        sem.cfa("f =~ " + " + ".join(names), data, ordered=True, estimator="WLS")
    assert "WLSMV" in str(error.value)


@pytest.mark.slow
def test_recovery_and_type_one_error():
    """Loadings of 500 samples of 400 average to the truth; the scaled test keeps its level."""
    rng = np.random.default_rng(11)
    loading = np.array([0.8, 0.7, 0.6, 0.75, 0.65])
    found, rejected, covered = np.zeros(5), 0, 0
    runs = 500
    for _ in range(runs):
        f = rng.normal(size=(400, 1))
        latent = f * loading + rng.normal(size=(400, 5)) * np.sqrt(1 - loading**2)
        x = pd.DataFrame(np.digitize(latent, [-1.2, -0.3, 0.8]), columns=list("abcde"))
        fit = sem.cfa("f =~ a + b + c + d + e", x, ordered=True, identification="variance")
        rows = fit.parameters[fit.parameters.op == "=~"]
        found += rows.est.to_numpy() / runs
        covered += int(abs(rows.est.iloc[1] - 0.7) < 1.96 * rows.se.iloc[1])
        rejected += fit.fit_measures["pvalue_scaled"] < 0.05
    np.testing.assert_allclose(found, loading, atol=0.01)
    assert 0.92 < covered / runs < 0.98
    assert 0.02 < rejected / runs < 0.09


@pytest.mark.parametrize("estimator", ["WLSMV", "DWLS", "ULSMV"])
def test_fit_measures_are_plain_numbers(estimator: str) -> None:
    found = sem.cfa("f =~ u1 + u2 + u3 + u4", case("datcat").data, ordered=True,
                    estimator=estimator)  # fmt: skip
    assert {type(v) for v in found.fit_measures.values()} <= {int, float}
