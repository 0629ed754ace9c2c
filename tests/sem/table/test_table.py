"""Parameter tables against lavaan::lavaanify."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from cte_metrics.errors import InputError
from cte_metrics.sem.table.table import ParameterTable, TableOptions, build_table

FOLDER = Path(__file__).parents[2] / "reference" / "lavaanify"
MODELS = [
    # a column of products is named in backquotes here
    m | {"model": m["model"].replace("z:w", "`z:w`")}
    for m in json.loads((FOLDER / "models.json").read_text())
]
EXPECTED = {e["id"]: e for e in json.loads((FOLDER / "reference.json").read_text())}


def _options(m: dict) -> TableOptions:
    names = {"std_lv": "variance", "effects": "effects"}
    identification = next((v for k, v in names.items() if m.get(k)), "marker")
    plain = ("meanstructure", "orthogonal", "model_type", "fixed_x", "conditional_x", "n_groups")
    return TableOptions(
        identification=identification,
        parameterization=m.get("parameterization", "delta"),
        group_equal=tuple(m.get("group_equal", ())),
        group_partial=tuple(m.get("group_partial", ())),
        n_thresholds=tuple(m.get("nth", {}).items()),
        **{k: m[k] for k in plain if k in m},
    )


def _rows(table: ParameterTable) -> list[tuple]:
    labels = {p: i for i, p in enumerate(table.plabel)}
    rows = [
        (
            table.lhs[i],
            table.op[i],
            table.rhs[i],
            int(table.user[i]),
            int(table.group[i]),
            int(table.level[i]),
            int(table.free[i]),
            None if math.isnan(table.ustart[i]) else round(float(table.ustart[i]), 12),
            int(table.exo[i]),
            table.label[i],
            table.efa[i],
        )
        for i in range(len(table))
    ]
    assert len(labels) == len(rows)
    return rows


def _reference_rows(e: dict) -> tuple[list[tuple], list[tuple]]:
    t = e["table"]
    n = len(t["lhs"])
    levels = [v for v in dict.fromkeys(t.get("level", [])) if v not in (0, "", None)]
    groups = [v for v in dict.fromkeys(t.get("group", [])) if v not in (0, "", None)]
    rows, constraints = [], []
    for i in range(n):
        if t["op"][i] in ("==", "<", ">", ":="):
            constraints.append((t["lhs"][i], t["op"][i], t["rhs"][i], t["user"][i]))
            continue
        start = t["ustart"][i]
        rows.append(
            (
                t["lhs"][i],
                t["op"][i],
                t["rhs"][i],
                t["user"][i],
                groups.index(t["group"][i]) + 1 if "group" in t else 1,
                levels.index(t["level"][i]) + 1 if "level" in t else 1,
                t["free"][i],
                None if start is None else round(float(start), 12),
                t["exo"][i],
                t["label"][i],
                t["efa"][i] if "efa" in t else "",
            )
        )
    return rows, constraints


@pytest.mark.parametrize("model", MODELS, ids=[m["id"] for m in MODELS])
def test_table_equals_lavaanify(model: dict) -> None:
    expected = EXPECTED[model["id"]]
    table = build_table(model["model"], _options(model))
    rows, constraints = _reference_rows(expected)
    assert _rows(table) == rows
    assert [(c.lhs, c.op, c.rhs, c.user) for c in table.constraints] == constraints


@pytest.mark.parametrize("model", MODELS, ids=[m["id"] for m in MODELS])
def test_variable_roles_equal_lavnames(model: dict) -> None:
    expected = EXPECTED[model["id"]]["names"]
    table = build_table(model["model"], _options(model))
    for role in ("ov", "ov_x", "lv", "ov_ordinal"):
        ours = [list(getattr(b.names, role)) for b in table.blocks]
        assert ours == expected[role], role


def test_bounds_are_kept() -> None:
    table = build_table("f =~ x1 + lower(0)*x2 + upper(2)*x3")
    assert table.lower[1] == 0.0
    assert table.upper[2] == 2.0
    assert math.isinf(table.lower[2])


def test_wrong_number_of_group_values() -> None:
    with pytest.raises(InputError, match=r"carries 3 values in c.*2 groups"):
        build_table("f =~ x1 + c(1, 2, 3)*x2", TableOptions(n_groups=2))


def test_group_blocks_must_match_the_data() -> None:
    with pytest.raises(InputError, match="2 groups"):
        build_table("group: a\nf =~ x1\ngroup: b\nf =~ x1", TableOptions(n_groups=3))


def test_unknown_group_equal() -> None:
    with pytest.raises(InputError, match="loadings"):
        build_table("f =~ x1 + x2", TableOptions(n_groups=2, group_equal=("loading",)))


def test_levels_are_repeated_for_each_group() -> None:
    text = "level: 1\nfw =~ y1 + y2\nlevel: 2\nfb =~ y1 + y2"
    table = build_table(text, TableOptions(n_groups=2))
    assert table.block.tolist() == sorted(table.block.tolist())
    assert [(b.group, b.level) for b in table.blocks] == [(1, 1), (1, 2), (2, 1), (2, 2)]


def test_groups_of_the_text_are_matched_by_label() -> None:
    text = "group: b\nf =~ x1 + x2\ngroup: a\nf =~ x1 + x2 + x3"
    by_label = build_table(text, TableOptions(n_groups=2, group_names=("a", "b")))
    assert [len(b.ov_names) for b in by_label.blocks] == [3, 2]
    by_position = build_table(text, TableOptions(n_groups=2, group_names=("1", "2")))
    assert [len(b.ov_names) for b in by_position.blocks] == [2, 3]
    with pytest.raises(InputError, match="group 'b' is not in the data"):
        build_table(text, TableOptions(n_groups=2, group_names=("a", "c")))
