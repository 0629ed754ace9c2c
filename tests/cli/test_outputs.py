"""What the commands write: nothing over other files unasked, nothing that runs elsewhere."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pandas as pd
import pytest

from tests.cli.test_commands import run
from tests.core.files.surveys import asked

SCHOOLS = ["=cmd|'/C calc'!A0", "@SUM(1)", "+1+cmd|x", "-2+3", "\t=1+1", "Oak"]


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    asked().to_file(tmp_path / "t.yaml")
    frame = pd.DataFrame({"school": SCHOOLS * 6, "q1": [1, 2, 3, 4, 5, 1] * 6, "q2": 2, "q3": 3})
    frame.to_csv(tmp_path / "s.csv", index=False)
    return tmp_path / "s.csv", tmp_path / "t.yaml"


@pytest.mark.problem(
    "command line users",
    "an output file of the same name destroys the survey, another is replaced unasked",
    "what is read is never written over; what exists is replaced with --force only",
)
@pytest.mark.parametrize("command", ["score", "validate"])
def test_files_are_not_written_over_unasked(
    files: tuple[Path, Path], capsys: pytest.CaptureFixture[str], command: str
) -> None:
    survey, instrument = files
    before = survey.read_bytes()
    link = survey.with_name("link.csv")
    link.symlink_to(survey)
    for target in (survey, survey.parent / "." / "s.csv", link, instrument):
        assert run(command, survey, "-i", instrument, "-o", target, "--force") == 1
        assert "is read by this command" in capsys.readouterr().err
    assert survey.read_bytes() == before
    other = survey.with_name("other.csv")
    other.write_text("keep")
    assert run(command, survey, "-i", instrument, "-o", other) == 1
    said = capsys.readouterr().err
    assert "exists already, perhaps from an earlier run" in said
    assert "--force" in said
    assert "other-2.csv" in said
    assert run(command, survey, "-i", instrument, "-o", survey.parent / "none" / "o.csv") == 1
    assert "there is no folder" in capsys.readouterr().err
    assert other.read_text() == "keep"


def test_force_replaces_and_other_commands_ask_as_well(
    files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    survey, instrument = files
    other = survey.with_name("other.csv")
    other.write_text("keep")
    simulated = ("simulate", "ctbs", "--groups", 2, "--group-size", 2, "-o", other)
    for command in (("demo", "-o", other), ("instruments", "-o", other), simulated):
        assert run(*command) == 1
        assert "--force" in capsys.readouterr().err
    assert run("score", survey, "-i", instrument, "-o", other, "--force") == 0
    assert len(pd.read_csv(other)) == 36
    assert run("score", survey, "-i", instrument, "-o", other.parent / "no" / "a.csv") == 1
    assert "cannot be written" in capsys.readouterr().err


@pytest.mark.problem(
    "spreadsheet users",
    "a school called =cmd|... runs as a formula where the table is opened",
    "in CSV an apostrophe stands before such texts, and a note says so",
)
def test_no_text_of_a_table_is_a_formula(
    files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    survey, instrument = files
    assert run("aggregate", survey, "-i", instrument, "-g", "school") == 0
    shown = capsys.readouterr()
    table = pd.read_csv(io.StringIO(shown.out))
    assert set(table["group"]) == {f"'{name}" for name in SCHOOLS[:-1]} | {"Oak"}
    assert table["mean"].dtype.kind == "f"
    assert "got an apostrophe" in shown.err
    assert run("aggregate", survey, "-i", instrument, "-g", "school", "-f", "json") == 0
    assert {row["group"] for row in json.loads(capsys.readouterr().out)} == set(SCHOOLS)


def test_numbers_below_zero_are_numbers(
    files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    survey, instrument = files
    assert run("score", survey, "-i", instrument, "--method", "z") == 0
    shown = capsys.readouterr()
    assert pd.read_csv(io.StringIO(shown.out))["total"].min() < 0
    assert "apostrophe" not in shown.err


def test_an_unknown_instrument_names_the_command_that_lists_them(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run("instruments", "nope") == 1
    assert "'cte-metrics instruments' shows all" in capsys.readouterr().err
