"""tf.sort and its kin: sorted values, orders, the largest k, positions in sorted rows."""

from __future__ import annotations

from typing import Any, NamedTuple

from eager.convert import convert, convert_pair
from eager.dispatch import run
from eager.errors import InvalidArgumentError, ShapeError
from eager.ops.common import InvalidTypeError, one_axis, op, raw_shape, settled, shape_argument, size_tensor
from eager.ops.public import public
from eager.ops.shaping import cast
from eager.tensor import Tensor, type_of
from graphcore import dims
from graphcore.dims import Dim
from graphcore.dtypes import as_dtype, int32, int64
from graphcore.optable import get_op


class TopKV2(NamedTuple):
    """The results of tf.math.top_k."""

    values: Tensor
    indices: Tensor


def _sorted(x: Tensor, axis: int, descending: bool) -> tuple[Tensor, Tensor]:
    values, order = run(get_op("sort"), (x,), {"axis": axis, "descending": descending})
    return values, order


def _descending(direction: Any, name: str) -> bool:
    if direction not in ("ASCENDING", "DESCENDING"):
        raise ValueError(f"{name}: direction is {direction!r}, expected 'ASCENDING' or 'DESCENDING'")
    return direction == "DESCENDING"


@public("sort")
def sort(values: Any, axis: Any = -1, direction: str = "ASCENDING", name: str | None = None) -> Tensor:
    """The values in order along an axis, NaN last (tf.sort).

    Args:
        values: a tensor of numbers, of rank 1 or more.
        axis: the axis; the last by default.
        direction: "ASCENDING" or "DESCENDING".
        name: accepted for compatibility.

    Raises:
        ValueError: for another direction.
        InvalidArgumentError: for an axis out of range.
    """
    del name
    x = convert(values)
    return _sorted(x, one_axis(axis, x.ndim, "sort"), _descending(direction, "sort"))[0]


@public("argsort")
def argsort(
    values: Any, axis: Any = -1, direction: str = "ASCENDING", stable: bool = False, name: str | None = None
) -> Tensor:
    """The int32 indices that sort along an axis; equal values stay in order (tf.argsort).

    Args:
        values: a tensor of numbers, of rank 1 or more.
        axis: the axis; the last by default.
        direction: "ASCENDING" or "DESCENDING".
        stable: accepted for compatibility; the order is stable always.
        name: accepted for compatibility.

    Raises:
        ValueError: for another direction.
        InvalidArgumentError: for an axis out of range.
    """
    del stable, name
    x = convert(values)
    return _sorted(x, one_axis(axis, x.ndim, "argsort"), _descending(direction, "argsort"))[1]


@public("math.top_k", "nn.top_k")
def top_k(input: Any, k: Any = 1, sorted: bool = True, index_type: Any = int32, name: str | None = None) -> TopKV2:
    """The k largest values along the last axis, and their indices (tf.math.top_k).

    Of equal values the one of lower index comes first.

    Args:
        input: a tensor of numbers, of rank 1 or more.
        k: how many; a number, or a scalar integer tensor.
        sorted: accepted for compatibility; the values descend always.
        index_type: the dtype of the indices, int32 or int64.
        name: accepted for compatibility.

    Raises:
        InvalidArgumentError: if k is negative or above the size of the last axis.
    """
    del sorted, name
    x = convert(input)
    if x.ndim < 1:
        raise ShapeError(f"top_k: input is {type_of(x)}, expected rank 1 or more")
    (count,) = shape_argument((k,), "top_k")
    sizes = raw_shape(x)
    if not settled(lambda: dims.less_equal(0, count) and dims.less_equal(count, sizes[-1])):
        raise InvalidArgumentError(f"top_k: k is {count}, expected 0 to {sizes[-1]}, the last size of {type_of(x)}")
    values, order = run(get_op("sort"), (x,), {"axis": x.ndim - 1, "descending": True, "count": count})
    return TopKV2(values, cast(order, as_dtype(index_type)))


