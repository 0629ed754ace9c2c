"""Texts that state numbers become numbers.

Function: ``natural``.
"""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

_COMMA_NUMBER = re.compile(r"\s*-?\d+(,\d+)?\s*")
_ZERO_LED = re.compile(r"-?0\d")


def natural(series: pd.Series, *, comma: bool, marks: tuple[str, ...] = ()) -> pd.Series:
    """Return texts as numbers where every one states a number (no leading zeros).

    Parameters
    ----------
    series : Series (n,)
        A column of a file.
    comma : bool
        Whether "1,5" is a number.
    marks : tuple of str
        Texts for "nothing here": where decimal commas were read they stay beside the numbers.

    Examples
    --------
    >>> natural(pd.Series(["1,5", "NA", ""], dtype=object), comma=True, marks=("NA",)).tolist()
    [1.5, 'NA', nan]
    """
    if pd.api.types.infer_dtype(series, skipna=True) != "string":
        return series  # pandas reads a column of "True" and gaps as truths
    series = series.mask(series.str.strip() == "", None)
    marked = series.str.strip().isin(marks)
    stated = series.mask(marked, None)
    distinct = [str(v) for v in stated.dropna().unique()]
    if not distinct or any(_ZERO_LED.match(v.strip()) for v in distinct):
        return series
    commas = comma and all(_COMMA_NUMBER.fullmatch(v) for v in distinct)
    if marked.any() and not commas:
        return series
    figures = pd.to_numeric(
        stated.str.replace(",", ".", regex=False) if commas else stated, errors="coerce"
    )
    whole = figures.notna().sum() == stated.notna().sum() and np.isfinite(figures.dropna()).all()
    if not whole:
        return series
    return figures.astype(object).where(~marked, series) if marked.any() else figures
