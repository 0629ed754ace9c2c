"""Linear mixed models with one grouping factor, from summaries per group.

y = X beta + Z_j b_j + e in group j; b_j ~ N(0, sigma2 D), D = Lambda Lambda', e ~ N(0, sigma2).
With V_j = I + Z_j D Z_j' the profiled deviance is

    d(Lambda) = sum log|V_j| + [log|X'V^-1 X|] + nu (1 + log(2 pi r2 / nu)),

r2 the generalised residual sum of squares and nu = N - p with the bracket (REML) or N without
(ML). By the Woodbury identity everything is a function of [X y]'[X y], Z_j'Z_j and Z_j'[X y]: rows
are read once. The gradient is analytic: with A_j = Z_j'V_j^-1 Z_j, B_j = Z_j'V_j^-1 X,
c_j = Z_j'V_j^-1 (y - X beta) and P = (X'V^-1 X)^-1,

    dd/dLambda = 2 G Lambda,  G = sum A_j - [sum B_j P B_j'] - (nu / r2) sum c_j c_j'.

With a random intercept alone, groups of one size are added up beforehand, so that an evaluation
costs as much as there are distinct sizes.

References
----------
Bates, D., Maechler, M., Bolker, B., & Walker, S. (2015). Fitting linear mixed-effects models using
    lme4. Journal of Statistical Software, 67(1), 1-48.
Lindstrom, M. J., & Bates, D. M. (1988). Newton-Raphson and EM algorithms for linear mixed-effects
    models. Journal of the American Statistical Association, 83, 1014-1022.

Functions: ``summarise, without_column, evaluate, fit, by_maximum_likelihood, finish,
lower_pattern, random_effects, deviance_given_sigma, differenced``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from scipy import linalg, optimize

from cte_metrics.arrays import Array, Flags, Integers

SINGULAR_BELOW = 1e-4  # relative standard deviations below this count as zero, as in lme4


@dataclass(frozen=True, slots=True)
class MixedSummary:
    """Cross-products that determine the fit.

    total: (p+1, p+1) [X y]'[X y]; zz: (J, q, q); zw: (J, q, p+1) Z'[X y].
    sizes, weight: (U,) distinct group sizes and groups of each; pooled: (U, p+1, p+1) sums of zw'zw
    over groups of a size; within: (p+1, p+1) cross-products about group means. These four only for
    a random intercept alone (q = 1), else None.
    shift: (p,) coefficients already taken out of y.
    """

    total: Array
    zz: Array
    zw: Array
    n_rows: int
    shift: Array
    sizes: Array | None = None
    weight: Array | None = None
    pooled: Array | None = None
    within: Array | None = None

    @property
    def n_fixed(self) -> int:
        """p, the number of fixed coefficients."""
        return len(self.total) - 1

    @property
    def n_random(self) -> int:
        """q, the number of random coefficients per group."""
        return self.zz.shape[1]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The model at one Lambda.

    log_det: sum log|V_j|; log_fixed: log|X'V^-1X|; r2; beta: (p,) (about ``shift``); inverse:
    (p, p) P; a: (q, q) sum A_j; b: (q, q, p, p) sum of B_j (x) B_j; c: (q, q) sum c_j c_j'.
    """

    log_det: float
    log_fixed: float
    r2: float
    beta: Array
    inverse: Array
    a: Array
    b: Array
    c: Array


@dataclass(frozen=True, slots=True)
class MixedFit:
    """lam: (q, q) relative factor; beta: (p,); covariance: (p, p); sigma2; deviance; gradient."""

    lam: Array
    beta: Array
    covariance: Array
    sigma2: float
    deviance: float
    gradient_norm: float
    converged: bool
    singular: bool
    reml: bool
    pattern: Flags

    @property
    def random_covariance(self) -> Array:
        """(q, q) covariance matrix of the random effects."""
        return self.sigma2 * (self.lam @ self.lam.T)

    @property
    def correlated(self) -> bool:
        """Whether random effects may be correlated (one of them alone counts as such)."""
        return bool(self.pattern.sum() > len(self.pattern)) or len(self.pattern) == 1


