"""Reliability of a scale at the level of teachers and at the level of schools.

Let Sigma_W and Sigma_B be the unrestricted covariance matrices of k items within and between
groups, and lambda, theta loadings and residual variances of a one-factor model at each level
(factor variance 1):

    alpha = k / (k - 1) (1 - trace Sigma / 1' Sigma 1)
    omega = L^2 / (L^2 + sum theta),   L = sum lambda

within and between (Geldhof et al.). For scores that are observed, with n the harmonic mean of the
group sizes (Lai):

    ================ ==================================== =====================================
    coefficient      formula                              reliability of
    ================ ==================================== =====================================
    two-level omega  (L_W^2 + L_B^2) / 1'(S_W + S_B)1     a teacher's score
    deviation omega  L_W^2 / 1' S_W 1                     its deviation from the school's mean
    shared omega     L_B^2 / 1'(S_B + S_W / n)1           the school mean, as what members share
    interrater       1' S_B 1 / 1'(S_B + S_W / n)1        members' agreement about the school
    ================ ==================================== =====================================

where S is Sigma; the first two take the model with equal loadings at both levels.

Functions: ``multilevel_reliability``. Class: ``MultilevelReliability``.
"""

from __future__ import annotations

import warnings
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from cte_metrics.arrays import Array, Index
from cte_metrics.errors import (
    CTEWarning,
    ImproperSolutionWarning,
    NonConvergenceWarning,
    check_confidence,
    one_of,
    warn,
)
from cte_metrics.kernels.numerics.distributions import normal_quantile
from cte_metrics.kernels.numerics.vech import n_half, vech, vech_weights
from cte_metrics.reliability.grouped_answers import GroupedAnswers, grouped_answers
from cte_metrics.reliability.resampled import cut_at_one
from cte_metrics.results import Block, Interval, Provenance, Result, Status, recorded
from cte_metrics.sem.estimators.two_level import TwoLevel
from cte_metrics.sem.fitting import fit

Missing = Literal["listwise", "fiml"]

if TYPE_CHECKING:
    import pandas as pd

    from cte_metrics.sem.semfit import SEMFit


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class MultilevelReliability(Result):
    """Coefficients of both levels.

    Attributes
    ----------
    alpha_within, alpha_between, omega_within, omega_between : float
        Of latent scores at each level (Geldhof et al.).
    alpha_within_ci, alpha_between_ci, omega_within_ci, omega_between_ci : Interval
        Delta method.
    omega_two_level, omega_deviation : float
        Of a teacher's observed score, and of its deviation from the school's mean (Lai), from the
        model with equal loadings at both levels.
    omega_shared, interrater : float
        Of the observed school mean as a measure of what members share, and their agreement (Lai).
    table : DataFrame
        Index coefficient: ``estimate, se, ci_low, ci_high``.
    loadings : DataFrame
        Index item: ``within, between, icc``; factor variance 1.
    n_items, n_respondents, n_groups : int
    mean_group_size : float
        Harmonic mean.
    """

    _title: ClassVar[str] = "Multilevel reliability"

    alpha_within: float
    alpha_between: float
    omega_within: float
    omega_between: float
    alpha_within_ci: Interval
    alpha_between_ci: Interval
    omega_within_ci: Interval
    omega_between_ci: Interval
    omega_two_level: float
    omega_deviation: float
    omega_shared: float
    interrater: float
    table: pd.DataFrame
    loadings: pd.DataFrame
    n_items: int
    n_respondents: int
    n_groups: int
    mean_group_size: float

    def _blocks(self) -> list[Block]:
        sizes: list[tuple[str, Any]] = [
            ("items", self.n_items),
            ("respondents", self.n_respondents),
            ("groups", self.n_groups),
            ("harmonic mean of group sizes", self.mean_group_size),
        ]
        return [
            Block("", sizes),
            Block("Coefficients", self.table),
            Block("One factor at each level", self.loadings),
        ]


