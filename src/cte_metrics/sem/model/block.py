"""One block of a model at one parameter vector.

Every free parameter moves ``Sigma`` by ``s (u v' + v u')`` and ``mu`` by ``f u``, where u and v are
rows of ``W = [I; A'; C]`` (n_observed + 2 n_latent, n_observed), f an element of ``[1, 0, e]``.
Any trace over such products is read off ``W M W'``, so information matrices and Hessians cost
O(n_free^2) and no matrix of moment by moment size is formed.

What the estimator sees of a block depends on its kind (``MomentKind``: ``model.continuous``,
``model.ordinal``, ``model.ordinal_upper_level``), which ``model.implied`` hands to the state.

Classes: ``BlockState``, ``MomentKind``. Functions: ``row_derivatives``, ``by_vector``,
``in_matrices``, ``moment_curvature``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from cte_metrics.arrays import Array
from cte_metrics.kernels.numerics.vech import n_half, unvech
from cte_metrics.sem.model.design import MATRICES, BlockDesign, BlockMatrices
from cte_metrics.sem.model.moments import MomentGradient, Moments


@dataclass(frozen=True, slots=True)
class MomentKind:
    """How the moments of a kind of block follow from its mean and covariance matrix.

    Attributes
    ----------
    vector : function of a state
        The moment vector (n_moments,).
    jacobian : function of a state
        Its derivative by the block's own parameters (n_moments, n_own).
    curvature : function of a state and a gradient
        Its second derivative weighted by the gradient (n_own, n_own).
    by_vector : bool
        Whether estimators see the vector; otherwise mean and covariance matrix say all.
    """

    vector: Callable[[BlockState], Array]
    jacobian: Callable[[BlockState], Array]
    curvature: Callable[[BlockState, MomentGradient], Array]
    by_vector: bool = True


@dataclass(eq=False)
class BlockState:
    """One block at one parameter vector; heavier pieces are computed when first asked for.

    ``cov`` (p, p), ``mean`` (p,) or None, ``A`` (p, m), ``phi`` (m, m), ``C`` (m, p), ``inverse``
    (m, m) is ``(I - Beta)^-1``, ``eta`` (m,) is E(eta).

    Created by: ``cte_metrics.sem.model.implied.evaluate``.
    Consumed by: ``cte_metrics.sem.search.minimise.Problem``,
    ``cte_metrics.sem.inference.solved.Solved``.
    """

    design: BlockDesign
    kind: MomentKind
    n_free: int
    matrices: BlockMatrices
    inverse: Array
    A: Array
    phi: Array
    C: Array
    eta: Array
    cov: Array
    mean: Array | None

    @cached_property
    def moments(self) -> Moments:
        """The implied moments, as the estimator sees them."""
        return Moments(self.cov, self.mean, self.vector if self.kind.by_vector else None)

    @cached_property
    def vector(self) -> Array:
        """The moment vector (n_moments,)."""
        return self.kind.vector(self)

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
        return self.kind.jacobian(self)

    @cached_property
    def jacobian(self) -> Array:
        """Derivative of the moment vector by all parameters of the model (n_moments, n_free)."""
        out = np.zeros((self.design.n_moments, self.n_free))
        np.add.at(out.T, self.design.free, self.own_jacobian.T)
        return out

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
        return self.spread(self.kind.curvature(self, g))


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


def by_vector(g: MomentGradient) -> Array:
    """The gradient by a moment vector; blocks that are seen by their vector have no other."""
    assert g.vector is not None  # the estimator gives what it is shown
    return g.vector


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
