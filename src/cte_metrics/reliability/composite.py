"""Reliability of the composites of a fitted factor model.

Functions: ``composite_reliability``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cte_metrics.arrays import Array, Flags, Index
from cte_metrics.core.arguments import checked
from cte_metrics.errors import ImproperSolutionWarning, InputError, InputTypeError, warn
from cte_metrics.kernels.reliability.alpha import alpha_of
from cte_metrics.kernels.reliability.composite import (
    average_variance_extracted,
    categorical_covariance,
    construct_h,
    explained_common_variance,
    maximal_share,
    share_of_sum,
    uncontaminated_share,
)
from cte_metrics.kernels.summaries.moments import moments
from cte_metrics.sem.inference.standardized import solution_keys, variance_derivatives
from cte_metrics.sem.model.moment_names import latent_matrix
from cte_metrics.sem.model.ordinal import scales
from cte_metrics.sem.scores.factor_scores import model_answers
from cte_metrics.sem.semfit import SEMFit

if TYPE_CHECKING:
    import pandas as pd

    from cte_metrics.sem.inference.solution import Solution

COLUMNS = ("alpha", "omega", "ave", "h", "omega_ordinal", "maximal")
TOTAL = "total"


@checked
def composite_reliability(fit: SEMFit, *, observed_variance: bool = True) -> pd.DataFrame:
    """Compute the reliability of every factor's composite and of the total.

    Parameters
    ----------
    fit : SEMFit
        A confirmatory factor model; factors with one item are left out.
    observed_variance : bool
        Divide by the observed variance of the composite (McDonald); otherwise by the variance
        that the model implies (Bollen, Raykov).

    Returns
    -------
    DataFrame
        Index: factors, then ``total`` (all items); with groups or levels they come first in the
        index. Columns:

        - ``alpha``: of the covariance matrix (ordinal items: of the answers as scored).
        - ``omega``: share of the composite's variance explained by its factor (``total``: by all
          factors). Ordinal items: of the latent responses.
        - ``ave``: average variance extracted; missing where an item has several factors.
        - ``h``: construct reliability of optimally weighted items (Hancock & Mueller).
        - ``omega_ordinal``: Green and Yang's coefficient of the categorical sum score; missing for
          continuous items.
        - ``maximal``: maximal reliability over all weights.

        Second-order and bifactor models add ``omega_hierarchical`` (share explained by the general
        factor; rows of group factors: by that factor beyond the general one), ``omega_subscale``
        (rows of group factors: share explained by all factors), ``ecv`` and ``puc``; second-order
        models also ``omega_l1, omega_l2, partial_omega_l1``.

        ``attrs["notes"]`` names figures that no reliability can be (above 1, below 0, missing
        ``h``), items that load against their factor, and what the fit must say; ``attrs["n"]``
        holds the respondents.

    Warns
    -----
    ImproperSolutionWarning
        If a figure is above 1: the model then explains more than the variance there is.

    Raises
    ------
    InputError
        If the model has no factor with two items or more, or two levels of ordinal items.
    InputTypeError
        If ``fit`` is no fitted model.

    Notes
    -----
    Equals ``semTools::compRelSEM`` (``tau.eq`` for alpha, ``ord.scale`` for ``omega_ordinal``,
    ``higher`` for the second-order factor), ``AVE``, ``maximalRelia`` (row ``total``) and
    ``reliabilityL2``.

    References
    ----------
    McDonald, R. P. (1999). Test theory. Erlbaum. Rodriguez, A., Reise, S. P., & Haviland, M. G.
    (2016). Evaluating bifactor models. Psychological Methods, 21, 137-150.

    Examples
    --------
    Loadings 1, 1, 1 and residual variances 1, 2, 3: omega is ``3^2 / (3^2 + 6) = 0.6``, the average
    variance extracted ``3 / 9``.

    >>> import numpy as np
    >>> from cte_metrics import sem
    >>> cov = np.ones((3, 3)) + np.diag([1.0, 2.0, 3.0])
    >>> fit = sem.cfa("f =~ item_1 + item_2 + item_3", sample_cov=cov, n_obs=200,
    ...               likelihood="wishart")
    >>> composite_reliability(fit).loc["f", ["omega", "ave"]].astype(float).round(6).tolist()
    [0.6, 0.333333]
    """
    import pandas as pd

    solution = checked_solution(fit, "composite_reliability")
    rows, labels = figure_rows(solution, observed=observed_variance)
    extra = dict.fromkeys(c for row in rows for c in row if c not in COLUMNS)
    table = pd.DataFrame(rows, index=labels, columns=[*COLUMNS, *extra])
    impossible = _above_one(table)
    if impossible:
        warn(" ".join(impossible), ImproperSolutionWarning)
    notes = (
        *fit.notes,
        *_rows_of_alpha(solution, table),
        *impossible,
        *_below_zero(table),
        *_without_h(table),
    )
    table.attrs = {"n": fit.provenance.n_used, "notes": tuple(dict.fromkeys(notes))}
    return table


def checked_solution(fit: Any, what: str) -> Solution:
    """Return the solution of a fit whose composites can be read.

    Raises
    ------
    InputTypeError, InputError
        If it is no fit, or one of two levels of ordinal items.
    """
    if not isinstance(fit, SEMFit):
        raise InputTypeError(
            f"{what} takes a fitted model; got {type(fit).__name__}.",
            hint="Fit one first: fit = cte.sem.cfa(model, data), or cte.factor.cfa(responses).",
        )
    if fit.solution.options.ordinal and fit.solution.options.two_level:
        raise InputError(
            f"{what} does not read two-level models of ordinal items.",
            hint="Fit the two levels to the items as numbers (without ordered=), or the ordinal "
            "items at one level.",
        )
    return fit.solution


def figure_rows(solution: Solution, *, observed: bool) -> tuple[list[dict[str, float]], pd.Index]:
    """Return the figures of every composite, and the index of their table.

    Raises
    ------
    InputError
        If no factor has two items.
    """
    import pandas as pd

    keys = solution_keys(solution)
    rows: list[dict[str, float]] = []
    index: list[tuple[Any, ...]] = []
    for number, block in enumerate(solution.table.blocks):
        model = _read_block(solution, number, observed=observed)
        for name, figures in _block_rows(model).items():
            index.append((*keys.of(block.group, block.level), name))
            rows.append(figures)
    if not rows:
        raise InputError("No factor of the model has two items or more.")
    if keys.names:
        return rows, pd.MultiIndex.from_tuples(index, names=[*keys.names, "factor"])
    return rows, pd.Index([i[0] for i in index], name="factor")


_ROUNDING = 1e-9


def _rows_of_alpha(solution: Solution, table: pd.DataFrame) -> list[str]:
    """Say on which answers alpha rests, where some are missing, and what it is over all."""
    data = solution.data
    values = data.groups[0].values if len(data.groups) == 1 else np.empty((0, 0))
    if np.isnan(values).any() and not solution.options.ordinal:
        pairwise = alpha_of(np.asarray(moments(values, "pairwise").covariance))
        own = float(table["alpha"].iloc[-1])
        return [
            f"alpha of {TOTAL} is {own:.4f} by the covariances of the fit "
            f"(full information) and {pairwise:.4f} by pairwise ones, as in cronbach_alpha."
        ]
    if data.n_dropped and data.groups:
        return [
            f"alpha rests on the {data.n_used} rows of the fit, {data.n_dropped} having been "
            "dropped: it is cronbach_alpha's with missing='listwise', whose own default, every "
            "answer ('pairwise'), gives another figure."
        ]
    return []


def _above_one(table: pd.DataFrame) -> list[str]:
    """Name the figures that exceed 1."""
    named = _cells(table.drop(columns=["ecv", "puc"], errors="ignore") > 1 + _ROUNDING, table)
    if not named:
        return []
    return [
        f"IMPOSSIBLE, above 1: {named}. In some weighting of the items the factor explains more "
        "than their whole variance: an item loads on another factor as well, residuals covary, or "
        "the model does not fit these data. Do not report it."
    ]


def _below_zero(table: pd.DataFrame) -> list[str]:
    named = _cells(table < -_ROUNDING, table)
    if not named:
        return []
    return [f"Below 0: {named}. First suspect the keying of the items, then the model."]


def _without_h(table: pd.DataFrame) -> list[str]:
    """Name the factors of which a standardized loading reaches 1."""
    single = table["h"].isna() & table["ave"].notna()
    named = [_label(row) for row in table.index[single]]
    if not named:
        return []
    return [f"h is not defined for {', '.join(named)}: a standardized loading is 1 or more."]


def _cells(marked: pd.DataFrame, table: pd.DataFrame) -> str:
    return ", ".join(
        f"{column} of {_label(row)} is {table.loc[row, column]:.3f}"
        for column in marked.columns
        for row in table.index[marked[column]]
    )


def _label(row: Any) -> str:
    return " ".join(map(str, row)) if isinstance(row, tuple) else str(row)


@dataclass(frozen=True, slots=True)
class _Block:
    """Matrices of one block: Lambda (p, m), Phi (m, m), Beta (m, m), total covariances (p, p).

    ``measured_by`` (m, m) marks the factors (rows) that are indicators of another one (columns).
    ``scored`` is the covariance matrix of the answers as scored (ordinal items), ``cuts`` and
    ``owner`` the standardized thresholds, ``implied_sd`` (p,) and ``factor_sd`` (m,).
    """

    factors: tuple[str, ...]
    loadings: Array
    phi: Array
    psi: Array
    theta: Array
    beta: Array
    measured_by: Flags
    total: Array
    implied_sd: Array
    factor_sd: Array
    ordinal: Flags
    delta: Array
    scored: Array | None
    cuts: Array
    owner: Index

    def own(self, f: int) -> Index:
        """Items with a loading on factor ``f``."""
        return np.flatnonzero(self.loadings[:, f])

    @property
    def standardized(self) -> Array:
        """Standardized loadings (p, m)."""
        return self.loadings * self.factor_sd / self.implied_sd[:, None]


def _read_block(solution: Solution, number: int, *, observed: bool) -> _Block:
    state = solution.states[number]
    factors = solution.table.blocks[number].lv_names
    m = len(factors)
    x = state.matrices
    latent, _, implied, _ = variance_derivatives(state)
    delta = scales(state)
    ordinal = state.design.ordinal
    if ordinal.any():
        total = _latent_covariance(solution, number, observed=observed) / np.outer(delta, delta)
    elif observed:
        total = solution.estimator.saturated().moments[number].cov
    else:
        total = state.cov
    owner = state.design.threshold_item
    mean = np.zeros(len(delta)) if state.mean is None else state.mean
    return _Block(
        factors=factors,
        loadings=x.lambda_[:, :m],
        phi=state.phi[:m, :m],
        psi=x.psi[:m, :m],
        theta=x.theta,
        beta=x.beta[:m, :m],
        measured_by=_measured_by(solution, number, factors),
        total=total,
        implied_sd=np.sqrt(np.maximum(implied, 0.0)),
        factor_sd=np.sqrt(np.maximum(latent[:m], 0.0)),
        ordinal=ordinal,
        delta=delta,
        scored=_scored_covariance(solution, number) if ordinal.any() else None,
        cuts=(x.tau - mean[owner]) * delta[owner] if len(owner) else np.zeros(0),
        owner=owner,
    )


def _measured_by(solution: Solution, number: int, factors: Sequence[str]) -> Flags:
    """Mark factors that stand right of ``=~``; a regression of factors measures nothing."""
    table = solution.table
    place = {name: f for f, name in enumerate(factors)}
    found = np.zeros((len(factors), len(factors)), dtype=bool)
    for lhs, op, rhs, block in zip(table.lhs, table.op, table.rhs, table.block, strict=True):
        if op == "=~" and block == number + 1 and rhs in place:
            found[place[rhs], place[lhs]] = True
    return found


def _latent_covariance(solution: Solution, number: int, *, observed: bool) -> Array:
    """Correlations of latent responses (numeric items keep their variances)."""
    state = solution.states[number]
    sample = solution.estimator.saturated().moments[number].vector
    vector = sample if observed and sample is not None else state.vector
    return latent_matrix(state.design, vector)


def _scored_covariance(solution: Solution, number: int) -> Array | None:
    if not solution.data.groups:
        return None
    return np.cov(model_answers(solution, number), rowvar=False)


def _block_rows(model: _Block) -> dict[str, dict[str, float]]:
    measured = [f for f in range(len(model.factors)) if len(model.own(f)) > 1]
    rows = {model.factors[f]: _factor_row(model, f) for f in measured}
    if not measured:
        return {}
    rows[TOTAL] = _total_row(model, measured)
    general = _second_order_factor(model)
    if general is not None:
        _add_second_order(model, general, rows)
        return rows
    general = _bifactor_general(model, measured)
    if general is not None:
        _add_bifactor(model, general, [f for f in measured if f != general], rows)
    return rows


def _factor_row(model: _Block, f: int) -> dict[str, float]:
    items = model.own(f)
    loading = model.loadings[items, f]
    true = np.outer(loading, loading) * model.phi[f, f]
    total = model.total[np.ix_(items, items)]
    crossed = (np.round(model.loadings[items], 5) != 0).sum(axis=1) > 1
    row = _common(model, items, true, total)
    row["ave"] = (
        np.nan
        if crossed.any()
        else average_variance_extracted(loading, model.phi[f, f], np.diagonal(total))
    )
    row["h"] = construct_h(model.standardized[items, f])
    return row


def _total_row(model: _Block, factors: Sequence[int]) -> dict[str, float]:
    items = np.flatnonzero(model.loadings[:, factors].any(axis=1))
    loading = model.loadings[items][:, factors]
    true = loading @ model.phi[factors][:, factors] @ loading.T
    row = _common(model, items, true, model.total[np.ix_(items, items)])
    row["ave"] = row["h"] = np.nan
    return row


def _common(model: _Block, items: Index, true: Array, total: Array) -> dict[str, float]:
    """Alpha, omega, Green and Yang's omega and maximal reliability of one composite."""
    categorical = bool(model.ordinal[items].all())
    mixed = bool(model.ordinal[items].any()) and not categorical
    scored = model.scored[np.ix_(items, items)] if model.scored is not None else total
    row = {
        "alpha": alpha_of(scored if model.ordinal[items].any() else total),
        "omega": np.nan if mixed else share_of_sum(true, total),
        "omega_ordinal": np.nan,
    }
    if categorical:
        top, bottom = _categorical(model, items, true, total)
        row["omega_ordinal"] = share_of_sum(top, bottom)
        row["maximal"] = maximal_share(top, bottom)
    else:
        row["maximal"] = np.nan if mixed else maximal_share(true, total)
    return row


