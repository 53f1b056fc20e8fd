"""tf.math.segment_* and unsorted_segment_*: reductions over rows of equal number."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from eager.convert import convert
from eager.errors import InvalidArgumentError, ShapeError
from eager.ops.common import op, raw_shape, settled, shape_argument, size_tensor
from eager.ops.public import public
from eager.ops.scatter import integer_tensor
from eager.ops.shaping import cast, expand_dims
from eager.tensor import Tensor, concrete, type_of, wrap
from graphcore import dims
from graphcore.dims import Dim
from graphcore.dtypes import DType, int64

_NEUTRAL: dict[str, Callable[[DType], Any]] = {
    "add": lambda dtype: 0, "mul": lambda dtype: 1, "max": lambda dtype: dtype.min, "min": lambda dtype: dtype.max,
}  # fmt: skip


def _full(value: Any, dtype: DType, shape: tuple[Dim, ...]) -> Tensor:
    return op("fill", wrap(np.asarray(value, dtype.numpy)), shape=shape)


def _prefixed(data: Any, segment_ids: Any, name: str, rank: int | None) -> tuple[Tensor, Tensor]:
    """Data and ids; the ids' sizes are the first ones of the data."""
    x, ids = convert(data), integer_tensor(segment_ids, f"{name}: segment_ids")
    if (rank is not None and ids.ndim != rank) or ids.ndim > x.ndim or not settled(
        lambda: all(dims.equal(a, b) for a, b in zip(raw_shape(x), raw_shape(ids), strict=False))
    ):
        expected = "a vector with one number for each row" if rank else "a shape with which that of the data begins"
        raise ShapeError(f"{name}: segment_ids are {type_of(ids)} and data {type_of(x)}; expected {expected}")
    return x, ids


def _row_counts(ids: Tensor, count: Dim, kind: DType, rank: int) -> Tensor:
    """The number of rows of each segment, at least 1, as [count, 1, ...] of a rank; ids [m, 1]."""
    ones = _full(1, int64, raw_shape(ids)[:1])
    counts = op("scatter", _full(0, int64, (count,)), ids, ones, combine="add")
    counts = op("maximum", counts, convert(1, like=int64))
    return cast(op("reshape", counts, shape=(count, *(1,) * (rank - 1))), kind)


def _quotient(total: Tensor, counts: Tensor) -> Tensor:
    if not total.dtype.is_integer:
        return op("div", total, counts)
    from eager.ops.arithmetic import truncatediv

    return truncatediv(total, counts)


# Sorted ids: the number of segments is the last id plus 1, which only the data knows.


def _sorted_ids(ids: Tensor, name: str) -> np.ndarray[Any, Any]:
    array = concrete(ids, f"tf.math.{name}, whose result has as many rows as the ids say")
    if array.size and (array[0] < 0 or (np.diff(array) < 0).any()):
        raise InvalidArgumentError(f"{name}: segment ids must be >= 0 and ascend, got {array.tolist()[:20]}")
    return array


def _segment(name: str, combine: str, what: str, empty: int) -> Callable[..., Tensor]:
    def function(data: Any, segment_ids: Any, name: str | None = None) -> Tensor:
        del name
        x, ids = _prefixed(data, segment_ids, function_name, 1)
        array = _sorted_ids(ids, function_name)
        count = int(array[-1]) + 1 if array.size else 0
        base = _full(_NEUTRAL[combine](x.dtype), x.dtype, (count, *raw_shape(x)[1:]))
        rows = expand_dims(ids, 1)
        result = op("scatter", base, rows, x, combine=combine)
        if function_name == "segment_mean":
            return _quotient(result, _row_counts(rows, count, x.dtype, x.ndim))
        if combine not in ("max", "min") or np.unique(array).size == count:
            return result
        met = np.zeros((count,) + (1,) * (x.ndim - 1), bool)
        met[array] = True
        return op("select", wrap(met), result, convert(0, like=x.dtype))

    function_name = function.__name__ = name
    function.__doc__ = f"""{what} of the rows of each segment; {empty} for one that does not occur (tf.math.{name}).

    The result has one row more than the last id, so in a trace the ids must be constant; where they are not, the
    trace ends there. tf.math.unsorted_{name}, which is told the number of segments, has no such limit.

    Args:
        data: [n, ...].
        segment_ids: [n] integers, ascending, from 0.
        name: accepted for compatibility.

    Raises:
        ShapeError: if there is not one id for each row.
        InvalidArgumentError: if the ids are negative or do not ascend.
    """
    return public(f"math.{name}")(function)


