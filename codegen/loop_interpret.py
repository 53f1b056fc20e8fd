"""The meaning of loop IR, in NumPy: serial loops step by step, vector loops as whole arrays.

Lane accumulators are reproduced exactly: element j goes to lane j % 16, in order, and the lanes are combined by
halves, so integer and elementwise results and sums are those of native code bit for bit. A fused multiply-add is
formed in float64 (exactly rounded for float32 but for rare double rounding; unfused for float64).
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from codegen import loopir
from codegen.loopir import LANES, Contract, Kernel, Operand
from graphcore import dims
from graphcore.dims import Atom, Dim, SymDim
from graphcore.dtypes import DType
from graphcore.errors import LayerJitError
from graphcore.handler import NumpyHandler

Array = np.ndarray[Any, Any]


class KernelFailure(LayerJitError):
    """A check failed; `code` is the number that the kernel returns."""

    def __init__(self, code: int, message: str) -> None:
        """Keeps the code."""
        self.code = code
        super().__init__(message)


class _Handler(NumpyHandler):
    """NumPy's meaning of the words, and the fused multiply-add of contractions."""

    def fma(self, a: Any, b: Any, c: Any) -> Any:
        """a * b + c: floats in float64 and rounded once, integers as they wrap."""
        if np.asarray(c).dtype.kind != "f":
            return np.add(np.multiply(a, b), c)
        wide = np.multiply(a, b, dtype=np.float64) + c
        return np.asarray(wide).astype(np.asarray(c).dtype)


_K = _Handler()


class _Vector:
    """The open vector loop: its counter as an array."""

    def __init__(self, symbol: str, counter: Array) -> None:
        self.symbol = symbol
        self.counter = counter
        self.inner: set[str] = set()


