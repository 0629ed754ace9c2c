"""Standard errors of a factor solution.

Functions: ``loading_errors``. Class: ``LoadingErrors``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from cte_metrics.arrays import Array, Index
from cte_metrics.errors import EstimationError, InputError, check_confidence
from cte_metrics.factor.matrices.correlation_input import correlation_matrix
from cte_metrics.factor.solution import Solution
from cte_metrics.kernels.factor import loading_errors as errors
from cte_metrics.kernels.factor import rotation as rotating
from cte_metrics.kernels.numerics.distributions import normal_quantile
from cte_metrics.results.base import Result
from cte_metrics.results.provenance import Provenance

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class LoadingErrors(Result):
    """Standard errors of loadings and factor correlations.

    Attributes
    ----------
    loadings : DataFrame (items x factors)
        Standard errors of the pattern.
    factor_correlations : DataFrame (factors x factors)
        Standard errors of the factor correlations; 0 on the diagonal and for orthogonal factors.
    estimates : DataFrame (items x factors)
        The pattern itself.

    Notes
    -----
    Asymptotic, for standardised loadings, from the covariance matrix of the correlations: that of
    normal answers, or for polychorics their own.
    """

    _title: ClassVar[str] = "Standard errors of loadings"

    loadings: pd.DataFrame
    factor_correlations: pd.DataFrame
    estimates: pd.DataFrame

    @property
    def table(self) -> pd.DataFrame:
        """One row an item and factor: ``item, factor, est, se, z, ci_low, ci_high`` (95%)."""
        return self.intervals()

    def intervals(self, confidence: float = 0.95) -> pd.DataFrame:
        """Loadings with their normal confidence intervals, one row an item and factor."""
        check_confidence(confidence)
        return _intervals(self.estimates, self.loadings.to_numpy(), confidence)


def _intervals(estimates: pd.DataFrame, se: Array, confidence: float) -> pd.DataFrame:
    import pandas as pd

    est = estimates.to_numpy()
    reach = float(normal_quantile(0.5 + 0.5 * confidence)) * se
    p, k = est.shape
    return pd.DataFrame(
        {
            "item": np.repeat(np.asarray(estimates.index), k),
            "factor": np.tile(np.asarray(estimates.columns), p),
            "est": est.ravel(),
            "se": se.ravel(),
            "z": (est / se).ravel(),
            "ci_low": (est - reach).ravel(),
            "ci_high": (est + reach).ravel(),
        }
    )


def loading_errors(solution: Solution) -> LoadingErrors:
    """Standard errors of ``solution``.

    Raises
    ------
    InputError
        If the number of respondents is unknown, or the method is not a factor model.
    EstimationError
        If a uniqueness lies at its bound, where the theory does not hold, or items are perfectly
        associated.
    """
    import pandas as pd

    _refuse(solution)
    weight, gamma = _weight_and_gamma(solution)
    if solution.rotation == "promax" and len(solution.factors) > 1:
        se, phi_se = _promax_errors(solution, weight, gamma)
    else:
        se, phi_se = _errors(solution, solution.rotation, weight, gamma)
    n = float(solution.n_obs or 0.0)
    items, factors = list(solution.items), list(solution.factors)
    ordinal = solution.correlation == "polychoric" and solution.values is not None
    source = "the polychorics' own covariances" if ordinal else "normal answers"
    return LoadingErrors(
        loadings=pd.DataFrame(se, items, factors),
        factor_correlations=pd.DataFrame(phi_se, factors, factors),
        estimates=pd.DataFrame(solution.loadings, items, factors),
        provenance=Provenance(
            method=f"Asymptotic standard errors, {solution.method}, from {source}",
            n_used=round(n),
            settings={"method": solution.method, "rotation": solution.rotation},
            reference="Jennrich (1973), Psychometrika 38; Zhang et al. (2012), Psychometrika 77.",
        ),
    )


def _refuse(solution: Solution) -> None:
    if solution.n_obs is None:
        raise InputError("Standard errors need n_obs, the number of respondents.")
    if solution.method == "pc":
        raise InputError(
            "Standard errors are those of a factor model; principal components have none here.",
            hint="Use method='minres' or 'ml'.",
        )
    if solution.method == "wls" and solution.rotation == "none" and len(solution.factors) > 1:
        raise InputError(
            "Unrotated wls loadings depend on the sample's weights; their errors are not known.",
            hint="Rotate them, or use method='minres' or 'ml'.",
        )
    if solution.bounded.any():
        where = ", ".join(solution.items[int(i)] for i in np.flatnonzero(solution.bounded))
        raise EstimationError(
            f"The uniqueness of {where} lies at its bound (a Heywood case); there standard errors "
            "are not defined.",
            hint="Use fewer factors.",
        )


def _weight_and_gamma(solution: Solution) -> tuple[Array, Array]:
    model = solution.loadings @ solution.phi @ solution.loadings.T
    np.fill_diagonal(model, 1.0)
    normal = errors.normal_gamma(model)
    own = _own_gamma(solution)
    gamma = normal if own is None else own
    if solution.method in ("ml", "gls"):
        return np.asarray(np.linalg.inv(normal), dtype=np.float64), gamma
    i, j = np.triu_indices(len(solution.items), 1)
    if solution.method == "wls":
        w = 1.0 / np.diagonal(np.linalg.inv(solution.r))
        return w[i] * w[j], gamma
    return np.ones(i.size), gamma


def _own_gamma(solution: Solution) -> Array | None:
    """Asymptotic covariance matrix of polychorics, from the answers."""
    if solution.correlation != "polychoric" or solution.values is None:
        return None
    again = correlation_matrix(
        solution.values,
        correlation="polychoric",
        missing="pairwise" if solution.missing == "pairwise" else "listwise",
        acov=True,
    )
    if again.acov is not None and np.isnan(again.acov).any():
        raise EstimationError(
            "Standard errors of loadings need the sampling covariances of all polychorics; some "
            "items are perfectly associated, and their correlation has none.",
            hint="Leave out one of the items that the notes name, or merge rare categories.",
        )
    return again.acov


def _errors(solution: Solution, rotation: str, weight: Array, gamma: Array) -> tuple[Array, Array]:
    """Standard errors (p, k) of the pattern and (k, k) of Phi."""
    covariance = _covariance(solution, rotation, solution.loadings, solution.phi, weight, gamma)
    p, k = solution.loadings.shape
    scale = np.sqrt(np.maximum(np.diagonal(covariance), 0.0) / (float(solution.n_obs or 0) - 1.0))
    phi_se = np.zeros((k, k))
    if scale.size > p * k:
        r, s = np.triu_indices(k, 1)
        phi_se[r, s] = phi_se[s, r] = scale[p * k :]
    return scale[: p * k].reshape(p, k), phi_se


def _covariance(
    solution: Solution, rotation: str, loadings: Array, phi: Array, weight: Array, gamma: Array
) -> Array:
    p, k = loadings.shape
    orthogonal = rotation in rotating.ORTHOGONAL
    constraints = errors.derivatives(_constraint(solution, rotation), loadings, phi)
    if orthogonal or k == 1:
        constraints = constraints[:, : p * k]
    return errors.asymptotic_covariance(loadings, phi, weight, gamma, constraints)


def _constraint(solution: Solution, rotation: str) -> errors.Constraint:
    if rotation == "none" or len(solution.factors) == 1:
        return errors.canonical_constraints(_row_weights(solution))
    allowed = rotating.OPTIONS.get(rotation, ())
    options = {k: v for k, v in solution.rotation_options.items() if k in allowed}
    criterion = rotating.criterion_of(rotation, solution.loadings.shape, **options)

    def slope(loadings: Array, phi: Array) -> tuple[Array, Array]:
        seen = loadings
        if solution.kaiser:
            common = np.einsum("bij,bjk,bik->bi", loadings, phi, loadings)
            seen = loadings / np.sqrt(common)[:, :, None]
        return seen, criterion(seen)[1]

    if rotation in rotating.ORTHOGONAL:
        return errors.orthogonal_constraints(slope)
    return errors.oblique_constraints(slope)


def _row_weights(solution: Solution) -> Callable[[Array], Array]:
    if solution.method in ("ml", "gls"):
        return lambda loadings: 1.0 / (1.0 - (loadings**2).sum(axis=-1))
    return lambda loadings: np.ones(loadings.shape[:-1])


def _promax_errors(solution: Solution, weight: Array, gamma: Array) -> tuple[Array, Array]:
    """Delta method through the powers, from the varimax solution."""
    p, k = solution.loadings.shape
    unrotated = solution.loadings @ np.linalg.cholesky(solution.phi)
    kaiser = solution.kaiser
    start = rotating.rotate(unrotated, "varimax", kaiser=kaiser).loadings
    covariance = _covariance(solution, "varimax", start, np.eye(k), weight, gamma)
    power = float(solution.rotation_options.get("power", 4.0))
    steps = 1e-6 * np.eye(p * k).reshape(p * k, p, k)
    ahead = np.array([_powered(start + h, power, kaiser) for h in steps])
    behind = np.array([_powered(start - h, power, kaiser) for h in steps])
    jacobian = (ahead - behind).T / 2e-6
    variance = np.einsum("ij,jk,ik->i", jacobian, covariance, jacobian)
    scale = np.sqrt(np.maximum(variance, 0.0) / (float(solution.n_obs or 0) - 1.0))
    base = _powered(start, power, kaiser)[: p * k].reshape(p, k)
    order = _matching(base, solution.loadings)
    return scale[: p * k].reshape(p, k)[:, order], scale[p * k :].reshape(k, k)[
        np.ix_(order, order)
    ]


def _powered(start: Array, power: float, kaiser: bool) -> Array:
    to_factors = rotating.powered_transformation(start, power, kaiser=kaiser)
    inverse = np.linalg.inv(to_factors)
    return np.concatenate([(start @ to_factors).ravel(), (inverse @ inverse.T).ravel()])


def _matching(base: Array, final: Array) -> Index:
    """For each column of ``final`` the column of ``base`` it is, up to sign."""
    likeness = np.abs(base.T @ final)
    size = np.sqrt((base**2).sum(axis=0))
    return np.asarray(np.argmax(likeness / size[:, None], axis=0))
