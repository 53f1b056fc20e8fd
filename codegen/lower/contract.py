"""Contractions for the dense matrix kernel: operands that are strided views, and the epilogue that stores."""

from __future__ import annotations

from collections.abc import Sequence

from codegen import loopir
from codegen.loopir import Contract, Load, Operand, Store
from codegen.lower.merge import Axis, linear_parts, merge
from codegen.lower.place import rewrite
from codegen.lower.program import Given, Handle, Program, Reduce
from codegen.lower.pull import Domain as _Domain
from codegen.lower.pull import Index, Puller
from codegen.lower.view import Build, Lowered, View, graph_of
from graphcore import dims
from graphcore.dims import Dim
from graphcore.dtypes import float32, float64, int32, int64
from graphcore.errors import UnsupportedError
from graphcore.graph import Node, Value

SMALL = 2048
"""A contraction of at most this many multiplications is not worth the dense kernel's code."""


class Counters:
    """The counters of a contraction: batch, rows, columns, depth, as index tuples."""

    def __init__(self, program: Program, node: Node) -> None:
        """Makes bx0.., mx0.., nx0.., kx0.. in the program: never the name of an open size, such as the tracer's n0."""
        lhs, rhs = (v.type.shape for v in node.operands)
        (lc, rc), (lb, rb) = node.attrs["contracting"], node.attrs["batch"]
        self.left_axes = [a for a in range(len(lhs)) if a not in lc and a not in lb]
        self.right_axes = [a for a in range(len(rhs)) if a not in rc and a not in rb]
        self.extents: dict[str, Dim] = {}
        self.b = self._make(program, "b", [lhs[a] for a in lb])
        self.m = self._make(program, "m", [lhs[a] for a in self.left_axes])
        self.n = self._make(program, "n", [rhs[a] for a in self.right_axes])
        self.k = self._make(program, "k", [lhs[a] for a in lc])
        self.left = self._index(len(lhs), (lb, self.b), (self.left_axes, self.m), (lc, self.k))
        self.right = self._index(len(rhs), (rb, self.b), (self.right_axes, self.n), (rc, self.k))

    def _make(self, program: Program, letter: str, extents: Sequence[Dim]) -> Index:
        made = tuple(program.axis(f"{letter}x{i}", d) for i, d in enumerate(extents))
        self.extents.update({f"{letter}x{i}": d for i, d in enumerate(extents) if d != 1})
        return made

    @staticmethod
    def _index(rank: int, *groups: tuple[Sequence[int], Index]) -> Index:
        at: dict[int, Dim] = {a: i for axes, index in groups for a, i in zip(axes, index, strict=True)}
        return tuple(at[a] for a in range(rank))

    @property
    def depth(self) -> Dim:
        """The number of products that an element sums."""
        return dims.product(d for name, d in self.extents.items() if name[0] == "k")

    @property
    def result(self) -> Index:
        """The index of the result."""
        return self.b + self.m + self.n

    def axes(self) -> list[Axis]:
        """One axis per counter, grouped by its letter."""
        return [Axis(name, extent, name[0]) for name, extent in self.extents.items()]


class _Dense(Puller):
    """Pulls epilogues: the contraction's own result is given."""

    def __init__(self, build: Build, node: Node, counters: Counters) -> None:
        super().__init__(build.program, graph_of(build.what), _Domain(build.program, ()), build.readers)
        self.node = node
        self.counters = counters
        dtype = node.results[0].type.dtype
        self.sum = build.program.cast(build.program.given("sum", dtype.arithmetic), dtype)

    def value(self, v: Value, index: Index) -> Handle:
        """As Puller.value; the contraction is only known at its own position."""
        if v.node is self.node:
            if index != self.counters.result:
                raise UnsupportedError("the epilogue of a contraction reads its result at another position")
            return self.sum
        return super().value(v, index)


