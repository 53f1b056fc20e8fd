"""Blocks of contractions whose left operand slides over an input: which part of it is copied, and how it is read.

A chunk covers some images, some lines of output positions in each, and a part of every line. It copies the part of
the input that its windows cover, zeros around it included, once: the slab. A row of the left operand then is the start
of a window in the slab, and its depth is a few contiguous runs at fixed distances. Nothing here depends on the
number of threads, and no choice changes a bit of a result.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from codegen.emit.gemm_spec import GemmSpec
from codegen.loopir import Slab, SlabAxis
from codegen.schedule import GemmSchedule, Tile, gemm_schedule
from graphcore.dims import Dim, ceildiv, product

if TYPE_CHECKING:
    from codegen.target import Target

_SLAB_BYTES = {"avx512": 320 << 10}  # a part of L2 that leaves room for a panel of B
_SLAB_BYTES_SMALL = 96 << 10
MOST_BYTES = 1 << 20
"""Of a slab with one line of positions; beyond that rows are packed."""
_PANEL_DEPTH = 4096  # longer sums are made in several passes, so that a panel of B stays near
_LINE_ROWS = 240
_OPEN_LINE_ROWS = 168  # 12 and 14 divide it
CHUNK_OPERATIONS = 4 << 20
"""A chunk of about 25 us or more, where sizes allow."""
CHUNKS = 4
"""As many at least, where they are large enough."""
_IMAGE_ROWS = 192  # rows that one copy of B should serve
_STILL = SlabAxis(1, 1, 1, 1, 1, 0)
_FEW_ROWS = 4


class Level(NamedTuple):
    """A dimension of the window: its places, and bytes between them in the slab."""

    places: int
    step: int


class SlabLayout:
    """How a slab lies in scratch memory.

    Attributes:
        spec: the contraction; slab: what its left operand is made of; size: bytes of an element.
        z, y, x: the spatial axes, those that do not exist having one place.
        images, lines, rows: what a slab covers at most: positions, not places.
        step, pitch, plane, image: bytes between neighbouring places, lines, planes and images of the slab.
    """

    def __init__(self, spec: GemmSpec, slab: Slab) -> None:
        """Starts with one position."""
        self.spec, self.slab, self.size = spec, slab, spec.dtype.size
        self.z, self.y, self.x = (*[_STILL] * (3 - len(slab.axes)), *slab.axes)
        self.step = slab.channels * self.size
        self.images = self.lines = 1
        self.set_rows(1)

    def set_rows(self, rows: int) -> None:
        """Makes lines of so many positions."""
        self.rows = rows
        places = (rows - 1) * self.x.stride + (self.x.window - 1) * self.x.spread + 1
        self.pitch = (-(-places * self.step // 64) | 1) * 64  # odd, so that lines do not share cache sets
        self.set_lines(self.lines)

    def set_lines(self, lines: int) -> None:
        """Makes images of so many lines of positions."""
        self.lines = lines
        self.plane = self.slab_lines(lines) * self.pitch
        self.image = self.z.window * self.plane

    def slab_lines(self, lines: int) -> int:
        """Lines of the input that so many lines of positions cover."""
        return (lines - 1) * self.y.stride + (self.y.window - 1) * self.y.spread + 1

    def slab_bytes(self, lines: int) -> int:
        """Bytes of one image with so many lines of positions."""
        return self.z.window * self.slab_lines(lines) * self.pitch

    def lines_within(self, room: int) -> int:
        """How many lines of positions fit; at least one."""
        across = room // (self.z.window * self.pitch) - (self.y.window - 1) * self.y.spread - 1
        lines = max(across // self.y.stride + 1, 1)
        return max(min(lines, self.y.out), 1) if isinstance(self.y.out, int) else lines

    @property
    def image_blocks(self) -> Dim:
        """Blocks of images; planes of an output count as images."""
        return ceildiv(self.slab.images * self.z.out, self.images)

    @property
    def line_blocks(self) -> Dim:
        """Blocks of lines of an image."""
        return ceildiv(self.y.out, self.lines)

    @property
    def row_blocks(self) -> Dim:
        """Parts of a line."""
        return ceildiv(self.x.out, self.rows)


class SlideSchedule(SlabLayout):
    """The choices for one contraction, besides the layout of its slab.

    Attributes:
        tiles: the tiles along one line, and the panels of B.
        block_n: columns of a chunk.
        run: elements of a contiguous run; runs: how many of them a micro-kernel sums over, and the bytes between them;
            outer: further dimensions of the window, outermost first.
        depth: elements of k that one call of a micro-kernel sums over; passes: how many such calls an output takes.
        c_line: bytes of accumulators of one line, if there are several passes, else 0.
        c_at, b_at, slab_at: byte offsets in scratch. scratch_bytes: its size.
    """

    def __init__(self, spec: GemmSpec, slab: Slab, target: Target) -> None:
        """Chooses for a contraction whose left operand is `slab`."""
        super().__init__(spec, slab)
        self._choose_rows()
        self.tiles = self._line_tiles(target)
        self._choose_lines(_SLAB_BYTES.get(target.isa, _SLAB_BYTES_SMALL))
        self._choose_levels()
        self._choose_columns()
        self._lay_out_scratch()

    @property
    def serves(self) -> bool:
        """Whether this is better than packing rows."""
        short = isinstance(self.x.out, int) and self.x.out < _FEW_ROWS
        return not short and self.step > 0 and self.slab_bytes(1) <= MOST_BYTES

    def _choose_rows(self) -> None:
        out = self.x.out
        if not isinstance(out, int):
            self.set_rows(_OPEN_LINE_ROWS)
            return
        self.set_rows(max(-(-out // max(-(-out // _LINE_ROWS), 1)), 1))

    def _line_tiles(self, target: Target) -> GemmSchedule:
        """Tiles for one line; those for any number of rows where the last part of a line may be too low."""
        spec, out = self.spec, self.x.out
        fixed = with_rows(spec, self.rows)
        found = gemm_schedule(fixed, target)
        tallest = max(h for h, _ in found.tiles)
        if isinstance(out, int) and (out % self.rows == 0 or out % self.rows >= tallest):
            return found
        return GemmSchedule(fixed, target, tiles=any_height(found))

    def _choose_lines(self, room: int) -> None:
        y = self.y
        lines = self.lines_within(room)
        if isinstance(y.out, int):
            pieces = max(-(-y.out // lines), self._wanted_pieces(y.out))
            lines = -(-y.out // pieces) if y.out else 1
        self.set_lines(lines)
        if lines == y.out and isinstance(self.x.out, int):
            few = _IMAGE_ROWS // max(lines * self.rows, 1)
            self.images = max(min(few, room // self.slab_bytes(lines)), 1)

    def _wanted_pieces(self, lines: int) -> int:
        """Into how many parts an image is split for the sake of threads, if B is the lesser operand."""
        spec, x = self.spec, self.x
        others = product((self.slab.images, self.z.out, *spec.batch))
        if not all(isinstance(d, int) for d in (others, x.out, spec.n, spec.k)) or self._splits_columns(lines):
            return 1
        assert isinstance(others, int)
        return max(min(lines, -(-self._wanted_chunks() // max(others, 1))), 1)

    def _splits_columns(self, lines: int) -> bool:
        """Whether B is larger than an image, and so what should not be read by every chunk."""
        n, k = self.spec.n, self.spec.k
        return isinstance(n, int) and isinstance(k, int) and n * k * self.size > self.slab_bytes(lines)

    def _wanted_chunks(self) -> int:
        work = 2 * product((self.spec.m, self.spec.n, self.spec.k, *self.spec.batch))
        return min(work // CHUNK_OPERATIONS, CHUNKS) if isinstance(work, int) else 1

    def _choose_columns(self) -> None:
        n = self.spec.n
        group = self.tiles.widest
        self.block_n: Dim = n
        have = product((*self.spec.batch, self.image_blocks, self.line_blocks, self.row_blocks))
        if isinstance(n, int) and isinstance(have, int) and n:
            parts = min(-(-self._wanted_chunks() // max(have, 1)), -(-n // group))
            self.block_n = -(-n // (max(parts, 1) * group)) * group

    def _choose_levels(self) -> None:
        x, dense = self.x, self.x.spread == 1
        self.run = self.slab.channels * (x.window if dense else 1)
        levels = [Level(self.z.window, self.plane), Level(self.y.window, self.y.spread * self.pitch)]
        levels += [] if dense else [Level(x.window, x.spread * self.step)]
        levels = [level for level in levels if level.places != 1]
        inner = levels.pop() if levels and levels[-1].places * self.run <= _PANEL_DEPTH else Level(1, 0)
        self.runs, self.outer = inner, tuple(levels)
        self.depth = self.run * inner.places
        self.passes = math.prod(level.places for level in levels)

    def _lay_out_scratch(self) -> None:
        tallest = max(h for h, _ in self.tiles.tiles)
        widest = self.tiles.widest
        self.c_line = (self.rows + tallest) * widest * self.size if self.outer else 0
        c_bytes = self.c_line * self.lines * self.images or tallest * widest * self.size
        self.b_bytes = 0 if self.spec.b_packed else widest * self.depth * self.passes * self.size
        self.c_at = 0
        self.b_at = aligned(c_bytes)
        self.slab_at = self.b_at + aligned(self.b_bytes)
        # Vectors are stored whole, beyond the last place too.
        self.scratch_bytes = self.slab_at + aligned(self.image * self.images) + 128

    @property
    def chunks(self) -> Dim:
        """How many chunks there are."""
        columns = 1 if self.block_n is self.spec.n else ceildiv(self.spec.n, self.block_n)
        return product((*self.spec.batch, self.image_blocks, self.line_blocks, self.row_blocks, columns))

    def describe(self) -> str:
        """The choices in a line, for dumps."""
        tiles = " ".join(f"{t[0]}x{self.tiles.width(t)}" for t in self.tiles.tiles)
        return (
            f"tiles {tiles}; slab of {self.images} images, {self.lines} lines, {self.rows} rows; "
            f"{self.passes} passes of {self.runs.places} runs of {self.run}; scratch {self.scratch_bytes} bytes"
        )


def with_rows(spec: GemmSpec, rows: Dim) -> GemmSpec:
    """The same contraction with another number of rows."""
    return GemmSpec(spec.dtype, rows, spec.n, spec.k, spec.a, spec.b, spec.batch, b_packed=spec.b_packed)


def any_height(found: GemmSchedule) -> tuple[Tile, ...]:
    """The tiles of a schedule, and lower ones down to a single row."""
    (height, vectors), *_ = found.tiles
    lower = [(h, vectors) for h in (8, 4, 2, 1) if h < height]
    return ((height, vectors), *lower)


def aligned(n: int) -> int:
    """`n` rounded up to whole cache lines."""
    return -(-n // 64) * 64
