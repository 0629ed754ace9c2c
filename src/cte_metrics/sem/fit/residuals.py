"""Residual moments: raw, as correlations, and divided by their standard errors.

``raw`` is sample minus implied. ``cor`` turns both matrices into correlations by their own
variances (Bollen), ``bentler`` divides both by the sample's. ``standardized`` divides the raw
residual by its standard error. The asymptotic covariance matrix of the residuals is ``Q A Q'``
with ``Q = I - D E D' H`` (D Jacobian, E inverse information, H weight) and A that of the sample
moments.

Functions: ``residuals``.

References
----------
Bollen, K. A. (1989). Structural equations with latent variables. Wiley. Bentler, P. M. (1995). EQS
structural equations program manual. Multivariate Software. Maydeu-Olivares, A. (2017). Assessing
the size of model misfit in structural equation models. Psychometrika, 82, 533-558.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, overload

import numpy as np
from scipy import linalg

from cte_metrics.arrays import Array
from cte_metrics.errors import one_of
from cte_metrics.kernels.numerics.vech import unvech, vech_index
from cte_metrics.sem.inference.solution import Solution
from cte_metrics.sem.inference.solved import constrained_inverse
from cte_metrics.sem.inference.standardized import solution_keys
from cte_metrics.sem.model.block import BlockState
from cte_metrics.sem.model.design import BlockDesign
from cte_metrics.sem.model.moment_names import latent_matrix, ordinal_parts
from cte_metrics.sem.model.moments import InformationKind, Moments
from cte_metrics.sem.model.ordinal import layout

if TYPE_CHECKING:
    import pandas as pd

Kind = Literal["cor", "raw", "bentler", "standardized"]
NEAR_ZERO = 1e-5
NEAR_ZERO_Z = 1e-4
ROUNDING = 1e-18


class ResidualFrames(dict[Hashable, Any]):
    """Residuals of a fit by name; with groups by the group's label first, with levels by level.

    ``cov`` is a data frame; ``z`` one as well, ``mean``, ``mean_z`` and ``thresholds`` are series,
    and ``None`` where there are none; any other key is a group or a level and leads to the same
    once more.
    """

    if TYPE_CHECKING:  # a literal key is a Hashable too, hence the overlaps

        @overload
        def __getitem__(self, key: Literal["cov"], /) -> pd.DataFrame: ...  # type: ignore[overload-overlap]
        @overload
        def __getitem__(self, key: Literal["z"], /) -> pd.DataFrame | None: ...  # type: ignore[overload-overlap]
        @overload
        def __getitem__(  # type: ignore[overload-overlap]
            self, key: Literal["mean", "mean_z", "thresholds"], /
        ) -> pd.Series | None: ...
        @overload
        def __getitem__(self, key: Hashable, /) -> ResidualFrames: ...
        def __getitem__(self, key: Hashable, /) -> Any:
            """Return the residuals of a name, or of a group or level."""


@dataclass(frozen=True, slots=True)
class _Block:
    """Sample and implied moments of one block: covariance, and mean or thresholds."""

    state: BlockState
    sample_cov: Array
    implied_cov: Array
    sample_mean: Array | None
    implied_mean: Array | None
    thresholds: Array | None


def residuals(solution: Solution, kind: Kind = "cor") -> ResidualFrames:
    """Residuals of every block.

    Parameters
    ----------
    kind : {"cor", "raw", "bentler", "standardized"}

    Returns
    -------
    ResidualFrames
        ``cov`` (DataFrame), ``mean`` (Series, ``None`` without means), ``z`` (DataFrame of
        residuals over standard errors), ``mean_z``, and with ordinal items ``thresholds`` (Series);
        ``z`` and ``mean_z`` are ``None`` where no standard errors are available (two levels,
        ordinal together with numeric items). With groups or levels, a dict of such dicts.
    """
    one_of(kind, Kind, "kind")
    blocks = _blocks(solution)
    errors = _standard_errors(solution, kind)
    parts = [_part(b, errors[g] if errors else None, kind) for g, b in enumerate(blocks)]
    keys = solution_keys(solution)
    if not keys.names:
        return ResidualFrames(parts[0])
    out = ResidualFrames()
    for block, part in zip(solution.table.blocks, parts, strict=True):
        place = out
        *outer, last = keys.of(block.group, block.level)
        for key in outer:
            place = place.setdefault(key, ResidualFrames())
        place[last] = ResidualFrames(part)
    return out


def _blocks(solution: Solution) -> list[_Block]:
    found = []
    samples = solution.estimator.saturated().moments
    for state, sample in zip(solution.states, samples, strict=True):
        if state.design.form == "ordinal":
            found.append(_ordinal_block(state, sample))
        elif state.design.form == "upper":
            n = len(state.design.threshold_item)
            assert sample.vector is not None  # the upper level of ordinal items has its vector
            cuts = sample.vector[:n] - state.vector[:n]
            found.append(_Block(state, sample.cov, state.cov, sample.mean, state.mean, cuts))
        else:
            found.append(
                _Block(
                    state,
                    sample.cov,
                    state.cov,
                    sample.mean if state.mean is not None else None,
                    state.mean,
                    None,
                )
            )
    return found


def _ordinal_block(state: BlockState, sample: Moments) -> _Block:
    """Correlations (variances where numeric), means of numeric items, thresholds."""
    lay, design = layout(state.design), state.design
    assert sample.vector is not None  # ordinal blocks carry their moment vector
    pieces = []
    for vector in (sample.vector, state.vector):
        lead = ordinal_parts(design, vector).lead
        mean = np.zeros(design.n_observed)
        mean[lay.item[lay.threshold < 0]] = -lead[lay.threshold < 0]
        pieces.append((latent_matrix(design, vector), mean, lead[lay.threshold >= 0]))
    (s_cov, s_mean, s_th), (i_cov, i_mean, i_th) = pieces
    return _Block(state, s_cov, i_cov, s_mean, i_mean, s_th - i_th)


def _part(block: _Block, errors: tuple[Array, Array | None] | None, kind: Kind) -> dict[str, Any]:
    import pandas as pd

    names = list(block.state.design.observed)
    cov, mean = _rescaled(block, kind)
    given = [names[i] for i in block.state.design.covariates]
    z = mean_z = None
    if errors is not None:
        near = NEAR_ZERO if kind == "standardized" else NEAR_ZERO_Z
        z = _divided(cov, errors[0], near)
        mean_z = _divided(mean, errors[1], near) if mean is not None else None
    if kind == "standardized":
        missing = np.full_like(cov, np.nan)
        cov = missing if z is None else z
        mean = mean_z if mean is not None and mean_z is not None else mean
    part: dict[str, Any] = {
        "cov": pd.DataFrame(cov, names, names),
        "mean": None if mean is None else pd.Series(mean, names),
        "z": None if z is None else pd.DataFrame(z, names, names),
        "mean_z": None if mean_z is None else pd.Series(mean_z, names),
    }
    if given:
        part = {k: None if v is None else _without(v, given) for k, v in part.items()}
    if block.thresholds is not None:
        items = [names[i] for i in block.state.design.threshold_item]
        labels = [f"{v}|t{items[:k].count(v) + 1}" for k, v in enumerate(items)]
        part["thresholds"] = pd.Series(block.thresholds, labels)
        _drop_covariates(part, block.state.design)
    return part


def _drop_covariates(part: dict[str, Any], design: BlockDesign) -> None:
    """A model given covariates says nothing of their own moments."""
    keep = [v for i, v in enumerate(design.observed) if i not in design.covariates]
    if len(keep) == design.n_observed:
        return
    for key in ("cov", "z"):
        part[key] = None if part[key] is None else part[key].loc[keep, keep]
    for key in ("mean", "mean_z"):
        part[key] = None if part[key] is None else part[key][keep]


def _without(part: pd.DataFrame | pd.Series, names: list[str]) -> pd.DataFrame | pd.Series:
    """Leave out the covariates that the model is conditioned on."""
    if part.ndim == 1:
        return part.drop(index=names)
    return part.drop(index=names, columns=names)


def _divided(value: Array, error: Array | None, near: float) -> Array | None:
    """Residual over standard error; residuals next to zero are left as they are.

    A residual without a standard error to first order (that of a mean's square, say) has no z.
    """
    if error is None:
        return None
    small = np.abs(value) < near
    error = np.where(error > 0, error, np.nan)
    return np.where(small, value, value / np.where(small, 1.0, error))


def _rescaled(block: _Block, kind: Kind) -> tuple[Array, Array | None]:
    """Residual covariances and means on the scale asked for."""
    if kind in ("raw", "standardized"):
        cov = block.sample_cov - block.implied_cov
        if block.sample_mean is None or block.implied_mean is None:
            return cov, None
        return cov, block.sample_mean - block.implied_mean
    sample_sd = np.sqrt(np.diagonal(block.sample_cov))
    implied = np.diagonal(block.implied_cov)
    own_sd = sample_sd if kind == "bentler" else np.sqrt(np.where(implied > 0, implied, np.nan))
    cov = _scale(block.sample_cov, sample_sd) - _scale(block.implied_cov, own_sd)
    if block.sample_mean is None or block.implied_mean is None:
        return cov, None
    return cov, _scale_mean(block.sample_mean, sample_sd) - _scale_mean(
        block.implied_mean, sample_sd
    )


def _scale(cov: Array, sd: Array) -> Array:
    return np.where(np.abs(cov) < NEAR_ZERO, cov, cov / sd / sd[:, None])


def _scale_mean(mean: Array, sd: Array) -> Array:
    return np.where(np.abs(mean) < NEAR_ZERO, mean, mean / sd)


def _standard_errors(solution: Solution, kind: Kind) -> list[tuple[Array, Array | None]] | None:
    """Standard errors of the residual covariances and means of every block, or ``None``."""
    states = solution.states
    if any(len(blocks) > 1 for blocks in solution.design.groups) or solution.bread is None:
        return None
    if any(s.design.form == "ordinal" and not s.design.ordinal.all() for s in states):
        return None  # covariates included
    covariances = _sample_covariances(solution)
    if covariances is None:
        return None
    information: InformationKind = (
        "observed" if solution.options.information == "observed" else "expected"
    )
    weights = solution.evaluation.weight(information)
    bread = _bread(solution, information)
    found = []
    for state, weight, acov in zip(states, weights, covariances, strict=True):
        q = -(state.jacobian @ bread @ state.jacobian.T) @ weight.dense()
        q[np.diag_indices(len(q))] += 1.0
        found.append(_errors(state, _resolved(q @ acov @ q.T, acov), solution, kind))
    return found


def _resolved(covariance: Array, sample: Array) -> Array:
    """Set residuals that the model holds fixed to variance 0: what is left is rounding."""
    rounding = np.diagonal(covariance) < ROUNDING * np.diagonal(sample)
    kept = np.where(rounding, 0.0, 1.0)
    return np.asarray(covariance * kept * kept[:, None])


def _bread(solution: Solution, information: InformationKind) -> Array:
    """Inverse information without the curvature of the moments."""
    plain = solution.project(solution.evaluation.weight(information))
    inverse = constrained_inverse(plain, solution.basis)
    if inverse is not None:
        return inverse
    basis = np.eye(len(plain)) if solution.basis is None else solution.basis
    return np.asarray(basis @ linalg.pinvh(basis.T @ plain @ basis) @ basis.T)


def _sample_covariances(solution: Solution) -> list[Array] | None:
    """Covariance matrix of each group's sample moments."""
    estimator, options = solution.estimator, solution.options
    if options.ordinal:
        return [
            g / (share * solution.n_observations)
            for g, share in zip(estimator.gamma(), estimator.shares, strict=True)
        ]
    moments = list(estimator.saturated().moments)
    kind: InformationKind = "observed" if options.information == "observed" else "expected"
    weights = estimator.at(moments).weight(kind)
    robust = options.se in ("robust.sem", "robust.huber.white")
    meats = estimator.meat(moments, structured=False) if robust else None
    out: list[Array] = []
    for g, weight in enumerate(weights):
        inverse = linalg.pinvh(weight.dense())
        middle = inverse if meats is None else inverse @ meats[g].dense() @ inverse
        out.append(np.asarray(middle / solution.n_observations))
    return out


def _errors(
    state: BlockState, acov: Array, solution: Solution, kind: Kind
) -> tuple[Array, Array | None]:
    p = state.design.n_observed
    if state.design.ordinal.all():
        lead = len(state.design.threshold_item)
        square = np.full((p, p), np.nan)
        columns, rows = np.triu_indices(p, 1)
        square[rows, columns] = square[columns, rows] = _roots(np.diagonal(acov)[lead:])
        return square, None
    means = state.design.has_means
    transform = _transform(solution, state, kind)
    if transform is not None:
        acov = transform @ acov @ transform.T
    roots = _roots(np.diagonal(acov))
    return (unvech(roots[p:], p), roots[:p]) if means else (unvech(roots, p), None)


def _roots(variances: Array) -> Array:
    return np.sqrt(np.where(np.isfinite(variances) & (variances >= 0), variances, np.nan))


def _transform(solution: Solution, state: BlockState, kind: Kind) -> Array | None:
    """Jacobian of the rescaled moments by the raw ones, at the sample's covariance matrix."""
    if kind in ("raw", "standardized"):
        return None
    cov = solution.estimator.saturated().moments[state.design.number].cov
    p = len(cov)
    sd = np.sqrt(np.diagonal(cov))
    i, j = vech_index(p)
    jacobian = np.diag(1.0 / (sd[i] * sd[j]))
    if kind == "cor":
        correlation = cov / sd / sd[:, None]
        diagonal = np.flatnonzero(i == j)
        for k, (a, b) in enumerate(zip(i, j, strict=True)):
            jacobian[k, diagonal[a]] -= 0.5 * correlation[a, b] / cov[a, a]
            jacobian[k, diagonal[b]] -= 0.5 * correlation[a, b] / cov[b, b]
    if not state.design.has_means:
        return jacobian
    out = np.zeros((len(jacobian) + p,) * 2)
    out[np.arange(p), np.arange(p)] = 1.0 / sd
    out[p:, p:] = jacobian
    return out
