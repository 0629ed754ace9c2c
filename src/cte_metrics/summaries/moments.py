"""Moments: the summary that second-moment analyses read, public and mergeable."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from cte_metrics.core.arguments import checked
from cte_metrics.core.door import column, item_data
from cte_metrics.core.fingerprint import ExactSums, fingerprint
from cte_metrics.core.naming import named_column
from cte_metrics.errors import DataWarning, InputError, UnknownNameError, close_names, warn
from cte_metrics.kernels.summaries.moments import MomentArrays, moments
from cte_metrics.results.frozen import Frozen

if TYPE_CHECKING:
    import pandas as pd


class Moments(Frozen):
    """Number of rows, means and cross-products of items, per group where wanted.

    Build it with :meth:`from_data`; add two with ``+`` to pool surveys without their rows.

    Created by: ``cte_metrics.summaries.moments.Moments.from_data``,
    ``cte_metrics.summaries.moments.Moments.group``.
    Consumed by: ``cte_metrics.reliability.source.read_source``,
    ``cte_metrics.factor.matrices.correlation_input.correlation_matrix``.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"a": [1, 2, 3, 4], "b": [2, 2, 4, 4]})
    >>> whole = Moments.from_data(frame)
    >>> halves = Moments.from_data(frame[:2]) + Moments.from_data(frame[2:])
    >>> halves.n, float(halves.covariance.loc["a", "b"].round(6))
    (4, 1.333333)
    >>> bool((halves.covariance - whole.covariance).abs().max().max() < 1e-12)
    True
    """

    __slots__ = ("arrays", "by", "items")

    def __init__(
        self,
        items: Sequence[str],
        arrays: MomentArrays,
        by: dict[Any, MomentArrays] | None = None,
    ) -> None:
        object.__setattr__(self, "items", tuple(items))
        object.__setattr__(self, "arrays", arrays)
        object.__setattr__(self, "by", by or {})

    items: tuple[str, ...]
    arrays: MomentArrays
    by: dict[Any, MomentArrays]

    def __setattr__(self, name: str, value: Any) -> None:
        """Refuse changes: a summary is frozen."""
        raise AttributeError(f"Moments is frozen; {name!r} cannot be set.")

    def __reduce__(self) -> tuple[Any, ...]:
        """Support pickling and copying."""
        return Moments, (self.items, self.arrays, self.by)

    @classmethod
    def from_data(
        cls,
        frame: Any,
        columns: Sequence[str] | None = None,
        *,
        by: Any = None,
        missing: Literal["listwise", "pairwise"] = "listwise",
    ) -> Moments:
        """Summarise a frame in one pass.

        Parameters
        ----------
        frame : Responses, DataFrame or array (n, k)
            Answers.
        columns : sequence of str, optional
            Items; all columns (but ``by``) by default.
        by : str or array, optional
            Groups to summarise apart as well; rows without a group count in the whole only.
        missing : {"listwise", "pairwise"}
            As in :func:`cte_metrics.kernels.summaries.moments.moments`.

        Returns
        -------
        Moments

        Warns
        -----
        DataWarning
            If the responses hold several waves: the last is summarised, unless they are pooled or
            ``by`` is the wave.
        """
        exclude = named_column(frame, by)
        data = item_data(frame, items=columns, exclude=exclude, what="Moments", variables=(by,))
        if data.notes and len(data.raw) != len(frame):
            warn(data.notes[-1], DataWarning)
        parts = None if by is None else _parts(frame, data, by, missing)
        return cls(data.items, moments(data.raw, missing), parts)

    @property
    def n(self) -> int:
        """Rows used."""
        return self.arrays.n

    @property
    def n_dropped(self) -> int:
        """Rows left out because of missing answers."""
        return self.arrays.n_dropped

    @property
    def mean(self) -> pd.Series:
        """Item means."""
        import pandas as pd

        return pd.Series(self.arrays.mean, index=list(self.items), name="mean")

    @property
    def covariance(self) -> pd.DataFrame:
        """Covariance matrix (divisor n - 1)."""
        return self._square(self.arrays.covariance)

    @property
    def correlation(self) -> pd.DataFrame:
        """Correlation matrix."""
        return self._square(self.arrays.correlation)

    @property
    def groups(self) -> tuple[Any, ...]:
        """Labels of the groups summarised apart."""
        return tuple(self.by)

    @checked
    def group(self, label: Hashable) -> Moments:
        """Return the moments of one group.

        Raises
        ------
        UnknownNameError
            If there is no such group.
        """
        if label not in self.by:
            raise UnknownNameError(f"There is no group {label!r}.{close_names(label, self.by)}")
        return Moments(self.items, self.by[label])

    def fingerprint(self, *, key: str | bytes | None = None) -> str:
        """Return a digest of the answers behind the moments; see :meth:`Responses.fingerprint`.

        It is that of the rows used: pairwise moments and moments of complete answers have the
        fingerprint of the answers themselves, also when they were added up from chunks.

        Raises
        ------
        InputError
            If answers are no whole numbers, or fewer than five respondents answered and there is
            no ``key``.
        """
        a = self.arrays.about(np.zeros(len(self.items)))
        return fingerprint(self.items, ExactSums(a.counts, a.sums, a.cross, a.squares), key)

    def __iter__(self) -> Iterator[tuple[Any, Moments]]:
        """Yield each group's label and moments."""
        return ((label, Moments(self.items, part)) for label, part in self.by.items())

    def __add__(self, other: Moments) -> Moments:
        """Pool two summaries of the same items."""
        if not isinstance(other, Moments):
            return NotImplemented
        if self.items != other.items:
            raise InputError("Moments of different items (or orders) cannot be added.")
        by = dict(self.by)
        for label, part in other.by.items():
            by[label] = by[label] + part if label in by else part
        return Moments(self.items, self.arrays + other.arrays, by)

    def __radd__(self, other: Any) -> Moments:
        """Let ``sum`` pool many (it starts from 0)."""
        return self if isinstance(other, int) and other == 0 else NotImplemented

    def __repr__(self) -> str:
        """Return e.g. ``Moments(n=100, items=12)``."""
        groups = f", groups={len(self.by)}" if self.by else ""
        return f"Moments(n={self.n}, items={len(self.items)}{groups})"

    def _square(self, values: np.ndarray) -> pd.DataFrame:
        import pandas as pd

        return pd.DataFrame(values, index=list(self.items), columns=list(self.items))


def _parts(
    frame: Any, data: Any, by: Any, missing: Literal["listwise", "pairwise"]
) -> dict[Any, MomentArrays]:
    import pandas as pd

    labels = column(frame, by, data.n_respondents, "by")
    codes, groups = pd.factorize(labels, sort=True)
    order = np.argsort(codes, kind="stable")
    ends = np.searchsorted(codes[order], np.arange(len(groups) + 1))
    return {
        label: moments(data.raw[order[ends[g] : ends[g + 1]]], missing)
        for g, label in enumerate(groups)
    }
