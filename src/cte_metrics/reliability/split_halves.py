"""Split-half reliability over all splits, or a sample of them.

Functions: ``split_half, search_splits``. Class: ``SplitHalf``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from cte_metrics.arrays import Array
from cte_metrics.errors import one_of
from cte_metrics.kernels.reliability.split_half import (
    MOST_ITEMS,
    all_splits,
    improve_split,
    n_splits,
    odd_even_split,
    sampled_splits,
    split_coefficients,
)
from cte_metrics.reliability.resampled import IntervalMethod, Resampling, matrix_interval
from cte_metrics.reliability.source import Matrix, Missing, read_source
from cte_metrics.results import Provenance, Result, recorded

if TYPE_CHECKING:
    import pandas as pd

Splits = Literal["psych", "all"]

SAMPLED = 10_000


@dataclass(frozen=True, slots=True)
class SearchedSplits:
    """Splits that were looked at, with their coefficients.

    Created by: ``cte_metrics.reliability.split_halves.search_splits``.
    Consumed by: ``cte_metrics.reliability.split_halves.split_half``.
    """

    splits: Array
    coefficients: Array
    best: Array
    worst: Array
    maximum: float
    minimum: float
    notes: tuple[str, ...]

    def candidates(self, interval: str, best: Array) -> Array:
        """Splits over which a resample's maximum is taken: all, or near the estimate the best."""
        return best if interval == "delta" else self.splits


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class SplitHalf(Result):
    """Reliabilities of the splits of a scale into halves.

    Attributes
    ----------
    maximum, mean, minimum : float
        Over the splits; the maximum is Guttman's lambda 4, the minimum Revelle's beta.
    odd_even : float
        Items 1, 3, 5, ... against 2, 4, 6, ...
    table : DataFrame
        Index coefficient: ``estimate, se, ci_low, ci_high``.
    quantiles : tuple of float
        2.5%, 50% and 97.5% quantile of the splits (not a confidence interval).
    best, worst : tuple of tuple of str
        Items of the two halves of the best and the worst split.
    n_splits, n_items, n_respondents : int
    """

    _title: ClassVar[str] = "Split-half reliability"

    maximum: float
    mean: float
    minimum: float
    odd_even: float
    table: pd.DataFrame
    quantiles: tuple[float, float, float]
    best: tuple[tuple[str, ...], tuple[str, ...]]
    worst: tuple[tuple[str, ...], tuple[str, ...]]
    n_splits: int
    n_items: int
    n_respondents: int


