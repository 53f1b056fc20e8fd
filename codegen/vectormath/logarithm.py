"""log and log1p.

x = 2**e * m with m between sqrt(1/2) and sqrt(2), found by integer arithmetic on the bits, and log m as a
polynomial in f = m - 1: for float32 a minimax polynomial of our own (Remez exchange), for float64 the series
in s = f / (2 + f) with the coefficients of fdlibm's e_log.c (Sun Microsystems, 1993, freely usable).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from codegen.vectormath.common import format_of, polynomial, power_of_two, to_float
from graphcore.dtypes import DType, float32, float64

if TYPE_CHECKING:
    from codegen.emit.value_base import Val
    from codegen.emit.values import LlvmHandler

# (log(1 + f) - f + f**2 / 2) / f**3
_LOG32 = (
    0.3333333134651184, -0.250008225440979, 0.20001259446144104, -0.16623340547084808, 0.1420106738805771,
    -0.1315966099500656, 0.12765926122665405, -0.0764109268784523,
)  # fmt: skip
_LOG64 = (
    0.6666666666666735130, 0.3999999999940941908, 0.2857142874366239149, 0.2222219843214978396,
    0.1818357216161805012, 0.1531383769920937332, 0.1479819860511658591,
)  # fmt: skip
# ln 2 in two parts; the product of the first with an exponent is exact.
_LN2_PARTS: dict[DType, tuple[float, float]] = {
    float32: (0.693359375, -2.12194440e-4),
    float64: (0.6931471803691238, 1.9082149292705877e-10),
}
_SMALLEST_NORMAL: dict[DType, float] = {float32: 2.0**-126, float64: 2.0**-1022}
_SQRT_HALF_BITS: dict[DType, int] = {float32: 0x3F3504F3, float64: 0x3FE6A09E667F3BCD}


def split(k: LlvmHandler, x: Val) -> tuple[Val, Val]:
    """(m, e) with positive x = m * 2**e, m in [sqrt(1/2), sqrt(2)); e is an integer vector."""
    form = format_of(x)
    bits = k.bits(x)
    offset = k.const(_SQRT_HALF_BITS[x.dtype], form.integer)
    e = k.shr(k.sub(bits, offset), k.const(form.mantissa, form.integer))
    return k.bitcast(k.sub(bits, k.shl(e, k.like(form.mantissa, e))), x.dtype), e


def split_any(k: LlvmHandler, x: Val) -> tuple[Val, Val]:
    """`split` that takes denormals too, by scaling them into the normal numbers first."""
    form = format_of(x)
    tiny = k.lt(x, k.like(_SMALLEST_NORMAL[x.dtype], x))
    scaled = k.select(tiny, k.mul(x, k.like(2.0**form.mantissa, x)), x)
    m, e = split(k, scaled)
    return m, k.sub(e, k.select(tiny, k.like(form.mantissa, e), k.like(0, e)))


def _log_sum(k: LlvmHandler, f: Val, e: Val) -> Val:
    """`log(1 + f) + e * ln 2`, for f within sqrt(1/2) - 1 .. sqrt(2) - 1 and e an integer as a float."""
    high, low = (k.like(part, f) for part in _LN2_PARTS[f.dtype])
    square = k.mul(f, f)
    if f.dtype is float32:
        tail = k.fma(e, low, k.mul(k.mul(f, square), polynomial(k, f, _LOG32)))
        tail = k.fma(square, k.like(-0.5, f), tail)
        return k.fma(e, high, k.add(f, tail))
    half = k.mul(square, k.like(0.5, f))
    s = k.div(f, k.add(k.like(2.0, f), f))
    z = k.mul(s, s)
    series = k.mul(z, polynomial(k, z, _LOG64))
    tail = k.fma(s, k.add(half, series), k.mul(e, low))
    return k.sub(k.mul(e, high), k.sub(k.sub(half, tail), f))


def _special(k: LlvmHandler, x: Val, result: Val) -> Val:
    """The values of log for x = inf, NaN, zeros and negative numbers in place of `result`."""
    zero, infinity = k.like(0.0, x), k.like(float("inf"), x)
    result = k.select(k.lt(x, infinity), result, x)
    result = k.select(k.eq(x, zero), k.neg(infinity), result)
    return k.select(k.lt(x, zero), k.like(float("nan"), x), result)


def log(k: LlvmHandler, x: Val) -> Val:
    """The natural logarithm, of denormals too; -inf at zeros, NaN below."""
    k.require_float("log", x)
    m, e = split_any(k, x)
    return _special(k, x, _log_sum(k, k.sub(m, k.like(1.0, x)), to_float(k, e, x.dtype)))


def log1p(k: LlvmHandler, x: Val) -> Val:
    """`log(1 + x)`: the rounding error of u = 1 + x is found exactly and added to the reduced argument."""
    k.require_float("log1p", x)
    one = k.like(1.0, x)
    u = k.add(one, x)
    m, e = split(k, u)
    # Knuth's exact sum: u + error == 1 + x.
    part = k.sub(u, x)
    error = k.add(k.sub(one, part), k.sub(x, k.sub(u, part)))
    inverse = power_of_two(k, k.neg(k.min(e, k.like(100, e))), x.dtype)
    f = k.fma(error, inverse, k.sub(m, one))
    result = _special(k, u, _log_sum(k, f, to_float(k, e, x.dtype)))
    return k.select(k.eq(x, k.like(0.0, x)), x, result)
