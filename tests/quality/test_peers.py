"""Our figures beside pingouin's and factor_analyzer's on the same answers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import cte_metrics as cte
from cte_metrics.errors import InputError
from tests.reference_case import case


@pytest.mark.parametrize(
    ("name", "items"),
    [
        ("hs1939", [f"x{j}" for j in range(1, 10)]),
        ("sim_cte12", [f"c{j:02}" for j in range(1, 13)]),
        ("bhr2000_items", ["AF06", "AF07", "AP12", "AP17", "AP33"]),
    ],
)
def test_four_figures_agree(name: str, items: list[str]) -> None:
    found = cte.quality.second_opinion(case(name).data[items])
    assert found.table["package"].tolist() == [
        "pingouin", "factor_analyzer", "factor_analyzer", "pingouin",
    ]  # fmt: skip
    np.testing.assert_allclose(found.table["ours"], found.table["theirs"], rtol=1e-10)
    assert found.provenance.n_used == len(case(name).data[items].dropna())


def test_what_the_peer_cannot_do_is_a_remark_not_a_figure() -> None:
    rng = np.random.default_rng(1)
    near = rng.normal(size=(200, 1)) + 0.003 * rng.normal(size=(200, 4))
    table = cte.quality.second_opinion(pd.DataFrame(near, columns=list("abcd"))).table
    assert np.isnan(table.loc["KMO", "theirs"])
    assert "determinant" in table.loc["KMO", "remark"]
    assert np.isfinite(table.loc["KMO", "ours"])


def test_constant_items_are_named() -> None:
    frame = pd.DataFrame({"a": [1, 2, 3, 4, 5], "b": 2, "c": [2, 1, 4, 3, 5]})
    with pytest.raises(InputError, match="b: every respondent gave the same answer"):
        cte.quality.second_opinion(frame)


def test_too_few_rows_are_refused() -> None:
    with pytest.raises(InputError, match="more complete rows than items; got 3 rows, 3 items"):
        cte.quality.second_opinion(np.array([[1.0, 2, 3], [2, 1, 3], [3, 3, 1]]))
