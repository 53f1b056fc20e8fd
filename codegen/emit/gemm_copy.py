"""The loops that copy an operand into the order in which micro-kernels read it.

A view that is contiguous along neither axis, or a computed operand, is copied; B that is contiguous along k
is transposed in registers, a square of native vectors at a time. Vectors may write past the end of the data; scratch
has room for that.
"""

from __future__ import annotations

from codegen.emit.gemm_index import Index, for_range, if_else, ptr_at
from codegen.emit.gemm_spec import Reader, ReadPoint
from codegen.emit.text import FunctionText
from codegen.emit.values import LlvmHandler, Val, scalar_type
from codegen.schedule import GemmSchedule
from codegen.target import Target
from graphcore.dtypes import DType, int64


class Packer:
    """A packing function under construction: parameters %out, %count (of k), %left or %rows and %height.

    Attributes:
        outer: the first row of A, or column of B; k: the first k.
        axis: along which vectors are read.
    """

    def __init__(
        self, fn: FunctionText, dtype: DType, target: Target, axis: str, read: Reader,
        batch: tuple[str, ...] = (), outer: str = "0", k: str = "0",
    ) -> None:  # fmt: skip
        """Reads through `read`, at points of batch indices `batch`."""
        self.fn, self.dtype, self.size, self.axis, self.target = fn, dtype, dtype.size, axis, target
        self.ix, self.read, self.batch, self.first, self.first_k = Index(fn), read, batch, outer, k
        self.lanes = target.vector_bits // 8 // self.size
        self.k = LlvmHandler(fn, target.isa, self.lanes, has_fma=target.has_fma)

    def vector(self, outer: str, k: str, left: str | None = None) -> Val:
        """A native vector along the operand's axis; with `left`, only so many lanes are read."""
        mask = None if left is None else self.k.tail_mask(Val(left, int64))
        return self.read(self.k, ReadPoint(self.batch, outer, k, self.lanes, self.axis, mask))

    def scalar(self, outer: str, k: str) -> Val:
        """One element."""
        return self.read(self.k, ReadPoint(self.batch, outer, k, 1, self.axis or "k", None))

    def store(self, out: str, offset: str, value: Val) -> None:
        """Stores at a byte offset."""
        self.k.store(ptr_at(self.ix, out, offset), value)

    def offset(self, line: str, stride: str | int, element: str) -> str:
        """Line * stride + element * size, in bytes."""
        return self.ix.add(self.ix.mul(line, stride), self.ix.mul(element, self.size))


def pack_a(p: Packer, schedule: GemmSchedule) -> None:
    """A, as the schedule lays it out: by row, or in tiles by column."""
    (_pack_rows if schedule.a_layout == "row" else _pack_tiles)(p, schedule)


def pack_panel(p: Packer, panel: int) -> None:
    """One panel of B."""
    {"outer": _copy_panel, "k": _transpose_panel, "": _gather_panel}[p.axis](p, panel)


def _pack_rows(p: Packer, schedule: GemmSchedule) -> None:
    ix = p.ix

    def row(i: str) -> None:
        m = ix.add(p.first, i)

        def scalar(element: str) -> None:
            p.store("%out", p.offset(i, schedule.a_stride, element), p.scalar(m, ix.add(p.first_k, element)))

        def vector(element: str) -> None:
            left, out = ix.sub("%count", element), p.offset(i, schedule.a_stride, element)
            k = ix.add(p.first_k, element)
            if_else(
                ix,
                ix.less_equal(p.lanes, left),
                lambda: p.store("%out", out, p.vector(m, k)),
                lambda: p.store("%out", out, p.vector(m, k, left)),
            )

        for_range(ix, "0", "%count", p.lanes if p.axis else 1, vector if p.axis else scalar)

    for_range(ix, "0", "%rows", 1, row)


def _pack_tiles(p: Packer, schedule: GemmSchedule) -> None:
    """Each k of a tile is one or a few vectors; what a vector holds too much, the next k overwrites."""
    ix = p.ix
    line = ix.mul("%height", p.size)
    tallest = max(height for height, _ in schedule.tiles)

    def tile(i: str) -> None:
        m = ix.add(p.first, ix.minimum(i, ix.sub("%rows", "%height")))
        out = ptr_at(ix, "%out", ix.mul(i, ix.mul("%count", p.size)))

        def one(k: str) -> None:
            for part in range(0, tallest, p.lanes):
                left = ix.maximum(ix.sub("%height", part), 0) if part else "%height"
                value = p.vector(ix.add(m, part), ix.add(p.first_k, k), left)
                p.store(out, ix.add(ix.mul(k, line), part * p.size), value)

        for_range(ix, "0", "%count", 1, one)

    for_range(ix, "0", "%rows", "%height", tile)


