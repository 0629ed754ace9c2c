"""Path diagrams of fitted models."""

from __future__ import annotations

from pathlib import Path

import pytest

from cte_metrics import sem
from cte_metrics.errors import InputError
from cte_metrics.plots.path_diagram import path_diagram
from tests.reference_case import case

SECOND = "visual =~ x1 + x2 + x3\ntextual =~ x4 + x5 + x6\nspeed =~ x7 + x8 + x9\n"


def _texts(drawn: object) -> list[str]:
    return [t.get_text() for t in drawn.axes[0].texts]  # type: ignore[attr-defined]


def test_every_variable_and_loading_is_written() -> None:
    fit = sem.cfa(SECOND, case("hs1939").data)
    texts = _texts(fit.plot())
    for name in ("visual", "textual", "speed", *(f"x{i}" for i in range(1, 10))):
        assert name in texts
    assert ".77" in texts  # standardized loading of x1 in lavaan: 0.772


def test_rows_of_a_second_order_model() -> None:
    fit = sem.cfa(SECOND + "g =~ visual + textual + speed", case("hs1939").data)
    drawn = path_diagram(fit, estimates="none")
    height = {t.get_text(): t.get_position()[1] for t in drawn.axes[0].texts}
    assert height["g"] > height["visual"] > height["x1"]


def test_saved_as_svg(tmp_path: Path) -> None:
    fit = sem.fit("x1 ~ x2 + x3\nx4 ~ x1", case("hs1939").data)
    path = tmp_path / "model.svg"
    fit.diagram(path=path, estimates="est")
    assert "<svg" in path.read_text()[:1000]


def test_names_with_a_dollar_sign_are_plain_text() -> None:
    data = case("hs1939").data.rename(columns={"x1": "$x1$"})
    fit = sem.cfa("f =~ `$x1$` + x2 + x3", data)
    assert "$x1$" in _texts(fit.plot())


def test_refusals() -> None:
    fit = sem.cfa("f =~ x1 + x2 + x3", case("hs1939").data)
    with pytest.raises(InputError, match="no parameters in group 2"):
        path_diagram(fit, group=2)
    with pytest.raises(InputError, match="estimates"):
        path_diagram(fit, estimates="std")  # type: ignore[arg-type]


def test_the_diagram_is_svg_text_that_keeps_its_figure(tmp_path: Path) -> None:
    fit = sem.cfa(SECOND, case("hs1939").data)
    drawn = fit.diagram()
    assert drawn.startswith("<svg")
    assert drawn.rstrip().endswith("</svg>")
    assert ">visual<" in drawn
    assert drawn._repr_svg_() == drawn == fit.diagram()
    drawn.savefig(tmp_path / "diagram.pdf")
    assert (tmp_path / "diagram.pdf").read_bytes().startswith(b"%PDF")
