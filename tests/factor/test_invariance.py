"""Measurement invariance against lavaan and semTools."""

from __future__ import annotations

import functools
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cte_metrics.errors import InputError
from cte_metrics.factor import Invariance, cfa, invariance
from cte_metrics.factor.invariance_models import OccasionPlan, occasion_model
from cte_metrics.factor.merged_categories import merge_unused
from cte_metrics.factor.repeated_measures import side_by_side
from cte_metrics.sem.table.table import TableOptions, build_table
from tests.reference_case import case

MODEL = "visual =~ x1 + x2 + x3\ntextual =~ x4 + x5 + x6\nspeed =~ x7 + x8 + x9"
ORDINAL = "f1 =~ u1 + u2 + u3 + u4\nf2 =~ u5 + u6 + u7 + u8"
LEVELS = ["configural", "metric", "scalar", "strict"]


@functools.cache
def _school(estimator: str) -> Invariance:
    return invariance(case("hs1939").data, MODEL, group="school", estimator=estimator)


def _same(found: Any, value: Any, rel: float = 1e-4) -> None:
    assert found == pytest.approx(value, rel=rel, abs=1e-5)


@pytest.mark.parametrize("level", LEVELS)
def test_ml_levels(level: str) -> None:
    row = _school("ML").table.loc[level]
    fit = case("hs1939")[f"inv_school.ML.{level}"].values["fit"]
    for ours in ("chisq", "df", "pvalue", "cfi", "tli", "rmsea", "srmr", "aic", "bic"):
        _same(row[ours], fit[ours])


@pytest.mark.parametrize("estimator", ["MLM", "MLR"])
@pytest.mark.parametrize("level", LEVELS)
def test_scaled_levels(estimator: str, level: str) -> None:
    row = _school(estimator).table.loc[level]
    fit = case("hs1939")[f"inv_school.{estimator}.{level}"].values["fit"]
    for ours in ("chisq", "df", "pvalue", "cfi", "tli", "rmsea"):
        _same(row[ours], fit[f"{ours}.scaled"])


@pytest.mark.parametrize(
    ("estimator", "id", "method"),
    [
        ("ML", "inv_school.ML.lrt.default", "standard"),
        ("MLM", "inv_school.MLM.lrt.satorra.bentler.2001", "satorra_bentler_2001"),
        ("MLR", "inv_school.MLR.lrt.satorra.bentler.2001", "satorra_bentler_2001"),
    ],
)
def test_differences(estimator: str, id: str, method: str) -> None:
    table = _school(estimator).table
    expected = case("hs1939")[id].values
    for ours, theirs in (("delta_chisq", "Chisq.diff"), ("delta_df", "Df.diff")):
        np.testing.assert_allclose(table[ours][1:], expected[theirs][1:4], rtol=1e-4)
    assert table.method.tolist() == ["", method, method, method]
    assert table.attrs["difference_test"] == method
    np.testing.assert_allclose(table.delta_cfi[1:], np.diff(table.cfi), atol=1e-12)


def test_ordinal_levels_after_wu_and_estabrook() -> None:
    found = invariance(case("datcat").data, ORDINAL, group="g", ordered=True)
    names = ["configural", "thresholds", "loadings", "intercepts", "residuals"]
    assert found.table.index.tolist() == ["configural", "threshold", "metric", "scalar", "strict"]
    for (_, row), name in zip(found.table.iterrows(), names, strict=True):
        fit = case("datcat")[f"ordinv.{name}"].values["fit"]
        for ours in ("chisq", "df", "cfi", "rmsea"):
            _same(row[ours], fit[f"{ours}.scaled"], rel=2e-4)
    lrt = case("datcat")["ordinv.lrt.satorra.2000"].values
    np.testing.assert_allclose(found.table.delta_chisq[1:], lrt["Chisq.diff"][1:], rtol=1e-4)
    assert found.table.attrs["difference_test"] == "satorra_2000"


def _long() -> pd.DataFrame:
    data = case("sim_waves").data
    parts = [
        pd.DataFrame({f"t{i}": data[f"t{i}_{w}"] for i in range(1, 6)}).assign(
            person=data.index, wave=w
        )
        for w in (1, 2, 3)
    ]
    return pd.concat(parts, ignore_index=True)


def test_waves_of_the_same_respondents() -> None:
    found = invariance(
        _long(), "F =~ t1 + t2 + t3 + t4 + t5", group="wave", respondent="person", missing="fiml"
    )
    for level in LEVELS:
        fit = case("sim_waves")[f"long.ML.{level}"].values["fit"]
        for ours in ("chisq", "df", "cfi", "tli", "rmsea", "srmr", "aic", "bic"):
            _same(found.table.loc[level, ours], fit[ours])
    lrt = case("sim_waves")["long.ML.lrt.default"].values
    np.testing.assert_allclose(found.table.delta_chisq[1:], lrt["Chisq.diff"][1:], rtol=1e-4)


def test_partial_invariance_finds_the_intercepts() -> None:
    found = invariance(case("hs1939").data, MODEL, group="school", partial=True)
    assert found.released["scalar"] == ("x3 ~ 1", "x7 ~ 1")
    assert found.released["metric"] == ()
    assert found.table.loc["scalar", "delta_pvalue"] > 0.05
    partial = case("hs1939")["inv_school.ML.partial_scalar"].values["fit"]
    _same(found.table.loc["scalar", "chisq"], partial["chisq"])
    assert any("x3 ~ 1 was released" in n for n in found.notes)
    tests = case("hs1939")["inv_school.scalar.score"].values["uni"]
    assert found.releases.chi2.iloc[0] == pytest.approx(max(tests["X2"]), rel=1e-3)