class LoopInterpreter:
    """Runs one kernel on arrays."""

    def __init__(self, kernel: Kernel, buffers: Mapping[str, Array], sizes: Mapping[str, int]) -> None:
        """Takes flat arrays by buffer name (written in place), and the sizes of symbols."""
        self.kernel = kernel
        self.buffers = dict(buffers)
        self.symbols: dict[str, Any] = dict(sizes)
        self.values: dict[str, Any] = {}
        self.accumulators: dict[str, loopir.Init] = {}
        self.vector: _Vector | None = None
        for b in kernel.scratch:
            self.buffers[b.name] = np.zeros(dims.evaluate(b.size, sizes), b.dtype.numpy)

    def run(self, body: Sequence[Any]) -> None:
        """Runs statements in order. Raises KernelFailure if a check fails."""
        for s in body:
            _RUN[type(s)](self, s)

    # -- index expressions

    def index(self, d: Dim) -> Any:
        """An index expression: an int, or an int64 array inside a vector loop."""
        if not isinstance(d, SymDim):
            return d
        total: Any = 0
        for monomial, factor in d.terms:
            term: Any = factor
            for atom in monomial:
                term = term * self._atom(atom)
            total = total + term
        return total

    def _atom(self, atom: Atom) -> Any:
        if atom.kind == "symbol":
            if self.vector is not None and atom.name == self.vector.symbol:
                return self.vector.counter
            return self.symbols[atom.name]
        a, b = (self.index(x) for x in atom.args)
        return {"floordiv": np.floor_divide, "mod": np.mod, "min": np.minimum, "max": np.maximum}[atom.kind](a, b)

    # -- statements

    def _const(self, s: loopir.Const) -> None:
        self.values[s.dest] = np.asarray(s.value).astype(s.dtype.numpy)

    def _load(self, s: loopir.Load) -> None:
        buffer, at = self.buffers[s.buffer], self.index(s.at)
        if s.guard is None:
            self.values[s.dest] = np.asarray(buffer[at])
            return
        guard, at = np.broadcast_arrays(self.values[s.guard], at)
        out = np.zeros(guard.shape, s.dtype.numpy)
        out[guard] = buffer[at[guard]]
        self.values[s.dest] = out

    def _compute(self, s: loopir.Compute) -> None:
        args = [self.values[a] for a in s.args]
        if s.word in ("cast", "bitcast"):
            self.values[s.dest] = getattr(_K, s.word)(args[0], s.dtype)
        else:
            self.values[s.dest] = np.asarray(getattr(_K, s.word)(*args))

    def _from_index(self, s: loopir.FromIndex) -> None:
        self.values[s.dest] = np.asarray(self.index(s.at)).astype(s.dtype.numpy)

    def _condition(self, s: loopir.Condition) -> None:
        compare = {"lt": np.less, "le": np.less_equal, "eq": np.equal}[s.kind]
        self.values[s.dest] = np.asarray(compare(self.index(s.a), self.index(s.b)))

    def _index_of(self, s: loopir.IndexOf) -> None:
        self.symbols[s.dest] = np.asarray(self.values[s.src]).astype(np.int64)

    def _check(self, s: loopir.Check) -> None:
        if not np.all(self.values[s.src]):
            raise KernelFailure(s.code, self.kernel.messages[s.code - 1])

    def _store(self, s: loopir.Store) -> None:
        self.buffers[s.buffer][self.index(s.at)] = self.values[s.src]

    def _init(self, s: loopir.Init) -> None:
        self.accumulators[s.acc] = s
        shape = (LANES,) if self.vector is None else self.vector.counter.shape
        self.values[s.acc] = np.full(shape, s.value, s.dtype.numpy)
        if self.vector is not None:
            self.vector.inner.add(s.acc)

    def _accumulate(self, s: loopir.Accumulate) -> None:
        step = self.accumulators[s.acc].step
        xs = [self.values[x] for x in s.srcs]
        if self.vector is None or s.acc in self.vector.inner:
            self.values[s.acc] = np.asarray(step(_K, self.values[s.acc], *xs))
            return
        count = self.vector.counter.size
        xs = [np.broadcast_to(x, (count,)) for x in xs]
        acc = self.values[s.acc].copy()
        for start in range(0, count, LANES):
            width = min(LANES, count - start)
            acc[:width] = step(_K, acc[:width], *(x[start : start + width] for x in xs))
        self.values[s.acc] = acc

    def _finish(self, s: loopir.Finish) -> None:
        acc = self.values[s.acc]
        if self.vector is None:
            combine = self.accumulators[s.acc].combine
            while acc.size > 1:
                half = acc.size // 2
                acc = np.asarray(combine(_K, acc[:half], acc[half:]))
            acc = acc.reshape(())
        self.values[s.dest] = acc

    def _carry(self, s: loopir.Carry) -> None:
        self.values[s.dest] = self.values[s.src]

    def _apart(self, s: loopir.Apart) -> None:
        if not np.may_share_memory(self.buffers[s.a], self.buffers[s.b]):
            self.run(s.body)

    def _sort(self, s: loopir.Sort) -> None:
        count = int(self.index(s.length))
        keys = self.buffers[s.keys]
        order = np.argsort(keys[:count] >> keys.dtype.type(8 * s.low), kind="stable")
        keys[:count] = keys[order]
        if s.order:
            self.buffers[s.order][:count] = order

    def _loop(self, s: loopir.Loop) -> None:
        extent = int(self.index(s.extent))
        if s.mode == "serial":
            for i in range(extent):
                self.symbols[s.symbol] = i
                self.run(s.body)
            return
        if extent == 0:
            return
        self.vector = _Vector(s.symbol, np.arange(extent, dtype=np.int64))
        self.run(s.body)
        self.vector = None

    def _contract(self, s: Contract) -> None:
        """Row by row: the chain over k, then the epilogue for the row."""
        batch = [range(int(self.index(extent))) for _, extent in s.batch]
        rows, columns, depth = (int(self.index(x[1])) for x in (s.row, s.column, s.depth))
        for position in itertools.product(*batch):
            self.symbols.update({name: i for (name, _), i in zip(s.batch, position, strict=True)})
            a = self._matrix(s.a, position, (s.row[0], rows), (s.depth[0], depth), s.dtype)
            every = columns * (1 + len(s.more))
            b = self._matrix(s.b, position, (s.column[0], every), (s.depth[0], depth), s.dtype)
            total = np.zeros((rows, every), s.dtype.numpy)
            if s.carried is not None and int(self.index(s.carried.first)):
                total = self.buffers[s.carried.buffer].reshape(rows, every)
            for k in range(depth):
                total = _K.fma(a[:, k, None], b[None, :, k], total)
            if s.carried is not None:
                self.buffers[s.carried.buffer][:] = total.reshape(-1)
            for row in range(rows):
                if columns and (s.carried is None or not int(self.index(s.carried.left))):
                    self._row(s, row, columns, total[row])

    def _row(self, s: Contract, row: int, columns: int, total: Array) -> None:
        self.symbols[s.row[0]] = row
        self.vector = _Vector(s.column[0], np.arange(columns, dtype=np.int64))
        for g, name in enumerate((s.dest, *s.more)):
            self.values[name] = total[g * columns : (g + 1) * columns]
        self.run(s.body)
        self.vector = None

    def _matrix(
        self, x: Operand, position: Sequence[int], outer: tuple[str, int], k: tuple[str, int], dtype: DType
    ) -> Array:
        """An operand as a matrix [outer, k]."""
        i, j = np.arange(outer[1])[:, None], np.arange(k[1])[None, :]
        if x.buffer:
            at = int(self.index(x.offset)) + i * int(self.index(x.outer)) + j * int(self.index(x.k))
            at = at + sum(p * int(self.index(stride)) for p, stride in zip(position, x.batch, strict=True))
            return self.buffers[x.buffer][at]
        own = self._split(x.rows or (outer,), i) | self._split(x.depth or (k,), j)
        self.symbols.update(own)
        self.run(x.body)
        found = np.broadcast_to(self.values[x.value], (outer[1], k[1])).astype(dtype.numpy)
        for name in own:
            del self.symbols[name]
        return found

    def _split(self, counters: Sequence[tuple[str, Dim]], position: Array) -> dict[str, Array]:
        """The counters that a row-major position stands for."""
        found: dict[str, Array] = {}
        for name, extent in reversed(counters[1:]):
            size = max(int(self.index(extent)), 1)
            found[name], position = position % size, position // size
        found[counters[0][0]] = position
        return found


