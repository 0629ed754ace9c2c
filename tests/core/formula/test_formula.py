"""Formulas: the grammar, what it refuses before anything runs, and the design it makes."""

import sys

import numpy as np
import pandas as pd
import pytest

from cte_metrics.core.formula.design import read_formula
from cte_metrics.core.formula.grammar import Name, read_text
from cte_metrics.errors import CTEError, InputError, InputTypeError, ModelSyntaxError

X = np.array([1.0, 2, 4, 3, 5, 6])
FRAME = pd.DataFrame(
    {
        "y": [2.0, 1, 3, 5, 4, 6], "x": X, "w": [3.0, 1, 2, 2, 5, 4], "iq.mean": X / 2,
        "my col": X + 1, "f": list("abcabc"), "b": [True, False] * 3,
        "i": pd.array([1, 2, 3, 1, 2, 3], dtype="Int64"),
    }
)  # fmt: skip
POWER = pytest.mark.problem(
    "formulaic: `I(x^2 + 1)`", "`^` in a formula binds as loosely as Python's exclusive or",
    "`^` is a power wherever it stands",
)  # fmt: skip


@pytest.mark.parametrize(
    ("term", "name", "value"),
    [
        pytest.param("I(x^2)", "I(x ^ 2)", X**2, marks=POWER),
        ("I(x**2)", "I(x ** 2)", X**2),
        ("I(x^2+1)", "I(x ^ 2 + 1)", X**2 + 1),
        ("I(-x^2)", "I(-x ^ 2)", -(X**2)),
        ("I(2^x^.5)", "I(2 ^ x ^ .5)", 2 ** (X**0.5)),
        ("I(x^-1)", "I(x ^ -1)", 1 / X),
        ("{x^2 / 2}", "x ^ 2 / 2", X**2 / 2),
        ("I(1 - x - 2)", "I(1 - x - 2)", 1 - X - 2),
        ("I(x / 2 * 3)", "I(x / 2 * 3)", X / 2 * 3),
        ("I((x + 1) * 2)", "I((x + 1) * 2)", (X + 1) * 2),
        ("log(x + 1)", "log(x + 1)", np.log(X + 1)),
        ("np.log1p(x)", "np.log1p(x)", np.log1p(X)),
        ("I(log(x)^2)", "I(log(x) ^ 2)", np.log(X) ** 2),
        ("minimum(x, 3)", "minimum(x, 3)", np.minimum(X, 3)),
        ("center(x)", "center(x)", X - 3.5),
        ("scale(x)", "scale(x)", (X - 3.5) / np.sqrt(3.5)),
        ("iq.mean", "iq.mean", X / 2),
        ("`my col`", "my col", X + 1),
        ("log(`my col`)", "log(my col)", np.log(X + 1)),
        ("I(i * 2)", "I(i * 2)", np.array([2.0, 4, 6, 2, 4, 6])),
    ],
)
def test_a_term_is_computed(term, name, value):
    design = read_formula(f"y ~ {term}", FRAME)
    assert design.names == ("intercept", name)
    np.testing.assert_allclose(design.x[:, 1], value, rtol=1e-14)


@pytest.mark.parametrize(
    ("terms", "names"),
    [
        ("1", "intercept"),
        ("x + w", "intercept x w"),
        ("x * w", "intercept x w x:w"),
        ("x : w", "intercept x:w"),
        ("(x + w)^2 - w", "intercept x x:w"),
        ("(x + w)**2", "intercept x w x:w"),
        ("x / w", "intercept x x:w"),
        ("0 + x", "x"),
        ("-1 + x", "x"),
        ("x - 1", "x"),
        ("f", "intercept f[T.b] f[T.c]"),
        ("0 + f", "f[a] f[b] f[c]"),
        ("C(i)", "intercept C(i)[T.2] C(i)[T.3]"),
        ("f:x", "intercept f[a]:x f[b]:x f[c]:x"),
        ("C(f,Treatment('b'))", "intercept C(f,_Treatment('b'))[T.a] C(f,_Treatment('b'))[T.c]"),
        ("C(f, contr.sum)", "intercept C(f,_contr.sum)[S.a] C(f,_contr.sum)[S.b]"),
        ("poly(log(x), 2)", "intercept poly(log(x),_2)[1] poly(log(x),_2)[2]"),
        ("x\n + w", "intercept x w"),
    ],
)  # fmt: skip
def test_terms_are_rs(terms, names):
    found = read_formula(f"y ~ {terms}", FRAME)
    assert [n.replace(" ", "_") for n in found.names] == names.split()


