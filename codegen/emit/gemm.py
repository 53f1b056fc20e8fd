"""Dense contractions as LLVM text: C[b,m,n] = epilogue(sum over k of A[b,m,k] * B[b,k,n]).

Promise: every output is one ascending-k chain of fused multiply-adds (a product and a sum on CPUs without
FMA), for every tile, packed or not, so results are bit-identical across tiles, chunkings and instruction sets
that have FMA.

How to use it::

    a = Operand(0, outer=k, k=1)                  # strides in elements, Dims; offset=, batch= too
    b = Operand(1, outer=1, k=n)
    spec = GemmSpec(float32, m, n, k, a, b)
    kernel = emit_gemm(module, "dense", spec, target, emit_dim=emit_dim, epilogue=epilogue)

- `emit_dim(fn, dim)` returns the i64 text of a Dim in function `fn`, where %args and %dims are the kernel's.
- `epilogue(fn)` is called once, at the entry of the function that stores C (load pointers there), and
  returns `store(k, acc, point)`, which is called for one vector of C (twice: whole vectors, and the masked
  last one). It does all stores itself; `view_epilogue` makes one for a plain strided output.
- `Operand(read=..., axis=...)` computes an operand element by element while it is packed (a fused prologue).
- With `b_packed`, argument b.arg holds the `packed_elements(spec, target)` elements that the kernel of
  `emit_pack_b` wrote.

Kernel: `i32 name(ptr args, ptr dims, ptr scratch, i64 begin, i64 end)`. A chunk is one block of rows times
one block of columns of one batch element; columns are numbered fastest, then rows, then batch. Blocks
depend on sizes only.

Structure of a chunk: for each block of k (about 1024), for each group of columns (2 to 8 vectors), for each
tile of rows: one micro-kernel call, which adds to a small tile of accumulators in scratch; after the last
block of k the epilogue function turns the tile into outputs. The last tile of rows is moved up to overlap its
neighbour, so one tile height serves all rows; rows that were stored already are not stored again.
Micro-kernels take strides and K as arguments and are shared by all contractions of a module. A block of one row that
reads B in place has no tiles: see `gemm_stream`. Products of int8 are summed four at a time: see `gemm_quads`.

With `blocks`, B has that many blocks of n columns (the gates of a recurrent layer). A tile of every block is summed in
turn, and then the epilogue is given what all of them hold of one place.

bfloat16 has no such form. vdpbf16ps adds two products at once, and takes denormals for 0: its sums are not those of one
chain, and would differ between CPUs. So 16-bit floats are widened while they are packed.
"""

from __future__ import annotations

from collections.abc import Callable

from codegen.emit.gemm_fetch import Fetcher
from codegen.emit.gemm_index import Index, for_range, if_else, ptr_at
from codegen.emit.gemm_micro import call_micro, choose_tile, zero_tile
from codegen.emit.gemm_pack import Packing, emit_pack_a, emit_pack_panel
from codegen.emit.gemm_spec import (
    EmitDim,
    Epilogue,
    GemmKernel,
    GemmSpec,
    Operand,
    OutPoint,
    Reader,
    ReadPoint,
    Touched,
)
from codegen.emit.gemm_store import emit_store, view_epilogue
from codegen.emit.gemm_stream import stream_function
from codegen.emit.text import UNOPTIMIZED, FunctionText, ModuleText
from codegen.schedule import GemmSchedule, gemm_schedule, packed_elements
from codegen.target import Target
from graphcore.dims import Dim, ceildiv, product

__all__ = [
    "EmitDim", "Epilogue", "GemmKernel", "GemmSpec", "Operand", "OutPoint", "ReadPoint", "Reader", "Touched",
    "emit_gemm", "emit_pack_b", "packed_elements", "view_epilogue",
]  # fmt: skip

_KERNEL = ("ptr noalias %args", "ptr noalias %dims", "ptr noalias %scratch", "i64 %begin", "i64 %end")


