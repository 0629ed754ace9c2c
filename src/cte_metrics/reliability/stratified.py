"""Stratified alpha: the reliability of a total score over several subscales.

Function: ``stratified_alpha``. Class: ``StratifiedAlpha``.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from cte_metrics.arrays import Array
from cte_metrics.core.naming import name_text
from cte_metrics.errors import InputError
from cte_metrics.kernels.reliability.alpha import alpha_of
from cte_metrics.reliability.coefficient import Coefficient
from cte_metrics.reliability.resampled import IntervalMethod, Resampling, matrix_interval
from cte_metrics.reliability.source import Missing, Source, read_source
from cte_metrics.results import Interval, Provenance, Status, recorded

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class StratifiedAlpha(Coefficient):
    """Stratified alpha.

    Attributes
    ----------
    alpha : float
        Stratified alpha of the total score.
    ci : Interval
    se : float
    plain_alpha : float
        Alpha of all items together, for comparison.
    strata : DataFrame
        Index subscale: ``alpha, variance, n_items`` (variance of the subscale's sum).
    n_items, n_respondents : int
    """

    _title: ClassVar[str] = "Stratified alpha"

    alpha: float
    ci: Interval
    se: float
    plain_alpha: float
    strata: pd.DataFrame
    n_items: int
    n_respondents: int

    @property
    def estimate(self) -> float:
        """Stratified alpha."""
        return self.alpha


@recorded
def stratified_alpha(
    data: Any,
    subscales: Mapping[str, Sequence[str]] | None = None,
    *,
    missing: Missing = "listwise",
    interval: IntervalMethod = "delta",
    n_resamples: int = 1000,
    rng: np.random.Generator | int | None = None,
    confidence: float = 0.95,
    n_obs: int | None = None,
) -> StratifiedAlpha:
    """Compute the reliability of a total score whose items form subscales.

    1 - sum of V_s (1 - alpha_s) / V, with the variance V_s and alpha_s of each subscale's sum
    and the variance V of the total.

    Parameters
    ----------
    data : Responses, DataFrame, array (n, k), Moments, or covariance matrix (k, k)
    subscales : mapping of str to sequence of str, optional
        Items of each subscale, every item in one of them; those of the instrument by default.
    missing : {"listwise", "pairwise"}
    interval : {"delta", "bootstrap"}
    n_resamples, rng
        Of the bootstrap.
    confidence : float
    n_obs : int, optional

    Returns
    -------
    StratifiedAlpha
        ``float(result)`` is the coefficient.

    Raises
    ------
    InputError
        If a subscale has fewer than two items or two subscales share an item.
    UnknownNameError
        If a subscale names an unknown item.

    References
    ----------
    Cronbach, L. J., Schoenemann, P. & McKie, D. (1965). Educational and Psychological Measurement,
    25, 291-312.

    Examples
    --------
    Two pairs of parallel items, correlated .5 within and 0 between pairs: each pair has variance
    3 and alpha 2/3, so 1 - (1 + 1) / 6 = 2/3.

    >>> import numpy as np
    >>> r = np.kron(np.eye(2), [[1.0, 0.5], [0.5, 1.0]])
    >>> found = stratified_alpha(
    ...     r, {"a": ["item_1", "item_2"], "b": ["item_3", "item_4"]}, n_obs=100
    ... )
    >>> round(found.alpha, 6), round(found.plain_alpha, 6)
    (0.666667, 0.444444)
    """
    asked = Resampling.asked(
        interval=interval, n_resamples=n_resamples, rng=rng, confidence=confidence
    )
    chosen = instrument_subscales(data) if subscales is None else subscales
    items = _items(chosen)
    source = read_source(data, items=items, missing=missing, n_obs=n_obs, what="Stratified alpha")
    blocks = _blocks(chosen, source)

    def figures(stack: Array) -> Array:
        return _coefficient(stack, blocks)[:, None]

    limits = matrix_interval(source, figures, asked)
    c = source.covariance
    alpha = float(_coefficient(c[None], blocks)[0])
    return StratifiedAlpha(
        alpha=alpha,
        ci=limits.interval(),
        se=float(limits.se[0]),
        plain_alpha=alpha_of(c),
        strata=_strata(c, blocks, tuple(chosen)),
        n_items=source.n_items,
        n_respondents=source.n,
        provenance=Provenance(
            method=f"Stratified alpha of {len(blocks)} subscales, {interval} interval",
            n_used=source.n,
            n_dropped=source.n_dropped,
            settings={"missing": missing, **asked.settings},
            reference="Cronbach, Schoenemann & McKie (1965). Educational and Psychological "
            "Measurement, 25, 291-312.",
        ),
        status=Status.OK if np.isfinite(alpha) else Status.UNDEFINED,
        notes=(
            *source.notes,
            *source.alpha_by_rule("covariance"),
            *source.keying_of(chosen),
            *limits.notes,
        ),
    )


def instrument_subscales(data: Any) -> dict[str, tuple[str, ...]]:
    """Return the subscales of a ``Responses``' instrument.

    Raises
    ------
    InputError
        If the data carry no instrument.
    """
    instrument = getattr(data, "instrument", None)
    if instrument is None:
        raise InputError(
            "The data name no subscales.",
            hint="Pass a mapping of subscale names to lists of items, or a Responses.",
        )
    return {s.id: tuple(s.items) for s in instrument.subscales}


def _items(subscales: Mapping[str, Sequence[str]]) -> list[str]:
    if not subscales:
        raise InputError("There are no subscales.", hint="Map each subscale to its items.")
    for name, members in subscales.items():
        if isinstance(members, str) or len(members) < 2:
            raise InputError(
                f"Subscale {name!r} has fewer than two items; its alpha is not defined.",
                hint="Join it with another subscale, or leave it out.",
            )
    return _once(subscales)


def _once(subscales: Mapping[str, Sequence[Hashable]]) -> list[str]:
    """Return the items of all subscales, as texts; refuse one that is named twice."""
    owner: dict[str, str] = {}
    for name, members in subscales.items():
        for item in map(name_text, members):
            if item in owner:
                both = f"{owner[item]!r} and to {name!r}" * (owner[item] != name)
                raise InputError(
                    f"Item {item!r} belongs to {both or f'{name!r} twice'}.",
                    hint="Give each item to one subscale, once.",
                )
            owner[item] = name
    return list(owner)


def _blocks(subscales: Mapping[str, Sequence[str]], source: Source) -> list[Array]:
    where = {name: i for i, name in enumerate(source.items)}
    return [np.array([where[name_text(m)] for m in members]) for members in subscales.values()]


def _coefficient(stack: Array, blocks: Sequence[Array]) -> Array:
    error = np.zeros(len(stack))
    for block in blocks:
        part = stack[:, block[:, None], block]
        variance = part.sum(axis=(1, 2))
        trace = np.einsum("bii->b", part)
        k = len(block)
        error += variance - k / (k - 1) * (variance - trace)
    total = stack.sum(axis=(1, 2))
    out = np.full(len(stack), np.nan)
    np.divide(error, total, out=out, where=total > 0)
    return 1.0 - out


def _strata(c: Array, blocks: Sequence[Array], names: Sequence[str]) -> pd.DataFrame:
    import pandas as pd

    parts = [c[np.ix_(b, b)] for b in blocks]
    columns = {
        "alpha": [alpha_of(p) for p in parts],
        "variance": [float(p.sum()) for p in parts],
        "n_items": [len(p) for p in parts],
    }
    return pd.DataFrame(columns, index=pd.Index(names, name="subscale"))
