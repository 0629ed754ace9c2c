"""rotate(), schmid_leiman(), congruence(), adequacy()."""

import numpy as np
import pandas as pd
import pytest

import cte_metrics as cte
from cte_metrics.factor import adequacy, congruence, efa, rotate, schmid_leiman
from cte_metrics.factor.rotation_options import RotationOptions
from cte_metrics.kernels.factor.rotation import OPTIONS, SEARCH_OPTIONS
from cte_metrics.kernels.factor.schmid_leiman import schmid_leiman as on_arrays
from tests.factor.stored import aligned, array, correlations
from tests.reference_case import case


def hs():
    return case("hs1939").data[[f"x{i}" for i in range(1, 10)]]


# --- rotate -------------------------------------------------------------------------------------


def test_rotate_keeps_names_and_takes_options_by_name():
    unrotated = efa(hs(), 3, rotation="none").loadings
    out = rotate(unrotated, "oblimin", gamma=-0.5)
    assert list(out.loadings.index) == list(unrotated.index)
    same = rotate(unrotated.to_numpy(), "oblimin", rotation_options={"gamma": -0.5})
    np.testing.assert_allclose(out.loadings, same.loadings)
    np.testing.assert_allclose(out.structure, out.loadings @ out.factor_correlations)
    np.testing.assert_allclose(
        unrotated.to_numpy() @ np.linalg.inv(out.transformation).T, out.loadings, atol=1e-10
    )


def test_rotating_a_rotated_solution_equals_rotating_the_unrotated():
    one = rotate(efa(hs(), 3, rotation="none"), "geomin").loadings.to_numpy()
    other = rotate(efa(hs(), 3, rotation="promax"), "geomin").loadings.to_numpy()
    np.testing.assert_allclose(aligned(other, np.eye(3), one)[0], one, atol=1e-6)


def test_rotate_is_efa_s_rotation():
    out = efa(hs(), 3, rotation="bentler")
    alone = rotate(efa(hs(), 3, rotation="none"), "bentler")
    np.testing.assert_allclose(alone.loadings, out.loadings, atol=1e-9)
    assert "Rotation bentler" in alone.summary()
    assert alone.to_dict()["result"] == "Rotated"


def test_varimax_and_promax_are_kaiser_normalised_by_default():
    unrotated = efa(hs(), 3, rotation="none").loadings
    lengths = np.sqrt((unrotated**2).sum(axis=1))
    by_hand = rotate(unrotated.div(lengths, axis=0), "varimax", kaiser=False).loadings
    usual = rotate(unrotated, "varimax")
    scaled = by_hand.mul(lengths, axis=0).to_numpy()
    ours = aligned(usual.loadings.to_numpy(), np.eye(3), scaled)[0]
    np.testing.assert_allclose(ours, scaled, atol=1e-6)
    raw = rotate(unrotated, "varimax", kaiser=False)
    plain = aligned(raw.loadings.to_numpy(), np.eye(3), scaled)[0]
    assert np.abs(plain - scaled).max() > 1e-3
    for method in ("oblimin", "quartimax", "geomin"):
        np.testing.assert_allclose(
            rotate(unrotated, method).loadings, rotate(unrotated, method, kaiser=False).loadings
        )
    assert efa(hs(), 3, rotation="varimax").provenance.settings["kaiser"] is True
    assert efa(hs(), 3, rotation="promax").provenance.settings["kaiser"] is True
    assert efa(hs(), 3).provenance.settings["kaiser"] is False


@pytest.mark.problem(
    "psych, GPArotation, SPSS: Kaiser normalisation",
    "promax is normalised whatever kaiser says, and no result states what was done",
    "kaiser=False leaves the rows alone, None follows the usual rule, and the result says which",
)
def test_promax_without_kaiser_is_that_of_raw_varimax():
    """R: x = varimax(L, normalize=FALSE)$loadings, then promax's own lines on x (m = 4)."""
    loadings = np.array([0.7, 0.6, 0.65, 0.5, 0.55, 0.6, 0.3, 0.35, 0.2, -0.4, -0.45, -0.3])
    out = rotate(loadings.reshape(2, 6).T, "promax", kaiser=False)
    expected = [
        [0.75672487, 0.00945254],
        [0.73631174, -0.09057588],
        [0.62847351, 0.09227417],
        [-0.03958809, 0.65954511],
        [-0.05299048, 0.73612649],
        [0.1224788, 0.60017051],
    ]
    np.testing.assert_allclose(out.loadings, expected, atol=1e-7)
    assert out.factor_correlations.iloc[0, 1] == pytest.approx(0.50874826, abs=1e-7)
    assert "without Kaiser normalisation" in out.provenance.method
    found = efa(hs(), 3, rotation="promax", kaiser=False)
    assert found.provenance.settings["kaiser"] is False
    assert "promax without Kaiser" in found.provenance.method
    assert "varimax with Kaiser" in efa(hs(), 3, rotation="varimax").provenance.method


