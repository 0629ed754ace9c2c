"""What makes an instrument impossible to score.

Function: ``refuse_unscorable``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cte_metrics.errors import close_names

if TYPE_CHECKING:
    from cte_metrics.core.instrument.instrument import Instrument, Item


def refuse_unscorable(instrument: Instrument) -> None:
    """Check items, subscales and counts against each other.

    Raises
    ------
    ValueError
        If the instrument cannot be scored; the message is for the person who wrote it.
    """
    _check_items(instrument.items)
    _check_subscales(instrument)
    _check_counts(instrument)


def _check_items(items: Sequence[Item]) -> None:
    if not items:
        raise ValueError("An instrument needs at least one item.")
    ids = [item.id for item in items]
    twice = sorted({i for i in ids if ids.count(i) > 1})
    if twice:
        raise ValueError(f"Two items have the same id {twice[0]!r}.")


def _check_subscales(instrument: Instrument) -> None:
    ids, known = list(instrument.subscale_ids), instrument.item_ids
    twice = sorted({i for i in ids if ids.count(i) > 1})
    if twice:
        raise ValueError(f"Two subscales have the same id {twice[0]!r}.")
    for subscale in instrument.subscales:
        for item in subscale.items:
            if item not in known:
                raise ValueError(
                    f"Subscale {subscale.id!r} names item {item!r}, which the instrument "
                    f"does not have.{close_names(item, known)}"
                )
        if subscale.id == "total" and set(subscale.items) != set(known):
            raise ValueError(
                "'total' is the name of the score over all items; a subscale of some items "
                "needs another id."
            )
    _check_homeless(instrument)


def _check_homeless(instrument: Instrument) -> None:
    known = instrument.item_ids
    for item in instrument.items_without_subscale:
        if item not in known:
            raise ValueError(
                f"'items_without_subscale' names item {item!r}, which the instrument does not "
                f"have.{close_names(item, known)}"
            )
    housed = {i for s in instrument.subscales for i in s.items} | set(
        instrument.items_without_subscale
    )
    homeless = [i for i in known if i not in housed]
    if instrument.subscales and homeless:
        raise ValueError(
            f"These items belong to no subscale: {', '.join(homeless)}. Add them to one, or list "
            "them under 'items_without_subscale' if they count in the total only."
        )


def _check_counts(instrument: Instrument) -> None:
    needed, n_items = instrument.minimum_answered, len(instrument.items)
    if needed is None:
        return
    top = n_items if isinstance(needed, int) else 1.0
    if isinstance(needed, bool) or not 0 <= needed <= top:
        raise ValueError(
            f"'minimum_answered' is {needed}; give a count from 0 to {n_items}, or a share from "
            "0.0 to 1.0."
        )
