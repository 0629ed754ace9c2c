"""Products of observed variables in the model: columns made from the data."""

from __future__ import annotations

import numpy as np
import pytest

from cte_metrics import sem
from cte_metrics.errors import CTEError
from tests.reference_case import case

MODEL = "x1 ~ x2 + x3 + x2:x3\nx4 ~ x1 + x1:x2"


@pytest.mark.problem(
    "semopy, piecewise SEM",
    "A product of observed variables such as x2:x3 is not understood in a model",
    "The product of the columns is formed row by row, as in lavaan; a note says it is not centred",
)
def test_products_equal_columns_of_products() -> None:
    data = case("hs1939").data
    found = sem.fit(MODEL, data, meanstructure=True)
    # lavaan 0.6-14
    assert found.fit_measures["chisq"] == pytest.approx(1263.644, abs=1e-3)
    assert found.fit_measures["df"] == 7
    p = found.parameters
    est = p[(p.lhs == "x1") & (p.rhs == "x2:x3")]
    assert est[["est", "se"]].iloc[0].tolist() == pytest.approx([-0.114, 0.043], abs=5e-4)
    assert "x2:x3 is the product of the columns x2, x3 as they stand, not centred." in found.notes
    columns = data.assign(**{"x1:x2": data.x1 * data.x2, "x2:x3": data.x2 * data.x3})
    given = sem.fit(MODEL, columns, meanstructure=True)
    np.testing.assert_allclose(given.parameters.est, p.est, rtol=1e-10)
    assert given.notes == ()


def test_products_with_gaps_groups_and_again() -> None:
    data = case("hs1939").data
    data.loc[:20, "x2"] = np.nan
    found = sem.fit("x1 ~ x2 + x3 + x2:x3", data, group="school")
    assert found.provenance.n_dropped == 21
    again = found.again(data=data.iloc[21:])
    assert again.fit_measures["logl"] == pytest.approx(found.fit_measures["logl"])


@pytest.mark.parametrize("model", ["x1 ~ x2:y", "x1 ~ y:x2 + x3"])
def test_products_of_columns_that_are_not_there(model: str) -> None:
    with pytest.raises(CTEError, match="no column 'y'"):
        sem.fit(model, case("hs1939").data)


def test_products_are_not_in_a_covariance_matrix() -> None:
    cov = case("hs1939").data[["x1", "x2", "x3"]].cov()
    with pytest.raises(CTEError, match="no variable 'x2:x3'"):
        sem.fit("x1 ~ x2:x3", sample_cov=cov, n_obs=301)
