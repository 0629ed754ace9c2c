"""Signs against the key, noticed in one place: items that run against the rest of their scale.

Functions: ``keying_check, survey_keying``.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from cte_metrics.arrays import Array
from cte_metrics.core.keying import keying_notes
from cte_metrics.core.naming import name_text
from cte_metrics.core.survey.responses import Responses
from cte_metrics.kernels.reliability.alpha import item_total
from cte_metrics.kernels.summaries.moments import moments

FEWEST_ROWS = 3


def keying_check(
    covariance: Array,
    items: Sequence[str],
    *,
    scales: Mapping[str, Sequence[str]] | None = None,
    reversed_ids: Collection[str] | None = None,
    when: str = "",
) -> tuple[str, ...]:
    """Name the items that correlate negatively with the sum of the others of their scale.

    Parameters
    ----------
    covariance : ndarray (k, k)
        Of the items; a scale with a missing entry is passed over.
    items : sequence of str
    scales : mapping of str to sequence of str, optional
        Items of each scale; all items are one scale by default.
    reversed_ids : collection of str, optional
        Items that the instrument's key reverse-scores, when a key is known.
    when : str
        Occasion or place, for the text.

    Examples
    --------
    >>> r = np.array([[1.0, 0.5, -0.4], [0.5, 1.0, -0.3], [-0.4, -0.3, 1.0]])
    >>> print(keying_check(r, ["a", "b", "c"])[0][:63])
    Item c correlates negatively with the rest of the scale (r_drop
    """
    place = {str(name): j for j, name in enumerate(items)}
    notes: list[str] = []
    for name, members in ({"": items} if scales is None else scales).items():
        own = [place[name_text(m)] for m in members]
        part = covariance[np.ix_(own, own)]
        if len(own) < 2 or not np.isfinite(part).all():
            continue
        r_drop = item_total(part).r_drop.tolist()
        label = f"{name or 'the scale'} {when}" if when else name
        names = list(map(name_text, members))
        notes += keying_notes(names, r_drop, reversed_ids=reversed_ids, scale=label)
    return tuple(notes)


def survey_keying(responses: Responses) -> tuple[str, ...]:
    """Check every subscale of a survey against its key, or all items where there is none."""
    if len(responses) < FEWEST_ROWS:
        return ()
    instrument = responses.instrument
    return keying_check(
        moments(responses.answers(), "pairwise").covariance,
        instrument.item_ids,
        scales={s.id: s.items for s in instrument.subscales} or None,
        reversed_ids=instrument.reversed_ids,
    )
