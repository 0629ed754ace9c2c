"""Instrument descriptions as YAML, TOML and JSON files.

Functions: ``read_document, write_document``.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping
from functools import cache
from os import PathLike
from pathlib import Path
from typing import Any

from cte_metrics.core.naming import short
from cte_metrics.core.writing import write_file
from cte_metrics.errors import InstrumentError

_LINE_MARKS = re.compile("[\x85\u2028\u2029\ufeff]")
_FORMATS = ".yaml, .yml, .toml or .json"


def read_document(path: str | PathLike[str]) -> dict[str, Any]:
    """Return the contents of a YAML, TOML or JSON file as a mapping.

    Raises
    ------
    InstrumentError
        If there is no such file, its suffix is unknown, or its text cannot be read.
    """
    file = Path(path)
    parse = _by_suffix(file, {"yaml": _from_yaml, "toml": _from_toml, "json": json.loads})
    if not os.path.isfile(file):  # a name that is too long is no file
        raise InstrumentError(f"There is no file {short(str(file))}.")
    try:
        document = parse(file.read_text(encoding="utf-8-sig"))
    except (ValueError, OSError, RecursionError) as error:
        raise InstrumentError(f"{file} cannot be read: {error}") from None
    if not isinstance(document, dict):
        raise InstrumentError(f"{file} holds no instrument: names with values are expected.")
    return document


def write_document(document: Mapping[str, Any], path: str | PathLike[str]) -> None:
    """Write a mapping as YAML, TOML or JSON, by the file's suffix.

    Raises
    ------
    InstrumentError
        If the suffix is unknown.
    InputError
        If the file cannot be written.
    """
    file = Path(path)
    render = _by_suffix(file, {"yaml": _to_yaml, "toml": _to_toml, "json": _to_json})
    write_file(file, render(document))


def _by_suffix(file: Path, choices: Mapping[str, Callable[[Any], Any]]) -> Callable[[Any], Any]:
    suffix = file.suffix.lower().removeprefix(".")
    chosen = choices.get("yaml" if suffix == "yml" else suffix)
    if chosen is None:
        raise InstrumentError(f"{file.name!r}: an instrument file ends in {_FORMATS}.")
    return chosen


def _from_yaml(text: str) -> Any:
    import yaml

    try:
        return yaml.load(text, Loader=_plain_loader())
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from None


@cache
def _plain_loader() -> Any:
    """Return a safe YAML reader in which ``no``, ``yes``, ``on`` and dates stay texts."""
    import yaml

    base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    kept = {
        first: [(tag, rule) for tag, rule in rules if not tag.endswith((":bool", ":timestamp"))]
        for first, rules in base.yaml_implicit_resolvers.items()
    }
    loader: Any = type("PlainLoader", (base,), {"yaml_implicit_resolvers": kept})
    truth = re.compile(r"^(true|false)$")
    loader.add_implicit_resolver("tag:yaml.org,2002:bool", truth, list("tf"))
    return loader


def _to_yaml(document: Mapping[str, Any]) -> str:
    """Write YAML; with escapes throughout where a text holds a rare mark of a line's end."""
    text = _dump_yaml(document, unicode=True)
    return _dump_yaml(document, unicode=False) if _LINE_MARKS.search(text) else text


def _dump_yaml(document: Mapping[str, Any], *, unicode: bool) -> str:
    import yaml

    return str(
        yaml.safe_dump(dict(document), sort_keys=False, allow_unicode=unicode, width=100, indent=2)
    )


def _from_toml(text: str) -> Any:
    import tomllib

    return tomllib.loads(text)


def _to_json(document: Mapping[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _to_toml(document: Mapping[str, Any]) -> str:
    return "".join(f"{_toml_key(k)} = {_toml_entry(v)}\n" for k, v in document.items())


def _toml_entry(value: Any) -> str:
    """Write a top-level value; a list of tables gets one line a table."""
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return "[\n" + "".join(f"  {_toml_value(v)},\n" for v in value) + "]"
    return _toml_value(value)


def _toml_value(value: Any) -> str:
    if isinstance(value, Mapping):
        inside = ", ".join(f"{_toml_key(k)} = {_toml_value(v)}" for k, v in value.items())
        return f"{{ {inside} }}" if inside else "{}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_toml_value(v) for v in value) + "]"
    return _toml_text(value) if isinstance(value, str) else json.dumps(value)


def _toml_text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _toml_key(key: Any) -> str:
    text = str(key)
    return text if re.fullmatch(r"[A-Za-z0-9_-]+", text) else _toml_text(text)
