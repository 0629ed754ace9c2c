"""Columns named by numbers or by several header rows work wherever texts do."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

import cte_metrics as cte
from cte_metrics import aggregation, factor, reliability, scoring
from cte_metrics.core.door import column, item_data
from cte_metrics.core.naming import meant, named_column, places
from cte_metrics.errors import InputError, InputTypeError, UnknownNameError

Renamed = Callable[[list[str]], pd.Index]

KINDS: dict[str, Renamed] = {
    "integer": lambda names: pd.RangeIndex(len(names)),
    "float": lambda names: pd.Index([float(k) for k in range(len(names))]),
    "tuple": lambda names: pd.MultiIndex.from_tuples([("A", k) for k in range(len(names))]),
}


@pytest.fixture(params=KINDS)
def pair(request: pytest.FixtureRequest) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Six items and a school (the last column): named by texts, and by another kind of label."""
    rng = np.random.default_rng(5)
    common = rng.normal(size=(80, 1))
    items = np.clip(np.rint(3 + common + 0.8 * rng.normal(size=(80, 6))), 1, 5)
    named = pd.DataFrame(items, columns=list("abcdef")).assign(school=np.arange(80) % 8)
    return named, named.set_axis(KINDS[request.param](list(named)), axis=1)


@pytest.mark.problem(
    "psych, pingouin and this library: column names",
    "columns named 0, 1, 2 work in one function and are unknown in the next",
    "any label is known by its text, and asked for by the label or its text, in every function",
)
def test_every_kind_of_label_gives_the_figures_of_texts(
    pair: tuple[pd.DataFrame, pd.DataFrame],
) -> None:
    named, other = pair
    a, b = named.columns.tolist(), other.columns.tolist()
    x, y = named[a[:6]], other[b[:6]]

    def sets(names: list[str]) -> dict[str, list[str]]:
        return {"one": names[:3], "two": names[3:6]}

    np.testing.assert_array_equal(factor.efa(x, 1).scores(x), factor.efa(y, 1).scores(y))
    assert (
        reliability.stratified_alpha(x, sets(a)).alpha
        == reliability.stratified_alpha(y, sets(b)).alpha
    )
    np.testing.assert_array_equal(reliability.htmt(x, sets(a)), reliability.htmt(y, sets(b)))
    np.testing.assert_allclose(
        factor.cfa(x).parameters["est"], factor.cfa(y).parameters["est"], rtol=0, atol=1e-8
    )
    np.testing.assert_array_equal(
        aggregation.agreement(named, "school").table, aggregation.agreement(other, b[6]).table
    )
    np.testing.assert_array_equal(
        cte.Moments.from_data(named, by="school").covariance,
        cte.Moments.from_data(other, by=b[6]).covariance,
    )
    ordinal = factor.polychoric(y, ordered=b[:6]).correlations
    np.testing.assert_array_equal(factor.polychoric(x, ordered=True).correlations, ordinal)


