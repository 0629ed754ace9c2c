"""Measurement first, then structure: two solutions, and one of the whole model made of both.

The covariance matrix of the structural estimates takes in that the measurement part was estimated
before. With ``I`` the information of the whole model, parted by step, and ``V1`` the covariance
matrix of the measurement estimates, block by block::

    V2 = I22^-1 / n + I22^-1 I21 V1 I12 I22^-1

References
----------
Rosseel, Y. & Loh, W. W. (2022). A structural after measurement approach to structural equation
modeling. Psychological Methods. Gong, G. & Samaniego, F. J. (1981). Pseudo maximum likelihood
estimation: theory and applications. Annals of Statistics, 9, 861-869.

Classes: ``TwoSteps``, ``TwoStepSolution``. Functions: ``two_steps``,
``resampled_steps``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from cte_metrics.arrays import Array, Flags, Index
from cte_metrics.errors import CTEError
from cte_metrics.kernels.numerics.locking import locked_property
from cte_metrics.sem.estimators.base import Estimator
from cte_metrics.sem.estimators.choice import make_estimator
from cte_metrics.sem.inference.baseline import fit_baseline
from cte_metrics.sem.inference.checks import (
    identification_error,
    not_converged,
    unidentified,
)
from cte_metrics.sem.inference.solution import Solution
from cte_metrics.sem.inference.solved import constrained_inverse
from cte_metrics.sem.request.model import ModelRequest
from cte_metrics.sem.request.options import FitOptions, settle_options
from cte_metrics.sem.sample.moments import SampleStats
from cte_metrics.sem.sample.rows import ModelData
from cte_metrics.sem.search.constrained import active_jacobian, null_space
from cte_metrics.sem.search.search import Setup, prepare
from cte_metrics.sem.solving import (
    complete_table,
    read_request,
    solution_at,
    solve,
    solve_rows,
)
from cte_metrics.sem.stepwise.latent import (
    LatentMoments,
    Scene,
    latent_moments,
    latent_sample,
    moment_covariances,
)
from cte_metrics.sem.stepwise.options import MappingName, SAMMethod, TwoStepErrors
from cte_metrics.sem.stepwise.parts import (
    ModelParts,
    measurement_text,
    model_parts,
    predictors,
    structural_text,
    with_latent_intercepts,
)
from cte_metrics.sem.table.table import ParameterTable, model_outline


@dataclass(frozen=True, eq=False, kw_only=True)
class TwoStepSolution(Solution):
    """The whole model at the estimates of two steps.

    Created by: ``cte_metrics.sem.stepwise.steps.two_steps``.
    Consumed by: ``cte_metrics.sem.stepwise.samfit.make_result``.

    Attributes
    ----------
    two_step_vcov : ndarray (n_free, n_free) or None
        Covariance matrix of the estimates of both steps.
    """

    two_step_vcov: Array | None = None

    @locked_property
    def vcov(self) -> Array | None:
        """Covariance matrix of the estimates; ``None`` where none was asked for."""
        if self.resamples is not None and self.resamples.estimates is not None:
            return np.cov(self.resamples.estimates.T, ddof=1).reshape(len(self.theta), -1)
        return self.two_step_vcov


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class TwoSteps:
    """What the two steps find.

    Created by: ``cte_metrics.sem.stepwise.steps.two_steps``.
    Consumed by: ``cte_metrics.sem.stepwise.samfit.make_result``.

    Attributes
    ----------
    blocks : dict of str to Solution
        Measurement blocks by the names of their factors.
    latent : tuple of LatentMoments
        By group.
    structural : Solution
        The structural part: of the latent moments (local), or of the whole model with the
        measurement part held (global).
    joint : TwoStepSolution
        The whole model at the estimates of both.
    parts : ModelParts
    scene : Scene
    places : dict of Solution to ndarray of int
        Number of each block's parameters in the whole model, -1 where it has none.
    second : ndarray of int
        The same of the structural solution's.
    """

    blocks: dict[str, Solution]
    latent: tuple[LatentMoments, ...]
    structural: Solution
    joint: TwoStepSolution
    parts: ModelParts
    scene: Scene
    places: dict[Solution, Index]
    second: Index


@dataclass(frozen=True, slots=True, eq=False)
class _Whole:
    """The whole model before it is solved, and the rows behind it."""

    request: ModelRequest
    options: FitOptions
    rows: ModelData
    sample: SampleStats | None
    parts: ModelParts
    estimator: Estimator
    setup: Setup

    @property
    def table(self) -> ParameterTable:
        return self.parts.table


def two_steps(
    request: ModelRequest, data: Any, *, method: SAMMethod, mapping: MappingName, se: TwoStepErrors
) -> TwoSteps:
    """Estimate the measurement blocks, then the structural part.

    Raises
    ------
    InputError
        If the model cannot be parted (see ``model_parts``).
    EstimationError, IdentificationError
        If a part has no solution.
    """
    options, rows, sample = read_request(request, data)
    whole = _whole(request, options, rows, sample)
    steps = _steps(whole, _blocks(whole), method=method, mapping=mapping)
    structural, theta = steps.structural, steps.joint.theta
    own = None if structural.vcov is None else _placed(structural.vcov, steps.second, len(theta))
    vcov = _covariances(steps.joint, steps.places, _second_step(whole.parts), own, se)
    return replace(steps, joint=replace(steps.joint, two_step_vcov=vcov))


def resampled_steps(
    steps: TwoSteps, rows: ModelData, *, method: SAMMethod, mapping: MappingName
) -> Array | None:
    """All estimates of the same model for other rows; ``None`` where it has no solution."""
    joint = steps.joint
    try:
        whole = _whole(joint.request, joint.options, rows, None)
        starts = {name: block.theta for name, block in steps.blocks.items()}
        blocks = _blocks(whole, starts)
        found = _steps(whole, blocks, method=method, mapping=mapping, scaled=False)
    except (CTEError, np.linalg.LinAlgError):
        return None
    ends = [*found.blocks.values(), found.structural]
    theta = found.joint.theta
    return theta if all(e.converged for e in ends) and np.isfinite(theta).all() else None


def _steps(
    whole: _Whole,
    blocks: dict[str, Solution],
    *,
    method: SAMMethod,
    mapping: MappingName,
    scaled: bool = True,
) -> TwoSteps:
    """Both steps from solved blocks, without standard errors."""
    places = {block: _places(whole.table, block.table) for block in blocks.values()}
    theta = np.zeros(whole.table.n_free)
    for block, place in places.items():
        theta[place[place >= 0]] = block.theta[place >= 0]
    scene = _scene(whole, theta)
    latent = latent_moments(scene, mapping)
    gammas = None
    if method == "local" and scaled and _moments_vary_apart(whole, blocks):
        gammas = moment_covariances(scene, latent, places, mapping)
    with _naming("The structural part"):
        if method == "local":
            structural = _local(whole, latent_sample(scene, latent, whole.rows.labels, gammas))
            second = _places(whole.table, structural.table)
        else:
            own = _second_step(whole.parts)
            structural, second = _global(whole, theta, own), np.flatnonzero(own)
    return TwoSteps(
        blocks=blocks,
        latent=latent,
        structural=structural,
        joint=_joint(whole, theta, structural.theta, second),
        parts=whole.parts,
        scene=scene,
        places=places,
        second=second,
    )


def _moments_vary_apart(whole: _Whole, blocks: dict[str, Solution]) -> bool:
    """Whether the latent moments of a group follow from its own complete answers alone."""
    tied = whole.table.n_groups > 1 and any(len(b.constraints.equal) for b in blocks.values())
    return bool(whole.rows.groups) and not whole.options.casewise and not tied


def _covariances(
    joint: Solution,
    places: dict[Solution, Index],
    second: Flags,
    own: Array | None,
    se: TwoStepErrors,
) -> Array | None:
    """Covariance matrix of the estimates; ``own`` is the second step's without correction."""
    first = None if se == "none" else _first_step(places, second)
    if first is None or se == "bootstrap":
        return None
    if se == "twostep":
        return _corrected(joint, first, second)
    return None if own is None else first + own


