"""Exploratory factor analysis.

Functions: ``efa``.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from cte_metrics.arrays import Array
from cte_metrics.errors import (
    DataWarning,
    IdentificationError,
    ImproperSolutionWarning,
    InputError,
    NonConvergenceWarning,
    one_of,
    warn,
)
from cte_metrics.factor.efa_result import EFA
from cte_metrics.factor.matrices.correlation_input import (
    Correlation,
    CorrelationInput,
    Missing,
    correlation_matrix,
)
from cte_metrics.factor.matrices.definite import any_matrix, definite_matrix
from cte_metrics.factor.matrices.levels import Level
from cte_metrics.factor.rotation_options import checked_options, kaiser_normalised, rotation_text
from cte_metrics.factor.solution import Solution
from cte_metrics.kernels.factor import extraction as extracting
from cte_metrics.kernels.factor import rotation as rotating
from cte_metrics.kernels.factor.factor_fit import FactorFit, degrees_of_freedom, fit
from cte_metrics.results.estimate import Interval
from cte_metrics.results.frozen import read_only
from cte_metrics.results.provenance import Provenance
from cte_metrics.results.recording import recorded
from cte_metrics.results.status import Status

if TYPE_CHECKING:
    import pandas as pd


_NO_LOADINGS = 1e-10
_LARGE_RESIDUAL = 0.2
_LISTED = 8

_REFERENCES = {
    "minres": "Harman & Jones (1966), Psychometrika 31.",
    "uls": "Jöreskog (1977).",
    "ols": "Harman & Jones (1966), Psychometrika 31.",
    "ml": "Jöreskog (1967), Psychometrika 32.",
    "gls": "Jöreskog & Goldberger (1972), Psychometrika 37.",
    "wls": "Revelle, psych::fa.",
    "pa": "Thurstone (1947), Multiple-factor analysis.",
    "pc": "Hotelling (1933), J. Educational Psychology 24.",
}


@recorded
def efa(
    data: Any,
    n_factors: int,
    *,
    method: extracting.Method = "minres",
    rotation: rotating.Method = "oblimin",
    correlation: Correlation = "pearson",
    missing: Missing = "listwise",
    n_obs: float | None = None,
    kaiser: bool | None = None,
    rotation_options: Mapping[str, Any] | None = None,
    smooth: bool = False,
    group: Any = None,
    level: Level = "total",
) -> EFA:
    """Extract and rotate common factors.

    Parameters
    ----------
    data : Responses, DataFrame, array, Moments, or a square correlation matrix
        Answers, or correlations (a covariance matrix is rescaled) with ``n_obs``.
    n_factors : int
        Number of factors; see `n_factors` for how many.
    method : {"minres", "ml", "pa", "uls", "wls", "gls", "pc", "ols"}
        Extraction. ``minres``, ``uls`` and ``ols`` minimise squared residuals; ``pa`` iterates
        communalities to convergence, which leads to the same solution; ``ml`` maximises the normal
        likelihood; ``gls`` and ``wls`` weight residuals by the inverse correlation matrix and by
        its inverse diagonal; ``pc`` gives principal components.
    rotation : str
        ``none``; orthogonal ``varimax, quartimax, equamax, entropy, bifactor, geomin_t, bentler_t,
        infomax_t, crawford_ferguson_t, target_t``; oblique ``oblimin, quartimin, promax, geomin,
        bentler, infomax, oblimax, crawford_ferguson, simplimax, target``. Each takes the lowest of
        the minima that several random starts lead to (``rotation_options={"n_starts": ...}``).
    correlation : {"pearson", "spearman", "polychoric", "fiml"}
    missing : {"listwise", "pairwise"}
    n_obs : float, optional
        Respondents behind a matrix; without it there are no tests of fit.
    kaiser : bool, optional
        Rotate rows of equal length (Kaiser normalisation). By default, ``None``, ``varimax`` and
        ``promax`` do, as in psych and SPSS (and varimax in factanal), and all other rotations do
        not, as in GPArotation; the result says which.
    rotation_options : mapping, optional
        ``gamma`` (oblimin), ``delta`` (geomin), ``kappa`` (crawford_ferguson), ``power`` (promax),
        ``n_zeros`` (simplimax), ``target`` and ``weights`` (target; nan in the target is free), and
        for the search ``n_starts``, ``rng``, ``tolerance``.
    smooth : bool
        Make a correlation matrix that is not positive definite so, by lifting its lowest roots, and
        say by how much. By default such a matrix is refused.
    group : str or array, optional
        School of each respondent; a survey's own by default. Where schools are known, a note says
        what they change: intraclass correlations, design effect, and how far pooled-within
        correlations differ from those used.
    level : {"total", "within", "between"}
        Factor the correlations of all answers, those pooled within schools (n - schools + 1 stands
        for n), or those between schools (of variance components; schools stand for n). The latter
        two take complete rows and Pearson correlations.

    Returns
    -------
    EFA
        Factors by falling variance with mainly positive loadings; a target rotation keeps the
        target's order.

    Raises
    ------
    InputError
        If an item is constant, an option does not exist, or (for all methods but ``pc``) the
        matrix is not positive definite or there are no more respondents than items.
    IdentificationError
        If the items cannot identify so many factors (negative degrees of freedom).

    Warns
    -----
    ImproperSolutionWarning
        If a communality is 1 or more (a Heywood case), or is held just below 1 by the bound on
        uniquenesses (0.005, as in psych and factanal), or a uniqueness is held at that bound while
        its item's communality is low.
    DataWarning
        If a factor has no loadings at all.
    NonConvergenceWarning
        If extraction or rotation stopped before its optimum.

    Notes
    -----
    Each method but ``pa`` and ``pc`` returns the lowest of the minima that 16 fixed starts lead to
    (28 for up to 16 items): from squared multiple correlations, flat, with one item at a time
    nearly without uniqueness, and at random. No number of starts proves that a lower minimum does
    not exist; ``objective`` and the uniquenesses let another solution be compared.

    Fit figures are those of psych::fa. Loadings differ where psych stops early (up to 1e-4, for
    ``pa`` 1e-2) or in a local minimum. psych's ``wls`` and ``gls`` use a gradient that does not
    belong to their criterion and stop away from its minimum.

    A note names the largest residual correlation where it is above .2.

    References
    ----------
    Revelle, W. psych: Procedures for psychological, psychometric, and personality research.
    Bernaards, C. A., & Jennrich, R. I. (2005). Educational and Psychological Measurement, 65.

    Examples
    --------
    One factor with loadings .9, .8, .7 implies correlations .72, .63 and .56:

    >>> import numpy as np
    >>> r = np.array([[1, .72, .63], [.72, 1, .56], [.63, .56, 1]])
    >>> efa(r, 1, n_obs=100).loadings["F1"].round(6).tolist()
    [0.9, 0.8, 0.7]
    """
    one_of(method, extracting.Method, "method")
    one_of(rotation, rotating.Method, "rotation")
    source = correlation_matrix(
        data,
        correlation=correlation,
        missing=missing,
        n_obs=n_obs,
        acov=False,
        what="Factor analysis",
        group=group,
        level=level,
    )
    _refuse_unidentified(len(source.items), n_factors, method)
    r, notes = (any_matrix if method == "pc" else definite_matrix)(source, smooth=smooth)
    options = checked_options(rotation, rotation_options, source.items, n_factors=n_factors)
    found = extracting.extract(r, int(n_factors), method)
    normalised = kaiser_normalised(rotation, kaiser)
    turned = rotating.rotate(found.loadings, rotation, kaiser=normalised, **options)
    figures = fit(r, turned.loadings @ turned.phi @ turned.loadings.T, n_factors, source.n_obs)
    settings = {
        "n_factors": int(n_factors),
        "method": method,
        "rotation": rotation,
        "kaiser": normalised,
        "correlation": correlation,
        "missing": missing,
        "rotation_options": dict(rotation_options or {}),
        "level": level,
    }
    solution = _solution(source, r, found, turned, settings, options)
    problems = _problems(solution, found, turned)
    status = _status(found, turned, method)
    problems += _large_residual(solution, figures.residuals)
    all_notes = (*source.notes, *notes, *problems, *_fit_notes(figures, source))
    provenance = Provenance(
        method=f"{n_factors} factors by {method}, {rotation_text(rotation, normalised)}, "
        f"{correlation} correlations" + (f" {level} schools" if level != "total" else ""),
        n_used=round(source.n_obs or 0),
        n_dropped=source.n_dropped,
        settings=settings,
        reference=_REFERENCES[method],
    )
    return _result(solution, turned, figures, provenance, status, all_notes)


def _refuse_unidentified(n_items: int, n_factors: Any, method: str) -> None:
    if isinstance(n_factors, bool) or not isinstance(n_factors, int | np.integer) or n_factors < 1:
        raise InputError(f"n_factors={n_factors!r} is not a whole number of 1 or more.")
    if method == "pc":
        if n_factors > n_items:
            raise IdentificationError(f"{n_items} items have {n_items} components at most.")
        return
    df = degrees_of_freedom(n_items, int(n_factors))
    if n_factors >= n_items or df < 0:
        most = max(m for m in range(n_items) if degrees_of_freedom(n_items, m) >= 0)
        raise IdentificationError(
            f"{n_items} items cannot identify {n_factors} factors ({df} degrees of freedom); they "
            f"identify {most} at most.",
            hint="Use fewer factors or more items; method='pc' gives components.",
        )


def _solution(
    source: CorrelationInput,
    r: Array,
    found: extracting.Extraction,
    turned: rotating.Rotation,
    settings: Mapping[str, Any],
    options: Mapping[str, Any],
) -> Solution:
    prefix = "PC" if settings["method"] == "pc" else "F"
    factors = tuple(f"{prefix}{j + 1}" for j in range(turned.loadings.shape[1]))
    values = source.values
    mean = sd = None
    if values is not None and not np.isnan(values).any():
        mean = values.mean(axis=0)
        sd = values.std(axis=0, ddof=1)
    return Solution(
        read_only(r),
        read_only(turned.loadings),
        read_only(turned.phi),
        source.items,
        factors,
        settings["method"],
        settings["rotation"],
        settings["kaiser"],
        dict(options),
        source.n_obs,
        read_only(found.bounded),
        settings["correlation"],
        settings["missing"],
        values,
        mean,
        sd,
        source.schools,
        settings["level"],
    )


def _problems(
    solution: Solution, found: extracting.Extraction, turned: rotating.Rotation
) -> list[str]:
    """Say aloud what is wrong with the solution: warnings, returned as notes too."""
    out = []
    if solution.method != "pc" and found.heywood.any():
        out.append(_heywood(solution, found))
        warn(out[-1], ImproperSolutionWarning)
    if found.only_held.any():
        out.append(_held(solution, found))
        warn(out[-1], ImproperSolutionWarning)
    empty = int((np.sum(found.loadings**2, axis=0) < _NO_LOADINGS).sum())
    if empty:
        out.append(_empty(empty, found.loadings.shape[1]))
        warn(out[-1], DataWarning)
    if not found.converged:
        out.append(f"Extraction by {solution.method} did not converge.")
        warn(out[-1], NonConvergenceWarning)
    if not turned.converged:
        out.append(
            f"Rotation {solution.rotation} reached no minimum with separate factors; the loadings "
            "shown are not at an optimum of its criterion."
        )
        warn(out[-1], NonConvergenceWarning)
    return out


def _heywood(solution: Solution, found: extracting.Extraction) -> str:
    items = [solution.items[i] for i in np.flatnonzero(found.heywood)]
    values = ", ".join(
        f"{name} ({h:.3f})"
        for name, h in zip(items, found.communalities[found.heywood], strict=True)
    )
    return (
        f"HEYWOOD CASE: the communality of {values} reaches 1 or is held just below it by the "
        "bound on uniquenesses. The factors explain more than all of an item's variance: likely "
        "too many factors, too few respondents, or two nearly identical items."
    )


def _held(solution: Solution, found: extracting.Extraction) -> str:
    items = [solution.items[i] for i in np.flatnonzero(found.only_held)]
    few = ", ".join(items[:_LISTED]) + (
        f" and {len(items) - _LISTED} more" * (len(items) > _LISTED)
    )
    return (
        f"The search by {solution.method} held the uniqueness of {few} at its lower bound, while "
        f"{'the communality stays' if len(items) == 1 else 'the communalities stay'} far below 1: "
        "the criterion weights residuals by the inverse of a nearly singular matrix. Use "
        "method='minres', or leave out items that repeat others."
    )


def _large_residual(solution: Solution, residuals: Array) -> list[str]:
    """Say which correlation the factors miss most, where they miss it by more than .2."""
    size = np.abs(np.triu(residuals, 1))
    if solution.method == "pc" or not size.max(initial=0.0) > _LARGE_RESIDUAL:
        return []
    i, j = np.unravel_index(int(np.argmax(size)), size.shape)
    many = int((size > _LARGE_RESIDUAL).sum())
    why = " (wls gives little weight to items that others repeat)" * (solution.method == "wls")
    return [
        f"The factors leave {residuals[i, j]:.2f} of the correlation {solution.r[i, j]:.2f} of "
        f"{solution.items[i]} with {solution.items[j]} unexplained{why}; residuals above "
        f"{_LARGE_RESIDUAL:g}: {many}."
    ]


def _empty(empty: int, n_factors: int) -> str:
    return (
        f"{empty} of {n_factors} factors {'has' if empty == 1 else 'have'} no loadings: the "
        "correlations hold no more common variance. Extract fewer factors."
    )


def _status(found: extracting.Extraction, turned: rotating.Rotation, method: str) -> Status:
    if not (found.converged and turned.converged):
        return Status.MAX_ITER
    if method == "pc":
        return Status.OK
    improper = found.heywood.any() or found.bounded.any()
    return Status.IMPROPER if improper else Status.CONVERGED


def _fit_notes(figures: FactorFit, source: CorrelationInput) -> list[str]:
    notes = []
    if source.n_obs is None:
        notes.append("Tests of fit need n_obs, the number of respondents behind the matrix.")
    if figures.df <= 0:
        notes.append("No degrees of freedom are left, so the model cannot be tested.")
    return notes


def _result(
    solution: Solution,
    turned: rotating.Rotation,
    figures: FactorFit,
    provenance: Provenance,
    status: Status,
    notes: tuple[str, ...],
) -> EFA:
    import pandas as pd

    items = _index(solution.items)
    factors = _index(solution.factors)
    loadings, phi = solution.loadings, solution.phi
    structure = loadings @ phi
    communalities = np.einsum("ij,ij->i", loadings, structure)
    return EFA(
        loadings=pd.DataFrame(loadings, items, factors),
        structure=pd.DataFrame(structure, items, factors),
        factor_correlations=pd.DataFrame(phi, factors, factors),
        communalities=pd.Series(communalities, items, name="communality"),
        uniquenesses=pd.Series(1.0 - communalities, items, name="uniqueness"),
        complexity=pd.Series(_complexity(loadings), items, name="complexity"),
        variance=_variance(turned, factors),
        chi2=figures.chi2,
        df=figures.df,
        p=figures.p,
        rmsea=figures.rmsea,
        rmsea_ci=Interval(figures.rmsea_low, figures.rmsea_high, 0.90),
        tli=figures.tli,
        cfi=figures.cfi,
        rmsr=figures.rmsr,
        bic=figures.bic,
        objective=figures.objective,
        residuals=pd.DataFrame(figures.residuals, items, items),
        eigenvalues=read_only(np.linalg.eigvalsh(solution.r)[::-1]),
        transformation=read_only(turned.transformation),
        provenance=provenance,
        status=status,
        notes=notes,
        _solution=solution,
    )


def _complexity(loadings: Array) -> Array:
    squares = loadings**2
    fourth = (squares**2).sum(axis=1)
    total = squares.sum(axis=1) ** 2
    return np.divide(total, fourth, out=np.full(len(fourth), np.nan), where=fourth > 0.0)


def _index(names: tuple[str, ...]) -> pd.Index:
    """An index of its own for each result, on labels that are read once."""
    return _known_index(names).view()


@functools.lru_cache(maxsize=128)
def _known_index(names: tuple[str, ...]) -> pd.Index:
    import pandas as pd

    return pd.Index(names)


_VARIANCE_COLUMNS = (
    "ss_loadings",
    "proportion",
    "cumulative",
    "proportion_explained",
    "cumulative_explained",
)


def _variance(turned: rotating.Rotation, factors: pd.Index) -> pd.DataFrame:
    import pandas as pd

    own = rotating.factor_variances(turned.loadings, turned.phi)
    share, total = own / len(turned.loadings), float(own.sum())
    explained = own / total if total > 0.0 else np.full_like(own, np.nan)
    parts = (own, share, share.cumsum(), explained, explained.cumsum())
    return pd.DataFrame(np.stack(parts, axis=1), factors, _index(_VARIANCE_COLUMNS))
