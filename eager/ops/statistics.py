"""tf.nn functions on means and variances, beside tf.nn.moments."""

from __future__ import annotations

from typing import Any

from eager.convert import convert
from eager.ops.common import axes_of, floating, op, raw_shape, size_tensor
from eager.ops.elementwise import divide_no_nan, square, squared_difference
from eager.ops.nn import batch_normalization
from eager.ops.public import public
from eager.ops.reduce import reduce_sum
from eager.ops.shaping import cast
from eager.tensor import Tensor
from graphcore import dims
from graphcore.dtypes import float32


@public("nn.weighted_moments")
def weighted_moments(
    x: Any, axes: Any, frequency_weights: Any, keepdims: bool = False, name: str | None = None
) -> tuple[Tensor, Tensor]:
    """Mean and variance over axes, each element counted by its weight (tf.nn.weighted_moments).

    Weights whose sum is 0 give 0 and 0.

    Args:
        x: a floating tensor.
        axes: an axis or a list of axes.
        frequency_weights: weights that broadcast with x.
        keepdims: keeps reduced axes with size 1.
        name: accepted for compatibility.

    Raises:
        InvalidArgumentError: for an axis out of range.
        InvalidTypeError: for an integer or bool tensor.
    """
    del name
    given = floating(x, "nn.weighted_moments")
    # Sums of 16-bit numbers lose digits early.
    t = cast(given, float32) if given.dtype.size < 4 else given
    weights = cast(convert(frequency_weights, like=t.dtype), t.dtype)
    axes = axes_of(axes, t.ndim, "weighted_moments")
    total = reduce_sum(op("add", weights, op("fill", convert(0, like=t.dtype), shape=raw_shape(t))), axes, True)
    mean = divide_no_nan(reduce_sum(weights * t, axes, True), total)
    variance = divide_no_nan(reduce_sum(weights * squared_difference(t, mean), axes, True), total)
    if not keepdims:
        kept = tuple(d for i, d in enumerate(raw_shape(mean)) if i not in axes)
        mean, variance = op("reshape", mean, shape=kept), op("reshape", variance, shape=kept)
    return cast(mean, given.dtype), cast(variance, given.dtype)


@public("nn.sufficient_statistics")
def sufficient_statistics(
    x: Any, axes: Any, shift: Any = None, keepdims: bool = False, name: str | None = None
) -> tuple[Tensor, Tensor, Tensor, Tensor | None]:
    """Count, sum and sum of squares over axes, of x - shift, and the shift (tf.nn.sufficient_statistics).

    Args:
        x: a floating tensor.
        axes: an axis or a list of axes.
        shift: a value near the mean, for numerical stability; None for none.
        keepdims: keeps reduced axes with size 1.
        name: accepted for compatibility.

    Raises:
        InvalidArgumentError: for an axis out of range.
        InvalidTypeError: for an integer or bool tensor.
    """
    del name
    t = floating(x, "nn.sufficient_statistics")
    axes = axes_of(axes, t.ndim, "sufficient_statistics")
    count = size_tensor(dims.product(raw_shape(t)[a] for a in axes), t.dtype)
    centre = None if shift is None else convert(shift, like=t.dtype)
    moved = t if centre is None else t - centre
    return count, reduce_sum(moved, axes, keepdims), reduce_sum(square(moved), axes, keepdims), centre


@public("nn.normalize_moments")
def normalize_moments(
    counts: Any, mean_ss: Any, variance_ss: Any, shift: Any, name: str | None = None
) -> tuple[Tensor, Tensor]:
    """Mean and variance from what tf.nn.sufficient_statistics gives (tf.nn.normalize_moments).

    Raises:
        DTypeError: if dtypes differ.
    """
    del name
    share = 1.0 / floating(counts, "nn.normalize_moments")
    shifted = convert(mean_ss, like=share.dtype) * share
    mean = shifted if shift is None else shifted + shift
    return mean, convert(variance_ss, like=share.dtype) * share - square(shifted)


@public("nn.batch_norm_with_global_normalization")
def batch_norm_with_global_normalization(
    input: Any, mean: Any, variance: Any, beta: Any, gamma: Any, variance_epsilon: float,
    scale_after_normalization: bool, name: str | None = None,
) -> Tensor:  # fmt: skip
    """Batch normalization of [batch, height, width, depth] (tf.nn.batch_norm_with_global_normalization).

    As tf.nn.batch_normalization with offset beta, and with scale gamma if scale_after_normalization.

    Raises:
        ShapeError: if the statistics do not broadcast to the input.
        DTypeError: if dtypes differ.
    """
    del name
    return batch_normalization(
        input, mean, variance, beta, gamma if scale_after_normalization else None, variance_epsilon
    )
