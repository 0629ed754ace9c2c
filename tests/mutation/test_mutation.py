"""The tool itself: which faults it makes, that they run, that it sees who reaches them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from cte_metrics.kernels.factor import extraction
from cte_metrics.kernels.numerics import vech
from tests.mutation.exchange import alive_in, exchange
from tests.mutation.mutants import mutants_of
from tests.mutation.reach import Reach

FILE = vech.__file__ or ""


def changes(tmp_path: Path, code: str) -> list[str]:
    file = tmp_path / "code.py"
    file.write_text(code)
    return [m.change for m in mutants_of(file)]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("y = a + b", ["a + b -> a - b"]),
        ("y = a < b", ["a < b -> a <= b"]),
        ("y = a and b", ["a and b -> a or b"]),
        ("y = -a", ["-a -> a"]),
        ("y = 0.5", ["0.5 -> 0.75"]),
        ("y = x.min()", ["x.min -> x.max"]),
        ("y = f(a, dtype=int, axis=k)", ["f(a, dtype=int, axis=k) -> f(a, dtype=int)"]),
        ("check(a)", ["check(a) -> pass"]),
        ('"""Two."""\nx: Literal[1] = y', []),
        ("raise E(a + b)", []),
    ],
)
def test_the_faults_that_are_made(tmp_path: Path, code: str, expected: list[str]) -> None:
    assert changes(tmp_path, code) == expected


pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")


def in_another_process(check: Callable[[], bool]) -> bool:
    child = os.fork()
    if not child:
        os._exit(0 if check() else 1)
    return os.waitpid(child, 0)[1] == 0


def test_a_fault_takes_the_place_of_the_running_code() -> None:
    fault = next(
        m for m in mutants_of(Path(FILE)) if m.change == "p * (p + 1) // 2 -> p * (p + 1) * 2"
    )
    alive = alive_in({FILE})

    def is_wrong() -> bool:
        exchange(fault, alive)
        return vech.n_half(3) == 24

    assert vech.n_half(3) == 6
    assert in_another_process(is_wrong)
    assert vech.n_half(3) == 6


def test_a_cached_answer_is_forgotten() -> None:
    fault = next(m for m in mutants_of(Path(FILE)) if m.change == "2.0 -> 3.0")
    alive = alive_in({FILE})
    vech.vech_weights(2)

    def is_wrong() -> bool:
        exchange(fault, alive)
        return vech.vech_weights(2).tolist() == [1.0, 3.0, 1.0]

    assert in_another_process(is_wrong)


def test_a_constant_outside_functions_is_changed() -> None:
    file = extraction.__file__ or ""
    fault = next(m for m in mutants_of(Path(file)) if m.change == "0.005 -> 0.0075")
    assert fault.function is None

    def is_wrong() -> bool:
        exchange(fault, alive_in({file}))
        return extraction.LOWEST_UNIQUENESS == 0.0075

    assert in_another_process(is_wrong)


def test_who_reaches_a_line_is_noted() -> None:
    reach = Reach(FILE.__eq__)
    with reach.recording("nobody"):
        pass
    with reach.recording("one"):
        vech.n_half(3)
    assert reach.tests_of(FILE, range(1, 10_000)) == ["one"]
    assert set(reach.seconds) == {"nobody", "one"}
