"""Models that ask for more than the data tell.

Functions: ``check_counts``.
"""

from __future__ import annotations

from cte_metrics.errors import IdentificationError
from cte_metrics.sem.table.table import ParameterTable


def check_counts(table: ParameterTable, n_moments: int, n_parameters: int) -> None:
    """Refuse a model with more free parameters than moments.

    Raises
    ------
    IdentificationError
    """
    if n_parameters > n_moments:
        raise IdentificationError(
            f"The model is not identified: it has {n_parameters} free parameters, and the data "
            f"give {n_moments} moments (df = {n_moments - n_parameters}).",
            hint="Fix or equate parameters, or measure factors by more items (three for a factor "
            "on its own, two for correlated factors).",
        )