def test_options_by_name_are_those_of_the_kernel():
    known = {name for names in OPTIONS.values() for name in names} | set(SEARCH_OPTIONS)
    assert set(RotationOptions.__annotations__) == known


def test_rotate_refusals():
    with pytest.raises(cte.InputError, match="complete table"):
        rotate(np.array([[0.5, np.nan]]))
    with pytest.raises(cte.InputError, match="method='oblimn'"):
        rotate(np.eye(3), "oblimn")
    with pytest.raises(cte.InputError, match="no option 'kappa'"):
        rotate(np.eye(3), "oblimin", kappa=1)


def test_a_rotation_without_minimum_warns():
    # oblimin with a large gamma drives factors together without bound
    a = efa(hs(), 3, rotation="none").loadings
    with pytest.warns(cte.NonConvergenceWarning, match="no minimum with separate factors"):
        out = rotate(a, "oblimin", gamma=5.0)
    assert not out.status.usable


# --- Schmid-Leiman ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["thurstone", "hs1939"])
def test_schmid_leiman_reference(name):
    c = case(name)
    entry = c["schmid.nf3.minres"]
    out = schmid_leiman(efa(correlations(c, c["fa.minres.nf3.none"]), 3, n_obs=301))
    theirs = array(entry.values["sl"])
    ours = aligned(out.iloc[:, 1:4].to_numpy(), np.eye(3), theirs[:, 1:4])[0]
    np.testing.assert_allclose(out["g"], theirs[:, 0], atol=2e-4)
    np.testing.assert_allclose(ours, theirs[:, 1:4], atol=3e-4)
    np.testing.assert_allclose(out["h2"], theirs[:, 4], atol=1e-4)
    np.testing.assert_allclose(out["h2"] + out["u2"], 1)
    assert list(out.columns) == ["g", "F1*", "F2*", "F3*", "h2", "u2"]


@pytest.mark.parametrize("key", ["schmid", "schmid2"])
def test_schmid_leiman_harman(key):
    c = case("harman24")
    source = c["oblimin"].values if key == "schmid" else c["schmid2"].values
    out = on_arrays(np.asarray(source["loadings"]), np.asarray(source["Phi"]))
    table = np.column_stack([out.general, out.group])
    np.testing.assert_allclose(table, np.asarray(c[key].values["sl"]), atol=1e-4)


def test_schmid_leiman_warns_and_refuses():
    with pytest.warns(cte.DataWarning, match="Two factors do not identify"):
        out = schmid_leiman(efa(hs(), 2))
    phi = efa(hs(), 2).factor_correlations.iloc[0, 1]
    np.testing.assert_allclose(out.attrs["general_loadings"]["F1"], np.sqrt(phi))
    with pytest.raises(cte.IdentificationError, match="One factor has no group factors"):
        schmid_leiman(efa(hs(), 1))
    with pytest.raises(cte.InputTypeError, match="takes an EFA"):
        schmid_leiman(hs())


# --- congruence ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["thurstone", "bfi_ac", "hs1939"])
def test_congruence_reference(name):
    c = case(name)
    k = {"thurstone": 3, "bfi_ac": 2, "hs1939": 3}[name]
    one = array(c[f"fa.minres.nf{k}.oblimin"].values["loadings"])
    other = array(c[f"fa.ml.nf{k}.varimax"].values["loadings"])
    stored = np.asarray(c["factor_congruence"].values)
    np.testing.assert_allclose(congruence(one, other), stored, atol=1e-10)


def test_congruence_promises():
    a = efa(hs(), 3)
    np.testing.assert_allclose(np.diag(congruence(a, a)), 1)
    flipped = a.loadings.iloc[::-1] * [-1, 2, 1]
    np.testing.assert_allclose(np.diag(congruence(a, flipped)), [-1, 1, 1])
    with pytest.raises(cte.InputError, match="not of the same items: x1"):
        congruence(a, a.loadings.drop(index="x1"))
    with pytest.raises(cte.InputError, match="One solution has 9 items, the other 8"):
        congruence(a, a.loadings.to_numpy()[:8])
    with pytest.raises(cte.InputError, match="without any loading"):
        congruence(a, np.zeros((9, 1)))


