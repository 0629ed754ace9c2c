"""From a parameter vector to the implied moments of every block.

With ``B = (I - Beta)^-1``, ``A = Lambda B``, ``Phi = B Psi B'``, ``C = Phi Lambda'`` and
``e = B alpha``::

    Sigma = A Psi A' + Theta,        mu = nu + Lambda e

Functions: ``evaluate``, ``gradient``, ``saturated_state``.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from cte_metrics.arrays import Array
from cte_metrics.kernels.numerics.vech import vech_index
from cte_metrics.sem.model.block import BlockState
from cte_metrics.sem.model.continuous import CONTINUOUS
from cte_metrics.sem.model.derived_variances import solve_variances
from cte_metrics.sem.model.design import (
    BlockDesign,
    BlockFacts,
    ModelDesign,
    block_matrices,
    fill,
    moment_block,
)
from cte_metrics.sem.model.moments import MomentGradient
from cte_metrics.sem.model.ordinal import ORDINAL
from cte_metrics.sem.model.ordinal_upper_level import UPPER_LEVEL

KINDS = {"continuous": CONTINUOUS, "ordinal": ORDINAL, "upper": UPPER_LEVEL}


def block_state(design: BlockDesign, flat: Array, n_free: int) -> BlockState:
    """Compute the implied moments of one block from the flat vector."""
    x = block_matrices(design, flat)
    m = design.n_latent
    if design.has_beta:
        inverse: Array = np.asarray(np.linalg.inv(np.eye(m) - x.beta), dtype=np.float64)
    else:
        inverse = np.eye(m)
    if design.derived:
        solve_variances(design, x, inverse)
    if design.has_beta:
        a = x.lambda_ @ inverse
        phi = inverse @ x.psi @ inverse.T
        eta = inverse @ x.alpha
    else:
        a, phi, eta = x.lambda_, x.psi, x.alpha
    c = phi @ x.lambda_.T
    cov = x.lambda_ @ c + x.theta
    mean = x.nu + x.lambda_ @ eta if design.has_means else None
    kind = KINDS[design.form]
    return BlockState(design, kind, n_free, x, inverse, a, phi, c, eta, cov, mean)


def evaluate(design: ModelDesign, theta: Array) -> tuple[BlockState, ...]:
    """States of all blocks at a parameter vector (n_free,)."""
    flat = fill(design, theta)
    return tuple(block_state(b, flat, design.n_free) for b in design.blocks)


def gradient(states: Sequence[BlockState], gradients: Sequence[MomentGradient]) -> Array:
    """Gradient of the discrepancy by the parameters (n_free,)."""
    return np.sum([s.gradient(g) for s, g in zip(states, gradients, strict=True)], axis=0)


@lru_cache(maxsize=64)
def saturated_state(p: int, means: bool) -> BlockState:
    """A block whose parameters are its moments, in moment order (Jacobian = identity)."""
    rows, columns = vech_index(p)
    elements = [("nu", i, 0) for i in range(p)] if means else []
    elements += [("theta", i, j) for i, j in zip(rows.tolist(), columns.tolist(), strict=True)]
    facts = BlockFacts(
        number=0,
        group=1,
        level=1,
        observed=tuple(f"y{c}" for c in range(p)),
        latent=(),
        start=0,
        stop=0,
        has_means=means,
        has_beta=False,
        threshold_item=(),
        ordinal=(False,) * p,
        parameterization="delta",
    )
    design, _, _ = moment_block(facts, elements)
    flat = np.zeros(design.stop)
    flat[: p * p] = np.eye(p).ravel()
    flat[-p:] = 1.0
    return block_state(design, flat, len(elements))
