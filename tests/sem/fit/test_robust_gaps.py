"""Robust indices with missing answers: limits."""

from __future__ import annotations

import numpy as np
import pytest

from cte_metrics import sem
from tests.reference_case import case


@pytest.mark.problem(
    "lavaan::fitMeasures",
    "The interval of the robust RMSEA is missing for a model without degrees of freedom",
    "It is 0 to 0, as that of the plain RMSEA",
)
@pytest.mark.parametrize("estimator", ["ML", "MLR"])
def test_robust_rmsea_without_degrees_of_freedom(estimator: str) -> None:
    data = case("hs1939").data
    data.loc[:29, "x1"] = np.nan
    found = sem.cfa("f =~ x1 + x2 + x3", data, missing="fiml", estimator=estimator).fit_measures
    assert found["df"] == 0
    for name in ("rmsea_robust", "rmsea_ci_lower_robust", "rmsea_ci_upper_robust"):
        assert found[name] == 0.0
    assert np.isnan(found["rmsea_pvalue_robust"])  # as in lavaan: no test without df
