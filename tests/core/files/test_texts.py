"""Text files as editors and older programs leave them: line ends, encodings, delimiters."""

from __future__ import annotations

from pathlib import Path

import pytest

import cte_metrics as cte
from cte_metrics import read_responses
from tests.core.files.surveys import asked

LINES = ["q1,q2,q3,school", "1,2,3,Zürich", '4,5,1,"Öst,\nWest"', "2,2,2,Zürich"]


def saved(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    (folder / "s.csv").write_bytes(text.encode(encoding))
    return folder / "s.csv"


@pytest.mark.problem(
    "Excel for Mac",
    "a file whose lines end in carriage returns alone is refused with the reader's own words",
    "lines may end in any of the three ways",
)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_end_in_any_way(tmp_path: Path, end: str) -> None:
    file = saved(tmp_path, end.join(LINES) + end)
    read = read_responses(file, asked(), group="school")
    assert read.items.to_numpy().tolist() == [[1, 2, 3], [4, 5, 1], [2, 2, 2]]
    assert read.group is not None
    assert read.group.tolist() == ["Zürich", "Öst,\nWest", "Zürich"]
    assert read.notes == ()


@pytest.mark.problem(
    "readr, pandas",
    "an older encoding is guessed without a word, and names of schools are garbled",
    "a note names the encoding that was guessed; encoding= names another",
)
def test_a_guessed_encoding_is_told(tmp_path: Path) -> None:
    file = saved(tmp_path, "\n".join(LINES), "cp1252")
    read = read_responses(file, asked(), group="school")
    assert read.notes == (
        "The file is not UTF-8; it was read as cp1252 (encoding= names another).",
    )
    assert read_responses(file, asked(), group="school", encoding="cp1252").notes == ()
    other = saved(tmp_path, "\n".join(LINES), "mac-roman")
    stated = read_responses(other, asked(), group="school", encoding="mac-roman")
    assert stated.group is not None
    assert stated.group[0] == "Zürich"


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32"])
def test_wide_text_without_a_mark_asks_for_its_encoding(tmp_path: Path, encoding: str) -> None:
    file = saved(tmp_path, "\n".join(LINES), encoding)
    with pytest.raises(cte.InputError, match=r"(?s)null characters.*encoding='utf-16-le'"):
        read_responses(file, asked())
    assert len(read_responses(file, asked(), encoding=encoding)) == 3


def test_a_workbook_by_another_name_is_told(tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_bytes(b"PK\x03\x04\x14\x00\x08\x00rest")
    with pytest.raises(cte.InputError, match=r"a workbook ends in \.xlsx"):
        read_responses(tmp_path / "s.csv", asked())


@pytest.mark.parametrize("delimiter", ["", "::", "\n", "\r", '"'])
def test_what_cannot_stand_between_fields(tmp_path: Path, delimiter: str) -> None:
    with pytest.raises(cte.InputError, match="is not one character that may stand between"):
        read_responses(saved(tmp_path, "\n".join(LINES)), asked(), delimiter=delimiter)


def test_a_file_of_one_column_asks_for_its_delimiter(tmp_path: Path) -> None:
    file = saved(tmp_path, "q1^q2^q3\n1^2^3\n")
    with pytest.raises(cte.UnknownNameError, match="read as one column: pass delimiter="):
        read_responses(file, asked())
    assert read_responses(file, asked(), delimiter="^").items.to_numpy().tolist() == [[1, 2, 3]]


@pytest.mark.parametrize("path", [None, 3, b"s.csv", ["s.csv"]])
def test_a_path_is_a_text_or_a_path(path: object) -> None:
    with pytest.raises(cte.InputTypeError, match="path takes a text or a path"):
        read_responses(path, asked())  # type: ignore[arg-type]


@pytest.mark.parametrize("path", ["x" * 5000 + ".csv", "no\0name.csv", "", "x" * 5000 + "/a.csv"])
def test_a_name_that_no_file_can_have(path: str) -> None:
    with pytest.raises(cte.InputError, match="There is no file") as caught:
        read_responses(path, asked())
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("path", ["x" * 5000 + ".yaml", "no\0name.json"])
def test_a_name_that_no_description_can_have(path: str) -> None:
    with pytest.raises(cte.InstrumentError, match="There is no file"):
        cte.load_instrument(path)


def test_a_description_nested_without_end_is_refused(tmp_path: Path) -> None:
    (tmp_path / "deep.json").write_text('{"id": ' + "[" * 100_000 + "]" * 100_000 + "}")
    with pytest.raises(cte.InstrumentError, match="cannot be read"):
        cte.load_instrument(tmp_path / "deep.json")


@pytest.mark.parametrize("long", [3, 2.5, object(), True])
def test_long_takes_names(tmp_path: Path, long: object) -> None:
    with pytest.raises(cte.InputTypeError, match="long takes three names"):
        read_responses(saved(tmp_path, "q1,q2,q3\n1,2,3\n"), asked(), long=long)  # type: ignore[arg-type]