def _categorical(model: _Block, items: Index, true: Array, total: Array) -> tuple[Array, Array]:
    """Covariances of true parts and of answers as scored, from latent ones."""
    place = np.full(len(model.loadings), -1)
    place[items] = np.arange(len(items))
    mine = place[model.owner] >= 0
    cuts, owner = model.cuts[mine], place[model.owner[mine]]
    scale = np.outer(model.delta[items], model.delta[items])
    sd = np.sqrt(np.diagonal(total))
    top = categorical_covariance(true * scale, cuts, owner)
    return top, categorical_covariance(total / np.outer(sd, sd), cuts, owner)


def _second_order_factor(model: _Block) -> int | None:
    """The factor that other factors load on, if there is exactly one."""
    higher = np.flatnonzero(model.measured_by.any(axis=0)).tolist()
    lower = np.flatnonzero(model.measured_by.any(axis=1))
    measured = all(len(model.own(int(f))) for f in lower)
    if len(higher) != 1 or higher[0] in lower or not measured:
        return None
    return int(higher[0])


def _add_second_order(model: _Block, g: int, rows: dict[str, dict[str, float]]) -> None:
    lower = np.flatnonzero(model.measured_by[:, g])
    items = np.flatnonzero(model.loadings[:, [g, *lower]].any(axis=1))
    slope = model.loadings[np.ix_(items, lower)] @ model.beta[lower, g]
    direct = model.loadings[items, g]
    common = slope + direct
    true = np.outer(common, common) * model.phi[g, g]
    total = model.total[np.ix_(items, items)]
    row = _common(model, items, true, total)
    row["ave"] = row["h"] = np.nan
    name = model.factors[g]
    rest = {k: rows.pop(k) for k in [TOTAL]}
    rows[name] = row
    rows.update(rest)
    shown = "omega_ordinal" if model.ordinal[items].all() else "omega"
    general, specific = _schmid_leiman(model, g, lower)
    figures = {
        "omega_hierarchical": row[shown],
        "ecv": explained_common_variance(general, specific),
        "puc": uncontaminated_share(len(items), [len(model.own(int(f))) for f in lower]),
    }
    rows[name] |= figures | _levels(model, g, lower, items)
    rows[TOTAL] |= figures


