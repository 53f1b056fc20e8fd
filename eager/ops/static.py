"""tf functions that ask what is known of tensors: shapes of several, broadcast shapes, static values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from eager.convert import convert
from eager.errors import InvalidArgumentError, ShapeError
from eager.ops.common import known_sizes, op, raw_shape, settled, shape_argument, size_tensor
from eager.ops.join import stack
from eager.ops.public import public
from eager.ops.shaping import shape
from eager.tensor import Tensor, type_of, wrap
from eager.variable import Variable
from graphcore.dims import Dim
from graphcore.dtypes import as_dtype, int32
from graphcore.types import broadcast_shapes


@public("shape_n")
def shape_n(input: Sequence[Any], out_type: Any = int32, name: str | None = None) -> list[Tensor]:
    """The shapes of several tensors (tf.shape_n), as tf.shape of each.

    Raises:
        InvalidArgumentError: for an empty list.
    """
    del name
    if not len(input):
        raise InvalidArgumentError("shape_n: needs at least one tensor, got an empty list")
    return [shape(x, out_type) for x in input]


@public("broadcast_dynamic_shape")
def broadcast_dynamic_shape(shape_x: Any, shape_y: Any) -> Tensor:
    """The shape to which two shapes, given as integer tensors, broadcast (tf.broadcast_dynamic_shape).

    Raises:
        ShapeError: if they clash.
    """
    x, y = shape_argument(shape_x, "broadcast_dynamic_shape"), shape_argument(shape_y, "broadcast_dynamic_shape")
    given = next((s.dtype for s in (shape_x, shape_y) if isinstance(s, Tensor)), int32)
    return _vector(settled(lambda: broadcast_shapes(x, y)), given)


def _vector(sizes: Sequence[Dim], dtype: Any) -> Tensor:
    """Sizes as an integer vector; symbolic ones are recorded in the trace."""
    kind = as_dtype(dtype)
    if all(isinstance(d, int) for d in sizes):
        return wrap(np.array(sizes, kind.numpy))
    return op("concatenate", *[op("reshape", size_tensor(d, kind), shape=(1,)) for d in sizes], axis=0)


@public("is_tensor")
def is_tensor(x: Any) -> bool:
    """Whether a value is a tensor, a variable or a symbolic Keras tensor (tf.is_tensor); arrays are not.

    Raises:
        TypeError: without a value.
    """
    return isinstance(x, Tensor | Variable) or bool(getattr(x, "_is_keras_tensor", False))


@public("is_symbolic_tensor")
def is_symbolic_tensor(tensor: Any) -> bool:
    """Whether a value is a tensor that a trace records, without a value yet (tf.is_symbolic_tensor).

    Raises:
        TypeError: for what is no tensor.
    """
    if not is_tensor(tensor):
        raise TypeError(f"is_symbolic_tensor: expected a tensor, got {type(tensor).__name__}")
    return not isinstance(tensor, Tensor | Variable) or (isinstance(tensor, Tensor) and tensor._array is None)


@public("get_static_value")
def get_static_value(tensor: Any, partial: bool = False) -> Any:
    """The value as an array if it is known without a run, else None (tf.get_static_value).

    Args:
        tensor: a tensor; in a trace constants and static shapes are known.
        partial: gives a vector of sizes with None for those that are open, instead of None for the whole.

    Raises:
        TypeError: for what is no tensor.
    """
    if not isinstance(tensor, Tensor):
        if is_tensor(tensor):
            return None
        raise TypeError(f"get_static_value: expected a tensor, got {type(tensor).__name__}")
    if tensor._array is not None:
        return tensor.numpy()
    if tensor._value.node.op.name == "constant":
        return tensor._value.node.attrs["value"].array
    sizes = known_sizes(tensor) if tensor.dtype.is_integer else None
    if sizes is None:
        return None
    if all(isinstance(d, int) for d in sizes):
        counts = [int(n or 0) for n in tensor.shape.as_list()]
        return np.array(sizes, tensor.dtype.numpy).reshape(counts)
    return np.array([d if isinstance(d, int) else None for d in sizes], object) if partial else None


@public("required_space_to_batch_paddings")
def required_space_to_batch_paddings(
    input_shape: Any, block_shape: Any, base_paddings: Any = None, name: str | None = None
) -> tuple[Tensor, Tensor]:
    """Paddings that make sizes multiples of blocks, and the crops that undo them (tf.required_space_to_batch_paddings).

    Args:
        input_shape: int32 [n], the sizes.
        block_shape: int32 [n], the sizes of blocks.
        base_paddings: int32 [n, 2], paddings that are wanted anyway; by default none.
        name: accepted for compatibility.

    Returns:
        Paddings and crops, int32 [n, 2] each.

    Raises:
        ShapeError: if the lengths differ.
    """
    del name
    sizes, blocks = convert(input_shape, like=int32), convert(block_shape, like=int32)
    count = blocks.shape[0] if blocks.ndim == 1 else None
    base = convert(np.zeros((count or 0, 2), np.int32) if base_paddings is None else base_paddings, like=int32)
    if raw_shape(sizes) != (count,) or raw_shape(base) != (count, 2):
        raise ShapeError(
            f"required_space_to_batch_paddings: sizes are {type_of(sizes)}, blocks {type_of(blocks)} and paddings "
            f"{type_of(base)}; expected [n], [n] and [n, 2]"
        )
    low, high = base[:, 0], base[:, 1]
    total = sizes + low + high
    extra = (blocks - total % blocks) % blocks
    return stack([low, high + extra], 1), stack([op("mul", extra, convert(0, like=extra.dtype)), extra], 1)


@public("identity_n")
def identity_n(input: Sequence[Any], name: str | None = None) -> list[Tensor]:
    """Tensors of the same values (tf.identity_n). Raises InvalidArgumentError for an empty list."""
    del name
    if not len(input):
        raise InvalidArgumentError("identity_n: needs at least one tensor, got an empty list")
    return [op("identity", convert(x)) for x in input]


@public("guarantee_const")
def guarantee_const(input: Any, name: str | None = None) -> Tensor:
    """The tensor itself (tf.guarantee_const), as TensorFlow has it for old programs.

    Raises:
        ValueError: for what has no tensor form.
    """
    del name
    return op("identity", convert(input))


__all__ = [
    "broadcast_dynamic_shape", "get_static_value", "guarantee_const", "identity_n", "is_symbolic_tensor", "is_tensor",
    "required_space_to_batch_paddings", "shape_n",
]  # fmt: skip
