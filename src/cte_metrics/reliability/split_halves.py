"""Split-half reliability over all splits into two halves.

Functions: ``split_half, search_splits``. Class: ``SplitHalf``.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from cte_metrics.arrays import Array
from cte_metrics.errors import InputError, one_of
from cte_metrics.kernels.reliability.split_half import (
    LISTED_ITEMS,
    all_splits,
    crossing_shares,
    n_splits,
    odd_even_split,
    sampled_splits,
    split_coefficients,
)
from cte_metrics.kernels.reliability.split_search import (
    EXACT_ITEMS,
    every_split_searched,
    many_starts,
    upper_bound,
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
    """The splits of a scale: the best, the worst, how often items are parted, and a list.

    Created by: ``cte_metrics.reliability.split_halves.search_splits``.
    Consumed by: ``cte_metrics.reliability.split_halves.split_half``,
    ``cte_metrics.reliability.guttman.guttman_lambdas``.

    Attributes
    ----------
    best, worst : ndarray (k,)
        0 and 1.
    maximum, minimum, bound : float
        Their coefficients, and what no split exceeds.
    crossings : ndarray (k, k)
        Shares of the splits whose first half holds one item and whose second the other.
    listed : ndarray (s, k)
        All splits, or a sample of them; of these are the quantiles.
    candidates : ndarray (c, k)
        Splits over which the extremes of a resample are taken.
    n_splits : int
    notes : tuple of str
    """

    best: Array
    worst: Array
    maximum: float
    minimum: float
    bound: float
    crossings: Array
    listed: Array
    candidates: Array
    n_splits: int
    notes: tuple[str, ...]

    def looked_at(self, interval: str) -> Array:
        """Return the splits of a stack's extremes: the best and worst, or all candidates."""
        return np.stack((self.best, self.worst)) if interval == "delta" else self.candidates


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class SplitHalf(Result):
    """Reliabilities of the splits of a scale into halves.

    Attributes
    ----------
    maximum, mean, minimum : float
        Over the splits; the maximum is Guttman's lambda 4, the minimum Revelle's beta.
    upper_bound : float
        What the maximum is at most: itself where all splits were visited.
    odd_even : float
        Items 1, 3, 5, ... against 2, 4, 6, ...
    table : DataFrame
        Index coefficient: ``estimate, se, ci_low, ci_high``.
    quantiles : tuple of float
        2.5%, 50% and 97.5% quantile of the splits (not a confidence interval).
    best, worst : tuple of tuple of str
        Items of the two halves of the best and the worst split.
    n_splits : int
        Splits that there are (``psych``: that were visited).
    n_items, n_respondents : int
    """

    _title: ClassVar[str] = "Split-half reliability"

    maximum: float
    upper_bound: float
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
    items: Sequence[Hashable] | None = None,
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
        With an even number of items the same. With an odd number of up to 16 items ``psych``
        visits the first half of the list of splits, as ``psych::splitHalf`` does, and so depends
        on the order of the items; ``all`` counts every split.
    interval : {"delta", "bootstrap"}
    n_resamples : int
        Of the bootstrap.
    rng : Generator or int, optional
        Of the bootstrap.
    confidence : float
    items : sequence of labels, optional
    n_obs : int, optional

    Returns
    -------
    SplitHalf

    Notes
    -----
    Equals ``psych::splitHalf`` on items that all run in one direction (psych reverses others
    without being asked; here they are named in the notes). The mean over all splits of an even
    number of items is alpha of the same matrix.

    The maximum and the minimum are those of all splits up to 26 items; with more, the best that a
    search from many starts finds, the same in every call and in every order of the items, and
    ``upper_bound`` (the greatest lower bound) says what the maximum is at most. The mean is that
    of all splits always. With more than 16 items ``quantiles`` are those of 10,000 random splits,
    the same in every call; the bootstrap takes extremes over these and the best that were found.

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
    _refuse_no_total(chosen)
    found = search_splits(chosen, splits, resampled=asked.bootstrap)
    odd_even = odd_even_split(source.n_items)[None]
    looked = found.looked_at(interval)

    def figures(stack: Array) -> Array:
        values = split_coefficients(stack, looked)
        mean = 4 * (found.crossings * stack).sum(axis=(1, 2)) / stack.sum(axis=(1, 2))
        odd = split_coefficients(stack, odd_even)[:, 0]
        high, low = (values[:, 0], values[:, 1]) if interval == "delta" else _ends(values)
        return np.stack((high, mean, low, odd), axis=1)

    limits = matrix_interval(source, figures, asked, kind=matrix)
    at_sample = split_coefficients(chosen, odd_even)[0]
    mean = 4 * (found.crossings * chosen).sum() / chosen.sum()
    estimate = np.array([found.maximum, mean, found.minimum, at_sample])
    import pandas as pd

    columns = {"estimate": estimate, "se": limits.se, "ci_low": limits.low, "ci_high": limits.high}
    rows = pd.Index(["maximum", "mean", "minimum", "odd_even"], name="coefficient")
    quantiles = np.quantile(split_coefficients(chosen, found.listed), [0.025, 0.5, 0.975])
    return SplitHalf(
        maximum=found.maximum,
        upper_bound=found.bound,
        mean=float(estimate[1]),
        minimum=found.minimum,
        odd_even=float(at_sample),
        table=pd.DataFrame(columns, index=rows),
        quantiles=(float(quantiles[0]), float(quantiles[1]), float(quantiles[2])),
        best=_halves(found.best, source.items),
        worst=_halves(found.worst, source.items),
        n_splits=found.n_splits,
        n_items=source.n_items,
        n_respondents=source.n,
        provenance=Provenance(
            method=f"Split halves of the {matrix} matrix, {found.n_splits:,} splits",
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
            *source.alpha_by_rule(matrix),
            *found.notes,
            *source.keying(),
            *limits.notes,
        ),
    )


