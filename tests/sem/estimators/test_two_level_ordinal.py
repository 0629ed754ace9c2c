"""Two-level factor models of ordinal items."""

import warnings

import numpy as np
import pandas as pd
import pytest

from cte_metrics import sem
from cte_metrics.errors import EstimationError, ImproperSolutionWarning, InputError
from cte_metrics.results.status import Status
from cte_metrics.sem.model.design import build_design
from cte_metrics.sem.model.implied import evaluate
from cte_metrics.sem.model.moments import MomentGradient
from cte_metrics.sem.table.table import TableOptions, build_table

ITEMS = ("u1", "u2", "u3", "u4")
MODEL = "level: 1\nfw =~ u1 + u2 + u3 + u4\nlevel: 2\nfb =~ u1 + u2 + u3 + u4\n"
WITHIN = np.array([0.7, 0.8, 0.6, 0.75])
BETWEEN = np.array([0.5, 0.4, 0.5, 0.45])
UNIQUE = 0.08
CUTS = np.array([-1.2, -0.4, 0.3, 1.1])


def simulate(rng, n_clusters, size, *, unique=UNIQUE, between=BETWEEN):
    """Answers 1 ... 5 from one factor at each level; latent responses of variance 1 within."""
    cluster = np.repeat(np.arange(n_clusters), size)
    p = len(WITHIN)
    b = rng.normal(size=(n_clusters, 1)) * between
    b = b + rng.normal(size=(n_clusters, p)) * np.sqrt(unique)
    w = rng.normal(size=(len(cluster), 1)) * WITHIN
    w = w + rng.normal(size=(len(cluster), p)) * np.sqrt(1.0 - WITHIN**2)
    answers = (((b[cluster] + w)[:, :, None]) > CUTS).sum(axis=2) + 1
    frame = pd.DataFrame(answers, columns=list(ITEMS))
    return frame.assign(school=[f"school {c}" for c in cluster])


def fitted(data, model=MODEL, **options):
    """Fit with factor variances of 1."""
    options = {"identification": "variance"} | options
    return sem.fit(model, data, cluster="school", ordered=True, **options)


@pytest.fixture(scope="module")
def data():
    return simulate(np.random.default_rng(11), 60, 12)


@pytest.fixture(scope="module")
def fit(data):
    return fitted(data)


def truth():
    return np.concatenate((WITHIN, BETWEEN, np.tile(CUTS, 4), np.full(4, UNIQUE)))


def test_recovers_the_parameters(fit):
    assert fit.status is Status.CONVERGED
    z = (fit.solution.theta - truth()) / np.sqrt(np.diag(fit.vcov))
    assert np.abs(z).max() < 3.6
    assert (z**2).mean() == pytest.approx(1.0, abs=0.8)


def test_scale_of_the_levels(fit):
    table = fit.parameters
    within = table[table.level == 1]
    loading = within[within.op == "=~"].set_index("rhs")
    residual = within[(within.op == "~~") & within.lhs.isin(ITEMS)].set_index("lhs")
    np.testing.assert_allclose(residual.est[loading.index], 1.0 - loading.est**2, atol=1e-12)
    np.testing.assert_allclose(loading.std_all, loading.est, atol=1e-12)
    between = table[table.level == 2]
    loading = between[between.op == "=~"].set_index("rhs")
    unique = between[(between.op == "~~") & between.lhs.isin(ITEMS)].set_index("lhs").est
    total = loading.est**2 + unique[loading.index]
    np.testing.assert_allclose(loading.std_all, loading.est / np.sqrt(total), atol=1e-12)
    assert set(table[table.op == "|"].level) == {2}


def test_icc_is_that_of_the_latent_responses(fit):
    between = fit.solution.estimator.samples[0].statistics.items.variance
    np.testing.assert_allclose(fit.icc()[list(ITEMS)], between / (1.0 + between), atol=1e-12)


def test_degrees_of_freedom(fit):
    # correlations 6, thresholds 16, between covariances 10; loadings 8, thresholds, residuals 4
    assert fit.fit_measures["df"] == 6 + 10 - 8 - 4
    assert fit.fit_measures["baseline_df"] == 6 + 6
    assert fit.fit_measures["npar"] == 28
    assert np.isnan(fit.fit_measures["cfi_robust"])
    assert 0.0 < fit.fit_measures["pvalue_scaled"] < 1.0


