"""The keying check: items that run against their scale, named with the likely cause.

Function: ``keying_notes``.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

__all__ = ["keying_notes"]


def keying_notes(
    items: Sequence[str],
    r_drop: Sequence[float],
    *,
    reversed_ids: Collection[str] | None = None,
    scale: str = "",
) -> tuple[str, ...]:
    """Name the items whose corrected item-total correlation is negative; none is reversed.

    Parameters
    ----------
    items : sequence of str
        Item names.
    r_drop : sequence of float
        Correlation of each item with the sum of the others; nan where undefined.
    reversed_ids : collection of str, optional
        Items that the instrument's key reverse-scores, when a key is known.
    scale : str
        Name of the scale, for the text.

    Returns
    -------
    tuple of str
        One sentence or more for the notes; empty when every item runs with its scale.

    Examples
    --------
    >>> print(keying_notes(["a", "b"], [0.5, -0.25])[0])
    Item b correlates negatively with the rest of the scale (r_drop -0.25). First suspect its \
keying: a negatively worded item that was not reverse-scored. Nothing was reversed here.
    >>> keying_notes(["a", "b"], [0.5, 0.25])
    ()
    """
    against = [(name, r) for name, r in zip(items, r_drop, strict=True) if r < 0]
    if not against:
        return ()
    where = f" of {scale}" if scale else " of the scale"
    named = ", ".join(f"{name} (r_drop {r:.2f})" for name, r in against)
    if len(against) == 1:
        opening = (
            f"Item {against[0][0]} correlates negatively with the rest{where} "
            f"(r_drop {against[0][1]:.2f})."
        )
    else:
        opening = f"Items {named} correlate negatively with the rest{where}."
    return (f"{opening} {_cause([name for name, _ in against], reversed_ids)}",)


def _cause(names: Sequence[str], reversed_ids: Collection[str] | None) -> str:
    ending = "Nothing was reversed here."
    one = len(names) == 1
    if reversed_ids is None:
        item = "a negatively worded item that was not" if one else "negatively worded items not"
        return f"First suspect {'its' if one else 'their'} keying: {item} reverse-scored. {ending}"
    turned = [n for n in names if n in reversed_ids]
    plain = [n for n in names if n not in reversed_ids]
    causes = []
    if turned:
        causes.append(
            f"the key reverse-scores {', '.join(turned)}, so answers that arrived already "
            "reversed have been turned twice"
        )
    if plain:
        causes.append(
            f"the key does not reverse-score {', '.join(plain)}, which may be worded negatively"
        )
    likely = "; ".join(causes)
    return (
        f"Likely cause: {likely}; or the columns follow the item order of another form, so that "
        f"the key is applied to the wrong items. {ending}"
    )
