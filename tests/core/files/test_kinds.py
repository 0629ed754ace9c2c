"""Files of SPSS, Stata, SAS and OpenDocument, and options that a kind of file can honour."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pyreadstat
import pytest

import cte_metrics as cte
from cte_metrics import read_responses
from tests.core.files.surveys import WORDS, answers, asked, labelled, written

FRAME = pd.DataFrame({"q1": [1.0, 4.0], "q2": [2.0, 5.0], "q3": [3.0, np.nan]})


@pytest.mark.problem(
    "haven, pyreadstat",
    "an SPSS variable whose codes are texts with value labels cannot be recoded",
    "text codes are recoded by their labels, as numbers are",
)
def test_spss_codes_that_are_texts(tmp_path: Path) -> None:
    frame = pd.DataFrame({"q1": ["A1", "A5", "", "A2"]})
    labels = {f"A{code}": word for code, word in enumerate(WORDS, 1)}
    pyreadstat.write_sav(frame, tmp_path / "s.sav", variable_value_labels={"q1": labels})
    read = read_responses(tmp_path / "s.sav", labelled(items=("q1",)))
    assert read.items["q1"].fillna(-1).tolist() == [1, 5, -1, 2]
    assert "recoded by the file's value labels: 'A1' is 1, 'A2' is 2" in read.issues["problem"][0]
    by_list = read_responses(tmp_path / "s.sav", asked(("q1",)), labels=WORDS)
    assert by_list.items.equals(read.items)


def test_spss_text_codes_without_a_label_are_named(tmp_path: Path) -> None:
    frame = pd.DataFrame({"q1": ["A1", "A3"]})
    pyreadstat.write_sav(
        frame, tmp_path / "s.sav", variable_value_labels={"q1": {"A1": WORDS[0], "A5": WORDS[4]}}
    )
    with pytest.raises(cte.InputError, match=r"'A1' is 1, 'A5' is 5.* code 'A3' has no label"):
        read_responses(tmp_path / "s.sav", labelled(items=("q1",)))


def test_spss_codes_that_are_figures_in_texts_need_no_recoding(tmp_path: Path) -> None:
    frame = pd.DataFrame({"q1": ["1", "5"]})
    pyreadstat.write_sav(
        frame, tmp_path / "s.sav", variable_value_labels={"q1": {"1": WORDS[0], "5": WORDS[4]}}
    )
    read = read_responses(tmp_path / "s.sav", labelled(items=("q1",)))
    assert (answers(read), len(read.issues)) == ([[1], [5]], 0)


@pytest.mark.problem(
    "haven, SPSS users",
    "schools appear as 1001.0 although the file has their names as value labels",
    "the value labels name the schools; codes without a label are whole numbers",
)
@pytest.mark.parametrize("name", ["s.sav", "s.dta"])
def test_schools_are_named_by_value_labels(tmp_path: Path, name: str) -> None:
    frame = pd.DataFrame({"q1": [1.0] * 5, "school": [1001, 1002, 1003, 1004, np.nan]})
    labels = {"school": {1001: "Oak", 1002: "Elm", 1003: "Elm"}}
    write = pyreadstat.write_sav if name == "s.sav" else pyreadstat.write_dta
    write(frame, tmp_path / name, variable_value_labels=labels)
    read = read_responses(tmp_path / name, asked(("q1",)), group="school")
    assert read.group.tolist()[:4] == ["Oak", "Elm (1002)", "Elm (1003)", "1004"]
    assert read.group.isna().tolist() == [False] * 4 + [True]
    assert "schools are named by the file's value labels" in read.issues["problem"].tolist()


def test_schools_without_value_labels_are_whole_numbers(tmp_path: Path) -> None:
    frame = pd.DataFrame({"q1": [1.0] * 3, "school": [1001, np.nan, 1002], "id": [1.0, 2.0, 3.0]})
    pyreadstat.write_sav(frame, tmp_path / "s.sav")
    frame.to_csv(tmp_path / "s.csv", index=False)
    for name in ("s.sav", "s.csv"):
        read = read_responses(tmp_path / name, asked(("q1",)), group="school", respondent="id")
        assert [str(v) for v in read.group.dropna()] == ["1001", "1002"]
        assert [str(v) for v in read.respondent] == ["1", "2", "3"]
    same = cte.Responses(frame, asked(("q1",)), group="school")
    assert [str(v) for v in same.group.dropna()] == ["1001", "1002"]


@pytest.mark.problem(
    "SPSS and SAS users",
    "portable and transport files are refused",
    ".por, .xpt, .sas7bdat and .ods are read",
)
@pytest.mark.parametrize(
    ("name", "write"), [("s.por", pyreadstat.write_por), ("s.xpt", pyreadstat.write_xport)]
)
def test_portable_and_transport_files(tmp_path: Path, name: str, write: object) -> None:
    assert callable(write)
    write(FRAME.assign(school=["Oak", "Elm"]).rename(columns=str.upper), tmp_path / name)
    read = read_responses(tmp_path / name, asked(), group="SCHOOL")
    pd.testing.assert_frame_equal(read.items, FRAME)
    assert read.group.tolist() == ["Oak", "Elm"]


def test_sas_data_sets_go_through_pyreadstat(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """pyreadstat writes none, so that its answer stands in for it."""

    def read(path: str, **options: object) -> tuple[pd.DataFrame, SimpleNamespace]:
        asked_for.append((path, options))
        return FRAME.assign(q3=["B", 2.0]).copy(), SimpleNamespace(
            missing_user_values={"q3": ["B"]}, column_names_to_labels={}, variable_value_labels={}
        )

    asked_for: list[object] = []
    monkeypatch.setattr(pyreadstat, "read_sas7bdat", read)
    path = written(tmp_path / "s.sas7bdat", "")
    found = read_responses(path, asked(), encoding="latin1")
    assert asked_for == [(str(path), {"user_missing": True, "encoding": "latin1"})]
    assert found.items["q3"].fillna(-1).tolist() == [-1, 2]
    assert found.issues["problem"].tolist() == ["user-missing in the file: 1 set to missing"]


def test_open_documents(tmp_path: Path) -> None:
    pytest.importorskip("odf")
    with pd.ExcelWriter(tmp_path / "s.ods", engine="odf") as book:
        pd.DataFrame({"x": [1]}).to_excel(book, sheet_name="notes", index=False)
        frame = FRAME.assign(school=["Oak", "007"])
        frame.to_excel(book, sheet_name="answers", index=False, startrow=2)
    read = read_responses(tmp_path / "s.ods", asked(), group="school", sheet="answers")
    pd.testing.assert_frame_equal(read.items, FRAME)
    assert read.group.tolist() == ["Oak", "007"]
    with pytest.raises(cte.UnknownNameError, match="the sheets 'notes', 'answers'"):
        read_responses(tmp_path / "s.ods", asked())


@pytest.mark.parametrize(
    ("name", "module", "package"),
    [
        ("s.ods", "odf", "odfpy"),
        ("s.por", "pyreadstat", "pyreadstat"),
        ("s.xpt", "pyreadstat", "pyreadstat"),
        ("s.sas7bdat", "pyreadstat", "pyreadstat"),
    ],
)
def test_a_missing_reader_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, module: str, package: str
) -> None:
    known = importlib.import_module

    def absent(wanted: str, *rest: str) -> object:
        if wanted == module:
            raise ImportError(wanted)
        return known(wanted, *rest)

    monkeypatch.setattr(importlib, "import_module", absent)
    with pytest.raises(cte.MissingExtraError, match=f"'{package}'") as caught:
        read_responses(written(tmp_path / name, "x"), asked())
    assert "cte_metrics[io]" in str(caught.value)


@pytest.mark.problem(
    "pandas, haven",
    "encoding=, delimiter= or sheet= are passed over where the reader has no use for them",
    "each option is honoured or refused",
)
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("s.sav", {"delimiter": ";"}),
        ("s.sav", {"sheet": "a"}),
        ("s.por", {"encoding": "latin-1"}),
        ("s.dta", {"skip": 1}),
        ("s.xlsx", {"encoding": "latin-1"}),
        ("s.xlsx", {"delimiter": ";"}),
        ("s.csv", {"sheet": 1}),
        ("s.parquet", {"encoding": "latin-1"}),
        ("s.arrow", {"header": 2}),
        ("s.sas7bdat", {"delimiter": ","}),
    ],
)
def test_options_without_a_meaning_are_refused(
    tmp_path: Path, name: str, options: dict[str, object]
) -> None:
    path = written(tmp_path / name, "x")
    with pytest.raises(cte.InputError, match=f"^{next(iter(options))}=.* says nothing about a"):
        read_responses(path, asked(), **options)


def test_an_encoding_holds_for_spss(tmp_path: Path) -> None:
    pyreadstat.write_sav(FRAME.assign(school=["Ñandú", "x"]), tmp_path / "s.sav")
    read = read_responses(tmp_path / "s.sav", asked(), group="school", encoding="utf-8")
    assert read.group.tolist() == ["Ñandú", "x"]
    with pytest.raises(cte.InputError, match=r"s.sav cannot be read"):
        read_responses(tmp_path / "s.sav", asked(), encoding="no such encoding")


def test_a_delimiter_is_one_character(tmp_path: Path) -> None:
    path = written(tmp_path / "s.csv", "q1,q2,q3\n1,2,3\n")
    with pytest.raises(cte.InputError, match="delimiter=';;' is not one character"):
        read_responses(path, asked(), delimiter=";;")


@pytest.mark.problem(
    "pandas, LibreOffice",
    "decimal commas beside NA stay texts, and weights with a gap are refused as '1,5'",
    "they are numbers; a weight that is missing is named as such",
)
@pytest.mark.parametrize("mark", ["NA", "N/A", "", "NULL"])
def test_decimal_commas_beside_marks_of_nothing(tmp_path: Path, mark: str) -> None:
    text = f"q1;q2;q3;w;age\n1,0;2;3;1,5;30,5\n2,0;3;4;{mark};{mark}\n{mark};4;5;0,5;41,2\n"
    path = written(tmp_path / "w.csv", text)
    read = read_responses(path, asked(), covariates=["age"])
    assert read.covariates["age"].fillna(-1).tolist() == [30.5, -1, 41.2]
    assert read.items["q1"].fillna(-1).tolist() == [1, 2, -1]
    assert read.issues["value"].tolist() == ([mark] if mark else [])
    with pytest.raises(cte.InputError, match=r"'w': 1 of 3 respondents have no weight: row 1."):
        read_responses(path, asked(), weights="w")
    whole = written(tmp_path / "v.csv", text.replace(f"4;{mark};", "4;2,25;"))
    assert read_responses(whole, asked(), weights="w").weights.tolist() == [1.5, 2.25, 0.5]


@pytest.mark.problem(
    "tidyr, pandas users",
    "a file with one row an answer cannot be read, and the error lists missing columns",
    "long= names respondent, item and answer; without it the hint says so",
)
@pytest.mark.parametrize("name", ["l.csv", "l.parquet", "l.sav"])
def test_one_row_an_answer(tmp_path: Path, name: str) -> None:
    rows = [
        ("r2", "Oak", 0.5, item, code) for item, code in (("q3", 3.0), ("q1", 1.0), ("q2", 2.0))
    ] + [("r1", "Elm", 2.0, "q1", 4.0), ("r1", "Elm", 2.0, "q2", np.nan)]
    frame = pd.DataFrame(rows, columns=["who", "school", "w", "question", "value"])
    if name == "l.csv":
        frame.to_csv(tmp_path / name, index=False)
    elif name == "l.parquet":
        frame.to_parquet(tmp_path / name)
    else:
        pyreadstat.write_sav(frame, tmp_path / name)
    long = ("who", "question", "value")
    read = read_responses(tmp_path / name, asked(), group="school", weights="w", long=long)
    assert read.items.fillna(-1).to_numpy().tolist() == [[1, 2, 3], [4, -1, -1]]
    assert read.respondent.tolist() == ["r2", "r1"]
    assert read.group.tolist() == ["Oak", "Elm"]
    assert read.weights.tolist() == [0.5, 2.0]
    if name != "l.parquet":
        with pytest.raises(cte.UnknownNameError) as caught:
            read_responses(tmp_path / name, asked())
        assert "long=('respondent', 'question', 'answer')" in str(caught.value)


def test_one_row_an_answer_and_wave(tmp_path: Path) -> None:
    rows = [(p, w, i, p + w) for p in (1, 2) for w in (1, 2) for i in ("q1", "q2", "q3")]
    frame = pd.DataFrame(rows, columns=["id", "wave", "item", "answer"])
    frame.to_csv(tmp_path / "l.csv", index=False)
    long = ("id", "item", "answer")
    read = read_responses(tmp_path / "l.csv", asked(), wave="wave", long=long)
    assert read.items["q1"].tolist() == [2, 3, 3, 4]
    assert (read.respondent.tolist(), read.wave.tolist()) == ([1, 1, 2, 2], [1, 2, 1, 2])
    with pytest.raises(cte.InputError, match="Row 3 answers once more: id '1', item 'q1'"):
        read_responses(tmp_path / "l.csv", asked(), long=long)
    with pytest.raises(cte.InputError, match="'wave' is not the same in all rows of resp"):
        read_responses(
            written(tmp_path / "k.csv", "id,wave,item,answer\n1,1,q1,1\n1,2,q2,1\n"),
            asked(), covariates="wave", long=long,
        )  # fmt: skip
    with pytest.raises(cte.UnknownNameError, match="long: the file has no column 'items'"):
        read_responses(tmp_path / "l.csv", asked(), long=("id", "items", "answer"))
    with pytest.raises(cte.InputError, match="does not name three columns"):
        read_responses(tmp_path / "l.csv", asked(), long=("id", "item"))


def test_items_of_long_files_may_be_numbers_or_question_texts(tmp_path: Path) -> None:
    path = written(tmp_path / "n.csv", "id,item,answer\n1,1,5\n1,2,4\n")
    named = asked(("q1", "q2"))
    long = ("id", "item", "answer")
    assert answers(read_responses(path, named, long=long, columns={1: "q1", 2: "q2"})) == [[5, 4]]
    path = written(tmp_path / "t.csv", "id,item,answer\n01,Sets goals,5\n01,Gives up.,4\n")
    read = read_responses(path, named, long=long)
    assert (answers(read), read.respondent.tolist()) == ([[5, 4]], ["01"])
