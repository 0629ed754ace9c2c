"""The options that describe a survey file, and messages in the words of the command line."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pandas as pd
import pytest

import cte_metrics as cte
from cte_metrics.cli.hints import in_flags
from cte_metrics.cli.survey import item_columns
from tests.cli.test_commands import run
from tests.core.files.surveys import WORDS, asked, written

ROWS = pd.DataFrame({"q1": [1, 4], "q2": [2, 5], "q3": [3, 1]})


@pytest.fixture
def instrument(tmp_path: Path) -> Path:
    path = tmp_path / "t.yaml"
    asked().to_file(path)
    return path


def scored(
    capsys: pytest.CaptureFixture[str], *arguments: object, command: str = "score"
) -> pd.DataFrame:
    capsys.readouterr()
    assert run(command, *arguments) == 0
    return pd.read_csv(io.StringIO(capsys.readouterr().out))


@pytest.mark.problem(
    "command line users",
    "sheet, encoding, delimiter, weights and the texts of answers can be said in Python only",
    "each has an option",
)
def test_sheet_encoding_and_delimiter(
    tmp_path: Path, instrument: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pd.ExcelWriter(tmp_path / "s.xlsx") as book:
        pd.DataFrame({"x": [1]}).to_excel(book, sheet_name="notes", index=False)
        ROWS.to_excel(book, sheet_name="answers", index=False)
    ROWS.assign(school="Ñ").to_csv(tmp_path / "s.txt", sep="\t", index=False, encoding="utf-16-le")
    expected = pytest.approx(ROWS.mean(axis=1).tolist())
    for sheet in ("answers", "1"):
        found = scored(capsys, tmp_path / "s.xlsx", "-i", instrument, "--sheet", sheet)
        assert found["total"].tolist() == expected
    for delimiter in ("tab", "\\t", "\t"):
        found = scored(
            capsys, tmp_path / "s.txt", "-i", instrument, "-g", "school",
            "--encoding", "utf-16-le", "--delimiter", delimiter,
        )  # fmt: skip
        assert found["total"].tolist() == expected
    titled = written(tmp_path / "t.csv", "a,b,c\nx,y,z\n" + ROWS.to_csv(index=False))
    found = scored(capsys, titled, "-i", instrument, "--skip", 2, "--header", 1)
    assert found["total"].tolist() == expected


@pytest.mark.parametrize(
    "labels",
    [
        ",".join(WORDS[:4]) + ',"Agree, strongly"',
        'Strongly disagree=1,Disagree=2,Neutral=3,Agree=4,"Agree, strongly"=5',
        "1=Strongly disagree,2=Disagree,3=Neutral,4=Agree,Agree strongly=5",
    ],
)
def test_texts_of_answers(
    tmp_path: Path, instrument: Path, capsys: pytest.CaptureFixture[str], labels: str
) -> None:
    last = "Agree, strongly" if "Agree, strongly" in labels else "Agree strongly"
    frame = pd.DataFrame({"q1": ["Agree", last], "q2": "Neutral", "q3": "Disagree"})
    frame.to_csv(tmp_path / "s.csv", index=False)
    found = scored(capsys, tmp_path / "s.csv", "-i", instrument, "--labels", labels)
    assert found["total"].tolist() == [3, pytest.approx(10 / 3)]


def test_weights_waves_and_long_files(
    tmp_path: Path, instrument: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    frame = ROWS.assign(w=[1.0, 2.0], year=[1, 2], g="a")
    frame.to_csv(tmp_path / "s.csv", index=False)
    options = ("-i", instrument, "--weights", "w", "--wave", "year")
    assert len(scored(capsys, tmp_path / "s.csv", *options)) == 2
    frame.assign(w=[None, 1]).to_csv(tmp_path / "s.csv", index=False)
    assert run("score", tmp_path / "s.csv", *options) == 1
    assert "'w': 1 of 2 respondents have no weight: row 0." in capsys.readouterr().err
    long = ROWS.melt(ignore_index=False).reset_index()
    long.to_csv(tmp_path / "l.csv", index=False)
    options = ("-i", instrument, "--long", "index,variable,value")
    assert scored(capsys, tmp_path / "l.csv", *options)["total"].tolist() == [
        2,
        pytest.approx(10 / 3),
    ]
    assert run("score", tmp_path / "l.csv", "-i", instrument) == 1
    assert "Pass --long respondent,variable,answer" in capsys.readouterr().err


def test_rows_to_keep(tmp_path: Path, instrument: Path, capsys: pytest.CaptureFixture[str]) -> None:
    frame = ROWS.assign(ResponseId=["a", "b"], Finished=["True", "False"])
    frame.to_csv(tmp_path / "q.csv", index=False)
    options = ("score", tmp_path / "q.csv", "-i", instrument)
    assert run(*options) == 0
    shown = capsys.readouterr()
    assert len(shown.out.splitlines()) == 2
    assert "did not finish was left out (--keep-rows unfinished keeps it)" in shown.err
    assert run(*options, "--keep-rows", "unfinished", "--keep-rows", "preview") == 0
    assert len(capsys.readouterr().out.splitlines()) == 3


@pytest.mark.problem(
    "command line users",
    "a header with a comma cannot be named, and columns cannot be given by position",
    "names may stand in quotes; whole numbers are positions where no column is so called",
)
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a,b", ["a", "b"]),
        ('"Yes, we can",b', ["Yes, we can", "b"]),
        (' "a ""b"" c" , d', ['a "b" c', "d"]),
        ("5,6", [5, 6]),
        ('"1 = no",b', ["1 = no", "b"]),
        ('"Yes, we can"=q1,b=q2', {"Yes, we can": "q1", "b": "q2"}),
        ("5=q1,6=q2", {"5": "q1", "6": "q2"}),
    ],
)
def test_columns_are_split_outside_of_quotes(text: str, expected: object) -> None:
    assert item_columns(text) == expected


def test_columns_by_position_and_quoted_header(
    tmp_path: Path, instrument: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    frame = ROWS.set_axis(["How often, say", "x", "1"], axis=1).assign(note="n")
    frame.to_csv(tmp_path / "s.csv", index=False)
    expected = pytest.approx(ROWS.mean(axis=1).tolist())
    for columns in ("0,1,2", '"How often, say",x,1', '"How often, say"=q1,x=q2,1=q3'):
        options = (tmp_path / "s.csv", "-i", instrument, "--columns", columns)
        if columns == "0,1,2":
            assert run("score", *options) == 1
            assert "a column is called 1" in capsys.readouterr().err
            continue
        assert scored(capsys, *options)["total"].tolist() == expected
    frame.rename(columns={"1": "y"}).to_csv(tmp_path / "s.csv", index=False)
    options = (tmp_path / "s.csv", "-i", instrument, "--columns", "0,1,2")
    assert scored(capsys, *options)["total"].tolist() == expected


@pytest.mark.parametrize("text", ['"a,b', 'a"b', '"a"b'])
def test_columns_that_cannot_be_split_are_refused(text: str) -> None:
    with pytest.raises(cte.InputError, match="--columns cannot be read at"):
        item_columns(text)


@pytest.mark.problem(
    "command line users",
    "hints name arguments of Python",
    "they name the options",
)
def test_hints_speak_of_options(
    tmp_path: Path, instrument: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path / "s.csv", "q1,q2,q3\n9,Agree,1\n")
    assert run("score", path, "-i", instrument) == 1
    shown = capsys.readouterr().err
    assert "--labels" in shown
    assert "--missing-code" in shown
    assert "--on-invalid missing" in shown
    assert not re.search(r"\w+=", shown)
    assert ".issues" not in shown


HINT = re.compile(
    r"\b(columns|missing_codes|on_invalid|delimiter|encoding|sheet|labels|keep_rows|long)="
)


def test_no_hint_about_files_keeps_an_argument_of_python() -> None:
    """Every text of the rooms that read files, told in options."""
    root = Path(cte.__file__).parent / "core"
    texts = [
        line
        for folder in ("files", "survey")
        for path in (root / folder).glob("*.py")
        for line in path.read_text("utf-8").splitlines()
        if "hint" in line or line.strip().startswith(('"', 'f"'))
    ]
    told = [in_flags(text) for text in texts if HINT.search(text)]
    assert len(told) > 10
    assert [text for text in told if HINT.search(text)] == []
