"""Pulling: how one element of a value is computed from elements of the values before it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from codegen.lower.half import apply_body
from codegen.lower.program import Handle, Program
from graphcore import dims
from graphcore.dims import Dim
from graphcore.errors import UnsupportedError
from graphcore.graph import Graph, Node, Value
from graphcore.types import TensorType, contiguous_strides

Index = tuple[Dim, ...]


class Domain:
    """The space of loops that a kernel covers: one counter per axis, some of them folded by reductions.

    Attributes:
        shape: extents.
        counters: the counters, as index expressions.
        names: their names ("" where the extent is 1).
        reduced: the folded axes.
    """

    def __init__(self, program: Program, shape: Sequence[Dim], reduced: Sequence[int] = ()) -> None:
        """Makes the counters i0, i1, ... (r0, ... for folded axes) in the program."""
        self.shape = tuple(shape)
        self.reduced = frozenset(reduced)
        names = [f"{'r' if a in self.reduced else 'i'}{a}" for a in range(len(self.shape))]
        self.counters: Index = tuple(program.axis(n, d) for n, d in zip(names, self.shape, strict=True))
        self.names = tuple(n if n in program.axes else "" for n in names)

    @property
    def kept(self) -> tuple[int, ...]:
        """The axes that are not folded."""
        return tuple(a for a in range(len(self.shape)) if a not in self.reduced)

    def flat(self, axes: Sequence[int]) -> Dim:
        """The row-major position among the given axes."""
        strides = contiguous_strides([self.shape[a] for a in axes])
        total: Dim = 0
        for a, stride in zip(axes, strides, strict=True):
            total = total + self.counters[a] * stride
        return total

    def index_for(self, shape: Sequence[Dim]) -> tuple[Index, bool]:
        """Where in a value of that shape the counters point; and whether the value has the whole space.

        Raises:
            UnsupportedError: if the value has neither the elements of the space nor one per kept position.
        """
        shape = tuple(shape)
        if shape == self.shape:
            return self.counters, True
        kept = self.kept
        if shape == tuple(self.shape[a] for a in kept):
            return tuple(self.counters[a] for a in kept), False
        if self.reduced and shape == tuple(1 if a in self.reduced else d for a, d in enumerate(self.shape)):
            return tuple(0 if a in self.reduced else c for a, c in enumerate(self.counters)), False
        everything = tuple(range(len(self.shape)))
        size = dims.product(shape)
        if size == dims.product(self.shape):
            return unravel(self.flat(everything), shape), True
        if size == dims.product(self.shape[a] for a in kept):
            return unravel(self.flat(kept), shape), False
        raise UnsupportedError(f"a kernel over {self.shape} cannot hold a value of shape {shape}")


def unravel(flat: Dim, shape: Sequence[Dim]) -> Index:
    """The index tuple of a row-major position."""
    out: list[Dim] = []
    for axis in range(len(shape) - 1, -1, -1):
        extent = shape[axis]
        if extent == 1:
            out.append(0)
        elif axis == 0 or all(d == 1 for d in shape[:axis]):
            out.append(flat)
            flat = 0
        else:
            out.append(dims.mod(flat, extent))
            flat = dims.floordiv(flat, extent)
    return tuple(reversed(out))


class Puller:
    """Records in a program how elements of a graph's values are computed."""

    def __init__(self, program: Program, graph: Graph, domain: Domain, readers: dict[Value, str]) -> None:
        """Pulls through `graph`.

        Args:
            program: where statements go.
            graph: the body of a kernel.
            domain: the kernel's loop counters; reductions fold its reduced axes.
            readers: the buffer of every value that lies in memory.
        """
        self.program = program
        self.graph = graph
        self.domain = domain
        self.readers = readers
        self._memo: dict[Any, Handle] = {}

    def value(self, v: Value, index: Index) -> Handle:
        """The element of `v` at an index tuple."""
        plain = self._memo.get((v, index, None))
        if plain is not None:
            return plain
        guard = self.program.guard.name if self.program.guard is not None else None
        key = (v, index, guard)
        found = self._memo.get(key)
        if found is None:
            found = self._memo[key] = self._compute(v, index)
        return found

    def _compute(self, v: Value, index: Index) -> Handle:
        buffer = self.readers.get(v)
        if buffer is not None:
            return self.program.load(buffer, v.type, index, self._where(v.node))
        op = v.node.op
        if op.name == "constant":
            return self._constant(v, index)
        if op.kind == "reduce":
            return self._reduce(v.node, index)
        if op.kind == "contract":
            return self._contract(v.node, index)
        if op.body is not None:
            return self._elementwise(v, index)
        if op.element is not None:
            return self._element(v, index)
        raise UnsupportedError(f"op {op.name} of kind {op.kind} has no native lowering inside a kernel")

    @staticmethod
    def _where(node: Node) -> str:
        lines = sorted(map(str, node.locations))
        return f"{node.op.name} at {lines[0]}" if lines else node.op.name

    def _elementwise(self, v: Value, index: Index) -> Handle:
        node = v.node
        operands = [self.value(x, broadcast_index(index, v.type, x.type)) for x in node.operands]
        result = apply_body(self.program, node, operands)
        return result[v.index] if isinstance(result, tuple) else result

    def _element(self, v: Value, index: Index) -> Handle:
        node = v.node
        where = self._where(node)

        def read(number: int, at: Sequence[Dim]) -> Handle:
            operand = node.operands[number]
            buffer = self.readers.get(operand)
            if buffer is not None:
                return self.program.load(buffer, operand.type, tuple(at), where)
            return self.value(operand, tuple(at))

        types = [x.type for x in node.operands]
        attrs = dict(node.attrs)
        assert node.op.element is not None
        result = node.op.element(self.program, index, read, types, attrs)
        return result[v.index] if isinstance(result, tuple) else result

    def _constant(self, v: Value, index: Index) -> Handle:
        array = v.node.attrs["value"].array
        flat = array.reshape(-1)
        bits = flat.view(f"V{flat.itemsize}")
        if flat.size and (flat.size == 1 or (bits == bits[0]).all()):
            return self.program.const(flat[0], v.type.dtype)
        return self.program.load(self.held(v), v.type, index)

    def held(self, v: Value) -> str:
        """The buffer of a constant that the kernel holds itself."""
        array = np.ascontiguousarray(v.node.attrs["value"].array)
        buffer = self.readers[v] = self.program.buffer(v.type.dtype, v.type.size, "const", array)
        return buffer

    def _reduce(self, node: Node, index: Index) -> Handle:
        operand, domain = node.operands[0], self.domain
        axes = reduced_axes(node)
        inner, counters = self._folded(operand.type.shape, axes)
        kept = iter([i for a, i in enumerate(index) if a not in axes] if node.attrs.get("keepdims") else index)
        at = tuple(counters[a] if a in counters else next(kept) for a in range(operand.type.rank))
        x = self.value(operand, at)
        if node.op.monoid is None:
            return self._arg_extreme(node, x, domain, inner)
        monoid, dtype = node.op.monoid, node.results[0].type.dtype
        x = self.program.cast(x, dtype)
        return self.program.reduce(monoid.init(dtype), monoid.step, node.op.name, [x], inner, dtype)

    def _folded(self, shape: Sequence[Dim], axes: Sequence[int]) -> tuple[list[str], dict[int, Dim]]:
        """The counters that a reduction over `axes` of a value folds, and the index expression of each axis."""
        domain = self.domain
        reduced = sorted(domain.reduced)
        extents = [shape[a] for a in axes]
        names = [domain.names[a] for a in reduced if domain.names[a]]
        if extents == [domain.shape[a] for a in reduced]:
            return names, {a: domain.counters[r] for a, r in zip(axes, reduced, strict=True)}
        if dims.product(extents) == dims.product(domain.shape[a] for a in reduced):
            split = unravel(domain.flat(reduced), extents)
            return names, dict(zip(axes, split, strict=True))
        if dims.product(extents) == 1:
            return [], dict.fromkeys(axes, 0)
        raise UnsupportedError(f"a reduction over extents {extents} in a kernel that folds {names}")

    def _arg_extreme(self, node: Node, x: Handle, domain: Domain, inner: Sequence[str]) -> Handle:
        """The first position of the extreme: fold the extreme, then fold the smallest position that equals it."""
        p = self.program
        dtype = node.results[0].type.dtype
        largest = _wants_largest(node)
        limits = _limits(x.dtype)
        word = "max" if largest else "min"
        start = limits[0] if largest else limits[1]
        best = p.reduce(start, lambda k, acc, y: getattr(k, word)(acc, y), f"reduce_{word}", [x], inner, x.dtype)
        hit = p.eq(x, best)
        if x.dtype.is_floating:
            hit = p.or_(hit, p.is_nan(x))
        position = p.from_index(domain.flat(sorted(domain.reduced)), dtype)
        nowhere = p.const(dtype.max, dtype)
        at = p.select(hit, position, nowhere)
        return p.reduce(dtype.max, lambda k, acc, y: k.min(acc, y), "reduce_min", [at], inner, dtype)

    def _contract(self, node: Node, index: Index) -> Handle:
        """One element of a contraction by definition: an ascending chain of multiply-adds over the folded axes."""
        lhs, rhs = node.operands
        (lc, rc), (lb, rb) = node.attrs["contracting"], node.attrs["batch"]
        extents = [lhs.type.shape[a] for a in lc]
        names, counters = self._folded(extents, range(len(extents)))
        left_free = [a for a in range(lhs.type.rank) if a not in lc and a not in lb]
        right_free = [a for a in range(rhs.type.rank) if a not in rc and a not in rb]
        position = {("l", a): i for a, i in zip([*lb, *left_free], index, strict=False)}
        position |= {("r", a): i for a, i in zip(rb, index, strict=False)}
        position |= {("r", a): i for a, i in zip(right_free, index[len(lb) + len(left_free) :], strict=True)}
        position |= {("l", a): counters[n] for n, a in enumerate(lc)}
        position |= {("r", a): counters[n] for n, a in enumerate(rc)}
        x = self.value(lhs, tuple(position["l", a] for a in range(lhs.type.rank)))
        y = self.value(rhs, tuple(position["r", a] for a in range(rhs.type.rank)))
        dtype = node.results[0].type.dtype
        if dtype.kind in "iu":
            x, y = self.program.cast(x, dtype), self.program.cast(y, dtype)
        return self.program.reduce(0, multiply_add, "dot", [x, y], names, dtype, sum_of)


