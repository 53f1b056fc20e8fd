"""tf.* functions that pick elements: blocks, reversed axes, slices at indices, and one of two by a condition."""

from __future__ import annotations

from typing import Any

from eager.convert import convert, convert_pair
from eager.errors import InvalidArgumentError, ShapeError
from eager.ops.common import (
    InvalidTypeError,
    axes_of,
    known_sizes,
    one_axis,
    op,
    raw_shape,
    settled,
    shape_argument,
    size_tensor,
)
from eager.ops.join import stack
from eager.ops.public import public
from eager.ops.shaping import cast
from eager.tensor import Tensor, type_of
from eager.variable import Variable
from graphcore import dims
from graphcore.dims import Dim
from graphcore.dtypes import bool_, int64


@public("slice")
def slice(input_: Any, begin: Any, size: Any, name: str | None = None) -> Tensor:
    """A block starting at `begin`, of sizes `size`, where -1 reaches to the end (tf.slice).

    A traced function may compute `begin` from data; the sizes are then positive numbers that the trace knows, and
    -1 only where the entry of `begin` is known too.

    Raises:
        InvalidArgumentError: if the block leaves the tensor, or one entry per axis is not given.
    """
    del name
    x = convert(input_)
    counts, sizes = shape_argument(size, "slice"), raw_shape(x)
    starts = _starts(begin)
    if starts is not None and len(starts) == len(counts) == len(sizes):
        window = _window_sizes(starts, counts, sizes)
        if window is not None:
            entries = [size_tensor(b, int64) if isinstance(b, int | dims.SymDim) else cast(b, int64) for b in starts]
            return op("dynamic_slice", x, stack(entries), sizes=window)
    begins = shape_argument(begin, "slice")
    if not len(begins) == len(counts) == len(sizes):
        raise InvalidArgumentError(
            f"slice: begin {begins} and size {counts} need one entry for each dimension of {type_of(x)}"
        )
    ends = tuple(d if n == -1 else b + n for b, n, d in zip(begins, counts, sizes, strict=True))
    for b, e, d in zip(begins, ends, sizes, strict=True):
        if not settled(lambda b=b, e=e, d=d: dims.less_equal(0, b) and dims.less_equal(b, e) and dims.less_equal(e, d)):
            raise InvalidArgumentError(f"slice: begin {begins} and size {counts} leave {type_of(x)}")
    return op("slice", x, begin=begins, end=ends, strides=(1,) * len(sizes))


def _starts(begin: Any) -> list[Dim | Tensor] | None:
    """The entries of `begin`, scalars where only the run knows them; None if all are known."""
    if isinstance(begin, Tensor | Variable):
        t = convert(begin)
        if t.ndim != 1 or not t.dtype.is_integer or known_sizes(t) is not None:
            return None
        return [t[i] for i in range(len(t))]
    if not isinstance(begin, list | tuple) or not any(isinstance(b, Tensor) for b in begin):
        return None
    entries: list[Dim | Tensor] = []
    for b in begin:
        known = known_sizes(b) if isinstance(b, Tensor) else shape_argument((b,), "slice")
        entries.append(b if known is None else known[0])
    return entries if any(isinstance(b, Tensor) for b in entries) else None


def _window_sizes(
    starts: list[Dim | Tensor], counts: tuple[Dim, ...], sizes: tuple[Dim, ...]
) -> tuple[Dim, ...] | None:
    """The sizes of a block with -1 written out; None if they depend on a start that only the run knows."""
    window: list[Dim] = []
    for start, count, size in zip(starts, counts, sizes, strict=True):
        if count != -1:
            window.append(count)
        elif isinstance(start, Tensor):
            return None
        else:
            window.append(size - start)
    return tuple(window)


@public("reverse")
def reverse(tensor: Any, axis: Any, name: str | None = None) -> Tensor:
    """The order of elements reversed along axes (tf.reverse). Raises InvalidArgumentError for an axis out of range."""
    del name
    x = convert(tensor)
    axes = axes_of(axis, x.ndim, "reverse")
    return op("reverse", x, axes=axes) if axes else x


@public("gather")
def gather(
    params: Any, indices: Any, validate_indices: Any = None, axis: Any = None, batch_dims: Any = 0,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """Slices of `params` along `axis` at `indices` (tf.gather).

    The result's shape is params.shape[:axis] + indices.shape[batch_dims:] + params.shape[axis + 1:].

    Args:
        params: a tensor.
        indices: integers of any shape.
        validate_indices: accepted for compatibility; indices are checked always.
        axis: the axis, by default the first after the batch.
        batch_dims: how many leading axes `params` and `indices` share.
        name: accepted for compatibility.

    Raises:
        InvalidArgumentError: if an index is out of range, or for an axis before batch_dims.
        InvalidTypeError: for indices that are no integers.
    """
    del validate_indices, name
    x, at = convert(params), convert(indices)
    if not at.dtype.is_integer:
        raise InvalidTypeError(f"gather: indices are {type_of(at)}, expected integers; write tf.cast(x, tf.int32)")
    batch = 0 if batch_dims == 0 else one_axis(batch_dims, at.ndim + 1 if batch_dims > 0 else at.ndim, "gather")
    along = one_axis(batch if axis is None else axis, x.ndim, "gather")
    if along < batch:
        raise InvalidArgumentError(f"gather: batch_dims is {batch}, above axis {along} of {type_of(x)}")
    require_batch("gather", x, at, batch)
    return op("gather", x, at, axis=along) if not batch else op("gather", x, at, axis=along, batch_dims=batch)


def require_batch(name: str, x: Tensor, indices: Tensor, batch: int) -> None:
    """Raises ShapeError unless both begin with the same `batch` sizes."""
    pairs = [*zip(raw_shape(x)[:batch], raw_shape(indices)[:batch], strict=False)]
    if len(pairs) != batch or (batch and not settled(lambda: all(dims.equal(a, b) for a, b in pairs))):
        raise ShapeError(f"{name}: {type_of(x)} and indices {type_of(indices)} must begin with {batch} equal sizes")


@public("where")
def where(condition: Any, x: Any = None, y: Any = None, name: str | None = None) -> Tensor:
    """Elements of `x` where the condition holds, else of `y` (tf.where); operands broadcast.

    Without x and y the indices of the true or non-zero elements, int64 [n, rank]. In a trace their number is not
    known: a condition that is not constant ends the trace.

    Raises:
        ValueError: for one of x and y without the other.
        DTypeError: if the dtypes of x and y differ.
        ShapeError: if the shapes do not broadcast.
    """
    del name
    if (x is None) != (y is None):
        raise ValueError("x and y must both be non-None or both be None.")
    if x is None:
        from eager.ops.masks import true_places

        return true_places(condition)
    a, b = convert_pair(x, y, "where")
    c = convert(condition)
    return op("select", c if c.dtype.is_bool else op("cast", c, dtype=bool_), a, b)
