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

Functions: ``summarise, held, turned, lower_pattern, evaluate, profiled, deviance_given_sigma,
curvature, changes, fit, best_factor, by_maximum_likelihood, finish, leaves_zero, random_variance,
random_effects``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from scipy import optimize

from cte_metrics.arrays import Array, Flags, Integers
from cte_metrics.kernels.groups.mixed_basis import Basis, complement
from cte_metrics.kernels.numerics.descent import descend

SINGULAR_BELOW = 1e-4  # relative standard deviations below this count as zero, as in lme4


@dataclass(frozen=True, slots=True)
class MixedSummary:
    """Cross-products that determine the fit.

    total: (p+1, p+1) [X y]'[X y]; zz: (J, q, q); zw: (J, q, p+1) Z'[X y].
    sizes, weight: (U,) distinct group sizes and groups of each; pooled: (U, p+1, p+1) sums of zw'zw
    over groups of a size; within: (p+1, p+1) cross-products about group means. These four only for
    a random intercept alone (q = 1), else None.
    X and Z are in the bases of ``mixed_basis``: shift: (p,) coefficients (of that basis) already
    taken out of y; x_back: (variables, p), z_back: (q, q), the way back to the variables' own
    coefficients; log_own: log|X'X| of the variables less that of the basis.
    """

    total: Array
    zz: Array
    zw: Array
    n_rows: int
    shift: Array
    x_back: Array
    z_back: Array
    log_own: float
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

    log_det: sum log|V_j|; log_fixed: log|X'V^-1X|; r2; beta: (p,) of the basis, about ``shift``;
    inverse: (p, p) P; a: (q, q) sum A_j; b: (q, q, p, p) sum of B_j (x) B_j; c: (q, q) sum of
    c_j c_j'.
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
    """lam: (q, q) relative factor of the basis's random effects; the others are the variables' own.

    beta: (p,); covariance: (p, p); random_covariance: (q, q); sigma2; deviance; gradient in lam.
    """

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
    random_covariance: Array

    @property
    def correlated(self) -> bool:
        """Whether random effects may be correlated (one of them alone counts as such)."""
        return bool(self.pattern.sum() > len(self.pattern)) or len(self.pattern) == 1


def summarise(x: Basis, y: Array, z: Basis, codes: Integers, n_groups: int) -> MixedSummary:
    """Read the rows once; x: (N, p), y: (N,), z: (N, q), the intercept first.

    Least-squares coefficients are taken out of y first, so that the residual sum of squares does
    not suffer from cancellation.
    """
    shift = x.columns.T @ y / len(y)
    w = np.column_stack([x.columns, y - x.columns @ shift])
    q = z.columns.shape[1]
    zz = np.empty((n_groups, q, q))
    zw = np.empty((n_groups, q, w.shape[1]))
    for a in range(q):
        for b in range(a + 1):
            product = z.columns[:, a] * z.columns[:, b]
            zz[:, a, b] = zz[:, b, a] = np.bincount(codes, product, n_groups)
        for b in range(w.shape[1]):
            zw[:, a, b] = np.bincount(codes, w[:, b] * z.columns[:, a], n_groups)
    out = MixedSummary(w.T @ w, zz, zw, len(y), shift, x.back, z.back, -2 * x.log_det)
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


def held(data: MixedSummary, weights: Array, value: float) -> MixedSummary:
    """Fix weights'beta at a value: y loses what that takes, X keeps the directions across."""
    direction = data.x_back.T @ weights
    length = float(np.linalg.norm(direction))
    along, across = direction / length, complement(direction)
    p = data.n_fixed
    change = np.zeros((p + 1, p))
    change[:p, :-1] = across
    change[:p, -1] = -(value / length - along @ data.shift) * along
    change[p, -1] = 1.0
    pooled = None if data.pooled is None else change.T @ data.pooled @ change
    within = None if data.within is None else change.T @ data.within @ change
    return replace(
        data, total=change.T @ data.total @ change, zw=data.zw @ change, pooled=pooled,
        within=within, shift=across.T @ data.shift, x_back=data.x_back @ across,
    )  # fmt: skip


def turned(data: MixedSummary, turn: Array) -> MixedSummary:
    """Write the random effects in an orthonormal basis that is turned: (q, q)."""
    return replace(data, zz=turn.T @ data.zz @ turn, zw=turn.T @ data.zw, z_back=data.z_back @ turn)


def lower_pattern(n_random: int, correlated: bool) -> Flags:
    """Free elements of Lambda: its lower triangle, or only its diagonal."""
    full = np.tril(np.ones((n_random, n_random), dtype=bool))
    return full if correlated else np.eye(n_random, dtype=bool)


