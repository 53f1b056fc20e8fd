"""tf.* functions that limit values or norms."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from eager.convert import convert
from eager.ops.common import floating, op
from eager.ops.elementwise import maximum, minimum, sqrt, square
from eager.ops.public import public
from eager.ops.reduce import reduce_sum
from eager.tensor import Tensor


def on_rows(function: Callable[[Any], Any], t: Any) -> Any:
    """An elementwise function that keeps 0: of the rows alone of a tf.IndexedSlices, which stays one."""
    # Looked at by its method: `import eager` does not load the class.
    return t.with_values(function(t.values)) if hasattr(t, "with_values") else function(t)


@public("clip_by_value")
def clip_by_value(t: Any, clip_value_min: Any, clip_value_max: Any, name: str | None = None) -> Any:
    """Values limited to a range, the lower limit last; of a tf.IndexedSlices its rows (tf.clip_by_value).

    Raises:
        DTypeError: if dtypes differ.
    """
    del name
    return on_rows(lambda x: maximum(minimum(x, clip_value_max), clip_value_min), t)


@public("clip_by_norm")
def clip_by_norm(t: Any, clip_norm: Any, axes: Any = None, name: str | None = None) -> Any:
    """Scaled down so that the euclidean norm over axes is at most `clip_norm` (tf.clip_by_norm).

    Of a tf.IndexedSlices this is the norm of its rows, where an index that is named twice counts as two. The gradient
    at a norm of 0 is that of the identity.
    """
    del name
    return on_rows(lambda x: _clipped(x, clip_norm, axes), t)


def _clipped(t: Any, clip_norm: Any, axes: Any) -> Tensor:
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

    A list without a tensor has norm 0. Of a tf.IndexedSlices the rows count, also those of one index.

    Raises:
        TypeError: if it is no list.
    """
    del name
    if not isinstance(t_list, Sequence) or isinstance(t_list, str):
        raise TypeError(f"`t_list` should be a sequence of tensors. Received {type(t_list)}.")
    given = [t.values if hasattr(t, "with_values") else t for t in t_list if t is not None]
    squares = [reduce_sum(square(floating(t, "global_norm"))) for t in given]
    if not squares:
        return convert(0.0)
    total = squares[0]
    for s in squares[1:]:
        total = total + s
    return sqrt(total)


@public("clip_by_global_norm")
def clip_by_global_norm(
    t_list: Sequence[Any], clip_norm: Any, use_norm: Any = None, name: str | None = None
) -> tuple[list[Any], Tensor]:
    """All tensors of a list scaled so that their norm together is at most `clip_norm` (tf.clip_by_global_norm).

    Returns the list, with None or a tf.IndexedSlices where it had one, and the norm before; a norm that is not finite
    makes all NaN.

    Raises:
        TypeError: if it is no list.
    """
    del name
    before = global_norm(t_list) if use_norm is None else convert(use_norm)
    limit = convert(clip_norm, like=before.dtype)
    scale = limit * minimum(1.0 / before, 1.0 / limit)
    scale = op("select", op("is_finite", before), scale, convert(float("nan"), like=before.dtype))
    return [None if t is None else on_rows(lambda x: convert(x) * scale, t) for t in t_list], before