def _refuse_no_total(matrix: Array) -> None:
    if not matrix.sum() > 1e-12 * np.trace(matrix):
        raise InputError(
            "Split halves are not defined: the sum of the items has no positive variance, because "
            "their covariances cancel their variances.",
            hint="First suspect the keying.",
        )


def _ends(values: Array) -> tuple[Array, Array]:
    return values.max(axis=-1), values.min(axis=-1)


def search_splits(matrix: Array, splits: Splits, *, resampled: bool) -> SearchedSplits:
    """Find the best and the worst split of a scale; with ``resampled`` also candidates for both."""
    one_of(splits, Splits, "splits")
    k = len(matrix)
    if k > EXACT_ITEMS:
        return _search(matrix)
    if splits == "psych" and k % 2 == 1 and k <= LISTED_ITEMS:
        return _psych(matrix)
    best, worst = every_split_searched(matrix)
    ends = split_coefficients(matrix, np.stack((best, worst)))
    listed = all_splits(k) if k <= LISTED_ITEMS else _sample(k)
    more = resampled and k > LISTED_ITEMS
    candidates = np.concatenate((listed, _near_ends(matrix))) if more else listed
    high, low = float(ends[0]), float(ends[1])
    return SearchedSplits(
        best, worst, high, low, high, crossing_shares(k), listed, candidates, n_splits(k), ()
    )


def _sample(n_items: int) -> Array:
    """The same 10,000 random splits in every call."""
    return sampled_splits(n_items, SAMPLED, np.random.default_rng(n_items))


def _near_ends(matrix: Array) -> Array:
    """The best and the worst splits that a search from many starts finds."""
    return np.concatenate((many_starts(matrix), many_starts(matrix, -1.0)))


def _search(matrix: Array) -> SearchedSplits:
    """More items than can be visited: the best of a search, and what bounds it."""
    k = len(matrix)
    listed, near = _sample(k), _near_ends(matrix)
    values = split_coefficients(matrix, near)
    best, worst = near[values.argmax()], near[values.argmin()]
    high, low, bound = float(values.max()), float(values.min()), upper_bound(matrix)
    note = (
        f"{k} items have {n_splits(k):,} splits, too many to visit: the maximum and the minimum "
        f"are the best that a search from many starts found. No split exceeds {bound:.4f}."
    )
    candidates = np.concatenate((listed, near))
    return SearchedSplits(
        best, worst, high, low, bound, crossing_shares(k), listed, candidates, n_splits(k), (note,)
    )


def _psych(matrix: Array) -> SearchedSplits:
    """The first half of the list of splits of an odd number of items, as psych visits them."""
    k = len(matrix)
    chosen = all_splits(k, (n_splits(k) + 1) // 2)
    values = split_coefficients(matrix, chosen)
    note = (
        f"With {k} items, an odd number, psych visits {len(chosen)} of the {n_splits(k)} splits "
        "(which ones depends on the order of the items), and these figures follow it; "
        "splits='all' counts every split."
    )
    best, _ = every_split_searched(matrix)
    bound = split_coefficients(matrix, best[None])[0]
    crossings = chosen.T @ (1.0 - chosen) / len(chosen)
    return SearchedSplits(
        chosen[values.argmax()],
        chosen[values.argmin()],
        float(values.max()),
        float(values.min()),
        float(bound),
        crossings,
        chosen,
        chosen,
        len(chosen),
        (note,),
    )


def _halves(split: Array, items: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    first = tuple(n for n, a in zip(items, split, strict=True) if a)
    return first, tuple(n for n, a in zip(items, split, strict=True) if not a)
