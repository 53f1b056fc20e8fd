"""tf.math functions: elementwise arithmetic, comparison and logic, reductions, and compositions of them."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Sequence
from typing import Any

from eager import operators
from eager.convert import convert, convert_pair
from eager.errors import InvalidArgumentError
from eager.ops.array import cast
from eager.ops.common import axes_of, floating, one_axis, op, raw_shape, size_tensor
from eager.ops.public import public
from eager.tensor import Tensor
from graphcore import dims
from graphcore.dtypes import as_dtype, bool_, int64
from graphcore.optable import get_op


def _unary(name: str, public_names: Sequence[str], what: str) -> Callable[..., Tensor]:
    """A public function of one floating operand."""

    def function(x: Any, name: str | None = None) -> Tensor:
        del name
        return op(op_name, floating(x, public_names[0]))

    op_name = name
    function.__name__ = public_names[0].rpartition(".")[2]
    function.__doc__ = f"""{what}, elementwise (tf.{public_names[0]}).

    Takes a floating tensor of any shape and returns one of the same shape and dtype.

    Raises:
        TypeError: for an integer or bool tensor.
    """
    return public(*public_names)(function)


def _binary(name: str, public_names: Sequence[str], what: str) -> Callable[..., Tensor]:
    """A public function of two operands that broadcast."""

    def function(x: Any, y: Any, name: str | None = None) -> Tensor:
        del name
        return operators.binary(entry, x, y)

    entry = get_op(name)
    function.__name__ = public_names[0].rpartition(".")[2]
    function.__doc__ = f"""{what}, elementwise with broadcasting (tf.{public_names[0]}).

    Both operands have one dtype; numbers, lists and arrays adapt to a tensor beside them.

    Raises:
        DTypeError: if two tensors differ in dtype.
        ShapeError: if the shapes do not broadcast.
    """
    return public(*public_names)(function)


exp = _unary("exp", ["exp", "math.exp"], "e to the power of x")
expm1 = _unary("expm1", ["math.expm1"], "exp(x) - 1, exact for small x")
log = _unary("log", ["math.log"], "The natural logarithm")
log1p = _unary("log1p", ["math.log1p"], "log(1 + x), exact for small x")
sqrt = _unary("sqrt", ["sqrt", "math.sqrt"], "The square root")
rsqrt = _unary("rsqrt", ["math.rsqrt"], "The reciprocal of the square root")
tanh = _unary("tanh", ["tanh", "math.tanh", "nn.tanh"], "The hyperbolic tangent")
erf = _unary("erf", ["math.erf"], "The error function")
sigmoid = _unary("sigmoid", ["sigmoid", "math.sigmoid", "nn.sigmoid"], "1 / (1 + exp(-x))")
sin = _unary("sin", ["sin", "math.sin"], "The sine")
cos = _unary("cos", ["cos", "math.cos"], "The cosine")

add = _binary("add", ["add", "math.add"], "x + y")
subtract = _binary("sub", ["subtract", "math.subtract"], "x - y")
multiply = _binary("mul", ["multiply", "math.multiply"], "x * y")
floordiv = _binary("floordiv", ["math.floordiv"], "The quotient rounded towards minus infinity")
floormod = _binary("mod", ["math.floormod", "math.mod"], "The remainder of floordiv, of the divisor's sign")
maximum = _binary("maximum", ["maximum", "math.maximum"], "The larger of two values; NaN wins")
minimum = _binary("minimum", ["minimum", "math.minimum"], "The smaller of two values; NaN wins")
equal = _binary("equal", ["equal", "math.equal"], "Whether x == y, as bool")
not_equal = _binary("not_equal", ["not_equal", "math.not_equal"], "Whether x != y, as bool")
less = _binary("less", ["less", "math.less"], "Whether x < y, as bool")
less_equal = _binary("less_equal", ["less_equal", "math.less_equal"], "Whether x <= y, as bool")
greater = _binary("greater", ["greater", "math.greater"], "Whether x > y, as bool")
greater_equal = _binary("greater_equal", ["greater_equal", "math.greater_equal"], "Whether x >= y, as bool")
logical_and = _binary("logical_and", ["logical_and", "math.logical_and"], "x and y of bool tensors")
logical_or = _binary("logical_or", ["logical_or", "math.logical_or"], "x or y of bool tensors")
logical_xor = _binary("logical_xor", ["math.logical_xor"], "Whether exactly one of two bool tensors holds")
bitwise_and = _binary("bitwise_and", ["bitwise.bitwise_and"], "The bits that both integers have")
bitwise_or = _binary("bitwise_or", ["bitwise.bitwise_or"], "The bits that either integer has")
bitwise_xor = _binary("bitwise_xor", ["bitwise.bitwise_xor"], "The bits that one of two integers has")
left_shift = _binary("shift_left", ["bitwise.left_shift"], "x shifted left by y bits")
right_shift = _binary("shift_right", ["bitwise.right_shift"], "x shifted right by y bits")


@public("truediv", "math.truediv", "divide", "math.divide")
def divide(x: Any, y: Any, name: str | None = None) -> Tensor:
    """x / y (tf.divide): 32- and 64-bit integers give float64, 8- and 16-bit ones float32."""
    del name
    return operators.true_divide(x, y)


@public("pow", "math.pow")
def pow(x: Any, y: Any, name: str | None = None) -> Tensor:
    """x to the power of y, elementwise with broadcasting (tf.pow). Raises DTypeError if dtypes differ."""
    del name
    return operators.binary(get_op("pow"), x, y)


@public("negative", "math.negative")
def negative(x: Any, name: str | None = None) -> Tensor:
    """-x (tf.negative)."""
    del name
    return op("neg", convert(x))


@public("abs", "math.abs")
def abs(x: Any, name: str | None = None) -> Tensor:
    """The absolute value (tf.abs)."""
    del name
    return op("abs", convert(x))


@public("sign", "math.sign")
def sign(x: Any, name: str | None = None) -> Tensor:
    """-1, 0 or 1 by the sign of x, NaN for NaN (tf.sign)."""
    del name
    return op("sign", convert(x))


def _rounding(name: str, what: str) -> Callable[..., Tensor]:
    def function(x: Any, name: str | None = None) -> Tensor:
        del name
        tensor = convert(x)
        return tensor if tensor.dtype.is_integer else op(op_name, tensor)

    op_name = name
    function.__name__ = name
    function.__doc__ = f"""{what}, elementwise (tf.{name}); integers stay as they are."""
    return public(name, f"math.{name}")(function)


floor = _rounding("floor", "The largest integer not above x")
ceil = public("math.ceil")(_rounding("ceil", "The smallest integer not below x"))
round = _rounding("round", "The nearest integer, halves to the even one")


@public("square", "math.square")
def square(x: Any, name: str | None = None) -> Tensor:
    """x * x (tf.square)."""
    del name
    tensor = convert(x)
    return op("mul", tensor, tensor)


@public("math.squared_difference")
def squared_difference(x: Any, y: Any, name: str | None = None) -> Tensor:
    """(x - y) squared (tf.math.squared_difference)."""
    del name
    return square(subtract(x, y))


@public("math.reciprocal")
def reciprocal(x: Any, name: str | None = None) -> Tensor:
    """1 / x of a floating tensor (tf.math.reciprocal)."""
    del name
    tensor = floating(x, "math.reciprocal")
    return op("div", convert(1, like=tensor.dtype), tensor)


@public("math.divide_no_nan")
def divide_no_nan(x: Any, y: Any, name: str | None = None) -> Tensor:
    """x / y, and 0 where y is 0 (tf.math.divide_no_nan). Raises DTypeError if dtypes differ."""
    del name
    a, b = convert_pair(x, y, "divide_no_nan")
    zero, one = convert(0, like=b.dtype), convert(1, like=b.dtype)
    safe = op("equal", b, zero)
    return op("select", safe, zero, op("div", a, op("select", safe, one, b)))


@public("logical_not", "math.logical_not")
def logical_not(x: Any, name: str | None = None) -> Tensor:
    """Not x, of a bool tensor (tf.logical_not)."""
    del name
    return op("logical_not", convert(x))


@public("bitwise.invert")
def invert(x: Any, name: str | None = None) -> Tensor:
    """Every bit of an integer flipped (tf.bitwise.invert)."""
    del name
    return operators.invert(x)


def _predicate(name: str, what: str) -> Callable[..., Tensor]:
    def function(x: Any, name: str | None = None) -> Tensor:
        del name
        return op(op_name, convert(x))

    op_name = name
    function.__name__ = name
    function.__doc__ = f"""{what}, as bool (tf.math.{name})."""
    return public(f"math.{name}")(function)


is_nan = _predicate("is_nan", "Whether x is NaN")
is_inf = _predicate("is_inf", "Whether x is infinite")
is_finite = _predicate("is_finite", "Whether x is neither NaN nor infinite")


@public("clip_by_value")
def clip_by_value(t: Any, clip_value_min: Any, clip_value_max: Any, name: str | None = None) -> Tensor:
    """Values limited to a range (tf.clip_by_value). Raises DTypeError if dtypes differ."""
    del name
    return minimum(maximum(t, clip_value_min), clip_value_max)


@public("add_n", "math.add_n")
def add_n(inputs: Any, name: str | None = None) -> Tensor:
    """The sum of tensors of one shape and dtype (tf.add_n). Raises ValueError for an empty list."""
    del name
    if not inputs:
        raise ValueError("add_n: inputs must be a list of at least one tensor")
    total = convert(inputs[0])
    for x in inputs[1:]:
        total = add(total, x)
    return total


# Reductions ------------------------------------------------------------------------------------------------------------


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
    """The mean over axes (tf.reduce_mean); integers divide with rounding down, as in TensorFlow.

    Raises:
        InvalidArgumentError: for an axis out of range.
    """
    del name
    x = convert(input_tensor)
    axes = axes_of(axis, x.ndim, "reduce_mean")
    total = op("reduce_sum", x, axes=axes, keepdims=bool(keepdims))
    count = size_tensor(dims.product(raw_shape(x)[a] for a in axes), int64)
    return op("div" if not x.dtype.is_integer else "floordiv", total, cast(count, x.dtype))


@public("math.reduce_variance")
def reduce_variance(input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None) -> Tensor:
    """The mean squared deviation from the mean (tf.math.reduce_variance), of a floating tensor."""
    del name
    x = floating(input_tensor, "math.reduce_variance")
    return reduce_mean(square(x - reduce_mean(x, axis, True)), axis, keepdims)


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
    hits = x if x.dtype is bool_ else op("not_equal", x, convert(0, like=x.dtype))
    return _reduce("reduce_sum", op("cast", hits, dtype=as_dtype(dtype)), axis, keepdims, "count_nonzero")


@public("norm", "linalg.norm")
def norm(tensor: Any, ord: Any = "euclidean", axis: Any = None, keepdims: bool = False, name: str | None = None) -> Tensor:
    """The euclidean, 1- or infinity norm over axes (tf.norm). Raises InvalidArgumentError for another order."""
    del name
    x = floating(tensor, "norm")
    if ord in ("euclidean", "fro", 2):
        return sqrt(reduce_sum(square(x), axis, keepdims))
    if ord == 1:
        return reduce_sum(abs(x), axis, keepdims)
    if ord == float("inf"):
        return reduce_max(abs(x), axis, keepdims)
    raise InvalidArgumentError(f"norm: order {ord!r} is not supported; use 'euclidean', 1 or infinity")


@public("argmax", "math.argmax")
def argmax(input: Any, axis: Any = None, output_type: Any = int64, name: str | None = None) -> Tensor:
    """The index of the largest element along an axis, 0 by default; the first of equals (tf.argmax)."""
    del name
    x = convert(input)
    return op("argmax", x, axis=one_axis(int(axis or 0), x.ndim, "argmax"), output_type=as_dtype(output_type))


@public("argmin", "math.argmin")
def argmin(input: Any, axis: Any = None, output_type: Any = int64, name: str | None = None) -> Tensor:
    """The index of the smallest element along an axis, 0 by default; the first of equals (tf.argmin)."""
    del name
    x = convert(input)
    return op("argmin", x, axis=one_axis(int(axis or 0), x.ndim, "argmin"), output_type=as_dtype(output_type))


@public("saturate_cast")
def saturate_cast(value: Any, dtype: Any, name: str | None = None) -> Tensor:
    """A cast that limits values to the range of the target (tf.saturate_cast)."""
    del name
    x, wanted = convert(value), as_dtype(dtype)
    if wanted.is_integer and x.dtype.is_integer:
        wide = cast(x, int64) if x.dtype.size < 8 else x
        low, high = builtins.max(int(wanted.min), int(wide.dtype.min)), builtins.min(int(wanted.max), int(wide.dtype.max))
        x = clip_by_value(wide, low, high)
    return cast(x, wanted)
