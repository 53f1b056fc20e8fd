"""Contractions whose left operand slides over an input, as LLVM text: convolutions without copies of windows.

A chunk fills a slab (see slide_schedule.py), then, for each group of columns, for each line of output positions, for
each tile of rows in it, calls a micro-kernel that sums over the runs of the windows in place. As in gemm.py every
output is one ascending-k chain, whatever the blocks, and the last tile of a line is moved up to overlap its neighbour.
"""

from __future__ import annotations

from collections.abc import Callable

from codegen.emit.gemm_index import Index, for_range, if_else, ptr_at
from codegen.emit.gemm_micro import choose_tile
from codegen.emit.gemm_pack import emit_pack_panel
from codegen.emit.gemm_spec import EmitDim, Epilogue, GemmKernel, GemmSpec
from codegen.emit.gemm_store import emit_store
from codegen.emit.kernel import PARAMETERS, Emitter
from codegen.emit.runs import call_runs
from codegen.emit.slab_fill import emit_fill
from codegen.emit.text import UNOPTIMIZED, FunctionText, ModuleText
from codegen.loopir import Slab
from codegen.slide_schedule import SlideSchedule
from codegen.target import Target

_DIRECT_BYTES = 320 << 10  # of B: more than that is packed, lest its lines fall on each other in a cache


def emit_slide(
    module: ModuleText, name: str, spec: GemmSpec, slab: Slab, target: Target, schedule: SlideSchedule, *,
    emit_dim: EmitDim, epilogue: Callable[[FunctionText], Epilogue], emitter: Callable[[FunctionText], Emitter],
) -> GemmKernel:  # fmt: skip
    """Adds the kernel of a contraction to a module; arguments as for `emit_gemm`.

    Args:
        module: where to.
        name: the kernel's symbol.
        spec: the contraction; its operand A is not read.
        slab: what A is made of.
        target: the CPU.
        schedule: the blocks.
        emit_dim: evaluates Dims in a generated function.
        epilogue: makes the function that stores C.
        emitter: makes an emitter for the slab's body in a function.
    """
    emit_store(module, f"{name}.store", spec, target, schedule.tiles, epilogue)
    emit_fill(module, f"{name}.fill", spec, slab, target, schedule, emitter)
    fn = module.function(name, PARAMETERS, "i32", attributes=UNOPTIMIZED)
    kernel = _Kernel(fn, name, spec, target, schedule, emit_dim)
    for_range(kernel.ix, "%begin", "%end", 1, kernel.chunk)
    fn.ret("i32 0")
    return GemmKernel(name, schedule.chunks, schedule.scratch_bytes, schedule.describe())


