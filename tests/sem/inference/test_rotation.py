"""Exploratory blocks: rotation changes no fit; standard errors; ordinal and structural parts."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cte_metrics import sem
from cte_metrics.sem.inference.rotation import rotate_solution
from tests.reference_case import case

ESEM = 'efa("b")*f1 + efa("b")*f2 + efa("b")*f3 =~ x1 + x2 + x3 + x4 + x5 + x6 + x7 + x8 + x9'


def test_exploratory_block() -> None:
    c = case("hs1939")
    fit = sem.cfa(ESEM, c.data, rotation="geomin")
    expected = c["esem.geomin"].values["par"]
    table = fit.parameters
    table.index = pd.Index(
        [f"{a} {o} {b}" for a, o, b in zip(table.lhs, table.op, table.rhs, strict=True)]
    )
    found = table.loc[expected["key"]]
    for ours, theirs in (("est", "est"), ("se", "se"), ("std_all", "std.all")):
        np.testing.assert_allclose(found[ours], expected[theirs], atol=1e-5)
    assert fit.fit_measures["df"] == 12


@pytest.mark.parametrize("rotation", ["geomin", "oblimin", "varimax", "promax", "bentler"])
def test_rotation_changes_no_fit_and_no_moment(rotation: str) -> None:
    data = case("hs1939").data
    plain, turned = (sem.cfa(ESEM, data, rotation=r) for r in ("none", rotation))
    assert turned.fit_measures["chisq"] == pytest.approx(plain.fit_measures["chisq"], abs=1e-8)
    pd.testing.assert_frame_equal(turned.implied["cov"], plain.implied["cov"], atol=1e-8)
    np.testing.assert_allclose(turned.r_squared, plain.r_squared, atol=1e-8)


def test_exact_standard_errors_are_those_of_the_delta_method() -> None:
    from cte_metrics.sem.inference.rotation import _apply, _rule, _sets, _slopes, _turn
    from cte_metrics.sem.model.design import block_matrices, fill

    plain = sem.cfa(ESEM, case("hs1939").data, rotation="none").solution
    exact = rotate_solution(plain, "geomin", exact=True)
    (each,), rule = _sets(plain), _rule("geomin", {}, False)

    def rotated(theta: np.ndarray) -> np.ndarray:
        flat = fill(plain.design, theta)
        matrices = block_matrices(plain.design.blocks[0], flat)
        turn = _turn(plain.design.blocks[0], matrices, each, rule)
        _apply(matrices, each.factors, turn)
        return flat[plain.design.position].copy()

    jacobian = _slopes(rotated, plain.theta, 1e-5)
    errors = np.sqrt(np.einsum("ij,jk,ik->i", jacobian, plain.vcov, jacobian))
    rows = np.flatnonzero(exact.table.free)
    found = np.sqrt(np.diagonal(exact.vcov))
    np.testing.assert_allclose(found, errors[rows], atol=2e-6)


@pytest.mark.parametrize(
    ("parameterization", "loading", "error"),
    # lavaan 0.6-14: cfa(..., ordered = TRUE), first and last loading of f2 and the correlation
    [
        ("delta", (0.08053, 0.69751, 0.49369), (0.08343, 0.05541, 0.08101)),
        ("theta", (0.12495, 0.96452, 0.49369), (0.12875, 0.13618, 0.08101)),
    ],
)
def test_blocks_of_ordinal_items(
    parameterization: str, loading: tuple[float, ...], error: tuple[float, ...]
) -> None:
    model = 'efa("b")*f1 + efa("b")*f2 =~ u1 + u2 + u3 + u4 + u5 + u6 + u7 + u8'
    fit = sem.cfa(model, case("datcat").data, ordered=True, parameterization=parameterization)
    table = fit.parameters
    pick = (table.op == "=~") & (table.lhs == "f2") & table.rhs.isin(["u1", "u8"])
    pick |= (table.op == "~~") & (table.lhs != table.rhs)
    np.testing.assert_allclose(table.est[pick], loading, atol=2e-5)
    np.testing.assert_allclose(table.se[pick], error, atol=2e-5)


def test_blocks_with_a_structural_part() -> None:
    # lavaan 0.6-14: sem(..., meanstructure = TRUE)
    model = 'efa("b")*f1 + efa("b")*f2 =~ x1 + x2 + x3 + x4 + x5 + x6\n'
    model += "g =~ x7 + x8 + x9\ng ~ f1 + f2"
    table = sem.fit(model, case("hs1939").data, meanstructure=True).parameters
    paths = table[table.op == "~"]
    np.testing.assert_allclose(paths.est, [0.23183660, 0.11860945], atol=1e-5)
    np.testing.assert_allclose(paths.se, [0.05840924, 0.05023421], atol=1e-5)
