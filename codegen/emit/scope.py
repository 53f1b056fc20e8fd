"""What emitted statements see: values, index symbols, and the vector loop that is open."""

from __future__ import annotations

from collections.abc import Sequence

from codegen.emit.values import LlvmHandler, Val
from codegen.lower.merge import linear_parts
from codegen.runtime.dimcode import emit_dim
from graphcore import dims
from graphcore.dims import Atom, Dim, SymDim
from graphcore.dtypes import bool_, int64

NARROW = 1 << 31
"""Index vectors below this bound are divided in 32 bits, which the instruction sets have."""


class Lanes:
    """The open vector loop: its counter, and one or several vectors of it that are computed side by side.

    Attributes:
        symbol: the counter's name.
        starts: per copy the i64 text of the counter in lane 0.
        mask: the lanes that exist, or None if all do (one copy only).
        lanes: lanes of a vector.
        inner: accumulators that were made inside the loop: one per element, not one per lane.
    """

    def __init__(self, symbol: str, starts: Sequence[str], mask: Val | None, lanes: int = 16) -> None:
        self.symbol = symbol
        self.starts = list(starts)
        self.mask = mask
        self.lanes = lanes
        self.inner: set[str] = set()

    @property
    def copies(self) -> int:
        """How many vectors are computed side by side."""
        return len(self.starts)


class Scope:
    """Names of one function under emission.

    Attributes:
        values: per name one Val, or one per copy of the open vector loop.
        symbols: i64 text of every scalar index symbol.
        vectors: per data-dependent index symbol that differs between lanes, one int64 Val per copy.
        lanes: the open vector loop, or None.
    """

    def __init__(self, k: LlvmHandler) -> None:
        """Starts with nothing defined."""
        self.k = k
        self.fn = k.fn
        self.values: dict[str, list[Val]] = {}
        self.symbols: dict[str, str] = {}
        self.vectors: dict[str, list[Val]] = {}
        self.lanes: Lanes | None = None

    def get(self, name: str, copy: int) -> Val:
        """The value of a name in one copy."""
        found = self.values[name]
        return found[copy] if len(found) > 1 else found[0]

    def copies(self, *names: str) -> int:
        """How many different copies the values of some names have: 1 if they are uniform."""
        return max((len(self.values[n]) for n in names), default=1)

    def is_uniform(self, dim: Dim) -> bool:
        """Whether an index expression is the same in every lane."""
        if self.lanes is None or isinstance(dim, int):
            return True
        free = dims.free_symbols(dim)
        return self.lanes.symbol not in free and not any(s in free for s in self.vectors)

    def scalar(self, dim: Dim) -> str:
        """The i64 text of an index expression that is uniform."""
        return emit_dim(self.fn, dim, self.symbols)

    def split(self, dim: Dim) -> tuple[Dim, Dim] | None:
        """(base, coefficient) if the expression is base + coefficient * counter with both uniform, else None."""
        lanes = self.lanes
        if lanes is None or isinstance(dim, int):
            return dim, 0
        parts, linear = linear_parts(dim, frozenset((lanes.symbol, *self.vectors)))
        if not linear or any(s != lanes.symbol for s in parts):
            return None
        coefficient = parts.get(lanes.symbol, 0)
        return dims.substitute(dim, {lanes.symbol: 0}), coefficient

    def counter(self, copy: int) -> Val:
        """The counter of the vector loop as a vector."""
        lanes = self.lanes
        if lanes is None:
            raise KeyError("no vector loop is open")
        start = Val(lanes.starts[copy], int64, 1)
        return self._ramp(lanes.lanes) if start.is_literal else self.k.add(start, self.k.iota(int64, lanes.lanes))

    def _ramp(self, lanes: int) -> Val:
        """0, 1, 2, ... read from memory.

        Whole vectors of literals are avoided: LLVM 22 for AVX-512 drops a constant mask that it joins with a variable
        one where the masked value is a constant too.
        """
        iota = self.k.iota(int64, lanes)
        text = self.fn.memo.get(("ramp", lanes))
        if text is None:
            pointer = self.fn.module.constant(iota.type, iota.text)
            text = self.fn.memo["ramp", lanes] = self.fn.emit(f"load {iota.type}, ptr {pointer}, align 64", "ramp")
        return Val(text, int64, lanes)

    def vector(self, dim: Dim, copy: int) -> Val:
        """An index expression as an int64 value; a vector where lanes differ."""
        if self.is_uniform(dim):
            return Val(self.scalar(dim), int64, 1)
        parts = self.split(dim)
        if parts is not None:
            base, coefficient = parts
            value = self._scaled(self.counter(copy), coefficient)
            return value if base == 0 else self.k.add(Val(self.scalar(base), int64, 1), value)
        total: Val | None = None
        assert isinstance(dim, SymDim)
        for monomial, factor in dim.terms:
            term = self._monomial(monomial, factor, copy)
            total = term if total is None else self.k.add(total, term)
        assert total is not None
        return total

    def _scaled(self, value: Val, coefficient: Dim) -> Val:
        if coefficient == 1:
            return value
        return self.k.mul(value, Val(self.scalar(coefficient), int64, 1))

    def _monomial(self, monomial: tuple[Atom, ...], factor: int, copy: int) -> Val:
        value = self.k.const(factor, int64)
        for atom in monomial:
            one = self._atom(atom, copy)
            value = one if value.text == "1" else self.k.mul(value, one)
        return value

    def _atom(self, atom: Atom, copy: int) -> Val:
        own = SymDim((((atom,), 1),))
        if self.is_uniform(own):
            return Val(self.scalar(own), int64, 1)
        if atom.kind == "symbol":
            found = self.vectors.get(atom.name)
            if found is not None:
                return found[copy] if len(found) > 1 else found[0]
            return self.counter(copy)
        a, b = (self.vector(argument, copy) for argument in atom.args)
        if atom.kind in ("min", "max"):
            return getattr(self.k, atom.kind)(a, b)
        return self._division(atom, a, b)

    def _division(self, atom: Atom, a: Val, b: Val) -> Val:
        low, high = dims.bounds(atom.args[0])
        if low is None or low < 0:
            return getattr(self.k, atom.kind)(a, b)
        opcode = "udiv" if atom.kind == "floordiv" else "urem"
        a, b = self.k.unify(a, b)
        high_b = dims.bounds(atom.args[1])[1]
        if high is None or high >= NARROW or high_b is None or high_b >= NARROW:
            return self.k.op(opcode, a, b)
        narrow = f"<{a.lanes} x i32>"
        fn = self.fn
        x = fn.emit(f"trunc {a.typed} to {narrow}")
        y = f"splat (i32 {high_b})" if atom.args[1] == high_b else fn.emit(f"trunc {b.typed} to {narrow}")
        q = fn.emit(f"{opcode} {narrow} {x}, {y}")
        return Val(fn.emit(f"zext {narrow} {q} to {a.type}"), int64, a.lanes)

    def compare(self, kind: str, a: Dim, b: Dim, copy: int) -> Val:
        """A comparison of index expressions as a bool value."""
        word = {"lt": "slt", "le": "sle", "eq": "eq"}[kind]
        x, y = self.k.unify(self.vector(a, copy), self.vector(b, copy))
        return self.k.op(f"icmp {word}", x, y, bool_)
