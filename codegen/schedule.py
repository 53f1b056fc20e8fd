"""Tile and block sizes of contractions: a small cost model over what is known of the sizes.

Nothing here depends on the number of threads, and no choice changes a bit of a result (see emit/gemm.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from codegen.target import Target
from graphcore.dims import Dim, ceildiv, product
from graphcore.errors import UnsupportedError

if TYPE_CHECKING:
    from codegen.emit.gemm_spec import GemmSpec

Tile: TypeAlias = tuple[int, int]
"""Rows and native vectors of a micro-kernel; vectors are even, and 2 of them are a panel of B."""

# Accumulators, one row of B and a broadcast value must fit the registers: 32 on AVX-512, 16 elsewhere (and
# a product where there is no FMA). Wide, low tiles hide the latency of FMA when there are few rows.
_STATIC_TILES: dict[str, tuple[Tile, ...]] = {
    "avx512": (
        *((height, 2) for height in range(14, 6, -1)), (6, 4), (5, 4), (4, 4), (3, 4), (2, 4), (1, 8)
    ),
    "avx2": ((6, 2), (5, 2), (4, 2), (3, 2), (2, 4), (1, 8)),
    "sse2": ((4, 2), (3, 2), (2, 4), (1, 8)),
    "portable": ((4, 2), (3, 2), (2, 4), (1, 8)),
}  # fmt: skip
_DYNAMIC_TILES: dict[str, tuple[Tile, ...]] = {
    "avx512": ((6, 4), (4, 4), (2, 4), (1, 8)),
    "avx2": ((6, 2), (4, 2), (2, 4), (1, 8)),
    "sse2": ((4, 2), (2, 4), (1, 8)),
    "portable": ((4, 2), (2, 4), (1, 8)),
}
_NARROW_TILES: dict[str, tuple[Tile, ...]] = {  # for C of one panel of columns
    "avx512": ((14, 2), (8, 2), (4, 2), (2, 2), (1, 2)),
    "avx2": ((6, 2), (4, 2), (2, 2), (1, 2)),
    "sse2": ((4, 2), (2, 2), (1, 2)),
    "portable": ((4, 2), (2, 2), (1, 2)),
}
_THIN_TILES: dict[str, tuple[Tile, ...]] = {  # for C of one vector of columns
    "avx512": ((14, 1), (8, 1), (4, 1), (2, 1), (1, 1)),
    "avx2": ((10, 1), (6, 1), (3, 1), (1, 1)),
    "sse2": ((8, 1), (4, 1), (2, 1), (1, 1)),
    "portable": ((8, 1), (4, 1), (2, 1), (1, 1)),
}  # fmt: skip
_A_BLOCK_BYTES = {"avx512": 600 << 10}  # half of L2, less what streams through
_A_BLOCK_BYTES_SMALL = 128 << 10
_B_ROW_BYTES = {"avx512": 4096}  # length of a block of k, as bytes of one column
_B_ROW_BYTES_SMALL = 2048
_LINES_ACROSS = 64  # length of a block of k where every k of A is a line, or a page, of its own
_NEAR_BYTES = 512 << 10  # B up to this size stays in L2
_FAR_CYCLES_PER_BYTE = 0.1
_L1_ROOM = 24 << 10
_MAX_BLOCK_ROWS = 240
_MAX_SHARING_ROWS = 512  # of a block whose copy of B is made for it alone: the copy costs about 25 rows' worth of work
_MAX_BLOCK_COLUMN_BYTES = 2048
_CHUNK_OPERATIONS = 2 << 20  # a chunk of about 12 us or more, where sizes allow
_FAR_ROWS = 13  # with fewer rows, a chunk takes as long as reading B does
_SHARED_COLUMNS, _LEAST_COLUMNS = 1024, 512  # bytes of columns down to which a packed A is packed by several chunks
_DIRECT_ROWS = 12  # up to so many rows of C, copying B costs more than its strides do
_QUAD_REGISTERS = 30  # for sums, corrections and rows of B; one more holds a broadcast value, one a constant
_ALWAYS = 1 << 40
_PACK_BYTES = 8 << 10  # a smaller B stays in L1 beside everything else
_PACK_ROWS = 1024  # of C; with more, one copy of B per call is lost in the work
_DTYPES = ("float32", "float64", "int32", "int64")


def tile_cost(tile: Tile) -> int:
    """Time of one k of a tile per 8 vectors of columns, in 1/100 cycle of an idealised AVX-512 core."""
    height, vectors = tile
    cycles = max(height * vectors / 2, 4.0) + 1.2 + 0.15 * height + 0.2 * vectors
    return int(100 * cycles * 8 / vectors)


class GemmSchedule:
    """The choices for one contraction.

    Attributes:
        lanes: virtual lanes of the vectors that epilogues and readers see.
        panel: columns of a panel of B (two native vectors).
        tiles: the tiles that may be chosen among at run time, tallest first; the last fits any number of
            rows >= 1 that can occur.
        kinds: the micro-kernels in use: the tiles, and the same heights with one panel for the last columns.
        block_m, block_n, block_k: upper bounds of a block of rows, columns, and k.
        a_mode: "direct" or "pack".
        a_layout: "row" (k contiguous) or "col" (rows contiguous), as the tile reads A.
        a_stride: bytes between rows of A packed by row; by column, it is packed in dense tiles.
        vector_bytes: bytes of a native vector; far_b: whether B is expected to come from beyond L2.
        b_direct: whether B can be read in place; it is, up to `direct_rows` rows in a block.
        stream: whether a block of one row goes through B row by row (see emit/gemm_stream.py), which is how
            memory is read fastest.
        tile_rows: rows of the area of accumulators, when k has several blocks.
        a_at, b_at, c_at: byte offsets of packed A, packed B and the accumulators in scratch.
        b_block, c_block: bytes from one block of columns to the next in packed B and in the accumulators.
        scratch_bytes: its size.
        carry_bytes: what a chunk takes of the buffer of sums that are carried from call to call.
    """

    __slots__ = (
        "a_at", "a_layout", "a_mode", "a_stride", "b_at", "b_block", "b_direct", "block_k", "block_m", "block_n",
        "c_at", "c_block", "carry_bytes", "direct_rows", "far_b", "kinds", "lanes", "panel", "scratch_bytes", "stream",
        "tile_rows", "tiles",
        "vector_bytes",
    )  # fmt: skip

    def __init__(
        self,
        spec: GemmSpec,
        target: Target,
        *,
        tiles: tuple[Tile, ...] | None = None,
        block_m: int = 0,
        block_n: int = 0,
        block_k: int = 0,
        direct_rows: int = -1,
    ) -> None:
        """Chooses for a contraction; the keyword arguments override choices (for tests and tuning)."""
        size, vector = _check(spec).dtype.size, target.vector_bits // 8
        self.panel = 2 * vector // size
        self.lanes = min(16, self.panel)
        self.vector_bytes = vector
        every = spec.n * spec.blocks
        small_b = isinstance(every, int) and isinstance(spec.k, int) and every * spec.k * size <= _NEAR_BYTES
        self.far_b = not small_b
        self._place_operands(spec)
        across = self.a_mode == "direct" and self.a_layout == "col" and spec.m != 1
        self.block_k = block_k or _block_k(spec, target, _LINES_ACROSS if across else 0)
        self._choose_tiles(spec, target, tiles, block_m)
        self.kinds = list(self.tiles)
        for height, vectors in self.tiles:
            whole = isinstance(spec.n, int) and -(-spec.n // self.panel) % max(vectors // 2, 1) == 0
            if not whole and (height, 2) not in self.kinds:
                self.kinds.append((height, 2))
        self.block_n = block_n or self._block_n(spec)
        narrow = isinstance(spec.n, int) and spec.n <= 2 * self.panel
        self.direct_rows = direct_rows if direct_rows >= 0 else _ALWAYS if narrow else _DIRECT_ROWS
        plain = spec.carry is None and spec.blocks == 1
        rows = spec.m == 1 or not isinstance(spec.m, int)
        self.stream = self.b_direct and self.a_mode == "direct" and rows and plain
        self._lay_out_scratch(spec)

    def width(self, tile: Tile) -> int:
        """Columns of a tile."""
        return tile[1] * self.panel // 2

    @property
    def widest(self) -> int:
        """Columns of the widest group of B."""
        return max(self.panel, *(self.width(t) for t in self.tiles))

    def first_cost(self, tile: Tile) -> int:
        """What the first tile of a group waits for B if that is beyond L2, as tile_cost counts."""
        if not self.far_b:
            return 0
        wait = tile[1] * self.vector_bytes * _FAR_CYCLES_PER_BYTE * 100 * 8 // tile[1]
        return max(int(wait) - tile_cost(tile), 0)

    def _place_operands(self, spec: GemmSpec) -> None:
        a, b = spec.a, spec.b
        vector_a = a.read is None and spec.m == 1
        direct = a.read is None and (
            vector_a or a.axis == "k" or (a.axis == "outer" and self._short_lines(spec))
        )
        self.a_mode = "direct" if direct else "pack"
        self.a_layout = "col" if vector_a or a.axis == "outer" else "row"
        self.b_direct = not spec.b_packed and b.read is None and b.axis == "outer"

    def _short_lines(self, spec: GemmSpec) -> bool:
        """Whether transposed A is best read in place: few columns use it, or all of it stays in L1."""
        few = isinstance(spec.n, int) and spec.n <= 4 * self.panel
        dense = (
            isinstance(spec.a.k, int)
            and isinstance(spec.k, int)
            and spec.a.k * spec.k * spec.dtype.size <= _L1_ROOM
        )
        return few or dense

    def _choose_tiles(
        self, spec: GemmSpec, target: Target, tiles: tuple[Tile, ...] | None, block_m: int
    ) -> None:
        narrow = isinstance(spec.n, int) and spec.n <= self.panel
        thin = isinstance(spec.n, int) and spec.n <= self.panel // 2
        few = (_THIN_TILES if thin else _NARROW_TILES)[target.isa]
        if tiles is None and isinstance(spec.m, int) and spec.m > 0:
            every = _fitting(_STATIC_TILES[target.isa], spec)
            if narrow:
                heights = range(max(few)[0], 0, -1) if thin else (h for h, _ in every)
                every = _fitting(tuple((h, 1 if thin else 2) for h in heights), spec)
            self._static_tiles(spec, target, every, block_m)
            return
        self.tiles = sorted(tiles or _fitting(few if narrow else _DYNAMIC_TILES[target.isa], spec), reverse=True)
        self.block_m = block_m or self._max_rows(spec, target, self.tiles[0][0])

    def _static_tiles(self, spec: GemmSpec, target: Target, every: tuple[Tile, ...], block_m: int) -> None:
        """One tile for all blocks of a static M, and another for a last block that is lower than it."""
        assert isinstance(spec.m, int)
        limit = block_m or self._max_rows(spec, target, 1)
        blocks = -(-spec.m // limit)
        rows = -(-spec.m // blocks)
        tile = self._best(spec, every, rows)
        block = min(-(-rows // tile[0]) * tile[0], spec.m)
        self.block_m = max(block, -(-limit // tile[0]) * tile[0])
        last = spec.m % block
        self.tiles = [tile] if last == 0 or last >= tile[0] else [tile, self._best(spec, every, last)]

    def _best(self, spec: GemmSpec, every: tuple[Tile, ...], rows: int) -> Tile:
        def price(tile: Tile) -> float:
            height, vectors = tile
            panels = -(-spec.n // self.panel) if isinstance(spec.n, int) else 64
            wide, rest = divmod(panels, max(vectors // 2, 1))
            first = wide * vectors * self.first_cost(tile) + rest * 2 * self.first_cost((height, 2))
            each = wide * vectors * tile_cost(tile) + rest * 2 * tile_cost((height, 2))
            return -(-rows // height) * each + first

        return min((t for t in every if t[0] <= rows), key=price)

    def _max_rows(self, spec: GemmSpec, target: Target, height: int) -> int:
        room, most = _A_BLOCK_BYTES.get(target.isa, _A_BLOCK_BYTES_SMALL), _MAX_BLOCK_ROWS
        if self.a_mode == "direct" and not spec.b_packed and not _at_most(spec.n, 4 * self.panel):
            room, most = 2 * room, _MAX_SHARING_ROWS
        rows = min(room // (self.block_k * spec.dtype.size), most)
        return max(rows // height, 1) * height

    def _block_n(self, spec: GemmSpec) -> int:
        step = self.widest
        most = max(_MAX_BLOCK_COLUMN_BYTES // spec.dtype.size // step, 1) * step
        if isinstance(spec.n, int):
            most = min(most, max(-(-spec.n // step), 1) * step)
        if self.a_mode == "pack":
            return self._shared_columns(spec, most, step)
        rows = min(spec.m, self.block_m) if isinstance(spec.m, int) else self.block_m
        k = spec.k if isinstance(spec.k, int) else 2 * self.block_k
        wanted = _CHUNK_OPERATIONS // max(2 * max(rows, _FAR_ROWS) * k * spec.blocks, 1)
        return min(most, max(-(-wanted // step), 1) * step)

    def _shared_columns(self, spec: GemmSpec, most: int, step: int) -> int:
        """Columns of a block whose A is packed for it alone: fewer where there would be too few chunks to share."""
        if not isinstance(spec.m, int) or not isinstance(spec.n, int) or product(spec.batch) != 1:
            return most
        rows = -(-spec.m // self.block_m)
        for least, chunks in ((_SHARED_COLUMNS, 4), (_LEAST_COLUMNS, 2)):
            wide = max(least // spec.dtype.size // step, 1) * step
            while most > wide and rows * -(-spec.n // most) < chunks:
                most = max(most // 2 // step * step, wide)
        return most

    def _lay_out_scratch(self, spec: GemmSpec) -> None:
        size = spec.dtype.size
        tallest, widest = max(h for h, _ in self.tiles), self.widest
        kc = min(spec.k, self.block_k) if isinstance(spec.k, int) else self.block_k
        one_block = isinstance(spec.k, int) and spec.k <= self.block_k and spec.carry is None
        rows = min(spec.m, self.block_m) if isinstance(spec.m, int) else self.block_m
        self.tile_rows = -(-rows // tallest) * tallest + tallest
        columns = widest if one_block else self.block_n + widest
        c_bytes = (tallest if one_block else self.tile_rows) * columns * size
        if self.stream:
            c_bytes = max(c_bytes, (self.block_n + self.panel) * size)
        # Packed A: lines end on an odd number of cache lines, so that rows do not share cache sets.
        self.a_stride = (-(-kc * size // 128) * 2 + 1) * 64
        a_bytes = (
            self.a_stride * rows
            if self.a_layout == "row"
            else (self.tile_rows * kc + 2 * tallest + 64) * size
        )
        if self.a_mode == "direct":
            a_bytes = 0
        self.c_block = _aligned(c_bytes)
        self.b_block = 0 if spec.b_packed else _aligned(widest * kc * size)
        self.c_at = 0
        self.carry_bytes = self.c_block
        self.b_at = 0 if spec.carry is not None else self.c_block * spec.blocks
        self.a_at = self.b_at + self.b_block * spec.blocks
        self.scratch_bytes = self.a_at + _aligned(a_bytes)

    def describe(self) -> str:
        """The choices in a line, for dumps."""
        tiles = " ".join(f"{t[0]}x{self.width(t)}" for t in self.tiles)
        b = "row by row for one row" if self.stream else "read in place" if self.b_direct else "panels"
        return (
            f"tiles {tiles}; blocks m {self.block_m}, n {self.block_n}, k {self.block_k}; A {self.a_mode} by "
            f"{self.a_layout}; B {b}; scratch {self.scratch_bytes} bytes"
        )


def _check(spec: GemmSpec) -> GemmSpec:
    if spec.dtype.name not in _DTYPES:
        raise UnsupportedError(
            f"no tiled contraction for {spec.dtype.name}; it exists for {', '.join(_DTYPES)}: cast the "
            "operands, or lower it as a loop nest"
        )
    return spec


def panel_columns(size: int, target: Target) -> int:
    """Columns of a panel of B, for elements of `size` bytes: two native vectors."""
    return 2 * (target.vector_bits // 8) // size


def packing_pays(m: Dim, n: Dim, k: Dim, size: int) -> bool:
    """Whether a right operand that lasts over many calls is worth a packed copy: by sizes alone."""
    if not isinstance(n, int) or not isinstance(k, int) or n * k * size < _PACK_BYTES:
        return False
    return not isinstance(m, int) or 0 < m <= _PACK_ROWS


def _block_k(spec: GemmSpec, target: Target, most: int) -> int:
    """About the default, or `most` if that is not 0, and an equal split of a static K."""
    default = most or _B_ROW_BYTES.get(target.isa, _B_ROW_BYTES_SMALL) // spec.dtype.size
    if not isinstance(spec.k, int) or spec.k == 0:
        return default
    blocks = -(-2 * spec.k // (3 * default))
    return -(-spec.k // blocks)


def _fitting(tiles: tuple[Tile, ...], spec: GemmSpec) -> tuple[Tile, ...]:
    """Of quads, the tiles that leave registers for the corrections of columns."""
    return tuple(t for t in tiles if t[0] * t[1] + 2 * t[1] <= _QUAD_REGISTERS) if spec.quads else tiles


def _at_most(d: Dim, limit: int) -> bool:
    return isinstance(d, int) and d <= limit


def _aligned(n: int) -> int:
    return -(-n // 64) * 64


def gemm_schedule(spec: GemmSpec, target: Target) -> GemmSchedule:
    """Tiles and blocks for a contraction on a CPU. Raises UnsupportedError for dtypes without tiles."""
    return GemmSchedule(spec, target)


def packed_elements(spec: GemmSpec, target: Target) -> Dim:
    """Elements of B as `emit_pack_b` lays it out."""
    panel = panel_columns(_check(spec).dtype.size, target)
    return product(spec.batch) * spec.blocks * ceildiv(spec.n, panel) * panel * spec.k
