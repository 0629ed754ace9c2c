"""Confirmatory factor analysis of an instrument.

Functions: ``cfa``, ``model_text``.
"""

from __future__ import annotations

from typing import Any, Unpack

from cte_metrics.core.door import item_data
from cte_metrics.errors import InputError, InputTypeError
from cte_metrics.sem import fitting
from cte_metrics.sem.request.model import FitKeywords
from cte_metrics.sem.semfit import SEMFit
from cte_metrics.sem.syntax.structures import STRUCTURES, structure_model
from cte_metrics.summaries.moments import Moments


def cfa(data: Any, model: str | None = None, **options: Unpack[FitKeywords]) -> SEMFit:
    """Fit a confirmatory factor model.

    Parameters
    ----------
    data : Responses, DataFrame or Moments
    model : str, optional
        Model in lavaan's syntax, or ``"correlated"`` (one factor a subscale, the default),
        ``"one_factor"``, ``"second_order"``, ``"bifactor"``. Without subscales the default is one
        factor behind all items.
    **options
        Of ``sem.fit``: ``estimator``, ``missing``, ``ordered``, ``group``, ``identification``, ...

    Returns
    -------
    SEMFit

    Raises
    ------
    InputTypeError
        If ``model`` is no text.
    InputError
        If the structure asked for needs more subscales than there are.

    Notes
    -----
    Equals ``lavaan::cfa(model, data, ...)``.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> rng = np.random.default_rng(1)
    >>> f = rng.normal(size=(300, 1))
    >>> answers = pd.DataFrame(f + rng.normal(size=(300, 4)), columns=["a", "b", "c", "d"])
    >>> fit = cfa(answers, estimator="MLR")
    >>> fit.fit_measures["df"], fit.converged
    (2, True)
    """
    return fitting.cfa(model_text(model, data), data, **options)


def model_text(model: str | None, data: Any) -> str:
    """The model text itself, or the one that a named structure means for these data."""
    if model is not None and not isinstance(model, str):
        raise InputTypeError(f"model is text or None; got {type(model).__name__}.")
    if model is not None and model not in STRUCTURES:
        return model
    instrument = getattr(data, "instrument", None)
    if instrument is not None:
        subscales = {s.id: tuple(s.items) for s in instrument.subscales}
        items = tuple(instrument.item_ids)
    else:
        if data is None:
            raise InputError("Without data there is no model to build; give the model's text.")
        known = (
            data if isinstance(data, Moments) else item_data(data, what="The model", variables=None)
        )
        subscales, items = {}, tuple(known.items)
    return structure_model(subscales, model or "correlated", items=items)
