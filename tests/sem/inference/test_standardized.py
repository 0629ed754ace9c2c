"""Standardized solutions: against lavaan, and what they must not depend on."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cte_metrics import sem
from cte_metrics.sem.inference.standardized import standardized_table
from tests.reference_case import case
from tests.sem.lavaan_after import FITS, figures, frame_keys, stored_fit, table_keys, with_part

MODEL = "visual =~ x1 + x2 + x3\ntextual =~ x4 + x5 + x6\nspeed =~ x7 + x8 + x9"


@pytest.mark.parametrize(("id", "kind"), [(i, k) for k in ("std", "std_lv") for i in with_part(k)])
def test_standardized_solution(id: str, kind: str) -> None:
    expected = FITS[id][kind]
    found = stored_fit(id).standardized("std_all" if kind == "std" else kind)
    assert frame_keys(found) == table_keys(expected, len(expected["lhs"]))
    np.testing.assert_allclose(found.est, figures(expected["est.std"]), rtol=1e-4, atol=2e-5)
    np.testing.assert_allclose(found.se, figures(expected["se"]), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", ["std_all", "std_lv"])
@pytest.mark.parametrize("scale", [1.0, 1e3])
@pytest.mark.parametrize(
    "options",
    [{}, {"estimator": "MLR"}, {"estimator": "ULS"}, {"estimator": "GLS"}, {"missing": "fiml"}],
)
def test_variances_that_are_one_by_construction_have_no_error(
    options: dict[str, Any], scale: float, kind: Any
) -> None:
    data = case("hs1939").data[[f"x{k}" for k in range(1, 10)]] * scale
    fit = sem.cfa(MODEL, data, **options)
    table = standardized_table(fit.solution, kind)
    factors = table[(table.lhs == table.rhs) & table.lhs.isin(["visual", "textual", "speed"])]
    assert factors.est.to_numpy() == pytest.approx(np.ones(3), abs=1e-14)
    assert (factors.se == 0.0).all()
    assert factors[["z", "pvalue"]].isna().all(axis=None)
    assert not ((table.se > 0) & (table.se < 1e-9)).any()


@settings(max_examples=10, deadline=None)
@given(scale=st.floats(0.1, 10.0), shift=st.floats(-5, 5))
def test_standardized_solution_does_not_know_the_units(scale: float, shift: float) -> None:
    data = case("hs1939").data
    a = sem.cfa(MODEL, data, meanstructure=True).standardized()
    b = sem.cfa(MODEL, data.assign(x2=data.x2 * scale + shift), meanstructure=True).standardized()
    keep = a.op != "~1"
    np.testing.assert_allclose(a.est[keep], b.est[keep], atol=1e-6)
    np.testing.assert_allclose(a.se[keep], b.se[keep], atol=1e-6)


def test_marker_and_variance_identification_agree() -> None:
    data = case("hs1939").data
    a, b = (sem.cfa(MODEL, data, identification=i) for i in ("marker", "variance"))
    np.testing.assert_allclose(a.standardized().est, b.standardized().est, atol=1e-6)
    np.testing.assert_allclose(a.standardized().se, b.standardized().se, atol=1e-6)
    np.testing.assert_allclose(a.residuals("cor")["z"], b.residuals("cor")["z"], atol=1e-3)
