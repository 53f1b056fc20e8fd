"""Blocks of contractions whose depth slides over an input: the gradients of filters.

Rows of the left operand are places of the filter and channels, which lie side by side in a slab (see
slide_schedule.py); its depth is images and positions. A chunk makes some columns of some places, and goes over all
positions in blocks: each fills the slab, and adds to accumulators that stay near. Nothing here depends on the number of
threads, and no choice changes a bit of a result.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from codegen.loopir import Slab
from codegen.schedule import gemm_schedule
from codegen.slide_schedule import CHUNK_OPERATIONS, CHUNKS, MOST_BYTES, Level, SlabLayout, aligned, with_rows
from graphcore.dims import Dim, ceildiv, product

if TYPE_CHECKING:
    from codegen.emit.gemm_spec import GemmSpec
    from codegen.target import Target

_DEPTH = 256  # positions of a block: both operands of a tile stay in L1
_SLAB_BYTES = {"avx512": 256 << 10}
_SLAB_BYTES_SMALL = 96 << 10
_TILE_BYTES = {"avx512": 320 << 10}  # accumulators of a chunk
_TILE_BYTES_SMALL = 128 << 10


class FilterSchedule(SlabLayout):
    """The choices for one contraction, besides the layout of its slab.

    Attributes:
        tiles: the tiles over rows that lie side by side, and the panels of B.
        run: rows that lie side by side; across: the places along the last axis if those do not, and bytes between them.
        taps: places along y of a chunk; block_n: columns of a chunk.
        slots: rows of accumulators per column of a chunk.
        c_at, b_at, slab_at: byte offsets in scratch. scratch_bytes: its size.
    """

    def __init__(self, spec: GemmSpec, slab: Slab, target: Target) -> None:
        """Chooses for a contraction whose left operand is `slab`, across."""
        super().__init__(spec, slab)
        room = _SLAB_BYTES.get(target.isa, _SLAB_BYTES_SMALL)
        self._choose_depth(room)
        dense = self.x.spread == 1
        self.run = slab.channels * (self.x.window if dense else 1)
        self.across = Level(1, 0) if dense else Level(self.x.window, self.x.spread * self.step)
        self.tiles = gemm_schedule(with_rows(spec, max(self.run, 1)), target)
        self.tallest = max(h for h, _ in self.tiles.tiles)
        self.widest = self.tiles.widest
        self._choose_columns(_TILE_BYTES.get(target.isa, _TILE_BYTES_SMALL))
        self._lay_out_scratch()

    @property
    def serves(self) -> bool:
        """Whether this is better than packing rows."""
        return self.run > 0 and self.slab_bytes(1) <= MOST_BYTES

    def _choose_depth(self, room: int) -> None:
        """Whole lines where they fit; the order of k allows several only if they are whole."""
        out = self.x.out
        whole = isinstance(out, int) and 0 < out <= 2 * _DEPTH
        self.set_rows(out if whole and isinstance(out, int) else _DEPTH)
        if not whole:
            return
        lines = min(self.lines_within(room), max(_DEPTH // self.rows, 1))
        if isinstance(self.y.out, int) and self.y.out:
            lines = -(-self.y.out // -(-self.y.out // lines))
        self.set_lines(lines)
        if lines == self.y.out:
            self.images = max(min(_DEPTH // (lines * self.rows), room // self.slab_bytes(lines)), 1)

    def _choose_columns(self, room: int) -> None:
        n, group, places = self.spec.n, self.widest, self.y.window
        columns = -(-n // group) * group if isinstance(n, int) else room
        each = self._slots(1) * self.size
        self.taps = max(min(places, room // (each * group)), 1)
        self.block_n = max(min(columns, room // (each * self.taps) // group * group), group)
        have = product((*self.spec.batch, ceildiv(n, self.block_n), -(-places // self.taps)))
        work = product((2, self.spec.m, n, self.spec.k, *self.spec.batch))
        if isinstance(have, int) and have:
            parts = CHUNKS if not isinstance(work, int) else min(work // CHUNK_OPERATIONS, CHUNKS)
            self._split(columns, -(-parts // have))

    def _split(self, columns: int, parts: int) -> None:
        """Makes at least so many times as many chunks, if there is enough to divide."""
        groups = self.block_n // self.widest
        self.block_n = -(-groups // min(parts, groups)) * self.widest if groups and parts else self.block_n
        more = -(-parts // max(-(-groups // (self.block_n // self.widest)), 1))
        self.taps = -(-self.taps // max(min(more, self.taps), 1))

    def _slots(self, taps: int) -> int:
        return self.z.window * taps * self.across.places * (self.run + self.tallest)

    def _lay_out_scratch(self) -> None:
        self.slots = self._slots(self.taps)
        count = self.images * self.lines * self.rows
        self.c_at = 0
        self.b_at = aligned(self.slots * self.block_n * self.size)
        self.slab_at = self.b_at + aligned(self.widest * count * self.size)
        self.scratch_bytes = self.slab_at + aligned(self.image * self.images) + 128

    @property
    def tap_blocks(self) -> int:
        """Blocks of places along y."""
        return -(-self.y.window // self.taps)

    @property
    def chunks(self) -> Dim:
        """How many chunks there are."""
        return product((*self.spec.batch, self.tap_blocks, ceildiv(self.spec.n, self.block_n)))

    def describe(self) -> str:
        """The choices in a line, for dumps."""
        tiles = " ".join(f"{t[0]}x{self.tiles.width(t)}" for t in self.tiles.tiles)
        depth = math.prod((self.images, self.lines, self.rows))
        return (
            f"tiles {tiles}; blocks of {self.taps} places, {self.block_n} columns, {depth} positions "
            f"({self.images} images, {self.lines} lines, {self.rows} rows); scratch {self.scratch_bytes} bytes"
        )
