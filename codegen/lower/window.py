"""Windows as loops: the places of the window are folded for every result element, neighbouring elements in one vector.

A window that reaches beyond the operand is cut to what it shows there, so that nothing is tested inside.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from codegen.lower.program import Handle, Program
from codegen.lower.pull import Index
from codegen.lower.slide import Around, Condition, Slide, counters, lay_out
from codegen.lower.view import Build, Lowered, View
from graphcore.dims import Dim
from graphcore.dtypes import DType, int64
from graphcore.graph import Node
from graphcore.ops.window import MONOIDS, flat_position, is_positional, neutral


class _Fold:
    """The counters of one window op, and the operand's element at each place."""

    def __init__(self, build: Build, node: Node) -> None:
        self.program, self.node, self.attrs = build.program, node, node.attrs
        self.x = node.operands[0]
        self.slides = _slides(node)
        self.out = counters(self.program, "i", node.results[0].type.shape)
        self.vector = self._vector_axis()
        self.conditions: list[Condition] = []
        self.folded: list[str] = []
        self.index: Index = tuple(self._axis(a) for a in range(len(self.slides)))

    def _vector_axis(self) -> int:
        """The axis of the result that vectors run along, -1 if they run along the window."""
        last = [a for a, d in enumerate(self.node.results[0].type.shape) if d != 1]
        after = self.x.type.shape[last[-1] + 1 :] if last else ()
        return last[-1] if last and all(d == 1 for d in after) else -1

    def _axis(self, a: int) -> Dim:
        slide, program = self.slides[a], self.program
        first: Dim = 0
        count = slide.window
        if a != self.vector and not slide.within:
            first, count = slide.shown(self.out[a])
        k: Dim = 0
        if slide.window != 1 or count != 1:
            k = program.axis(f"rx{a}", count)
            self.folded += [f"rx{a}"] if f"rx{a}" in program.axes else []
        at, conditions = slide.source(slide.place(self.out[a], first + k))
        self.conditions += conditions if a == self.vector else [c for c in conditions if c[0] == "eq"]
        return at

    def read(self, puller: Around, fill: Any) -> Handle:
        """The element at the current place, `fill` in gaps."""
        dtype = self.x.type.dtype
        return self.program.choose(
            [(tuple(self.conditions), lambda: puller.value(self.x, self.index))],
            lambda: self.program.const(fill, dtype),
        ) if self.conditions else puller.value(self.x, self.index)  # fmt: skip

    def order(self) -> list[str]:
        """The loops, outermost first."""
        kept = [f"ix{a}" for a in range(len(self.out))]
        inner = [kept.pop(self.vector)] if self.vector >= 0 else []
        return [*kept, *self.folded, *inner]


def _slides(node: Node) -> list[Slide]:
    attrs = node.attrs
    rows = zip(
        node.operands[0].type.shape, attrs["window"], node.results[0].type.shape, attrs["strides"], attrs["low"],
        attrs["base_dilation"], attrs["window_dilation"], strict=True,
    )  # fmt: skip
    return [Slide(*row) for row in rows]


def lower_window(what: View, node: Node, name: str) -> Lowered:
    """The kernel of a window op. Raises UnsupportedError if what stands beside it does not fit."""
    build = Build(what)
    fold = _Fold(build, node)
    puller = Around(build, node)
    combine, dtype = node.attrs["combine"], fold.x.type.dtype
    start = neutral(dtype, combine)
    x = fold.read(puller, start)
    best = _reduced(build.program, fold.folded, x, combine, dtype)
    if is_positional(node.op):
        best = _first_position(build.program, fold, x, best)
    puller.store(build, fold.out, best)
    return lay_out(build, fold.order(), name, "window")


def _reduced(program: Program, over: Sequence[str], x: Handle, combine: str, dtype: DType) -> Handle:
    monoid = MONOIDS[combine]
    label = f"reduce_{'sum' if combine == 'add' else combine}"
    return program.reduce(monoid.init(dtype), monoid.step, label, [x], over, dtype)


def _first_position(p: Program, fold: _Fold, x: Handle, best: Handle) -> Handle:
    """The smallest flat position of the extreme (of a NaN, if there is one); -1 where the window shows nothing."""
    hit = p.eq(x, best)
    if x.dtype.is_floating:
        hit = p.or_(hit, p.is_nan(x))
    flat = flat_position(fold.x.type.shape, fold.index)
    nowhere = p.const(int64.max, int64)
    at = p.select(hit, p.from_index(flat, int64), nowhere)
    if fold.conditions:
        found = at
        at = p.choose([(tuple(fold.conditions), lambda: found)], lambda: nowhere)
    if fold.folded:
        at = p.reduce(int64.max, lambda k, acc, y: k.min(acc, y), "reduce_min", [at], fold.folded, int64)
    return p.select(p.eq(at, nowhere), p.const(-1, int64), at)
