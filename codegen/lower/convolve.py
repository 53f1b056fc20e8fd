"""Convolutions: as a dense contraction whose left operand is read through the window, or as loops.

The contraction has a row per output position, a column per output channel, a depth of filter places times input
channels, and a batch of groups; nothing is copied but the panels that a contraction packs anyway. One channel per
group (depthwise), very few output channels and small sizes run as loops. Either way every output is one chain of fused
multiply-adds, ascending over the filter's places and then the channels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from codegen.loopir import Contract, Operand, Store
from codegen.lower.program import Given, Handle, Program
from codegen.lower.pull import Index, multiply_add, sum_of
from codegen.lower.slab import slab_of
from codegen.lower.slide import Around, Condition, Slide, counters, lay_out
from codegen.lower.view import Build, Lowered, View
from graphcore import dims
from graphcore.dims import Dim
from graphcore.dtypes import float32, float64
from graphcore.errors import UnsupportedError
from graphcore.graph import Node, Value
from graphcore.types import TensorType

SMALL = 2048
"""A convolution of at most this many multiplications is not worth the dense kernel's code."""

FEW_COLUMNS = 2
"""With fewer output channels in a group, columns would leave most of a vector empty."""

SHORT = 32
"""With fewer channels, neighbouring places of the filter are read as one stretch, which then tests every element."""


def lower_convolve(what: View, node: Node, name: str) -> Lowered:
    """The kernel of a convolution. Raises UnsupportedError if what stands beside it does not fit."""
    if _is_dense(node):
        return _Dense(what, node, node.operands[1].type.shape, node.results[0].type.shape).lower(name)
    return _Loops(what, node, node.operands[1].type.shape, node.results[0].type.shape).lower(name)


def _is_dense(node: Node) -> bool:
    x, w = (v.type for v in node.operands)
    groups = node.attrs["groups"]
    columns = dims.floordiv(w.shape[-1], groups)
    if x.dtype.arithmetic not in (float32, float64) or (groups != 1 and w.shape[-2] == 1):
        return False
    if isinstance(columns, int) and columns < FEW_COLUMNS:
        return False
    work = dims.product((*node.results[0].type.shape, *w.shape[:-1]))
    return not isinstance(work, int) or work > SMALL


class Convolution:
    """What every form starts from: the operands, and how a filter slides over x.

    Attributes:
        x, right: the operands; filter_shape: [*kernel, channels of a group, columns]; out: [N, *positions, columns].
        depth: channels of a group; columns: output channels of a group.
    """

    def __init__(self, what: View, node: Node, filter_shape: Sequence[Dim], out: Sequence[Dim]) -> None:
        self.what, self.node, self.build = what, node, Build(what)
        self.program: Program = self.build.program
        self.puller = Around(self.build, node)
        self.x, self.right = node.operands
        self.filter_shape, self.out = filter_shape, out
        self.groups = node.attrs["groups"]
        self.depth = filter_shape[-2]
        self.dtype = self.x.type.dtype.arithmetic
        self.columns = dims.floordiv(out[-1], self.groups)
        attrs = node.attrs
        rows = zip(
            self.x.type.shape[1:-1], filter_shape, out[1:-1], attrs["strides"], attrs["low"],
            attrs["lhs_dilation"], attrs["rhs_dilation"], strict=False,
        )  # fmt: skip
        self.slides = [Slide(*row) for row in rows]

    def guarded(self, type_: TensorType, index: Index, conditions: Sequence[Condition]) -> Handle:
        """The element of x, seen as `type_`, at an index; 0 where a condition fails."""
        buffer = self.build.readers.get(self.x)
        if buffer is not None:
            return self.program.load_where(conditions, buffer, type_, index)
        if type_.shape != self.x.type.shape:
            raise UnsupportedError("convolution: its operand is not in memory")
        zero = self.program.const(0, type_.dtype)
        return self.program.choose([(tuple(conditions), lambda: self.puller.value(self.x, index))], lambda: zero)


    def matrix(self, group: Dim, k: Dim, column: Dim) -> Operand:
        """The right operand as a matrix in memory; 16-bit floats are widened while they are packed."""
        v = self.right
        buffer = self.build.readers.get(v)
        if buffer is None and v.node.op.name == "constant":
            buffer = self.puller.held(v)
        if buffer is None:
            raise UnsupportedError(f"{self.node.op.name}: its right operand is not in memory")
        if self.dtype is v.type.dtype:
            batch = (self.columns,) if self.groups != 1 else ()
            return Operand(buffer, 0, 1, self.out[-1], batch)
        flat = v.type.with_shape((dims.product(v.type.shape[:-1]), self.out[-1]))
        value = self.program.cast(self.program.load(buffer, flat, (k, group * self.columns + column)), self.dtype)
        return Operand("", body=self.statements(value), value=value.name)

    def statements(self, value: Handle) -> tuple[Any, ...]:
        """All that a value is computed by."""
        return tuple(self.program.statements[n] for n in self.program.ordered([value.name]))

    def finish(self, name: str, flat: Dim, channel: Dim, contract: Contract) -> Lowered:
        """The kernel of a contraction whose epilogue stores the result at row `flat` and column `channel`.

        Outputs are stored as if all leading dimensions were one: the contraction counts them together.
        """
        program, shape = self.program, self.node.results[0].type.shape
        total = program.cast(program.given("sum", self.dtype), self.x.type.dtype)
        long = [a for a, d in enumerate(shape[:-1]) if d != 1]
        index = tuple(flat if long and a == long[-1] else 0 for a in range(len(shape) - 1))
        _Flat(self.build, self.node).store(self.build, (*index, channel), total)
        names = program.ordered([r.src for r in program.roots])
        body = [s for n in names if not isinstance(s := program.statements[n], Given)]
        body += [Store(r.buffer, r.at, r.src) for r in program.roots]
        return self.build.lowered(name, self.node.op.kind, [contract._replace(body=body)], 1)

    def counter(self, name: str) -> tuple[str, Dim]:
        """A counter with its extent, as contractions name it."""
        return (name, self.program.axes[name]) if name in self.program.axes else ("", 1)


