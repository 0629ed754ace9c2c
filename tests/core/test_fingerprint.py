"""The fingerprint: one for the same answers in whatever order and by whatever way they came."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cte_metrics as cte
from cte_metrics.core.fingerprint import exact_sums, fingerprint
from cte_metrics.errors import InputError, InputTypeError

MINI = cte.Instrument(
    "mini",
    "Mini",
    "1",
    cte.ResponseScale(1, 6),
    [cte.Item("a"), cte.Item("b", reverse=True), cte.Item("c")],
)


def frame(n: int = 60, seed: int = 1, missing: float = 0.1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    answers = rng.integers(1, 7, (n, 3)).astype(float)
    answers[rng.random((n, 3)) < missing] = np.nan
    return pd.DataFrame(answers, columns=["a", "b", "c"])


def of(data: Any) -> str:
    return cte.Responses(data, MINI).fingerprint()


def pairwise(data: Any) -> cte.Moments:
    return cte.Moments.from_data(data, missing="pairwise")


@settings(max_examples=6, deadline=None)
@given(st.permutations(range(12)), st.permutations(["a", "b", "c"]))
def test_the_order_of_rows_and_columns_does_not_matter(rows: list[int], columns: list[str]) -> None:
    data = frame(12)
    assert of(data.iloc[rows][columns]) == of(data)
    assert pairwise(data.iloc[rows][columns]).fingerprint() == pairwise(data).fingerprint()


def test_the_kind_of_frame_does_not_matter() -> None:
    data = frame()
    assert of(pl.from_pandas(data)) == of(data)
    assert of(data.astype("Int64")) == of(data)
    assert of(data.astype(object).where(data.notna(), None)) == of(data)


def test_a_survey_and_its_moments_have_one_fingerprint() -> None:
    survey = cte.Responses(frame(), MINI)
    assert pairwise(survey).fingerprint() == survey.fingerprint()
    whole = cte.Responses(frame(missing=0.0), MINI)
    assert cte.Moments.from_data(whole).fingerprint() == whole.fingerprint()


@pytest.mark.parametrize("size", [1, 7, 30])
def test_chunks_add_up_to_the_whole(size: int) -> None:
    data = frame()
    parts = [pairwise(data[i : i + size]) for i in range(0, len(data), size)]
    assert sum(parts[1:], parts[0]).fingerprint() == pairwise(data).fingerprint()


def test_many_chunks_of_a_large_survey_stay_exact() -> None:
    data = frame(200_000, missing=0.02)
    bounds = [0, 3, 5_000, 60_000, 199_999, 200_000]
    parts = [pairwise(data[a:b]) for a, b in itertools.pairwise(bounds)]
    assert sum(parts[1:], parts[0]).fingerprint() == pairwise(data).fingerprint()


def test_one_answer_changes_it() -> None:
    data = frame()
    for row, column in ((0, "a"), (17, "b"), (59, "c")):
        other = data.copy()
        other.loc[row, column] = 1.0 if data.loc[row, column] != 1.0 else 2.0
        assert of(other) != of(data)
    renamed = fingerprint(["a", "b", "d"], exact_sums(data.to_numpy()))
    assert renamed != fingerprint(["a", "b", "c"], exact_sums(data.to_numpy()))


def test_equal_counts_sums_and_products_are_all_that_matters() -> None:
    """Two surveys of other people, alike in every count, sum and product of two items."""
    even = [[1, 1, 1], [1, 2, 2], [2, 1, 2], [2, 2, 1]] * 2
    odd = [[1, 1, 2], [1, 2, 1], [2, 1, 1], [2, 2, 2]] * 2
    first, second = (pd.DataFrame(rows, columns=["a", "b", "c"]) for rows in (even, odd))
    assert not first.sort_values(["a", "b", "c"]).reset_index(drop=True).equals(second)
    assert of(first) == of(second)


def test_rows_without_any_answer_do_not_count() -> None:
    data = frame()
    empty = pd.DataFrame(np.full((2, 3), np.nan), columns=data.columns)
    assert of(pd.concat([data, empty], ignore_index=True)) == of(data)


def test_it_is_pinned() -> None:
    """Fingerprints written down today are found again tomorrow."""
    answers = np.array([[1, 6, 2], [2, 5, 2], [3, 3, np.nan], [4, 4, 4], [6, 1, 5], [5, 2, 6]])
    found = fingerprint(["a", "b", "c"], exact_sums(answers))
    assert found == "428322ea1266d854cc788e36d5ab2a33"
    assert len(found) == 32


def test_a_key_makes_it_unknown_to_others() -> None:
    survey = cte.Responses(frame(), MINI)
    keyed = survey.fingerprint(key="ours")
    assert keyed == survey.fingerprint(key=b"ours")
    assert keyed == pairwise(survey).fingerprint(key="ours")
    assert len({keyed, survey.fingerprint(), survey.fingerprint(key="theirs")}) == 3


def test_a_few_respondents_need_a_key() -> None:
    few = cte.Responses(frame(4, missing=0.0), MINI)
    with pytest.raises(InputError, match="Fewer than 5 respondents"):
        few.fingerprint()
    assert len(few.fingerprint(key="ours")) == 32


def test_refusals() -> None:
    halves = frame() + 0.25
    with pytest.raises(InputError, match="whole numbers"):
        pairwise(halves).fingerprint()
    with pytest.raises(InputTypeError, match="key is a text or bytes; got int"):
        pairwise(frame()).fingerprint(key=3)  # type: ignore[arg-type]
