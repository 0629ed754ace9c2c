"""Linear mixed models with schools as the random factor.

Functions: ``mixed_model``; class ``MixedModel``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from cte_metrics.aggregation.mixed_design import (
    GroupedDesign,
    bases,
    check_identified,
    grouped_design,
    grouped_frame,
    slope_column,
)
from cte_metrics.aggregation.mixed_profile import Names, profile_intervals
from cte_metrics.arrays import Array
from cte_metrics.core.arguments import checked
from cte_metrics.core.door import column, one_wave
from cte_metrics.core.formula.design import INTERCEPT, Design, named_in
from cte_metrics.core.naming import name_list, named_column
from cte_metrics.errors import (
    ImproperSolutionWarning,
    InputError,
    NonConvergenceWarning,
    UnknownNameError,
    check_confidence,
    close_names,
    warn,
)
from cte_metrics.kernels.groups import mixed as kernel
from cte_metrics.kernels.groups import mixed_inference as inference
from cte_metrics.kernels.numerics.distributions import normal_quantile, t_quantile, t_sf
from cte_metrics.results import Block, Provenance, Result, Status, recorded

REFERENCE = (
    "Bates, Maechler, Bolker & Walker (2015), J. Statistical Software, 67(1); Kuznetsova, "
    "Brockhoff & Christensen (2017), J. Statistical Software, 82(13); Nakagawa & Schielzeth "
    "(2013), Methods in Ecology and Evolution, 4, 133-142; Johnson (2014), ibid., 5, 944-946."
)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class MixedModel(Result):
    """A fitted linear mixed model.

    Attributes
    ----------
    fixed : DataFrame
        ``est, se, df, t, p, ci_low, ci_high`` per coefficient, Satterthwaite degrees of freedom;
        the constant is called ``intercept``.
    variances : Series
        ``intercept``, random slopes, ``residual``.
    covariance : DataFrame
        Covariance matrix of the random effects.
    correlation : DataFrame
        Their correlations; nan where a variance is 0.
    fixed_covariance : DataFrame
        Covariance matrix of the fixed coefficients.
    loglik, aic, bic, deviance : float
        Restricted ones for a REML fit, as lme4 gives them.
    r2_marginal, r2_conditional : float
        Share of variance explained by fixed effects, and by fixed and random ones.
    icc : float
        Share of the unexplained variance that lies between groups (for a random intercept).
    group_effects : DataFrame, index group
        Conditional mean of each random effect with ``_se, _low, _high`` (given the estimated
        parameters, as lme4's condVar).
    n_obs, n_groups, n_parameters : int
        Rows, groups, estimated parameters.
    singular : bool
        Whether a variance is 0 or a correlation -1 or 1.
    """

    _title: ClassVar[str] = "Linear mixed model"

    formula: str
    fixed: pd.DataFrame
    variances: pd.Series
    covariance: pd.DataFrame
    correlation: pd.DataFrame
    fixed_covariance: pd.DataFrame
    loglik: float
    aic: float
    bic: float
    deviance: float
    r2_marginal: float
    r2_conditional: float
    icc: float
    group_effects: pd.DataFrame
    n_obs: int
    n_groups: int
    n_parameters: int
    reml: bool
    singular: bool
    _summary: kernel.MixedSummary = field(repr=False)
    _fit: kernel.MixedFit = field(repr=False)
    _random: tuple[str, ...] = field(repr=False)
    _response: str = field(repr=False)

    def _blocks(self) -> list[Block]:
        figures: list[tuple[str, Any]] = [
            ("outcome ~ fixed part", self.formula),
            ("log-likelihood" + (" (restricted)" if self.reml else ""), self.loglik),
            ("AIC", self.aic), ("BIC", self.bic),
            ("R2 marginal", self.r2_marginal), ("R2 conditional", self.r2_conditional),
            ("rows", self.n_obs), ("groups", self.n_groups),
        ]  # fmt: skip
        return [
            Block("", figures),
            Block("Fixed effects", self.fixed),
            Block("Variances", self.variances),
            Block("Correlations of the random effects", self.correlation),
        ][: 4 if len(self.correlation) > 1 else 3]

    @checked
    def profile_ci(
        self, *, confidence: float = 0.95, parameters: Sequence[str] | None = None
    ) -> pd.DataFrame:
        """Profile-likelihood intervals (maximum likelihood, also for a REML fit, as lme4).

        Parameters
        ----------
        confidence : float
            Level.
        parameters : sequence of str, optional
            Rows wanted; all by default.

        Returns
        -------
        DataFrame
            ``est`` (maximum likelihood), ``ci_low, ci_high``; rows ``sd_intercept`` (and
            ``cor_...``, ``sd_...`` of slopes), ``sigma``, then the fixed coefficients. Correlations
            are profiled for one slope.

        Raises
        ------
        UnknownNameError
            If a parameter has no such name.
        EstimationError
            If the likelihood of one has no limit that can be found.

        Notes
        -----
        The limits are the roots of the profiled deviance themselves; lme4 interpolates them, which
        differs by about 1e-4 of their width, and more where the profile is far from a parabola.
        Where a correlation may be anything, because a variance may be 0, its interval is (-1, 1).
        """
        check_confidence(confidence)
        names = Names(self._random, tuple(self.fixed.index))
        return profile_intervals(
            self._summary, self._fit, names, confidence=confidence, parameters=parameters
        )

    @checked
    def contrast(self, weights: Mapping[str, float], *, confidence: float = 0.95) -> pd.Series:
        """Estimate a combination of fixed coefficients, with Satterthwaite degrees of freedom.

        Parameters
        ----------
        weights : mapping of coefficient to weight
            E.g. ``{"x_mean": 1, "x_within": -1}`` for a contextual effect.

        Returns
        -------
        Series
            ``est, se, df, t, p, ci_low, ci_high``.

        Raises
        ------
        UnknownNameError
            If a coefficient does not exist.
        """
        check_confidence(confidence)
        return _contrast(self, weights, confidence)


@recorded
def mixed_model(
    formula: str,
    data: Any,
    group: Any = None,
    *,
    slopes: Sequence[str] = (),
    correlated: bool = True,
    reml: bool = True,
    confidence: float = 0.95,
) -> MixedModel:
    """Fit a linear mixed model with a random intercept per group and optional random slopes.

    Parameters
    ----------
    formula : str
        Fixed part, ``outcome ~ predictors``, with R's ``+ - * / : ^`` for terms, ``0`` or ``-1``
        for no intercept, ``C(x)`` for categories (``C(x, Treatment("b"))`` for another reference),
        ``I(x^2 + 1)`` for arithmetic, functions such as ``log, exp, sqrt`` (also as ``np.log``),
        ``center, scale``, and ``poly(x, 2)``, ``bs(x, df=4)``. ``^`` and ``**`` are powers. A
        column whose name is no word stands between backquotes. Nothing else is read: a formula is
        never run as Python, so one that comes from a stranger is safe.
    data : DataFrame or Responses
        Rows with a missing variable or group are left out, with a note.
    group : str or array
        Grouping variable; for ``Responses`` their own group by default.
    slopes : sequence of str
        Columns (or terms of the formula) whose effect varies over groups.
    correlated : bool
        Whether random effects may be correlated: lme4's ``(1 + x | g)`` against ``(1 + x || g)``.
    reml : bool
        Restricted (default) or full maximum likelihood.
    confidence : float
        Level of the t intervals.

    Returns
    -------
    MixedModel

    Raises
    ------
    ModelSyntaxError
        If the formula holds anything else; nothing has been computed then.
    UnknownNameError
        If a column does not exist.
    IdentificationError
        If predictors or slopes are collinear, or there are not more rows than random effects.
    InputError
        If there is one group only, the outcome does not vary around the fixed part, or a value is
        infinite or so large (1e150) that its square is none.

    Warns
    -----
    ImproperSolutionWarning
        If the fit is singular.
    NonConvergenceWarning
        If the search stopped before the gradient vanished.

    Notes
    -----
    The profiled deviance of lme4 is minimised by Newton steps with analytic derivatives, to a
    gradient of zero; lme4 stops at about 1e-6 of its estimates. It is estimated in a basis of the
    data's own scale, so degrees of freedom, p and intervals do not depend on units, nor (for
    correlated random effects) on where a slope's variable is centred. Categories that no row has
    are left out, as in R, with a note. A variance at 0 or a correlation at -1 or 1 (singular
    fit) is the maximum of the likelihood; it is returned with ``status`` SINGULAR and a note.
    R2 is Nakagawa and Schielzeth's, with Johnson's mean random-effect variance for slopes.

    References
    ----------
    Bates, Maechler, Bolker & Walker (2015). Kuznetsova, Brockhoff & Christensen (2017). Nakagawa &
    Schielzeth (2013). Johnson (2014).

    Examples
    --------
    Two schools with means 2 and 5 and variance 1: by REML, sigma2 = 1 and tau2 = (13.5 - 1)/3.

    >>> import pandas as pd
    >>> frame = pd.DataFrame({"school": [1, 1, 1, 2, 2, 2], "y": [1.0, 2, 3, 4, 5, 6]})
    >>> found = mixed_model("y ~ 1", frame, "school")
    >>> found.variances.round(6).tolist()
    [4.166667, 1.0]
    """
    check_confidence(confidence)
    varying = name_list(named_column(data, slopes) or slopes, "slopes")
    asked = one_wave(data, group, *varying, *named_in(formula))
    if asked is not data and group is not None and not named_column(data, group):
        group = column(data, group, len(asked), "group")
    frame, label = grouped_frame(asked, group)
    rows = grouped_design(formula, frame, label, varying)
    if asked is not data:
        rows = replace(rows, notes=(*asked.notes[-1:], *rows.notes))
    random = (INTERCEPT, *varying)
    columns = [np.ones(len(rows.codes)), *(slope_column(rows.design, s) for s in varying)]
    x, z = bases(rows.design, np.column_stack(columns), random, correlated=correlated)
    check_identified(z, len(rows.labels))
    summary = kernel.summarise(x, rows.design.y, z, rows.codes, len(rows.labels))
    if summary.total[-1, -1] <= 1e-20 * max(float(rows.design.y @ rows.design.y), 1e-300):
        raise InputError("The fixed part leaves no variance in the outcome to model.")
    found = kernel.fit(summary, reml=reml, correlated=correlated)
    return _assemble(formula, rows, summary, found, random, confidence)


def _assemble(
    formula: str,
    rows: GroupedDesign,
    summary: kernel.MixedSummary,
    found: kernel.MixedFit,
    random: tuple[str, ...],
    confidence: float,
) -> MixedModel:
    design, labels = rows.design, rows.labels
    names = list(design.names)
    covariance = pd.DataFrame(found.random_covariance, index=list(random), columns=list(random))
    n, p = design.x.shape
    n_parameters = p + int(found.pattern.sum()) + 1
    marginal, conditional = _r_squared(design, summary, found)
    status, more = _verdict(found, covariance)
    tau2 = float(found.random_covariance[0, 0])
    return MixedModel(
        formula=formula,
        fixed=_coefficients(summary, found, np.eye(p), names, confidence),
        variances=pd.Series(
            [*np.diag(found.random_covariance), found.sigma2], index=[*random, "residual"],
            name="variance",
        ),
        covariance=covariance, correlation=_correlation(covariance),
        fixed_covariance=pd.DataFrame(found.covariance, index=names, columns=names),
        loglik=-found.deviance / 2, deviance=found.deviance,
        aic=found.deviance + 2 * n_parameters, bic=found.deviance + np.log(n) * n_parameters,
        r2_marginal=marginal, r2_conditional=conditional,
        icc=tau2 / (tau2 + found.sigma2),
        group_effects=_group_effects(summary, found, random, labels, confidence),
        n_obs=n, n_groups=len(labels), n_parameters=n_parameters,
        reml=found.reml, singular=found.singular,
        _summary=summary, _fit=found, _random=random, _response=design.response,
        status=status, notes=rows.notes + more,
        provenance=Provenance(
            method="Linear mixed model by "
            + ("restricted maximum likelihood" if found.reml else "maximum likelihood"),
            n_used=n, n_dropped=len(design.kept) - n,
            settings={"formula": formula, "random": random, "reml": found.reml,
                      "correlated": found.correlated,
                      "confidence": confidence},
            reference=REFERENCE,
        ),
    )  # fmt: skip


def _contrast(model: MixedModel, weights: Mapping[str, float], confidence: float) -> pd.Series:
    names = model.fixed.index
    row = np.zeros(len(names))
    for name, value in dict(weights).items():
        if name not in names:
            raise UnknownNameError(f"There is no coefficient {name!r}.{close_names(name, names)}")
        row[names.get_loc(name)] = float(value)
    if not row.any():
        raise InputError("weights are all 0; a contrast weighs a coefficient.")
    table = _coefficients(model._summary, model._fit, row[None, :], ["contrast"], confidence)
    return table.iloc[0].rename("contrast")


def _coefficients(
    summary: kernel.MixedSummary,
    found: kernel.MixedFit,
    contrasts: Array,
    names: list[str],
    confidence: float,
) -> pd.DataFrame:
    estimate = contrasts @ found.beta
    se = np.sqrt(np.einsum("mp,pq,mq->m", contrasts, found.covariance, contrasts))
    df = inference.satterthwaite(summary, found, contrasts)
    t = estimate / se
    half = t_quantile(0.5 + confidence / 2, df) * se
    return pd.DataFrame(
        {
            "est": estimate, "se": se, "df": df, "t": t, "p": 2 * t_sf(np.abs(t), df),
            "ci_low": estimate - half, "ci_high": estimate + half,
        },
        index=pd.Index(names, name="term"),
    )  # fmt: skip


def _correlation(covariance: pd.DataFrame) -> pd.DataFrame:
    sd = np.sqrt(np.diag(covariance))
    below = np.outer(sd, sd)
    out = np.full(below.shape, np.nan)
    np.divide(covariance.to_numpy(), below, out=out, where=below > 0)
    return pd.DataFrame(out, index=covariance.index, columns=covariance.columns)


def _r_squared(
    design: Design, summary: kernel.MixedSummary, found: kernel.MixedFit
) -> tuple[float, float]:
    """Nakagawa and Schielzeth's R2; random variance averaged over rows (Johnson)."""
    fixed = float(np.var(design.x @ found.beta, ddof=1))
    random = kernel.random_variance(summary, found)
    total = fixed + random + found.sigma2
    return fixed / total, (fixed + random) / total


