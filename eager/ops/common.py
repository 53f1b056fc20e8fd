"""What the public functions share: applying ops by name, axes, shapes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numpy as np

from eager.context import thread
from eager.convert import convert
from eager.dispatch import run1
from eager.errors import InvalidArgumentError
from eager.tensor import Tensor, concrete, type_of
from eager.tensor_shape import TensorShape
from graphcore import dims
from graphcore.dims import Dim, SymDim
from graphcore.dtypes import DType, float32, int32
from graphcore.errors import InconclusiveDim
from graphcore.graph import Value
from graphcore.optable import get_op

if TYPE_CHECKING:
    from eager.function.trace import Trace

_T = TypeVar("_T")


def is_traced(x: Tensor) -> bool:
    """Whether the tensor is the promise of a trace, without a value yet."""
    return x._array is None


def settled(question: Callable[[], _T]) -> _T:
    """The answer to a question on sizes. In a trace one that bounds leave open becomes a guard.

    Raises:
        InconclusiveDim: if it stays open, as in a trace without real arguments.
    """
    while True:
        frame = thread.frame
        try:
            if frame is None or not frame.tracing:
                return question()
            with dims.assuming(cast("Trace", frame).builder.guards):
                return question()
        except InconclusiveDim as error:
            if frame is None or not frame.tracing:
                raise
            cast("Trace", frame).decide(error)


def op(name: str, *inputs: Tensor, **attrs: Any) -> Tensor:
    """Applies the op of that name, which has one result, to tensors."""
    return run1(get_op(name), inputs, attrs)


def floating(x: Any, name: str) -> Tensor:
    """A floating or complex tensor; Python integers become float32.

    Raises:
        TypeError: for an integer or bool tensor, naming the cast to write.
    """
    tensor = convert(x)
    if tensor.dtype.is_floating or tensor.dtype.is_complex:
        return tensor
    if not isinstance(x, Tensor) and tensor.dtype.is_integer and not hasattr(x, "dtype"):
        return op("cast", tensor, dtype=float32)
    raise InvalidTypeError(f"{name}: expected a floating tensor, got {tensor.dtype.name}; write tf.cast(x, tf.float32)")


class InvalidTypeError(InvalidArgumentError, TypeError):
    """An argument's dtype is none that the function takes."""


def axes_of(axis: Any, rank: int, name: str) -> tuple[int, ...]:
    """Sorted non-negative axes; None means all.

    Raises:
        InvalidArgumentError: for an axis outside of the rank, or a repeated one.
    """
    if axis is None:
        return tuple(range(rank))
    if isinstance(axis, int):
        return (one_axis(axis, rank, name),)
    given: list[Any] = np.asarray(axis).reshape(-1).tolist()
    axes = tuple(sorted(one_axis(a, rank, name) for a in given))
    if len(set(axes)) != len(axes):
        raise InvalidArgumentError(f"{name}: axis {axis} names a dimension twice")
    return axes


def one_axis(axis: Any, rank: int, name: str) -> int:
    """A non-negative axis. Raises InvalidArgumentError if it is no integer or lies outside of the rank."""
    try:
        a = axis if type(axis) is int else int(axis.__index__())
    except (AttributeError, TypeError):
        raise InvalidTypeError(f"{name}: axis is {axis!r}, expected an integer") from None
    if not -rank <= a < rank:
        raise InvalidArgumentError(
            f"{name}: axis {a} is out of range for a tensor of rank {rank}; expected {-rank} to {rank - 1}"
            if rank
            else f"{name}: axis {a} is out of range for a scalar, which has no axis"
        )
    return a % rank


def raw_shape(x: Tensor) -> tuple[Dim, ...]:
    """The shape with symbolic sizes as they are."""
    array = x._array
    return x._value.type.shape if array is None else array.shape


def shape_argument(shape: Any, name: str) -> tuple[Dim, ...]:
    """A shape given as ints, a TensorShape, a tensor, or a list of ints and scalar tensors.

    Sizes that come from tf.shape of a traced tensor stay symbolic. -1 stays -1.

    Raises:
        InvalidArgumentError: for what is no shape, None included.
    """
    if type(shape) is tuple and all(type(d) is int for d in shape):
        return shape
    if isinstance(shape, TensorShape):
        entries: Sequence[Any] = shape.raw
    elif isinstance(shape, int | SymDim):
        entries = (shape,)
    elif isinstance(shape, Tensor):
        _require_sizes(shape, name)
        return sizes_of(shape)
    elif hasattr(shape, "__array__"):  # an array or a variable
        entries = np.asarray(shape).reshape(-1).tolist()
    else:
        try:
            entries = list(shape)
        except TypeError:
            raise InvalidTypeError(f"{name}: {shape!r} of {type(shape).__name__} is no shape; give integers") from None
    return tuple(_size_argument(d, name) for d in entries)


