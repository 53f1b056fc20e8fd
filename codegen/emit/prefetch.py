"""Prefetches of rows: while one row is computed, the next one is fetched, and the lines that it will be stored to.

Hardware follows a stream of loads within a page and starts anew at every row; and a pass over a row that has not
come yet can do nothing but wait. So the heaviest loop over a row asks for the inputs of the next row, and for the
lines of this row's outputs that a later loop stores.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from codegen import loopir
from codegen.loopir import LANES
from codegen.lower.merge import linear_parts
from graphcore import dims
from graphcore.dims import Dim

if TYPE_CHECKING:
    from codegen.emit.kernel import Emitter

_LINE = 64


class Fetch(NamedTuple):
    """A line to ask for at element `base` + counter of a buffer."""

    buffer: str
    base: Dim
    write: bool


def rows_ahead(serial: loopir.Loop, buffers: Mapping[str, loopir.Buffer]) -> tuple[loopir.Loop, list[Fetch]] | None:
    """The loop over a row that should fetch, and what; None for serial loops that do not go over rows."""
    passes = [s for s in serial.body if isinstance(s, loopir.Loop) and s.mode == "vector"]
    if not passes or passes[0].extent == 0:
        return None
    heaviest = max(passes, key=lambda s: weight(s.body))
    fetches: list[Fetch] = []
    for number, one in enumerate(passes):
        if one.extent != heaviest.extent:
            continue
        later = number > passes.index(heaviest)
        for s in loopir.walk(one.body):
            if isinstance(s, loopir.Load) or (isinstance(s, loopir.Store) and later):
                fetch = _fetch(s, serial.symbol, one.symbol, buffers)
                if fetch is not None and fetch not in fetches:
                    fetches.append(fetch)
    return (heaviest, fetches) if fetches else None


def _fetch(
    s: loopir.Load | loopir.Store, row: str, column: str, buffers: Mapping[str, loopir.Buffer]
) -> Fetch | None:
    if buffers[s.buffer].role == "scratch":
        return None
    parts, linear = linear_parts(s.at, frozenset((row, column)))
    if not linear or parts.get(column) != 1 or parts.get(row, 0) == 0:
        return None
    base = dims.substitute(s.at, {column: 0})
    if isinstance(s, loopir.Load):
        return Fetch(s.buffer, base + parts[row], False)
    return Fetch(s.buffer, base, True)


def weight(body: Sequence[object]) -> int:
    """About how many instructions the statements are."""
    return sum(_weight(s) for s in loopir.walk(body))


def _weight(s: object) -> int:
    if isinstance(s, loopir.Compute):
        return 12 if s.word in HEAVY else 1
    return int(isinstance(s, loopir.Load | loopir.Store))


HEAVY = frozenset(("exp", "exp2", "expm1", "log", "log1p", "tanh", "erf", "sin", "cos", "pow", "floordiv", "mod"))
"""Words that are a polynomial or a loop, not an instruction."""


def hoisted(e: Emitter, loop: loopir.Loop) -> list[Fetch]:
    """What a vector loop is to fetch, once the pointers have been computed before it."""
    if e.fetching is None or e.fetching[0] is not loop:
        return []
    wanted = [(f.buffer, f.base) for f in e.fetching[1]]
    e.hoist_bases(wanted)
    return [f for f in e.fetching[1] if (f.buffer, f.base) in e.bases]


def emit(e: Emitter, fetches: Sequence[Fetch], starts: Sequence[str]) -> None:
    """Asks for the lines that belong to the vectors of a loop's body."""
    for fetch in fetches:
        dtype = e.buffers[fetch.buffer].dtype
        for start in starts:
            first = e.linear_pointer(fetch.buffer, fetch.base, start, dtype)
            for offset in range(0, LANES * dtype.size, _LINE):
                pointer = e.k.address(first, offset)
                arguments = [("ptr", pointer), ("i32", str(int(fetch.write))), ("i32", "3"), ("i32", "1")]
                e.fn.call("void", "llvm.prefetch.p0", arguments)
