"""Which tests reach which lines: a recorder that traces only the files under test."""

from __future__ import annotations

import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any


class Reach:
    """Lines reached and seconds taken, by test.

    ``lines`` holds for every (file, line) the tests that reach it; ``seconds`` the time of each.
    """

    def __init__(self, is_watched: Callable[[str], bool]) -> None:
        self.is_watched = is_watched
        self.lines: dict[tuple[str, int], set[str]] = defaultdict(set)
        self.seconds: dict[str, float] = {}

    @contextmanager
    def recording(self, test: str) -> Iterator[None]:
        """Record what runs inside."""
        found: set[tuple[str, int]] = set()
        watched: dict[str, bool] = {}

        def line(frame: FrameType, event: str, argument: Any) -> Any:
            found.add((frame.f_code.co_filename, frame.f_lineno))
            return line

        def call(frame: FrameType, event: str, argument: Any) -> Any:
            name = frame.f_code.co_filename
            if name not in watched:
                watched[name] = self.is_watched(name)
            return line(frame, event, argument) if watched[name] else None

        start = time.perf_counter()
        sys.settrace(call)
        try:
            yield
        finally:
            sys.settrace(None)
        self.seconds[test] = time.perf_counter() - start
        for place in found:
            self.lines[place].add(test)

    def tests_of(self, file: str, lines: range) -> list[str]:
        """Tests that reach any of the lines, those first that take least time."""
        reached = set().union(*(self.lines.get((file, i), ()) for i in lines))
        return sorted(reached, key=lambda test: (self.seconds[test], test))