@recorded
def split_half(
    data: Any,
    *,
    matrix: Matrix = "correlation",
    missing: Missing = "listwise",
    splits: Splits = "all",
    interval: IntervalMethod = "delta",
    n_resamples: int = 1000,
    rng: np.random.Generator | int | None = None,
    confidence: float = 0.95,
    items: Sequence[str] | None = None,
    n_obs: int | None = None,
) -> SplitHalf:
    """Compute the reliability of every split of the items into two halves.

    A split of C into halves A and B has reliability 4 sum(C_AB) / sum(C), which is Guttman's
    and Rulon's coefficient (and Spearman-Brown's when the halves have equal variances).

    Parameters
    ----------
    data : Responses, DataFrame, array (n, k), Moments, or matrix (k, k)
    matrix : {"correlation", "covariance"}
        Halves of standardized items (default, as psych) or of the items themselves.
    missing : {"listwise", "pairwise"}
    splits : {"all", "psych"}
        With an even number of items the same. With an odd number, ``all`` visits every split;
        ``psych`` the first half of their list, as ``psych::splitHalf`` does, and so depends on
        the order of the items. More than 16 items: 10,000 random splits, the
        best and the worst then improved by exchanging items.
    interval : {"delta", "bootstrap"}
    n_resamples : int
        Of the bootstrap.
    rng : Generator or int, optional
        Of the bootstrap and the random splits.
    confidence : float
    items : sequence of str, optional
    n_obs : int, optional

    Returns
    -------
    SplitHalf

    Notes
    -----
    Equals ``psych::splitHalf`` on items that all run in one direction (psych reverses others
    without being asked; here they are named in the notes). The mean over all splits of an even
    number of items is alpha of the same matrix.

    References
    ----------
    Revelle, W. & Condon, D. M. (2019). Psychological Assessment, 31, 1395-1411.

    Examples
    --------
    Four parallel items that correlate .5: every split has 4 * 4 * .5 / (4 + 12 * .5) = .8.

    >>> import numpy as np
    >>> found = split_half(np.full((4, 4), 0.5) + 0.5 * np.eye(4), n_obs=100)
    >>> found.n_splits, round(found.maximum, 6), round(found.mean, 6), round(found.minimum, 6)
    (3, 0.8, 0.8, 0.8)
    """
    asked = Resampling.asked(
        interval=interval, n_resamples=n_resamples, rng=rng, confidence=confidence
    )
    source = read_source(data, items=items, missing=missing, n_obs=n_obs, what="Split halves")
    chosen = source.matrix(matrix)
    found = search_splits(chosen, splits, asked.rng)
    odd_even = odd_even_split(source.n_items)[None]
    crossings = found.splits.T @ (1.0 - found.splits) / len(found.splits)

    def figures(stack: Array) -> Array:
        ends = np.stack((found.best, found.worst))
        looked = ends if interval == "delta" else found.splits
        values = split_coefficients(stack, looked)
        mean = 4 * (crossings * stack).sum(axis=(1, 2)) / stack.sum(axis=(1, 2))
        high, low = (values[:, 0], values[:, 1]) if interval == "delta" else _ends(values)
        return np.stack((high, mean, low, split_coefficients(stack, odd_even)[:, 0]), axis=1)

    limits = matrix_interval(source, figures, asked, kind=matrix)
    odd = float(split_coefficients(chosen, odd_even)[0])
    estimate = np.array([found.maximum, found.coefficients.mean(), found.minimum, odd])
    import pandas as pd

    columns = {"estimate": estimate, "se": limits.se, "ci_low": limits.low, "ci_high": limits.high}
    rows = pd.Index(["maximum", "mean", "minimum", "odd_even"], name="coefficient")
    quantiles = np.quantile(found.coefficients, [0.025, 0.5, 0.975])
    return SplitHalf(
        maximum=found.maximum,
        mean=float(estimate[1]),
        minimum=found.minimum,
        odd_even=odd,
        table=pd.DataFrame(columns, index=rows),
        quantiles=(float(quantiles[0]), float(quantiles[1]), float(quantiles[2])),
        best=_halves(found.best, source.items),
        worst=_halves(found.worst, source.items),
        n_splits=len(found.splits),
        n_items=source.n_items,
        n_respondents=source.n,
        provenance=Provenance(
            method=f"Split halves of the {matrix} matrix, {len(found.splits)} splits",
            n_used=source.n,
            n_dropped=source.n_dropped,
            settings={
                "matrix": matrix,
                "splits": splits,
                "missing": missing,
                **asked.settings,
            },
            reference="Guttman, L. (1945). Psychometrika, 10, 255-282.",
        ),
        notes=(
            *source.notes,
            *found.notes,
            *source.keying(),
            *limits.notes,
        ),
    )


def _ends(values: Array) -> tuple[Array, Array]:
    return values.max(axis=-1), values.min(axis=-1)


def search_splits(matrix: Array, splits: Splits, rng: np.random.Generator) -> SearchedSplits:
    """Return the splits of a scale with their coefficients, all or sampled."""
    one_of(splits, Splits, "splits")
    k = len(matrix)
    if k > MOST_ITEMS:
        return _sampled(matrix, rng)
    odd = k % 2 == 1 and splits == "psych"
    chosen = all_splits(k, (n_splits(k) + 1) // 2 if odd else None)
    values = split_coefficients(matrix, chosen)
    notes = (
        (
            f"With {k} items, an odd number, psych visits {len(chosen)} of the {n_splits(k)} "
            "splits (which ones depends on the order of the items), and these figures follow it; "
            "splits='all' visits every split.",
        )
        if odd
        else ()
    )
    return SearchedSplits(
        chosen,
        values,
        chosen[values.argmax()],
        chosen[values.argmin()],
        float(values.max()),
        float(values.min()),
        notes,
    )


def _sampled(matrix: Array, rng: np.random.Generator) -> SearchedSplits:
    chosen = sampled_splits(len(matrix), SAMPLED, rng)
    values = split_coefficients(matrix, chosen)
    best = improve_split(matrix, chosen[values.argmax()])
    worst = improve_split(matrix, chosen[values.argmin()], -1.0)
    ends = split_coefficients(matrix, np.stack((best, worst)))
    note = (
        f"{len(matrix)} items have {n_splits(len(matrix)):,} splits: the mean rests on {SAMPLED:,} "
        "random ones, and the best and worst of these were improved by exchanging items."
    )
    return SearchedSplits(chosen, values, best, worst, float(ends[0]), float(ends[1]), (note,))


def _halves(split: Array, items: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    first = tuple(n for n, a in zip(items, split, strict=True) if a)
    return first, tuple(n for n, a in zip(items, split, strict=True) if not a)