def summarise(x: Array, y: Array, z: Array, codes: Integers, n_groups: int) -> MixedSummary:
    """Read the rows once; x: (N, p), y: (N,), z: (N, q) with a first column of ones.

    Least-squares coefficients are taken out of y first, so that the residual sum of squares does
    not suffer from cancellation.
    """
    shift = linalg.lstsq(x.T @ x, x.T @ y)[0]
    w = np.column_stack([x, y - x @ shift])
    q = z.shape[1]
    zz = np.empty((n_groups, q, q))
    zw = np.empty((n_groups, q, w.shape[1]))
    for a in range(q):
        for b in range(a + 1):
            zz[:, a, b] = zz[:, b, a] = np.bincount(codes, z[:, a] * z[:, b], n_groups)
        for b in range(w.shape[1]):
            zw[:, a, b] = np.bincount(codes, w[:, b] * z[:, a] if a else w[:, b], n_groups)
    out = MixedSummary(w.T @ w, zz, zw, len(y), shift)
    return _pool_sizes(out) if q == 1 else out


def _pool_sizes(data: MixedSummary) -> MixedSummary:
    sizes, where, weight = np.unique(data.zz[:, 0, 0], return_inverse=True, return_counts=True)
    order = np.argsort(where, kind="stable")
    sums = data.zw[order, 0, :]
    start = np.concatenate([[0], np.cumsum(weight)])
    pooled = np.array([sums[i:j].T @ sums[i:j] for i, j in pairwise(start)])
    within = data.total - np.einsum("u,uxy->xy", 1 / sizes, pooled)
    return replace(
        data, sizes=sizes, weight=weight.astype(np.float64), pooled=pooled, within=within
    )


def without_column(data: MixedSummary, column: int, value: float) -> MixedSummary:
    """Fix one coefficient: y loses ``value`` times the column, and X loses the column."""
    p = data.n_fixed
    keep = [k for k in range(p + 1) if k != column]
    change = np.eye(p + 1)[:, keep]
    change[column, -1] = -(value - data.shift[column])
    pooled = None if data.pooled is None else change.T @ data.pooled @ change
    within = None if data.within is None else change.T @ data.within @ change
    return replace(
        data, total=change.T @ data.total @ change, zw=data.zw @ change, pooled=pooled,
        within=within, shift=np.delete(data.shift, column),
    )  # fmt: skip


def lower_pattern(n_random: int, correlated: bool) -> Flags:
    """Free elements of Lambda: its lower triangle, or only its diagonal."""
    full = np.tril(np.ones((n_random, n_random), dtype=bool))
    return full if correlated else np.eye(n_random, dtype=bool)


def _solve(factor: Array, right: Array) -> Array:
    """Solve by a lower Cholesky factor; where no fixed effect is left there is nothing to do."""
    return np.asarray(linalg.cho_solve((factor, True), right)) if len(right) else right


def evaluate(data: MixedSummary, lam: Array) -> Evaluation:
    """Everything the deviance and its gradient need at one Lambda."""
    cross, log_det, a, bb = (
        _pooled_terms(data, lam) if data.sizes is not None else _terms(data, lam)
    )
    p = data.n_fixed
    factor = linalg.cholesky(cross[:p, :p], lower=True)
    inverse = _solve(factor, np.eye(p))
    beta = _solve(factor, cross[:p, p])
    r2 = float(cross[p, p] - beta @ cross[:p, p])
    contrast = np.append(-beta, 1.0)
    c = np.einsum("abxy,x,y->ab", bb, contrast, contrast)
    log_fixed = 2 * float(np.log(np.diag(factor)).sum())
    return Evaluation(log_det, log_fixed, r2, beta, inverse, a, bb[:, :, :p, :p], c)


def _pooled_terms(data: MixedSummary, lam: Array) -> tuple[Array, float, Array, Array]:
    """Cross-products for a random intercept: scalars per group size."""
    sizes, weight, pooled = (np.asarray(v) for v in (data.sizes, data.weight, data.pooled))
    ratio = float(lam[0, 0]) ** 2
    inflation = 1 + ratio * sizes
    cross = data.within + np.einsum("u,uxy->xy", 1 / (sizes * inflation), pooled)
    bb = np.einsum("u,uxy->xy", inflation**-2, pooled)
    a = np.array([[float(weight @ (sizes / inflation))]])
    return cross, float(weight @ np.log(inflation)), a, bb[None, None]


def _terms(data: MixedSummary, lam: Array) -> tuple[Array, float, Array, Array]:
    """[X y]'V^-1[X y], sum log|V|, sum A, sum B (x) B with slopes: batches of small matrices."""
    q, m = data.n_random, len(data.total)
    inner = lam.T @ data.zz @ lam
    inner[:, range(q), range(q)] += 1
    inverse, log_det = _small_inverse(inner)
    middle = lam @ inverse @ lam.T
    cut = data.zz @ middle
    b = data.zw - cut @ data.zw
    a = (data.zz - cut @ data.zz).sum(axis=0)
    flat = b.reshape(len(b), q * m)
    bb = (flat.T @ flat).reshape(q, m, q, m).transpose(0, 2, 1, 3)
    solved = (middle @ data.zw).reshape(-1, m)
    cross = data.total - data.zw.reshape(-1, m).T @ solved
    return 0.5 * (cross + cross.T), float(log_det.sum()), a, bb


