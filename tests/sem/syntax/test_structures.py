"""Model texts of the usual structures."""

from __future__ import annotations

import pytest

from cte_metrics.errors import InputError
from cte_metrics.sem.syntax.structures import structure_model
from cte_metrics.sem.table.table import build_table

SCALES = {"A": ["a1", "a2", "a3"], "B": ["b1", "b2", "b3"], "C": ["c1", "c2", "c3"]}


def test_correlated_factors_and_totals() -> None:
    text = structure_model({**SCALES, "all": [i for v in SCALES.values() for i in v]})
    assert text == "A =~ a1 + a2 + a3\nB =~ b1 + b2 + b3\nC =~ c1 + c2 + c3"


def test_second_order() -> None:
    assert structure_model(SCALES, "second_order").endswith("g =~ A + B + C")


def test_bifactor_factors_are_uncorrelated() -> None:
    table = build_table(structure_model(SCALES, "bifactor"))
    pairs = [
        i
        for i in range(len(table))
        if table.op[i] == "~~"
        and {table.lhs[i], table.rhs[i]} <= {"g", "A", "B", "C"}
        and table.lhs[i] != table.rhs[i]
    ]
    assert len(pairs) == 6
    assert all(table.free[i] == 0 and table.ustart[i] == 0 for i in pairs)


def test_names_that_clash_or_need_quotes() -> None:
    text = structure_model({"x": ["x", "item 2"]})
    assert text == "x_f =~ x + `item 2`"
    assert build_table(text).lv_names == ("x_f",)


def test_one_factor_of_everything() -> None:
    assert structure_model({}, "one_factor", items=["a", "b"]) == "g =~ a + b"


def test_refusals() -> None:
    with pytest.raises(InputError, match="no items"):
        structure_model({})
    with pytest.raises(InputError, match="two subscales"):
        structure_model({"A": ["a", "b"]}, "bifactor")
    with pytest.raises(InputError, match="Did you mean 'bifactor'"):
        structure_model(SCALES, "bi_factor")  # type: ignore[arg-type]
