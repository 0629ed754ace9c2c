"""Survey files: every kind reads to the same responses as its frame."""

from __future__ import annotations

import builtins
import importlib
import io

import numpy as np
import openpyxl
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.feather
import pyreadstat
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import cte_metrics as cte
from cte_metrics import Instrument, Item, ResponseScale, read_responses
from cte_metrics.core.files.delimited import delimiter_of

WORDS = {1: "never", 2: "rarely", 3: "sometimes", 4: "often", 5: "always"}
MINI = Instrument(
    "mini",
    "Mini",
    "1",
    ResponseScale(1, 5, WORDS),
    [Item("a", "Sets goals"), Item("b", "Gives up", reverse=True), Item("c", "Asks for help")],
)
FRAME = pd.DataFrame(
    {
        "id": [1, 2, 3],
        "school": ["Ñandú", "x", "x"],
        "ses": [0.5, -1.25, 2.0],
        "a": [1, 4, 5],
        "b": [2.0, np.nan, 3.0],
        "c": [5, 1, 2],
    }
)
ROLES = {"respondent": "id", "group": "school", "covariates": ["ses"]}


def same(read, expected=None):
    """Hold responses against those of the frame."""
    expected = cte.Responses(FRAME, MINI, **ROLES) if expected is None else expected
    pd.testing.assert_frame_equal(read.keyed, expected.keyed)
    pd.testing.assert_series_equal(read.group, expected.group)
    pd.testing.assert_frame_equal(read.covariates, expected.covariates)
    assert read.respondent.tolist() == expected.respondent.tolist()


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1", "cp1252", "utf-16"])
def test_delimited_text_of_any_delimiter_and_encoding(tmp_path, delimiter, encoding):
    path = tmp_path / "survey.csv"
    FRAME.to_csv(path, index=False, sep=delimiter, encoding=encoding)
    same(read_responses(path, MINI, **ROLES))


def test_a_decimal_comma_and_packed_text(tmp_path):
    path = tmp_path / "survey.csv.gz"
    FRAME.to_csv(path, index=False, sep=";", decimal=",")
    same(read_responses(path, MINI, **ROLES))


def test_a_delimiter_and_an_encoding_may_be_given(tmp_path):
    path = tmp_path / "survey.txt"
    FRAME.to_csv(path, index=False, sep=" ", encoding="latin-1", na_rep="NA")
    with pytest.raises(cte.InputError, match="is not text in 'utf-8'"):
        read_responses(path.rename(tmp_path / "s.dat"), MINI, encoding="utf-8")
    path = tmp_path / "s.dat"
    path.write_text(FRAME.to_csv(index=False, sep=" ", na_rep="NA"), encoding="utf-8")
    same(read_responses(path, MINI, delimiter=" ", **ROLES))
    with pytest.raises(cte.InputError, match="is not text in 'nonsense'"):
        read_responses(path, MINI, encoding="nonsense")


def test_excel_and_its_sheets(tmp_path):
    path = tmp_path / "survey.xlsx"
    with pd.ExcelWriter(path) as book:
        pd.DataFrame({"x": [1]}).to_excel(book, sheet_name="notes", index=False)
        FRAME.to_excel(book, sheet_name="answers", index=False)
    same(read_responses(path, MINI, sheet="answers", **ROLES))
    same(read_responses(path, MINI, sheet=1, **ROLES))
    with pytest.raises(cte.InputError, match="has no sheet 'z'"):
        read_responses(path, MINI, sheet="z")


def test_parquet_feather_and_arrow(tmp_path):
    polars = pl.from_pandas(FRAME)
    polars.write_parquet(tmp_path / "s.parquet")
    pa.feather.write_feather(polars.to_arrow(), tmp_path / "s.feather")
    polars.write_ipc_stream(tmp_path / "s.arrow")
    for name in ("s.parquet", "s.feather", "s.arrow"):
        same(read_responses(tmp_path / name, MINI, **ROLES))


