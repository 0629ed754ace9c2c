"""The page of problems is made from the tests that hold them."""

from __future__ import annotations

from pathlib import Path

from docs import problems

TESTS = Path(__file__).parents[1]

MARKED = """
@pytest.mark.problem("a | b", "it " "breaks", "it holds")
@pytest.mark.parametrize("x", [1])
def test_it(x):
    pass
"""


def test_a_marked_test_becomes_a_line(tmp_path: Path) -> None:
    (tmp_path / "sem").mkdir()
    (tmp_path / "sem" / "test_it.py").write_text(MARKED)
    line = problems.Problem("sem", "it breaks", "it holds", "a | b", "sem/test_it.py::test_it")
    assert problems.problems(tmp_path) == [line]
    assert problems.page(tmp_path).splitlines()[-1] == "| it breaks | it holds | a \\| b |"


def test_a_problem_is_told_once_and_whole() -> None:
    lines = problems.problems(TESTS)
    assert all(line.said and line.here and line.where for line in lines)
    assert len({line.said for line in lines}) == len(lines)
