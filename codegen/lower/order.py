"""Kernels that go along one axis in order: sort and cumulative."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from codegen.loopir import Carry, Compute, IndexOf, Load, Loop, Sort, Store
from codegen.loopir import Const as Constant
from codegen.lower.program import Given, Handle, Program, data_index
from codegen.lower.scatter import counter, loop
from codegen.lower.view import Build, Lowered, View
from graphcore import dims, dtypes
from graphcore.dims import Dim
from graphcore.dtypes import DType
from graphcore.errors import UnsupportedError
from graphcore.graph import Node
from graphcore.ops.order import neutral

ROWS = 4
"""Rows that are cumulated side by side, since each waits for its own last result."""


class _Line(NamedTuple):
    """The axis of an array: `outer` arrays of `length` rows of `inner` elements."""

    outer: Dim
    length: Dim
    inner: Dim

    def at(self, o: Dim, i: Dim, j: Dim) -> Dim:
        return (o * self.length + i) * self.inner + j


def _line(node: Node) -> _Line:
    shape, axis = node.operands[0].type.shape, node.attrs["axis"]
    return _Line(dims.product(shape[:axis]), shape[axis], dims.product(shape[axis + 1 :]))


def _alone(what: View, node: Node) -> None:
    if len(what.nodes) != 1:
        raise UnsupportedError(f"op {node.op.name} is only lowered alone in its kernel")


def _recorded(program: Program, name: str) -> list[Any]:
    """The statements that compute a value, but for what is given."""
    found = [program.statements[n] for n in program.ordered([name])]
    return [s for s in found if not isinstance(s, Given)]


# -- sort


def lower_sort(what: View, node: Node, name: str) -> Lowered:
    """The kernel of a bare sort: for every row, keys, their order, and the (first few) elements in that order.

    Raises:
        UnsupportedError: if it is not alone in its kernel.
    """
    _alone(what, node)
    build = Build(what)
    program, line = build.program, _line(node)
    wanted = node.attrs.get("count", line.length)
    kept = line._replace(length=wanted)
    x, dtype = build.readers[node.operands[0]], node.operands[0].type.dtype
    outs = {value.index: build.output(target) for value, target in what.outputs}
    packed = dtype.size <= 4  # key and position fit into one integer
    key_dtype = dtypes.uint64 if packed else _unsigned(dtype)
    keys, spare = (program.buffer(key_dtype, line.length, "scratch") for _ in range(2))
    order, spare_order = ("" if packed else program.buffer(dtypes.int32, line.length, "scratch") for _ in range(2))
    o, c, j = counter("ox", line.outer), counter("cx", line.inner), counter("jx", line.length)
    i = counter("ix", wanted)
    now = program.given("now", dtype)
    key = _key(program, now, descending=bool(node.attrs.get("descending", False)))
    key = _pack(program, key, j) if packed else key
    before = [Load("now", dtype, x, line.at(o, j, c)), *_recorded(program, key.name), Store(keys, j, key.name)]
    place = data_index("place")
    after: list[Any] = [Load("from", dtypes.int32, order, i)]
    if packed:
        after = [Load("sorted", key_dtype, keys, i), Compute("from", dtypes.int32, "cast", ("sorted",))]
    if 1 in outs:
        after.append(Store(outs[1], kept.at(o, i, c), "from"))
    if 0 in outs:
        after += [
            IndexOf("place", "from"), Load("found", dtype, x, line.at(o, place, c)),
            Store(outs[0], kept.at(o, i, c), "found"),
        ]  # fmt: skip
    row = [
        *loop("jx", line.length, before, "vector"),
        Sort(keys, spare, order, spare_order, 4 * packed, line.length, wanted), *loop("ix", wanted, after, "vector"),
    ]  # fmt: skip
    body = loop("ox", line.outer, loop("cx", line.inner, row), chunk=True)
    return build.lowered(name, "sort", body, line.outer)


def _unsigned(dtype: DType) -> DType:
    return dtypes.as_dtype(f"uint{8 * dtype.size}")


def _pack(k: Any, key: Handle, position: Dim) -> Handle:
    """The key in the upper half of 64 bits, the position in the lower."""
    wide = dtypes.uint64
    return k.or_(k.shl(k.cast(key, wide), k.const(32, wide)), k.from_index(position, wide))


def _key(k: Any, x: Handle, *, descending: bool) -> Handle:
    """The unsigned integer that stands for x: see `graphcore.ops.order.sort_keys`."""
    dtype, unsigned = x.dtype, _unsigned(x.dtype)
    top = 1 << (8 * dtype.size - 1)
    if dtype.is_floating:
        signed = dtypes.as_dtype(f"int{8 * dtype.size}")
        bits = k.bitcast(k.add(x, k.const(0, dtype)), signed)  # the sum makes -0.0 0.0
        mask = k.shr(bits, k.const(8 * dtype.size - 1, signed))
        key = k.xor(k.bitcast(bits, unsigned), k.or_(k.bitcast(mask, unsigned), k.const(top, unsigned)))
    elif dtype.is_bool:
        key = k.cast(x, unsigned)
    else:
        key = k.bitcast(x, unsigned)
        key = k.xor(key, k.const(top, unsigned)) if dtype.kind == "i" else key
    key = k.not_(key) if descending else key
    return k.select(k.is_nan(x), k.const(2 * top - 1, unsigned), key) if dtype.is_floating else key


# -- cumulative


def lower_cumulative(what: View, node: Node, name: str) -> Lowered:
    """The kernel of a bare cumulation: row by row vectors across the other axes; chains if there are none.

    Raises:
        UnsupportedError: if it is not alone in its kernel.
    """
    _alone(what, node)
    build = Build(what)
    scan = _Scan(build, node, build.output(what.outputs[0][1]))
    body, chunks = scan.across() if scan.line.inner != 1 else scan.along()
    return build.lowered(name, "cumulative", body, chunks)


class _Scan:
    """One cumulation under construction."""

    def __init__(self, build: Build, node: Node, out: str) -> None:
        self.program, self.out = build.program, out
        self.x, self.dtype = build.readers[node.operands[0]], node.operands[0].type.dtype
        self.line = _line(node)
        self.exclusive, self.reverse = (bool(node.attrs.get(a, False)) for a in ("exclusive", "reverse"))
        self.neutral = neutral(node.attrs["combine"], self.dtype)
        self.step = _STEPS[node.attrs["combine"]]

    def _place(self, i: Dim) -> Dim:
        return self.line.length - 1 - i if self.reverse else i

    def _load(self, dest: str, buffer: str, o: Dim, i: Dim, j: Dim) -> Load:
        return Load(dest, self.dtype, buffer, self.line.at(o, self._place(i), j))

    def _store(self, o: Dim, i: Dim, j: Dim, src: str) -> Store:
        return Store(self.out, self.line.at(o, self._place(i), j), src)

    def _stepped(self, carry: str, now: str) -> tuple[str, list[Any]]:
        """The name of the combination of two values, and the statements that make it."""
        a, b = self.program.given(carry, self.dtype), self.program.given(now, self.dtype)
        made = self.step(self.program, a, b)
        return made.name, _recorded(self.program, made.name)

    def across(self) -> tuple[list[Any], Dim]:
        """Each row from the row before, which was stored just now."""
        line = self.line
        o, j, i = counter("ox", line.outer), counter("jx", line.inner), counter("ix", line.length)
        name, steps = self._stepped("before", "now")
        first: list[Any] = [Constant("start", self.dtype, self.neutral), self._store(o, 0, j, "start")]
        second: list[Any] = [self._load("now", self.x, o, 0, j), self._store(o, int(self.exclusive), j, "now")]
        done = 2 if self.exclusive else 1
        row = [
            self._load("before", self.out, o, i + done - 1, j),
            self._load("now", self.x, o, i + done - int(self.exclusive), j), *steps,
            self._store(o, i + done, j, name),
        ]  # fmt: skip
        body: list[Any] = []
        for number, part in enumerate([first, second] if self.exclusive else [second]):
            body += loop(f"f{number}x", dims.minimum(line.length - number, 1), loop("jx", line.inner, part, "vector"))
        body += [*_rest("ix", line.length - done, loop("jx", line.inner, row, "vector"))]
        return loop("ox", line.outer, body, chunk=True), line.outer

    def along(self) -> tuple[list[Any], Dim]:
        """Chains of scalars, a few rows side by side."""
        outer = self.line.outer
        if isinstance(outer, int) and outer < 2 * ROWS:
            return loop("ox", outer, self._rows([counter("ox", outer)]), chunk=True), outer
        blocks = dims.ceildiv(outer, ROWS)
        b, r = dims.symbol("ox", 0, blocks - 1), counter("rx", ROWS)
        left = dims.minimum(outer - b * ROWS, ROWS)
        body = [
            *loop("wx", dims.floordiv(left, ROWS), self._rows([b * ROWS + n for n in range(ROWS)])),
            *loop("rx", dims.mod(left, ROWS), self._rows([b * ROWS + r])),
        ]
        return loop("ox", blocks, body, chunk=True), blocks

    def _rows(self, rows: list[Dim]) -> list[Any]:
        start: list[Any] = [Constant("start", self.dtype, self.neutral)]
        first: list[Any] = []
        each: list[Any] = []
        i = counter("ix", self.line.length)
        for n, o in enumerate(rows):
            start.append(Carry(f"carry{n}", self.dtype, "start"))
            first += [self._load(f"now{n}", self.x, o, 0, 0), Carry(f"carry{n}", self.dtype, f"now{n}")]
            first.append(self._store(o, 0, 0, "start" if self.exclusive else f"now{n}"))
            name, steps = self._stepped(f"carry{n}", f"now{n}")
            each += [self._load(f"now{n}", self.x, o, i + 1, 0), *steps]
            each.append(self._store(o, i + 1, 0, f"carry{n}" if self.exclusive else name))
            each.append(Carry(f"carry{n}", self.dtype, name))
        return [*start, *loop("fx", dims.minimum(self.line.length, 1), first), *_rest("ix", self.line.length - 1, each)]


def _rest(name: str, extent: Dim, body: list[Any]) -> list[Any]:
    """A loop whose body counts by a symbol, whatever the extent; nothing if it is known to be empty."""
    return [] if isinstance(extent, int) and extent <= 0 else [Loop(name, extent, "serial", False, body)]


def _logaddexp(k: Any, a: Handle, b: Handle) -> Handle:
    """log(exp(a) + exp(b)) as NumPy computes it; 16-bit types in float32."""
    dtype = a.dtype
    if dtype.size < 4:
        a, b = k.cast(a, dtypes.float32), k.cast(b, dtypes.float32)
    gap = k.neg(k.abs(k.sub(a, b)))
    apart = k.add(k.max(a, b), k.log1p(k.exp(gap)))
    total = k.select(k.eq(a, b), k.add(a, k.const(math.log(2.0), a.dtype)), apart)
    return k.cast(total, dtype)


_STEPS: dict[str, Callable[[Any, Handle, Handle], Handle]] = {
    "add": lambda k, a, b: k.add(a, b), "mul": lambda k, a, b: k.mul(a, b), "max": lambda k, a, b: k.max(a, b),
    "logaddexp": _logaddexp,
}  # fmt: skip
