"""Thresholds, scales and ordinal covariates: refused or said, never a raw error."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cte_metrics import sem
from cte_metrics.errors import CTEError, InputError, ModelSyntaxError
from tests.reference_case import case

MODEL = "f =~ u1 + u2 + u3"


def _regression() -> pd.DataFrame:
    rng = np.random.default_rng(5)
    a, u = rng.normal(size=400), rng.integers(1, 5, size=400)
    return pd.DataFrame({"a": a, "u": u, "v": 0.4 * a + 0.3 * u + rng.normal(size=400)})


@pytest.mark.problem(
    "lavaan",
    "An exogenous variable that is declared ordinal ends in an internal error",
    "It is taken as a number, as lavaan does, and a note says so",
)
def test_an_ordinal_covariate_is_a_number() -> None:
    data = _regression()
    plain = sem.fit("v ~ u + a", data)
    declared = sem.fit("v ~ u + a", data, ordered=["u"])
    pd.testing.assert_frame_equal(declared.parameters, plain.parameters)
    assert declared.notes == (
        "u is declared ordinal but only predicts, so it is taken as a number.",
    )
    cut = data.assign(w=(data.v > data.v.mean()).astype(int))
    both = sem.fit("w ~ u + a", cut, ordered=["w", "u"])
    assert (
        both.fit_measures["chisq"] == sem.fit("w ~ u + a", cut, ordered=["w"]).fit_measures["chisq"]
    )
    assert any(n.startswith("u is declared ordinal") for n in both.notes)


@pytest.mark.problem(
    "lavaan",
    "A threshold that an item has not ends in an internal error",
    "The message says which thresholds the item has",
)
@pytest.mark.parametrize(
    ("line", "error", "message"),
    [
        ("u1 | t9", InputError, "its thresholds are t1 to t4"),
        ("u1 | t1 + t5", InputError, "u1 | t5"),
        ("u1 | foo", ModelSyntaxError, "'foo' is not a threshold"),
        ("u1 | t0", ModelSyntaxError, "'t0' is not a threshold"),
        ("f | t1", InputError, "'f' is latent"),
        ("f ~*~ 1*f", InputError, "no scaling factor"),
        ("u1 ~*~ 1*u2", ModelSyntaxError, r"u1 ~\*~ u1"),
    ],
)
def test_thresholds_that_an_item_has_not(line: str, error: type[CTEError], message: str) -> None:
    with pytest.raises(error, match=message.replace("|", r"\|")):
        sem.cfa(f"{MODEL}\n{line}", case("datcat").data, ordered=True)


def test_a_scale_of_a_continuous_item_is_refused() -> None:
    with pytest.raises(InputError, match="not an ordinal item"):
        sem.cfa("f =~ x1 + x2 + x3\nx1 ~*~ 1*x1", case("hs1939").data)


@pytest.mark.problem(
    "lavaan",
    "A residual variance fixed for an ordinal item has no effect, without a word",
    "A note says that it follows from the other parameters, and what would fix it",
)
def test_values_without_effect_are_named() -> None:
    data = case("hs1939").data
    data["x3"] = (data.x3 > data.x3.mean()).astype(int)
    model = "visual =~ x1 + x2 + x3\ntextual =~ x4 + x5 + x6"
    plain = sem.cfa(model, data, ordered=["x3"])
    fixed = sem.cfa(f"{model}\nx3 ~~ 2*x3", data, ordered=["x3"])
    assert fixed.fit_measures["chisq"] == pytest.approx(plain.fit_measures["chisq"])
    assert any(
        n.startswith("x3 ~~ x3: the residual variance") and "value 2" in n and "'theta'" in n
        for n in fixed.notes
    )
    assert not any("no effect" in n for n in plain.notes)
    theta = {"ordered": ["x3"], "parameterization": "theta"}
    assert not any("no effect" in n for n in sem.cfa(f"{model}\nx3 ~~ 2*x3", data, **theta).notes)
    assert any(
        "scaling factor" in n and "'delta'" in n
        for n in sem.cfa(f"{model}\nx3 ~*~ 2*x3", data, **theta).notes
    )
