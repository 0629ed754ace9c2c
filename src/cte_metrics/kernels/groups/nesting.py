r"""Second moments of answers given in schools: within and between schools, and what that changes.

With N respondents in J schools of n_j, the covariances within and between schools are estimated by
the mean products of a multivariate analysis of variance,

    S_W = sum_ij (y_ij - m_j)(y_ij - m_j)' / (N - J),
    S_B = sum_j n_j (m_j - m)(m_j - m)' / (J - 1),
    Sigma_B = (S_B - S_W) / c,        c = (N - sum n_j^2 / N) / (J - 1),

so that the intraclass correlation of an item is ``Sigma_B / (Sigma_B + S_W)`` on the diagonals. The
design effect, ``1 + (sum n_j^2 / N - 1) icc`` (Kish), is the factor by which schools raise the
variance of a mean.

References
----------
Muthén, B. O. (1994). Multilevel covariance structure analysis. Sociological Methods & Research, 22,
    376-398.
Kish, L. (1965). Survey Sampling. Wiley.

Functions: ``nesting, school_bootstrap``. Class: ``Nesting``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from cte_metrics.arrays import Array, Integers
from cte_metrics.kernels.numerics.resampling import bootstrap_counts


@dataclass(frozen=True, slots=True)
class Nesting:
    """``within`` S_W and ``between`` Sigma_B (k, k); ``icc`` and ``design_effect`` (k,) of each
    item; ``sizes`` (J,) respondents of each school.
    """

    within: Array
    between: Array
    icc: Array
    design_effect: Array
    sizes: Integers

    @property
    def n_groups(self) -> int:
        """Number of schools."""
        return len(self.sizes)

    @property
    def n_respondents(self) -> int:
        """Number of respondents."""
        return int(self.sizes.sum())


def nesting(values: Array, codes: Integers) -> Nesting:
    """Moments at both levels of complete rows (n, k) in the schools ``codes`` (n,) 0 ... J-1.

    Examples
    --------
    >>> found = nesting(np.array([[1.0], [3.0], [5.0], [7.0]]), np.array([0, 0, 1, 1]))
    >>> found.within.tolist(), found.between.tolist()  # 4 / 2; (16 - 2) / 2
    ([[2.0]], [[7.0]])
    """
    sums = _Sums.of(values, codes)
    (within,), (between,) = _levels(sums.rows.sum(axis=0)[None], len(sums.sizes), values.shape[1])
    squared = float((sums.sizes.astype(np.float64) ** 2).sum()) / len(values)
    inside, across = np.diagonal(within), np.diagonal(between)
    total = inside + across
    icc = np.divide(across, total, out=np.zeros(len(total)), where=total > 0.0)
    return Nesting(within, between, icc, 1.0 + (squared - 1.0) * icc, sums.sizes)


@dataclass(frozen=True, slots=True)
class _Sums:
    """``sizes`` (J,); ``rows`` (J, 2 + k + 2 k k): n, n^2, n m, sum y y' and n m m' of a school."""

    sizes: Integers
    rows: Array

    @classmethod
    def of(cls, values: Array, codes: Integers) -> _Sums:
        sizes = np.bincount(codes)
        n_groups, k = len(sizes), values.shape[1]
        centred = values - values.mean(axis=0)
        sums, products = np.zeros((n_groups, k)), np.zeros((n_groups, k, k))
        np.add.at(sums, codes, centred)
        np.add.at(products, codes, centred[:, :, None] * centred[:, None, :])
        n = sizes[:, None].astype(np.float64)
        across = sums[:, :, None] * sums[:, None, :] / np.maximum(n, 1.0)[:, :, None]
        parts = (n, n * n, sums, products.reshape(n_groups, -1), across.reshape(n_groups, -1))
        return cls(sizes, np.hstack(parts))


def _levels(totals: Array, n_groups: int, k: int) -> tuple[Array, Array]:
    """S_W and Sigma_B (b, k, k) from sums over schools (b, 2 + k + 2 k k)."""
    n, squares = totals[:, 0, None, None], totals[:, 1, None, None]
    mean = totals[:, 2 : 2 + k] / totals[:, :1]
    products = totals[:, 2 + k : 2 + k + k * k].reshape(-1, k, k)
    across = totals[:, 2 + k + k * k :].reshape(-1, k, k)
    within = (products - across) / np.maximum(n - n_groups, 1.0)
    between = across - n * mean[:, :, None] * mean[:, None, :]
    return within, (between - (n_groups - 1) * within) / (n - squares / n)


def school_bootstrap(
    values: Array,
    codes: Integers,
    n_resamples: int,
    rng: np.random.Generator,
    *,
    level: Literal["within", "between"],
) -> Iterator[Array]:
    """Yield stacks (b, k, k) of S_W or Sigma_B from resamples of J whole schools.

    A school that is drawn twice counts as two. For total covariances see
    ``resampling.bootstrap_covariances``.
    """
    sums = _Sums.of(values, codes)
    for counts in bootstrap_counts(len(sums.sizes), n_resamples, rng):
        levels = _levels(counts @ sums.rows, len(sums.sizes), values.shape[1])
        yield levels[0 if level == "within" else 1]