def emit_gemm(
    module: ModuleText,
    name: str,
    spec: GemmSpec,
    target: Target,
    *,
    emit_dim: EmitDim,
    epilogue: Callable[[FunctionText], Epilogue],
    schedule: GemmSchedule | None = None,
) -> GemmKernel:
    """Adds the kernel of a contraction to a module.

    Args:
        module: where to.
        name: the kernel's symbol.
        spec: the contraction.
        target: the CPU.
        emit_dim: evaluates Dims in a generated function.
        epilogue: makes the function that stores C.
        schedule: tiles and blocks other than the chosen ones (tests use this).

    Raises:
        UnsupportedError: for dtypes other than float32, float64, int32 and int64.
    """
    schedule = schedule or gemm_schedule(spec, target)
    parts = _Parts(module, name, spec, target, schedule, emit_dim)
    emit_store(module, parts.store, spec, target, schedule, epilogue)
    fn = module.function(name, _KERNEL, "i32", attributes=UNOPTIMIZED)
    kernel = _Kernel(fn, parts)
    for_range(kernel.ix, "%begin", "%end", 1, kernel.chunk)
    fn.ret("i32 0")
    blocks = ceildiv(spec.m, schedule.block_m) * ceildiv(spec.n, schedule.block_n)
    return GemmKernel(name, product(spec.batch) * blocks, schedule.scratch_bytes, schedule.describe())


def emit_pack_b(
    module: ModuleText, name: str, spec: GemmSpec, target: Target, *, emit_dim: EmitDim, out_arg: int
) -> GemmKernel:
    """Adds the kernel that packs B for contractions with `b_packed`: [batch][block][n / panel][k][panel].

    It reads b.arg (or calls b.read), and fills `packed_elements(spec, target)` elements of argument
    `out_arg`; what columns beyond n hold is unspecified. A chunk is one panel of one batch element. The
    layout depends on dtype, blocks and target only, not on m.

    Raises:
        UnsupportedError: for dtypes other than float32, float64, int32 and int64.
    """
    schedule = gemm_schedule(spec, target)
    panel = emit_pack_panel(module, f"{name}.panel", spec, target, schedule, emit_dim)
    fn = module.function(name, _KERNEL, "i32", attributes=UNOPTIMIZED)
    pack = panel.begin(fn)
    ix = Index(fn)
    n, k = emit_dim(fn, spec.n), emit_dim(fn, spec.k)
    sizes = [emit_dim(fn, d) for d in spec.batch]
    panels = ix.ceildiv(n, schedule.panel)
    out = ix.load_arg(out_arg)
    bytes_each = ix.mul(k, schedule.panel * spec.dtype.size)

    def one(chunk: str) -> None:
        rest, p = ix.divmod(chunk, panels)
        at = ix.mul(p, schedule.panel)
        where = ptr_at(ix, out, ix.mul(chunk, bytes_each))
        rest, block = ix.divmod(rest, spec.blocks)
        pack(ix.unravel(rest, sizes), ix.add(ix.mul(block, n), at), "0", (ix.sub(n, at), k), where)

    for_range(ix, "%begin", "%end", 1, one)
    fn.ret("i32 0")
    count: Dim = product(spec.batch) * spec.blocks * ceildiv(spec.n, schedule.panel)
    return GemmKernel(name, count, 0, f"pack panels of {schedule.panel} columns")


class _Parts:
    """What a contraction is emitted from, and the names of its helper functions."""

    def __init__(
        self,
        module: ModuleText,
        name: str,
        spec: GemmSpec,
        target: Target,
        schedule: GemmSchedule,
        dim: EmitDim,
    ) -> None:
        self.module, self.name, self.spec, self.target = module, name, spec, target
        self.schedule, self.emit_dim = schedule, dim
        self.store = f"{name}.store"
        self.pack_a: Packing | None = None
        self.pack_b: Packing | None = None
        if schedule.a_mode == "pack":
            self.pack_a = emit_pack_a(module, f"{name}.pack_a", spec, target, schedule, dim)
        if not spec.b_packed:
            self.pack_b = emit_pack_panel(module, f"{name}.pack_b", spec, target, schedule, dim)


