"""Reliability of sums of items from the matrices of a factor model.

With T the covariance matrix of the items' true parts and S their total covariance matrix::

    omega    = 1'T1 / 1'S1                     alpha = k/(k-1) (1 - tr S / 1'S1)
    maximal  = largest root of T w = r S w     (best weights; Li 1997)
    ave      = sum lambda^2 phi / sum of item variances
    h        = q / (1 + q),  q = sum l^2 / (1 - l^2), l standardized (Hancock & Mueller 2001)

Ordinal items: T and S become the covariances of the categorical answers (Green & Yang 2009)::

    sum_ab [Phi2(tau_a, tau_b; r) - Phi(tau_a) Phi(tau_b)]

References
----------
Bollen, K. A. (1980). American Sociological Review, 45, 370-390.
Li, H. (1997). A unifying expression for the maximal reliability of a linear composite.
    Psychometrika, 62, 245-249.
Green, S. B., & Yang, Y. (2009). Psychometrika, 74, 155-167.
Rodriguez, A., Reise, S. P., & Haviland, M. G. (2016). Evaluating bifactor models. Psychological
    Methods, 21, 137-150.

Functions: ``share_of_sum, maximal_share, average_variance_extracted, construct_h,
categorical_covariance, explained_common_variance, uncontaminated_share``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import linalg, special

from cte_metrics.arrays import Array, Index
from cte_metrics.kernels.numerics.bivariate_normal import distribution


def share_of_sum(true: Array, total: Array) -> float:
    """``1'T1 / 1'S1`` for matrices (k, k); nan where the sum has no variance.

    Examples
    --------
    >>> share_of_sum(np.ones((2, 2)), np.array([[2.0, 1.0], [1.0, 2.0]]))
    0.6666666666666666
    """
    variance = float(total.sum())
    return float(true.sum()) / variance if variance > 0 else np.nan


def maximal_share(true: Array, total: Array) -> float:
    """Largest ``w'Tw / w'Sw`` over all weights; nan where S is not positive definite.

    Examples
    --------
    >>> round(maximal_share(np.ones((2, 2)), np.array([[2.0, 1.0], [1.0, 2.0]])), 12)
    0.666666666667
    """
    try:
        return float(linalg.eigh(true, total, eigvals_only=True)[-1])
    except linalg.LinAlgError:
        return np.nan


def average_variance_extracted(loadings: Array, phi: float, variances: Array) -> float:
    """``phi sum lambda^2 / sum of variances`` for the items (k,) of one factor."""
    return float(phi * np.sum(loadings**2) / np.sum(variances))


def construct_h(standardized: Array) -> float:
    """Hancock and Mueller's H from standardized loadings (k,); nan if one reaches 1.

    Examples
    --------
    >>> construct_h(np.array([0.5, 0.5, 0.5]))
    0.5
    """
    squared = standardized**2
    if (squared >= 1.0).any():
        return np.nan
    q = float(np.sum(squared / (1.0 - squared)))
    return q / (1.0 + q)


def categorical_covariance(correlation: Array, cuts: Array, items: Index) -> Array:
    """Covariances (k, k) of categorical answers scored 1, 2, ... from latent correlations.

    Parameters
    ----------
    correlation : (k, k)
        Of the latent responses; a diagonal below 1 stands for their true parts.
    cuts : (q,)
        Thresholds of all items, in units of the latent responses' standard deviations.
    items : (q,)
        The item of each threshold.
    """
    below = special.ndtr(cuts)
    rho = np.clip(correlation[np.ix_(items, items)], -1.0, 1.0)
    pairs = distribution(cuts[:, None], cuts, rho) - np.outer(below, below)
    member = (items == np.arange(len(correlation))[:, None]).astype(np.float64)
    return np.asarray(member @ pairs @ member.T)


def explained_common_variance(general: Array, specific: Array) -> float:
    """Share of the squared standardized loadings (k,), (k, s) that is the general factor's."""
    common = float(np.sum(general**2))
    return common / (common + float(np.sum(specific**2)))


def uncontaminated_share(n_items: int, group_sizes: Sequence[int]) -> float:
    """Share of item pairs that have only the general factor in common (PUC).

    Examples
    --------
    Nine items in three groups of three: 9 of 36 pairs lie within a group.

    >>> uncontaminated_share(9, [3, 3, 3])
    0.75
    """
    pairs = n_items * (n_items - 1) / 2
    within = sum(size * (size - 1) / 2 for size in group_sizes)
    return 1.0 - within / pairs if pairs else np.nan