def test_formulaic_sees_none_of_the_users_text():
    factors = read_text("log(y) ~ `my col` * C(f, Treatment('a\"b')) + I(x ^ 2)").factors
    written = [f.written(f"factor_{k}") for k, f in enumerate(factors)]
    assert written == ["factor_0", "factor_1", "C(factor_2, Treatment('a\"b'))", "factor_3"]
    assert factors[1].value == Name("my col")


def test_names_of_ours_do_not_meet_a_category():
    frame = FRAME.assign(f=["factor_1", "b"] * 3)
    assert read_formula("y ~ x + f", frame).names == ("intercept", "x", "f[T.factor_1]")


RUNS = [
    "y ~ {{np.f2py.sys.modules['os'].system('touch {file}')+x}}",
    "y ~ {{x.__class__.__init__.__globals__['__builtins__']['open']('{file}','w').write('a')+x}}",
    "y ~ x.to_csv('{file}')",
    "y ~ {{np.savetxt('{file}', x) or x}}",
    "y ~ I(np.savetxt('{file}', x))",
    "y ~ {{np.core.numeric.sys.modules['os'].system('touch {file}')*x}}",
    "y ~ {{open('{file}','w').write('a')*x}}",
    "y ~ {{[c for c in ().__class__.__base__.__subclasses__() if c.__name__=='Popen'][0]"
    "('touch {file}',shell=True).wait()+x}}",
    "y ~ __import__('os').system('touch {file}')",
    "y ~ {{__import__('cte_never_imported').f()+x}}",
    "y ~ I(open('{file}'))",
    "{{open('{file}','w').write('a')*y}} ~ x",
    "x.to_csv('{file}') ~ y",
    "y ~ C(f, open('{file}','w').write('a'))",
    "y ~ C(f, Treatment(open('{file}','w').write('a')))",
    "y ~ C(f, levels=x.to_csv('{file}'))",
    "y ~ poly(x, degree=open('{file}','w').write('a'))",
    "y ~ poly(x.to_csv('{file}'), 2)",
    "y ~ hashed(x.to_csv('{file}'))",
    "y ~ Q(x.to_csv('{file}'))",
    'y ~ C(f, Treatment(\'\\\', open("{file}", "w").write("a"), \\\'\'))',
    "y ~ log(`x.to_csv('{file}')`)",
    "y ~ [x.to_csv('{file}')]",
    "y ~ x if x.to_csv('{file}') else w",
    "y ~ (lambda: x.to_csv('{file}'))()",
    "y ~ x + %x.to_csv('{file}')%",
    "y ~ x@x.to_csv('{file}')",
    "y ~ bs(x, df='{file}'.__class__)",
]


