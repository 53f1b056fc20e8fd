"""tf.* functions that make, move and join tensors."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from typing import Any

import numpy as np

from eager.convert import convert, convert_pair, dtype_clash
from eager.errors import InvalidArgumentError
from eager.ops.common import axes_of, one_axis, op, raw_shape, resolve_shape, shape_argument, size_tensor
from eager.ops.public import public
from eager.tensor import Tensor, type_of
from eager.tensor_shape import TensorShape
from graphcore import dims
from graphcore.dtypes import as_dtype, float32, int32, int64
from graphcore.types import broadcast_shapes


@public("constant")
def constant(value: Any, dtype: Any = None, shape: Any = None, name: str | None = None) -> Tensor:
    """A tensor of a constant value (tf.constant).

    Args:
        value: number, list, array or tensor; a scalar is repeated to fill `shape`.
        dtype: the dtype; by default float32, int32, bool or that of the array.
        shape: the shape of the result.

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
    """A tensor of the value (tf.convert_to_tensor).

    Raises:
        DTypeError: if the value is a tensor of another dtype.
    """
    return convert(value, dtype=dtype, like=None if dtype_hint is None else as_dtype(dtype_hint), name=name or "")


@public("zeros")
def zeros(shape: Any, dtype: Any = float32, name: str | None = None) -> Tensor:
    """Zeros of a shape (tf.zeros); dtype float32 by default."""
    del name
    return _filled(shape, 0, dtype)


@public("ones")
def ones(shape: Any, dtype: Any = float32, name: str | None = None) -> Tensor:
    """Ones of a shape (tf.ones); dtype float32 by default."""
    del name
    return _filled(shape, 1, dtype)


def _filled(shape: Any, value: int, dtype: Any) -> Tensor:
    scalar = convert(np.asarray(value, as_dtype(dtype).numpy))
    return op("fill", scalar, shape=shape_argument(shape, "fill"))


@public("fill")
def fill(dims: Any, value: Any, name: str | None = None) -> Tensor:
    """A tensor of one repeated scalar (tf.fill). Raises ShapeError if `value` is not a scalar."""
    del name
    return op("fill", convert(value), shape=shape_argument(dims, "fill"))


@public("zeros_like")
def zeros_like(input: Any, dtype: Any = None, name: str | None = None) -> Tensor:
    """Zeros of the shape, and unless given the dtype, of `input` (tf.zeros_like)."""
    del name
    x = convert(input)
    return _filled(TensorShape.of(raw_shape(x)), 0, dtype or x.dtype)


@public("ones_like")
def ones_like(input: Any, dtype: Any = None, name: str | None = None) -> Tensor:
    """Ones of the shape, and unless given the dtype, of `input` (tf.ones_like)."""
    del name
    x = convert(input)
    return _filled(TensorShape.of(raw_shape(x)), 1, dtype or x.dtype)


@public("eye")
def eye(
    num_rows: Any, num_columns: Any = None, batch_shape: Any = None, dtype: Any = float32, name: str | None = None
) -> Tensor:
    """The identity matrix, repeated over `batch_shape` (tf.eye)."""
    del name
    rows, columns = shape_argument((num_rows, num_rows if num_columns is None else num_columns), "eye")
    shape = (rows, columns)
    same = op("equal", op("iota", shape=shape, axis=0, dtype=int64), op("iota", shape=shape, axis=1, dtype=int64))
    matrix = op("cast", same, dtype=as_dtype(dtype))
    batch = () if batch_shape is None else shape_argument(batch_shape, "eye")
    return broadcast_to(matrix, (*batch, *shape)) if batch else matrix


