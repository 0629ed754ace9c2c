"""Mixed models: lme4 and lmerTest, by hand, equivalences, edges, messages, rendering."""

import json
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest

from cte_metrics import Instrument, Responses, ResponseScale
from cte_metrics.aggregation import compare_models, mixed_model, variance_components
from cte_metrics.errors import (
    IdentificationError,
    ImproperSolutionWarning,
    InputError,
    InputTypeError,
    ModelSyntaxError,
    UnknownNameError,
)
from cte_metrics.results import Status
from tests.reference_case import case

# a singular fit is warned of; the tests of that ask for the warning
pytestmark = pytest.mark.filterwarnings(
    "ignore:Singular fit:cte_metrics.errors.ImproperSolutionWarning"
)
SCHOOLS = Path(__file__).parents[1] / "reference" / "schools"
SETS = ("sim_cte12", "bhr2000_items", "bh1996_scales", "demo_twolevel", "sim_mlcfa")
SLOPED = ("random_slope", "uncorrelated_slope", "cross_level")


def frame_for(name, args):
    """Complete rows with the centred variables that the stored calls use."""
    data = case(name).data
    if args["x"] == "cte_total":
        data["cte_total"] = data[[f"c{j:02d}" for j in range(1, 13)]].mean(axis=1)
    if args["x"] == "F1":
        data["F1"] = data[["m01", "m02", "m03"]].mean(axis=1)
    roles = {args["group"]: "g", args["y"]: "y", args["x"]: "x"}
    if args.get("level2"):
        roles[args["level2"]] = "w"
    data = data[list(roles)].dropna().rename(columns=roles)
    data["x_gm"] = data.groupby("g")["x"].transform("mean")
    data["x_cwc"] = data["x"] - data["x_gm"]
    data["x_cgm"], data["x_gmc"] = data["x"] - data["x"].mean(), data["x_gm"] - data["x"].mean()
    return data


def fitted(name, entry, reml):
    fixed = entry.args["formula"].split(" + (")[0].replace("y ~ (1 | g)", "y ~ 1")
    kind = entry.id.split(".")[-1] if "satterthwaite" in entry.id else entry.id.split(".")[-2]
    return mixed_model(
        fixed, frame_for(name, entry.args), "g", slopes=["x_cwc"] if kind in SLOPED else [],
        correlated=kind != "uncorrelated_slope", reml=reml,
    )  # fmt: skip


def entries(package):
    return [
        pytest.param(name, e.id, id=e.id)
        for name in SETS
        for e in case(name).entries("", "lmer")
        if e.package == package
    ]


@pytest.mark.parametrize(("name", "key"), entries("lme4"))
def test_every_stored_fit_of_lme4(name, key):
    entry = case(name)[key]
    known = entry.values
    found = fitted(name, entry, bool(known["REML"]))
    # the same likelihood, and never a worse one
    assert found.loglik == pytest.approx(known["logLik"], abs=1e-8)
    assert (found.aic, found.bic) == pytest.approx((known["AIC"], known["BIC"]), abs=1e-7)
    assert found.n_parameters == known["df_logLik"]
    assert (found.n_obs, found.n_groups) == (known["n_obs"], known["n_groups"])
    assert found.singular == known["singular"]
    # lme4 stops at about 1e-7 of its estimates
    expected = known["fixed"]
    np.testing.assert_allclose(found.fixed["est"], expected["Estimate"], rtol=1e-6, atol=3e-6)
    np.testing.assert_allclose(found.fixed["se"], expected["Std. Error"], rtol=2e-6)
    values = np.array(known["varcomp"]["vcov"], dtype=float)
    scale = np.sqrt(found.variances.to_numpy())
    tolerance = 1e-4 * max(scale) ** 2 + 1e-8
    assert found.variances["residual"] == pytest.approx(values[-1], rel=1e-5)
    assert found.variances["intercept"] == pytest.approx(values[0], abs=tolerance)
    if "ranef_head" in known:
        effects = found.group_effects.head(12)
        size = max(1.0, scale[0])
        np.testing.assert_allclose(
            effects["intercept"], known["ranef_head"]["(Intercept)"], atol=2e-6 * size
        )
        np.testing.assert_allclose(
            effects["intercept_se"] ** 2, known["ranef_condvar_head"], rtol=1e-5, atol=1e-8
        )


