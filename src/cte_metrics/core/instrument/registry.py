"""Published instruments by name: scoring keys as data, without the wording of any item.

Instruments whose key is known lie in ``instruments/``, one file each. Those of which only some
facts are known lie in ``instruments/unkeyed/``: loading one says what is missing.

Functions: ``load_instrument, list_instruments``; class ``Listing``.
"""

from __future__ import annotations

from functools import cache
from os import PathLike, fspath
from pathlib import Path
from typing import Any

import pandas as pd

from cte_metrics.core.arguments import checked
from cte_metrics.core.instrument.files import read_document
from cte_metrics.core.instrument.instrument import Instrument
from cte_metrics.core.instrument.parts import Fact, Referent
from cte_metrics.core.instrument.response_scale import ResponseScale
from cte_metrics.core.record import Record
from cte_metrics.errors import InstrumentError, UnknownNameError, close_names

_FOLDER = Path(__file__).parents[1] / "instruments"
_SUFFIXES = {".yaml", ".yml", ".toml", ".json"}


class Listing(Record, frozen=True):
    """An instrument of which too little is known to score it.

    Parameters
    ----------
    id, name, version, citation, doi, rights, referent, facts, notes, aliases
        As for :class:`Instrument`.
    missing : sequence of str
        What a key would need.
    n_items, response_scale, subscale_names
        What is known.
    see : str
        A related instrument that has a key.
    """

    id: str
    name: str
    version: str = "1"
    missing: tuple[str, ...]
    referent: Referent = "group"
    n_items: int | None = None
    response_scale: ResponseScale | None = None
    subscale_names: tuple[str, ...] = ()
    citation: str = ""
    doi: str | None = None
    rights: str = ""
    see: str = ""
    aliases: tuple[str, ...] = ()
    facts: dict[str, Fact] = {}
    notes: tuple[str, ...] = ()


@checked
def load_instrument(id_or_path: str | PathLike[str]) -> Instrument:
    """Return a published instrument by name, or one of your own from a file.

    Parameters
    ----------
    id_or_path : str or path
        An id or alias of :func:`list_instruments` (case, spaces and hyphens do not matter), or a
        YAML, TOML or JSON file.

    Returns
    -------
    Instrument
        Its ``.notes`` say what to check before it is used, its ``.facts`` how sure each fact is.

    Raises
    ------
    UnknownNameError
        If no instrument has the name; close names are suggested.
    InstrumentError
        If the instrument is listed without a key: the message says what is missing and how to
        supply it. Or if a file cannot be read.

    Examples
    --------
    >>> load_instrument("CES-SF").reversed_ids
    ('ces3', 'ces4', 'ces8', 'ces9', 'ces11', 'ces12')
    """
    given = fspath(id_or_path)
    if _is_file_name(given):
        return Instrument.from_file(given)
    id = _by_id().get(_folded(given)) or _names().get(_folded(given))
    if id is None:
        known = [entry for names in (_keyed_ids(), _unkeyed_ids()) for entry in names]
        raise UnknownNameError(
            f"There is no instrument {given!r}.{close_names(given, known)}",
            hint="list_instruments() shows all; a file of your own ends in .yaml, .toml or .json.",
        )
    if id in _unkeyed_ids():
        raise _no_key(_listing(id))
    return _instrument(id)


def list_instruments() -> pd.DataFrame:
    """Return one row for each instrument that the package knows.

    Returns
    -------
    DataFrame
        ``id, name, form, keyed`` (whether it can be scored), ``key_certainty, n_items, minimum,
        maximum, n_reversed, subscales, referent, level, aliases, missing, citation, doi, rights``;
        the index holds the ids as well.

    Examples
    --------
    >>> table = list_instruments()
    >>> table.loc["tses_short", ["n_items", "minimum", "maximum"]].tolist()
    [12, 1, 9]
    """
    rows = [_keyed_row(_instrument(id)) for id in _keyed_ids()]
    rows += [_unkeyed_row(_listing(id)) for id in _unkeyed_ids()]
    frame = pd.DataFrame(rows)
    whole = dict.fromkeys(("n_items", "minimum", "maximum", "n_reversed"), "Int64")
    return frame.astype(whole).set_index("id", drop=False).rename_axis(None)