def _group_effects(
    summary: kernel.MixedSummary,
    found: kernel.MixedFit,
    random: tuple[str, ...],
    labels: pd.Index,
    confidence: float,
) -> pd.DataFrame:
    mean, covariance = kernel.random_effects(summary, found)
    z = float(normal_quantile(0.5 + confidence / 2))
    out: dict[str, Array] = {}
    for k, name in enumerate(random):
        se = np.sqrt(np.maximum(covariance[:, k, k], 0.0))
        out[name] = mean[:, k]
        out[f"{name}_se"] = se
        out[f"{name}_low"], out[f"{name}_high"] = mean[:, k] - z * se, mean[:, k] + z * se
    return pd.DataFrame(out, index=labels)


def _verdict(found: kernel.MixedFit, covariance: pd.DataFrame) -> tuple[Status, tuple[str, ...]]:
    """Status and notes; what must not be read like any other fit is warned of."""
    if not found.converged:
        text = (
            f"The search stopped with a gradient of {found.gradient_norm:.2g}; a simpler random "
            "part may have a maximum that can be found."
        )
        warn(text, NonConvergenceWarning)
        return Status.MAX_ITER, (text,)
    if not found.singular:
        return Status.CONVERGED, ()
    zero = [n for n, v in zip(covariance.index, np.diag(covariance), strict=True) if v <= 0]
    text = (
        f"Singular fit: the variance of {', '.join(zero)} is estimated as 0, the edge of its "
        "range. Fixed effects stand; a simpler random part fits as well."
        if zero
        else "Singular fit: the random effects are perfectly (or almost perfectly) correlated, the "
        "edge of their range. Fixed effects stand; a simpler random part fits nearly as well."
    )
    warn(text, ImproperSolutionWarning)
    return Status.SINGULAR, (text,)
