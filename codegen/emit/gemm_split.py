"""Packing rows of a left operand that is read through a window: its row and depth counters are split.

A row stands for a position in several dimensions, which is found once per row; the depth is divided into stretches
along the last of its counters, and what depends on the others only is computed once per stretch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from codegen import loopir
from codegen.emit.gemm_copy import Packer
from codegen.emit.gemm_index import for_range, if_else, ptr_at
from codegen.emit.kernel import Emitter
from codegen.emit.scope import Lanes
from codegen.emit.values import Val
from graphcore import dims
from graphcore.dims import Dim
from graphcore.dtypes import int64


def pack_split(p: Packer, stride: int, x: loopir.Operand, emitter: Emitter) -> None:
    """Fills rows of `stride` bytes with what the operand's body computes for k.. to k + count."""
    _Rows(p, stride, x, emitter).emit()


class _Rows:
    """The loops over rows, stretches and vectors."""

    def __init__(self, p: Packer, stride: int, x: loopir.Operand, emitter: Emitter) -> None:
        self.p, self.ix, self.stride, self.emitter, self.x = p, p.ix, stride, emitter, x
        self.scope = emitter.scope
        self.along = x.depth[-1][0]
        self.rows = self._sizes(x.rows)
        self.depth = self._sizes(x.depth)
        self.outside, self.inside = divide(x.body, self.along)
        self.end = self.ix.add(p.first_k, "%count")

    def _sizes(self, counters: Sequence[tuple[str, Dim]]) -> list[str]:
        return [self.scope.scalar(extent) for _, extent in counters]

    def _set(self, counters: Sequence[tuple[str, Dim]], values: Sequence[str]) -> None:
        self.scope.symbols.update({name: v for (name, _), v in zip(counters, values, strict=True)})

    def emit(self) -> None:
        for_range(self.ix, "0", "%rows", 1, self._row)

    def _row(self, i: str) -> None:
        ix = self.ix
        self._set(self.x.rows, ix.unravel(ix.add(self.p.first, i), self.rows))
        out = ptr_at(ix, "%out", ix.mul(i, self.stride))
        ix.while_less(self.p.first_k, self.end, lambda k: self._stretch(k, out))

    def _stretch(self, k: str, out: str) -> str:
        """Elements k.. of one stretch; returns the first k after it."""
        ix = self.ix
        length = self.depth[-1]
        number, at = ix.divmod(k, length)
        if len(self.depth) == 1:
            at = k
        count = ix.minimum(ix.sub(length, at), ix.sub(self.end, k))
        self._set(self.x.depth[:-1], ix.unravel(number, self.depth[:-1]))
        start = ptr_at(ix, out, ix.mul(ix.sub(k, self.p.first_k), self.p.size))
        self.scope.lanes = None
        self.emitter.bases.clear()
        self.emitter.body(self.outside)
        lanes = self.p.lanes
        self.emitter.hoist(self.inside, self.along, Lanes(self.along, ["0"], None, lanes))
        whole = ix.sub(count, ix.sub(lanes, 1))
        done = ix.mul(ix.div(count, lanes), lanes)
        for_range(ix, "0", whole, lanes, lambda e: self._vector(at, e, start, None))
        if_else(ix, ix.less(done, count), lambda: self._vector(at, done, start, ix.sub(count, done)))
        self.emitter.bases.clear()
        return ix.add(k, count)

    def _vector(self, at: str, e: str, out: str, left: str | None) -> None:
        p, ix = self.p, self.ix
        mask = None if left is None else p.k.tail_mask(Val(left, int64))
        self.scope.lanes = Lanes(self.along, [ix.add(at, e)], mask, p.lanes)
        self.emitter.body(self.inside)
        value = self.scope.get(self.x.value, 0)
        self.scope.lanes = None
        p.store(out, ix.mul(e, p.size), p.k.splat(value, p.lanes))


def divide(body: Sequence[Any], along: str) -> tuple[list[Any], list[Any]]:
    """The statements that do not depend on a counter, and those that do."""
    outside: list[Any] = []
    inside: list[Any] = []
    moving: set[str] = set()
    for s in body:
        names = {*getattr(s, "args", ()), getattr(s, "guard", None), getattr(s, "src", None)}
        if names & moving or along in dims.free_symbols(loopir.index_dims(s)):
            inside.append(s)
            moving.add(s.dest)
        else:
            outside.append(s)
    return outside, inside
