"""tf.* functions that limit values or norms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eager.convert import convert
from eager.ops.common import floating, op
from eager.ops.elementwise import maximum, minimum, sqrt, square
from eager.ops.public import public
from eager.ops.reduce import reduce_sum
from eager.tensor import Tensor


@public("clip_by_value")
def clip_by_value(t: Any, clip_value_min: Any, clip_value_max: Any, name: str | None = None) -> Tensor:
    """Values limited to a range (tf.clip_by_value). Raises DTypeError if dtypes differ."""
    del name
    return minimum(maximum(t, clip_value_min), clip_value_max)


@public("clip_by_norm")
def clip_by_norm(t: Any, clip_norm: Any, axes: Any = None, name: str | None = None) -> Tensor:
    """Scaled down so that the euclidean norm over axes is at most `clip_norm` (tf.clip_by_norm).

    The gradient at a norm of 0 is that of the identity.
    """
    del name
    x = floating(t, "clip_by_norm")
    limit = convert(clip_norm, like=x.dtype)
    squares = reduce_sum(square(x), axes, True)
    zero, one = convert(0, like=x.dtype), convert(1, like=x.dtype)
    positive = op("greater", squares, zero)
    # The square root of 1 stands in for that of 0, whose gradient is infinite.
    length = op("select", positive, sqrt(op("select", positive, squares, one)), squares)
    return x * limit / maximum(length, limit)


@public("linalg.global_norm")
def global_norm(t_list: Sequence[Any], name: str | None = None) -> Tensor:
    """The euclidean norm of all tensors of a list together (tf.linalg.global_norm); None entries are left out.

    Raises:
        ValueError: if there is no tensor.
    """
    del name
    squares = [reduce_sum(square(floating(t, "global_norm"))) for t in t_list if t is not None]
    if not squares:
        raise ValueError("global_norm: t_list holds no tensor")
    total = squares[0]
    for s in squares[1:]:
        total = total + s
    return sqrt(total)


@public("clip_by_global_norm")
def clip_by_global_norm(
    t_list: Sequence[Any], clip_norm: Any, use_norm: Any = None, name: str | None = None
) -> tuple[list[Tensor | None], Tensor]:
    """All tensors of a list scaled so that their norm together is at most `clip_norm` (tf.clip_by_global_norm).

    Returns the list, with None where it had None, and the norm before; a norm that is not finite makes all NaN.

    Raises:
        ValueError: if there is no tensor.
    """
    del name
    before = global_norm(t_list) if use_norm is None else convert(use_norm)
    limit = convert(clip_norm, like=before.dtype)
    scale = limit * minimum(1.0 / before, 1.0 / limit)
    scale = op("select", op("is_finite", before), scale, convert(float("nan"), like=before.dtype))
    return [None if t is None else convert(t) * scale for t in t_list], before
