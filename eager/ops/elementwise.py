"""tf.math functions that work element by element: arithmetic, comparison, logic, transcendental functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from eager import operators, plain
from eager.convert import convert, convert_pair
from eager.dispatch import run1
from eager.errors import ShapeError
from eager.ops.common import floating, op
from eager.ops.public import public
from eager.tensor import Tensor
from graphcore.dtypes import as_dtype, float32, float64
from graphcore.optable import get_op


def unary_function(name: str, public_names: Sequence[str], what: str) -> Callable[..., Tensor]:
    """A public function of one floating operand."""

    def function(x: Any, name: str | None = None) -> Tensor:
        del name
        return run1(entry, (floating(x, public_names[0]),))

    entry = get_op(name)
    function.__name__ = public_names[0].rpartition(".")[2]
    function.__doc__ = f"""{what}, elementwise (tf.{public_names[0]}).

    Takes a floating tensor of any shape and returns one of the same shape and dtype.

    Raises:
        TypeError: for an integer or bool tensor.
    """
    return public(*public_names, short=plain.unary(entry) if entry.native else None)(function)


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
    return public(*public_names, short=plain.binary(entry) if entry.native else None)(function)


exp = unary_function("exp", ["exp", "math.exp"], "e to the power of x")
expm1 = unary_function("expm1", ["math.expm1"], "exp(x) - 1, exact for small x")
log = unary_function("log", ["math.log"], "The natural logarithm")
log1p = unary_function("log1p", ["math.log1p"], "log(1 + x), exact for small x")
sqrt = unary_function("sqrt", ["sqrt", "math.sqrt"], "The square root")
rsqrt = unary_function("rsqrt", ["math.rsqrt"], "The reciprocal of the square root")
tanh = unary_function("tanh", ["tanh", "math.tanh", "nn.tanh"], "The hyperbolic tangent")
erf = unary_function("erf", ["math.erf"], "The error function")
sigmoid = unary_function("sigmoid", ["sigmoid", "math.sigmoid", "nn.sigmoid"], "1 / (1 + exp(-x))")
sin = unary_function("sin", ["sin", "math.sin"], "The sine")
cos = unary_function("cos", ["cos", "math.cos"], "The cosine")
tan = unary_function("tan", ["tan", "math.tan"], "The tangent")
sinh = unary_function("sinh", ["sinh", "math.sinh"], "The hyperbolic sine")
cosh = unary_function("cosh", ["cosh", "math.cosh"], "The hyperbolic cosine")
add = _binary("add", ["add", "math.add"], "x + y")
subtract = _binary("sub", ["subtract", "math.subtract"], "x - y")
multiply = _binary("mul", ["multiply", "math.multiply"], "x * y")


@public("math.floordiv")
def floordiv(x: Any, y: Any, name: str | None = None) -> Tensor:
    """The quotient rounded towards minus infinity, elementwise with broadcasting (tf.math.floordiv).

    Of floats it is floor(x / y), as in TensorFlow: 1.0 // 0.1 is 10, not Python's 9.

    Raises:
        DTypeError: if dtypes differ.
    """
    del name
    return operators.floor_divide(x, y)


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
    names = [f"math.{name}"] if name == "ceil" else [name, f"math.{name}"]  # as tensorflow has them
    return public(*names)(function)


floor = _rounding("floor", "The largest integer not above x")
ceil = _rounding("ceil", "The smallest integer not below x")
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
    """x / y, and 0 where y is 0 (tf.math.divide_no_nan); integers as tf.divide. Raises DTypeError if dtypes differ."""
    del name
    a, b = convert_pair(x, y, "divide_no_nan")
    if a.dtype.is_integer:
        wide = float32 if a.dtype.size <= 2 else float64
        a, b = op("cast", a, dtype=wide), op("cast", b, dtype=wide)
    zero, one = convert(0, like=b.dtype), convert(1, like=b.dtype)
    none = op("equal", b, zero)
    return op("select", none, zero, op("div", a, op("select", none, one, b)))


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


@public("add_n", "math.add_n")
def add_n(inputs: Any, name: str | None = None) -> Tensor:
    """The sum of tensors of one shape and dtype (tf.add_n). Raises ValueError for an empty list."""
    del name
    given = [*inputs]
    if not given:
        raise ValueError("add_n: inputs must be a list of at least one tensor")
    total = convert(given[0])
    for x in given[1:]:
        term = convert(x, like=total.dtype)
        if not term.shape.is_compatible_with(total.shape):
            raise ShapeError(f"add_n: shapes differ: {total.shape} and {term.shape}; tf.add broadcasts")
        total = add(total, term)
    return total


@public("math.multiply_no_nan")
def multiply_no_nan(x: Any, y: Any, name: str | None = None) -> Tensor:
    """x * y, and 0 where y is 0 even if x is infinite or NaN (tf.math.multiply_no_nan)."""
    del name
    a, b = convert_pair(x, y, "multiply_no_nan")
    if a.dtype.is_integer:
        return op("mul", a, b)
    zero = convert(0, like=b.dtype)
    # A finite x stays, so that the gradient by y where y is 0 is x.
    lost = op("equal", b, zero) if a.dtype.is_complex else op("logical_not", op("is_finite", a))
    return op("mul", op("select", op("logical_and", op("equal", b, zero), lost), zero, a), b)


@public("math.xlogy")
def xlogy(x: Any, y: Any, name: str | None = None) -> Tensor:
    """x * log(y), and 0 where x is 0 (tf.math.xlogy). Raises DTypeError if dtypes differ."""
    del name
    return _product_with_log("log", x, y, 1, "xlogy")


@public("math.xlog1py")
def xlog1py(x: Any, y: Any, name: str | None = None) -> Tensor:
    """x * log(1 + y), and 0 where x is 0 (tf.math.xlog1py). Raises DTypeError if dtypes differ."""
    del name
    return _product_with_log("log1p", x, y, 0, "xlog1py")


def _product_with_log(log_name: str, x: Any, y: Any, harmless: int, name: str) -> Tensor:
    a, b = convert_pair(x, y, name)
    zero = convert(0, like=a.dtype)
    none = op("equal", a, zero)
    safe = op("select", none, convert(harmless, like=a.dtype), b)
    return op("select", none, zero, op("mul", a, op(log_name, safe)))


@public("saturate_cast")
def saturate_cast(value: Any, dtype: Any, name: str | None = None) -> Tensor:
    """A cast that limits values to the range of the target (tf.saturate_cast)."""
    del name
    x, wanted = convert(value), as_dtype(dtype)
    have = x.dtype
    if have.is_integer and wanted.is_integer:
        # Floats saturate in every cast; integers would wrap.
        low, high = max(int(wanted.min), int(have.min)), min(int(wanted.max), int(have.max))
        x = op("minimum", op("maximum", x, convert(low, like=have)), convert(high, like=have))
    elif have.is_floating and wanted.is_floating and wanted.size < have.size:
        low, high = convert(float(wanted.min), like=have), convert(float(wanted.max), like=have)
        x = op("minimum", op("maximum", x, low), high)
    return x if have is wanted else op("cast", x, dtype=wanted)
