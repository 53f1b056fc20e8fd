"""tf.gather_nd, tf.scatter_nd and their kin: reading and writing at multi-component indices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from eager.convert import convert, convert_pair
from eager.errors import InvalidArgumentError
from eager.ops.common import InvalidTypeError, one_axis, op, shape_argument
from eager.ops.pick import require_batch
from eager.ops.public import public
from eager.tensor import Tensor, type_of


def integer_tensor(x: Any, what: str) -> Tensor:
    """A tensor of integers. Raises InvalidTypeError that says what it is for, for any other dtype."""
    tensor = convert(x)
    if not tensor.dtype.is_integer:
        raise InvalidTypeError(f"{what} are {type_of(tensor)}, expected integers; write tf.cast(x, tf.int32)")
    return tensor


@public("gather_nd")
def gather_nd(params: Any, indices: Any, batch_dims: Any = 0, name: str | None = None) -> Tensor:
    """Parts of `params` at indices of several components (tf.gather_nd).

    Args:
        params: a tensor.
        indices: integers [..., k]; the k components address axes batch_dims, ..., batch_dims + k - 1.
        batch_dims: how many leading axes `params` and `indices` share.
        name: accepted for compatibility.

    Returns:
        indices.shape[:-1] + params.shape[batch_dims + k:].

    Raises:
        InvalidArgumentError: if an index is out of range.
        ShapeError: for more components than axes, or batch sizes that differ.
    """
    del name
    x, at = convert(params), integer_tensor(indices, "gather_nd: indices")
    batch = 0 if batch_dims == 0 else one_axis(batch_dims, max(at.ndim, 1), "gather_nd")
    require_batch("gather_nd", x, at, batch)
    return op("gather_nd", x, at, batch_dims=batch)


@public("scatter_nd")
def scatter_nd(indices: Any, updates: Any, shape: Any, name: str | None = None) -> Tensor:
    """Zeros of a shape to which updates were added at indices (tf.scatter_nd).

    Args:
        indices: integers [..., k].
        updates: indices.shape[:-1] + shape[k:]; those of equal indices add up.
        shape: the shape of the result.
        name: accepted for compatibility.

    Raises:
        InvalidArgumentError: if an index is out of range.
        ShapeError: if the shape of the updates does not fit.
    """
    del name
    values, at = convert(updates), integer_tensor(indices, "scatter_nd: indices")
    sizes = shape_argument(shape, "scatter_nd")
    if any(isinstance(d, int) and d < 0 for d in sizes):
        raise InvalidArgumentError(f"scatter_nd: sizes must be >= 0, got shape {sizes}")
    zeros = op("fill", convert(False if values.dtype.is_bool else 0, like=values.dtype), shape=sizes)
    return op("scatter", zeros, at, values, combine="add")


def _scatter(public_name: str, combine: str, what: str) -> Callable[..., Tensor]:
    def function(tensor: Any, indices: Any, updates: Any, name: str | None = None) -> Tensor:
        del name
        x, values = convert_pair(tensor, updates, public_name)
        return op("scatter", x, integer_tensor(indices, f"{public_name}: indices"), values, combine=combine)

    function.__name__ = public_name
    function.__doc__ = f"""A tensor with {what} (tf.{public_name}).

    Args:
        tensor: the tensor.
        indices: integers [..., k]; the k components address the leading axes.
        updates: indices.shape[:-1] + tensor.shape[k:], of the tensor's dtype.
        name: accepted for compatibility.

    Raises:
        InvalidArgumentError: if an index is out of range.
        ShapeError: if the shape of the updates does not fit.
        DTypeError: if dtypes differ.
    """
    return public(public_name)(function)


tensor_scatter_nd_add = _scatter("tensor_scatter_nd_add", "add", "updates added at indices")
tensor_scatter_nd_max = _scatter("tensor_scatter_nd_max", "max", "the larger of element and update at indices")
tensor_scatter_nd_min = _scatter("tensor_scatter_nd_min", "min", "the smaller of element and update at indices")
tensor_scatter_nd_update = _scatter("tensor_scatter_nd_update", "update", "elements replaced at indices")


@public("tensor_scatter_nd_sub")
def tensor_scatter_nd_sub(tensor: Any, indices: Any, updates: Any, name: str | None = None) -> Tensor:
    """A tensor with updates subtracted at indices (tf.tensor_scatter_nd_sub); arguments as tensor_scatter_nd_add.

    Raises:
        InvalidArgumentError: if an index is out of range.
        ShapeError: if the shape of the updates does not fit.
        DTypeError: if dtypes differ.
    """
    del name
    x, values = convert_pair(tensor, updates, "tensor_scatter_nd_sub")
    at = integer_tensor(indices, "tensor_scatter_nd_sub: indices")
    return op("scatter", x, at, op("neg", values), combine="add")


__all__ = [
    "gather_nd", "integer_tensor", "scatter_nd", "tensor_scatter_nd_add", "tensor_scatter_nd_max",
    "tensor_scatter_nd_min", "tensor_scatter_nd_sub", "tensor_scatter_nd_update",
]  # fmt: skip
