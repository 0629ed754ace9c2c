"""Norms of one's own population: percentile ranks and T scores, with their sampling error.

Function: ``local_norms``. Class: ``Norms``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from cte_metrics.arrays import Array
from cte_metrics.errors import InputError, InputTypeError, check_confidence
from cte_metrics.kernels.numerics.distributions import beta_quantile, normal_quantile
from cte_metrics.kernels.summaries.scale_scores import spread
from cte_metrics.results import Block, Provenance, Result, recorded
from cte_metrics.scoring.scores import Scores

if TYPE_CHECKING:
    import pandas as pd

FEW = 100
"""Fewer respondents than this make norms that a note calls unstable."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class Norms(Result):
    """Norms of a population.

    Attributes
    ----------
    table : DataFrame
        Index (scale, score), every score that occurred: ``n, percentile, percentile_low,
        percentile_high, t, t_low, t_high``.
    scales : DataFrame
        Index scale: ``n, mean, sd, minimum, maximum``.
    confidence : float
    """

    _title: ClassVar[str] = "Local norms"

    table: pd.DataFrame
    scales: pd.DataFrame
    confidence: float

    def _blocks(self) -> list[Block]:
        return [Block("Scales", self.scales), Block("Norms", self.table.reset_index())]


@recorded
def local_norms(scores: Scores, *, confidence: float = 0.95) -> Norms:
    """Make norms of the respondents at hand.

    Parameters
    ----------
    scores : Scores
        Of :func:`score`; respondents without a score on a scale are left out there.
    confidence : float
        Level of the intervals.

    Returns
    -------
    Norms

    Raises
    ------
    InputTypeError
        If ``scores`` is no ``Scores``.
    InputError
        If no scale has two scores.

    Notes
    -----
    The percentile rank of a score is the per cent of respondents below it and half of those at it.
    Its interval goes from the lower Clopper-Pearson limit of the share below to the upper one of
    the share up to the score. T is 50 + 10 (score - mean) / sd, with the normal-theory error
    10 sqrt((1 + z^2 / 2) / n) of z = (score - mean) / sd. Both treat respondents as independent:
    for teachers of few schools the true uncertainty is larger.

    References
    ----------
    Crawford, J. R., Garthwaite, P. H. & Slick, D. J. (2009). On percentile norms in
    neuropsychology. The Clinical Neuropsychologist, 23, 1173-1195.

    Examples
    --------
    >>> import pandas as pd
    >>> from cte_metrics import Instrument, Item, ResponseScale, Responses
    >>> from cte_metrics.scoring import score
    >>> mini = Instrument("mini", "Mini", "1", ResponseScale(1, 5), [Item("a"), Item("b")])
    >>> survey = Responses(pd.DataFrame({"a": [1, 2, 3, 4], "b": [1, 2, 3, 4]}), mini)
    >>> local_norms(score(survey)).table["percentile"].tolist()
    [12.5, 37.5, 62.5, 87.5]
    """
    if not isinstance(scores, Scores):
        raise InputTypeError(
            f"local_norms takes the Scores of score(); got {type(scores).__name__}.",
            hint="cte.scoring.local_norms(cte.scoring.score(responses)).",
        )
    level = check_confidence(confidence)
    known = {name: column.dropna().to_numpy() for name, column in scores.table.items()}
    used = {str(name): values for name, values in known.items() if len(values) > 1}
    if not used:
        raise InputError("No scale has the scores of two respondents, so there are no norms.")
    import pandas as pd

    parts = {name: _norms(values, level) for name, values in used.items()}
    described = {name: _described(values) for name, values in used.items()}
    return Norms(
        table=pd.concat(parts, names=["scale", "score"]),
        scales=pd.DataFrame.from_dict(described, orient="index").rename_axis("scale"),
        confidence=level,
        provenance=Provenance(
            method="Percentile ranks and T scores of these respondents",
            n_used=scores.provenance.n_used,
            n_dropped=scores.provenance.n_dropped,
            settings={"confidence": level, "method": scores.method},
            reference="Crawford, Garthwaite & Slick (2009). The Clinical Neuropsychologist, 23, "
            "1173-1195.",
        ),
        notes=(*scores.notes, *_several_rows(scores.table.index), *_notes(used, known)),
    )


def _norms(values: Array, level: float) -> pd.DataFrame:
    import pandas as pd

    n = len(values)
    score, at = np.unique(values, return_counts=True)
    below = np.cumsum(at) - at
    tail = (1 - level) / 2
    with np.errstate(invalid="ignore"):
        low = np.where(below > 0, beta_quantile(tail, np.maximum(below, 1), n - below + 1), 0.0)
        upto = below + at
        high = beta_quantile(1 - tail, upto + 1, np.maximum(n - upto, 1))
    high = np.where(upto < n, high, 1.0)
    sd = spread(values)
    z = (score - values.mean()) / sd if sd > 0 else np.full(len(score), np.nan)
    half = float(normal_quantile(0.5 + level / 2)) * 10 * np.sqrt((1 + z**2 / 2) / n)
    t = 50 + 10 * z
    columns = {
        "n": at,
        "percentile": 100 * (below + at / 2) / n,
        "percentile_low": 100 * low,
        "percentile_high": 100 * high,
        "t": t,
        "t_low": t - half,
        "t_high": t + half,
    }
    return pd.DataFrame(columns, index=pd.Index(score, name="score"))


def _described(values: Array) -> dict[str, Any]:
    return {
        "n": len(values),
        "mean": float(values.mean()),
        "sd": spread(values),
        "minimum": float(values.min()),
        "maximum": float(values.max()),
    }


def _several_rows(respondents: pd.Index) -> tuple[str, ...]:
    """Say that rows are no respondents, where one respondent has several of them (waves)."""
    rows, persons = len(respondents), respondents.nunique()
    if rows == persons:
        return ()
    return (
        f"The {rows} rows come from {persons} respondents (several waves): the intervals take rows "
        "for independent and are too narrow; score(responses.at_wave(...)) gives norms of one "
        "wave.",
    )


def _notes(used: dict[str, Array], known: dict[Any, Array]) -> tuple[str, ...]:
    notes = []
    left_out = [str(name) for name in known if str(name) not in used]
    if left_out:
        notes.append(
            f"No norms for {', '.join(left_out)}: fewer than two respondents have a score."
        )
    flat = [name for name, values in used.items() if not spread(values) > 0]
    if flat:
        notes.append(f"{', '.join(flat)}: no T scores, since the standard deviation is 0.")
    few = [f"{name} {len(values)}" for name, values in used.items() if len(values) < FEW]
    if few:
        notes.append(
            f"Fewer than {FEW} respondents ({', '.join(few)}): read the intervals, not the ranks."
        )
    return tuple(notes)
