"""McDonald's omega of one factor, on the answers' own scale or for ordinal items.

Functions: ``mcdonald_omega``. Class: ``Omega``.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from cte_metrics.arrays import Array
from cte_metrics.errors import (
    ImproperSolutionWarning,
    NonConvergenceWarning,
    warn,
)
from cte_metrics.kernels.factor.one_factor import OneFactor
from cte_metrics.kernels.numerics.distributions import chi2_sf, normal_quantile
from cte_metrics.reliability.omega_estimation import (
    FittedOmega,
    categorical_omega,
    continuous_omega,
)
from cte_metrics.reliability.resampled import Resampling, cut_at_one
from cte_metrics.reliability.source import Missing, read_source
from cte_metrics.results import Block, Interval, Provenance, Result, Status, recorded

if TYPE_CHECKING:
    import pandas as pd

OmegaInterval = Literal["delta", "robust", "bootstrap"]

_REFERENCES = {
    False: "McDonald, R. P. (1999). Test Theory: A Unified Treatment. Erlbaum.",
    True: "Green, S. B. & Yang, Y. (2009). Psychometrika, 74, 155-167.",
}


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class Omega(Result):
    """Omega of a one-factor model.

    Attributes
    ----------
    omega : float
    ci : Interval
        By the method in ``interval``.
    se : float
        Standard error by the delta method, or the standard deviation of the resamples.
    loadings : Series (k,)
        Factor variance 1; on the answers' scale, or on that of the latent responses if ordinal.
    uniquenesses : Series (k,)
        Residual variances.
    chisq, df, pvalue : float
        Likelihood-ratio test of the one-factor model; nan where there is none.
    ordinal : bool
    interval : str
    n_items, n_respondents : int
    """

    _title: ClassVar[str] = "McDonald's omega"

    omega: float
    ci: Interval
    se: float
    loadings: pd.Series
    uniquenesses: pd.Series
    chisq: float
    df: float
    pvalue: float
    ordinal: bool
    interval: OmegaInterval
    n_items: int
    n_respondents: int

    def _blocks(self) -> list[Block]:
        import pandas as pd

        figures: list[tuple[str, Any]] = [
            ("omega (Green & Yang)" if self.ordinal else "omega", self.omega),
            (f"{100 * self.ci.level:g}% interval ({self.interval})", tuple(self.ci)),
            ("standard error", self.se),
            ("chi-square of one factor", self.chisq),
            ("df", self.df),
            ("p", self.pvalue),
            ("items", self.n_items),
            ("respondents", self.n_respondents),
        ]
        table = pd.DataFrame({"loading": self.loadings, "uniqueness": self.uniquenesses})
        return [Block("", figures), Block("One factor", table)]


@recorded
def mcdonald_omega(
    data: Any,
    *,
    ordinal: bool = False,
    interval: OmegaInterval = "delta",
    missing: Missing = "listwise",
    n_resamples: int = 1000,
    rng: np.random.Generator | int | None = None,
    confidence: float = 0.95,
    items: Sequence[Hashable] | None = None,
    n_obs: int | None = None,
) -> Omega:
    """Compute omega: the share of the sum score's variance that one factor explains.

    omega = (sum of loadings)^2 / (observed variance of the sum score), with the loadings of a
    one-factor maximum-likelihood model. For ``ordinal`` items the model is fitted to polychoric
    correlations (diagonally weighted least squares), and numerator and denominator are variances
    of the observed, categorical sum score (Green & Yang 2009).

    Parameters
    ----------
    data : Responses, DataFrame, array (n, k), Moments, or matrix (k, k)
        Answers; ``Moments`` or a covariance matrix will do unless ``ordinal``.
    ordinal : bool
        Treat items as ordered categories; they may differ in number of categories.
    interval : {"delta", "robust", "bootstrap"}
        ``delta`` assumes normal answers (if ordinal: normal latent responses); ``robust`` is the
        delta method without normality; ``bootstrap`` takes percentiles of resampled respondents,
        each with its own model.
    missing : {"listwise", "pairwise"}
        Complete rows by default, as lavaan.
    n_resamples, rng
        Of the bootstrap.
    confidence : float
    items : sequence of labels, optional
    n_obs : int, optional
        Respondents behind a matrix.

    Returns
    -------
    Omega

    Raises
    ------
    InputError
        If an item is constant, the matrix is not positive definite, or an item that is to be
        ordinal has more than 30 different answers.

    Notes
    -----
    Equals ``semTools::compRelSEM`` on ``lavaan::cfa(std.lv = TRUE)`` (``ordered = TRUE`` for
    ordinal items). The covariance matrix of the model has divisor n, as lavaan's. A negative
    residual variance is reported (status, note, warning), not hidden by a bound. Two items do not
    identify a factor: their loadings are set equal, which makes omega equal to alpha. A note tells
    when one factor clearly does not hold: p < .05 with CFI < .90 or RMSEA > .10 (normal theory),
    or SRMR > .10 of polychoric correlations.

    References
    ----------
    McDonald (1999); Green & Yang (2009), Psychometrika 74, 155-167.

    Examples
    --------
    Loadings 1, 1, 1 and uniquenesses 1, 2, 3: omega = 9 / (9 + 6) = 0.6.

    >>> import numpy as np
    >>> from cte_metrics.reliability import mcdonald_omega
    >>> covariance = np.ones((3, 3)) + np.diag([1.0, 2.0, 3.0])
    >>> round(mcdonald_omega(covariance, n_obs=100).omega, 6)
    0.6
    """
    asked = Resampling.asked(
        interval=interval,
        n_resamples=n_resamples,
        rng=rng,
        confidence=confidence,
        allowed=OmegaInterval,
    )
    source = read_source(data, items=items, missing=missing, n_obs=n_obs, what="Omega")
    find = categorical_omega if ordinal else continuous_omega
    found = find(source, asked)
    status, warned = _judge(found.fit, source.items)
    limits, lost = _limits(found, asked)
    return Omega(
        omega=found.omega,
        ci=Interval(*limits, asked.level),
        se=_standard_error(found),
        loadings=_series(found.fit.loadings, source.items, "loading"),
        uniquenesses=_series(found.fit.uniquenesses, source.items, "uniqueness"),
        chisq=found.chisq,
        df=found.df,
        pvalue=float(chi2_sf(found.chisq, found.df)) if found.df > 0 else np.nan,
        ordinal=ordinal,
        interval=interval,
        n_items=source.n_items,
        n_respondents=source.n,
        provenance=Provenance(
            method=f"Omega of one factor ({'ordinal, DWLS' if ordinal else 'maximum likelihood'})",
            n_used=source.n,
            n_dropped=source.n_dropped,
            settings={"missing": missing, **asked.settings},
            reference=_REFERENCES[ordinal],
        ),
        status=status,
        notes=(
            *source.notes,
            *warned,
            *found.notes,
            *lost,
            *source.keying(),
        ),
    )


def _series(values: Array, items: Sequence[str], name: str) -> pd.Series:
    import pandas as pd

    return pd.Series(values, index=pd.Index(items, name="item"), name=name)


def _judge(fit: OneFactor, items: Sequence[str]) -> tuple[Status, tuple[str, ...]]:
    """Return status and notes, and warn of an improper or unfinished solution."""
    if np.isnan(fit.loadings).any() and len(items) > 2:
        return Status.UNDEFINED, ()
    if np.isnan(fit.loadings).any():
        return Status.UNDEFINED, (
            "The two items do not covary positively, so that no factor with equal loadings exists "
            "and omega is not defined. First suspect the keying.",
        )
    if not fit.converged:
        text = "The one-factor model did not converge; do not interpret omega."
        warn(text, NonConvergenceWarning)
        return Status.MAX_ITER, (text,)
    negative = [n for n, u in zip(items, fit.uniquenesses, strict=True) if u < 0]
    if not negative:
        return Status.CONVERGED, ()
    text = (
        f"The residual variance of {', '.join(negative)} is negative (Heywood case): one factor "
        "explains more than its variance. Too few respondents, too few items, or a wrong model."
    )
    warn(text, ImproperSolutionWarning)
    return Status.IMPROPER, (text,)


def _standard_error(found: FittedOmega) -> float:
    if found.replicates is None:
        return found.se
    finite = found.replicates[np.isfinite(found.replicates)]
    return float(finite.std(ddof=1)) if len(finite) > 1 else np.nan


def _limits(found: FittedOmega, asked: Resampling) -> tuple[tuple[float, float], tuple[str, ...]]:
    if found.replicates is None:
        half = float(normal_quantile(0.5 + asked.level / 2)) * found.se
        low, high, cut = cut_at_one(np.array(found.omega - half), np.array(found.omega + half))
        return (float(low), float(high)), cut
    limits = asked.percentiles(found.replicates[:, None])
    low, high, cut = cut_at_one(limits.low[0], limits.high[0])
    return (float(low), float(high)), (*limits.notes, *cut)
