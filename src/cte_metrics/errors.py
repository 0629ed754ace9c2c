"""Every exception and warning of the package.

An error says what is wrong with the offending and the allowed values, then, after a blank line,
``Hint:`` and the next step. Each class is also the builtin that a caller expects.

Functions: ``close_names, one_of, check_confidence, warn``.
"""

from __future__ import annotations

import difflib
import os
import sys
import warnings
from collections.abc import Iterable
from typing import Any, TypeVar, get_args

T = TypeVar("T", bound=str)

PACKAGE = os.path.join(os.path.dirname(__file__), "")


class CTEError(Exception):
    """Base class of every error raised by the package."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        self.problem = message
        self.hint = hint
        super().__init__(message if hint is None else f"{message}\n\nHint: {hint}")

    def __str__(self) -> str:
        """Return the message as written (``KeyError`` would quote it)."""
        return str(self.args[0])


class InputError(CTEError, ValueError):
    """A value that cannot be used."""


class UnknownNameError(CTEError, KeyError):
    """A column, item, scale or instrument that does not exist."""


class InputTypeError(CTEError, TypeError):
    """An argument of a kind that cannot be used."""


class InstrumentError(InputError):
    """An instrument that cannot be scored."""


class ModelSyntaxError(InputError):
    """Model text that cannot be read."""


class IdentificationError(InputError):
    """A model whose parameters the data cannot determine."""


class EstimationError(CTEError, RuntimeError):
    """An estimation that found no solution."""


class MissingExtraError(CTEError, ImportError):
    """An optional dependency that is not installed."""


class CTEWarning(UserWarning):
    """Base class of every warning raised by the package."""


class ImproperSolutionWarning(CTEWarning):
    """An estimate outside its parameter space (negative variance, communality of 1, ...)."""


class NonConvergenceWarning(CTEWarning):
    """An iteration that stopped before its criterion was met."""


class DataWarning(CTEWarning):
    """Something about the data that the reader of a result must know."""


def close_names(name: object, allowed: Iterable[object]) -> str:
    """Suggest names that resemble a misspelt one; empty text when none does.

    Examples
    --------
    >>> close_names("alfa", ["alpha", "omega"])
    " Did you mean 'alpha'?"
    >>> close_names("zzz", ["alpha"])
    ''
    """
    known = [str(a) for a in allowed]
    folded = {k.casefold(): k for k in known}
    hits = difflib.get_close_matches(str(name).casefold(), list(folded), n=3, cutoff=0.6)
    if not hits:
        return ""
    return " Did you mean " + " or ".join(repr(folded[h]) for h in hits) + "?"


def one_of(value: T, allowed: Any, name: str) -> T:
    """Return ``value`` when it is an allowed option, otherwise raise ``InputError``.

    ``allowed`` is the ``Literal`` that the signature shows, so that an option is listed once; a
    list that is only known while running may be given as it is.

    Examples
    --------
    >>> from typing import Literal
    >>> Method = Literal["mean", "sum"]
    >>> one_of("mean", Method, "method")
    'mean'
    """
    options = get_args(allowed) or tuple(allowed)
    try:
        known = value in options
    except (TypeError, ValueError):  # arrays and frames compare entry by entry
        known = False
    if not known:
        listed = ", ".join(repr(o) for o in options)
        near = close_names(value, options) if isinstance(value, str) else ""
        raise InputError(f"{name}={value!r} is not one of {listed}.{near}")
    return value


def check_confidence(confidence: float) -> float:
    """Return a confidence level, or refuse one that is not between 0 and 1.

    Examples
    --------
    >>> check_confidence(0.9)
    0.9
    """
    try:
        inside = bool(0 < confidence < 1)
    except (TypeError, ValueError):
        raise InputTypeError(
            f"confidence is a number between 0 and 1; got {type(confidence).__name__}."
        ) from None
    if not inside:
        raise InputError(
            f"confidence={confidence!r} is not between 0 and 1.", hint="95% is confidence=0.95."
        )
    return float(confidence)


def warn(text: str, category: type[CTEWarning]) -> None:
    """Warn at the line that called the package: its own frames are passed over."""
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and frame.f_code.co_filename.startswith(PACKAGE):
        frame, level = frame.f_back, level + 1
    warnings.warn(text, category, stacklevel=level)