@pytest.mark.parametrize(("name", "key"), entries("lmerTest"))
def test_satterthwaite_equals_lmertest(name, key):
    entry = case(name)[key]
    known = entry.values["coef"]
    found = fitted(name, entry, True).fixed
    # numDeriv's Hessian is off by 2e-3 for sim_mlcfa, whose correlation is nearly 1; ours is stable
    # over step sizes from 1e-4 to 1e-2
    rtol = 3e-3 if key.endswith("sim_mlcfa/lmerTest.satterthwaite.random_slope") else 2e-6
    np.testing.assert_allclose(found["df"], known["df"], rtol=rtol)
    np.testing.assert_allclose(found["t"], known["t value"], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found["p"], known["Pr(>|t|)"], rtol=1e-3, atol=1e-9)


@pytest.mark.parametrize("name", ["sim_cte12", "bh1996_scales", "demo_twolevel"])
def test_comparison_equals_anova(name):
    entry = case(name)["lmer.anova_ML"]
    data = frame_for(name, entry.args)
    fits = [mixed_model(f, data, "g") for f in ("y ~ 1", "y ~ x_cgm", "y ~ x_cgm + x_gmc")]
    found, known = compare_models(*fits), entry.values
    np.testing.assert_allclose(found["aic"], known["AIC"], atol=1e-7)
    np.testing.assert_allclose(found["chisq"], known["Chisq"], atol=1e-7)
    np.testing.assert_allclose(found["p"], known["Pr(>Chisq)"], rtol=1e-6)
    assert found["npar"].tolist() == list(known["npar"])


@pytest.mark.parametrize("name", ["sim_cte12", "bh1996_scales", "demo_twolevel", "sim_mlcfa"])
def test_r2_and_profile_intervals(name):
    entry = case(name)["lmer.r2_icc"]
    data = frame_for(name, entry.args)
    found = mixed_model("y ~ x_cwc + x_gmc", data, "g", reml=False)
    assert found.r2_marginal == pytest.approx(entry.values["nakagawa_marginal"], abs=1e-7)
    assert found.r2_conditional == pytest.approx(entry.values["nakagawa_conditional"], abs=1e-7)
    known = case(name)["lmer.profile_ci.null"].values
    null = mixed_model("y ~ 1", data, "g")
    limits = null.profile_ci()
    assert limits.index.tolist() == ["sd_intercept", "sigma", "intercept"]
    # lme4 interpolates the profile
    scale = float(known["97.5 %"].max() - known["2.5 %"].min())
    np.testing.assert_allclose(limits["ci_low"], known["2.5 %"], atol=1e-6 * max(scale, 100))
    np.testing.assert_allclose(limits["ci_high"], known["97.5 %"], atol=1e-6 * max(scale, 100))
    assert null.icc == pytest.approx(entry.values["icc_null_REML"], abs=1e-6)


def schools():
    data = pd.read_csv(SCHOOLS / "bdf.csv")
    data["iq_mean"] = data.groupby("school")["iq"].transform("mean")
    data["iq_within"] = data["iq"] - data["iq_mean"]
    return data


MODELS = {
    "slope": ("language ~ iq_within + iq_mean + ses", ["iq_within"], {}),
    "slope_ml": ("language ~ iq_within + iq_mean + ses", ["iq_within"], {"reml": False}),
    "uncorrelated": ("language ~ iq_within + iq_mean", ["iq_within"], {"correlated": False}),
    "two_slopes": ("language ~ iq_within + ses", ["iq_within", "ses"], {}),
    "interaction": ("language ~ iq_within * sex + iq_mean", [], {}),
}


