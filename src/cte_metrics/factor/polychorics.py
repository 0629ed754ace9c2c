"""Polychoric and polyserial correlations with thresholds, standard errors and their covariance.

Functions: ``polychoric``. Class: ``Polychoric``.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from cte_metrics.arrays import Array, Flags, Integers
from cte_metrics.core.door import ItemData, complete_rows, item_data
from cte_metrics.core.naming import meant
from cte_metrics.core.numeric_columns import numbers
from cte_metrics.errors import InputError, one_of
from cte_metrics.factor.polychoric_notes import pair_notes
from cte_metrics.kernels.numerics.matrix_smoothing import nearest_positive_definite
from cte_metrics.kernels.ordinal.ordinal_covariance import asymptotic_covariance
from cte_metrics.kernels.ordinal.ordinal_moments import MixedData, OrdinalMoments, ordinal_moments
from cte_metrics.kernels.summaries.contingency import category_codes, item_pairs
from cte_metrics.results import Block, Provenance, Result, Status, recorded

if TYPE_CHECKING:
    import pandas as pd

Missing = Literal["listwise", "pairwise"]
Correction = float | tuple[float, float]

_REFERENCE = (
    "Olsson, U. (1979). Psychometrika, 44, 443-460; Muthen, B. (1984). Psychometrika, 49, 115-132."
)
_IN_SMALL_TABLE = 0.5


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class Polychoric(Result):
    """Correlations of the normal variables behind ordinal answers.

    Attributes
    ----------
    correlations : DataFrame
        Polychoric correlations (ordinal pairs), polyserial (numeric with ordinal), product-moment
        (numeric pairs).
    thresholds : dict
        Item to array: the normal quantiles of the cumulative shares; ordinal items only.
    standard_errors : DataFrame
        Asymptotic standard errors of ``correlations``, the root of ``acov``'s diagonal over n - 1
        (lavaan's divisor); 0 on the diagonal, missing for a perfect association.
    acov : DataFrame
        Asymptotic covariance matrix Gamma: n times the covariance matrix of the estimates, in
        lavaan's order and naming (``item|t1``, ``item~1``, ``item~~item``). For ordinal items it
        is lavaan's ``lavInspect(fit, "gamma")``; where numeric items take part, the entries of
        pairs belong to correlations (lavaan's to covariances) and ``item~1`` to minus the mean.
        Missing for a perfect association.
    n_pairs : DataFrame
        Respondents behind each correlation.
    """

    _title: ClassVar[str] = "Polychoric correlations"

    correlations: pd.DataFrame
    thresholds: dict[str, Array]
    standard_errors: pd.DataFrame
    acov: pd.DataFrame
    n_pairs: pd.DataFrame

    @property
    def correlation_acov(self) -> Array:
        """The part of ``acov`` that belongs to the correlations below the diagonal, by column."""
        return _of_correlations(self.acov.to_numpy(), len(self.correlations))

    @property
    def table(self) -> pd.DataFrame:
        """One row a pair: ``item_1, item_2, r, se, n``."""
        return _pairs(self)

    def _blocks(self) -> list[Block]:
        import pandas as pd

        cuts = pd.DataFrame({k: pd.Series(v) for k, v in self.thresholds.items()}).T
        cuts.columns = [f"t{t + 1}" for t in range(cuts.shape[1])]
        blocks = [Block("correlations", self.correlations)]
        if len(self.acov):
            blocks.append(Block("standard errors", self.standard_errors))
        return [*blocks, Block("thresholds", cuts)]


def _of_correlations(acov: Array, k: int) -> Array:
    p = k * (k - 1) // 2
    return acov[len(acov) - p :, len(acov) - p :] if len(acov) else acov


def _pairs(found: Polychoric) -> pd.DataFrame:
    import pandas as pd

    a, b = item_pairs(len(found.correlations))
    names = found.correlations.columns.to_numpy()
    return pd.DataFrame(
        {
            "item_1": names[a],
            "item_2": names[b],
            "r": found.correlations.to_numpy()[a, b],
            "se": found.standard_errors.to_numpy()[a, b],
            "n": found.n_pairs.to_numpy()[a, b],
        }
    )


@recorded
def polychoric(
    data: Any,
    *,
    correction: Correction = 0.0,
    missing: Missing = "listwise",
    ordered: Sequence[Hashable] | bool | None = None,
    max_categories: int = 15,
    standard_errors: bool = True,
    smooth: bool = False,
) -> Polychoric:
    r"""Estimate polychoric correlations by two-step maximum likelihood, all pairs at once.

    Each ordinal item is taken as a normal variable cut at thresholds,
    :math:`\tau_a = \Phi^{-1}(\text{share at or below category } a)`; given these,
    :math:`\sum_{ab} n_{ab} \log \pi_{ab}(\rho)` is maximised over :math:`\rho` for each pair.
    Numeric columns give polyserial correlations.

    Parameters
    ----------
    data : Responses, DataFrame or array
        Answers, one row a respondent. A declared order of categories is kept, also where it is
        not that of their numbers, and where they are texts.
    correction : float or (float, float)
        Amount that replaces an empty cell of a two-way table before :math:`\rho` is sought; 0
        leaves empty cells alone. 2 x 2 tables have their own amount, 0.5 by default as in lavaan
        (margins kept), since their likelihood has no inner maximum when a cell is empty; give a
        pair (for 2 x 2 tables, for larger tables) to change it.
    missing : {"listwise", "pairwise"}
        Complete rows only, or for each item and each pair the rows that answer it.
    ordered : sequence of labels, or bool, optional
        The ordinal columns. By default those whose type declares an order (a pandas ordered
        categorical, a polars ``Enum``), and those of whole numbers with at most
        ``max_categories`` different values; ``True`` takes all.
    max_categories : int
        See ``ordered``.
    standard_errors : bool
        Also compute ``acov`` and ``standard_errors`` (otherwise nan and empty).
    smooth : bool
        Replace a correlation matrix that is not positive definite by lifting its eigenvalues to
        1e-4; never done unasked, and always noted.

    Returns
    -------
    Polychoric

    Raises
    ------
    InputError
        If an item is constant, a pair has no respondents, or an option does not exist.

    Notes
    -----
    Agrees with ``lavaan::lavCor`` (two-step; search within .999, cell probabilities not below
    1.5e-8, a 2 x 2 table with two empty cells gives 1 or -1). Where the likelihood is nowhere
    higher than at .999 or -.999 (a perfect association, also one that is flat up to there, where
    lavaan stops on the way) that limit is the estimate; a note names the pair, and its standard
    error is missing. psych::polychoric stops its search
    early and differs by up to 2e-5; its default also adds 0.5 to empty cells of every table.

    References
    ----------
    Olsson, U. (1979). Maximum likelihood estimation of the polychoric correlation coefficient.
    Psychometrika, 44, 443-460. Muthen, B. (1984). A general structural equation model with
    dichotomous, ordered categorical, and continuous latent variable indicators. Psychometrika, 49,
    115-132.

    Examples
    --------
    With both items split at the median, rho is sin(2 pi (share in the first cell - 1/4)).

    >>> import pandas as pd
    >>> a = [0] * 50 + [1] * 50
    >>> b = [0] * 40 + [1] * 10 + [0] * 10 + [1] * 40
    >>> result = polychoric(pd.DataFrame({"a": a, "b": b}))
    >>> round(float(result.correlations.loc["a", "b"]), 6)  # sin(2 pi 0.15)
    0.809017
    >>> result.thresholds["a"].tolist()
    [0.0]
    """
    read = item_data(data, what="A polychoric correlation", minimum_items=2)
    return polychoric_of(
        read,
        correction=correction,
        missing=missing,
        ordered=ordered,
        max_categories=max_categories,
        standard_errors=standard_errors,
        smooth=smooth,
    )


def polychoric_of(
    read: ItemData,
    *,
    correction: Correction = 0.0,
    missing: Missing = "listwise",
    ordered: Sequence[Hashable] | bool | None = None,
    max_categories: int = 15,
    standard_errors: bool = True,
    smooth: bool | None = False,
) -> Polychoric:
    """Do the work of ``polychoric`` on data that came through the door.

    With ``smooth=None`` a matrix that is not positive definite is left to the caller, unsaid.
    """
    one_of(missing, Missing, "missing")
    pair = _correction_pair(correction)
    values, dropped, notes = _rows(read, missing)
    mixed, numeric_note = _mixed_data(values, read, ordered, max_categories)
    _refuse_constant(mixed, values, read.items)
    fitted = ordinal_moments(mixed, correction=pair)
    n_pairs = _shared_rows(values)
    _refuse_unshared(n_pairs, read.items)
    notes += [*numeric_note, *pair_notes(fitted, read.items, pair)]
    gamma = _gamma(mixed, fitted) if standard_errors else None
    matrix, smoothing = fitted.correlation, list[str]()
    if smooth is not None:
        matrix, smoothing = _definite(matrix, smooth)
    converged = bool(fitted.converged.all())
    return Polychoric(
        correlations=_square(matrix, read.items),
        thresholds=_thresholds(fitted, read.items),
        standard_errors=_square(_standard_errors(gamma, fitted), read.items),
        acov=_named(gamma, fitted, read.items),
        n_pairs=_square(n_pairs, read.items),
        notes=(*notes, *smoothing),
        status=Status.CONVERGED if converged else Status.MAX_ITER,
        provenance=Provenance(
            method="Two-step polychoric correlations",
            n_used=len(values),
            n_dropped=dropped,
            settings={"correction": pair, "missing": missing, "smooth": smooth},
            reference=_REFERENCE,
        ),
    )


def _correction_pair(correction: Correction) -> tuple[float, float]:
    values = numbers(correction, "correction")
    if values.shape not in ((), (2,)) or not ((values >= 0.0) & (values <= 1.0)).all():
        raise InputError(
            f"correction={correction!r} is neither a number from 0 to 1 nor a pair of them.",
            hint="0 leaves empty cells alone; 0.5 is the usual amount.",
        )
    pair = values.tolist()
    return (pair[0], pair[1]) if values.ndim else (_IN_SMALL_TABLE, pair)


def _rows(read: ItemData, missing: Missing) -> tuple[Array, int, list[str]]:
    notes = list(read.notes)
    if missing == "listwise":
        values, dropped, note = complete_rows(read)
        return values, dropped, notes + ([note] if note else [])
    values = read.values
    silent = np.isnan(values).all(axis=1)
    dropped = int(silent.sum())
    if dropped:
        notes.append(f"{dropped} rows without any answer were left out.")
    return values[~silent], dropped, notes


def _mixed_data(
    values: Array,
    read: ItemData,
    ordered: Sequence[Hashable] | bool | None,
    max_categories: int,
) -> tuple[MixedData, list[str]]:
    coded, items = category_codes(values), read.items
    is_ordinal = _ordinal_columns(values, coded.n_categories, read, ordered, max_categories)
    n_categories = np.where(is_ordinal, coded.n_categories, 0)
    codes = np.where(is_ordinal, coded.codes, np.int16(-1))
    numeric = [name for name, o in zip(items, is_ordinal, strict=True) if not o]
    note = [f"Taken as numeric, not ordinal: {', '.join(numeric)}."] if numeric else []
    return MixedData(codes, values, n_categories), note


def _ordinal_columns(
    values: Array,
    n_categories: Integers,
    read: ItemData,
    ordered: Sequence[Hashable] | bool | None,
    max_categories: int,
) -> Flags:
    if isinstance(ordered, bool | int | np.bool_):
        return np.full(read.n_items, bool(ordered))
    if ordered is not None:
        named = [ordered] if isinstance(ordered, str) else ordered
        return np.isin(
            np.arange(read.n_items), meant(named, read.items, "ordered: no item is called")
        )
    declared = np.isin(read.items, read.ordered)
    whole = np.array([np.array_equal(v, np.rint(v)) for v in (c[~np.isnan(c)] for c in values.T)])
    return np.asarray(declared | (whole & (n_categories <= max_categories)))


def _refuse_constant(mixed: MixedData, values: Array, items: tuple[str, ...]) -> None:
    spread = np.array([len(np.unique(c[~np.isnan(c)])) for c in values.T[mixed.numeric]])
    constant = [items[i] for i in np.flatnonzero(mixed.n_categories == 1)]
    constant += [items[i] for i, s in zip(mixed.numeric, spread, strict=True) if s < 2]
    if constant:
        raise InputError(
            f"Every respondent gave the same answer to {', '.join(constant)}, which therefore "
            "has no correlation with other items.",
            hint="Leave out constant items.",
        )


def _shared_rows(values: Array) -> Integers:
    answered = (~np.isnan(values)).astype(np.float64)
    return np.asarray(np.rint(answered.T @ answered).astype(np.int64))


def _refuse_unshared(n_pairs: Integers, items: tuple[str, ...]) -> None:
    if (n_pairs < 2).any():
        i, j = np.argwhere(n_pairs < 2)[0]
        raise InputError(
            f"Fewer than two respondents answered both {items[i]!r} and {items[j]!r}.",
            hint="Leave out one of them.",
        )


def _definite(matrix: Array, smooth: bool) -> tuple[Array, list[str]]:
    smallest = float(np.linalg.eigvalsh(matrix)[0])
    if smallest > 0.0:
        return matrix, []
    said = f"The matrix is not positive definite (smallest eigenvalue {smallest:.4g})"
    if not smooth:
        return matrix, [f"{said}; smooth=True would lift its eigenvalues."]
    lifted = nearest_positive_definite(matrix)
    change = float(np.abs(lifted - matrix).max())
    return lifted, [f"{said} and was smoothed; correlations changed by up to {change:.3g}."]


def _gamma(mixed: MixedData, fitted: OrdinalMoments) -> Array:
    """Gamma, missing where a correlation stands at its limit and varies by no known amount."""
    gamma = asymptotic_covariance(mixed, fitted, scale="correlation")
    perfect = fitted.at_limit | fitted.perfect
    lost = len(gamma) - len(perfect) + np.flatnonzero(perfect)
    gamma[lost, :] = gamma[:, lost] = np.nan
    return gamma


def _standard_errors(gamma: Array | None, fitted: OrdinalMoments) -> Array:
    k = len(fitted.n_categories)
    out = np.full((k, k), np.nan)
    if gamma is not None:
        a, b = item_pairs(k)
        variance = np.diagonal(gamma)[len(gamma) - len(a) :] / (fitted.n - 1)
        out[a, b] = out[b, a] = np.sqrt(variance)
        np.fill_diagonal(out, 0.0)
    return out


def _thresholds(fitted: OrdinalMoments, items: tuple[str, ...]) -> dict[str, Array]:
    sizes = fitted.n_categories
    return {n: fitted.cuts[i, : sizes[i] - 1].copy() for i, n in enumerate(items) if sizes[i]}


def _square(matrix: np.ndarray, items: tuple[str, ...]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(matrix, index=list(items), columns=list(items))


def _named(gamma: Array | None, fitted: OrdinalMoments, items: tuple[str, ...]) -> pd.DataFrame:
    import pandas as pd

    if gamma is None:
        return pd.DataFrame()
    k = fitted.n_categories
    names = [
        label
        for name, c in zip(items, k, strict=True)
        for label in ([f"{name}|t{t}" for t in range(1, c)] if c else [f"{name}~1"])
    ]
    names += [f"{name}~~{name}" for name, c in zip(items, k, strict=True) if not c]
    a, b = item_pairs(len(items))
    names += [f"{items[i]}~~{items[j]}" for i, j in zip(a, b, strict=True)]
    return pd.DataFrame(gamma, index=names, columns=names)
