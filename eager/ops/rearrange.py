"""tf functions that move elements by computed positions, and tf.strided_slice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from eager.convert import convert
from eager.errors import InvalidArgumentError, ShapeError, UnsupportedError
from eager.ops.common import (
    InvalidTypeError,
    one_axis,
    op,
    raw_shape,
    settled,
    shape_argument,
    size_tensor,
)
from eager.ops.debugging import assert_equal, assert_less, assert_non_negative
from eager.ops.indexing import getitem
from eager.ops.join import stack
from eager.ops.public import public
from eager.ops.scatter import integer_tensor
from eager.ops.shaping import cast
from eager.tensor import Tensor, type_of, wrap
from eager.variable import Variable
from graphcore import dims
from graphcore.dtypes import as_dtype, int64


@public("reverse_sequence")
def reverse_sequence(
    input: Any, seq_lengths: Any, seq_axis: Any = None, batch_axis: Any = None, name: str | None = None
) -> Tensor:
    """The first seq_lengths[i] elements of every batch element i reversed, the others left (tf.reverse_sequence).

    Args:
        input: a tensor.
        seq_lengths: [batch] integers, at most the size of the sequence axis.
        seq_axis: the axis that is reversed.
        batch_axis: the axis of i, 0 by default.
        name: accepted for compatibility.

    Raises:
        InvalidTypeError: without a seq_axis.
        InvalidArgumentError: if both axes are one, or a length exceeds the axis.
        ShapeError: if there is not one length for each batch element.
    """
    del name
    x, lengths = convert(input), cast(integer_tensor(seq_lengths, "reverse_sequence: seq_lengths"), int64)
    if seq_axis is None:
        raise InvalidTypeError("reverse_sequence: needs seq_axis, an integer")
    along = one_axis(seq_axis, x.ndim, "reverse_sequence")
    batch = one_axis(0 if batch_axis is None else batch_axis, x.ndim, "reverse_sequence")
    if along == batch:
        raise InvalidArgumentError(f"reverse_sequence: seq_axis and batch_axis are both {along}")
    sizes = raw_shape(x)
    if lengths.ndim != 1 or not settled(lambda: dims.equal(raw_shape(lengths)[0], sizes[batch])):
        raise ShapeError(f"reverse_sequence: seq_lengths are {type_of(lengths)}, expected {sizes[batch]} numbers")
    place = op("iota", shape=(sizes[batch], sizes[along]), axis=1, dtype=int64)
    ends = op("reshape", lengths, shape=(sizes[batch], 1))
    source = op("select", op("less", place, ends), ends - 1 - place, place)
    rest = [i for i in range(x.ndim) if i not in (batch, along)]
    perm = (batch, along, *rest)
    found = op("gather", op("transpose", x, perm=perm), source, axis=1, batch_dims=1)
    return op("transpose", found, perm=tuple(perm.index(i) for i in range(x.ndim)))


@public("math.invert_permutation")
def invert_permutation(x: Any, name: str | None = None) -> Tensor:
    """y with y[x[i]] = i, of the numbers 0, ..., n - 1 in some order (tf.math.invert_permutation).

    Raises:
        ShapeError: for a rank other than 1.
        InvalidArgumentError: if the numbers are no permutation.
    """
    del name
    order = integer_tensor(x, "invert_permutation: x")
    if order.ndim != 1:
        raise ShapeError(f"invert_permutation: x is {type_of(order)}, expected rank 1")
    (size,) = raw_shape(order)
    line = op("iota", shape=(size,), axis=0, dtype=order.dtype)
    column = op("reshape", order, shape=(size, 1))
    inverse = op("scatter", op("fill", convert(0, like=order.dtype), shape=(size,)), column, line, combine="update")
    # With a number missing another one would be met twice, and one place of the inverse points to the wrong number.
    assert_equal(op("gather", order, inverse, axis=0), line, "invert_permutation: x is no permutation of 0, ..., n - 1")
    return inverse


@public("unravel_index")
def unravel_index(indices: Any, dims: Any, name: str | None = None) -> Tensor:
    """Flat row-major positions as coordinates (tf.unravel_index).

    Args:
        indices: integers [n], or a scalar.
        dims: the shape of the array that they are positions of.
        name: accepted for compatibility.

    Returns:
        [number of dims, n], or [number of dims] for a scalar.

    Raises:
        InvalidArgumentError: for a position out of range.
    """
    del name
    at = integer_tensor(indices, "unravel_index: indices")
    if at.ndim > 1:
        raise ShapeError(f"unravel_index: indices are {type_of(at)}, expected a scalar or a vector")
    sizes = shape_argument(dims, "unravel_index")
    total = _product(sizes)
    assert_non_negative(at, "unravel_index: index is out of bound")
    assert_less(at, size_tensor(total, at.dtype), f"unravel_index: index is out of bound as with dims {sizes}")
    lines: list[Tensor] = []
    for i, size in enumerate(sizes):
        below = size_tensor(_product(sizes[i + 1 :]), at.dtype)
        lines.append(op("mod", op("floordiv", at, below), size_tensor(size, at.dtype)))
    return stack(lines)


def _product(sizes: Sequence[Any]) -> Any:
    return dims.product(sizes)


@public("parallel_stack")
def parallel_stack(values: Any, name: str = "parallel_stack") -> Tensor:
    """Tensors of one shape joined along a new first axis (tf.parallel_stack), as tf.stack.

    Raises:
        ShapeError: if shapes differ.
    """
    del name
    return stack(values)


@public("strided_slice")
def strided_slice(
    input_: Any, begin: Any, end: Any, strides: Any = None, begin_mask: int = 0, end_mask: int = 0,
    ellipsis_mask: int = 0, new_axis_mask: int = 0, shrink_axis_mask: int = 0, var: Any = None, name: str | None = None,
) -> Tensor:  # fmt: skip
    """x[begin[0]:end[0]:strides[0], ...] (tf.strided_slice).

    Args:
        input_: a tensor.
        begin: the first place along each axis; negative ones count from the end.
        end: the place after the last.
        strides: the steps, not 0; 1 by default.
        begin_mask: bit i leaves begin[i] open.
        end_mask: bit i leaves end[i] open.
        ellipsis_mask: bit i makes entry i an ellipsis.
        new_axis_mask: bit i makes entry i a new axis of size 1.
        shrink_axis_mask: bit i makes entry i an index, which removes the axis.
        var: accepted for compatibility; assign to a slice with v[...].assign(x).
        name: accepted for compatibility.

    Raises:
        InvalidArgumentError: if the entries differ in number, for two ellipses or a stride of 0.
        IndexError: for too many entries, or an index out of range.
    """
    del var, name
    first, last = _entries(begin), _entries(end)
    steps = [1] * len(first) if strides is None else _entries(strides)
    if not len(first) == len(last) == len(steps):
        raise InvalidArgumentError(
            f"strided_slice: {len(first)} begins, {len(last)} ends and {len(steps)} strides; expected as many of each"
        )
    if ellipsis_mask & (ellipsis_mask - 1):
        raise InvalidArgumentError("strided_slice: Multiple ellipses in slice spec not allowed")
    key: list[Any] = []
    for i, (b, e, s) in enumerate(zip(first, last, steps, strict=True)):
        bit = 1 << i
        if ellipsis_mask & bit:
            key.append(Ellipsis)
        elif new_axis_mask & bit:
            key.append(None)
        elif shrink_axis_mask & bit:
            key.append(b)
        else:
            key.append(slice(None if begin_mask & bit else b, None if end_mask & bit else e, s))
    return getitem(input_, tuple(key))


def _entries(values: Any) -> list[Any]:
    """The numbers of a vector: ints, sizes, or the scalars of a traced tensor."""
    if isinstance(values, Tensor | Variable):
        t = convert(values)
        return [t[i] for i in range(len(t))]
    return list(np.asarray(values).tolist()) if isinstance(values, np.ndarray) else list(values)


_UNSIGNED = {1: "uint8", 2: "uint16", 4: "uint32", 8: "uint64"}


@public("bitcast")
def bitcast(input: Any, type: Any, name: str | None = None) -> Tensor:
    """The same bytes as another dtype (tf.bitcast).

    A smaller dtype adds a last axis for the parts of each element, the first of lowest value; a larger one takes a
    last axis of as many parts away.

    Raises:
        InvalidArgumentError: if the last axis does not make whole elements.
        DTypeError: for a dtype without a fixed number of bytes.
    """
    del name
    x, wanted = convert(input), as_dtype(type)
    if x.dtype.is_complex or wanted.is_complex or "O" in (x.dtype.kind, wanted.kind):
        raise UnsupportedError(f"bitcast: {x.dtype.name} to {wanted.name}; take x.numpy().view(dtype)")
    if x.dtype.is_bool or wanted.is_bool:
        raise InvalidTypeError(f"bitcast: {x.dtype.name} to {wanted.name}; write tf.cast to convert values")
    have, size = x.dtype.size, wanted.size
    if have == size:
        return op("bitcast", x, dtype=wanted)
    raw = op("bitcast", x, dtype=as_dtype(_UNSIGNED[have]))
    return op("bitcast", _parts(raw, size) if have > size else _joined(raw, size), dtype=wanted)


def _parts(x: Tensor, size: int) -> Tensor:
    """Unsigned integers as smaller ones along a new last axis."""
    ratio = x.dtype.size // size
    wide = op("broadcast_to", op("reshape", x, shape=(*raw_shape(x), 1)), shape=(*raw_shape(x), ratio))
    shifts = wrap((np.arange(ratio) * size * 8).astype(x.dtype.numpy))
    mask = wrap(np.asarray((1 << (size * 8)) - 1, x.dtype.numpy))
    return cast(op("bitwise_and", op("shift_right", wide, shifts), mask), as_dtype(_UNSIGNED[size]))


def _joined(x: Tensor, size: int) -> Tensor:
    """Unsigned integers along the last axis as one larger one."""
    ratio, sizes = size // x.dtype.size, raw_shape(x)
    if not sizes or not settled(lambda: dims.equal(sizes[-1], ratio)):
        raise InvalidArgumentError(
            f"bitcast: the last dimension of {type_of(x)} must be {ratio}: so many make an element of {size} bytes"
        )
    kind = as_dtype(_UNSIGNED[size])
    shifts = wrap((np.arange(ratio) * x.dtype.size * 8).astype(kind.numpy))
    # The parts share no bit, so their sum is their union.
    return op("reduce_sum", op("shift_left", cast(x, kind), shifts), axes=(x.ndim - 1,), keepdims=False)


__all__ = [
    "bitcast", "invert_permutation", "parallel_stack", "reverse_sequence", "strided_slice", "unravel_index",
]  # fmt: skip
