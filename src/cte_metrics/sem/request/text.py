"""The model's text, or the one that a named structure means for an instrument.

Functions: ``model_text``.
"""

from __future__ import annotations

from typing import Any

from cte_metrics.errors import InputError, InputTypeError
from cte_metrics.sem.syntax.structures import STRUCTURES, structure_model


def model_text(model: str | None, data: Any) -> str:
    """The model's text, or one built from the instrument's subscales."""
    if isinstance(model, str) and model not in STRUCTURES:
        return model
    if model is not None and not isinstance(model, str):
        raise InputTypeError(f"model is text or None; got {type(model).__name__}.")
    instrument = getattr(data, "instrument", None)
    if instrument is None:
        raise InputError(
            "Without a model text the data must be Responses, whose instrument says which items "
            "measure which subscale.",
            hint="Write the model, e.g. 'f =~ item_1 + item_2 + item_3'.",
        )
    subscales = {s.id: tuple(s.items) for s in instrument.subscales}
    return structure_model(subscales, model or "correlated", items=instrument.item_ids)
