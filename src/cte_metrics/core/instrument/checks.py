"""What makes an instrument impossible to score.

Function: ``refuse_unscorable``.
"""

from __future__ import annotations

from collections.abc import Sequence

from cte_metrics.core.instrument.parts import Item, Subscale
from cte_metrics.errors import close_names


def refuse_unscorable(
    items: Sequence[Item],
    subscales: Sequence[Subscale],
    *,
    elsewhere: Sequence[str],
    minimum_answered: int | float | None,
) -> None:
    """Check items, subscales and counts against each other.

    Parameters
    ----------
    items, subscales : sequence of Item, of Subscale
        The instrument's parts.
    elsewhere : sequence of str
        Items that belong to no subscale and are known to.
    minimum_answered : int or float, optional
        Count or share of items that a score needs.

    Raises
    ------
    ValueError
        If the instrument cannot be scored; the message is for the person who wrote it.
    """
    known = [item.id for item in items]
    _check_items(known)
    _check_subscales(subscales, known)
    _check_homeless(subscales, known, elsewhere)
    _check_count(minimum_answered, len(known))
    for subscale in subscales:
        _check_count(subscale.minimum_answered, len(subscale.items), f"of {subscale.id!r} ")


def _check_items(ids: Sequence[str]) -> None:
    if not ids:
        raise ValueError("An instrument needs at least one item.")
    _refuse_twice("items", ids)


def _refuse_twice(what: str, ids: Sequence[str]) -> None:
    twice = sorted({i for i in ids if ids.count(i) > 1})
    if twice:
        raise ValueError(f"Two {what} have the same id {twice[0]!r}.")


def _check_subscales(subscales: Sequence[Subscale], known: Sequence[str]) -> None:
    _refuse_twice("subscales", [s.id for s in subscales])
    for subscale in subscales:
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


def _check_homeless(
    subscales: Sequence[Subscale], known: Sequence[str], elsewhere: Sequence[str]
) -> None:
    for item in elsewhere:
        if item not in known:
            raise ValueError(
                f"'items_without_subscale' names item {item!r}, which the instrument does not "
                f"have.{close_names(item, known)}"
            )
    housed = {i for s in subscales for i in s.items} | set(elsewhere)
    homeless = [i for i in known if i not in housed]
    if subscales and homeless:
        raise ValueError(
            f"These items belong to no subscale: {', '.join(homeless)}. Add them to one, or list "
            "them under 'items_without_subscale' if they count in the total only."
        )


def _check_count(needed: int | float | None, n_items: int, where: str = "") -> None:
    if needed is None:
        return
    top = n_items if isinstance(needed, int) else 1.0
    if isinstance(needed, bool) or not 0 <= needed <= top:
        raise ValueError(
            f"'minimum_answered' {where}is {needed}; give a count from 0 to {n_items}, or a share "
            "from 0.0 to 1.0."
        )
