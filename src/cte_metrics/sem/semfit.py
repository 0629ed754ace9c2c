"""The result of a fit: figures on request, each computed once by the module that defines it.

Classes: ``SEMFit``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, Self, cast

from cte_metrics.core.arguments import checked
from cte_metrics.errors import InputError, UnknownNameError, close_names
from cte_metrics.kernels.numerics.resampling import LimitMethod
from cte_metrics.results.base import Result
from cte_metrics.results.frozen import NotKept
from cte_metrics.results.recording import recorded
from cte_metrics.results.render.blocks import Block
from cte_metrics.results.status import Status
from cte_metrics.sem.fit import measures, residuals
from cte_metrics.sem.fit.residuals import ResidualFrames
from cte_metrics.sem.inference import frames, modification, standardized, wald
from cte_metrics.sem.inference.frames import MomentFrames
from cte_metrics.sem.inference.modification import ScoreTest
from cte_metrics.sem.inference.solution import Solution
from cte_metrics.sem.inference.wald import WaldTest
from cte_metrics.sem.levels import fit_by_level
from cte_metrics.sem.resampling import resampled_again
from cte_metrics.sem.scores.factor_scores import factor_scores
from cte_metrics.sem.scores.linear import Method
from cte_metrics.sem.verdict import judge

if TYPE_CHECKING:
    import pandas as pd

SHOWN = (
    "npar", "chisq", "df", "pvalue", "chisq_scaled", "df_scaled", "pvalue_scaled",
    "chisq_scaling_factor", "pvalue_bollen_stine", "cfi", "tli", "cfi_robust", "tli_robust",
    "rmsea", "rmsea_ci_lower", "rmsea_ci_upper", "rmsea_pvalue", "rmsea_robust", "srmr",
    "srmr_within", "srmr_between", "logl", "aic", "bic",
)  # fmt: skip


class FitMeasures(Mapping[str, float]):
    """Fit measures by name; a misspelt name gets suggestions."""

    def __init__(self, values: Mapping[str, float]) -> None:
        self._values = dict(values)

    def __getitem__(self, name: str) -> float:
        """Return one measure (dots in lavaan's names may be written as they are)."""
        key = name.replace(".", "_")
        if key not in self._values:
            raise UnknownNameError(
                f"This fit has no measure {name!r}.{close_names(key, self._values)}"
            )
        return self._values[key]

    def __iter__(self) -> Iterator[str]:
        """Iterate over names."""
        return iter(self._values)

    def __len__(self) -> int:
        """Number of measures."""
        return len(self._values)

    def __contains__(self, name: object) -> bool:
        """Whether there is such a measure."""
        return isinstance(name, str) and name.replace(".", "_") in self._values

    def __repr__(self) -> str:
        """Write the measures as a dict."""
        return repr(self._values)

    def to_dict(self) -> dict[str, float]:
        """Return a plain dict."""
        return dict(self._values)


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class SEMFit(Result):
    """A fitted structural equation model.

    Created by: ``cte_metrics.sem.semfit.SEMFit.of``.
    Consumed by: ``cte_metrics.sem.comparison.compare``,
    ``cte_metrics.reliability.composite.composite_reliability``.

    Attributes
    ----------
    provenance : Provenance
        Estimator, respondents used and dropped, options.
    status : Status
        ``CONVERGED``, ``IMPROPER``, ``SINGULAR`` or ``MAX_ITER``.
    notes : tuple of str
        What the reader must know: rows dropped, improper estimates, ...

    Notes
    -----
    Tables are built when first asked for and kept. Names and definitions are lavaan's, with dots
    written as underscores.

    References
    ----------
    Rosseel, Y. (2012). lavaan: An R package for structural equation modeling. Journal of
    Statistical Software, 48(2), 1-36.
    """

    _title = "Structural equation model"

    _solution: Solution
    _record: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, solution: Solution) -> SEMFit:
        """Judge a solution and wrap it up.

        Raises
        ------
        EstimationError, IdentificationError
            Without a solution, unless the request says otherwise.
        """
        verdict = judge(solution)
        return cls(
            provenance=verdict.provenance,
            status=verdict.status,
            notes=verdict.notes,
            _solution=solution,
        )

    @property
    def solution(self) -> Solution:
        """The solved model in arrays: the library's own door to a fit."""
        return self._solution

    @recorded
    def again(self, model: str | None = None, data: Any = None) -> SEMFit:
        """Ask the same of another model, of other data, or of both.

        Parameters
        ----------
        model : str, optional
            Text of another model; this fit's by default.
        data : Responses, DataFrame, array or Moments, optional
            Other answers; those that this fit used by default. A column that was named as group,
            cluster or weights is looked up in them. Reverse-scored items are turned in a
            Responses only: a frame is taken as it stands.

        Returns
        -------
        SEMFit
            With every option as it was asked for first.

        Raises
        ------
        InputError
            If groups, clusters or weights were given as values, which other data cannot match; if
            the model names variables that this fit has not read.
        InputTypeError
            If ``model`` is no text.

        Examples
        --------
        >>> import numpy as np
        >>> import pandas as pd
        >>> from cte_metrics import sem
        >>> rng = np.random.default_rng(1)
        >>> answers = pd.DataFrame(rng.normal(size=(200, 1)) + rng.normal(size=(200, 4)))
        >>> answers.columns = list("abcd")
        >>> fit = sem.cfa("f =~ a + b + c + d", answers, estimator="MLR")
        >>> equal = fit.again("f =~ 1*a + 1*b + 1*c + 1*d")
        >>> equal.fit_measures["df"], equal.provenance.settings["estimator"]
        (5, 'MLR')
        """
        return SEMFit.of(resampled_again(self.solution, model, data))

    @property
    def converged(self) -> bool:
        """Whether the estimation found a minimum."""
        return self.status is not Status.MAX_ITER

    @cached_property
    def parameters(self) -> pd.DataFrame:
        """Every parameter: ``lhs, op, rhs, group, level, label, free, est, se, z, pvalue``,
        ``ci_lower, ci_upper`` (95%), ``std_lv, std_all, impossible``; defined parameters last.

        ``free`` is 0 for fixed parameters, whose ``se`` is 0. ``impossible`` says what cannot be
        about a row: ``negative variance``, ``correlation beyond 1``, ``standardized loading beyond
        1`` (which correlated factors of one item can bring about), ``explained share below 0``;
        it is empty otherwise.
        """
        return self._record["parameters"] if self._record else self.parameters_with()

    @checked
    def parameters_with(self, *, confidence: float = 0.95) -> pd.DataFrame:
        """Return the parameters with intervals of another level."""
        return frames.parameter_frame(self.solution, confidence)

    def confidence_intervals(
        self, method: LimitMethod = "percentile", *, confidence: float = 0.95
    ) -> pd.DataFrame:
        """Bootstrap intervals of every parameter, for fits with ``se="bootstrap"``.

        Parameters
        ----------
        method : {"percentile", "basic", "bias_corrected"}
            Quantiles of the resampled estimates; these reflected at the estimate; or quantiles
            moved by the share of resampled estimates below the estimate (Efron's BC).
        confidence : float

        Returns
        -------
        DataFrame
            ``lhs, op, rhs, group, level, label, est, se, ci_lower, ci_upper``; fixed parameters
            have their value as limits. ``.parameters`` has the percentile limits.

        Raises
        ------
        InputError
            Without resamples.
        """
        return frames.limits_frame(self.solution, method, confidence)

    @cached_property
    def fit_measures(self) -> FitMeasures:
        """Fit measures by lavaan's names with underscores."""
        kept = self._record.get("fit_measures")
        return self.fit_measures_with() if kept is None else FitMeasures(kept)

    @checked
    def fit_measures_with(
        self, *, rmsea_level: float = 0.90, close: float = 0.05, not_close: float = 0.08
    ) -> FitMeasures:
        """Return the fit measures with another interval or other hypotheses for RMSEA.

        Parameters
        ----------
        rmsea_level : float
            Confidence level of RMSEA's interval; .90 is the literature's.
        close, not_close : float
            RMSEA under the hypotheses of close and not close fit.
        """
        if not 0.0 < rmsea_level < 1.0:
            raise InputError(f"rmsea_level={rmsea_level} is not between 0 and 1.")
        return FitMeasures(
            measures.fit_measures(
                self.solution, rmsea_level=rmsea_level, close=close, not_close=not_close
            )
        )

    @cached_property
    def vcov(self) -> pd.DataFrame:
        """Covariance matrix of the free parameters; nan where it is not defined."""
        return frames.vcov_frame(self.solution)

    @cached_property
    def r_squared(self) -> pd.Series:
        """Explained share of the variance of every outcome and indicator."""
        return standardized.r_squared(self.solution)

    @cached_property
    def implied(self) -> MomentFrames:
        """Implied moments: ``cov`` and ``mean`` (``th`` for ordinal items); by group label, then
        by level (``within``, ``between``), where there are any.
        """
        return frames.implied_frames(self.solution)

    @checked
    def residuals(
        self, kind: Literal["cor", "raw", "bentler", "standardized"] = "cor"
    ) -> ResidualFrames:
        """Sample minus implied moments: ``cov``, ``mean`` and their ``z``."""
        return residuals.residuals(self.solution, kind)

    @checked
    def modification_indices(self, *, sort: bool = True, minimum: float = 0.0) -> pd.DataFrame:
        """Fall of the chi-square, and estimate, were a fixed parameter freed."""
        return modification.modification_indices(self.solution, sort=sort, minimum=minimum)

    @recorded
    def score_test(self) -> ScoreTest:
        """Test all equality constraints, together and one by one (Lagrange multipliers)."""
        return modification.score_test(self.solution)

    @recorded
    def wald_test(self, equations: str) -> WaldTest:
        """Test equations between labelled parameters, as in ``"a == b; c == 0"``."""
        return wald.wald_test(self.solution, equations)

    @checked
    def factor_scores(
        self,
        method: Method = "regression",
        level: Literal[1, 2] | None = None,
    ) -> pd.DataFrame:
        """Estimate every respondent's factors; at level 2 every cluster's."""
        return factor_scores(self.solution, method, level)

    @checked
    def standardized(
        self, kind: Literal["std_all", "std_lv"] = "std_all", *, confidence: float = 0.95
    ) -> pd.DataFrame:
        """Standardized estimates with delta-method standard errors and intervals."""
        return standardized.standardized_table(self.solution, kind, confidence=confidence)

    def icc(self) -> pd.Series:
        """Intraclass correlation of every variable of a two-level fit."""
        return frames.intraclass_correlations(self.solution)

    def fit_by_level(self) -> pd.DataFrame:
        """Test each level of a two-level fit with the other level saturated (Ryu & West, 2009)."""
        return fit_by_level(self.solution)

    def diagram(self, **options: Any) -> str:
        """Draw the path diagram as SVG text, which notebooks show; ``.plot()`` gives the figure."""
        return self.to_svg(**options)

    @property
    def table(self) -> pd.DataFrame:
        """The parameters, for ``to_frame``."""
        return self.parameters

    @classmethod
    def _published(cls) -> dict[str, Any]:
        own = {"parameters": "pd.DataFrame", "fit_measures": "dict[str, float]"}
        return own | Result._published()

    @classmethod
    def _restored(cls, values: dict[str, Any]) -> Self:
        known = {name: values[name] for name in Result._published()}
        own = {name: values[name] for name in ("parameters", "fit_measures")}
        return cls(**known, _solution=cast("Solution", NotKept()), _record=own)

    def _figures(self) -> list[tuple[str, Any]]:
        return list(self.fit_measures.items())

    def _blocks(self) -> list[Block]:
        shown = [(k, self.fit_measures[k]) for k in SHOWN if k in self.fit_measures]
        columns = ["lhs", "op", "rhs", "est", "se", "z", "pvalue", "std_all"]
        table = self.parameters
        if table["group"].max() > 1:
            columns.insert(3, "group")
        if table["level"].max() > 1:
            columns.insert(3, "level")
        if table["impossible"].any():
            columns.append("impossible")
        return [Block("Fit", shown), Block("Parameters", table[columns])]

    def __repr__(self) -> str:
        """Name the estimator, the sample and the test in one line."""
        chisq, df = (self.fit_measures.get(name, math.nan) for name in ("chisq", "df"))
        figures = "" if math.isnan(chisq) else f", chisq={chisq:.3f}, df={df:g}"
        asked = self.provenance.settings["estimator"]
        return f"SEMFit({asked}, n={self.provenance.n_used:g}{figures})"