# --- adequacy -----------------------------------------------------------------------------------


def test_adequacy_reference_and_the_peer():
    out = adequacy(hs())
    stored = case("hs1939")["KMO"].values
    np.testing.assert_allclose(out.kmo, stored["MSA"], atol=1e-12)
    assert list(out.kmo_items.index) == list(hs().columns)
    with pytest.MonkeyPatch.context():
        from factor_analyzer import calculate_bartlett_sphericity, calculate_kmo

        items, overall = calculate_kmo(hs())
        chi2, p = calculate_bartlett_sphericity(hs())
    np.testing.assert_allclose(out.kmo, overall, atol=1e-12)
    np.testing.assert_allclose(out.kmo_items, items, atol=1e-12)
    np.testing.assert_allclose((out.bartlett_chi2, out.bartlett_p), (chi2, p), rtol=1e-9)
    np.testing.assert_allclose(out.determinant, np.linalg.det(hs().corr()))
    assert out.kmo_word == "middling"
    assert out.bartlett_df == 36


def test_adequacy_harman():
    c = case("harman24")
    out = adequacy(c.data.set_index("variable"), n_obs=145)
    np.testing.assert_allclose(out.kmo, c["kmo"].values["MSA"], atol=1e-12)
    np.testing.assert_allclose(out.bartlett_chi2, c["bartlett"].values["chisq"], rtol=1e-10)


def test_adequacy_of_a_matrix_needs_n_for_bartlett():
    out = adequacy(hs().corr())
    assert np.isnan(out.bartlett_p)
    assert any("n_obs" in n for n in out.notes)
    np.testing.assert_allclose(out.kmo, adequacy(hs()).kmo)


def test_adequacy_with_gaps():
    # factor_analyzer's KMO fails here and its Bartlett test is a silent nan
    gaps = hs().mask(np.random.default_rng(1).random((301, 9)) < 0.02)
    out = adequacy(gaps)
    complete = adequacy(gaps.dropna())
    np.testing.assert_allclose(out.bartlett_chi2, complete.bartlett_chi2)
    assert out.provenance.n_dropped == 301 - len(gaps.dropna())


def test_adequacy_refuses_and_renders():
    with pytest.raises(cte.InputError, match="not positive definite"):
        adequacy(hs().assign(total=hs().sum(axis=1)))
    with pytest.raises(cte.InputError, match="not enough"):
        adequacy(hs().iloc[:5])
    text = adequacy(hs()).summary()
    assert "bartlett_chi2" in text
    assert isinstance(adequacy(hs()).to_frame(), pd.DataFrame)


# --- awkward loadings and options ---------------------------------------------------------------


@pytest.mark.parametrize("method", ["bentler", "bentler_t", "promax"])
def test_a_factor_without_loadings_leaves_rotations_undefined_and_says_so(method):
    a = np.array([[0.9, 0.0], [0.8, 0.0], [0.7, 0.0], [0.6, 0.0]])
    with pytest.warns(cte.NonConvergenceWarning, match="no minimum with separate factors"):
        out = rotate(a, method)
    communalities = (out.loadings * out.structure).sum(axis=1)
    np.testing.assert_allclose(communalities, a[:, 0] ** 2)
    assert not out.status.usable


def test_oblimin_that_merges_factors_is_no_crash():
    x = np.kron(np.eye(3), np.ones((4, 1))) + 0.1 * np.random.default_rng(2).normal(size=(12, 3))
    with pytest.warns(cte.NonConvergenceWarning, match="no minimum with separate factors"):
        rotate(x, "oblimin", gamma=1.0)


@pytest.mark.parametrize(
    ("method", "options", "said"),
    [
        ("oblimin", {"gamma": "a"}, "gamma='a' is not a number"),
        ("geomin", {"delta": None}, "delta=None is not a number"),
        ("crawford_ferguson", {"kappa": np.nan}, "kappa=nan is not a number"),
        ("target", {"target": "abc"}, "target is not a table of numbers"),
        ("target", {"target": np.zeros((4, 2)), "weights": -np.ones((4, 2))}, "one is negative"),
    ],
)
def test_rotation_options_are_refused_by_name(method, options, said):
    with pytest.raises(cte.InputError, match=said):
        rotate(np.full((4, 2), 0.5), method, **options)


def test_congruence_of_incomplete_loadings():
    with pytest.raises(cte.InputError, match="missing or infinite"):
        congruence(np.array([[1.0], [np.nan]]), np.ones((2, 1)))
