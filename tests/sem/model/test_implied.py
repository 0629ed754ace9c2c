"""Implied moments: by hand, and derivatives against finite differences."""

from __future__ import annotations

import numpy as np
import pytest

from cte_metrics.kernels.numerics.vech import vech
from cte_metrics.sem.estimators.least_squares import LeastSquares
from cte_metrics.sem.estimators.maximum_likelihood import MaximumLikelihood
from cte_metrics.sem.estimators.weights import DenseWeight
from cte_metrics.sem.model.design import build_design
from cte_metrics.sem.model.implied import evaluate, saturated_state
from cte_metrics.sem.model.moments import MomentGradient, Moments
from cte_metrics.sem.sample.moments import SampleStats, summarise
from cte_metrics.sem.search.minimise import Minimum, Problem, information
from cte_metrics.sem.table.table import TableOptions, build_table

FACTORS = "f1 =~ x1 + x2 + x3\nf2 =~ y1 + y2 + y3\n"
MODELS = {
    "second order, carried items, residual covariances": FACTORS
    + "f3 =~ f1 + f2 + x3\nf1 ~~ 0*f2\ny1 ~ z\nx1 ~~ y1\nx2 ~~ x3",
    "regressions among factors": FACTORS + "f2 ~ f1 + z\ny3 ~ x1",
    "a loop": "x1 ~ y1 + z\ny1 ~ x1 + w\nx1 ~~ y1",
}
THRESHOLDS = (("x1", 2), ("x2", 3), ("x3", 1), ("y1", 2))


def _theta(n: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=n) * 0.3 + 0.6


def _numeric(function, theta: np.ndarray, step: float = 1e-6) -> np.ndarray:
    columns = []
    for k in range(len(theta)):
        e = np.zeros(len(theta))
        e[k] = step
        columns.append((function(theta + e) - function(theta - e)) / (2 * step))
    return np.array(columns).T


def test_one_factor_by_hand() -> None:
    design = build_design(build_table("f =~ a + b + c", TableOptions(meanstructure=True)))
    # loadings 1, 2, 3; residuals 1, 1, 2; factor variance 4; intercepts 5, 6, 7
    (state,) = evaluate(design, np.array([2.0, 3.0, 1.0, 1.0, 2.0, 4.0, 5.0, 6.0, 7.0]))
    assert state.cov.tolist() == [[5.0, 8.0, 12.0], [8.0, 17.0, 24.0], [12.0, 24.0, 38.0]]
    assert state.mean is not None
    assert state.mean.tolist() == [5.0, 6.0, 7.0]


def test_a_chain_of_regressions_by_hand() -> None:
    design = build_design(build_table("m ~ x\ny ~ m", TableOptions(fixed_x=False)))
    # m = 2 x + e, y = 3 m + d, var x = 1, var e = 1, var d = 2
    (state,) = evaluate(design, np.array([2.0, 3.0, 1.0, 2.0, 1.0]))
    names = state.design.observed
    m, y, x = (names.index(v) for v in "myx")
    assert state.cov[m, m] == 5.0
    assert state.cov[y, y] == 47.0
    assert state.cov[x, y] == 6.0


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_derivatives_equal_finite_differences(model: str) -> None:
    design = build_design(build_table(model, TableOptions(meanstructure=True, fixed_x=False)))
    theta = _theta(design.n_free)
    (state,) = evaluate(design, theta)
    p = state.design.n_observed
    rng = np.random.default_rng(2)
    square = rng.normal(size=(p, p))
    g = MomentGradient(cov=square + square.T, mean=rng.normal(size=p))
    numeric = _numeric(lambda t: evaluate(design, t)[0].vector, theta)
    assert np.abs(numeric - state.jacobian).max() < 1e-7
    hessian = _numeric(lambda t: evaluate(design, t)[0].gradient(g), theta)
    assert np.abs(hessian - state.curvature(g)).max() < 1e-6 * np.abs(hessian).max()


