"""Copying the part of an input that a block of windows covers, with the zeros around it, into a slab."""

from __future__ import annotations

from collections.abc import Callable

from codegen.emit.gemm_index import Index, for_range, if_else, ptr_at
from codegen.emit.gemm_spec import GemmSpec
from codegen.emit.gemm_split import divide
from codegen.emit.gemm_store import batch_names
from codegen.emit.kernel import Emitter
from codegen.emit.scope import Lanes
from codegen.emit.text import FunctionText, ModuleText
from codegen.emit.values import LlvmHandler, Val
from codegen.loopir import Slab, SlabAxis
from codegen.slide_schedule import SlabLayout
from codegen.target import Target
from graphcore.dtypes import int64

_SIZES = ("image", "images", "top", "lines", "x0", "places")


def emit_fill(
    module: ModuleText, name: str, spec: GemmSpec, slab: Slab, target: Target, schedule: SlabLayout,
    emitter: Callable[[FunctionText], Emitter],
) -> None:  # fmt: skip
    """Adds `void name(args, dims, batch..., image, images, y0, lines, x0, places, out)`.

    It fills the slab for `images` images from `image` on: `lines` lines of the input from line `top` on, which may lie
    before its first, and in each the `places` places that the windows from output position x0 on cover.
    """
    parameters = [
        "ptr noalias %args", "ptr noalias %dims", *(f"i64 {b}" for b in batch_names(spec)),
        *(f"i64 %{s}" for s in _SIZES), "ptr %out",
    ]  # fmt: skip
    fn = module.function(name, parameters, "void", "internal")
    _Fill(fn, spec, slab, target, schedule, emitter(fn)).emit()
    fn.ret()


class _Fill:
    """The loops over images, planes, lines, places and vectors. Vectors are stored whole, in ascending order."""

    def __init__(
        self, fn: FunctionText, spec: GemmSpec, slab: Slab, target: Target, schedule: SlabLayout, e: Emitter
    ) -> None:
        self.fn, self.spec, self.slab, self.schedule, self.emitter, self.ix = fn, spec, slab, schedule, e, Index(fn)
        self.lanes = target.vector_bits // 8 // spec.dtype.size
        self.k = LlvmHandler(fn, target.isa, self.lanes, has_fma=target.has_fma)
        self.zero = self.k.splat(self.k.const(0, spec.dtype), self.lanes)
        image, *places, self.along = slab.counters
        self.image_symbol, self.symbols = image, ["", ""][: 3 - len(places)] + places
        self.outside, self.inside = divide(slab.body, self.along)
        self.sizes = [self._size(a) for a in (schedule.z, schedule.y, schedule.x)]
        self.planes_out = self._scalar(schedule.z)

    def _size(self, axis: SlabAxis) -> str:
        return self.emitter.scope.scalar(axis.size)

    def _scalar(self, axis: SlabAxis) -> str:
        return self.emitter.scope.scalar(axis.out)

    def emit(self) -> None:
        for_range(self.ix, "0", "%images", 1, self._image)

    def _image(self, i: str) -> None:
        ix, s = self.ix, self.schedule
        number, plane = ix.divmod(ix.add("%image", i), self.planes_out)
        self._set(self.image_symbol, number)
        out = ptr_at(ix, "%out", ix.mul(i, s.image))
        self._edges()

        def one(p: str) -> None:
            z = ix.sub(ix.add(ix.mul(plane, s.z.stride), ix.mul(p, s.z.spread)), s.z.low)
            inside = self._within(z, s.z, self.sizes[0])
            self._set(self.symbols[0], z)
            start = ptr_at(ix, out, ix.mul(p, s.plane))
            for_range(ix, "0", "%lines", 1, lambda line: self._line(line, inside, start))

        for_range(ix, "0", s.z.window, 1, one)

    def _set(self, symbol: str, value: str) -> None:
        if symbol:
            self.emitter.scope.symbols[symbol] = value

    def _within(self, place: str, axis: SlabAxis, size: str) -> str:
        ix = self.ix
        if axis.low == 0 and axis.size == axis.out == 1 and axis.window == 1:
            return "true"
        return ix.and_(ix.less_equal("0", place), ix.less(place, size))

    def _edges(self) -> None:
        """Which places of a line are inside: from `first` to `end`, and the input's place at the first of the line."""
        ix, x = self.ix, self.schedule.x
        self.start = ix.sub(ix.mul("%x0", x.stride), x.low)
        self.first = ix.minimum(ix.maximum(ix.sub("0", self.start), "0"), "%places")
        self.end = ix.minimum(ix.maximum(ix.sub(self.sizes[2], self.start), self.first), "%places")

    def _line(self, line: str, inside: str, out: str) -> None:
        ix, y = self.ix, self.schedule.y
        at = ix.add("%top", line)
        self._set(self.symbols[1], at)
        start = ptr_at(ix, out, ix.mul(line, self.schedule.pitch))
        holds = ix.and_(inside, self._within(at, y, self.sizes[1]))
        if_else(ix, holds, lambda: self._shown(start), lambda: self._zeros(start, "0", "%places"))

    def _shown(self, out: str) -> None:
        ix, slab = self.ix, self.slab
        self._zeros(out, "0", self.first)
        if slab.joined:
            count = ix.mul(ix.sub(self.end, self.first), slab.channels)
            at = ix.mul(ix.add(self.start, self.first), slab.channels)
            self._stretch(at, count, self._place(out, self.first))
        else:
            for_range(ix, self.first, self.end, 1, lambda p: self._one_place(p, out))
        self._zeros(out, self.end, "%places")

    def _one_place(self, p: str, out: str) -> None:
        self._set(self.symbols[2], self.ix.add(self.start, p))
        self._stretch("0", str(self.slab.channels), self._place(out, p))

    def _place(self, out: str, p: str) -> str:
        return ptr_at(self.ix, out, self.ix.mul(p, self.schedule.step))

    def _stretch(self, at: str, count: str, out: str) -> None:
        """`count` elements from number `at` on, along the channel's counter."""
        ix, e = self.ix, self.emitter
        e.scope.lanes = None
        e.bases.clear()
        e.body(self.outside)
        e.hoist(self.inside, self.along, Lanes(self.along, ["0"], None, self.lanes))
        done = ix.mul(ix.div(count, self.lanes), self.lanes)
        for_range(ix, "0", done, self.lanes, lambda i: self._vector(at, i, out, None))
        if_else(ix, ix.less(done, count), lambda: self._vector(at, done, out, ix.sub(count, done)))
        e.bases.clear()

    def _vector(self, at: str, i: str, out: str, left: str | None) -> None:
        ix, e = self.ix, self.emitter
        mask = None if left is None else self.k.tail_mask(Val(left, int64))
        e.scope.lanes = Lanes(self.along, [ix.add(at, i)], mask, self.lanes)
        e.body(self.inside)
        value = e.scope.get(self.slab.value, 0)
        e.scope.lanes = None
        self.k.store(ptr_at(ix, out, ix.mul(i, self.spec.dtype.size)), self.k.splat(value, self.lanes))

    def _zeros(self, out: str, first: str, end: str) -> None:
        """Zeros for places first.. to end."""
        ix = self.ix
        start = self._place(out, first)
        count = ix.mul(ix.sub(end, first), self.slab.channels)
        size = self.spec.dtype.size
        for_range(ix, "0", count, self.lanes, lambda i: self.k.store(ptr_at(ix, start, ix.mul(i, size)), self.zero))
