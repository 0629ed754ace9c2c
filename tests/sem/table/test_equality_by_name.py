"""Equalities by name: ``equal()`` and ``group_partial`` tie and exempt what they say, or refuse."""

from __future__ import annotations

import pytest

from cte_metrics import sem
from cte_metrics.errors import InputError, UnknownNameError
from cte_metrics.factor import invariance
from tests.reference_case import case

MODEL = "visual =~ x1 + x2 + x3\ntextual =~ x4 + x5 + x6\nspeed =~ x7 + x8 + x9"


@pytest.mark.problem(
    "lavaan",
    "equal() with blanks in the name, or with a name that the model has not, is a mere label: "
    "nothing is tied",
    "A name ties with any spacing, under a label too; one that the model has not is refused",
)
@pytest.mark.parametrize(
    ("model", "df"),
    [
        ('visual =~ x1 + x2 + equal("visual=~x2")*x3 + x4', 3),
        ('visual =~ x1 + x2 + equal("visual  =~ x2")*x3 + x4', 3),
        ('visual =~ x1 + x2 + equal("visual =~ `x2`")*x3 + x4', 3),
        ('visual =~ x1 + a*x2 + equal("visual =~ x2")*x3 + x4', 3),
        ('visual =~ x1 + a*x2 + equal("a")*x3 + x4', 3),
        ('visual =~ x1 + equal("visual=~x3")*x2 + equal("visual=~x4")*x3 + x4', 4),
        ('visual =~ x1 + x2 + x3 + x4\nx1 ~~ equal("x2 ~~ x2")*x1', 3),
        ('visual =~ x1 + x2 + x3 + x4 + x5\nx1 ~~ x4\nx2 ~~ equal("x4 ~~ x1")*x5', 4),
    ],
)
def test_equal_ties(model: str, df: int) -> None:
    assert sem.cfa(model, case("hs1939").data).fit_measures["df"] == df


@pytest.mark.parametrize("name", ["visual =~ x22", "nonsense", "x2"])
def test_equal_to_nothing_is_refused(name: str) -> None:
    with pytest.raises(UnknownNameError, match=r"equal\("):
        sem.cfa(f'visual =~ x1 + x2 + equal("{name}")*x3 + x4', case("hs1939").data)


def test_equal_to_itself_is_refused() -> None:
    with pytest.raises(InputError, match="to itself"):
        sem.cfa('visual =~ x1 + x2 + equal("visual =~ x3")*x3', case("hs1939").data)


def test_equal_in_groups_is_lavaan_s() -> None:
    model = 'visual =~ x1 + x2 + equal("visual =~ x2")*x3 + x4'
    found = sem.cfa(model, case("hs1939").data, group="school").fit_measures
    assert found["df"] == 6
    assert found["chisq"] == pytest.approx(20.302, abs=1e-3)


@pytest.mark.problem(
    "lavaan",
    "A misspelt parameter in group.partial is passed over, and a covariance with its variables in "
    "the other order stays equal",
    "A covariance is found in either order; a name that the model has not is refused",
)
@pytest.mark.parametrize(
    ("equal", "partial", "df"),
    [
        ("loadings", "visual =~ x2", 53),
        ("lv.covariances", "visual ~~ textual", 50),
        ("lv.covariances", "textual~~visual", 50),
        ("intercepts", "x2 ~ 1", 53),
    ],
)
def test_group_partial_exempts(equal: str, partial: str, df: int) -> None:
    fit = sem.cfa(
        MODEL, case("hs1939").data, group="school", group_equal=equal, group_partial=partial
    )
    assert fit.fit_measures["df"] == df


def test_group_partial_knows_its_parameters() -> None:
    data = case("hs1939").data
    for equal in ("loadings", ()):
        with pytest.raises(UnknownNameError, match=r"visual=~x22.*Did you mean"):
            sem.cfa(MODEL, data, group="school", group_equal=equal, group_partial=["visual =~ x22"])


def test_exemptions_of_a_series_know_their_parameters() -> None:
    data = case("hs1939").data
    for wrong in ("visual =~ x22", "x22 ~ 1", "x1 ~~ x2"):
        with pytest.raises(UnknownNameError, match="is exempted"):
            invariance(data, MODEL, group="school", partial=[wrong])
    found = invariance(
        data,
        MODEL,
        group="school",
        levels=["scalar", "variances"],
        partial=["textual ~~ visual", "x3 ~ 1"],
    )
    assert found.table["df"].tolist() == [59, 59 + 9 + 6 - 1]


def test_exempt_factor_variances_of_ordinal_items_stay_free() -> None:
    data = case("datcat").data
    model = "f =~ u1 + u2 + u3 + u4"
    levels = ["strict", "variances", "means"]
    held = invariance(data, model, group="g", ordered=True, levels=levels)
    free = invariance(data, model, group="g", ordered=True, levels=levels, partial=["f ~~ f"])
    assert held.table["delta_df"].tolist()[1:] == [1, 1]
    assert free.table["delta_df"].tolist()[1:] == [0, 1]
