"""tf functions whose result is as large as the data says: boolean_mask, where, unique, dynamic_partition.

A graph has no such sizes. Inside a trace they ask for the value, which ends the trace there; gradients flow, because
what they pick is picked with tf.gather.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from eager.convert import convert, dtype_clash
from eager.errors import InvalidArgumentError, ShapeError
from eager.ops.common import InvalidTypeError, one_axis, op, raw_shape, settled
from eager.ops.public import public
from eager.ops.scatter import integer_tensor
from eager.ops.shaping import cast
from eager.tensor import Tensor, concrete, type_of, wrap
from graphcore import dims
from graphcore.dtypes import as_dtype, int32


class Unique(NamedTuple):
    """The results of tf.unique."""

    y: Tensor
    idx: Tensor


class UniqueWithCounts(NamedTuple):
    """The results of tf.unique_with_counts."""

    y: Tensor
    idx: Tensor
    count: Tensor  # pyright: ignore[reportIncompatibleMethodOverride] (tensorflow's own name)


def _begins_with(x: Tensor, axis: int, part: Tensor) -> bool:
    """Whether x has the sizes of `part` from the axis on."""
    sizes = raw_shape(x)[axis:]
    return part.ndim <= len(sizes) and settled(
        lambda: all(dims.equal(a, b) for a, b in zip(sizes, raw_shape(part), strict=False))
    )


def _flattened(x: Tensor, axis: int, rank: int) -> Tensor:
    """`rank` axes from `axis` on as one."""
    sizes = raw_shape(x)
    if rank == 1:
        return x
    return op("reshape", x, shape=(*sizes[:axis], dims.product(sizes[axis : axis + rank]), *sizes[axis + rank :]))


@public("boolean_mask")
def boolean_mask(tensor: Any, mask: Any, axis: Any = None, name: str = "boolean_mask") -> Tensor:
    """The elements where a mask holds, in order (tf.boolean_mask).

    Args:
        tensor: a tensor.
        mask: bool, of rank 1 or more; its sizes are those of the tensor from `axis` on.
        axis: the first axis that the mask covers, 0 by default.
        name: accepted for compatibility.

    Returns:
        tensor.shape[:axis] + [number of true elements] + tensor.shape[axis + mask rank:]. In a trace a mask that is
        not constant ends the trace; tf.where(mask, x, 0) keeps a fixed size.

    Raises:
        ValueError: for a scalar mask, or sizes that differ.
        InvalidTypeError: for a mask that is not bool.
    """
    del name
    x, chosen = convert(tensor), convert(mask)
    if not chosen.dtype.is_bool:
        raise InvalidTypeError(f"boolean_mask: the mask is {type_of(chosen)}, expected bool; write a comparison")
    if chosen.ndim == 0:
        raise InvalidArgumentError("boolean_mask: mask cannot be scalar.")
    at = 0 if axis is None else one_axis(axis, x.ndim, "boolean_mask")
    if not _begins_with(x, at, chosen):
        raise ShapeError(f"boolean_mask: the mask {type_of(chosen)} does not fit {type_of(x)} from axis {at} on")
    places = np.flatnonzero(concrete(chosen, "tf.boolean_mask, whose result has as many elements as the mask says"))
    return op("gather", _flattened(x, at, chosen.ndim), wrap(places), axis=at)


def true_places(condition: Any) -> Tensor:
    """The indices of elements that are not 0 or False, int64 [n, rank] in row-major order."""
    array = concrete(convert(condition), "tf.where(condition), whose result has as many rows as the condition says")
    return wrap(np.argwhere(array != b"" if array.dtype == object else array).astype(np.int64))


def _distinct(x: Any, name: str) -> tuple[Tensor, np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    tensor = convert(x)
    if tensor.ndim != 1:
        raise ShapeError(f"{name}: x is {type_of(tensor)}, expected a vector: rank 1; use tf.reshape(x, [-1])")
    array = concrete(tensor, f"tf.{name}, whose result has as many elements as the data says")
    _, first, inverse, counts = np.unique(
        array, return_index=True, return_inverse=True, return_counts=True, **_each_nan_apart(array)
    )
    order = np.argsort(first)
    place = np.empty_like(order)
    place[order] = np.arange(order.size)
    return op("gather", tensor, wrap(first[order]), axis=0), place[inverse], counts[order]


def _each_nan_apart(array: np.ndarray[Any, Any]) -> dict[str, bool]:
    return {} if array.dtype == object else {"equal_nan": False}


@public("unique")
def unique(x: Any, out_idx: Any = int32, name: str | None = None) -> Unique:
    """The distinct elements of a vector in order of appearance, and where each element stands in them (tf.unique).

    In a trace a vector that is not constant ends the trace.

    Raises:
        ShapeError: for a rank other than 1.
    """
    del name
    y, index, _ = _distinct(x, "unique")
    return Unique(y, wrap(index.astype(as_dtype(out_idx).numpy)))


@public("unique_with_counts")
def unique_with_counts(x: Any, out_idx: Any = int32, name: str | None = None) -> UniqueWithCounts:
    """As tf.unique, and how often each distinct element occurs (tf.unique_with_counts).

    Raises:
        ShapeError: for a rank other than 1.
    """
    del name
    y, index, counts = _distinct(x, "unique_with_counts")
    kind = as_dtype(out_idx).numpy
    return UniqueWithCounts(y, wrap(index.astype(kind)), wrap(counts.astype(kind)))


@public("dynamic_partition")
def dynamic_partition(data: Any, partitions: Any, num_partitions: int, name: str | None = None) -> list[Tensor]:
    """Elements sorted into tensors by their number (tf.dynamic_partition).

    In a trace numbers that are not constant end the trace.

    Args:
        data: a tensor whose shape begins with that of `partitions`.
        partitions: integers from 0 to num_partitions - 1.
        num_partitions: how many tensors.
        name: accepted for compatibility.

    Raises:
        ShapeError: if the data's shape does not begin with that of the partitions.
        InvalidArgumentError: for a partition out of range.
    """
    del name
    x, numbers = convert(data), integer_tensor(partitions, "dynamic_partition: partitions")
    if not _begins_with(x, 0, numbers):
        raise ShapeError(f"dynamic_partition: partitions are {type_of(numbers)}, which do not fit data {type_of(x)}")
    array = concrete(numbers, "tf.dynamic_partition, whose results are as large as the partitions say").reshape(-1)
    if array.size and not (array.min() >= 0 and array.max() < num_partitions):
        raise InvalidArgumentError(
            f"dynamic_partition: partitions are {array.min()} to {array.max()}, expected 0 to {num_partitions - 1}"
        )
    rank = numbers.ndim
    flat = op("reshape", x, shape=(1, *raw_shape(x))) if rank == 0 else _flattened(x, 0, rank)
    return [op("gather", flat, wrap(np.flatnonzero(array == i)), axis=0) for i in range(num_partitions)]


@public("dynamic_stitch")
def dynamic_stitch(indices: Any, data: Any, name: str | None = None) -> Tensor:
    """One tensor of the rows of several, each row at its index (tf.dynamic_stitch): the inverse of dynamic_partition.

    Of rows with one index the last one stays; a row that no index names is 0. In a trace indices that are not
    constant end the trace.

    Args:
        indices: a list of integer tensors.
        data: a list of as many tensors; the shape of each begins with that of its indices.
        name: accepted for compatibility.

    Raises:
        ShapeError: if lists or shapes do not fit.
        DTypeError: if the dtypes of the data differ.
        InvalidArgumentError: for a negative index.
    """
    del name
    places = [integer_tensor(i, "dynamic_stitch: indices") for i in indices]
    first = convert(data[0]) if len(data) else None
    if first is None or len(places) != len(data):
        raise InvalidArgumentError(f"dynamic_stitch: {len(places)} indices for {len(data)} data; give one each")
    parts = [first, *(convert(d, like=first.dtype) for d in data[1:])]
    rest = raw_shape(first)[places[0].ndim :]
    for i, (at, part) in enumerate(zip(places, parts, strict=True)):
        if part.dtype is not first.dtype:
            raise dtype_clash("dynamic_stitch", first.dtype, part.dtype)
        if not _begins_with(part, 0, at) or raw_shape(part)[at.ndim :] != rest:
            raise ShapeError(f"dynamic_stitch: indices[{i}] are {type_of(at)}, which do not fit data {type_of(part)}")
    flat = [op("reshape", p, shape=(dims.product(raw_shape(a)), *rest)) for a, p in zip(places, parts, strict=True)]
    why = "tf.dynamic_stitch, whose result is as large as the indices say"
    target = np.concatenate([concrete(at, why).reshape(-1) for at in places])
    if target.size and target.min() < 0:
        raise InvalidArgumentError(f"dynamic_stitch: index {target.min()} is negative")
    # Row 0 is one of zeros.
    source = np.zeros(int(target.max()) + 1 if target.size else 0, np.int64)
    source[target] = np.arange(1, target.size + 1)
    empty = op("fill", cast(wrap(np.asarray(0)), first.dtype), shape=(1, *rest))
    return op("gather", op("concatenate", empty, *flat, axis=0), wrap(source), axis=0)


__all__ = [
    "Unique", "UniqueWithCounts", "boolean_mask", "dynamic_partition", "dynamic_stitch", "true_places", "unique",
    "unique_with_counts",
]  # fmt: skip