def test_spss_with_value_labels_and_user_missing_values(tmp_path):
    path = tmp_path / "s.sav"
    frame = FRAME.assign(b=[2.0, 9.0, 3.0])
    labels = {"a": {float(k): v.upper() for k, v in WORDS.items()}, "b": {9: "no answer"}}
    pyreadstat.write_sav(
        frame, path, variable_value_labels=labels, missing_ranges={"b": [{"lo": 8, "hi": 9}]}
    )
    r = read_responses(path, MINI, **ROLES)
    same(r)
    assert r.issues[["column", "value", "problem"]].to_numpy().tolist() == [
        ["b", 9.0, "user-missing in the file: 1 set to missing"]
    ]


def test_a_file_that_numbers_the_answers_the_other_way_is_recoded_and_says_so(tmp_path):
    path = tmp_path / "s.sav"
    turned = {float(6 - k): v for k, v in WORDS.items()}
    pyreadstat.write_sav(FRAME.assign(a=6 - FRAME["a"]), path, variable_value_labels={"a": turned})
    r = read_responses(path, MINI, **ROLES)
    same(r)
    assert r.issues["problem"].tolist() == [
        "recoded by the file's value labels: 5 is 1, 4 is 2, 2 is 4, 1 is 5"
    ]
    pyreadstat.write_sav(FRAME, path, variable_value_labels={"a": {1: "always"}})
    with pytest.raises(cte.InputError, match=r"number the answers differently .* code 4 has no"):
        read_responses(path, MINI)


def test_stata_with_extended_missing_values(tmp_path):
    path = tmp_path / "s.dta"
    frame = FRAME.assign(b=[2.0, "z", 3.0])
    pyreadstat.write_dta(frame, path, missing_user_values={"b": ["z"]})
    r = read_responses(path, MINI, **ROLES)
    same(r)
    assert r.issues["value"].tolist() == ["z"]
    FRAME.to_stata(path, write_index=False)
    same(read_responses(path, MINI, **ROLES))


QUALTRICS = (
    'StartDate,Q1_1,Q1_2,Q1_3,Q2\n"Start Date","How often, say\nin a week? - Sets goals",'
    '"How often? - Gives up","How often? - Asks for help","School"\n'
    '"{""ImportId"":""startDate""}","{""ImportId"":""QID1_1""}","{""ImportId"":""QID1_2""}",'
    '"{""ImportId"":""QID1_3""}","{""ImportId"":""QID2_TEXT""}"\n'
    "2024-05-01,Never,Rarely,always,North\n2024-05-02,4,-99,1,South\n"
)


def test_qualtrics_header_rows_are_recognised(tmp_path):
    path = tmp_path / "q.csv"
    path.write_text(QUALTRICS)
    r = read_responses(path, MINI, group="Q2", missing_codes=[-99])
    assert r.items.to_numpy()[0].tolist() == [1, 2, 5]
    assert np.isnan(r.items.loc[1, "b"])
    assert r.group.tolist() == ["North", "South"]
    assert "Qualtrics export" in r.notes[-1]
    named = read_responses(
        path, MINI, columns={"Q1_1": "a", "Q1_2": "b", "Q1_3": "c"}, missing_codes=[-99]
    )
    pd.testing.assert_frame_equal(named.items, r.items)


def test_qualtrics_as_excel_and_as_utf_16_tab_text(tmp_path):
    rows = pd.read_csv(io.StringIO(QUALTRICS), header=None, dtype=object)
    book = openpyxl.Workbook()
    for row in rows.to_numpy().tolist():
        book.active.append(row)
    book.save(tmp_path / "q.xlsx")
    rows.to_csv(tmp_path / "q.tsv", sep="\t", header=False, index=False, encoding="utf-16")
    for name in ("q.xlsx", "q.tsv"):
        r = read_responses(tmp_path / name, MINI, group="Q2", missing_codes=[-99])
        assert r.items.to_numpy()[0].tolist() == [1, 2, 5]
        assert r.group.tolist() == ["North", "South"]


