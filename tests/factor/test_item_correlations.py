"""Correlations of items with intervals: against R, by hand, refusals."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cte_metrics.errors import InputError, UnknownNameError
from cte_metrics.factor import correlations
from cte_metrics.kernels.summaries.associations import kendall

DATA = pd.DataFrame(
    {
        "a": [1, 2, 2, 3, 4, 4, 5, 1, 3, 5, 2, 4],
        "b": [2, 1, 3, 3, 5, 4, 4, 2, 2, 5, 3, 5],
        "c": [5, 4, 4, 2, 1, 3, 1, 5, 3, 2, 4, 2],
        "x": [0, 0, 1, 0, 1, 1, 1, 0, 1, 1, 0, 1],
        "y": [0, 1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 1],
    }
)
ITEMS = DATA[["a", "b", "c"]]


def pair(frame: pd.DataFrame, **options: object) -> pd.Series:
    """The first pair's row."""
    return correlations(frame, **options).table.iloc[0]


@pytest.mark.problem(
    "psych: smc, corr.test, partial.r, Yule, biserial, correct.cor",
    "Spearman, Kendall, partial, phi, Yule and biserial correlations with intervals are asked for",
    "correlations() gives them, with squared multiple correlations and a correction for "
    "attenuation",
)
def test_r_gives_the_same() -> None:
    found = correlations(ITEMS)
    row = found.table.iloc[0]
    expected = [0.8054249285, 0.4305285187, 0.9433003983]  # psych::r.con
    np.testing.assert_allclose(row[["r", "ci_low", "ci_high"]].astype(float), expected, atol=1e-9)
    np.testing.assert_allclose(
        found.smc, [0.8582393859, 0.6525573192, 0.8283473715], atol=1e-9
    )  # psych::smc
    tau = correlations(ITEMS, "kendall").table["r"]
    np.testing.assert_allclose(tau, [0.6725927091, -0.8421052632, -0.6371930929], atol=1e-9)
    assert pair(ITEMS, method="spearman")["r"] == pytest.approx(0.8120492038, abs=1e-9)
    assert pair(ITEMS, control=["c"])["r"] == pytest.approx(0.4280057, abs=1e-7)  # partial.r
    assert pair(DATA[["x", "y"]], method="phi")["r"] == pytest.approx(0.50709255, abs=1e-8)
    assert pair(DATA[["x", "y"]], method="yule")["r"] == pytest.approx(9.0 / 11.0)
    biserial = pair(DATA[["a", "x"]], method="biserial")["r"]
    assert biserial * np.sqrt(11.0 / 12.0) == pytest.approx(0.9060668561, abs=1e-9)
    corrected = correlations(ITEMS[["a", "b"]], reliabilities={"a": 0.8, "b": 0.7})
    assert corrected.table["corrected"][0] == pytest.approx(1.076294333, abs=1e-9)
    assert any("above 1: a with b" in note for note in corrected.notes)


def test_intervals_by_hand() -> None:
    n, z = 12.0, 1.959963984540054

    def fisher(r: float, se: float) -> list[float]:
        return [float(np.tanh(np.arctanh(r) - z * se)), float(np.tanh(np.arctanh(r) + z * se))]

    for method, size in (
        ("spearman", lambda r: np.sqrt((1.0 + 0.5 * r * r) / (n - 3.0))),
        ("kendall", lambda r: np.sqrt(0.437 / (n - 4.0))),
    ):
        row = pair(ITEMS, method=method)
        assert [row["ci_low"], row["ci_high"]] == pytest.approx(fisher(row["r"], size(row["r"])))
    row = pair(ITEMS, control=["c"])
    assert [row["ci_low"], row["ci_high"]] == pytest.approx(
        fisher(row["r"], 1.0 / np.sqrt(n - 4.0))
    )
    row = pair(DATA[["x", "y"]], method="yule")  # table 5 2 1 4
    se = np.sqrt(1 / 5 + 1 / 2 + 1 / 1 + 1 / 4)
    expected = np.tanh(0.5 * (np.log(10.0) + z * np.array([-se, se])))
    np.testing.assert_allclose([row["ci_low"], row["ci_high"]], expected)


def test_kendall_with_gaps_is_that_of_shared_rows() -> None:
    rng = np.random.default_rng(3)
    values = np.rint(3.0 * rng.normal(size=(40, 4)))
    values[rng.random((40, 4)) < 0.15] = np.nan
    whole = kendall(values)
    for i in range(4):
        for j in range(i):
            both = ~np.isnan(values[:, [i, j]]).any(axis=1)
            assert whole[i, j] == pytest.approx(kendall(values[both][:, [i, j]])[0, 1])
    gappy = pd.DataFrame(values)
    found = correlations(gappy, "kendall", missing="pairwise")
    np.testing.assert_allclose(found.correlations, whole)
    np.testing.assert_allclose(found.n_pairs.iloc[0, 1], gappy[[0, 1]].dropna().shape[0])


def test_partial_given_the_rest_and_a_singular_rest() -> None:
    rest = correlations(ITEMS, control="rest")
    assert rest.table["r"][0] == pytest.approx(pair(ITEMS, control=["c"])["r"])
    assert rest.smc.isna().all()
    twins = ITEMS.assign(d=ITEMS["c"])
    with pytest.raises(InputError, match="singular"):
        correlations(twins, control=["c", "d"])
    assert any("singular" in note for note in correlations(twins).notes)


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"method": "phi"}, InputError, "two values"),
        ({"method": "yule"}, InputError, "two values"),
        ({"method": "gamma"}, InputError, "method='gamma'"),
        ({"method": "kendall", "control": ["c"]}, InputError, "Partial"),
        ({"control": ["z"]}, UnknownNameError, "control"),
        ({"control": ["a", "b"]}, InputError, "leaves 1 items"),
        ({"reliabilities": {"a": 0.8}}, InputError, "'b'"),
        ({"reliabilities": {"a": 0.8, "b": 1.2, "c": 0.5}}, InputError, "1.2"),
    ],
)
def test_refusals(options: dict[str, object], error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        correlations(ITEMS, **options)


def test_constant_items_and_binary_pairs() -> None:
    with pytest.raises(InputError, match="same answer to k"):
        correlations(ITEMS.assign(k=1))
    found = correlations(DATA[["a", "x", "y"]], "biserial")
    assert np.isnan(found.correlations.loc["x", "y"])
    assert any("polychoric" in note for note in found.notes)
    assert "Biserial correlations" in found.summary()
