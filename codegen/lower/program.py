"""`Program`: a kernel's scalar computation as a DAG of loop IR statements, before it is laid out in loops.

It is a handler of scalar bodies (`graphcore.handler`), so that pulling an element through a graph records statements.
Every statement knows which loop counters it depends on; `codegen.lower.place` puts it into the loop of the innermost.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from codegen import loopir
from codegen.loopir import Buffer
from codegen.lower.half import apply_word, wide_source
from graphcore import dims
from graphcore.dims import Atom, Dim, SymDim
from graphcore.dtypes import DType, bool_, float32
from graphcore.errors import InconclusiveDim
from graphcore.handler import VOCABULARY, result_dtype
from graphcore.types import TensorType, contiguous_strides

NONE: frozenset[str] = frozenset()


def data_index(name: str) -> SymDim:
    """An index symbol about whose value nothing is known."""
    return SymDim((((Atom("symbol", name, (), None, None),), 1),))


class Handle:
    """A scalar value of a program: the name of its statement, and its dtype."""

    __slots__ = ("dtype", "name")

    def __init__(self, name: str, dtype: DType) -> None:
        self.name = name
        self.dtype = dtype


class Reduce(NamedTuple):
    """A reduction in a program: `over` are the loop counters that it folds, `srcs` what each step takes."""

    dest: str
    dtype: DType
    init: Any
    step: Callable[..., Any]
    combine: Callable[..., Any]
    label: str
    srcs: tuple[str, ...]
    over: frozenset[str]


class Given(NamedTuple):
    """A value that comes from outside the program, such as the sum of a contraction."""

    dest: str
    dtype: DType


class Root(NamedTuple):
    """A store that the kernel must make."""

    buffer: str
    at: Dim
    src: str


class Program:
    """Statements by name, with the loop counters that each depends on.

    Attributes:
        statements: by name of the value, index symbol or check that each defines.
        needs: for every name the loop counters that its value depends on.
        after: checks that must come before a load.
        buffers: the kernel's buffers by name.
        roots: the stores to make.
        checks: names of checks that nothing else depends on but that must be made.
        messages: what failure code i + 1 means.
    """

    def __init__(self) -> None:
        """Starts an empty program."""
        self.statements: dict[str, Any] = {}
        self.needs: dict[str, frozenset[str]] = {}
        self.after: dict[str, tuple[str, ...]] = {}
        self.buffers: dict[str, Buffer] = {}
        self.roots: list[Root] = []
        self.checks: list[str] = []
        self.messages: list[str] = []
        self.axes: dict[str, Dim] = {}
        self.guard: Handle | None = None
        self._memo: dict[Any, Any] = {}
        self._data: set[str] = set()
        self._count = 0

    # -- structure

    def axis(self, name: str, extent: Dim) -> Dim:
        """A loop counter 0 .. extent-1; the number 0 if the extent is 1."""
        if extent == 1:
            return 0
        self.axes[name] = extent
        return dims.symbol(name, 0, extent - 1)

    def buffer(self, dtype: DType, size: Dim, role: str, data: Any = None) -> str:
        """A new buffer; returns its name."""
        name = f"{role}{len(self.buffers)}"
        self.buffers[name] = Buffer(name, dtype, size, role, data)
        return name

    def symbols_of(self, dim: Dim) -> frozenset[str]:
        """The loop counters that an index expression depends on, through data-dependent indices too."""
        if not isinstance(dim, SymDim):
            return NONE
        found: set[str] = set()
        for name in dims.free_symbols(dim):
            if name in self.axes:
                found.add(name)
            elif name in self._data:
                found |= self.needs[name]
        return frozenset(found)

    def data_symbols(self, dim: Dim) -> list[str]:
        """The data-dependent indices in an index expression."""
        if not self._data or not isinstance(dim, SymDim):
            return []
        return sorted(dims.free_symbols(dim) & self._data)

    def _add(self, key: Any, make: Callable[[str], Any], needs: frozenset[str], prefix: str = "t") -> str:
        name = self._memo.get(key)
        if name is None:
            self._count += 1
            name = self._memo[key] = f"{prefix}{self._count}"
            self.statements[name] = make(name)
            self.needs[name] = needs
        return name

    def _needs(self, *names: str) -> frozenset[str]:
        first = self.needs[names[0]]
        return first.union(*(self.needs[n] for n in names[1:]))

    # -- the handler of scalar bodies

    def __getattr__(self, word: str) -> Callable[..., Handle]:
        """The function of a word of the vocabulary. Raises AttributeError outside it."""
        if word not in VOCABULARY:
            raise AttributeError(f"{word!r} is not a word of scalar bodies")

        def record(*operands: Handle) -> Handle:
            if any(h.dtype.is_half for h in operands):
                return apply_word(self, word, operands)
            return self.compute(word, result_dtype(word, [h.dtype for h in operands]), operands)

        setattr(self, word, record)
        return record

    def compute(self, word: str, dtype: DType, operands: Sequence[Handle]) -> Handle:
        """A word on operands."""
        args = tuple(h.name for h in operands)
        key = (word, dtype.name, args)
        name = self._memo.get(key)
        if name is None:
            name = self._add(key, lambda n: loopir.Compute(n, dtype, word, args), self._needs(*args))
        return Handle(name, dtype)

    def dtype(self, x: Handle) -> DType:
        """The dtype of a value."""
        return x.dtype

    def const(self, value: Any, dtype: DType) -> Handle:
        """A constant; equal bits of one dtype are one statement."""
        with np.errstate(all="ignore"):
            exact = np.asarray(value).astype(dtype.numpy)
        name = self._add(("const", dtype.name, exact.tobytes()), lambda n: loopir.Const(n, dtype, exact.item()), NONE)
        return Handle(name, dtype)

    def cast(self, x: Handle, dtype: DType) -> Handle:
        """x as another dtype."""
        if x.dtype is dtype:
            return x
        source = wide_source(self, x) if x.dtype.is_half and dtype is float32 else None
        return self.compute("cast", dtype, (x,)) if source is None else Handle(source, dtype)

    def bitcast(self, x: Handle, dtype: DType) -> Handle:
        """The bits of x as another dtype."""
        return x if x.dtype is dtype else self.compute("bitcast", dtype, (x,))

    # -- the handler of elements

    def from_index(self, dim: Dim, dtype: DType) -> Handle:
        """An index expression as a number."""
        if isinstance(dim, int):
            return self.const(dim, dtype)
        key = ("index", dtype.name, dim)
        return Handle(self._add(key, lambda n: loopir.FromIndex(n, dtype, dim), self.symbols_of(dim)), dtype)

    def index(self, x: Handle) -> Dim:
        """A data-dependent index: the value of x as an index symbol."""
        name = self._add(("data", x.name), lambda n: loopir.IndexOf(n, x.name), self.needs[x.name], "d")
        self._data.add(name)
        return data_index(name)

    def condition(self, kind: str, a: Dim, b: Dim) -> Handle | bool:
        """A comparison of index expressions, decided now if their bounds allow it."""
        try:
            return {"lt": dims.less, "le": dims.less_equal, "eq": dims.equal}[kind](a, b)
        except InconclusiveDim:
            needs = self.symbols_of(a) | self.symbols_of(b)
            return Handle(self._add((kind, a, b), lambda n: loopir.Condition(n, kind, a, b), needs), bool_)

    def choose(
        self, pieces: Sequence[tuple[Sequence[tuple[str, Dim, Dim]], Callable[[], Handle]]],
        otherwise: Callable[[], Handle],
    ) -> Handle:  # fmt: skip
        """The first piece whose conditions all hold; reads of a piece happen only where it is chosen."""
        if not pieces:
            return otherwise()
        conditions, thunk = pieces[0]
        holds = self._all(conditions)
        if holds is True:
            return thunk()
        if holds is False:
            return self.choose(pieces[1:], otherwise)
        yes = self.under(holds, thunk)
        no = self.under(self.not_(holds), lambda: self.choose(pieces[1:], otherwise))
        return self.select(holds, yes, no)

    def _all(self, conditions: Sequence[tuple[str, Dim, Dim]]) -> Handle | bool:
        total: Handle | bool = True
        for kind, a, b in conditions:
            one = self.condition(kind, a, b)
            if one is False:
                return False
            if one is not True:
                total = one if total is True else self.and_(total, one)
        return total

    def under(self, holds: Handle, thunk: Callable[[], Handle]) -> Handle:
        """Runs `thunk` with reads and checks guarded by `holds` besides the guard that is there."""
        before = self.guard
        self.guard = holds if before is None else self.and_(before, holds)
        try:
            return thunk()
        finally:
            self.guard = before

    # -- memory

    def load(self, buffer: str, type_: TensorType, index: Sequence[Dim], what: str = "") -> Handle:
        """The element of a contiguous buffer at an index tuple, range-checked where the index is data."""
        checks = tuple(
            c for i, extent in zip(index, type_.shape, strict=True) if self.data_symbols(i)
            if (c := self._range_check(i, extent, what))
        )  # fmt: skip
        offset: Dim = 0
        for i, stride in zip(index, contiguous_strides(type_.shape), strict=True):
            offset = offset + i * stride
        guard = self._needed_guard(index, type_.shape)
        key = ("load", buffer, offset, guard)
        # Of the index, not of the offset: a stride may be 0.
        needs = NONE.union(*map(self.symbols_of, index))
        if guard is not None:
            needs |= self.needs[guard]
        name = self._add(key, lambda n: loopir.Load(n, type_.dtype, buffer, offset, guard), needs)
        if checks:
            self.after[name] = checks
        return Handle(name, type_.dtype)

    def load_where(
        self, conditions: Sequence[tuple[str, Dim, Dim]], buffer: str, type_: TensorType, index: Sequence[Dim]
    ) -> Handle:
        """The element of a contiguous buffer where all conditions hold, else 0: nothing is read there."""
        holds = self._all(conditions)
        if holds is True:
            return self.load(buffer, type_, index)
        if holds is False:
            return self.const(0, type_.dtype)
        return self.under(holds, lambda: self._zero_unless(holds, self.load(buffer, type_, index), type_, index))

    def _zero_unless(self, holds: Handle, x: Handle, type_: TensorType, index: Sequence[Dim]) -> Handle:
        """x, chosen only where that does not lie in its guarded load: one that is always within has no guard."""
        if self._needed_guard(index, type_.shape) is not None:
            return x
        return self.select(holds, x, self.const(0, type_.dtype))

    def _needed_guard(self, index: Sequence[Dim], shape: Sequence[Dim]) -> str | None:
        """The current guard, or None if the index is within the shape anyway."""
        if self.guard is None:
            return None
        for i, extent in zip(index, shape, strict=True):
            try:
                if dims.less_equal(0, i) and dims.less(i, extent):
                    continue
            except InconclusiveDim:
                pass
            return self.guard.name
        return None

    def _range_check(self, i: Dim, extent: Dim, what: str) -> str | None:
        inside = self._all([("le", 0, i), ("lt", i, extent)])
        if inside is True:
            return None
        if inside is False:
            inside = self.const(False, bool_)
        return self.check(inside, f"{what or 'gather'}: an index is outside [0, {extent}); clip the indices first")

    def check(self, holds: Handle, message: str) -> str:
        """Fails with a message unless `holds`, where the current guard holds; returns the check's name."""
        if self.guard is not None:
            holds = self.or_(holds, self.not_(self.guard))

        def make(name: str) -> loopir.Check:
            self.messages.append(message)
            return loopir.Check(name, holds.name, len(self.messages))

        return self._add(("check", holds.name, message), make, self.needs[holds.name], "c")

    def store(self, buffer: str, type_: TensorType, index: Sequence[Dim], x: Handle) -> None:
        """A root: element `index` of a contiguous output buffer is x."""
        offset: Dim = 0
        for i, stride in zip(index, contiguous_strides(type_.shape), strict=True):
            offset = offset + i * stride
        self.roots.append(Root(buffer, offset, x.name))

    def reduce(
        self, init: Any, step: Callable[..., Any], label: str, srcs: Sequence[Handle], over: Sequence[str],
        dtype: DType, combine: Callable[..., Any] | None = None,
    ) -> Handle:  # fmt: skip
        """Folds values over loop counters; `combine` joins partial results, `step` itself if None.

        16-bit floats are folded in float32 and rounded once.
        """
        if dtype.is_half:
            wide = [self.cast(x, x.dtype.arithmetic) for x in srcs]
            return self.cast(self.reduce(init, step, label, wide, over, dtype.arithmetic, combine), dtype)
        if not over:  # one element
            return srcs[0] if len(srcs) == 1 else step(self, self.const(init, dtype), *srcs)
        names = tuple(h.name for h in srcs)
        folded = frozenset(over)
        key = ("reduce", label, names, folded)
        needs = self._needs(*names) - folded
        name = self._add(key, lambda n: Reduce(n, dtype, init, step, combine or step, label, names, folded), needs)
        return Handle(name, dtype)

    def given(self, name: str, dtype: DType) -> Handle:
        """A value from outside, known where every counter is."""
        self.statements[name] = Given(name, dtype)
        self.needs[name] = frozenset(self.axes)
        return Handle(name, dtype)

    def ordered(self, names: Sequence[str]) -> list[str]:
        """The given statements and all that they depend on, each after its arguments."""
        out: dict[str, None] = {}

        def visit(name: str) -> None:
            if name not in out:
                for argument in self.arguments(name):
                    visit(argument)
                out[name] = None

        for name in names:
            visit(name)
        return list(out)

    def arguments(self, name: str) -> tuple[str, ...]:
        """The names that a statement depends on: values, data-dependent indices, checks."""
        s = self.statements[name]
        if isinstance(s, loopir.Compute):
            return s.args
        if isinstance(s, Given):
            return ()
        if isinstance(s, Reduce):
            return s.srcs
        if isinstance(s, loopir.IndexOf | loopir.Check):
            return (s.src,)
        found = [d for dim in loopir.index_dims(s) for d in self.data_symbols(dim)]
        if isinstance(s, loopir.Load):
            if s.guard is not None:
                found.append(s.guard)
            found.extend(self.after.get(name, ()))
        return tuple(found)
