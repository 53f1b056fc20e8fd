"""tf.math functions that are short compositions: quotients towards zero, polynomials, order of vectors, counts of 0."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eager.convert import convert, convert_pair
from eager.errors import DTypeError, InvalidArgumentError, ShapeError
from eager.ops.common import floating, op, raw_shape
from eager.ops.elementwise import add, divide, divide_no_nan, multiply
from eager.ops.public import public
from eager.ops.shaping import cast
from eager.tensor import Tensor, type_of
from graphcore.dtypes import as_dtype, float32, int64


@public("realdiv")
def realdiv(x: Any, y: Any, name: str | None = None) -> Tensor:
    """x / y of floating tensors (tf.realdiv); integers become float64 or float32, as in tf.divide.

    Raises:
        DTypeError: if two tensors differ in dtype.
    """
    del name
    return divide(x, y)


@public("truncatediv")
def truncatediv(x: Any, y: Any, name: str | None = None) -> Tensor:
    """The quotient rounded towards zero, elementwise with broadcasting (tf.truncatediv): -7 by 5 is -1.

    Raises:
        DTypeError: if two tensors differ in dtype.
        ShapeError: if the shapes do not broadcast.
    """
    del name
    a, b = convert_pair(x, y, "truncatediv")
    if a.dtype.is_floating:
        quotient = op("div", a, b)
        return op("select", quotient < 0, op("ceil", quotient), op("floor", quotient))
    quotient = op("floordiv", a, b)
    if a.dtype.is_unsigned:
        return quotient
    inexact = op("not_equal", quotient * b, a)
    apart = op("not_equal", op("less", a, convert(0, like=a.dtype)), op("less", b, convert(0, like=a.dtype)))
    return op("select", op("logical_and", inexact, apart), quotient + 1, quotient)


@public("truncatemod")
def truncatemod(x: Any, y: Any, name: str | None = None) -> Tensor:
    """The remainder of truncatediv, of the sign of x (tf.truncatemod): -7 by 5 is -2.

    Raises:
        DTypeError: if two tensors differ in dtype.
        ShapeError: if the shapes do not broadcast.
    """
    del name
    a, b = convert_pair(x, y, "truncatemod")
    if a.dtype.is_unsigned:
        return op("mod", a, b)
    zero = convert(0, like=a.dtype)
    if a.dtype.is_floating:
        # Of positive numbers both remainders are the same, and exact.
        rest = op("mod", op("abs", a), op("abs", b))
        return op("select", op("less", a, zero), -rest, rest)
    rest = op("mod", a, b)
    apart = op("not_equal", op("less", rest, zero), op("less", a, zero))
    return op("select", op("logical_and", apart, op("not_equal", rest, zero)), rest - b, rest)


@public("math.rint")
def rint(x: Any, name: str | None = None) -> Tensor:
    """The nearest integer of a floating tensor, halves to the even one (tf.math.rint).

    Raises:
        TypeError: for an integer or bool tensor.
    """
    del name
    return op("round", floating(x, "math.rint"))


@public("scalar_mul", "math.scalar_mul")
def scalar_mul(scalar: Any, x: Any, name: str | None = None) -> Tensor:
    """A scalar times a tensor (tf.math.scalar_mul).

    Raises:
        ShapeError: if the first is no scalar.
        DTypeError: if dtypes differ.
    """
    del name
    factor, tensor = convert_pair(scalar, x, "scalar_mul")
    if factor.ndim:
        raise ShapeError(f"scalar_mul: the scalar is {type_of(factor)}, expected rank 0")
    return op("mul", factor, tensor)


@public("math.reciprocal_no_nan")
def reciprocal_no_nan(x: Any, name: str | None = None) -> Tensor:
    """1 / x, and 0 where x is 0, of a floating tensor (tf.math.reciprocal_no_nan).

    Raises:
        TypeError: for an integer or bool tensor.
    """
    del name
    t = floating(x, "math.reciprocal_no_nan")
    return divide_no_nan(convert(1.0, like=t.dtype), t)


@public("math.xdivy")
def xdivy(x: Any, y: Any, name: str | None = None) -> Tensor:
    """x / y, and 0 where x is 0 even if y is (tf.math.xdivy), of floating tensors that broadcast.

    Raises:
        DTypeError: if dtypes differ, or for integers.
    """
    del name
    a, b = convert_pair(x, y, "xdivy")
    if a.dtype.is_integer or a.dtype.is_bool:
        raise DTypeError(f"xdivy: operands are {a.dtype.name}, expected floating; write tf.cast(x, tf.float32)")
    none = op("equal", a, convert(0, like=a.dtype))
    safe = op("select", none, convert(1, like=a.dtype), b)
    return op("select", none, convert(0, like=a.dtype), op("div", a, safe))


@public("math.polyval")
def polyval(coeffs: Any, x: Any, name: str | None = None) -> Tensor:
    """A polynomial at x, by Horner's rule (tf.math.polyval).

    Args:
        coeffs: a list of coefficients that broadcast with x, the highest power first; an empty one gives 0.
        x: a tensor.
        name: accepted for compatibility.

    Raises:
        ValueError: if the coefficients are no list.
        DTypeError: if dtypes differ.
    """
    del name
    if not isinstance(coeffs, list | tuple):
        raise ValueError(f"Argument coeffs must be list type. Received type {type(coeffs)}.")
    point = convert(x)
    if not coeffs:
        return op("broadcast_to", convert(0, like=point.dtype), shape=raw_shape(point))
    total = convert_pair(coeffs[0], point, "polyval")[0]
    for c in coeffs[1:]:
        total = add(c, multiply(total, point))
    return total


@public("math.accumulate_n")
def accumulate_n(
    inputs: Sequence[Any], shape: Any = None, tensor_dtype: Any = None, name: str | None = None
) -> Tensor:
    """The sum of tensors of one shape and dtype (tf.math.accumulate_n).

    Args:
        inputs: a list of tensors.
        shape: the shape that they must have, if given.
        tensor_dtype: the dtype that they must have, if given.
        name: accepted for compatibility.

    Raises:
        ValueError: for an empty list, or tensors that differ in shape or dtype.
    """
    from eager.tensor_shape import TensorShape

    del name
    if not isinstance(inputs, list | tuple) or not inputs:
        raise ValueError("accumulate_n: inputs must be a list of at least one Tensor with the same dtype and shape")
    tensors = [convert(x) for x in inputs]
    wanted = tensors[0].dtype if tensor_dtype is None else as_dtype(tensor_dtype)
    size = tensors[0].shape if shape is None else TensorShape(shape)
    total = tensors[0]
    for t in tensors:
        if t.dtype is not wanted or not size.is_compatible_with(t.shape):
            raise InvalidArgumentError(f"accumulate_n: {type_of(t)} does not fit {wanted.name} of shape {size}")
    for t in tensors[1:]:
        total = op("add", total, t)
    return total


def _neighbours(x: Any, compare: str, name: str) -> Tensor:
    """Whether a comparison holds between all neighbours of the flat tensor."""
    t = convert(x)
    if not t.dtype.is_numeric:
        raise DTypeError(f"{name}: x is {type_of(t)}, expected numbers")
    size = type_of(t).size
    flat = op("reshape", t, shape=(size,))
    if isinstance(size, int) and size < 2:
        return convert(True)
    first = op("slice", flat, begin=(0,), end=(size - 1,), strides=(1,))
    second = op("slice", flat, begin=(1,), end=(size,), strides=(1,))
    return op("reduce_all", op(compare, first, second), axes=(0,), keepdims=False)


@public("math.is_non_decreasing")
def is_non_decreasing(x: Any, name: str | None = None) -> Tensor:
    """Whether no element is below the one before it, in row-major order, as a bool scalar (tf.math.is_non_decreasing).

    Raises:
        DTypeError: for a bool or string tensor.
    """
    del name
    return _neighbours(x, "less_equal", "is_non_decreasing")


@public("math.is_strictly_increasing")
def is_strictly_increasing(x: Any, name: str | None = None) -> Tensor:
    """Whether every element is above the one before it, in row-major order, as a bool scalar.

    This is tf.math.is_strictly_increasing.

    Raises:
        DTypeError: for a bool or string tensor.
    """
    del name
    return _neighbours(x, "less", "is_strictly_increasing")


@public("math.zero_fraction", "nn.zero_fraction")
def zero_fraction(value: Any, name: str | None = None) -> Tensor:
    """The share of elements that are 0, as a float32 scalar (tf.math.zero_fraction).

    Raises:
        DTypeError: for a string tensor.
    """
    from eager.ops.common import size_tensor

    del name
    x = convert(value)
    if not x.dtype.is_numeric:
        raise DTypeError(f"zero_fraction: value is {type_of(x)}, expected numbers")
    none = op("cast", op("equal", x, convert(0, like=x.dtype)), dtype=int64)
    count = op("reduce_sum", none, axes=tuple(range(x.ndim)), keepdims=False)
    return cast(count, float32) / cast(size_tensor(type_of(x).size, int64), float32)