class _Kernel:
    """Emits the body of a kernel; sizes and strides are evaluated once, at its entry."""

    def __init__(
        self, fn: FunctionText, name: str, spec: GemmSpec, target: Target, schedule: SlideSchedule, dim: EmitDim
    ) -> None:
        self.fn, self.name, self.spec, self.target, self.schedule = fn, name, spec, target, schedule
        self.ix = ix = Index(fn)
        self.tiles, self.size = schedule.tiles, spec.dtype.size
        self.n, self.images = dim(fn, spec.n), dim(fn, schedule.slab.images * schedule.z.out)
        self.lines_out, self.rows_out = dim(fn, schedule.y.out), dim(fn, schedule.x.out)
        self.batch_sizes = [dim(fn, d) for d in spec.batch]
        self.block_n = dim(fn, schedule.block_n)
        self.blocks = [
            ix.ceildiv(self.n, self.block_n), ix.ceildiv(self.rows_out, schedule.rows),
            ix.ceildiv(self.lines_out, schedule.lines), ix.ceildiv(self.images, schedule.images),
        ]  # fmt: skip
        widest = max(h * v for h, v in self.tiles.tiles) * self.tiles.vector_bytes
        self.zeros = fn.module.constant(f"[{widest} x i8]", "zeroinitializer")
        self._begin_b(dim)

    def _begin_b(self, dim: EmitDim) -> None:
        fn, spec, ix = self.fn, self.spec, self.ix
        self.pack = None
        self.direct = False
        if spec.b_packed:
            self.b_base = ix.load_arg(spec.b.arg)
            return
        wide = spec.n * spec.k * self.size
        self.direct = self.tiles.b_direct and isinstance(wide, int) and wide <= _DIRECT_BYTES
        packing = emit_pack_panel(fn.module, f"{self.name}.pack_b", spec, self.target, self.tiles, dim)
        self.pack = packing.begin(fn)
        if self.direct:
            self.b_base = ptr_at(ix, ix.load_arg(spec.b.arg), ix.mul(dim(fn, spec.b.offset), self.size))
            self.b_k = ix.mul(dim(fn, spec.b.k), self.size)
            self.b_batch = [ix.mul(dim(fn, d), self.size) for d in spec.b.batch]

    def chunk(self, chunk: str) -> None:
        """Decodes the chunk number, fills the slab, and goes over the groups of columns."""
        ix, s = self.ix, self.schedule
        columns, across, down, images = self.blocks
        rest, n_block = ix.divmod(chunk, columns)
        rest, x_block = ix.divmod(rest, across)
        rest, y_block = ix.divmod(rest, down)
        self.flat_batch, i_block = ix.divmod(rest, images)
        self.batch = ix.unravel(self.flat_batch, self.batch_sizes)
        self.n0 = ix.mul(n_block, self.block_n)
        self.n_end = ix.minimum(ix.add(self.n0, self.block_n), self.n)
        self.image, self.image_count = self._range(i_block, s.images, self.images)
        self.y0, self.line_count = self._range(y_block, s.lines, self.lines_out)
        self.x0, self.row_count = self._range(x_block, s.rows, self.rows_out)
        self.slab = ptr_at(ix, "%scratch", s.slab_at)
        self._fill()
        choice = choose_tile(ix, self.tiles, self.row_count)
        self.choice = choice
        ix.while_less(self.n0, self.n_end, self._group)

    def _range(self, block: str, size: int, end: str) -> tuple[str, str]:
        """Where a block begins, and how much of it there is."""
        first = self.ix.mul(block, size)
        return first, self.ix.minimum(self.ix.sub(end, first), size)

    def _fill(self) -> None:
        ix, x, y = self.ix, self.schedule.x, self.schedule.y
        top = ix.sub(ix.mul(self.y0, y.stride), y.low)
        lines = ix.add(ix.mul(ix.sub(self.line_count, 1), y.stride), (y.window - 1) * y.spread + 1)
        places = ix.add(ix.mul(ix.sub(self.row_count, 1), x.stride), (x.window - 1) * x.spread + 1)
        words = (*self.batch, self.image, self.image_count, top, lines, self.x0, places)
        arguments = [("ptr", "%args"), ("ptr", "%dims"), *(("i64", w) for w in words), ("ptr", self.slab)]
        self.fn.call("void", f"{self.name}.fill", arguments, external=False)

    def _group(self, n: str) -> str:
        """All tiles of one group of columns; returns the column after it."""
        ix, panel, choice = self.ix, self.tiles.panel, self.choice
        left = ix.sub(self.n_end, n)
        wide = ix.less(ix.sub(choice.width, panel), left)  # missing columns of a panel are padding
        step = ix.select(wide, choice.width, panel)
        kind = ix.select(wide, choice.wide, choice.narrow)
        b = self._place_b(n, step, left)
        for_range(ix, "0", self.schedule.passes, 1, lambda p: self._pass(p, kind, (n, step, left), b))
        return ix.add(n, step)

    def _pass(self, number: str, kind: str, columns: tuple[str, str, str], b: tuple[str, str, str]) -> None:
        """One stretch of k for all tiles of a group."""
        ix, s = self.ix, self.schedule
        offset = "0"
        places = ix.unravel(number, [str(level.places) for level in s.outer]) if s.outer else ()
        for at, level in zip(places, s.outer, strict=True):
            offset = ix.add(offset, ix.mul(at, level.step))
        b_at = ptr_at(ix, b[0], ix.mul(ix.mul(number, s.depth), b[1]))

        def line(image: str, y: str) -> None:
            where = ix.add(ix.mul(image, s.image), ix.mul(ix.mul(y, s.y.stride), s.pitch))
            a = ptr_at(ix, ptr_at(ix, self.slab, where), offset)
            c = ptr_at(ix, ptr_at(ix, "%scratch", s.c_at), ix.mul(ix.add(ix.mul(image, s.lines), y), s.c_line))
            row = ix.add(ix.mul(ix.add(ix.mul(ix.add(self.image, image), self.lines_out), ix.add(self.y0, y)),
                                self.rows_out), self.x0)  # fmt: skip
            self._line(number, kind, columns, (b_at, b[1], b[2]), (a, c, row))

        for_range(
            ix, "0", self.image_count, 1, lambda i: for_range(ix, "0", self.line_count, 1, lambda y: line(i, y))
        )

    def _line(
        self, number: str, kind: str, columns: tuple[str, str, str], b: tuple[str, str, str], at: tuple[str, str, str]
    ) -> None:
        """The tiles of a line: `at` are the window of its first row, its accumulators, and that row."""
        ix, s, height = self.ix, self.schedule, self.choice.height
        a_line, c_line, first_row = at
        _, step, _ = columns
        stride = s.x.stride * s.step
        first, last = ix.equal(number, "0"), ix.equal(ix.add(number, 1), s.passes)

        def tile(i: str) -> None:
            row = ix.minimum(i, ix.sub(self.row_count, height))
            a = ptr_at(ix, a_line, ix.mul(row, stride))
            c = ptr_at(ix, c_line, ix.mul(ix.mul(i, step), self.size)) if s.outer else c_line
            init = ix.select(first, self.zeros, c, "ptr")
            words: list[str | int] = [a, stride, *b, s.run, init, c, s.runs.places, s.runs.step]
            call_runs(ix, self.target, self.spec.dtype, self.tiles.kinds, kind, words, by_row=True)
            if_else(ix, last, lambda: self._store(c, ix.sub(i, row), ix.add(first_row, i), columns))

        for_range(ix, "0", self.row_count, height, tile)

    def _store(self, c: str, skip: str, row: str, columns: tuple[str, str, str]) -> None:
        """Calls the epilogue for the rows of a tile that the tile before has not stored."""
        ix, (n, step, left) = self.ix, columns
        first = ptr_at(ix, c, ix.mul(ix.mul(skip, step), self.size))
        words = (*self.batch, row, ix.sub(self.choice.height, skip), n, step, ix.minimum(left, step))
        arguments = [("ptr", "%args"), ("ptr", "%dims"), *(("i64", w) for w in words), ("ptr", first)]
        self.fn.call("void", f"{self.name}.store", arguments, external=False)

    def _place_b(self, n: str, step: str, left: str) -> tuple[str, str, str]:
        """One group of B, packed if needed: (its address, bytes between rows, bytes between panels)."""
        ix, panel = self.ix, self.tiles.panel
        row_bytes = panel * self.size
        depth = self.schedule.depth * self.schedule.passes
        panel_bytes = str(depth * row_bytes)
        if self.spec.b_packed:
            number = ix.add(ix.mul(self.flat_batch, ix.ceildiv(self.n, panel)), ix.div(n, panel))
            return ptr_at(ix, self.b_base, ix.mul(number, panel_bytes)), str(row_bytes), panel_bytes
        scratch = ptr_at(ix, "%scratch", self.schedule.b_at)
        if not self.direct:
            self._pack_group(n, step, left, scratch, panel_bytes)
            return scratch, str(row_bytes), panel_bytes
        at = ix.mul(n, self.size)
        for b, stride in zip(self.batch, self.b_batch, strict=True):
            at = ix.add(at, ix.mul(b, stride))
        whole = ix.less_equal(step, left)
        if_else(ix, ix.not_(whole), lambda: self._pack_group(n, step, left, scratch, panel_bytes))
        return (
            ix.select(whole, ptr_at(ix, self.b_base, at), scratch, "ptr"), ix.select(whole, self.b_k, row_bytes),
            ix.select(whole, row_bytes, panel_bytes),
        )  # fmt: skip

    def _pack_group(self, n: str, step: str, left: str, scratch: str, panel_bytes: str) -> None:
        ix, pack, panel = self.ix, self.pack, self.tiles.panel
        assert pack is not None
        depth = str(self.schedule.depth * self.schedule.passes)

        def one(at: str) -> None:
            out = ptr_at(ix, scratch, ix.mul(ix.div(at, panel), panel_bytes))
            pack(self.batch, ix.add(n, at), "0", (ix.sub(left, at), depth), out)

        for_range(ix, "0", step, panel, one)


