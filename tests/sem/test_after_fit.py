"""Modification indices, standardized solutions, residuals, comparisons: against lavaan."""

from __future__ import annotations

import functools
import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cte_metrics import sem
from cte_metrics.sem.inference.standardized import standardized_table
from tests.reference_case import case

FOLDER = Path(__file__).parents[1] / "reference" / "lavaan_after"
REFERENCE = json.loads((FOLDER / "reference.json").read_text())
FITS = {e["id"]: e for e in REFERENCE["fits"]}
MODEL = "visual =~ x1 + x2 + x3\ntextual =~ x4 + x5 + x6\nspeed =~ x7 + x8 + x9"


@functools.cache
def _fit(id: str) -> Any:
    entry = FITS[id]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return sem.fit(entry["model"], case(entry["data"]).data, **dict(entry["options"]))


def _with(part: str) -> list[str]:
    return [id for id, e in FITS.items() if part in e]


def _array(values: list) -> np.ndarray:
    return np.array([np.nan if v in (None, "NA", "NaN") else v for v in values], dtype=float)


def _keys(columns: dict, n: int) -> list[tuple]:
    group = columns.get("group", [1] * n)
    return [
        (lhs, op, rhs, 0 if op == ":=" else int(g))
        for lhs, op, rhs, g in zip(
            columns["lhs"], columns["op"], columns["rhs"], group, strict=True
        )
    ]


def _frame_keys(frame: pd.DataFrame) -> list[tuple]:
    return list(zip(frame.lhs, frame.op, frame.rhs, frame.group, strict=True))


@pytest.mark.parametrize("id", _with("mi"))
def test_modification_indices(id: str) -> None:
    expected = FITS[id]["mi"]
    if id.endswith("groups.theta"):  # there the scales follow from the other parameters
        keep = [i for i, op in enumerate(expected["op"]) if op != "~*~"]
        expected = {k: [v[i] for i in keep] for k, v in expected.items()}
    keys = _keys(expected, len(expected["lhs"]))
    found = _fit(id).modification_indices(sort=False)
    assert _frame_keys(found) == keys
    for ours, column in (("mi", "mi"), ("epc", "epc")):
        np.testing.assert_allclose(
            found[ours], _array(expected[column]), rtol=3e-4, atol=3e-5, err_msg=ours
        )
    theirs = _array(expected["sepc.all"])
    keep = np.isfinite(theirs)
    np.testing.assert_allclose(found.sepc_all[keep], theirs[keep], rtol=3e-4, atol=3e-5)


@pytest.mark.parametrize(("id", "kind"), [(i, k) for k in ("std", "std_lv") for i in _with(k)])
def test_standardized_solution(id: str, kind: str) -> None:
    expected = FITS[id][kind]
    found = _fit(id).standardized("std_all" if kind == "std" else kind)
    assert _frame_keys(found) == _keys(expected, len(expected["lhs"]))
    np.testing.assert_allclose(found.est, _array(expected["est.std"]), rtol=1e-4, atol=2e-5)
    np.testing.assert_allclose(found.se, _array(expected["se"]), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("id", "kind"), [(i, k) for k in ("cor", "bentler", "raw") for i in _with(k)]
)
def test_residuals_and_their_z(id: str, kind: str) -> None:
    expected, found = FITS[id][kind], _fit(id).residuals(kind)
    parts = [(expected, found)] if "cov" in expected else [(expected[g], found[g]) for g in found]
    for theirs, ours in parts:
        names = theirs["cov"]["names"]
        for name in ("cov", "z"):
            matrix = np.array([_array(row) for row in theirs[name]["data"]])
            mine = ours[name].loc[names, names].to_numpy().copy()
            np.fill_diagonal(mine, 0)
            np.fill_diagonal(matrix, 0)
            np.testing.assert_allclose(mine, matrix, rtol=2e-3, atol=1e-3, err_msg=name)


@pytest.mark.parametrize("id", _with("score"))
def test_score_tests(id: str) -> None:
    expected, found = FITS[id], _fit(id).score_test()
    assert found.chi2 == pytest.approx(expected["total"]["X2"], rel=1e-4)
    assert found.df == expected["total"]["df"]
    assert found.p == pytest.approx(expected["total"]["p.value"], abs=1e-6)
    assert found.table.lhs.tolist() == np.atleast_1d(expected["score"]["lhs"]).tolist()
    np.testing.assert_allclose(
        found.table.chi2, np.atleast_1d(expected["score"]["X2"]), rtol=1e-3, atol=1e-4
    )


