"""Modification indices and score tests: against lavaan, by refitting, refusals."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cte_metrics import sem
from cte_metrics.errors import InputError
from tests.reference_case import case
from tests.sem.lavaan_after import FITS, figures, frame_keys, stored_fit, table_keys, with_part

MODEL = "visual =~ x1 + x2 + x3\ntextual =~ x4 + x5 + x6\nspeed =~ x7 + x8 + x9"


@pytest.mark.parametrize("id", with_part("mi"))
def test_modification_indices(id: str) -> None:
    expected = FITS[id]["mi"]
    if id.endswith("groups.theta"):  # there the scales follow from the other parameters
        keep = [i for i, op in enumerate(expected["op"]) if op != "~*~"]
        expected = {k: [v[i] for i in keep] for k, v in expected.items()}
    keys = table_keys(expected, len(expected["lhs"]))
    found = stored_fit(id).modification_indices(sort=False)
    assert frame_keys(found) == keys
    for ours, column in (("mi", "mi"), ("epc", "epc")):
        np.testing.assert_allclose(
            found[ours], figures(expected[column]), rtol=3e-4, atol=3e-5, err_msg=ours
        )
    theirs = figures(expected["sepc.all"])
    keep = np.isfinite(theirs)
    np.testing.assert_allclose(found.sepc_all[keep], theirs[keep], rtol=3e-4, atol=3e-5)


@pytest.mark.parametrize("id", with_part("score"))
def test_score_tests(id: str) -> None:
    expected, found = FITS[id], stored_fit(id).score_test()
    assert found.chi2 == pytest.approx(expected["total"]["X2"], rel=1e-4)
    assert found.df == expected["total"]["df"]
    assert found.p == pytest.approx(expected["total"]["p.value"], abs=1e-6)
    assert found.table.lhs.tolist() == np.atleast_1d(expected["score"]["lhs"]).tolist()
    np.testing.assert_allclose(
        found.table.chi2, np.atleast_1d(expected["score"]["X2"]), rtol=1e-3, atol=1e-4
    )


def test_modification_indices_of_ordinal_items_given_covariates() -> None:
    # the index is the fall of the chi-square to second order
    rng = np.random.default_rng(8)
    x = rng.standard_normal(600)
    first, second = 0.5 * x + rng.standard_normal(600), 0.3 * x + rng.standard_normal(600)
    truth = np.repeat(np.column_stack((first, second)), 3, axis=1)
    answers = 0.8 * truth + rng.standard_normal((600, 6))
    items = list("abcdef")
    data = pd.DataFrame(np.digitize(answers, [-1.0, 0.0, 1.0]), columns=items).assign(x=x)
    model = "F =~ a + b + c\nG =~ d + e + f\nF ~ x\nG ~ x"
    fit = sem.fit(model, data, ordered=items)
    table = fit.modification_indices().set_index(["lhs", "op", "rhs"])
    assert ("x", "~~", "x") not in table.index
    for row in (("a", "~~", "b"), ("F", "=~", "d"), ("F", "=~", "e"), ("G", "=~", "c")):
        freed = sem.fit(f"{model}\n{' '.join(row)}", data, ordered=items)
        fall = fit.fit_measures["chisq"] - freed.fit_measures["chisq"]
        assert table.loc[row, "mi"] == pytest.approx(fall, rel=0.03, abs=0.01), row


def test_score_test_needs_constraints() -> None:
    with pytest.raises(InputError, match="no equality constraints"):
        sem.cfa(MODEL, case("hs1939").data).score_test()


def test_modification_index_is_close_to_the_drop_in_chi_square() -> None:
    data = case("hs1939").data
    fit = sem.cfa(MODEL, data)
    top = fit.modification_indices().iloc[-40:]
    row = top[top.op == "~~"].iloc[0]
    freed = sem.cfa(f"{MODEL}\n{row.lhs} ~~ {row.rhs}", data)
    drop = fit.fit_measures["chisq"] - freed.fit_measures["chisq"]
    assert row.mi == pytest.approx(drop, rel=0.3, abs=0.5)


def test_released_equalities_are_named_by_parameter() -> None:
    fit = sem.cfa(MODEL, case("hs1939").data, group="school", group_equal="loadings")
    row = fit.score_test().table.iloc[0]
    assert (row["lhs"], row["rhs"]) == (".p2.", ".p38.")
    assert row["first"] == "visual =~ x2 (group Pasteur)"
    assert row["second"] == "visual =~ x2 (group Grant-White)"
    labelled = sem.cfa("f =~ x1 + a*x2 + b*x3\na == b", case("hs1939").data)
    row = labelled.score_test().table.iloc[0]
    assert (row["lhs"], row["first"], row["second"]) == ("a", "f =~ x2", "f =~ x3")
