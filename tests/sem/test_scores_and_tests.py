"""Factor scores, Wald tests and rotated blocks of fitted models."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cte_metrics import sem
from cte_metrics.errors import InputError
from cte_metrics.sem.inference.rotation import rotate_solution
from tests.reference_case import case

MODEL = "visual =~ x1 + x2 + x3\ntextual =~ x4 + x5 + x6\nspeed =~ x7 + x8 + x9"
ESEM = 'efa("b")*f1 + efa("b")*f2 + efa("b")*f3 =~ x1 + x2 + x3 + x4 + x5 + x6 + x7 + x8 + x9'


@pytest.mark.parametrize(
    ("data", "model", "prefix", "method", "ours", "atol"),
    [
        ("hs1939", "cfa.ML", "cfa", "regression", "regression", 5e-6),
        ("hs1939", "cfa.ML", "cfa", "Bartlett", "bartlett", 5e-6),
        ("bfi_ac", "fiml.ML", "fiml", "regression", "regression", 5e-6),
        ("bfi_ac", "fiml.ML", "fiml", "Bartlett", "bartlett", 5e-6),
        ("sim_cte12", "fiml.ML", "fiml", "Bartlett", "bartlett", 1e-5),
        # lavaan's optimiser stops at 1e-8 of the function, about 1e-4 of the score
        ("bfi_ac", "ord.WLSMV.delta", "ord", "EBM", "ebm", 3e-4),
        ("bfi_ac", "ord.WLSMV.theta", "ord", "EBM", "regression", None),
        ("datcat", "ord.WLSMV.delta", "ord", "EBM", "regression", 3e-4),
    ],
)
def test_factor_scores(
    data: str, model: str, prefix: str, method: str, ours: str, atol: float | None
) -> None:
    c = case(data)
    args = c[model].args
    options = {k: args[k] for k in ("ordered", "missing", "parameterization") if k in args}
    fit = sem.cfa(args["model"], c.data, **options)
    scores = fit.factor_scores(ours)  # type: ignore[arg-type]
    expected = c[f"{prefix}.lavPredict.{method}"].values
    if atol is None:  # the other parameterization: scores on another scale
        sd = scores.std()
        assert np.corrcoef(sd, list(expected["sd"].values()))[0, 1] > 0
        return
    head = np.array(expected["head"]["data"], dtype=float)
    found = scores[expected["head"]["cols"]].to_numpy()[: len(head)]
    np.testing.assert_allclose(found, head, atol=atol)
    for name, sd in expected["sd"].items():
        assert scores[name].std() == pytest.approx(sd, abs=atol)
        assert scores[name].notna().sum() == expected["n_valid"][name]


def test_scores_keep_the_index_and_leave_out_dropped_rows() -> None:
    data = case("hs1939").data.copy()
    data.index = pd.Index([f"p{i}" for i in range(len(data))])
    data.loc["p3", "x1"] = np.nan
    scores = sem.cfa(MODEL, data).factor_scores()
    assert len(scores) == 300
    assert "p3" not in scores.index
    assert scores.index[3] == "p4"


def test_scores_of_groups_come_back_in_row_order() -> None:
    data = case("hs1939").data.sample(frac=1.0, random_state=1)
    scores = sem.cfa(MODEL, data, group="school").factor_scores()
    assert scores.index.tolist() == data.index.tolist()


def test_score_refusals() -> None:
    cov = case("hs1939").data[["x1", "x2", "x3"]].cov()
    fit = sem.cfa("f =~ x1 + x2 + x3", sample_cov=cov, n_obs=301)
    with pytest.raises(InputError, match="covariance matrix"):
        fit.factor_scores()
    with pytest.raises(InputError, match="no latent variables"):
        sem.fit("x1 ~ x2", case("hs1939").data).factor_scores()
    with pytest.raises(InputError, match="level=2"):
        sem.cfa(MODEL, case("hs1939").data).factor_scores(level=2)
    with pytest.raises(InputError, match="bartlet"):
        sem.cfa(MODEL, case("hs1939").data).factor_scores("bartlet")  # type: ignore[arg-type]


@pytest.mark.parametrize("data", ["hs1939", "bfi_ac"])
def test_wald_test(data: str) -> None:
    c = case(data)
    fit = sem.cfa(c["cfa.labelled"].args["model"], c.data)
    equations = c["cfa.wald"].call.split('"')[1].replace("\\n", "\n")
    found, expected = fit.wald_test(equations), c["cfa.wald"].values
    assert found.chi2 == pytest.approx(expected["stat"], rel=1e-5)
    assert found.df == expected["df"]
    assert found.p == pytest.approx(expected["p.value"], abs=1e-7)


def test_wald_test_of_one_parameter_is_the_square_of_z() -> None:
    fit = sem.cfa("f =~ x1 + a*x2 + x3", case("hs1939").data)
    z = fit.parameters.set_index("label").loc["a", "z"]
    assert fit.wald_test("a == 0").chi2 == pytest.approx(z**2, rel=1e-10)


def test_wald_refusals() -> None:
    fit = sem.cfa("f =~ x1 + a*x2 + a*x3 + b*x4", case("hs1939").data)
    with pytest.raises(InputError, match="'c'"):
        fit.wald_test("a == c")
    with pytest.raises(InputError, match="cannot be tested"):
        fit.wald_test("a == b; b == a")


def test_score_test_needs_constraints() -> None:
    with pytest.raises(InputError, match="no equality constraints"):
        sem.cfa(MODEL, case("hs1939").data).score_test()


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


@settings(max_examples=10, deadline=None)
@given(scale=st.floats(0.1, 10.0), shift=st.floats(-5, 5))
def test_standardized_solution_does_not_know_the_units(scale: float, shift: float) -> None:
    data = case("hs1939").data
    a = sem.cfa(MODEL, data, meanstructure=True).standardized()
    b = sem.cfa(MODEL, data.assign(x2=data.x2 * scale + shift), meanstructure=True).standardized()
    keep = a.op != "~1"
    np.testing.assert_allclose(a.est[keep], b.est[keep], atol=1e-6)
    np.testing.assert_allclose(a.se[keep], b.se[keep], atol=1e-6)


def test_marker_and_variance_identification_agree() -> None:
    data = case("hs1939").data
    a, b = (sem.cfa(MODEL, data, identification=i) for i in ("marker", "variance"))
    np.testing.assert_allclose(a.standardized().est, b.standardized().est, atol=1e-6)
    np.testing.assert_allclose(a.standardized().se, b.standardized().se, atol=1e-6)
    np.testing.assert_allclose(a.residuals("cor")["z"], b.residuals("cor")["z"], atol=1e-3)


def test_saturated_model_has_no_residuals_and_no_indices() -> None:
    fit = sem.cfa("f =~ x1 + x2 + x3", case("hs1939").data)
    assert np.abs(fit.residuals("raw")["cov"].to_numpy()).max() < 1e-8
    assert len(fit.modification_indices()) == 0


def test_modification_index_is_close_to_the_drop_in_chi_square() -> None:
    data = case("hs1939").data
    fit = sem.cfa(MODEL, data)
    top = fit.modification_indices().iloc[-40:]
    row = top[top.op == "~~"].iloc[0]
    freed = sem.cfa(f"{MODEL}\n{row.lhs} ~~ {row.rhs}", data)
    drop = fit.fit_measures["chisq"] - freed.fit_measures["chisq"]
    assert row.mi == pytest.approx(drop, rel=0.3, abs=0.5)


def test_released_equalities_are_named_by_parameter() -> None:
    fit = sem.cfa(MODEL, case("hs1939").data, group="school", group_equal="loadings")
    row = fit.score_test().table.iloc[0]
    assert (row["lhs"], row["rhs"]) == (".p2.", ".p38.")
    assert row["first"] == "visual =~ x2 (group Pasteur)"
    assert row["second"] == "visual =~ x2 (group Grant-White)"
    labelled = sem.cfa("f =~ x1 + a*x2 + b*x3\na == b", case("hs1939").data)
    row = labelled.score_test().table.iloc[0]
    assert (row["lhs"], row["first"], row["second"]) == ("a", "f =~ x2", "f =~ x3")


def test_names_of_compared_fits() -> None:
    data = case("hs1939").data
    wide = sem.cfa(MODEL, data)
    narrow = sem.cfa(MODEL, data, orthogonal=True)
    table = sem.compare(narrow, wide, names=("orthogonal", "correlated"))
    assert list(table.index) == ["correlated", "orthogonal"]
    assert list(sem.compare(narrow, wide).index) == [2, 1]
    for names, message in ((("one",), "does not name 2 fits"), (("a", "a"), "repeats a name")):
        with pytest.raises(InputError, match=message):
            sem.compare(narrow, wide, names=names)