def test_saturated_levels_fit_exactly(data):
    pairs = [f"{a} ~~ {b}" for i, a in enumerate(ITEMS) for b in ITEMS[i + 1 :]]
    variances = [f"{a} ~~ {a}" for a in ITEMS]
    text = "\n".join(["level: 1", *pairs, "level: 2", *variances, *pairs])
    found = fitted(data, text)
    assert found.fit_measures["chisq"] == pytest.approx(0.0, abs=1e-8)
    assert found.fit_measures["df"] == 0
    assert found.fit_measures["srmr"] == pytest.approx(0.0, abs=1e-6)


def test_row_order_and_names_of_clusters_do_not_matter(data, fit):
    shuffled = data.sample(frac=1.0, random_state=3).reset_index(drop=True)
    codes = pd.factorize(shuffled["school"])[0]
    found = sem.fit(MODEL, shuffled, cluster=7.5 * codes, ordered=True, identification="variance")
    np.testing.assert_allclose(found.solution.theta, fit.solution.theta, atol=1e-8)
    np.testing.assert_allclose(found.vcov, fit.vcov, atol=1e-9)


def test_order_of_the_items_at_level_2_does_not_matter(data, fit):
    found = fitted(data, MODEL.replace("fb =~ u1 + u2 + u3 + u4", "fb =~ u4 + u2 + u1 + u3"))
    assert found.fit_measures["chisq_scaled"] == pytest.approx(fit.fit_measures["chisq_scaled"])
    np.testing.assert_allclose(found.icc()[list(ITEMS)], fit.icc()[list(ITEMS)])


def test_marker_and_variance_identification_agree(data, fit):
    marker = fitted(data, identification="marker")
    assert marker.fit_measures["chisq"] == pytest.approx(fit.fit_measures["chisq"], rel=1e-7)
    np.testing.assert_allclose(marker.parameters.std_all, fit.parameters.std_all, atol=1e-6)


def test_relabelled_categories_change_nothing(data, fit):
    other = data.copy()
    other[list(ITEMS)] = other[list(ITEMS)] * 10 - 3
    np.testing.assert_allclose(fitted(other).solution.theta, fit.solution.theta, atol=1e-12)


def test_without_clusters_the_within_part_is_the_one_level_model():
    data = simulate(np.random.default_rng(12), 80, 10, unique=0.0, between=0.0 * BETWEEN)
    pairs = [f"{a} ~~ {b}" for i, a in enumerate(ITEMS) for b in ITEMS[i:]]
    text = MODEL.replace("fb =~ u1 + u2 + u3 + u4", "\n".join(pairs))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ImproperSolutionWarning)
        two = fitted(data, text)
    assert two.icc().max() < 0.03
    one = sem.fit("fw =~ u1 + u2 + u3 + u4", data, ordered=True, identification="variance")
    np.testing.assert_allclose(two.solution.theta[:4], one.solution.theta[:4], atol=0.03)
    two_se, one_se = (np.sqrt(np.diag(f.vcov))[:4] for f in (two, one))
    np.testing.assert_allclose(two_se, one_se, rtol=0.35)


def test_items_at_level_1_only_have_their_thresholds_there(data):
    found = fitted(data, MODEL.replace("fb =~ u1 + u2 + u3 + u4", "fb =~ u1 + u2 + u4"))
    cuts = found.parameters[found.parameters.op == "|"]
    assert dict(zip(cuts["lhs"], cuts["level"], strict=True)) == {
        "u1": 2,
        "u2": 2,
        "u3": 1,
        "u4": 2,
    }
    icc = found.icc()
    assert list(icc.index) == ["u1", "u2", "u3", "u4"]
    assert icc["u3"] == 0.0
    assert found.fit_measures["df"] == 6 - 4


