"""tf.cumsum, tf.math.cumprod, tf.math.cumulative_logsumexp."""

from __future__ import annotations

from typing import Any

from eager.convert import convert
from eager.ops.common import floating, one_axis, op
from eager.ops.public import public
from eager.tensor import Tensor


def _along(x: Tensor, combine: str, axis: Any, exclusive: bool, reverse: bool, name: str) -> Tensor:
    at = one_axis(axis, x.ndim, name)
    return op("cumulative", x, axis=at, combine=combine, exclusive=bool(exclusive), reverse=bool(reverse))


@public("cumsum", "math.cumsum")
def cumsum(x: Any, axis: Any = 0, exclusive: bool = False, reverse: bool = False, name: str | None = None) -> Tensor:
    """For every element the sum of those up to it along an axis (tf.cumsum).

    Args:
        x: a tensor of numbers, of rank 1 or more.
        axis: the axis.
        exclusive: leaves the element itself out, so that the first sum is 0.
        reverse: sums from the end.
        name: accepted for compatibility.

    Raises:
        InvalidArgumentError: for an axis out of range.
    """
    del name
    return _along(convert(x), "add", axis, exclusive, reverse, "cumsum")


@public("math.cumprod")
def cumprod(x: Any, axis: Any = 0, exclusive: bool = False, reverse: bool = False, name: str | None = None) -> Tensor:
    """For every element the product of those up to it along an axis (tf.math.cumprod); arguments as tf.cumsum.

    Raises:
        InvalidArgumentError: for an axis out of range.
    """
    del name
    return _along(convert(x), "mul", axis, exclusive, reverse, "cumprod")


@public("math.cumulative_logsumexp")
def cumulative_logsumexp(
    x: Any, axis: Any = 0, exclusive: bool = False, reverse: bool = False, name: str | None = None
) -> Tensor:
    """For every element log(sum(exp)) of those up to it along an axis (tf.math.cumulative_logsumexp).

    Arguments as tf.cumsum; minus infinity is the logarithm of an empty sum.

    Raises:
        InvalidTypeError: for an integer or bool tensor.
        InvalidArgumentError: for an axis out of range.
    """
    del name
    t = floating(x, "math.cumulative_logsumexp")
    return _along(t, "logaddexp", axis, exclusive, reverse, "cumulative_logsumexp")
