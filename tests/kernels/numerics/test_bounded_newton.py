"""Newton's method within bounds, from many starts: by hand."""

import numpy as np

from cte_metrics.kernels.numerics.bounded_newton import (
    Derivatives,
    minimise_within,
    newton_step,
)

WIDE = np.full(2, np.inf)


def bowl(centre, curvature):
    """0.5 sum c (x - centre)^2 with its derivatives."""

    def objective(x):
        gradient = curvature * (x - centre)
        value = 0.5 * (gradient * (x - centre)).sum(axis=1)
        return Derivatives(value, gradient, np.broadcast_to(np.diag(curvature), (len(x), 2, 2)))

    return objective


def test_a_bowl_takes_one_newton_step():
    function = bowl(np.array([1.0, -2.0]), np.array([3.0, 0.5]))
    (found,) = minimise_within(function, np.zeros((1, 2)), -WIDE, WIDE)
    np.testing.assert_allclose(found.x, [1.0, -2.0], rtol=1e-12)
    assert (found.converged, found.iterations) == (True, 1)


def test_the_search_goes_on_while_any_slope_is_left():
    function = bowl(np.array([0.0, 5.0]), np.ones(2))
    (found,) = minimise_within(function, np.zeros((1, 2)), -WIDE, WIDE)
    np.testing.assert_allclose(found.x, [0.0, 5.0], rtol=1e-12)


def test_a_bound_stops_one_variable_and_not_the_other():
    function = bowl(np.array([-3.0, 0.4]), np.ones(2))
    (found,) = minimise_within(function, np.full((1, 2), 0.9), np.zeros(2), np.ones(2))
    np.testing.assert_allclose(found.x, [0.0, 0.4], atol=1e-12)
    assert found.converged


def test_a_newton_step_goes_downhill_where_the_curvature_is_negative():
    # sizes of the curvatures by hand: -(1 / 1, 2 / |-2|)
    step = newton_step(np.diag([1.0, -2.0]), np.array([1.0, 2.0]))
    np.testing.assert_allclose(step, [-1.0, -1.0])
    np.testing.assert_allclose(newton_step(np.diag([4.0, 2.0]), np.array([1.0, 2.0])), [-0.25, -1])


def wells(x):
    """(x^2 - 1)^2 + 0.1 x in the first variable, a bowl in the second: minima near 1 and -1."""
    a, b = x[:, 0], x[:, 1]
    value = (a * a - 1.0) ** 2 + 0.1 * a + b * b
    gradient = np.stack([4.0 * a * (a * a - 1.0) + 0.1, 2.0 * b], axis=1)
    hessian = np.zeros((len(x), 2, 2))
    hessian[:, 0, 0], hessian[:, 1, 1] = 12.0 * a * a - 4.0, 2.0
    return Derivatives(value, gradient, hessian)


def test_every_minimum_is_returned_once():
    starts = np.stack([np.array([2.0, 1.4, 0.9, -0.7, -1.5, -2.0]), np.ones(6)], axis=1)
    found = minimise_within(wells, starts, -WIDE, WIDE)
    places = sorted(round(float(f.x[0]), 6) for f in found)
    # roots of 4 x^3 - 4 x + 0.1
    expected = sorted(r for r in np.roots([4.0, 0.0, -4.0, 0.1]) if abs(r) > 0.5)
    np.testing.assert_allclose(places, expected, atol=1e-6)
    assert all(f.converged for f in found)


def test_a_known_minimum_is_not_found_again():
    (first,) = minimise_within(wells, np.array([[2.0, 1.0]]), -WIDE, WIDE)
    rest = minimise_within(
        wells, np.array([[1.5, 0.0], [-1.5, 0.0]]), -WIDE, WIDE, known=first.x[None]
    )
    assert [round(float(f.x[0]), 2) for f in rest] == [-1.01]