def test_a_target_finds_its_rows_by_label(pair: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    _, other = pair
    items = other.iloc[:, :6]
    zeros = np.array([[np.nan, 0.0]] * 3 + [[0.0, np.nan]] * 3)
    target = pd.DataFrame(zeros, index=items.columns)
    found = [
        factor.efa(items, 2, rotation="target", rotation_options={"target": t}).loadings
        for t in (target, target.iloc[::-1])
    ]
    pd.testing.assert_frame_equal(*found)


def test_a_survey_takes_any_label(pair: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    _, other = pair
    labels = other.columns.tolist()
    instrument = cte.Instrument(
        id="t",
        response_scale=cte.ResponseScale(minimum=1, maximum=5),
        items=[cte.Item(id=f"q{k}") for k in range(6)],
    )
    survey = cte.Responses(
        other,
        instrument,
        columns={label: f"q{k}" for k, label in enumerate(labels[:6])},
        group=labels[6],
    )
    np.testing.assert_array_equal(survey.keyed, other.iloc[:, :6])
    np.testing.assert_array_equal(survey.group, other.iloc[:, 6])


@pytest.mark.problem(
    "psych, pingouin and this library: column names",
    "columns named 0, 1, 2 are read, but items=[0, 1, 2] is refused because it holds no texts",
    "whoever names columns may name them by their labels or by the labels' texts",
)
def test_columns_are_asked_for_by_label(pair: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    named, other = pair
    a, b = named.columns.tolist(), other.columns.tolist()
    for function, name in (
        (reliability.cronbach_alpha, "alpha"),
        (reliability.mcdonald_omega, "omega"),
        (reliability.guttman_lambdas, "lambda2"),
        (reliability.split_half, "maximum"),
        (reliability.greatest_lower_bound, "glb"),
    ):
        ours, theirs = (function(x, items=y[:4]) for x, y in ((named, a), (other, b)))
        assert getattr(ours, name) == getattr(theirs, name), name
    with pytest.warns(cte.ImproperSolutionWarning):
        two_level = [
            reliability.multilevel_reliability(x, y[6], items=y[:4]).alpha_within
            for x, y in ((named, a), (other, b))
        ]
    assert two_level[0] == two_level[1]
    np.testing.assert_array_equal(
        scoring.item_analysis(named, items=a[1:5]).table,
        scoring.item_analysis(other, items=b[1:5]).table,
    )
    np.testing.assert_array_equal(
        reliability.icc(named, raters=a[:3]), reliability.icc(other, raters=b[:3])
    )
    np.testing.assert_array_equal(
        factor.polychoric(named[a[:3]], ordered=a[:3]).correlations,
        factor.polychoric(other[b[:3]], ordered=b[:3]).correlations,
    )
    np.testing.assert_array_equal(
        aggregation.center(named, a[:2], a[6]), aggregation.center(other, b[:2], b[6])
    )


@pytest.mark.parametrize("items", [3, b"ab", [["a"], ["b"]], pd.DataFrame({"a": [1]})])
def test_what_holds_no_labels_is_refused(items: object) -> None:
    frame = pd.DataFrame(np.eye(3) + 1.0, columns=list("abc"))
    with pytest.raises(InputTypeError, match="labels of columns"):
        reliability.cronbach_alpha(frame, items=items)


@pytest.mark.problem(
    "this library: cronbach_alpha",
    "a table with the columns 0 and '0' gives two rows of the same name",
    "two labels of one text are refused, and named",
)
@pytest.mark.parametrize("twin", ["0", 0.0])
def test_two_labels_of_one_text_are_refused(twin: object) -> None:
    frame = pd.DataFrame(np.eye(3) + 1.0).set_axis([0, 1, twin], axis=1)
    with pytest.raises(InputError, match="0"):
        reliability.cronbach_alpha(frame)
    with pytest.raises(InputError):
        item_data(frame, items=[1])


def test_a_whole_float_answers_to_its_whole_number() -> None:
    frame = pd.DataFrame({0.0: [1, 2], 1.5: [3, 4]})
    assert item_data(frame).items == ("0.0", "1.5")
    assert item_data(frame, items=[0, "1.5"]).items == ("0", "1.5")
    assert column(frame, 0, 2, "group").tolist() == [1, 2]
    assert meant([1.0], [0, 1]) == [1]


def test_a_matrix_and_moments_answer_to_labels_too() -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(50, 1)) + rng.normal(size=(50, 4)))
    for data, n_obs in ((frame.corr(), 50), (cte.Moments.from_data(frame), None)):
        found = reliability.cronbach_alpha(data, items=[0, 2, 3], n_obs=n_obs)
        assert found.items.index.tolist() == ["0", "2", "3"]


def test_an_item_called_0_is_an_indicator_and_a_bare_0_is_none() -> None:
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(rng.normal(size=(60, 1)) + rng.normal(size=(60, 3)))
    table = factor.cfa(frame, "f =~ `0` + `1` + `2`").parameters
    assert table[table["op"] == "=~"]["rhs"].tolist() == ["0", "1", "2"]


def test_what_names_a_column() -> None:
    frame = pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_tuples([("a", 1), ("a", 2)]))
    assert named_column(frame, ("a", 2)) == (("a", 2),)
    assert named_column(frame, ("x", "y")) == ()
    assert named_column(frame, pd.Series([1])) == ()
    assert places([("a", np.int64(1))]) == {"('a', 1)": 0}
    with pytest.raises(UnknownNameError, match="no column 7"):
        meant([7], [0, 1])


@pytest.mark.problem(
    "this library: items= and subscales",
    "an item that is named twice, once as 0 and once as '0', counts twice in alpha",
    "an item that is asked for twice is refused, however it is named",
)
def test_an_item_that_is_named_twice_is_refused(
    pair: tuple[pd.DataFrame, pd.DataFrame],
) -> None:
    _, other = pair
    labels = other.columns.tolist()
    with pytest.raises(InputError, match="asked for twice"):
        reliability.cronbach_alpha(other, items=[*labels[:3], str(labels[1])])
    with pytest.raises(InputError, match="belongs to 'one' and to 'two'"):
        reliability.stratified_alpha(other, {"one": labels[:3], "two": labels[2:5]})
    with pytest.raises(InputError, match="belongs to 'one' twice"):
        reliability.stratified_alpha(other, {"one": [labels[0], labels[0]], "two": labels[2:5]})


def test_labels_of_numpy_numbers_are_known() -> None:
    r = np.kron(np.eye(2), [[1.0, 0.5], [0.5, 1.0]]) + 0.1 * (1 - np.eye(4))
    names = pd.MultiIndex.from_tuples([("a", 1), ("a", 2), ("b", 1), ("b", 2)])
    matrix = pd.DataFrame(r, names, names)
    sets = {f: [(f, np.int64(1)), (f, np.int64(2))] for f in ("a", "b")}
    assert reliability.htmt(matrix, sets, n_obs=100).loc["a", "b"] < 1
    assert reliability.stratified_alpha(matrix, sets, n_obs=100).n_items == 4