def _copy_panel(p: Packer, panel: int) -> None:
    """Columns are contiguous: whole vectors, or masked ones in the last panel."""
    ix = p.ix

    def rows(masked: bool) -> None:
        # The second vector of a panel may have no column left: a negative count would read as a huge one.
        lefts = [ix.maximum(ix.sub("%left", j), 0) if masked else None for j in range(0, panel, p.lanes)]

        def row(i: str) -> None:
            k, out = ix.add(p.first_k, i), ix.mul(i, panel * p.size)
            for j, left in enumerate(lefts):
                value = p.vector(ix.add(p.first, j * p.lanes), k, left)
                p.store("%out", ix.add(out, j * p.lanes * p.size), value)

        for_range(ix, "0", "%count", 1, row)

    if_else(ix, ix.less_equal(panel, "%left"), lambda: rows(False), lambda: rows(True))


def _gather_panel(p: Packer, panel: int) -> None:
    """No axis is contiguous: element by element."""
    ix = p.ix

    def row(i: str) -> None:
        k, out = ix.add(p.first_k, i), ix.mul(i, panel * p.size)

        def column(j: str) -> None:
            p.store("%out", ix.add(out, ix.mul(j, p.size)), p.scalar(ix.add(p.first, j), k))

        for_range(ix, "0", ix.minimum("%left", panel), 1, column)

    for_range(ix, "0", "%count", 1, row)


def _transpose_panel(p: Packer, panel: int) -> None:
    """K is contiguous: squares of lanes x lanes are transposed in registers; the last few k go one by one."""
    ix, side = p.ix, p.lanes * p.size
    transposed = _square_function(p, panel)
    square = p.fn.alloca(f"[{p.lanes * side} x i8]")
    last = ix.sub("%left", 1)
    whole = ix.mul(ix.div("%count", p.lanes), p.lanes)

    def column(j: str) -> str:
        # Columns that do not exist repeat the last one: reading them must be safe, their sums are dropped.
        return ix.add(p.first, ix.minimum(j, last))

    def strip(j0: str) -> None:
        def block(i: str) -> None:
            k = ix.add(p.first_k, i)
            for_range(
                ix,
                "0",
                p.lanes,
                1,
                lambda j: p.store(square, ix.mul(j, side), p.vector(column(ix.add(j0, j)), k)),
            )
            start = ptr_at(ix, "%out", p.offset(i, panel * p.size, j0))
            p.fn.line(f"call void {transposed}(ptr {square}, ptr {start})")

        for_range(ix, "0", whole, p.lanes, block)

    def rest(i: str) -> None:
        def one(j: str) -> None:
            p.store("%out", p.offset(i, panel * p.size, j), p.scalar(column(j), ix.add(p.first_k, i)))

        for_range(ix, "0", panel, 1, one)

    for_range(ix, "0", panel, p.lanes, strip)
    for_range(ix, whole, "%count", 1, rest)


def _square_function(p: Packer, panel: int) -> str:
    """`void (ptr square, ptr out)`: transposes a dense square of native vectors to rows of a panel."""

    def build(fn: FunctionText) -> None:
        k, ix = LlvmHandler(fn, p.target.isa, p.lanes, has_fma=p.target.has_fma), Index(fn)
        rows = [k.load(ptr_at(ix, "%square", r * p.lanes * p.size), p.dtype) for r in range(p.lanes)]
        for r, value in enumerate(transpose(k, rows)):
            k.store(ptr_at(ix, "%out", r * panel * p.size), value)
        fn.ret()

    name = f"layerjit.transpose.{scalar_type(p.dtype)}.{p.lanes}"
    return p.fn.module.helper(name, ["ptr %square", "ptr %out"], "void", build)


def transpose(k: LlvmHandler, rows: list[Val]) -> list[Val]:
    """The transposed square of vectors, by exchanging ever larger off-diagonal blocks."""
    lanes, rows = len(rows), list(rows)
    step = 1
    while step < lanes:
        upper = ", ".join(f"i32 {c - step + lanes if c & step else c}" for c in range(lanes))
        lower = ", ".join(f"i32 {c + lanes if c & step else c + step}" for c in range(lanes))
        for i in range(lanes):
            if not i & step:
                a, b = rows[i], rows[i + step]
                for at, picks in ((i, upper), (i + step, lower)):
                    text = k.fn.emit(f"shufflevector {a.typed}, {b.typed}, <{lanes} x i32> <{picks}>")
                    rows[at] = Val(text, a.dtype, lanes)
        step *= 2
    return rows
