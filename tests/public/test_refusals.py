"""Calls that once ended in errors of numpy's, pandas' or Python's own, by cause."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

import cte_metrics as cte
from cte_metrics import aggregation, factor, planning, reliability, scoring, sem
from cte_metrics.errors import CTEError
from tests.public.registry import wave
from tests.public.test_fuzz import MODEL, SOME, answers, fit, schools

problem = pytest.mark.problem(
    "a fuzz of every public function",
    "unusable arguments end in errors of numpy's or pandas' own",
    "a refusal names the argument and what it may be",
)
LOADINGS = pd.DataFrame({"f": [0.5, 0.6, 0.7], "g": [0.1, 0.2, 0.3]})
DOUBLE = pd.concat([answers()[["ces1"]], answers()[["ces1"]]], axis=1)


NORM: Any = {"ces1": "x"}


def covariance() -> pd.DataFrame:
    return answers()[SOME].cov()


def drawn(**options: Any) -> Any:
    return cte.simulate_responses("ces_sf", n_groups=2, group_size=2, rng=1, **options)


CASES: list[tuple[str, Callable[[], Any], str]] = [
    ("shapes", lambda: reliability.spearman_brown([0.1, 0.2], [1, 2, 3]), "r and factor have sh"),
    ("shapes, sem", lambda: reliability.standard_error_of_measurement([1, 2], [0.5] * 3), "shapes"),
    ("huge sd", lambda: reliability.standard_error_of_measurement(1e308, -1e308), "too large"),
    ("infinite", lambda: reliability.spearman_brown(0.5, np.inf), "factor is infinite"),
    ("texts", lambda: reliability.test_retest(["a", "b", "c"], [1, 2, 3]), "is not numeric"),
    ("complex", lambda: reliability.test_retest([1 + 2j, 2, 3], [1, 2, 3]), "is not numeric"),
    ("infinite score", lambda: reliability.test_retest([1, 2, np.inf], [1, 2, 3]), "infinite"),
    ("huge scores", lambda: reliability.test_retest([1e308, -1e308, 0], [1, 2, 3]), "too large"),
    ("whole", lambda: reliability.test_retest([1, 10**400, 3], [1, 2, 3]), "too large"),
    ("loadings", lambda: factor.rotate(LOADINGS.astype(object).replace(0.5, "x")), "than numbers"),
    ("loadings", lambda: factor.rotate(LOADINGS * 1e308), "too large"),
    ("loadings", lambda: factor.congruence(LOADINGS * 1e308, LOADINGS), "too large"),
    ("loadings", lambda: factor.congruence("abc", LOADINGS), "than numbers"),
    ("correction", lambda: factor.polychoric(answers(), correction="x"), "correction"),  # type: ignore[arg-type]
    ("correction", lambda: factor.polychoric(answers(), correction=(0.5,)), "nor a pair"),  # type: ignore[arg-type]
    ("covariance", lambda: sem.fit(MODEL, sample_cov=covariance() * (1 + 1j), n_obs=50), "sample_"),
    ("covariance", lambda: sem.fit(MODEL, sample_cov=covariance() * 1e308, n_obs=50), "too large"),
    ("list", lambda: sem.fit(MODEL, answers(), group_equal=3), "group_equal takes names"),  # type: ignore[arg-type]
    ("rmsea", lambda: fit().fit_measures_with(close=1e308), "RMSEA"),
    ("twice", lambda: scoring.standard_score(DOUBLE, norm_mean={"ces1": 1}, norm_sd=1), "two col"),
    ("norm", lambda: scoring.standard_score(answers(), norm_mean=NORM, norm_sd=1), "norm_mean of"),
    ("nan", lambda: scoring.score(wave(), min_answered=np.nan), "out of range"),
    ("staff", lambda: aggregation.aggregate(wave(), staff_size={"school_01": "x"}), "staff_size"),
    ("staff", lambda: aggregation.aggregate(wave(), staff_size={"school_01": np.inf}), "infinite"),
    ("lists", lambda: reliability.htmt(answers(), {"x": 1}), "a mapping to lists"),  # type: ignore[dict-item]
    ("size", lambda: planning.schools(1e-308, icc2=0.8), "cannot be reached"),
    ("factors", lambda: factor.n_factors(answers(), max_factors=-1), "max_factors"),
    ("share", lambda: factor.correlations(answers(), reliabilities={"ces1": "x"}), "reliabilities"),  # type: ignore[dict-item]
    ("control", lambda: factor.correlations(answers(), control=3), "control takes names"),  # type: ignore[arg-type]
    ("growth", lambda: drawn(growth=np.inf), "growth"),
    ("loadings", lambda: drawn(loadings="x"), "loadings"),
    ("folder", lambda: wave().instrument.to_file(3), "path takes"),  # type: ignore[arg-type]
    ("null", lambda: wave().instrument.to_file("no\0name.yaml"), "cannot be written"),
]  # fmt: skip


@problem
@pytest.mark.parametrize(("cause", "call", "message"), CASES)
def test_the_door_refuses(cause: str, call: Callable[[], Any], message: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        with pytest.raises(CTEError, match=message):
            call()


def test_scores_in_lists_are_correlated() -> None:
    assert reliability.test_retest([1, 2, 3, 4], (2, 1, 4, 3)).r == pytest.approx(0.6)
    gaps = pd.Series([1, pd.NA, 3, 4, 2], dtype="Int64")
    assert reliability.test_retest(gaps, [2, 5, 4, 3, 1]).n_respondents == 4


def test_flags_of_numpy_and_truths_as_answers_are_read() -> None:
    whole = factor.polychoric(answers(), ordered=np.True_).correlations  # type: ignore[arg-type]
    assert whole.equals(factor.polychoric(answers(), ordered=True).correlations)
    truths = answers() > 3
    one = aggregation.item_variance_components(truths, schools())
    two = aggregation.item_variance_components(truths.astype(int), schools())
    pd.testing.assert_frame_equal(one, two)
