"""efa(): what a user gets."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cte_metrics as cte
from cte_metrics.factor import efa
from cte_metrics.kernels.factor.loading_errors import normal_gamma
from cte_metrics.kernels.factor.rotation import criterion_of
from cte_metrics.results import Status
from tests.factor.stored import (
    aligned,
    answers,
    array,
    correlations,
    fa_entries,
    phi_of,
)
from tests.reference_case import case

ROTATIONS = {
    "varimax": ("varimax", True),  # psych's varimax is Kaiser-normalised
    "quartimax": ("quartimax", False),
    "equamax": ("equamax", False),
    "oblimin": ("oblimin", False),
    "quartimin": ("quartimin", False),
    "promax": ("promax", True),
    "geominQ": ("geomin", False),
    "geominT": ("geomin_t", False),
    "bentlerQ": ("bentler", False),
    "bentlerT": ("bentler_t", False),
    "simplimax": ("simplimax", False),
}
ROTATED = [
    (name, key)
    for theirs in ROTATIONS
    for name, key in fa_entries(("thurstone", "bfi_ac", "hs1939", "sim_cte12"), theirs)
]


def hs():
    return case("hs1939").data[[f"x{i}" for i in range(1, 10)]]


# --- by hand ------------------------------------------------------------------------------------


def test_by_hand_two_clusters():
    # pairs of a factor correlate .49, .56, .42; factors correlate .5
    pattern = np.zeros((6, 2))
    pattern[:3, 0], pattern[3:, 1] = (0.7, 0.8, 0.6), (0.9, 0.5, 0.7)
    phi = np.array([[1, 0.5], [0.5, 1]])
    r = pattern @ phi @ pattern.T
    np.fill_diagonal(r, 1)
    out = efa(r, 2, n_obs=400)
    loadings, got_phi = aligned(
        out.loadings.to_numpy(), out.factor_correlations.to_numpy(), pattern
    )
    np.testing.assert_allclose(loadings, pattern, atol=1e-6)
    np.testing.assert_allclose(got_phi, phi, atol=1e-6)
    np.testing.assert_allclose(out.communalities, (pattern**2).sum(axis=1), atol=1e-6)
    np.testing.assert_allclose(out.uniquenesses, 1 - (pattern**2).sum(axis=1), atol=1e-6)
    np.testing.assert_allclose(out.complexity, 1, atol=1e-6)
    np.testing.assert_allclose(out.structure, out.loadings @ out.factor_correlations)
    assert out.df == 4
    assert out.chi2 == pytest.approx(0, abs=1e-6)
    assert out.status is Status.CONVERGED
    # the third factor would take 0 degrees of freedom more than there are
    np.testing.assert_allclose(out.variance["ss_loadings"].sum(), out.communalities.sum())
    np.testing.assert_allclose(out.variance["cumulative"].iloc[-1], out.communalities.mean())


# --- reference ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "key"), ROTATED)
def test_reference_psych_rotated(name, key):
    c = case(name)
    entry = c[key]
    values = entry.values
    _, fm, nf, theirs = key.split("/")[1].split(".")
    rotation, kaiser = ROTATIONS[theirs]
    k = int(nf.removeprefix("nf"))
    r = correlations(c, entry)
    n = c[f"fa.{fm}.nf{k}.none"].args["n"]
    out = efa(r, k, method=fm, rotation=rotation, kaiser=kaiser, n_obs=n)
    stored, phi = array(values["loadings"]), phi_of(values, k)
    ours, our_phi = aligned(out.loadings.to_numpy(), out.factor_correlations.to_numpy(), stored)
    if np.abs(ours - stored).max() < 3e-4:  # psych stops early in extraction and in rotation
        np.testing.assert_allclose(our_phi, phi, atol=5e-4)
        return
    # stats::varimax is up to 5e-3 from its optimum, bentler's is flat, others have local minima
    if theirs == "promax":
        np.testing.assert_allclose(ours, stored, atol=5e-3)
        return
    got, want = (
        _criterion_of(out.loadings, rotation, kaiser),
        _criterion_of(stored, rotation, kaiser),
    )
    assert got < want + 1e-6
    assert got < want - 1e-4 or np.abs(ours - stored).max() < 6e-3


def _criterion_of(loadings, rotation, kaiser):
    loadings = np.asarray(loadings)
    if kaiser:
        loadings = loadings / np.sqrt((loadings**2).sum(axis=1, keepdims=True))
    return float(criterion_of(rotation, loadings.shape)(loadings)[0])


@pytest.mark.parametrize("name", ["thurstone", "bfi_ac", "hs1939", "sim_cte12", "sim_cte21"])
@pytest.mark.parametrize("fm", ["minres", "ml"])
def test_reference_psych_fit_and_variance(name, fm):
    c = case(name)
    entry = next(e for e in c.entries(f"fa.{fm}.nf") if e.id.endswith(".none"))
    k, values = entry.args["k"], entry.values
    out = efa(correlations(c, entry), k, method=fm, rotation="none", n_obs=entry.args["n"])
    want = values["fit"]
    assert out.df == want["dof"]
    for ours, theirs in {"p": "PVAL", "tli": "TLI", "rmsr": "rms"}.items():
        np.testing.assert_allclose(getattr(out, ours), want[theirs], atol=1e-5)
    np.testing.assert_allclose(out.chi2, want["STATISTIC"], rtol=1e-4)
    np.testing.assert_allclose(out.bic, want["BIC"], rtol=1e-3)
    np.testing.assert_allclose((out.rmsea, *out.rmsea_ci), want["RMSEA"][:3], atol=2e-5)
    assert out.rmsea_ci.level == 0.90
    stored = values["communality"]
    stored = list(stored.values()) if isinstance(stored, dict) else stored
    np.testing.assert_allclose(out.communalities, stored, atol=1e-4)


@pytest.mark.parametrize("name", ["thurstone", "bfi_ac", "hs1939"])
def test_reference_psych_complexity_variance_structure(name):
    c = case(name)
    k = {"thurstone": 3, "bfi_ac": 2, "hs1939": 3}[name]
    values = c[f"fa.minres.nf{k}.oblimin"].values
    entry = c[f"fa.minres.nf{k}.none"]
    out = efa(correlations(c, entry), k, n_obs=entry.args["n"])
    stored = values["complexity"]
    stored = list(stored.values()) if isinstance(stored, dict) else stored
    np.testing.assert_allclose(out.complexity, stored, atol=1e-3)
    variance = array(values["Vaccounted"])
    np.testing.assert_allclose(out.variance.to_numpy().T, variance, atol=1e-3)
    theirs = array(values["Structure"])
    np.testing.assert_allclose(
        out.structure, aligned(theirs, np.eye(k), out.structure.to_numpy())[0], atol=1e-3
    )


@pytest.mark.parametrize("name", ["thurstone", "bfi_ac", "hs1939", "sim_cte12"])
@pytest.mark.parametrize("rotation", ["none", "varimax"])
def test_reference_psych_principal(name, rotation):
    c = case(name)
    entry = c[f"principal.{rotation}"]
    k = entry.args["rot_nf"]
    out = efa(
        correlations(c, entry),
        k,
        method="pc",
        rotation=rotation,
        kaiser=rotation == "varimax",
        n_obs=entry.args["n"],
    )
    theirs = array(entry.values["loadings"])
    ours = aligned(out.loadings.to_numpy(), np.eye(k), theirs)[0]
    np.testing.assert_allclose(ours, theirs, atol=1e-10 if rotation == "none" else 6e-3)
    assert list(out.loadings.columns) == [f"PC{j + 1}" for j in range(k)]


@pytest.mark.parametrize("name", ["thurstone", "bfi_ac", "hs1939", "sim_cte12", "sim_cte21"])
def test_reference_residuals(name):
    c = case(name)
    entry = c["residual_corr"]
    r = correlations(c, entry)
    out = efa(r, entry.args["k"], rotation="oblimin", n_obs=1000)
    off = out.residuals.to_numpy() - np.diag(out.uniquenesses)
    p = len(r)
    rms = np.sqrt((off**2).sum() / (p * (p - 1)))
    np.testing.assert_allclose(out.rmsr, rms)
    np.testing.assert_allclose(out.rmsr, entry.values["rms_offdiag"], atol=1e-6)


@pytest.mark.parametrize("rotation", ["oblimin", "varimax"])
@pytest.mark.parametrize("method", ["regression", "bartlett", "tenberge", "anderson"])
def test_reference_scores(rotation, method):
    c = case("hs1939")
    theirs = {"regression": "Thurstone", "tenberge": "tenBerge"}.get(method, method.capitalize())
    stored = c[f"fscores.{rotation}.{theirs}"].values["scores"]
    head = array(stored["head"])
    out = efa(hs(), 3, rotation=rotation, kaiser=rotation == "varimax")
    scores = out.scores(hs(), method=method)
    assert scores.shape == (301, 3)
    order = aligned(out.loadings.to_numpy(), np.eye(3), _stored_loadings(c, rotation))
    ours = aligned(scores.to_numpy()[: len(head)], np.eye(3), head)[0]
    np.testing.assert_allclose(ours, head, atol=2e-3)  # psych's varimax and early stop
    assert order[0].shape == (9, 3)


def _stored_loadings(c, rotation):
    return array(c[f"fa.minres.nf3.{rotation}"].values["loadings"])


@pytest.mark.parametrize("rotation", ["geomin", "oblimin", "varimax"])
def test_reference_lavaan_efa(rotation):
    table = case("hs1939")[f"lavaan_efa.{rotation}.nf3"].values["std"]
    rows = pd.DataFrame(table)
    rows = rows[rows["op"] == "=~"]
    est, se = (rows[c].to_numpy(dtype=float).reshape(3, 9).T for c in ("est.std", "se"))
    options = {"delta": 0.001} if rotation == "geomin" else None
    out = efa(hs(), 3, method="ml", rotation=rotation, kaiser=False, rotation_options=options)
    errors = out.standard_errors()
    ours = out.loadings.to_numpy()
    columns = [_nearest(ours, est[:, j]) for j in range(3)]
    np.testing.assert_allclose(np.abs(ours[:, columns]), np.abs(est), atol=2e-4)
    # lavaan's rotation constraints take the items' standard deviations as known; the exact
    # check is test_standard_errors_are_those_of_the_estimator
    np.testing.assert_allclose(errors.loadings.to_numpy()[:, columns], se, atol=0.008)


def _nearest(loadings, column):
    return int(np.argmin(np.abs(np.abs(loadings) - np.abs(column)[:, None]).max(axis=0)))


# --- other data and models: Harman's 24 tests ---------------------------------------------------

HARMAN_ROTATIONS = {
    "oblimin": ("oblimin", {}),
    "oblimin_minus": ("oblimin", {"gamma": -1.0}),
    "geomin": ("geomin", {}),
    "geomin_001": ("geomin", {"delta": 0.001}),
    "geomin_t": ("geomin_t", {}),
    "bentler": ("bentler", {}),
    "bentler_t": ("bentler_t", {}),
    "infomax": ("infomax", {}),
    "infomax_t": ("infomax_t", {}),
    "crawford_ferguson": ("crawford_ferguson", {"kappa": 1 / 24}),
    "crawford_ferguson_t": ("crawford_ferguson_t", {"kappa": 0.25}),
    "entropy": ("entropy", {}),
    "varimax": ("varimax", {}),
    "quartimax": ("quartimax", {}),
    "equamax": ("equamax", {}),
    "bifactor": ("bifactor", {}),
    "oblimin_kaiser": ("oblimin", {"kaiser": True}),
    "varimax_kaiser": ("varimax", {"kaiser": True}),
}


def harman():
    return case("harman24").data.set_index("variable")


@pytest.mark.parametrize("key", HARMAN_ROTATIONS)
def test_harman_rotations(key):
    values = case("harman24")[f"rotation.{key}"].values
    method, options = HARMAN_ROTATIONS[key]
    options = dict(options)
    kaiser = options.pop("kaiser", False)
    out = efa(
        harman(),
        4,
        method="ml",
        rotation=method,
        kaiser=kaiser,
        n_obs=145,
        rotation_options=options,
    )
    theirs, phi = array(values["loadings"]), values["Phi"]
    ours, our_phi = aligned(out.loadings.to_numpy(), out.factor_correlations.to_numpy(), theirs)
    np.testing.assert_allclose(ours, theirs, atol=1e-5)
    np.testing.assert_allclose(our_phi, np.asarray(phi), atol=1e-5)


def test_harman_ml_fit():
    c = case("harman24")
    out = efa(harman(), 4, method="ml", rotation="none", n_obs=145)
    theirs = np.asarray(c["ml"].values["loadings"])
    np.testing.assert_allclose(
        aligned(out.loadings.to_numpy(), np.eye(4), theirs)[0], theirs, atol=1e-6
    )
    np.testing.assert_allclose(out.chi2, c["ml"].values["statistic"], rtol=1e-9)
    stats = c["ml.stats"].values
    for ours, name in {"p": "p", "tli": "tli", "rmsr": "rms", "bic": "bic"}.items():
        np.testing.assert_allclose(getattr(out, ours), stats[name], rtol=1e-6)
    np.testing.assert_allclose((out.rmsea, *out.rmsea_ci), stats["rmsea"], atol=1e-6)
    np.testing.assert_allclose(out.complexity, stats["complexity"], atol=1e-5)


def test_harman_promax():
    values = case("harman24")["promax"].values
    out = efa(harman(), 4, method="ml", rotation="promax", n_obs=145)
    theirs = np.asarray(values["loadings"])
    ours, phi = aligned(out.loadings.to_numpy(), out.factor_correlations.to_numpy(), theirs)
    np.testing.assert_allclose(ours, theirs, atol=1e-6)
    np.testing.assert_allclose(phi, np.asarray(values["Phi"]), atol=1e-6)


# --- limits and equivalences --------------------------------------------------------------------


def test_answers_correlations_and_moments_give_one_solution():
    one = efa(hs(), 3)
    other = efa(hs().corr(), 3, n_obs=301)
    third = efa(cte.Moments.from_data(hs()), 3)
    for again in (other, third):
        np.testing.assert_allclose(again.loadings, one.loadings, atol=1e-9)
        np.testing.assert_allclose(again.chi2, one.chi2)
    np.testing.assert_allclose(other.scores(hs()), one.scores(hs()), atol=1e-9)


def test_an_added_empty_row_is_dropped_and_said():
    longer = pd.concat([hs(), pd.DataFrame([[np.nan] * 9], columns=hs().columns)])
    out = efa(longer, 3)
    assert out.provenance.n_dropped == 1
    assert any("1 of 302 rows" in note for note in out.notes)
    np.testing.assert_allclose(out.loadings, efa(hs(), 3).loadings, atol=1e-10)
    assert out.scores(longer).iloc[-1].isna().all()


def test_polars_and_numpy_equal_pandas():
    pl = pytest.importorskip("polars")
    frame = efa(hs(), 2).loadings
    pd.testing.assert_frame_equal(efa(pl.from_pandas(hs()), 2).loadings, frame, atol=1e-12)
    np.testing.assert_allclose(efa(hs().to_numpy(), 2).loadings, frame, atol=1e-12)


def test_scores_of_one_new_respondent_use_the_sample_that_was_factored():
    out = efa(hs(), 3)
    np.testing.assert_allclose(out.scores(hs().iloc[[7]]), out.scores(hs()).iloc[[7]])


def test_polychoric_is_the_matrix_factored():
    data = case("datcat").data[["u1", "u2", "u3", "u4"]]
    entry = case("datcat")["fa_polychoric"]
    out = efa(data, 1, correlation="polychoric")
    theirs = array(entry.values["loadings"])
    theirs = theirs if theirs.shape[0] > 1 else theirs.T
    np.testing.assert_allclose(np.abs(out.loadings), np.abs(theirs), atol=1e-4)
    normal = efa(out.correlations, 1, n_obs=len(data)).standard_errors()
    own = out.standard_errors()
    assert (own.loadings.to_numpy() > normal.loadings.to_numpy()).mean() > 0.5
    assert "polychorics" in own.provenance.method


def test_target_rotation_through_options():
    goal = pd.DataFrame(np.kron(np.eye(3), np.ones((3, 1))), index=hs().columns)
    shuffled = goal.iloc[::-1]
    one = efa(hs(), 3, rotation="target", rotation_options={"target": goal})
    other = efa(hs(), 3, rotation="target", rotation_options={"target": shuffled})
    np.testing.assert_allclose(one.loadings, other.loadings, atol=1e-9)
    assert (one.loadings.to_numpy().argmax(axis=1) == goal.to_numpy().argmax(axis=1)).all()


def test_standard_errors_of_promax_with_another_power():
    usual, other = (
        efa(hs(), 3, rotation="promax", rotation_options=options).standard_errors()
        for options in ({"power": 4.0}, {"power": 3.0})
    )
    default = efa(hs(), 3, rotation="promax").standard_errors()
    np.testing.assert_allclose(usual.loadings, default.loadings)
    assert np.abs(other.loadings - usual.loadings).to_numpy().max() > 1e-4


@pytest.mark.parametrize(
    ("method", "rotation", "kaiser"),
    [
        ("ml", "oblimin", False),
        ("ml", "none", False),
        ("minres", "geomin", False),
        ("minres", "none", False),
        ("minres", "promax", True),
        ("minres", "promax", False),
        ("wls", "varimax", True),
        ("gls", "oblimin", True),
        ("gls", "none", False),
    ],
)
def test_standard_errors_are_those_of_the_estimator(method, rotation, kaiser):
    # the whole estimator, correlations to loadings, differentiated by moving one correlation at a
    # time
    pattern = np.kron(np.eye(2), np.ones((4, 1))) * np.array([0.8, 0.7, 0.6, 0.5] * 2)[:, None]
    pattern[0, 1], pattern[5, 0] = 0.2, -0.15
    r = pattern @ np.array([[1, 0.4], [0.4, 1]]) @ pattern.T
    np.fill_diagonal(r, 1)
    options = {"method": method, "rotation": rotation, "kaiser": kaiser, "n_obs": 201}
    base = efa(r, 2, **options)
    at = base.loadings.to_numpy()
    i, j = np.triu_indices(8, 1)
    jacobian, phi_jacobian = np.empty((16, i.size)), np.empty(i.size)
    for d in range(i.size):
        both = []
        for h in (1e-4, -1e-4):
            moved = r.copy()
            moved[i[d], j[d]] = moved[j[d], i[d]] = r[i[d], j[d]] + h
            out = efa(moved, 2, **options)
            both.append(aligned(out.loadings.to_numpy(), out.factor_correlations.to_numpy(), at))
        jacobian[:, d] = (both[0][0] - both[1][0]).ravel() / 2e-4
        phi_jacobian[d] = (both[0][1] - both[1][1])[0, 1] / 2e-4
    gamma = normal_gamma(r) / 200
    errors = base.standard_errors()
    want = np.sqrt(np.diag(jacobian @ gamma @ jacobian.T)).reshape(8, 2)
    np.testing.assert_allclose(errors.loadings, want, rtol=1e-3)
    phi_se = np.sqrt(phi_jacobian @ gamma @ phi_jacobian)
    np.testing.assert_allclose(errors.factor_correlations.iloc[0, 1], phi_se, rtol=1e-3, atol=1e-9)


# --- properties ---------------------------------------------------------------------------------


@given(st.integers(0, 5000), st.sampled_from(["minres", "ml"]))
@settings(max_examples=10, deadline=None)
def test_scale_shift_order_and_a_flipped_item(seed, method):
    rng = np.random.default_rng(seed)
    data = hs().sample(frac=1.0, random_state=seed)
    scale, shift = rng.uniform(0.5, 3, 9), rng.normal(size=9)
    sign = np.ones(9)
    sign[rng.integers(9)] = -1
    moved = data * scale * sign + shift
    order = list(rng.permutation(data.columns))
    one, other = efa(hs(), 3, method=method), efa(moved[order], 3, method=method)
    back = other.loadings.loc[hs().columns].to_numpy() * sign[:, None]
    ours = aligned(back, np.eye(3), one.loadings.to_numpy())[0]
    np.testing.assert_allclose(ours, one.loadings, atol=1e-6)
    np.testing.assert_allclose(other.chi2, one.chi2, rtol=1e-8)


def test_factor_order_and_signs_are_fixed():
    out = efa(hs(), 3)
    assert (out.variance["ss_loadings"].diff().dropna() <= 0).all()
    assert (out.loadings.sum() > 0).all()


# --- refusals and shouts ------------------------------------------------------------------------


def test_refuses_a_constant_item():
    with pytest.raises(cte.InputError, match=r"same answer to x2"):
        efa(hs().assign(x2=3.0), 2)


def test_refuses_a_copied_item_and_names_it():
    with pytest.raises(
        cte.InputError, match=r"not positive definite.*(x1, twin|twin, x1)"
    ) as error:
        efa(hs().assign(twin=hs()["x1"]), 2)
    assert "smooth=True" in str(error.value)


def test_smooths_on_request_and_says_so():
    out = efa(hs().assign(twin=hs()["x1"]), 2, smooth=True)
    assert any(note.startswith("SMOOTHED") for note in out.notes)


def test_refuses_more_factors_than_identified():
    with pytest.raises(
        cte.IdentificationError, match=r"9 items cannot identify 6 factors.*5 at most"
    ):
        efa(hs(), 6)
    with pytest.raises(cte.IdentificationError, match="components at most"):
        efa(hs(), 10, method="pc")


def test_refuses_fewer_respondents_than_items():
    with pytest.raises(cte.InputError, match="9 respondents are not enough for 9 items"):
        efa(hs().iloc[:9], 1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "mle"}, "method='mle' is not one of"),
        ({"rotation": "oblimax2"}, "Did you mean 'oblimax'"),
        ({"rotation_options": {"gama": 1}}, "no option 'gama'. Did you mean 'gamma'"),
        ({"rotation": "geomin", "rotation_options": {"delta": 0}}, "delta=0 must be above 0"),
        ({"rotation": "target"}, "needs a target"),
        (
            {"rotation": "target", "rotation_options": {"target": np.eye(3)}},
            r"shape \(3, 3\); 9 items and 2 factors",
        ),
        (
            {"rotation": "simplimax", "rotation_options": {"n_zeros": 40}},
            "n_zeros=40 is not between 1 and 18",
        ),
        ({"correlation": "tetra"}, "correlation='tetra' is not one of"),
    ],
)
def test_refuses_bad_options(options, message):
    with pytest.raises(cte.InputError, match=message):
        efa(hs(), 2, **options)


@pytest.mark.parametrize("n", [1.5, True, "2"])
def test_refuses_a_number_of_factors_that_is_none(n):
    with pytest.raises(cte.InputTypeError, match="n_factors takes a whole number"):
        efa(hs(), n)
    with pytest.raises(cte.InputError, match="n_factors=0"):
        efa(hs(), 0)


def test_heywood_is_shouted():
    c = case("bfi_ac")
    data = answers(c, c["fa.minres.nf3.none"])
    with pytest.warns(cte.ImproperSolutionWarning, match="HEYWOOD CASE: the communality of C5r"):
        out = efa(data, 3)
    assert out.status is Status.IMPROPER
    assert "IMPROPER" in out.summary()
    with pytest.raises(cte.EstimationError, match="C5r lies at its bound"):
        out.standard_errors()


def test_principal_axis_without_fixed_point_says_so():
    c = case("bfi_ac")
    with pytest.warns() as caught:
        out = efa(answers(c, c["fa.pa.nf3.none"]), 3, method="pa")
    assert {w.category for w in caught} >= {cte.NonConvergenceWarning, cte.ImproperSolutionWarning}
    assert out.status is Status.MAX_ITER


def test_matrix_without_n_has_no_tests():
    out = efa(hs().corr(), 3)
    assert np.isnan([out.chi2, out.p, out.rmsea, out.tli, out.bic]).all()
    assert any("n_obs" in note for note in out.notes)
    with pytest.raises(cte.InputError, match="need n_obs"):
        out.standard_errors()


def test_errors_that_theory_does_not_give_are_refused():
    with pytest.raises(cte.InputError, match="Unrotated wls loadings"):
        efa(hs(), 2, method="wls", rotation="none").standard_errors()
    with pytest.raises(cte.InputError, match="principal components have none"):
        efa(hs(), 2, method="pc").standard_errors()


def test_just_identified_model_is_explained():
    out = efa(hs()[["x1", "x2", "x3"]], 1)
    assert out.df == 0
    assert np.isnan(out.p)
    assert any("No degrees of freedom" in note for note in out.notes)


def test_scores_refusals():
    out = efa(hs(), 2)
    with pytest.raises(cte.InputError, match="method='thomson' is not one of"):
        out.scores(hs(), method="thomson")
    with pytest.raises(cte.UnknownNameError, match="x9"):
        out.scores(hs().drop(columns="x9"))


# --- rendering ----------------------------------------------------------------------------------


def test_rendering():
    out = efa(hs(), 3)
    text = out.summary()
    for part in (
        "3 factors, minres, oblimin",
        "Factor correlations",
        "rmsea 90% interval",
        "n = 301",
    ):
        assert part in text
    assert "<table>" in out._repr_html_()
    frame = out.to_frame()
    assert list(frame.columns) == ["F1", "F2", "F3", "communality", "uniqueness", "complexity"]
    read = json.loads(json.dumps(out.to_dict()))
    np.testing.assert_allclose(read["loadings"]["F1"], out.loadings["F1"])
    drawn = out.plot(hide_below=0.3).axes[0]
    assert [t.get_text() for t in drawn.get_yticklabels()] == list(hs().columns)
    assert len(drawn.texts) == int((out.loadings.abs() >= 0.3).sum().sum())
    errors = out.standard_errors()
    assert list(errors.table.columns) == ["item", "factor", "est", "se", "z", "ci_low", "ci_high"]
    assert "Standard errors" in errors.summary()
    with pytest.raises(AttributeError):
        out.chi2 = 0.0


# --- simulation ---------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    ("method", "rotation"),
    [
        ("ml", "oblimin"),
        ("minres", "oblimin"),
        ("minres", "promax"),
        ("wls", "geomin"),
        ("minres", "none"),
    ],
)
def test_standard_errors_are_the_spread_of_loadings(method, rotation):
    pattern = np.kron(np.eye(2), np.ones((4, 1))) * np.array([0.8, 0.7, 0.6, 0.5] * 2)[:, None]
    pattern[0, 1] = 0.2
    phi = np.array([[1, 0.4], [0.4, 1]])
    sigma = pattern @ phi @ pattern.T
    np.fill_diagonal(sigma, 1)
    rng = np.random.default_rng(11)
    base = efa(sigma, 2, method=method, rotation=rotation, n_obs=400)
    draws = []
    for _ in range(600):
        r = np.corrcoef(rng.multivariate_normal(np.zeros(8), sigma, 400), rowvar=False)
        again = efa(r, 2, method=method, rotation=rotation, n_obs=400).loadings.to_numpy()
        draws.append(aligned(again, np.eye(2), base.loadings.to_numpy())[0])
    spread = np.std(draws, axis=0)
    np.testing.assert_allclose(base.standard_errors().loadings, spread, rtol=0.15, atol=0.003)
