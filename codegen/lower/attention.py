"""Attention: contractions with the matrix of scores between them, a block of rows at a time.

A chunk of the kernel is a stretch of rows (queries) of one matrix of scores. For every block of rows in it, the
*sources* (products of queries and keys) are stored to scratch memory, loops over its rows make of them what the
*exits* read, and each exit is a contraction of that with something else: over the keys, or over the queries; then its
sum is carried from block to block, in ascending order, and finished by the last one. Scratch memory holds one block
of every score that is stored. All numbers are those of separate kernels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from codegen import loopir
from codegen.loopir import Carried, Contract, FromIndex, IndexOf, Load, Loop, Store
from codegen.lower.contract import operand_of
from codegen.lower.merge import Axis
from codegen.lower.place import Placer
from codegen.lower.program import Given, Handle, Program, Reduce
from codegen.lower.pull import Domain, Index, Puller
from codegen.lower.view import Build, Lowered, View, graph_of
from graphcore import dims
from graphcore.dims import Dim
from graphcore.dtypes import int64
from graphcore.errors import UnsupportedError
from graphcore.graph import Node, Value
from graphcore.ops.contract import free_axes
from graphcore.types import TensorType

SCORE_BYTES = 512 << 10
"""What the stored scores of one block may take: a part of the second cache."""

_LEAST_ROWS, _MOST_ROWS = 14, 64
_CHUNK_ROWS = 512
"""Rows of a chunk: so many share one packed copy of keys and values."""

_LINE = 16

_CHUNK, _BLOCK, _START, _FIRST = "och", "obl", "ostart", "orow"


class Space(NamedTuple):
    """The counters outside of every stage: where in the matrices of scores a block lies.

    Attributes:
        shape: (batch..., queries, keys).
        batch: the index of the matrix.
        first: the first row of the block; rows: how many it has.
        height: rows of a whole block; stretch: rows of a whole chunk.
    """

    shape: tuple[Dim, ...]
    batch: Index
    first: Dim
    rows: Dim
    height: Dim
    stretch: Dim

    @property
    def block(self) -> tuple[Dim, Dim]:
        """The shape of one block of scores in scratch memory: rows of whole lines, which do not share cache sets."""
        return (self.height, (dims.ceildiv(self.shape[-1], _LINE) + 1) * _LINE)


def lower_attention(what: View, name: str) -> Lowered:
    """The kernel of an attention. Raises UnsupportedError if its parts do not fit together."""
    return _Attention(what).lower(name)


class _Local(Puller):
    """Pulls values at a block: scores that are stored come from scratch memory, and sums are given."""

    def __init__(self, owner: _Attention, program: Program, domain: Domain) -> None:
        super().__init__(program, graph_of(owner.what), domain, owner.build.readers)
        self.space, self.stored = owner.space, owner.stored
        self.given: dict[Value, tuple[Index, Handle]] = {}

    def value(self, v: Value, index: Index) -> Handle:
        """As Puller.value."""
        if v in self.given:
            at, handle = self.given[v]
            if at != index:
                raise UnsupportedError("what follows a contraction of scores reads it at another position")
            return handle
        buffer = self.stored.get(v)
        if buffer is None:
            return super().value(v, index)
        block = TensorType(v.type.dtype, self.space.block)
        return self.program.load(buffer, block, (index[-2] - self.space.first, index[-1]))


class _Rows(Domain):
    """The rows of a block: the counters of the space, of which the keys are folded."""

    def __init__(self, program: Program, space: Space) -> None:
        rank = len(space.shape)
        self.shape, self.reduced = space.shape, frozenset((rank - 1,))
        row, key = program.axis("ri", space.rows), program.axis("rj", space.shape[-1])
        self.counters = (*space.batch, space.first + row, key)
        self.names = (*[""] * (rank - 2), "ri" if "ri" in program.axes else "", "rj")
        self.local: Index = (row, key)


class _Attention:
    """The parts of one kernel.

    Attributes:
        sources, exits: the contractions that give scores, and those that read them, with the side of the scores.
        read: the scores that exits read.
        ends: by source, the value that is stored: what elementwise work makes of it before anything else is needed.
        stored: the scratch buffers of scores.
    """

    def __init__(self, what: View) -> None:
        self.what = what
        self.build = Build(what)
        self.sources: list[Node] = []
        self.exits: dict[Node, int] = {}
        self._sort_out()
        fold = next((n for n in what.nodes if n.op.kind == "reduce"), None)
        if fold is None or not self.exits:
            raise UnsupportedError("no scores between contractions")
        self.read = list(dict.fromkeys(n.operands[side] for n, side in self.exits.items()))
        self.ends = {n: self._end(n.results[0]) for n in self.sources}
        self.space = self._space(fold.operands[0].type.shape)
        self.stored: dict[Value, str] = {}
        self.unused: list[str] = []  # until the end, because the number of buffers names the next one

    def _sort_out(self) -> None:
        self.dependent: set[Value] = set()
        self.users: dict[Value, list[Node]] = {}
        for node in self.what.nodes:
            sides = [i for i, v in enumerate(node.operands) if v in self.dependent]
            for v in dict.fromkeys(node.operands):
                self.users.setdefault(v, []).append(node)
            if node.op.kind == "contract":
                if len(sides) > 1:
                    raise UnsupportedError("a contraction of scores with scores")
                if sides:
                    self.exits[node] = sides[0]
                else:
                    self.sources.append(node)
            if sides or node.op.kind == "contract":
                self.dependent.update(node.results)

    def _end(self, v: Value) -> Value:
        while len(users := self.users.get(v, [])) == 1 and v not in self.read:
            node = users[0]
            alone = sum(x in self.dependent for x in node.operands) == 1
            if node.op.kind != "elementwise" or not alone or node.results[0].type.shape != v.type.shape:
                break
            v = node.results[0]
        return v

    # -- blocks

    def _space(self, shape: tuple[Dim, ...]) -> Space:
        *batch, queries, keys = shape
        whole_columns = any(self._folds_queries(n) for n in self.exits)
        count = max(len(self.ends), len(self.read))  # most scores are stored over others
        fitting = dims.floordiv(SCORE_BYTES, count * keys * max(v.type.dtype.size for v in self.ends.values()))
        height = dims.maximum(_LEAST_ROWS, dims.minimum(_MOST_ROWS, fitting))
        if isinstance(queries, int) and isinstance(height, int):
            height = dims.ceildiv(queries, dims.ceildiv(queries, height))
        stretch = queries if whole_columns else dims.maximum(dims.floordiv(_CHUNK_ROWS, height), 1) * height
        first = dims.symbol(_FIRST, 0, queries - 1)
        even = isinstance(queries, int) and isinstance(height, int) and queries % height == 0
        rows = height if even else dims.minimum(height, queries - first)
        index = tuple(0 if d == 1 else dims.symbol(f"ob{i}", 0, d - 1) for i, d in enumerate(batch))
        return Space(shape, index, first, rows, height, stretch)

    def _folds_queries(self, node: Node) -> bool:
        side = self.exits[node]
        return node.attrs["contracting"][side][0] == node.operands[side].type.rank - 2

    def _program(self) -> Program:
        """A program of one stage; all stages share the kernel's buffers."""
        program = Program()
        program.buffers = self.build.program.buffers
        return program

    def _scratch(self, v: Value) -> str:
        return self.build.program.buffer(v.type.dtype, dims.product(self.space.block), "scratch")

    # -- stages

    def lower(self, name: str) -> Lowered:
        """The kernel."""
        body: list[Any] = []
        for node, end in self.ends.items():
            buffer = self._scratch(end)
            body.append(self._source(node, end, buffer))
            self.stored[end] = buffer
        body += self._row_stage()
        body += [self._exit(node) for node in self.exits]
        statements, chunks = self._outside(body)
        for buffer in self.unused:
            del self.build.program.buffers[buffer]
        return self.build.lowered(name, "attention", statements, chunks)

    def _source(self, node: Node, end: Value, buffer: str) -> Contract:
        space, program = self.space, self._program()
        puller = _Local(self, program, Domain(program, ()))
        row, column = program.axis("mx", space.rows), program.axis("nx", space.shape[-1])
        depth = program.axis("kx", node.operands[0].type.shape[node.attrs["contracting"][0][0]])
        operands = [
            puller.value(v, self._position(node, side, free, depth))
            for side, (v, free) in enumerate(zip(node.operands, (space.first + row, column), strict=True))
        ]
        at = (*space.batch, space.first + row, column)
        contract = self._contract(node, puller, at, operands)

        def store() -> None:
            program.store(buffer, TensorType(end.type.dtype, space.block), (row, column), puller.value(end, at))

        return contract(store, None)

    def _exit(self, node: Node) -> Contract:
        space, program, side = self.space, self._program(), self.exits[node]
        puller = _Local(self, program, Domain(program, ()))
        score, other = node.operands[side], node.operands[1 - side]
        (free,) = _free(node, 1 - side)
        column = program.axis("nx", other.type.shape[free])
        if self._folds_queries(node):
            row, depth = program.axis("mx", space.shape[-1]), space.first + program.axis("kx", space.rows)
            at, place = (*space.batch, depth, row), row
            size = space.shape[-1] * other.type.shape[free]
            buffer = self.build.program.buffer(node.results[0].type.dtype.arithmetic, size, "scratch")
            carried = Carried(buffer, space.first, space.shape[-2] - space.first - space.rows)
        else:
            row, depth = program.axis("mx", space.rows), program.axis("kx", space.shape[-1])
            place, carried = space.first + row, None
            at = (*space.batch, place, depth)
        operands = [puller.value(score, at), puller.value(other, self._position(node, 1 - side, column, depth))]
        result = (*space.batch, *((place, column) if side == 0 else (column, place)))
        contract = self._contract(node, puller, result, operands)
        return contract(lambda: self._outputs(node, puller, result), carried)

    def _position(self, node: Node, side: int, free: Dim, depth: Dim) -> Index:
        """Where an operand is read: at its own axes."""
        at = dict(zip(node.attrs["batch"][side], self.space.batch, strict=True))
        at[node.attrs["contracting"][side][0]] = depth
        at[_free(node, side)[0]] = free
        return tuple(at[a] for a in range(len(at)))

    def _contract(
        self, node: Node, puller: _Local, result: Index, operands: Sequence[Handle]
    ) -> Callable[[Callable[[], None], Carried | None], Contract]:
        """What makes the statement, once it is told how to store the sum."""
        program, dtype = puller.program, node.results[0].type.dtype
        wide = dtype.arithmetic
        pulled = [program.cast(x, wide).name for x in operands]
        puller.given[node.results[0]] = (result, program.cast(program.given("sum", wide), dtype))

        def make(store: Callable[[], None], carried: Carried | None) -> Contract:
            store()
            _check(program)
            row, column, depth = ((n, program.axes[n]) if n in program.axes else ("", 1) for n in ("mx", "nx", "kx"))
            folded = [Axis(*depth, "k")] if depth[0] else []
            a, b = (
                operand_of(program, x, {}, (), outer, folded)
                for x, outer in zip(pulled, (row[0], column[0]), strict=True)
            )
            names = program.ordered([r.src for r in program.roots])
            body = [s for n in names if not isinstance(s := program.statements[n], Given)]
            body += [Store(r.buffer, r.at, r.src) for r in program.roots]
            return Contract("sum", wide, (), row, column, depth, a, b, body, carried=carried)

        return make

    def _outputs(self, node: Node, puller: _Local, result: Index) -> None:
        """Stores what becomes of an exit's sum."""
        for value, target in self.what.outputs:
            index = self._reach(value, node, result)
            if index is not None:
                puller.program.store(
                    self.build.output(target), value.type, index, puller.value(value, index)
                )

    def _reach(self, value: Value, node: Node, result: Index) -> Index | None:
        """Where an exit's position lies in a value that is made of it; None for one of another exit."""
        if value.node is node:
            return result
        before = list(dict.fromkeys(v for v in value.node.operands if v in self.dependent))
        if value.node in self.exits:
            return None
        if len(before) != 1 or value.node.op.kind not in ("elementwise", "move"):
            raise UnsupportedError("scores are read from memory")
        index = self._reach(before[0], node, result)
        perm = value.node.attrs.get("perm")
        return index if index is None or perm is None else tuple(index[a] for a in perm)

    # -- rows

    def _row_stage(self) -> list[Any]:
        """Loops over the rows of a block that make what exits read of what sources gave."""
        wanted = [v for v in self.read if v not in self.stored]
        if not wanted:
            return []
        space, program = self.space, self._program()
        domain = _Rows(program, space)
        puller = _Local(self, program, domain)
        made = {v: self._scratch(v) for v in wanted}
        for v, buffer in made.items():
            program.store(buffer, TensorType(v.type.dtype, space.block), domain.local, puller.value(v, domain.counters))
        _check(program, folds=True)
        axes = [Axis(n, program.axes[n], g) for n, g in (("ri", "kept"), ("rj", "reduced")) if n in program.axes]
        body = [s._replace(chunk=False) if isinstance(s, Loop) else s for s in Placer(program, axes).run()]
        for v, buffer in made.items():
            body = self._in_place(body, v, buffer)
        return body

    def _in_place(self, body: list[Any], v: Value, buffer: str) -> list[Any]:
        """Stores a score over one that nobody reads any more, if there is one; else where it was to lie."""
        own = self.build.program.buffers
        for source, old in list(self.stored.items()):
            dead = source not in self.read and old not in (self.stored[x] for x in self.read if x in self.stored)
            if dead and own[old].dtype is v.type.dtype and _loads_end(body, old, buffer):
                self.unused.append(buffer)
                self.stored[v] = old
                return _renamed(body, buffer, old)
        self.stored[v] = buffer
        return body

    # -- loops

    def _outside(self, stages: list[Any]) -> tuple[list[Any], Dim]:
        """The loops around the stages, and how many chunks there are."""
        space = self.space
        *batch, queries, _ = space.shape
        parts = dims.ceildiv(queries, space.stretch)
        chunks = dims.product(batch) * parts
        chunk = dims.symbol(_CHUNK, 0, chunks - 1)
        start = dims.symbol(_START, 0, queries - 1)
        blocks = dims.ceildiv(dims.minimum(space.stretch, queries - start), space.height)
        outer: list[Any] = []
        rest = dims.floordiv(chunk, parts)
        for i in reversed(range(len(batch))):
            if batch[i] != 1:
                first = all(d == 1 for d in batch[:i])
                outer += _set(f"ob{i}", rest if first else dims.mod(rest, batch[i]))
                rest = dims.floordiv(rest, batch[i])
        outer += _set(_START, dims.mod(chunk, parts) * space.stretch)
        inner = _set(_FIRST, start + dims.symbol(_BLOCK, 0, queries - 1) * space.height)
        outer.append(Loop(_BLOCK, blocks, "serial", False, [*inner, *stages]))
        return [Loop(_CHUNK, chunks, "serial", True, outer)], chunks


