"""Tiles of a transposition in registers: sixteen rows are loaded whole and transposed, instead of gathered by column.

Such a tile is a serial loop of 16 inside a vector loop, with loads that are contiguous along the serial counter. Where
the loop is cut short by the end of the axis, or lanes are masked, loads gather as anywhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from codegen import loopir
from codegen.emit.gemm_copy import transpose
from codegen.emit.values import Val
from codegen.loopir import LANES
from codegen.lower.merge import linear_parts

if TYPE_CHECKING:
    from codegen.emit.kernel import Emitter

_MOST = 2
"""Loads that are transposed: more would not fit into registers."""


def turned_loads(e: Emitter, s: loopir.Loop) -> list[loopir.Load]:
    """The loads of a tile that run along its counter, not along the open vector loop; none if it is no such tile."""
    lanes = e.scope.lanes
    plain = all(isinstance(x, loopir.Load | loopir.Compute | loopir.Const | loopir.Store) for x in s.body)
    if lanes is None or lanes.mask is not None or lanes.copies > 1 or lanes.lanes != LANES or not plain:
        return []
    found: list[loopir.Load] = []
    for x in s.body:
        if not isinstance(x, loopir.Load) or x.guard is not None or x.dtype.size > 4:
            continue
        parts, linear = linear_parts(x.at, frozenset((s.symbol, lanes.symbol)))
        if linear and parts.get(s.symbol) == 1 and parts.get(lanes.symbol, 0) not in (0, 1):
            found.append(x)
    return found if len(found) <= _MOST else []


def emit_tile(e: Emitter, s: loopir.Loop, loads: Sequence[loopir.Load], otherwise: Callable[[], None]) -> None:
    """Emits the tile in registers where it is whole, and otherwise as the loop that it is."""
    fn, scope = e.fn, e.scope
    whole, part, done = fn.new_label("tile"), fn.new_label("part"), fn.new_label("tiled")
    fn.branch_if(fn.emit(f"icmp eq i64 {scope.scalar(s.extent)}, {LANES}", "c"), whole, part)
    saved = (dict(scope.values), dict(scope.symbols), dict(scope.vectors), dict(e.bases))
    fn.place(whole)
    scope.symbols[s.symbol] = "0"
    rows = {x.dest: _columns(e, x) for x in loads}
    for i in range(LANES):
        scope.symbols[s.symbol] = str(i)
        for x in s.body:
            if isinstance(x, loopir.Load) and x.dest in rows:
                scope.values[x.dest] = [rows[x.dest][i]]
            else:
                e.body([x])
    fn.branch(done)
    scope.values, scope.symbols, scope.vectors, e.bases = saved  # the other form is emitted from the same state
    fn.place(part)
    otherwise()
    fn.branch(done)
    fn.place(done)


def _columns(e: Emitter, x: loopir.Load) -> list[Val]:
    """What a load gives for each of the tile's sixteen positions."""
    scope, k, size = e.scope, e.k, x.dtype.size
    parts: Any = scope.split(x.at)
    base, step = parts
    lanes = scope.lanes
    assert lanes is not None
    first = e.linear_pointer(x.buffer, base, "0", x.dtype)
    stride = e.fn.emit(f"mul i64 {scope.scalar(step)}, {size}", "stride")
    at = e.fn.emit(f"mul i64 {lanes.starts[0]}, {stride}", "d")
    rows: list[Val] = []
    for _ in range(LANES):
        rows.append(k.load(e.fn.emit(f"getelementptr i8, ptr {first}, i64 {at}", "p"), x.dtype, LANES))
        at = e.fn.emit(f"add i64 {at}, {stride}", "d")
    return transpose(k, rows)
