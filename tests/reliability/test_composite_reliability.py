"""Composite reliability of fitted factor models against semTools."""

from __future__ import annotations

import functools
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cte_metrics import sem
from cte_metrics.errors import ImproperSolutionWarning, InputError, InputTypeError
from cte_metrics.kernels.reliability.alpha import alpha_of
from cte_metrics.kernels.reliability.composite import (
    categorical_covariance,
    construct_h,
    maximal_share,
    uncontaminated_share,
)
from cte_metrics.reliability import composite_intervals, composite_reliability, mcdonald_omega
from tests.reference_case import case


@functools.cache
def _fit(data: str, id: str) -> Any:
    c = case(data)
    args = c[id].args
    options: dict[str, Any] = {}
    if "ordered" in args:
        options["ordered"] = args["ordered"]
    if "missing" in args:
        options["missing"] = args["missing"]
    if args.get("std.lv"):
        options["identification"] = "variance"
    options["orthogonal"] = bool(args.get("orthogonal", False))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return sem.cfa(args["model"], c.data, **options)


FITS = [
    ("hs1939", "cfa.ML", "cfa"),
    ("bfi_ac", "cfa.ML", "cfa"),
    ("bfi_ac", "fiml.ML", "fiml"),
    ("sim_cte18", "fiml.ML", "fiml"),
    ("sim_cte12", "fiml.ML", "fiml"),
    ("bfi_ac", "ord.WLSMV.delta", "ord"),
    ("bfi_ac", "ord.WLSMV.theta", "ord"),
    ("datcat", "ord.WLSMV.delta", "ord"),
]


@pytest.mark.parametrize(("data", "id", "family"), FITS)
@pytest.mark.parametrize("observed", [True, False])
def test_alpha_and_omega(data: str, id: str, family: str, observed: bool) -> None:
    table = composite_reliability(_fit(data, id), observed_variance=observed)
    omega = "omega_ordinal" if family == "ord" else "omega"
    for tau, column in (("TRUE", "alpha"), ("FALSE", omega)):
        flag = "TRUE" if observed else "FALSE"
        entry = case(data)[f"{family}.semTools.compRelSEM.obsvar_{flag}.taueq_{tau}"]
        for name, value in entry.values.items():
            assert table.loc[name, column] == pytest.approx(value, abs=5e-6)


@pytest.mark.parametrize(("data", "id", "family"), FITS)
def test_average_variance_extracted_and_maximal(data: str, id: str, family: str) -> None:
    table = composite_reliability(_fit(data, id))
    for name, value in case(data)[f"{family}.semTools.AVE"].values.items():
        assert table.loc[name, "ave"] == pytest.approx(value, abs=5e-6)
    if family != "ord":
        expected = case(data)[f"{family}.semTools.maximalRelia"].values
        assert table.loc["total", "maximal"] == pytest.approx(expected, abs=5e-6)


def test_latent_response_omega() -> None:
    table = composite_reliability(_fit("bfi_ac", "ord.WLSMV.delta"))
    for name, value in case("bfi_ac")["ord.semTools.compRelSEM.ordscale_FALSE"].values.items():
        assert table.loc[name, "omega"] == pytest.approx(value, abs=1e-6)


@pytest.mark.parametrize("data", ["hs1939", "sim_cte18"])
def test_second_order_model(data: str) -> None:
    table = composite_reliability(_fit(data, "hier.second_order"))
    levels = case(data)["hier.second_order.reliabilityL2"].values
    for column, key in (
        ("omega_l1", "omegaL1"),
        ("omega_l2", "omegaL2"),
        ("partial_omega_l1", "partialOmegaL1"),
    ):
        assert table.loc["g", column] == pytest.approx(levels[key], abs=2e-5)
    for name, value in case(data)["hier.second_order.compRelSEM"].values.items():
        assert table.loc[name, "omega"] == pytest.approx(value, abs=2e-5)
    assert table.loc["g", "omega_hierarchical"] == table.loc["g", "omega"]


