"""A fit asks the same again: of another text, of other data; and its solution stays as it is."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pandas as pd
import pytest

from cte_metrics import Moments, load_example, sem
from cte_metrics.errors import InputError, InputTypeError
from tests.reference_case import case

MODEL = "f =~ x1 + x2 + x3\ng =~ x4 + x5 + x6"
TIED = "f =~ x1 + a*x2 + a*x3\ng =~ x4 + x5 + x6"


def hs() -> pd.DataFrame:
    return case("hs1939").data


def test_another_text_is_fitted_with_the_same_options() -> None:
    first = sem.cfa(MODEL, hs(), estimator="MLR", group="school", missing="fiml")
    again = first.again(TIED)
    direct = sem.cfa(TIED, hs(), estimator="MLR", group="school", missing="fiml")
    pd.testing.assert_frame_equal(again.parameters, direct.parameters, rtol=1e-9)
    assert again.fit_measures.to_dict() == pytest.approx(direct.fit_measures.to_dict(), nan_ok=True)


def test_other_data_are_read_as_the_first_were() -> None:
    half = hs().iloc[::2]
    first = sem.cfa(MODEL, hs(), estimator="MLM", identification="variance", group="school")
    again = first.again(data=half)
    direct = sem.cfa(MODEL, half, estimator="MLM", identification="variance", group="school")
    pd.testing.assert_frame_equal(again.parameters, direct.parameters)
    assert again.provenance.n_used == len(half)


def test_text_and_data_together() -> None:
    first = sem.cfa("f =~ x1 + x2 + x3", hs())
    again = first.again("g =~ x4 + x5 + x6", hs())
    assert set(again.parameters["lhs"]) == {"g", "x4", "x5", "x6"}


@pytest.mark.parametrize("missing", ["listwise", "fiml"])
def test_means_come_and_go_with_the_text(missing: Literal["listwise", "fiml"]) -> None:
    plain, means = "f =~ x1 + x2 + x3 + x4", "f =~ x1 + x2 + x3 + x4\nx1 ~ 4*1"
    for text, other in ((plain, means), (means, plain)):
        again = sem.cfa(text, hs(), missing=missing).again(other)
        direct = sem.cfa(other, hs(), missing=missing)
        figures = direct.fit_measures.to_dict()
        assert again.fit_measures.to_dict() == pytest.approx(figures, nan_ok=True)


def test_another_set_of_ordinal_items() -> None:
    answers = hs()[["x1", "x2", "x3", "x4"]].apply(lambda c: pd.qcut(c, 3, labels=False))
    both, one = (
        "f =~ x1 + x2 + x3 + x4\n" + cuts for cuts in ("x1 + x2 | t1 + t2", "x1 | t1 + t2")
    )
    again = sem.cfa(both, answers).again(one)
    assert again.fit_measures["chisq"] == pytest.approx(sem.cfa(one, answers).fit_measures["chisq"])


def test_fewer_variables_are_read_from_the_rows_of_the_fit() -> None:
    first = sem.cfa(MODEL, hs(), ordered=False, meanstructure=True)
    again = first.again("f =~ x1 + x2 + x3")
    direct = sem.cfa("f =~ x1 + x2 + x3", hs(), meanstructure=True)
    np.testing.assert_allclose(again.parameters["est"], direct.parameters["est"], rtol=1e-8)


def test_ordinal_and_two_level_fits_ask_again() -> None:
    data = case("demo_twolevel").data
    text = "level: 1\nfw =~ y1 + y2 + y3\nlevel: 2\nfb =~ y1 + y2 + y3"
    tied = "level: 1\nfw =~ y1 + a*y2 + y3\nlevel: 2\nfb =~ y1 + a*y2 + y3"
    first = sem.fit(text, data, cluster="cluster")
    direct = sem.fit(tied, data, cluster="cluster")
    assert first.again(tied).fit_measures["chisq"] == pytest.approx(direct.fit_measures["chisq"])


def test_moments_ask_again_as_long_as_they_know_the_answer() -> None:
    cov = hs()[["x1", "x2", "x3", "x4"]].cov()
    first = sem.cfa("f =~ x1 + x2 + x3 + x4", sample_cov=cov, n_obs=301)
    tied = first.again("f =~ 1*x1 + 1*x2 + 1*x3 + 1*x4")
    assert tied.fit_measures["df"] == 5
    with pytest.raises(InputError, match="knows moments, not answers"):
        first.again("f =~ x1 + x2 + x3")
    other = first.again(data=Moments.from_data(hs()[["x1", "x2", "x3", "x4"]]))
    assert other.fit_measures["chisq"] == pytest.approx(first.fit_measures["chisq"], rel=1e-8)


def test_values_that_belong_to_rows_are_refused_for_other_rows() -> None:
    first = sem.cfa(MODEL, hs(), group=hs()["school"].to_numpy())
    with pytest.raises(InputError, match=r"group= was given as values"):
        first.again(data=hs())
    with pytest.raises(InputError, match=r"has not read x7"):
        first.again("f =~ x1 + x2 + x7")


def test_a_solution_refuses_to_be_changed() -> None:
    solution = sem.cfa(MODEL, hs()).solution
    for array in (solution.theta, solution.values, solution.flat, solution.states[0].cov):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 99.0
    with pytest.raises(AttributeError):
        solution.theta = solution.theta
    with pytest.raises(ValueError, match="read-only"):
        solution.weights[0].inverse[:] = 0.0
    solution.tests.clear()
    assert set(solution.tests) == {"standard"}


def test_defaults_are_what_they_print_as() -> None:
    ordinal = hs()[["x1", "x2", "x3"]].apply(lambda c: pd.qcut(c, 3, labels=False))
    by_rule = sem.cfa("f =~ x1 + x2 + x3", ordinal, ordered=True, estimator=None)
    assert by_rule.provenance.settings["estimator"] == "WLSMV"
    path = "x1 ~ x2 + x3"
    assert sem.fit(path, hs(), estimator="ULS").fit_measures["npar"] == 6
    assert sem.fit(path, hs(), estimator="ULS", fixed_x=True).fit_measures["npar"] == 3
    assert sem.fit(path, hs(), fixed_x=None).fit_measures["npar"] == 3


def test_a_named_structure_is_built_for_the_instrument_of_the_data() -> None:
    survey = load_example()
    first = sem.cfa(None, survey)
    one = first.again("one_factor", survey)
    assert one.fit_measures["df"] == sem.cfa("one_factor", survey).fit_measures["df"]
    with pytest.raises(InputError, match="the data must be Responses"):
        first.again("one_factor")


def test_a_fit_asked_again_names_the_groups_that_it_was_asked_by() -> None:
    first = sem.cfa(MODEL, hs(), group="school")
    assert first.again().provenance.settings["group"] == "school"
    assert first.again(data=hs()).provenance.settings["group"] == "school"


def test_settings_do_not_say_that_there_were_no_data() -> None:
    assert "data" not in sem.cfa(MODEL, hs()).provenance.settings


@pytest.mark.parametrize("model", [[], {}, 5, b"f =~ x1 + x2 + x3"])
def test_a_model_that_is_no_text_is_refused(model: Any) -> None:
    with pytest.raises(InputTypeError, match="model takes a text or None"):
        sem.cfa(MODEL, hs()).again(model)


def test_a_search_that_meets_a_singular_matrix_between_two_clusters_goes_on() -> None:
    """With two clusters the likelihood has no minimum; the search ends, and says how."""
    rng = np.random.default_rng(1)
    cluster = rng.integers(0, 2, 300)
    y = pd.DataFrame(rng.normal(size=(300, 1)) + rng.normal(size=(300, 4)), columns=list("abcd"))
    text = "level: 1\nf =~ a + b + c + d\nlevel: 2\ng =~ a + b + c + d"
    fit = sem.fit(text, y.assign(s=cluster), cluster="s", on_failure="return")
    assert fit.status.name in ("MAX_ITER", "SINGULAR", "IMPROPER")
