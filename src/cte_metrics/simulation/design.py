"""The parameters of a simulated survey, checked: one array for each part of the model.

    eta = growth * wave + sqrt(icc) u_school + sqrt(1 - icc) w_teacher,   u, w ~ N(0, Phi)
    y*  = lambda * eta_factor(item) + sqrt(b) s_school + sqrt(1 - lambda^2 - b) e,   s, e ~ N(0, 1)
    answer = minimum + number of thresholds below y*

b is an item's own variance between schools: with r the share ``between_residual`` of its variance
between schools, b = lambda^2 icc r / (1 - r).

Functions: ``even_thresholds``; class ``Design``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from cte_metrics.core.floats import TOO_LARGE
from cte_metrics.core.instrument.instrument import Instrument
from cte_metrics.core.numeric_columns import numbers
from cte_metrics.errors import InputError, UnknownNameError, close_names

_SPREAD = 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """Parameters of a two-level ordinal factor model.

    Attributes
    ----------
    factors : tuple of str
        Subscale ids, or ``("total",)``.
    factor_of : ndarray (k,), int
        Factor of each item.
    loadings : ndarray (k,)
        Loadings on the latent responses, which have variance 1 at wave 1.
    correlation : ndarray (m, m)
        Correlations of the factors, the same within and between schools.
    thresholds : ndarray (c - 1,)
        Cuts of the latent responses.
    sizes : ndarray (g,), int
        Teachers of each school.
    icc, growth, stability, missing, careless : float
        As for :func:`simulate_responses`.
    item_between : ndarray (k,)
        Variance between schools of each item's latent response that its factor does not explain.
    n_waves : int
        Occasions.
    """

    factors: tuple[str, ...]
    factor_of: np.ndarray
    loadings: np.ndarray
    correlation: np.ndarray
    thresholds: np.ndarray
    sizes: np.ndarray
    icc: float
    growth: float
    stability: float
    missing: float
    careless: float
    n_waves: int
    item_between: np.ndarray

    @property
    def n_teachers(self) -> int:
        """Teachers in all schools."""
        return int(self.sizes.sum())


def design(
    instrument: Instrument,
    *,
    n_groups: int,
    group_size: int | Sequence[int],
    icc: float,
    loadings: float | Sequence[float] | Mapping[str, float],
    factor_correlation: ArrayLike,
    thresholds: Sequence[float] | None,
    missing: float,
    careless: float,
    n_waves: int,
    growth: float,
    stability: float,
    between_residual: float,
) -> Design:
    """Check the parameters of a simulated survey.

    Raises
    ------
    InputError
        If a parameter is out of its range or has the wrong length.
    """
    factors, factor_of = _factors(instrument)
    for name, share in (("icc", icc), ("missing", missing), ("careless", careless)):
        _share(name, share)
    _share("stability", stability)
    standardized = _loadings(loadings, instrument.item_ids)
    return Design(
        factors=factors,
        factor_of=factor_of,
        loadings=standardized,
        item_between=_item_between(between_residual, standardized, icc),
        correlation=_correlation(factor_correlation, len(factors)),
        thresholds=_thresholds(
            thresholds, (instrument.common_scale() or instrument.response_scale).n_categories
        ),
        sizes=_sizes(n_groups, group_size),
        icc=icc,
        growth=_finite("growth", growth),
        stability=stability,
        missing=missing,
        careless=careless,
        n_waves=_count("n_waves", n_waves),
    )


def even_thresholds(n_categories: int) -> np.ndarray:
    """Return evenly spaced cuts that use every category, symmetric about 0.

    Examples
    --------
    >>> even_thresholds(4)
    array([-1.,  0.,  1.])
    """
    steps = np.arange(1, n_categories)
    return -_SPREAD + 2 * _SPREAD * (steps - 0.5) / (n_categories - 1)


def _factors(instrument: Instrument) -> tuple[tuple[str, ...], np.ndarray]:
    """Return the factors, and of each item the first subscale that holds it."""
    if not instrument.subscales:
        return ("total",), np.zeros(len(instrument.items), dtype=np.intp)
    homes = [
        next((f for f, s in enumerate(instrument.subscales) if item in s.items), 0)
        for item in instrument.item_ids
    ]
    return instrument.subscale_ids, np.array(homes, dtype=np.intp)


def _finite(name: str, value: float) -> float:
    if not abs(value) < TOO_LARGE:
        raise InputError(f"{name} is {value!r}; it must be a number that can be squared.")
    return value


def _share(name: str, value: float) -> None:
    if not 0 <= value <= 1:
        raise InputError(f"{name} is {value!r}; it must lie between 0 and 1.")


def _count(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
        raise InputError(f"{name} is {value!r}; it must be a whole number of at least 1.")
    return int(value)


def _sizes(n_groups: int, group_size: int | Sequence[int]) -> np.ndarray:
    n = _count("n_groups", n_groups)
    if np.ndim(group_size) == 0:
        return np.full(n, _count("group_size", group_size))
    sizes = [_count("group_size", s) for s in np.asarray(group_size).tolist()]
    if len(sizes) != n:
        raise InputError(f"group_size lists {len(sizes)} sizes for {n} groups.")
    return np.array(sizes)


def _loadings(given: Any, items: tuple[str, ...]) -> np.ndarray:
    if isinstance(given, Mapping):
        for item in given:
            if item not in items:
                raise UnknownNameError(f"loadings: no item {item!r}.{close_names(item, items)}")
        absent = [i for i in items if i not in given]
        if absent:
            raise InputError(f"loadings gives none for: {', '.join(absent)}.")
        given = [given[i] for i in items]
    values = numbers(given, "loadings")
    if values.ndim > 1 or values.size not in (1, len(items)):
        raise InputError(f"loadings has {values.size} values for {len(items)} items.")
    if not (np.abs(values) < 1).all():
        raise InputError(f"A loading lies outside -1 to 1: {values.tolist()}.")
    return np.broadcast_to(values, len(items)).copy()


def _item_between(share: float, loadings: np.ndarray, icc: float) -> np.ndarray:
    """Return each item's own variance between schools, (k,)."""
    _share("between_residual", share)
    explained = loadings**2 * icc
    largest = float(np.max(explained / (explained + 1 - loadings**2), initial=0.0))
    if icc > 0 and share > 0 and share >= 1 - largest:
        raise InputError(
            f"between_residual is {share!r}; with these loadings and icc={icc:g} it must be below "
            f"{1 - largest:.3g}, so that latent responses have variance 1."
        )
    return np.asarray(explained * (share / (1 - share) if share < 1 else 0.0))


def _correlation(given: Any, m: int) -> np.ndarray:
    values = numbers(given, "factor_correlation")
    if not np.isfinite(values).all():
        raise InputError("factor_correlation holds a value that is missing or infinite.")
    if values.ndim == 0:
        values = np.full((m, m), float(values)) + (1 - float(values)) * np.eye(m)
    alike = values.shape == (m, m) and np.allclose(values, values.T)
    if not alike or not np.allclose(np.diag(values), 1):
        raise InputError(
            f"factor_correlation is one number or a {m} x {m} correlation matrix; got shape "
            f"{values.shape}."
        )
    if np.linalg.eigvalsh(values)[0] < -1e-10:
        raise InputError("factor_correlation is not positive definite: no data can have it.")
    return values


def _thresholds(given: Sequence[float] | None, n_categories: int) -> np.ndarray:
    if given is None:
        return even_thresholds(n_categories)
    cuts = numbers(given, "thresholds")
    if cuts.shape != (n_categories - 1,) or not (np.diff(cuts) > 0).all():
        raise InputError(
            f"thresholds are {n_categories - 1} increasing numbers for {n_categories} answers."
        )
    return cuts
