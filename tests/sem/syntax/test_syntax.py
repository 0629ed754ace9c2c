"""The reader of lavaan's model syntax."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cte_metrics.errors import CTEError, ModelSyntaxError
from cte_metrics.sem.syntax.modifiers import Modifier
from cte_metrics.sem.syntax.reader import Block, parse_model


def _keys(text: str) -> list[tuple[str, str, str]]:
    return [(r.lhs, r.op, r.rhs) for r in parse_model(text).rows]


def test_every_operator_by_hand() -> None:
    text = """
    # measurement
    f =~ x1 + x2 +      ! continued below
         x3
    f ~ z; x1 ~~ x2
    x1 ~ 1
    x3 | t1 + t2
    x3 ~*~ x3
    c <~ w1 + w2
    """
    assert _keys(text) == [
        ("f", "=~", "x1"),
        ("f", "=~", "x2"),
        ("f", "=~", "x3"),
        ("f", "~", "z"),
        ("x1", "~~", "x2"),
        ("x1", "~1", ""),
        ("x3", "|", "t1"),
        ("x3", "|", "t2"),
        ("x3", "~*~", "x3"),
        ("c", "<~", "w1"),
        ("c", "<~", "w2"),
    ]


@pytest.mark.parametrize(
    ("term", "modifier"),
    [
        ("0.5*x", Modifier(fixed=(0.5,))),
        ("-1e-2 * x", Modifier(fixed=(-0.01,))),
        ("start(.8)*x", Modifier(start=(0.8,))),
        ("0.8?x", Modifier(start=(0.8,))),
        ("a*x", Modifier(label=("a",))),
        ("label('a')*x", Modifier(label=("a",))),
        ('equal("f=~y")*x', Modifier(equal=("f=~y",))),
        ("c(a, b)*x", Modifier(label=("a", "b"))),
        ('c("a", "b")*x', Modifier(label=("a", "b"))),
        ("c(1, 2.5)*x", Modifier(fixed=(1.0, 2.5))),
        ("start(c(1, 2))*x", Modifier(start=(1.0, 2.0))),
        ("a*start(2)*x", Modifier(label=("a",), start=(2.0,))),
        ("a*x + start(2)*x", Modifier(label=("a",), start=(2.0,))),
        ("lower(0)*x", Modifier(lower=(0.0,))),
        ("(1/4)*x", Modifier(fixed=(0.25,))),
    ],
)
def test_modifiers(term: str, modifier: Modifier) -> None:
    (row,) = parse_model(f"f =~ {term}").rows
    assert row.modifier == modifier


def test_na_frees() -> None:
    rows = parse_model("f =~ NA*x + c(1, NA)*y + c(NA, NA)*z").rows
    fixed = [r.modifier.fixed for r in rows if r.modifier and r.modifier.fixed]
    assert [[math.isnan(v) for v in f] for f in fixed] == [[True], [False, True], [True, True]]


def test_blocks() -> None:
    model = parse_model("level: within\nf =~ x\nLevel: between\nf =~ x\nlevel: within\nf ~ z")
    assert model.blocks == (Block(level="within"), Block(level="between"))
    assert [r.block for r in model.rows] == [0, 1, 0]
    assert parse_model("group: a\nf =~ x\ngroup: b\nf =~ x").groups == ("a", "b")


def test_quoted_and_foreign_names() -> None:
    assert _keys("überzeugung =~ `item 1` + `2b`") == [
        ("überzeugung", "=~", "item 1"),
        ("überzeugung", "=~", "2b"),
    ]


def test_intercept_fixed_at_zero() -> None:
    (row,) = parse_model("y ~ 0").rows
    assert (row.op, row.modifier) == ("~1", Modifier(fixed=(0.0,)))


def test_exploratory_block_over_two_lines() -> None:
    model = parse_model('efa("b")*f1 +\nefa("b")*f2 =~ x1 + x2')
    assert [r.modifier.efa for r in model.rows if r.modifier] == [("b",)] * 4


@pytest.mark.parametrize(
    ("text", "problem", "marked"),
    [
        ("f =~ x1 + + x2", "missing before this '\\+'", "+"),
        ("f =~ x1 x2", "did not expect 'x2'", "x2"),
        ("f = x1", "'=' is not an operator", "="),
        ("f =~ x1 + x2 =~ x3", "second operator '=~'", "=~"),
        ("f =~ 2x", "begins with a digit", "2x"),
        ("levl: 1\nf =~ x", "Did you mean 'level'", "levl"),
        ("f =~ strat(.5)*x1", "Did you mean 'start'", "strat"),
        ("f =~ c(1, 2*x", "never closed", "(1"),
        ("f =~ x)", "closes nothing", ")"),
        ("f =~ x1 +", "missing after this '\\+'", "+"),
        ("f =~ x1*", "missing after '\\*'", "*"),
        ("f =~ *x1", "modifier is missing before", "*x1"),
        ("f ~~ f\nf ~~ f", "stands twice", "f"),
        ("f =~ x\na*f ~ z", "right-hand side", "a*f"),
        ("f =~ f", "measured by itself", "f"),
        ("f =~ x1 @ x2", "'@' has no meaning", "@"),
        ("f =~ x\na == b +", "expression 'b \\+'", "b +"),
        ("f =~ x\na + b := 3", "defines one new label", "a + b"),
        ("x1 + x2", "no operator", "x1 + x2"),
        ("f =~ 3", "number 3 is not a variable", "3"),
        ("f =~ start(a)*x", "takes numbers", "start"),
        ("f =~ NA + x", "'NA' is not the name", "NA"),
        ("level: 1\nx ~~ x\ngroup: 1\nx ~~ x", "inside groups", "group"),
        ("f =~ x\n~ z", "nothing stands before", "~"),
        ("f =~", "nothing stands after", "=~"),
    ],
)
def test_errors_point_at_the_token(text: str, problem: str, marked: str) -> None:
    with pytest.raises(ModelSyntaxError, match=problem) as caught:
        parse_model(text)
    line, caret = caught.value.problem.split("\n")[-2:]
    assert line[caret.index("^") :].startswith(marked)


@pytest.mark.parametrize("text", ["", "  \n ", "# only a comment", "a == 2"])
def test_empty_models_are_refused(text: str) -> None:
    with pytest.raises(ModelSyntaxError, match=r"empty|no relation"):
        parse_model(text)


@given(st.text(alphabet='fx1 =~+*:|<>,()."NAc\n#-', max_size=40))
def test_any_text_is_read_or_refused_with_our_error(text: str) -> None:
    try:
        parse_model(text)
    except CTEError:
        return


@given(st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=8, unique=True))
def test_blanks_and_comments_do_not_matter(items: list[str]) -> None:
    plain = parse_model("F=~" + "+".join(items)).rows
    loose = parse_model("F  =~\t" + " +\n  ".join(items) + "  # done\n\n").rows
    assert plain == loose


@pytest.mark.parametrize("text", ["y ~ x + f:ces5", "f:x ~ y", "y ~ x:z:f"])
def test_products_with_latent_variables_are_refused(text: str) -> None:
    with pytest.raises(ModelSyntaxError, match=r"the product .* has the latent variable 'f'"):
        parse_model(f"f =~ a + b + c\n{text}")


@pytest.mark.parametrize("text", ["y ~ x:", "y ~ x:2", "y ~ x:z:", "y ~ x:NA", "y ~ x:z*w"])
def test_products_that_are_none(text: str) -> None:
    with pytest.raises(ModelSyntaxError):
        parse_model(text)


@pytest.mark.parametrize("text", ["y ~ x:z", "y ~ 1*x:z", "y ~ b +\n x:z", "x:z ~~ y", "y ~ x:z:w"])
def test_products_are_names(text: str) -> None:
    rows = parse_model(text).rows
    assert any(":" in name for r in rows for name in (r.lhs, r.rhs))


def test_the_hint_on_a_single_equals_sign() -> None:
    with pytest.raises(ModelSyntaxError) as caught:
        parse_model("f = a + b")
    assert "Write '==', '=~' or ':='." in str(caught.value)
