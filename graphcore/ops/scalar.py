"""Scalar programs longer than a line, over a handler: accurate activations, integer power, safe shifts.

Every program works for each floating dtype, keeps denormal results, and never multiplies an infinity by zero
unless its meaning does.
"""

from __future__ import annotations

import math
from typing import Any

from graphcore.dtypes import DType, float32, float64

_TAIL = {4: 65.375, 8: 517.875}
"""exp(-w) with w above this is computed as exp(tail - w) * exp(-tail), so that products with it stay accurate
even where exp(-w) itself is denormal. exp(-tail) is all but a number of the dtype."""


def tail_exp(k: Any, w: Any) -> tuple[Any, Any]:
    """Two factors of exp(-w) for w >= 0, the first a normal number wherever the product matters."""
    dtype = k.dtype(w)
    tail = _TAIL[dtype.size]
    far = k.gt(w, k.const(tail, dtype))
    e = k.exp(k.sub(k.select(far, k.const(tail, dtype), k.const(0, dtype)), w))
    return e, k.select(far, k.const(math.exp(-tail), dtype), k.const(1, dtype))


def through_float32(k: Any, program: Any, x: Any) -> Any:
    """Runs a program for a 16-bit float in float32."""
    return k.cast(program(k, k.cast(x, float32)), k.dtype(x))


def sigmoid(k: Any, x: Any) -> Any:
    """1 / (1 + exp(-x)) from exp(-|x|), which cannot overflow; what the sum loses is given back."""
    dtype = k.dtype(x)
    one, e = k.const(1, dtype), k.exp(k.neg(k.abs(x)))
    total = k.add(one, e)
    quotient = k.div(k.select(k.ge(x, k.const(0, dtype)), one, e), total)
    lost = k.mul(k.sub(e, k.sub(total, one)), k.sub(one, quotient))
    return k.sub(quotient, k.mul(quotient, lost))


def silu(k: Any, x: Any) -> Any:
    """The product x * sigmoid(x)."""
    dtype = k.dtype(x)
    if dtype.size == 2:
        return through_float32(k, silu, x)
    e, s = tail_exp(k, k.abs(x))
    numerator = k.select(k.ge(x, k.const(0, dtype)), x, k.mul(k.mul(x, e), s))
    return k.div(numerator, k.add(k.const(1, dtype), k.mul(e, s)))


def softplus(k: Any, x: Any) -> Any:
    """log(1 + exp(x)) as max(x, 0) + log1p(exp(-|x|))."""
    return k.add(k.max(x, k.const(0, k.dtype(x))), k.log1p(k.exp(k.neg(k.abs(x)))))


def split(k: Any, x: Any, bits: int) -> tuple[Any, Any]:
    """Splits x = high + low exactly, high rounded to `bits` fewer bits (Veltkamp 1968)."""
    t = k.mul(x, k.const(float(2**bits + 1), k.dtype(x)))
    high = k.sub(t, k.sub(t, x))
    return high, k.sub(x, high)


# exp(a*a/2) * Phi(-a) = t * polynomial(t - MILLS_CENTER), t = 1 / (1 + a/2), for 0 <= a <= limit: per size
# of the dtype the limit and the coefficients. Interpolated at Chebyshev points in 70 digits; largest relative
# error 3.6e-9 and 3.5e-18. Taking t out leaves a factor between 0.2 and 0.6, so the polynomial hardly
# cancels.
MILLS_CENTER = 0.375
MILLS: dict[int, tuple[float, tuple[float, ...]]] = {
    4: (14.5, (
        0.295960818974787726, 0.310291402220458714, 0.110033827027138068, -0.126362110963222512,
        -0.0802455741172540328, 0.125237192333053264, 0.0312097155333654974, -0.155528321476460571,
        0.0701294098331286651, 0.118407495983605202, -0.167684815315551029, 0.066675954659481608,
    )),
    8: (39.0, (
        0.295960818445910397, 0.310291429340600201, 0.110034086813587117, -0.12636635552063268,
        -0.0802616681007571152, 0.125444043840008403, 0.0313941299617861439, -0.159797582091903444,
        0.0742495075009304974, 0.153068394451356233, -0.253974861212045084, 0.0370971275889022453,
        0.365054443708309523, -0.520602615354557862, 0.0578466270804362938, 0.863587897296416992,
        -1.39523861293207444, 0.493813773521545597, 2.00945702745895352, -4.36852209092141878,
        3.07532235908241436, 4.16009882352984418, -13.004752834379276, 11.9766226147616873,
        4.8818376858830081, -24.1994047127906735, 25.3651202515507829, -9.05217647499313784,
        -4.31583709726637326, 5.0466465644065315, -1.35981331091687973,
    )),
}  # fmt: skip