def _whole(
    request: ModelRequest, options: FitOptions, rows: ModelData, sample: SampleStats | None
) -> _Whole:
    written = complete_table(request, options, rows)
    table = with_latent_intercepts(written)
    parts = model_parts(table)
    estimator = make_estimator(rows, table, options, sample=sample)
    setup = prepare(table, estimator)
    added = table.n_free - written.n_free
    setup = replace(setup, n_parameters=setup.n_parameters - added)
    return _Whole(request, options, rows, sample, parts, estimator, setup)


def _scene(whole: _Whole, theta: Array) -> Scene:
    return Scene(
        design=whole.setup.design,
        theta=theta,
        estimator=whole.estimator,
        names=model_outline(structural_text(whole.parts)).ov_names,
        others=whole.parts.left_out,
        factors=whole.table.lv_names,
    )


def _blocks(whole: _Whole, starts: dict[str, Array] | None = None) -> dict[str, Solution]:
    found = {}
    for factors in whole.parts.blocks:
        name = ", ".join(factors)
        text = measurement_text(whole.parts, factors)
        with _naming(f"The measurement block of {name}"):
            found[name] = _block(whole, text, None if starts is None else starts[name])
    return found


@contextmanager
def _naming(part: str) -> Iterator[None]:
    """Let an error say which part of the model it is about."""
    try:
        yield
    except CTEError as error:
        raise type(error)(f"{part}: {error.problem}", hint=error.hint) from error


