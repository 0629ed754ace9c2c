"""Files of SPSS, Stata and SAS, through pyreadstat.

Functions: ``read_spss``, ``read_portable``, ``read_stata``, ``read_sas``, ``read_transport``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from cte_metrics.core.files.table import FileOptions, SurveyFile, need
from cte_metrics.core.issues import IssueLog


def read_spss(path: Path, options: FileOptions, log: IssueLog) -> SurveyFile:
    """Read SPSS's .sav and .zsav; declared missing values are blanked and listed."""
    frame, meta = _reader(path).read_sav(str(path), user_missing=True, encoding=options.encoding)
    for column, ranges in meta.missing_ranges.items():
        declared = pd.Series(False, index=frame.index)
        for part in ranges:
            declared |= _between(frame[column], part["lo"], part["hi"])
        frame[column] = _blank(frame[column], declared, log)
    return _labelled(frame, meta)


def read_portable(path: Path, options: FileOptions, log: IssueLog) -> SurveyFile:
    """Read SPSS's portable files; its declared missing values arrive blank."""
    return _labelled(*_reader(path).read_por(str(path)))


def read_stata(path: Path, options: FileOptions, log: IssueLog) -> SurveyFile:
    """Read Stata's .dta; extended missing values are blanked and listed."""
    frame, meta = _reader(path).read_dta(str(path), user_missing=True, encoding=options.encoding)
    return _labelled(_without_tagged(frame, meta, log), meta)


def read_sas(path: Path, options: FileOptions, log: IssueLog) -> SurveyFile:
    """Read SAS's .sas7bdat; special missing values are blanked and listed."""
    read = _reader(path).read_sas7bdat
    frame, meta = read(str(path), user_missing=True, encoding=options.encoding)
    return _labelled(_without_tagged(frame, meta, log), meta)


def read_transport(path: Path, options: FileOptions, log: IssueLog) -> SurveyFile:
    """Read SAS's transport files, .xpt."""
    return _labelled(*_reader(path).read_xport(str(path), encoding=options.encoding))


def _reader(path: Path) -> Any:
    return need("pyreadstat", path)


def _between(series: pd.Series, low: Any, high: Any) -> pd.Series:
    if isinstance(low, str):
        return series.astype(object) == low
    return series.between(low, high)


def _without_tagged(frame: pd.DataFrame, meta: Any, log: IssueLog) -> pd.DataFrame:
    """Blank the lettered missing values of Stata and SAS."""
    for column, codes in meta.missing_user_values.items():
        declared = frame[column].isin(codes)
        frame[column] = pd.to_numeric(_blank(frame[column], declared, log))
    return frame


def _blank(series: pd.Series, declared: pd.Series, log: IssueLog) -> pd.Series:
    """Set user-missing values to missing and record how many of each there were."""
    for value, n in series[declared].value_counts(sort=False).items():
        log.about(series.name, value, f"user-missing in the file: {n} set to missing")
    return series.mask(declared, None if series.dtype == object else float("nan"))


def _labelled(frame: pd.DataFrame, meta: Any) -> SurveyFile:
    texts = {k: v for k, v in meta.column_names_to_labels.items() if v}
    return SurveyFile(frame, texts=texts, labels=dict(meta.variable_value_labels))
