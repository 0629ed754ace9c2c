"""Suppression in published tables, attacked by subtraction over every margin."""

import numpy as np
import pandas as pd
import pytest

from cte_metrics import Instrument, Responses, ResponseScale, Subscale
from cte_metrics.aggregation import aggregate, protect
from cte_metrics.errors import InputTypeError, UnknownNameError

ITEMS = ["a", "b", "c", "d"]
MINIMUM = 5


def survey(seed, sizes, missing=0.1):
    """Teachers of two roles in schools, two subscales."""
    rng = np.random.default_rng(seed)
    school = np.repeat(np.arange(len(sizes)), sizes)
    frame = pd.DataFrame(rng.integers(1, 6, (len(school), 4)).astype(float), columns=ITEMS)
    frame = frame.mask(rng.random(frame.shape) < missing)
    frame["school"], frame["role"] = school, rng.choice(["new", "old"], len(school))
    frame["wave"] = rng.choice([1, 2, 3], len(school))
    scale = Instrument(
        id="m", response_scale=ResponseScale(1, 5), items=ITEMS,
        subscales=[Subscale("s", "", ["a", "b"]), Subscale("t", "", ["c", "d"])],
    )  # fmt: skip
    return frame, scale


def recovered(cells, published):
    """Cells whose sum is a linear combination of published sums.

    cells: labels of the smallest units; published: sets of units whose sum a reader can form
    (mean times n of every row shown, and of the totals that reports print).
    """
    place = {c: k for k, c in enumerate(cells)}
    matrix = np.zeros((len(published), len(cells)))
    for row, units in enumerate(published):
        matrix[row, [place[u] for u in units]] = 1.0
    found = []
    for cell, k in place.items():
        unit = np.eye(len(cells))[k]
        solution = np.linalg.lstsq(matrix.T, unit, rcond=1e-9)[0]
        if np.abs(matrix.T @ solution - unit).max() < 1e-7:
            found.append(cell)
    return found


@pytest.mark.parametrize("seed", range(8))
def test_no_small_school_can_be_subtracted_from_the_total(seed):
    rng = np.random.default_rng(seed)
    frame, scale = survey(seed, rng.integers(1, 14, 9))
    found = aggregate(Responses(frame, scale, group="school"), minimum_group_size=MINIMUM)
    size = frame["school"].value_counts()
    for name in ("s", "t", "total"):
        table = found.table.xs(name, level="scale")
        shown = table.index[~table["suppressed"]]
        # a reader knows the overall mean and n of every scale besides the table
        known = recovered(list(table.index), [[g] for g in shown] + [list(table.index)])
        assert set(known) == set(shown)
        hidden = table.index[table["suppressed"]]
        assert len(hidden) == 0 or size[hidden].sum() >= MINIMUM
        assert (table.loc[shown, "n"] >= MINIMUM).all()
        assert table.loc[hidden].drop(columns="suppressed").isna().all().all()


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("division", ["role", "wave"])
def test_no_small_cell_can_be_computed_from_all_tables_together(seed, division):
    rng = np.random.default_rng(100 + seed)
    frame, scale = survey(seed, rng.integers(2, 40, 7), missing=0.0)
    responses = Responses(frame, scale, group="school", wave="wave", covariates=["role"])
    if division == "role":
        pooled = Responses(frame, scale, group="school", covariates=["role"])
        parts = aggregate(pooled, by="role", minimum_group_size=MINIMUM)
        whole = aggregate(pooled, minimum_group_size=MINIMUM).table.xs("total", level="scale")
    else:
        parts = aggregate(responses, wave="all", minimum_group_size=MINIMUM)
        pooled = Responses(frame, scale, group="school")
        whole = aggregate(pooled, minimum_group_size=MINIMUM).table.xs("total", level="scale")
    table = parts.table.xs("total", level="scale")
    size = frame.groupby(["school", division]).size()
    cells = list(table.index)
    shown = [c for c in cells if not table.loc[c, "suppressed"]]
    # the school table, the overall figure of each part, and the grand total are public too
    published = [[c] for c in shown]
    published += [[c for c in cells if c[0] == g] for g in whole.index[~whole["suppressed"]]]
    published += [[c for c in cells if c[1] == v] for v in frame[division].unique()]
    published.append(cells)
    small = {c for c in cells if size[c] < MINIMUM}
    assert not small & set(recovered(cells, published))
    assert not small & set(shown)


