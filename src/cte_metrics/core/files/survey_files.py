"""Files of every kind that surveys come in, each read into one ``SurveyFile``.

Function: ``read_file``.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from cte_metrics.core.files.delimited import read_delimited
from cte_metrics.core.files.statistical import (
    read_portable,
    read_sas,
    read_spss,
    read_stata,
    read_transport,
)
from cte_metrics.core.files.table import FileOptions, SurveyFile, need
from cte_metrics.core.files.workbooks import read_workbook
from cte_metrics.core.issues import IssueLog
from cte_metrics.core.naming import short
from cte_metrics.errors import CTEError, InputError, close_names

Read = Callable[[Path, FileOptions, IssueLog], SurveyFile]


class _Kind(NamedTuple):
    """How a kind of file is read, and which options have a meaning for it."""

    read: Read
    takes: frozenset[str] = frozenset()


def read_file(path: Path, options: FileOptions, log: IssueLog) -> SurveyFile:
    """Read a survey file by its suffix.

    Raises
    ------
    InputError
        If there is no such file, its kind is unknown, it cannot be read, or an option has no
        meaning for it.
    MissingExtraError
        If reading it needs a package that is not installed.
    """
    if not os.path.isfile(path):  # a name that is too long is no file
        beside = [p.name for p in path.parent.glob("*")] if os.path.isdir(path.parent) else []
        raise InputError(f"There is no file {short(str(path))}.{close_names(path.name, beside)}")
    kind = _KINDS.get(_suffix(path))
    if kind is None:
        raise InputError(
            f"{path.name}: files ending in {_suffix(path)!r} cannot be read.",
            hint=f"Known endings: {', '.join(_KINDS)} (also with .gz for text). Save older "
            "Excel files as .xlsx.",
        )
    _refuse_meaningless(path, options, kind)
    try:
        return kind.read(path, options, log)
    except CTEError:
        raise
    except Exception as error:  # readers of foreign formats raise errors of their own
        raise InputError(
            f"{path.name} cannot be read as a {_suffix(path)} file: {error}.",
            hint="The file may be damaged, or of another kind than its ending says.",
        ) from error


def _suffix(path: Path) -> str:
    parts = [s.lower() for s in path.suffixes]
    return parts[-2] if len(parts) > 1 and parts[-1] == ".gz" else (parts or [""])[-1]


def _refuse_meaningless(path: Path, options: FileOptions, kind: _Kind) -> None:
    """Refuse an option that the reader of this kind of file could not honour."""
    for name in ("delimiter", "encoding", "sheet", "skip", "header"):
        if getattr(options, name) is not None and name not in kind.takes:
            able = [ending for ending, other in _KINDS.items() if name in other.takes]
            raise InputError(
                f"{name}={getattr(options, name)!r} says nothing about a {_suffix(path)} file "
                f"({path.name}).",
                hint=f"Leave it out. It is for files ending in {', '.join(able)}.",
            )


def _parquet(path: Path, options: FileOptions, log: IssueLog) -> SurveyFile:
    return SurveyFile(need("pyarrow.parquet", path).read_table(path))


def _arrow(path: Path, options: FileOptions, log: IssueLog) -> SurveyFile:
    arrow = need("pyarrow", path)
    with arrow.memory_map(str(path)) as source:
        try:
            table = arrow.ipc.open_file(source).read_all()
        except arrow.ArrowInvalid:
            source.seek(0)
            table = arrow.ipc.open_stream(source).read_all()
    return SurveyFile(_plain_texts(table, arrow))


def _plain_texts(table: Any, arrow: Any) -> Any:
    """Return categories whose texts are string views as texts: few functions take such ones."""
    for j, kind in enumerate(table.schema.types):
        if arrow.types.is_dictionary(kind) and "view" in str(kind.value_type):
            texts = [arrow.array(part.to_pylist(), arrow.string()) for part in table[j].chunks]
            table = table.set_column(j, table.column_names[j], arrow.chunked_array(texts))
    return table


_TEXT = _Kind(read_delimited, frozenset({"delimiter", "encoding", "skip", "header"}))
_BOOK = _Kind(read_workbook, frozenset({"sheet", "skip", "header"}))
_ENCODED = frozenset({"encoding"})
_KINDS: dict[str, _Kind] = {
    ".csv": _TEXT,
    ".tsv": _TEXT,
    ".tab": _TEXT,
    ".txt": _TEXT,
    ".dat": _TEXT,
    ".xlsx": _BOOK,
    ".xlsm": _BOOK,
    ".ods": _BOOK,
    ".parquet": _Kind(_parquet),
    ".feather": _Kind(_arrow),
    ".arrow": _Kind(_arrow),
    ".ipc": _Kind(_arrow),
    ".sav": _Kind(read_spss, _ENCODED),
    ".zsav": _Kind(read_spss, _ENCODED),
    ".por": _Kind(read_portable),
    ".dta": _Kind(read_stata, _ENCODED),
    ".sas7bdat": _Kind(read_sas, _ENCODED),
    ".xpt": _Kind(read_transport, _ENCODED),
}
