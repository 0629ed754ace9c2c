"""Bootstrap standard errors and limits, and the Bollen-Stine test."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cte_metrics import sem
from cte_metrics.errors import CTEError, InputError
from cte_metrics.factor import invariance
from cte_metrics.sem.resampling import _fitting_rows
from tests.reference_case import case

PATHS = "x7 ~ b*x1 + c*x2\nx1 ~ a*x2\nab := a*b\nt := c + ab"
FACTORS = "f =~ x4 + x5 + x6\ng =~ x7 + x8 + x9\nx5 ~~ x7"


@functools.cache
def _paths() -> sem.SEMFit:
    return sem.fit(PATHS, case("hs1939").data, se="bootstrap", n_resamples=400, rng=3)


@pytest.mark.problem(
    "semopy, statsmodels",
    "There are no bootstrap standard errors and intervals, least of all for indirect effects",
    "se='bootstrap' gives them, for ':=' too, with percentile, basic and bias-corrected limits",
)
def test_standard_errors_are_near_lavaan_s() -> None:
    p = _paths().parameters.set_index(["lhs", "op", "rhs"])
    # lavaan 0.6-14, 1000 resamples; both vary by a few hundredths of themselves
    for row, se in (
        (("x7", "~", "x1"), 0.059),
        (("x7", "~", "x2"), 0.050),
        (("x1", "~", "x2"), 0.057),
        (("x1", "~~", "x1"), 0.103),
        (("ab", ":=", "a*b"), 0.019),
        (("t", ":=", "c+ab"), 0.049),
    ):
        assert p.loc[row, "se"] == pytest.approx(se, rel=0.15)
    fixed = p.loc[("x2", "~~", "x2")]
    assert fixed[["se"]].tolist() == [0.0]
    assert fixed.ci_lower == fixed.ci_upper == fixed.est
    assert p.loc[("x7", "~", "x1"), "z"] == pytest.approx(
        p.loc[("x7", "~", "x1"), "est"] / p.loc[("x7", "~", "x1"), "se"]
    )


def test_figures_follow_from_the_resampled_estimates() -> None:
    fit = _paths()
    assert fit.solution.resamples is not None
    estimates = fit.solution.resamples.estimates
    assert estimates is not None
    names = list(fit.vcov.index)
    a, b = estimates[:, names.index("a")], estimates[:, names.index("b")]
    np.testing.assert_allclose(fit.vcov.to_numpy(), np.cov(estimates.T), rtol=1e-10)
    table = fit.parameters.set_index("lhs")
    assert table.loc["ab", "se"] == pytest.approx((a * b).std(ddof=1))
    found = {
        m: fit.confidence_intervals(m, confidence=0.8).set_index("lhs").loc["ab"]
        for m in ("percentile", "basic", "bias_corrected")
    }
    low, high = found["percentile"][["ci_lower", "ci_upper"]]
    assert (low, high) == pytest.approx(tuple(np.quantile(a * b, [0.1, 0.9])), abs=1e-3)
    est = found["basic"].est
    assert found["basic"][["ci_lower", "ci_upper"]].tolist() == pytest.approx(
        [2 * est - high, 2 * est - low]
    )
    default = fit.confidence_intervals().set_index("lhs").loc["ab", ["ci_lower", "ci_upper"]]
    assert default.tolist() == table.loc["ab", ["ci_lower", "ci_upper"]].tolist()


def test_the_seed_gives_the_resamples() -> None:
    options: dict[str, Any] = {"se": "bootstrap", "n_resamples": 10}
    data = case("hs1939").data
    one, two, other = (sem.fit("x1 ~ x2", data, rng=r, **options) for r in (1, 1, 2))
    assert one.vcov.equals(two.vcov)
    assert not one.vcov.equals(other.vcov)
    assert one.provenance.seed == 1
    assert one.provenance.settings["n_resamples"] == 10
    assert one.again(data=data).vcov.equals(one.vcov)


def _clustered() -> pd.DataFrame:
    rng = np.random.default_rng(4)
    school = np.repeat(np.arange(60), 8)
    x, u = rng.normal(size=60)[school], 0.8 * rng.normal(size=60)[school]
    return pd.DataFrame({"y": 0.5 * x + u + rng.normal(size=480), "x": x, "school": school})


def test_clusters_are_drawn_whole() -> None:
    options: dict[str, Any] = {"n_resamples": 150, "rng": 5, "se": "bootstrap"}
    whole = sem.fit("y ~ x", _clustered(), cluster="school", **options).parameters.se[0]
    single = sem.fit("y ~ x", _clustered(), **options).parameters.se[0]
    robust = sem.fit("y ~ x", _clustered(), cluster="school", estimator="MLR").parameters.se[0]
    assert whole == pytest.approx(robust, rel=0.15)
    assert whole > 1.5 * single


def test_two_levels_and_groups_and_gaps() -> None:
    data = _clustered()
    text = "level: 1\ny ~~ y\nlevel: 2\ny ~ x"
    two = sem.fit(text, data, cluster="school", se="bootstrap", n_resamples=30, rng=1)
    p = two.parameters
    assert p[(p.op == "~")].se.item() == pytest.approx(0.12, abs=0.06)
    holes = case("hs1939").data
    holes.loc[::5, "x1"] = np.nan
    fit = sem.cfa(
        "f =~ x1 + x2 + x3", holes, missing="fiml", group="school",
        se="bootstrap", n_resamples=8, rng=1, bounds="positive_variances",
    )  # fmt: skip
    assert (fit.parameters[fit.parameters.free > 0].se > 0).all()


def test_ordinal_items_and_resamples_without_a_solution() -> None:
    data = case("datcat").data
    options: dict[str, Any] = {"ordered": True, "se": "bootstrap", "n_resamples": 25, "rng": 1}
    fit = sem.cfa("f =~ u1 + u2 + u3 + u4", data, **options)
    plain = sem.cfa("f =~ u1 + u2 + u3 + u4", data, ordered=True)
    free = plain.parameters.free > 0
    ratio = fit.parameters.se[free] / plain.parameters.se[free]
    assert ratio.median() == pytest.approx(1.0, abs=0.25)
    rare = data.copy()
    rare.loc[rare.u1 == rare.u1.max(), "u1"] = rare.u1.max() - 1
    rare.loc[rare.index[:2], "u1"] = rare.u1.max() + 1  # a category of two answers is often lost
    some = sem.cfa("f =~ u1 + u2 + u3 + u4", rare, **options)
    assert any("resamples for standard errors had no solution" in n for n in some.notes)


@pytest.mark.problem(
    "semopy",
    "There is no Bollen-Stine bootstrap of the model's test",
    "test='bollen.stine' draws from rows that were made to fit the model",
)
@pytest.mark.parametrize(
    ("model", "pvalue"),
    # lavaan 0.6-14 with 1000 resamples: .19 and 0
    [(FACTORS, 0.20), ("f =~ x1 + x2 + x3 + x4 + x5 + x6", 0.0)],
)
def test_bollen_stine(model: str, pvalue: float) -> None:
    fit = sem.cfa(model, case("hs1939").data, test="bollen.stine", n_resamples=150, rng=2)
    assert fit.fit_measures["pvalue_bollen_stine"] == pytest.approx(pvalue, abs=0.1)
    assert fit.fit_measures["chisq"] == sem.cfa(model, case("hs1939").data).fit_measures["chisq"]
    assert "pvalue_bollen_stine" in fit.summary()


def test_rows_are_made_to_fit_the_model() -> None:
    data = case("hs1939").data
    fit = sem.cfa(FACTORS, data, group="school", group_equal=["loadings", "intercepts"])
    rows = _fitting_rows(fit.solution)
    for group, label in zip(rows.groups, rows.labels, strict=True):
        implied = fit.implied[label]
        values = pd.DataFrame(group.values, columns=list(rows.names))
        names = list(implied["cov"].columns)
        np.testing.assert_allclose(values[names].cov(ddof=0), implied["cov"], atol=1e-10)
        np.testing.assert_allclose(values[names].mean(), implied["mean"], atol=1e-10)


def test_weighted_rows_are_made_to_fit_the_model() -> None:
    data = case("hs1939").data
    weights = np.linspace(0.2, 1.8, len(data))
    fit = sem.cfa(FACTORS, data, weights=weights, meanstructure=True)
    (group,) = _fitting_rows(fit.solution).groups
    found = np.cov(group.values.T, aweights=weights, ddof=0)
    names = list(fit.solution.data.names)
    np.testing.assert_allclose(found, fit.implied["cov"].loc[names, names], atol=1e-8)
    mean = np.average(group.values, axis=0, weights=weights)
    np.testing.assert_allclose(mean, fit.implied["mean"][names], atol=1e-10)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"se": "bootstrap", "n_resamples": 1}, "at least 2 resamples"),
        ({"se": "bootstrap", "n_resamples": 9.5}, "n_resamples takes a whole number"),
        ({"test": "bollen.stine", "missing": "fiml"}, "complete, unclustered"),
        ({"test": "bollen.stine", "ordered": True}, "complete, unclustered"),
        ({"se": "bootstrap", "n_resamples": 5, "rng": -1}, "a seed is a whole number"),
    ],
)
def test_what_cannot_be_resampled(options: dict[str, Any], message: str) -> None:
    with pytest.raises(CTEError, match=message):
        sem.cfa("f =~ u1 + u2 + u3", case("datcat").data, **options)


def test_resamples_need_rows_and_fixed_factors() -> None:
    data = case("hs1939").data
    cov = data[["x1", "x2", "x3"]].cov()
    for options, what in (
        ({"se": "bootstrap"}, "se='bootstrap'"),
        ({"test": "bollen.stine"}, "test"),
    ):
        with pytest.raises(InputError, match=f"{what}.*needs the answers"):
            sem.cfa("f =~ x1 + x2 + x3", sample_cov=cov, n_obs=301, **options)
    with pytest.raises(InputError, match="efa"):
        sem.cfa('efa("b")*f + efa("b")*g =~ x1 + x2 + x3 + x4 + x5', data, se="bootstrap")
    with pytest.raises(InputError, match="no resamples"):
        sem.cfa("f =~ x1 + x2 + x3", data).confidence_intervals()
    with pytest.raises(InputError, match="'percent' is not one of"):
        _paths().confidence_intervals("percent")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="compared by its tests"):
        invariance(data, "f =~ x1 + x2 + x3", group="school", se="bootstrap")
