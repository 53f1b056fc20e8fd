"""The pipeline: passes by name, in the order of a string, verified, timed and recorded."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import NamedTuple, TypeAlias

from graphcore import dims
from graphcore.errors import InvalidArgumentError, VerifyError
from graphcore.graph import Graph
from graphcore.passes.regions import run_pass
from graphcore.verify import verify as verify_graph

DEFAULT_PIPELINE = "canonicalize,fold,cse,dce,fuse,memory"

Pass: TypeAlias = Callable[[Graph, list[str]], Graph]
"""(graph, notes) -> new graph; a pass appends to `notes` what a reader of the dump should know."""

_PLACES: dict[str, tuple[str, str]] = {
    "canonicalize": ("graphcore.passes.canonicalize", "canonicalize"),
    "fold": ("graphcore.passes.fold", "fold"),
    "cse": ("graphcore.passes.cse", "cse"),
    "dce": ("graphcore.passes.dce", "dce"),
    "fuse": ("graphcore.passes.fuse", "fuse"),
    "memory": ("graphcore.passes.memory", "memory"),
}


_BUDGETED = ("fuse",)
"""Passes that take a budget of memory, in bytes."""


class PassRecord(NamedTuple):
    """What one pass did: its name, the graph before and after, how long it took, and what it noted."""

    name: str
    before: Graph
    after: Graph
    seconds: float
    notes: list[str]


def run(
    graph: Graph,
    pipeline: str = DEFAULT_PIPELINE,
    record: list[PassRecord] | None = None,
    verify: bool = True,
) -> Graph:
    """Runs passes over a graph.

    Args:
        graph: a valid graph; it is not changed.
        pipeline: names of passes, separated by commas; "" runs none. `fuse=BYTES` is fuse with a budget of memory.
        record: receives one PassRecord per pass.
        verify: checks the graph that comes out; if it is not valid, or a pass fails, the passes run again with a check
            after each, to name the one at fault.

    Returns:
        The graph that the last pass gave.

    Raises:
        InvalidArgumentError: naming near names, if no pass has a given name.
        VerifyError: naming the pass that broke the graph.
    """
    passes = parse_pipeline(pipeline)
    with dims.assuming(graph.guards):
        if not verify:
            return _run(graph, passes, record, verify=False)
        records: list[PassRecord] = []
        try:
            after = verify_graph(_run(graph, passes, records, verify=False))
        except Exception:
            return _run(graph, passes, record, verify=True)
    if record is not None:
        record += records
    return after


def _run(graph: Graph, passes: list[tuple[str, Pass]], record: list[PassRecord] | None, verify: bool) -> Graph:
    if verify:
        verify_graph(graph)
    for name, function in passes:
        notes: list[str] = []
        start = time.perf_counter()
        after = run_pass(name, function, graph, notes)
        seconds = time.perf_counter() - start
        if verify:
            _verify_after(name, after)
        if record is not None:
            record.append(PassRecord(name, graph, after, seconds, notes))
        graph = after
    return graph


def parse_pipeline(pipeline: str) -> list[tuple[str, Pass]]:
    """The passes that a pipeline string names, with their names."""
    parts = [part.strip() for part in pipeline.split(",")] if pipeline.strip() else []
    return [_parse_part(part) for part in parts]


def _parse_part(part: str) -> tuple[str, Pass]:
    name, equals, number = part.partition("=")
    if not equals:
        return name, get_pass(name)
    if name not in _BUDGETED or not number.isdecimal():
        raise InvalidArgumentError(f"{part!r} is no pass; a number of bytes may follow {', '.join(_BUDGETED)} only")
    budgeted: Callable[..., Graph] = get_pass(name)
    return name, partial(budgeted, budget=int(number))


def pass_names() -> tuple[str, ...]:
    """The names that a pipeline string may hold."""
    return tuple(_PLACES)


def get_pass(name: str) -> Pass:
    """The pass of that name; its module is imported now. Raises InvalidArgumentError with near names."""
    if name not in _PLACES:
        from difflib import get_close_matches

        near = get_close_matches(name, _PLACES, 3) or list(_PLACES)
        raise InvalidArgumentError(f"no pass is named {name!r}; did you mean {', '.join(near)}?")
    module, attribute = _PLACES[name]
    function: Pass = getattr(import_module(module), attribute)
    return function


def _verify_after(name: str, graph: Graph) -> None:
    try:
        verify_graph(graph)
    except VerifyError as error:
        raise VerifyError(f"after pass {name}: {error}") from error
