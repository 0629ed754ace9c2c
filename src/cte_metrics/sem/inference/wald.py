"""Wald test of equations between parameters.

With ``h(theta) = 0`` and its Jacobian H: ``chi2 = h' (H V H')^-1 h`` on as many degrees of freedom
as H has rank.

Functions: ``wald_test``.

References
----------
Wald, A. (1943). Tests of statistical hypotheses concerning several parameters when the number of
observations is large. Transactions of the American Mathematical Society, 54, 426-482.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from cte_metrics.errors import InputError
from cte_metrics.kernels.numerics.distributions import chi2_sf
from cte_metrics.results import Provenance, Result
from cte_metrics.sem.inference.solution import Solution
from cte_metrics.sem.model.constraints import compile_equations


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class WaldTest(Result):
    """Chi-square, degrees of freedom and p-value of a Wald test; ``equations`` tested."""

    _title: ClassVar[str] = "Wald test"

    chi2: float
    df: int
    p: float
    equations: tuple[str, ...]


def wald_test(solution: Solution, equations: str) -> WaldTest:
    """Test equations between labelled parameters, such as ``"a == b; c == 0"``.

    Raises
    ------
    InputError
        If a label is unknown, an equation holds by construction, or there are no standard errors.
    """
    functions = compile_equations(equations, solution.table)
    if solution.vcov is None:
        raise InputError(
            "A Wald test needs the covariance matrix of the estimates, which this fit has not.",
            hint="Fit with standard errors (se other than 'none').",
        )
    value, jacobian = functions.value_and_jacobian(solution.theta)
    covariance = jacobian @ solution.vcov @ jacobian.T
    _refuse_redundant(covariance, jacobian, solution.vcov, functions.names)
    chi2 = float(value @ np.linalg.solve(covariance, value))
    df = len(value)
    return WaldTest(
        chi2=chi2,
        df=df,
        p=float(chi2_sf(chi2, df)),
        equations=functions.names,
        provenance=Provenance(
            method=f"Wald test, se={solution.options.se}",
            n_used=int(solution.n_observations),
        ),
    )


def _refuse_redundant(
    covariance: np.ndarray, jacobian: np.ndarray, vcov: np.ndarray, names: tuple[str, ...]
) -> None:
    size = np.sqrt(np.einsum("ij,jj,ij->i", jacobian, np.abs(vcov), jacobian))
    scaled = covariance / np.where(size > 0, size, 1.0) / np.where(size > 0, size, 1.0)[:, None]
    rank = np.linalg.matrix_rank(scaled, tol=1e-10)
    if rank < len(names):
        raise InputError(
            f"The equations ({'; '.join(names)}) cannot be tested: one of them holds by "
            "construction or repeats another.",
            hint="Leave out equations on fixed parameters and on parameters already set equal.",
        )
