"""Scores of the respondents on the latent variables.

With ``r = y - mu`` of the answered items (rows of Lambda, Sigma taken accordingly)::

    regression  E(eta) + Phi Lambda' Sigma^-1 r
    bartlett    E(eta) + (Lambda' Sigma^-1 Lambda)^-1 Lambda' Sigma^-1 r

Ordinal items: ``ebm`` is the mode of the posterior of eta given the answers, found for all
respondents at once by Newton's method; ``bartlett`` then is the maximum of the likelihood alone.

Functions: ``factor_scores``.

References
----------
Thurstone, L. L. (1935). The vectors of mind. University of Chicago Press. Bartlett, M. S. (1937).
The statistical conception of mental factors. British Journal of Psychology, 28, 97-104.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import linalg

from cte_metrics.arrays import Array
from cte_metrics.errors import InputError, one_of
from cte_metrics.sem.estimators.categorical import CategoricalLeastSquares
from cte_metrics.sem.inference.solution import Solution
from cte_metrics.sem.model.block import BlockState
from cte_metrics.sem.scores.linear import Method, linear_scores
from cte_metrics.sem.scores.response_model import ResponseModel, response_model
from cte_metrics.sem.scores.two_level import two_level_scores

if TYPE_CHECKING:
    import pandas as pd


def factor_scores(
    solution: Solution, method: Method = "regression", level: int | None = None
) -> pd.DataFrame:
    """Factor scores of every respondent (or cluster) that the fit used.

    Parameters
    ----------
    method : {"regression", "bartlett", "ebm"}
        ``ebm`` (empirical Bayes mode) equals ``regression`` for continuous items and is what
        ``regression`` means for ordinal ones.
    level : {1, 2}, optional
        Of a two-level model: respondents (1, the default) or clusters (2).

    Returns
    -------
    DataFrame
        Rows as in the data (index kept), one column a latent variable; missing where a
        respondent answered none of the items. Respondents left out of the fit are left out.

    Raises
    ------
    InputError
        For a fit to a covariance matrix, an unknown method, or a level that is not there.
    """
    import pandas as pd

    one_of(method, Method, "method")
    if level not in (None, 1, 2) or (level == 2 and solution.table.n_levels == 1):
        raise InputError(f"level={level!r} is not a level of this model.")
    if not any(block.lv_names for block in solution.table.blocks):
        raise InputError("The model has no latent variables to score.")
    if solution.table.n_levels > 1 and solution.options.ordinal:
        raise InputError(
            "Factor scores of two-level models with ordinal items are not available.",
            hint="Fit the model with the items as numeric (estimator='MLR', no ordered=) and score "
            "that.",
        )
    if solution.table.n_levels > 1:
        return two_level_scores(solution, method, level or 1)
    frames = []
    for number, state in enumerate(solution.states):
        scores = block_scores(state, model_answers(solution, number), method)
        names = solution.table.blocks[number].lv_names
        frames.append(pd.DataFrame(scores[:, : len(names)], columns=list(names)))
    rows = np.concatenate([g.rows for g in solution.data.groups])
    order = np.argsort(rows, kind="stable")
    out = pd.concat(frames).iloc[order]
    labels = solution.data.index
    out.index = pd.RangeIndex(len(out)) if labels is None else pd.Index(labels)[rows[order]]
    return out


def model_answers(solution: Solution, group: int) -> Array:
    """Answers of a group, variables in the model's order; ordinal ones as categories from 0."""
    if not solution.data.groups:
        raise InputError(
            "Factor scores need the answers; this model was fitted to a covariance matrix."
        )
    names = solution.data.names
    wanted = [names.index(v) for v in solution.states[group].design.observed]
    values = np.asarray(solution.data.groups[group].values, dtype=np.float64)[:, wanted]
    if not solution.options.ordinal:
        return values
    values = values.copy()
    estimator = solution.estimator
    assert isinstance(estimator, CategoricalLeastSquares)  # ordinal items at one level
    levels = estimator.sample.levels
    for i in np.flatnonzero(solution.states[group].design.ordinal):
        known = np.asarray(levels[names[wanted[i]]], dtype=np.float64)
        answered = np.isfinite(values[:, i])
        values[answered, i] = np.searchsorted(known, values[answered, i])
    return values


def block_scores(state: BlockState, values: Array, method: Method) -> Array:
    """Scores (n, m) of one block's respondents from their answers (n, p), nan where missing."""
    if state.design.form == "ordinal":
        return ordinal_scores(state, values, likelihood_only=method == "bartlett")
    mean = values.mean(axis=0) if state.mean is None else state.mean
    return linear_scores(state, values - mean, bartlett=method == "bartlett")