def evaluate(data: MixedSummary, lam: Array) -> Evaluation:
    """Everything the deviance and its gradient need at one Lambda."""
    cross, log_det, a, bb = (
        _pooled_terms(data, lam) if data.sizes is not None else _terms(data, lam)
    )
    p = data.n_fixed
    factor = np.linalg.cholesky(cross[:p, :p])
    root = np.linalg.inv(factor)
    inverse = root.T @ root
    beta = inverse @ cross[:p, p]
    r2 = float(cross[p, p] - beta @ cross[:p, p])
    contrast = np.append(-beta, 1.0)
    c = np.einsum("abxy,x,y->ab", bb, contrast, contrast)
    log_fixed = 2 * float(np.log(np.diag(factor)).sum()) + data.log_own
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


def profiled(data: MixedSummary, at: Evaluation, reml: bool) -> tuple[float, Array, float]:
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


def curvature(
    data: MixedSummary, at: Evaluation, lam: Array, sigma2: float, reml: bool, pattern: Flags
) -> Array:
    """(k + 1, k + 1) second derivatives of the deviance in the free Lambda and log sigma.

    With E, F the changes of D, A, B, c of one group and H = B P B' as above,

        sum log|V|       : - tr(A E A F)
        log|X'V^-1 X|    : 2 tr(E A F H) - tr(P (sum B'EB) P (sum B'FB))
        r2               : 2 c'E A F c - 2 (sum B'Ec)' P (sum B'Fc).
    """
    p, q = data.n_fixed, data.n_random
    middle = lam @ np.linalg.inv(lam.T @ data.zz @ lam + np.eye(q)) @ lam.T
    a = data.zz - data.zz @ middle @ data.zz
    both = data.zw - data.zz @ middle @ data.zw
    b, c = both[:, :, :p], both[:, :, p] - both[:, :, :p] @ at.beta
    g = at.a - at.c / sigma2
    bc = np.einsum("jap,jb->abp", b, c)
    hessian = -np.einsum("jab,jcd->bcda", a, a)
    hessian = hessian + 2 / sigma2 * np.einsum("jbc,jd,ja->abcd", a, c, c)
    hessian -= 2 / sigma2 * np.einsum("abp,pq,cdq->abcd", bc, at.inverse, bc)
    if reml:
        bb = np.einsum("jap,jbq->abpq", b, b)
        bp = np.einsum("abpq,qr->abpr", bb, at.inverse)
        h = np.einsum("jap,pq,jbq->jab", b, at.inverse, b)
        hessian += 2 * np.einsum("jbc,jda->abcd", a, h)
        hessian -= np.einsum("abpq,cdqp->abcd", bp, bp)
        g = g - h.sum(axis=0)
    move = changes(lam, pattern)
    k = len(move)
    out = np.empty((k + 1, k + 1))
    out[:k, :k] = np.einsum("iab,abcd,kcd->ik", move, hessian, move)
    rows, columns = np.nonzero(pattern)
    out[:k, :k] += 2 * g[np.ix_(rows, rows)] * (columns[:, None] == columns)
    out[k, :k] = out[:k, k] = 4 / sigma2 * (at.c @ lam)[pattern]
    out[k, k] = 4 * at.r2 / sigma2
    return out


def changes(lam: Array, pattern: Flags) -> Array:
    """(k, q, q) derivatives of D = Lambda Lambda' in the free elements of Lambda."""
    rows, columns = np.nonzero(pattern)
    out = np.zeros((len(rows), *lam.shape))
    out[range(len(rows)), rows] = lam[:, columns].T
    return out + out.transpose(0, 2, 1)


def fit(data: MixedSummary, *, reml: bool = True, correlated: bool = True) -> MixedFit:
    """Minimise the profiled deviance."""
    pattern = lower_pattern(data.n_random, correlated)
    return finish(data, best_factor(data, pattern, reml), pattern, reml)


def best_factor(
    data: MixedSummary, pattern: Flags, reml: bool, start: Array | None = None
) -> Array:
    """Lambda at the minimum of the profiled deviance; slopes are searched from ``start``."""
    if data.n_random == 1:
        lam = np.array([[_intercept_only(data, reml)]])
    else:
        first = 0.5 * np.eye(data.n_random) if start is None else start
        lam = _search(data, first, pattern, reml)
    return _at_boundary(data, lam, reml)


def by_maximum_likelihood(data: MixedSummary, found: MixedFit) -> MixedFit:
    """The same model by full maximum likelihood."""
    return fit(data, reml=False, correlated=found.correlated)


