"""Item statistics and scale scores as formulas on arrays."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cte_metrics.kernels.numerics.resampling import (
    bootstrap_counts,
    bootstrap_covariances,
    bootstrap_indices,
    percentile_interval,
)
from cte_metrics.kernels.summaries.item_statistics import (
    item_statistics,
    mean_scores,
    score_correlations,
    value_counts,
)
from cte_metrics.kernels.summaries.scale_scores import (
    required_answers,
    scores_of_scale,
    standardize,
)
from tests.reference_case import case

FIELDS = {
    "n": "n",
    "mean": "mean",
    "sd": "sd",
    "median": "median",
    "trimmed": "trimmed",
    "mad": "mad",
    "minimum": "min",
    "maximum": "max",
    "skew": "skew",
    "kurtosis": "kurtosis",
    "se": "se",
}
CASES = ["ability", "bfi_ac", "bhr2000_items", "datcat", "hs1939", "sim_cte12", "sim_cte21"]


@pytest.mark.parametrize("name", CASES)
def test_statistics_equal_psych(name: str) -> None:
    entry = case(name)["describe.type3"]
    found = item_statistics(case(name).data[entry.args["items"]].to_numpy(dtype=float))
    for ours, theirs in FIELDS.items():
        np.testing.assert_allclose(getattr(found, ours), entry.values[theirs], atol=1e-12)


def test_statistics_of_other_data() -> None:
    entry = case("reliability")["describe"]
    data = case("reliability").data[entry.args["items"]]
    found = item_statistics(data.to_numpy(dtype=float))
    for ours, theirs in FIELDS.items():
        np.testing.assert_allclose(getattr(found, ours), entry.values[theirs], atol=1e-11)
    assert found.missing.tolist() == data.isna().sum().tolist()


def test_by_hand() -> None:
    x = np.array([[1.0], [1], [2], [4], [np.nan]])
    found = item_statistics(x, 1, 5)
    assert (found.n[0], found.missing[0], found.mean[0], found.median[0]) == (4, 1, 2.0, 1.5)
    assert found.sd[0] == pytest.approx(np.sqrt(2))
    assert found.skew[0] == pytest.approx((-1 - 1 + 8) / (4 * 2**1.5))
    assert found.kurtosis[0] == pytest.approx((1 + 1 + 16) / (4 * 4) - 3)
    assert (found.floor[0], found.ceiling[0]) == (0.5, 0.0)


def test_an_unanswered_and_a_constant_item() -> None:
    found = item_statistics(np.array([[np.nan, 3.0], [np.nan, 3.0]]))
    assert found.n.tolist() == [0, 2]
    assert np.isnan(found.mean[0])
    assert found.sd[1] == 0
    assert np.isnan(found.skew[1])


@pytest.mark.parametrize("n", [3, 7, 10, 49])
def test_a_constant_fraction_does_not_vary(n: int) -> None:
    found = item_statistics(np.full((n, 1), 0.1))
    assert (found.mean[0], found.sd[0]) == (0.1, 0.0)
    assert np.isnan([found.skew[0], found.kurtosis[0]]).all()


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(-50, 50), min_size=2, max_size=40))
def test_decimals_and_whole_numbers_take_the_same_way(values: list[float]) -> None:
    x = np.round(np.array(values), 2)
    levels, counts = value_counts(x)
    assert np.repeat(levels, counts.astype(int)).tolist() == sorted(x.tolist())
    whole = np.rint(x)
    assert value_counts(whole)[0].tolist() == np.unique(whole).tolist()
    found = item_statistics(whole[:, None])
    assert found.median[0] == np.median(whole)


def test_score_correlations_across_blocks() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(10, 2, size=(140_000, 3))
    x[rng.random(x.shape) < 0.1] = np.nan
    found = score_correlations(x)
    score = mean_scores(x)
    known = ~np.isnan(score)
    assert found.n == known.sum()
    assert found.mean == pytest.approx(score[known].mean(), abs=1e-10)
    assert found.sd == pytest.approx(score[known].std(ddof=1), abs=1e-10)
    both = known & ~np.isnan(x[:, 1])
    assert found.r_total[1] == pytest.approx(np.corrcoef(x[both, 1], score[both])[0, 1], abs=1e-10)


@pytest.mark.parametrize(
    ("k", "minimum", "needed"),
    [(6, None, 3), (6, 0.5, 3), (5, 0.5, 3), (5, 0.8, 4), (10, 0.7, 7), (4, 9, 4), (4, 0.0, 1)],
)
def test_required_answers(k: int, minimum: float | None, needed: int) -> None:
    assert required_answers(k, minimum) == needed


def test_filled_and_prorated_means() -> None:
    x = np.array([[1.0, 5.0], [3.0, np.nan], [np.nan, np.nan]])
    assert scores_of_scale(x, "prorate", 1)[0].tolist()[:2] == [3.0, 3.0]
    assert scores_of_scale(x, "item_mean", 1)[0].tolist()[:2] == [3.0, 4.0]
    assert np.isnan(scores_of_scale(x, "item_mean", 1)[0][2])
    assert scores_of_scale(x, "item_median", 1)[1].tolist() == [2, 1, 0]


def test_standardize_leaves_gaps_and_equal_scores() -> None:
    z = standardize(np.array([1.0, np.nan, 3.0]))
    assert z[[0, 2]].tolist() == pytest.approx([-(0.5**0.5), 0.5**0.5])
    assert np.isnan(standardize(np.array([2.0, 2.0]))).all()


def test_resamples_are_counts_of_draws() -> None:
    rows = np.concatenate(list(bootstrap_indices(7, 10, np.random.default_rng(2), cells=20)))
    counts = np.concatenate(list(bootstrap_counts(7, 10, np.random.default_rng(2), cells=20)))
    assert rows.shape == counts.shape == (10, 7)
    for drawn, count in zip(rows, counts, strict=True):
        np.testing.assert_array_equal(np.bincount(drawn, minlength=7), count)


def test_resampled_covariances() -> None:
    x = np.random.default_rng(0).normal(size=(30, 3))
    found = np.concatenate(list(bootstrap_covariances(x, 5, np.random.default_rng(2))))
    rows = np.concatenate(list(bootstrap_indices(30, 5, np.random.default_rng(2))))
    for matrix, drawn in zip(found, rows, strict=True):
        np.testing.assert_allclose(matrix, np.cov(x[drawn].T, bias=True), atol=1e-12)


def test_percentiles_of_nothing() -> None:
    assert np.isnan(percentile_interval(np.array([np.nan]), 0.95)).all()


def test_two_respondents_have_a_spread_of_scores() -> None:
    found = score_correlations(np.array([[1.0, 2.0], [3.0, 4.0]]))
    assert (found.n, found.mean) == (2, 2.5)
    assert found.sd == pytest.approx(np.sqrt(2))
    assert np.isnan(score_correlations(np.array([[1.0, 2.0]])).sd)
