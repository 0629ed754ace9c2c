"""Factor scores of an exploratory solution: their weights, their validity, respondents' scores.

Functions: ``weights_frame``, ``validities``, ``respondent_scores``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cte_metrics.arrays import Array
from cte_metrics.core.door import item_data
from cte_metrics.errors import EstimationError, InputError
from cte_metrics.factor.solution import Solution
from cte_metrics.kernels.factor.factor_scores import ScoreMethod, score_validity, score_weights

if TYPE_CHECKING:
    import pandas as pd


def weights_frame(solution: Solution, uniquenesses: pd.Series, method: ScoreMethod) -> pd.DataFrame:
    """Return the weights of the standardised answers (items x factors).

    Raises
    ------
    EstimationError
        If the method divides by a uniqueness that is not positive.
    """
    import pandas as pd

    if method in ("bartlett", "anderson") and (uniquenesses <= 0.0).any():
        raise EstimationError(
            f"{method} scores divide by uniquenesses, and that of {uniquenesses.idxmin()!r} is "
            "not positive.",
            hint="Use method='regression', or fewer factors.",
        )
    weights = score_weights(solution.r, solution.loadings, solution.phi, method)
    return pd.DataFrame(weights, index=list(solution.items), columns=list(solution.factors))


def validities(solution: Solution, weights: pd.DataFrame) -> pd.Series:
    """Return the correlation of each factor's scores with the factor."""
    import pandas as pd

    values = score_validity(solution.r, solution.loadings, solution.phi, weights.to_numpy())
    return pd.Series(values, index=list(solution.factors), name="validity")


def respondent_scores(solution: Solution, data: Any, weights: pd.DataFrame) -> pd.DataFrame:
    """Return one row a respondent; answers are standardised as when they were factored."""
    import pandas as pd

    read = item_data(data, items=solution.items, what="Factor scores", variables=None)
    mean, sd = solution.mean, solution.sd
    if mean is None or sd is None:
        mean, sd = _mean_and_sd(read.values)
    scores = (read.values - mean) / sd @ weights.to_numpy()
    return pd.DataFrame(scores, index=read.index, columns=list(solution.factors))


def _mean_and_sd(values: Array) -> tuple[Array, Array]:
    answered = ~np.isnan(values)
    n = answered.sum(axis=0)
    if (n < 2).any():
        raise InputError(
            "Scores from a solution that came from a matrix are standardised with the answers "
            "themselves, which takes at least two respondents for each item."
        )
    filled = np.where(answered, values, 0.0)
    mean = filled.sum(axis=0) / n
    deviation = np.where(answered, values - mean, 0.0)
    return mean, np.sqrt((deviation**2).sum(axis=0) / (n - 1.0))
