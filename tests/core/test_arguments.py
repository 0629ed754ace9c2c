"""Arguments of another kind than the signature says are refused, and those of its kind pass."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.typing import ArrayLike

from cte_metrics import reliability
from cte_metrics.core.arguments import check_arguments, checked
from cte_metrics.errors import InputTypeError

Own = dict[str, Any] | None


@checked
def taken(
    *,
    whole: int = 1,
    number: float | None = 0.5,
    flag: bool = False,
    text: str = "",
    path: str | Path = "",
    file: Any = None,
    names: Sequence[str] | None = None,
    some: Iterable[str] = (),
    by: Mapping[str, float] | None = None,
    values: ArrayLike = 0,
    label: Hashable = "",
    table: pd.DataFrame | None = None,
    scores: pd.Series | None = None,
    option: Literal["a", "b"] | None = None,
    own: Own = None,
    confidence: float = 0.95,
) -> str:
    """Return a word."""
    return "done"


FRAME = pd.DataFrame({"a": [1]})
GOOD: list[tuple[str, Any]] = [
    *[("whole", v) for v in (3, -1, np.int8(3), 3.0, np.float64(2.0))],
    *[("number", v) for v in (3, 0.5, None, np.float32(0.5), float("nan"), float("inf"), True)],
    *[("flag", v) for v in (True, np.bool_(False), 0, 1)],
    *[("names", v) for v in (["a"], ("a", 1, ("b", 2)), np.array(["a"]), pd.Index(["a"]), None)],
    *[("some", v) for v in ({"a"}, {"a": 1}, iter("ab"), pd.Series(["a"]))],
    *[("by", v) for v in ({}, {"a": 1}, None)],
    *[("values", v) for v in (1, [1, 2.5], np.ones((2, 2)), pd.Series([1]), FRAME, True)],
    *[("label", v) for v in (1, "a", ("a", 1), None, pd.NaT)],
    *[("table", v) for v in (FRAME, None, pl.DataFrame({"a": [1]}))],
    *[("scores", v) for v in (pd.Series([1]), pl.Series([1]))],
    ("option", "a"), ("own", object()), ("file", object()), ("confidence", "said elsewhere"),
]  # fmt: skip
BAD: list[tuple[str, Any, str]] = [
    *[("whole", v, "a whole number")
      for v in (2.5, "3", None, float("nan"), float("inf"), 10**400, True, [3], 1 + 0j)],
    *[("number", v, "a number or None") for v in ("0.5", 1j, [0.5], np.array([0.5]), 10**400)],
    *[("flag", v, "True or False") for v in ("True", None, 2, 1.0, [])],
    *[("text", v, "a text") for v in (b"a", 3, None, ["a"])],
    *[("names", v, "names or None") for v in (3, b"ab", FRAME, np.ones((2, 2)), [["a"], ["b"]])],
    *[("by", v, "a mapping or None") for v in ([("a", 1)], "a", 3)],
    *[("values", v, "numbers") for v in ("a", ["a"], [1, [2]], 1j, [None], object())],
    *[("label", v, "a label") for v in ([], {})],
    *[("table", v, "a data frame or None") for v in (np.ones((2, 2)), [[1]], pd.Series([1]))],
    *[("scores", v, "a series or None") for v in (FRAME, [1])],
    *[("option", v, "an option or None") for v in (["a"], {}, object())],
]  # fmt: skip


@pytest.mark.parametrize(("name", "value"), GOOD)
def test_an_argument_of_the_kind_passes(name: str, value: Any) -> None:
    assert taken(**{name: value}) == "done"


@pytest.mark.parametrize(("name", "value", "kind"), BAD)
def test_an_argument_of_another_kind_is_refused(name: str, value: Any, kind: str) -> None:
    with pytest.raises(InputTypeError) as caught:
        taken(**{name: value})
    said = str(caught.value)
    assert said.startswith(f"{name} takes {kind}; got {type(value).__name__} ")
    assert len(said) < 200


def test_an_iterator_is_not_used_up() -> None:
    names = iter(["a", "b"])
    taken(some=names)
    assert list(names) == ["a", "b"]


def test_arguments_by_position_and_of_methods_are_checked() -> None:
    class Holder:
        @checked
        def ask(self, k: int = 1) -> int:
            return k

    assert Holder().ask(2) == 2
    with pytest.raises(InputTypeError, match="k takes a whole number; got str 'x'"):
        Holder().ask("x")  # type: ignore[arg-type]


def test_only_what_is_given_is_checked() -> None:
    def ask(k: int = None) -> None:  # type: ignore[assignment]  # noqa: RUF013
        """Ask."""

    check_arguments(ask, {})
    with pytest.raises(InputTypeError):
        check_arguments(ask, {"k": None})


def test_a_name_that_the_signature_lacks_is_left_to_python() -> None:
    with pytest.raises(TypeError, match="unexpected keyword"):
        taken(nothing=1)  # type: ignore[call-arg]


@pytest.mark.problem(
    "a fuzz of every public function", "An argument of the wrong kind raised numpy's own errors",
    "The door refuses it by name, with what it takes and what was given"
)  # fmt: skip
def test_a_public_function_refuses_by_name() -> None:
    with pytest.raises(InputTypeError, match="n_resamples takes a whole number; got str 'many'"):
        reliability.cronbach_alpha(pd.DataFrame({"a": [1]}), n_resamples="many")  # type: ignore[arg-type]
