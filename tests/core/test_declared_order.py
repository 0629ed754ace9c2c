"""The order of categories that a column declares is kept."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from cte_metrics import factor
from cte_metrics.core.door import item_data
from cte_metrics.errors import InputTypeError

_F = np.random.default_rng(1).normal(size=300)
_G = np.random.default_rng(2)
A = np.digitize(_F + 0.6 * _G.normal(size=300), [-1, 0, 1]) + 1
B = np.digitize(_F + 0.6 * _G.normal(size=300), [-1, 0, 1]) + 1
TEXTS = np.array(list("wxyz"))[B - 1]


def declared(values: object, order: list[object]) -> pd.Categorical:
    return pd.Categorical(values, categories=order, ordered=True)


@pytest.mark.problem(
    "psych, lavaan (ordered factors)",
    "an ordered factor is read by its numbers, in another order than it declares",
    "the declared order is used, of numbers and of texts, and a note says so",
)
@pytest.mark.parametrize(
    ("column", "sign"),
    [
        (declared(B, [4, 3, 2, 1]), -1.0),
        (declared(B, [1, 2, 3, 4]), 1.0),
        (declared(TEXTS, list("wxyz")), 1.0),
        (declared(TEXTS, list("zyxw")), -1.0),
    ],
    ids=["falling numbers", "rising numbers", "texts", "falling texts"],
)
def test_polychorics_follow_the_declared_order(column: pd.Categorical, sign: float) -> None:
    plain = factor.polychoric(pd.DataFrame({"a": A, "b": B})).correlations.loc["a", "b"]
    assert plain == pytest.approx(0.6870239, abs=1e-6)  # lavaan::lavCor
    for data in (pd.DataFrame({"a": A, "b": column}), pd.DataFrame({"b": column, "a": A})):
        found = factor.polychoric(data)
        assert found.correlations.loc["a", "b"] == pytest.approx(sign * plain, abs=1e-9)
        kept = list(column.categories) == [1, 2, 3, 4]
        assert kept != any("declared order of b" in note for note in found.notes)


def test_rank_correlations_and_ordinal_models_follow_it_too() -> None:
    third = np.digitize(_F + 0.6 * _G.normal(size=300), [-1, 0, 1]) + 1
    fourth = np.digitize(_F + 0.6 * _G.normal(size=300), [-1, 0, 1]) + 1
    plain = pd.DataFrame({"a": A, "b": B, "c": third, "d": fourth})
    turned = plain.assign(b=declared(B, [4, 3, 2, 1]))
    ranks = [factor.efa(x, 1, correlation="spearman").correlations for x in (plain, turned)]
    assert ranks[1].loc["a", "b"] == pytest.approx(-ranks[0].loc["a", "b"])
    fits = [factor.cfa(x, ordered=True) for x in (plain, turned)]
    loadings = [f.parameters.query("op == '=~'").set_index("rhs")["est"] for f in fits]
    assert loadings[1]["b"] == pytest.approx(-loadings[0]["b"], abs=1e-6)
    assert any("4 < 3 < 2 < 1 became 1 to 4" in note for note in fits[1].notes)


def test_declared_order_in_other_frames() -> None:
    enum = pl.DataFrame({"b": pl.Series(TEXTS, dtype=pl.Enum(list("zyxw")))})
    arrow = pa.table({"b": pa.array(declared(TEXTS, list("zyxw")))})
    for frame in (enum, arrow):
        assert item_data(frame).values[:, 0].tolist() == (5.0 - B).tolist()


def test_rising_fractions_stay_what_they_are_and_are_ordinal() -> None:
    halves = pd.DataFrame({"a": A, "b": declared(B / 2, [0.5, 1.0, 1.5, 2.0])})
    assert item_data(halves).values[:, 1].tolist() == (B / 2).tolist()
    assert "b" in factor.polychoric(halves).thresholds


def test_gaps_stay_gaps_and_categories_without_order_are_refused() -> None:
    texts = [None, *TEXTS[1:]]
    assert np.isnan(item_data(pd.DataFrame({"b": declared(texts, list("wxyz"))})).values[0, 0])
    with pytest.raises(InputTypeError, match="ordered=True"):
        item_data(pd.DataFrame({"b": pd.Categorical(TEXTS)}))
