"""Which lists, dicts and sets around a Python function its tracing has changed.

Tracing runs Python once; later calls run the graph. A function that appends to a list outside of itself therefore does
so once only, which a user should be told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any


def containers(function: Callable[..., Any]) -> Iterator[tuple[str, Any]]:
    """The lists, dicts and sets that a function's closure and the globals it names hold, with their names."""
    function = getattr(function, "__func__", function)
    code = getattr(function, "__code__", None)
    if code is None:
        return
    cells = zip(code.co_freevars, getattr(function, "__closure__", None) or (), strict=False)
    for name, cell in cells:
        try:
            held = cell.cell_contents
        except ValueError:  # a name that is not bound yet
            continue
        if isinstance(held, list | dict | set):
            yield name, held
    module = getattr(function, "__globals__", {})
    for name in code.co_names:
        held = module.get(name)
        if isinstance(held, list | dict | set) and not name.startswith("__"):
            yield name, held


class Snapshot:
    """The containers around a function as they were."""

    def __init__(self, function: Callable[..., Any]) -> None:
        """Takes shallow notes; the elements are compared by identity."""
        self._before = [(name, held, _contents(held)) for name, held in containers(function)]

    def changed(self) -> list[str]:
        """The names of containers that have changed since, with their kind."""
        return [f"{type(held).__name__} {name!r}" for name, held, before in self._before if _contents(held) != before]


def _contents(held: Any) -> list[int]:
    if isinstance(held, dict):
        return [id(x) for pair in held.items() for x in pair]
    return sorted(map(id, held)) if isinstance(held, set) else [id(x) for x in held]