def finish(data: MixedSummary, lam: Array, pattern: Flags, reml: bool) -> MixedFit:
    """Assemble the fit at a given Lambda."""
    at = evaluate(data, lam)
    deviance, g, sigma2 = profiled(data, at, reml)
    norm = float(np.abs((2 * g @ lam)[pattern]).max())
    return MixedFit(
        lam=lam, beta=data.x_back @ (at.beta + data.shift),
        covariance=sigma2 * (data.x_back @ at.inverse @ data.x_back.T), sigma2=sigma2,
        deviance=deviance, gradient_norm=norm, converged=norm < max(1e-3, 1e-7 * abs(deviance)),
        singular=bool((np.abs(np.diag(lam)) < SINGULAR_BELOW).any()), reml=reml, pattern=pattern,
        random_covariance=sigma2 * (data.z_back @ lam @ lam.T @ data.z_back.T),
    )  # fmt: skip


def _intercept_only(data: MixedSummary, reml: bool) -> float:
    """Relative standard deviation of a random intercept: one-dimensional, by bisection."""

    def slope(ratio: float) -> float:
        return float(profiled(data, evaluate(data, np.array([[np.sqrt(ratio)]])), reml)[1][0, 0])

    def deviance(ratio: float) -> float:
        return profiled(data, evaluate(data, np.array([[np.sqrt(ratio)]])), reml)[0]

    share = np.concatenate([[0.0], np.linspace(0.002, 0.998, 60), [1 - 1e-5, 1 - 1e-8]])
    grid = share / (1 - share)
    best = int(np.argmin([deviance(r) for r in grid]))
    if best == 0 and slope(0.0) >= 0:
        return 0.0
    low, high = grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)]
    if slope(high) <= 0:
        return float(np.sqrt(high))
    return float(np.sqrt(optimize.brentq(slope, low, high, xtol=1e-300, rtol=1e-15, maxiter=200)))


def _search(data: MixedSummary, start: Array, pattern: Flags, reml: bool) -> Array:
    """Newton steps in the free elements of Lambda, sigma2 profiled out."""

    def unpack(theta: Array) -> Array:
        lam = np.zeros(pattern.shape)
        lam[pattern] = theta
        return lam

    def objective(theta: Array) -> tuple[float, Array]:
        lam = unpack(theta)
        deviance, g, _ = profiled(data, evaluate(data, lam), reml)
        return deviance, (2 * g @ lam)[pattern]

    def hessian(theta: Array) -> Array:
        lam = unpack(theta)
        at = evaluate(data, lam)
        whole = curvature(data, at, lam, profiled(data, at, reml)[2], reml, pattern)
        return whole[:-1, :-1] - np.outer(whole[-1, :-1], whole[-1, :-1]) / whole[-1, -1]

    theta = start[pattern]
    for _ in range(3):
        theta = descend(objective, hessian, theta)
        lam = unpack(theta)
        stuck = leaves_zero(lam, profiled(data, evaluate(data, lam), reml)[1])
        if not stuck.any():
            break
        theta = (lam + np.diag(np.where(stuck, 0.1, 0.0)))[pattern]
    return unpack(theta)


def leaves_zero(lam: Array, g: Array) -> Flags:
    """Where a diagonal element is 0, always stationary, and the deviance falls away from it."""
    return np.asarray((np.abs(np.diag(lam)) < 1e-6) & (np.diag(g) < -1e-6))


def _at_boundary(data: MixedSummary, lam: Array, reml: bool) -> Array:
    """Make diagonal elements non-negative and set negligible ones to zero if nothing is lost."""
    lam = lam * np.where(np.diag(lam) < 0, -1.0, 1.0)
    small = np.abs(np.diag(lam)) < SINGULAR_BELOW
    if not small.any():
        return lam
    flat = lam.copy()
    flat[small, small] = 0.0
    before = profiled(data, evaluate(data, lam), reml)[0]
    after = profiled(data, evaluate(data, flat), reml)[0]
    return flat if after <= before + 1e-7 else lam


def random_variance(data: MixedSummary, found: MixedFit) -> float:
    """Variance of the random effects, z'Cov(b)z, averaged over rows."""
    mean = data.zz.sum(axis=0) / data.n_rows
    return found.sigma2 * float(np.sum((found.lam @ found.lam.T) * mean))


def random_effects(data: MixedSummary, found: MixedFit) -> tuple[Array, Array]:
    """Conditional means (J, q) of the random effects and their covariances (J, q, q)."""
    lam = found.lam
    inner = lam.T @ data.zz @ lam + np.eye(data.n_random)
    middle = lam @ np.linalg.inv(inner) @ lam.T
    gamma = evaluate(data, lam).beta
    residual = data.zw[:, :, -1] - data.zw[:, :, :-1] @ gamma
    mean = np.einsum("jab,jb->ja", middle, residual) @ data.z_back.T
    return mean, found.sigma2 * (data.z_back @ middle @ data.z_back.T)
