"""About how long a kernel takes, from its loop IR: what decides how many of its chunks one thread takes at a time.

Estimates are in picoseconds of one core at some 3 GHz with 512-bit vectors, on data in its outer caches. They depend
on sizes alone, so the pieces of a kernel are the same on every machine and for every number of threads.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from codegen import loopir
from codegen.loopir import LANES, Contract, Kernel
from graphcore import dims
from graphcore.dims import Dim
from graphcore.passes.fuse_cost import WORD_COSTS

PIECE = 8_000_000
"""Work that is worth giving to another thread: 8 microseconds."""

_VECTOR_STEP, _SCALAR_STEP = 25, 300  # one simple operation on one element
_BYTE = 25  # read or written in order
_APART = 400  # an element that is not beside its neighbour
_SORT_STEP = 8_000
_FMA = 12
_FAR_ROWS = 13  # with fewer rows, a contraction waits for its right operand


def chunk_work(kernel: Kernel, sizes: frozenset[str]) -> Dim:
    """Picoseconds of one chunk; counters of loops that its extents depend on are taken at their bounds.

    Args:
        kernel: what runs.
        sizes: names of the sizes that are known at run time.
    """
    (chunk,) = [s for s in kernel.body if isinstance(s, loopir.Loop) and s.chunk] or [None]
    if chunk is None:
        return _body(kernel.body, sizes, "")
    return _body(chunk.body, sizes, chunk.symbol if chunk.mode == "vector" else "")


def contraction_work(s: Contract, sizes: frozenset[str] | None = None) -> Dim:
    """Picoseconds of a whole contraction; `sizes` are as for chunk_work, None if its extents are all known then."""
    extents = [d for _, d in (s.row, s.column, s.depth, *s.batch)]
    rows, *others = extents if sizes is None else [_extent(d, sizes) for d in extents]
    least = dims.maximum(rows, _FAR_ROWS) if isinstance(rows, int) else rows + _FAR_ROWS
    return dims.product(others) * least * (_FMA * s.dtype.size // 4)


def divides(kernel: Kernel) -> bool:
    """Whether chunks may run at the same time: outside of the loop of chunks nothing is written, and nothing loops."""
    outside = [s for s in kernel.body if not (isinstance(s, loopir.Loop) and s.chunk)]
    simple = loopir.Const | loopir.Load | loopir.Compute | loopir.FromIndex | loopir.Condition | loopir.IndexOf
    return len(outside) == len(kernel.body) - 1 and all(isinstance(s, simple | loopir.Check) for s in outside)


def grain(work: Dim, step: int) -> Dim:
    """How many chunks make a piece, a multiple of `step`."""
    if isinstance(work, int):
        return -(-PIECE // max(work * step, 1)) * step
    return dims.ceildiv(PIECE, dims.maximum(work * step, 1)) * step


def chunk_step(kernel: Kernel) -> int:
    """Of how many chunks a piece should be a multiple: whole, unrolled vectors where the chunks are elements."""
    vector = any(isinstance(s, loopir.Loop) and s.chunk and s.mode == "vector" for s in kernel.body)
    return 4 * LANES if vector else 1


def _body(body: Sequence[Any], sizes: frozenset[str], vector: str) -> Dim:
    total: Dim = 0
    for s in body:
        total = total + _statement(s, sizes, vector)
    return total


def _statement(s: Any, sizes: frozenset[str], vector: str) -> Dim:
    step = _VECTOR_STEP if vector else _SCALAR_STEP
    if isinstance(s, loopir.Loop):
        inner = _body(s.body, sizes, s.symbol if s.mode == "vector" else vector)
        return _extent(s.extent, sizes) * inner
    if isinstance(s, Contract):
        return contraction_work(s, sizes)
    if isinstance(s, loopir.Apart):
        return _body(s.body, sizes, vector)
    if isinstance(s, loopir.Load | loopir.Store):
        size = s.dtype.size if isinstance(s, loopir.Load) else 4
        return (_BYTE * size if not vector or _beside(s.at, vector) else _APART) + (0 if vector else step)
    if isinstance(s, loopir.Compute):
        return step * WORD_COSTS.get(s.word, 1)
    if isinstance(s, loopir.Sort):
        return _extent(s.length, sizes) * _SORT_STEP
    return step if isinstance(s, loopir.Accumulate) else 0


def _beside(at: Dim, symbol: str) -> bool:
    """Whether neighbours along a counter lie side by side, or are the same element."""
    if symbol not in dims.free_symbols(at):
        return True
    moved = dims.substitute(at, {symbol: dims.symbol(symbol) + 1})
    return isinstance(moved - dims.substitute(at, {symbol: dims.symbol(symbol)}), int)


def _extent(extent: Dim, sizes: frozenset[str]) -> Dim:
    if dims.free_symbols(extent) <= sizes:
        return extent
    most = dims.bounds(extent)[1]
    return most if isinstance(most, int) else LANES