def _size_argument(d: Any, name: str) -> Dim:
    if isinstance(d, int | SymDim):
        return d
    if isinstance(d, Tensor):
        _require_sizes(d, name)
        return sizes_of(d)[0]
    if d is None:
        raise InvalidArgumentError(f"{name}: a shape holds None; give the size, or take it from tf.shape(x)")
    try:
        return int(d.__index__())
    except (AttributeError, TypeError):
        raise InvalidTypeError(f"{name}: a shape holds {d!r} of {type(d).__name__}; give integers") from None


def _require_sizes(tensor: Tensor, name: str) -> None:
    if not tensor.dtype.is_integer:
        raise InvalidTypeError(f"{name}: sizes are {type_of(tensor)}, expected integers; write tf.cast(x, tf.int32)")


def pairs_argument(pairs: Any, name: str) -> list[tuple[Dim, Dim]]:
    """Pairs of sizes, one for each axis, as a list of pairs, an array or a tensor [n, 2].

    Raises:
        InvalidArgumentError: for anything that is no list of pairs.
    """
    if isinstance(pairs, Tensor):
        flat = shape_argument(pairs, name)
        rows: list[Any] = [flat[i : i + 2] for i in range(0, len(flat), 2)] if pairs.ndim == 2 else []
    else:
        rows = list(pairs)
    found = [shape_argument(row, name) for row in rows]
    if any(len(row) != 2 for row in found):
        raise InvalidArgumentError(f"{name}: paddings must be pairs (before, after), got {pairs!r}")
    return [(row[0], row[1]) for row in found]


def sizes_of(tensor: Tensor) -> tuple[Dim, ...]:
    """The integers of a tensor as sizes: symbolic where it was computed from tf.shape of a traced tensor.

    A traced tensor that depends on data ends the trace.
    """
    found = known_sizes(tensor)
    if found is not None:
        return found
    return tuple(int(n) for n in concrete(tensor, "a shape").reshape(-1).tolist())


def known_sizes(tensor: Tensor) -> tuple[Dim, ...] | None:
    """The integers of a tensor as sizes, or None for a traced tensor that depends on data."""
    array = tensor._array if tensor._array is not None else _symbolic(tensor._value, {})
    return None if array is None else tuple(d if isinstance(d, SymDim) else int(d) for d in array.reshape(-1).tolist())


_SIZE_OPS = frozenset((
    "add", "sub", "mul", "floordiv", "mod", "concatenate", "reshape", "slice", "cast", "reduce_prod", "reduce_sum",
    "broadcast_to", "identity", "stop_gradient", "transpose",
))  # fmt: skip


def _symbolic(value: Value, memo: dict[Value, Any]) -> Any:
    """The value as an object array of Dims, if it is integer arithmetic on sizes; else None."""
    if value in memo:
        return memo[value]
    node = value.node
    result = None
    if node.op.name == "constant":
        result = node.attrs["value"].array.astype(object) if value.type.dtype.is_integer else None
    elif node.op.name == "size":
        result = np.array(node.attrs["value"], dtype=object)
    elif node.op.name in _SIZE_OPS and value.type.dtype.is_integer and value.type.is_static:
        operands = [_symbolic(v, memo) for v in node.operands]
        if all(o is not None for o in operands):
            if node.op.name == "cast":
                result = operands[0]
            else:
                result = np.asarray(node.op.evaluate(*operands, **node.attrs), dtype=object)
    memo[value] = result
    return result


def size_tensor(size: Dim, dtype: DType = int32) -> Tensor:
    """A size as a scalar tensor; symbolic ones are recorded in the trace."""
    if isinstance(size, int):
        return convert(size, like=dtype)
    frame = thread.frame
    if frame is None or not frame.tracing:
        raise InvalidArgumentError(f"the size {size} is only known inside the trace that it belongs to")
    return cast("Trace", frame).emit(get_op("size"), (), {"value": size, "dtype": dtype})[0]


def resolve_shape(shape: Sequence[Dim], total: Dim, name: str) -> tuple[Dim, ...]:
    """Replaces one -1 by what is left of `total` elements.

    Raises:
        InvalidArgumentError: for two -1, or if the sizes do not divide.
    """
    unknown = [i for i, d in enumerate(shape) if isinstance(d, int) and d == -1]
    if not unknown:
        return tuple(shape)
    if len(unknown) > 1:
        raise InvalidArgumentError(f"{name}: only one size can be -1, got {tuple(shape)}")
    known = dims.product(d for i, d in enumerate(shape) if i != unknown[0])
    if isinstance(known, int) and known == 0:
        rest: Dim = 0
    else:
        rest = total // known
        if not settled(lambda: dims.equal(dims.mod(total, known), 0)):
            raise InvalidArgumentError(f"{name}: {total} elements do not fit shape {tuple(shape)}")
    return tuple(rest if i == unknown[0] else d for i, d in enumerate(shape))


__all__ = [
    "InvalidTypeError", "axes_of", "floating", "is_traced", "known_sizes", "one_axis", "op", "pairs_argument",
    "raw_shape", "resolve_shape", "settled", "shape_argument", "size_tensor", "sizes_of",
]  # fmt: skip