@public("range")
def range(start: Any, limit: Any = None, delta: Any = 1, dtype: Any = None, name: str | None = None) -> Tensor:
    """Numbers from `start` up to but without `limit` in steps of `delta` (tf.range).

    Raises:
        InvalidArgumentError: if delta is 0.
    """
    del name
    if limit is None:
        start, limit = 0, start
    if dtype is None:
        given = [x.dtype for x in (start, limit, delta) if isinstance(x, Tensor)]
        dtype = given[0] if given else (float32 if any(isinstance(x, float) for x in (start, limit, delta)) else int32)
    kind = as_dtype(dtype)
    if kind.is_integer:
        first, last, step = (shape_argument((x,), "range")[0] for x in (start, limit, delta))
        if step == 0:
            raise InvalidArgumentError("range: delta must not be 0")
        if isinstance(step, int) and step < 0:
            count = dims.maximum(dims.ceildiv(first - last, -step), 0)
        else:
            count = dims.maximum(dims.ceildiv(last - first, step), 0)
        steps = op("iota", shape=(count,), axis=0, dtype=kind)
        return op("add", op("mul", steps, size_tensor(step, kind)), size_tensor(first, kind))
    numbers = [float(x) for x in (start, limit, delta)]
    if numbers[2] == 0:
        raise InvalidArgumentError("range: delta must not be 0")
    return convert(np.arange(*numbers).astype(kind.numpy))


@public("shape")
def shape(input: Any, out_type: Any = int32, name: str | None = None) -> Tensor:
    """The shape as a tensor of rank 1 (tf.shape); sizes that the trace leaves open are computed at run time."""
    del name
    sizes, kind = raw_shape(convert(input)), as_dtype(out_type)
    if all(isinstance(d, int) for d in sizes):
        return convert(np.array(sizes, kind.numpy))
    return concat([op("reshape", size_tensor(d, kind), shape=(1,)) for d in sizes], 0)


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
    return tensor if tensor.dtype is wanted else op("cast", tensor, dtype=wanted)


@public("reshape")
def reshape(tensor: Any, shape: Any, name: str | None = None) -> Tensor:
    """The same elements in another shape, of which one size may be -1 (tf.reshape).

    Raises:
        InvalidArgumentError: if the number of elements differs.
    """
    del name
    x = convert(tensor)
    total = type_of(x).size
    return op("reshape", x, shape=resolve_shape(shape_argument(shape, "reshape"), total, f"reshape of {type_of(x)}"))


@public("transpose")
def transpose(a: Any, perm: Any = None, conjugate: bool = False, name: str | None = None) -> Tensor:
    """Axes in another order; reversed by default (tf.transpose). Raises InvalidArgumentError for a bad perm."""
    del name
    x = convert(a)
    order = tuple(reversed([*builtins.range(x.ndim)])) if perm is None else shape_argument(perm, "transpose")
    result = op("transpose", x, perm=tuple(int(p) % max(x.ndim, 1) for p in order))  # pyright: ignore[reportArgumentType]
    if conjugate and x.dtype.is_complex:
        raise InvalidArgumentError("transpose: conjugate of complex tensors needs tf.math.conj on the result")
    return result


@public("expand_dims")
def expand_dims(input: Any, axis: int, name: str | None = None) -> Tensor:
    """A size of 1 inserted at `axis` (tf.expand_dims). Raises InvalidArgumentError for an axis out of range."""
    del name
    x = convert(input)
    at = one_axis(int(axis), x.ndim + 1, "expand_dims")
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
            if sizes[i] != 1:
                raise InvalidArgumentError(f"squeeze: dimension {i} of {type_of(x)} is {sizes[i]}, expected 1")
    return op("reshape", x, shape=tuple(d for i, d in enumerate(sizes) if i not in gone))


def _same_dtype(values: Sequence[Any], name: str) -> list[Tensor]:
    known = next((v.dtype for v in values if hasattr(v, "dtype") and not isinstance(v, np.ndarray)), None)
    tensors = [convert(v, like=None if known is None else as_dtype(known)) for v in values]
    for t in tensors[1:]:
        if t.dtype is not tensors[0].dtype:
            raise dtype_clash(name, tensors[0].dtype, t.dtype)
    return tensors


@public("concat")
def concat(values: Any, axis: int, name: str | None = None) -> Tensor:
    """Tensors joined along an axis that they have (tf.concat).

    Raises:
        ShapeError: if other sizes differ.
        DTypeError: if dtypes differ.
    """
    del name
    tensors = _same_dtype(values if isinstance(values, list | tuple) else [values], "concat")
    at = one_axis(int(axis), tensors[0].ndim, "concat")
    return tensors[0] if len(tensors) == 1 else op("concatenate", *tensors, axis=at)


