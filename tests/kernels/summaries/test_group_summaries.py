"""Group codes, moments and counts: by hand, merging, and the two routes to one figure."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cte_metrics.errors import InputError
from cte_metrics.kernels.summaries import group_summaries as gs

VALUES = np.array([[1.0, 5.0], [3.0, 5.0], [4.0, 2.0], [4.0, 4.0], [1.0, 3.0]])
CODES = np.array([0, 0, 1, 1, 1])


def test_codes_of_integers_equal_codes_of_their_texts():
    labels = np.array([7, -2, 7, 40, -2])
    found = gs.encode(labels)
    assert found.labels.tolist() == [-2, 7, 40]
    assert found.codes.tolist() == [1, 0, 1, 2, 0]
    assert found.sizes.tolist() == [2, 2, 1]
    by_sorting = gs.encode(labels.astype(float))
    assert by_sorting.codes.tolist() == found.codes.tolist()
    assert gs.encode([10**9, 5, 10**9]).labels.tolist() == [5, 10**9]


def test_moments_by_hand():
    found = gs.moments(VALUES, CODES, 3)
    assert found.n.tolist() == [2, 3, 0]
    assert found.mean[0].tolist() == [2, 5]
    assert found.mean[1].tolist() == [3, 3]
    assert found.squares[:2].tolist() == [[2, 0], [6, 2]]
    assert np.isnan(found.mean[2]).all()
    assert found.variance[1].tolist() == [3, 1]


def test_deviations_by_hand():
    counted = gs.counts(VALUES, CODES, 3, (1, 5))
    around_mean, around_median = gs.absolute_deviations_from_counts(counted)
    assert around_mean[0].tolist() == [1, 0]
    assert around_mean[1] == pytest.approx([4 / 3, 2 / 3])
    assert around_median[1] == pytest.approx([1, 2 / 3])  # medians 4 and 3
    assert np.isnan(around_mean[2]).all()


@st.composite
def survey(draw):
    n, k, groups = draw(st.integers(1, 40)), draw(st.integers(1, 4)), draw(st.integers(1, 6))
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    return rng.integers(1, 7, (n, k)).astype(float), rng.integers(0, groups, n), groups


@settings(max_examples=60, deadline=None)
@given(survey())
def test_counts_and_plain_sums_agree(data):
    values, codes, groups = data
    counted = gs.counts(values, codes, groups, (1, 6))
    a, b = gs.moments_from_counts(counted), gs.moments(values, codes, groups)
    np.testing.assert_allclose(a.mean, b.mean, atol=1e-12)
    np.testing.assert_allclose(a.squares, b.squares, atol=1e-10)
    around_mean, around_median = gs.absolute_deviations_from_counts(counted)
    np.testing.assert_allclose(
        around_mean, gs.absolute_deviation_mean(values, codes, b), atol=1e-12
    )
    np.testing.assert_allclose(
        around_median, gs.absolute_deviation_median(values, codes, b.n), atol=1e-12
    )


@settings(max_examples=40, deadline=None)
@given(survey(), st.integers(0, 40))
def test_parts_add_up_to_the_whole(data, cut):
    values, codes, groups = data
    cut = min(cut, len(values))
    whole = gs.moments(values, codes, groups)
    merged = gs.moments(values[:cut], codes[:cut], groups) + gs.moments(
        values[cut:], codes[cut:], groups
    )
    np.testing.assert_allclose(merged.mean, whole.mean, atol=1e-12)
    np.testing.assert_allclose(merged.squares, whole.squares, atol=1e-10)
    counted = gs.counts(values, codes, groups, (1, 6))
    parts = gs.counts(values[:cut], codes[:cut], groups, (1, 6)) + gs.counts(
        values[cut:], codes[cut:], groups, (1, 6)
    )
    assert (parts.counts == counted.counts).all()


def test_variance_does_not_suffer_from_a_large_mean():
    values = np.array([[1e8 + 1], [1e8 + 2], [1e8 + 3]])
    assert gs.moments(values, np.zeros(3, dtype=np.int64), 1).variance[0, 0] == pytest.approx(1)
    counted = gs.counts(values, np.zeros(3, dtype=np.int64), 1, (10**8 + 1, 10**8 + 3))
    assert gs.moments_from_counts(counted).variance[0, 0] == pytest.approx(1, abs=1e-12)


def test_scale_data_are_whole_numbers_in_reach():
    assert gs.is_scale_data(VALUES) == (1, 5)
    assert gs.is_scale_data(VALUES.astype(np.int8)) == (1, 5)
    assert gs.is_scale_data(VALUES + 0.5) is None
    assert gs.is_scale_data(np.array([[0.0], [500.0]])) is None
    assert gs.is_scale_data(np.empty((0, 2))) is None


def test_counts_of_different_scales_do_not_add():
    a = gs.counts(VALUES, CODES, 2, (1, 5))
    with pytest.raises(InputError, match="same groups, items and categories"):
        a + gs.counts(VALUES, CODES, 2, (0, 5))