@pytest.mark.parametrize("data", ["hs1939", "sim_cte18"])
def test_bifactor_model(data: str) -> None:
    table = composite_reliability(_fit(data, "hier.bifactor"), observed_variance=False)
    expected = case(data)["hier.bifactor.omega"].values
    assert table.loc["total", "omega"] == pytest.approx(expected["omega_total_unstd"], abs=2e-6)
    assert table.loc["g", "omega_hierarchical"] == pytest.approx(
        expected["omega_h_unstd"], abs=2e-6
    )
    assert table.loc["g", "ecv"] == pytest.approx(expected["ECV"], abs=2e-6)
    assert table.loc["g", "puc"] == pytest.approx(expected["PUC"], abs=1e-12)
    for name, value in expected["H"].items():
        assert table.loc[name, "h"] == pytest.approx(value, abs=5e-5)
    groups = expected["subscales_unstd"]
    for name in groups.columns:
        assert table.loc[name, "omega_subscale"] == pytest.approx(
            groups.loc["omega_s", name], abs=5e-6
        )
        assert table.loc[name, "omega_hierarchical"] == pytest.approx(
            groups.loc["omega_hs", name], abs=5e-6
        )


def test_by_hand() -> None:
    # loadings 1, 1, 1, uniquenesses 1, 2, 3: omega = 9 / 15, AVE = 3 / 9
    cov = pd.DataFrame(np.ones((3, 3)) + np.diag([1.0, 2.0, 3.0]), list("abc"), list("abc"))
    fit = sem.cfa("f =~ a + b + c", sample_cov=cov, n_obs=500, likelihood="wishart")
    row = composite_reliability(fit).loc["f"]
    assert row["omega"] == pytest.approx(0.6, abs=1e-8)
    assert row["ave"] == pytest.approx(1 / 3, abs=1e-8)
    assert row["alpha"] == pytest.approx(1.5 * (1 - 9 / 15), abs=1e-8)
    q = 1 / 1 + 1 / 2 + 1 / 3  # l^2 / (1 - l^2) is 1 / uniqueness here
    assert row["h"] == pytest.approx(q / (1 + q), abs=1e-8)
    assert row["maximal"] == pytest.approx(q / (1 + q), abs=1e-8)
    assert np.isnan(row["omega_ordinal"])


def test_groups_come_first_in_the_index() -> None:
    fit = sem.cfa("f =~ x1 + x2 + x3", case("hs1939").data, group="school")
    table = composite_reliability(fit)
    assert table.index.names == ["group", "factor"]
    assert table.index.tolist()[0] == ("Pasteur", "f")


def test_a_regression_between_factors_is_no_second_order_factor() -> None:
    # an equivalent model: the covariance of the two factors written as a regression
    items = "visual =~ x1 + x2 + x3\ntextual =~ x4 + x5 + x6\n"
    plain, regressed = (
        composite_reliability(sem.fit(items + path, case("hs1939").data))
        for path in ("visual ~~ textual", "textual ~ visual")
    )
    assert regressed.columns.tolist() == plain.columns.tolist()
    pd.testing.assert_frame_equal(regressed, plain, rtol=1e-6)


def test_single_items_only() -> None:
    fit = sem.fit("x1 ~~ x2", case("hs1939").data)
    with pytest.raises(InputError, match="two items"):
        composite_reliability(fit)


def test_kernels_at_their_limits() -> None:
    assert np.isnan(alpha_of(np.eye(1)))
    assert np.isnan(construct_h(np.array([1.0, 0.5])))
    assert np.isnan(maximal_share(np.ones((2, 2)), np.ones((2, 2))))
    assert np.isnan(uncontaminated_share(1, [1]))
    binary = categorical_covariance(np.eye(2), np.zeros(2), np.arange(2))
    np.testing.assert_allclose(binary, 0.25 * np.eye(2), atol=1e-12)


def test_two_levels_of_ordinal_items_are_refused() -> None:
    rng = np.random.default_rng(1)
    school = np.repeat(np.arange(40), 10)
    latent = rng.normal(size=(400, 1)) + rng.normal(size=(40, 1))[school]
    items = pd.DataFrame(np.digitize(latent + rng.normal(size=(400, 3)), [-1.0, 1.0]))
    items.columns = pd.Index(["a", "b", "c"])
    text = "level: 1\nf =~ a + b + c\nlevel: 2\ng =~ a + b + c"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # whether the fit is proper does not matter here
        fit = sem.fit(text, items.assign(s=school), cluster="s", ordered=True)
    with pytest.raises(InputError, match="two-level models of ordinal items"):
        composite_reliability(fit)


@pytest.mark.problem(
    "semTools",
    "maximal reliability above 1 is returned like any other",
    "a figure above 1 is called impossible in the notes, and a warning says so",
)
def test_a_reliability_above_one_is_flagged() -> None:
    model = "s =~ x7 + x8 + x9 + x1\nx7 ~~ x9\nx1 ~~ x9"
    with pytest.warns(ImproperSolutionWarning, match="Negative variance"):
        fit = sem.cfa(model, case("hs1939").data)
    with pytest.warns(ImproperSolutionWarning, match="IMPOSSIBLE, above 1: maximal of s"):
        table = composite_reliability(fit)
    notes = " ".join(table.attrs["notes"])
    assert table.loc["s", "maximal"] > 1
    assert f"maximal of s is {table.loc['s', 'maximal']:.3f}" in notes
    assert "Negative variance: x8" in notes
    assert "h is not defined for s" in notes


