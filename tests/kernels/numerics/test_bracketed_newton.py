"""Safeguarded Newton steps on functions whose maxima are known."""

import numpy as np

from cte_metrics.kernels.numerics.bracketed_newton import bracketed_newton


def test_parabolas_in_two_steps():
    top = np.array([-0.4, 0.0, 0.7])
    found = bracketed_newton(
        lambda which, x: (2 * (top[which] - x), np.full(len(x), -2.0)), np.zeros(3), 0.999
    )
    np.testing.assert_allclose(found.at, top, atol=1e-12)
    assert found.converged.all()
    assert not found.at_limit.any()
    assert found.n_steps <= 2


def test_a_rising_function_ends_at_its_limit():
    found = bracketed_newton(
        lambda which, x: (np.array([1.0, -1.0])[which], np.zeros(len(x))), np.zeros(2), 0.9
    )
    assert found.at.tolist() == [0.9, -0.9]
    assert found.at_limit.all()


def test_an_inner_maximum_is_not_jumped_over():
    """The score has its root at 0.5 and turns positive again beyond 0.8."""

    def score(which, x):
        return (0.5 - x) * (0.8 - x), 2 * x - 1.3

    found = bracketed_newton(score, np.array([0.45]), 0.999)
    np.testing.assert_allclose(found.at, 0.5, atol=1e-12)


def test_wrong_curvature_falls_back_to_bisection():
    found = bracketed_newton(
        lambda which, x: (-np.sign(x - 0.3) * np.abs(x - 0.3), np.ones(len(x))),
        np.array([-0.6]),
        0.999,
    )
    np.testing.assert_allclose(found.at, 0.3, atol=1e-8)
