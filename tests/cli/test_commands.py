"""The command line: real files in, tables and a page out, sensible exit codes."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import cte_metrics as cte
from cte_metrics.cli.main import main
from tests.reference_case import case

HERE = Path(__file__).parents[1]
SURVEY = HERE / "reference" / "bhr2000_items" / "data.csv"
INSTRUMENT = HERE.parent / "docs" / "how-to" / "company-leadership.yaml"


def run(*arguments: object) -> int:
    """Run the command line in this process and return its exit code."""
    with pytest.raises(SystemExit) as ended:
        main([str(a) for a in arguments])
    return int(ended.value.code or 0)


def test_demo_writes_the_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "cte-report.html"
    assert run("demo", "-o", page) == 0
    shown = capsys.readouterr()
    assert "These answers are simulated" in shown.out
    assert "May teacher answers become a school score" in shown.out
    assert page.read_text().startswith("<!DOCTYPE html>")


def test_the_entry_point_is_installed() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "cte_metrics", "--version"], capture_output=True, text=True
    )
    assert (done.returncode, done.stdout.strip()) == (0, f"cte-metrics {cte.__version__}")


def test_instruments_are_listed_and_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("instruments") == 0
    assert "ces_sf" in capsys.readouterr().out
    assert run("instruments", "--format", "csv") == 0
    assert "ces_sf" in set(pd.read_csv(io.StringIO(capsys.readouterr().out)).iloc[:, 0])
    assert run("instruments", "ces-sf") == 0
    assert "response_scale" in capsys.readouterr().out


def test_scores_go_to_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("score", SURVEY, "-i", INSTRUMENT, "-g", "GRP") == 0
    table = pd.read_csv(io.StringIO(capsys.readouterr().out))
    frame = case("bhr2000_items").data
    items = case("bhr2000_items")["alpha.LEAD"].args["key"]
    np.testing.assert_allclose(table["total"], frame[items].mean(axis=1), atol=1e-12)


def test_school_scores_as_json(tmp_path: Path) -> None:
    out = tmp_path / "schools.json"
    assert run("aggregate", SURVEY, "-i", INSTRUMENT, "-g", "GRP", "-o", out) == 0
    rows = json.loads(out.read_text())
    frame = case("bhr2000_items").data
    items = case("bhr2000_items")["alpha.LEAD"].args["key"]
    expected = frame[items].mean(axis=1).groupby(frame["GRP"]).mean()
    assert len(rows) == len(expected)
    assert rows[0]["mean"] == pytest.approx(expected.loc[rows[0]["group"]], abs=1e-12)


def test_the_real_survey_equals_r(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """alpha (psych), ICC(1), ICC(2), rwg(j) (multilevel) of the nested leadership survey."""
    page, figures = tmp_path / "page.html", tmp_path / "page.json"
    assert (
        run("validate", SURVEY, "-i", INSTRUMENT, "-g", "GRP", "-o", page, "--json", figures) == 0
    )
    assert "Report written to" in capsys.readouterr().out
    body = json.loads(figures.read_text())
    tables = {k: v for s in body["sections"] for k, v in s["tables"].items()}
    reference = case("bhr2000_items")
    alpha = reference["alpha.LEAD"].values["total"]["raw_alpha"]
    assert tables["Reliability of each scale"]["alpha"][0] == pytest.approx(
        float(np.ravel(alpha)[0]), abs=1e-9
    )
    rwg = reference["rwg_j.uniform"].values
    shown = pd.DataFrame(tables["School scores"]).query("scale == 'total'").set_index("group")
    expected = pd.Series(np.asarray(rwg["rwg.j"], float), index=np.asarray(rwg["grpid"]))
    expected.index = expected.index.astype(shown.index.dtype)
    np.testing.assert_allclose(shown["rwg_j"], expected.loc[shown.index], atol=1e-6)


def test_simulated_answers_come_back_as_a_survey(tmp_path: Path) -> None:
    out = tmp_path / "simulated.csv"
    assert run("simulate", "ctbs", "--groups", 8, "--group-size", 6, "--seed", 1, "-o", out) == 0
    again = cte.read_responses(out, "ctbs", group="group")
    assert (again.n_groups, len(again)) == (8, 48)


@pytest.mark.parametrize(
    "command", ["demo", "instruments", "score", "validate", "aggregate", "simulate"]
)
def test_every_command_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(command, "--help") == 0
    assert "Usage:" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["score", "nowhere.csv", "-i", "ces-sf"], 1, "nowhere.csv"),
        (["score", str(SURVEY), "-i", "ces_sff"], 1, "Did you mean"),
        (["score", str(SURVEY)], 2, "--instrument"),
        (["scores"], 2, "No such command"),
        (["validate", str(SURVEY), "-i", str(INSTRUMENT), "-g", "GROUP"], 1, "GROUP"),
        (["score", str(SURVEY), "-i", str(INSTRUMENT), "--columns", "a=AF06,b"], 1, "mixes"),
        (["score", str(SURVEY), "-i", str(INSTRUMENT), "--method", "average"], 1, "average"),
    ],
)
def test_exit_codes_and_messages(
    arguments: list[str], code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*arguments) == code
    shown = capsys.readouterr()
    assert message in shown.err
    assert "Traceback" not in shown.err


def test_one_instrument_as_json_and_whole_numbers_as_such(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run("instruments", "ces_sf", "--format", "json") == 0
    assert json.loads(capsys.readouterr().out)["id"] == "ces_sf"
    assert run("instruments", "ces_sf", "--format", "csv") == 1
    options = ("--groups", 3, "--group-size", 3, "--missing", 0.3, "--seed", 1)
    capsys.readouterr()
    assert run("simulate", "ces_sf", *options) == 0
    table = pd.read_csv(io.StringIO(capsys.readouterr().out), dtype=str)
    assert set(table["ces1"].dropna()) <= set("123456")
    assert run("simulate", "ces_sf", *options, "--format", "json") == 0
    rows = json.loads(capsys.readouterr().out)
    assert any(row["ces1"] is None or isinstance(row["ces1"], int) for row in rows)
