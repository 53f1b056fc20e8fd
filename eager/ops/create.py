"""tf.* functions that make tensors: constants, filled ones, sequences, identity matrices, masks."""

from __future__ import annotations

import builtins
from contextlib import suppress
from typing import Any

import numpy as np

from eager.convert import convert, convert_pair, dtype_clash
from eager.errors import InvalidArgumentError, ShapeError
from eager.ops.common import one_axis, op, raw_shape, settled, shape_argument, size_tensor
from eager.ops.public import public
from eager.ops.shaping import broadcast_to, cast, expand_dims, reshape
from eager.tensor import Tensor, concrete, type_of, wrap
from eager.tensor_shape import TensorShape
from eager.variable import Variable
from graphcore import dims
from graphcore.dims import Dim, SymDim
from graphcore.dtypes import DType, as_dtype, bool_, float32, float64, int32, int64, string
from graphcore.types import broadcast_shapes


@public("constant")
def constant(value: Any, dtype: Any = None, shape: Any = None, name: str | None = None) -> Tensor:
    """A tensor of a constant value (tf.constant).

    Args:
        value: number, list, array or tensor; a scalar is repeated to fill `shape`.
        dtype: the dtype; by default float32, int32, bool or that of the array.
        shape: the shape of the result.
        name: what the value is, for messages.

    Raises:
        TypeError: if the value does not fit the dtype.
        ValueError: if it does not fit the shape.
    """
    if isinstance(value, np.ndarray | np.generic) and dtype is not None:
        value = np.asarray(value).astype(as_dtype(dtype).numpy)
    tensor = convert(value, dtype=dtype, name=name or "")
    if shape is None:
        return tensor
    wanted = shape_argument(shape, "constant")
    if tensor.ndim == 0 or tensor.shape.num_elements() == 1:
        return broadcast_to(reshape(tensor, ()), wanted)
    return reshape(tensor, wanted)


@public("convert_to_tensor")
def convert_to_tensor(value: Any, dtype: Any = None, dtype_hint: Any = None, name: str | None = None) -> Tensor:
    """A tensor of the value (tf.convert_to_tensor); a `dtype_hint` that does not fit the value is left out.

    Raises:
        DTypeError: if the value is a tensor of another dtype.
    """
    if dtype is None and dtype_hint is not None:
        with suppress(TypeError, ValueError):
            return convert(value, like=as_dtype(dtype_hint), name=name or "")
    return convert(value, dtype=dtype, name=name or "")


@public("zeros")
def zeros(shape: Any, dtype: Any = float32, name: str | None = None) -> Tensor:
    """Zeros of a shape (tf.zeros); dtype float32 by default."""
    del name
    return _filled(shape_argument(shape, "zeros"), 0, as_dtype(dtype))


@public("ones")
def ones(shape: Any, dtype: Any = float32, name: str | None = None) -> Tensor:
    """Ones of a shape (tf.ones); dtype float32 by default."""
    del name
    return _filled(shape_argument(shape, "ones"), 1, as_dtype(dtype))


def _filled(shape: tuple[Dim, ...], value: int, dtype: DType) -> Tensor:
    if dtype is string:
        if value:
            raise InvalidArgumentError("ones: string tensors have no ones; use tf.fill(shape, text)")
        scalar = convert("")
    else:
        scalar = wrap(np.asarray(value, dtype.numpy))
    return op("fill", scalar, shape=_no_negative(shape))


def _no_negative(shape: tuple[Dim, ...]) -> tuple[Dim, ...]:
    if any(isinstance(d, int) and d < 0 for d in shape):
        raise InvalidArgumentError(f"fill: dimensions must be >= 0, got shape {shape}")
    return shape


@public("fill")
def fill(dims: Any, value: Any, name: str | None = None) -> Tensor:
    """A tensor of one repeated scalar (tf.fill). Raises ShapeError if `value` is not a scalar."""
    del name
    scalar = convert(value)
    if scalar.ndim:
        raise ShapeError(f"fill: the value is {type_of(scalar)}, expected a scalar; use tf.broadcast_to")
    return op("fill", scalar, shape=_no_negative(shape_argument(dims, "fill")))


@public("zeros_like")
def zeros_like(input: Any, dtype: Any = None, name: str | None = None) -> Tensor:
    """Zeros of the shape, and unless given the dtype, of `input` (tf.zeros_like)."""
    del name
    x = convert(input)
    return _filled(raw_shape(x), 0, x.dtype if dtype is None else as_dtype(dtype))