def test_a_proper_fit_has_nothing_to_flag() -> None:
    table = composite_reliability(_fit("hs1939", "cfa.ML"))
    assert table.attrs == {"n": 301, "notes": ()}


@pytest.mark.problem(
    "semTools",
    "the composite of a factor sums items that load against it, without a word",
    "items that load against their factor are named",
)
def test_items_that_load_against_their_factor_are_named() -> None:
    data = case("hs1939").data
    text = "visual =~ x1 + x2 + x3\ntextual =~ x4 + x5 + x6"
    table = composite_reliability(sem.cfa(text, data.assign(x5=-data["x5"])))
    (note,) = [n for n in table.attrs["notes"] if "against its other items" in n]
    assert note.startswith("x5 loads on textual")


# --- intervals ----------------------------------------------------------------------------------


@pytest.mark.problem(
    "semTools",
    "composite reliabilities come without intervals",
    "composite_intervals gives them by the delta or the Monte Carlo method, none above 1",
)
def test_intervals_of_one_factor_are_those_of_omega() -> None:
    data = case("hs1939").data[["x1", "x2", "x3", "x4"]]
    fit = sem.cfa("f =~ x1 + x2 + x3 + x4", data)
    row = composite_intervals(fit).loc[("f", "omega")]
    omega = mcdonald_omega(data)
    # the same model; one divides by the implied variance, the other by the observed one
    assert row["estimate"] == pytest.approx(omega.omega, abs=0.01)
    assert row["se"] == pytest.approx(omega.se, rel=0.1)
    assert row["ci_high"] - row["ci_low"] == pytest.approx(2 * 1.959964 * row["se"], rel=1e-6)


def test_delta_error_of_omega_by_hand() -> None:
    """The label of a defined parameter has lavaan's delta method."""
    data = case("hs1939").data
    text = (
        "f =~ NA*x1 + a*x1 + b*x2 + c*x3\nf ~~ 1*f\nx1 ~~ p*x1\nx2 ~~ q*x2\nx3 ~~ r*x3\n"
        "omega := (a + b + c)^2 / ((a + b + c)^2 + p + q + r)"
    )
    fit = sem.cfa(text, data)
    defined = fit.parameters.query("op == ':='").iloc[0]
    row = composite_intervals(fit).loc[("f", "omega")]
    assert row["estimate"] == pytest.approx(defined["est"], abs=1e-8)
    assert row["se"] == pytest.approx(defined["se"], rel=1e-5)
    assert row["ci_low"] == pytest.approx(defined["ci_lower"], abs=1e-6)
    drawn = composite_intervals(fit, interval="monte_carlo", n_resamples=600, rng=1)
    assert drawn.loc[("f", "omega"), "se"] == pytest.approx(row["se"], rel=0.15)
    assert drawn.attrs["interval"] == "monte_carlo"


def test_intervals_of_a_structured_model_end_at_one() -> None:
    table = composite_intervals(_fit("hs1939", "cfa.ML"), confidence=0.9999999)
    estimates = composite_reliability(_fit("hs1939", "cfa.ML"), observed_variance=False)
    for (factor, coefficient), row in table.iterrows():
        assert row["estimate"] == pytest.approx(estimates.loc[factor, coefficient], abs=1e-12)
        assert row["ci_low"] <= row["estimate"] <= row["ci_high"] <= 1.0
    few = sem.cfa("t =~ x4 + x5 + x6", case("hs1939").data[:14])
    cut = composite_intervals(few, confidence=0.9999)
    assert cut["ci_high"].max() == 1.0
    assert "cut at 1" in " ".join(cut.attrs["notes"])


def test_ordinal_items_and_refusals() -> None:
    table = composite_intervals(_fit("datcat", "ord.WLSMV.delta"))
    assert (table.xs("omega_ordinal", level="coefficient")["se"] > 0).all()
    assert table.xs("alpha", level="coefficient")["se"].isna().all()
    with pytest.raises(InputError, match="no standard errors"):
        composite_intervals(sem.cfa("f =~ x1 + x2 + x3", case("hs1939").data, se="none"))
    with pytest.raises(InputTypeError, match="takes a fitted model"):
        composite_intervals(case("hs1939").data)
