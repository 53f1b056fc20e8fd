"""Loops as LLVM: serial ones, and vector loops with an unrolled main part and a masked remainder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from codegen import loopir
from codegen.emit import prefetch, tile
from codegen.emit.scope import Lanes
from codegen.emit.values import Val
from codegen.loopir import LANES
from graphcore.dims import Dim
from graphcore.dtypes import bool_, int64

if TYPE_CHECKING:
    from codegen.emit.kernel import Emitter

def emit_loop(e: Emitter, s: loopir.Loop) -> None:
    """Emits a loop; names defined inside end with it, accumulators fed inside live on."""
    scope = e.scope
    saved = (dict(scope.values), dict(scope.symbols), dict(scope.vectors), dict(e.bases))
    divisors, fetching = dict(e.divisors), e.fetching
    fed = [name for name in _fed(s.body) if name in scope.values]
    if s.mode == "vector":
        _vector_loop(e, s, fed)
    elif loads := tile.turned_loads(e, s):
        tile.emit_tile(e, s, loads, lambda: _serial_loop(e, s, fed))
    else:
        e.fetching = prefetch.rows_ahead(s, e.buffers)
        _serial_loop(e, s, fed)
    finals = {name: scope.values[name] for name in fed}
    scope.values, scope.symbols, scope.vectors, e.bases = saved
    e.divisors, e.fetching = divisors, fetching
    scope.values.update(finals)


def _serial_loop(e: Emitter, s: loopir.Loop, fed: Sequence[str]) -> None:
    start, stop = _range(e, s)
    _counted(e, start, stop, 1, fed, lambda i: _serial_body(e, s, i))


def emit_apart(e: Emitter, s: loopir.Apart) -> None:
    """Emits statements that run unless two buffers are one; names defined inside end with them."""
    fn, scope = e.fn, e.scope
    saved = (dict(scope.values), dict(scope.symbols), dict(scope.vectors), dict(e.bases))
    differ, joined = fn.new_label("apart"), fn.new_label("joined")
    fn.branch_if(fn.emit(f"icmp eq ptr {e.pointers[s.a]}, {e.pointers[s.b]}"), joined, differ)
    fn.place(differ)
    e.body(s.body)
    fn.branch(joined)
    fn.place(joined)
    scope.values, scope.symbols, scope.vectors, e.bases = saved


def _fed(body: Sequence[Any]) -> list[str]:
    """The accumulators that statements feed, and the values that they carry, in order."""
    fed = (
        s.acc if isinstance(s, loopir.Accumulate) else s.dest
        for s in loopir.walk(body) if isinstance(s, loopir.Accumulate | loopir.Carry)
    )  # fmt: skip
    return list(dict.fromkeys(fed))


def _range(e: Emitter, s: loopir.Loop) -> tuple[str, str]:
    return ("%begin", "%end") if s.chunk else ("0", e.scope.scalar(s.extent))


def _serial_body(e: Emitter, s: loopir.Loop, counter: str) -> None:
    e.scope.symbols[s.symbol] = counter
    e.body(s.body)


def _counted(
    e: Emitter, start: str, stop: str, step: int, fed: Sequence[str], inside: Callable[[str], None]
) -> None:
    """`inside(i)` for i = start, start + step, ... below stop; the accumulators in `fed` go round with it."""
    fn, values = e.fn, e.scope.values
    head, body, done = fn.new_label("loop"), fn.new_label("body"), fn.new_label("done")
    before = fn.block
    fn.branch(head)
    fn.place(head)
    arms: list[tuple[str, str]] = [(start, before)]
    counter = fn.phi("i64", arms, "i")
    cycles: list[tuple[str, int, list[tuple[str, str]]]] = []
    inner: dict[str, list[Val]] = {}
    for name in fed:
        inner[name] = []
        for copy, value in enumerate(values[name]):
            back = [(value.text, before)]
            inner[name].append(Val(fn.phi(value.type, back, "acc"), value.dtype, value.lanes))
            cycles.append((name, copy, back))
    values.update({name: list(v) for name, v in inner.items()})
    fn.branch_if(fn.emit(f"icmp slt i64 {counter}, {stop}", "c"), body, done)
    fn.place(body)
    inside(counter)
    arms.append((fn.emit(f"add nsw i64 {counter}, {step}", "next"), fn.block))
    for name, copy, back in cycles:
        value = e.scope.values[name][copy]
        back.append((e.k.splat(value, inner[name][copy].lanes).text, fn.block))
    fn.branch(head)
    fn.place(done)
    e.scope.values.update(inner)


def _vector_loop(e: Emitter, s: loopir.Loop, fed: Sequence[str]) -> None:
    extent = s.extent
    if isinstance(extent, int) and extent <= LANES:
        _short(e, s, extent)
        return
    copies = _unroll(s.body, extent)
    start, stop = _range(e, s)
    e.hoist(s.body, s.symbol, Lanes(s.symbol, ["0"], None))
    e.hoist_divisors(s.body)
    fetches = prefetch.hoisted(e, s)
    step = copies * LANES
    whole = isinstance(extent, int) and extent % step == 0 and not s.chunk
    middle = stop if whole else _last_whole(e, start, stop, step)
    spread = [name for name in fed if copies > 1 and _any_order(e.accumulators[name])]
    _spread(e, spread, copies)
    _counted(e, start, middle, step, fed, lambda i: _vector_body(e, s, i, copies, fetches))
    _join(e, spread)
    if not whole:
        _counted(e, middle, stop, LANES, fed, lambda i: _masked_body(e, s, i, stop))


def _any_order(acc: loopir.Init) -> bool:
    """Whether elements may be accumulated in any order: maxima, minima, and everything that is not rounded."""
    return acc.dtype.kind != "f" or acc.label in ("reduce_max", "reduce_min")


def _spread(e: Emitter, names: Sequence[str], copies: int) -> None:
    """Gives every copy of a loop an accumulator of its own, so that they do not wait for each other."""
    for name in names:
        init = e.accumulators[name]
        start = e.k.splat(e.k.const(init.value, init.dtype), LANES)
        e.scope.values[name] = [*e.scope.values[name], *[start] * (copies - 1)]


def _join(e: Emitter, names: Sequence[str]) -> None:
    """Combines the accumulators of the copies."""
    for name in names:
        first, *rest = e.scope.values[name]
        for other in rest:
            first = e.accumulators[name].combine(e.k, first, other)
        e.scope.values[name] = [first]


def _last_whole(e: Emitter, start: str, stop: str, step: int) -> str:
    """Where the part of the range that whole steps cover ends."""
    fn = e.fn
    length = stop if start == "0" else fn.emit(f"sub nsw i64 {stop}, {start}")
    whole = fn.emit(f"and i64 {length}, {-step}")
    return whole if start == "0" else fn.emit(f"add nsw i64 {start}, {whole}")


def _open(e: Emitter, s: loopir.Loop, lanes: Lanes) -> None:
    """The body of a vector loop; values made in it end with it."""
    scope = e.scope
    saved = (dict(scope.values), dict(scope.symbols), dict(scope.vectors), dict(e.bases))
    fed = [name for name in _fed(s.body) if name in scope.values]
    scope.lanes = lanes
    e.body(s.body)
    scope.lanes = None
    finals = {name: scope.values[name] for name in fed}
    scope.values, scope.symbols, scope.vectors, e.bases = saved
    scope.values.update(finals)


def _short(e: Emitter, s: loopir.Loop, extent: int) -> None:
    """At most one vector: no loop, and a constant mask unless it is full."""
    if extent == 0:
        return
    mask = None
    if extent < LANES:
        bits = ", ".join(f"i1 {'true' if i < extent else 'false'}" for i in range(LANES))
        mask = Val(f"<{bits}>", bool_, LANES)
    _open(e, s, Lanes(s.symbol, ["0"], mask))


def _vector_body(
    e: Emitter, s: loopir.Loop, counter: str, copies: int, fetches: Sequence[prefetch.Fetch]
) -> None:
    starts = [counter] + [e.fn.emit(f"add nsw i64 {counter}, {LANES * c}") for c in range(1, copies)]
    prefetch.emit(e, fetches, starts)
    _open(e, s, Lanes(s.symbol, starts, None))


def _masked_body(e: Emitter, s: loopir.Loop, counter: str, stop: str) -> None:
    left = e.fn.emit(f"sub nsw i64 {stop}, {counter}")
    _open(e, s, Lanes(s.symbol, [counter], e.k.tail_mask(Val(left, int64, 1))))


def _unroll(body: Sequence[Any], extent: Dim) -> int:
    """Copies of the body side by side: more for cheap bodies, one for those that fill the pipeline already."""
    if any(isinstance(s, loopir.Loop) for s in body) and not _fed(body):
        return 1  # a tile: more vectors side by side would evict each other's lines
    weight = prefetch.weight(body)
    copies = 4 if weight <= 8 else 2 if weight <= 24 else 1
    while copies > 1 and isinstance(extent, int) and extent < copies * LANES:
        copies //= 2
    return copies