def _block(whole: _Whole, text: str, start: Array | None) -> Solution:
    request = replace(
        whole.request,
        text=text,
        model_type="lavaan",
        fixed_x=False,
        bounds="positive_variances",
        start=start,
    )
    options = settle_options(request, model_outline(text))
    sample = None if whole.sample is None else whole.sample.take(model_outline(text).ov_names)
    found = solve_rows(request, options, whole.rows, sample=sample)
    trouble = unidentified(found)
    if trouble is not None:
        raise identification_error(trouble)
    if not found.converged:
        raise not_converged(found.n_iterations, ())
    return found


def _local(whole: _Whole, sample: SampleStats) -> Solution:
    """The structural part of the latent moments, with the scaled test where they have gammas."""
    means = whole.table.options.meanstructure
    request = replace(
        whole.request,
        text=structural_text(whole.parts),
        model_type="lavaan",
        fixed_x=False,
        meanstructure=means,
        missing="listwise",
        se="standard",
        test="satorra.bentler" if all(g.knows_gamma for g in sample.groups) else None,
    )
    options = settle_options(request, model_outline(request.text))
    rows = replace(whole.rows, names=sample.names, groups=(), notes=())
    found = solve_rows(request, options, rows, sample=sample)
    return replace(found, given_baseline=fit_baseline(found, _exogenous(found.table, whole.table)))


def _exogenous(part: ParameterTable, whole: ParameterTable) -> ParameterTable:
    """The structural table with predictors as covariates, whose covariances no baseline restricts.

    As in lavaan, those whose (co)variances are written in the model are not among them.
    """
    written = {
        v
        for left, op, right, user in zip(whole.lhs, whole.op, whole.rhs, whole.user, strict=True)
        if op == "~~" and user == 1
        for v in (left, right)
    }
    names = tuple(v for v in predictors(whole) if v not in written)
    blocks = tuple(replace(b, names=replace(b.names, ov_x=names)) for b in part.blocks)
    return replace(part, blocks=blocks)


def _global(whole: _Whole, theta: Array, second: Flags) -> Solution:
    """The whole model with its measurement part held at the estimates of the first step."""
    table = _held(whole.table, theta, second)
    found = solve(
        table, whole.estimator, request=whole.request, options=whole.options, data=whole.rows
    )
    if found is None:
        raise not_converged(0, ())
    return found


