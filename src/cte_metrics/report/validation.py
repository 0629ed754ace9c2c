"""``validate``: everything on one survey, decisions first.

Functions: ``validate``. Class: ``Validation``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from cte_metrics.core.randomness import Seed
from cte_metrics.core.survey.responses import Responses
from cte_metrics.errors import (
    CTEError,
    InputError,
    InputTypeError,
    UnknownNameError,
    close_names,
)
from cte_metrics.report.page import render
from cte_metrics.report.section import Decision, Section
from cte_metrics.report.texts import json_text
from cte_metrics.results import Block, Provenance, Result, recorded
from cte_metrics.results.version import version

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

Progress = Callable[[str, float], None]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class Validation(Result):
    """The dossier of one survey.

    Attributes
    ----------
    title, subtitle, footer : str
        Texts of the page.
    banners : tuple of str
        What must be seen first (simulated answers, an unconfirmed key).
    sections : tuple of Section
        The parts, in reading order.
    """

    _title: ClassVar[str] = "Survey dossier"

    title: str
    subtitle: str
    banners: tuple[str, ...]
    sections: tuple[Section, ...]
    footer: str

    @property
    def decisions(self) -> tuple[Decision, ...]:
        """Every decision with its figures, rule and source."""
        return tuple(d for section in self.sections for d in section.decisions)

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """Every table by its caption."""
        return {name: t.copy() for s in self.sections for name, t in s.tables.items()}

    @property
    def figures(self) -> Mapping[str, Figure]:
        """Every matplotlib figure by its caption; each is drawn when it is looked up."""
        return _Figures({name: draw for s in self.sections for name, draw in s.drawings.items()})

    def to_frame(self) -> pd.DataFrame:
        """Return one row a decision: question, verdict, level, rule, source."""
        return _decision_frame(self.decisions)

    @classmethod
    def _published(cls) -> dict[str, Any]:
        own = Result._published()
        first = {f.name: f.type for f in fields(cls) if f.name not in own}
        return {**first, "decisions": "tuple[Decision, ...]", **own}

    def to_html(self, path: str | Path | None = None) -> str:
        """Return the page as text, and write it to ``path`` when one is given.

        The page is one file without outside requests: styles and figures are inside it (no figures
        where the dossier was restored from its record).
        """
        return render(
            title=self.title,
            subtitle=self.subtitle,
            banners=self.banners,
            sections=self.sections,
            footer=self.footer,
            provenance=self.provenance,
            path=path,
        )

    def to_json(self, path: str | Path | None = None) -> str:
        """Return every figure as JSON text, and write it to ``path`` when one is given."""
        return json_text(self.to_dict(), path)

    def _heading(self) -> str:
        return self.title

    def _blocks(self) -> list[Block]:
        blocks = [Block("", [(b, "") for b in self.banners])] if self.banners else []
        told = (Block(f"{d.question} {d.verdict}", [*d.figures.items()]) for d in self.decisions)
        return [*blocks, *told]


def _decision_frame(decisions: Sequence[Decision]) -> pd.DataFrame:
    import pandas as pd

    columns = ["question", "verdict", "level", "rule", "source"]
    rows = [[getattr(d, c) for c in columns] for d in decisions]
    return pd.DataFrame(rows, columns=columns)


class _Figures(Mapping[str, "Figure"]):
    """Figures by caption, drawn on access."""

    def __init__(self, drawings: Mapping[str, Callable[[], Figure]]) -> None:
        self._drawings = dict(drawings)

    def __getitem__(self, name: str) -> Figure:
        if name not in self._drawings:
            raise UnknownNameError(
                f"There is no figure {name!r}.{close_names(name, self._drawings)}",
                hint="A dossier that was restored from its record has no figures; validate() the "
                "responses again.",
            )
        return self._drawings[name]()

    def __iter__(self) -> Iterator[str]:
        return iter(self._drawings)

    def __len__(self) -> int:
        return len(self._drawings)


@recorded
def validate(
    responses: Responses,
    *,
    outcome: str | None = None,
    wave: Any = None,
    title: str | None = None,
    minimum_group_size: int = 5,
    rng: Seed = 1,
    progress: Progress | None = None,
) -> Validation:
    """Examine one survey whole.

    Parameters
    ----------
    responses : Responses
        The survey.
    outcome : str, optional
        A covariate of the school (achievement, say) to set beside the school scores.
    wave : optional
        The wave to examine; by default the last one. All waves appear in the section on waves.
    title : str, optional
        Heading of the page; the instrument's name by default.
    minimum_group_size : int
        Groups with fewer respondents are suppressed everywhere.
    rng : int or Generator
        Seed of the resampling (parallel analysis); fixed by default, so that a dossier can be
        made again.
    progress : callable, optional
        Called with (step, share done).

    Returns
    -------
    Validation

    Raises
    ------
    InputTypeError
        If ``responses`` is not a ``Responses``, or ``outcome`` is no column of numbers.
    UnknownNameError
        If ``outcome`` is no covariate of the responses, or there is no such wave.

    Notes
    -----
    A part that cannot be made says why, and the others stand.

    Examples
    --------
    >>> import cte_metrics as cte
    >>> dossier = cte.validate(cte.load_example())
    >>> dossier.banners[0]
    'These answers are simulated; they describe no real school.'
    >>> len(dossier.decisions) > 4
    True
    """
    from cte_metrics.report import school_sections, sections

    if not isinstance(responses, Responses):
        raise InputTypeError(
            f"validate needs Responses; got {type(responses).__name__}.",
            hint="Build them with cte.Responses(frame, instrument, group=...) or read_responses.",
        )
    school_sections.check_outcome(responses, outcome)
    tell = progress or (lambda step, share: None)
    examined, chosen = _one_wave(responses, wave)
    steps: list[tuple[str, Callable[[], Section | None]]] = [
        ("Answers", lambda: sections.answers(examined)),
        ("Items and key", lambda: sections.items(examined)),
        ("Reliability", lambda: sections.reliability(examined)),
        ("Structure", lambda: sections.structure(examined, rng)),
        ("Schools", lambda: school_sections.schools(examined, minimum_group_size, outcome)),
        ("Waves", lambda: school_sections.waves(responses, minimum_group_size)),
    ]
    made = []
    for position, (name, build) in enumerate(steps):
        tell(name, position / len(steps))
        made.append(_standing(name, build))
    return Validation(
        title=title or f"{responses.instrument.name or responses.instrument.id}: survey dossier",
        subtitle=_subtitle(examined, chosen),
        banners=_banners(responses),
        sections=tuple(_said_once(s, responses.notes) for s in made if s is not None),
        footer=_footer(responses),
        provenance=Provenance(
            method="Dossier of one survey",
            n_used=len(examined),
            n_dropped=len(responses) - len(examined),
            settings={"wave": chosen, "minimum_group_size": minimum_group_size},
        ),
        notes=_wave_note(responses, chosen),
    )


def _standing(name: str, build: Callable[[], Section | None]) -> Section | None:
    """Return a part of the dossier, or where it cannot be made a part that says why."""
    try:
        return build()
    except CTEError as error:
        why = error.problem
    except Warning:  # the caller turned warnings into errors
        raise
    except Exception as error:  # a fault of the library must not take the other parts with it
        why = f"an unexpected fault, please report it ({type(error).__name__}: {error})."
    said = f"This part could not be made: {why}"
    decision = Decision(
        question=f"{name}: what do the answers show?", verdict=said, level="caution"
    )
    return Section(
        id=name.split()[0].casefold(),
        title=name,
        text="The other parts of the dossier stand.",
        decisions=(decision,),
        notes=(said,),
    )


def _said_once(section: Section, known: tuple[str, ...]) -> Section:
    """Leave notes about the whole survey to the section on answers."""
    if section.id == "answers":
        return section
    return replace(section, notes=tuple(n for n in section.notes if n not in known))


def _one_wave(responses: Responses, wave: Any) -> tuple[Responses, Any]:
    """Return the responses of one wave: a respondent counts once in a cross-sectional figure."""
    if not responses.waves:
        if wave is not None:
            raise InputError(f"wave={wave!r} was asked for, but the responses have no waves.")
        return responses, None
    chosen = responses.waves[-1] if wave is None else wave
    return responses.at_wave(chosen), chosen


def _subtitle(responses: Responses, wave: Any) -> str:
    instrument = responses.instrument
    parts = [f"{len(responses)} respondents"]
    if responses.group is not None:
        parts.append(f"{responses.n_groups} schools")
    parts.append(f"{responses.n_items} items")
    if wave is not None:
        parts.append(f"wave {wave}")
    cited = f". {instrument.citation}" if instrument.citation else ""
    return f"{instrument.name or instrument.id}: {', '.join(parts)}{cited}"


def _banners(responses: Responses) -> tuple[str, ...]:
    lines = []
    if responses.simulated:
        lines.append("These answers are simulated; they describe no real school.")
    instrument = responses.instrument
    if instrument.key_certainty in ("medium", "low"):
        lines.append(
            f"The scoring key is of {instrument.key_certainty} certainty: "
            + " ".join(instrument.notes)
        )
    return tuple(lines)


def _wave_note(responses: Responses, chosen: Any) -> tuple[str, ...]:
    if len(responses.waves) < 2:
        return ()
    return (
        f"Figures rest on wave {chosen!r}, so that each respondent counts once; "
        "the section on waves compares all.",
    )


def _footer(responses: Responses) -> str:
    made = f"Made with cte_metrics {version()}. Figures are rounded for display only."
    rights = responses.instrument.rights
    return f"{made} Rights in the instrument: {rights}" if rights else made
