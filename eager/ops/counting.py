"""tf.math.bincount, tf.histogram_fixed_width, tf.math.confusion_matrix: how often which number occurs."""

from __future__ import annotations

from typing import Any

import numpy as np

from eager.convert import convert
from eager.errors import InvalidArgumentError, ShapeError
from eager.ops.common import floating, is_traced, op, raw_shape, settled, shape_argument, size_tensor
from eager.ops.debugging import assert_less, assert_non_negative
from eager.ops.public import public
from eager.ops.scatter import integer_tensor
from eager.ops.shaping import cast, squeeze
from eager.tensor import Tensor, concrete, type_of, wrap
from graphcore import dims
from graphcore.dims import Dim
from graphcore.dtypes import DType, as_dtype, float64, int32, int64


def _bins(numbers: Tensor, minlength: Any, maxlength: Any) -> Dim:
    """The number of bins: the largest number plus 1, within the limits; equal limits need not look at the data."""
    low, high = (None if n is None else shape_argument((n,), "bincount")[0] for n in (minlength, maxlength))
    for n in (low, high):
        if isinstance(n, int) and n < 0:
            raise InvalidArgumentError(f"bincount: minlength and maxlength must be >= 0, got {n}")
    if low is not None and high is not None and settled(lambda: dims.less_equal(high, low)):
        return high
    array = concrete(numbers, "tf.math.bincount, whose result is as long as the data says; give minlength = maxlength")
    count: Dim = int(array.max()) + 1 if array.size else 0
    count = count if low is None else dims.maximum(count, low)
    return count if high is None else dims.minimum(count, high)


def _counted(rows: Tensor, weights: Tensor, bins: Dim) -> Tensor:
    """The sums of the weights [batch, n] of each number: [batch, bins]; larger numbers are left out."""
    batch, width = raw_shape(rows)
    last = size_tensor(bins, int64)
    at = op("minimum", cast(rows, int64), last)
    row = op("iota", shape=(batch, width), axis=0, dtype=int64)
    places = op("concatenate", *(op("reshape", t, shape=(batch, width, 1)) for t in (row, at)), axis=2)
    zeros = op("fill", cast(wrap(np.asarray(0)), weights.dtype), shape=(batch, bins + 1))
    total = op("scatter", zeros, places, weights, combine="add")
    return op("slice", total, begin=(0, 0), end=(batch, bins), strides=(1, 1))


@public("math.bincount")
def bincount(
    arr: Any, weights: Any = None, minlength: Any = None, maxlength: Any = None, dtype: Any = int32,
    name: str | None = None, axis: int | None = None, binary_output: bool = False,
) -> Tensor:  # fmt: skip
    """How often every number from 0 occurs (tf.math.bincount).

    Args:
        arr: integers >= 0.
        weights: what each number counts, of the shape of `arr`; by default 1.
        minlength: the least length of the result.
        maxlength: its greatest length; larger numbers are left out. In a trace give both limits, equal: otherwise
            the length depends on the data, and the trace ends there.
        dtype: the dtype of the counts without weights.
        name: accepted for compatibility.
        axis: None or 0 counts all; -1 each row of a matrix for itself.
        binary_output: 1 for numbers that occur instead of counts.

    Raises:
        ValueError: for another axis, or weights together with binary_output.
        ShapeError: for weights of another shape, or axis -1 and a rank above 2.
        InvalidArgumentError: for a negative number.
    """
    del name
    if weights is not None and binary_output:
        raise ValueError("Arguments `binary_output` and `weights` are mutually exclusive. Please specify only one.")
    if axis not in (None, 0, -1):
        raise ValueError(f"Unsupported value for argument axis={axis}. Only 0 and -1 are currently supported.")
    numbers = integer_tensor(arr, "bincount: arr")
    if axis == -1 and numbers.ndim not in (1, 2):
        raise ShapeError(f"bincount: arr is {type_of(numbers)}, expected rank 1 or 2 with axis=-1")
    if numbers.dtype.kind == "i":
        assert_non_negative(numbers, "bincount: Input arr must be non-negative!")
    given = _weights(numbers, weights, as_dtype(dtype))
    bins = _bins(numbers, minlength, maxlength)
    sizes = raw_shape(numbers) if axis == -1 and numbers.ndim == 2 else (1, dims.product(raw_shape(numbers)))
    counts = _counted(op("reshape", numbers, shape=sizes), op("reshape", given, shape=sizes), bins)
    if binary_output:
        counts = op("minimum", counts, cast(wrap(np.asarray(1)), counts.dtype))
    return counts if len(sizes) == 2 and numbers.ndim == 2 and axis == -1 else op("reshape", counts, shape=(bins,))


def _weights(numbers: Tensor, weights: Any, dtype: DType) -> Tensor:
    if weights is None:
        return op("fill", cast(wrap(np.asarray(1)), dtype), shape=raw_shape(numbers))
    given = convert(weights)
    if given.ndim != numbers.ndim or not settled(
        lambda: all(dims.equal(a, b) for a, b in zip(raw_shape(given), raw_shape(numbers), strict=True))
    ):
        raise ShapeError(f"bincount: weights are {type_of(given)}, expected the shape of arr, {type_of(numbers)}")
    return given