@recorded
def multilevel_reliability(
    data: Any,
    group: Any = None,
    *,
    items: Sequence[Hashable] | None = None,
    missing: Missing = "listwise",
    confidence: float = 0.95,
) -> MultilevelReliability:
    """Compute alpha and omega within and between groups.

    Parameters
    ----------
    data : Responses, DataFrame or array (n, k)
        Items of one scale, in one direction.
    group : str or array (n,), optional
        School of each teacher; that of the responses by default.
    items : sequence of labels, optional
        Columns that are items; by default all but the group.
    missing : {"listwise", "fiml"}
        Complete rows, or every answer given.
    confidence : float

    Returns
    -------
    MultilevelReliability

    Raises
    ------
    InputError
        With fewer than two items, fewer than two groups, or no group of two.

    Notes
    -----
    The covariance matrices are those of ``lavInspect(fit, "h1")``, the omegas those of a two-level
    ``lavaan::cfa`` with one factor at each level. Coefficients at level 2 speak of latent school
    scores: they can be high where school means are few and noisy; ``omega_shared`` tells how far
    the observed means can be relied upon. semTools takes the harmonic mean over the distinct group
    sizes, here it is over the groups. Two items do not identify a factor: their loadings are set
    equal at each level. An improper solution (often a residual variance between schools just below
    zero) is returned with its status, notes and an ``ImproperSolutionWarning``.

    References
    ----------
    Geldhof, G. J., Preacher, K. J. & Zyphur, M. J. (2014). Reliability estimation in a multilevel
    confirmatory factor analysis framework. Psychological Methods, 19, 72-91.
    Lai, M. H. C. (2021). Composite reliability of multilevel data. Psychological Methods, 26,
    90-102.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(1)
    >>> school = np.repeat(np.arange(60), 10)
    >>> efficacy = rng.normal(size=60)[school] * 0.6 + rng.normal(size=600)
    >>> item = rng.normal(size=(60, 4))[school] * 0.5 + rng.normal(size=(600, 4))
    >>> answers = efficacy[:, None] + item
    >>> found = multilevel_reliability(answers, school)
    >>> 0.7 < found.omega_within < 0.9 and found.omega_between > 0.7
    True
    """
    level = check_confidence(confidence)
    one_of(missing, Missing, "missing")
    answers = grouped_answers(data, group, items)
    free = _fit(answers, missing)
    equal = _fit_equal_loadings(free, answers)
    estimator = free.solution.estimator
    assert isinstance(estimator, TwoLevel)  # the model has two levels of continuous items
    sample = estimator.samples[0]
    covs = [m.cov for m in estimator.saturated().moments]
    notes = [*answers.notes, *free.notes]
    size = 1.0 / float(np.mean(1.0 / np.bincount(sample.codes)))
    alphas = _alphas(estimator, covs, notes)
    omegas = _omegas(free, notes)
    _warn(free)
    observed = _observed(free, equal, covs, size)
    table, cut = _table(alphas | omegas | {k: (v, np.nan) for k, v in observed.items()}, level)
    estimates = table["estimate"]

    def interval(name: str) -> Interval:
        return Interval(float(table["ci_low"][name]), float(table["ci_high"][name]), level)

    return MultilevelReliability(
        alpha_within=float(estimates["alpha_within"]),
        alpha_between=float(estimates["alpha_between"]),
        omega_within=float(estimates["omega_within"]),
        omega_between=float(estimates["omega_between"]),
        alpha_within_ci=interval("alpha_within"),
        alpha_between_ci=interval("alpha_between"),
        omega_within_ci=interval("omega_within"),
        omega_between_ci=interval("omega_between"),
        omega_two_level=observed["omega_two_level"],
        omega_deviation=observed["omega_deviation"],
        omega_shared=observed["omega_shared"],
        interrater=observed["interrater"],
        table=table,
        loadings=_loadings(free, covs, answers.names),
        n_items=len(answers.names),
        n_respondents=int(estimator.n),
        n_groups=sample.n_clusters,
        mean_group_size=size,
        provenance=Provenance(
            method="Two-level one-factor model, maximum likelihood",
            n_used=int(estimator.n),
            n_dropped=int(len(answers.cluster) - estimator.n),
            settings={"missing": missing, "confidence": level, "interval": "delta"},
            reference="Geldhof, Preacher & Zyphur (2014); Lai (2021)",
        ),
        status=free.status if free.converged else Status.MAX_ITER,
        notes=tuple(dict.fromkeys((*notes, *cut))),
    )


