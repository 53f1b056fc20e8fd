"""Copies of operands into the order in which micro-kernels read them, through the operand's reader.

A view that is contiguous along neither axis, or a computed operand, is copied; B that is contiguous along k
is transposed in registers, a square of native vectors at a time.
"""

from __future__ import annotations

from codegen.emit.gemm_index import Index, for_range, if_else, ptr_at
from codegen.emit.gemm_spec import EmitDim, GemmSpec, Operand, Reader, ReadPoint
from codegen.emit.gemm_store import batch_names
from codegen.emit.text import FunctionText, ModuleText
from codegen.emit.values import LlvmHandler, Val
from codegen.schedule import GemmSchedule
from codegen.target import Target
from graphcore.dtypes import int64

_LINE = 64
_PREFETCH_ROWS = 8


def panel_arguments(
    batch: tuple[str, ...], n: str, left: str, k0: str, count: str, out: str
) -> list[tuple[str, str]]:
    """The arguments of a function made by `emit_pack_panel`, for a call inside the kernel."""
    sizes = [*batch, n, left, k0, count]
    return [("ptr", "%args"), ("ptr", "%dims"), *(("i64", x) for x in sizes), ("ptr", out)]


def _view_reader(fn: FunctionText, operand: Operand, spec: GemmSpec, emit_dim: EmitDim) -> Reader:
    """A reader of a strided view."""
    ix, size = Index(fn), spec.dtype.size
    base = ptr_at(ix, ix.load_arg(operand.arg), ix.mul(emit_dim(fn, operand.offset), size))
    outer, along_k = (ix.mul(emit_dim(fn, d), size) for d in (operand.outer, operand.k))
    strides = [ix.mul(emit_dim(fn, d), size) for d in operand.batch]
    # The order of copying leaps from line to line, which hardware does not foresee well.
    ahead = 2 * _LINE if operand.axis == "k" else ix.mul(along_k, _PREFETCH_ROWS)

    def read(k: LlvmHandler, point: ReadPoint) -> Val:
        at = ix.add(ix.mul(point.outer, outer), ix.mul(point.k, along_k))
        for b, stride in zip(point.batch, strides, strict=True):
            at = ix.add(at, ix.mul(b, stride))
        pointer = ptr_at(ix, base, at)
        if point.lanes > 1:
            arguments = [("ptr", ptr_at(ix, pointer, ahead)), ("i32", "0"), ("i32", "3"), ("i32", "1")]
            fn.call("void", "llvm.prefetch.p0", arguments)
        return k.load(pointer, spec.dtype, point.lanes, point.mask)

    return read


class _Packer:
    """A packing function under construction."""

    def __init__(
        self, fn: FunctionText, operand: Operand, spec: GemmSpec, target: Target, dim: EmitDim
    ) -> None:
        self.fn, self.dtype, self.size, self.axis = fn, spec.dtype, spec.dtype.size, operand.axis
        self.ix = Index(fn)
        self.lanes = target.vector_bits // 8 // self.size
        self.k = LlvmHandler(fn, target.isa, self.lanes, has_fma=target.has_fma)
        self.batch = batch_names(spec)
        self.read = operand.read(fn) if operand.read else _view_reader(fn, operand, spec, dim)

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


def emit_pack_a(
    module: ModuleText, name: str, spec: GemmSpec, target: Target, schedule: GemmSchedule, dim: EmitDim
) -> str:
    """Adds `void name(args, dims, batch..., m0, rows, k0, count, height, out)`; returns its name.

    Layout "row": rows m0.. of A, k0.. to k0 + count, become lines of `schedule.a_stride` bytes. Layout
    "col": tiles of `height` rows (the last one moved up, as in the kernel) become dense [tile][k][height].
    Vectors may write past the end of the data; scratch has room for that.
    """
    fn = module.function(name, _parameters(spec, ("m0", "rows", "k0", "count", "height")), "void", "internal")
    p = _Packer(fn, spec.a, spec, target, dim)
    (_pack_rows if schedule.a_layout == "row" else _pack_tiles)(p, schedule)
    fn.ret()
    return name


def _pack_rows(p: _Packer, schedule: GemmSchedule) -> None:
    ix = p.ix

    def row(i: str) -> None:
        m = ix.add("%m0", i)

        def scalar(element: str) -> None:
            p.store("%out", p.offset(i, schedule.a_stride, element), p.scalar(m, ix.add("%k0", element)))

        def vector(element: str) -> None:
            left, out = ix.sub("%count", element), p.offset(i, schedule.a_stride, element)
            k = ix.add("%k0", element)
            if_else(
                ix,
                ix.less_equal(p.lanes, left),
                lambda: p.store("%out", out, p.vector(m, k)),
                lambda: p.store("%out", out, p.vector(m, k, left)),
            )

        for_range(ix, "0", "%count", p.lanes if p.axis else 1, vector if p.axis else scalar)

    for_range(ix, "0", "%rows", 1, row)