@pytest.mark.parametrize("name", MODELS)
def test_pupils_in_schools_equal_lme4(name):
    known = json.loads((SCHOOLS / "reference.json").read_text())["fits"][name]
    formula, slopes, options = MODELS[name]
    found = mixed_model(formula, schools(), "school", slopes=slopes, **options)
    order = ["intercept" if t == "(Intercept)" else t for t in known["terms"]]
    table = found.fixed.loc[order]
    np.testing.assert_allclose(table["est"], known["est"], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(table["se"], known["se"], rtol=1e-5)
    # lme4's optimizer leaves the singular fit with two slopes 3e-8 short
    assert found.loglik == pytest.approx(known["loglik"], abs=1e-6)
    assert found.loglik >= known["loglik"] - 1e-8
    assert found.singular == known["singular"]
    assert found.variances["residual"] == pytest.approx(known["vcov"][-1], rel=1e-5)
    q = 1 + len(slopes)
    np.testing.assert_allclose(np.diag(found.covariance), known["vcov"][:q], rtol=2e-3, atol=1e-6)
    effects = found.group_effects.loc[known["group"]]
    names = ["intercept", *slopes]
    np.testing.assert_allclose(effects[names], known["ranef"], atol=2e-3)
    np.testing.assert_allclose(effects["intercept_se"] ** 2, known["ranef_var"], rtol=1e-3)


def test_comparison_with_slopes_equals_anova():
    known = json.loads((SCHOOLS / "reference.json").read_text())["compare"]
    data = schools()
    fits = [
        mixed_model("language ~ 1", data, "school"),
        mixed_model("language ~ iq_within", data, "school"),
        mixed_model(*MODELS["slope"][:1], data, "school", slopes=["iq_within"]),
    ]
    found = compare_models(*fits[::-1])
    np.testing.assert_allclose(found["aic"], known["aic"], atol=1e-6)
    np.testing.assert_allclose(found["chisq"][1:], known["chisq"][1:], atol=1e-6)
    assert found["df"][1:].tolist() == known["df"][1:]


def test_sleep_study_profile():
    known = json.loads((SCHOOLS / "reference.json").read_text())["profile"]
    data = pd.read_csv(SCHOOLS / "sleep.csv")
    found = mixed_model("reaction ~ days", data, "subject", slopes=["days"])
    limits = found.profile_ci()
    assert limits.index.tolist() == [
        "sd_intercept", "sd_days", "cor_intercept_days", "sigma", "intercept", "days",
    ]  # fmt: skip
    order = ["sd_intercept", "cor_intercept_days", "sd_days", "sigma", "intercept", "days"]
    # lme4 interpolates: its own limits are good to about 1e-3
    np.testing.assert_allclose(limits.loc[order, "ci_low"], known["low"], atol=2e-3)
    np.testing.assert_allclose(limits.loc[order, "ci_high"], known["high"], atol=2e-3)
    one = found.profile_ci(parameters=["days"], confidence=0.95)
    assert one.loc["days", "ci_low"] == pytest.approx(limits.loc["days", "ci_low"], abs=1e-8)


TINY = pd.DataFrame({"g": [1, 1, 1, 2, 2, 2], "x": [0, 1, 2, 0, 1, 2.0], "y": [1.0, 2, 3, 4, 5, 6]})


def test_by_hand():
    found = mixed_model("y ~ 1", TINY, "g")
    # B = 13.5, W = 1, n = 3: tau2 = 12.5 / 3; the mean's variance is B / 6
    assert found.variances["intercept"] == pytest.approx(12.5 / 3)
    assert found.variances["residual"] == pytest.approx(1)
    assert found.fixed.loc["intercept", "est"] == pytest.approx(3.5)
    assert found.fixed.loc["intercept", "se"] == pytest.approx(np.sqrt(13.5 / 6))
    assert found.fixed.loc["intercept", "df"] == pytest.approx(1, abs=1e-5)
    assert found.group_effects.loc[2, "intercept"] == pytest.approx(12.5 / 13.5 * 1.5)
    assert found.r2_marginal == 0
    assert found.r2_conditional == pytest.approx((12.5 / 3) / (12.5 / 3 + 1))


def test_null_model_equals_variance_components():
    data = case("sim_cte12").data
    found = mixed_model("achievement ~ 1", data, "school")
    other = variance_components(data["achievement"], data["school"], method="reml")
    assert found.icc == pytest.approx(other.icc1, abs=1e-9)


def test_categories_and_transformations():
    data = case("sim_cte12").data
    coded = data.assign(b=(data["country"] == "B").astype(float), e=np.log(data["experience"] + 1))
    a = mixed_model("achievement ~ country + log(experience + 1)", data, "school")
    b = mixed_model("achievement ~ b + e", coded, "school")
    np.testing.assert_allclose(a.fixed, b.fixed, rtol=1e-8)
    assert a.fixed.index.tolist() == ["intercept", "country[T.B]", "log(experience + 1)"]


def test_contrast_equals_the_same_coefficient_in_another_coding():
    data = schools()
    a = mixed_model("language ~ iq_within + iq_mean", data, "school")
    b = mixed_model("language ~ iq + iq_mean", data, "school")
    found = a.contrast({"iq_mean": 1, "iq_within": -1})
    np.testing.assert_allclose(found, b.fixed.loc["iq_mean"], rtol=1e-5)
    with pytest.raises(UnknownNameError, match="no coefficient 'iq_men'"):
        a.contrast({"iq_men": 1})


def test_tables_rows_and_units_do_not_matter():
    data = case("sim_cte12").data.dropna(subset=["c01"])
    base = mixed_model("achievement ~ c01", data, "school")
    other = mixed_model("achievement ~ c01", pl.DataFrame(data), "school")
    np.testing.assert_allclose(other.fixed, base.fixed)
    shuffled = data.sample(frac=1, random_state=1)
    again = mixed_model("achievement ~ c01", shuffled, shuffled["school"].astype(str))
    np.testing.assert_allclose(again.fixed, base.fixed, rtol=1e-8)
    scaled = data.assign(achievement=data["achievement"] / 100)
    smaller = mixed_model("achievement ~ c01", scaled, "school")
    np.testing.assert_allclose(100 * smaller.fixed["est"], base.fixed["est"], rtol=1e-8)
    np.testing.assert_allclose(smaller.fixed["df"], base.fixed["df"], rtol=1e-5)


def test_responses_and_missing_rows():
    data = case("sim_cte12").data
    scale = Instrument(id="m", response_scale=ResponseScale(1, 9), items=["c01", "c02"])
    survey = Responses(data, scale, group="school", covariates=["achievement"])
    found = mixed_model("achievement ~ c01", survey)
    expected = mixed_model("achievement ~ c01", data, "school")
    np.testing.assert_allclose(found.fixed, expected.fixed)
    assert found.provenance.n_dropped == int(data["c01"].isna().sum())
    assert "rows with missing values dropped" in found.notes[0]
    homeless = data.assign(school=data["school"].where(data.index > 20))
    told = mixed_model("achievement ~ 1", homeless, "school")
    assert "21 rows without a group dropped." in told.notes


def sleep(unit=1.0, origin=0.0):
    data = pd.read_csv(SCHOOLS / "sleep.csv")
    return data.assign(days=(data["days"] + origin) * unit)


@cache
def sleep_profile(unit=1.0, origin=0.0):
    data = sleep(unit, origin)
    return mixed_model("reaction ~ days", data, "subject", slopes=["days"]).profile_ci()


UNITS = [(1.0, 0.0), (3000, 0), (1e5, 0), (1e-9, 0), (1, 2000), (1e5, -2e5)]


@pytest.mark.problem(
    "lme4, lmerTest: predictors on very different scales",
    "Degrees of freedom and p of a slope depend on its unit or origin",
    "Derivatives are analytic and taken in a basis of the data's own scale",
)
@pytest.mark.parametrize(("unit", "origin"), UNITS)
def test_inference_on_a_slope_knows_no_unit(unit, origin):
    fixed = mixed_model("reaction ~ days", sleep(unit, origin), "subject", slopes=["days"]).fixed
    # lmerTest 3.1: df 17, t 6.77, p 3.26e-06; the design is balanced, so df is a whole number
    assert fixed.loc["days", "df"] == pytest.approx(17, abs=1e-8)
    assert fixed.loc["days", "p"] == pytest.approx(3.263788e-06, rel=1e-6)
    assert fixed.loc["days", "ci_low"] * unit == pytest.approx(7.205956, abs=1e-5)


@pytest.mark.parametrize("seed", range(3))
def test_inference_knows_no_unit_where_nothing_is_balanced(seed):
    rng = np.random.default_rng(seed)
    g = np.repeat(np.arange(9), rng.integers(3, 9, 9))
    x = rng.normal(size=len(g)) + rng.normal(size=9)[g]
    y = rng.normal(size=9)[g] + (1 + 0.7 * rng.normal(size=9)[g]) * x + rng.normal(size=len(g))
    fits = []
    for unit, origin, k in ((1, 0, 1), (1e6, 0, 1), (1, 500, 1e-6), (1e-4, -3000, 1e9)):
        data = pd.DataFrame({"y": y * k, "x": (x + origin) * unit, "g": g})
        fixed = mixed_model("y ~ x", data, "g", slopes=["x"]).fixed
        fits.append(fixed.loc["x", ["df", "t", "p"]])
    for other in fits[1:]:
        np.testing.assert_allclose(other, fits[0], rtol=1e-6)


@pytest.mark.problem(
    "lme4: profiles of unscaled slopes",
    "Profile intervals fail where a slope is in a small or large unit",
    "The profile is searched in a basis of the data's own scale; every unit gives one interval",
)
@pytest.mark.parametrize(("unit", "origin"), [(1e5, 0), (1, 2000)])
def test_profile_intervals_know_no_unit(unit, origin):
    limits = [sleep_profile(), sleep_profile(unit, origin)]
    for name in ("sd_days", "days"):
        np.testing.assert_allclose(limits[1].loc[name] * unit, limits[0].loc[name], rtol=1e-6)
    np.testing.assert_allclose(limits[1].loc["sigma"], limits[0].loc["sigma"], rtol=1e-6)
    if not origin:
        rows = ["sd_intercept", "cor_intercept_days", "intercept"]
        np.testing.assert_allclose(limits[1].loc[rows], limits[0].loc[rows], rtol=1e-6)
    else:  # at a far origin, the intercept is the slope's: sd ratio and correlation tend to it
        assert abs(limits[1].loc["cor_intercept_days"]).min() > 0.9999
        ratio = limits[1].loc["sd_intercept"] / limits[0].loc["sd_days"]
        np.testing.assert_allclose(ratio, abs(origin), rtol=5e-3)


@pytest.mark.parametrize("seed", range(4))
def test_few_schools_give_an_interval_or_a_reason(seed):
    """With 2 to 5 schools a correlation is often -1 or 1, and a variance 0."""
    rng = np.random.default_rng(seed)
    g = np.repeat(np.arange(2 + seed % 4), 4)
    x = rng.normal(size=len(g))
    y = (rng.normal(size=(6, 2)) * rng.choice([0, 0.3, 2], 2))[g, 0] + x + rng.normal(size=len(g))
    found = mixed_model("y ~ x", pd.DataFrame({"y": y, "x": x, "g": g}), "g", slopes=["x"])
    limits = found.profile_ci()
    known = limits.dropna()
    assert len(known) >= 5
    slack = 1e-6 * known["est"].abs()
    assert (known["ci_low"] <= known["est"] + slack).all()
    assert (known["est"] <= known["ci_high"] + slack).all()
    assert np.isfinite(limits[["ci_low", "ci_high"]]).all(axis=None)


def test_uncorrelated_profile_equals_lme4():
    data = sleep()
    found = mixed_model("reaction ~ days", data, "subject", slopes=["days"], correlated=False)
    limits = found.profile_ci(parameters=["sd_days"])
    assert limits.loc["sd_days", "ci_low"] == pytest.approx(3.964074, abs=1e-4)  # lme4 1.1
    assert limits.loc["sd_days", "ci_high"] == pytest.approx(8.769159, abs=1e-3)


@pytest.mark.problem(
    "formulaic: `I(Days^2)`",
    "A squared slope written with `^` is silently another variable",
    "`^` is a power, as in R",
)
def test_a_power_is_lmes():
    found = mixed_model("reaction ~ days + I(days^2)", sleep(), "subject").fixed
    # lmer(Reaction ~ Days + I(Days^2) + (1 | Subject), sleepstudy)
    assert found.loc["I(days ^ 2)", "est"] == pytest.approx(0.3370223274, abs=1e-8)


@pytest.mark.problem(
    "formulaic: unused categories",
    "A category that no row has makes the model unidentified",
    "It is left out, as R does, with a note",
)
def test_an_unused_category_is_left_out():
    data = sleep()
    late = np.where(data["days"] > 5, "late", "mid")
    f = pd.Categorical(late, categories=["zzz", "late", "mid"])
    found = mixed_model("reaction ~ f", data.assign(f=f), "subject")
    plain = mixed_model("reaction ~ f", data.assign(f=late), "subject")
    np.testing.assert_allclose(found.fixed, plain.fixed)
    assert "'zzz'" in found.notes[0]
    homeless = data.assign(f=np.where(data.index == 0, "only here", late), g=data["subject"])
    homeless["g"] = homeless["g"].astype(object).where(data.index > 0)
    told = mixed_model("reaction ~ f", homeless.assign(f=homeless["f"].astype("category")), "g")
    assert told.fixed.index.tolist() == ["intercept", "f[T.mid]"]


def test_singular_fits_are_reported():
    flat = pd.DataFrame({"g": np.repeat([1, 2, 3], 3), "y": np.tile([1.0, 2, 4], 3)})
    with pytest.warns(ImproperSolutionWarning, match="variance of intercept is estimated as 0"):
        found = mixed_model("y ~ 1", flat, "g")
    assert found.status is Status.SINGULAR
    assert found.variances["intercept"] == 0
    assert "variance of intercept is estimated as 0" in found.notes[-1]
    assert found.summary().splitlines()[2].startswith("SINGULAR")
    data = case("sim_cte12").data
    tied = mixed_model("achievement ~ experience", data, "school", slopes=["experience"])
    if tied.singular:
        assert "perfectly" in tied.notes[-1] or "estimated as 0" in tied.notes[-1]


@pytest.mark.parametrize(
    ("formula", "options", "error", "message"),
    [
        ("y", {}, ModelSyntaxError, "'y' is no formula"),
        ("y ~ x + (1 | g)", {}, ModelSyntaxError, "holds a random part"),
        ("y ~ x +", {}, ModelSyntaxError, "cannot be read"),
        ("y ~ xx", {}, UnknownNameError, "no column 'xx'"),
        ("y ~ log(x)", {}, InputError, r"term 'log\(x\)' is not finite in row 0"),
        ("y ~ x", {"group": "school"}, UnknownNameError, "group: there is no column 'school'"),
        ("y ~ x", {"group": None}, InputError, "needs groups"),
        ("y ~ x", {"group": [1, 2]}, InputError, r"group has shape \(2,\)"),
        ("y ~ x", {"slopes": ["z"]}, UnknownNameError, "slopes: there is no 'z'"),
        ("y ~ x", {"slopes": ["t"]}, InputTypeError, "'t' is not numeric"),
        ("y ~ x", {"slopes": 3}, InputTypeError, "slopes takes names; got int 3"),
        (
            "y ~ x",
            {"slopes": ["x", "x"]},
            IdentificationError,
            "random effect of 'x' is",
        ),
        ("y ~ x", {"slopes": ["x", "x2"], "correlated": False}, IdentificationError, "'x2' is det"),
        ("y ~ x", {"slopes": ["zero"]}, IdentificationError, "random effect of 'zero'"),
        ("y ~ x", {"slopes": ["inf"]}, InputError, "'inf' is not finite in row 1"),
        ("y ~ 0", {}, ModelSyntaxError, "has no fixed part"),
        ("y ~ x", {"confidence": 2}, InputError, "confidence=2"),
        ("y ~ x + x2", {}, IdentificationError, "collinear"),
        ("y ~ zero", {}, IdentificationError, "term 'zero' is 0 in every row"),
        ("t ~ x", {}, InputError, "outcome of 't ~ x' is not one number"),
        ("fit ~ x", {}, InputError, "no variance in the outcome"),
        ("y ~ x", {"group": [1] * 6}, InputError, "There is one group"),
        ("y ~ x", {"group": range(6)}, IdentificationError, "6 rows are not more than the 6"),
    ],
)
def test_refusals(formula, options, error, message):
    data = TINY.assign(
        x2=2 * TINY["x"], zero=0.0, t=list("abcabc"), fit=3 * TINY["x"], inf=[1, np.inf, 2] * 2
    )
    options = {"group": "g", **options}
    with pytest.raises(error, match=message):
        mixed_model(formula, data, options.pop("group"), **options)


def test_comparison_refusals():
    first = mixed_model("y ~ 1", TINY, "g")
    with pytest.raises(InputError, match="two or more"):
        compare_models(first)
    with pytest.raises(InputError, match="differ in rows or outcome"):
        compare_models(first, mixed_model("x ~ y", TINY, "g"))
    with pytest.raises(UnknownNameError, match="no parameter 'sd_x'"):
        first.profile_ci(parameters=["sd_x"])


def test_rendering():
    data = pd.read_csv(SCHOOLS / "sleep.csv")
    found = mixed_model("reaction ~ days", data, "subject", slopes=["days"])
    text = found.summary()
    for part in ("Fixed effects", "Variances", "Correlations of the random effects", "AIC"):
        assert part in text
    body = json.loads(json.dumps(found.to_dict()))
    assert body["n_groups"] == 18
    assert "_summary" not in body
    assert "<table>" in found._repr_html_()


def test_only_models_are_compared():
    with pytest.raises(InputTypeError, match="takes models of mixed_model; got int"):
        compare_models(1, 2)
