"""Omega hierarchical: how much of a sum score one general factor explains.

Functions: ``hierarchical_omega``. Class: ``HierarchicalOmega``.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from cte_metrics.arrays import Array
from cte_metrics.errors import (
    IdentificationError,
    ImproperSolutionWarning,
    InputError,
    InputTypeError,
    one_of,
    warn,
)
from cte_metrics.kernels.factor import extraction, rotation
from cte_metrics.kernels.numerics.resampling import bootstrap_covariances
from cte_metrics.kernels.reliability.hierarchical import HierarchicalFigures, hierarchical_figures
from cte_metrics.reliability.coefficient import Coefficient
from cte_metrics.reliability.common_factor import independence_notes
from cte_metrics.reliability.resampled import Resampling, correlations, matrix_interval
from cte_metrics.reliability.source import Missing, Source, read_source, refuse_indefinite
from cte_metrics.results import Block, Interval, Provenance, Status, recorded

HierarchicalInterval = Literal["none", "delta", "bootstrap"]

if TYPE_CHECKING:
    import pandas as pd

_REFERENCE = "Zinbarg, R. E., Revelle, W., Yovel, I. & Li, W. (2005). Psychometrika, 70, 123-133."


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class HierarchicalOmega(Coefficient):
    """Omega hierarchical and total from a Schmid-Leiman solution.

    Attributes
    ----------
    hierarchical : float
        Share of the (standardized) sum score's variance due to the general factor.
    total : float
        Share due to all common factors.
    asymptotic : float
        hierarchical / total: omega hierarchical of an endless test of this structure.
    ecv : float
        Explained common variance: the general factor's share of the common variance.
    alpha, guttman6 : float
        Standardized alpha and lambda 6 of the same items, for comparison.
    ci, total_ci : Interval
        Of ``hierarchical`` and ``total``; nan where there is none.
    interval : str
        The method behind them.
    group : DataFrame
        Index factor (``g`` and the group factors): ``total, general, group``, the coefficients of
        the sum of the items that load highest on the factor.
    loadings : DataFrame
        Schmid-Leiman: ``g, f1, ..., h2, u2, p2`` (p2: general share of the communality).
    pattern : DataFrame
        Loadings of the correlated factors.
    factor_correlations : DataFrame
    general_loadings : Series
        Of the factors on the general factor.
    reversed : tuple of str
        Items that load negatively on the general factor; their signs were changed in the
        coefficients (not in any data), as psych does.
    n_items, n_respondents : int
    """

    _title: ClassVar[str] = "Omega hierarchical"

    hierarchical: float
    total: float
    asymptotic: float
    ecv: float
    alpha: float
    guttman6: float
    ci: Interval
    total_ci: Interval
    interval: HierarchicalInterval
    group: pd.DataFrame
    loadings: pd.DataFrame
    pattern: pd.DataFrame
    factor_correlations: pd.DataFrame
    general_loadings: pd.Series
    reversed: tuple[str, ...]
    n_items: int
    n_respondents: int

    @property
    def estimate(self) -> float:
        """Omega hierarchical."""
        return self.hierarchical

    def _blocks(self) -> list[Block]:
        figures: list[tuple[str, Any]] = [
            ("omega hierarchical", self.hierarchical),
            ("omega total", self.total),
            ("omega hierarchical, asymptotic", self.asymptotic),
            ("explained common variance", self.ecv),
            ("standardized alpha", self.alpha),
            ("items", self.n_items),
            ("respondents", self.n_respondents),
        ]
        if np.isfinite(self.ci.low):
            label = f"{100 * self.ci.level:g}% interval ({self.interval})"
            figures.insert(1, (label, tuple(self.ci)))
        return [
            Block("", figures),
            Block("Schmid-Leiman loadings", self.loadings),
            Block("Group factors", self.group),
        ]


@recorded
def hierarchical_omega(
    data: Any,
    n_factors: int = 3,
    *,
    method: extraction.Method = "minres",
    rotation: rotation.Method = "oblimin",
    missing: Missing = "listwise",
    interval: HierarchicalInterval = "none",
    n_resamples: int = 500,
    rng: np.random.Generator | int | None = None,
    confidence: float = 0.95,
    items: Sequence[Hashable] | None = None,
    n_obs: int | None = None,
) -> HierarchicalOmega:
    """Compute omega hierarchical from an exploratory factor model.

    Correlated factors are extracted and rotated, one general factor of their correlations gives
    the Schmid-Leiman loadings, and

        omega_h = (sum of general loadings)^2 / sum(R),   omega_total = 1 - sum(u2) / sum(R).

    Parameters
    ----------
    data : Responses, DataFrame, array (n, k), Moments, or matrix (k, k)
    n_factors : int
        Group factors. Three or more identify the general factor; with two their loadings on it
        are set equal; with one there is only ``total``.
    method : str
        Extraction, as in ``efa``; the general factor is extracted the same way.
    rotation : str
        An oblique rotation, as in ``efa``.
    missing : {"listwise", "pairwise"}
    interval : {"none", "delta", "bootstrap"}
        ``delta`` is the normal-theory delta method with a numerical gradient, for which the matrix
        is factored k (k + 1) times; ``bootstrap`` factors each resample anew. Both take seconds,
        and there is none by default, which a note says.
    n_resamples, rng
        Of the bootstrap.
    confidence : float
    items : sequence of labels, optional
    n_obs : int, optional

    Returns
    -------
    HierarchicalOmega

    Raises
    ------
    InputError
        If the matrix is not positive definite or the rotation is orthogonal.
    IdentificationError
        If there are too many factors for the number of items.

    Notes
    -----
    Equals ``psych::omega`` up to psych's early stop (its minres loadings are off by up to 1e-4). As
    there, items that load negatively on the general factor change sign; they are named.

    References
    ----------
    Zinbarg, Revelle, Yovel & Li (2005); Revelle & Condon (2019), Psychological Assessment 31.

    Examples
    --------
    >>> import numpy as np
    >>> group = np.kron(np.eye(3), np.full((3, 1), 0.5))
    >>> r = 0.36 + group @ group.T
    >>> np.fill_diagonal(r, 1.0)
    >>> found = hierarchical_omega(r, 3, n_obs=500)
    >>> round(found.hierarchical, 4), round(float((9 * 0.6) ** 2 / r.sum()), 4)
    (0.7397, 0.7397)
    """
    asked = Resampling.asked(
        interval=interval,
        n_resamples=n_resamples,
        rng=rng,
        confidence=confidence,
        allowed=HierarchicalInterval,
    )
    _check_options(method, rotation)
    source = read_source(data, items=items, missing=missing, n_obs=n_obs, what="Omega hierarchical")
    _check_factors(n_factors, source.n_items)
    matrix = refuse_indefinite(source, "correlation")
    _refuse_uncorrelated(matrix)
    found = hierarchical_figures(matrix, n_factors, method, rotation)
    options = (n_factors, method, rotation)
    ci, total_ci, lost = _intervals(source, options, asked, definite=not found.heywood.any())
    status, warned = _judge(found, source.items)
    tables = _tables(found, source.items)
    return HierarchicalOmega(
        hierarchical=found.hierarchical,
        total=found.total,
        asymptotic=found.asymptotic,
        ecv=found.ecv,
        alpha=found.alpha,
        guttman6=found.guttman6,
        ci=ci,
        total_ci=total_ci,
        interval=interval,
        **tables,
        reversed=tuple(n for n, s in zip(source.items, found.signs, strict=True) if s < 0),
        n_items=source.n_items,
        n_respondents=source.n,
        provenance=Provenance(
            method=f"Omega hierarchical, {n_factors} factors ({method}, {rotation}), Schmid-Leiman",
            n_used=source.n,
            n_dropped=source.n_dropped,
            settings={
                "n_factors": n_factors,
                "method": method,
                "rotation": rotation,
                "missing": missing,
                **asked.settings,
            },
            reference=_REFERENCE,
        ),
        status=status,
        notes=(
            *source.notes,
            *source.alpha_by_rule("correlation"),
            *independence_notes(matrix, source.n),
            *_notes(found, source.items, n_factors),
            *warned,
            *lost,
        ),
    )


def _check_options(method: str, chosen: str) -> None:
    one_of(method, extraction.Method, "method")
    one_of(chosen, rotation.Method, "rotation")
    if chosen in rotation.ORTHOGONAL:
        raise InputError(
            f"rotation={chosen!r} is orthogonal: uncorrelated factors have no general factor.",
            hint="Use an oblique rotation such as 'oblimin'.",
        )


def _refuse_uncorrelated(correlation: Array) -> None:
    if np.abs(correlation - np.eye(len(correlation))).max() < 1e-8:
        raise InputError(
            "The items do not correlate at all: there is no common factor, and no general one.",
            hint="Check that the columns are the items of one scale.",
        )


def _check_factors(n_factors: int, n_items: int) -> None:
    if isinstance(n_factors, bool) or not isinstance(n_factors, int | np.integer):
        raise InputTypeError(f"n_factors is a whole number; got {n_factors!r}.")
    if n_factors < 1:
        raise InputError(f"n_factors={n_factors}; at least one factor is needed.")
    df = ((n_items - n_factors) ** 2 - n_items - n_factors) / 2
    if df < 0:
        raise IdentificationError(
            f"{n_factors} factors of {n_items} items are not identified "
            f"({df:g} degrees of freedom).",
            hint="Ask for fewer factors.",
        )


def _judge(found: HierarchicalFigures, items: Sequence[str]) -> tuple[Status, tuple[str, ...]]:
    heywood = [n for n, h in zip(items, found.heywood, strict=True) if h]
    if not heywood and not found.general_heywood:
        return (Status.CONVERGED if found.converged else Status.MAX_ITER), ()
    what = f"Communality of 1 or more: {', '.join(heywood)}." if heywood else ""
    general = (
        "A factor loads 1 or more on the general factor, so its group factor vanishes."
        if found.general_heywood
        else ""
    )
    text = f"{what} {general}".strip()
    warn(f"Omega hierarchical: {text}", ImproperSolutionWarning)
    return Status.IMPROPER, (text,)


def _notes(found: HierarchicalFigures, items: Sequence[str], n_factors: int) -> tuple[str, ...]:
    notes = []
    if n_factors == 1:
        notes.append("One factor: omega hierarchical is not meaningful, only omega total is.")
    if n_factors == 2:
        notes.append(
            "Two factors do not identify a general factor: their loadings on it were set equal "
            "(the square root of their correlation). Interpret with caution."
        )
    turned = [n for n, s in zip(items, found.signs, strict=True) if s < 0]
    if turned:
        notes.append(
            f"{', '.join(turned)} load negatively on the general factor: their signs were changed "
            "in these coefficients, as psych does. First suspect their keying; the data are as "
            "they were."
        )
    return tuple(notes)


def _tables(found: HierarchicalFigures, items: Sequence[str]) -> dict[str, Any]:
    import pandas as pd

    factors = pd.Index([f"f{j + 1}" for j in range(found.group_loadings.shape[1])])
    general = factors.insert(0, "g")
    index = pd.Index(items, name="item")
    with np.errstate(divide="ignore", invalid="ignore"):
        share = found.general**2 / found.communalities
    columns = np.column_stack(
        (found.general, found.group_loadings, found.communalities, 1 - found.communalities, share)
    )
    return {
        "loadings": pd.DataFrame(columns, index, general.append(pd.Index(["h2", "u2", "p2"]))),
        "group": pd.DataFrame(
            found.group_omegas, general.rename("factor"), ["total", "general", "group"]
        ),
        "pattern": pd.DataFrame(found.pattern, index, factors),
        "factor_correlations": pd.DataFrame(found.phi, factors, factors),
        "general_loadings": pd.Series(found.gamma, factors, name="g"),
    }


def _intervals(
    source: Source,
    options: tuple[int, extraction.Method, rotation.Method],
    asked: Resampling,
    *,
    definite: bool,
) -> tuple[Interval, Interval, tuple[str, ...]]:
    none = Interval(np.nan, np.nan, asked.level)
    if asked.method == "none":
        return none, none, ("No interval was asked for: interval='delta' or 'bootstrap' gives it.",)
    if not (source.n or asked.bootstrap):
        return none, none, ()
    if not asked.bootstrap and not definite:
        why = "a communality is at its bound, where the delta method does not hold"
        return none, none, (f"There is no interval: {why}; interval='bootstrap' gives one.",)
    if not asked.bootstrap:

        def figures(stack: Array) -> Array:
            return np.array([_replicate(matrix, options) for matrix in stack])

        by_delta = matrix_interval(source, figures, asked, kind="correlation")
        return by_delta.interval(0), by_delta.interval(1), by_delta.notes
    answers = source.complete_answers("A bootstrap interval")
    replicates = np.array(
        [
            _replicate(matrix, options)
            for stack in bootstrap_covariances(answers, asked.n_resamples, asked.rng)
            for matrix in correlations(stack)
        ]
    )
    found = asked.percentiles(replicates)
    first, second = (
        Interval(float(low), float(high), asked.level)
        for low, high in zip(found.low, found.high, strict=True)
    )
    return first, second, found.notes


def _replicate(
    matrix: Array, options: tuple[int, extraction.Method, rotation.Method]
) -> tuple[float, float]:
    try:
        found = hierarchical_figures(matrix, *options, thorough=False)
    except (np.linalg.LinAlgError, ValueError):
        return np.nan, np.nan
    return found.hierarchical, found.total
