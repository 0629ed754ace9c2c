"""Scales at the edge of what is defined: a figure, a sentence or a refusal, never infinity."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cte_metrics import factor, reliability
from cte_metrics.errors import ImproperSolutionWarning, InputError

CANCELLING = {
    "two": [[1, 5], [2, 4], [3, 3], [4, 2], [5, 1]],
    "four": [[1, 5, 1, 5], [2, 4, 2, 4], [3, 3, 3, 3], [4, 2, 5, 1], [5, 1, 4, 2]],
}


@pytest.mark.problem(
    "psych, this library: split halves",
    "items that cancel each other have split halves of minus infinity, with standard errors",
    "a sum without variance has no split halves, and the keying is named as the likely cause",
)
@pytest.mark.parametrize("answers", CANCELLING.values(), ids=CANCELLING)
def test_a_sum_without_variance_has_no_split_halves(answers: list[list[int]]) -> None:
    frame = pd.DataFrame(answers, columns=list("abcd")[: len(answers[0])])
    with pytest.raises(InputError, match="no positive variance"):
        reliability.split_half(frame, matrix="covariance")


def test_omega_of_two_items_that_cancel_is_undefined_and_says_so() -> None:
    found = reliability.mcdonald_omega(pd.DataFrame(CANCELLING["two"], columns=["a", "b"]))
    assert np.isnan(found.omega)
    assert any("First suspect the keying" in note for note in found.notes)


@pytest.mark.problem(
    "this library: cronbach_alpha of a matrix",
    "without n_obs the notes say that there is no interval and how it was computed",
    "a note speaks of the interval where there is one, and an unknown n is called unknown",
)
def test_a_note_speaks_of_an_interval_only_where_there_is_one() -> None:
    matrix = pd.DataFrame(0.5 * np.eye(4) + 0.5)
    without, known = (reliability.cronbach_alpha(matrix, n_obs=n) for n in (None, 100))
    assert not any("its interval is computed" in note for note in without.notes)
    assert any("its interval is computed" in note for note in known.notes)
    assert "n unknown" in without.summary()
    assert "n = 100" in known.summary()


def test_an_interval_that_rounding_carries_above_one_was_not_cut() -> None:
    found = reliability.split_half(pd.DataFrame({"a": [1, 2, 3, 4], "b": [1, 2, 3, 4]}))
    assert found.maximum == pytest.approx(1)
    assert not any("cut at 1" in note for note in found.notes)


@pytest.mark.problem(
    "this library: efa(method='gls')",
    "a communality of .9948 is said not to bear out a uniqueness held at .005",
    "it is a Heywood case there as by minres and ml",
)
def test_a_twin_is_a_heywood_case_by_every_bounded_method() -> None:
    rng = np.random.default_rng(5)
    common = rng.normal(size=(200, 1))
    data = pd.DataFrame(0.7 * common + 0.7 * rng.normal(size=(200, 6)), columns=list("abcdef"))
    data["copy"] = data["a"] + rng.normal(0, 0.1, 200)
    for method in ("minres", "ml", "gls"):
        with pytest.warns(ImproperSolutionWarning, match="HEYWOOD CASE"):
            found = factor.efa(data, 2, method=method)
        assert not any("held the uniqueness" in note for note in found.notes), method
        assert "IMPROPER" in str(found.status), method


def test_principal_components_show_no_interval() -> None:
    rng = np.random.default_rng(5)
    data = pd.DataFrame(rng.normal(size=(60, 1)) + rng.normal(size=(60, 6)))
    assert "nan" not in factor.efa(data, 2, method="pc").summary()
