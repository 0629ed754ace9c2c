"""What exploratory factor analysis answers with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from cte_metrics.arrays import Array
from cte_metrics.core.randomness import Seed
from cte_metrics.errors import one_of
from cte_metrics.factor.bootstrap_errors import ErrorMethod, standard_errors_of
from cte_metrics.factor.loading_errors import LoadingErrors
from cte_metrics.factor.score_frames import respondent_scores, validities, weights_frame
from cte_metrics.factor.solution import Solution
from cte_metrics.kernels.factor.factor_scores import ScoreMethod
from cte_metrics.results.base import Result
from cte_metrics.results.estimate import Interval
from cte_metrics.results.recording import recorded
from cte_metrics.results.render.blocks import Block

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class EFA(Result):
    """An exploratory factor solution.

    Attributes
    ----------
    loadings : DataFrame (items x factors)
        Pattern: the weight of each factor in each item, others held constant.
    structure : DataFrame (items x factors)
        Correlations of items and factors; equals the pattern when factors are uncorrelated.
    factor_correlations : DataFrame (factors x factors)
    communalities, uniquenesses : Series
        Share of each item's variance that the factors account for, and the rest.
    complexity : Series
        Hofmann's index: 1 for an item on one factor only.
    variance : DataFrame
        Index factor: ``ss_loadings, proportion, cumulative, proportion_explained,
        cumulative_explained`` (shares of the total variance; of the common variance).
    chi2, df, p : float, int, float
        Test that the model holds, with Bartlett's correction; nan where n is unknown or df is 0.
    rmsea, rmsea_ci : float, Interval
        With the 90% interval of the literature.
    tli, cfi, rmsr, bic : float
    objective : float
        Normal-theory discrepancy of the model from the correlations.
    residuals : DataFrame (items x items)
        Correlations minus what the factors reproduce; the diagonal holds the uniquenesses.
    eigenvalues : ndarray
        Roots of the correlation matrix, falling.
    transformation : ndarray (factors x factors)
        T, where the pattern is the unrotated loadings times ``inv(T)'``.
    """

    _title: ClassVar[str] = "Exploratory factor analysis"

    loadings: pd.DataFrame
    structure: pd.DataFrame
    factor_correlations: pd.DataFrame
    communalities: pd.Series
    uniquenesses: pd.Series
    complexity: pd.Series
    variance: pd.DataFrame
    chi2: float
    df: int
    p: float
    rmsea: float
    rmsea_ci: Interval
    tli: float
    cfi: float
    rmsr: float
    bic: float
    objective: float
    residuals: pd.DataFrame
    eigenvalues: Array
    transformation: Array
    _solution: Solution = field(repr=False)

    @property
    def solution(self) -> Solution:
        """The solution in arrays: the library's own door to an EFA."""
        return self._solution

    @property
    def n_factors(self) -> int:
        """Number of factors."""
        return self.loadings.shape[1]

    @property
    def correlations(self) -> pd.DataFrame:
        """The correlation matrix that was factored."""
        import pandas as pd

        names = list(self.solution.items)
        return pd.DataFrame(self.solution.r, index=names, columns=names)

    @property
    def table(self) -> pd.DataFrame:
        """Loadings with communality, uniqueness and complexity, one row an item."""
        return self.loadings.assign(
            communality=self.communalities,
            uniqueness=self.uniquenesses,
            complexity=self.complexity,
        )

    def scores(self, data: Any, method: ScoreMethod = "regression") -> pd.DataFrame:
        """Factor scores of respondents.

        Parameters
        ----------
        data : Responses, DataFrame or array
            Answers to the items of the solution (other columns are ignored).
        method : {"regression", "bartlett", "tenberge", "anderson", "harman"}
            Thurstone's regression scores vary least about the factor; Bartlett's are unbiased;
            ten Berge's correlate as the factors do; Anderson's and Rubin's are uncorrelated.

        Returns
        -------
        DataFrame
            One row a respondent; nan where an answer is missing. Answers are standardised with
            the mean and standard deviation of the respondents that were factored, or with those
            of ``data`` when the solution came from a matrix.
        """
        return respondent_scores(self.solution, data, self.weights(method))

    def weights(self, method: ScoreMethod = "regression") -> pd.DataFrame:
        """Weights of the standardised answers in the factor scores (items x factors)."""
        one_of(method, ScoreMethod, "method")
        return weights_frame(self.solution, self.uniquenesses, method)

    def score_validity(self, method: ScoreMethod = "regression") -> pd.Series:
        """Correlation of each factor's scores with the factor (its determinacy for regression)."""
        return validities(self.solution, self.weights(method))

    @recorded
    def standard_errors(
        self,
        method: ErrorMethod = "asymptotic",
        *,
        n_resamples: int = 500,
        rng: Seed = None,
    ) -> LoadingErrors:
        """Standard errors of loadings and factor correlations; see `LoadingErrors`.

        Parameters
        ----------
        method : {"asymptotic", "bootstrap"}
            By the delta method, for independent respondents; or from resamples, in which each
            solution is brought to the order and signs of this one. Where schools are known, whole
            schools are drawn, and a note says how much larger that makes the errors.
        n_resamples : int
        rng : int or Generator, optional
            Of the bootstrap.

        Raises
        ------
        InputError
            If the bootstrap lacks answers, or correlations are not Pearson's.
        """
        return standard_errors_of(self.solution, method, n_resamples=n_resamples, rng=rng)

    def _heading(self) -> str:
        asked = self.provenance.settings
        return f"{self._title}: {self.n_factors} factors, {asked['method']}, {asked['rotation']}"

    def _blocks(self) -> list[Block]:
        fit = [(name, getattr(self, name)) for name in ("chi2", "df", "p", "rmsea")]
        fit += [("rmsea 90% interval", tuple(self.rmsea_ci))]
        fit += [(name, getattr(self, name)) for name in ("tli", "cfi", "rmsr", "bic")]
        blocks = [Block("Loadings", self.table), Block("Variance", self.variance)]
        if self.n_factors > 1:
            blocks.append(Block("Factor correlations", self.factor_correlations))
        return [*blocks, Block("Fit", fit)]
