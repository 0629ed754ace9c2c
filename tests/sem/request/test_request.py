"""One request: the options of ``sem.fit`` stand in one order of names wherever they are listed."""

from __future__ import annotations

import inspect
import re
from dataclasses import fields
from typing import get_type_hints

import numpy as np
import pytest

from cte_metrics.errors import InputError, InputTypeError
from cte_metrics.sem import cfa, fit, growth
from cte_metrics.sem.request.model import FitKeywords, ModelRequest, model_request
from cte_metrics.sem.request.options import settle_options
from cte_metrics.sem.table.table import model_outline

MATRICES = {"sample_cov", "sample_mean", "n_obs"}


def options_of_fit() -> set[str]:
    return set(inspect.signature(fit).parameters) - {"model", "data"}


def test_keywords_and_request_have_every_option_of_fit() -> None:
    assert set(get_type_hints(FitKeywords)) == options_of_fit() - {"model_type"}
    assert {f.name for f in fields(ModelRequest)} == (options_of_fit() - MATRICES) | {"text"}


def test_defaults_are_the_same_in_signature_and_request() -> None:
    shown = inspect.signature(fit).parameters
    for field in fields(ModelRequest):
        if field.name != "text":
            assert shown[field.name].default == field.default, field.name


@pytest.mark.parametrize(
    ("given", "settled"),
    [
        ({"estimator": "mlr"}, ("MLR", "robust.huber.white", "yuan.bentler.mplus")),
        ({"estimator": "ML", "se": "robust_sem", "test": "satorra-bentler"},
         ("ML", "robust.sem", "satorra.bentler")),
        ({"se": "sandwich"}, ("ML", "robust.huber.white", "standard")),
        ({"ordered": True}, ("WLSMV", "robust.sem", "scaled.shifted")),
        ({"weights": "w"}, ("MLR", "robust.huber.white", "yuan.bentler.mplus")),
        ({"missing": "ml"}, ("ML", "standard", "standard")),
    ],
)  # fmt: skip
def test_names_as_lavaan_users_write_them(given: dict, settled: tuple) -> None:
    request = model_request("f =~ a + b + c", **given)
    options = settle_options(request, model_outline(request.text))
    assert (options.asked, options.se, options.test) == settled


def test_a_name_that_is_none() -> None:
    with pytest.raises(
        InputError, match=r"estimator='MRL' is not one of .*Did you mean 'ML' or 'MLR'"
    ):
        model_request("f =~ a + b + c", estimator="MRL")
    with pytest.raises(InputTypeError, match="estimator is a name; got int"):
        model_request("f =~ a + b + c", estimator=3)


def test_the_callers_starting_values_stay_the_callers() -> None:
    start = np.ones(3)
    request = model_request("f =~ a + b + c", start=start)
    start[0] = 99.0
    assert request.start is not None
    assert request.start[0] == 1.0


@pytest.mark.problem(
    "lavaan",
    "An argument under lavaan's name is an unknown keyword and nothing says what it is called here",
    "The message names the option, or where it stands in the model",
)
@pytest.mark.parametrize(
    ("given", "hint"),
    [
        ({"std_lv": True}, "identification='variance'"),
        ({"std.lv": True}, "identification='variance'"),
        ({"sampling_weights": "w"}, "weights="),
        ({"sample_nobs": 100}, "n_obs="),
        ({"auto_var": True}, r"sem\.lavaan\(\)"),
        ({"bootstrap": 500}, "n_resamples"),
        ({"group.equal": "loadings"}, "called group_equal"),
        ({"meanstruct": True}, "Did you mean 'meanstructure'"),
        ({"zzz": 1}, "The options are estimator, missing"),
    ],
)
def test_arguments_under_lavaan_s_names(given: dict, hint: str) -> None:
    for function in (fit, cfa, growth):
        with pytest.raises(InputTypeError) as caught:
            function("f =~ a + b + c", np.eye(3), **given)
        assert re.search(hint, str(caught.value))
