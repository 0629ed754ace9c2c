"""The moments of the structural variables, from the sample's and the measurement part.

Observed variables of the structural part stand for themselves. Per group, with ``s = [m; vech(S)]``
the sample moments, ``theta`` the measurement parameters and ``e = [E(eta); vech Var(eta)]``::

    Gamma_e = J Gamma J',      J = de/ds + de/dtheta dtheta/ds

``dtheta/ds = B D' H`` (B inverse observed information, D Jacobian, H weight of a block). The share
of the error variance that is taken off (``kernels.factor.latent_moments``) is held in it.

Classes: ``LatentMoments``, ``Scene``. Functions: ``latent_moments``, ``latent_sample``,
``moment_covariances``,
``latent_jacobians``.
"""

from __future__ import annotations

from collections.abc import Mapping as Named
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cte_metrics.arrays import Array, Index
from cte_metrics.kernels.factor.latent_moments import Mapping, error_share, mapping
from cte_metrics.kernels.numerics.vech import n_half, unvech, vech, vech_index
from cte_metrics.sem.estimators.base import Estimator
from cte_metrics.sem.inference.solution import Solution
from cte_metrics.sem.inference.solved import constrained_inverse
from cte_metrics.sem.model.block import BlockState
from cte_metrics.sem.model.design import ModelDesign
from cte_metrics.sem.model.implied import evaluate
from cte_metrics.sem.sample.moments import GroupSample, SampleStats
from cte_metrics.sem.stepwise.options import MappingName

STEP = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """What the first step leaves: a design, its parameters, the sample, the names of the second.

    Created by: ``cte_metrics.sem.stepwise.steps.two_steps``.
    Consumed by: ``cte_metrics.sem.stepwise.latent.latent_moments``.

    Attributes
    ----------
    design : ModelDesign
    theta : ndarray (n_free,)
        Measurement parameters at their estimates.
    estimator : Estimator
        Of the whole model.
    names : tuple of str
        Structural variables.
    others : tuple of str
        Variables in neither part, which are mapped with them.
    factors : tuple of str
        Latent variables among both.
    """

    design: ModelDesign
    theta: Array
    estimator: Estimator
    names: tuple[str, ...]
    others: tuple[str, ...]
    factors: tuple[str, ...]

    @property
    def every(self) -> tuple[str, ...]:
        """All variables that are mapped."""
        return (*self.names, *self.others)


@dataclass(frozen=True, slots=True, eq=False)
class LatentMoments:
    """Moments of the structural variables in one group.

    Created by: ``cte_metrics.sem.stepwise.latent.latent_moments``.
    Consumed by: ``cte_metrics.sem.stepwise.latent.latent_sample``.

    Attributes
    ----------
    mean, cov : ndarray (m,), (m, m)
    share : float
        Share of the error variance that was taken off.
    mapping : Mapping
    reliability : ndarray (m + others,)
        Share of the mapped variables' variances that is no error.
    """

    mean: Array
    cov: Array
    share: float
    mapping: Mapping
    reliability: Array


def latent_moments(scene: Scene, how: MappingName) -> tuple[LatentMoments, ...]:
    """Map the sample moments of every group."""
    samples, sizes = scene.estimator.saturated().moments, scene.estimator.n_by_group
    states = evaluate(scene.design, scene.theta)
    return tuple(
        _mapped(scene, state, _Sample(sample.cov, sample.mean, n), how)
        for state, sample, n in zip(states, samples, sizes, strict=True)
    )


@dataclass(frozen=True, slots=True)
class _Sample:
    cov: Array
    mean: Array | None
    n: float