GOOGLE = (
    '"Timestamp","How often? [Sets goals]","How often? [ Gives  up. ]","How often? [asks for '
    'help]","Your school"\n"2024/05/01 3:04:05 PM GMT+1","Always","Never","Sometimes","North"\n'
)


def test_google_forms_question_texts_are_headers(tmp_path):
    path = tmp_path / "g.csv"
    path.write_text(GOOGLE)
    r = read_responses(path, MINI, group="Your school")
    assert r.items.to_numpy().tolist() == [[5, 1, 3]]
    by_position = read_responses(path, MINI, columns=range(1, 4))
    pd.testing.assert_frame_equal(by_position.items, r.items)


def test_headers_that_match_no_item_are_listed_in_the_error(tmp_path):
    path = tmp_path / "g.csv"
    path.write_text(GOOGLE.replace("Sets goals", "Something else"))
    with pytest.raises(cte.UnknownNameError, match=r"no column for 1 of the 3 items .*: 'a'"):
        read_responses(path, MINI)
    with pytest.raises(cte.InputError, match="no column at position 9; the file has 5 columns"):
        read_responses(path, MINI, columns=[1, 2, 9])
    path.write_text(GOOGLE.replace("Your school", "Also [Sets goals]"))
    with pytest.raises(cte.InputError, match="both look like item 'a'"):
        read_responses(path, MINI)


def test_marks_of_nothing_are_missing_and_listed(tmp_path):
    path = tmp_path / "s.csv"
    path.write_text("school,ses,a,b,c\nx,NA,1,N/A,3\ny,1.5,NA,2,4\n")
    r = read_responses(path, MINI, group="school", covariates="ses")
    assert r.items.isna().to_numpy().sum() == 2
    assert r.covariates["ses"].dtype == np.float64
    assert r.issues["problem"].tolist() == ["missing code: 1 answer set to missing"] * 2
    assert r.issues["value"].tolist() == ["NA", "N/A"]


def test_identifiers_keep_leading_zeros_and_numbers_stay_numbers(tmp_path):
    path = tmp_path / "s.csv"
    path.write_text("id,school,wave,a,b,c\n7,0042,1,1,2,3\n8,0043,2,1,2,3\n")
    r = read_responses(path, MINI, respondent="id", group="school", wave="wave")
    assert r.group.tolist() == ["0042", "0043"]
    assert r.respondent.tolist() == [7, 8]
    assert r.waves == (1, 2)