@pytest.mark.parametrize("parameterization", ["delta", "theta"])
@pytest.mark.parametrize("block", [0, 1])
def test_ordinal_derivatives_equal_finite_differences(parameterization: str, block: int) -> None:
    options = TableOptions(
        meanstructure=True,
        n_groups=2,
        group_equal=("loadings", "thresholds"),
        n_thresholds=THRESHOLDS,
        parameterization=parameterization,
    )
    design = build_design(build_table(FACTORS + "f1 ~ f2\nx2 ~~ x3", options))
    theta = _theta(design.n_free) + 0.5
    state = evaluate(design, theta)[block]
    g = MomentGradient(vector=np.random.default_rng(3).normal(size=state.design.n_moments))
    numeric = _numeric(lambda t: evaluate(design, t)[block].vector, theta)
    assert np.abs(numeric - state.jacobian).max() < 1e-7
    hessian = _numeric(lambda t: evaluate(design, t)[block].gradient(g), theta)
    assert np.abs(hessian - state.curvature(g)).max() < 1e-6 * np.abs(hessian).max()


def _sample(names: tuple[str, ...], n: int = 150) -> SampleStats:
    rng = np.random.default_rng(4)
    common = rng.normal(size=(n, 1))
    values = common + rng.normal(size=(n, len(names))) + np.arange(len(names))
    return SampleStats((summarise("", names, values),), names)


@pytest.mark.parametrize("name", ["ML", "GLS", "ULS", "WLS", "DWLS"])
def test_gradient_and_hessian_of_every_discrepancy(name: str) -> None:
    table = build_table(FACTORS + "x2 ~~ x3", TableOptions(meanstructure=True))
    design = build_design(table)
    sample = _sample(design.blocks[0].observed)
    estimator = (
        MaximumLikelihood(sample, True) if name == "ML" else LeastSquares(sample, True, (), name)
    )
    problem = Problem(design, estimator)
    theta = np.where(np.arange(design.n_free) < 4, 0.8, 1.1)
    theta[[4, 13]] = 0.2  # covariances of residuals and of factors
    for k, mean in enumerate(sample.groups[0].mean):
        theta[design.n_free - 6 + k] = mean + 0.05 * k
    point = problem.point(theta)
    assert point is not None
    numeric = _numeric(lambda t: np.array([problem.value(t)]), theta)[0]
    assert np.abs(numeric - point.gradient).max() < 1e-6

    def gradient(t: np.ndarray) -> np.ndarray:
        found = problem.point(t)
        assert found is not None
        return found.gradient

    hessian = _numeric(gradient, theta)
    exact = information(point, estimator, "observed")
    share = 1.0 if name == "ML" else (sample.n_total - 1) / sample.n_total
    curved = point.states[0].curvature(point.evaluation.gradient()[0])
    assert np.abs(hessian - (share * (exact - curved) + curved)).max() < 1e-5


def test_expected_weight_is_the_kronecker_form() -> None:
    rng = np.random.default_rng(5)
    a = rng.normal(size=(4, 9))
    v = np.linalg.inv(a @ a.T)
    dense = saturated_state(4, False).normal_information(v)
    d = rng.normal(size=(4, 4))
    d = d + d.T
    # 1/2 tr(V d V d) is the quadratic form at vech(d)
    assert vech(d) @ dense @ vech(d) == pytest.approx(0.5 * np.trace(v @ d @ v @ d))


def test_normal_information_equals_its_dense_projection() -> None:
    table = build_table(FACTORS + "f2 ~ f1", TableOptions(meanstructure=True))
    design = build_design(table)
    sample = _sample(design.blocks[0].observed)
    estimator = MaximumLikelihood(sample, True)
    states = evaluate(design, _theta(design.n_free))
    point = estimator.at([s.moments for s in states])
    for kind in ("expected", "observed"):
        (weight,) = point.weight(kind)
        fast = weight.project(states)
        slow = DenseWeight(weight.dense()).project(states)
        assert np.allclose(fast, slow, rtol=1e-10, atol=1e-12)


def test_observed_information_equals_expected_at_the_saturated_moments() -> None:
    sample = _sample(tuple("abcd"))
    estimator = MaximumLikelihood(sample, True)
    (point,) = [estimator.at(estimator.start_moments())]
    (expected,), (observed,) = point.weight("expected"), point.weight("observed")
    assert np.allclose(expected.dense(), observed.dense())


def test_minimum_holds_what_information_needs() -> None:
    sample = _sample(tuple("abcd"))
    table = build_table("f =~ a + b + c + d")
    design = build_design(table)
    estimator = MaximumLikelihood(sample, False)
    states = evaluate(design, _theta(design.n_free))
    evaluation = estimator.at([Moments(s.cov) for s in states])
    found = Minimum(_theta(design.n_free), states, evaluation, True, 0, 0.0)
    matrix = information(found, estimator, "expected")
    assert matrix.shape == (8, 8)
    assert np.linalg.eigvalsh(matrix)[0] > 0
