"""Where the answers of a table begin: titles, header rows, trailing delimiters, row names."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

import cte_metrics as cte
from cte_metrics import read_responses
from tests.core.files.surveys import answers, asked, labelled, workbook, written

ROWS = [[1, 2, 3], [2, 3, 4], [3, 4, 5]]
DELIMITERS = [",", ";", "\t", "|"]


def table(header: list[str], rows: list[list[object]], delimiter: str = ",", end: str = "") -> str:
    lines = [delimiter.join(header)]
    lines += [delimiter.join("" if v is None else str(v) for v in row) + end for row in rows]
    return "\n".join(lines) + "\n"


@pytest.mark.problem(
    "pandas.read_csv",
    "a delimiter at the end of each line shifts every column by one, without a word",
    "the empty last field is passed over, and a note says so",
)
@pytest.mark.parametrize("delimiter", DELIMITERS)
@pytest.mark.parametrize("times", [1, 2])
def test_a_trailing_delimiter_shifts_nothing(tmp_path: Path, delimiter: str, times: int) -> None:
    text = table(["q1", "q2", "q3"], ROWS, delimiter, delimiter * times)
    read = read_responses(written(tmp_path / "t.csv", text), asked())
    assert answers(read) == ROWS
    assert "Rows end in delimiters beyond the header" in read.notes[-1]


def test_trailing_delimiters_of_some_rows_and_beside_identifiers(tmp_path: Path) -> None:
    text = "id,school,q1,q2,q3\n001,Oak,1,2,3,\n002,Oak,2,3,4\n003,Elm,3,4,5,\n"
    for rows in (text, text.replace("001,Oak,1,2,3,", "001,Oak,1,2,3")):
        path = written(tmp_path / "t.csv", rows)
        read = read_responses(path, asked(), respondent="id", group="school")
        assert answers(read) == ROWS
        assert read.respondent.tolist() == ["001", "002", "003"]


def test_a_trailing_delimiter_of_header_and_rows(tmp_path: Path) -> None:
    path = written(tmp_path / "t.csv", "q1;q2;q3;\n1;2;3;\n2;3;4;\n3;4;5;\n")
    assert answers(read_responses(path, asked())) == ROWS


def test_row_names_of_r_stay_beside_the_answers(tmp_path: Path) -> None:
    path = written(tmp_path / "t.csv", '"q1","q2","q3"\n"a",1,2,3\n"b",2,3,4\n"c",3,4,NA\n')
    read = read_responses(path, asked(), respondent="row_names")
    assert answers(read)[:2] == ROWS[:2]
    assert read.respondent.tolist() == ["a", "b", "c"]
    assert "no header; it was read as the column row_names" in read.notes[-1]


@pytest.mark.problem(
    "pandas.read_csv",
    "a row longer than the header is an error about the innards of the reader",
    "the error names line, widths, and the field that stands in no column",
)
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("q1,q2,q3\n1,2,3\n1,2,3,4\n", "line 3 has 4 fields, the header 3; '4' stands in no"),
        ("q1,q2,q3\n1,2,3,4,5\n1,2,3\n", "line 2 has 5 fields, the header 3"),
        ("q1,q2,q3\n1,2,3,4,5\n1,2,3,4,5\n", "line 2 has 5 fields, the header 3"),
        ('q1,q2,q3\n"1\n",2,3\n2,3,4,no, never\n', "line 4 has 5 fields, the header 3; 'no'"),
        ("q1,q2,q3\n1,2,3,4\n1,2,3,4\n", "line 2 has 4 fields, the header 3"),
        ("id,q1,q2,q3\n1,1,2,3,\n2,1,2,3,5\n", "line 3 has 5 fields, the header 4; '5' stands"),
    ],
)
def test_rows_longer_than_the_header_are_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(cte.InputError, match=message) as caught:
        read_responses(written(tmp_path / "rag.csv", text), asked())
    assert "delimiter=" in str(caught.value)


@pytest.mark.problem(
    "Excel users",
    "a line above the header makes every reader fail, or read the title as the only column",
    "the header is found by the names that are asked for; a note quotes the lines above it",
)
@pytest.mark.parametrize("name", ["t.csv", "t.tsv", "t.xlsx"])
@pytest.mark.parametrize(
    "title", [["Staff survey 2024"], ["Staff survey, spring", "[confidential]"]]
)
def test_title_lines_are_passed_over(tmp_path: Path, name: str, title: list[str]) -> None:
    header = ["q1", "q2", "q3", "school"]
    rows = [[*row, "Oak"] for row in ROWS]
    path = tmp_path / name
    if name == "t.xlsx":
        workbook(path, [*[[line] for line in title], [], header, *rows])
    else:
        body = table(header, rows, "\t" if name == "t.tsv" else ";")
        written(path, "\n".join(title) + "\n\n" + body)
    read = read_responses(path, asked(), group="school")
    assert answers(read) == ROWS
    assert read.group.tolist() == ["Oak"] * 3
    assert title[0] in read.notes[-1]
    assert f"{len(title)} line" in read.notes[-1]


def test_a_row_of_answers_is_no_header(tmp_path: Path) -> None:
    """A name that is looked for stands among the answers; the first header is blank."""
    path = written(tmp_path / "l.csv", ",who,what,value\n1,r1,q1,3\n2,r1,q2,4\n3,r1,q3,5\n")
    with pytest.raises(cte.UnknownNameError, match="The survey has no column"):
        read_responses(path, asked())
    read = read_responses(path, asked(), long=("who", "what", "value"))
    assert answers(read) == [[3, 4, 5]]


def test_many_lines_above_the_header(tmp_path: Path) -> None:
    lines = [["a", "b", "c"]] * 50
    path = written(tmp_path / "t.csv", table(["a", "b", "c"], [*lines, ["q1", "q2", "q3"], *ROWS]))
    assert answers(read_responses(path, asked(), skip=51)) == ROWS
    book = workbook(tmp_path / "t.xlsx", [*lines, ["q1", "q2", "q3"], *ROWS])
    assert answers(read_responses(book, asked(), skip=50)) == ROWS


def test_lines_above_and_rows_of_the_header_may_be_given(tmp_path: Path) -> None:
    text = "a,b,c\nx,y,z\nq1,q2,q3\nfirst,second,third\n1,2,3\n"
    path = written(tmp_path / "t.csv", text)
    with pytest.raises(cte.UnknownNameError, match="no column for 3 of the 3 items"):
        read_responses(path, asked())
    read = read_responses(path, asked(), skip=2, header=2, columns=["first", "second", "third"])
    assert answers(read) == [[1, 2, 3]]
    bare = written(tmp_path / "bare.csv", "1,2,3\n2,3,4\n")
    read = read_responses(bare, asked(), header=0, columns=[2, 1, 0])
    assert answers(read) == [[3, 2, 1], [4, 3, 2]]
    with pytest.raises(cte.InputError, match="skip=9 and header=0 leave no rows"):
        read_responses(bare, asked(), skip=9)
    with pytest.raises(cte.InputError, match="header=-1 is no number of rows"):
        read_responses(bare, asked(), header=-1)


@pytest.mark.problem(
    "Excel users",
    "a first line 'sep=;' is taken for the header",
    "it states the delimiter and is passed over",
)
@pytest.mark.parametrize("line", ["sep=;\n", '"sep=;"\r\n', "SEP=;\n"])
def test_a_line_that_states_the_delimiter(tmp_path: Path, line: str) -> None:
    text = line + table(["q1", "q2", "q3", "note, or none"], [[*r, "a,b"] for r in ROWS], ";")
    read = read_responses(written(tmp_path / "t.csv", text), asked(), covariates="note, or none")
    assert answers(read) == ROWS
    assert read.covariates.iloc[0, 0] == "a,b"


@pytest.mark.problem(
    "Excel users",
    "a header of two rows with merged cells reads as unnamed columns",
    "the lower row names the columns, the upper where it alone does",
)
def test_a_header_of_two_rows(tmp_path: Path) -> None:
    upper = ["Teacher efficacy", None, None, "School"]
    rows = [[*row, "Oak"] for row in ROWS]
    path = workbook(tmp_path / "t.xlsx", [upper, ["q1", "q2", "q3", None], *rows], "A1:C1", "D1:D2")
    read = read_responses(path, asked(), group="School")
    assert answers(read) == ROWS
    assert read.group.tolist() == ["Oak"] * 3
    assert "The header has two rows." in read.notes
    text = table(["Teacher efficacy", "", "", "School"], [["q1", "q2", "q3", ""], *rows])
    again = read_responses(written(tmp_path / "t.csv", text), asked(), group="School")
    assert answers(again) == ROWS


def test_an_unnamed_first_column_is_no_header_of_two_rows(tmp_path: Path) -> None:
    text = ",q1,q2,q3\na,Agree,Neutral,Agree\nb,Disagree,Agree,Agree\n"
    read = read_responses(written(tmp_path / "t.csv", text), labelled())
    assert answers(read) == [[4, 3, 4], [2, 4, 4]]


@pytest.mark.problem(
    "Excel users",
    "merged cells of a school's name leave all rows but the first without a school",
    "they hold for every row that they cover, and a note says so",
)
def test_merged_cells_hold_for_every_row(tmp_path: Path) -> None:
    rows = [
        [*r, school]
        for r, school in zip(ROWS * 2, ["Oak", None, None, "Elm", None, None], strict=True)
    ]
    path = workbook(tmp_path / "t.xlsx", [["q1", "q2", "q3", "school"], *rows], "D2:D4", "D5:D7")
    read = read_responses(path, asked(), group="school")
    assert read.group.tolist() == ["Oak"] * 3 + ["Elm"] * 3
    assert "Merged cells of 'school'" in read.notes[-1]
    blank = workbook(tmp_path / "b.xlsx", [["q1", "q2", "q3", "school"], *rows])
    assert read_responses(blank, asked(), group="school").group.isna().sum() == 4


def test_merged_answers_are_one_answer(tmp_path: Path) -> None:
    path = workbook(tmp_path / "t.xlsx", [["q1", "q2", "q3"], *ROWS], "A2:A3")
    assert read_responses(path, asked()).items["q1"].isna().tolist() == [False, True, False]


@pytest.mark.problem(
    "openpyxl, pandas.read_excel",
    "a formula whose value is not stored reads as a blank cell",
    "it is refused as an answer, and named",
)
def test_formulas_without_a_stored_value(tmp_path: Path) -> None:
    rows = [["q1", "q2", "q3", "school"], [1, "=1+1", 3, "Oak"], [2, 3, 4, "=A1"]]
    path = workbook(tmp_path / "t.xlsx", rows)
    with pytest.raises(cte.InputError, match=r"Column 'q2', row 0: '=1\+1' is a formula whose"):
        read_responses(path, asked())
    with pytest.raises(cte.InputError, match="Column 'school' holds formulas whose values"):
        read_responses(path, asked(), group="school")
    read = read_responses(path, asked(), on_invalid="missing")
    assert read.items["q2"].isna().tolist() == [True, False]
    assert read.issues["value"].tolist() == ["=1+1"]


def test_formulas_with_a_stored_value_are_answers(tmp_path: Path) -> None:
    path = workbook(tmp_path / "t.xlsx", [["q1", "q2", "q3"], [1, "=1+1", 3], [1, "=1", 3]])
    stored(path, "<f>1+1</f><v />", "<f>1+1</f><v>2</v>")
    stored(path, "<f>1</f><v />", "<f>1</f><v></v>", kind="str")
    assert openpyxl.load_workbook(path, data_only=True).active["B2"].value == 2
    read = read_responses(path, asked())
    assert read.items["q2"].fillna(-1).tolist() == [2, -1]
    assert read.issues.empty


def stored(path: Path, written_as: str, wanted: str, kind: str | None = None) -> None:
    """Put a value beside a formula, as a spreadsheet program does when it saves."""
    import zipfile

    with zipfile.ZipFile(path) as packed:
        parts = {name: packed.read(name) for name in packed.namelist()}
    sheet = parts["xl/worksheets/sheet1.xml"].decode()
    assert sheet.count(written_as) == 1
    before, _, after = sheet.partition(written_as)
    if kind is not None:
        head, opening, rest = before.rpartition("<c ")
        before = f'{head}{opening}t="{kind}" {rest}'
    parts["xl/worksheets/sheet1.xml"] = (before + wanted + after).encode()
    with zipfile.ZipFile(path, "w") as packed:
        for name, part in parts.items():
            packed.writestr(name, part)


def test_failed_formulas_are_missing_and_listed(tmp_path: Path) -> None:
    path = workbook(tmp_path / "t.xlsx", [["q1", "q2", "q3", "ses"], [1, 2, 3, 1.5], [2, 3, 4, 2]])
    book = openpyxl.load_workbook(path)
    for cell in ("B2", "D3"):
        book.active[cell].value, book.active[cell].data_type = "#DIV/0!", "e"
    book.save(path)
    read = read_responses(path, asked(), covariates="ses")
    assert read.issues[["column", "value"]].to_numpy().tolist() == [["q2", "#DIV/0!"]]
    assert read.covariates["ses"].isna().tolist() == [False, True]


@pytest.mark.problem(
    "Excel users",
    "columns headed 1, 2, 3 cannot be named",
    "whole numbers name columns where the file has such, and are positions elsewhere",
)
@pytest.mark.parametrize("name", ["t.xlsx", "t.csv"])
def test_numbers_as_headers(tmp_path: Path, name: str) -> None:
    rows = [["id", 1, 2, 3], [7, 1, 2, 3], [8, 2, 3, 4]]
    path = tmp_path / name
    if name == "t.xlsx":
        workbook(path, rows)
    else:
        written(path, table([str(v) for v in rows[0]], rows[1:]))
    expected = [[1, 2, 3], [2, 3, 4]]
    assert answers(read_responses(path, asked(), columns=[1, 2, 3])) == expected
    assert answers(read_responses(path, asked(), columns={1: "q1", 2: "q2", "3": "q3"})) == expected
    turned = read_responses(path, asked(), columns=[3, 2, 1])
    assert answers(turned) == [[3, 2, 1], [4, 3, 2]]
    with pytest.raises(cte.InputError, match="a column is called 1, none is called 0"):
        read_responses(path, asked(), columns=[0, 1, 2])


def test_numbers_as_headers_below_a_title(tmp_path: Path) -> None:
    head = [["Survey of 2024"], [None], ["", "Efficacy", None, None, "Info"]]
    rows = [["id", 1, 2, 3, "school"], ["a", 1, 2, 3, "Oak"]]
    path = workbook(tmp_path / "t.xlsx", [*head, *rows])
    named = {1: "q1", 2: "q2", 3: "q3"}
    read = read_responses(path, asked(), columns=named, group="school")
    assert (answers(read), read.group.tolist()) == ([[1, 2, 3]], ["Oak"])
    with pytest.raises(cte.UnknownNameError, match="skip=; header= says"):
        read_responses(path, asked())


def test_positions_are_positions_where_no_column_is_so_called(tmp_path: Path) -> None:
    path = written(tmp_path / "t.csv", "id,x,y,z\n7,1,2,3\n")
    assert answers(read_responses(path, asked(), columns=range(1, 4))) == [[1, 2, 3]]


def test_blanks_around_headers_do_not_matter(tmp_path: Path) -> None:
    path = workbook(tmp_path / "t.xlsx", [["q1 ", " q2", "q3", "School\n"], [1, 2, 3, "Oak"]])
    for group in ("School", "School\n"):
        read = read_responses(path, asked(), group=group)
        assert (answers(read), read.group.tolist()) == ([[1, 2, 3]], ["Oak"])


def test_sheets_by_name_position_and_the_hint_that_there_are_others(tmp_path: Path) -> None:
    path = tmp_path / "t.xlsx"
    with pd.ExcelWriter(path) as book:
        pd.DataFrame({"About this survey": []}).to_excel(book, sheet_name="Info", index=False)
        pd.DataFrame(ROWS, columns=["q1", "q2", "q3"]).to_excel(book, sheet_name="7", index=False)
    for sheet in (1, "1", "7"):
        assert answers(read_responses(path, asked(), sheet=sheet)) == ROWS
    with pytest.raises(cte.UnknownNameError, match="the sheets 'Info', '7': pass sheet="):
        read_responses(path, asked())
    with pytest.raises(cte.InputError, match=r"no sheet 'Inf'. Did you mean 'Info'"):
        read_responses(path, asked(), sheet="Inf")


def test_dates_and_texts_of_workbooks_keep_their_kinds(tmp_path: Path) -> None:
    rows = [
        ["q1", "q2", "q3", "day", "note"],
        [1, None, 3, date(2024, 5, 1), ""],
        [2, 3, 4, None, "x"],
    ]
    read = read_responses(workbook(tmp_path / "t.xlsx", rows), asked(), covariates=["day", "note"])
    assert read.covariates["day"].iloc[0] == pd.Timestamp(2024, 5, 1)
    assert read.covariates["note"].isna().tolist() == [True, False]
    assert read.items["q2"].isna().tolist() == [True, False]