def _schmid_leiman(model: _Block, g: int, lower: Index) -> tuple[Array, Array]:
    """Standardized loadings on the second-order factor and on what is left of the others."""
    gamma = model.beta[lower, g] * model.factor_sd[g] / model.factor_sd[lower]
    first = model.standardized[:, lower]
    return first @ gamma, first * np.sqrt(np.maximum(1.0 - gamma**2, 0.0))


def _levels(model: _Block, g: int, lower: Index, items: Index) -> dict[str, float]:
    """Shares of the second-order factor in items, in factors, and in items apart from factors."""
    variance = model.phi[g, g]
    second = float(np.sum(model.beta[lower, g])) ** 2 * variance
    first = float(np.sum(model.loadings[:, lower] @ model.beta[lower, g])) ** 2 * variance
    unique = sum(float(np.sum(model.loadings[:, f])) ** 2 * float(model.psi[f, f]) for f in lower)
    residual = model.theta.copy()
    if model.ordinal.any():
        explained = np.einsum("pi,ij,pj->p", model.loadings, model.phi, model.loadings)
        own = np.where(model.ordinal, model.implied_sd**2 - explained, np.diagonal(residual))
        residual[np.diag_indices(len(own))] = own
    error = float(residual[np.ix_(items, items)].sum())
    return {
        "omega_l1": first / (first + unique + error),
        "omega_l2": second / (second + float(model.psi[np.ix_(lower, lower)].sum())),
        "partial_omega_l1": first / (first + error),
    }


