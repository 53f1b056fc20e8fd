"""What the public functions share: applying ops by name, axes, shapes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from eager.convert import convert
from eager.dispatch import run1
from eager.errors import InvalidArgumentError
from eager.tensor import Tensor, type_of
from eager.tensor_shape import TensorShape
from graphcore import dims
from graphcore.dims import Dim, SymDim
from graphcore.dtypes import DType, float32, float64, int32
from graphcore.graph import Value
from graphcore.optable import get_op


def op(name: str, *inputs: Tensor, **attrs: Any) -> Tensor:
    """Applies the op of that name, which has one result, to tensors."""
    return run1(get_op(name), inputs, attrs)


def floating(x: Any, name: str) -> Tensor:
    """A floating or complex tensor; Python and NumPy integers become float32 and float64.

    Raises:
        TypeError: for an integer or bool tensor, naming the cast to write.
    """
    tensor = convert(x)
    if tensor.dtype.is_floating or tensor.dtype.is_complex:
        return tensor
    if not isinstance(x, Tensor) and tensor.dtype.is_integer and not hasattr(x, "dtype"):
        return op("cast", tensor, dtype=float32)
    raise InvalidTypeError(
        f"{name}: expected a floating tensor, got {tensor.dtype.name}; write tf.cast(x, tf.float32)"
    )


class InvalidTypeError(InvalidArgumentError, TypeError):
    """An argument's dtype is none that the function takes."""


def axes_of(axis: Any, rank: int, name: str) -> tuple[int, ...]:
    """Sorted non-negative axes; None means all.

    Raises:
        InvalidArgumentError: for an axis outside of the rank, or a repeated one.
    """
    if axis is None:
        return tuple(range(rank))
    given = np.asarray(axis).reshape(-1).tolist() if not isinstance(axis, int) else [axis]
    axes = tuple(sorted(one_axis(int(a), rank, name) for a in given))
    if len(set(axes)) != len(axes):
        raise InvalidArgumentError(f"{name}: axis {axis} names a dimension twice")
    return axes


def one_axis(axis: int, rank: int, name: str) -> int:
    """A non-negative axis. Raises InvalidArgumentError if it lies outside of the rank."""
    if not -rank <= axis < rank:
        raise InvalidArgumentError(
            f"{name}: axis {axis} is out of range for a tensor of rank {rank}; expected {-rank} to {rank - 1}"
        )
    return axis % rank


def raw_shape(x: Tensor) -> tuple[Dim, ...]:
    """The shape with symbolic sizes as they are."""
    return type_of(x).shape


def shape_argument(shape: Any, name: str) -> tuple[Dim, ...]:
    """A shape given as ints, a TensorShape, a tensor, or a list of ints and scalar tensors.

    Sizes that come from tf.shape of a traced tensor stay symbolic. -1 stays -1.

    Raises:
        InvalidArgumentError: for what is no shape, None included.
    """
    if isinstance(shape, TensorShape):
        entries: Sequence[Any] = shape.raw
    elif isinstance(shape, int | SymDim):
        entries = (shape,)
    elif isinstance(shape, Tensor):
        return sizes_of(shape)
    else:
        entries = list(shape) if not hasattr(shape, "numpy") else shape.numpy().reshape(-1).tolist()
    return tuple(_size_argument(d, name) for d in entries)


def _size_argument(d: Any, name: str) -> Dim:
    if isinstance(d, int | SymDim):
        return d
    if isinstance(d, Tensor):
        return sizes_of(d)[0]
    if d is None:
        raise InvalidArgumentError(f"{name}: a shape holds None; give the size, or take it from tf.shape(x)")
    return int(d.__index__())


def sizes_of(tensor: Tensor) -> tuple[Dim, ...]:
    """The integers of a tensor as sizes: symbolic where it was computed from tf.shape of a traced tensor.

    A traced tensor that depends on data ends the trace.
    """
    if tensor._array is None:
        found = _symbolic(tensor._value, {})
        if found is not None:
            return tuple(d if isinstance(d, SymDim) else int(d) for d in found.reshape(-1).tolist())
    from eager.tensor import concrete

    return tuple(int(n) for n in concrete(tensor, "a shape").reshape(-1).tolist())


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
        return convert(size, dtype)
    from eager.context import thread
    from eager.tensor import wrap_value

    frame = thread.frame
    if frame is None or not frame.tracing:
        raise InvalidArgumentError(f"the size {size} is only known inside the trace that it belongs to")
    return wrap_value(frame.builder.emit("size", (), value=size, dtype=dtype)[0])  # pyright: ignore[reportAttributeAccessIssue]


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
        if isinstance(total, int) and isinstance(known, int) and total % known:
            raise InvalidArgumentError(f"{name}: {total} elements do not fit shape {tuple(shape)}")
    return tuple(rest if i == unknown[0] else d for i, d in enumerate(shape))


def is_floating(dtype: DType) -> bool:
    """Whether gradients and means make sense for the dtype."""
    return dtype.is_floating or dtype.is_complex


__all__ = [
    "InvalidTypeError", "axes_of", "float64", "floating", "is_floating", "one_axis", "op", "raw_shape",
    "resolve_shape", "shape_argument", "size_tensor", "sizes_of",
]  # fmt: skip
