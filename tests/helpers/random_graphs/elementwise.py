"""Elementwise ops, drawn evenly; those that jump take exact values only."""

from graphcore.dtypes import float32, float64, int32, int64, uint32, uint64
from graphcore.graph import Value
from random_graphs.sketch import FLOATS, NATIVE, Sketch, is_number

ARITHMETIC = ("add", "sub", "mul", "minimum", "maximum")
INTEGER = (
    "floordiv", "mod", "bitwise_and", "bitwise_or", "bitwise_xor", "shift_left", "shift_right", "pow",
)  # fmt: skip
COMPARE = ("equal", "not_equal", "less", "less_equal", "greater", "greater_equal")
LOGIC = ("logical_and", "logical_or", "logical_xor")
GROWING = ("exp", "exp2", "expm1", "sinh", "cosh", "lgamma")
SMOOTH = (
    *GROWING, "log", "log1p", "sqrt", "rsqrt", "tanh", "erf", "sin", "cos", "sigmoid", "silu", "softplus", "gelu",
    "gelu_tanh", "relu", "tan", "asin", "acos", "atan", "asinh", "acosh", "atanh", "erfc", "erfinv", "ndtri", "digamma",
)  # fmt: skip
"""Functions of one floating value without a jump where they are finite."""
JUMPING = ("floor", "ceil", "round", "is_nan", "is_inf", "is_finite")
PAIRED = ("floordiv", "mod", "pow", "atan2", "nextafter")
"""Functions of two exact floating values."""
SAME_BITS = {float32: (int32, uint32), float64: (int64, uint64), int32: (uint32, float32), int64: (uint64, float64)}


def arithmetic(s: Sketch) -> None:
    x = s.value(is_number)
    y = s.beside(x)
    names = (*ARITHMETIC, "div") if x.type.dtype.is_floating else ARITHMETIC
    s.keep(getattr(s.f, s.pick(names))(x, y), (x, y))


def unary(s: Sketch) -> None:
    x = s.value(lambda v: is_number(v) and v.type.dtype.kind != "u")
    s.keep(getattr(s.f, s.pick(("neg", "abs")))(x), (x,))
    if s.flip():
        passed = s.value(lambda v: True)
        s.keep(getattr(s.f, s.pick(("identity", "stop_gradient")))(passed), (passed,))


def smooth(s: Sketch) -> None:
    x = s.floating()
    name = s.pick(SMOOTH)
    if name in GROWING and x not in s.exact:
        # Towers of exponentials overflow in one run and not in another that is a rounding away.
        x = s.keep(s.f.minimum(x, s.constant(4, x)), (x,))
    s.keep(getattr(s.f, name)(x), (x,))


def paired(s: Sketch) -> None:
    x = s.floating(exact=True)
    y = s.beside(x, exact=True)
    s.keep(getattr(s.f, s.pick(PAIRED))(x, y), (x, y))


def integer(s: Sketch) -> None:
    x = s.integer()
    y = s.beside(x)
    name = s.pick(INTEGER)
    if name == "pow":
        y = s.keep(s.f.mod(y, s.constant(4, y)), (y,))  # NumPy has no negative powers of integers
    s.keep(getattr(s.f, name)(x, y), (x, y))


def compare(s: Sketch) -> None:
    x = s.value(lambda v: True, exact=True)
    y = s.beside(x, exact=True)
    names = COMPARE if is_number(x) else COMPARE[:2]
    s.keep(getattr(s.f, s.pick(names))(x, y), (x, y))


def logic(s: Sketch) -> None:
    x = s.flags()
    y = s.beside(x)
    s.keep(s.f.logical_not(x) if s.chance(4) else getattr(s.f, s.pick(LOGIC))(x, y), (x, y))


def jumping(s: Sketch) -> None:
    if s.chance(4):
        x = s.value(is_number, exact=True)
        s.keep(s.f.sign(x), (x,))
        return
    x = s.floating(exact=True)
    s.keep(getattr(s.f, s.pick(JUMPING))(x), (x,))


def select(s: Sketch) -> None:
    x = s.value(lambda v: True)
    y, c = s.beside(x), s.flags()
    s.keep(s.f.select(c, x, y), (c, x, y))


def cast(s: Sketch) -> None:
    x = s.value(lambda v: True)
    targets = NATIVE if x in s.exact else FLOATS
    target = s.pick(targets)
    if target is not x.type.dtype:
        s.keep(s.f.cast(x, dtype=target), (x,))


def bitcast(s: Sketch) -> None:
    x = s.value(lambda v: v.type.dtype in SAME_BITS, s.pick((int32, int64)), exact=True)
    s.keep(s.f.bitcast(_plain(s, x), dtype=s.pick(SAME_BITS[x.type.dtype])), (x,))


def _plain(s: Sketch, x: Value) -> Value:
    """x with 1 in the place of NaN, whose bits may be any, and of 0, whose sign may be."""
    if not x.type.dtype.is_floating:
        return x
    zero, one = s.constant(0, x), s.constant(1, x)
    return s.f.select(s.f.logical_or(s.f.is_nan(x), s.f.equal(x, zero)), one, x)


MOVES = (*(arithmetic,) * 4, unary, *(smooth,) * 7, paired, integer, integer, compare, compare, logic, jumping, jumping,
         select, cast, cast, bitcast)  # fmt: skip