@pytest.mark.problem(
    "formulaic, patsy: formulas are Python", "A model formula runs any Python code",
    "A formula is read by a grammar of its own; anything else is refused before it runs",
)  # fmt: skip
@pytest.mark.parametrize("formula", RUNS)
def test_nothing_runs_in_a_formula(formula, tmp_path, monkeypatch):
    module = tmp_path / "cte_never_imported.py"
    module.write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\nf = float\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(CTEError) as caught:
        read_formula(formula.format(file=tmp_path / "ran"), FRAME)
    assert isinstance(caught.value, ModelSyntaxError | KeyError)
    assert not (tmp_path / "ran").exists()
    assert "cte_never_imported" not in sys.modules


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        (None, "None is no formula"),
        ("y", "'y' is no formula"),
        ("y ~", "a term is missing at its end"),
        ("~ x", "'~' has no meaning there"),
        ("y ~ x ~ w", "'~' has no meaning there"),
        ("y ~ x +", "a term is missing at its end"),
        ("y ~ (x", r"'\)' is missing at its end"),
        ("y ~ x)", r"'\)' has no meaning there"),
        ("y ~ (x + w", r"'\)' is missing at its end"),
        ("y ~ x w", "'w' has no meaning there"),
        ("y ~ 2 * x", "the number 2 is no term"),
        ("y ~ x ^ w", "'w' is no power of terms"),
        ("y ~ x ** 0", "'0' is no power of terms"),
        ("y ~ x + (1 | f)", "holds a random part"),
        ("y ~ I(x > 2)", "'>' has no meaning there"),
        ("y ~ x.mean()", r"x.mean\(\) is no function of a formula"),
        ("y ~ lgo(x)", r"lgo\(\) is no function of a formula. Did you mean 'log'"),
        ("y ~ log(x, w)", r"log\(\) takes 1 argument\(s\), not 2"),
        ("y ~ C(x + 1)", r"'\+' has no meaning there"),
        ("y ~ C(log(x))", r"C\(\) takes a column, not 'log'"),
        ("y ~ C(f, zz)", "'zz' is no option of C"),
        ("y ~ `x", "'`' has no meaning there"),
        ("y ~ .", "'.' has no meaning there"),
        ("y ~ " + "(" * 60 + "x" + ")" * 60, "more than 50 deep"),
        ("y ~ I(" + "-" * 60 + "x)", "more than 50 deep"),
        ("y ~ I(" + "**".join(["x"] * 5000) + ")", "more than 50 deep"),
        ("y ~ I(" + "+".join(["x"] * 5000) + ")", "more than 300 signs"),
        ("y ~ " + "*".join(["x"] * 40), "more than 1000 terms"),
        ("y ~ " + "+".join(["x"] * 5000), "more than 1000 terms"),
        ("y ~ (" + "+".join(["x"] * 30) + ")^9", "more than 1000 terms"),
        ("y ~ 0", "has no fixed part"),
        ("y ~ C(f, Treatment('z'))", "cannot be computed"),
    ],
)  # fmt: skip
def test_refusals(formula, message):
    with pytest.raises(ModelSyntaxError, match=message):
        read_formula(formula, FRAME)


@pytest.mark.parametrize("value", [1e200, -1e160])
def test_a_number_too_large_to_be_squared_is_refused(value):
    with pytest.raises(InputError, match=r"'x' is .*, too large to be squared"):
        read_formula("y ~ x", FRAME.assign(x=value))


def test_text_is_not_computed_with():
    with pytest.raises(InputTypeError, match=r"Column 'f' is not numeric .* cannot be computed"):
        read_formula("y ~ log(f)", FRAME)
    with pytest.raises(InputTypeError, match="Column 'c' is not numeric"):
        read_formula("y ~ I(c)", FRAME.assign(c=FRAME["x"] * 1j))


def test_an_unused_category_is_left_out_and_told():
    levels = pd.Categorical(list("bcbcbc"), categories=["zzz", "b", "c"])
    design = read_formula("y ~ f", FRAME.assign(f=levels))
    assert design.names == ("intercept", "f[T.c]")
    assert design.notes == ("f: no row that is used has 'zzz'; the category was left out.",)
    some = np.array([True, False, True, False, True, False])
    only = read_formula("y ~ x + f", FRAME.assign(f=levels), among=some)
    assert only.names == ("intercept", "x")
    assert "has 'zzz', 'c'" in only.notes[0]