def test_binary_items_and_fixed_residuals(data):
    binary = data.copy()
    binary[["u1", "u3"]] = (binary[["u1", "u3"]] > 3).astype(int)
    found = fitted(binary, MODEL + "".join(f"{v} ~~ 0*{v}\n" for v in ITEMS))
    assert found.converged
    assert found.fit_measures["df"] == 6 + 10 - 8
    assert (found.parameters.op == "|").sum() == 2 * 1 + 2 * 4


def test_loadings_equal_across_levels(data):
    text = (
        "level: 1\nfw =~ u1 + b*u2 + c*u3 + d*u4\nfw ~~ vw*fw\n"
        "level: 2\nfb =~ u1 + b*u2 + c*u3 + d*u4\nfb ~~ vb*fb\nicc := vb / (vb + vw)\n"
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ImproperSolutionWarning)
        found = fitted(data, text, identification="marker")
    table = found.parameters.set_index("label")["est"]
    vb, vw = table["vb"], table["vw"]
    assert table["icc"] == pytest.approx(vb / (vb + vw))
    assert found.fit_measures["df"] == 4 + 3  # three loadings are estimated once


@pytest.mark.parametrize("estimator", ["WLSM", "WLSMVS", "DWLS", "ULSMV", "ULS", "WLS"])
def test_the_other_least_squares_estimators(data, fit, estimator):
    found = fitted(data, estimator=estimator)
    np.testing.assert_allclose(found.solution.theta, fit.solution.theta, atol=0.12)


def test_missing_answers(data, fit):
    rng = np.random.default_rng(13)
    holes = data.copy()
    holes[list(ITEMS)] = holes[list(ITEMS)].mask(rng.random((len(data), 4)) < 0.05)
    pairwise = fitted(holes, missing="pairwise")
    assert any("item by item" in note for note in pairwise.notes)
    assert pairwise.provenance.n_used == len(data)
    np.testing.assert_allclose(pairwise.solution.theta, fit.solution.theta, atol=0.15)
    dropped = fitted(holes)
    assert any("rows with missing answers were dropped" in note for note in dropped.notes)


def test_several_groups(data):
    halves = data.assign(half=pd.factorize(data["school"])[0] % 2)
    found = fitted(halves, group="half")
    assert found.fit_measures["df"] == 2 * 4
    first = fitted(data[halves["half"] == 0])
    np.testing.assert_allclose(found.solution.theta[:28], first.solution.theta, atol=1e-5)


def test_fit_by_level_and_comparison(data, fit):
    levels = fit.fit_by_level()
    assert levels.loc["within", "df"] == 2
    assert levels.loc["between", "df"] == 2
    assert levels["srmr"].sum() == pytest.approx(fit.fit_measures["srmr"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ImproperSolutionWarning)
        equal = fitted(data, MODEL.replace("fb =~ u1 + u2", "fb =~ a*u1 + a*u2"))
    table = sem.compare(fit, equal)
    assert table["df_diff"].iloc[1] == pytest.approx(1.0)
    assert 0.0 < table["pvalue"].iloc[1] < 1.0


def test_what_can_be_asked_of_a_fit(fit):
    assert set(fit.implied) == {"within", "between"}
    assert list(fit.implied["between"]["th"].index[:2]) == ["u1|t1", "u1|t2"]
    assert np.abs(fit.residuals()["between"]["thresholds"]).max() < 1e-6
    assert (fit.modification_indices()["mi"] >= 0.0).all()
    assert "chisq_scaled" in fit.summary()
    assert fit.r_squared.between(0.0, 1.0).all()


def test_few_clusters_are_pointed_out():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ImproperSolutionWarning)
        found = fitted(simulate(np.random.default_rng(14), 12, 20), on_failure="return")
    assert any(note.startswith("There are 12 clusters") for note in found.notes)


