"""Bivariate normal probabilities against closed forms and against each other."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, special

from cte_metrics.kernels.numerics.bivariate_normal import (
    cell_probabilities,
    cell_slopes,
    density,
    density_slope,
    distribution,
    edge_slopes,
)

cuts = st.floats(-5.0, 5.0)
correlations = st.floats(-0.9999, 0.9999)


def at(h, k, rho):
    return float(distribution(np.asarray(h), np.asarray(k), np.asarray(rho)))


@pytest.mark.parametrize("rho", [-1.0, -0.9999999, -0.7, 0.0, 0.3, 0.99, 1.0 - 1e-12, 1.0])
def test_orthant_is_arcsine(rho):
    assert at(0.0, 0.0, rho) == pytest.approx(0.25 + np.arcsin(rho) / (2 * np.pi), abs=1e-15)


@pytest.mark.parametrize("h", [-3.0, -0.4, 0.0, 1e-12, 2.2])
def test_limits_in_rho(h):
    k = 0.7
    below_h, below_k = special.ndtr(h), special.ndtr(k)
    assert at(h, k, 0.0) == pytest.approx(below_h * below_k, abs=1e-15)
    assert at(h, k, 1.0) == pytest.approx(min(below_h, below_k), abs=1e-15)
    assert at(h, k, -1.0) == pytest.approx(max(below_h + below_k - 1.0, 0.0), abs=1e-15)


def test_limits_in_the_cut_points():
    assert at(np.inf, 0.3, 0.6) == pytest.approx(special.ndtr(0.3), abs=1e-15)
    assert at(-np.inf, 0.3, 0.6) == pytest.approx(0.0, abs=1e-15)
    assert at(np.inf, np.inf, -0.6) == pytest.approx(1.0, abs=1e-15)


@pytest.mark.parametrize("rho", [-0.99, -0.5, 0.2, 0.9, 0.95])
@pytest.mark.parametrize(("h", "k"), [(0.5, 0.5), (-1.2, 2.0), (2.5, 2.4), (0.0, -1.0)])
def test_equals_plackett_integral(h, k, rho):
    def slope(r):
        return float(density(np.asarray(h), np.asarray(k), np.asarray(r)))

    moved, _ = integrate.quad(slope, 0.0, rho, epsabs=1e-13, epsrel=1e-12, limit=200)
    expected = special.ndtr(h) * special.ndtr(k) + moved
    assert at(h, k, rho) == pytest.approx(expected, abs=1e-11)


@given(h=cuts, k=cuts, rho=correlations)
def test_symmetries(h, k, rho):
    p = at(h, k, rho)
    assert p == pytest.approx(at(k, h, rho), abs=1e-14)
    assert p + at(h, -k, -rho) == pytest.approx(special.ndtr(h), abs=1e-13)


@settings(max_examples=50)
@given(
    rows=st.lists(cuts, min_size=1, max_size=5),
    columns=st.lists(cuts, min_size=1, max_size=5),
    rho=correlations,
)
def test_cells_sum_to_margins(rows, columns, rho):
    a, b = np.sort(rows)[None], np.sort(columns)[None]
    cells = cell_probabilities(a, b, np.array([rho]))
    assert cells.min() > -1e-14
    margin = np.diff(special.ndtr(np.concatenate([[-np.inf], a[0], [np.inf]])))
    np.testing.assert_allclose(cells[0].sum(axis=1), margin, atol=1e-13)


def test_cut_points_next_to_zero():
    """Smaller than the smallest normal number: the orthant's probability, not an underflow."""
    orthant = 0.25 + np.arcsin(0.5) / (2 * np.pi)
    assert at(0.0, 5e-324, 0.5) == pytest.approx(orthant, abs=1e-15)
    assert at(-1e-300, 1e-200, 0.5) == pytest.approx(orthant, abs=1e-15)
    assert at(1e-100, -3e-120, 0.5) == pytest.approx(orthant, abs=1e-15)


def test_padding_gives_empty_cells():
    padded = cell_probabilities(np.array([[-0.3, np.inf]]), np.array([[0.1, 0.9]]), np.array([0.4]))
    plain = cell_probabilities(np.array([[-0.3]]), np.array([[0.1, 0.9]]), np.array([0.4]))
    np.testing.assert_allclose(padded[:, :2], plain, atol=1e-15)
    np.testing.assert_allclose(padded[:, 2], 0.0, atol=1e-15)


def test_slopes_equal_finite_differences():
    a, b, rho = np.array([[-1.0, 0.2]]), np.array([[-0.5, 0.4, 1.3]]), np.array([0.6])
    step = 1e-5

    def cells(da=0.0, db=0.0, dr=0.0, at=(0, 0)):
        x, y = a.copy(), b.copy()
        x[0, at[0]] += da
        y[0, at[1]] += db
        return cell_probabilities(x, y, rho + dr)

    first, second = cell_slopes(a, b, rho)
    rise = (cells(dr=step) - cells(dr=-step)) / (2 * step)
    np.testing.assert_allclose(first, rise, atol=1e-9)
    lift = (cell_slopes(a, b, rho + step)[0] - cell_slopes(a, b, rho - step)[0]) / (2 * step)
    np.testing.assert_allclose(second, lift, atol=1e-8)
    gain = (cells(da=step, at=(1, 0)) - cells(da=-step, at=(1, 0)))[0] / (2 * step)
    edge = edge_slopes(a, b, rho)[0, 1]
    np.testing.assert_allclose(gain[1], edge, atol=1e-9)
    np.testing.assert_allclose(gain[2], -edge, atol=1e-9)


def test_density_slope_is_the_logarithmic_derivative():
    h, k, rho, step = np.array(0.7), np.array(-1.1), np.array(0.35), 1e-6
    rise = (np.log(density(h, k, rho + step)) - np.log(density(h, k, rho - step))) / (2 * step)
    assert float(density_slope(h, k, rho)) == pytest.approx(float(rise), abs=1e-8)


def test_edges_at_perfect_correlation_are_half_the_density():
    edge = edge_slopes(np.array([[0.3]]), np.array([[0.3]]), np.array([1.0]))
    np.testing.assert_allclose(edge, np.exp(-0.045) / np.sqrt(2 * np.pi) / 2)
