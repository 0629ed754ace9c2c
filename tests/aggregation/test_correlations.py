"""Correlations between and within groups: R, by hand, messages."""

import numpy as np
import pandas as pd
import pytest

from cte_metrics.aggregation import split_correlations
from cte_metrics.errors import InputError
from tests.reference_case import case

COMPLETE = ("bhr2000_items", "bh1996_scales", "demo_twolevel")


@pytest.mark.parametrize("name", COMPLETE)
def test_equals_statsby(name):
    entry = case(name)["statsBy"]
    names = list(entry.args["vars"])
    found = split_correlations(case(name).data[[entry.args["group"], *names]], entry.args["group"])
    known = entry.values
    for part, stored in (("raw", "raw"), ("between", "rbg"), ("within", "rwg")):
        got = getattr(found, part).to_numpy()
        expected = known[stored]
        expected = expected.to_numpy() if isinstance(expected, pd.DataFrame) else expected
        np.testing.assert_allclose(got, expected[-len(names) :, -len(names) :], atol=1e-8)


@pytest.mark.parametrize("name", [*COMPLETE, "sim_cte12"])
def test_equals_waba(name):
    entry = case(name)["waba"]
    first, second = entry.args["v1"], entry.args["v2"]
    found = split_correlations(
        case(name).data[[entry.args["group"], first, second]], entry.args["group"]
    )
    known = {k: float(np.ravel(v)[0]) for k, v in entry.values.items()}
    assert found.raw.loc[first, second] == pytest.approx(known["RawCorr"], abs=1e-10)
    assert found.between.loc[first, second] == pytest.approx(known["CorrB"], abs=1e-10)
    assert found.within.loc[first, second] == pytest.approx(known["CorrW"], abs=1e-10)
    assert found.eta.loc[first, "between"] == pytest.approx(known["EtaBx"], abs=1e-10)
    assert found.eta.loc[second, "within"] == pytest.approx(known["EtaWy"], abs=1e-10)
    assert found.provenance.n_used == known["n_obs"]
    assert found.n_groups == known["n_grps"]


def test_the_parts_make_the_whole():
    data = case("bh1996_scales").data
    found = split_correlations(data, "GRP")
    eta_b, eta_w = (found.eta[c].to_numpy() for c in ("between", "within"))
    whole = np.outer(eta_b, eta_b) * found.between + np.outer(eta_w, eta_w) * found.within
    np.testing.assert_allclose(whole, found.raw, atol=1e-12)
    np.testing.assert_allclose(eta_b**2 + eta_w**2, 1)


def test_constant_variables_are_told():
    frame = pd.DataFrame({"g": [1, 1, 2, 2], "x": [1.0, 2, 5, 6], "c": 3.0})
    found = split_correlations(frame, "g")
    assert np.isnan(found.raw.loc["x", "c"])
    assert "c does not vary." in found.notes


def test_one_group_is_refused():
    with pytest.raises(InputError, match="one group"):
        split_correlations(pd.DataFrame({"g": [1, 1], "x": [1.0, 2], "y": [2.0, 1]}), "g")


def test_rendering():
    frame = pd.DataFrame({"g": [1, 1, 2, 2], "x": [1.0, 2, 5, 6], "y": [2.0, 1, 6, 5]})
    text = split_correlations(frame, "g").summary()
    for part in ("between", "within", "raw", "eta"):
        assert part in text
