"""Sampling weights: what they must be equal to."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cte_metrics import sem
from tests.reference_case import case

MODEL = "visual =~ x1 + x2 + x3\nspeed =~ x7 + x8 + x9"
EXPECTED = {
    "chisq": 56.0815489,
    "chisq_scaled": 57.6493317,
    "logl": -2555.51596,
    "cfi_robust": 0.891652514,
    "rmsea_scaled": 0.111839544,
    "bic": 5305.07367,
}


@pytest.mark.parametrize("missing", ["listwise", "fiml"])
def test_weights_of_a_group_repeat_its_rows(missing: str) -> None:
    data = case("hs1939").data
    if missing == "fiml":
        data.loc[data.index % 7 == 0, "x3"] = np.nan
    heavy = data.school == "Pasteur"
    options = {"group": "school", "group_equal": ("loadings", "intercepts"), "missing": missing}
    weighted = sem.cfa(MODEL, data, weights=np.where(heavy, 2.0, 1.0), estimator="ML", **options)
    repeated = sem.cfa(MODEL, pd.concat([data, data[heavy]]), estimator="ML", **options)
    np.testing.assert_allclose(weighted.parameters.est, repeated.parameters.est, atol=2e-6)
    chisq, twice = weighted.fit_measures["chisq"], repeated.fit_measures["chisq"]
    assert chisq / 301 == pytest.approx(twice / (301 + heavy.sum()), rel=1e-6)
    assert weighted.fit_measures["ntotal"] == pytest.approx(301)


def test_weighted_groups_equal_lavaan() -> None:
    # cfa(MODEL, HolzingerSwineford1939, sampling.weights = "ageyr", group = "school",
    #     group.equal = "loadings", estimator = "MLR")
    found = sem.cfa(
        MODEL,
        case("hs1939").data,
        weights="ageyr",
        group="school",
        group_equal="loadings",
        estimator="MLR",
    )
    for name, value in EXPECTED.items():
        assert found.fit_measures[name] == pytest.approx(value, rel=2e-6), name