def _range(value_range: Any, x: Tensor, nbins: Any, name: str) -> tuple[Tensor, Tensor, int]:
    limits = convert(value_range, like=x.dtype)
    if limits.ndim != 1 or raw_shape(limits) != (2,):
        raise ShapeError(f"{name}: value_range is {type_of(limits)}, expected two numbers")
    (count,) = shape_argument((nbins,), name)
    if not isinstance(count, int) or count < 1:
        raise InvalidArgumentError(f"{name}: nbins is {count}, expected a positive number that the trace knows")
    if not is_traced(limits):
        low, high = limits.numpy().tolist()
        if not low < high:
            raise InvalidArgumentError(f"{name}: value_range is [{low}, {high}], expected the first below the second")
    return limits[0], limits[1], count


@public("histogram_fixed_width_bins")
def histogram_fixed_width_bins(
    values: Any, value_range: Any, nbins: Any = 100, dtype: Any = int32, name: str | None = None
) -> Tensor:
    """The bin of each value, of `nbins` equal ones over a range (tf.histogram_fixed_width_bins).

    Values outside of the range belong to the first or the last bin.

    Args:
        values: a tensor of numbers.
        value_range: two numbers, the lower first.
        nbins: how many bins.
        dtype: accepted for compatibility, as in TensorFlow; the result is int32.
        name: accepted for compatibility.

    Raises:
        InvalidArgumentError: if the range is empty, or there is no bin.
    """
    del dtype, name
    x = _real(values, "histogram_fixed_width_bins")
    low, high, count = _range(value_range, x, nbins, "histogram_fixed_width_bins")
    bins = convert(float(count), like=x.dtype)
    place = op("floor", bins * ((x - low) / (high - low)))
    return cast(op("minimum", op("maximum", place, convert(0.0, like=x.dtype)), bins - 1.0), int32)


@public("histogram_fixed_width")
def histogram_fixed_width(
    values: Any, value_range: Any, nbins: Any = 100, dtype: Any = int32, name: str | None = None
) -> Tensor:
    """How many values fall into each of `nbins` equal bins over a range (tf.histogram_fixed_width).

    Values outside of the range count in the first or the last bin. Arguments as histogram_fixed_width_bins; `dtype`
    is that of the counts.

    Raises:
        InvalidArgumentError: if the range is empty, or there is no bin.
    """
    del name
    x = _real(values, "histogram_fixed_width")
    low, high, count = _range(value_range, x, nbins, "histogram_fixed_width")
    step = cast(high - low, float64) / float(count)
    place = cast(op("maximum", x, low) - low, float64) / step
    place = cast(op("minimum", place, convert(count - 1.0, like=float64)), int64)
    flat = (1, type_of(x).size)
    ones = op("fill", cast(wrap(np.asarray(1)), as_dtype(dtype)), shape=flat)
    return op("reshape", _counted(op("reshape", place, shape=flat), ones, count), shape=(count,))


def _real(values: Any, name: str) -> Tensor:
    x = convert(values)
    return cast(x, float64) if x.dtype.is_integer else floating(x, name)


@public("math.confusion_matrix")
def confusion_matrix(
    labels: Any, predictions: Any, num_classes: Any = None, weights: Any = None, dtype: Any = int32,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """How often each class (row) was predicted as each class (column) (tf.math.confusion_matrix).

    Args:
        labels: [n] integers; a last axis of size 1 too much is removed.
        predictions: [n] integers, likewise.
        num_classes: the size of the matrix; by default the largest number plus 1, which ends a trace.
        weights: [n], what each pair counts; by default 1.
        dtype: the dtype of the matrix.
        name: accepted for compatibility.

    Raises:
        InvalidArgumentError: for a number that is negative, or not below num_classes.
        ShapeError: if there are not as many predictions as labels.
    """
    del name
    pair = [cast(t, int64) for t in _squeezed(convert(labels), convert(predictions))]
    for t in pair:
        assert_non_negative(t, "confusion_matrix: `labels` and `predictions` must not be negative")
    if num_classes is None:
        why = "tf.math.confusion_matrix without num_classes"
        count: Dim = max((int(concrete(t, why).max()) + 1 for t in pair if t.shape.num_elements() != 0), default=0)
    else:
        (count,) = shape_argument((num_classes,), "confusion_matrix")
        for t in pair:
            assert_less(t, size_tensor(count, int64), "confusion_matrix: `labels` or `predictions` out of bound")
    kind = as_dtype(dtype)
    ones = op("fill", cast(wrap(np.asarray(1)), kind), shape=raw_shape(pair[1]))
    values = ones if weights is None else cast(convert(weights), kind)
    places = op("concatenate", *(op("reshape", t, shape=(*raw_shape(t), 1)) for t in pair), axis=1)
    zeros = op("fill", cast(wrap(np.asarray(0)), kind), shape=(count, count))
    return op("scatter", zeros, places, values, combine="add")


def _squeezed(labels: Tensor, predictions: Tensor) -> tuple[Tensor, Tensor]:
    """Both as vectors; one that has a last axis of size 1 more than the other loses it."""
    if labels.ndim == predictions.ndim + 1 and raw_shape(labels)[-1] == 1:
        labels = squeeze(labels, -1)
    elif predictions.ndim == labels.ndim + 1 and raw_shape(predictions)[-1] == 1:
        predictions = squeeze(predictions, -1)
    same = labels.ndim == predictions.ndim == 1
    if not same or not settled(lambda: dims.equal(raw_shape(labels)[0], raw_shape(predictions)[0])):
        raise ShapeError(
            f"confusion_matrix: labels are {type_of(labels)} and predictions {type_of(predictions)}, expected vectors "
            "of one length"
        )
    return labels, predictions


__all__ = ["bincount", "confusion_matrix", "histogram_fixed_width", "histogram_fixed_width_bins"]