MIXED = MODEL + "fb ~ size\n"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"parameterization": "theta"}, "parameterization='delta'"),
        ({"model": MIXED}, "size is something else"),
        ({"ordered": ["u1", "u2"]}, "u3, u4"),
        ({"model": "fw =~ u1 + u2 + u3"}, "needs a two-level model"),
        ({"missing": "fiml"}, "fiml"),
        ({"weights": "size"}, "weights"),
        ({"model": MODEL.replace("level: 2", "u1 | t1 + t2 + t3 + t4\nlevel: 2")}, "Thresholds"),
        ({"group": "half", "group_equal": ("thresholds",)}, "Equal thresholds"),
    ],
)
def test_refusals(data, options, message):
    whole = data.assign(size=1.0 + np.arange(len(data)) % 7, half=np.arange(len(data)) % 2)
    given = {"cluster": "school", "ordered": True} | options
    with pytest.raises(InputError, match=message):
        sem.fit(given.pop("model", MODEL), whole, **given)


def test_too_few_clusters():
    with pytest.raises(InputError, match="There are 4 clusters"):
        fitted(simulate(np.random.default_rng(15), 4, 20))


def test_wls_needs_more_clusters_than_moments():
    with pytest.raises(EstimationError, match="clusters do not determine"):
        fitted(simulate(np.random.default_rng(16), 25, 15), estimator="WLS")


def test_nothing_at_level_2():
    rng = np.random.default_rng(18)
    data = simulate(rng, 20, 20, unique=0.0, between=0.0 * BETWEEN)
    alike = data.sort_values(list(ITEMS)).reset_index(drop=True)
    alike["school"] = np.arange(len(alike)) % 20  # schools differ less than by chance
    with pytest.raises(EstimationError, match="nothing to model at level 2"):
        fitted(alike)


def test_factor_scores_are_refused(fit):
    with pytest.raises(InputError, match="Factor scores"):
        fit.factor_scores()


def _upper_state(theta=None):
    """The upper block of a model with a free latent mean."""
    thresholds = tuple((v, 3) for v in ITEMS)
    options = TableOptions(meanstructure=True, n_thresholds=thresholds, ordinal_level=1)
    design = build_design(build_table(MODEL + "fb ~ NA*1\nu1 | 0*t1\n", options))
    if theta is None:
        theta = np.linspace(0.2, 1.1, design.n_free)
    return design, theta, evaluate(design, theta)[1]


def test_jacobian_of_the_upper_level():
    design, theta, state = _upper_state()
    for r in range(design.n_free):
        h = np.zeros_like(theta)
        h[r] = 1e-6
        up, down = (_upper_state(theta + s * h)[2].vector for s in (1.0, -1.0))
        np.testing.assert_allclose(state.jacobian[:, r], (up - down) / 2e-6, atol=1e-8)


def test_curvature_of_the_upper_level():
    design, theta, state = _upper_state()
    g = np.random.default_rng(17).normal(size=design.blocks[1].n_moments)
    found = state.curvature(MomentGradient(vector=g))
    for r in range(design.n_free):
        h = np.zeros_like(theta)
        h[r] = 1e-6
        up, down = (_upper_state(theta + s * h)[2].jacobian.T @ g for s in (1.0, -1.0))
        np.testing.assert_allclose(found[:, r], (up - down) / 2e-6, atol=1e-7)


@pytest.mark.slow
@pytest.mark.parametrize(("n_clusters", "n_samples"), [(50, 150), (100, 120)])
def test_simulation(n_clusters, n_samples):
    """Bias, coverage of 95% intervals and type I error at schools of 20."""
    estimates, errors, p = [], [], []
    for r in range(n_samples):
        data = simulate(np.random.default_rng([n_clusters, r]), n_clusters, 20)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ImproperSolutionWarning)
            found = fitted(data, on_failure="return")
        estimates.append(found.solution.theta)
        errors.append(np.sqrt(np.diag(found.vcov)))
        p.append(found.fit_measures["pvalue_scaled"])
    away = np.array(estimates) - truth()
    assert np.abs(away.mean(axis=0)).max() < 0.04
    covered = np.abs(away) < 1.96 * np.array(errors)
    parts = np.split(covered.mean(axis=0), [4, 8, 24])
    assert parts[0].mean() > 0.90  # loadings within
    assert parts[1].mean() > 0.88  # loadings between
    assert parts[2].mean() > 0.91  # thresholds
    assert parts[3].mean() > 0.83  # residual variances between: skewed with few schools
    assert 0.005 <= np.mean(np.array(p) < 0.05) <= 0.11