def _mapped(
    scene: Scene,
    state: BlockState,
    sample: _Sample,
    how: MappingName,
    share: float | None = None,
) -> LatentMoments:
    loadings, errors, intercepts = _measurement(scene, state)
    weight = {"ml": errors, "gls": sample.cov, "uls": None}[how]
    found = mapping(loadings, weight)
    own = _observed(scene)
    m, free = found.matrix.copy(), found.free
    m[own] = loadings.T[own]
    mapped, error = m @ sample.cov @ m.T, m @ errors @ m.T
    if share is None:
        share = error_share(mapped, error, sample.n)
    cov = mapped - share * error
    k = len(scene.names)
    centre = np.zeros(len(errors)) if sample.mean is None else sample.mean
    return LatentMoments(
        mean=m[:k] @ (centre - intercepts),
        cov=cov[:k, :k],
        share=share,
        mapping=Mapping(m[:k], free),
        reliability=cov.diagonal() / mapped.diagonal(),
    )


def _observed(scene: Scene) -> list[int]:
    return [k for k, v in enumerate(scene.every) if v not in scene.factors]


def _measurement(scene: Scene, state: BlockState) -> tuple[Array, Array, Array]:
    """Loadings on the mapped variables (p, m), error covariances, intercepts."""
    design, x = state.design, state.matrices
    loadings = np.zeros((design.n_observed, len(scene.every)))
    errors, intercepts = x.theta.copy(), x.nu.copy()
    for k, name in enumerate(scene.every):
        if name in scene.factors:
            loadings[:, k] = x.lambda_[:, design.latent.index(name)]
            continue
        i = design.observed.index(name)
        loadings[i, k] = 1.0
        errors[i], errors[:, i], intercepts[i] = 0.0, 0.0, 0.0
    return loadings, errors, intercepts


def latent_sample(
    scene: Scene,
    latent: Sequence[LatentMoments],
    labels: Sequence[str],
    gammas: Sequence[Array] | None,
) -> SampleStats:
    """The structural variables as a sample; ``gammas`` are the covariances of its moments."""
    groups = []
    for g, (label, own) in enumerate(zip(labels or [""], latent, strict=True)):
        n = scene.estimator.n_by_group[g]
        known: dict[tuple[int, ...], Array] = {} if gammas is None else {(): gammas[g]}
        groups.append(GroupSample(label, scene.names, n, own.mean, own.cov, _gamma=known))
    return SampleStats(tuple(groups), scene.names)


def moment_covariances(
    scene: Scene,
    latent: Sequence[LatentMoments],
    blocks: Named[Solution, Index],
    how: MappingName,
) -> list[Array]:
    """``Gamma_e`` of every group; ``blocks`` says where their parameters are in the whole model."""
    jacobians = latent_jacobians(scene, latent, blocks, how)
    gammas = _gammas(scene.estimator)
    return [j @ gamma @ j.T for j, gamma in zip(jacobians, gammas, strict=True)]


def latent_jacobians(
    scene: Scene,
    latent: Sequence[LatentMoments],
    blocks: Named[Solution, Index],
    how: MappingName,
) -> list[Array]:
    """``J`` of every group (m + m (m + 1) / 2, p + p (p + 1) / 2)."""
    columns = np.concatenate([place[place >= 0] for place in blocks.values()])
    slopes = _slopes_by_parameters(scene, latent, columns, how)
    return [
        _slopes_by_moments(scene, own, g, how) + slopes[g] @ _influences(scene, blocks, columns, g)
        for g, own in enumerate(latent)
    ]


def _slopes_by_parameters(
    scene: Scene, latent: Sequence[LatentMoments], columns: Index, how: MappingName
) -> list[Array]:
    """``de/dtheta`` of every group by central differences (n_moments, n_columns)."""
    samples, sizes = scene.estimator.saturated().moments, scene.estimator.n_by_group
    ends: list[list[Array]] = [[] for _ in latent]
    for j in columns.tolist():
        step = np.zeros_like(scene.theta)
        step[j] = STEP * max(1.0, abs(scene.theta[j]))
        pair = [evaluate(scene.design, scene.theta + sign * step) for sign in (1.0, -1.0)]
        for g, (sample, n) in enumerate(zip(samples, sizes, strict=True)):
            up, down = (
                _stacked(
                    _mapped(
                        scene, states[g], _Sample(sample.cov, sample.mean, n), how, latent[g].share
                    )
                )
                for states in pair
            )
            ends[g].append((up - down) / (2.0 * step[j]))
    return [np.array(e).T for e in ends]


