"""One row of C from B as it lies: rows of B are read from end to end, eight at a time.

A tile would read a few cache lines of every row of B, a page apart, which hardware does not foresee; so matrix-vector
products would run at half of the speed of memory. Here the sums lie in scratch, and each passes through a register
once for eight k: still one ascending chain.
"""

from __future__ import annotations

from collections.abc import Sequence

from codegen.emit.gemm_index import Index, for_range, if_else, ptr_at
from codegen.emit.text import FunctionText, ModuleText
from codegen.emit.values import LlvmHandler, Val
from codegen.target import Target
from graphcore.dtypes import DType, int64

_PARAMETERS = ("ptr %a", "i64 %a_stride", "ptr noalias %b", "i64 %b_row", "i64 %columns", "i64 %k", "ptr noalias %sums")
_ROWS = 8
_UNROLL = 2


def stream_function(module: ModuleText, dtype: DType, target: Target) -> str:
    """`void (ptr a, i64 a_stride, ptr b, i64 b_row, i64 columns, i64 k, ptr sums)`, made once per dtype; its name.

    sums[0:columns] gain the products of k elements of a, `a_stride` bytes apart, with k rows of b, `b_row` bytes apart.
    """
    lanes = target.vector_bits // 8 // dtype.size
    return module.helper(
        f"layerjit.gemm.{dtype.name}.stream", _PARAMETERS, "void", lambda fn: _Stream(fn, dtype, target, lanes).emit()
    )


class _Stream:
    """Emits the function."""

    def __init__(self, fn: FunctionText, dtype: DType, target: Target, lanes: int) -> None:
        self.fn, self.ix, self.dtype, self.lanes = fn, Index(fn), dtype, lanes
        self.k = LlvmHandler(fn, target.isa, lanes, has_fma=target.has_fma)

    def emit(self) -> None:
        ix = self.ix
        whole = ix.mul(ix.div("%k", _ROWS), _ROWS)
        for_range(ix, "0", whole, _ROWS, lambda k: self._rows(k, _ROWS))
        for_range(ix, whole, "%k", 1, lambda k: self._rows(k, 1))
        self.fn.ret()

    def _rows(self, k: str, count: int) -> None:
        """All columns for `count` neighbouring k."""
        ix = self.ix
        a: list[Val] = []
        rows: list[str] = []
        for i in range(count):
            at = ix.add(k, i)
            element = self.k.load(ptr_at(ix, "%a", ix.mul(at, "%a_stride")), self.dtype, 1)
            a.append(self.k.splat(element, self.lanes))
            rows.append(ptr_at(ix, "%b", ix.mul(at, "%b_row")))
        wide, lanes = self.lanes * _UNROLL, self.lanes
        most, many = ix.mul(ix.div("%columns", wide), wide), ix.mul(ix.div("%columns", lanes), lanes)
        for_range(ix, "0", most, wide, lambda n: self._vectors(a, rows, [ix.add(n, i * lanes) for i in range(_UNROLL)]))
        for_range(ix, most, many, lanes, lambda n: self._vectors(a, rows, [n]))
        left = ix.sub("%columns", many)
        if_else(ix, ix.less(0, left), lambda: self._vectors(a, rows, [many], self.k.tail_mask(Val(left, int64))))

    def _vectors(self, a: Sequence[Val], rows: Sequence[str], columns: Sequence[str], mask: Val | None = None) -> None:
        ix, k, size = self.ix, self.k, self.dtype.size
        for n in columns:
            at = ix.mul(n, size)
            place = ptr_at(ix, "%sums", at)
            total = k.load(place, self.dtype, self.lanes)
            for x, row in zip(a, rows, strict=True):
                total = self._multiply_add(x, k.load(ptr_at(ix, row, at), self.dtype, self.lanes, mask), total)
            k.store(place, total)

    def _multiply_add(self, x: Val, y: Val, total: Val) -> Val:
        if self.dtype.kind == "f" and self.k.has_fma:
            return self.k.fma(x, y, total)
        return self.k.add(total, self.k.mul(x, y))
