"""The door: the same answers from every kind of table, and refusals that explain themselves."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from cte_metrics.core.door import (
    column,
    complete_rows,
    item_data,
    looks_like_matrix,
    sequence,
    square_matrix,
)
from cte_metrics.errors import InputError, InputTypeError, UnknownNameError

FRAME = pd.DataFrame({"q1": [1, 2, None, 4], "q2": [3, 3, 1, 2]}, index=["a", "b", "c", "d"])


@pytest.mark.parametrize(
    "data",
    [
        FRAME,
        FRAME.astype({"q1": "Int64", "q2": "Int8"}),
        pl.DataFrame({"q1": [1, 2, None, 4], "q2": [3, 3, 1, 2]}),
        pa.table({"q1": [1, 2, None, 4], "q2": [3, 3, 1, 2]}),
    ],
    ids=["pandas", "pandas nullable", "polars", "pyarrow"],
)
def test_every_table_gives_the_same_answers(data: object) -> None:
    read = item_data(data)
    assert read.items == ("q1", "q2")
    np.testing.assert_array_equal(read.values, [[1, 3], [2, 3], [np.nan, 1], [4, 2]])


def test_integers_keep_their_type_and_the_frame_is_not_copied() -> None:
    codes = pd.DataFrame(np.ones((5, 2), dtype=np.int8), columns=["a", "b"])
    assert item_data(codes).raw.dtype == np.int8


def test_items_choose_and_order_columns() -> None:
    assert item_data(FRAME, items=["q2", "q1"]).values[0].tolist() == [3, 1]
    assert item_data(FRAME, exclude=("q1",)).items == ("q2",)


def test_arrays_are_named_by_position() -> None:
    assert item_data(np.ones((3, 2))).items == ("item_1", "item_2")
    assert item_data(np.ones((3, 2)), items=["x", "y"]).items == ("x", "y")


def test_listwise_deletion_says_what_it_dropped() -> None:
    values, dropped, note = complete_rows(item_data(FRAME))
    assert (len(values), dropped) == (3, 1)
    assert note == "1 of 4 rows with missing answers were dropped."


def test_no_complete_row_names_the_empty_item() -> None:
    with pytest.raises(InputError, match="No respondent answered every item; no one answered q1"):
        complete_rows(item_data(pd.DataFrame({"q1": [np.nan, np.nan], "q2": [1, 2]})))


def test_text_is_refused_with_column_row_and_value() -> None:
    bad = pd.DataFrame({"q1": [1, 2], "q2": [3, "often"]}, index=[10, 11])
    with pytest.raises(InputTypeError, match=r"Column 'q2' is not numeric: row 11 holds 'often'"):
        item_data(bad)
    with pytest.raises(InputTypeError, match=r"Column 'q2' is not numeric: row 0 holds 'often'"):
        item_data(pl.DataFrame({"q1": [1], "q2": ["often"]}))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: item_data(FRAME, items=["q_1"]), UnknownNameError, "Did you mean 'q1'"),
        (
            lambda: item_data(FRAME, minimum_items=3, what="Omega"),
            InputError,
            "Omega needs at least 3",
        ),
        (lambda: item_data(FRAME[:0]), InputError, "have no rows"),
        (lambda: item_data(np.ones(3)), InputTypeError, "two dimensions"),
        (lambda: item_data([[1, 2], [3]]), InputError, "differ in length"),
        (lambda: item_data(7), InputTypeError, "got int"),
        (
            lambda: item_data(pl.DataFrame({"a": [1]}).lazy()),
            InputTypeError,
            "lazy frame is collected",
        ),
        (
            lambda: item_data(pd.DataFrame([[1, 2]], columns=["a", "a"])),
            InputError,
            "two columns named 'a'",
        ),
        (
            lambda: item_data(pd.DataFrame({"a": [1, np.inf]})),
            InputError,
            "infinite value in row 1",
        ),
        (lambda: sequence([1, 2], 3, "group"), InputError, "one entry for each of 3 rows"),
        (
            lambda: column(FRAME, "q9", 4, "group"),
            UnknownNameError,
            "group: there is no column 'q9'",
        ),
    ],
)
def test_refusals(call: object, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()  # type: ignore[operator]


def test_square_matrices_are_recognised() -> None:
    r = pd.DataFrame([[1, 0.5], [0.5, 1]], columns=["a", "b"], index=["a", "b"])
    found = square_matrix(r)
    assert found is not None
    assert found[1] == ("a", "b")
    assert square_matrix(FRAME) is None
    assert square_matrix(np.array([[1, 2], [3, 4]])) is None


def test_columns_of_arrow_tables_are_found_by_name():
    table = pa.table({"a": [1.0, 0.5], "b": [0.5, 1.0]})
    assert column(table, "b", 2, "group").tolist() == [0.5, 1.0]
    assert square_matrix(table)[1] == ("a", "b")


# --- a matrix where answers are expected --------------------------------------------------------

RNG = np.random.default_rng(5)
SIX = pd.DataFrame(RNG.normal(size=(90, 1)) + RNG.normal(size=(90, 6)), columns=list("abcdef"))
LOWER = np.tril(np.ones((6, 6))) > 0


@pytest.mark.problem(
    "pingouin, factor_analyzer",
    "a correlation matrix is analysed as if its rows were respondents",
    "a matrix in the place of answers is refused at the door, whole or as a triangle",
)
@pytest.mark.parametrize(
    "table",
    [
        SIX.corr(),
        SIX.cov(),
        SIX.corr().round(2).to_numpy(),
        SIX.corr().where(LOWER),
        SIX.corr() * LOWER,
        SIX.corr().where(LOWER.T),
        SIX.corr()
        .where(SIX.corr() < 1, 1)
        .mask(SIX.corr().round(6) == SIX.corr().iloc[0, 1].round(6)),
        pl.from_pandas(SIX.corr()),
        np.eye(4),
    ],
    ids=["r", "cov", "rounded", "lower", "lower 0", "upper", "a gap", "polars", "identity"],
)
def test_a_matrix_in_the_place_of_answers_is_refused(table: object) -> None:
    with pytest.raises(InputError, match=r"needs answers, one row a respondent.* matrix") as caught:
        item_data(table)
    assert "n_obs" in caught.value.hint


def test_some_columns_of_a_matrix_are_no_answers_either() -> None:
    with pytest.raises(InputError, match="look like a correlation matrix"):
        item_data(SIX.corr(), items=["a", "b", "c"])


@pytest.mark.parametrize(
    "answers",
    [
        RNG.integers(1, 6, (6, 6)),
        np.array([[1, 2, 3], [2, 3, 1], [3, 1, 2]]),
        np.array([[1, 0], [0, 1]]),
        np.full((4, 4), 3),
        np.array([[0, 1], [1, 0]]),
    ],
)
def test_as_many_respondents_as_items_are_no_matrix(answers: np.ndarray) -> None:
    assert item_data(answers).n_respondents == len(answers)


def test_rows_named_as_columns_make_a_symmetric_table_a_matrix() -> None:
    counts = pd.DataFrame([[5, 2, 1], [2, 4, 1], [1, 1, 6]], list("abc"), list("abc"))
    assert looks_like_matrix(counts.to_numpy(), labelled=True)
    with pytest.raises(InputError, match="covariance matrix"):
        item_data(counts)
    assert item_data(counts.reset_index(drop=True)).n_items == 3