def _held(table: ParameterTable, theta: Array, second: Flags) -> ParameterTable:
    """The table with all free parameters fixed but those of the second step."""
    free, ustart = table.free.copy(), table.ustart.copy()
    own = np.flatnonzero(table.free)
    at = table.free[own] - 1
    ustart[own] = np.where(second[at], ustart[own], theta[at])
    free[own] = np.where(second[at], np.cumsum(second)[at], 0)
    return replace(table, free=free, ustart=ustart)


def _second_step(parts: ModelParts) -> Flags:
    """Which free parameters the second step estimates."""
    free = parts.table.free
    second = np.zeros(parts.table.n_free, dtype=bool)
    second[free[parts.structural & (free > 0)] - 1] = True
    return second


def _places(whole: ParameterTable, part: ParameterTable) -> Index:
    """Number of each free parameter of a part in the whole model; -1 where it has none."""
    numbers = {}
    for left, op, right, group, free in zip(
        whole.lhs, whole.op, whole.rhs, whole.group.tolist(), whole.free.tolist(), strict=True
    ):
        numbers[left, op, right, group] = free - 1
        if op == "~~":
            numbers[right, op, left, group] = free - 1
    out = np.full(part.n_free, -1, dtype=np.intp)
    for i in np.flatnonzero(part.free).tolist():
        key = (part.lhs[i], part.op[i], part.rhs[i], int(part.group[i]))
        out[part.free[i] - 1] = numbers.get(key, -1)
    return out


def _joint(whole: _Whole, first: Array, second: Array, place: Index) -> TwoStepSolution:
    """The whole model at the estimates of both steps; ``place`` is where those of the second go."""
    theta = first.copy()
    theta[place[place >= 0]] = second[place >= 0]
    found = solution_at(
        theta,
        whole.setup,
        whole.estimator,
        table=whole.table,
        request=whole.request,
        options=whole.options,
        data=whole.rows,
    )
    return TwoStepSolution(**{f.name: getattr(found, f.name) for f in fields(Solution)})


def _placed(matrix: Array, place: Index, n: int) -> Array:
    out = np.zeros((n, n))
    keep = np.flatnonzero(place >= 0)
    out[np.ix_(place[keep], place[keep])] = matrix[np.ix_(keep, keep)]
    return out


def _corrected(joint: Solution, first: Array, second: Flags) -> Array | None:
    """Covariance matrix of the estimates of both steps (see the module)."""
    one, two = np.flatnonzero(~second), np.flatnonzero(second)
    information = joint.information
    inverse = constrained_inverse(information[np.ix_(two, two)], _directions(joint, two))
    if inverse is None:
        return None
    carried = -inverse @ information[np.ix_(two, one)] @ first[np.ix_(one, one)]
    out = first.copy()
    out[np.ix_(two, one)] = carried
    out[np.ix_(one, two)] = carried.T
    own = inverse / joint.estimator.n
    out[np.ix_(two, two)] = own - carried @ information[np.ix_(one, two)] @ inverse
    return out


def _first_step(places: dict[Solution, Index], second: Flags) -> Array | None:
    """Covariance matrix of what the first step estimates, zero elsewhere.

    As in lavaan, a variance at its bound of zero counts as free: it might have been estimated
    otherwise.
    """
    out = np.zeros((len(second),) * 2)
    for block, place in places.items():
        equal = null_space(block.constraints.equal.jacobian(block.theta), len(block.theta))
        bread = constrained_inverse(block.information, equal)
        if bread is None:
            return None
        out += _placed(bread / block.estimator.n, place, len(second))
    out[second] = 0.0
    out[:, second] = 0.0
    return out


def _directions(joint: Solution, two: Index) -> Array | None:
    """Directions that constraints among the structural parameters leave free."""
    bounds = prepare(joint.table, joint.estimator).bounds
    jacobian = active_jacobian(joint.constraints, bounds, joint.theta)[:, two]
    return null_space(jacobian[jacobian.any(axis=1)], len(two))