@functools.cache
def _invariance_fits(estimator: str) -> list[Any]:
    data = case("hs1939").data
    equal = [(), ("loadings",), ("loadings", "intercepts")]
    return [sem.fit(MODEL, data, group="school", estimator=estimator, group_equal=e) for e in equal]


@pytest.mark.parametrize(
    "entry",
    REFERENCE["comparisons"],
    ids=[f"{c['estimator']}-{c['method']}-{c['larger']}" for c in REFERENCE["comparisons"]],
)
def test_scaled_comparisons(entry: dict) -> None:
    fits = _invariance_fits(entry["estimator"])[entry["larger"] - 1 : entry["larger"] + 1]
    found = sem.compare(*fits, method=entry["method"].replace(".", "_"))
    test = entry["test"]
    assert found.chisq_diff.iloc[1] == pytest.approx(test["Chisq diff"], rel=1e-4)
    assert found.df_diff.iloc[1] == test["Df diff"]
    assert found.pvalue.iloc[1] == pytest.approx(test["Pr(>Chisq)"], abs=1e-5)


def test_order_of_the_fits_does_not_matter() -> None:
    fits = _invariance_fits("MLR")
    forward, backward = sem.compare(*fits), sem.compare(*fits[::-1])
    pd.testing.assert_frame_equal(forward.reset_index(drop=True), backward.reset_index(drop=True))
    assert backward.index.tolist() == [3, 2, 1]
    assert forward.method.tolist() == ["", "satorra_bentler_2001", "satorra_bentler_2001"]


@pytest.mark.parametrize("kind", ["std_all", "std_lv"])
@pytest.mark.parametrize("scale", [1.0, 1e3])
@pytest.mark.parametrize(
    "options",
    [{}, {"estimator": "MLR"}, {"estimator": "ULS"}, {"estimator": "GLS"}, {"missing": "fiml"}],
)
def test_variances_that_are_one_by_construction_have_no_error(
    options: dict[str, Any], scale: float, kind: Any
) -> None:
    data = case("hs1939").data[[f"x{k}" for k in range(1, 10)]] * scale
    fit = sem.cfa(MODEL, data, **options)
    table = standardized_table(fit.solution, kind)
    factors = table[(table.lhs == table.rhs) & table.lhs.isin(["visual", "textual", "speed"])]
    assert factors.est.to_numpy() == pytest.approx(np.ones(3), abs=1e-14)
    assert (factors.se == 0.0).all()
    assert factors[["z", "pvalue"]].isna().all(axis=None)
    assert not ((table.se > 0) & (table.se < 1e-9)).any()


def test_residuals_without_a_standard_error_have_no_z() -> None:
    # with equal intercepts the variances are off by the square of the means' misfit, whose first
    # derivative at the sample is 0 (lavaan divides by rounding errors: z = -3e14)
    found = sem.cfa(MODEL + "\nx1 ~ i*1\nx2 ~ i*1", case("hs1939").data).residuals("raw")
    assert abs(found["cov"].loc["x1", "x1"]) > 0.1
    assert np.isnan(found["z"].loc["x1", "x1"])
    assert np.isfinite(found["z"].loc["x4", "x5"])
    assert not np.isinf(found["z"].to_numpy()).any()


def test_modification_indices_of_ordinal_items_given_covariates() -> None:
    # the index is the fall of the chi-square to second order
    rng = np.random.default_rng(8)
    x = rng.standard_normal(600)
    first, second = 0.5 * x + rng.standard_normal(600), 0.3 * x + rng.standard_normal(600)
    truth = np.repeat(np.column_stack((first, second)), 3, axis=1)
    answers = 0.8 * truth + rng.standard_normal((600, 6))
    items = list("abcdef")
    data = pd.DataFrame(np.digitize(answers, [-1.0, 0.0, 1.0]), columns=items).assign(x=x)
    model = "F =~ a + b + c\nG =~ d + e + f\nF ~ x\nG ~ x"
    fit = sem.fit(model, data, ordered=items)
    table = fit.modification_indices().set_index(["lhs", "op", "rhs"])
    assert ("x", "~~", "x") not in table.index
    for row in (("a", "~~", "b"), ("F", "=~", "d"), ("F", "=~", "e"), ("G", "=~", "c")):
        freed = sem.fit(f"{model}\n{' '.join(row)}", data, ordered=items)
        fall = fit.fit_measures["chisq"] - freed.fit_measures["chisq"]
        assert table.loc[row, "mi"] == pytest.approx(fall, rel=0.03, abs=0.01), row