def _fit(answers: GroupedAnswers, missing: Missing) -> SEMFit:
    """One factor at each level."""
    import pandas as pd

    frame = pd.DataFrame(answers.values, columns=_model_names(answers.names))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CTEWarning)
        return fit(
            _model_text(answers.names, equal=False),
            frame,
            cluster=answers.cluster,
            missing=missing,
            on_failure="return",
        )


def _warn(fit: SEMFit) -> None:
    """Warn of a model without a solution, or with an improper one."""
    if not fit.converged:
        text = "The two-level one-factor model found no solution, so there is no omega."
        warn(text, NonConvergenceWarning)
    elif fit.status is Status.IMPROPER:
        text = " ".join(("The two-level one-factor model is improper.", *fit.notes))
        warn(text, ImproperSolutionWarning)


def _fit_equal_loadings(free: SEMFit, answers: GroupedAnswers) -> SEMFit:
    """The same with loadings equal across levels and a free factor variance between groups."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CTEWarning)
        return free.again(_model_text(answers.names, equal=True))


def _model_text(items: Sequence[str], *, equal: bool) -> str:
    """Write the model; two items have one loading at each level."""
    names = _model_names(items)

    def factor(level: str) -> str:
        suffix = "" if equal else level
        labels = [f"load_{k if len(names) > 2 else 0}{suffix}" for k in range(len(names))]
        terms = (f"NA*{v} + {label}*{v}" for v, label in zip(names, labels, strict=True))
        return f"f{level} =~ " + " + ".join(terms)

    between_variance = "fb ~~ fb" if equal else "fb ~~ 1*fb"
    lines = ("level: 1", factor("w"), "fw ~~ 1*fw", "level: 2", factor("b"), between_variance)
    return "\n".join(lines)


def _model_names(names: Sequence[str]) -> list[str]:
    """Names that can stand in a model text; the items' own where possible."""
    plain = all(v.isidentifier() and v not in ("fw", "fb") for v in names)
    return list(names) if plain else [f"item_{k + 1}" for k in range(len(names))]


Estimate = tuple[float, float]


def _alphas(estimator: TwoLevel, covs: Sequence[Array], notes: list[str]) -> dict[str, Estimate]:
    """Alpha and its standard error from the unrestricted moments."""
    k = len(covs[0])
    acov = _moment_acov(estimator)
    first = {"within": k, "between": k + n_half(k) + k}
    found = {}
    for name, cov in zip(("within", "between"), covs, strict=True):
        total = float(cov.sum())
        if total <= 0 or cov.diagonal().min() < 0:
            notes.append(f"The sum score has no variance {name} groups: alpha is not defined.")
            found[f"alpha_{name}"] = (np.nan, np.nan)
            continue
        trace, scale = float(np.trace(cov)), k / (k - 1.0)
        by_cov = scale * (trace / total**2 - np.eye(k) / total)
        gradient = vech(by_cov) * vech_weights(k)
        at = slice(first[name], first[name] + n_half(k))
        found[f"alpha_{name}"] = (
            scale * (1.0 - trace / total),
            _root(float(gradient @ acov[at, at] @ gradient)),
        )
    return found


def _moment_acov(estimator: TwoLevel) -> Array:
    """Covariance matrix of the unrestricted moments."""
    point = estimator.at(estimator.saturated().moments)
    weight = point.weight("observed")[0]
    matrix = weight.dense() * estimator.n
    kept = np.flatnonzero(~weight.blank)
    cells = np.ix_(kept, kept)
    acov = np.zeros_like(matrix)
    acov[cells] = np.linalg.pinv(matrix[cells], hermitian=True)
    return acov


