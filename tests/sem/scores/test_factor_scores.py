"""Factor scores of fitted models."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cte_metrics import sem
from cte_metrics.errors import InputError
from tests.reference_case import case

MODEL = "visual =~ x1 + x2 + x3\ntextual =~ x4 + x5 + x6\nspeed =~ x7 + x8 + x9"


@pytest.mark.parametrize(
    ("data", "model", "prefix", "method", "ours", "atol"),
    [
        ("hs1939", "cfa.ML", "cfa", "regression", "regression", 5e-6),
        ("hs1939", "cfa.ML", "cfa", "Bartlett", "bartlett", 5e-6),
        ("bfi_ac", "fiml.ML", "fiml", "regression", "regression", 5e-6),
        ("bfi_ac", "fiml.ML", "fiml", "Bartlett", "bartlett", 5e-6),
        ("sim_cte12", "fiml.ML", "fiml", "Bartlett", "bartlett", 1e-5),
        # lavaan's optimiser stops at 1e-8 of the function, about 1e-4 of the score
        ("bfi_ac", "ord.WLSMV.delta", "ord", "EBM", "ebm", 3e-4),
        ("bfi_ac", "ord.WLSMV.theta", "ord", "EBM", "regression", None),
        ("datcat", "ord.WLSMV.delta", "ord", "EBM", "regression", 3e-4),
    ],
)
def test_factor_scores(
    data: str, model: str, prefix: str, method: str, ours: str, atol: float | None
) -> None:
    c = case(data)
    args = c[model].args
    options = {k: args[k] for k in ("ordered", "missing", "parameterization") if k in args}
    fit = sem.cfa(args["model"], c.data, **options)
    scores = fit.factor_scores(ours)  # type: ignore[arg-type]
    expected = c[f"{prefix}.lavPredict.{method}"].values
    if atol is None:  # the other parameterization: scores on another scale
        sd = scores.std()
        assert np.corrcoef(sd, list(expected["sd"].values()))[0, 1] > 0
        return
    head = np.array(expected["head"]["data"], dtype=float)
    found = scores[expected["head"]["cols"]].to_numpy()[: len(head)]
    np.testing.assert_allclose(found, head, atol=atol)
    for name, sd in expected["sd"].items():
        assert scores[name].std() == pytest.approx(sd, abs=atol)
        assert scores[name].notna().sum() == expected["n_valid"][name]


def test_scores_keep_the_index_and_leave_out_dropped_rows() -> None:
    data = case("hs1939").data.copy()
    data.index = pd.Index([f"p{i}" for i in range(len(data))])
    data.loc["p3", "x1"] = np.nan
    scores = sem.cfa(MODEL, data).factor_scores()
    assert len(scores) == 300
    assert "p3" not in scores.index
    assert scores.index[3] == "p4"


def test_scores_of_groups_come_back_in_row_order() -> None:
    data = case("hs1939").data.sample(frac=1.0, random_state=1)
    scores = sem.cfa(MODEL, data, group="school").factor_scores()
    assert scores.index.tolist() == data.index.tolist()


def test_score_refusals() -> None:
    cov = case("hs1939").data[["x1", "x2", "x3"]].cov()
    fit = sem.cfa("f =~ x1 + x2 + x3", sample_cov=cov, n_obs=301)
    with pytest.raises(InputError, match="covariance matrix"):
        fit.factor_scores()
    with pytest.raises(InputError, match="no latent variables"):
        sem.fit("x1 ~ x2", case("hs1939").data).factor_scores()
    with pytest.raises(InputError, match="level=2"):
        sem.cfa(MODEL, case("hs1939").data).factor_scores(level=2)
    with pytest.raises(InputError, match="bartlet"):
        sem.cfa(MODEL, case("hs1939").data).factor_scores("bartlet")  # type: ignore[arg-type]
