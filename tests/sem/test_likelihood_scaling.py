"""Correction factors of the two log-likelihoods in robust fits of one level, against lavaan."""

import json

import numpy as np
import pandas as pd
import pytest

from cte_metrics import sem
from tests.reference_case import FOLDER, case

STORED = json.loads((FOLDER / "likelihood_scaling" / "reference.json").read_text())["fits"]
MODEL = "visual =~ x1 + x2 + x3\ntextual =~ x4 + x5 + x6\nspeed =~ x7 + x8 + x9"
EQUAL = MODEL.replace("x2 + x3", "a*x2 + a*x3")


def with_gaps() -> pd.DataFrame:
    data = case("hs1939").data
    data.loc[data.index[::7], "x1"] = np.nan
    data.loc[data.index[1::5], "x8"] = np.nan
    return data


FITS = {
    "complete": lambda: sem.cfa(MODEL, case("hs1939").data, estimator="MLR"),
    "gaps": lambda: sem.cfa(MODEL, with_gaps(), estimator="MLR", missing="fiml"),
    "equal_loadings": lambda: sem.cfa(EQUAL, case("hs1939").data, estimator="MLR"),
    "metric_by_school": lambda: sem.cfa(
        MODEL, case("hs1939").data, estimator="MLR", group="school", group_equal=("loadings",)
    ),
}


@pytest.mark.parametrize("name", STORED)
def test_correction_factors_reference_lavaan(name):
    found = FITS[name]().fit_measures
    for theirs, value in STORED[name].items():
        # lavaan stops its search earlier
        assert found[theirs.replace(".", "_")] == pytest.approx(value, rel=2e-5), theirs


@pytest.mark.parametrize("name", ["complete", "gaps"])
def test_the_factors_make_up_that_of_chi_square(name):
    """c = (p1 c1 - p0 c0) / (p1 - p0), Satorra and Bentler's relation, without constraints."""
    m = FITS[name]().fit_measures
    free = m["npar"] + m["df"]
    weighted = free * m["scaling_factor_h1"] - m["npar"] * m["scaling_factor_h0"]
    assert m["chisq_scaling_factor"] == pytest.approx(weighted / m["df"], rel=1e-9)