def _is_file_name(given: str) -> bool:
    return Path(given).suffix.lower() in _SUFFIXES


def _folded(name: str) -> str:
    return "".join(c for c in name.casefold() if c.isalnum())


@cache
def _keyed_ids() -> tuple[str, ...]:
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.yaml")))


@cache
def _unkeyed_ids() -> tuple[str, ...]:
    return tuple(sorted(path.stem for path in (_FOLDER / "unkeyed").glob("*.yaml")))


@cache
def _by_id() -> dict[str, str]:
    return {_folded(id): id for id in (*_keyed_ids(), *_unkeyed_ids())}


@cache
def _names() -> dict[str, str]:
    """Return every alias and name, folded, with the id that it means."""
    known: dict[str, str] = {}
    entries: list[Instrument | Listing] = [_instrument(id) for id in _keyed_ids()]
    entries += [_listing(id) for id in _unkeyed_ids()]
    for entry in entries:
        for name in (*entry.aliases, entry.name):
            known.setdefault(_folded(name), entry.id)
    return known


@cache
def _instrument(id: str) -> Instrument:
    return Instrument.from_file(_FOLDER / f"{id}.yaml")


@cache
def _listing(id: str) -> Listing:
    return Listing.model_validate(read_document(_FOLDER / "unkeyed" / f"{id}.yaml"))


def _no_key(listing: Listing) -> InstrumentError:
    related = f" A related instrument with a key is {listing.see!r}." if listing.see else ""
    told = " ".join(listing.notes)
    source = f" Its source is: {listing.citation}" if listing.citation else ""
    return InstrumentError(
        f"{listing.name} ({listing.id!r}) is listed without a scoring key. Not confirmed and so "
        f"missing: {'; '.join(listing.missing)}.{source}{f' {told}' if told else ''}{related}",
        hint="Write the key of the form that you used into a YAML file with id, name, "
        "response_scale (minimum, maximum), items (id, reverse) and subscales (id, name, items), "
        "and load it with Instrument.from_file('my_scale.yaml'). "
        "load_instrument('ces_sf').to_file('my_scale.yaml') writes one to start from.",
    )


def _keyed_row(entry: Instrument) -> dict[str, Any]:
    return {
        "id": entry.id,
        "name": entry.name,
        "form": entry.form,
        "keyed": True,
        "key_certainty": entry.key_certainty,
        "n_items": len(entry.items),
        "minimum": entry.response_scale.minimum,
        "maximum": entry.response_scale.maximum,
        "n_reversed": len(entry.reversed_ids),
        "subscales": ", ".join(entry.subscale_ids),
        "referent": entry.referent,
        "level": entry.level,
        "aliases": ", ".join(entry.aliases),
        "missing": "",
        "citation": entry.citation,
        "doi": entry.doi or "",
        "rights": entry.rights,
    }


def _unkeyed_row(entry: Listing) -> dict[str, Any]:
    scale = entry.response_scale
    return {
        "id": entry.id,
        "name": entry.name,
        "form": "",
        "keyed": False,
        "key_certainty": "",
        "n_items": entry.n_items,
        "minimum": None if scale is None else scale.minimum,
        "maximum": None if scale is None else scale.maximum,
        "n_reversed": None,
        "subscales": ", ".join(entry.subscale_names),
        "referent": entry.referent,
        "level": "",
        "aliases": ", ".join(entry.aliases),
        "missing": "; ".join(entry.missing),
        "citation": entry.citation,
        "doi": entry.doi or "",
        "rights": entry.rights,
    }
