"""sem.fit: by hand, properties, limits, refusals, rendering."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cte_metrics as cte
from cte_metrics.errors import (
    EstimationError,
    IdentificationError,
    ImproperSolutionWarning,
    InputError,
    NonConvergenceWarning,
    UnknownNameError,
)
from cte_metrics.results.status import Status
from cte_metrics.sem import cfa, fit, growth
from tests.reference_case import case

HS = "visual =~ x1 + x2 + x3\ntextual =~ x4 + x5 + x6\nspeed =~ x7 + x8 + x9"
ITEMS = [f"x{k}" for k in range(1, 10)]


def hs() -> pd.DataFrame:
    return case("hs1939").data


def simulated(seed: int, n: int = 200, skewed: bool = False) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    factors = rng.normal(size=(n, 2)) @ np.linalg.cholesky([[1.0, 0.5], [0.5, 1.0]]).T
    loadings = np.array([[0.8, 0.7, 0.6, 0, 0, 0], [0, 0, 0, 0.9, 0.7, 0.5]])
    errors = rng.exponential(size=(n, 6)) - 1.0 if skewed else rng.normal(size=(n, 6))
    return pd.DataFrame(factors @ loadings + 0.6 * errors + 3.0, columns=list("abcdef"))


TWO = "F =~ a + b + c\nG =~ d + e + f"


# by hand ----------------------------------------------------------------------------------------


def test_three_items_by_hand() -> None:
    # loadings 2, 3, 4 on a factor of variance 1, residuals 1: s12 = 6, s13 = 8, s23 = 12
    cov = pd.DataFrame([[5, 6, 8], [6, 10, 12], [8, 12, 17]], index=[*"abc"], columns=[*"abc"])
    result = fit(
        "f =~ a + b + c", sample_cov=cov, n_obs=50, identification="variance", likelihood="wishart"
    )
    assert result.parameters.est.to_numpy() == pytest.approx([2, 3, 4, 1, 1, 1, 1])
    assert result.fit_measures["chisq"] == pytest.approx(0.0, abs=1e-9)
    assert result.fit_measures["df"] == 0
    assert result.r_squared["a"] == pytest.approx(4 / 5)


def test_a_regression_is_least_squares() -> None:
    data = hs()
    result = fit("x1 ~ x2 + x3", data)
    x = np.column_stack([np.ones(301), data.x2, data.x3])
    slopes, rss, *_ = np.linalg.lstsq(x, data.x1, rcond=None)
    table = result.parameters
    assert table.est.to_numpy()[:2] == pytest.approx(slopes[1:])
    assert table.est.to_numpy()[2] == pytest.approx(float(rss[0]) / 301)


def test_a_saturated_model_has_no_test() -> None:
    result = fit("x1 ~ x2 + x3", hs(), estimator="MLR")
    measures = result.fit_measures
    assert measures["df"] == 0
    assert np.isnan(measures["pvalue"])
    assert measures["cfi"] == 1.0
    assert measures["rmsea"] == 0.0


# properties -------------------------------------------------------------------------------------


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10_000), order=st.permutations(list("abcdef")))
def test_item_and_row_order_change_nothing(seed: int, order: list[str]) -> None:
    data = simulated(seed)
    shuffled = data[order].sample(frac=1.0, random_state=seed)
    left, right = [i for i in order if i in "abc"], [i for i in order if i in "def"]
    one = fit(TWO, data, identification="variance")
    two = fit(f"G =~ {'+'.join(right)}\nF =~ {'+'.join(left)}", shuffled, identification="variance")
    assert two.fit_measures["chisq"] == pytest.approx(one.fit_measures["chisq"], rel=1e-8)
    assert two.implied["cov"].loc[[*"abcdef"], [*"abcdef"]].to_numpy() == pytest.approx(
        one.implied["cov"].to_numpy(), rel=1e-6
    )


@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 10_000), estimator=st.sampled_from(["ML", "MLR", "MLM", "GLS"]))
def test_the_marker_does_not_matter(seed: int, estimator: str) -> None:
    data = simulated(seed, skewed=True)
    fits = [
        fit(TWO, data, estimator=estimator),
        fit("F =~ c + b + a\nG =~ e + d + f", data, estimator=estimator),
        fit(TWO, data, estimator=estimator, identification="variance"),
        fit(TWO, data, estimator=estimator, identification="effects"),
    ]
    for name in ("chisq", "rmsea", "cfi", "srmr"):
        values = [f.fit_measures[name] for f in fits]
        assert values == pytest.approx([values[0]] * 4, rel=1e-7, abs=1e-9)
    if estimator in ("MLR", "MLM"):
        values = [f.fit_measures["chisq_scaled"] for f in fits]
        assert values == pytest.approx([values[0]] * 4, rel=1e-6)


@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 10_000), factor=st.floats(0.01, 100.0), shift=st.floats(-50, 50))
def test_rescaling_an_item_rescales_its_loading(seed: int, factor: float, shift: float) -> None:
    data = simulated(seed)
    one = fit(TWO, data, identification="variance", meanstructure=True)
    two = fit(
        TWO,
        data.assign(b=data.b * factor + shift),
        identification="variance",
        meanstructure=True,
    )
    first, second = (f.parameters.set_index(["lhs", "op", "rhs"]) for f in (one, two))
    assert second.loc[("F", "=~", "b"), "est"] == pytest.approx(
        factor * first.loc[("F", "=~", "b"), "est"], rel=1e-5
    )
    others = first.index[
        (first.index.get_level_values(0) != "b") & (first.index != ("F", "=~", "b"))
    ]
    assert second.loc[others, "est"].to_numpy() == pytest.approx(
        first.loc[others, "est"].to_numpy(), rel=1e-5, abs=1e-7
    )
    assert second.std_all.to_numpy()[:6] == pytest.approx(first.std_all.to_numpy()[:6], rel=1e-5)
    assert two.fit_measures["chisq"] == pytest.approx(one.fit_measures["chisq"], rel=1e-7)


@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_group_labels_do_not_matter(seed: int) -> None:
    data = simulated(seed).assign(g=["p", "q"] * 100)
    one = fit(TWO, data, group="g", group_equal=("loadings", "intercepts"))
    two = fit(
        TWO,
        data.assign(g=data.g.map({"p": "z", "q": "a"})).iloc[::-1],
        group="g",
        group_equal=("loadings", "intercepts"),
    )
    for name in ("chisq", "cfi", "rmsea", "aic"):
        assert two.fit_measures[name] == pytest.approx(one.fit_measures[name], rel=1e-8)
    assert set(one.implied) == {"p", "q"}
    assert set(two.implied) == {"a", "z"}


@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 10_000), estimator=st.sampled_from(["ML", "GLS", "ULS"]))
def test_own_implied_moments_return_the_parameters(seed: int, estimator: str) -> None:
    first = fit(TWO, simulated(seed))
    again = fit(
        TWO,
        sample_cov=first.implied["cov"] * (200 / 199),
        n_obs=200,
        estimator=estimator,
    )
    scale = 1.0 if estimator == "ML" else 200 / 199
    loadings = again.parameters.op == "=~"
    assert again.fit_measures["chisq"] == pytest.approx(0.0, abs=1e-7)
    assert again.parameters.est[loadings].to_numpy() == pytest.approx(
        first.parameters.est[loadings].to_numpy(), rel=1e-5
    )
    assert again.parameters.est[~loadings].to_numpy() == pytest.approx(
        scale * first.parameters.est[~loadings].to_numpy(), rel=1e-5
    )


# limits and equivalences ------------------------------------------------------------------------


def test_polars_and_arrays_equal_pandas() -> None:
    data = simulated(1)
    pandas = fit(TWO, data).parameters
    polars = fit(TWO, pl.DataFrame(data)).parameters
    pd.testing.assert_frame_equal(pandas, polars)


def test_summary_input_equals_answers() -> None:
    data = hs()[ITEMS]
    one = fit(HS, data, meanstructure=True)
    two = fit(HS, sample_cov=data.cov(), sample_mean=data.mean(), n_obs=301)
    assert two.parameters.est.to_numpy() == pytest.approx(one.parameters.est.to_numpy(), rel=1e-6)
    assert two.fit_measures["logl"] == pytest.approx(one.fit_measures["logl"])


def test_an_empty_row_is_dropped_and_said() -> None:
    data = hs()
    data.loc[7, ITEMS] = np.nan
    short = fit(HS, data)
    whole = fit(HS, data.drop(index=7))
    assert short.fit_measures["chisq"] == pytest.approx(whole.fit_measures["chisq"])
    assert short.provenance.n_dropped == 1
    assert short.provenance.n_used == 300
    assert any("1 of 301 rows" in note for note in short.notes)


def test_fiml_on_complete_data_is_ml() -> None:
    one = fit(HS, hs(), meanstructure=True)
    two = fit(HS, hs(), missing="fiml")
    assert two.fit_measures["chisq"] == pytest.approx(one.fit_measures["chisq"], rel=1e-8)
    assert two.parameters.est.to_numpy() == pytest.approx(one.parameters.est.to_numpy(), rel=1e-6)


def test_responses_bring_model_items_and_group() -> None:
    responses = cte.load_example()
    result = fit(None, responses, group="wave", missing="fiml")
    assert result.converged
    assert result.notes[0].startswith("Simulated data")
    assert result.solution.table.n_groups == 3
    one_factor = fit("one_factor", responses)
    assert one_factor.fit_measures["chisq"] > fit("correlated", responses).fit_measures["chisq"]


def test_cfa_and_growth_have_their_own_defaults() -> None:
    data = case("demo_growth").data
    line = "i =~ 1*t1 + 1*t2 + 1*t3 + 1*t4\ns =~ 0*t1 + 1*t2 + 2*t3 + 3*t4"
    curve = growth(line, data).parameters.set_index(["lhs", "op", "rhs"])
    assert curve.loc[("i", "~1", ""), "free"] > 0
    assert curve.loc[("t1", "~1", ""), "est"] == 0.0
    assert cfa(HS, hs()).fit_measures["chisq"] == pytest.approx(85.30552, abs=1e-4)


def test_start_values_lead_to_the_same_solution() -> None:
    first = fit(HS, hs())
    again = fit(HS, hs(), start=first.solution.theta)
    assert again.solution.n_iterations <= 1
    assert again.fit_measures["chisq"] == pytest.approx(first.fit_measures["chisq"], rel=1e-10)


def test_equality_by_label_by_constraint_and_by_merged_parameter_agree() -> None:
    data = simulated(3)
    one = fit("F =~ a + v*b + v*c\nG =~ d + e + f", data)
    two = fit("F =~ a + v*b + w*c\nG =~ d + e + f\nv == w", data)
    three = fit("F =~ a + v*b + w*c\nG =~ d + e + f\nv - w == 0*v", data)
    for other in (two, three):
        assert other.fit_measures["chisq"] == pytest.approx(one.fit_measures["chisq"], rel=1e-9)
        assert other.parameters.se.to_numpy() == pytest.approx(
            one.parameters.se.to_numpy(), rel=1e-6
        )


def test_a_nonlinear_constraint_that_is_linear_in_disguise() -> None:
    data = simulated(4)
    one = fit("F =~ a + v*b + w*c\nG =~ d + e + f\nv == w", data)
    two = fit("F =~ a + v*b + w*c\nG =~ d + e + f\nexp(v) == exp(w)", data)
    assert two.fit_measures["chisq"] == pytest.approx(one.fit_measures["chisq"], rel=1e-8)
    assert two.fit_measures["df"] == one.fit_measures["df"]
    assert two.parameters.se.to_numpy() == pytest.approx(one.parameters.se.to_numpy(), rel=1e-5)


def test_a_bound_that_binds_and_one_that_does_not() -> None:
    data = simulated(5)
    free = fit("F =~ a + b + c\nG =~ d + e + f", data)
    loose = fit("F =~ a + v*b + c\nG =~ d + e + f\nv > -5", data)
    bound = fit("F =~ a + v*b + c\nG =~ d + e + f\nv > 1.5", data)
    assert loose.fit_measures["chisq"] == pytest.approx(free.fit_measures["chisq"], rel=1e-8)
    assert bound.parameters.set_index("label").loc["v", "est"] == pytest.approx(1.5)
    assert bound.fit_measures["chisq"] > free.fit_measures["chisq"]


def test_expected_and_observed_information_agree_in_large_samples() -> None:
    data = simulated(6, n=20_000)
    expected = fit(TWO, data).parameters.se
    observed = fit(TWO, data, information="observed").parameters.se
    robust = fit(TWO, data, estimator="MLR").parameters.se
    free = expected > 0
    assert observed[free].to_numpy() == pytest.approx(expected[free].to_numpy(), rel=0.03)
    assert robust[free].to_numpy() == pytest.approx(expected[free].to_numpy(), rel=0.05)


def test_weights_of_one_change_nothing_and_weights_repeat_rows() -> None:
    data = simulated(7)
    one = fit(TWO, data, estimator="ML", se="standard")
    two = fit(TWO, data.assign(w=2.0), estimator="ML", weights="w")
    assert two.parameters.est.to_numpy() == pytest.approx(one.parameters.est.to_numpy(), rel=1e-7)
    twice = pd.concat([data, data.iloc[:50]], ignore_index=True)
    weights = np.where(np.arange(200) < 50, 2.0, 1.0)
    three = fit(TWO, twice).parameters.est
    four = fit(TWO, data, weights=weights, estimator="ML").parameters.est
    assert four.to_numpy() == pytest.approx(three.to_numpy(), rel=1e-6)


# honesty ----------------------------------------------------------------------------------------


def heywood() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(60, 4))
    x[:, 0] = x[:, 1] * 0.95 + x[:, 0] * 0.1
    return pd.DataFrame(x, columns=list("abcd"))


def test_a_negative_variance_is_said_three_times() -> None:
    with pytest.warns(ImproperSolutionWarning, match="Negative variance: b ~~ b"):
        result = fit("f =~ a + b + c + d", heywood())
    assert result.status is Status.IMPROPER
    assert any("Heywood" in note for note in result.notes)
    assert "IMPROPER" in result.summary()


def test_a_correlation_beyond_one_is_named() -> None:
    rng = np.random.default_rng(8)
    common = rng.normal(size=(80, 1))
    data = pd.DataFrame(common + 0.9 * rng.normal(size=(80, 6)), columns=list("abcdef"))
    data[["a", "d"]] += 0.8 * rng.normal(size=(80, 1))
    model = TWO
    with pytest.warns(ImproperSolutionWarning):
        result = fit(model, data)
    assert result.status is Status.IMPROPER
    assert any("outside [-1, 1]" in n or "not positive definite" in n for n in result.notes)


def test_proper_solutions_raise_no_alarm() -> None:
    for seed in range(5):
        result = fit(TWO, simulated(seed))  # warnings are errors here
        assert result.status is Status.CONVERGED


def test_an_unidentified_model_names_its_parameters() -> None:
    with pytest.raises(IdentificationError, match=r"visual =~ x1.*visual ~~ visual"):
        fit("visual =~ NA*x1 + x2 + x3 + x4", hs())
    result = fit("visual =~ NA*x1 + x2 + x3 + x4", hs(), on_failure="return")
    assert result.status is Status.SINGULAR
    assert result.parameters.se.isna().any()
    with pytest.warns(NonConvergenceWarning, match="not identified"):
        fit("visual =~ NA*x1 + x2 + x3 + x4", hs(), on_failure="warn")


def test_more_parameters_than_moments_is_refused_before_estimation() -> None:
    with pytest.raises(IdentificationError, match=r"4 free parameters.*3 moments"):
        fit("v =~ x1 + x2", hs())


def test_no_solution_raises_or_returns() -> None:
    model = "v =~ x1 + a*x2 + b*x3\na > 5\na < 4"
    with pytest.raises(EstimationError, match="no solution"):
        fit(model, hs())
    result = fit(model, hs(), on_failure="return")
    assert not result.converged
    assert result.status is Status.MAX_ITER


# refusals ---------------------------------------------------------------------------------------

REFUSED: list[tuple[str, dict[str, Any], type[Exception], str]] = [
    ("v =~ x1 + x2 + x33", {}, UnknownNameError, "x33.*Did you mean"),
    (HS, {"estimator": "WLSMV"}, InputError, "no item is declared ordinal"),
    (HS, {"estimator": "MLX"}, InputError, "Did you mean 'ML'"),
    (HS, {"estimator": "GLS", "missing": "fiml"}, InputError, "cannot be combined"),
    (HS, {"estimator": "GLS", "likelihood": "wishart"}, InputError, "no meaning for GLS"),
    (HS, {"missing": "fiml", "test": "satorra.bentler"}, InputError, "complete, unclustered"),
    (HS, {"estimator": "ULS", "test": "yuan.bentler"}, InputError, "need a likelihood"),
    (HS, {"estimator": "ML", "ordered": True}, InputError, "cannot be used with ordered"),
    (HS, {"se": "jackknife"}, InputError, "jackknife"),
    (HS, {"group": "schol"}, UnknownNameError, "Did you mean 'school'"),
    (HS, {"group": "school", "group_equal": "loading"}, InputError, "Did you mean 'loadings'"),
    (HS, {"identification": "markers"}, InputError, "Did you mean 'marker'"),
    (HS, {"on_failure": "ignore"}, InputError, "on_failure"),
    ("level: 1\nv=~x1+x2+x3\nlevel: 2\nw=~x1+x2+x3", {}, InputError, "no cluster"),
    ("v =~ x1 + a*x2 + b*x3\na == b + 1\na == b + 2", {}, InputError, "contradict"),
    (HS, {"weights": [1.0] * 300 + [-1.0]}, InputError, "row 300 holds -1.0"),
    (HS, {"n_obs": 301, "sample_cov": np.eye(3)}, InputError, "3 variables; the model has 9"),
    ("second_order", {}, InputError, "instrument"),
]


@pytest.mark.parametrize(("model", "options", "error", "message"), REFUSED)
def test_refusals(
    model: str, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        fit(model, hs(), **options)


def test_data_that_cannot_be_analysed() -> None:
    data = hs()
    model = "v =~ x1 + x2 + x3"
    with pytest.raises(InputError, match="x2 does not vary"):
        fit(model, data.assign(x2=3.0))
    with pytest.raises(InputError, match="linearly dependent: x1, x2, s"):
        fit("v =~ x1 + x2 + x3 + s", data.assign(s=data.x1 + data.x2))
    with pytest.raises(InputError, match="8 complete rows and 9 variables"):
        fit(HS, data.head(8))
    with pytest.raises(InputError, match="no one answered x1"):
        fit(model, data.assign(x1=np.nan))
    with pytest.raises(InputError, match="nothing to fit"):
        fit(HS)
    bad = pd.DataFrame([[1, 0.9, 0.9], [0.9, 1, -0.9], [0.9, -0.9, 1]], [*"abc"], [*"abc"])
    with pytest.raises(InputError, match="not positive definite"):
        fit("v =~ a + b + c", sample_cov=bad, n_obs=100)
    with pytest.raises(InputError, match="needs n_obs"):
        fit("v =~ a + b + c", sample_cov=np.eye(3))
    with pytest.raises(InputError, match="needs the answers"):
        fit("v =~ a + b + c", sample_cov=np.eye(3), n_obs=100, estimator="MLM")


# rendering --------------------------------------------------------------------------------------


def test_a_fit_shows_itself() -> None:
    result = fit(HS, hs(), estimator="MLR", group="school")
    text = result.summary()
    assert "chisq_scaled" in text
    assert "visual" in text
    assert "<table" in result._repr_html_()
    assert "SEMFit(MLR, n=301" in repr(result)
    body = json.loads(json.dumps(result.to_dict()))
    assert body["fit_measures"]["df"] == 48
    assert len(result.to_frame()) == len(result.parameters)
    assert list(result.parameters.columns) == [
        "lhs", "op", "rhs", "group", "level", "label", "free", "est", "se", "z", "pvalue",
        "ci_lower", "ci_upper", "std_lv", "std_all", "impossible",
    ]  # fmt: skip


def test_fit_measures_suggest_names_and_take_other_levels() -> None:
    result = fit(HS, hs())
    assert result.fit_measures["rmsea.ci.lower"] == result.fit_measures["rmsea_ci_lower"]
    with pytest.raises(UnknownNameError, match="Did you mean 'rmsea'"):
        result.fit_measures["rmse"]
    wide = result.fit_measures_with(rmsea_level=0.99, close=0.06)
    assert wide["rmsea_ci_lower"] < result.fit_measures["rmsea_ci_lower"]
    assert wide["rmsea_close_h0"] == 0.06
    assert wide["rmsea_pvalue"] > result.fit_measures["rmsea_pvalue"]
    narrow = result.parameters_with(confidence=0.5)
    assert (narrow.ci_upper - narrow.ci_lower <= result.parameters.ci_upper
            - result.parameters.ci_lower + 1e-12).all()  # fmt: skip


def test_vcov_carries_names() -> None:
    result = fit("F =~ a + load*b + c\nG =~ d + e + f", simulated(1))
    assert result.vcov.loc["load", "load"] == pytest.approx(
        result.parameters.set_index("label").loc["load", "se"] ** 2
    )
    assert (result.vcov.index == result.vcov.columns).all()


def test_bounds_keep_variances_positive() -> None:
    result = fit("f =~ a + b + c + d", heywood(), bounds="positive_variances")
    assert result.status is Status.CONVERGED
    variances = result.parameters[result.parameters.lhs == result.parameters.rhs]
    assert variances.est.min() >= -1e-8
    assert any("b ~~ b is at its bound 0" in note for note in result.notes)
    free = fit(TWO, simulated(1))
    bounded = fit(TWO, simulated(1), bounds="positive_variances")
    assert bounded.parameters.se.to_numpy() == pytest.approx(free.parameters.se.to_numpy())


def test_moments_serve_in_place_of_answers() -> None:
    data = hs()
    whole = cte.Moments.from_data(data, ITEMS, by=data.school)
    one = fit(HS, whole)
    two = fit(HS, data)
    assert dict(one.fit_measures) == pytest.approx(dict(two.fit_measures))
    means = fit(HS, whole, meanstructure=True)
    assert means.parameters.est.to_numpy() == pytest.approx(
        fit(HS, data, meanstructure=True).parameters.est.to_numpy()
    )
    groups = fit(HS, whole, group="school", group_equal="loadings")
    same = fit(HS, data, group="school", group_equal="loadings")
    assert groups.fit_measures["chisq"] == pytest.approx(same.fit_measures["chisq"])
    with pytest.raises(InputError, match="needs the answers"):
        fit(HS, whole, estimator="MLR")


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"estimator": "MLM"}, "estimator='MLM' needs the answers; Moments hold only"),
        ({"estimator": "WLS"}, "estimator='WLS' needs the answers; Moments hold only"),
        ({"missing": "fiml"}, "missing='fiml' needs the answers"),
        ({"ordered": True}, "Ordinal items need the answers"),
        ({"cluster": "school"}, "cluster= needs the answers"),
        ({"weights": "w", "estimator": "GLS"}, "weights= needs the answers"),
        ({"group": np.array(["a", "b"])}, "group= is a name"),
    ],
)
def test_moments_are_refused_where_answers_are_needed(options: dict[str, Any], reason: str) -> None:
    with pytest.raises(InputError, match=re.escape(reason)):
        fit(HS, cte.Moments.from_data(hs(), ITEMS), **options)


def test_moments_say_what_they_leave_out() -> None:
    data = hs()
    data.loc[:4, "x1"] = np.nan
    found = fit(HS, cte.Moments.from_data(data, ITEMS))
    assert (found.provenance.n_used, found.provenance.n_dropped) == (296, 5)
    assert "The Moments leave out 5 rows with missing answers." in found.notes
    pairwise = fit(HS, cte.Moments.from_data(data, ITEMS, missing="pairwise"))
    assert any("pairwise" in note for note in pairwise.notes)


def test_a_model_from_moments_alone() -> None:
    whole = cte.Moments.from_data(hs(), ITEMS)
    assert cte.factor.cfa(whole).fit_measures["df"] == 27


def weak_marker() -> pd.DataFrame:
    """A factor whose marker hardly measures it, and has the wrong sign by chance."""
    rng = np.random.default_rng(11)
    factor = rng.normal(size=(150, 1))
    loadings = np.array([0.02, 0.8, 0.7, 0.6])
    return pd.DataFrame(factor * loadings + 0.6 * rng.normal(size=(150, 4)), columns=[*"abcd"])


def test_a_weak_marker_does_not_change_the_fit() -> None:
    data = weak_marker()
    one = fit("f =~ a + b + c + d", data)
    two = fit("f =~ b + a + c + d", data)
    three = fit("f =~ a + b + c + d", data, identification="variance")
    values = [f.fit_measures["chisq"] for f in (one, two, three)]
    assert values == pytest.approx([values[0]] * 3, rel=1e-6)


def test_rescaled_start_is_the_same_solution() -> None:
    from cte_metrics.sem.search.rescaled_start import rescaled_start

    model = "F =~ a + b + c\nG =~ d + e + f\nG ~ F\nH =~ 2*a + d"
    for text in (TWO, "F =~ a + b + c\nG =~ d + e + f\nG ~ F", model[: model.index("H")]):
        solution = fit(text, simulated(9), meanstructure=True).solution
        theta = rescaled_start(solution.table, solution.estimator, lambda d: d)
        assert theta is not None
        assert theta == pytest.approx(solution.theta, rel=1e-5, abs=1e-6)


def noise(seed: int) -> pd.DataFrame:
    """Six unrelated items: whatever is fitted to them is improper or has no minimum."""
    return pd.DataFrame(np.random.default_rng(seed).normal(size=(60, 6)), columns=[*"abcdef"])


def test_a_likelihood_without_a_minimum_names_what_runs_away() -> None:
    with pytest.raises(EstimationError, match=r"Negative variance: f ~~ f.*positive_variances"):
        fit(TWO, noise(6))


@pytest.mark.parametrize(("seed", "chisq"), [(5, 5.69768), (14, 0.95554), (35, 3.3061)])
def test_improper_minima_are_found_from_other_starts(seed: int, chisq: float) -> None:
    # R: cfa() on the same numbers finds these, with negative variances
    with pytest.warns(ImproperSolutionWarning):
        result = fit(TWO, noise(seed))
    assert result.fit_measures["chisq"] == pytest.approx(chisq, abs=1e-5)