def _root(variance: float) -> float:
    return float(np.sqrt(variance)) if variance > 0 else np.nan


def _level_rows(fit: SEMFit, level: int) -> tuple[Index, Index]:
    """Rows of the table with the loadings and the residual variances of one level."""
    table = fit.solution.table
    own = np.asarray(table.level) == level
    op = np.asarray(table.op)
    loading = np.flatnonzero(own & (op == "=~"))
    lhs, rhs = np.asarray(table.lhs), np.asarray(table.rhs)
    variance = np.flatnonzero(own & (op == "~~") & (lhs == rhs) & ~np.isin(lhs, ("fw", "fb")))
    return loading, variance


def _omegas(fit: SEMFit, notes: list[str]) -> dict[str, Estimate]:
    found = {}
    solution = fit.solution
    for level, name in ((1, "within"), (2, "between")):
        loading, variance = _level_rows(fit, level)
        common, unique = solution.values[loading].sum(), solution.values[variance].sum()
        total = common**2 + unique
        if not fit.converged or total <= 0:
            notes.append(f"The one-factor model gives no omega {name} groups.")
            found[f"omega_{name}"] = (np.nan, np.nan)
            continue
        if unique < 0:
            notes.append(
                f"Omega {name} groups exceeds 1: residual variances are negative there, that is, "
                "close to zero and estimated with error."
            )
        gradient = np.zeros(solution.design.n_free)
        free = solution.table.free
        np.add.at(gradient, free[loading] - 1, 2.0 * common * unique / total**2)
        np.add.at(gradient, free[variance] - 1, -(common**2) / total**2)
        error = np.nan
        if solution.vcov is not None:
            error = _root(float(gradient @ solution.vcov @ gradient))
        found[f"omega_{name}"] = (float(common**2 / total), error)
    return found


def _observed(free: SEMFit, equal: SEMFit, covs: Sequence[Array], size: float) -> dict[str, float]:
    """Lai's coefficients of observed scores."""
    within, between = (float(c.sum()) for c in covs)
    means = between + within / size
    shared = free.solution.values[_level_rows(free, 2)[0]].sum() ** 2
    loading = equal.solution.values[_level_rows(equal, 1)[0]].sum() ** 2
    table = equal.solution.table
    row = next(r for r, v in enumerate(table.lhs) if v == "fb" and table.op[r] == "~~")
    ratio = float(equal.solution.values[row])
    return {
        "omega_two_level": float(loading * (1.0 + ratio) / (within + between))
        if equal.converged
        else np.nan,
        "omega_deviation": float(loading / within) if equal.converged else np.nan,
        "omega_shared": float(shared / means) if free.converged and means > 0 else np.nan,
        "interrater": between / means if means > 0 else np.nan,
    }


def _table(figures: dict[str, Estimate], level: float) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return estimates with their intervals, none above 1, and a note if one was cut."""
    import pandas as pd

    estimate, se = np.array(list(figures.values())).T
    half = float(normal_quantile(0.5 + level / 2.0)) * se
    low, high, cut = cut_at_one(estimate - half, estimate + half)
    columns = {"estimate": estimate, "se": se, "ci_low": low, "ci_high": high}
    return pd.DataFrame(columns, index=pd.Index(list(figures), name="coefficient")), cut


def _loadings(fit: SEMFit, covs: Sequence[Array], names: Sequence[str]) -> pd.DataFrame:
    import pandas as pd

    values = fit.solution.values
    columns = {n: values[_level_rows(fit, k)[0]] for k, n in ((1, "within"), (2, "between"))}
    variance_w, variance_b = (c.diagonal() for c in covs)
    columns["icc"] = variance_b / (variance_w + variance_b)
    return pd.DataFrame(columns, index=pd.Index(names, name="item"))
