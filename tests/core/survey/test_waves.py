"""Rows of several waves are not independent: one mechanism at the door decides which are taken."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import cte_metrics as cte
from cte_metrics import aggregation, factor, quality, reliability, scoring, sem
from cte_metrics.core.door import column, item_data, one_wave
from cte_metrics.errors import DataWarning

WHOLE = cte.load_example()
SURVEY = WHOLE.where((WHOLE.group <= "school_10").to_numpy())
LAST = SURVEY.at_wave(3)
MODEL = "f =~ ces1 + ces2 + ces3 + ces4"
SAID = "There are 3 waves; the last, 3, was analysed"

CALLS: dict[str, Callable[[Any], Any]] = {
    "cronbach_alpha": reliability.cronbach_alpha,
    "mcdonald_omega": reliability.mcdonald_omega,
    "hierarchical_omega": lambda d: reliability.hierarchical_omega(d, 2),
    "guttman_lambdas": reliability.guttman_lambdas,
    "split_half": reliability.split_half,
    "stratified_alpha": reliability.stratified_alpha,
    "greatest_lower_bound": reliability.greatest_lower_bound,
    "multilevel_reliability": reliability.multilevel_reliability,
    "htmt": reliability.htmt,
    "icc": reliability.icc,
    "item_analysis": scoring.item_analysis,
    "efa": lambda d: factor.efa(d, 2),
    "adequacy": factor.adequacy,
    "cfa": factor.cfa,
    "sem.fit": lambda d: sem.fit(MODEL, d),
    "sem.fit by school": lambda d: sem.fit(MODEL, d, cluster="group"),
    "agreement": aggregation.agreement,
    "variance_components": aggregation.variance_components,
    "item_variance_components": aggregation.item_variance_components,
    "mixed_model": lambda d: aggregation.mixed_model("ces1 ~ 1", d),
    "mardia": quality.mardia,
}


def notes_of(result: Any) -> tuple[str, ...]:
    return result.notes if hasattr(result, "notes") else result.attrs["notes"]


def frame_of(result: Any) -> Any:
    return result.parameters["est"] if hasattr(result, "parameters") else result


@pytest.mark.problem(
    "psych, lavaan",
    "answers of one teacher in several waves count as those of several teachers",
    "every analysis takes the last wave and says so, or is told to pool",
)
@pytest.mark.parametrize("name", CALLS)
def test_the_last_wave_is_analysed_and_said(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # whether a solution is proper does not matter here
        of_all, of_last = CALLS[name](SURVEY), CALLS[name](LAST)
    assert sum(SAID in note for note in notes_of(of_all)) == 1
    assert not any(note.startswith("There are 3 waves") for note in notes_of(of_last))
    found, expected = frame_of(of_all), frame_of(of_last)
    if hasattr(found, "provenance"):
        assert found.provenance.n_used == expected.provenance.n_used
    else:
        np.testing.assert_allclose(found.to_numpy(float), expected.to_numpy(float))


def test_pooled_rows_are_all_taken_and_said() -> None:
    found = reliability.cronbach_alpha(SURVEY.pooled())
    assert found.n_respondents == len(SURVEY)
    assert any("3 waves were pooled, as asked" in note for note in found.notes)
    assert SURVEY.pooled().at_wave(3).notes == LAST.notes


def test_a_wave_among_the_variables_keeps_all_rows() -> None:
    assert len(one_wave(SURVEY, "wave")) == len(SURVEY)
    assert len(one_wave(SURVEY, "group")) == len(LAST)
    by_wave = sem.fit(MODEL, SURVEY, group="wave")
    assert len(by_wave.solution.data.labels) == 3
    assert cte.Moments.from_data(SURVEY, by="wave").groups == (1, 2, 3)
    growth = aggregation.mixed_model("ces1 ~ wave", SURVEY)
    assert growth.n_obs > len(LAST)
    assert len(cte.sem.fit(MODEL, SURVEY, group="wave").notes) < 3


def test_columns_and_arrays_follow_the_rows() -> None:
    read = item_data(SURVEY)
    school = np.asarray(SURVEY.group)
    expected = np.asarray(LAST.group)
    for given in ("group", school, school.tolist(), expected):
        np.testing.assert_array_equal(column(SURVEY, given, read.n_respondents, "group"), expected)
    pooled = SURVEY.pooled()
    np.testing.assert_array_equal(column(pooled, school, len(pooled), "group"), school)


def test_moments_have_no_notes_and_warn() -> None:
    with pytest.warns(DataWarning, match="the last, 3, was analysed"):
        found = cte.Moments.from_data(SURVEY)
    assert found.n == cte.Moments.from_data(LAST).n


def test_a_survey_of_one_wave_is_as_it_was() -> None:
    assert LAST.analysed() is LAST
    assert LAST.analysed_rows().all()
    assert reliability.cronbach_alpha(LAST).n_respondents == len(LAST)


def test_retest_of_two_waves_needs_both() -> None:
    found = reliability.test_retest(SURVEY.at_wave(1), SURVEY.at_wave(3))
    assert found.n_respondents > 10
    with pytest.raises(cte.CTEError, match="appears twice"):
        reliability.test_retest(SURVEY, SURVEY)
