"""Category counts by hand, in parts, and with missing answers."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cte_metrics.kernels.summaries import contingency
from cte_metrics.kernels.summaries.contingency import category_codes, category_counts, item_pairs


def test_codes_and_levels_by_hand():
    coded = category_codes(np.array([[1.0, 5.0], [3.0, np.nan], [1.0, 2.0], [6.0, 5.0]]))
    assert coded.codes.tolist() == [[0, 1], [1, -1], [0, 0], [2, 1]]
    assert [level.tolist() for level in coded.levels] == [[1.0, 3.0, 6.0], [2.0, 5.0]]
    assert coded.n_categories.tolist() == [3, 2]


def test_codes_of_fractions_and_of_far_values():
    values = np.array([[0.5, 10_000.0], [0.25, -4.0], [0.5, np.nan]])
    coded = category_codes(values)
    assert coded.codes.tolist() == [[1, 1], [0, 0], [1, -1]]


def test_integers_need_no_floats():
    x = np.array([[1, 2], [2, 2], [1, 3]], dtype=np.int8)
    assert category_codes(x).codes.tolist() == [[0, 0], [1, 0], [0, 1]]


def test_tables_equal_crosstab():
    rng = np.random.default_rng(5)
    frame = pd.DataFrame(rng.integers(0, 4, (200, 3)), columns=list("abc"))
    codes = category_codes(frame.to_numpy(float))
    counts = category_counts(codes.codes, codes.n_categories)
    first, second = item_pairs(3)
    tables = counts.tables(first, second)
    for table, i, j in zip(tables, first, second, strict=True):
        expected = pd.crosstab(frame.iloc[:, i], frame.iloc[:, j]).to_numpy()
        assert table.tolist() == expected.tolist()
    assert counts.marginals.sum(axis=1).tolist() == [200, 200, 200]


def test_missing_answers_count_pair_by_pair():
    codes = np.array([[0, 0], [1, -1], [-1, 1], [1, 1]], dtype=np.int16)
    counts = category_counts(codes, np.array([2, 2]))
    assert counts.marginals.tolist() == [[1, 2], [1, 2]]
    assert counts.tables(*item_pairs(2))[0].tolist() == [[1, 0], [0, 1]]


def test_weights_are_sums():
    codes = np.array([[0, 1], [1, 1]], dtype=np.int16)
    counts = category_counts(codes, np.array([2, 2]), weights=np.array([0.25, 2.0]))
    np.testing.assert_allclose(counts.tables(*item_pairs(2))[0], [[0.0, 0.25], [0.0, 2.0]])


@given(codes=arrays(np.int16, (23, 4), elements=st.integers(-1, 3)), cut=st.integers(0, 23))
def test_parts_add_up(codes, cut):
    k = np.full(4, 4)
    whole = category_counts(codes, k)
    parts = category_counts(codes[:cut], k) + category_counts(codes[cut:], k)
    np.testing.assert_array_equal(whole.joint, parts.joint)
    assert parts.n_rows == 23


def test_blocks_do_not_matter(monkeypatch):
    codes = np.random.default_rng(1).integers(0, 5, (101, 3)).astype(np.int16)
    whole = category_counts(codes, np.full(3, 5))
    monkeypatch.setattr(contingency, "_CELLS_PER_BLOCK", 100)
    np.testing.assert_array_equal(category_counts(codes, np.full(3, 5)).joint, whole.joint)


def test_different_items_do_not_add():
    one = category_counts(np.zeros((2, 1), np.int16), np.array([1]))
    two = category_counts(np.zeros((2, 2), np.int16), np.array([1, 1]))
    with pytest.raises(ValueError, match="different items"):
        one + two
