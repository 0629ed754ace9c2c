"""The containers that travel between the rooms, as their docstrings tell: one page shows them all.

A class whose docstring says ``Created by:`` and ``Consumed by:`` (full dotted names in double
backticks) is such a container. ``page()`` writes the page; ``faults()`` names what is not true.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import cte_metrics

ROOMS = (
    "core", "summaries", "sem.syntax", "sem.table", "sem.model", "sem.request", "sem.sample",
    "sem.estimators", "sem.search", "sem.inference", "sem.fit", "sem.scores", "sem",
)  # fmt: skip
LINE = r"{}:((?:\s*``[\w.]+``[,.]?)+)"
NAME = re.compile(r"``([\w.]+)``")
UNDERLINE = re.compile(r"^-{3,}$")


@dataclass(frozen=True)
class Container:
    """A class that travels, and the dotted names of those who make and who use it."""

    kind: type
    creators: tuple[str, ...]
    consumers: tuple[str, ...]

    @property
    def name(self) -> str:
        """Its dotted name."""
        return f"{self.kind.__module__}.{self.kind.__qualname__}"

    @property
    def room(self) -> str:
        """The folder it stands in, as a dotted name below the package."""
        return self.kind.__module__.removeprefix("cte_metrics.").rpartition(".")[0]

    @property
    def text(self) -> str:
        """What the docstring says before the two lines, as Markdown."""
        return _markdown(inspect.getdoc(self.kind).split("Created by:")[0].strip())


def _markdown(text: str) -> str:
    return re.sub(r":\w+:(?=`)", "", text.strip().replace("``", "`"))


def containers() -> tuple[Container, ...]:
    """Return every container, from the door upwards."""
    found = {kind: _read(kind) for module in _modules() for kind in _classes(module)}
    return tuple(sorted(filter(None, found.values()), key=_place))


def _modules() -> Iterator[Any]:
    for info in pkgutil.walk_packages(cte_metrics.__path__, "cte_metrics."):
        if not info.name.endswith("__main__"):
            yield importlib.import_module(info.name)


def _classes(module: Any) -> list[type]:
    own = vars(module).values()
    return [v for v in own if inspect.isclass(v) and v.__module__ == module.__name__]


def _read(kind: type) -> Container | None:
    text = kind.__doc__ or ""
    if "Created by:" not in text:
        return None
    return Container(kind, _named(text, "Created by"), _named(text, "Consumed by"))


def _named(text: str, line: str) -> tuple[str, ...]:
    match = re.search(LINE.format(line), text)
    return tuple(NAME.findall(match.group(1))) if match else ()


def _place(container: Container) -> tuple[int, str, int]:
    room = container.room
    known = [i for i, name in enumerate(ROOMS) if room == name or room.startswith(f"{name}.")]
    lines = inspect.getsourcelines(container.kind)[1]
    return known[0] if known else len(ROOMS), container.kind.__module__, lines


def faults() -> list[str]:
    """Name every creator and consumer that is not there, and creators that do not create."""
    return [fault for container in containers() for fault in _faults(container)]


def _faults(container: Container) -> Iterator[str]:
    for line, names in (("creator", container.creators), ("consumer", container.consumers)):
        if not names:
            yield f"{container.name} names no {line}"
        for name in names:
            found = resolve(name)
            if found is None:
                yield f"{container.name}: there is no {line} {name}"
            elif line == "creator" and not creates(found, container.kind):
                yield f"{container.name}: {name} does not create it"


def resolve(name: str) -> Any:
    """Return what a dotted name stands for, None where nothing does."""
    parts = name.split(".")
    for cut in range(len(parts) - 1, 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:cut]))
        except ModuleNotFoundError:
            continue
        for part in parts[cut:]:
            found = inspect.getattr_static(found, part, None)
        return found
    return None


def creates(creator: Any, kind: type) -> bool:
    """Whether a function or class, or a function of its file that it calls, makes the class.

    To make is to call the class or one of its subclasses (``cls`` within it), or to promise it as
    what comes back.
    """
    within = _function(creator).__qualname__.partition(".")[0] == kind.__name__
    kinds = "|".join(one.__name__ for one in (kind, *kind.__subclasses__()))
    own = f"{kinds}|cls|Self" if within else kinds
    made = re.compile(rf"(?<!class )(?<!pd\.)\b(?:{own})\(|-> [^:\n]*\b(?:{own})\b")
    return any(made.search(text) for text in _texts(creator, kind))


def _function(found: Any) -> Any:
    """The function within a property or a class method."""
    for inside in ("__func__", "fget", "func"):
        found = getattr(found, inside, None) or found
    return inspect.unwrap(found)


def _texts(creator: Any, kind: type) -> Iterator[str]:
    """Source of the creator and of the functions of its file that it calls, and they call."""
    module = inspect.getmodule(_function(creator))
    waiting, seen = [_function(creator)], {kind.__name__}
    while waiting:
        text = inspect.getsource(waiting.pop())
        yield text
        called = {n for n in re.findall(r"\b(\w+)\b", text) if n not in seen}
        seen |= called
        waiting += [f for n in called if _is_own(f := getattr(module, n, None), module)]


def _is_own(found: Any, module: Any) -> bool:
    is_code = inspect.isfunction(found) or inspect.isclass(found)
    return is_code and found.__module__ == module.__name__


def page() -> str:
    """Return the page's generated part as Markdown."""
    every = containers()
    return "\n".join([*_overview(every), "", *_steps(every), "", *_details(every), ""])


