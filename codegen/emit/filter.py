"""Contractions whose depth slides over an input, as LLVM text: gradients of filters without copies of windows.

A chunk (see filter_schedule.py) goes over all images and positions in blocks. A block fills a slab, packs the columns
of B, and calls a micro-kernel for each tile of rows, which sums over the positions in place: the rows of a tile lie
side by side there. As in gemm.py every output is one ascending-k chain, whatever the blocks.
"""

from __future__ import annotations

from collections.abc import Callable

from codegen.emit.gemm_index import Index, for_range, if_else, ptr_at
from codegen.emit.gemm_micro import choose_tile, zero_tile
from codegen.emit.gemm_pack import emit_pack_panel
from codegen.emit.gemm_spec import EmitDim, Epilogue, GemmKernel, GemmSpec
from codegen.emit.gemm_store import emit_store
from codegen.emit.kernel import PARAMETERS, Emitter
from codegen.emit.runs import call_runs
from codegen.emit.slab_fill import emit_fill
from codegen.emit.text import UNOPTIMIZED, FunctionText, ModuleText
from codegen.filter_schedule import FilterSchedule
from codegen.loopir import Slab
from codegen.target import Target


def emit_filter(
    module: ModuleText, name: str, spec: GemmSpec, slab: Slab, target: Target, schedule: FilterSchedule, *,
    emit_dim: EmitDim, epilogue: Callable[[FunctionText], Epilogue], emitter: Callable[[FunctionText], Emitter],
) -> GemmKernel:  # fmt: skip
    """Adds the kernel of a contraction to a module; arguments as for `emit_slide`."""
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
        self, fn: FunctionText, name: str, spec: GemmSpec, target: Target, schedule: FilterSchedule, dim: EmitDim
    ) -> None:
        self.fn, self.name, self.spec, self.target, self.schedule = fn, name, spec, target, schedule
        self.ix = ix = Index(fn)
        self.tiles, self.size = schedule.tiles, spec.dtype.size
        self.n, self.images = dim(fn, spec.n), dim(fn, schedule.slab.images * schedule.z.out)
        self.lines_out, self.rows_out = dim(fn, schedule.y.out), dim(fn, schedule.x.out)
        self.batch_sizes = [dim(fn, d) for d in spec.batch]
        self.columns = ix.ceildiv(self.n, schedule.block_n)
        self.blocks = [
            ix.ceildiv(self.images, schedule.images), ix.ceildiv(self.lines_out, schedule.lines),
            ix.ceildiv(self.rows_out, schedule.rows),
        ]  # fmt: skip
        self.count = ix.mul(ix.mul(self.blocks[0], self.blocks[1]), self.blocks[2])
        widest = max(h * v for h, v in self.tiles.tiles) * self.tiles.vector_bytes
        self.zeros = fn.module.constant(f"[{widest} x i8]", "zeroinitializer")
        self.pack = emit_pack_panel(fn.module, f"{name}.pack_b", spec, target, self.tiles, dim).begin(fn)

    def chunk(self, chunk: str) -> None:
        """Decodes the chunk number, and goes over the blocks of positions."""
        ix, s = self.ix, self.schedule
        rest, n_block = ix.divmod(chunk, self.columns)
        rest, tap_block = ix.divmod(rest, s.tap_blocks)
        self.batch = ix.unravel(rest, self.batch_sizes)
        self.n0 = ix.mul(n_block, s.block_n)
        self.n_end = ix.minimum(ix.add(self.n0, s.block_n), self.n)
        self.tap0, self.taps = self._range(tap_block, s.taps, str(s.y.window))
        self.choice = choose_tile(ix, self.tiles, str(s.run))
        for_range(ix, "0", ix.maximum(self.count, 1), 1, self._block)

    def _range(self, block: str, size: int, end: str) -> tuple[str, str]:
        """Where a block begins, and how much of it there is."""
        first = self.ix.mul(block, size)
        return first, self.ix.minimum(self.ix.sub(end, first), size)

    def _block(self, number: str) -> None:
        """One block of positions for all columns and rows of the chunk."""
        ix = self.ix
        self.first, self.last = ix.equal(number, "0"), ix.less_equal(self.count, ix.add(number, 1))
        self.some = ix.less("0", self.count)
        if_else(ix, self.some, lambda: self._block_of(number))
        ix.while_less(self.n0, self.n_end, lambda n: self._group(n, number))

    def _place(self, number: str) -> None:
        ix, s = self.ix, self.schedule
        rest, x_block = ix.divmod(number, self.blocks[2])
        i_block, y_block = ix.divmod(rest, self.blocks[1])
        self.image, self.image_count = self._range(i_block, s.images, self.images)
        self.y0, self.line_count = self._range(y_block, s.lines, self.lines_out)
        self.x0, self.row_count = self._range(x_block, s.rows, self.rows_out)

    def _block_of(self, number: str) -> None:
        """Fills the slab."""
        ix, x, y = self.ix, self.schedule.x, self.schedule.y
        self._place(number)
        top = ix.sub(ix.add(ix.mul(self.y0, y.stride), ix.mul(self.tap0, y.spread)), y.low)
        lines = ix.add(
            ix.mul(ix.sub(self.line_count, 1), y.stride), ix.add(ix.mul(ix.sub(self.taps, 1), y.spread), 1)
        )
        places = ix.add(ix.mul(ix.sub(self.row_count, 1), x.stride), (x.window - 1) * x.spread + 1)
        words = (*self.batch, self.image, self.image_count, top, lines, self.x0, places)
        slab = ptr_at(ix, "%scratch", self.schedule.slab_at)
        arguments = [("ptr", "%args"), ("ptr", "%dims"), *(("i64", w) for w in words), ("ptr", slab)]
        self.fn.call("void", f"{self.name}.fill", arguments, external=False)

    def _group(self, n: str, number: str) -> str:
        """All tiles of one group of columns; returns the column after it."""
        ix, s, panel, choice = self.ix, self.schedule, self.tiles.panel, self.choice
        left = ix.sub(self.n_end, n)
        wide = ix.less(ix.sub(choice.width, panel), left)  # missing columns of a panel are padding
        step = ix.select(wide, choice.width, panel)
        kind = ix.select(wide, choice.wide, choice.narrow)
        columns = (n, step, left)
        area = ptr_at(
            ix, ptr_at(ix, "%scratch", s.c_at), ix.mul(ix.mul(ix.sub(n, self.n0), s.slots), self.size)
        )
        b = ptr_at(ix, "%scratch", s.b_at)
        if_else(ix, self.some, lambda: self._pack_group(columns, number, b))

        def places(z: str) -> None:
            for_range(ix, "0", self.taps, 1, lambda t: for_range(
                ix, "0", s.across.places, 1, lambda x: self._rows(kind, columns, (area, b, number), (z, t, x))
            ))  # fmt: skip

        for_range(ix, "0", s.z.window, 1, places)
        return ix.add(n, step)

    def _pack_group(self, columns: tuple[str, str, str], number: str, out: str) -> None:
        ix, panel = self.ix, self.tiles.panel
        n, step, left = columns
        self._place(number)
        first = ix.add(
            ix.mul(ix.add(ix.mul(self.image, self.lines_out), self.y0), self.rows_out), self.x0
        )
        count = ix.mul(ix.mul(self.image_count, self.line_count), self.row_count)
        panel_bytes = ix.mul(count, panel * self.size)

        def one(at: str) -> None:
            where = ptr_at(ix, out, ix.mul(ix.div(at, panel), panel_bytes))
            self.pack(self.batch, ix.add(n, at), first, (ix.sub(left, at), count), where)

        for_range(ix, "0", step, panel, one)

    def _rows(
        self, kind: str, columns: tuple[str, str, str], at: tuple[str, str, str], place: tuple[str, str, str]
    ) -> None:
        """The tiles of the rows that lie side by side at one place of the filter."""
        ix, s, height, run = self.ix, self.schedule, self.choice.height, self.schedule.run
        step, (area, b, number), (z, t, x) = columns[1], at, place
        local = ix.add(ix.mul(ix.add(ix.mul(z, self.taps), t), s.across.places), x)
        row0 = ix.add(ix.mul(ix.add(ix.mul(z, s.y.window), ix.add(self.tap0, t)), s.across.places), x)
        c0 = ptr_at(ix, area, ix.mul(ix.mul(ix.mul(local, run + s.tallest), step), self.size))
        offset = ix.add(
            ix.add(ix.mul(z, s.plane), ix.mul(t, s.y.spread * s.pitch)), ix.mul(x, s.across.step)
        )
        a0 = ptr_at(ix, ptr_at(ix, "%scratch", s.slab_at), offset)
        tile_bytes = ix.mul(ix.mul(height, step), self.size)

        def tile(i: str) -> None:
            row = ix.minimum(i, ix.sub(run, height))
            c = ptr_at(ix, c0, ix.mul(ix.mul(i, step), self.size))
            a = ptr_at(ix, a0, ix.mul(row, self.size))
            if_else(
                ix, self.some, lambda: self._sum(kind, (a, b, c), number), lambda: zero_tile(ix, c, tile_bytes)
            )
            if_else(ix, self.last, lambda: self._store(c, ix.sub(i, row), ix.add(ix.mul(row0, run), i), columns))

        for_range(ix, "0", run, height, tile)

    def _sum(self, kind: str, at: tuple[str, str, str], number: str) -> None:
        """Adds the positions of a block to one tile, image by image."""
        ix, s = self.ix, self.schedule
        a, b, c = at
        self._place(number)
        row_bytes = self.tiles.panel * self.size
        each = ix.mul(self.line_count, self.row_count)
        panel_bytes = ix.mul(ix.mul(self.image_count, each), row_bytes)

        def image(i: str) -> None:
            init = ix.select(ix.and_(self.first, ix.equal(i, "0")), self.zeros, c, "ptr")
            words: list[str | int] = [
                ptr_at(ix, a, ix.mul(i, s.image)), s.x.stride * s.step,
                ptr_at(ix, b, ix.mul(ix.mul(i, each), row_bytes)), row_bytes, panel_bytes, self.row_count,
                init, c, self.line_count, s.y.stride * s.pitch,
            ]  # fmt: skip
            call_runs(ix, self.target, self.spec.dtype, self.tiles.kinds, kind, words, by_row=False)

        for_range(ix, "0", self.image_count, 1, image)

    def _store(self, c: str, skip: str, row: str, columns: tuple[str, str, str]) -> None:
        """Calls the epilogue for the rows of a tile that the tile before has not stored."""
        ix, (n, step, left) = self.ix, columns
        first = ptr_at(ix, c, ix.mul(ix.mul(skip, step), self.size))
        words = (*self.batch, row, ix.sub(self.choice.height, skip), n, step, ix.minimum(left, step))
        arguments = [("ptr", "%args"), ("ptr", "%dims"), *(("i64", w) for w in words), ("ptr", first)]
        self.fn.call("void", f"{self.name}.store", arguments, external=False)
