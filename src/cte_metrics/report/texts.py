"""A dossier as text, and in a file where one is named.

Functions: ``json_text``, ``written``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cte_metrics.core.writing import write_file


def json_text(record: Mapping[str, Any], path: str | Path | None = None) -> str:
    """Return a record as JSON text, and write it to ``path`` when one is given."""
    return written(json.dumps(record, indent=1, ensure_ascii=False, allow_nan=False) + "\n", path)


def written(text: str, path: str | Path | None) -> str:
    """Return the text, and write it to ``path`` when one is given."""
    if path is not None:
        write_file(path, text)
    return text