class _Kernel:
    """Emits the body of a kernel; sizes and strides are evaluated once, at its entry."""

    def __init__(self, fn: FunctionText, parts: _Parts) -> None:
        self.fn, self.parts, self.spec, self.schedule = fn, parts, parts.spec, parts.schedule
        self.ix = ix = Index(fn)
        spec, size = self.spec, self.spec.dtype.size

        def dim(d: Dim, scale: int = 1) -> str:
            return ix.mul(parts.emit_dim(fn, d), scale)

        self.m, self.n, self.k = dim(spec.m), dim(spec.n), dim(spec.k)
        self.batch_sizes = [dim(d) for d in spec.batch]
        self.n_blocks = ix.ceildiv(self.n, self.schedule.block_n)
        self.m_blocks = ix.ceildiv(self.m, self.schedule.block_m)
        self.block_m = self._balanced_rows()
        self.k_blocks = ix.maximum(ix.ceildiv(self.k, self.schedule.block_k), 1)
        self.a_base = self.b_base = ""
        self.fetcher = Fetcher(fn, spec, parts.emit_dim)
        self.pack_a = parts.pack_a.begin(fn) if parts.pack_a else None
        self.pack_b = parts.pack_b.begin(fn) if parts.pack_b else None
        self.a_by_tile = self.pack_a is not None and self.schedule.a_layout == "col"
        tile_bytes = max(h * v for h, v in self.schedule.tiles) * self.schedule.panel // 2 * size
        self.start, self.end, self.carry = "true", "true", ""
        if spec.carry is not None:
            self.start, self.end = (ix.equal(dim(d), "0") for d in (spec.carry.first, spec.carry.left))
            self.carry = ix.load_arg(spec.carry.arg)
        self.zeros = parts.module.constant(f"[{tile_bytes} x i8]", "zeroinitializer")
        if self.pack_a is None:
            self.a_base = ptr_at(ix, ix.load_arg(spec.a.arg), dim(spec.a.offset, size))
            self.a_outer, self.a_k = dim(spec.a.outer, size), dim(spec.a.k, size)
            self.a_batch = [dim(d, size) for d in spec.a.batch]
        if spec.b_packed:
            self.b_base = ix.load_arg(spec.b.arg)
        elif self.schedule.b_direct:
            self.b_base = ptr_at(ix, ix.load_arg(spec.b.arg), dim(spec.b.offset, size))
            self.b_k = dim(spec.b.k, size)
            self.b_batch = [dim(d, size) for d in spec.b.batch]

    def _balanced_rows(self) -> str:
        """Rows of a block: M split evenly over its blocks, rounded up to a whole number of tiles."""
        ix, height = self.ix, self.schedule.tiles[0][0]
        even = ix.ceildiv(self.m, ix.maximum(self.m_blocks, 1))
        return ix.minimum(ix.mul(ix.ceildiv(even, height), height), self.m)

    def chunk(self, chunk: str) -> None:
        """One block of C: decodes the chunk number, and skips blocks that rounding left empty."""
        ix = self.ix
        rest, n_block = ix.divmod(chunk, self.n_blocks)
        rest, m_block = ix.divmod(rest, self.m_blocks)
        self.batch = ix.unravel(rest, self.batch_sizes)
        self.flat_batch = rest
        self.sums = ptr_at(ix, "%scratch", self.schedule.c_at)
        if self.carry:
            self.sums = ptr_at(ix, self.carry, ix.mul(chunk, self.schedule.carry_bytes))
        self.m0 = ix.mul(m_block, self.block_m)
        self.n0 = ix.mul(n_block, self.schedule.block_n)
        self.rows = ix.minimum(ix.sub(self.m, self.m0), self.block_m)
        self.n_end = ix.minimum(ix.add(self.n0, self.schedule.block_n), self.n)
        if_else(ix, ix.less("0", self.rows), self._block)

    def _block(self) -> None:
        one_row = self.ix.equal(self.rows, "1") if self.schedule.stream else "false"
        if_else(self.ix, one_row, self._one_row, self._tiled_block)

    def _one_row(self) -> None:
        """A block of one row of C, with B in place."""
        ix, size, schedule = self.ix, self.spec.dtype.size, self.schedule
        self.k0 = "0"
        width = ix.sub(self.n_end, self.n0)
        padded = ix.mul(ix.ceildiv(width, schedule.lanes), schedule.lanes)
        sums = ptr_at(ix, "%scratch", schedule.c_at)
        zero_tile(ix, sums, ix.mul(padded, size))
        function = stream_function(self.parts.module, self.spec.dtype, self.parts.target)
        words = [("i64", x) for x in (self.b_k, width, self.k)]
        first = [("ptr", self._a_pointer()), ("i64", self.a_k), ("ptr", self._b_pointer(self.n0))]
        self.fn.call("void", function[1:], [*first, *words, ("ptr", sums)], external=False)
        self._store_rows(sums, self.m0, "1", self.n0, padded, width)

    def _tiled_block(self) -> None:
        self.choice = choose_tile(self.ix, self.schedule, self.rows)
        for_range(self.ix, "0", self.k_blocks, 1, self._k_block)

    def _k_block(self, k_block: str) -> None:
        ix, size, schedule = self.ix, self.spec.dtype.size, self.schedule
        self.k0 = ix.mul(k_block, schedule.block_k)
        self.kc = ix.minimum(ix.sub(self.k, self.k0), schedule.block_k)
        self.first = ix.and_(ix.equal(k_block, "0"), self.start)
        self.last = ix.and_(ix.equal(ix.add(k_block, 1), self.k_blocks), self.end)
        self._place_a(size)
        group = self.choice.width
        ix.while_less(self.n0, self.n_end, lambda n: self._group(n, group))

    def _place_a(self, size: int) -> None:
        """The address of A[m0, k0], and the stride that the micro-kernel takes."""
        ix, schedule = self.ix, self.schedule
        if self.pack_a is not None:
            self.a = ptr_at(ix, "%scratch", schedule.a_at)
            height = self.choice.height
            self.pack_a(self.batch, self.m0, self.k0, (self.rows, self.kc, height), self.a)
            if self.a_by_tile:
                self.a_stride, self.a_step = ix.mul(height, size), ix.mul(self.kc, size)
            else:
                self.a_stride = self.a_step = str(schedule.a_stride)
            return
        self.a = self._a_pointer()
        self.a_stride = self.a_outer if schedule.a_layout == "row" else self.a_k
        self.a_step = self.a_outer

    def _a_pointer(self) -> str:
        ix = self.ix
        at = ix.add(ix.mul(self.m0, self.a_outer), ix.mul(self.k0, self.a_k))
        for b, stride in zip(self.batch, self.a_batch, strict=True):
            at = ix.add(at, ix.mul(b, stride))
        return ptr_at(ix, self.a_base, at)

    def _group(self, n: str, width: str) -> str:
        """All tiles of one group of columns; returns the column after it."""
        ix, schedule = self.ix, self.schedule
        left = ix.sub(self.n_end, n)
        wide = ix.less(ix.sub(width, schedule.panel), left)  # missing columns of a panel are padding
        step = ix.select(wide, width, schedule.panel)
        kind = ix.select(wide, self.choice.wide, self.choice.narrow)
        b, b_row, b_panel, b_block = self._place_b(n, step, left)
        size = self.spec.dtype.size
        many = "1" if self.carry else ix.select(ix.equal(self.k_blocks, "1"), "0", "1")
        group_at = ix.mul(ix.mul(ix.sub(n, self.n0), many), schedule.tile_rows * size)
        tiles = ptr_at(ix, self.sums, group_at)
        height = self.choice.height

        def tile(i: str) -> None:
            row = ix.minimum(i, ix.sub(self.rows, height))
            a = ptr_at(ix, self.a, ix.mul(i if self.a_by_tile else row, self.a_step))
            c = ptr_at(ix, tiles, ix.mul(ix.mul(ix.mul(i, step), many), size))
            columns = ix.minimum(left, step)
            if_else(ix, self.last, lambda: self._fetch(ix.add(self.m0, row), n, height, columns))

            def block(g: str) -> None:
                far = ix.mul(g, schedule.c_block)
                b_g, c_g = ptr_at(ix, b, ix.mul(g, b_block)), ptr_at(ix, c, far)
                init = ix.select(self.first, self.zeros, c_g, "ptr")
                strides: list[str | int] = [a, self.a_stride, b_g, b_row, b_panel, self.kc, init, c_g]
                if_else(
                    ix,
                    ix.less(0, self.kc),
                    lambda: call_micro(ix, self.parts, kind, strides),
                    lambda: zero_tile(ix, c_g, ix.mul(ix.mul(height, step), size)),
                )

            for_range(ix, "0", self.spec.blocks, 1, block)
            if_else(ix, self.last, lambda: self._store(c, i, row, n, step, left))

        for_range(ix, "0", self.rows, height, tile)
        return ix.add(n, step)

    def _fetch(self, m: str, n: str, rows: str, columns: str) -> None:
        self.fetcher.emit(self.batch, m, n, rows, columns)

    def _store(self, c: str, i: str, row: str, n: str, step: str, left: str) -> None:
        """Calls the epilogue for the rows of a tile that the tile before has not stored."""
        ix = self.ix
        skip = ix.sub(i, row)
        first = ptr_at(ix, c, ix.mul(ix.mul(skip, step), self.spec.dtype.size))
        rows = ix.sub(self.choice.height, skip)
        self._store_rows(first, ix.add(self.m0, i), rows, n, step, ix.minimum(left, step))

    def _store_rows(self, tile: str, m: str, rows: str, n: str, width: str, left: str) -> None:
        words = [("i64", x) for x in (*self.batch, m, rows, n, width, left)]
        arguments = [("ptr", "%args"), ("ptr", "%dims"), *words, ("ptr", tile)]
        self.fn.call("void", self.parts.store, arguments, external=False)

    def _place_b(self, n: str, step: str, left: str) -> tuple[str, str, str, str]:
        """One group of B, packed if needed: (its address, bytes between rows, between panels, between blocks)."""
        ix, schedule = self.ix, self.schedule
        row_bytes = schedule.panel * self.spec.dtype.size
        if self.spec.b_packed:
            panels = ix.ceildiv(self.n, schedule.panel)
            panel = ix.add(ix.mul(ix.mul(self.flat_batch, self.spec.blocks), panels), ix.div(n, schedule.panel))
            panel_bytes = ix.mul(self.k, row_bytes)
            at = ix.add(ix.mul(panel, panel_bytes), ix.mul(self.k0, row_bytes))
            return ptr_at(ix, self.b_base, at), str(row_bytes), panel_bytes, ix.mul(panels, panel_bytes)
        scratch = ptr_at(ix, "%scratch", schedule.b_at)
        panel_bytes = ix.mul(self.kc, row_bytes)
        packed = (scratch, str(row_bytes), panel_bytes, str(schedule.b_block))
        if not schedule.b_direct:
            self._pack_group(n, step, left, scratch, panel_bytes)
            return packed
        direct = ix.and_(ix.less_equal(step, left), ix.less_equal(self.rows, schedule.direct_rows))
        pointer = self._b_pointer(n)
        if_else(ix, ix.not_(direct), lambda: self._pack_group(n, step, left, scratch, panel_bytes))
        return (
            ix.select(direct, pointer, scratch, "ptr"),
            ix.select(direct, self.b_k, row_bytes),
            ix.select(direct, row_bytes, panel_bytes),
            ix.select(direct, ix.mul(self.n, self.spec.dtype.size), schedule.b_block),
        )

    def _b_pointer(self, n: str) -> str:
        ix = self.ix
        at = ix.add(ix.mul(n, self.spec.dtype.size), ix.mul(self.k0, self.b_k))
        for b, stride in zip(self.batch, self.b_batch, strict=True):
            at = ix.add(at, ix.mul(b, stride))
        return ptr_at(ix, self.b_base, at)

    def _pack_group(self, n: str, step: str, left: str, scratch: str, panel_bytes: str) -> None:
        ix, schedule, pack = self.ix, self.schedule, self.pack_b
        assert pack is not None

        def block(g: str) -> None:
            first, to = ix.add(ix.mul(g, self.n), n), ptr_at(ix, scratch, ix.mul(g, schedule.b_block))

            def one(at: str) -> None:
                out = ptr_at(ix, to, ix.mul(ix.div(at, schedule.panel), panel_bytes))
                pack(self.batch, ix.add(first, at), self.k0, (ix.sub(left, at), self.kc), out)

            for_range(ix, "0", step, schedule.panel, one)

        for_range(ix, "0", self.spec.blocks, 1, block)