def _free(node: Node, side: int) -> tuple[int, ...]:
    return free_axes(node.operands[side].type.rank, node.attrs["contracting"][side], node.attrs["batch"][side])


def _set(symbol: str, value: Dim) -> list[Any]:
    """The index symbol becomes an index expression."""
    return [FromIndex(f"at_{symbol}", int64, value), IndexOf(symbol, f"at_{symbol}")]


def _check(program: Program, *, folds: bool = False) -> None:
    """Raises UnsupportedError for what a stage cannot hold."""
    if program.messages or (not folds and any(isinstance(s, Reduce) for s in program.statements.values())):
        raise UnsupportedError("a check or a fold beside a contraction")


def _loads_end(body: Sequence[Any], old: str, new: str) -> bool:
    """Whether nothing is loaded from `old` after the first store to `new`."""
    stored = False
    for s in loopir.walk(body):
        stored = stored or (isinstance(s, Store) and s.buffer == new)
        if isinstance(s, Load | Store) and s.buffer == old and stored:
            return False
    return True


def _renamed(body: Sequence[Any], old: str, new: str) -> list[Any]:
    """The statements with stores and loads of one buffer made to another."""
    out: list[Any] = []
    for s in body:
        if isinstance(s, Loop):
            out.append(s._replace(body=_renamed(s.body, old, new)))
        else:
            out.append(s._replace(buffer=new) if isinstance(s, Load | Store) and s.buffer == old else s)
    return out
