"""Correlations of items with their intervals.

Functions: ``correlations``. Class: ``Correlations``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from cte_metrics.arrays import Array, Flags, Index
from cte_metrics.core.door import ItemData, complete_rows, item_data
from cte_metrics.core.naming import meant
from cte_metrics.core.numeric_columns import numbers
from cte_metrics.errors import InputError, InputTypeError, check_confidence, one_of
from cte_metrics.kernels.factor.adequacy import partial_correlations
from cte_metrics.kernels.factor.extraction import squared_multiple_correlations
from cte_metrics.kernels.numerics.distributions import normal_quantile
from cte_metrics.kernels.summaries import associations as kernel
from cte_metrics.kernels.summaries.contingency import item_pairs
from cte_metrics.kernels.summaries.correlations import spearman
from cte_metrics.kernels.summaries.moments import moments
from cte_metrics.results.base import Result
from cte_metrics.results.provenance import Provenance
from cte_metrics.results.recording import recorded
from cte_metrics.results.render.blocks import Block

if TYPE_CHECKING:
    import pandas as pd

Kind = Literal["pearson", "spearman", "kendall", "phi", "yule", "biserial"]
Missing = Literal["listwise", "pairwise"]

_LOWEST_ROOT = 1e-9
_REFERENCES = {
    "pearson": "Fisher (1921), Metron 1.",
    "spearman": "Bonett & Wright (2000), Psychometrika 65.",
    "kendall": "Bonett & Wright (2000), Psychometrika 65.",
    "phi": "Fisher (1921), Metron 1.",
    "yule": "Yule (1912), Journal of the Royal Statistical Society 75.",
    "biserial": "Tate (1955), Biometrika 42.",
}


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class Correlations(Result):
    """Correlations with intervals.

    Attributes
    ----------
    correlations, ci_low, ci_high : DataFrame (items x items)
    n_pairs : DataFrame
        Respondents behind each correlation.
    smc : Series
        Squared multiple correlation of each item with all others; missing where the matrix is
        singular, or the correlations are partial.
    corrected : DataFrame
        Correlations corrected for attenuation, where reliabilities were given; else empty.
    """

    _title: ClassVar[str] = "Correlations"

    correlations: pd.DataFrame
    ci_low: pd.DataFrame
    ci_high: pd.DataFrame
    n_pairs: pd.DataFrame
    smc: pd.Series
    corrected: pd.DataFrame

    @property
    def table(self) -> pd.DataFrame:
        """One row a pair: ``item_1, item_2, r, ci_low, ci_high, n``, and ``corrected`` if asked."""
        return _pairs(self)

    def _blocks(self) -> list[Block]:
        blocks = [Block("correlations", self.correlations), Block("intervals", self.table)]
        if self.smc.notna().any():
            blocks.append(Block("squared multiple correlations", self.smc.to_frame()))
        return blocks


def _pairs(found: Correlations) -> pd.DataFrame:
    import pandas as pd

    a, b = item_pairs(len(found.correlations))
    names = found.correlations.columns.to_numpy()
    columns = {
        "r": found.correlations,
        "ci_low": found.ci_low,
        "ci_high": found.ci_high,
        "n": found.n_pairs,
    }
    if len(found.corrected):
        columns["corrected"] = found.corrected
    values = {name: frame.to_numpy()[a, b] for name, frame in columns.items()}
    return pd.DataFrame({"item_1": names[a], "item_2": names[b], **values})


@recorded
def correlations(
    data: Any,
    method: Kind = "pearson",
    *,
    control: Sequence[Any] | Literal["rest"] | None = None,
    missing: Missing = "listwise",
    confidence: float = 0.95,
    reliabilities: Mapping[str, float] | None = None,
) -> Correlations:
    r"""Correlate all pairs of items, with intervals.

    Parameters
    ----------
    data : Responses, DataFrame or array
        Answers, one row a respondent.
    method : {"pearson", "spearman", "kendall", "phi", "yule", "biserial"}
        ``phi`` and ``yule`` (Q) take items with two values; ``biserial`` is for pairs of a numeric
        with a binary item (numeric pairs are Pearson's, binary ones missing: see `polychoric`);
        ``kendall`` is tau-b.
    control : sequence of column names, or "rest", optional
        Partial correlations given these columns, or of each pair given all other items; Pearson or
        Spearman.
    missing : {"listwise", "pairwise"}
    confidence : float
    reliabilities : mapping of item to reliability, optional
        Correct for attenuation: ``r / sqrt(rel_1 rel_2)``.

    Returns
    -------
    Correlations

    Raises
    ------
    InputError
        If an item is constant or not binary where it must be, an option does not exist, or a
        reliability is missing or not between 0 and 1.
    UnknownNameError
        If a controlled column does not exist.

    Notes
    -----
    Intervals are those of Fisher's z, with the variances 1 / (n - 3 - controls) (Pearson, phi and
    partial), (1 + r\ :sup:`2` / 2) / (n - 3 - controls) (Spearman) and .437 / (n - 4) (Kendall);
    for Q those of the log odds ratio; for biserial correlations normal ones with Soper's standard
    error, cut at -1 and 1. Corrected correlations take reliabilities for known. psych's `biserial`
    divides by the standard deviation with n - 1, and is smaller by the root of (n - 1) / n.

    References
    ----------
    Bonett, D. G., & Wright, T. A. (2000). Sample size requirements for estimating Pearson, Kendall
    and Spearman correlations. Psychometrika, 65, 23-28.

    Examples
    --------
    Deviations (-2, -1, 0, 1, 2) and (-1, -2, 1, 0, 2), cross-product 8, squares 10:

    >>> import numpy as np
    >>> a = np.array([[1.0, 2.0], [2.0, 1.0], [3.0, 4.0], [4.0, 3.0], [5.0, 5.0]])
    >>> found = correlations(a)
    >>> float(found.correlations.iloc[0, 1].round(6)), found.table["n"].tolist()
    (0.8, [5.0])
    """
    one_of(method, Kind, "method")
    one_of(missing, Missing, "missing")
    level = check_confidence(confidence)
    read = item_data(data, what="A correlation", minimum_items=2)
    values, dropped, notes = _rows(read, missing)
    _refuse_constant(values, read.items)
    r, counts, half = _figures(values, method, missing, read.items)
    kept, controls = _kept(read.items, control, method)
    partial = control is not None
    n_controls = 0
    if partial:
        r, n_controls = _partial(r, kept, controls)
    counts = counts[np.ix_(kept, kept)]
    low, high = _limits(method, r, counts - n_controls, half, level)
    items = tuple(read.items[i] for i in kept)
    smc, about = _smc(r, items, partial=partial or method in ("yule", "kendall"))
    corrected, more = _corrected(r, items, reliabilities)
    if method == "biserial" and np.isnan(r).any():
        more.append("Pairs of two binary items have no biserial correlation; see polychoric.")
    return Correlations(
        correlations=_square(r, items),
        ci_low=_square(low, items),
        ci_high=_square(high, items),
        n_pairs=_square(counts, items),
        smc=smc,
        corrected=corrected,
        notes=(*notes, *about, *more),
        provenance=Provenance(
            method=f"{method.capitalize()} correlations" + (", partial" if partial else ""),
            n_used=len(values),
            n_dropped=dropped,
            settings={"method": method, "missing": missing, "confidence": level},
            reference=_REFERENCES[method],
        ),
    )


def _rows(read: ItemData, missing: Missing) -> tuple[Array, int, list[str]]:
    notes = list(read.notes)
    if missing == "pairwise":
        return read.values, 0, notes
    values, dropped, note = complete_rows(read)
    return values, dropped, notes + ([note] if note else [])


def _refuse_constant(values: Array, items: tuple[str, ...]) -> None:
    constant = [v for v, c in zip(items, values.T, strict=True) if len(np.unique(c[c == c])) < 2]
    if constant:
        raise InputError(
            f"Every respondent gave the same answer to {', '.join(constant)}, which therefore has "
            "no correlation with other items.",
            hint="Leave out constant items.",
        )


def _kept(
    items: tuple[str, ...], control: Sequence[Any] | str | None, method: str
) -> tuple[Index, Index]:
    everything = np.arange(len(items))
    if control is None:
        return everything, everything[:0]
    if method not in ("pearson", "spearman"):
        raise InputError(
            f"Partial correlations are Pearson's or Spearman's; got method={method!r}."
        )
    if isinstance(control, str) and control == "rest":
        return everything, everything[:0]
    if not isinstance(control, str | Iterable):
        raise InputTypeError(
            f"control takes names of columns or 'rest'; got {type(control).__name__}."
        )
    named = [control] if isinstance(control, str) else list(control)
    controls = np.array(meant(named, items, "control: there is no column"), dtype=np.intp)
    kept = np.setdiff1d(everything, controls)
    if len(kept) < 2:
        raise InputError(f"control leaves {len(kept)} items; a correlation needs two.")
    return kept, controls


def _partial(r: Array, kept: Index, controls: Index) -> tuple[Array, int]:
    """Partial correlations given the controls, or all other items; how many are held constant."""
    used = r[np.ix_(controls, controls)] if len(controls) else r
    if np.isnan(r).any() or np.linalg.eigvalsh(used)[0] <= _LOWEST_ROOT:
        raise InputError(
            "The items held constant repeat one another (their correlation matrix is singular), "
            "or share too few respondents.",
            hint="Leave one of them out of control, or use missing='listwise'.",
        )
    if len(controls):
        return kernel.partial_given(r, kept, controls), len(controls)
    return partial_correlations(r), len(r) - 2


def _figures(
    values: Array, method: Kind, missing: Missing, items: tuple[str, ...]
) -> tuple[Array, Array, Array | None]:
    """Coefficients and rows behind each (k, k); what else an interval needs."""
    seen = (~np.isnan(values)).astype(np.float64)
    counts = np.asarray(seen.T @ seen, dtype=np.float64)
    if method == "spearman":
        return *spearman(values, missing), None
    if method == "kendall":
        return kernel.kendall(values), counts, None
    binary = np.array([len(np.unique(c[c == c])) == 2 for c in values.T])
    if method == "yule":
        _refuse_many(binary, items, method)
        q, se = kernel.yule_q(kernel.two_by_two(_high(values)))
        return q, counts, se
    if method == "phi":
        _refuse_many(binary, items, method)
    r = np.asarray(moments(values, missing).correlation)
    if method != "biserial":
        return r, counts, None
    share = np.nanmean(_high(values), axis=0)
    factor = np.where(binary, kernel.biserial_factors(np.where(binary, share, 0.5)), 1.0)
    r = np.where(binary[:, None] & binary, np.nan, r * np.maximum(factor[:, None], factor))
    np.fill_diagonal(r, 1.0)
    mixed = binary[:, None] ^ binary
    return r, counts, np.where(mixed, np.maximum(factor[:, None], factor), np.nan)


def _high(values: Array) -> Array:
    """1 for the highest value of each column, 0 for others, nan where missing."""
    return np.where(np.isnan(values), np.nan, (values == np.nanmax(values, axis=0)) * 1.0)


def _refuse_many(binary: Flags, items: tuple[str, ...], method: str) -> None:
    if not binary.all():
        many = ", ".join(items[int(i)] for i in np.flatnonzero(~binary))
        raise InputError(
            f"method={method!r} takes items with two values; these have more: {many}.",
            hint="Leave these items out, or use method='pearson' or polychoric().",
        )


def _limits(
    method: Kind, r: Array, n: Array, extra: Array | None, level: float
) -> tuple[Array, Array]:
    """Limits (k, k); nan where n is too small, and on the diagonal 1."""
    reach = float(normal_quantile(0.5 + 0.5 * level))
    with np.errstate(all="ignore"):
        z = np.arctanh(np.clip(r, -1.0, 1.0))
        if method == "yule" and extra is not None:
            low, high = np.tanh(z - 0.5 * reach * extra), np.tanh(z + 0.5 * reach * extra)
        else:
            freedom = n - (4.0 if method == "kendall" else 3.0)
            size = {"spearman": 1.0 + 0.5 * r * r, "kendall": 0.437}.get(method, 1.0)
            se = np.sqrt(size / np.where(freedom > 0.0, freedom, np.nan))
            low, high = np.tanh(z - reach * se), np.tanh(z + reach * se)
            if extra is not None:
                soper = (extra - r * r) / np.sqrt(n)
                low = np.where(np.isnan(extra), low, np.maximum(r - reach * soper, -1.0))
                high = np.where(np.isnan(extra), high, np.minimum(r + reach * soper, 1.0))
    for limit in (low, high):
        np.fill_diagonal(limit, 1.0)
    return low, high


def _smc(r: Array, items: tuple[str, ...], *, partial: bool) -> tuple[pd.Series, list[str]]:
    import pandas as pd

    nothing = pd.Series(np.nan, list(items), name="smc")
    if partial or np.isnan(r).any():
        return nothing, []
    if np.linalg.eigvalsh(r)[0] <= _LOWEST_ROOT:
        return nothing, ["The matrix is singular: no squared multiple correlations."]
    return pd.Series(squared_multiple_correlations(r), list(items), name="smc"), []


def _corrected(
    r: Array, items: tuple[str, ...], reliabilities: Mapping[str, float] | None
) -> tuple[pd.DataFrame, list[str]]:
    import pandas as pd

    if reliabilities is None:
        return pd.DataFrame(), []
    given = numbers(list(reliabilities.values()), "reliabilities").tolist()
    known = dict(zip(map(str, reliabilities), given, strict=True))
    for name in items:
        if not 0.0 < known.get(name, np.nan) <= 1.0:
            raise InputError(
                f"reliabilities: that of {name!r} is {known.get(name)!r}, not above 0 and up to 1.",
                hint="Give the reliability of every item.",
            )
    root = np.sqrt(np.array([known[name] for name in items]))
    corrected = r / np.outer(root, root)
    np.fill_diagonal(corrected, 1.0)
    a, b = item_pairs(len(items))
    over = np.flatnonzero(np.abs(corrected[a, b]) > 1.0)
    notes = ["Corrected correlations take the reliabilities for known."]
    if len(over):
        pairs = ", ".join(f"{items[a[p]]} with {items[b[p]]}" for p in over[:5])
        notes.append(f"A corrected correlation is above 1: {pairs}; a reliability is too low.")
    return _square(corrected, items), notes


def _square(matrix: Array, items: tuple[str, ...]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(matrix, index=list(items), columns=list(items))