def _pack_tiles(p: _Packer, schedule: GemmSchedule) -> None:
    """Each k of a tile is one or a few vectors; what a vector holds too much, the next k overwrites."""
    ix = p.ix
    line = ix.mul("%height", p.size)
    tallest = max(height for height, _ in schedule.tiles)

    def tile(i: str) -> None:
        m = ix.add("%m0", ix.minimum(i, ix.sub("%rows", "%height")))
        out = ptr_at(ix, "%out", ix.mul(i, ix.mul("%count", p.size)))

        def one(k: str) -> None:
            for part in range(0, tallest, p.lanes):
                left = ix.maximum(ix.sub("%height", part), 0) if part else "%height"
                value = p.vector(ix.add(m, part), ix.add("%k0", k), left)
                p.store(out, ix.add(ix.mul(k, line), part * p.size), value)

        for_range(ix, "0", "%count", 1, one)

    for_range(ix, "0", "%rows", "%height", tile)


def emit_pack_panel(
    module: ModuleText, name: str, spec: GemmSpec, target: Target, schedule: GemmSchedule, dim: EmitDim
) -> str:
    """Adds `void name(args, dims, batch..., n, left, k0, count, out)`; returns its name.

    Rows k0.. of B's columns n, n + 1, ... are copied to `count` dense rows of one panel. Only `left` columns
    exist; what the others hold is unspecified (they feed sums that are not stored).
    """
    fn = module.function(name, _parameters(spec, ("n", "left", "k0", "count")), "void", "internal")
    p = _Packer(fn, spec.b, spec, target, dim)
    {"outer": _copy_panel, "k": _transpose_panel, "": _gather_panel}[p.axis](p, schedule.panel)
    fn.ret()
    return name


def _parameters(spec: GemmSpec, sizes: tuple[str, ...]) -> list[str]:
    names = [*batch_names(spec), *(f"%{s}" for s in sizes)]
    return ["ptr noalias %args", "ptr noalias %dims", *(f"i64 {n}" for n in names), "ptr %out"]


def _copy_panel(p: _Packer, panel: int) -> None:
    """Columns are contiguous: whole vectors, or masked ones in the last panel."""
    ix = p.ix

    def rows(masked: bool) -> None:
        # The second vector of a panel may have no column left: a negative count would read as a huge one.
        lefts = [ix.maximum(ix.sub("%left", j), 0) if masked else None for j in range(0, panel, p.lanes)]

        def row(i: str) -> None:
            k, out = ix.add("%k0", i), ix.mul(i, panel * p.size)
            for j, left in enumerate(lefts):
                value = p.vector(ix.add("%n", j * p.lanes), k, left)
                p.store("%out", ix.add(out, j * p.lanes * p.size), value)

        for_range(ix, "0", "%count", 1, row)

    if_else(ix, ix.less_equal(panel, "%left"), lambda: rows(False), lambda: rows(True))


def _gather_panel(p: _Packer, panel: int) -> None:
    """No axis is contiguous: element by element."""
    ix = p.ix

    def row(i: str) -> None:
        k, out = ix.add("%k0", i), ix.mul(i, panel * p.size)

        def column(j: str) -> None:
            p.store("%out", ix.add(out, ix.mul(j, p.size)), p.scalar(ix.add("%n", j), k))

        for_range(ix, "0", ix.minimum("%left", panel), 1, column)

    for_range(ix, "0", "%count", 1, row)


def _transpose_panel(p: _Packer, panel: int) -> None:
    """K is contiguous: squares of lanes x lanes are transposed in registers; the last few k go one by one."""
    ix, side = p.ix, p.lanes * p.size
    square = p.fn.alloca(f"[{p.lanes * side} x i8]")
    last = ix.sub("%left", 1)
    whole = ix.mul(ix.div("%count", p.lanes), p.lanes)

    def column(j: str) -> str:
        # Columns that do not exist repeat the last one: reading them must be safe, their sums are dropped.
        return ix.add("%n", ix.minimum(j, last))

    def strip(j0: str) -> None:
        def block(i: str) -> None:
            k = ix.add("%k0", i)
            for_range(
                ix,
                "0",
                p.lanes,
                1,
                lambda j: p.store(square, ix.mul(j, side), p.vector(column(ix.add(j0, j)), k)),
            )
            rows = [p.k.load(ptr_at(ix, square, r * side), p.dtype) for r in range(p.lanes)]
            start = ptr_at(ix, "%out", p.offset(i, panel * p.size, j0))
            for r, value in enumerate(transpose(p.k, rows)):
                p.store(start, str(r * panel * p.size), value)

        for_range(ix, "0", whole, p.lanes, block)

    def rest(i: str) -> None:
        def one(j: str) -> None:
            p.store("%out", p.offset(i, panel * p.size, j), p.scalar(column(j), ix.add("%k0", i)))

        for_range(ix, "0", panel, 1, one)

    for_range(ix, "0", panel, p.lanes, strip)
    for_range(ix, whole, "%count", 1, rest)


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
