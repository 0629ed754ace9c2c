"""``sem.lavaan``: nothing automatic, against lavaan::lavaan."""

from __future__ import annotations

import pytest

from cte_metrics import sem
from cte_metrics.errors import EstimationError, InputError
from tests.reference_case import case

FACTORS = "f =~ x1 + x2 + x3\ng =~ x4 + x5 + x6\nf ~~ 1*f\ng ~~ 1*g"
VARIANCES = "\n".join(f"x{i} ~~ x{i}" for i in range(1, 7))


@pytest.mark.problem(
    "semopy",
    "A model cannot be fitted as it is written: defaults are added to it",
    "sem.lavaan adds nothing, as lavaan::lavaan, and a note lists what is 0 since it is left out",
)
def test_nothing_is_added() -> None:
    data = case("hs1939").data
    found = sem.lavaan(f"{FACTORS}\n{VARIANCES}", data, group="school")
    measures = found.fit_measures
    assert measures["df"] == 30
    assert measures["chisq"] == pytest.approx(1959.421, abs=1e-3)  # lavaan 0.6-14
    table = found.parameters
    assert (table[table.op == "=~"].free > 0).all()
    assert not ((table.lhs == "f") & (table.rhs == "g")).any()
    assert any(n.startswith("The model does not write x1 ~ 1 (group") for n in found.notes)


def test_a_written_model_is_that_of_cfa() -> None:
    data = case("hs1939").data
    bare = sem.lavaan(f"{FACTORS}\n{VARIANCES}\nf ~~ g", data)
    full = sem.cfa("f =~ x1 + x2 + x3\ng =~ x4 + x5 + x6", data, identification="variance")
    assert bare.notes == ()
    assert bare.fit_measures["chisq"] == pytest.approx(full.fit_measures["chisq"], abs=1e-8)
    assert (
        sem.fit(f"{FACTORS}\n{VARIANCES}\nf ~~ g", data, model_type="lavaan").fit_measures["df"]
        == 8
    )


def test_covariates_keep_the_sample_s_moments_and_intercepts_are_0() -> None:
    data = case("hs1939").data
    found = sem.lavaan("x1 ~ x2 + x3\nx1 ~~ x1", data, meanstructure=True)
    assert found.fit_measures["chisq"] == pytest.approx(81.655, abs=1e-3)  # lavaan 0.6-14
    assert found.notes == ("The model does not write x1 ~ 1: fixed at 0.",)


def test_what_is_lacking_is_named() -> None:
    data = case("hs1939").data
    with pytest.raises(EstimationError, match="does not write x1 ~~ x1: fixed at 0"):
        sem.lavaan("x1 ~ x2 + x3", data)
    cut = case("datcat").data
    text = "f =~ u1 + u2 + u3\nf ~~ 1*f\nu1 | t1 + t2\nu2 | t1 + t2 + t3 + t4"
    with pytest.raises(InputError, match="thresholds of 'u1': t3, t4"):
        sem.lavaan(text, cut, ordered=True)


def test_ordinal_items_with_written_thresholds() -> None:
    cut = case("datcat").data
    lines = "\n".join(f"u{i} | t1 + t2 + t3 + t4" for i in range(1, 5))
    bare = sem.lavaan(f"f =~ u1 + u2 + u3 + u4\nf ~~ 1*f\n{lines}", cut, ordered=True)
    full = sem.cfa("f =~ u1 + u2 + u3 + u4", cut, ordered=True, identification="variance")
    assert bare.fit_measures["chisq"] == pytest.approx(full.fit_measures["chisq"], abs=1e-8)
    assert bare.fit_measures["npar"] == full.fit_measures["npar"]