_RUN: dict[type, Any] = {
    loopir.Const: LoopInterpreter._const,
    loopir.Load: LoopInterpreter._load,
    loopir.Compute: LoopInterpreter._compute,
    loopir.FromIndex: LoopInterpreter._from_index,
    loopir.Condition: LoopInterpreter._condition,
    loopir.IndexOf: LoopInterpreter._index_of,
    loopir.Check: LoopInterpreter._check,
    loopir.Store: LoopInterpreter._store,
    loopir.Init: LoopInterpreter._init,
    loopir.Accumulate: LoopInterpreter._accumulate,
    loopir.Finish: LoopInterpreter._finish,
    loopir.Carry: LoopInterpreter._carry,
    loopir.Apart: LoopInterpreter._apart,
    loopir.Sort: LoopInterpreter._sort,
    loopir.Loop: LoopInterpreter._loop,
    Contract: LoopInterpreter._contract,
}


def interpret_kernel(kernel: Kernel, args: Sequence[Array], sizes: Mapping[str, int]) -> None:
    """Runs a kernel on contiguous arrays, one per argument; those of role "out" are written in place.

    Raises:
        KernelFailure: if a check fails.
    """
    flat = {b.name: a.reshape(-1) for b, a in zip(kernel.args, args, strict=True)}
    with np.errstate(all="ignore"):
        LoopInterpreter(kernel, flat, sizes).run(kernel.body)


def interpret_graph(graph: Any, arrays: Sequence[Array]) -> list[Array]:
    """Runs a graph through lowering and the loop interpreter: the oracle of native code.

    Raises:
        KernelFailure: if an assertion or an index check fails.
    """
    with dims.assuming(graph.guards):
        return _interpret_graph(graph, arrays)


def _interpret_graph(graph: Any, arrays: Sequence[Array]) -> list[Array]:
    from codegen.lower.assertion import lower_assert
    from codegen.lower.nodes import is_native, lower_node
    from graphcore.graph import Const
    from graphcore.interpret import bind_dims, found_sizes, run_node

    sizes = bind_dims([v.type for v in graph.inputs], [a.shape for a in arrays])
    known: dict[Any, Array] = {
        v: np.array(a, order="C") for v, a in zip(graph.inputs, arrays, strict=True)
    }

    def memory(value: Any) -> Array:
        if isinstance(value, Const):
            return value.array
        if value not in known:
            known[value] = np.zeros(tuple(dims.evaluate(d, sizes) for d in value.type.shape), value.type.dtype.numpy)
        return known[value]

    for node in graph.nodes:
        if node.op.name == "input":
            continue
        if "fail" in node.op.effects and not node.results:
            parts = [lower_assert(node, "check")]
        elif node.op.name == "constant" or not is_native(node):
            found = run_node(node, [memory(v) for v in node.operands], sizes)
            sizes.update(found_sizes(node, found))
            known.update(zip(node.results, (np.array(a, order="C") for a in found), strict=True))
            continue
        else:
            parts = lower_node(node, "kernel")
        for part in parts:
            interpret_kernel(part.kernel, [memory(v) for v in part.args], sizes)
    return [memory(v) for v in graph.outputs]


__all__ = ["KernelFailure", "LoopInterpreter", "interpret_graph", "interpret_kernel"]
