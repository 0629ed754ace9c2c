"""Derivatives of ordinal moments against finite differences, with and without covariates."""

import numpy as np
import pandas as pd
import pytest

from cte_metrics import sem
from cte_metrics.sem.inference.standardized import standardize
from cte_metrics.sem.model.implied import evaluate
from cte_metrics.sem.model.moments import MomentGradient
from tests.reference_case import case

ITEMS = ["o1", "o2", "o3", "o4", "b1", "b2", "o5", "o6"]
MODELS = {
    "indicators": "f1 =~ o1 + o2 + o3 + y1\nf2 =~ b1 + b2 + o5 + o6",
    "covariates": "f1 =~ o1 + o2 + o3 + y1\nf2 =~ b1 + b2 + o5 + o6\nf1 ~ x1 + x2\nf2 ~ f1 + x1",
    "outcomes": "f1 =~ o1 + o2 + o3 + o4\no5 ~ f1\nb1 ~ o5\no6 ~ b1 + f1",
    "all": "f1 =~ o1 + o2 + o3 + o4\nf1 ~ x1\no5 ~ f1 + x2\ny1 ~ o5 + x1",
}


def fitted(model, parameterization, group=None):
    data = case("ordinal_models").data
    equal = ("loadings", "thresholds") if group else ()
    return sem.fit(
        MODELS[model],
        data,
        ordered=ITEMS,
        parameterization=parameterization,
        group=group,
        group_equal=equal,
    ).solution


@pytest.mark.parametrize("parameterization", ["delta", "theta"])
@pytest.mark.parametrize("model", list(MODELS))
def test_jacobian(model, parameterization):
    solution = fitted(model, parameterization)
    theta, step = solution.theta * 1.01 + 0.003, 1e-6

    def vector(at):
        return np.concatenate([s.vector for s in evaluate(solution.design, at)])

    numeric = np.empty((len(vector(theta)), len(theta)))
    for k in range(len(theta)):
        move = np.zeros_like(theta)
        move[k] = step
        numeric[:, k] = (vector(theta + move) - vector(theta - move)) / (2 * step)
    analytic = np.vstack([s.jacobian for s in evaluate(solution.design, theta)])
    np.testing.assert_allclose(analytic, numeric, atol=2e-8)


@pytest.mark.parametrize("parameterization", ["delta", "theta"])
@pytest.mark.parametrize("model", ["indicators", "covariates"])
def test_curvature(model, parameterization):
    """Second derivatives weighted by a vector; outcomes use Gauss-Newton steps instead."""
    solution = fitted(model, parameterization)
    theta, step = solution.theta * 1.01 + 0.003, 1e-5
    (state,) = evaluate(solution.design, theta)
    g = MomentGradient(vector=np.random.default_rng(1).normal(size=len(state.vector)))
    numeric = np.empty((len(theta),) * 2)
    for k in range(len(theta)):
        move = np.zeros_like(theta)
        move[k] = step
        up, down = (evaluate(solution.design, theta + s * move)[0].gradient(g) for s in (1, -1))
        numeric[k] = (up - down) / (2 * step)
    np.testing.assert_allclose(state.curvature(g), numeric, atol=5e-7)


@pytest.mark.parametrize("group", [None, "g"])
@pytest.mark.parametrize("model", ["outcomes", "all"])
def test_delta_and_theta_are_the_same_model_with_ordinal_outcomes(model, group):
    """lavaan does not converge here under delta; under theta it does, with these figures."""
    delta, theta = fitted(model, "delta", group), fitted(model, "theta", group)
    assert delta.chisq == pytest.approx(theta.chisq, rel=1e-7)
    assert delta.df == theta.df


def test_lavaans_figures_for_ordinal_outcomes():
    """lavaan 0.6-14 with parameterization = "theta"."""
    solution = fitted("outcomes", "delta")
    assert solution.chisq == pytest.approx(44.679, abs=5e-4)
    assert solution.tests["scaled.shifted"].statistic == pytest.approx(70.185, abs=5e-4)
    loadings = standardize(solution).values[[0, 4, 5, 6]]
    np.testing.assert_allclose(loadings, [0.799, 0.437, 0.655, 0.501], atol=5e-4)


