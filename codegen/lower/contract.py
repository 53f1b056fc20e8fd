"""Contractions for the dense matrix kernel: operands that are strided views, and the epilogue that stores."""

from __future__ import annotations

from collections.abc import Sequence

from codegen import loopir
from codegen.loopir import Contract, Load, Operand, Store
from codegen.lower.merge import Axis, linear_parts, merge
from codegen.lower.place import rewrite
from codegen.lower.program import Given, Handle, Program, Reduce
from codegen.lower.pull import Domain as _Domain
from codegen.lower.pull import Index, Puller, unravel
from codegen.lower.view import Build, Lowered, View, graph_of
from graphcore import dims
from graphcore.dims import Dim
from graphcore.dtypes import float32, float64, int32, int64
from graphcore.errors import UnsupportedError
from graphcore.graph import Node, Value

SMALL = 2048
"""A contraction of at most this many multiplications is not worth the dense kernel's code."""

LOW, WIDE = 256, 64
"""Of a batch of matrices up to LOW rows with at least WIDE columns, all rows are packed as those of one matrix."""


class Counters:
    """The counters of a contraction: batch, rows, columns, depth, as index tuples.

    Attributes:
        blocks: the index of the result in every block of columns, of which the last counter runs over one.
    """

    def __init__(self, program: Program, node: Node, blocks: int = 1) -> None:
        """Makes bx0.., mx0.., nx0.., kx0.. in the program: never the name of an open size, such as the tracer's n0."""
        lhs, rhs = (v.type.shape for v in node.operands)
        (lc, rc), (lb, rb) = node.attrs["contracting"], node.attrs["batch"]
        self.left_axes = [a for a in range(len(lhs)) if a not in lc and a not in lb]
        self.right_axes = [a for a in range(len(rhs)) if a not in rc and a not in rb]
        self.extents: dict[str, Dim] = {}
        self.b = self._make(program, "b", [lhs[a] for a in lb])
        self.m = self._make(program, "m", [lhs[a] for a in self.left_axes])
        columns = [rhs[a] for a in self.right_axes]
        if blocks > 1:
            columns[-1] = dims.floordiv(columns[-1], blocks)
        self.n = self._make(program, "n", columns)
        self.k = self._make(program, "k", [lhs[a] for a in lc])
        self.left = self._index(len(lhs), (lb, self.b), (self.left_axes, self.m), (lc, self.k))
        self.blocks = [self._shifted(self.result, columns[-1] * g) if g else self.result for g in range(blocks)]
        every = self.n
        if blocks > 1:  # the right operand is read at all columns
            name = dims.is_symbol(self.n[-1])
            assert name is not None
            every = (*self.n[:-1], dims.symbol(name, 0, columns[-1] * blocks - 1))
        self.right = self._index(len(rhs), (rb, self.b), (self.right_axes, every), (rc, self.k))

    def _make(self, program: Program, letter: str, extents: Sequence[Dim]) -> Index:
        made = tuple(program.axis(f"{letter}x{i}", d) for i, d in enumerate(extents))
        self.extents.update({f"{letter}x{i}": d for i, d in enumerate(extents) if d != 1})
        return made

    @staticmethod
    def _index(rank: int, *groups: tuple[Sequence[int], Index]) -> Index:
        at: dict[int, Dim] = {a: i for axes, index in groups for a, i in zip(axes, index, strict=True)}
        return tuple(at[a] for a in range(rank))

    @staticmethod
    def _shifted(index: Index, columns: Dim) -> Index:
        return (*index[:-1], index[-1] + columns)

    @property
    def depth(self) -> Dim:
        """The number of products that an element sums."""
        return dims.product(d for name, d in self.extents.items() if name[0] == "k")

    @property
    def result(self) -> Index:
        """The index of the result."""
        return self.b + self.m + self.n

    def shape(self, whole: Sequence[Dim], count: int) -> tuple[Dim, ...]:
        """The shape of `count` blocks of a result of shape `whole`."""
        if count == len(self.blocks):
            return tuple(whole)
        return (*whole[:-1], dims.floordiv(whole[-1], len(self.blocks)) * count)

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
        given = [build.program.given(name, dtype.arithmetic) for name in sum_names(len(counters.blocks))]
        self.sums = [build.program.cast(x, dtype) for x in given]

    def value(self, v: Value, index: Index) -> Handle:
        """As Puller.value; the contraction is only known at its own position."""
        if v.node is self.node:
            if index not in self.counters.blocks:
                raise UnsupportedError("the epilogue of a contraction reads its result at another position")
            return self.sums[self.counters.blocks.index(index)]
        return super().value(v, index)


