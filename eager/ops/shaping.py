"""tf.* functions about the shape and dtype of a tensor: asking for them, and changing them."""

from __future__ import annotations

from typing import Any

import numpy as np

from eager.convert import convert
from eager.errors import InvalidArgumentError, UnsupportedError
from eager.ops.common import (
    axes_of,
    one_axis,
    op,
    raw_shape,
    resolve_shape,
    settled,
    shape_argument,
    size_tensor,
)
from eager.ops.public import public
from eager.tensor import Tensor, type_of, wrap
from eager.tensor_shape import TensorShape
from graphcore import dims
from graphcore.dims import Dim
from graphcore.dtypes import as_dtype, int32, string
from graphcore.types import TensorType, broadcast_shapes


@public("shape")
def shape(input: Any, out_type: Any = int32, name: str | None = None) -> Tensor:
    """The shape as a tensor of rank 1 (tf.shape); sizes that the trace leaves open are computed at run time."""
    del name
    sizes, kind = raw_shape(convert(input)), as_dtype(out_type)
    if all(isinstance(d, int) for d in sizes):
        return wrap(np.array(sizes, kind.numpy))
    return op("concatenate", *[op("reshape", size_tensor(d, kind), shape=(1,)) for d in sizes], axis=0)


@public("size")
def size(input: Any, out_type: Any = int32, name: str | None = None) -> Tensor:
    """The number of elements as a scalar (tf.size)."""
    del name
    return size_tensor(type_of(convert(input)).size, as_dtype(out_type))


@public("rank")
def rank(input: Any, name: str | None = None) -> Tensor:
    """The number of dimensions as an int32 scalar (tf.rank)."""
    del name
    return convert(convert(input).ndim, int32)


@public("identity")
def identity(input: Any, name: str | None = None) -> Tensor:
    """A tensor of the same value (tf.identity)."""
    del name
    return op("identity", convert(input))


@public("stop_gradient")
def stop_gradient(input: Any, name: str | None = None) -> Tensor:
    """The same value, through which no gradient flows (tf.stop_gradient)."""
    del name
    return op("stop_gradient", convert(input))


@public("cast")
def cast(x: Any, dtype: Any, name: str | None = None) -> Tensor:
    """Values as another dtype (tf.cast). Out-of-range floats become the nearest integer, NaN becomes 0."""
    del name
    tensor, wanted = convert(x), as_dtype(dtype)
    if (tensor.dtype is string) is not (wanted is string):
        raise UnsupportedError(f"cast: {tensor.dtype.name} to {wanted.name} is not supported; convert in Python")
    return tensor if tensor.dtype is wanted else op("cast", tensor, dtype=wanted)


def _without_zeros(wanted: tuple[Dim, ...], total: TensorType) -> tuple[Dim, ...]:
    """The shape with -1 replaced so that the sizes that are not 0 agree, as in TensorFlow: [0, 3] to [0, -1] stays."""
    rest, known = (dims.product(d for d in sizes if d not in (0, -1)) for sizes in (total.shape, wanted))
    missing = rest // known if isinstance(rest, int) and isinstance(known, int) and rest % known == 0 else -1
    return tuple(missing if d == -1 else d for d in wanted)


@public("reshape")
def reshape(tensor: Any, shape: Any, name: str | None = None) -> Tensor:
    """The same elements in another shape, of which one size may be -1 (tf.reshape).

    Raises:
        InvalidArgumentError: if the number of elements differs.
    """
    del name
    x = convert(tensor)
    wanted = shape_argument(shape, "reshape")
    if any(isinstance(d, int) and d < -1 for d in wanted):
        raise InvalidArgumentError(f"reshape: sizes must be >= 0, or -1 once, got shape {wanted}")
    if -1 in wanted:
        total = type_of(x)
        if 0 in wanted and total.size == 0:
            wanted = _without_zeros(wanted, total)
        wanted = resolve_shape(wanted, total.size, f"reshape of {total}")
    return op("reshape", x, shape=wanted)


@public("transpose")
def transpose(a: Any, perm: Any = None, conjugate: bool = False, name: str | None = None) -> Tensor:
    """Axes in another order; reversed by default (tf.transpose).

    Raises:
        InvalidArgumentError: for a perm that does not name every axis once.
    """
    del name
    x = convert(a)
    if conjugate and x.dtype.is_complex:
        from eager.ops.complex import conj

        x = conj(x)
    if perm is None:
        return op("transpose", x, perm=tuple(reversed(range(x.ndim))))
    order = tuple(one_axis(p, x.ndim, "transpose") for p in shape_argument(perm, "transpose"))
    return op("transpose", x, perm=order)


@public("expand_dims")
def expand_dims(input: Any, axis: Any, name: str | None = None) -> Tensor:
    """A size of 1 inserted at `axis` (tf.expand_dims). Raises InvalidArgumentError for an axis out of range."""
    del name
    x = convert(input)
    at = one_axis(axis, x.ndim + 1, "expand_dims")
    sizes = raw_shape(x)
    return op("reshape", x, shape=(*sizes[:at], 1, *sizes[at:]))


@public("squeeze")
def squeeze(input: Any, axis: Any = None, name: str | None = None) -> Tensor:
    """Sizes of 1 removed, all or those of `axis` (tf.squeeze). Raises InvalidArgumentError for another size."""
    del name
    x = convert(input)
    sizes = raw_shape(x)
    if axis is None or axis == []:
        gone = tuple(i for i, d in enumerate(sizes) if d == 1)
    else:
        gone = axes_of(axis, x.ndim, "squeeze")
        for i in gone:
            if not settled(lambda i=i: dims.equal(sizes[i], 1)):
                raise InvalidArgumentError(f"squeeze: dimension {i} of {type_of(x)} is {sizes[i]}, expected 1")
    return op("reshape", x, shape=tuple(d for i, d in enumerate(sizes) if i not in gone))


@public("broadcast_to")
def broadcast_to(input: Any, shape: Any, name: str | None = None) -> Tensor:
    """Repeated along sizes of 1 and new leading axes (tf.broadcast_to). Raises ShapeError if shapes clash."""
    del name
    return op("broadcast_to", convert(input), shape=shape_argument(shape, "broadcast_to"))


@public("ensure_shape")
def ensure_shape(x: Any, shape: Any, name: str | None = None) -> Tensor:
    """The tensor, after a check that its shape fits one with None for open sizes (tf.ensure_shape).

    Raises:
        InvalidArgumentError: if it does not.
    """
    del name
    tensor, wanted = convert(x), TensorShape(shape)
    sizes = raw_shape(tensor)
    fits = wanted.rank is None or (
        wanted.rank == len(sizes)
        and all(w is None or settled(lambda d=d, w=w: dims.equal(d, w)) for d, w in zip(sizes, wanted, strict=True))
    )
    if not fits:
        raise InvalidArgumentError(f"ensure_shape: shape of {type_of(tensor)} is not compatible with {wanted}")
    return tensor


@public("broadcast_static_shape")
def broadcast_static_shape(shape_x: Any, shape_y: Any) -> TensorShape:
    """The shape to which two shapes broadcast (tf.broadcast_static_shape). Raises ShapeError if they clash."""
    return TensorShape.of(broadcast_shapes(TensorShape(shape_x).raw, TensorShape(shape_y).raw))
