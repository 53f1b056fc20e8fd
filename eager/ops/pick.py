"""tf.* functions that pick elements: blocks, reversed axes, slices at indices, and one of two by a condition."""

from __future__ import annotations

from typing import Any

from eager.convert import convert, convert_pair
from eager.errors import InvalidArgumentError, UnsupportedError
from eager.ops.common import axes_of, one_axis, op, raw_shape, settled, shape_argument
from eager.ops.public import public
from eager.tensor import Tensor, type_of
from graphcore import dims
from graphcore.dtypes import bool_


@public("slice")
def slice(input_: Any, begin: Any, size: Any, name: str | None = None) -> Tensor:
    """A block starting at `begin`, of sizes `size`, where -1 reaches to the end (tf.slice).

    Raises:
        InvalidArgumentError: if the block leaves the tensor, or one entry per axis is not given.
    """
    del name
    x = convert(input_)
    begins, counts, sizes = shape_argument(begin, "slice"), shape_argument(size, "slice"), raw_shape(x)
    if not len(begins) == len(counts) == len(sizes):
        raise InvalidArgumentError(
            f"slice: begin {begins} and size {counts} need one entry for each dimension of {type_of(x)}"
        )
    ends = tuple(d if n == -1 else b + n for b, n, d in zip(begins, counts, sizes, strict=True))
    for b, e, d in zip(begins, ends, sizes, strict=True):
        if not settled(lambda b=b, e=e, d=d: dims.less_equal(0, b) and dims.less_equal(b, e) and dims.less_equal(e, d)):
            raise InvalidArgumentError(f"slice: begin {begins} and size {counts} leave {type_of(x)}")
    return op("slice", x, begin=begins, end=ends, strides=(1,) * len(sizes))


@public("reverse")
def reverse(tensor: Any, axis: Any, name: str | None = None) -> Tensor:
    """The order of elements reversed along axes (tf.reverse). Raises InvalidArgumentError for an axis out of range."""
    del name
    x = convert(tensor)
    axes = axes_of(axis, x.ndim, "reverse")
    return op("reverse", x, axes=axes) if axes else x


@public("gather")
def gather(
    params: Any, indices: Any, validate_indices: Any = None, axis: Any = None, batch_dims: int = 0,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """Slices of `params` along `axis` (0 by default) at `indices` (tf.gather).

    The result's shape is params.shape[:axis] + indices.shape + params.shape[axis + 1:].

    Raises:
        InvalidArgumentError: if an index is out of range.
        UnsupportedError: for batch_dims other than 0.
    """
    del validate_indices, name
    x, at = convert(params), convert(indices)
    if batch_dims:
        raise UnsupportedError(
            "gather: batch_dims; select with tf.one_hot and tf.matmul, or gather each batch element on its own"
        )
    return op("gather", x, at, axis=one_axis(0 if axis is None else axis, x.ndim, "gather"))


@public("where")
def where(condition: Any, x: Any = None, y: Any = None, name: str | None = None) -> Tensor:
    """Elements of `x` where the condition holds, else of `y` (tf.where); operands broadcast.

    Raises:
        UnsupportedError: without x and y, whose result has a size that depends on data.
    """
    del name
    if (x is None) != (y is None):
        raise ValueError("x and y must both be non-None or both be None.")
    if x is None:
        raise UnsupportedError("where: without x and y; for indices of true elements use np.argwhere(c.numpy())")
    a, b = convert_pair(x, y, "where")
    c = convert(condition)
    return op("select", c if c.dtype.is_bool else op("cast", c, dtype=bool_), a, b)