def sum_names(blocks: int) -> list[str]:
    """What the sums of the blocks of columns are called."""
    return ["sum", *(f"sum{g}" for g in range(1, blocks))]


def _blocks(what: View, node: Node) -> int:
    """In how many blocks of columns the epilogue takes the result, as the narrowest of what is stored says."""
    whole, rhs = node.results[0].type.shape, node.operands[1].type
    free = rhs.rank - len(node.attrs["contracting"][1]) - len(node.attrs["batch"][1])
    widths = [v.type.shape[-1] for v, _ in what.outputs if whole and v.type.shape[:-1] == whole[:-1]]
    known = [d for d in widths if isinstance(d, int)]
    if free != 1 or not known or len(known) < len(widths) or not isinstance(whole[-1], int) or min(known) < 2:
        return 1
    return max(whole[-1] // min(known), 1)


def lower_contract(what: View, node: Node, name: str) -> Lowered | None:
    """The kernel of a contraction, or None if loops serve it better (small, narrow integers, checks, odd layouts)."""
    dtype = node.results[0].type.dtype.arithmetic
    if dtype not in (float32, float64, int32, int64) or any(n.op.kind == "reduce" for n in what.nodes):
        return None
    build = Build(what)
    program = build.program
    blocks = _blocks(what, node)
    counters = Counters(program, node, blocks)
    size = dims.product(counters.extents.values())
    columns = dims.product(d for name_, d in counters.extents.items() if name_[0] == "n")
    if columns == 1 or (blocks == 1 and ((isinstance(size, int) and size <= SMALL) or counters.depth == 1)):
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
    """Adds the stores of one output. Raises UnsupportedError if it has not the contraction's shape, or some blocks."""
    whole, shape = puller.node.results[0].type.shape, value.type.shape
    count = next((g for g in range(1, len(counters.blocks) + 1) if shape == counters.shape(whole, g)), 0)
    if not count:
        raise UnsupportedError(f"an output of a contraction has shape {shape}")
    buffer = build.output(target)
    for index in counters.blocks[:count]:
        build.program.store(buffer, value.type, index, puller.value(value, index))


def _assemble(build: Build, counters: Counters, operands: Sequence[str], name: str) -> Lowered | None:
    program = build.program
    expressions = [d for s in program.statements.values() for d in loopir.index_dims(s)]
    expressions += [r.at for r in program.roots]
    axes, replace = merge(counters.axes(), expressions)
    groups = {letter: [a for a in axes if a.group == letter] for letter in "bmnk"}
    depth = groups["k"]
    split = _split_rows(program, operands, replace, groups)
    if split is not None:
        groups["m"], _, replace = split
    row, column = (_last(groups[letter]) for letter in "mn")
    if row[1] == 1 and len(depth) == 1 and all(_along(program, replace, n, depth[0].name) for n in operands):
        return None  # dot products: the loops of a reduction read both operands as they lie
    batch = [*groups["b"], *groups["m"][:-1], *groups["n"][:-1]]
    names = [a.name for a in batch]
    left = operand_of(program, operands[0], replace, names, row[0], depth) if split is None else split[1]
    right = operand_of(program, operands[1], replace, names, column[0], depth)
    body = [rewrite(program.statements[n], replace) for n in program.ordered([r.src for r in program.roots])]
    body = [s for s in body if not isinstance(s, Given)]
    body += [Store(r.buffer, dims.substitute(r.at, replace), r.src) for r in program.roots]
    pairs = tuple((a.name, a.extent) for a in batch)
    dtype = program.statements["sum"].dtype
    more = tuple(sum_names(len(counters.blocks))[1:])
    if more and (len(counters.right_axes) != 1 or column[0] != dims.is_symbol(counters.n[-1])):
        return None
    folded = (_last(depth)[0], dims.product(a.extent for a in depth))
    statement = Contract("sum", dtype, pairs, row, column, folded, left, right, body, more=more)
    return build.lowered(name, "contract", [statement], 1)


def _split_rows(
    program: Program, operands: Sequence[str], replace: dict[str, Dim], groups: dict[str, list[Axis]]
) -> tuple[list[Axis], Operand, dict[str, Dim]] | None:
    """One axis of rows where only the left operand keeps several apart (a transposed batch), with that operand.

    Its rows are then packed. With the outer axes as a batch of low matrices, the right operand would be packed for
    each of them, which costs more.
    """
    rows, depth, columns = groups["m"], groups["k"], groups["n"]
    load = rewrite(program.statements[operands[0]], replace)
    if len(rows) < 2 or len(depth) != 1 or not isinstance(load, Load) or load.guard is not None:
        return None
    low, few = rows[-1].extent, dims.product(a.extent for a in columns)
    if (isinstance(low, int) and low > LOW) or (isinstance(few, int) and few < WIDE):
        return None
    parts, linear = linear_parts(load.at, frozenset(a.name for a in (*rows, *depth)))
    if not linear or parts.get(depth[0].name) != 1:
        return None
    others = [rewrite(program.statements[n], replace) for n in program.ordered([operands[1], *(
        r.src for r in program.roots)])]  # fmt: skip
    at = [d for s in others for d in loopir.index_dims(s)]
    joined, more = merge(rows, [*at, *(dims.substitute(r.at, replace) for r in program.roots)])
    if len(joined) > 1:
        return None
    left = Operand("", body=(load,), value=operands[0], rows=tuple((a.name, a.extent) for a in rows),
                   depth=((depth[0].name, depth[0].extent),))  # fmt: skip
    return joined, left, {name: dims.substitute(d, more) for name, d in replace.items()} | more


def _along(program: Program, replace: dict[str, Dim], name: str, k: str) -> bool:
    """Whether an operand is a plain load that is contiguous along the contracted counter."""
    statement = rewrite(program.statements[name], replace)
    if not isinstance(statement, Load):
        return False
    parts, linear = linear_parts(statement.at, frozenset((k,)))
    return linear and parts.get(k, 0) == 1


def _last(axes: Sequence[Axis]) -> tuple[str, Dim]:
    return (axes[-1].name, axes[-1].extent) if axes else ("", 1)


def operand_of(
    program: Program, name: str, replace: dict[str, Dim], batch: Sequence[str], outer: str, depth: Sequence[Axis]
) -> Operand:
    """A view if the operand is one plain load with constant strides, else its statements.

    Where several axes are folded, they are counted as one, whose name is the last one's.
    """
    k = _last(depth)[0]
    statement = rewrite(program.statements[name], replace)
    counters = frozenset(n for n in (*batch, outer, *(a.name for a in depth)) if n)
    if isinstance(statement, Load) and statement.guard is None:
        parts, linear = linear_parts(statement.at, counters)
        steps = [parts.get(a.name, 0) for a in depth]
        if linear and all(far == near * a.extent for far, near, a in zip(steps, steps[1:], depth[1:], strict=False)):
            offset = dims.substitute(statement.at, dict.fromkeys(counters, 0))
            strides = tuple(parts.get(n, 0) for n in batch)
            return Operand(statement.buffer, offset, parts.get(outer, 0), parts.get(k, 0), strides)
    body = [rewrite(program.statements[n], replace) for n in program.ordered([name])]
    if len(depth) > 1:
        extents = [a.extent for a in depth]
        flat = dims.symbol(k, 0, dims.product(extents) - 1)
        split = dict(zip([a.name for a in depth], unravel(flat, extents), strict=True))
        body = [rewrite(s, split) for s in body]
    return Operand("", body=tuple(body), value=name)