def _stacked(latent: LatentMoments) -> Array:
    return np.concatenate((latent.mean, vech(latent.cov)))


def _slopes_by_moments(scene: Scene, own: LatentMoments, g: int, how: MappingName) -> Array:
    """``de/ds`` for a given measurement part (n_moments, p + p (p + 1) / 2)."""
    m = own.mapping.matrix
    k, p = m.shape
    changes = unvech(np.eye(n_half(p)), p)
    moved = m @ changes @ m.T
    out = np.zeros((k + n_half(k), p + n_half(p)))
    out[:k, :p] = m
    if how == "gls":  # M depends on S
        sample = scene.estimator.saturated().moments[g]
        state = evaluate(scene.design, scene.theta)[g]
        _, errors, intercepts = _measurement(scene, state)
        turned = -(m @ changes @ own.mapping.free)
        turned[:, [i for i in _observed(scene) if i < k]] = 0.0
        cross = turned @ (sample.cov - own.share * errors) @ m.T
        moved = moved + cross + cross.transpose(0, 2, 1)
        if sample.mean is not None:
            out[:k, p:] = (turned @ (sample.mean - intercepts)).T
    out[k:, p:] = vech(moved).T
    return out


def _influences(scene: Scene, blocks: Named[Solution, Index], columns: Index, g: int) -> Array:
    """``dtheta/ds`` of one group (n_columns, p + p (p + 1) / 2)."""
    observed = scene.design.blocks[g].observed
    p = len(observed)
    number = p + np.rint(unvech(np.arange(float(n_half(p))), p)).astype(np.intp)
    out = np.zeros((len(columns), p + n_half(p)))
    row = {int(c): i for i, c in enumerate(columns)}
    for block, place in blocks.items():
        state = block.states[g]
        ix = np.array([observed.index(v) for v in state.design.observed], dtype=np.intp)
        rows, across = vech_index(len(ix))
        at = number[np.ix_(ix, ix)][rows, across]
        if state.design.has_means:
            at = np.concatenate((ix, at))
        bread = constrained_inverse(block.unit_information("observed"), block.basis)
        if bread is None:
            bread = np.zeros((len(block.theta),) * 2)
        moved = block.estimator.shares[g] * bread @ state.jacobian.T @ block.dense_weights[g]
        keep = np.flatnonzero(place >= 0)
        to = np.array([row[int(c)] for c in place[keep]], dtype=np.intp)
        out[np.ix_(to, at)] += moved[keep]
    return out


def _gammas(estimator: Estimator) -> list[Array]:
    """Distribution-free covariance of ``[m; vech(S)]`` of every group, unbiased where it can be."""
    out = []
    for gamma, moments, n in zip(
        estimator.gamma(), estimator.saturated().moments, estimator.n_by_group, strict=True
    ):
        p = len(moments.cov)
        full = np.zeros((p + n_half(p),) * 2)
        full[-len(gamma) :, -len(gamma) :] = gamma
        plain = estimator.name == "ML" and (gamma.diagonal() > 0.0).all()
        out.append(_unbiased(full, moments.cov, n) if plain else full)
    return out


def _unbiased(gamma: Array, cov: Array, n: float) -> Array:
    """Browne's (1984) unbiased estimate of the covariances of variances."""
    p = len(cov)
    rows, columns = vech_index(p)
    normal = cov[np.ix_(rows, rows)] * cov[np.ix_(columns, columns)]
    normal = normal + cov[np.ix_(rows, columns)] * cov[np.ix_(columns, rows)]
    half = vech(cov)
    out = gamma.copy()
    out[p:, p:] = n * (n - 1) * gamma[p:, p:] - n * (normal - 2.0 / (n - 1) * np.outer(half, half))
    out[p:, p:] /= (n - 2) * (n - 3)
    out[:p, p:] *= n / (n - 2)
    out[p:, :p] *= n / (n - 2)
    return out
