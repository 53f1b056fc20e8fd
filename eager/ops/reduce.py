"""tf.math functions over axes: sums, extremes, means, norms, positions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from eager.convert import convert
from eager.errors import InvalidArgumentError
from eager.ops.common import axes_of, floating, one_axis, op, raw_shape, size_tensor
from eager.ops.elementwise import abs, pow, sqrt, square
from eager.ops.public import public
from eager.tensor import Tensor
from graphcore import dims
from graphcore.dtypes import as_dtype, bool_, float32, float64, int64, string, uint8


def _reduce(op_name: str, x: Tensor, axis: Any, keepdims: bool, name: str) -> Tensor:
    axes = axes_of(axis, x.ndim, name)
    return op(op_name, x, axes=axes, keepdims=bool(keepdims))


def _reduction(op_name: str, what: str) -> Callable[..., Tensor]:
    def function(input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None) -> Tensor:
        del name
        return _reduce(op_name, convert(input_tensor), axis, keepdims, op_name)

    function.__name__ = op_name
    function.__doc__ = f"""{what} over axes (tf.{op_name}).

    Args:
        input_tensor: the tensor.
        axis: an axis, a list of axes, or None for all; negative ones count from the end.
        keepdims: keeps reduced axes with size 1.
        name: accepted for compatibility.

    Raises:
        InvalidArgumentError: for an axis out of range.
        DTypeError: for a dtype that has no such reduction.
    """
    return public(op_name, f"math.{op_name}")(function)


reduce_sum = _reduction("reduce_sum", "The sum")
reduce_prod = _reduction("reduce_prod", "The product")
reduce_max = _reduction("reduce_max", "The largest element; NaN wins")
reduce_min = _reduction("reduce_min", "The smallest element; NaN wins")
reduce_any = _reduction("reduce_any", "Whether any element of a bool tensor holds")
reduce_all = _reduction("reduce_all", "Whether all elements of a bool tensor hold")


@public("reduce_mean", "math.reduce_mean")
def reduce_mean(input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None) -> Tensor:
    """The mean over axes (tf.reduce_mean); integers divide with rounding towards 0.

    The mean of 16-bit floats is computed in float32 and rounded once, that of integers in 64 bits.

    Raises:
        InvalidArgumentError: for an axis out of range.
    """
    del name
    x = convert(input_tensor)
    axes = axes_of(axis, x.ndim, "reduce_mean")
    size = dims.product(raw_shape(x)[a] for a in axes)
    if x.dtype.is_half:
        return op("cast", reduce_mean(op("cast", x, dtype=float32), axes, keepdims), dtype=x.dtype)
    if x.dtype.is_integer and x.dtype.size < 8:  # neither the sum nor the number may be one of that dtype
        return op("cast", reduce_mean(op("cast", x, dtype=int64), axes, keepdims), dtype=x.dtype)
    total = op("reduce_sum", x, axes=axes, keepdims=bool(keepdims))
    if x.dtype.is_integer:
        from eager.ops.arithmetic import truncatediv

        return truncatediv(total, size_tensor(size, x.dtype))
    count = size_tensor(size, x.dtype.real_dtype)
    count = op("cast", count, dtype=x.dtype) if x.dtype.is_complex else count
    return op("div", total, count)


@public("math.reduce_variance")
def reduce_variance(input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None) -> Tensor:
    """The mean squared deviation from the mean (tf.math.reduce_variance), of a floating or complex tensor.

    Of complex numbers the deviation is an absolute value, and the result real.
    """
    del name
    x = floating(input_tensor, "math.reduce_variance")
    squares = _squares(x - reduce_mean(x, axis, True))
    return reduce_mean(op("real", squares) if x.dtype.is_complex else squares, axis, keepdims)


@public("math.reduce_std")
def reduce_std(input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None) -> Tensor:
    """The square root of the variance (tf.math.reduce_std)."""
    del name
    return sqrt(reduce_variance(input_tensor, axis, keepdims))


@public("reduce_logsumexp", "math.reduce_logsumexp")
def reduce_logsumexp(input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None) -> Tensor:
    """log(sum(exp(x))) without overflow (tf.reduce_logsumexp)."""
    del name
    x = floating(input_tensor, "reduce_logsumexp")
    axes = axes_of(axis, x.ndim, "reduce_logsumexp")
    top = op("stop_gradient", op("reduce_max", x, axes=axes, keepdims=True))
    zero = convert(0, like=x.dtype)
    top = op("select", op("is_finite", top), top, zero)
    total = op("log", op("reduce_sum", op("exp", op("sub", x, top)), axes=axes, keepdims=True))
    result = op("add", total, top)
    if keepdims:
        return result
    return op("reshape", result, shape=tuple(d for i, d in enumerate(raw_shape(x)) if i not in axes))


@public("math.count_nonzero")
def count_nonzero(
    input: Any, axis: Any = None, keepdims: bool = False, dtype: Any = int64, name: str | None = None
) -> Tensor:
    """The number of elements that are not 0 (tf.math.count_nonzero)."""
    del name
    x = convert(input)
    hits = x if x.dtype is bool_ else op("not_equal", x, convert("" if x.dtype is string else 0, like=x.dtype))
    return _reduce("reduce_sum", op("cast", hits, dtype=as_dtype(dtype)), axis, keepdims, "count_nonzero")


@public("math.reduce_euclidean_norm")
def reduce_euclidean_norm(
    input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None
) -> Tensor:
    """The square root of the sum of squared absolute values (tf.math.reduce_euclidean_norm)."""
    del name
    given = convert(input_tensor)
    if isinstance(input_tensor, Tensor) and given.dtype.is_integer:  # as in TensorFlow, squares and sums wrap
        total = op("cast", reduce_sum(op("mul", given, given), axis, keepdims), dtype=float64)
        return op("cast", sqrt(total), dtype=given.dtype)
    return sqrt(reduce_sum(_squares(floating(input_tensor, "reduce_euclidean_norm")), axis, keepdims))


@public("norm", "linalg.norm")
def norm(
    tensor: Any, ord: Any = "euclidean", axis: Any = None, keepdims: bool = False, name: str | None = None
) -> Tensor:
    """A norm of vectors along an axis, or of matrices along two (tf.norm).

    Args:
        tensor: a floating or complex tensor.
        ord: "euclidean", 1, 2, infinity, or for vectors any positive number; for matrices also "fro". The spectral
            norm, 2 of matrices, runs on the host.
        axis: the axis of vectors, a pair of axes of matrices, or None for the flat tensor.
        keepdims: keeps reduced axes with size 1.
        name: accepted for compatibility.

    Raises:
        ValueError: for an order that is no norm.
    """
    del name
    x = floating(tensor, "norm")
    matrices = isinstance(axis, list | tuple) and len(axis) == 2
    if isinstance(axis, list | tuple) and len(axis) not in (1, 2):
        raise InvalidArgumentError(f"norm: axis is {axis}, expected None, an axis, or a pair of axes")
    if ord == "euclidean" or (ord == "fro" and matrices) or (ord == 2 and not matrices):
        return sqrt(reduce_sum(_squares(x), axis, keepdims))
    if isinstance(ord, str) or ord <= 0:
        raise ValueError(f"norm: order {ord!r} is no norm; use 'euclidean', 'fro' for matrices, or a positive number")
    if matrices:
        return _matrix_norm(x, ord, axis, keepdims)
    if ord == float("inf"):
        return reduce_max(abs(x), axis, keepdims)
    if ord == 1:
        return reduce_sum(abs(x), axis, keepdims)
    return pow(reduce_sum(pow(abs(x), ord), axis, keepdims), 1.0 / ord)


def _squares(x: Tensor) -> Tensor:
    """x times its conjugate, which as in TensorFlow stays complex."""
    if not x.dtype.is_complex:
        return square(x)
    from eager.ops.complex import conj

    return op("mul", x, conj(x))


def _spectral_norm(x: Tensor, rows: int, columns: int, keepdims: bool) -> Tensor:
    """The largest singular value."""
    from eager.ops.matrix import svd

    rest = tuple(i for i in range(x.ndim) if i not in (rows, columns))
    values = svd(op("transpose", x, perm=(*rest, rows, columns)), compute_uv=False)
    largest = op("reduce_max", values, axes=(values.ndim - 1,), keepdims=False)
    if not keepdims:
        return largest
    return op("reshape", largest, shape=tuple(1 if i in (rows, columns) else d for i, d in enumerate(raw_shape(x))))


def _matrix_norm(x: Tensor, ord: Any, axis: Any, keepdims: bool) -> Tensor:
    """The largest column sum (1), singular value (2) or row sum (infinity)."""
    rows, columns = (one_axis(a, x.ndim, "norm") for a in axis)
    if rows == columns:
        raise InvalidArgumentError(f"norm: axis {axis} names a dimension twice")
    if ord not in (1, 2, float("inf")):
        raise InvalidArgumentError(f"norm: order {ord!r} of matrices; expected 'euclidean', 'fro', 1, 2 or infinity")
    if ord == 2:
        return _spectral_norm(x, rows, columns, keepdims)
    sizes = abs(x)
    summed, rest = (rows, columns) if ord == 1 else (columns, rows)
    total = reduce_max(reduce_sum(sizes, summed, True), rest, True)
    return total if keepdims else reduce_sum(total, (rows, columns))


def _ordered(value: Any) -> Tensor:
    """A tensor that has a largest element: of bool, True is above False."""
    x = convert(value)
    return op("cast", x, dtype=uint8) if x.dtype.is_bool else x


@public("argmax", "math.argmax")
def argmax(input: Any, axis: Any = None, output_type: Any = int64, name: str | None = None) -> Tensor:
    """The index of the largest element along an axis, 0 by default; the first of equals (tf.argmax)."""
    del name
    x = _ordered(input)
    return op(
        "argmax", x, axis=one_axis(0 if axis is None else axis, x.ndim, "argmax"), output_type=as_dtype(output_type)
    )


@public("argmin", "math.argmin")
def argmin(input: Any, axis: Any = None, output_type: Any = int64, name: str | None = None) -> Tensor:
    """The index of the smallest element along an axis, 0 by default; the first of equals (tf.argmin)."""
    del name
    x = _ordered(input)
    return op(
        "argmin", x, axis=one_axis(0 if axis is None else axis, x.ndim, "argmin"), output_type=as_dtype(output_type)
    )