def ordinal_scores(
    state: BlockState, values: Array, *, likelihood_only: bool = False, max_steps: int = 100
) -> Array:
    """Posterior modes (n, m) for a block with ordinal items, all respondents at once.

    ``log p(y | eta)`` is ``log[Phi(upper) - Phi(lower)]`` for an ordinal item with bounds
    ``(tau - nu - lambda' eta) / sd`` and normal for a numeric one.
    """
    parts = response_model(state, values)
    model = _Response(state, parts, values)
    center, m = parts.center, parts.loadings.shape[1]
    prior = 1e-5 * np.eye(m) if likelihood_only else linalg.pinvh(parts.prior)
    eta = np.array(np.broadcast_to(center, (len(values), m)))
    value = model.objective(eta, center, prior)
    active = model.answered.any(axis=1)
    for _ in range(max_steps):
        slope, curvature = model.derivatives(eta)
        slope = slope - (eta - center) @ prior
        step = np.asarray(np.linalg.solve(curvature + prior, slope[:, :, None])[:, :, 0], float)
        step[~active] = 0.0
        eta, value = _line_search(model, center, prior, eta, value, step)
        if np.max(np.abs(step), initial=0.0) < 1e-9:
            break
    eta[~active] = np.nan
    return eta


def _line_search(
    model: _Response, center: Array, prior: Array, eta: Array, value: Array, step: Array
) -> tuple[Array, Array]:
    """Halve each respondent's step until the objective does not rise."""
    length = np.ones(len(eta))
    for _ in range(30):
        new = eta + length[:, None] * step
        found = model.objective(new, center, prior)
        worse = ~(found <= value + 1e-12 * np.abs(value))
        if not worse.any():
            return new, found
        length[worse] *= 0.5
    keep = worse
    return np.where(keep[:, None], eta, new), np.where(keep, value, found)


class _Response:
    """Answers and response model of one block."""

    def __init__(self, state: BlockState, parts: ResponseModel, values: Array) -> None:
        lower, upper = _bounds(state, values)
        self.lower, self.upper = lower[:, parts.items], upper[:, parts.items]
        own = values[:, parts.items]
        self.answered = np.isfinite(own)
        self.values = np.where(self.answered, own, 0.0)
        self.ordinal = state.design.ordinal[parts.items]
        self.loadings, self.offset = parts.loadings, parts.offset
        self.sd = np.sqrt(parts.residual)

    def _terms(self, eta: Array) -> tuple[Array, Array, Array]:
        """Log-likelihood of each answer with its first two derivatives by the linear predictor."""
        from scipy.special import log_ndtr

        predictor = self.offset + eta @ self.loadings.T
        low, high = (self.lower - predictor) / self.sd, (self.upper - predictor) / self.sd
        flip = low > 0
        a, b = np.where(flip, -high, low), np.where(flip, -low, high)
        logb, loga = log_ndtr(b), log_ndtr(a)
        with np.errstate(divide="ignore", invalid="ignore", under="ignore"):
            logp = logb + np.log1p(-np.exp(loga - logb))
            logp = np.maximum(logp, -700.0)
            da = np.exp(-0.5 * low**2 - logp) / np.sqrt(2 * np.pi)
            db = np.exp(-0.5 * high**2 - logp) / np.sqrt(2 * np.pi)
            ea = np.where(np.isfinite(low), low, 0.0) * da
            eb = np.where(np.isfinite(high), high, 0.0) * db
        slope = (da - db) / self.sd
        bend = slope**2 - (ea - eb) / self.sd**2
        numeric = ~self.ordinal
        if numeric.any():
            z = (self.values - predictor) / self.sd
            logp = np.where(numeric, -0.5 * z**2 - np.log(self.sd), logp)
            slope = np.where(numeric, z / self.sd, slope)
            bend = np.where(numeric, 1.0 / self.sd**2, bend)
        blank = ~self.answered
        return (
            np.where(blank, 0.0, logp),
            np.where(blank, 0.0, slope),
            np.where(blank, 0.0, bend),
        )

    def objective(self, eta: Array, center: Array, prior: Array) -> Array:
        """Minus the log-posterior (n,)."""
        d = eta - center
        return 0.5 * np.einsum("ni,ij,nj->n", d, prior, d) - self._terms(eta)[0].sum(axis=1)

    def derivatives(self, eta: Array) -> tuple[Array, Array]:
        """Gradient of the log-likelihood (n, m) and minus its Hessian (n, m, m)."""
        _, slope, bend = self._terms(eta)
        return slope @ self.loadings, np.einsum(
            "np,pi,pj->nij", bend, self.loadings, self.loadings, optimize=True
        )


def _bounds(state: BlockState, values: Array) -> tuple[Array, Array]:
    """Thresholds below and above each answer (n, p); categories count from 0."""
    n, p = values.shape
    lower, upper = np.full((n, p), -np.inf), np.full((n, p), np.inf)
    tau = state.matrices.tau
    for i in np.flatnonzero(state.design.ordinal):
        cuts = tau[state.design.threshold_item == i]
        edges = np.concatenate(([-np.inf], cuts, [np.inf]))
        answered = np.isfinite(values[:, i])
        code = np.where(answered, values[:, i], 0).astype(np.intp)
        lower[:, i] = np.where(answered, edges[code], -np.inf)
        upper[:, i] = np.where(answered, edges[code + 1], np.inf)
    return lower, upper
