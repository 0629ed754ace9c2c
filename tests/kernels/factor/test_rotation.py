"""Rotation: criteria, search, promax, order and signs."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cte_metrics.kernels.factor import rotation as ro
from cte_metrics.kernels.factor import rotation_criteria as rc
from cte_metrics.kernels.factor.gradient_projection import orthogonal_starts
from cte_metrics.kernels.factor.rotation_manifolds import Oblique, Orthogonal
from tests.factor.stored import aligned, array, phi_of
from tests.reference_case import case

GOAL = np.array([[1.0, 0, 0], [0, 1, 0], [0, 0, 1]] * 3)
CRITERIA = {
    "quartimax": rc.quartimax,
    "varimax": rc.varimax,
    "quartimin": rc.oblimin,
    "oblimin": partial(rc.oblimin, gamma=-0.5),
    "crawford_ferguson": partial(rc.crawford_ferguson, kappa=0.3),
    "geomin": rc.geomin,
    "bentler": rc.bentler,
    "oblimax": rc.oblimax,
    "entropy": rc.entropy,
    "infomax": rc.infomax,
    "simplimax": partial(rc.simplimax, n_zeros=9),
    "target": partial(rc.target, goal=GOAL, weights=np.arange(27).reshape(9, 3) / 10),
    "bifactor": rc.bifactor,
}
NAMES = {
    "Varimax": "varimax",
    "geominQ": "geomin",
    "geominT": "geomin_t",
    "bentlerQ": "bentler",
    "bentlerT": "bentler_t",
    "infomaxQ": "infomax",
    "infomaxT": "infomax_t",
    "cfQ": "crawford_ferguson",
    "cfT": "crawford_ferguson_t",
    "targetQ": "target",
    "targetT": "target_t",
    "pstQ": "target",
    "pstT": "target_t",
}
STORED = [
    (name, entry.id)
    for name in ("thurstone", "bfi_ac")
    for entry in case(name).entries("rot.")
    if entry.function.startswith("GPArotation::") or entry.package == "GPArotation"
]


@pytest.mark.parametrize("name", CRITERIA)
def test_gradient_is_that_of_finite_differences(name):
    criterion = CRITERIA[name]
    loadings = np.random.default_rng(1).normal(size=(9, 3)) / 2
    _, slope = criterion(loadings)
    h = 1e-6
    steps = h * np.eye(27).reshape(27, 9, 3)
    difference = (criterion(loadings + steps)[0] - criterion(loadings - steps)[0]) / (2 * h)
    np.testing.assert_allclose(slope.ravel(), difference, atol=2e-8)


@pytest.mark.parametrize("name", CRITERIA)
def test_a_stack_is_its_members(name):
    stack = np.random.default_rng(2).normal(size=(4, 9, 3))
    value, slope = CRITERIA[name](stack)
    for i, loadings in enumerate(stack):
        one, its_slope = CRITERIA[name](loadings)
        np.testing.assert_allclose(value[i], one, rtol=1e-12)
        np.testing.assert_allclose(slope[i], its_slope, rtol=1e-10, atol=1e-12)


def test_criteria_by_hand():
    perfect = np.array([[0.8, 0.0], [0.6, 0.0], [0.0, 0.5]])
    assert rc.oblimin(perfect)[0] == 0  # no item on two factors
    # rows: sqrt((.64 + .01) .01) and so on
    np.testing.assert_allclose(
        rc.geomin(perfect)[0], np.sqrt([0.65 * 0.01, 0.37 * 0.01, 0.26 * 0.01]).sum()
    )
    assert rc.simplimax(perfect, 3)[0] == 0
    np.testing.assert_allclose(rc.quartimax(perfect)[0], -(0.8**4 + 0.6**4 + 0.5**4) / 4)
    both = np.array([[0.6, 0.6]])
    np.testing.assert_allclose(rc.oblimin(both)[0], 0.36**2 / 2)  # 1/4 of two products
    np.testing.assert_allclose(rc.geomin(both, delta=0.0)[0], 0.36)


@pytest.mark.parametrize(("name", "key"), STORED)
def test_reference_gparotation(name, key):
    entry = case(name)[key]
    values = entry.values
    a = array(case(name)["rot.input"].values)
    method, options = _call(entry)
    turned = ro.rotate(a, method, **options)
    best = values.get("criterion_best_of_20_starts")
    lowest = values["criterion"] if best is None else min(best, values["criterion"])
    collapsed = np.linalg.eigvalsh(phi_of(values, a.shape[1]))[0] < 1e-6
    assert turned.converged
    if collapsed:  # R's factors merged; ours stay apart
        assert np.linalg.eigvalsh(turned.phi)[0] > 1e-3
        return
    assert turned.criterion <= lowest + 1e-9
    if turned.criterion < lowest - 1e-6:
        return  # a better minimum than any of R's starts led to
    which = "_best" if values["criterion"] > lowest + 1e-9 else ""
    theirs = array(values[f"loadings{which}"])
    ours, phi = aligned(turned.loadings, turned.phi, theirs)
    np.testing.assert_allclose(ours, theirs, atol=1e-6)
    np.testing.assert_allclose(phi, phi_of(values, a.shape[1], f"Phi{which}"), atol=1e-6)


def _call(entry):
    text = entry.call
    function = text.split("(")[0].split("::")[1]
    method = NAMES.get(function, function)
    options = {"kaiser": "normalize=TRUE" in text}
    for theirs, ours in (("gam=", "gamma"), ("delta=", "delta"), ("kappa=", "kappa")):
        if theirs in text:
            options[ours] = float(text.split(theirs)[1].split(",")[0].rstrip(")"))
    if method.startswith("target"):
        options["target"] = array(_stored_matrix(entry.args["Target"]))
        if "W" in entry.args:
            options["weights"] = array(_stored_matrix(entry.args["W"]))
    return method, options


def _stored_matrix(value):
    if isinstance(value, dict) and "rows" in value:
        n = len(value["rows"]) if isinstance(value["rows"], list) else value["rows"]
        return np.array(value["data"], dtype=float).reshape(n, -1)
    return value


@pytest.mark.parametrize("name", ["thurstone", "bfi_ac", "hs1939"])
def test_reference_promax_of_psych(name):
    c = case(name)
    k = {"thurstone": 3, "bfi_ac": 2, "hs1939": 3}[name]
    unrotated = array(c[f"fa.minres.nf{k}.none"].values["loadings"])
    values = c[f"fa.minres.nf{k}.promax"].values
    theirs = array(values["loadings"])
    turned = ro.rotate(unrotated, "promax", kaiser=True)
    ours, phi = aligned(turned.loadings, turned.phi, theirs)
    # psych's varimax start is up to 5e-3 from its optimum; powers carry that on
    np.testing.assert_allclose(ours, theirs, atol=2e-3)
    np.testing.assert_allclose(phi, phi_of(values, k), atol=2e-3)
    start = ro.rotate(unrotated, "varimax", kaiser=True).loadings
    exact = start @ ro.powered_transformation(start, 4.0)
    np.testing.assert_allclose(aligned(exact, np.eye(k), ours)[0], ours, atol=1e-10)


@pytest.mark.parametrize("method", [m for m in ro.METHODS if not m.startswith("target")])
def test_every_method_keeps_the_common_part_and_its_promises(method):
    a = array(case("thurstone")["rot.input"].values)
    turned = ro.rotate(a, method)
    implied = turned.loadings @ turned.phi @ turned.loadings.T
    np.testing.assert_allclose(implied, a @ a.T, atol=1e-10)
    t = turned.transformation
    np.testing.assert_allclose(a @ np.linalg.inv(t).T, turned.loadings, atol=1e-10)
    np.testing.assert_allclose(t.T @ t, turned.phi, atol=1e-10)
    assert (turned.loadings.sum(axis=0) >= 0).all()
    if method in ro.ORTHOGONAL:
        np.testing.assert_array_equal(turned.phi, np.eye(3))
    if method not in ("none", "bifactor"):
        assert (np.diff(ro.factor_variances(turned.loadings, turned.phi)) <= 1e-9).all()


def test_target_keeps_the_columns_of_the_target():
    a = array(case("thurstone")["rot.input"].values)
    goal = np.array(
        [[0, 0, 1], [0, 0, 1], [0, 0, 1], [1, 0, 0], [1, 0, 0], [1, 0, 0], *[[0, 1, 0]] * 3]
    )
    turned = ro.rotate(a, "target", target=goal)
    assert (np.argmax(np.abs(turned.loadings), axis=1) == np.argmax(goal, axis=1)).all()


def test_free_cells_of_a_target_are_those_without_weight():
    a = array(case("thurstone")["rot.input"].values)
    goal = np.where(np.arange(27).reshape(9, 3) % 3 == 0, np.nan, 0.0)
    weights = np.isfinite(goal).astype(float)
    free = ro.rotate(a, "target", target=goal)
    weighted = ro.rotate(a, "target", target=np.nan_to_num(goal), weights=weights)
    np.testing.assert_allclose(free.loadings, weighted.loadings, atol=1e-8)


def test_limits_between_methods():
    a = array(case("thurstone")["rot.input"].values)
    p, k = a.shape
    equal = [
        (("oblimin", {}), ("quartimin", {})),
        (("crawford_ferguson", {"kappa": 0.0}), ("quartimin", {})),
        (("crawford_ferguson_t", {"kappa": 1 / p}), ("varimax", {})),
        (("crawford_ferguson_t", {"kappa": k / (2 * p)}), ("equamax", {})),
        (("crawford_ferguson_t", {"kappa": 0.0}), ("quartimax", {})),
    ]
    for (one, its), (other, others) in equal:
        np.testing.assert_allclose(
            ro.rotate(a, one, **its).loadings, ro.rotate(a, other, **others).loadings, atol=1e-7
        )


def test_kaiser_rotates_rows_of_equal_length():
    a = array(case("bfi_ac")["rot.input"].values)
    lengths = np.sqrt((a**2).sum(axis=1, keepdims=True))
    direct = ro.rotate(a, "varimax", kaiser=True)
    by_hand = ro.rotate(a / lengths, "varimax").loadings * lengths
    ours = aligned(direct.loadings, direct.phi, by_hand)[0]
    np.testing.assert_allclose(ours, by_hand, atol=1e-8)


def test_one_factor_is_only_reflected():
    turned = ro.rotate(np.array([[-0.8], [-0.7], [0.1]]), "oblimin")
    np.testing.assert_allclose(turned.loadings[:, 0], [0.8, 0.7, -0.1])


def test_starts_are_orthogonal_and_repeatable():
    starts = orthogonal_starts(4, 6, np.random.default_rng(3))
    np.testing.assert_array_equal(starts[0], np.eye(4))
    np.testing.assert_allclose(
        starts @ np.swapaxes(starts, 1, 2), np.broadcast_to(np.eye(4), (7, 4, 4)), atol=1e-12
    )
    np.testing.assert_array_equal(starts, orthogonal_starts(4, 6, np.random.default_rng(3)))


@pytest.mark.parametrize("family", [Orthogonal, Oblique])
def test_gradient_along_the_manifold(family):
    a = np.random.default_rng(4).normal(size=(9, 3))
    manifold = family(a, rc.geomin)
    t = orthogonal_starts(3, 1, np.random.default_rng(5))[1:]
    if family is Oblique:
        t = t + 0.2
        t = t / np.sqrt((t**2).sum(axis=1, keepdims=True))
    exact = manifold.evaluate(t).gradient[0]
    h = 1e-6
    steps = np.eye(manifold.n_directions)
    ahead = manifold.evaluate(manifold.move(t, h * steps)).value
    behind = manifold.evaluate(manifold.move(t, -h * steps)).value
    np.testing.assert_allclose(exact, (ahead - behind) / (2 * h), atol=1e-7)


@given(st.integers(0, 10_000), st.sampled_from(["oblimin", "varimax", "geomin", "equamax"]))
@settings(max_examples=20, deadline=None)
def test_start_and_order_of_items_do_not_matter(seed, method):
    rng = np.random.default_rng(seed)
    simple = np.kron(np.eye(3), np.ones((4, 1))) * rng.uniform(0.5, 0.9, (12, 1))
    a = simple + rng.normal(scale=0.05, size=(12, 3))
    spin = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    order = rng.permutation(12)
    one = ro.rotate(a, method)
    other = ro.rotate((a @ spin)[order], method)
    back = np.empty_like(other.loadings)
    back[order] = other.loadings
    ours, phi = aligned(back, other.phi, one.loadings)
    np.testing.assert_allclose(ours, one.loadings, atol=1e-6)
    np.testing.assert_allclose(phi, one.phi, atol=1e-6)


def test_many_factors_take_the_other_road():
    # ten oblique factors have ninety directions: gradient projection on all starts, then Newton
    rng = np.random.default_rng(6)
    a = np.kron(np.eye(10), np.ones((4, 1))) * 0.7 + rng.normal(scale=0.03, size=(40, 10))
    spun = a @ np.linalg.qr(rng.normal(size=(10, 10)))[0]
    turned = ro.rotate(spun, "oblimin", n_starts=3)
    assert turned.converged
    assert (np.sort(np.abs(turned.loadings), axis=1)[:, -1] > 0.5).all()
    assert (np.sort(np.abs(turned.loadings), axis=1)[:, -2] < 0.2).all()
