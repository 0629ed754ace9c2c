"""How an estimation ended, as the sentence that the reader sees."""

from __future__ import annotations

from enum import StrEnum


class Status(StrEnum):
    """The end of an estimation; the value is the sentence to show."""

    OK = "Computed in closed form."
    CONVERGED = "Converged to a proper solution."
    MAX_ITER = "NOT CONVERGED: the iteration limit was reached; do not interpret the estimates."
    IMPROPER = "IMPROPER SOLUTION: an estimate lies outside its parameter space; see the notes."
    SINGULAR = "SINGULAR: the information matrix cannot be inverted; see the notes."
    UNDEFINED = "UNDEFINED for these data; see the notes."

    @property
    def usable(self) -> bool:
        """Whether the figures may be interpreted without reservation.

        Examples
        --------
        >>> Status.CONVERGED.usable, Status.IMPROPER.usable
        (True, False)
        """
        return self in (Status.OK, Status.CONVERGED)
