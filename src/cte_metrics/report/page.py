"""One self-contained HTML page from a dossier: no outside requests, every text escaped."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from cte_metrics.plots.svg import to_svg
from cte_metrics.report.section import Decision, Section
from cte_metrics.report.texts import written
from cte_metrics.results.provenance import Provenance
from cte_metrics.results.render.blocks import cell
from cte_metrics.results.render.html import html_table

WORDS = {"good": "supported", "caution": "with care", "stop": "not supported", "info": "described"}


def render(
    *,
    title: str,
    subtitle: str,
    banners: Sequence[str],
    sections: Sequence[Section],
    footer: str,
    provenance: Provenance,
    path: str | Path | None = None,
) -> str:
    """Return the page as text, and write it to ``path`` when one is given.

    Tables and figures are shown in full; figures are inline SVG.
    """
    from jinja2 import Environment, select_autoescape
    from markupsafe import Markup

    environment = Environment(autoescape=select_autoescape(default=True, default_for_string=True))
    source = resources.files("cte_metrics.report").joinpath("template.html").read_text("utf-8")
    page = environment.from_string(source).render(
        title=title,
        subtitle=subtitle,
        banners=banners,
        decisions=[_decision(d) for s in sections for d in s.decisions],
        sections=[_section(s, Markup) for s in sections],
        footer=[footer, *_origin(provenance)],
    )
    return written(page, path)


def _origin(provenance: Provenance) -> list[str]:
    """Say how the figures can be made again."""
    asked = f"Instrument: {provenance.instrument}." if provenance.instrument else ""
    seed = "" if provenance.seed is None else f"Seed of random numbers: {provenance.seed}."
    asked_for = {name: v for name, v in provenance.settings.items() if v is not None}
    settings = "; ".join(f"{name} = {cell(v)}" for name, v in asked_for.items())
    return [line for line in (asked, seed, f"Settings: {settings}." if settings else "") if line]


def _decision(decision: Decision) -> dict[str, Any]:
    return {
        "question": decision.question,
        "verdict": decision.verdict,
        "level": decision.level,
        "word": WORDS[decision.level],
        "figures": [(label, cell(value)) for label, value in decision.figures.items()],
        "rule": decision.rule,
        "source": decision.source,
    }


def _section(section: Section, markup: type) -> dict[str, Any]:
    return {
        "id": section.id,
        "title": section.title,
        "text": section.text,
        "tables": [(name, markup(html_table(t, None))) for name, t in section.tables.items()],
        "figures": [(name, markup(to_svg(draw()))) for name, draw in section.drawings.items()],
        "notes": section.notes,
    }