@public("math.in_top_k", "nn.in_top_k")
def in_top_k(targets: Any, predictions: Any, k: Any, name: str | None = None) -> Tensor:
    """Whether the target class is among the k most probable ones (tf.math.in_top_k).

    All classes that tie with the last of the k count as among them. A row with a target out of range, or with a
    prediction that is not finite, gives False.

    Args:
        targets: class numbers [batch], integer.
        predictions: [batch, classes], floating.
        k: how many classes.
        name: accepted for compatibility.

    Raises:
        ShapeError: for other ranks.
        InvalidTypeError: for other dtypes.
    """
    del name
    at, x = convert(targets), convert(predictions)
    if at.ndim != 1 or x.ndim != 2:
        raise ShapeError(f"in_top_k: targets are {type_of(at)} and predictions {type_of(x)}, expected rank 1 and 2")
    if not at.dtype.is_integer or not x.dtype.is_floating:
        raise InvalidTypeError(
            f"in_top_k: targets are {type_of(at)} and predictions {type_of(x)}, expected integers and floats"
        )
    batch, classes = raw_shape(x)
    wide = cast(at, int64)
    hit = op("one_hot", wide, depth=classes, axis=1, dtype=as_dtype(bool))
    chosen = op("reduce_sum", op("select", hit, x, convert(0, like=x.dtype)), axes=(1,), keepdims=True)
    above = cast(op("greater", x, chosen), int64)
    rank = op("reduce_sum", above, axes=(1,), keepdims=False)
    valid = op("logical_and", op("reduce_all", op("is_finite", x), axes=(1,), keepdims=False),
               op("reduce_any", hit, axes=(1,), keepdims=False))  # fmt: skip
    del batch
    return op("logical_and", valid, op("less", rank, cast(convert(k), int64)))


@public("searchsorted")
def searchsorted(
    sorted_sequence: Any, values: Any, side: str = "left", out_type: Any = int32, name: str | None = None
) -> Tensor:
    """Where values belong in sorted rows (tf.searchsorted).

    Args:
        sorted_sequence: [..., n], each row ascending.
        values: [..., m] of the same leading sizes.
        side: "left" gives the first place whose element is not below the value, "right" the first above it.
        out_type: the dtype of the result, int32 or int64.
        name: accepted for compatibility.

    Returns:
        A tensor of the shape of `values` with numbers from 0 to n.

    Raises:
        ValueError: for another side.
        DTypeError: if dtypes differ.
        ShapeError: if the leading sizes differ.
    """
    del name
    if side not in ("left", "right"):
        raise ValueError(f"Argument `side` must be either 'right' or 'left'. Received: `side` = '{side}'.")
    rows, wanted = convert_pair(sorted_sequence, values, "searchsorted")
    if rows.ndim < 1 or rows.ndim != wanted.ndim or not settled(
        lambda: all(dims.equal(a, b) for a, b in zip(raw_shape(rows)[:-1], raw_shape(wanted)[:-1], strict=True))
    ):
        raise ShapeError(
            f"searchsorted: sorted_sequence is {type_of(rows)} and values {type_of(wanted)}; expected equal ranks "
            "of at least 1 and equal sizes but for the last"
        )
    sizes, kind = raw_shape(wanted), as_dtype(out_type)
    if raw_shape(rows)[-1] == 0:
        return op("fill", convert(0, like=kind), shape=sizes)
    lead = dims.product(sizes[:-1])
    flat = [op("reshape", t, shape=(lead, raw_shape(t)[-1])) for t in (rows, wanted)]
    return cast(op("reshape", _bisect(flat[0], flat[1], side), shape=sizes), kind)


_MOST_STEPS = 32


def _bisect(rows: Tensor, wanted: Tensor, side: str) -> Tensor:
    """Binary search in [batch, n] for [batch, m]: as many steps as the largest n needs."""
    size: Dim = raw_shape(rows)[1]
    highest = dims.bounds(size)[1]
    steps = _MOST_STEPS if highest is None else int(highest).bit_length()
    last = size_tensor(size - 1, int32)
    compare = "less" if side == "left" else "less_equal"
    low = op("fill", convert(0, like=int32), shape=raw_shape(wanted))
    high = op("broadcast_to", size_tensor(size, int32), shape=raw_shape(wanted))
    for _ in range(steps):
        middle = low + (high - low) // 2
        found = op("gather", rows, op("minimum", middle, last), axis=1, batch_dims=1)
        below = op("logical_and", op("less", low, high), op(compare, found, wanted))
        low, high = op("select", below, middle + 1, low), op("select", below, high, middle)
    return low
