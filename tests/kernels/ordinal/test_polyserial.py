"""Polyserial and product-moment likelihoods: derivatives, starts near the end, few steps."""

from __future__ import annotations

import numpy as np
import pytest

from cte_metrics.kernels.ordinal import polyserial as ps

CUTS = np.array([[-0.9, 0.3, 1.1], [-0.2, 0.8, np.inf]])


def pairs(rho=(0.6, -0.35), n=4000, seed=1):
    """Standardised values (2, n) and categories of variables that correlate ``rho`` with them."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(2, n))
    r = np.array(rho)[:, None]
    latent = r * z + np.sqrt(1 - r**2) * rng.normal(size=(2, n))
    codes = np.array([np.digitize(y, c[np.isfinite(c)]) for y, c in zip(latent, CUTS, strict=True)])
    z = (z - z.mean(axis=1, keepdims=True)) / z.std(axis=1, keepdims=True)
    return z, codes


def test_slopes_are_those_of_the_log_likelihood():
    z, codes = pairs(n=40)
    upper, lower = ps.edges(CUTS, codes)
    rho, h = np.array([0.45, -0.7]), 1e-6

    def log(at):
        from scipy.special import ndtr

        s = np.sqrt(1 - at**2)[:, None]
        return np.log(ndtr((upper - at[:, None] * z) / s) - ndtr((lower - at[:, None] * z) / s))

    first, second = ps._likelihood_slopes(z, upper, lower, rho)
    np.testing.assert_allclose(first, (log(rho + h) - log(rho - h)) / (2 * h), atol=1e-6)
    above, below = (ps._likelihood_slopes(z, upper, lower, rho + d)[0] for d in (h, -h))
    np.testing.assert_allclose(second, (above - below) / (2 * h), atol=1e-4)


def test_the_start_is_near_and_newton_needs_few_steps():
    z, codes = pairs()
    start = ps.start_polyserial(z, codes, CUTS)
    found = ps.fit_polyserial(z, ps.edges(CUTS, codes), start)
    np.testing.assert_allclose(found.at, [0.6, -0.35], atol=0.05)
    np.testing.assert_allclose(start, found.at, atol=0.03)
    assert found.converged.all()
    assert 2 <= found.n_steps <= 5


def test_blocks_of_rows_add_up(monkeypatch):
    z, codes = pairs(n=300)
    bounds, start = ps.edges(CUTS, codes), ps.start_polyserial(z, codes, CUTS)
    whole = ps.fit_polyserial(z, bounds, start)
    monkeypatch.setattr(ps, "_CELLS_PER_BLOCK", 70)
    parts = ps.fit_polyserial(z, bounds, start)
    np.testing.assert_allclose(parts.at, whole.at, atol=1e-10)
    assert parts.n_steps == whole.n_steps


def test_two_numeric_variables_have_the_root_of_their_cubic_in_few_steps():
    z, _ = pairs(n=60)
    y = 0.7 * z + np.sqrt(0.51) * pairs(n=60, seed=2)[0]
    found = ps.fit_numeric(z, y)
    for k in range(2):
        c, q = (z[k] * y[k]).mean(), (z[k] ** 2 + y[k] ** 2).mean()
        # (1 - r^2) r + c (1 + r^2) - q r = 0
        roots = np.roots([-1.0, c, 1.0 - q, c])
        real = roots[np.abs(roots.imag) < 1e-9].real
        assert found.at[k] == pytest.approx(real[np.abs(real) < 1][0], abs=1e-8)
    assert 2 <= found.n_steps <= 6
