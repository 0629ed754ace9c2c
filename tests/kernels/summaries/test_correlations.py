"""Rank correlations by hand, against pandas, and pairwise."""

import numpy as np
import pandas as pd
import pytest

from cte_metrics.kernels.summaries.correlations import (
    correlation_from_covariance,
    midranks,
    spearman,
)
from tests.reference_case import case


def test_midranks_by_hand():
    x = np.array([[2.0], [np.nan], [1.0], [2.0], [5.0]])
    np.testing.assert_array_equal(midranks(x).ravel(), [2.5, np.nan, 1.0, 2.5, 4.0])


def test_two_reversed_columns():
    r, n = spearman(np.array([[1.0, 9.0], [2.0, 4.0], [7.0, 1.0]]))
    np.testing.assert_allclose(r, [[1, -1], [-1, 1]])
    assert n.tolist() == [[3, 3], [3, 3]]


@pytest.mark.parametrize("name", ["bfi_ac", "facialburns"])
@pytest.mark.parametrize("rows", ["pairwise", "complete"])
def test_reference(name, rows):
    entry = case(name)[f"corr_test.spearman.{rows}"]
    values = case(name).data[entry.args["items"]].to_numpy(float)
    r, _ = spearman(values, "pairwise" if rows == "pairwise" else "listwise")
    np.testing.assert_allclose(r, entry.values["r"].to_numpy(), atol=1e-12)


def test_pairwise_ranks_of_continuous_columns():
    rng = np.random.default_rng(3)
    x = rng.normal(size=(80, 4))
    x[rng.random(x.shape) < 0.2] = np.nan
    r, n = spearman(x, "pairwise")
    frame = pd.DataFrame(x)
    np.testing.assert_allclose(r, frame.corr(method="spearman").to_numpy(), atol=1e-12)
    assert n[0, 1] == frame[[0, 1]].dropna().shape[0]


def test_pairwise_ranks_from_tables_equal_those_from_rows(monkeypatch):
    from cte_metrics.kernels.summaries import correlations

    rng = np.random.default_rng(4)
    x = rng.integers(1, 6, (60, 4)).astype(float)
    x[rng.random(x.shape) < 0.15] = np.nan
    tables = spearman(x, "pairwise")
    monkeypatch.setattr(correlations, "_MOST_CATEGORIES", 1)
    rows = spearman(x, "pairwise")
    np.testing.assert_allclose(tables[0], rows[0], atol=1e-13)
    np.testing.assert_array_equal(tables[1], rows[1])


def test_constant_column_has_no_correlation():
    r, _ = spearman(np.array([[1.0, 2.0], [1.0, 3.0], [1.0, 1.0]]))
    assert np.isnan(r[0]).all()
    out = correlation_from_covariance(np.array([[0.0, 0.0], [0.0, 4.0]]))
    assert np.isnan(out[0, 0])
    assert out[1, 1] == 1.0


def test_a_variable_correlates_with_itself_exactly() -> None:
    x = np.random.default_rng(3).normal(size=(30, 4)) * [1e-3, 0.3, 7.0, 1e4]
    found = correlation_from_covariance(np.cov(x, rowvar=False))
    assert np.diagonal(found).tolist() == [1.0] * 4
    np.testing.assert_allclose(found, np.corrcoef(x, rowvar=False), atol=1e-12)


def test_two_respondents_in_the_same_order() -> None:
    values = np.array([[1.0, 2.0, 5.0], [2.0, 4.0, 3.0]])
    assert spearman(values)[0].tolist() == [[1, 1, -1], [1, 1, -1], [-1, -1, 1]]
    gap = np.vstack([values, [[np.nan, 1.0, np.nan]]])
    assert spearman(gap, "pairwise")[0][0].tolist() == [1, 1, -1]
