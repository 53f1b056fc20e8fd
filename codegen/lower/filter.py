"""Gradients of filters: as a dense contraction over images and positions, or as loops.

The contraction has a row per place of the filter and input channel, a column per output channel, a depth of images
times positions, and a batch of groups. Either way every output is one chain of fused multiply-adds, ascending over the
images and then the positions.
"""

from __future__ import annotations

from collections.abc import Sequence

from codegen.loopir import Contract, Operand
from codegen.lower.convolve import FEW_COLUMNS, SMALL, Convolution
from codegen.lower.pull import multiply_add, sum_of
from codegen.lower.slab import slab_of
from codegen.lower.slide import Condition, counters, lay_out
from codegen.lower.view import Lowered, View
from graphcore import dims
from graphcore.dims import Dim
from graphcore.dtypes import float32, float64
from graphcore.graph import Node


def lower_filter(what: View, node: Node, name: str) -> Lowered:
    """The kernel of a filter's gradient. Raises UnsupportedError if what stands beside it does not fit."""
    form = _Dense if _is_dense(node) else _Loops
    return form(what, node, node.results[0].type.shape, node.operands[1].type.shape).lower(name)


def _is_dense(node: Node) -> bool:
    x, y = (v.type for v in node.operands)
    depth, groups = node.results[0].type.shape[-2], node.attrs["groups"]
    columns = dims.floordiv(y.shape[-1], groups)
    if x.dtype.arithmetic not in (float32, float64) or (groups != 1 and depth == 1):
        return False
    if isinstance(columns, int) and columns < FEW_COLUMNS:
        return False
    work = dims.product((*y.shape, *node.results[0].type.shape[:-1]))
    return not isinstance(work, int) or work > SMALL


class _Places(Convolution):
    """The element of x that a place of the filter shows at a position."""

    def _index(self, places: tuple[Dim, ...], at: tuple[Dim, ...]) -> tuple[list[Dim], list[Condition]]:
        index: list[Dim] = []
        conditions: list[Condition] = []
        for slide, o, k in zip(self.slides, at, places, strict=True):
            source, needs = slide.source(slide.place(o, k))
            index.append(source)
            conditions += needs
        return index, conditions


class _Loops(_Places):
    """Kept counters i, folded ones r (images and positions)."""

    def lower(self, name: str) -> Lowered:
        program = self.program
        shape = self.filter_shape
        *places, channel, column = counters(program, "i", shape)
        image, *at = counters(program, "r", self.out[:-1])
        index, conditions = self._index(tuple(places), tuple(at))
        first: Dim = 0 if self.groups == 1 else dims.floordiv(column, self.columns) * self.depth
        x = self.guarded(self.x.type, (image, *index, first + channel), conditions)
        y = self.puller.value(self.right, (image, *at, column))
        folded = [f"rx{a}" for a in range(len(self.out) - 1) if f"rx{a}" in program.axes]
        dtype = self.x.type.dtype
        total = program.reduce(0, multiply_add, "dot", [x, y], folded, dtype, sum_of)
        if not folded:
            total = multiply_add(program, program.const(0, dtype), x, y)
        self.puller.store(self.build, (*places, channel, column), total)
        kept = [f"ix{a}" for a in range(len(shape)) if f"ix{a}" in program.axes]
        inner = [kept.pop()] if kept else []
        return lay_out(self.build, [*kept, *folded, *inner], name, "correlate")


class _Dense(_Places):
    """Counters g (group), m (rows, split into places and channel), n (columns), k (depth, images and positions)."""

    def lower(self, name: str) -> Lowered:
        program = self.program
        group = program.axis("gx", self.groups)
        rows, depth = self.filter_shape[:-1], self.out[:-1]
        *places, channel = counters(program, "m", rows)
        image, *at = counters(program, "p", depth)
        index, conditions = self._index(tuple(places), tuple(at))
        value = self.guarded(self.x.type, (image, *index, group * self.depth + channel), conditions)
        value = program.cast(value, self.dtype)
        left = Operand(
            "", body=self.statements(value), value=value.name, rows=_split("mx", rows), depth=_split("px", depth),
            slab=slab_of(self, group, across=True),
        )  # fmt: skip
        column = program.axis("nx", self.columns)
        size = dims.product(depth)
        right = self.matrix(group, program.axis("kx", size), column)
        flat = program.axis("mx", dims.product(rows))
        batch = (("gx", self.groups),) if self.groups != 1 else ()
        statement = Contract(
            "sum", self.dtype, batch, self.counter("mx"), self.counter("nx"), ("kx", size), left, right, []
        )
        return self.finish(name, flat, group * self.columns + column, statement)


def _split(letter: str, extents: Sequence[Dim]) -> tuple[tuple[str, Dim], ...]:
    return tuple((f"{letter}{a}", d) for a, d in enumerate(extents))
