"""The result of a fit: figures on request, each computed once by the module that defines it.

Classes: ``SEMFit``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from cte_metrics.results.base import Result
from cte_metrics.results.render.blocks import Block, jsonable
from cte_metrics.sem.inference.solution import Solution

if TYPE_CHECKING:
    import pandas as pd

    from cte_metrics.sem.inference.modification import ScoreTest
    from cte_metrics.sem.inference.wald import WaldTest

SHOWN = (
    "npar", "chisq", "df", "pvalue", "chisq_scaled", "df_scaled", "pvalue_scaled",
    "chisq_scaling_factor", "cfi", "tli", "cfi_robust", "tli_robust", "rmsea", "rmsea_ci_lower",
    "rmsea_ci_upper", "rmsea_pvalue", "rmsea_robust", "srmr", "srmr_within", "srmr_between", "logl",
    "aic", "bic",
)  # fmt: skip


class FitMeasures(Mapping[str, float]):
    """Fit measures by name; a misspelt name gets suggestions."""

    def __init__(self, values: Mapping[str, float]) -> None:
        self._values = dict(values)

    def __getitem__(self, name: str) -> float:
        """Return one measure (dots in lavaan's names may be written as they are)."""
        from cte_metrics.errors import UnknownNameError, close_names

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
    _request: Any = None

    @property
    def converged(self) -> bool:
        """Whether the estimation found a minimum."""
        return self._solution.converged

    @cached_property
    def parameters(self) -> pd.DataFrame:
        """Every parameter: ``lhs, op, rhs, group, level, label, free, est, se, z, pvalue``,
        ``ci_lower, ci_upper`` (95%), ``std_lv, std_all``; defined parameters last.

        ``free`` is 0 for fixed parameters, whose ``se`` is 0.
        """
        return self.parameters_with()

    def parameters_with(self, *, confidence: float = 0.95) -> pd.DataFrame:
        """Return the parameters with intervals of another level."""
        from cte_metrics.sem.inference.frames import parameter_frame

        return parameter_frame(self._solution, confidence)

    @cached_property
    def fit_measures(self) -> FitMeasures:
        """Fit measures by lavaan's names with underscores."""
        return self.fit_measures_with()

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
        from cte_metrics.errors import InputError
        from cte_metrics.sem.fit.measures import fit_measures

        if not 0.0 < rmsea_level < 1.0:
            raise InputError(f"rmsea_level={rmsea_level} is not between 0 and 1.")
        return FitMeasures(
            fit_measures(self._solution, rmsea_level=rmsea_level, close=close, not_close=not_close)
        )

    @cached_property
    def vcov(self) -> pd.DataFrame:
        """Covariance matrix of the free parameters; nan where it is not defined."""
        from cte_metrics.sem.inference.frames import vcov_frame

        return vcov_frame(self._solution)

    @cached_property
    def r_squared(self) -> pd.Series:
        """Explained share of the variance of every outcome and indicator."""
        from cte_metrics.sem.inference.standardized import r_squared

        return r_squared(self._solution)

    @cached_property
    def implied(self) -> dict[Any, Any]:
        """Implied moments: ``cov`` and ``mean`` (``th`` for ordinal items); by group label, then
        by level (``within``, ``between``), where there are any.
        """
        from cte_metrics.sem.inference.frames import implied_frames

        return implied_frames(self._solution)

    def residuals(
        self, kind: Literal["cor", "raw", "bentler", "standardized"] = "cor"
    ) -> dict[Any, Any]:
        """Sample minus implied moments: ``cov``, ``mean`` and their ``z``."""
        from cte_metrics.sem.fit.residuals import residuals

        return residuals(self._solution, kind)

    def modification_indices(
        self, *, sort: bool = True, minimum: float = 0.0, **options: Any
    ) -> pd.DataFrame:
        """Fall of the chi-square, and estimate, were a fixed parameter freed."""
        from cte_metrics.sem.inference.modification import modification_indices

        return modification_indices(self._solution, sort=sort, minimum=minimum, **options)

    def score_test(self) -> ScoreTest:
        """Test all equality constraints, together and one by one (Lagrange multipliers)."""
        from cte_metrics.sem.inference.modification import score_test

        return score_test(self._solution)

    def wald_test(self, equations: str) -> WaldTest:
        """Test equations between labelled parameters, as in ``"a == b; c == 0"``."""
        from cte_metrics.sem.inference.wald import wald_test

        return wald_test(self._solution, equations)

    def factor_scores(
        self,
        method: Literal["regression", "bartlett", "ebm"] = "regression",
        level: int | None = None,
    ) -> pd.DataFrame:
        """Estimate every respondent's factors; at level 2 every cluster's."""
        from cte_metrics.sem.scores.factor_scores import factor_scores

        return factor_scores(self._solution, method, level)

    def standardized(
        self, kind: Literal["std_all", "std_lv"] = "std_all", *, confidence: float = 0.95
    ) -> pd.DataFrame:
        """Standardized estimates with delta-method standard errors and intervals."""
        from cte_metrics.sem.inference.standardized import standardized_table

        return standardized_table(self._solution, kind, confidence=confidence)

    def icc(self) -> pd.Series:
        """Intraclass correlation of every variable of a two-level fit."""
        from cte_metrics.sem.inference.frames import intraclass_correlations

        return intraclass_correlations(self._solution)

    def fit_by_level(self) -> pd.DataFrame:
        """Test each level of a two-level fit with the other level saturated (Ryu & West, 2009)."""
        from cte_metrics.sem.levels import fit_by_level

        return fit_by_level(self._solution)

    def diagram(self, **options: Any) -> str:
        """Draw the path diagram as SVG text, which notebooks show; ``.plot()`` gives the figure."""
        return self.to_svg(**options)

    @property
    def table(self) -> pd.DataFrame:
        """The parameters, for ``to_frame``."""
        return self.parameters

    def to_dict(self) -> dict[str, Any]:
        """Return estimates and fit measures in a form that ``json.dumps`` takes."""
        return {
            "result": type(self).__name__,
            "parameters": jsonable(self.parameters),
            "fit_measures": jsonable(self.fit_measures.to_dict()),
            "provenance": jsonable(self.provenance),
            "status": jsonable(self.status),
            "notes": jsonable(self.notes),
        }

    def _blocks(self) -> list[Block]:
        shown = [(k, self.fit_measures[k]) for k in SHOWN if k in self.fit_measures]
        columns = ["lhs", "op", "rhs", "est", "se", "z", "pvalue", "std_all"]
        table = self.parameters
        if self._solution.table.n_groups > 1:
            columns.insert(3, "group")
        if self._solution.table.n_levels > 1:
            columns.insert(3, "level")
        return [Block("Fit", shown), Block("Parameters", table[columns])]

    def __repr__(self) -> str:
        """Name the estimator, the sample and the test in one line."""
        test = self._solution.tests.get("standard")
        figures = "" if test is None else f", chisq={test.statistic:.3f}, df={test.df:g}"
        asked = self._solution.options.asked
        return f"SEMFit({asked}, n={self._solution.n_observations:g}{figures})"
