"""Micro-kernels: a tile of `height` rows by `vectors` native vectors of C, summed over k in registers.

`void micro(ptr a, i64 a_stride, ptr b, i64 b_row, i64 b_panel, i64 k, ptr init, ptr tile)` stores init +
A*B to `tile` for k >= 1 (both row-major and dense; they may be the same). Rows of A are `a_stride` bytes
apart and k is contiguous ("row"), or k is `a_stride` bytes apart and rows are contiguous ("col"). B has
rows of two vectors, `b_row` bytes apart, and `b_panel` bytes from one pair of vectors to the next.

LLVM's loop strength reduction would give every row a pointer of its own and spill the accumulators. Empty
inline assembly hides how the pointers advance, so that each access stays one base plus a scaled stride,
which is one addressing mode on x86.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from codegen.emit.gemm_index import Index, dispatch, for_range, known, ptr_at
from codegen.emit.gemm_quads import FLIP, add_quads
from codegen.emit.text import FunctionText
from codegen.emit.values import LlvmHandler, Val, mangle, scalar_type
from codegen.schedule import GemmSchedule, Tile, tile_cost
from codegen.target import Target
from graphcore.dtypes import DType

if TYPE_CHECKING:
    from codegen.emit.gemm import _Parts

_TYPES = ("ptr", "i64", "ptr", "i64", "i64", "i64", "ptr", "ptr")
_NAMES = ("%a", "%a_stride", "%b", "%b_row", "%b_panel", "%k", "%init", "%tile")
_LINE = 64
_PREFETCH_ROWS = (
    16  # rows of B ahead: 8 do not cover the last cache at the speed of most tiles, 32 gain no more
)
# Rows reached from one base by strides of 1, 3 and 5 rows, times 1, 2 or 4: (which stride, scale in bits).
_ROW_STEPS = ((0, 0), (1, 8), (1, 16), (3, 8), (1, 32), (5, 8), (3, 16))


class TileChoice:
    """The tile for a block of rows: height, width in columns, kinds for wide and narrow groups."""

    __slots__ = ("height", "narrow", "wide", "width")

    def __init__(self, height: str, width: str, wide: str, narrow: str) -> None:
        self.height, self.width, self.wide, self.narrow = height, width, wide, narrow


def choose_tile(ix: Index, schedule: GemmSchedule, rows: str) -> TileChoice:
    """Selects the cheapest tile that is no taller than `rows`; at run time unless rows are static."""
    fits = schedule.tiles
    value = known(rows)
    if value is not None:
        fits = [
            min(
                (t for t in fits if t[0] <= value),
                key=lambda t: -(-value // t[0]) * tile_cost(t) + schedule.first_cost(t),
            )
        ]
    best, *rest = [_candidate(schedule, t) for t in reversed(fits)]
    cost = _cost(ix, schedule, rows, fits[-1]) if rest else "0"
    for tile, other in zip(fits[-2::-1], rest, strict=True):
        price = _cost(ix, schedule, rows, tile)
        better = ix.and_(ix.less_equal(tile[0], rows), ix.less_equal(price, cost))
        cost = ix.select(better, price, cost)
        best = tuple(ix.select(better, x, y) for x, y in zip(other, best, strict=True))
    return TileChoice(*best)


def _candidate(schedule: GemmSchedule, tile: Tile) -> tuple[str, ...]:
    height = tile[0]
    width = schedule.width(tile)
    narrow = (height, 2) if (height, 2) in schedule.kinds else tile  # absent where all groups are whole
    return str(height), str(width), str(schedule.kinds.index(tile)), str(schedule.kinds.index(narrow))


def _cost(ix: Index, schedule: GemmSchedule, rows: str, tile: Tile) -> str:
    return ix.add(ix.mul(ix.ceildiv(rows, tile[0]), tile_cost(tile)), schedule.first_cost(tile))


def call_micro(ix: Index, parts: _Parts, kind: str, arguments: list[str | int]) -> None:
    """Calls the micro-kernel of that kind, an index into schedule.kinds that may be a register."""
    fn, kinds = ix.fn, parts.schedule.kinds
    typed = [(t, str(x)) for t, x in zip(_TYPES, arguments, strict=True)]

    def call(number: int) -> None:
        fn.call("void", micro_kernel(parts, kinds[number])[1:], typed, external=False)

    dispatch(ix, kind, len(kinds), call)


def zero_tile(ix: Index, tile: str, size: str) -> None:
    """What a micro-kernel would store for k = 0: `size` bytes of zeros, 16 at a time."""
    zero = "store <16 x i8> zeroinitializer, ptr {}, align 16"
    for_range(ix, "0", size, 16, lambda at: ix.fn.line(zero.format(ptr_at(ix, tile, at))))


def micro_kernel(parts: _Parts, tile: Tile) -> str:
    """The micro-kernel for a tile, made on first use in the module; returns its name with the at sign."""
    layout, dtype = parts.schedule.a_layout, parts.spec.dtype
    quads = parts.spec.quads
    name = f"layerjit.gemm.{'int8' if quads else dtype.name}.{layout}.{tile[0]}x{tile[1]}"
    parameters = [f"{t} {n}" for t, n in zip(_TYPES, _NAMES, strict=True)]
    return parts.module.helper(
        name, parameters, "void", lambda fn: Micro(fn, dtype, parts.target, tile, layout == "row", quads).emit()
    )


class Micro:
    """Emits one micro-kernel."""

    def __init__(
        self, fn: FunctionText, dtype: DType, target: Target, tile: Tile, by_row: bool, quads: bool = False
    ) -> None:
        self.fn, self.dtype, self.by_row, self.quads = fn, dtype, by_row, quads
        self.height, self.vectors = tile
        self.lanes = target.vector_bits // 8 // dtype.size
        self.k = LlvmHandler(fn, target.isa, self.lanes, has_fma=target.has_fma)
        self.bytes = target.vector_bits // 8
        self.type = f"<{self.lanes} x {scalar_type(dtype)}>"

    def emit(self) -> None:
        """The whole function: start values, the loop over k, and the stores."""
        fn, count = self.fn, self.height * self.vectors
        starts = [self.k.load(self._at("%init", i * self.bytes), self.dtype).text for i in range(count)]
        if self.quads:
            starts += ["zeroinitializer"] * self.vectors  # what the columns of B are to be corrected by
        self._strides()
        bases = self._bases()
        loop, done = fn.new_label("k"), fn.new_label("done")
        fn.branch(loop)
        fn.place(loop)
        names = [fn.fresh("sum") for _ in starts]
        sums = [
            fn.phi(self.type, [(x, "entry"), (name, loop)], "acc")
            for x, name in zip(starts, names, strict=True)
        ]
        following = [fn.fresh("next") for _ in bases]
        carried = [
            fn.phi("ptr", [(x, "entry"), (y, loop)], "at") for x, y in zip(bases, following, strict=True)
        ]
        left_next = fn.fresh("left")
        left = fn.phi("i64", [("%k", "entry"), (left_next, loop)])
        # Opaque to LLVM: it must not derive one pointer per row from these.
        hidden = [fn.emit(f'call ptr asm "", "=r,0"(ptr {x})', "at") for x in carried]
        self._step(hidden, sums, names)
        steps = [str(self.dtype.size) if self.by_row else "%a_stride"] * (len(bases) - 1) + ["%b_row"]
        for name, x, step in zip(following, hidden, steps, strict=True):
            fn.line(f"{name} = getelementptr i8, ptr {x}, i64 {step}")
        fn.line(f"{left_next} = sub i64 {left}, 1")
        fn.branch_if(fn.emit(f"icmp sgt i64 {left_next}, 0"), loop, done)
        fn.place(done)
        for i, name in enumerate(names[:count]):
            total = Val(name, self.dtype, self.lanes)
            if self.quads:
                total = self.k.sub(total, Val(names[count + i % self.vectors], self.dtype, self.lanes))
            self.k.store(self._at("%tile", i * self.bytes), total)
        fn.ret()

    def _at(self, base: str, offset: int) -> str:
        return self.k.address(base, offset)

    def _strides(self) -> None:
        """Strides of 1, 3 and 5 rows of A, and the distance to the seventh row."""
        fn = self.fn
        self.row_stride = {1: "%a_stride"}
        self.far = ""
        if self.by_row:
            for times in (3, 5):
                if self.height > times:
                    self.row_stride[times] = fn.emit(f"mul i64 %a_stride, {times}")
            if self.height > len(_ROW_STEPS):
                self.far = fn.emit(f"mul i64 %a_stride, {len(_ROW_STEPS)}")
        self.ahead = fn.emit(f"mul i64 %b_row, {_PREFETCH_ROWS}")
        self.panel3 = fn.emit("mul i64 %b_panel, 3") if self.vectors > 6 else ""

    def _bases(self) -> list[str]:
        """The pointers that advance with k: into A, one per seven rows, and into B."""
        bases = ["%a"]
        while self.far and len(bases) * len(_ROW_STEPS) < self.height:
            bases.append(self.fn.emit(f"getelementptr i8, ptr {bases[-1]}, i64 {self.far}"))
        return [*bases, "%b"]

    def _step(self, pointers: list[str], sums: list[str], names: list[str]) -> None:
        """One k: every sum gains the product of its row's element of A and its vector of B."""
        *rows, b = pointers
        self._prefetch(b)
        vectors = [
            self.k.load(self._at(self._panel(b, j // 2), j % 2 * self.bytes), self.dtype)
            for j in range(self.vectors)
        ]
        for i in range(self.height):
            a = self.k.splat(self.k.load(self._row(rows, i), self.dtype, 1))
            for j, vector in enumerate(vectors):
                at = i * self.vectors + j
                self._multiply_add(names[at], a, vector, sums[at])

        if self.quads:
            too_large = self.k.splat(Val(FLIP, self.dtype), self.lanes)
            for j, vector in enumerate(vectors, self.height * self.vectors):
                self._multiply_add(names[j], too_large, vector, sums[j])

    def _multiply_add(self, name: str, a: Val, b: Val, total: str) -> None:
        fn = self.fn
        if self.quads:
            add_quads(fn, total, a, b, name)
            return
        if self.dtype.kind == "f" and self.k.has_fma:
            intrinsic = f"llvm.fma.{mangle(scalar_type(self.dtype), self.lanes)}"
            fn.module.declare(self.type, intrinsic, [self.type] * 3)
            fn.line(f"{name} = call {self.type} @{intrinsic}({a.typed}, {b.typed}, {self.type} {total})")
            return
        prefix = "f" if self.dtype.kind == "f" else ""
        product = fn.emit(f"{prefix}mul {a.typed}, {b.text}")
        fn.line(f"{name} = {prefix}add {self.type} {product}, {total}")

    def _row(self, rows: list[str], i: int) -> str:
        """The address of row i of A at the current k."""
        if not self.by_row:
            return self._at(rows[0], i * self.dtype.size)
        base, (times, unit) = rows[i // len(_ROW_STEPS)], _ROW_STEPS[i % len(_ROW_STEPS)]
        return base if not times else self._scaled(base, unit, self.row_stride[times])

    def _panel(self, b: str, pair: int) -> str:
        """The address of pair number `pair` of vectors of B at the current k."""
        if pair == 3:
            return self._scaled(b, 8, self.panel3)
        return b if pair == 0 else self._scaled(b, 8 * pair, "%b_panel")

    def _scaled(self, base: str, bits: int, index: str) -> str:
        return self.fn.emit(f"getelementptr i{bits}, ptr {base}, i64 {index}", "p")

    def _prefetch(self, b: str) -> None:
        ahead = self._scaled(b, 8, self.ahead)
        for pair in range((self.vectors + 1) // 2):
            panel = self._panel(ahead, pair)
            for offset in range(0, min(self.vectors, 2) * self.bytes, _LINE):
                arguments = [("ptr", self._at(panel, offset)), ("i32", "0"), ("i32", "3"), ("i32", "1")]
                self.fn.call("void", "llvm.prefetch.p0", arguments)
