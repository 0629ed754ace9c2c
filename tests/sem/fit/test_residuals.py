"""Residuals and their z: against lavaan, and where there are none."""

from __future__ import annotations

import numpy as np
import pytest

from cte_metrics import sem
from tests.reference_case import case
from tests.sem.lavaan_after import FITS, figures, stored_fit, with_part

MODEL = "visual =~ x1 + x2 + x3\ntextual =~ x4 + x5 + x6\nspeed =~ x7 + x8 + x9"


@pytest.mark.parametrize(
    ("id", "kind"), [(i, k) for k in ("cor", "bentler", "raw") for i in with_part(k)]
)
def test_residuals_and_their_z(id: str, kind: str) -> None:
    expected, found = FITS[id][kind], stored_fit(id).residuals(kind)
    parts = [(expected, found)] if "cov" in expected else [(expected[g], found[g]) for g in found]
    for theirs, ours in parts:
        names = theirs["cov"]["names"]
        for name in ("cov", "z"):
            matrix = np.array([figures(row) for row in theirs[name]["data"]])
            mine = ours[name].loc[names, names].to_numpy().copy()
            np.fill_diagonal(mine, 0)
            np.fill_diagonal(matrix, 0)
            np.testing.assert_allclose(mine, matrix, rtol=2e-3, atol=1e-3, err_msg=name)


def test_residuals_without_a_standard_error_have_no_z() -> None:
    # with equal intercepts the variances are off by the square of the means' misfit, whose first
    # derivative at the sample is 0 (lavaan divides by rounding errors: z = -3e14)
    found = sem.cfa(MODEL + "\nx1 ~ i*1\nx2 ~ i*1", case("hs1939").data).residuals("raw")
    assert abs(found["cov"].loc["x1", "x1"]) > 0.1
    assert np.isnan(found["z"].loc["x1", "x1"])
    assert np.isfinite(found["z"].loc["x4", "x5"])
    assert not np.isinf(found["z"].to_numpy()).any()


def test_saturated_model_has_no_residuals_and_no_indices() -> None:
    fit = sem.cfa("f =~ x1 + x2 + x3", case("hs1939").data)
    assert np.abs(fit.residuals("raw")["cov"].to_numpy()).max() < 1e-8
    assert len(fit.modification_indices()) == 0
