"""block."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from cte_metrics.kernels.numerics.vech import n_half, unvech, vech, vech_index
from cte_metrics.sem.model.design import MATRICES, BlockDesign, BlockMatrices
from cte_metrics.sem.model.moments import Array, MomentGradient, Moments


@dataclass(eq=False)
class BlockState:
    """One block at one parameter vector; heavier pieces are computed when first asked for.

    ``cov`` (p, p), ``mean`` (p,) or None, ``A`` (p, m), ``phi`` (m, m), ``C`` (m, p), ``inverse``
    (m, m) is ``(I - Beta)^-1``, ``eta`` (m,) is E(eta).
    """

    design: BlockDesign
    n_free: int
    matrices: BlockMatrices
    inverse: Array
    A: Array
    phi: Array
    C: Array
    eta: Array
    cov: Array
    mean: Array | None
    _cache: dict[str, Array] = field(default_factory=dict)

    @cached_property
    def moments(self) -> Moments:
        """The implied moments, as the estimator sees them."""
        if self.design.ordinal.any():
            from cte_metrics.sem.model.ordinal import ordinal_vector

            return Moments(self.cov, self.mean, ordinal_vector(self))
        if self.design.cut_above:
            from cte_metrics.sem.model.ordinal_upper_level import upper_vector

            return Moments(self.cov, self.mean, upper_vector(self))
        return Moments(self.cov, self.mean)

    @cached_property
    def rows(self) -> Array:
        """``W = [I; A'; C]`` (p + 2 m, p)."""
        return np.concatenate((np.eye(self.design.n_observed), self.A.T, self.C))

    @cached_property
    def u(self) -> Array:
        """First row vector of each free parameter (n_own, p)."""
        return self.rows[self.design.u]

    @cached_property
    def v(self) -> Array:
        """Second row vector of each free parameter (n_own, p)."""
        return self.rows[self.design.v]

    @cached_property
    def factor(self) -> Array:
        """Multiplier of ``u`` in the derivative of the mean (n_own,)."""
        return np.concatenate(((1.0, 0.0), self.eta))[self.design.mean]

    @cached_property
    def own_jacobian(self) -> Array:
        """Derivative of the moment vector by this block's parameters (n_moments, n_own)."""
        if self.design.ordinal.any():
            from cte_metrics.sem.model.ordinal import ordinal_jacobian

            return ordinal_jacobian(self)
        if self.design.cut_above:
            from cte_metrics.sem.model.ordinal_upper_level import upper_jacobian

            return upper_jacobian(self)
        i, j = vech_index(self.design.n_observed)
        u, v = self.u, self.v
        cov = (u[:, i] * v[:, j] + v[:, i] * u[:, j]) * self.design.scale[:, None]
        if not self.design.has_means:
            return cov.T
        return np.concatenate((self.factor[:, None] * u, cov), axis=1).T

    @cached_property
    def jacobian(self) -> Array:
        """Derivative of the moment vector by all parameters of the model (n_moments, n_free)."""
        out = np.zeros((self.design.n_moments, self.n_free))
        np.add.at(out.T, self.design.free, self.own_jacobian.T)
        return out

    @cached_property
    def vector(self) -> Array:
        """The moment vector (n_moments,)."""
        ordinal = self.moments.vector
        if ordinal is not None:
            return ordinal
        if self.mean is None or not self.design.has_means:
            return vech(self.cov)
        return np.concatenate((self.mean, vech(self.cov)))

    def spread(self, own: Array) -> Array:
        """Place a vector or matrix over own parameters into one over all of them."""
        free = self.design.free
        n = self.n_free
        if own.ndim == 1:
            return np.bincount(free, own, minlength=n).astype(np.float64, copy=False)
        if len(free) == n and (free == np.arange(n)).all():
            return own
        flat = (free[:, None] * n + free).ravel()
        square = np.bincount(flat, own.ravel(), minlength=n * n).astype(np.float64, copy=False)
        return square.reshape(n, n)

    def gradient(self, g: MomentGradient) -> Array:
        """Carry a gradient by moments to the parameters (n_free,)."""
        if g.vector is not None:
            return self.spread(self.own_jacobian.T @ g.vector)
        own = np.zeros(len(self.design.free))
        if g.cov is not None:
            own += 2.0 * self.design.scale * np.einsum("ij,ij->i", self.u @ g.cov, self.v)
        if g.mean is not None and self.design.has_means:
            own += self.factor * (self.u @ g.mean)
        return self.spread(own)

    def normal_information(
        self, inverse: Array, second: Array | None = None, residual: Array | None = None
    ) -> Array:
        """Normal-theory information of one observation (n_free, n_free).

        Expected: ``f f' (u V u') + 1/2 tr(V dr V ds)``. With ``second = V T V`` and
        ``residual = V d`` the exact second derivative at the sample (curvature of the moments
        apart): ``tr(V dr V ds V T) - 1/2 tr(V dr V ds)`` and the mean-covariance terms.
        """
        u, v, s = self.u, self.v, self.design.scale
        euu, euv, evv = _forms(u, v, inverse)
        own = s[:, None] * s * (euv * euv.T + euu * evv)
        means = self.design.has_means
        if second is not None:
            quu, quv, qvv = _forms(u, v, second)
            cross = euv * quv.T + euv.T * quv + euu * qvv + evv * quu
            own = s[:, None] * s * cross - own
        if means:
            f = self.factor
            own = own + f[:, None] * f * euu
            if residual is not None:
                ru, rv = u @ residual, v @ residual
                mixed = s[:, None] * (euu * rv[:, None] + euv.T * ru[:, None]) * f
                own = own + mixed + mixed.T
        return self.spread(own)

    def curvature(self, g: MomentGradient) -> Array:
        """Second derivative of the moments weighted by a gradient, ``sum_k g_k d2 sigma_k``."""
        if g.vector is not None and self.design.ordinal.any():
            from cte_metrics.sem.model.ordinal import ordinal_curvature

            return self.spread(ordinal_curvature(self, g.vector))
        if g.vector is not None and self.design.cut_above:
            from cte_metrics.sem.model.ordinal_upper_level import upper_curvature

            return self.spread(upper_curvature(self, g.vector))
        return self.spread(moment_curvature(self, in_matrices(g, self.design.n_observed)))


def _forms(u: Array, v: Array, m: Array) -> tuple[Array, Array, Array]:
    """``u m u'``, ``u m v'``, ``v m v'`` for symmetric m."""
    um = u @ m
    return um @ u.T, um @ v.T, (v @ m) @ v.T


def row_derivatives(state: BlockState) -> tuple[Array, Array]:
    """Coefficients of ``dW_row / dtheta_s = a[row, s] u_s + b[row, s] v_s``, both (p + 2 m, q)."""
    d = state.design
    p, m = d.n_observed, d.n_latent
    kind, q = d.matrix, len(d.free)
    a, b = np.zeros((p + 2 * m, q)), np.zeros((p + 2 * m, q))
    load, reg, cov = (kind == MATRICES.index(k) for k in ("lambda", "beta", "psi"))
    path = load | reg
    a[p : p + m, path] = state.inverse[d.column[path]].T
    a[p + m :, path] = state.phi[:, d.column[path]]
    b[p + m :, reg] = state.inverse[:, d.row[reg]]
    a[p + m :, cov] = d.scale[cov] * state.inverse[:, d.column[cov]]
    b[p + m :, cov] = d.scale[cov] * state.inverse[:, d.row[cov]]
    return a, b


def in_matrices(g: MomentGradient, p: int) -> MomentGradient:
    """A gradient by ``[mean, vech(Sigma)]`` in matrix form."""
    if g.vector is None:
        return g
    half = n_half(p)
    cov = 0.5 * unvech(g.vector[-half:], p)
    cov[np.diag_indices(p)] *= 2.0
    return MomentGradient(cov, g.vector[:-half] if len(g.vector) > half else None)


def moment_curvature(state: BlockState, g: MomentGradient) -> Array:
    """Second derivative of mean and covariance weighted by a gradient (n_own, n_own)."""
    d = state.design
    m = d.n_latent
    a, b = row_derivatives(state)
    au, av, bu, bv = a[d.u], a[d.v], b[d.u], b[d.v]
    own = np.zeros((len(d.free), len(d.free)))
    if g.cov is not None:
        puu, puv, pvv = _forms(state.u, state.v, g.cov)
        own += (2.0 * d.scale)[:, None] * (au * puv.T + bu * pvv + av * puu + bv * puv)
    if g.mean is not None and d.has_means:
        gu = state.u @ g.mean
        eta_derivative = np.zeros((m + 2, len(d.free)))
        alpha = d.matrix == MATRICES.index("alpha")
        beta = d.matrix == MATRICES.index("beta")
        eta_derivative[2:, alpha] = state.inverse[:, d.row[alpha]]
        eta_derivative[2:, beta] = state.inverse[:, d.row[beta]] * state.eta[d.column[beta]]
        own += eta_derivative[d.mean] * gu[:, None]
        own += state.factor[:, None] * (au * gu)
    return own