class _Loops(Convolution):
    """Kept counters i, folded ones r (places of the filter) and c (channels)."""

    def lower(self, name: str) -> Lowered:
        program = self.program
        out = counters(program, "i", self.out)
        places = counters(program, "r", self.filter_shape[:-2])
        (channel,) = counters(program, "c", (self.depth,))
        index: list[Dim] = []
        conditions: list[Condition] = []
        for slide, o, k in zip(self.slides, out[1:-1], places, strict=True):
            at, needs = slide.source(slide.place(o, k))
            index.append(at)
            conditions += needs
        first: Dim = 0 if self.groups == 1 else dims.floordiv(out[-1], self.columns) * self.depth
        x = self.guarded(self.x.type, (out[0], *index, first + channel), conditions)
        w = self.puller.value(self.right, (*places, channel, out[-1]))
        folded = [n for n in (*(f"rx{a}" for a in range(len(places))), "cx0") if n in program.axes]
        dtype = self.x.type.dtype
        total = program.reduce(0, multiply_add, "dot", [x, w], folded, dtype, sum_of)
        if not folded:
            total = multiply_add(program, program.const(0, dtype), x, w)
        self.puller.store(self.build, out, total)
        return lay_out(self.build, self._order(folded), name, "convolve")

    def _order(self, folded: Sequence[str]) -> list[str]:
        """Vectors along the output channels; if there is one, along the last spatial axis, or the folded one."""
        kept = [f"ix{a}" for a in range(len(self.out))]
        inner = [kept.pop()]
        if self.out[-1] == 1:
            few = isinstance(self.depth, int) and self.depth < SHORT
            inner = [kept.pop()] if few and self.out[-2] != 1 else []
        return [*kept, *folded, *inner]


class _Flat(Around):
    """Pulls epilogues where all dimensions but the channels are counted as one."""

    def value(self, v: Value, index: Index) -> Handle:
        """As Around.value, for what is as large as the result, or varies by channel alone."""
        *lead, channels = self.node.results[0].type.shape
        known = v.node is self.node or v in self.readers or v.node.op.name in ("constant", "broadcast_to")
        padded = [1] * (len(lead) + 1 - v.type.rank) + list(v.type.shape)
        fits = len(padded) == len(lead) + 1 and (padded[:-1] == lead or all(d == 1 for d in padded[:-1]))
        if not (known or v.node.op.body is not None) or not fits or padded[-1] not in (1, channels):
            raise UnsupportedError(f"{self.node.op.name}: an epilogue reads {v.type!r} from {v.node.op.name}")
        return super().value(v, index)


class _Dense(Convolution):
    """Counters g (group), m (rows, split into batch and positions), n (columns), k (depth, split likewise)."""

    def lower(self, name: str) -> Lowered:
        program = self.program
        group = program.axis("gx", self.groups)
        rows = self.out[:-1]
        at = counters(program, "m", rows)
        column = program.axis("nx", self.columns)
        depth, value = self._left(group, at)
        size = dims.product(self.filter_shape[:-1])
        left = self._operand(self.program.cast(value, self.dtype), rows, depth)
        left = left._replace(slab=slab_of(self, group))
        right = self.matrix(group, program.axis("kx", size), column)
        flat = program.axis("mx", dims.product(rows))
        batch = (("gx", self.groups),) if self.groups != 1 else ()
        statement = Contract(
            "sum", self.dtype, batch, self.counter("mx"), self.counter("nx"), ("kx", size), left, right, []
        )
        return self.finish(name, flat, group * self.columns + column, statement)

    def _left(self, group: Dim, at: Index) -> tuple[list[tuple[str, Dim]], Handle]:
        """How the depth is split, and the element of x in terms of that."""
        *outer, last = self.slides
        joined = self._joins()
        kernel = [s.window for s in outer] + ([] if joined else [last.window])
        places = counters(self.program, "p", kernel)
        extents = [*kernel, last.window * self.depth if joined else self.depth]
        split = [(f"px{a}", d) for a, d in enumerate(kernel)] + [("jx", extents[-1])]
        inner = self.program.axis("jx", extents[-1])
        index: list[Dim] = []
        conditions: list[Condition] = []
        for slide, o, k in zip(self.slides, at[1:], places, strict=False):
            source, needs = slide.source(slide.place(o, k))
            index.append(source)
            conditions += needs
        if not joined:
            return split, self.guarded(self.x.type, (at[0], *index, group * self.depth + inner), conditions)
        start = (at[-1] * last.stride - last.low) * self.depth + inner
        width = last.size * self.depth
        if not last.within:
            conditions += [("le", 0, start), ("lt", start, width)]
        wide = self.x.type.with_shape((*self.x.type.shape[:-2], width))
        return split, self.guarded(wide, (at[0], *index, start), conditions)

    def _joins(self) -> bool:
        """Whether places along the last axis and channels are read as one stretch."""
        last = self.slides[-1]
        plain = self.groups == 1 and last.base == 1 and last.spread == 1 and self.x in self.build.readers
        short = isinstance(self.depth, int) and self.depth < SHORT
        return plain and last.window != 1 and (short or last.within)

    def _operand(self, value: Handle, rows: Sequence[Dim], depth: Sequence[tuple[str, Dim]]) -> Operand:
        split = tuple((f"mx{a}", d) for a, d in enumerate(rows))
        return Operand("", body=self.statements(value), value=value.name, rows=split, depth=tuple(depth))
