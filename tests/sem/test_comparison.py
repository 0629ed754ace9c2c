"""Comparisons of fits: against lavaan, in any order, by name."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cte_metrics import sem
from cte_metrics.errors import DataWarning, InputError
from tests.reference_case import case
from tests.sem.lavaan_after import REFERENCE

MODEL = "visual =~ x1 + x2 + x3\ntextual =~ x4 + x5 + x6\nspeed =~ x7 + x8 + x9"


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


def test_names_of_compared_fits() -> None:
    data = case("hs1939").data
    wide = sem.cfa(MODEL, data)
    narrow = sem.cfa(MODEL, data, orthogonal=True)
    table = sem.compare(narrow, wide, names=("orthogonal", "correlated"))
    assert list(table.index) == ["correlated", "orthogonal"]
    assert list(sem.compare(narrow, wide).index) == [2, 1]
    for names, message in ((("one",), "does not name 2 fits"), (("a", "a"), "repeats a name")):
        with pytest.raises(InputError, match=message):
            sem.compare(narrow, wide, names=names)


def _with_gaps() -> pd.DataFrame:
    """Answers taken out by the rule of ``tests/reference/satorra_2000_gaps/make.R``."""
    data = case("hs1939").data
    for i in range(1, 10):
        lost = (7 * np.arange(len(data)) + 11 * i) % 13 == 0
        data.loc[lost, f"x{i}"] = np.nan
    return data


@pytest.mark.problem(
    "lavaan::lavTestLRT",
    "The Satorra (2000) test with MLR and missing answers is not that of the restriction, and "
    "moves with the order of the items",
    "The restriction is tested with the casewise scores and the information of the larger model, "
    "as computed by hand",
)
@pytest.mark.parametrize(
    "model",
    [MODEL, "visual =~ x1 + x3 + x2\ntextual =~ x4 + x6 + x5\nspeed =~ x7 + x9 + x8"],
    ids=["order", "other-order"],
)
def test_restriction_with_missing_answers(model: str) -> None:
    options: dict[str, Any] = {"missing": "fiml", "estimator": "MLR", "group": "school"}
    wide = sem.cfa(model, _with_gaps(), **options)
    narrow = sem.cfa(model, _with_gaps(), **options, group_equal="loadings")
    found = sem.compare(wide, narrow, method="satorra_2000")
    assert found.chisq_diff.iloc[1] == pytest.approx(7.987521159, rel=2e-5)
    assert found.df_diff.iloc[1] == 6


def _small_sample(seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    factor = rng.normal(size=(60, 1))
    data = pd.DataFrame(factor + rng.normal(size=(60, 4)), columns=list("abcd"))
    data.iloc[::3, 1] += 6.0 * rng.normal(size=20)
    return data


@pytest.mark.problem(
    "lavaan::lavTestLRT",
    "A scaled difference that is not defined is blamed on identification",
    "The warning tells an observed information that is not positive definite from a model that "
    "is not identified",
)
def test_undefined_difference_names_its_cause() -> None:
    data = _small_sample(1)
    wide = sem.cfa("f =~ a + b + c + d", data, estimator="MLR")
    narrow = sem.cfa("f =~ 1*a + 1*b + 1*c + 1*d\nf ~~ 0.2*f", data, estimator="MLR")
    with pytest.warns(DataWarning, match="observed information of the larger model is not"):
        found = sem.compare(wide, narrow, method="satorra_bentler_2010")
    assert np.isnan(found.chisq_diff.iloc[1])


def test_a_difference_test_without_identification_says_so() -> None:
    rng = np.random.default_rng(3)
    answers = rng.normal(size=(300, 1)) + rng.normal(size=(300, 4))
    data = pd.DataFrame(answers, columns=list("abcd"))
    wide = sem.cfa("f =~ a + b\ng =~ c + d", data, estimator="MLM")
    narrow = sem.cfa("f =~ 1*a + 1*b\ng =~ 1*c + 1*d\nf ~~ 0*g", data, estimator="MLM")
    with pytest.warns(DataWarning, match="not identified at the moments of the smaller one"):
        sem.compare(wide, narrow, method="satorra_bentler_2010")
