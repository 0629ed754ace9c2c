"""Coefficient alpha, its table of dropped items, item-total correlations and intervals.

For k items with covariance matrix C, V = sum of all its entries and T = its trace,

    alpha = k / (k - 1) * (1 - T / V)                                   (Cronbach 1951)

Standardized alpha is the same on the correlation matrix R. Guttman's lambda 6 on R is
1 - sum(1 - smc) / sum(R). The large-sample variance of alpha under normality is Q / n with

    Q = 2 k^2 / ((k-1)^2 V^3) * (V (tr C^2 + T^2) - 2 T 1'C^2 1)        (van Zyl et al. 2000)

Dropping item i changes T, V, tr C^2 and 1'C^2 1 by sums that C already holds, and the inverse
of R without row i is the inverse of R less a rank-one term: O(k^2) memory and no loop.

References
----------
Cronbach (1951), Psychometrika 16, 297-334.
Feldt, Woodruff & Salih (1987), Applied Psychological Measurement 11, 93-103.
van Zyl, Neudecker & Nel (2000), Psychometrika 65, 271-280.
Duhachek & Iacobucci (2004), Journal of Applied Psychology 89, 792-808.
Bonett (2002), Journal of Educational and Behavioral Statistics 27, 335-340.

Functions: ``alpha_coefficient, alpha_of, alpha_figures, dropped_figures, item_total,
correlation_from, is_singular, squared_multiple_correlations, alpha_interval, smallest_sample,
bootstrap_alpha``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cte_metrics.arrays import Array
from cte_metrics.kernels.numerics.distributions import f_quantile, normal_quantile
from cte_metrics.kernels.numerics.resampling import bootstrap_counts

ANALYTIC_INTERVALS = ("feldt", "duhachek", "bonett", "fisher")
_PAIRWISE_ROWS, _SMALL_PIVOT = 4096, 1e-2
_PERFECT = 1e-12
_SINGULAR = float(np.sqrt(np.finfo(float).eps))


@dataclass(frozen=True, slots=True)
class AlphaFigures:
    """Alpha and its relatives; scalars for the scale, (k,) arrays for the table of dropped items.

    Attributes
    ----------
    alpha, standardized, guttman6 : float or (k,)
        Coefficients from C, from R, and lambda 6 from R.
    average_r, median_r : float or (k,)
        Mean and median inter-item correlation.
    signal_noise : float or (k,)
        k r / (1 - r) with the average correlation r.
    variance_factor : float or (k,)
        Q, n times the asymptotic variance of alpha.
    """

    alpha: Array
    standardized: Array
    guttman6: Array
    average_r: Array
    median_r: Array
    signal_noise: Array
    variance_factor: Array


@dataclass(frozen=True, slots=True)
class ItemTotal:
    """Correlations of each item with the total, (k,) each.

    Attributes
    ----------
    r_total : (k,)
        With the sum of all items, from C.
    r_standardized : (k,)
        With the sum of standardized items, from R.
    r_corrected : (k,)
        The same corrected for item overlap and unreliability by smc on the diagonal of R.
    r_drop : (k,)
        With the sum of the other items, from C.
    """

    r_total: Array
    r_standardized: Array
    r_corrected: Array
    r_drop: Array


def correlation_from(covariance: Array) -> Array:
    """Covariance matrix scaled to unit diagonal, (k, k); nan rows for constant items."""
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = 1.0 / np.sqrt(np.diagonal(covariance))
        r = covariance * scale[:, None] * scale
        r[~np.isfinite(r)] = np.nan
    np.fill_diagonal(r, np.where(np.isfinite(scale), 1.0, np.nan))
    return r


def squared_multiple_correlations(correlation: Array) -> Array:
    """R^2 of each item on the others, 1 - 1 / diag(R^-1), limited to [0, 1]; (k,).

    A singular matrix is inverted on its positive eigenvalues; nan entries give nan.

    Examples
    --------
    >>> squared_multiple_correlations(np.array([[1.0, 0.5], [0.5, 1.0]])).round(6).tolist()
    [0.25, 0.25]
    """
    if not np.isfinite(correlation).all():
        return np.full(len(correlation), np.nan)
    return np.clip(1.0 - 1.0 / np.diagonal(_inverse(correlation)), 0.0, 1.0)


def _inverse(correlation: Array) -> Array:
    """Inverse of a positive definite matrix, else the pseudo-inverse."""
    if (inverse := _definite_inverse(correlation)) is not None:
        return inverse
    return np.asarray(np.linalg.pinv(correlation, rcond=_SINGULAR, hermitian=True))


def _definite_inverse(correlation: Array) -> Array | None:
    """Inverse, or ``None`` if singular (rounding can let such a matrix pass Cholesky's test)."""
    try:
        root = np.linalg.cholesky(correlation)
    except np.linalg.LinAlgError:
        return None
    if np.diagonal(root).min() < _SMALL_PIVOT and is_singular(correlation):
        return None
    root = np.linalg.inv(root)
    return np.asarray(root.T @ root)


def is_singular(correlation: Array) -> bool:
    """Whether the smallest eigenvalue is zero beside the largest (relative to 1.5e-8)."""
    if not np.isfinite(correlation).all():
        return False
    smallest, *_, largest = np.linalg.eigvalsh(correlation)
    return bool(smallest <= _SINGULAR * largest)


def alpha_coefficient(n_items: float, trace: Array, total: Array) -> Array:
    """Alpha from the trace and the sum of a covariance matrix; nan where the sum is not positive.

    Examples
    --------
    >>> float(alpha_coefficient(2, np.float64(2.0), np.float64(3.0)))  # C = [[1, .5], [.5, 1]]
    0.6666666666666667
    """
    trace, total = np.asarray(trace), np.asarray(total)
    share = np.full(np.broadcast(trace, total).shape, np.nan)
    np.divide(trace, total, out=share, where=total > 0)
    factor = n_items / (n_items - 1.0) if n_items > 1 else np.nan
    return np.asarray(factor * (1.0 - share))[()]


def alpha_of(covariance: Array) -> float:
    """Alpha of a covariance matrix (k, k); nan for one item.

    Examples
    --------
    >>> round(alpha_of(np.array([[2.0, 1.0], [1.0, 2.0]])), 12)
    0.666666666667
    """
    return float(alpha_coefficient(len(covariance), np.trace(covariance), covariance.sum()))


def alpha_figures(covariance: Array, correlation: Array | None = None) -> AlphaFigures:
    """Alpha and its relatives for the whole scale, from C and R (k, k).

    R is C scaled to unit diagonal unless it is given: pairwise correlations are not scaled pairwise
    covariances, because each rests on the variances of the rows that its two items share.
    """
    k = len(covariance)
    r = _correlation(covariance, correlation)
    below = r[np.tril_indices(k, -1)]
    smc = squared_multiple_correlations(r)
    sum_r = r.sum()
    return _figures(
        k,
        trace=np.trace(covariance),
        total=covariance.sum(),
        square_trace=np.einsum("ij,ij->", covariance, covariance),
        square_total=np.square(covariance.sum(1)).sum(),
        sum_r=sum_r,
        sum_smc=smc.sum(),
        median_r=np.asarray(np.median(below) if k > 1 else np.nan)[()],
    )


def _correlation(covariance: Array, given: Array | None) -> Array:
    return correlation_from(covariance) if given is None else given


def dropped_figures(covariance: Array, correlation: Array | None = None) -> AlphaFigures:
    """The same figures without each item in turn, (k,) arrays; nan when one item would remain."""
    k = len(covariance)
    if k < 3:
        return AlphaFigures(*(np.full(k, np.nan) for _ in range(7)))
    r = _correlation(covariance, correlation)
    rows, own = covariance.sum(1), np.diagonal(covariance)
    squares = np.square(covariance)
    others = np.square(rows - covariance).sum(1) - np.square(rows - own)
    return _figures(
        k - 1,
        trace=own.sum() - own,
        total=rows.sum() - 2 * rows + own,
        square_trace=squares.sum() - 2 * squares.sum(1) + np.square(own),
        square_total=others,
        sum_r=r.sum() - 2 * r.sum(1) + np.diagonal(r),
        sum_smc=_dropped_smc_sums(r),
        median_r=_dropped_medians(r),
    )


def _figures(
    k: int,
    *,
    trace: Array,
    total: Array,
    square_trace: Array,
    square_total: Array,
    sum_r: Array,
    sum_smc: Array,
    median_r: Array,
) -> AlphaFigures:
    average_r = (sum_r - k) / (k * (k - 1.0)) if k > 1 else np.full_like(sum_r, np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        signal_noise = np.where(average_r < 1, k * average_r / (1.0 - average_r), np.inf)
        guttman6 = np.where(sum_r > 0, 1.0 - (k - sum_smc) / sum_r, np.nan)
        bracket = total * (square_trace + np.square(trace)) - 2 * trace * square_total
        factor = 2.0 * k**2 / ((k - 1.0) ** 2 * total**3) * bracket if k > 1 else total * np.nan
    return AlphaFigures(
        alpha=alpha_coefficient(k, trace, total),
        standardized=alpha_coefficient(k, np.asarray(float(k)), sum_r),
        guttman6=guttman6[()],
        average_r=average_r,
        median_r=median_r,
        signal_noise=signal_noise[()],
        variance_factor=np.where(total > 0, np.maximum(factor, 0.0), np.nan)[()],
    )


def _dropped_smc_sums(r: Array) -> Array:
    """Sum of smc of the remaining items when item i is left out, (k,)."""
    k = len(r)
    if not np.isfinite(r).all():
        return np.full(k, np.nan)
    if (precision := _definite_inverse(r)) is None:
        keep = [np.delete(np.delete(r, i, 0), i, 1) for i in range(k)]
        return np.array([squared_multiple_correlations(part).sum() for part in keep])
    own = np.diagonal(precision)
    without = own - np.square(precision) / own[:, None]
    np.fill_diagonal(without, 1.0)
    smc = np.clip(1.0 - 1.0 / without, 0.0, 1.0)
    np.fill_diagonal(smc, 0.0)
    return smc.sum(1)


def _dropped_medians(r: Array) -> Array:
    """Median correlation among the remaining items when item i is left out, (k,)."""
    k = len(r)
    rows, columns = np.tril_indices(k, -1)
    item = np.arange(k)[:, None]
    kept = (rows != item) & (columns != item)
    pairs = np.broadcast_to(r[rows, columns], kept.shape)[kept].reshape(k, -1)
    return np.median(pairs, axis=1)


def item_total(covariance: Array, correlation: Array | None = None) -> ItemTotal:
    """Item-total correlations from C (k, k), and R if given; nan for constant items."""
    r = _correlation(covariance, correlation)
    rows, own = covariance.sum(1), np.diagonal(covariance)
    rest = rows.sum() - 2 * rows + own
    with_smc = r.copy()
    np.fill_diagonal(with_smc, squared_multiple_correlations(r))
    return ItemTotal(
        r_total=_ratio(rows, np.sqrt(np.maximum(own * rows.sum(), 0.0))),
        r_standardized=_ratio(r.sum(1), np.sqrt(np.maximum(np.full(len(r), r.sum()), 0.0))),
        r_corrected=_ratio(
            with_smc.sum(1), np.sqrt(np.maximum(np.full(len(r), with_smc.sum()), 0.0))
        ),
        r_drop=_ratio(rows - own, np.sqrt(np.maximum(own * rest, 0.0))),
    )


def _ratio(top: Array, bottom: Array) -> Array:
    out = np.full(np.shape(top), np.nan)
    np.divide(top, bottom, out=out, where=bottom > 0)
    return out


def alpha_interval(
    method: str,
    alpha: float,
    n: int,
    k: int,
    *,
    variance_factor: float = np.nan,
    confidence: float = 0.95,
) -> tuple[float, float]:
    """Lower and upper limit of alpha by one of ``ANALYTIC_INTERVALS``.

    ============ ==========================================================================
    feldt        1 - (1 - alpha) F(1 -+ p/2; n - 1, (n - 1)(k - 1))
    duhachek     alpha -+ z sqrt(Q / n)
    bonett       1 - exp(log(1 - alpha) +- z sqrt(2 k / ((k - 1)(n - 2))))
    fisher       tanh(atanh(alpha) -+ z / sqrt(n - 3))
    ============ ==========================================================================

    Parameters
    ----------
    method : str
    alpha : float
    n, k : int
        Respondents and items.
    variance_factor : float
        Q, for ``duhachek`` only.
    confidence : float

    Returns
    -------
    tuple of float
        nan where n or alpha does not allow the interval; (1, 1) for an alpha of 1.
    """
    if k < 2 or not np.isfinite(alpha) or n < smallest_sample(method):
        return np.nan, np.nan
    if abs(1.0 - alpha) <= _PERFECT:
        return 1.0, 1.0
    if alpha > 1.0:
        return np.nan, np.nan
    tail = (1.0 - confidence) / 2.0
    z = float(normal_quantile(1.0 - tail))
    if method == "feldt":
        return _feldt(alpha, n, k, tail)
    if method == "duhachek":
        half = z * float(np.sqrt(variance_factor / n))
        return alpha - half, alpha + half
    if method == "bonett":
        return _bonett(alpha, n, k, z)
    return _fisher(alpha, n, z)


def smallest_sample(method: str) -> int:
    """Respondents that an interval needs at least.

    Examples
    --------
    >>> [smallest_sample(m) for m in ANALYTIC_INTERVALS]
    [2, 2, 3, 4]
    """
    return {"bonett": 3, "fisher": 4}.get(method, 2)


def _feldt(alpha: float, n: int, k: int, tail: float) -> tuple[float, float]:
    df1, df2 = n - 1.0, (n - 1.0) * (k - 1.0)
    low, high = (1.0 - (1.0 - alpha) * f_quantile(p, df1, df2) for p in (1.0 - tail, tail))
    return float(low), float(high)


def _bonett(alpha: float, n: int, k: int, z: float) -> tuple[float, float]:
    half = z * np.sqrt(2.0 * k / ((k - 1.0) * (n - 2.0)))
    centre = np.log1p(-alpha)
    return float(-np.expm1(centre + half)), float(-np.expm1(centre - half))


def _fisher(alpha: float, n: int, z: float) -> tuple[float, float]:
    if alpha <= -1.0:
        return np.nan, np.nan
    centre, half = np.arctanh(alpha), z / np.sqrt(n - 3.0)
    return float(np.tanh(centre - half)), float(np.tanh(centre + half))


def bootstrap_alpha(values: Array, n_resamples: int, rng: np.random.Generator) -> Array:
    """Alpha of resampled respondents, (n_resamples,); nan where a resample has no variance.

    A resample is a vector of counts w. Without missing answers alpha needs only sum(w x_j),
    sum(w x_j^2) over all items and sum(w t^2) of the row totals t, so a block of resamples is one
    product of the counts with k + 2 columns; with missing answers it is one product with all
    pairwise sums.

    Parameters
    ----------
    values : (n, k) float64
        Answers; nan where missing (then covariances are pairwise).
    """
    mean = np.nanmean(values, axis=0)
    centred = values - mean
    if np.isnan(values).any():
        return _bootstrap_pairwise(centred, n_resamples, rng)
    total = centred.sum(1)
    columns = np.column_stack((centred, np.square(centred).sum(1), np.square(total)))
    n, k = values.shape
    out = [_alpha_from_sums(w @ columns, n, k) for w in bootstrap_counts(n, n_resamples, rng)]
    return np.concatenate(out)


def _alpha_from_sums(sums: Array, n: int, k: int) -> Array:
    items, squares, total_square = sums[:, :k], sums[:, k], sums[:, k + 1]
    trace = squares - np.square(items).sum(1) / n
    total = total_square - np.square(items.sum(1)) / n
    return alpha_coefficient(k, trace, np.where(total > 1e-12 * total_square, total, 0.0))


def _bootstrap_pairwise(centred: Array, n_resamples: int, rng: np.random.Generator) -> Array:
    n, k = centred.shape
    present = (~np.isnan(centred)).astype(np.float64)
    filled = np.where(present > 0, centred, 0.0)
    out = [
        _alpha_pairwise(_pair_sums(w, filled, present), k)
        for w in bootstrap_counts(n, n_resamples, rng)
    ]
    return np.concatenate(out)


def _pair_sums(weights: Array, filled: Array, present: Array) -> Array:
    """Weighted sums of m_i m_j, x_i m_j, x_j m_i and x_i x_j over rows, (b, 4, pairs)."""
    i, j = np.triu_indices(filled.shape[1])
    sums = np.zeros((len(weights), 4 * len(i)))
    for start in range(0, len(filled), _PAIRWISE_ROWS):
        rows = slice(start, start + _PAIRWISE_ROWS)
        x, m = filled[rows], present[rows]
        xi, xj, mi, mj = x[:, i], x[:, j], m[:, i], m[:, j]
        sums += weights[:, rows] @ np.hstack((mi * mj, xi * mj, xj * mi, xi * xj))
    return sums.reshape(len(weights), 4, len(i))


def _alpha_pairwise(sums: Array, k: int) -> Array:
    n, left, right, cross = sums[:, 0], sums[:, 1], sums[:, 2], sums[:, 3]
    with np.errstate(divide="ignore", invalid="ignore"):
        cov = (cross - left * right / n) / (n - 1.0)
    i, j = np.triu_indices(k)
    trace = cov[:, i == j].sum(1)
    return alpha_coefficient(k, trace, trace + 2 * cov[:, i != j].sum(1))
