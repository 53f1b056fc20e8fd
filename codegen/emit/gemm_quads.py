"""Products of int8 matrices, four at a time: what vpdpbusd adds to one int32.

Four neighbouring k of one row (or column) are packed into an int32, a quad; a contraction of int8 over K is one of
quads over K / 4. The instruction multiplies unsigned bytes with signed: those of A are packed with 128 added, and the
micro-kernel subtracts 128 times the sums of B's columns, which it finds by the same instruction. All of it is exact
(int32 wraps), so that sums may be taken in any order.
"""

from __future__ import annotations

from codegen.emit.gemm_index import Index, ptr_at
from codegen.emit.gemm_spec import EmitDim, Operand, ReadPoint
from codegen.emit.text import FunctionText
from codegen.emit.values import LlvmHandler, Val
from graphcore import dims
from graphcore.dims import Dim
from graphcore.dtypes import bool_, int8, int32

QUAD = 4
"""Bytes of a quad."""

FLIP = "-2139062144"
"""An int32 with 128 in every byte."""


def quads(depth: Dim) -> Dim:
    """The quads that hold `depth` bytes."""
    return dims.ceildiv(depth, QUAD)


def quad_operand(view: Operand, depth: Dim, emit_dim: EmitDim, *, unsigned: bool) -> Operand:
    """A matrix of quads over a strided view of int8.

    Args:
        view: the int8 elements; its strides count bytes.
        depth: K. Bytes beyond it are 0 (128 in unsigned quads).
        emit_dim: evaluates Dims.
        unsigned: adds 128 to every byte.
    """
    return Operand(read=lambda fn: _Quads(fn, view, depth, emit_dim, unsigned).read, axis=view.axis)


class _Quads:
    """Reads quads in one function."""

    def __init__(self, fn: FunctionText, view: Operand, depth: Dim, emit_dim: EmitDim, unsigned: bool) -> None:
        self.fn, self.ix, self.view, self.unsigned = fn, Index(fn), view, unsigned
        self.base = ptr_at(self.ix, self.ix.load_arg(view.arg), emit_dim(fn, view.offset))
        self.outer, self.along, *self.batch = (emit_dim(fn, d) for d in (view.outer, view.k, *view.batch))
        self.depth = emit_dim(fn, depth)
        self.whole = isinstance(depth, int) and depth % QUAD == 0

    def read(self, k: LlvmHandler, point: ReadPoint) -> Val:
        """The Reader of the operand."""
        ix = self.ix
        start = ix.mul(point.k, QUAD)
        at = ix.add(ix.mul(point.outer, self.outer), ix.mul(start, self.along))
        for b, stride in zip(point.batch, self.batch, strict=True):
            at = ix.add(at, ix.mul(b, stride))
        first = ptr_at(ix, self.base, at)
        if point.axis == "k" and point.lanes > 1:
            value = self._along(k, first, start, point)
        else:
            value = self._across(k, first, start, point)
        return k.op("xor", value, k.splat(Val(FLIP, int32), point.lanes)) if self.unsigned else value

    def _along(self, k: LlvmHandler, first: str, start: str, point: ReadPoint) -> Val:
        """Quads side by side in memory; those beyond the end are not read."""
        count = QUAD * point.lanes
        mask = None
        if point.mask is not None or not self.whole:
            left = self.ix.minimum(self.ix.sub(self.depth, start), count)
            limit = k.splat(Val(self.fn.emit(f"trunc i64 {left} to i8"), int8), count)
            mask = k.op("icmp ult", k.iota(int8, count), limit, bool_)
        value = k.load(first, int8, count, mask)
        return Val(self.fn.emit(f"bitcast {value.typed} to <{point.lanes} x i32>"), int32, point.lanes)

    def _across(self, k: LlvmHandler, first: str, start: str, point: ReadPoint) -> Val:
        """Bytes of four neighbouring k, each from a vector of neighbours along the other axis."""
        ix, total = self.ix, None
        wide = "i32" if point.lanes == 1 else f"<{point.lanes} x i32>"
        for i in range(QUAD):
            place = ptr_at(ix, first, ix.mul(i, self.along))
            if not self.whole and i:
                zeros = self.fn.module.constant("[128 x i8]", "zeroinitializer")
                place = ix.select(ix.less(ix.add(start, i), self.depth), place, zeros, "ptr")
            part = k.load(place, int8, point.lanes, point.mask)
            byte = Val(self.fn.emit(f"zext {part.typed} to {wide}"), int32, point.lanes)
            byte = k.op("shl", byte, k.splat(Val(str(8 * i), int32), point.lanes)) if i else byte
            total = byte if total is None else k.op("or", total, byte)
        assert total is not None
        return total


def add_quads(fn: FunctionText, total: str, unsigned: Val, signed: Val, name: str) -> None:
    """Emits `name` = total + the products of unsigned with signed bytes, summed by quads, for 16 lanes."""
    text, intrinsic = unsigned.type, "llvm.x86.avx512.vpdpbusd.512"
    fn.module.declare(text, intrinsic, [text] * 3)
    fn.line(f"{name} = call {text} @{intrinsic}({text} {total}, {unsigned.typed}, {signed.typed})")
