"""What fusion needs to know of one op: its role, the work of one element, and how it reads its operands."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from graphcore import dims
from graphcore.dims import Dim
from graphcore.dtypes import DType
from graphcore.graph import Node
from graphcore.handler import VOCABULARY, result_dtype
from graphcore.types import TensorType

SOURCE, BARE, CONTRACT, REDUCE, PULL = "source", "bare", "contract", "reduce", "pull"

SAME = "same"
"""Element for element: operand and result have one shape."""
TRIVIAL = "trivial"
"""As `SAME` but for dimensions of size 1 that come or go."""
STRIDED = "strided"
"""Each operand element at most once, at an index that strides express (transpose)."""
MOVED = "moved"
"""Each operand element at most once, possibly under a condition (slice, pad, concatenate, reverse)."""
HOISTED = "hoisted"
"""Repeated along trailing dimensions only, so that a loop nest computes it outside of the innermost loops."""
SPREAD = "spread"
"""An operand element may be read many times."""

CHEAP = 2
"""An op of at most this cost may be computed several times instead of once."""
CHEAP_CHAIN = 4
"""What a chain of repeated cheap ops may cost in sum."""

SHORTEST_RUN = 16
"""Elements side by side that are worth a store of their own."""

_NATIVE_KINDS = frozenset(("elementwise", "move", "index", "create", "random"))
WORD_COSTS = {
    "exp": 8, "exp2": 8, "expm1": 10, "log": 10, "log1p": 12, "tanh": 10, "erf": 12, "sin": 14, "cos": 14, "tan": 18,
    "pow": 20, "div": 4, "sqrt": 4, "rsqrt": 6, "floordiv": 12, "mod": 12,
}  # fmt: skip
"""Words of scalar bodies that cost more than one simple operation, and how many."""

_KIND_COSTS = {"move": 0, "index": 2, "create": 0, "random": 20}
_CLONED_MOVES = frozenset(("broadcast_to", "reshape", "transpose", "slice", "reverse"))


def role(node: Node) -> str:
    """Whether a node is a source, a contraction, a reduction, computed by pull, or outside of kernels."""
    op = node.op
    if op.name in ("input", "constant"):
        return SOURCE
    if node.effects or not op.native or len(node.results) != 1 or not _native_types(node):
        return BARE
    if op.kind in ("contract", "convolve", "correlate"):
        return CONTRACT
    if op.kind == "reduce":
        return REDUCE if op.monoid is not None else BARE
    if op.kind in _NATIVE_KINDS and (op.body is not None or op.element is not None):
        return PULL
    return BARE


def _native_types(node: Node) -> bool:
    return all(v.type.dtype.is_native for v in (*node.operands, *node.results))


class _Counter:
    """A handler whose values are dtypes and which adds up the cost of the words it is asked for."""

    def __init__(self) -> None:
        self.cost = 0

    def __getattr__(self, word: str) -> Callable[..., DType]:
        if word not in VOCABULARY:
            raise AttributeError(f"{word!r} is not a word of scalar bodies")

        def count(*operands: DType) -> DType:
            self.cost += WORD_COSTS.get(word, 1)
            return result_dtype(word, list(operands))

        return count

    def dtype(self, x: DType) -> DType:
        return x

    def const(self, value: Any, dtype: DType) -> DType:
        return dtype

    def cast(self, x: DType, dtype: DType) -> DType:
        self.cost += x is not dtype
        return dtype

    bitcast = cast


_COSTS: dict[tuple[str, str], int] = {}


def cost(node: Node) -> int:
    """The work of one element of an op that is computed by pull, in simple operations."""
    if node.op.body is None:
        return _KIND_COSTS.get(node.op.kind, 0) + (node.op.name in ("pad", "concatenate"))
    key = (node.op.name, node.operands[0].type.dtype.name if node.operands else "")
    found = _COSTS.get(key)
    if found is None:
        counter = _Counter()
        node.op.body(counter, *(v.type.dtype for v in node.operands), **node.attrs)
        found = _COSTS[key] = counter.cost
    return found


def without_ones(shape: Sequence[Dim]) -> list[Dim]:
    """The dimensions that are not the constant 1."""
    return [d for d in shape if d != 1]


def is_scalar(type_: TensorType) -> bool:
    """Whether every dimension is the constant 1, so that there is one element."""
    return all(d == 1 for d in type_.shape)


def is_trivial_reshape(node: Node) -> bool:
    """Whether a reshape only adds or drops dimensions of size 1."""
    return without_ones(node.operands[0].type.shape) == without_ones(node.result.type.shape)


def is_cloned(node: Node) -> bool:
    """Whether an op is so cheap that every kernel which reads its result computes it anew.

    A reshape that changes the order of dimensions is none: it renames a buffer, for nothing, while pulling
    through it costs divisions. A repeated scalar has the same elements in every shape.
    """
    name = node.op.name
    if name == "reshape":
        return is_trivial_reshape(node) or _is_splat(node.operands[0].node)
    return name in _CLONED_MOVES or node.op.kind == "create"


def _is_splat(node: Node) -> bool:
    return node.op.name == "broadcast_to" and is_scalar(node.operands[0].type)


def side_by_side(node: Node) -> tuple[Dim, ...] | None:
    """The one shape of the operands that a node only puts beside each other, if runs of theirs fill vectors.

    Such a node is best computed over the space of its operands: each is stored where it belongs.
    """
    shapes = {v.type.shape for v in node.operands}
    if node.op.parts is None or len(node.operands) < 2 or len(shapes) != 1:
        return None
    (shape,) = shapes
    second = node.op.parts([v.type for v in node.operands], node.attrs)[1]
    axis = next((a for a, start in enumerate(second) if start != 0), len(shape))
    run = dims.product(shape[axis:])
    return shape if isinstance(run, int) and run >= SHORTEST_RUN else None


def read_kind(node: Node, position: int) -> str:
    """How a node that is computed by pull reads the operand at a position."""
    operand, shape = node.operands[position].type.shape, node.result.type.shape
    name = node.op.name
    if node.op.kind == "elementwise" or name == "broadcast_to":
        return _broadcast_kind(operand, shape)
    if name == "reshape":
        return TRIVIAL if is_trivial_reshape(node) else SPREAD
    if name == "transpose":
        return STRIDED
    if node.op.kind == "move" and not (name == "pad" and position):
        return MOVED
    return SPREAD


def _broadcast_kind(operand: tuple[Dim, ...], shape: tuple[Dim, ...]) -> str:
    if operand == shape:
        return SAME
    if without_ones(operand) == without_ones(shape):
        return TRIVIAL
    padded = (1,) * (len(shape) - len(operand)) + operand
    repeats = [a for a, (have, want) in enumerate(zip(padded, shape, strict=True)) if have != want]
    return HOISTED if all(d == 1 for d in padded[repeats[0] :]) else SPREAD
