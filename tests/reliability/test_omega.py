"""Omega of one factor: by hand, against lavaan and semTools, and itself."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cte_metrics import sem
from cte_metrics.errors import ImproperSolutionWarning, InputError
from cte_metrics.kernels.factor.one_factor import (
    fit_one_factor,
    fit_one_factor_least_squares,
    fit_one_factor_stack,
    loading_sum_derivative,
)
from cte_metrics.kernels.reliability.omega import (
    omega_derivative,
    ordinal_omega,
    ordinal_omega_gradient,
)
from cte_metrics.reliability import cronbach_alpha, mcdonald_omega
from cte_metrics.results import Status
from tests.reference_case import case
from tests.reliability.test_alpha import survey

CONTINUOUS = ["omega.a1_a6", "omega.b1_b8", "omega.b1_b4", "omega.a1_a3"]
ORDINAL = [e.id for e in case("reliability").entries("omega_ordinal.")]


def numbers(n: int) -> pd.DataFrame:
    rng = np.random.default_rng(7)
    return pd.DataFrame(rng.normal(size=(n, 1)) + rng.normal(size=(n, 5))).add_prefix("q")


CONTRADICTION = np.array([[1, 0.9, -0.9], [0.9, 1, 0.9], [-0.9, 0.9, 1]])


def population(k: int = 6, seed: int = 3) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    loadings = rng.uniform(0.4, 1.2, k)
    return loadings, np.outer(loadings, loadings) + np.diag(rng.uniform(0.3, 1.0, k))


def test_omega_by_hand() -> None:
    # loadings 1, 1, 2 and residual variances 1, 1, 1: (1 + 1 + 2)^2 / (16 + 3)
    c = np.outer([1.0, 1, 2], [1.0, 1, 2]) + np.eye(3)
    found = mcdonald_omega(c, n_obs=1000)
    assert found.omega == pytest.approx(16 / 19, abs=1e-9)


@pytest.mark.parametrize("entry_id", CONTINUOUS)
def test_omega_equals_lavaan(entry_id: str) -> None:
    entry = case("reliability")[entry_id]
    values = entry.values
    found = mcdonald_omega(case("reliability").data[entry.args["items"]])
    assert found.omega == pytest.approx(values["omega"], abs=1e-6)
    assert found.n_respondents == values["n"]
    # lavaan's search stops at gradients of 1e-5 or so
    np.testing.assert_allclose(found.loadings, values["loadings"], atol=1e-5)
    np.testing.assert_allclose(found.uniquenesses, values["theta"], atol=1e-5)
    if found.df > 0:
        assert found.chisq == pytest.approx(values["chisq"], rel=1e-6)


@pytest.mark.parametrize("name", ["bfi_ac", "hs1939", "sim_cte12"])
def test_omega_of_all_items_equals_lavaan(name: str) -> None:
    entry = case(name)["omegaSem_cfa1"]
    data = case(name).data[entry.args["items"]]
    if name == "bfi_ac":
        data = data.assign(**{i: 7 - data[i] for i in ("A1", "C4", "C5")})
    found = mcdonald_omega(data)
    assert found.omega == pytest.approx(entry.values["omega_observed_var"], abs=1e-6)
    np.testing.assert_allclose(found.loadings, list(entry.values["loadings"].values()), atol=1e-5)


def test_heywood_case_equals_lavaan_and_is_shouted() -> None:
    entry = case("reliability")["omega.h1_h4"]
    with pytest.warns(ImproperSolutionWarning, match="h1 is negative"):
        found = mcdonald_omega(case("reliability").data[entry.args["items"]])
    assert found.status is Status.IMPROPER
    assert found.omega == pytest.approx(entry.values["omega"], abs=1e-5)
    assert found.uniquenesses["h1"] == pytest.approx(entry.values["theta"][0], abs=1e-4)
    assert "Heywood" in found.summary()


@pytest.mark.parametrize("entry_id", ORDINAL)
def test_ordinal_omega_equals_semtools(entry_id: str) -> None:
    entry = case("reliability")[entry_id]
    found = mcdonald_omega(case("reliability").data[entry.args["items"]], ordinal=True)
    assert found.omega == pytest.approx(entry.values["omega"], abs=1e-6)
    np.testing.assert_allclose(found.loadings, entry.values["loadings"], atol=1e-5)
    assert found.n_respondents == entry.values["n"]


def test_gradient_and_hessian_lead_to_the_population() -> None:
    loadings, c = population()
    found = fit_one_factor(c)
    np.testing.assert_allclose(found.loadings, loadings, atol=1e-8)
    assert float(found.discrepancy) == pytest.approx(0.0, abs=1e-12)
    assert found.converged


def test_a_stack_equals_single_fits_from_any_start() -> None:
    rng = np.random.default_rng(1)
    _, c = population()
    stack = np.array(
        [np.cov((rng.normal(size=(200, 6)) @ np.linalg.cholesky(c).T).T) for _ in range(8)]
    )
    whole = fit_one_factor_stack(stack)
    started = fit_one_factor_stack(stack, fit_one_factor(c))
    np.testing.assert_allclose(whole.loadings, started.loadings, atol=1e-8)
    np.testing.assert_allclose(whole.loadings[3], fit_one_factor(stack[3]).loadings, atol=1e-8)


def test_derivatives_against_differences() -> None:
    s = survey(n=200, k=5).cov().to_numpy()
    rng = np.random.default_rng(0)
    e = rng.normal(size=s.shape) * 1e-5
    e = e + e.T
    fit, up, down = fit_one_factor(s), fit_one_factor(s + e), fit_one_factor(s - e)
    slope = (up.loadings.sum() - down.loadings.sum()) / 2
    assert slope == pytest.approx((loading_sum_derivative(fit, s) * e).sum(), rel=1e-5)
    omega = [f.loadings.sum() ** 2 / m.sum() for f, m in ((up, s + e), (down, s - e))]
    assert (omega[0] - omega[1]) / 2 == pytest.approx(
        (omega_derivative(fit, s) * e).sum(), rel=1e-5
    )


def test_ordinal_gradient_against_differences() -> None:
    rng = np.random.default_rng(2)
    lam = np.array([0.5, 0.7, 0.8, 0.6])
    r = np.outer(lam, lam) + np.diag(1 - lam**2)
    noise = rng.uniform(-0.05, 0.05, (4, 4))
    r = r + np.triu(noise, 1) + np.triu(noise, 1).T
    w = rng.uniform(0.5, 2, (4, 4))
    w = w + w.T
    cuts = np.array([-0.5, 0.6, 0.1, -1.0, 0.0, 1.2, -0.2, 0.9])
    items = np.array([0, 0, 1, 2, 2, 2, 3, 3])

    def value(cuts: np.ndarray, r: np.ndarray) -> float:
        return ordinal_omega(fit_one_factor_least_squares(r, w).loadings, r, cuts, items)

    fit = fit_one_factor_least_squares(r, w)
    assert fit.converged
    assert 0 < fit.steps < 20
    by_cut, by_pair = ordinal_omega_gradient(fit.loadings, r, w, cuts, items)
    for a in range(len(cuts)):
        h = 1e-5 * np.eye(len(cuts))[a]
        assert (value(cuts + h, r) - value(cuts - h, r)) / 2e-5 == pytest.approx(
            by_cut[a], abs=1e-7
        )
    h = np.zeros((4, 4))
    h[1, 3] = h[3, 1] = 1e-5
    assert (value(cuts, r + h) - value(cuts, r - h)) / 2e-5 == pytest.approx(
        by_pair[1, 3], abs=1e-7
    )


def test_equal_loadings_make_omega_alpha() -> None:
    c = np.full((5, 5), 0.5) + np.diag([0.4, 0.6, 0.9, 1.2, 0.7])
    omega, alpha = mcdonald_omega(c, n_obs=300), cronbach_alpha(c, n_obs=300)
    assert omega.omega == pytest.approx(alpha.alpha, abs=1e-9)


def test_intervals_agree_on_normal_data() -> None:
    rng = np.random.default_rng(5)
    _, c = population()
    x = rng.normal(size=(800, 6)) @ np.linalg.cholesky(c).T
    limits = [
        tuple(mcdonald_omega(x, interval=i, rng=1, n_resamples=600).ci)
        for i in ("delta", "robust", "bootstrap")
    ]
    np.testing.assert_allclose(limits[1], limits[0], atol=0.006)
    np.testing.assert_allclose(limits[2], limits[0], atol=0.006)


def test_ordinal_intervals_agree() -> None:
    data = survey(seed=8, n=500, k=4)
    delta = mcdonald_omega(data, ordinal=True)
    bootstrap = mcdonald_omega(data, ordinal=True, interval="bootstrap", n_resamples=150, rng=1)
    assert bootstrap.omega == delta.omega
    np.testing.assert_allclose(tuple(bootstrap.ci), tuple(delta.ci), atol=0.015)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000))
def test_omega_ignores_order_and_shift(seed: int) -> None:
    data = survey(seed, n=150)
    rng = np.random.default_rng(seed)
    base = mcdonald_omega(data).omega
    shuffled = data.iloc[rng.permutation(150), rng.permutation(5)]
    assert mcdonald_omega(shuffled).omega == pytest.approx(base, abs=1e-8)
    assert mcdonald_omega(data * 3 + 1).omega == pytest.approx(base, abs=1e-8)
    ordinal = mcdonald_omega(data, ordinal=True).omega
    assert mcdonald_omega(data * 3 + 1, ordinal=True).omega == pytest.approx(ordinal, abs=1e-10)
    assert mcdonald_omega(shuffled, ordinal=True).omega == pytest.approx(ordinal, abs=1e-8)


def test_two_items() -> None:
    data = survey(k=2, n=200)
    found = mcdonald_omega(data)
    alpha = cronbach_alpha(data, interval="duhachek", missing="listwise")
    assert found.omega == pytest.approx(alpha.alpha, abs=1e-12)
    assert tuple(found.ci) == pytest.approx(tuple(alpha.ci), abs=1e-10)
    assert "set equal" in " ".join(found.notes)
    again = mcdonald_omega(data, interval="bootstrap", rng=1)
    assert tuple(again.ci) == pytest.approx(tuple(found.ci), abs=0.05)


def test_two_items_that_oppose_have_no_omega() -> None:
    data = pd.DataFrame({"a": [1.0, 2, 3, 4, 5], "b": [5.0, 3, 4, 1, 2]})
    found = mcdonald_omega(data)
    assert found.status is Status.UNDEFINED
    assert np.isnan(found.omega)
    assert "keying" in " ".join(found.notes)


@pytest.mark.parametrize(
    ("data", "options", "message"),
    [
        (survey().assign(q6=lambda d: d["q1"]), {}, "q1, q6 determine each other"),
        (numbers(4), {}, "4 respondents are too few for 5 items.*fewer items"),
        (CONTRADICTION, {"n_obs": 90}, "contradict each other.*Correct the matrix"),
        (survey() + np.arange(80)[:, None] / 100, {"ordinal": True}, "at most 30"),
        (survey().cov(), {"ordinal": True, "n_obs": 80}, "needs the answers"),
        (survey(), {"interval": "delt"}, "Did you mean 'delta'"),
        (survey(missing=0.9), {}, "at least two respondents|not positive definite|constant"),
    ],
)
def test_refusals(data, options, message) -> None:
    with pytest.raises(InputError, match=f"(?s){message}"):
        mcdonald_omega(data, **options)


@pytest.mark.problem(
    "MBESS, psych",
    "items that do not correlate give a factor of one item, called proper",
    "it is said that there is no common factor, and omega is missing",
)
@pytest.mark.parametrize("matrix", [np.eye(5), np.diag([1.0, 2.0, 3.0, 4.0])])
def test_items_that_do_not_correlate_have_no_factor(matrix: np.ndarray) -> None:
    found = mcdonald_omega(pd.DataFrame(matrix), n_obs=500)
    assert found.status is Status.UNDEFINED
    assert np.isnan(found.omega)
    assert found.loadings.isna().all()
    assert "No common factor: the items do not correlate" in found.notes[-1]


@pytest.mark.parametrize("ordinal", [False, True])
@pytest.mark.parametrize("k", [2, 5])
def test_correlations_that_chance_explains_are_said(ordinal: bool, k: int) -> None:
    rng = np.random.default_rng(2)
    noise = pd.DataFrame(rng.integers(1, 5, (400, k))).add_prefix("q")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ImproperSolutionWarning)
        found = mcdonald_omega(noise, ordinal=ordinal)
        scale = mcdonald_omega(survey(n=300), ordinal=ordinal)
    (note,) = [n for n in found.notes if "No common factor can be told from chance" in n]
    if not ordinal:
        r = np.corrcoef(noise.to_numpy().T)
        chi2 = -(399 - (2 * k + 5) / 6) * np.linalg.slogdet(r)[1]
        assert f"chi-square {chi2:.2f}, df {k * (k - 1) // 2}" in note
    assert not any("common factor" in n for n in scale.notes)


def test_two_items_alone_do_not_share_out_their_correlation() -> None:
    r = np.eye(4)
    r[0, 1] = r[1, 0] = 0.5
    assert "Only item_1 and item_2 load" in mcdonald_omega(r, n_obs=300).notes[0]


def few(n: int = 10, seed: int = 21) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    factor = rng.normal(size=(n, 1))
    latent = 0.7 * factor + 0.714 * rng.normal(size=(n, 8))
    return pd.DataFrame(np.digitize(latent, np.linspace(-1.5, 1.5, 4)) + 1).add_prefix("q")


@pytest.mark.problem(
    "psych, MBESS",
    "the interval of omega reaches above 1",
    "an interval of a reliability is cut at 1, and a note says how far it would reach",
)
@pytest.mark.parametrize("interval", ["delta", "robust", "bootstrap"])
def test_no_interval_reaches_above_one(interval: str) -> None:
    found = mcdonald_omega(few(), interval=interval, n_resamples=100, rng=1)
    if interval == "bootstrap":  # ten rows drawn from ten leave eight items undetermined
        assert np.isnan(found.ci.high)
        assert "so there is no bootstrap interval" in " ".join(found.notes)
        found = mcdonald_omega(few(15), interval=interval, n_resamples=100, rng=1)
    assert found.ci.low < found.ci.high <= 1.0
    uncut = found.omega + 1.959963984540054 * found.se
    if interval == "delta":
        assert f"uncut it would reach {uncut:.3f}" in " ".join(found.notes)
    inside = mcdonald_omega(survey())
    assert not any("cut at 1" in note for note in inside.notes)


def test_rendering() -> None:
    found = mcdonald_omega(survey())
    assert "McDonald's omega" in found.summary()
    assert "One factor" in found.summary()
    assert found.to_dict()["omega"] == found.omega
    assert "uniqueness" in found._repr_html_()


@pytest.mark.slow
@pytest.mark.parametrize("interval", ["delta", "robust"])
def test_coverage(interval: str) -> None:
    rng = np.random.default_rng(9)
    loadings, c = population()
    truth, root, hits = loadings.sum() ** 2 / c.sum(), np.linalg.cholesky(c), 0
    for _ in range(1000):
        hits += truth in mcdonald_omega(rng.normal(size=(250, 6)) @ root.T, interval=interval).ci
    assert 0.93 <= hits / 1000 <= 0.97


@pytest.mark.slow
def test_coverage_of_the_ordinal_interval() -> None:
    rng = np.random.default_rng(10)
    lam = np.array([0.7, 0.6, 0.8, 0.5])
    r = np.outer(lam, lam) + np.diag(1 - lam**2)
    cuts = np.tile([-1.0, 0.2, 1.1], 4)
    truth = ordinal_omega(lam, r, cuts, np.repeat(np.arange(4), 3))
    root, hits = np.linalg.cholesky(r), 0
    for _ in range(400):
        x = np.searchsorted(cuts[:3], rng.normal(size=(400, 4)) @ root.T).astype(float)
        hits += truth in mcdonald_omega(x, ordinal=True).ci
    assert 0.92 <= hits / 400 <= 0.98


def test_items_that_determine_each_other_are_named() -> None:
    data = survey(k=4, n=100)
    data["q4"] = (data["q1"] > 3).astype(float)
    data["q1"] = (data["q1"] > 3).astype(float)
    with pytest.raises(InputError, match="q1 and q4 determine each other"):
        mcdonald_omega(data, ordinal=True)


def test_ordinal_omega_with_gaps_uses_all_answers() -> None:
    data = survey(k=4, n=400, missing=0.05)
    pairwise = mcdonald_omega(data, ordinal=True, missing="pairwise")
    assert pairwise.n_respondents == 400
    assert pairwise.omega == pytest.approx(mcdonald_omega(data, ordinal=True).omega, abs=0.03)
    text = " ".join(mcdonald_omega(data, missing="pairwise", interval="robust").notes)
    assert "rests on the complete rows" in text


def two_factors(n: int = 400) -> pd.DataFrame:
    rng = np.random.default_rng(5)
    factors = np.repeat(rng.normal(size=(n, 2)), 4, axis=1)
    return pd.DataFrame(factors + rng.normal(size=(n, 8)), columns=list("abcdefgh"))


def test_a_misfit_of_one_factor_is_said() -> None:
    data = two_factors()
    found = mcdonald_omega(data)
    (note,) = (n for n in found.notes if "One factor fits badly" in n)
    fit = sem.cfa("one =~ " + " + ".join(data), data).fit_measures
    assert f"CFI {fit['cfi']:.3f}, RMSEA {fit['rmsea']:.3f}" in note
    assert not any("fits badly" in n for n in mcdonald_omega(data[list("abcd")]).notes)


def test_a_misfit_of_ordinal_items_is_said() -> None:
    data = two_factors().clip(-1.5, 1.5).round()
    assert any("SRMR" in n for n in mcdonald_omega(data, ordinal=True).notes)
    assert not any("SRMR" in n for n in mcdonald_omega(data[list("abcd")], ordinal=True).notes)