def multiply_add(k: Any, acc: Any, x: Any, y: Any) -> Any:
    """One step of a contraction: acc + x * y, fused where numbers are rounded."""
    dtype = k.dtype(acc)
    if dtype.is_floating and hasattr(k, "fma"):
        return k.fma(x, y, acc)
    return k.or_(acc, k.and_(x, y)) if dtype.is_bool else k.add(acc, k.mul(x, y))


def sum_of(k: Any, a: Any, b: Any) -> Any:
    """Joins partial results of a contraction."""
    return k.or_(a, b) if k.dtype(a).is_bool else k.add(a, b)


def reduced_axes(node: Node) -> tuple[int, ...]:
    """The axes of the operand that a reduction folds."""
    if "axes" in node.attrs:
        return tuple(node.attrs["axes"])
    return (node.attrs["axis"],)


def broadcast_index(index: Index, result: TensorType, operand: TensorType) -> Index:
    """The operand's index under NumPy broadcasting."""
    lead = result.rank - operand.rank
    return tuple(
        0 if extent == 1 else i for i, extent in zip(index[lead:], operand.shape, strict=True)
    )


def _limits(dtype: Any) -> tuple[Any, Any]:
    if dtype.is_floating:
        return float("-inf"), float("inf")
    return dtype.min, dtype.max


def _wants_largest(node: Node) -> bool:
    """Whether a positional reduction looks for the largest; asked of the op's own meaning, not of its name."""
    probe = np.asarray([0, 1], node.operands[0].type.dtype.numpy)
    attrs = {**node.attrs, "axis": 0}
    return int(np.asarray(node.op.evaluate(probe, **attrs)).reshape(-1)[0]) == 1