def test_subscales_do_not_give_a_school_away():
    # school 0 has five teachers, but only four answered the second subscale
    frame, scale = survey(1, [5, 8, 9, 10], missing=0.0)
    frame.loc[0, ["c", "d"]] = np.nan
    found = aggregate(Responses(frame, scale, group="school"), minimum_group_size=MINIMUM)
    assert found.table.xs(0, level="group")["suppressed"].all()
    assert found.table["suppressed"].sum() == 2 * 3
    assert found.n_suppressed == 2


def test_evidence_is_silent_where_nothing_may_be_shown():
    frame, scale = survey(2, [3])
    found = aggregate(Responses(frame, scale, group="school"), minimum_group_size=MINIMUM)
    assert found.table["suppressed"].all()
    assert found.evidence["median_rwg_j"].isna().all()
    assert any("Nothing can be shown" in n for n in found.notes)


def test_evidence_of_a_part_is_silent_where_that_part_is_hidden():
    frame, scale = survey(6, [20, 25], missing=0.0)
    frame["role"] = ["new"] * 3 + ["old"] * 42
    responses = Responses(frame, scale, group="school", covariates=["role"])
    evidence = aggregate(responses, by="role", minimum_group_size=MINIMUM).evidence
    assert np.isnan(evidence.loc[("total", "new"), "median_rwg_j"])


def test_every_way_out_is_closed():
    frame, scale = survey(3, [3, 12, 13, 6])
    found = aggregate(Responses(frame, scale, group="school"), minimum_group_size=MINIMUM)
    secret = found.table["suppressed"].to_numpy()
    figures = ["n", "mean", "sd", "se", "ci_low", "ci_high", "reliability", "shrunken",
               "shrunken_se", "rwg_j", "ad_mean"]  # fmt: skip
    assert found.table.loc[secret, figures].isna().all().all()
    assert found.to_frame().loc[secret, figures].isna().all().all()
    assert found.profile().loc[0].isna().all()
    stored = found.to_dict()["table"]
    assert all(v is None for v, s in zip(stored["mean"], secret, strict=True) if s)
    rows = [line for line in found.summary().splitlines() if line.split()[:2] == ["0", "total"]]
    assert rows[0].split()[2:-1] == ["-"] * len(figures)


def test_margins_say_what_else_is_secret():
    index = pd.MultiIndex.from_product([["x", "y", "z"], [1, 2]], names=["group", "wave"])
    table = pd.DataFrame({"n": [9, 1, 9, 1, 9, 1], "mean": 3.0}, index=index)
    found = protect(table, by=("group", "wave"))
    assert found.margins[("wave",)].to_dict() == {1: True, 2: True}
    assert not found.margins[("group",)].any()
    assert not found.margins[()].any()
    assert found.n_primary == 3


def test_kept_columns_stay():
    index = pd.Index(["a", "b", "c"], name="group")
    table = pd.DataFrame(
        {"n": [2, 9, 9], "name": ["A", "B", "C"], "mean": [1.0, 2, 3]}, index=index
    )
    found = protect(table, keep=["name"])
    assert found.table["name"].tolist() == ["A", "B", "C"]
    assert found.table["mean"].isna().tolist() == [True, True, False]
    assert table["n"].tolist() == [2, 9, 9]  # the caller's table is untouched
    assert found.notes == (
        "1 of 3 groups have fewer than 5 respondents: suppressed.",
        "1 further group(s) are suppressed so that no small group can be computed by subtraction.",
    )


def test_nothing_to_hide():
    table = pd.DataFrame({"n": [7, 9]}, index=pd.Index(["a", "b"], name="group"))
    found = protect(table)
    assert not found.table["suppressed"].any()
    assert found.notes == ()
    assert protect(table, minimum=0).n_primary == 0


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"n": "size"}, UnknownNameError, "no column 'size'"),
        ({"by": ("school",)}, UnknownNameError, "no index level 'school'"),
        ({"minimum": 2.5}, InputTypeError, "minimum takes a whole number"),
    ],
)
def test_refusals(options, error, message):
    table = pd.DataFrame({"n": [7, 9]}, index=pd.Index(["a", "b"], name="group"))
    with pytest.raises(error, match=message):
        protect(table, **options)