@public("ones_like")
def ones_like(input: Any, dtype: Any = None, name: str | None = None) -> Tensor:
    """Ones of the shape, and unless given the dtype, of `input` (tf.ones_like)."""
    del name
    x = convert(input)
    return _filled(raw_shape(x), 1, x.dtype if dtype is None else as_dtype(dtype))


@public("eye")
def eye(
    num_rows: Any, num_columns: Any = None, batch_shape: Any = None, dtype: Any = float32, name: str | None = None
) -> Tensor:
    """The identity matrix, repeated over `batch_shape` (tf.eye)."""
    del name
    shape = shape_argument((num_rows, num_rows if num_columns is None else num_columns), "eye")
    same = op("equal", op("iota", shape=shape, axis=0, dtype=int64), op("iota", shape=shape, axis=1, dtype=int64))
    matrix = op("cast", same, dtype=as_dtype(dtype))
    batch = () if batch_shape is None else shape_argument(batch_shape, "eye")
    return broadcast_to(matrix, (*batch, *shape)) if batch else matrix


@public("range")
def range(start: Any, limit: Any = None, delta: Any = 1, dtype: Any = None, name: str | None = None) -> Tensor:
    """Numbers from `start` up to but without `limit` in steps of `delta` (tf.range).

    Bounds of integers may come from tf.shape in a trace, also for a floating `dtype`; the dtype is otherwise that
    of the tensors given, float32 if a number is a float, else int32.

    Raises:
        InvalidArgumentError: if delta is 0, or points away from known bounds.
    """
    del name
    given = (0, start, delta) if limit is None else (start, limit, delta)
    kind = as_dtype(dtype) if dtype is not None else _range_dtype(given)
    if all(_is_integral(x) for x in given):
        first, last, step = (shape_argument((x,), "range")[0] for x in given)
        return _integer_range(first, last, step, kind)
    if kind.is_integer:
        raise InvalidArgumentError(f"range: {given} are not integers of dtype {kind.name}; use a floating dtype")
    numbers = [float(x) for x in given]
    if numbers[2] == 0:
        raise InvalidArgumentError("range: delta must not be 0")
    _check_direction(*numbers)
    return wrap(np.arange(*numbers).astype(kind.numpy))


def _check_direction(first: float, last: float, step: float) -> None:
    if (last - first) * step < 0:
        sign = "<= limit when delta > 0" if step > 0 else ">= limit when delta < 0"
        raise InvalidArgumentError(f"range: Requires start {sign}: {first:g}/{last:g}")


def _range_dtype(given: tuple[Any, ...]) -> DType:
    kinds = [as_dtype(x.dtype) for x in given if hasattr(x, "dtype")]
    for wide in (float64, float32, int64):
        if wide in kinds:
            return wide
    return float32 if any(isinstance(x, float) for x in given) else int32


def _is_integral(x: Any) -> bool:
    return as_dtype(x.dtype).is_integer if hasattr(x, "dtype") else isinstance(x, int | SymDim)


def _integer_range(first: Dim, last: Dim, step: Dim, kind: DType) -> Tensor:
    if isinstance(step, int) and step == 0:
        raise InvalidArgumentError("range: delta must not be 0")
    if isinstance(first, int) and isinstance(last, int) and isinstance(step, int):
        _check_direction(first, last, step)
    if isinstance(step, int) and step < 0:
        count = dims.maximum(dims.ceildiv(first - last, -step), 0)
    else:
        count = dims.maximum(dims.ceildiv(last - first, step), 0)
    steps = op("iota", shape=(count,), axis=0, dtype=kind)
    if not (isinstance(step, int) and step == 1):
        steps = op("mul", steps, size_tensor(step, kind))
    return steps if isinstance(first, int) and first == 0 else op("add", steps, size_tensor(first, kind))


@public("linspace")
def linspace(start: Any, stop: Any, num: Any, name: str | None = None, axis: int = 0) -> Tensor:
    """`num` evenly spaced values from `start` to `stop`, both included, along a new axis (tf.linspace).

    Bounds broadcast; integers give float64. `num` may be a size that tf.shape gives in a trace.

    Raises:
        InvalidArgumentError: for a negative `num`.
        DTypeError: if the dtypes of the bounds differ.
        ShapeError: if their shapes do not broadcast.
    """
    del name
    (first, last), (count,) = convert_pair(start, stop, "linspace"), shape_argument((num,), "linspace")
    if not settled(lambda: dims.less_equal(0, count)):
        raise InvalidArgumentError(f"linspace: num is {count}, expected a number >= 0")
    if first.dtype.is_integer:
        first, last = cast(first, float64), cast(last, float64)
    sizes = settled(lambda: broadcast_shapes(raw_shape(first), raw_shape(last)))
    at = one_axis(axis, len(sizes) + 1, "linspace")
    a, b = (expand_dims(op("broadcast_to", t, shape=sizes), at) for t in (first, last))
    place = op("iota", shape=(*sizes[:at], count, *sizes[at:]), axis=at, dtype=int64)
    step = (b - a) / size_tensor(dims.maximum(count - 1, 1), first.dtype)
    inner = op("add", a, op("mul", step, cast(place, first.dtype)))
    # Both ends exactly, also where the step overflows.
    ends = op("select", op("equal", place, size_tensor(count - 1, int64)), b, inner)
    return op("select", op("equal", place, convert(0, like=int64)), a, ends)


