"""Maximising many small functions side by side."""

import numpy as np

from cte_metrics.kernels.numerics.batched_newton import ascend, differences


def _quadratics(centres):
    """-1/2 |x - c|^2 and its gradient."""

    def evaluate(theta, rows):
        away = theta - centres[rows]
        return -0.5 * (away**2).sum(axis=1), -away

    return evaluate


def test_maximum_inside_and_on_the_bound():
    centres = np.array([[1.0, 2.0], [-3.0, 0.5]])
    free = np.ones((2, 2), dtype=bool)
    theta, converged = ascend(
        _quadratics(centres), np.zeros((2, 2)), free, np.array([-1.0, -1.0]), np.array([5.0, 5.0])
    )
    assert converged.all()
    np.testing.assert_allclose(theta, [[1.0, 2.0], [-1.0, 0.5]], atol=1e-6)


def test_parameters_that_are_not_free_keep_their_start():
    centres = np.array([[1.0, 2.0]])
    free = np.array([[True, False]])
    theta, _ = ascend(
        _quadratics(centres), np.array([[0.0, 7.0]]), free, np.full(2, -9.0), np.full(2, 9.0)
    )
    np.testing.assert_allclose(theta, [[1.0, 7.0]], atol=1e-6)


def test_leaves_a_region_of_wrong_curvature():
    def evaluate(theta, rows):
        x = theta[:, 0]
        return np.cos(x), -np.sin(x)[:, None]

    theta, converged = ascend(
        evaluate, np.array([[2.0]]), np.ones((1, 1), dtype=bool), np.full(1, -9.0), np.full(1, 9.0)
    )
    assert converged.all()
    np.testing.assert_allclose(np.cos(theta), 1.0, atol=1e-6)


def test_differences_of_a_known_gradient():
    hessian = differences(
        lambda x: np.stack((3.0 * x[:, 0] + x[:, 1], x[:, 0] - x[:, 1] ** 2), axis=1),
        np.array([[0.3, 2.0]]),
        np.ones((1, 2), dtype=bool),
    )
    np.testing.assert_allclose(hessian, [[[3.0, 1.0], [1.0, -4.0]]], atol=1e-8)
