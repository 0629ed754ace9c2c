"""Files written whole or not at all.

Function: ``write_file``.
"""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path
from uuid import uuid4

from cte_metrics.errors import InputError, InputTypeError


def write_file(path: str | os.PathLike[str], content: str | bytes) -> None:
    """Write a file whole or not at all: what stood there before stays until all is written.

    The content goes to a new file in the same folder, reaches the disk, and takes the name at
    once. A link keeps pointing to its file; a device or a pipe is written to as it is.

    Parameters
    ----------
    path : str or path
        File to write; its folder must exist.
    content : str or bytes
        What it is to hold; text is written as UTF-8.

    Raises
    ------
    InputTypeError
        If ``path`` is no path.
    InputError
        If the file cannot be written; then it is as it was before.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_file(Path(folder) / "a.txt", "all")
    ...     (Path(folder) / "a.txt").read_text()
    'all'
    """
    if not isinstance(path, str | os.PathLike):
        raise InputTypeError(f"path takes the name of a file; got {type(path).__name__}.")
    raw = content.encode("utf-8") if isinstance(content, str) else content
    try:
        target = Path(os.path.realpath(path))
        if target.exists() and not target.is_file() and not target.is_dir():
            target.write_bytes(raw)
        else:
            _replace(target, raw)
    except (OSError, ValueError) as error:  # a name with a null character is a ValueError
        raise InputError(
            f"{os.fspath(path)!r} cannot be written: {getattr(error, 'strerror', None) or error}.",
            hint="Name a file in a folder that exists and may be written to, with room on the "
            "disk.",
        ) from error


def _replace(target: Path, raw: bytes) -> None:
    if target.is_file() and not os.access(target, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    beside = target.with_name(f".{target.name[:80]}.{uuid4().hex}.tmp")
    try:
        with beside.open("xb") as stream:
            stream.write(raw)
            stream.flush()
            os.fsync(stream.fileno())
        if target.is_file():
            shutil.copymode(target, beside)
        os.replace(beside, target)
    finally:
        beside.unlink(missing_ok=True)