def test_named_exemptions() -> None:
    data = case("hs1939").data
    named = invariance(data, MODEL, group="school", partial=["x3 ~ 1", "x7~1"])
    partial = case("hs1939")["inv_school.ML.partial_scalar"].values["fit"]
    _same(named.table.loc["scalar", "chisq"], partial["chisq"])


def test_further_levels() -> None:
    names = ["configural", "metric", "scalar", "strict", "variances", "means"]
    found = invariance(case("hs1939").data, MODEL, group="school", levels=names)
    lrt = case("hs1939")["inv_school.ML.lrt.default"].values
    np.testing.assert_allclose(found.table.delta_chisq[1:], lrt["Chisq.diff"][1:], rtol=1e-4)


def test_group_labels_and_row_order_do_not_matter() -> None:
    data = case("hs1939").data
    mixed = data.sample(frac=1.0, random_state=4)
    mixed["school"] = mixed["school"].map({"Pasteur": "b", "Grant-White": "a"})
    a, b = _school("MLR").table, invariance(mixed, MODEL, group="school", estimator="MLR").table
    np.testing.assert_allclose(
        a.drop(columns="method").to_numpy(float), b.drop(columns="method").to_numpy(float),
        rtol=1e-6, atol=1e-8,
    )  # fmt: skip


def test_ordinal_and_group_models_have_the_degrees_of_freedom_of_the_theory() -> None:
    # 4 items, 4 thresholds, 2 groups, theta: Wu & Estabrook's tables
    plan = {"f": 4}
    thresholds = dict.fromkeys(("a", "b", "c", "d"), plan["f"])
    options = TableOptions(
        n_groups=2,
        n_thresholds=tuple(thresholds.items()),
        parameterization="theta",
        meanstructure=True,
        identification="variance",
    )
    counts = []
    for equal in ([], ["thresholds"], ["thresholds", "loadings"]):
        text = occasion_model(
            "f =~ a + b + c + d",
            OccasionPlan(("1", "2"), False, frozenset(equal), thresholds),
        )
        table = build_table(text, options)
        counts.append(table.n_free - len([c for c in table.constraints if c.op == "=="]))
    # loadings 8 + thresholds 32; then 16 thresholds and 8 scales; then 4 loadings and a variance
    assert counts == [40, 32, 29]


def test_a_missing_category_is_explained_and_can_be_merged() -> None:
    data = case("datcat").data
    data.loc[(data.g == data.g.iloc[0]) & (data.u1 == data.u1.min()), "u1"] = data.u1.min() + 1
    with pytest.raises(InputError, match="u1"):
        invariance(data, ORDINAL, group="g", ordered=True)
    found = invariance(
        data, ORDINAL, group="g", ordered=True, levels=["configural"], unused_categories="merge"
    )
    assert any("u1: answer" in n and "merged" in n for n in found.notes)


def test_merging_keeps_what_all_share() -> None:
    recode, note = merge_unused([np.array([1.0, 2, 3]), np.array([2.0, 3, 4])], "q")
    assert recode == {1.0: 2.0, 4.0: 3.0}
    assert "answer 4 was merged with 3" in note
    with pytest.raises(InputError, match="fewer than two"):
        merge_unused([np.array([1.0, 2]), np.array([2.0, 3])], "q")


def test_refusals() -> None:
    data = case("hs1939").data
    with pytest.raises(InputError, match="Did you mean 'scalar'"):
        invariance(data, MODEL, group="school", levels=["scaler"])  # type: ignore[list-item]
    with pytest.raises(InputError, match="threshold' is for ordinal"):
        invariance(data, MODEL, group="school", levels=["threshold"])
    with pytest.raises(InputError, match="one value only"):
        invariance(data.assign(one=1), MODEL, group="one")
    with pytest.raises(InputError, match="group_equal"):
        invariance(data, MODEL, group="school", group_equal=["loadings"])
    with pytest.raises(InputError, match="alpha"):
        invariance(data, MODEL, group="school", alpha=2)
    with pytest.raises(InputError, match="respondent"):
        invariance(_long(), "F =~ t1 + t2 + t3", group="wave")
    twice = pd.concat([_long(), _long().iloc[:1]])
    with pytest.raises(InputError, match="two rows in wave"):
        side_by_side(twice, ["t1"], respondent="person")
    with pytest.raises(InputError, match="constraint"):
        occasion_model("f =~ a + l*b; l == 1", OccasionPlan(("1", "2"), True))


def test_summary_names_levels_and_method() -> None:
    text = _school("MLR").summary()
    assert "satorra_bentler_2001" in text
    assert "configural" in text


def test_cfa_builds_the_model_from_the_items() -> None:
    data = case("hs1939").data[["x1", "x2", "x3", "x4"]]
    fit = cfa(data)
    assert fit.fit_measures["df"] == 2
    assert set(fit.parameters.lhs[:4]) == {"g"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        named = cfa(case("hs1939").data, MODEL, estimator="MLM")
    assert named.fit_measures["df"] == 24