def _horner(k: Any, coefficients: tuple[float, ...], x: Any) -> Any:
    dtype = k.dtype(x)
    total = k.const(coefficients[-1], dtype)
    for c in reversed(coefficients[:-1]):
        total = k.muladd(total, x, k.const(c, dtype))
    return total


def gelu(k: Any, x: Any) -> Any:
    """The product x * Phi(x) with Phi the normal distribution, accurate in the lower tail too.

    Phi(-a) is exp(-a*a/2) times a smooth function; the rounding error of a*a is found exactly and given back as a
    factor, because exp would multiply it by a*a.
    """
    dtype = k.dtype(x)
    if dtype.size == 2:
        return through_float32(k, gelu, x)
    a = k.min(k.abs(x), k.const(MILLS[dtype.size][0], dtype))
    if dtype.size == 4:
        lower = _gelu_tail_32(k, a)
    else:
        from graphcore.ops.scalar_normal import gelu_tail

        lower = gelu_tail(k, a)
    return k.select(k.ge(x, k.const(0, dtype)), k.sub(x, lower), k.neg(lower))


def _gelu_tail_32(k: Any, a: Any) -> Any:
    """a * Phi(-a) of a float32; products of rounded parts are made in float64."""

    def wide(value: Any) -> Any:
        return k.cast(value, float64)

    def const(value: float) -> Any:
        return k.const(value, float32)

    coefficients = MILLS[4][1]
    one, half, square, start = const(1), const(0.5), k.mul(a, a), const(coefficients[0])
    rounding = k.cast(k.sub(k.mul(wide(a), wide(a)), wide(square)), float32)
    e, s = tail_exp(k, k.mul(square, half))
    halved = k.mul(a, half)
    d = k.add(one, halved)
    t = k.div(one, d)
    division = k.cast(k.sub(k.const(1, float64), k.mul(wide(d), wide(t))), float32)
    # What a*a, d and t lost, relative: taken off before the polynomial's last addition, where it costs no accuracy.
    lost = k.sub(k.add(k.mul(rounding, half), k.mul(t, k.sub(halved, k.sub(d, one)))), division)
    w = k.sub(t, const(MILLS_CENTER))
    rest = k.mul(w, _horner(k, coefficients[1:], w))
    ratio = k.add(start, k.sub(rest, k.mul(lost, k.add(start, rest))))
    product = k.mul(k.mul(wide(a), wide(t)), k.mul(wide(e), wide(ratio)))
    return k.cast(k.mul(product, wide(s)), float32)


# 2 * sqrt(2 / pi), and 0.044715 times it, each as a float64 and what that leaves out.
_GELU_LINEAR = (1.5957691216057308, -9.96930880911092e-17)
_GELU_CUBIC = (0.07135481627260025, -6.175149918155315e-19)


def gelu_tanh(k: Any, x: Any) -> Any:
    """The tanh form of gelu, as x / (1 + exp(-w)) with w = 2 sqrt(2/pi) (x + 0.044715 x^3).

    What w loses in rounding is given back as a factor, because exp multiplies its error by w.
    """
    dtype = k.dtype(x)
    if dtype.size == 2:
        return through_float32(k, gelu_tanh, x)
    zero, one = k.const(0, dtype), k.const(1, dtype)
    a = k.min(k.abs(x), k.const(12.0 if dtype.size == 4 else 24.0, dtype))
    w, rest = _gelu_argument_32(k, a) if dtype.size == 4 else _gelu_argument_64(k, a)
    e, s = tail_exp(k, w)
    e = k.sub(e, k.mul(e, rest))
    numerator = k.select(k.ge(x, zero), x, k.neg(k.mul(k.mul(a, e), s)))
    return k.div(numerator, k.add(one, k.mul(e, s)))