def _overview(every: Iterable[Container]) -> Iterator[str]:
    yield from ("| container | room | created by | consumed by |", "|---|---|---|---|")
    for c in every:
        cells = (_link(c), f"`{c.room}`", _short(c.creators), _short(c.consumers))
        yield f"| {' | '.join(cells)} |"


def _link(container: Container) -> str:
    name = container.kind.__name__
    return f"[`{name}`](#{_anchor(container)})"


def _anchor(container: Container) -> str:
    return container.name.removeprefix("cte_metrics.").replace(".", "-").replace("_", "-").lower()


def _short(names: Iterable[str]) -> str:
    return ", ".join(f"`{_called(name)}`" for name in names)


def _called(name: str) -> str:
    """A function by its name, a method behind its class, a class by its own."""
    *_, before, last = name.removesuffix(".__init__").split(".")
    return f"{before}.{last}" if before[0].isupper() else last


def _steps(every: tuple[Container, ...]) -> Iterator[str]:
    """What takes one container and gives back another."""
    yield from ("## Step by step", "", "| from | through | to |", "|---|---|---|")
    for source in every:
        for target in every:
            both = {*source.consumers, source.name} & {*target.creators}
            through = sorted(name for name in both if gives_back(resolve(name), target.kind))
            if through:
                yield f"| {_link(source)} | {_short(through)} | {_link(target)} |"


def gives_back(creator: Any, kind: type) -> bool:
    """Whether a function's answer is, or holds, the class; a class gives what it makes."""
    if inspect.isclass(creator):
        return True
    answer = str(_function(creator).__annotations__.get("return", ""))
    return bool(re.search(rf"\b(?:{kind.__name__}|Self)\b", answer))


def _details(every: Iterable[Container]) -> Iterator[str]:
    yield "## What each one holds"
    for c in every:
        yield from ("", f"({_anchor(c)})=", f"### {c.kind.__name__}", "", f"`{c.name}`", "")
        yield c.text
        yield ""
        yield from _attributes(c)


def _attributes(container: Container) -> Iterator[str]:
    entries = _documented(inspect.getdoc(container.kind))
    if not entries:
        notes = getattr(container.kind, "__annotations__", {})
        entries = [(name, str(note), "") for name, note in notes.items()]
    for name, kind, text in entries:
        yield f"- `{name}` : {kind}" + (f" — {text}" if text else "")


def _documented(text: str) -> list[tuple[str, str, str]]:
    """Names, types and texts of the section Attributes or Parameters."""
    lines = text.splitlines()
    starts = [i for i, line in enumerate(lines) if line in {"Attributes", "Parameters"}]
    entries: list[tuple[str, str, str]] = []
    for i in range(starts[0] + 2 if starts else len(lines), len(lines)):
        line = lines[i]
        if i + 1 < len(lines) and UNDERLINE.match(lines[i + 1]):
            break
        if line and not line.startswith(" "):
            name, _, kind = line.partition(" : ")
            entries.append((name, _markdown(kind), ""))
        elif line.strip():
            name, kind, before = entries[-1]
            entries[-1] = name, kind, f"{before} {_markdown(line)}".strip()
    return entries