@public("one_hot")
def one_hot(
    indices: Any, depth: Any, on_value: Any = None, off_value: Any = None, axis: int | None = None,
    dtype: Any = None, name: str | None = None,
) -> Tensor:  # fmt: skip
    """`on_value` at each index and `off_value` elsewhere, along a new axis of size `depth` (tf.one_hot).

    An index out of range gives all off. The new axis is the last by default; the dtype is that of `on_value`, else
    of `off_value`, else float32.

    Raises:
        DTypeError: if the indices are no integers, or the dtypes of the values differ.
        InvalidArgumentError: if the depth is negative.
    """
    del name
    at = convert(indices)
    hint = None if dtype is None else as_dtype(dtype)
    given = [None if v is None else convert(v, like=hint) for v in (on_value, off_value)]
    kind = hint or next((v.dtype for v in given if v is not None), float32)
    for value in given:
        if value is not None and value.dtype is not kind:
            raise dtype_clash("one_hot", kind, value.dtype)
    new_axis = at.ndim if axis is None or axis == -1 else one_axis(axis, at.ndim + 1, "one_hot")
    size = shape_argument((depth,), "one_hot")[0]
    if isinstance(size, int) and size < 0:
        raise InvalidArgumentError(f"one_hot: depth must be non-negative, got {size}")
    if on_value is None and off_value is None:
        return op("one_hot", at, depth=size, axis=new_axis, dtype=kind)
    hot = op("one_hot", at, depth=size, axis=new_axis, dtype=bool_)
    on = convert(kind.is_bool or 1, like=kind) if given[0] is None else given[0]
    off = convert(False if kind.is_bool else 0, like=kind) if given[1] is None else given[1]
    return op("select", hot, on, off)


@public("sequence_mask")
def sequence_mask(lengths: Any, maxlen: Any = None, dtype: Any = bool_, name: str | None = None) -> Tensor:
    """Whether a position along a new last axis lies within each length (tf.sequence_mask).

    Without `maxlen` the axis is as long as the longest. A trace cannot know that and ends there: give it, such as
    tf.shape(x)[1].

    Raises:
        InvalidArgumentError: if the lengths are no numbers.
    """
    del name
    ends = convert(lengths)
    if not (ends.dtype.is_integer or ends.dtype.is_floating):
        raise InvalidArgumentError(f"sequence_mask: lengths are {ends.dtype.name}, expected integers")
    if maxlen is None:
        array = concrete(ends, "tf.sequence_mask without maxlen, such as tf.shape(x)[1]")
        maxlen = max(int(np.ceil(array.max())), 0) if array.size else 0
    elif ends.dtype.is_floating:
        ends = cast(ends, int32)
    size = shape_argument((maxlen,), "sequence_mask")[0]
    places = op("iota", shape=(size,), axis=0, dtype=ends.dtype)
    return cast(op("less", places, expand_dims(ends, -1)), dtype)


@public("meshgrid")
def meshgrid(*args: Any, indexing: str = "xy", name: str | None = None) -> list[Tensor]:
    """Vectors repeated to grids of coordinates (tf.meshgrid); "xy" exchanges the first two axes.

    Raises:
        ValueError: for another indexing.
    """
    del name
    if indexing not in ("xy", "ij"):
        raise ValueError(f"Argument `indexing` parameter must be either 'xy' or 'ij', got '{indexing}'")
    vectors = [reshape(x if isinstance(x, Tensor | Variable) else convert(x), (-1,)) for x in args]
    rank = len(vectors)
    places = [1 - i if indexing == "xy" and i < 2 and rank > 1 else i for i in builtins.range(rank)]
    sizes = TensorShape.of(tuple(raw_shape(vectors[places.index(i)])[0] for i in builtins.range(rank)))
    lines = [
        reshape(v, TensorShape.of((1,) * at + raw_shape(v) + (1,) * (rank - at - 1)))
        for v, at in zip(vectors, places, strict=True)
    ]
    return [broadcast_to(line, sizes) for line in lines]