def _gelu_argument_32(k: Any, a: Any) -> tuple[Any, Any]:
    """The argument of gelu_tanh's exp for a float32, and what it loses in rounding."""
    wide = k.cast(a, float64)
    cubic = k.mul(k.mul(wide, wide), k.const(_GELU_CUBIC[0], float64))
    exact = k.mul(wide, k.add(cubic, k.const(_GELU_LINEAR[0], float64)))
    w = k.cast(exact, float32)
    return w, k.cast(k.sub(exact, k.cast(w, float64)), float32)


def _gelu_argument_64(k: Any, a: Any) -> tuple[Any, Any]:
    """The argument of gelu_tanh's exp for a float64, and what it loses in rounding.

    It is formed as an exact sum for the leading bits of `a` plus a small rest.
    """
    head_bits, width = 12, 53

    def const(value: float) -> Any:
        return k.const(value, float64)

    high, low = split(k, a, width - head_bits)
    (c0, c0_low), (c1, c1_low) = _GELU_LINEAR, _GELU_CUBIC
    c0_high, c1_high = _leading(c0, width - head_bits), _leading(c1, width - 3 * head_bits)
    c0_low, c1_low = c0 - c0_high + c0_low, c1 - c1_high + c1_low
    cube = k.mul(k.mul(high, high), high)
    first, second = k.mul(high, const(c0_high)), k.mul(cube, const(c1_high))
    w, lost = _two_sum(k, first, second)
    slope = k.add(const(c0), k.mul(const(c1), k.add(k.mul(a, k.add(a, high)), k.mul(high, high))))
    rest = k.add(k.add(k.mul(high, const(c0_low)), k.mul(cube, const(c1_low))), k.mul(low, slope))
    rest = k.add(lost, rest)
    total = k.add(w, rest)
    return total, k.sub(rest, k.sub(total, w))


def _leading(value: float, bits: int) -> float:
    """`value` rounded to its leading `bits` bits."""
    mantissa, exponent = math.frexp(value)
    return math.ldexp(round(math.ldexp(mantissa, bits)), exponent - bits)


def _two_sum(k: Any, a: Any, b: Any) -> tuple[Any, Any]:
    """The rounded sum and its exact error (Knuth)."""
    total = k.add(a, b)
    part = k.sub(total, a)
    return total, k.add(k.sub(a, k.sub(total, part)), k.sub(b, part))


def power(k: Any, x: Any, y: Any) -> Any:
    """The power x**y; integers by squaring, wrapping, with negative powers truncated toward zero."""
    dtype: DType = k.dtype(x)
    if dtype.is_floating:
        return k.pow(x, y)
    zero, one = k.const(0, dtype), k.const(1, dtype)
    result, base, left = one, x, y
    for bit in range(8 * dtype.size - (0 if dtype.is_unsigned else 1)):
        if bit:
            base, left = k.mul(base, base), k.shr(left, one)
        result = k.mul(result, k.select(k.ne(k.and_(left, one), zero), base, one))
    if dtype.is_unsigned:
        return result
    minus = k.const(-1, dtype)
    odd = k.select(k.ne(k.and_(y, one), zero), minus, one)
    inverse = k.select(k.eq(x, one), one, k.select(k.eq(x, minus), odd, zero))
    return k.select(k.lt(y, zero), inverse, result)


def _in_width(k: Any, count: Any) -> tuple[Any, Any]:
    """Whether a shift count is within the width, and the count made safe."""
    dtype = k.dtype(count)
    bits = 8 * dtype.size
    within = k.lt(count, k.const(bits, dtype))
    if not dtype.is_unsigned:
        within = k.and_(within, k.ge(count, k.const(0, dtype)))
    return within, k.and_(count, k.const(bits - 1, dtype))


def shift_left(k: Any, x: Any, count: Any) -> Any:
    """The shift x << count; 0 where the count is negative or not below the width."""
    within, safe = _in_width(k, count)
    return k.select(within, k.shl(x, safe), k.const(0, k.dtype(x)))


def shift_right(k: Any, x: Any, count: Any) -> Any:
    """The shift x >> count; all sign bits where the count is negative or not below the width."""
    dtype = k.dtype(x)
    within, safe = _in_width(k, count)
    beyond = k.const(0, dtype)
    if not dtype.is_unsigned:
        beyond = k.select(k.lt(x, beyond), k.const(-1, dtype), beyond)
    return k.select(within, k.shr(x, safe), beyond)
