"""Comparisons of fits: against lavaan, in any order, by name."""

from __future__ import annotations

import functools
from typing import Any

import pandas as pd
import pytest

from cte_metrics import sem
from cte_metrics.errors import InputError
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
