"""One check of a confidence level for every function, and warnings that point at the caller."""

import inspect
import warnings

import numpy as np
import pandas as pd
import pytest

import cte_metrics as cte
from cte_metrics.errors import check_confidence, one_of, warn


def items(n=60, seed=3):
    rng = np.random.default_rng(seed)
    factor = rng.normal(size=(n, 1))
    return pd.DataFrame(factor + rng.normal(size=(n, 4)), columns=list("abcd"))


def schools():
    return np.repeat(np.arange(12), 5)


ASKS = {
    "cronbach_alpha": lambda c: cte.reliability.cronbach_alpha(items(), confidence=c),
    "omega": lambda c: cte.reliability.mcdonald_omega(items(), confidence=c),
    "guttman": lambda c: cte.reliability.guttman_lambdas(items(), confidence=c),
    "split_half": lambda c: cte.reliability.split_half(items(), confidence=c),
    "icc": lambda c: cte.reliability.icc(items(), confidence=c),
    "loading_errors": lambda c: cte.factor.efa(items(), 1).standard_errors().intervals(c),
    "sem": lambda c: cte.sem.cfa("f =~ a + b + c + d", items()).parameters_with(confidence=c),
    "variance_components": lambda c: cte.aggregation.variance_components(
        items()["a"], schools(), confidence=c
    ),
    "mixed_model": lambda c: cte.aggregation.mixed_model("a ~ b", items(), schools(), confidence=c),
    "profile_ci": lambda c: cte.aggregation.mixed_model("a ~ b", items(), schools()).profile_ci(
        confidence=c
    ),
    "contrast": lambda c: cte.aggregation.mixed_model("a ~ b", items(), schools()).contrast(
        {"b": 1}, confidence=c
    ),
}


@pytest.mark.parametrize("name", ASKS)
@pytest.mark.parametrize("level", [0.0, 1.0, 95])
def test_every_confidence_is_refused_in_the_same_words(name, level):
    with pytest.raises(cte.InputError, match=rf"^confidence={level} is not between 0 and 1\."):
        ASKS[name](level)


def test_a_level_comes_back_as_a_number():
    assert check_confidence(np.float32(0.5)) == 0.5
    assert type(check_confidence(np.float32(0.5))) is float


def test_a_warning_names_the_line_that_called():
    eight = pd.concat([items(200), items(200, seed=4).add_prefix("x")], axis=1)
    two_factors = cte.factor.efa(eight, 2)
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        line = inspect.currentframe().f_lineno + 1
        cte.factor.schmid_leiman(two_factors)
    assert found[0].category is cte.DataWarning
    assert {(w.filename, w.lineno) for w in found} == {(__file__, line)}


def test_a_warning_from_outside_the_package_names_its_own_caller():
    with pytest.warns(cte.DataWarning, match="look here") as found:
        warn("look here", cte.DataWarning)
    assert found[0].filename == __file__


@pytest.mark.parametrize("value", [np.array(["mean", "sum"]), pd.DataFrame({"a": [1]}), [1], None])
def test_an_option_that_cannot_be_compared_is_refused(value):
    with pytest.raises(cte.InputError, match="not one of"):
        one_of(value, ("mean", "sum"), "method")


@pytest.mark.parametrize("value", [None, "95%", np.array([0.9, 0.95])])
def test_a_confidence_that_is_no_number_is_refused(value):
    with pytest.raises(cte.InputTypeError, match="between 0 and 1"):
        check_confidence(value)