def _small_inverse(matrix: Array) -> tuple[Array, Array]:
    """Inverse and log determinant of (J, q, q) positive definite matrices."""
    if matrix.shape[1] > 2:
        return np.asarray(np.linalg.inv(matrix)), np.asarray(np.linalg.slogdet(matrix)[1])
    a, b, d = matrix[:, 0, 0], matrix[:, 0, 1], matrix[:, 1, 1]
    det = a * d - b * b
    out = np.empty_like(matrix)
    out[:, 0, 0], out[:, 1, 1] = d / det, a / det
    out[:, 0, 1] = out[:, 1, 0] = -b / det
    return out, np.log(det)


def _profiled(data: MixedSummary, at: Evaluation, reml: bool) -> tuple[float, Array, float]:
    """Deviance, its matrix G, and sigma2."""
    df = data.n_rows - (data.n_fixed if reml else 0)
    r2 = max(at.r2, 1e-300)
    deviance = at.log_det + df * (1 + np.log(2 * np.pi * r2 / df))
    g = at.a - df / r2 * at.c
    if reml:
        deviance += at.log_fixed
        g = g - np.einsum("abxy,xy->ab", at.b, at.inverse)
    return float(deviance), g, r2 / df


def deviance_given_sigma(
    data: MixedSummary, lam: Array, sigma2: float, reml: bool
) -> tuple[float, Array, Evaluation]:
    """Deviance at Lambda and sigma2, the matrix G of its gradient in Lambda, and the evaluation."""
    at = evaluate(data, lam)
    df = data.n_rows - (data.n_fixed if reml else 0)
    deviance = at.log_det + at.r2 / sigma2 + df * np.log(2 * np.pi * sigma2)
    g = at.a - at.c / sigma2
    if reml:
        deviance += at.log_fixed
        g = g - np.einsum("abxy,xy->ab", at.b, at.inverse)
    return float(deviance), g, at


def fit(data: MixedSummary, *, reml: bool = True, correlated: bool = True) -> MixedFit:
    """Minimise the profiled deviance."""
    pattern = lower_pattern(data.n_random, correlated)
    scale = np.sqrt(np.trace(data.zz, axis1=1, axis2=2).sum() / data.n_rows)
    scale = np.sqrt(np.einsum("jaa->a", data.zz) / data.n_rows) if data.n_random > 1 else scale
    start = np.diag(np.full(data.n_random, 0.5) / scale)
    if data.n_random == 1:
        lam = np.array([[_intercept_only(data, reml)]])
    else:
        lam = _search(data, start, np.atleast_1d(scale), pattern, reml)
    lam = _at_boundary(data, lam, np.atleast_1d(scale), reml)
    return finish(data, lam, pattern, reml)


def by_maximum_likelihood(data: MixedSummary, found: MixedFit) -> MixedFit:
    """The same model by full maximum likelihood."""
    return fit(data, reml=False, correlated=found.correlated)


def finish(data: MixedSummary, lam: Array, pattern: Flags, reml: bool) -> MixedFit:
    """Assemble the fit at a given Lambda."""
    at = evaluate(data, lam)
    deviance, g, sigma2 = _profiled(data, at, reml)
    spread = np.sqrt(np.einsum("jaa->a", data.zz) / data.n_rows)
    norm = float(np.abs((2 * g @ lam)[pattern] / spread[np.nonzero(pattern)[0]]).max())
    own = np.abs(np.diag(lam)) * spread
    return MixedFit(
        lam=lam, beta=at.beta + data.shift, covariance=sigma2 * at.inverse, sigma2=sigma2,
        deviance=deviance, gradient_norm=norm, converged=norm < max(1e-3, 1e-7 * abs(deviance)),
        singular=bool((own < SINGULAR_BELOW).any()), reml=reml, pattern=pattern,
    )  # fmt: skip