def lower_contract(what: View, node: Node, name: str) -> Lowered | None:
    """The kernel of a contraction, or None if loops serve it better (small, narrow integers, checks, odd layouts)."""
    dtype = node.results[0].type.dtype.arithmetic
    if dtype not in (float32, float64, int32, int64) or any(n.op.kind == "reduce" for n in what.nodes):
        return None
    build = Build(what)
    program = build.program
    counters = Counters(program, node)
    size = dims.product(counters.extents.values())
    columns = dims.product(d for name_, d in counters.extents.items() if name_[0] == "n")
    if (isinstance(size, int) and size <= SMALL) or columns == 1 or counters.depth == 1:
        return None
    puller = _Dense(build, node, counters)
    places = zip(node.operands, (counters.left, counters.right), strict=True)
    pulled = [program.cast(Puller.value(puller, v, at), dtype) for v, at in places]
    try:
        for value, target in what.outputs:
            build_output(build, puller, counters, value, target)
    except UnsupportedError:
        return None
    if program.messages or any(isinstance(s, Reduce) for s in program.statements.values()):
        return None
    return _assemble(build, counters, [h.name for h in pulled], name)


def build_output(build: Build, puller: _Dense, counters: Counters, value: Value, target: Value) -> None:
    """Adds the store of one output. Raises UnsupportedError if it has not the contraction's shape."""
    if len(value.type.shape) != len(counters.result) or value.type.shape != puller.node.results[0].type.shape:
        raise UnsupportedError(f"an output of a contraction has shape {value.type.shape}")
    buffer = build.output(target)
    build.program.store(buffer, value.type, counters.result, puller.value(value, counters.result))


def _assemble(build: Build, counters: Counters, operands: Sequence[str], name: str) -> Lowered | None:
    program = build.program
    expressions = [d for s in program.statements.values() for d in loopir.index_dims(s)]
    expressions += [r.at for r in program.roots]
    axes, replace = merge(counters.axes(), expressions)
    groups = {letter: [a for a in axes if a.group == letter] for letter in "bmnk"}
    if len(groups["k"]) > 1:
        return None
    row, column, depth = (_last(groups[letter]) for letter in "mnk")
    if row[1] == 1 and all(_along(program, replace, n, depth[0]) for n in operands):
        return None  # dot products: the loops of a reduction read both operands as they lie
    batch = [*groups["b"], *groups["m"][:-1], *groups["n"][:-1]]
    views = [
        _operand(program, n, replace, [a.name for a in batch], outer, depth[0])
        for n, outer in zip(operands, (row[0], column[0]), strict=True)
    ]
    body = [rewrite(program.statements[n], replace) for n in program.ordered([r.src for r in program.roots])]
    body = [s for s in body if not isinstance(s, Given)]
    body += [Store(r.buffer, dims.substitute(r.at, replace), r.src) for r in program.roots]
    pairs = tuple((a.name, a.extent) for a in batch)
    dtype = program.statements["sum"].dtype
    statement = Contract("sum", dtype, pairs, row, column, depth, views[0], views[1], body)
    return build.lowered(name, "contract", [statement], 1)


def _along(program: Program, replace: dict[str, Dim], name: str, k: str) -> bool:
    """Whether an operand is a plain load that is contiguous along the contracted counter."""
    statement = rewrite(program.statements[name], replace)
    if not isinstance(statement, Load):
        return False
    parts, linear = linear_parts(statement.at, frozenset((k,)))
    return linear and parts.get(k, 0) == 1


def _last(axes: Sequence[Axis]) -> tuple[str, Dim]:
    return (axes[-1].name, axes[-1].extent) if axes else ("", 1)


def _operand(
    program: Program, name: str, replace: dict[str, Dim], batch: Sequence[str], outer: str, k: str
) -> Operand:
    """A view if the operand is one plain load with constant strides, else its statements."""
    statement = rewrite(program.statements[name], replace)
    counters = frozenset(n for n in (*batch, outer, k) if n)
    if isinstance(statement, Load) and statement.guard is None:
        parts, linear = linear_parts(statement.at, counters)
        if linear:
            offset = dims.substitute(statement.at, dict.fromkeys(counters, 0))
            strides = tuple(parts.get(n, 0) for n in batch)
            return Operand(statement.buffer, offset, parts.get(outer, 0), parts.get(k, 0), strides)
    body = tuple(rewrite(program.statements[n], replace) for n in program.ordered([name]))
    return Operand("", body=body, value=name)
