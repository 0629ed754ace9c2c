"""Suppression by hand, and the promise that nothing hidden can be computed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from cte_metrics.kernels.groups import disclosure as ds


def equations(shape):
    """Every published identity: cells of a line minus its margin."""
    size = int(np.prod(shape))
    place = np.arange(size).reshape(shape)
    rows = []
    for axis in range(len(shape)):
        moved = np.moveaxis(place, axis, -1).reshape(-1, shape[axis])
        for line in moved:
            row = np.zeros(size)
            row[line[:-1]], row[line[-1]] = 1.0, -1.0
            rows.append(row)
    return np.array(rows)


def attack(hidden, n):
    """Hidden cells with respondents whose total follows from what is published."""
    matrix = equations(hidden.shape)[:, hidden.ravel()]
    position = np.flatnonzero(hidden.ravel())
    out = []
    for k, cell in enumerate(position):
        unit = np.eye(len(position))[k]
        solution = np.linalg.lstsq(matrix.T, unit, rcond=1e-10)[0]
        if np.abs(matrix.T @ solution - unit).max() < 1e-8 and n.ravel()[cell] > 0:
            out.append(int(cell))
    return out


def test_one_small_group_takes_the_next_smallest_with_it():
    assert ds.suppress(np.array([20, 3, 9, 30]), 5).tolist() == [False, True, True, False, False]


def test_two_small_groups_that_are_small_together_need_a_third():
    assert ds.suppress(np.array([20, 2, 2, 9]), 5)[:4].tolist() == [False, True, True, True]
    assert ds.suppress(np.array([20, 3, 2, 9]), 5)[:4].tolist() == [False, True, True, False]


def test_nothing_is_hidden_without_small_groups_or_minimum():
    assert not ds.suppress(np.array([5, 6, 7]), 5).any()
    assert not ds.suppress(np.array([1, 6, 7]), 1).any()
    assert not ds.suppress(np.array([0, 6, 7]), 5).any()


def test_a_survey_below_the_minimum_is_hidden_whole():
    assert ds.suppress(np.array([2, 1]), 5).all()


def test_a_row_and_a_column_are_closed():
    hidden = ds.suppress(np.array([[2, 8, 9], [7, 6, 9], [9, 8, 7]]), 5)
    inner = hidden[:-1, :-1]
    assert inner[0].sum() >= 2
    assert inner[:, 0].sum() >= 2
    assert not hidden[-1].any()
    assert not hidden[:, -1].any()


def test_a_cell_that_its_column_gives_away_is_not_the_one_to_hide():
    # beside the 2 the 6 is smaller than the 9, but it is all of its column, whose total is shown
    hidden = ds.suppress(np.array([[2, 6, 9], [8, 0, 9]]), 5)
    assert np.argwhere(hidden).tolist() == [[0, 0], [0, 2], [1, 0], [1, 2]]


def test_hidden_cells_of_each_line_hold_the_minimum_together():
    # 2 + 2 is too few in either row and in no other line: every line gets one more
    hidden = ds.suppress(np.array([[2, 2, 9, 9], [2, 2, 9, 9], [9, 9, 9, 9]]), 5)
    assert hidden.tolist() == [
        [True, True, True, False, False],
        [True, True, True, False, False],
        [True, True, False, False, False],
        [False] * 5,
    ]


def test_the_margin_of_a_line_is_hidden_last_and_then_nothing_is_left():
    size, mask = np.array([3, 0, 7, 6, 16]), np.array([True, False, False, False, False])
    alone = np.array([False, True, False, True, False])
    for cell in (2, 3, 4):
        assert ds._hide_smallest(size, mask, alone)
        assert mask[cell]
    assert mask.sum() == 4
    assert not ds._hide_smallest(size, mask, alone)
    assert mask.tolist() == [True, False, True, True, True]


def test_bridges_are_found():
    # two squares joined by one cell: each line holds two or more, yet the bridge is determined
    hidden = np.zeros((6, 6), dtype=bool)
    for i, j in [(0, 0), (0, 1), (1, 0), (1, 1), (2, 2), (2, 3), (3, 2), (3, 3), (0, 2)]:
        hidden[i, j] = True
    found = ds.recoverable(hidden)
    assert np.argwhere(found).tolist() == [[0, 2]]


@pytest.mark.parametrize("limit", [0, ds.DENSE_LIMIT])
@pytest.mark.parametrize("shape", [(2,), (3, 3), (4, 2), (2, 2, 2)])
def test_what_is_recoverable_in_every_pattern_of_small_tables(shape, limit, monkeypatch):
    monkeypatch.setattr(ds, "DENSE_LIMIT", limit)
    size = int(np.prod(shape))
    for pattern in range(2**size):
        hidden = (pattern >> np.arange(size) & 1).astype(bool).reshape(shape)
        found = np.flatnonzero(ds.recoverable(hidden)).tolist()
        assert found == attack(hidden, np.ones(shape)), hidden


@st.composite
def tables(draw):
    shape = tuple(draw(st.lists(st.integers(1, 5), min_size=1, max_size=3)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return rng.poisson(draw(st.sampled_from([1.0, 4.0, 8.0, 15.0])), shape)


@settings(max_examples=150, deadline=None)
@given(tables())
def test_no_hidden_cell_can_be_computed(counts):
    hidden, n = ds.suppress(counts, 5), ds.with_margins(counts)
    assert hidden[(n > 0) & (n < 5)].all()
    assert not attack(hidden, n)


@settings(max_examples=100, deadline=None)
@given(tables())
def test_tables_of_fewer_divisions_agree_with_the_larger_one(counts):
    whole = ds.suppress(counts, 5)
    for axis in range(counts.ndim if counts.ndim > 1 else 0):
        smaller = ds.suppress(counts.sum(axis=axis), 5)
        margin = whole[(slice(None),) * axis + (-1,)]
        assert margin[smaller].all()


@settings(max_examples=40, deadline=None)
@given(tables())
def test_both_audits_agree(counts):
    hidden = ds.suppress(counts, 5)
    position = np.nonzero(hidden)
    if not len(position[0]):
        return
    relation, number = ds._equations(hidden.shape, position)
    vector = np.random.default_rng(1).normal(size=len(position[0]))
    dense = ds._project_dense(vector, relation, number)
    np.testing.assert_allclose(ds._project(vector, relation, number), dense, atol=1e-7)


def test_a_bounded_attack_leaves_a_wide_range():
    """With answers known to lie in 1 to 5, the hidden mean is still open."""
    n = np.array([3, 9, 12, 20])
    mean = np.array([4.2, 3.1, 3.5, 2.9])
    hidden = ds.suppress(n, 5)[:-1]
    known = n @ mean - (n * mean)[~hidden].sum()
    size = n[hidden]
    limits = [
        linprog(sign * np.eye(len(size))[0], A_eq=size[None, :], b_eq=[known],
                bounds=[(1, 5)] * len(size)).x[0]
        for sign in (1, -1)
    ]  # fmt: skip
    assert limits[1] - limits[0] == pytest.approx(4, abs=0.5)