def _bifactor_general(model: _Block, factors: Sequence[int]) -> int | None:
    """The factor of all items beside factors that share no item and no covariance with it."""
    for g in factors:
        others = [f for f in factors if f != g]
        items = set(model.own(g).tolist())
        sets = [set(model.own(f).tolist()) for f in others]
        apart = np.abs(model.phi[g, others]).max(initial=0.0) < 1e-12
        disjoint = sum(len(s) for s in sets) == len(set().union(*sets)) if sets else False
        if others and apart and disjoint and all(s < items for s in sets):
            return g
    return None


def _add_bifactor(
    model: _Block, g: int, groups: Sequence[int], rows: dict[str, dict[str, float]]
) -> None:
    standard = model.standardized
    items = model.own(g)
    name = model.factors[g]
    shown = "omega_ordinal" if model.ordinal[items].all() else "omega"
    figures = {
        "omega_hierarchical": rows[name][shown],
        "ecv": explained_common_variance(standard[:, g], standard[:, list(groups)]),
        "puc": uncontaminated_share(len(items), [len(model.own(f)) for f in groups]),
    }
    rows[name] |= figures
    rows[TOTAL] |= figures
    every = [g, *groups]
    for f in groups:
        own = model.own(f)
        loading = model.loadings[own][:, every]
        true = loading @ model.phi[every][:, every] @ loading.T
        whole = _common(model, own, true, model.total[np.ix_(own, own)])
        row = rows[model.factors[f]]
        row["omega_hierarchical"] = row[shown]
        row["omega_subscale"] = whole[shown]
