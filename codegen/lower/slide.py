"""What lowering windows and convolutions share: counters over a result and a window, and outputs around the result."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from codegen.lower.merge import Axis
from codegen.lower.place import Placer
from codegen.lower.program import Handle, Program
from codegen.lower.pull import Domain, Index, Puller
from codegen.lower.view import Build, Lowered, graph_of
from graphcore import dims
from graphcore.dims import Dim
from graphcore.errors import InconclusiveDim, UnsupportedError
from graphcore.graph import Node, Value
from graphcore.ops.spread import dilated

Condition = tuple[str, Dim, Dim]


class Slide(NamedTuple):
    """One axis along which a window slides.

    Attributes:
        size: elements of the operand; window: places of the window; out: windows.
        stride, low: as in the op; base, spread: dilation of the operand and of the window.
    """

    size: Dim
    window: Dim
    out: Dim
    stride: Dim
    low: Dim
    base: Dim
    spread: Dim

    @property
    def within(self) -> bool:
        """Whether no window reaches beyond the operand, for certain."""
        try:
            last = (self.out - 1) * self.stride + (self.window - 1) * self.spread - self.low
            return dims.less_equal(self.low, 0) and dims.less(last, dilated(self.size, self.base))
        except InconclusiveDim:
            return False

    def place(self, out: Dim, k: Dim) -> Dim:
        """Where in the spread operand place `k` of window `out` is."""
        return out * self.stride + k * self.spread - self.low

    def source(self, place: Dim) -> tuple[Dim, list[Condition]]:
        """The element at a place of the spread operand, and when there is one."""
        conditions: list[Condition] = []
        if not self.within:
            conditions = [("le", 0, place), ("lt", place, dilated(self.size, self.base))]
        if self.base == 1:
            return place, conditions
        return dims.floordiv(place, self.base), [*conditions, ("eq", dims.mod(place, self.base), 0)]

    def shown(self, out: Dim) -> tuple[Dim, Dim]:
        """The first place of window `out` that is inside the operand, and how many are."""
        begin = self.low - out * self.stride
        first = dims.maximum(dims.ceildiv(begin, self.spread), 0)
        past = dims.floordiv(begin + dilated(self.size, self.base) - 1, self.spread) + 1
        return first, dims.maximum(dims.minimum(past, self.window) - first, 0)


class Around(Puller):
    """Pulls what an op reads, and the outputs that are computed from its result, which is given at one index."""

    def __init__(self, build: Build, node: Node) -> None:
        """Pulls through the view of `build` around `node`."""
        super().__init__(build.program, graph_of(build.what), Domain(build.program, ()), build.readers)
        self.node = node
        self.index: Index = ()
        self.result: Handle | None = None

    def value(self, v: Value, index: Index) -> Handle:
        """As Puller.value; the op's own result is only known at its own position."""
        if v.node is self.node:
            if self.result is None or index != self.index:
                raise UnsupportedError(f"{self.node.op.name}: its result is read at another position")
            return self.result
        return super().value(v, index)

    def store(self, build: Build, index: Index, result: Handle) -> None:
        """Stores every output of the view."""
        self.index, self.result = index, result
        for value, target in build.what.outputs:
            if value.type.shape != self.node.results[0].type.shape:
                raise UnsupportedError(f"{self.node.op.name}: an output of the kernel has shape {value.type.shape}")
            build.program.store(build.output(target), value.type, index, self.value(value, index))


def counters(program: Program, letter: str, extents: Sequence[Dim]) -> Index:
    """One counter per extent, named after a letter."""
    return tuple(program.axis(f"{letter}x{a}", d) for a, d in enumerate(extents))


def lay_out(build: Build, names: Sequence[str], name: str, category: str) -> Lowered:
    """The kernel whose loops run over the named counters in that order; those of letter r or c are folded."""
    program = build.program
    axes = [
        Axis(n, program.axes[n], "reduced" if n[0] in "rc" else "kept") for n in names if n in program.axes
    ]
    placer = Placer(program, axes)
    return build.lowered(name, category, placer.run(), placer.chunks)
