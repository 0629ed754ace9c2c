"""Moments in one pass: against numpy, pandas and themselves."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cte_metrics.kernels.summaries.moments import BLOCK_ROWS, moments
from tests.reference_case import case


def answers(seed: int, n: int, k: int, share_missing: float) -> np.ndarray:
    rng = np.random.default_rng(seed)
    x = rng.integers(1, 7, size=(n, k)).astype(float)
    x[rng.random(x.shape) < share_missing] = np.nan
    return x


def test_complete_moments_equal_numpys() -> None:
    x = answers(1, 500, 7, 0.0)
    m = moments(x)
    np.testing.assert_allclose(m.mean, x.mean(0), rtol=1e-14)
    np.testing.assert_allclose(m.covariance, np.cov(x.T), rtol=1e-12)
    np.testing.assert_allclose(m.correlation, np.corrcoef(x.T), atol=1e-14)


def test_blocks_do_not_show() -> None:
    x = answers(2, BLOCK_ROWS * 2 + 17, 3, 0.02)
    pairwise = moments(x, "pairwise")
    frame = pd.DataFrame(x)
    np.testing.assert_allclose(pairwise.covariance, frame.cov(), atol=1e-12)
    np.testing.assert_allclose(moments(x).covariance, frame.dropna().cov(), atol=1e-12)


def test_pairwise_covariance_equals_r() -> None:
    entry = case("bfi_ac").entries(function="cov")[0]
    frame = case("bfi_ac").data[entry.args["items"]]
    m = moments(frame.to_numpy(), "pairwise")
    np.testing.assert_allclose(m.covariance, entry.values.to_numpy(), rtol=1e-12)
    np.testing.assert_allclose(m.correlation, frame.corr().to_numpy(), atol=1e-12)


def test_integers_are_summarised_as_they_are() -> None:
    x = answers(3, 100, 4, 0.0)
    np.testing.assert_array_equal(moments(x.astype(np.int8)).covariance, moments(x).covariance)


def test_a_large_mean_does_not_cancel() -> None:
    x = answers(4, 300, 3, 0.0)
    np.testing.assert_allclose(moments(x + 1e9).covariance, np.cov(x.T), rtol=1e-9)


def test_an_item_without_answers_is_nan_not_zero() -> None:
    x = answers(5, 20, 3, 0.0)
    x[:, 1] = np.nan
    m = moments(x, "pairwise")
    assert np.isnan(m.mean[1])
    assert np.isnan(m.covariance[1]).all()
    assert moments(x).n == 0


def test_no_rows_give_nan() -> None:
    m = moments(np.empty((0, 2)))
    assert m.n == 0
    assert np.isnan(m.covariance).all()


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 10_000),
    st.integers(1, 60),
    st.integers(1, 5),
    st.sampled_from([0.0, 0.2]),
    st.sampled_from(["listwise", "pairwise"]),
)
def test_summaries_merge(seed: int, n: int, k: int, share: float, missing: str) -> None:
    x = answers(seed, n, k, share)
    cut = n // 2
    whole, parts = moments(x, missing), moments(x[:cut], missing) + moments(x[cut:], missing)
    assert (whole.n, whole.n_dropped) == (parts.n, parts.n_dropped)
    np.testing.assert_allclose(parts.mean, whole.mean, atol=1e-12)
    np.testing.assert_allclose(parts.covariance, whole.covariance, atol=1e-11)
    np.testing.assert_allclose(parts.correlation, whole.correlation, atol=1e-9)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.permutations(range(4)))
def test_item_order_carries_through(seed: int, order: list[int]) -> None:
    x = answers(seed, 40, 4, 0.1)
    taken = moments(x, "pairwise").take(np.array(order))
    np.testing.assert_allclose(
        taken.covariance, moments(x[:, order], "pairwise").covariance, atol=1e-12
    )


def test_adding_something_else_is_refused() -> None:
    with pytest.raises(TypeError):
        moments(np.ones((3, 2))) + 1  # type: ignore[operator]