@public("stack")
def stack(values: Any, axis: int = 0, name: str = "stack") -> Tensor:
    """Tensors of one shape joined along a new axis (tf.stack). Raises ShapeError if shapes differ."""
    del name
    tensors = _same_dtype(list(values), "stack")
    if not tensors:
        raise InvalidArgumentError("stack: needs at least one tensor")
    return concat([expand_dims(t, axis) for t in tensors], axis)


@public("unstack")
def unstack(value: Any, num: int | None = None, axis: int = 0, name: str = "unstack") -> list[Tensor]:
    """The slices along an axis, as a list (tf.unstack). Raises ValueError if that size is unknown."""
    del name
    x = convert(value)
    at = one_axis(axis, x.ndim, "unstack")
    count = x.shape[at] if num is None else num
    if count is None:
        raise ValueError(f"Cannot infer argument `num` from shape {x.shape}")
    return [squeeze(t, at) for t in split(x, count, at)]


@public("split")
def split(
    value: Any, num_or_size_splits: Any, axis: int = 0, num: int | None = None, name: str = "split"
) -> list[Tensor]:
    """Parts along an axis: a number of equal parts, or parts of given sizes of which one may be -1 (tf.split).

    Raises:
        InvalidArgumentError: if the sizes do not add up.
    """
    del num, name
    x = convert(value)
    at = one_axis(int(axis), x.ndim, "split")
    total = raw_shape(x)[at]
    if isinstance(num_or_size_splits, int):
        parts = num_or_size_splits
        if isinstance(total, int) and total % parts:
            raise InvalidArgumentError(f"split: dimension {at} of {type_of(x)} does not divide into {parts} parts")
        sizes: list[Any] = [total // parts] * parts
    else:
        sizes = list(shape_argument(num_or_size_splits, "split"))
        rest = total - sum(s for s in sizes if s != -1)
        sizes = [rest if s == -1 else s for s in sizes]
    if sum(sizes) != total:
        raise InvalidArgumentError(f"split: sizes {sizes} do not add up to {total}, dimension {at} of {type_of(x)}")
    starts = [sum(sizes[:i]) for i in builtins.range(len(sizes))]
    return [_part(x, at, a, a + n) for a, n in zip(starts, sizes, strict=True)]


def _part(x: Tensor, axis: int, begin: Any, end: Any) -> Tensor:
    sizes = raw_shape(x)
    begins = tuple(begin if i == axis else 0 for i in builtins.range(len(sizes)))
    ends = tuple(end if i == axis else d for i, d in enumerate(sizes))
    return op("slice", x, begin=begins, end=ends, strides=(1,) * len(sizes))


@public("slice")
def slice(input_: Any, begin: Any, size: Any, name: str | None = None) -> Tensor:
    """A block starting at `begin`, of sizes `size`, where -1 reaches to the end (tf.slice).

    Raises:
        InvalidArgumentError: if the block leaves the tensor.
    """
    del name
    x = convert(input_)
    begins, sizes = shape_argument(begin, "slice"), shape_argument(size, "slice")
    ends = tuple(d if n == -1 else b + n for b, n, d in zip(begins, sizes, raw_shape(x), strict=True))
    return op("slice", x, begin=begins, end=ends, strides=(1,) * x.ndim)


@public("reverse")
def reverse(tensor: Any, axis: Any, name: str | None = None) -> Tensor:
    """The order of elements reversed along axes (tf.reverse)."""
    del name
    x = convert(tensor)
    return op("reverse", x, axes=axes_of(axis, x.ndim, "reverse"))


@public("broadcast_to")
def broadcast_to(input: Any, shape: Any, name: str | None = None) -> Tensor:
    """Repeated along sizes of 1 and new leading axes (tf.broadcast_to). Raises ShapeError if shapes clash."""
    del name
    return op("broadcast_to", convert(input), shape=shape_argument(shape, "broadcast_to"))


@public("tile")
def tile(input: Any, multiples: Any, name: str | None = None) -> Tensor:
    """Repeated `multiples[i]` times along axis i (tf.tile). Raises InvalidArgumentError if their number differs."""
    del name
    x = convert(input)
    times = shape_argument(multiples, "tile")
    sizes = raw_shape(x)
    if len(times) != len(sizes):
        raise InvalidArgumentError(f"tile: {len(times)} multiples for {type_of(x)}; expected {len(sizes)}")
    spread = op("reshape", x, shape=tuple(d for n in sizes for d in (1, n)))
    wide = op("broadcast_to", spread, shape=tuple(d for t, n in zip(times, sizes, strict=True) for d in (t, n)))
    return op("reshape", wide, shape=tuple(t * n for t, n in zip(times, sizes, strict=True)))


@public("pad")
def pad(
    tensor: Any, paddings: Any, mode: str = "CONSTANT", constant_values: Any = 0, name: str | None = None
) -> Tensor:
    """`constant_values` added around: `paddings[i]` = (before, after) along axis i (tf.pad).

    Raises:
        InvalidArgumentError: for a mode other than CONSTANT, or paddings of another rank.
    """
    del name
    x = convert(tensor)
    if mode.upper() != "CONSTANT":
        raise InvalidArgumentError(
            f"pad: mode {mode!r} is not supported; use CONSTANT, or join reversed slices with tf.concat and tf.reverse"
        )
    pairs = [shape_argument(p, "pad") for p in (paddings.numpy() if hasattr(paddings, "numpy") else paddings)]
    if len(pairs) != x.ndim:
        raise InvalidArgumentError(f"pad: {len(pairs)} paddings for {type_of(x)}; expected {x.ndim}")
    low, high = tuple(p[0] for p in pairs), tuple(p[1] for p in pairs)
    return op("pad", x, convert(constant_values, like=x.dtype), low=low, high=high, interior=(0,) * x.ndim)


@public("gather")
def gather(
    params: Any, indices: Any, validate_indices: Any = None, axis: int = 0, batch_dims: int = 0,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """Slices of `params` along `axis` at `indices` (tf.gather).

    The result's shape is params.shape[:axis] + indices.shape + params.shape[axis + 1:].

    Raises:
        InvalidArgumentError: if an index is out of range.
    """
    del validate_indices, name
    x, at = convert(params), convert(indices)
    if batch_dims:
        raise InvalidArgumentError("gather: batch_dims is not supported yet; use tf.one_hot and tf.matmul")
    return op("gather", x, at, axis=one_axis(int(axis or 0), x.ndim, "gather"))


@public("where")
def where(condition: Any, x: Any = None, y: Any = None, name: str | None = None) -> Tensor:
    """Elements of `x` where the condition holds, else of `y` (tf.where); operands broadcast.

    Raises:
        InvalidArgumentError: without x and y, whose result has a size that depends on data.
    """
    del name
    if x is None or y is None:
        raise InvalidArgumentError("where: give x and y; for indices of true elements use np.argwhere(c.numpy())")
    a, b = convert_pair(x, y, "where")
    c = convert(condition)
    return op("select", c if c.dtype.is_bool else op("cast", c, dtype=as_dtype("bool")), a, b)


@public("one_hot")
def one_hot(
    indices: Any, depth: Any, on_value: Any = None, off_value: Any = None, axis: int | None = None,
    dtype: Any = None, name: str | None = None,
) -> Tensor:  # fmt: skip
    """`on_value` at each index and `off_value` elsewhere, along a new axis of size `depth` (tf.one_hot).

    An index out of range gives all off. The new axis is the last by default; dtype float32.
    """
    del name
    at = convert(indices)
    given = next((v.dtype for v in (on_value, off_value) if isinstance(v, Tensor)), None)
    kind = as_dtype(dtype) if dtype is not None else (given or float32)
    new_axis = at.ndim if axis is None or axis == -1 else one_axis(axis, at.ndim + 1, "one_hot")
    size = shape_argument((depth,), "one_hot")[0]
    if on_value is None and off_value is None and kind.is_numeric:
        return op("one_hot", at, depth=size, axis=new_axis, dtype=kind)
    hot = op("one_hot", at, depth=size, axis=new_axis, dtype=int32)
    on = convert(1 if on_value is None else on_value, dtype=kind)
    off = convert(0 if off_value is None else off_value, dtype=kind)
    return op("select", op("equal", hot, convert(1, int32)), on, off)


@public("broadcast_static_shape")
def broadcast_static_shape(shape_x: Any, shape_y: Any) -> TensorShape:
    """The shape to which two shapes broadcast (tf.broadcast_static_shape). Raises ShapeError if they clash."""
    return TensorShape.of(broadcast_shapes(TensorShape(shape_x).raw, TensorShape(shape_y).raw))

