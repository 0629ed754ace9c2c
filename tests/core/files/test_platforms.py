"""Exports of survey platforms: their headers, and rows that are no finished answers."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyreadstat
import pytest

import cte_metrics as cte
from cte_metrics import read_responses
from tests.core.files.surveys import WORDS, answers, asked, labelled, workbook, written

IMPORT_IDS = [
    '{"ImportId":"status"}', '{"ImportId":"finished"}', '{"ImportId":"_recordId"}',
    '{"ImportId":"distributionChannel"}', *(f'{{"ImportId":"QID1_{j}"}}' for j in (1, 2, 3)),
]  # fmt: skip
NAMES = ["Status", "Finished", "ResponseId", "DistributionChannel", "q1", "q2", "q3"]
TEXTS = ["Response Type", "Finished", "Response ID", "Distribution Channel", *(
    f"Think of your school. - {gloss}" for gloss in ("Sets goals", "Gives up", "Asks for help")
)]  # fmt: skip
ROWS = [
    ["IP Address", "True", "R_1", "anonymous", 1, 2, 3],
    ["Survey Preview", "True", "R_2", "preview", 5, 5, 5],
    ["IP Address", "False", "R_3", "email", 2, None, None],
    ["IP Address", "True", "R_4", "gl", 4, 4, 4],
    ["Survey Test", "True", "R_5", "test", 3, 3, 3],
]
CODES = {"IP Address": 0, "Survey Preview": 1, "Survey Test": 2}


def export(path: Path, rows: list[list[object]], header: list[list[str]]) -> Path:
    if path.suffix == ".xlsx":
        return workbook(path, [*header, *rows])
    frame = pd.DataFrame([*header, *rows], dtype=object)
    tabs = path.suffix == ".tsv"
    frame.to_csv(
        path, index=False, header=False, sep="\t" if tabs else ",",
        encoding="utf-16" if tabs else "utf-8",
    )  # fmt: skip
    return path


@pytest.mark.problem(
    "qualtRics, excluder",
    "previews, tests and unfinished rows of a Qualtrics export are counted as respondents",
    "they are left out unless keep_rows= names them; notes and the report count them",
)
@pytest.mark.parametrize("name", ["q.csv", "q.tsv", "q.xlsx"])
@pytest.mark.parametrize("coded", [False, True])
def test_rows_that_are_no_finished_answers_of_respondents(
    tmp_path: Path, name: str, coded: bool
) -> None:
    rows = [list(row) for row in ROWS]
    if coded:
        rows = [[CODES[s], int(f == "True"), *rest] for s, f, *rest in rows]
    path = export(tmp_path / name, rows, [NAMES, TEXTS, IMPORT_IDS])
    read = read_responses(path, asked(), respondent="ResponseId")
    assert read.respondent.tolist() == ["R_1", "R_4"]
    assert read.notes[-2:] == (
        "2 rows of previews and tests of the survey were left out "
        "(keep_rows=['preview'] keeps them).",
        "1 row of respondents who did not finish was left out (keep_rows=['unfinished'] keeps it).",
    )
    kept = read_responses(path, asked(), keep_rows="unfinished")
    assert answers(kept)[1][0] == 2
    assert len(kept) == 3
    assert "1 row of respondents who did not finish was kept." in kept.notes
    assert len(read_responses(path, asked(), keep_rows=["preview", "unfinished"])) == 5


def test_each_mark_of_a_preview_counts(tmp_path: Path) -> None:
    for name, value in (("Status", "Survey Preview"), ("DistributionChannel", "preview")):
        frame = pd.DataFrame({"ResponseId": ["a", "b"], "q1": 1, "q2": 2, "q3": 3})
        frame[name] = ["x", value]
        frame.to_csv(tmp_path / "q.csv", index=False)
        assert len(read_responses(tmp_path / "q.csv", asked())) == 1


def test_the_same_of_an_export_to_spss_or_parquet(tmp_path: Path) -> None:
    frame = pd.DataFrame(ROWS, columns=NAMES)
    frame = frame.assign(Status=frame["Status"].map(CODES), Finished=[1, 1, 0, 1, 1])
    frame[["q1", "q2", "q3"]] = frame[["q1", "q2", "q3"]].astype(float)
    pyreadstat.write_sav(frame, tmp_path / "q.sav")
    frame.to_parquet(tmp_path / "q.parquet")
    for name in ("q.sav", "q.parquet"):
        read = read_responses(tmp_path / name, asked(), respondent="ResponseId")
        assert read.respondent.tolist() == ["R_1", "R_4"]
        assert len(read.notes) == 2
        kept = read_responses(tmp_path / name, asked(), keep_rows="preview")
        assert len(kept) == 4


def test_a_survey_with_a_status_of_its_own_keeps_all_rows(tmp_path: Path) -> None:
    path = written(
        tmp_path / "s.csv", "Status,Finished,q1,q2,q3\npreview,False,1,2,3\nx,True,1,2,3\n"
    )
    read = read_responses(path, asked())
    assert (len(read), read.notes) == (2, ())


def test_where_no_row_is_left_the_error_says_how_to_keep_them(tmp_path: Path) -> None:
    path = export(tmp_path / "q.csv", [ROWS[1]], [NAMES, TEXTS, IMPORT_IDS])
    with pytest.raises(cte.InputError, match=r"No row is left. 1 row of previews") as caught:
        read_responses(path, asked())
    assert "keep_rows=" in str(caught.value)
    with pytest.raises(cte.InputError, match="keep_rows='previews' is not one of"):
        read_responses(path, asked(), keep_rows="previews")


def test_they_are_counted_on_the_report(tmp_path: Path) -> None:
    rows = [[*row[:4], 1 + j % 5, 1 + j % 4, 1 + j % 3] for j in range(6) for row in ROWS]
    read = read_responses(export(tmp_path / "q.csv", rows, [NAMES, TEXTS, IMPORT_IDS]), asked())
    page = cte.validate(read).to_html()
    assert "12 rows of previews and tests of the survey were left out" in page
    assert "6 rows of respondents who did not finish were left out" in page


@pytest.mark.problem(
    "qualtRics",
    "old Qualtrics exports have two header rows, and the second becomes a respondent",
    "both are recognised, also where the first names columns V1, V2",
)
@pytest.mark.parametrize("names", [["ResponseID", "Finished"], ["V1", "V10"]])
def test_old_exports_of_qualtrics(tmp_path: Path, names: list[str]) -> None:
    second = ["ResponseID", "Finished", *TEXTS[4:]]
    rows = [["R_1", 1, 1, 2, 3], ["R_2", 1, 2, 3, 4]]
    path = export(tmp_path / "q.csv", rows, [[*names, "Q1_1", "Q1_2", "Q1_3"], second])
    read = read_responses(path, asked(), respondent=names[0])
    assert answers(read) == [[1, 2, 3], [2, 3, 4]]
    assert read.respondent.tolist() == ["R_1", "R_2"]


MONKEY = [
    [
        "Respondent ID",
        "Collector ID",
        "Start Date",
        "Please rate:",
        "",
        "",
        "Your school?",
        "More?",
    ],
    ["", "", "", "Sets goals", "Gives up", "Asks for help", "Response", "Open-Ended Response"],
]


@pytest.mark.problem(
    "svmkrR, SurveyMonkey users",
    "the second header row of SurveyMonkey becomes a respondent called 'Response'",
    "it is part of the header; rows of a grid bear its names, questions the first row's",
)
@pytest.mark.parametrize("name", ["m.csv", "m.xlsx"])
def test_surveymonkey_has_two_header_rows(tmp_path: Path, name: str) -> None:
    rows = [
        [101, 7, "01/02/2024", "Strongly agree", "Agree", "Neutral", "Oak", 'x, "y"\nz'],
        [102, 7, "01/02/2024", "Disagree", "", "Strongly disagree", "Elm", ""],
    ]
    path = export(tmp_path / name, rows, MONKEY)
    read = read_responses(path, labelled(), respondent="Respondent ID", group="Your school?")
    assert answers(read)[0] == [5, 4, 3]
    assert read.group.tolist() == ["Oak", "Elm"]
    assert read.respondent.tolist() == [101, 102]
    assert "SurveyMonkey export" in read.notes[-1]
    given = read_responses(path, asked(), labels=WORDS)
    assert given.items.equals(read.items)


def test_grids_of_surveymonkey_with_the_same_rows_stay_apart(tmp_path: Path) -> None:
    head = [
        ["Respondent ID", "Collector ID", "At school", "", "At home", ""],
        ["", "", "Calm", "Busy", "Calm", "Busy"],
    ]
    path = export(tmp_path / "m.csv", [[1, 7, 1, 2, 3, 4]], head)
    instrument = asked(("a", "b"))
    named = {"At school - Calm": "a", "At home - Busy": "b"}
    assert answers(read_responses(path, instrument, columns=named)) == [[1, 4]]


@pytest.mark.problem(
    "LimeSurvey users",
    "rows of respondents who never submitted are counted as complete",
    "rows without a date of submission are left out unless asked for, and counted",
)
@pytest.mark.parametrize("names", [("submitdate", "lastpage"), ("Date submitted", "Last page")])
def test_rows_that_limesurvey_never_received(tmp_path: Path, names: tuple[str, str]) -> None:
    frame = pd.DataFrame({"id": [1, 2, 3], names[0]: ["2024-01-01", "", "1980-01-01"], names[1]: 3})
    frame = frame.assign(q1=1, q2=2, q3=3)
    frame.to_csv(tmp_path / "l.csv", index=False)
    read = read_responses(tmp_path / "l.csv", asked(), respondent="id")
    assert read.respondent.tolist() == [1, 3]
    assert "1 row of respondents who did not finish" in read.notes[-1]
    assert len(read_responses(tmp_path / "l.csv", asked(), keep_rows="unfinished")) == 3


@pytest.mark.problem(
    "Qualtrics",
    "previews count as respondents once the identifiers are taken off an export",
    "Status or DistributionChannel alone tells that rows are previews",
)
@pytest.mark.parametrize("removed", [["ResponseId"], ["ResponseId", "DistributionChannel"]])
def test_an_export_without_identifiers_still_tells_its_previews(
    tmp_path: Path, removed: list[str]
) -> None:
    frame = pd.DataFrame([TEXTS, IMPORT_IDS, *ROWS], columns=NAMES).drop(columns=removed)
    frame.to_csv(tmp_path / "q.csv", index=False)
    read = read_responses(tmp_path / "q.csv", asked())
    assert read.items["q1"].tolist() == [1, 4]
    assert "2 rows of previews and tests" in " ".join(read.notes)


def test_a_status_of_another_kind_leaves_nothing_out(tmp_path: Path) -> None:
    rows = {"Status": ["teacher", "head"], "Finished": [False, True], "q1": [1, 2]}
    pd.DataFrame(rows).assign(q2=3, q3=3).to_csv(tmp_path / "o.csv", index=False)
    assert len(read_responses(tmp_path / "o.csv", asked())) == 2


@pytest.mark.problem(
    "Excel",
    "an answer in cells merged over several respondents is missing for all but the first, silently",
    "a note names the column",
)
def test_merged_answers_are_told(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for row in (["q1", "q2", "q3"], [1, 2, 3], [None, 4, 5]):
        book.active.append(row)
    book.active.merge_cells("A2:A3")
    book.save(tmp_path / "m.xlsx")
    read = read_responses(tmp_path / "m.xlsx", asked())
    assert read.items["q1"].fillna(-1).tolist() == [1, -1]
    assert read.notes == ("Merged cells of 'q1' count in their first row only.",)
