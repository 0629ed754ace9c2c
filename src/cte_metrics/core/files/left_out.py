"""Rows of survey platforms that are no finished answers of respondents.

Qualtrics marks previews and tests (``Status``, ``DistributionChannel``) and whether a respondent
reached the end (``Finished``); LimeSurvey leaves the date of submission blank where one did not.

Functions: ``left_out``, ``is_mark``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, get_args

import numpy as np
import pandas as pd

from cte_metrics.core.arguments import is_list
from cte_metrics.errors import InputError, InputTypeError, one_of

Keep = Literal["preview", "unfinished"]

MARKS = frozenset({
    "responseid", "status", "finished", "distributionchannel",
    "submitdate", "datesubmitted", "lastpage",
})  # fmt: skip
_PREVIEWS = ("preview", "test")  # of texts such as "Survey Preview"
_PREVIEW_BITS = 1 | 2  # of Qualtrics' numbers: 1 is a preview, 2 a test, 16 or 32 may be added
_OF_QUALTRICS = {"responseid", "distributionchannel"}
_CHANNELS = {"survey preview", "survey test", "ip address"}
_NO = {"false", "0", "0.0", "no"}
_SAID = {
    "preview": "of previews and tests of the survey",
    "unfinished": "of respondents who did not finish",
}


def left_out(frame: pd.DataFrame, keep_rows: str | Iterable[str]) -> tuple[pd.DataFrame, list[str]]:
    """Return the rows of finished answers, and notes that count the others.

    Parameters
    ----------
    frame : DataFrame
        Rows of a file, columns named as the platform names them.
    keep_rows : sequence of {"preview", "unfinished"}
        Kinds of rows that stay.

    Raises
    ------
    InputError
        If ``keep_rows`` names another kind, or no row is left.

    Examples
    --------
    >>> rows = pd.DataFrame({"ResponseId": ["a", "b"], "Status": [0, 1], "q1": [3, 4]})
    >>> left_out(rows, ())[0]["q1"].tolist(), len(left_out(rows, ["preview"])[0])
    ([3], 2)
    """
    kept = _kinds(keep_rows)
    columns = {_letters(str(name)): name for name in reversed(list(frame.columns))}
    found = _qualtrics(frame, columns) or _limesurvey(frame, columns)
    notes, stay = [], np.ones(len(frame), dtype=bool)
    for kind, rows in found.items():
        new = rows & stay
        if new.any():
            notes.append(_told(kind, int(new.sum()), kind in kept))
            stay &= ~new | (kind in kept)
    if len(frame) and not stay.any():
        raise InputError(
            f"No row is left. {' '.join(notes)}",
            hint="Keep them: keep_rows=['preview', 'unfinished'].",
        )
    return (frame if stay.all() else frame[stay]), notes


def _kinds(keep_rows: str | Iterable[str]) -> set[str]:
    if not is_list(keep_rows):
        raise InputTypeError(
            f"keep_rows is a list of {get_args(Keep)}; got {type(keep_rows).__name__}."
        )
    return {
        one_of(kind, Keep, "keep_rows")
        for kind in ([keep_rows] if isinstance(keep_rows, str) else keep_rows)
    }


def _told(kind: str, n: int, kept: bool) -> str:
    rows, were = ("row", "was") if n == 1 else ("rows", "were")
    done = "kept" if kept else f"left out (keep_rows=[{kind!r}] keeps {'it' if n == 1 else 'them'})"
    return f"{n} {rows} {_SAID[kind]} {were} {done}."


def is_mark(name: str) -> bool:
    """Whether a column of this name may tell what kind of row one is."""
    return _letters(name) in MARKS


def _letters(name: str) -> str:
    return "".join(c for c in name.casefold() if c.isalnum())


def _qualtrics(frame: pd.DataFrame, columns: dict[str, str]) -> dict[str, np.ndarray]:
    marks = {"status", "finished", "distributionchannel"} & set(columns)
    if not marks or not (_OF_QUALTRICS & set(columns) or _states_channels(frame, columns)):
        return {}
    preview, unfinished = np.zeros((2, len(frame)), dtype=bool)
    for mark in {"status", "distributionchannel"} & marks:
        preview |= _meets(frame[columns[mark]], _is_preview)
    if "finished" in marks:
        unfinished = _meets(frame[columns["finished"]], lambda v: _folded(v) in _NO)
    return {"preview": preview, "unfinished": unfinished}


def _states_channels(frame: pd.DataFrame, columns: dict[str, str]) -> bool:
    """Whether the column Status holds Qualtrics' words: the identifiers may have been taken off."""
    if "status" not in columns:
        return False
    return bool(_meets(frame[columns["status"]], lambda v: _folded(v) in _CHANNELS).any())


def _limesurvey(frame: pd.DataFrame, columns: dict[str, str]) -> dict[str, np.ndarray]:
    submitted = columns.get("submitdate", columns.get("datesubmitted"))
    if submitted is None or "lastpage" not in columns:
        return {}
    blank = frame[submitted].isna() | _meets(frame[submitted], lambda v: not _folded(v))
    return {"unfinished": np.asarray(blank)}


def _meets(series: pd.Series, condition: object) -> np.ndarray:
    """Return where a column's values meet a condition, asked once for each value."""
    assert callable(condition)
    places, distinct = pd.factorize(series.astype(object))
    answers = np.array([*(bool(condition(v)) for v in distinct), False])
    return answers[places]


def _folded(value: object) -> str:
    return str(value).strip().casefold()


def _is_preview(value: object) -> bool:
    text = _folded(value)
    try:
        code = float(text)
    except ValueError:
        return any(word in text for word in _PREVIEWS)
    return code.is_integer() and bool(int(code) & _PREVIEW_BITS)
