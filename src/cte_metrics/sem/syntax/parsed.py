"""What a model text says: rows, constraints and blocks, before any default."""

from __future__ import annotations

from dataclasses import dataclass

from cte_metrics.sem.syntax.modifiers import Modifier


@dataclass(frozen=True, slots=True)
class Row:
    """One relation of the model; ``block`` is the index of its block in the text (from 0)."""

    lhs: str
    op: str
    rhs: str
    block: int = 0
    modifier: Modifier | None = None


@dataclass(frozen=True, slots=True)
class Constraint:
    """A constraint or definition; ``user`` is 1 as written, 2 when it follows from an option."""

    lhs: str
    op: str
    rhs: str
    user: int = 1


@dataclass(frozen=True, slots=True)
class Block:
    """A part of the model; ``group`` and ``level`` are the identifiers of the text, if any."""

    group: str | None = None
    level: str | None = None


@dataclass(frozen=True, slots=True)
class ParsedModel:
    """What a model text says, without any default.

    Created by: ``cte_metrics.sem.syntax.reader.parse_model``.
    Consumed by: ``cte_metrics.sem.table.table.build_table``.
    """

    rows: tuple[Row, ...]
    constraints: tuple[Constraint, ...]
    blocks: tuple[Block, ...]
    text: str = ""

    @property
    def groups(self) -> tuple[str, ...]:
        """Group identifiers in order of appearance; empty without ``group:`` blocks."""
        return tuple(dict.fromkeys(b.group for b in self.blocks if b.group is not None))

    @property
    def levels(self) -> tuple[str, ...]:
        """Level identifiers in order of appearance; empty without ``level:`` blocks."""
        return tuple(dict.fromkeys(b.level for b in self.blocks if b.level is not None))