segment_sum = _segment("segment_sum", "add", "The sum", 0)
segment_mean = _segment("segment_mean", "add", "The mean", 0)
segment_prod = _segment("segment_prod", "mul", "The product", 1)
segment_max = _segment("segment_max", "max", "The largest", 0)
segment_min = _segment("segment_min", "min", "The smallest", 0)

# Ids in any order, and a number of segments.


def _flat_rows(data: Any, segment_ids: Any, num_segments: Any, name: str) -> tuple[Tensor, Tensor, Dim]:
    """Data [m, ...], ids [m, 1] and the number of segments; a negative id became that number, a row to cut off."""
    x, ids = _prefixed(data, segment_ids, name, None)
    (count,) = shape_argument((num_segments,), name)
    if isinstance(count, int) and count < 0:
        raise InvalidArgumentError(f"{name}: num_segments is {count}, expected 0 or more")
    rows = dims.product(raw_shape(ids))
    x = op("reshape", x, shape=(rows, *raw_shape(x)[ids.ndim :]))
    ids = cast(op("reshape", ids, shape=(rows, 1)), int64)
    beyond = size_tensor(count, int64)
    # An id that is too large stays out of range and fails.
    moved = op("select", op("less", ids, beyond), ids, ids + convert(1, like=int64))
    return x, op("select", op("less", ids, convert(0, like=int64)), beyond, moved), count


def _without_last(x: Tensor) -> Tensor:
    sizes = raw_shape(x)
    return op("slice", x, begin=(0,) * x.ndim, end=(sizes[0] - 1, *sizes[1:]), strides=(1,) * x.ndim)


def _unsorted(name: str, combine: str, what: str, empty: str) -> Callable[..., Tensor]:
    def function(data: Any, segment_ids: Any, num_segments: Any, name: str | None = None) -> Tensor:
        del name
        x, ids, count = _flat_rows(data, segment_ids, num_segments, function_name)
        base = _full(_NEUTRAL[combine](x.dtype), x.dtype, (count + 1, *raw_shape(x)[1:]))
        result = op("scatter", base, ids, x, combine=combine)
        if function_name in ("unsorted_segment_mean", "unsorted_segment_sqrt_n"):
            rows = _row_counts(ids, count + 1, x.dtype, result.ndim)
            # Unlike segment_mean, TensorFlow's divides integers as `/` does.
            result = result / rows if function_name.endswith("mean") else _quotient(result, op("sqrt", rows))
        return _without_last(result)

    function_name = function.__name__ = name
    function.__doc__ = f"""{what} of the rows of each segment; {empty} for an empty one (tf.math.{name}).

    Args:
        data: a tensor whose shape begins with that of the ids.
        segment_ids: integers below num_segments, in any order; rows of negative ids are left out.
        num_segments: the first size of the result.
        name: accepted for compatibility.

    Returns:
        [num_segments, ...] with the sizes of the data that follow those of the ids.

    Raises:
        ShapeError: if the data's shape does not begin with that of the ids.
        InvalidArgumentError: for an id of num_segments or more.
    """
    return public(f"math.{name}")(function)


unsorted_segment_sum = _unsorted("unsorted_segment_sum", "add", "The sum", "0")
unsorted_segment_mean = _unsorted("unsorted_segment_mean", "add", "The mean", "0")
unsorted_segment_sqrt_n = _unsorted(
    "unsorted_segment_sqrt_n", "add", "The sum, divided by the square root of the number,", "0"
)
unsorted_segment_prod = _unsorted("unsorted_segment_prod", "mul", "The product", "1")
unsorted_segment_max = _unsorted("unsorted_segment_max", "max", "The largest", "the lowest number of the dtype")
unsorted_segment_min = _unsorted("unsorted_segment_min", "min", "The smallest", "the highest number of the dtype")