def test_row_names_without_header_are_no_answers(tmp_path):
    path = tmp_path / "s.txt"
    path.write_text('"a" "b" "c"\n"1" 1 2 3\n"2" 4 5 1\n')
    r = read_responses(path, MINI, delimiter=" ")
    assert r.items.to_numpy().tolist() == [[1, 2, 3], [4, 5, 1]]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("s.xls", "x", r"files ending in '.xls' cannot be read"),
        ("s.csv", " \n", r"s.csv is empty"),
        ("s.csv", "a,b,c\n1,2,3\n1,2,3,4\n", "line 3 has 4 fields, the header 3"),
        ("s.csv", "a,b,c\n", "The survey has no rows"),
        ("s.csv", "a,b,c\n1,2,nope\n", "Column 'c', row 0: 'nope' labels no answer"),
    ],
)
def test_files_that_cannot_be_read_say_why(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(cte.InputError, match=message):
        read_responses(path, MINI)


def test_an_absent_file_suggests_close_names(tmp_path):
    (tmp_path / "survey.csv").write_text("a\n1\n")
    with pytest.raises(cte.InputError, match=r"There is no file .*Did you mean 'survey.csv'"):
        read_responses(tmp_path / "survy.csv", MINI)


@pytest.mark.parametrize(
    ("name", "module"),
    [("s.xlsx", "openpyxl"), ("s.sav", "pyreadstat"), ("s.parquet", "pyarrow.parquet")],
)
def test_a_missing_reader_names_the_extra(tmp_path, monkeypatch, name, module):
    (tmp_path / name).write_text("x")
    known = importlib.import_module

    def absent(wanted, *rest):
        if wanted == module:
            raise ImportError(wanted)
        return known(wanted, *rest)

    monkeypatch.setattr(importlib, "import_module", absent)
    with pytest.raises(cte.MissingExtraError, match=module.partition(".")[0]) as caught:
        read_responses(tmp_path / name, MINI)
    assert 'pip install "cte_metrics[io]"' in str(caught.value)
    assert isinstance(caught.value, builtins.ImportError)


cell = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\x00"), max_size=6
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    rows=st.lists(st.tuples(cell, *[st.none() | st.integers(1, 5)] * 3), min_size=2, max_size=6),
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
)
def test_a_written_frame_is_read_back(tmp_path, rows, delimiter):
    frame = pd.DataFrame(rows, columns=["note", "a", "b", "c"])
    path = tmp_path / "s.csv"
    frame.astype(dict.fromkeys("abc", "Int64")).to_csv(
        path, index=False, sep=delimiter, encoding="utf-8-sig"
    )
    read = read_responses(path, MINI, delimiter=delimiter).items
    assert delimiter_of(path.read_text(encoding="utf-8-sig")) in [",", ";", "\t", "|"]
    pd.testing.assert_frame_equal(read, cte.Responses(frame, MINI).items)


@pytest.mark.parametrize("note", ["True", "false", "TRUE"])
def test_a_column_of_truths_with_gaps_is_read(tmp_path, note):
    path = tmp_path / "s.csv"
    path.write_text(f"note,a,b,c\n,1,2,3\n{note},2,3,4\n")
    read = read_responses(path, MINI, covariates=["note"])
    assert read.items.to_numpy().tolist() == [[1, 2, 3], [2, 3, 4]]
    assert read.covariates["note"].isna().tolist() == [True, False]


@pytest.mark.parametrize("name", ["s.xlsx", "s.sav", "s.dta", "s.parquet", "s.arrow", "s.csv.gz"])
def test_a_damaged_file_is_refused_by_name(tmp_path, name):
    (tmp_path / name).write_bytes(b"this is something else")
    with pytest.raises(cte.InputError, match=f"{name} cannot be read as a"):
        read_responses(tmp_path / name, MINI)


def test_identifiers_in_excel_keep_leading_zeros(tmp_path):
    path = tmp_path / "s.xlsx"
    frame = pd.DataFrame({"id": [7, 8], "school": ["0042", "0043"], "a": 1, "b": 2, "c": 3})
    frame.to_excel(path, index=False)
    r = read_responses(path, MINI, respondent="id", group="school")
    assert r.group.tolist() == ["0042", "0043"]
    assert r.respondent.tolist() == [7, 8]


def test_categories_written_by_polars_are_read(tmp_path):
    frame = FRAME.assign(school=FRAME["school"].astype(str).astype("category"))
    pl.from_pandas(frame).write_ipc(tmp_path / "s.arrow")
    r = read_responses(tmp_path / "s.arrow", MINI, **ROLES)
    assert r.group.tolist() == frame["school"].tolist()


@pytest.mark.parametrize("name", ["s.csv", "s.xlsx"])
def test_an_item_that_stands_twice_in_a_file_is_refused(tmp_path, name):
    frame = pd.DataFrame([[1, 2, 3, 4, 5]], columns=["a", "b", "c", "a", "note"])
    path = tmp_path / name
    frame.to_csv(path, index=False) if name == "s.csv" else frame.to_excel(path, index=False)
    with pytest.raises(cte.InputError, match="two columns named 'a'"):
        read_responses(path, MINI)
    assert read_responses(path, MINI, columns=[3, 1, 2]).items["a"].tolist() == [4]