@pytest.mark.parametrize("parameterization", ["delta", "theta"])
@pytest.mark.parametrize("model", list(MODELS))
def test_jacobian_of_the_standardized_solution(model, parameterization):
    solution = fitted(model, parameterization)
    found = standardize(solution)
    step = 1e-6
    numeric = np.zeros_like(found.jacobian)
    for k in range(len(solution.theta)):
        sides = [standardize(_moved(solution, k, sign * step)).values for sign in (1, -1)]
        numeric[:, k] = (sides[0] - sides[1]) / (2 * step)
    keep = np.isfinite(found.values)
    np.testing.assert_allclose(found.jacobian[keep], numeric[keep], atol=1e-6)


def _moved(solution, k, step):
    """The same solution at a neighbouring point."""
    from dataclasses import fields

    theta = solution.theta.copy()
    theta[k] += step
    given = {f.name: getattr(solution, f.name) for f in fields(solution)}
    return type(solution)(**(given | {"theta": theta, "states": evaluate(solution.design, theta)}))


def test_covariates_keep_their_sample_moments():
    data = case("ordinal_models").data
    fit = sem.fit(MODELS["covariates"], data, ordered=ITEMS)
    table = fit.parameters.set_index(["lhs", "op", "rhs"])
    assert table.loc[("x1", "~~", "x2"), "est"] == pytest.approx(data["x1"].cov(data["x2"]))
    assert table.loc[("x2", "~1", ""), "est"] == pytest.approx(data["x2"].mean())
    assert table.loc[("x1", "~~", "x1"), "se"] == 0.0


def test_shifting_and_scaling_a_covariate_changes_its_slope_only():
    data = case("ordinal_models").data
    one = sem.fit(MODELS["covariates"], data, ordered=ITEMS)
    two = sem.fit(MODELS["covariates"], data.assign(x1=10 * data["x1"] + 3), ordered=ITEMS)
    assert one.fit_measures["chisq"] == pytest.approx(two.fit_measures["chisq"], rel=1e-6)
    slopes = [f.parameters.query("op == '~' and rhs == 'x1'").est.to_numpy() for f in (one, two)]
    np.testing.assert_allclose(slopes[0], 10 * slopes[1], rtol=1e-5)
    std = [f.parameters.query("op == '~' and rhs == 'x1'").std_all.to_numpy() for f in (one, two)]
    np.testing.assert_allclose(std[0], std[1], rtol=1e-5)


def test_everything_after_the_fit_works_with_covariates():
    fit = sem.fit(MODELS["covariates"], case("ordinal_models").data, ordered=ITEMS)
    assert isinstance(fit.residuals(), dict)
    assert len(fit.modification_indices())
    assert len(fit.r_squared)
    assert isinstance(fit.implied, dict)
    assert isinstance(fit.factor_scores(), pd.DataFrame)
    fit.summary()


def test_factor_scores_given_covariates_equal_lavaan():
    """lavPredict of lavaan 0.6-14, first respondent; its own search stops at about 1e-4."""
    data = case("ordinal_models").data
    fit = sem.fit(MODELS["covariates"], data, ordered=ITEMS)
    np.testing.assert_allclose(fit.factor_scores().iloc[0], [1.17369, -0.30730], atol=2e-4)
    outcome = sem.fit("f1 =~ o1 + o2 + o3 + o4\nf1 ~ x1\no5 ~ f1 + x2", data, ordered=ITEMS)
    np.testing.assert_allclose(outcome.factor_scores().iloc[:2, 0], [1.37109, -0.87020], atol=2e-4)


def test_scores_with_a_mediating_outcome_are_refused():
    import cte_metrics as cte

    fit = sem.fit(MODELS["outcomes"], case("ordinal_models").data, ordered=ITEMS)
    with pytest.raises(cte.InputError, match="observed outcome 'o5' predicts"):
        fit.factor_scores()
