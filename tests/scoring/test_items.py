"""Item analysis against psych::alpha, psych::describe and psychometric::item.exam."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import cte_metrics as cte
from cte_metrics.errors import InputError, InputTypeError
from cte_metrics.reliability import cronbach_alpha
from cte_metrics.scoring import item_analysis
from tests.reference_case import case
from tests.reliability.keyed_case import keyed, numbers

CASES = ["ability", "bfi_ac", "bhr2000_items", "sim_cte12", "sim_cte18", "sim_cte21"]
COLUMNS = [
    "n",
    "missing",
    "mean",
    "sd",
    "median",
    "minimum",
    "maximum",
    "skew",
    "kurtosis",
    "floor",
    "ceiling",
    "r_total",
    "r_drop",
    "alpha_if_dropped",
    "trimmed",
    "mad",
    "se",
]


@pytest.mark.parametrize("name", CASES)
def test_against_psych_alpha(name: str) -> None:
    for entry in case(name).entries("alpha.", function="alpha"):
        if "key" not in entry.args:
            continue
        table = item_analysis(keyed(name, entry)).table
        stats, dropped = entry.values["item_stats"], entry.values["alpha_drop"]
        for ours, theirs in {"n": "n", "r_total": "raw.r", "r_drop": "r.drop"}.items():
            np.testing.assert_allclose(table[ours], numbers(stats[theirs]), atol=1e-9)
        np.testing.assert_allclose(
            table["alpha_if_dropped"], numbers(dropped["raw_alpha"]), atol=1e-9
        )


@pytest.mark.parametrize("name", CASES)
def test_corrected_item_total_equals_item_exam(name: str) -> None:
    for entry in case(name).entries("item_exam."):
        args = {"min": 1, "max": 0} | entry.args
        frame = case(name).data[[k.lstrip("-") for k in args["key"]]].astype(float)
        for k in args["key"]:
            if k.startswith("-"):
                frame[k[1:]] = -frame[k[1:]]
        table = item_analysis(frame.dropna()).table
        np.testing.assert_allclose(
            table["r_drop"], numbers(entry.values["Item.Tot.woi"]), atol=1e-9
        )
        np.testing.assert_allclose(table["sd"], numbers(entry.values["Sample.SD"]), atol=1e-9)


def test_columns_and_agreement_with_alpha() -> None:
    data = case("bfi_ac").data[["A2", "A3", "A4", "A5"]]
    found = item_analysis(data)
    assert list(found.table.columns) == COLUMNS
    assert found.table.index.name == "item"
    items = cronbach_alpha(data).items
    for name in ("r_total", "r_drop", "alpha_if_dropped", "mean", "sd"):
        np.testing.assert_allclose(found.table[name], items[name], rtol=1e-12)


def test_an_item_is_described_by_hand() -> None:
    frame = pd.DataFrame({"a": [1, 2, 2, 5], "b": [3, 3, 4, 4], "c": [0.25, 0.5, 0.25, 0.75]})
    table = item_analysis(frame).table
    assert table.loc["a", ["n", "minimum", "maximum", "median"]].tolist() == [4, 1, 5, 2]
    assert table.loc["c", ["minimum", "maximum"]].tolist() == [0.25, 0.75]
    assert table.loc["a", "se"] == pytest.approx(np.sqrt(3) / 2)


def test_small_answers_vary_too() -> None:
    frame = pd.DataFrame({"a": [1, 2, 2, 5], "b": [3, 3, 4, 4], "c": [1, 4, 2, 3]})
    large, small = item_analysis(frame).table, item_analysis(frame * 1e-9).table
    np.testing.assert_allclose(small["r_drop"], large["r_drop"], atol=1e-12)
    np.testing.assert_allclose(small["alpha_if_dropped"], large["alpha_if_dropped"], atol=1e-12)


def test_floor_and_ceiling_need_a_range() -> None:
    frame = pd.DataFrame({"a": [1, 1, 5, 3], "b": [2, 2, 4, 5.0]})
    assert item_analysis(frame).table[["floor", "ceiling"]].isna().all(axis=None)
    instrument = cte.Instrument(
        id="i",
        response_scale=cte.ResponseScale(1, 5),
        items=[cte.Item("a", reverse=True), cte.Item("b")],
    )
    table = item_analysis(cte.Responses(frame, instrument)).table
    assert table.loc["a", ["floor", "ceiling"]].tolist() == [0.25, 0.5]
    assert table.loc["b", ["floor", "ceiling"]].tolist() == [0.0, 0.25]


def test_subscales_have_their_own_column() -> None:
    frame = case("sim_cte12").data[[f"c{j:02d}" for j in range(1, 13)]]
    instrument = cte.Instrument(
        id="i",
        response_scale=cte.ResponseScale(1, 9),
        items=[cte.Item(c) for c in frame],
        subscales=[
            cte.Subscale("f1", "", list(frame.columns[:6])),
            cte.Subscale("f2", "", list(frame.columns[6:])),
        ],
    )
    table = item_analysis(cte.Responses(frame, instrument)).table
    part = item_analysis(frame.iloc[:, :6]).table
    np.testing.assert_allclose(table["r_drop_subscale"].head(6), part["r_drop"], atol=1e-12)
    assert table["subscale"].tolist() == ["f1"] * 6 + ["f2"] * 6


def test_a_constant_item_is_named_and_left_out() -> None:
    data = case("bfi_ac").data[["A2", "A3", "A4"]]
    found = item_analysis(data.assign(k=4))
    assert np.isnan(found.table.loc["k", "r_drop"])
    assert found.table.loc["k", "sd"] == 0
    np.testing.assert_allclose(
        found.table.loc["A2":"A4", "r_total"], item_analysis(data).table["r_total"], atol=1e-12
    )
    assert "k: constant or hardly answered" in " ".join(found.notes)
    assert found.alpha == item_analysis(data).alpha


def test_rounding_does_not_make_an_item_vary() -> None:
    frame = pd.DataFrame({"a": [1, 2, 5], "b": [2, 2, 4], "k": [0.3, 0.1 + 0.2, 0.3]})
    found = item_analysis(frame)
    assert 0 < found.table.loc["k", "sd"] < 1e-15
    assert np.isnan(found.table.loc["k", "r_drop"])
    assert found.alpha == item_analysis(frame[["a", "b"]]).alpha


def test_one_item_is_described() -> None:
    table = item_analysis(pd.DataFrame({"a": [1, 2, 3]})).table
    assert table.loc["a", "mean"] == 2
    assert np.isnan(table.loc["a", "r_drop"])


def test_an_added_empty_row_changes_nothing_but_the_count() -> None:
    data = case("bfi_ac").data[["A2", "A3", "A4"]].dropna(how="all")
    longer = pd.concat([data, data.iloc[:1] * np.nan], ignore_index=True)
    a, b = item_analysis(data), item_analysis(longer)
    pd.testing.assert_frame_equal(
        a.table.drop(columns="missing"), b.table.drop(columns="missing"), atol=1e-12
    )
    assert (b.table["missing"] - a.table["missing"] == 1).all()
    assert "1 rows without any answer" in " ".join(b.notes)


def test_keying_is_suspected() -> None:
    data = case("bfi_ac").data[["A1", "A2", "A3", "A4"]]
    assert "Item A1 correlates negatively" in " ".join(item_analysis(data).notes)


def test_refusals() -> None:
    with pytest.raises(InputTypeError, match="Column 'b' is not numeric"):
        item_analysis(pd.DataFrame({"a": [1, 2], "b": ["x", "y"]}))
    with pytest.raises(InputError, match="No item has an answer"):
        item_analysis(pd.DataFrame({"a": [np.nan, np.nan]}))
