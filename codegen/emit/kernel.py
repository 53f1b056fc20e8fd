"""Loop IR as LLVM: statements, serial loops, and vector loops with masked tails."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from codegen import loopir
from codegen.emit import divide, loops, sort
from codegen.emit.prefetch import Fetch
from codegen.emit.scope import Lanes, Scope
from codegen.emit.text import FunctionText
from codegen.emit.value_loops import any_lane
from codegen.emit.values import LlvmHandler, Val, memory_type
from codegen.loopir import LANES, Kernel
from codegen.target import Target
from graphcore import dims
from graphcore.dims import Dim
from graphcore.dtypes import DType, int64

PARAMETERS = ("ptr %args", "ptr %dims", "ptr %scratch", "i64 %begin", "i64 %end")
"""The parameters of every kernel: buffer pointers, sizes of symbols, private memory, the range of chunks."""


def load_symbols(fn: FunctionText, names: Sequence[str], wanted: set[str]) -> dict[str, str]:
    """Loads the sizes of the wanted symbols from %dims; returns their i64 texts."""
    found: dict[str, str] = {}
    for i, name in enumerate(names):
        if name in wanted:
            pointer = fn.emit(f"getelementptr i64, ptr %dims, i64 {i}", "p") if i else "%dims"
            found[name] = fn.emit(f"load i64, ptr {pointer}, align 8", name.replace("-", "_"))
    return found


def symbols_in(body: Sequence[Any], buffers: Sequence[loopir.Buffer] = ()) -> set[str]:
    """Every index symbol that statements mention."""
    found: set[str] = set()
    for s in loopir.walk(body):
        found |= dims.free_symbols(loopir.index_dims(s))
        if isinstance(s, loopir.Loop):
            found |= dims.free_symbols(s.extent)
    return found | dims.free_symbols([b.size for b in buffers])


class Emitter:
    """Emits the statements of one function."""

    def __init__(self, fn: FunctionText, target: Target, kernel: Kernel, symbols: Sequence[str]) -> None:
        """Loads buffer pointers and symbol sizes at the function's entry (%args, %dims, %scratch are parameters)."""
        self.fn = fn
        self.target = target
        self.k = LlvmHandler(fn, target.isa, LANES, has_fma=target.has_fma)
        self.scope = Scope(self.k)
        self.buffers = {b.name: b for b in kernel.buffers}
        self.pointers: dict[str, str] = {}
        self.bases: dict[tuple[str, Dim], str] = {}
        self.accumulators: dict[str, loopir.Init] = {}
        self.divisors: dict[str, divide.Divisor] = {}
        self.fetching: tuple[loopir.Loop, list[Fetch]] | None = None
        self.failures: dict[int, str] = {}
        self.scope.symbols.update(load_symbols(fn, symbols, symbols_in(kernel.body, kernel.buffers)))
        for i, buffer in enumerate(kernel.args):
            at = fn.emit(f"getelementptr ptr, ptr %args, i64 {i}", "p") if i else "%args"
            self.pointers[buffer.name] = fn.emit(f"load ptr, ptr {at}, align 8", buffer.name)
        self._scratch_pointers(kernel)

    def _scratch_pointers(self, kernel: Kernel) -> None:
        offset: Dim = 0
        for buffer in kernel.scratch:
            at = self.scope.scalar(offset)
            self.pointers[buffer.name] = self.fn.emit(f"getelementptr i8, ptr %scratch, i64 {at}", buffer.name)
            offset = offset + loopir.buffer_bytes(buffer)

    def body(self, statements: Sequence[Any]) -> None:
        """Emits statements in order."""
        for s in statements:
            _EMIT[type(s)](self, s)

    def finish(self) -> None:
        """Ends the function: success, and one return per failure code."""
        self.fn.ret("i32 0")
        for code, label in self.failures.items():
            self.fn.place(label)
            self.fn.ret(f"i32 {code}")

    # -- values

    def _const(self, s: loopir.Const) -> None:
        self.scope.values[s.dest] = [self.k.const(s.value, s.dtype)]

    def _compute(self, s: loopir.Compute) -> None:
        scope, k = self.scope, self.k
        divisor = self.divisors.get(s.args[1]) if s.word == "div" else None
        if divisor is not None and scope.lanes is not None and scope.values[s.args[0]][0].lanes > 1:
            scope.values[s.dest] = divide.divide(k, scope.values[s.args[0]], divisor)
            return
        out: list[Val] = []
        for copy in range(scope.copies(*s.args)):
            xs = [scope.get(a, copy) for a in s.args]
            if s.word in ("cast", "bitcast"):
                out.append(getattr(k, s.word)(xs[0], s.dtype))
            elif s.word != "select" and any(x.dtype.is_half for x in xs):
                wide = [k.cast(x, x.dtype.arithmetic) for x in xs]
                out.append(k.cast(getattr(k, s.word)(*wide), s.dtype))
            else:
                out.append(getattr(k, s.word)(*xs))
        scope.values[s.dest] = out

    def _copies(self, *expressions: Dim) -> int:
        """1 if the expressions are uniform, else the number of copies of the vector loop."""
        lanes = self.scope.lanes
        return 1 if lanes is None or all(map(self.scope.is_uniform, expressions)) else lanes.copies

    def _from_index(self, s: loopir.FromIndex) -> None:
        scope = self.scope
        scope.values[s.dest] = [
            self.k.cast(scope.vector(s.at, copy), s.dtype) for copy in range(self._copies(s.at))
        ]

    def _condition(self, s: loopir.Condition) -> None:
        scope = self.scope
        scope.values[s.dest] = [scope.compare(s.kind, s.a, s.b, copy) for copy in range(self._copies(s.a, s.b))]

    def _index_of(self, s: loopir.IndexOf) -> None:
        values = [self.k.cast(x, int64) for x in self.scope.values[s.src]]
        if values[0].lanes == 1:
            self.scope.symbols[s.dest] = values[0].text
            self.scope.vectors.pop(s.dest, None)
        else:
            self.scope.vectors[s.dest] = values

    def _check(self, s: loopir.Check) -> None:
        lanes = self.scope.lanes
        bad: str | None = None
        for holds in self.scope.values[s.src]:
            wrong = self.k.not_(holds)
            if wrong.lanes > 1 and lanes is not None and lanes.mask is not None:
                wrong = self.k.and_(wrong, lanes.mask)
            text = any_lane(self.k, wrong)
            bad = text if bad is None else self.fn.emit(f"or i1 {bad}, {text}")
        label = self.failures.setdefault(s.code, f"fail.{s.code}")
        going = self.fn.new_label("fine")
        self.fn.branch_if(bad or "false", label, going)
        self.fn.place(going)

    # -- memory

    def _load(self, s: loopir.Load) -> None:
        guards = self.scope.values[s.guard] if s.guard is not None else [None]
        count = max(self._copies(s.at), len(guards))
        self.scope.values[s.dest] = [self._load_one(s, copy, guards[copy % len(guards)]) for copy in range(count)]

    def _load_one(self, s: loopir.Load, copy: int, guard: Val | None) -> Val:
        scope, k = self.scope, self.k
        if scope.is_uniform(s.at):
            return self._load_uniform(s, guard)
        lanes = scope.lanes
        assert lanes is not None
        parts = scope.split(s.at)
        if parts is not None and parts[1] == 1:
            pointer = self.linear_pointer(s.buffer, parts[0], lanes.starts[copy], s.dtype)
            if guard is not None and guard.lanes == 1:  # zeros are read instead, at no cost
                zeros = self.fn.module.constant("[128 x i8]", "zeroinitializer", 64)
                pointer = self.fn.emit(f"select i1 {guard.text}, ptr {pointer}, ptr {zeros}")
                guard = None
            return k.load(pointer, s.dtype, lanes.lanes, self._both(lanes.mask, guard, lanes.lanes))
        mask = self._both(lanes.mask, guard, lanes.lanes)
        offsets = scope.vector(s.at, copy)
        return k.gather(self.pointers[s.buffer], offsets, s.dtype, mask, s.dtype.size)

    def _load_uniform(self, s: loopir.Load, guard: Val | None) -> Val:
        k = self.k
        base = self._base(s.buffer, s.at)
        if guard is None:
            return k.load(base, s.dtype, 1)
        # Where the guard is false the address may be anything, so a zero is read instead: no branch is needed.
        zero = self.fn.module.constant("[16 x i8]", "zeroinitializer", 16)
        pointer = self.fn.emit(f"select i1 {any_lane(k, guard)}, ptr {base}, ptr {zero}")
        value = k.load(pointer, s.dtype, 1)
        return k.select(guard, value, k.like(0, value))

    def _both(self, a: Val | None, b: Val | None, lanes: int) -> Val | None:
        if a is None or b is None:
            chosen = a or b
            return chosen if chosen is None else self.k.splat(chosen, lanes)
        return self.k.and_(a, b)

    def _base(self, buffer: str, index: Dim) -> str:
        """The pointer to the element at a uniform index."""
        found = self.bases.get((buffer, index))
        if found is not None:
            return found
        return self._element(self.pointers[buffer], self.scope.scalar(index), self.buffers[buffer].dtype)

    def _element(self, pointer: str, index: str, dtype: DType) -> str:
        if index == "0":
            return pointer
        return self.fn.emit(f"getelementptr {memory_type(dtype)}, ptr {pointer}, i64 {index}", "p")

    def linear_pointer(self, buffer: str, base: Dim, start: str, dtype: DType) -> str:
        """The pointer to lane 0 of a unit-stride access."""
        return self._element(self._base(buffer, base), start, dtype)

    def hoist(self, body: Sequence[Any], symbol: str, lanes: Lanes) -> None:
        """Computes, before a vector loop, the base pointers of its unit-stride accesses that are known already."""
        before, self.scope.lanes = self.scope.lanes, lanes
        for s in loopir.walk(body):
            if not isinstance(s, loopir.Load | loopir.Store) or self.scope.is_uniform(s.at):
                continue
            parts = self.scope.split(s.at)
            if parts is not None and parts[1] == 1:
                self.hoist_bases([(s.buffer, parts[0])])
        self.scope.lanes = before

    def hoist_bases(self, places: Iterable[tuple[str, Dim]]) -> None:
        """Computes the pointers to elements of buffers, where their indices are known already."""
        for buffer, index in places:
            if (buffer, index) not in self.bases and dims.free_symbols(index) <= self.scope.symbols.keys():
                self.bases[buffer, index] = self._base(buffer, index)

    def hoist_divisors(self, body: Sequence[Any]) -> None:
        """Looks, before a vector loop, at the numbers that it divides vectors by."""
        for s in loopir.walk(body):
            if isinstance(s, loopir.Compute) and s.word == "div" and divide.serves(self.k, s.dtype):
                value = self.scope.values.get(s.args[1])
                if value is not None and value[0].lanes == 1 and s.args[1] not in self.divisors:
                    self.divisors[s.args[1]] = divide.prepare(self.k, value[0])

    def _store(self, s: loopir.Store) -> None:
        scope, k = self.scope, self.k
        dtype = self.buffers[s.buffer].dtype
        if scope.is_uniform(s.at):
            k.store(self._base(s.buffer, s.at), scope.get(s.src, 0))
            return
        lanes = scope.lanes
        assert lanes is not None
        parts = scope.split(s.at)
        for copy in range(lanes.copies):
            value = k.splat(scope.get(s.src, copy), lanes.lanes)
            if parts is not None and parts[1] == 1:
                k.store(self.linear_pointer(s.buffer, parts[0], lanes.starts[copy], dtype), value, lanes.mask)
            else:
                k.scatter(self.pointers[s.buffer], scope.vector(s.at, copy), value, lanes.mask, dtype.size)

    # -- accumulators

    def _init(self, s: loopir.Init) -> None:
        self.accumulators[s.acc] = s
        lanes = self.scope.lanes
        start = self.k.splat(self.k.const(s.value, s.dtype), LANES if lanes is None else lanes.lanes)
        self.scope.values[s.acc] = [start] * (1 if lanes is None else lanes.copies)
        if lanes is not None:
            lanes.inner.add(s.acc)

    def _accumulate(self, s: loopir.Accumulate) -> None:
        scope, k, lanes = self.scope, self.k, self.scope.lanes
        assert lanes is not None
        step = self.accumulators[s.acc].step
        state = scope.values[s.acc]  # one per element or copy of the loop (see loops.py), or one for all
        if s.acc in lanes.inner or len(state) > 1:
            scope.values[s.acc] = [
                step(k, acc, *(scope.get(x, copy) for x in s.srcs)) for copy, acc in enumerate(state)
            ]
            return
        acc = state[0]
        for copy in range(lanes.copies):
            stepped = step(k, acc, *(scope.get(x, copy) for x in s.srcs))
            acc = stepped if lanes.mask is None else k.select(lanes.mask, stepped, acc)
        scope.values[s.acc] = [acc]

    def _finish(self, s: loopir.Finish) -> None:
        state = self.scope.values[s.acc]
        if self.scope.lanes is None:
            combine = self.accumulators[s.acc].combine
            state = [self.k.reduce(state[0], lambda a, b: combine(self.k, a, b))]
        self.scope.values[s.dest] = state

    def _carry(self, s: loopir.Carry) -> None:
        self.scope.values[s.dest] = [self.scope.get(s.src, 0)]

    def _apart(self, s: loopir.Apart) -> None:
        loops.emit_apart(self, s)

    def _sort(self, s: loopir.Sort) -> None:
        dtype = self.buffers[s.keys].dtype
        buffers = [self.pointers[b] for b in (s.keys, s.spare, s.order, s.spare_order) if b]
        if len(buffers) == 2 and sort.selects(s.wanted, s.length):
            sizes = (self.scope.scalar(s.length), self.scope.scalar(s.wanted))
            sort.select(self.fn, self.target, dtype, buffers[0], *sizes)
            return
        sort.call(self.fn, dtype, buffers, s.low, self.scope.scalar(s.length))

    def _loop(self, s: loopir.Loop) -> None:
        loops.emit_loop(self, s)


_EMIT: dict[type, Any] = {
    loopir.Const: Emitter._const,
    loopir.Load: Emitter._load,
    loopir.Compute: Emitter._compute,
    loopir.FromIndex: Emitter._from_index,
    loopir.Condition: Emitter._condition,
    loopir.IndexOf: Emitter._index_of,
    loopir.Check: Emitter._check,
    loopir.Store: Emitter._store,
    loopir.Init: Emitter._init,
    loopir.Accumulate: Emitter._accumulate,
    loopir.Finish: Emitter._finish,
    loopir.Carry: Emitter._carry,
    loopir.Apart: Emitter._apart,
    loopir.Sort: Emitter._sort,
    loopir.Loop: Emitter._loop,
}
