"""Heterotrait-monotrait ratios: are two subscales two constructs?

Functions: ``htmt, htmt_intervals``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from cte_metrics.arrays import Array, Integers
from cte_metrics.core.arguments import checked
from cte_metrics.core.naming import name_text
from cte_metrics.errors import InputError, one_of
from cte_metrics.kernels.reliability.htmt import htmt_ratios
from cte_metrics.reliability.resampled import IntervalMethod, Resampling, matrix_interval
from cte_metrics.reliability.source import Missing, Source, read_source
from cte_metrics.reliability.stratified import instrument_subscales

if TYPE_CHECKING:
    import pandas as pd

HTMTMethod = Literal["geometric", "arithmetic"]


@checked
def htmt(
    data: Any,
    factors: Mapping[str, Sequence[str]] | None = None,
    *,
    method: HTMTMethod = "geometric",
    absolute: bool = True,
    missing: Missing = "listwise",
    n_obs: int | None = None,
) -> pd.DataFrame:
    """Compute heterotrait-monotrait ratios of correlations.

    The mean correlation between the items of two factors, divided by the geometric mean of the
    mean correlations within each. Values near 1 say that two names stand for one construct;
    .85 or .90 are the usual cut-offs.

    Parameters
    ----------
    data : Responses, DataFrame, array (n, k), Moments, or matrix (k, k)
    factors : mapping of str to sequence of str, optional
        Items of each factor; the instrument's subscales by default.
    method : {"geometric", "arithmetic"}
        Means of correlations: ``geometric`` (HTMT2, default) does not assume equal loadings,
        ``arithmetic`` is the original.
    absolute : bool
        Use absolute correlations; geometric means always do.
    missing : {"listwise", "pairwise"}
    n_obs : int, optional

    Returns
    -------
    DataFrame
        Factors by factors; missing where correlations within a factor average below zero.
        ``attrs`` holds ``n`` and ``notes``.

    Raises
    ------
    InputError
        If a factor has fewer than two items.
    UnknownNameError
        If an item is unknown.

    Notes
    -----
    Equals ``semTools::htmt``. For intervals see :func:`htmt_intervals`.

    References
    ----------
    Henseler, J., Ringle, C. M. & Sarstedt, M. (2015). Journal of the Academy of Marketing Science,
    43, 115-135. Roemer, E., Schuberth, F. & Henseler, J. (2021). Industrial Management & Data
    Systems, 121, 2637-2650.

    Examples
    --------
    Correlations .6 within and .3 between two pairs of items: .3 / .6 = .5.

    >>> import numpy as np
    >>> r = np.full((4, 4), 0.3) + np.kron(np.eye(2), np.full((2, 2), 0.3)) + 0.4 * np.eye(4)
    >>> table = htmt(r, {"a": ["item_1", "item_2"], "b": ["item_3", "item_4"]}, n_obs=200)
    >>> float(table.loc["a", "b"].round(6))
    0.5
    """
    one_of(method, HTMTMethod, "method")
    names, sets, source = _read(data, factors, missing, n_obs)
    r = source.matrix("correlation")
    values = htmt_ratios(r, sets, geometric=method == "geometric", absolute=absolute)
    import pandas as pd

    table = pd.DataFrame(values, index=names, columns=names)
    table.attrs = {
        "n": source.n,
        "notes": (*source.notes, *_notes(values, names), *_keying(source, names, sets)),
    }
    return table


@checked
def htmt_intervals(
    data: Any,
    factors: Mapping[str, Sequence[str]] | None = None,
    *,
    method: HTMTMethod = "geometric",
    absolute: bool = True,
    missing: Missing = "listwise",
    interval: IntervalMethod = "delta",
    n_resamples: int = 1000,
    rng: np.random.Generator | int | None = None,
    confidence: float = 0.95,
    n_obs: int | None = None,
) -> pd.DataFrame:
    """Compute heterotrait-monotrait ratios with intervals, a row per pair of factors.

    Parameters
    ----------
    data, factors, method, absolute, missing, n_obs
        As in :func:`htmt`.
    interval : {"delta", "bootstrap"}
        Normal-theory delta method, or percentiles of resampled respondents.
    n_resamples, rng
        Of the bootstrap.
    confidence : float

    Returns
    -------
    DataFrame
        Index (factor, other): ``htmt, se, ci_low, ci_high``. ``attrs`` holds ``n, interval,
        confidence`` and ``notes``.

    Raises
    ------
    InputError
        If there are fewer than two factors.

    Examples
    --------
    >>> import numpy as np
    >>> r = np.full((4, 4), 0.3) + np.kron(np.eye(2), np.full((2, 2), 0.3)) + 0.4 * np.eye(4)
    >>> sets = {"a": ["item_1", "item_2"], "b": ["item_3", "item_4"]}
    >>> htmt_intervals(r, sets, n_obs=200).round(3).values.tolist()
    [[0.5, 0.078, 0.346, 0.654]]
    """
    one_of(method, HTMTMethod, "method")
    asked = Resampling.asked(
        interval=interval, n_resamples=n_resamples, rng=rng, confidence=confidence
    )
    names, sets, source = _read(data, factors, missing, n_obs)
    i, j = np.triu_indices(len(names), 1)
    if not len(i):
        raise InputError("A ratio needs two factors.")

    def figures(stack: Array) -> Array:
        found = htmt_ratios(stack, sets, geometric=method == "geometric", absolute=absolute)
        return np.asarray(found[:, i, j])

    limits = matrix_interval(source, figures, asked, kind="correlation", reliability=False)
    import pandas as pd

    columns = {
        "htmt": figures(source.matrix("correlation")[None])[0],
        "se": limits.se,
        "ci_low": limits.low,
        "ci_high": limits.high,
    }
    pairs = [(names[a], names[b]) for a, b in zip(i, j, strict=True)]
    index = pd.MultiIndex.from_tuples(pairs, names=["factor", "other"])
    table = pd.DataFrame(columns, index=index)
    table.attrs = {
        "n": source.n,
        "interval": interval,
        "confidence": asked.level,
        "notes": (*source.notes, *_keying(source, names, sets), *limits.notes),
    }
    return table


def _read(
    data: Any, factors: Mapping[str, Sequence[str]] | None, missing: Missing, n_obs: int | None
) -> tuple[list[str], list[Integers], Source]:
    chosen = instrument_subscales(data) if factors is None else factors
    for name, members in chosen.items():
        if isinstance(members, str) or len(members) < 2:
            raise InputError(
                f"Factor {name!r} has fewer than two items, so nothing correlates within it.",
                hint="Give each factor at least two items.",
            )
    items = list(dict.fromkeys(name_text(m) for members in chosen.values() for m in members))
    source = read_source(data, items=items, missing=missing, n_obs=n_obs, what="HTMT")
    where = {name: p for p, name in enumerate(source.items)}
    sets = [np.array([where[name_text(m)] for m in members]) for members in chosen.values()]
    return [str(n) for n in chosen], sets, source


def _keying(source: Source, names: Sequence[str], sets: Sequence[Integers]) -> tuple[str, ...]:
    factors = {n: [source.items[i] for i in s] for n, s in zip(names, sets, strict=True)}
    return source.keying_of(factors)


def _notes(values: Array, names: Sequence[str]) -> tuple[str, ...]:
    undefined = [n for n, v in zip(names, np.diagonal(values), strict=True) if not np.isfinite(v)]
    if not undefined:
        return ()
    return (
        f"{', '.join(undefined)}: correlations within the factor average below zero, so its "
        "ratios are not defined; first suspect the keying.",
    )
