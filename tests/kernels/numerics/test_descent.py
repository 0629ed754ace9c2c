"""Newton's method: minima by hand, saddles, steps that must be cut."""

import numpy as np
import pytest

from cte_metrics.kernels.numerics.descent import descend, differenced


def test_a_quadratic_takes_one_step():
    h, b = np.array([[2.0, 0.5], [0.5, 1.0]]), np.array([0.3, -0.2])
    seen = []

    def objective(x):
        seen.append(x)
        return float(0.5 * x @ h @ x - b @ x), h @ x - b

    found = descend(objective, lambda x: h, np.zeros(2))
    np.testing.assert_allclose(found, np.linalg.solve(h, b), atol=1e-12)
    assert len(seen) == 2


def test_a_saddle_is_left_downhill():
    """x^4 - x^2 + y^2 from near its saddle: minima at x = +-1 / sqrt(2)."""

    def objective(p):
        x, y = p
        return x**4 - x**2 + y**2, np.array([4 * x**3 - 2 * x, 2 * y])

    def hessian(p):
        return np.diag([12 * p[0] ** 2 - 2, 2.0])

    found = descend(objective, hessian, np.array([1e-3, 1.0]))
    np.testing.assert_allclose(found, [np.sqrt(0.5), 0], atol=1e-9)


def test_steps_are_cut_where_the_function_rises_or_is_no_number():
    """log(x) + 1/x has its minimum 1 at x = 1; beyond 2 its curvature is negative."""

    def objective(p):
        x = p[0]
        if x <= 0:
            raise np.linalg.LinAlgError("outside")
        return np.log(x) + 1 / x, np.array([1 / x - 1 / x**2])

    def hessian(p):
        return np.array([[-1 / p[0] ** 2 + 2 / p[0] ** 3]])

    for start in (0.05, 1.9, 30.0):
        assert descend(objective, hessian, np.array([start]))[0] == pytest.approx(1, abs=1e-8)


def test_nothing_to_move_is_returned():
    assert len(descend(lambda p: (0.0, p), lambda p: np.empty((0, 0)), np.empty(0))) == 0


def test_differences_of_a_quadratic_are_exact():
    h = np.array([[2.0, 1.0], [1.0, 3.0]])
    np.testing.assert_allclose(differenced(lambda x: h @ x, np.array([0.2, 5.0])), h, atol=1e-10)
