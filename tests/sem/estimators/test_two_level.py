"""Two-level models through sem.fit: against lavaan, limits, edge cases, refusals."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cte_metrics import sem
from cte_metrics.errors import CTEWarning, EstimationError, InputError
from cte_metrics.results.status import Status
from cte_metrics.sem.semfit import SEMFit
from tests.reference_case import Entry, case
from tests.sem.lavaan_entry import differences, run

ONE = "level: 1\nfw =~ y1 + y2 + y3\nlevel: 2\nfb =~ y1 + y2 + y3"

# Figures in which lavaan 0.6-14 is not exact, and why
KNOWN = {
    # its optimizer stops early; the scaled test rests on those estimates. It also leaves the means
    # that level-1 covariates give to split variables out of the clusters' scores
    "covariates.MLR": (
        "chisq_scaled",
        "pvalue_scaled",
        "chisq_scaling",
        "scaling_factor_h0",
        "rmsea_",
    ),
    "split.ML": ("baseline_chisq",),
    "split.MLR": ("baseline_chisq",),
    # the unrestricted model is left early (relative tolerance 1e-7)
    "cfa.ML": ("chisq", "srmr"),
    "outcome.ML": ("chisq", "srmr", "rmsea", "est of experience", "est of funding"),
}


def quiet(model: str, data: Any, **options: Any) -> SEMFit:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CTEWarning)
        return sem.fit(model, data, **options)


def demo() -> pd.DataFrame:
    return case("demo_twolevel").data


def stored() -> list[Entry]:
    groups = ("two_level_fits/groups.ML", "two_level_fits/groups.loadings")
    entries = [*case("two_level_fits").by_id.values(), *case("two_level_gaps").by_id.values()]
    return [e for e in entries if e.id not in groups]


@pytest.mark.parametrize("entry", stored(), ids=lambda e: e.id)
def test_equals_lavaan(entry: Entry) -> None:
    name, short = entry.id.split("/")
    known = KNOWN.get(short, ()) if name == "two_level_gaps" or short in KNOWN else ()
    known = () if (name, short) == ("two_level_fits", "outcome.ML") else known
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CTEWarning)
        fit = run(case(name), entry)
    found = [line for line in differences(fit, entry) if not line.startswith(known)]
    assert not found, "\n".join(found)
    assert fit.fit_measures["chisq"] == pytest.approx(entry.raw["fit"]["chisq"], rel=1e-4)


@pytest.mark.parametrize("key", ["gaps", "filled"])
def test_fit_of_an_improper_level_2_equals_lavaan(key: str) -> None:
    # with gaps lavaan leaves the unrestricted model early (relative tolerance 1e-7)
    entry, data = case("two_level_edge")[key], case("two_level_edge").data
    expected = entry.raw["fit"]
    if key == "gaps":
        fit = quiet(entry.args["model"], data, cluster="school", missing="fiml")
    else:
        fit = quiet(entry.args["model"], data.fillna(data.mean().round(2)), cluster="school")
    assert fit.status is Status.IMPROPER
    assert fit.fit_measures["logl"] == pytest.approx(expected["logl"], rel=1e-8)
    assert fit.fit_measures["chisq"] == pytest.approx(expected["chisq"], rel=1e-4)
    assert fit.fit_measures["unrestricted_logl"] >= expected["unrestricted.logl"] - 1e-6
    tolerance = 2e-4 if key == "gaps" else 1e-5
    for name in ("srmr_within", "srmr_between"):
        assert fit.fit_measures[name] == pytest.approx(expected[name], abs=tolerance)


def test_a_model_above_the_unrestricted_one_says_so() -> None:
    rng = np.random.default_rng(2)
    values = rng.normal(size=(320, 1)) * 0.8 + rng.normal(size=(320, 3)) * 0.6
    values[rng.random(values.shape) < 0.08] = np.nan
    data = pd.DataFrame(values, columns=["y1", "y2", "y3"]).assign(school=np.arange(320) // 8)
    between = "y1 ~~ y1 + y2 + y3\ny2 ~~ y2 + y3\ny3 ~~ y3"
    model = f"level: 1\nfw =~ y1 + a*y2 + a*y3\nlevel: 2\n{between}"
    fit = quiet(model, data, cluster="school", missing="fiml")
    assert fit.fit_measures["chisq"] == 0.0
    assert any("exceeds that of the unrestricted moments" in note for note in fit.notes)


def test_groups_equal_separate_fits_and_lavaan() -> None:
    entry = case("two_level_fits")["groups.ML"]
    data = case("two_level_fits").data
    fit = quiet(ONE, data, cluster="cluster", group="group")
    apart = [quiet(ONE, data[data.group == g], cluster="cluster") for g in ("A", "B")]
    logl = sum(f.fit_measures["logl"] for f in apart)
    assert fit.fit_measures["logl"] == pytest.approx(logl, rel=1e-9)
    assert fit.fit_measures["logl"] == pytest.approx(entry.raw["fit"]["logl"], rel=1e-7)


def test_equal_loadings_over_groups_reach_a_higher_likelihood_than_lavaan() -> None:
    # lavaan weights the groups' likelihoods in a way that misses the maximum
    entry = case("two_level_fits")["groups.loadings"]
    data = case("two_level_fits").data
    fit = quiet(ONE, data, cluster="cluster", group="group", group_equal="loadings")
    assert fit.fit_measures["df"] == entry.raw["fit"]["df"] == 4
    assert fit.fit_measures["logl"] >= entry.raw["fit"]["logl"]


@pytest.mark.parametrize("key", ["two.ML", "covariates.ML"])
def test_factor_scores_equal_lavaan(key: str) -> None:
    entry = case("two_level_fits")[key]
    data = case("two_level_fits").data
    fit = quiet(entry.args["model"], data, cluster="cluster")
    within = fit.factor_scores(level=1)
    rows = entry.raw["scores_level1"]["head"]
    expected = np.array([list(row.values()) if isinstance(row, dict) else row for row in rows])
    assert np.allclose(within.to_numpy()[:10], expected[:, : within.shape[1]], atol=5e-4)
    assert len(fit.factor_scores(level=2)) == entry.raw["scores_level2"]["n"]


@pytest.mark.parametrize("name", ["demo_twolevel", "sim_mlcfa", "bhr2000_items"])
def test_stored_scores_and_icc_equal_lavaan(name: str) -> None:
    c = case(name)
    prefix = "cfa" if name == "demo_twolevel" else "twolevel"
    args = c[f"{prefix}.ML"].args
    fit = quiet(args["model"], c.data, cluster=args["cluster"], model_type="cfa")
    for level in (1, 2):
        expected = np.array(c[f"{prefix}.lavPredict.level{level}"].raw["head"]["data"])
        found = fit.factor_scores(level=level)
        assert np.allclose(found.to_numpy()[:12], expected, atol=2e-4)
    icc = c[f"{prefix}.icc"].raw
    assert np.allclose(fit.icc()[list(icc)], list(icc.values()), atol=1e-8)


def test_partially_saturated_within_equals_lavaans_saturated_between() -> None:
    c = case("sim_mlcfa")
    fit = quiet(c["twolevel.ML"].args["model"], c.data, cluster="school")
    levels = fit.fit_by_level()
    expected = c["twolevel.saturated_between"].raw["fit"]
    assert levels.loc["within", "chisq"] == pytest.approx(expected["chisq"], rel=1e-4)
    assert levels.loc["within", "df"] == expected["df"]
    assert levels["df"].sum() == fit.fit_measures["df"]
    assert levels.loc["between", "srmr"] == fit.fit_measures["srmr_between"]


def test_between_covariates_enter_the_scores_of_schools() -> None:
    # a covariate shifts the expected factor of a school by its slope
    fit = quiet(ONE.replace("fb =~", "fb ~ w1\nfb =~"), demo(), cluster="cluster")
    scores = fit.factor_scores(level=2)["fb"].to_numpy()
    first = demo().drop_duplicates("cluster")
    slope = np.polyfit(first["w1"], scores, 1)[0]
    estimate = fit.parameters.query("op == '~' and rhs == 'w1'")["est"].iloc[0]
    assert slope == pytest.approx(estimate, abs=0.05)


def test_order_of_rows_and_cluster_labels_does_not_matter() -> None:
    data = demo()
    turned = data.sample(frac=1.0, random_state=3)
    turned["cluster"] = "school " + (turned["cluster"] * 7 % 1000).astype(str)
    for missing in ("listwise", "fiml"):
        gapped = data.copy()
        if missing == "fiml":
            gapped.loc[::9, "y1"] = np.nan
            turned["y1"] = gapped["y1"]
        a = quiet(ONE, gapped, cluster="cluster", missing=missing)
        b = quiet(ONE, turned, cluster="cluster", missing=missing)
        assert b.fit_measures["logl"] == pytest.approx(a.fit_measures["logl"], rel=1e-9)
        assert np.allclose(a.parameters["est"], b.parameters["est"], atol=1e-5)


def test_complete_data_under_fiml_equal_listwise() -> None:
    a = quiet(ONE, demo(), cluster="cluster")
    b = quiet(ONE, demo(), cluster="cluster", missing="fiml")
    assert np.allclose(a.parameters["est"], b.parameters["est"], atol=1e-6)
    assert np.allclose(a.parameters["se"], b.parameters["se"], atol=1e-6)


def test_rows_without_any_answer_are_left_out() -> None:
    data = demo()
    more = pd.concat([data, data.tail(3).assign(y1=np.nan, y2=np.nan, y3=np.nan)])
    a = quiet(ONE, data, cluster="cluster", missing="fiml")
    b = quiet(ONE, more, cluster="cluster", missing="fiml")
    assert a.fit_measures["logl"] == pytest.approx(b.fit_measures["logl"], rel=1e-12)
    assert b.fit_measures["ntotal"] == len(data)


def test_no_variance_between_gives_the_model_of_one_level() -> None:
    rng = np.random.default_rng(5)
    factor = rng.normal(size=(3000, 1))
    data = pd.DataFrame(factor * [1.0, 0.8, 0.7, 0.9] + rng.normal(size=(3000, 4)))
    data.columns = ["a", "b", "c", "d"]
    data["school"] = np.repeat(np.arange(150), 20)
    two = quiet(
        "level: 1\nf =~ a + b + c + d\nlevel: 2\na ~~ a\nb ~~ b\nc ~~ c\nd ~~ d",
        data, cluster="school", model_type="cfa",
    )  # fmt: skip
    one = quiet("f =~ a + b + c + d", data, model_type="cfa")
    loadings = two.parameters.query("op == '=~'")["est"].to_numpy()
    assert np.allclose(loadings, one.parameters.query("op == '=~'")["est"], atol=0.01)
    assert np.abs(two.icc()).max() < 0.02


def test_doubly_latent_model_recovers_the_school_effect() -> None:
    rng = np.random.default_rng(6)
    school = np.repeat(np.arange(400), 15)
    efficacy = 0.6 * rng.normal(size=400)
    answers = efficacy[school, None] + rng.normal(size=(6000, 1)) + rng.normal(size=(6000, 4))
    data = pd.DataFrame(answers, columns=list("abcd"))
    data["school"] = school
    data["achievement"] = (2.0 * efficacy + rng.normal(size=400))[school]
    fit = quiet(
        "level: 1\nw =~ a + b + c + d\nlevel: 2\ne =~ a + b + c + d\nachievement ~ e",
        data, cluster="school",
    )  # fmt: skip
    row = fit.parameters.query("lhs == 'achievement' and op == '~'").iloc[0]
    assert abs(row["est"] - 2.0) < 3 * row["se"] < 0.6


def test_robust_errors_are_close_to_the_usual_ones_under_normality() -> None:
    data = demo()
    plain = quiet(ONE, data, cluster="cluster").parameters["se"].to_numpy()
    robust = quiet(ONE, data, cluster="cluster", estimator="MLR").parameters["se"].to_numpy()
    free = plain > 0
    assert np.all(np.abs(np.log(robust[free] / plain[free])) < 0.5)


def test_cluster_without_levels_gives_cluster_robust_inference() -> None:
    data = demo()
    model = "f =~ y1 + y2 + y3 + y4"
    robust = quiet(model, data, cluster="cluster")
    alone = quiet(model, data.assign(row=range(len(data))), cluster="row")
    naive = quiet(model, data, estimator="MLR", meanstructure=True)
    n = len(data)
    assert not np.allclose(robust.parameters["se"], naive.parameters["se"], rtol=0.01)
    assert np.allclose(
        alone.parameters["se"], naive.parameters["se"] * np.sqrt(n / (n - 1)), rtol=1e-6
    )


def test_an_item_constant_within_schools_is_explained() -> None:
    data = demo().assign(y3=lambda d: d.groupby("cluster")["y3"].transform("first"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = sem.fit(ONE, data, cluster="cluster", on_failure="return")
    assert any("'y3'" in note and "no variance at level 1" in note for note in fit.notes)


def test_a_school_variable_that_varies_within_schools_is_said() -> None:
    model = ONE + "\nfb ~ x1"
    fit = quiet(model, demo(), cluster="cluster")
    assert any("'x1'" in note and "cluster means" in note for note in fit.notes)


def test_negative_variance_between_is_improper_with_a_sentence() -> None:
    entry = case("two_level_fits")["two.ML"]
    fit = quiet(entry.args["model"], case("two_level_fits").data, cluster="cluster")
    assert fit.status is Status.IMPROPER
    assert any("y1" in note and "variance" in note for note in fit.notes)


def test_refusals_name_the_cause() -> None:
    data = demo()
    with pytest.raises(InputError, match="no cluster"):
        sem.fit(ONE, data)
    with pytest.raises(InputError, match="at least two clusters"):
        sem.fit(ONE, data.assign(cluster=1), cluster="cluster")
    with pytest.raises(InputError, match="single case"):
        sem.fit(ONE, data.assign(cluster=range(len(data))), cluster="cluster")
    with pytest.raises(InputError, match="MLM"):
        sem.fit(ONE, data, cluster="cluster", estimator="MLM")
    with pytest.raises(InputError, match="weights"):
        sem.fit(ONE, data.assign(w=1.0), cluster="cluster", weights="w")
    with pytest.raises(InputError, match="Expected information"):
        sem.fit(ONE, data, cluster="cluster", missing="fiml", information="expected")
    with pytest.raises(InputError, match="one level"):
        quiet("f =~ y1 + y2 + y3 + y4", data).fit_by_level()


@pytest.mark.slow
def test_intervals_cover_and_tests_keep_their_level() -> None:
    """Coverage of 95% intervals and rejection rate at 100 schools of 10, 300 samples."""
    model = "level: 1\nfw =~ a + b + c + d\nlevel: 2\nfb =~ a + b + c + d"
    rng = np.random.default_rng(7)
    school = np.repeat(np.arange(100), 10)
    truth = {("fw", "b"): 0.8, ("fb", "b"): 0.8}
    inside: dict[tuple[str, str], int] = dict.fromkeys(truth, 0)
    rejected = 0
    for _ in range(300):
        lam = np.array([1.0, 0.8, 0.9, 0.7])
        y = rng.normal(size=(1000, 1)) * lam + rng.normal(size=(1000, 4))
        y += (0.6 * rng.normal(size=(100, 1)) * lam + 0.3 * rng.normal(size=(100, 4)))[school]
        fit = quiet(model, pd.DataFrame(y, columns=list("abcd")), cluster=school)
        rejected += fit.fit_measures["pvalue"] < 0.05
        table = fit.parameters.set_index(["lhs", "rhs"])
        for key, value in truth.items():
            row = table.loc[key]
            inside[key] += int(row["ci_lower"] <= value <= row["ci_upper"])
    assert 0.02 < rejected / 300 < 0.10
    for count in inside.values():
        assert 0.91 < count / 300 < 0.985


def test_icc_of_a_covariate_of_persons_is_zero() -> None:
    # lavInspect(fit, "icc") lists it with 0
    model = "level: 1\nfw =~ y1 + y2 + y3\nfw ~ x1\nlevel: 2\nfb =~ y1 + y2 + y3\nfb ~ w1"
    icc = sem.fit(model, case("demo_twolevel").data, cluster="cluster").icc()
    assert sorted(icc.index) == ["x1", "y1", "y2", "y3"]
    assert icc["x1"] == 0.0
    assert icc["y1"] > 0.1


def test_a_constant_variable_is_refused_by_name() -> None:
    data = case("demo_twolevel").data.assign(y2=1.0)
    model = "level: 1\nfw =~ y1 + y2 + y3\nlevel: 2\nfb =~ y1 + y2 + y3"
    with pytest.raises(InputError, match="y2 does not vary"):
        sem.fit(model, data, cluster="cluster")


def test_unrestricted_moments_that_cannot_be_found_are_an_error_of_ours() -> None:
    """Three rows within three schools do not make a matrix of four items."""
    rng = np.random.default_rng(5)
    y = pd.DataFrame(rng.normal(size=(6, 4)), columns=list("abcd"))
    text = "level: 1\nf =~ a + b + c + d\nlevel: 2\ng =~ a + b + c + d"
    fit = sem.fit(text, y.assign(s=np.arange(6) % 3), cluster="s", on_failure="return")
    with pytest.raises(EstimationError, match="6 complete rows in 3 clusters"):
        fit.solution.estimator.saturated()
