"""Group means, within-group deviations and contextual effects.

Functions: ``center, contextual_effect``.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from cte_metrics.aggregation.grouped import code_groups, labels_of
from cte_metrics.aggregation.mixed_model import MixedModel
from cte_metrics.core.arguments import checked
from cte_metrics.core.formula.design import as_frame, check_finite
from cte_metrics.core.naming import name_list, named_column
from cte_metrics.errors import InputError, InputTypeError, UnknownNameError, close_names


@checked
def center(frame: Any, columns: Hashable | Sequence[Hashable], group: Any) -> pd.DataFrame:
    """Split variables into group means and deviations from them.

    Parameters
    ----------
    frame : DataFrame
        Never changed.
    columns : label or sequence of labels
        Numeric columns.
    group : str or array
        Grouping column, or one label per row.

    Returns
    -------
    DataFrame
        The frame with, for each column ``x``: ``x_mean`` (mean of its group, over the values that
        are not missing), ``x_within`` (deviation from it), ``x_grand`` (deviation from the mean of
        all rows) and ``x_mean_grand`` (group mean's deviation from that mean).

    Raises
    ------
    UnknownNameError
        If a column does not exist.
    InputTypeError
        If ``columns`` holds no names, or a column is not numeric.
    InputError
        If a new column would replace an old one, ``group`` has not one entry per row, or a value is
        infinite or so large (1e150) that its square is none.

    References
    ----------
    Enders, C. K., & Tofighi, D. (2007). Centering predictor variables in cross-sectional multilevel
    models. Psychological Methods, 12, 121-138.

    Examples
    --------
    >>> survey = pd.DataFrame({"school": ["a", "a", "b"], "x": [1.0, 3, 8]})
    >>> center(survey, "x", "school")[["x_mean", "x_within", "x_grand"]].values.tolist()
    [[2.0, -1.0, -3.0], [2.0, 1.0, -1.0], [8.0, 0.0, 4.0]]
    """
    out = as_frame(frame).copy()
    names = name_list(named_column(frame, columns) or columns, "columns")
    codes, labels = code_groups(labels_of(frame, out, group))
    for name in names:
        _check_column(out, name)
        value = out[name].to_numpy(dtype=np.float64, na_value=np.nan)
        given = ~np.isnan(value)
        check_finite(value[given][:, None], [name], out.index[given])
        known = given & (codes >= 0)
        n = np.bincount(codes[known], minlength=len(labels))
        total = np.bincount(codes[known], value[known], len(labels))
        means = np.divide(total, n, out=np.full(len(labels), np.nan), where=n > 0)
        mean = np.where(codes >= 0, means[codes], np.nan) if len(labels) else value * np.nan
        grand = float(np.nanmean(value)) if (~np.isnan(value)).any() else float("nan")
        out[f"{name}_mean"], out[f"{name}_within"] = mean, value - mean
        out[f"{name}_grand"], out[f"{name}_mean_grand"] = value - grand, mean - grand
    return out


def _check_column(frame: pd.DataFrame, name: str) -> None:
    if name not in frame.columns:
        raise UnknownNameError(
            f"There is no column {name!r} in the frame.{close_names(name, frame.columns)}"
        )
    dtype = frame[name].dtype
    if not pd.api.types.is_numeric_dtype(dtype) or pd.api.types.is_complex_dtype(dtype):
        raise InputTypeError(f"Column {name!r} is not numeric and cannot be centred.")
    for ending in ("mean", "within", "grand", "mean_grand"):
        if f"{name}_{ending}" in frame.columns:
            raise InputError(
                f"The frame has a column {name}_{ending} already.", hint="Rename or drop it."
            )


@checked
def contextual_effect(
    model: MixedModel, variable: str, *, within: str | None = None, between: str | None = None,
    confidence: float = 0.95,
) -> pd.DataFrame:  # fmt: skip
    """Tell a variable's effect between groups from its effect within groups.

    Parameters
    ----------
    model : MixedModel
        With the group mean and the within-group deviation of the variable as predictors, as
        :func:`center` makes them.
    variable : str
        Name ``x`` given to :func:`center`.
    within, between : str, optional
        Names of the two coefficients; ``x_within``, and ``x_mean`` or ``x_mean_grand``, by default.
    confidence : float
        Level of the intervals.

    Returns
    -------
    DataFrame, index within, between, contextual
        ``est, se, df, t, p, ci_low, ci_high``; contextual = between - within is what a group's mean
        adds for two respondents with the same own value.

    Raises
    ------
    UnknownNameError
        If the model lacks one of the coefficients.

    References
    ----------
    Raudenbush, S. W., & Bryk, A. S. (2002). Hierarchical linear models (2nd ed.), 139-141.
    """
    terms = model.fixed.index
    within = within or f"{variable}_within"
    if between is None:
        centred = f"{variable}_mean_grand"
        between = centred if centred in terms else f"{variable}_mean"
    parts = {
        "within": {within: 1.0},
        "between": {between: 1.0},
        "contextual": {between: 1.0, within: -1.0},
    }
    rows = {k: model.contrast(w, confidence=confidence) for k, w in parts.items()}
    return pd.DataFrame(rows).T.rename_axis("effect")
