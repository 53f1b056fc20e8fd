"""A graph under construction: its values, which of them are exact, and the choice among them.

Every value carries whether it is *exact*: made by operations that must agree bit for bit. Operations that jump
(comparisons, rounding, casts to integers, positions of extremes) only take exact values, since elsewhere one unit in
the last place may flip them. So integers and bools are always exact.
"""

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from graphcore import GraphBuilder, dims, get_op
from graphcore.dims import Dim
from graphcore.dtypes import (
    DType,
    bfloat16,
    bool_,
    float16,
    float32,
    float64,
    int8,
    int16,
    int32,
    int64,
    uint8,
    uint16,
    uint32,
    uint64,
)
from graphcore.errors import InconclusiveDim, InvalidArgumentError
from graphcore.functions import graph_functions
from graphcore.graph import Node, Value
from graphcore.types import TensorType
from random_graphs.chooser import Chooser

N = dims.symbol("n")
BATCHES = (1, 2, 3, 7, 64)
MAX_SIZE = 20_000
MAX_RANK = 5

FLOATS = (float16, bfloat16(), float32, float64)
INTEGERS = (int8, int16, int32, int64, uint8, uint16, uint32, uint64)
NATIVE = (*FLOATS, *INTEGERS, bool_)

Test = Callable[[Value], bool]


def small(type_: TensorType) -> bool:
    """Whether a value is cheap at every batch size."""
    size = dims.substitute(type_.size, {"n": max(BATCHES)})
    return isinstance(size, int) and size <= MAX_SIZE and len(type_.shape) <= MAX_RANK


def is_number(v: Value) -> bool:
    return v.type.dtype.kind in "fiu"


def has_axes(v: Value) -> bool:
    return v.type.rank > 0 and is_number(v)


def rounds(node: Node) -> bool:
    """Whether the results of a node may differ in their last places between two correct runs."""
    op = node.op
    if op.kind in ("contract", "convolve") or op.max_ulp > 0 or op.name in ("reduce_sum", "reduce_prod"):
        return True
    if op.kind == "host":
        return op.name not in ("complex", "real", "imag")
    combine = node.attrs.get("combine")
    return combine == "logaddexp" or (op.kind == "window" and combine == "add")


class Sketch:
    """A graph under construction, or the body of a node of one (then `depth` is not 0)."""

    def __init__(self, chooser: Chooser, name: str = "random", parent: "Sketch | None" = None) -> None:
        self.chooser = chooser
        self.depth = parent.depth + 1 if parent else 0
        self.names: Iterator[int] = parent.names if parent else itertools.count()
        self.builder = GraphBuilder(name)
        self.f = graph_functions(self.builder)
        self.values: list[Value] = []
        self.exact: set[Value] = set()

    def number(self, low: int, high: int) -> int:
        return self.chooser.number(low, high)

    def chance(self, one_in: int) -> bool:
        return self.number(1, one_in) == 1

    def flip(self) -> bool:
        return self.number(0, 1) == 1

    def pick(self, options: Sequence[Any]) -> Any:
        return options[self.number(0, len(options) - 1)]

    def input(self, type_: TensorType, name: str, exact: bool = True) -> Value:
        v = self.builder.input(type_, name)
        self.values.append(v)
        if exact:
            self.exact.add(v)
        return v

    def value(self, test: Test, want: DType = float32, exact: bool = False) -> Value:
        """One of the values of native dtype that pass a test, recent ones more often; or a cast of an exact one.

        Raises:
            InvalidArgumentError: if the cast does not pass either.
        """
        fitting = [
            v for v in self.values if v.type.dtype.is_native and (not exact or v in self.exact) and test(v)
        ]
        if fitting:
            return fitting[-1 - min(self.number(0, len(fitting) - 1), self.number(0, len(fitting) - 1))]
        source = self.pick([v for v in self.values if v in self.exact and v.type.dtype.is_native])
        made = source if source.type.dtype is want else self.keep(self.f.cast(source, dtype=want), (source,))
        if not test(made):
            raise InvalidArgumentError("the sketch has no such value")
        return made

    def floating(self, exact: bool = False) -> Value:
        return self.value(lambda v: v.type.dtype.is_floating, self.pick(FLOATS), exact)

    def integer(self) -> Value:
        return self.value(lambda v: v.type.dtype.is_integer, self.pick(INTEGERS))

    def flags(self) -> Value:
        return self.value(lambda v: v.type.dtype is bool_, bool_)

    def beside(self, x: Value, exact: bool = False) -> Value:
        """A value of x's dtype that broadcasts with it."""
        infer = get_op("equal").infer

        def fits(v: Value) -> bool:
            if v.type.dtype is not x.type.dtype or (exact and v not in self.exact):
                return False
            try:
                (made,) = infer([x.type, v.type], {})
            except (InvalidArgumentError, InconclusiveDim):
                return False
            return small(made)

        fitting = [v for v in self.values if fits(v)]
        return self.pick(fitting) if fitting else x

    def keep(self, made: Any, operands: Sequence[Value], exact: bool = True) -> Any:
        """Adds a value to those that others may take; exact if all operands are and no rounding is free."""
        exact = exact and all(v in self.exact for v in operands)
        dtype = made.type.dtype
        if exact and not ((dtype.is_floating or dtype.is_complex) and rounds(made.node)):
            self.exact.add(made)
        if small(made.type) and made not in self.values:
            self.values.append(made)
        return made

    def constant(self, value: Any, like: Value) -> Value:
        return self.f.constant(value, like=like)

    def clipped(self, x: Value, bound: int) -> Value:
        """x within -bound and bound."""
        high = self.keep(self.f.minimum(x, self.constant(bound, x)), (x,))
        return self.keep(self.f.maximum(high, self.constant(-bound, x)), (high,))

    def finite(self, x: Value, bound: int = 2) -> Value:
        """An exact x with 1 in the place of NaN, within bounds."""
        return self.clipped(self.f.select(self.f.is_nan(x), self.constant(1, x), x), bound)

    def fit(self, x: Value, shape: Sequence[int], lead: int = 0) -> Value:
        """x's elements, over again if they are too few, in the given shape after x's first `lead` axes.

        Raises:
            InvalidArgumentError: if the other sizes of x are symbolic or 0.
        """
        rest = dims.product(x.type.shape[lead:])
        if not isinstance(rest, int) or rest == 0:
            raise InvalidArgumentError("only fixed sizes are repeated")
        need = 1
        for n in shape:
            need *= n
        outer: tuple[Dim, ...] = x.type.shape[:lead]
        flat = self.f.reshape(x, shape=(*outer, rest))
        times = -(-need // rest)
        if times > 1:
            flat = self.f.broadcast_to(self.f.reshape(flat, shape=(*outer, 1, rest)), shape=(*outer, times, rest))
            flat = self.f.reshape(flat, shape=(*outer, times * rest))
        zeros, ones = (0,) * (lead + 1), (1,) * (lead + 1)
        flat = self.f.slice(flat, begin=zeros, end=(*outer, need), strides=ones)
        made = self.f.reshape(flat, shape=(*outer, *shape))
        if x in self.exact:
            self.exact.add(made)
        return made


def static(shape: Sequence[Dim]) -> bool:
    """Whether every size is fixed and none is 0."""
    return all(isinstance(d, int) and d > 0 for d in shape)
