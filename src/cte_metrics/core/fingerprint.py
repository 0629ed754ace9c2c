"""A fingerprint of answers: the same for the same answers, whatever their order or source.

It is a digest of exact whole numbers only: for each pair of items the respondents who answered
both, and the sums, squares and products of their answers. Those add up over chunks and do not know
the order of rows, so a survey read at once, in chunks or summarised by a database engine has one
fingerprint. The digest is a slow one (scrypt), and a caller's secret makes it a keyed one.

References: Percival, C. & Josefsson, S. (2016). The scrypt password-based key derivation function.
RFC 7914.

Functions: ``fingerprint``, ``exact_sums``. Class: ``ExactSums``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cte_metrics.errors import InputError, InputTypeError

FEWEST = 5
SALT = b"cte_metrics/fingerprint/1"
_LARGEST = 2.0**53
_NEAR = 1e-3


@dataclass(frozen=True, slots=True)
class ExactSums:
    """Sums over respondents, about zero, in floating point; whole numbers but for rounding.

    Created by ``exact_sums`` and ``Moments``, consumed by ``fingerprint``.

    Attributes
    ----------
    counts, sums, cross, squares : ndarray (k, k)
        Respondents who answered items i and j; their sums of x_i, x_i x_j and x_i squared.
    """

    counts: np.ndarray
    sums: np.ndarray
    cross: np.ndarray
    squares: np.ndarray


def exact_sums(answers: np.ndarray) -> ExactSums:
    """Sum answers (n, k), nan where missing."""
    values = np.asarray(answers, dtype=np.float64)
    present = ~np.isnan(values)
    filled, there = np.where(present, values, 0.0), present.astype(np.float64)
    return ExactSums(there.T @ there, filled.T @ there, filled.T @ filled, (filled**2).T @ there)


def fingerprint(items: Sequence[str], sums: ExactSums, key: str | bytes | None = None) -> str:
    """Return the fingerprint of answers as 32 hexadecimal digits.

    Parameters
    ----------
    items : sequence of str (k,)
        Item names; their order does not matter.
    sums : ExactSums
        Counts and sums of the answers.
    key : str or bytes, optional
        A secret; without it nobody can test a guess.

    Raises
    ------
    InputError
        If answers are no whole numbers, or fewer than five respondents answered and there is no
        key.
    InputTypeError
        If the key is neither text nor bytes.

    Examples
    --------
    >>> import numpy as np
    >>> answers = np.array([[1, 5], [2, 4], [2, 4], [3, 3], [5, 1]])
    >>> one = fingerprint(["a", "b"], exact_sums(answers))
    >>> one == fingerprint(["b", "a"], exact_sums(answers[::-1, ::-1]))
    True
    """
    if key is not None and not isinstance(key, str | bytes):
        raise InputTypeError(f"key is a text or bytes; got {type(key).__name__}.")
    if key is None and np.diagonal(sums.counts).max(initial=0.0) < FEWEST:
        raise InputError(
            f"Fewer than {FEWEST} respondents answered: their answers could be guessed from a "
            "fingerprint.",
            hint="Pass a secret key=, which keeps others from testing guesses.",
        )
    secret = key.encode() if isinstance(key, str) else key
    salt = SALT + b"/" + secret if secret else SALT
    return hashlib.scrypt(_canonical(items, sums), salt=salt, n=2**14, r=8, p=1, dklen=16).hex()


def _canonical(items: Sequence[str], sums: ExactSums) -> bytes:
    """Write names and whole numbers in one order, that of the names."""
    order = np.argsort(np.array(items, dtype=str), kind="stable")
    rows, columns = np.triu_indices(len(order))
    lines = [",".join(repr(str(items[i])) for i in order)]
    for values in (sums.counts, sums.sums, sums.sums.T, sums.cross, sums.squares, sums.squares.T):
        whole = _whole(values[np.ix_(order, order)][rows, columns])
        lines.append(",".join(map(str, whole.tolist())))
    return "\n".join(lines).encode()


def _whole(values: np.ndarray) -> np.ndarray:
    whole = np.rint(values)
    if not (np.abs(values - whole) < _NEAR).all() or (np.abs(whole) >= _LARGEST).any():
        raise InputError(
            "A fingerprint needs answers that are whole numbers; these are not.",
            hint="Take the items' codes, not scores or standardised values.",
        )
    return whole.astype(np.int64)