def _intercept_only(data: MixedSummary, reml: bool) -> float:
    """Relative standard deviation of a random intercept: one-dimensional, by bisection."""

    def slope(ratio: float) -> float:
        return float(_profiled(data, evaluate(data, np.array([[np.sqrt(ratio)]])), reml)[1][0, 0])

    def deviance(ratio: float) -> float:
        return _profiled(data, evaluate(data, np.array([[np.sqrt(ratio)]])), reml)[0]

    share = np.concatenate([[0.0], np.linspace(0.002, 0.998, 60), [1 - 1e-5, 1 - 1e-8]])
    grid = share / (1 - share)
    best = int(np.argmin([deviance(r) for r in grid]))
    if best == 0 and slope(0.0) >= 0:
        return 0.0
    low, high = grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)]
    if slope(high) <= 0:
        return float(np.sqrt(high))
    return float(np.sqrt(optimize.brentq(slope, low, high, xtol=1e-300, rtol=1e-15, maxiter=200)))


def _search(
    data: MixedSummary,
    start: Array,
    scale: Array,
    pattern: Flags,
    reml: bool,
) -> Array:
    """Quasi-Newton in the scaled free elements of Lambda, polished by Newton steps."""
    rows = np.nonzero(pattern)[0]

    def unpack(theta: Array) -> Array:
        lam = np.zeros(pattern.shape)
        lam[pattern] = theta / scale[rows]
        return lam

    def objective(theta: Array) -> tuple[float, Array]:
        lam = unpack(theta)
        deviance, g, _ = _profiled(data, evaluate(data, lam), reml)
        return deviance, (2 * g @ lam)[pattern] / scale[rows]

    theta = start[pattern] * scale[rows]
    for _ in range(3):
        found = optimize.minimize(
            objective, theta, jac=True, method="L-BFGS-B",
            options={"maxiter": 300, "ftol": 1e-15, "gtol": 1e-7, "maxcor": 20},
        )  # fmt: skip
        theta = _newton(objective, found.x)
        g = _profiled(data, evaluate(data, unpack(theta)), reml)[1]
        stuck = (np.abs(np.diag(unpack(theta))) * scale < 1e-6) & (np.diag(g) < -1e-6)
        if not stuck.any():
            break
        # zero is always stationary: leave it where the deviance falls away from it
        lam = unpack(theta)
        lam[range(len(lam)), range(len(lam))] += np.where(stuck, 0.1 / scale, 0.0)
        theta = lam[pattern] * scale[rows]
    return unpack(theta)


def _newton(objective: Callable[[Array], tuple[float, Array]], theta: Array) -> Array:
    """Up to four Newton steps with a differenced Hessian, kept only while they improve."""
    value, gradient = objective(theta)
    for _ in range(4):
        if np.abs(gradient).max() < 1e-9:
            break
        hessian = differenced(lambda t: objective(t)[1], theta)
        root, vector = np.linalg.eigh(0.5 * (hessian + hessian.T))
        keep = root > 1e-6 * max(root.max(), 1e-12)
        step = vector[:, keep] @ ((vector[:, keep].T @ gradient) / root[keep])
        trial, trial_gradient = objective(theta - step)
        if not trial <= value + 1e-9 or np.abs(trial_gradient).max() >= np.abs(gradient).max():
            break
        theta, value, gradient = theta - step, trial, trial_gradient
    return theta


def differenced(function: Callable[[Array], Array], at: Array, step: float = 1e-3) -> Array:
    """Jacobian of a vector function by fourth-order central differences."""
    columns = []
    for k in range(len(at)):
        h = np.zeros(len(at))
        h[k] = step * max(abs(at[k]), 0.05)
        near = function(at + h) - function(at - h)
        far = function(at + 2 * h) - function(at - 2 * h)
        columns.append((8 * near - far) / (12 * h[k]))
    return np.array(columns).T


def _at_boundary(data: MixedSummary, lam: Array, scale: Array, reml: bool) -> Array:
    """Make diagonal elements non-negative and set negligible ones to zero if nothing is lost."""
    lam = lam * np.where(np.diag(lam) < 0, -1.0, 1.0)
    small = np.abs(np.diag(lam)) * scale < SINGULAR_BELOW
    if not small.any():
        return lam
    flat = lam.copy()
    flat[small, small] = 0.0
    before = _profiled(data, evaluate(data, lam), reml)[0]
    after = _profiled(data, evaluate(data, flat), reml)[0]
    return flat if after <= before + 1e-7 else lam


def random_effects(data: MixedSummary, found: MixedFit) -> tuple[Array, Array]:
    """Conditional means (J, q) of the random effects and their covariances (J, q, q)."""
    lam = found.lam
    inner = lam.T @ data.zz @ lam + np.eye(data.n_random)
    middle = lam @ np.linalg.inv(inner) @ lam.T
    residual = data.zw[:, :, -1] - data.zw[:, :, :-1] @ (found.beta - data.shift)
    return np.einsum("jab,jb->ja", middle, residual), found.sigma2 * middle
