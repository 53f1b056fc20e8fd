"""The random generator and its transforms as scalar programs: Philox 4x32-10 and exact-operation polynomials.

Every step is an exactly rounded or an integer operation, so NumPy and native code draw equal bits. Layout of
the stream and transforms are TensorFlow's (random_distributions.h).
"""

from __future__ import annotations

import math
from typing import Any

from graphcore.dtypes import DType, float32, float64, int64, uint32, uint64

_M0, _M1 = 0xD2511F53, 0xCD9E8D57
_W0, _W1 = 0x9E3779B9, 0xBB67AE85

Words = tuple[Any, Any, Any, Any]
State = tuple[Any, ...]
"""Counter low, counter high and key; a fourth entry, if any, turns offsets of a draw into numbers of blocks."""


def _halves(k: Any, x: Any) -> tuple[Any, Any]:
    """The low and the high 32 bits of a uint64."""
    return k.cast(x, uint32), k.cast(k.shr(x, k.const(32, uint64)), uint32)


def rounds(k: Any, counter: Words, key: tuple[Any, Any]) -> Words:
    """Philox 4x32-10 (Salmon, Moraes, Dror, Shaw, SC 2011): four random words from a counter and a key."""
    c0, c1, c2, c3 = counter
    k0, k1 = key
    m0, m1, w0, w1 = (k.const(v, uint32) for v in (_M0, _M1, _W0, _W1))
    for i in range(10):
        if i:
            k0, k1 = k.add(k0, w0), k.add(k1, w1)
        c0, c1, c2, c3 = (
            k.xor(k.xor(k.mulhi(c2, m1), c1), k0), k.mul(c2, m1),
            k.xor(k.xor(k.mulhi(c0, m0), c3), k1), k.mul(c0, m0),
        )  # fmt: skip
    return c0, c1, c2, c3


def block(k: Any, state: State, offset: Any) -> Words:
    """The four words of block `offset` (uint64) after the state (three int64: counter low, high, key).

    A handler of many elements at once may have `once(offset, compute)`, which computes a repeated block once.
    """
    if hasattr(k, "once"):
        return k.once(offset, lambda distinct: _block(k, state, distinct))
    return _block(k, state, offset)


def _block(k: Any, state: State, offset: Any) -> Words:
    low, high, key = (k.bitcast(s, uint64) for s in state[:3])
    if len(state) == 4:
        offset = state[3](offset)
    moved = k.add(low, offset)
    zero, one = k.const(0, uint64), k.const(1, uint64)
    high = k.add(high, k.select(k.lt(moved, low), one, zero))
    return rounds(k, (*_halves(k, moved), *_halves(k, high)), _halves(k, key))


def _bit(k: Any, position: Any, bit: int) -> Any:
    """Whether a bit of a uint64 position is set."""
    return k.ne(k.and_(position, k.const(1 << bit, uint64)), k.const(0, uint64))


def bits(k: Any, state: State, position: Any) -> Any:
    """Word number `position` of the stream, uint32."""
    x0, x1, x2, x3 = block(k, state, k.shr(position, k.const(2, uint64)))
    odd = _bit(k, position, 0)
    return k.select(_bit(k, position, 1), k.select(odd, x3, x2), k.select(odd, x1, x0))


def _unit32(k: Any, word: Any) -> Any:
    """[0, 1) from 23 bits (TensorFlow's Uint32ToFloat)."""
    pattern = k.or_(k.and_(word, k.const(0x7FFFFF, uint32)), k.const(0x3F800000, uint32))
    return k.sub(k.bitcast(pattern, float32), k.const(1, float32))


def _unit64(k: Any, first: Any, second: Any) -> Any:
    """[0, 1) from 52 bits of two words (TensorFlow's Uint64ToDouble)."""
    top = k.cast(k.and_(first, k.const(0xFFFFF, uint32)), uint64)
    mantissa = k.or_(k.shl(top, k.const(32, uint64)), k.cast(second, uint64))
    pattern = k.or_(mantissa, k.const(0x3FF << 52, uint64))
    return k.sub(k.bitcast(pattern, float64), k.const(1, float64))


def uniform(k: Any, state: State, position: Any, dtype: DType) -> Any:
    """Element `position` of a uniform draw in [0, 1): one word each in float32, two in float64."""
    if dtype is float32:
        return _unit32(k, bits(k, state, position))
    x0, x1, x2, x3 = block(k, state, k.shr(position, k.const(1, uint64)))
    odd = _bit(k, position, 0)
    return _unit64(k, k.select(odd, x2, x0), k.select(odd, x3, x1))


def normal(k: Any, state: State, position: Any, dtype: DType) -> Any:
    """Element `position` of a standard normal draw: Box-Muller, a sine and a cosine per pair of uniforms.

    Computed in float64 and rounded once; float32 uses one word per uniform, float64 two, as TensorFlow does.
    """
    smallest = k.const(1e-7, dtype)
    if dtype is float32:
        x0, x1, x2, x3 = block(k, state, k.shr(position, k.const(2, uint64)))
        second = _bit(k, position, 1)
        u = k.max(_unit32(k, k.select(second, x2, x0)), smallest)
        v = k.cast(_unit32(k, k.select(second, x3, x1)), float64)
        # TensorFlow forms the angle in float64 and rounds it to float32.
        angle = k.cast(k.cast(k.mul(v, k.const(2 * math.pi, float64)), float32), float64)
        u = k.cast(u, float64)
    else:
        x0, x1, x2, x3 = block(k, state, k.shr(position, k.const(1, uint64)))
        u = k.max(_unit64(k, x0, x1), smallest)
        angle = k.mul(_unit64(k, x2, x3), k.const(2 * math.pi, float64))
    radius = k.sqrt(k.mul(k.const(-2, float64), logarithm(k, u)))
    return k.cast(k.mul(sine_or_cosine(k, angle, _bit(k, position, 0)), radius), dtype)


# Coefficients of FreeBSD's msun (Sun Microsystems 1993): e_log.c, k_sin.c, k_cos.c.
_LOG = (
    6.666666666666735130e-01, 3.999999999940941908e-01, 2.857142874366239149e-01, 2.222219843214978396e-01,
    1.818357216161805012e-01, 1.531383769920937332e-01, 1.479819860511658591e-01,
)  # fmt: skip
_LN2_HIGH, _LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
_SIN = (
    -1.66666666666666324348e-01, 8.33333333332248946124e-03, -1.98412698298579493134e-04,
    2.75573137070700676789e-06, -2.50507602534068634195e-08, 1.58969099521155010221e-10,
)  # fmt: skip
_COS = (
    4.16666666666666019037e-02, -1.38888888888741095749e-03, 2.48015872894767294178e-05,
    -2.75573143513906633035e-07, 2.08757232129817482790e-09, -1.13596475577881948265e-11,
)  # fmt: skip
_HALF_PI = (1.57079632673412561417e00, 6.07710050630396597660e-11, 2.02226624879595063154e-21)


def _polynomial(k: Any, coefficients: tuple[float, ...], x: Any) -> Any:
    total = k.const(coefficients[-1], float64)
    for c in reversed(coefficients[:-1]):
        total = k.add(k.mul(total, x), k.const(c, float64))
    return total


def logarithm(k: Any, x: Any) -> Any:
    """log(x) of a positive normal float64, within 1 ulp."""
    pattern = k.bitcast(x, int64)
    # Subtracting the bits of sqrt(1/2) puts the mantissa into [sqrt(1/2), sqrt(2)).
    shifted = k.sub(pattern, k.const(0x3FE6A09E667F3BCD, int64))
    exponent = k.shr(shifted, k.const(52, int64))
    mantissa = k.bitcast(k.sub(pattern, k.shl(exponent, k.const(52, int64))), float64)
    e = k.cast(exponent, float64)
    f = k.sub(mantissa, k.const(1, float64))
    s = k.div(f, k.add(k.const(2, float64), f))
    z = k.mul(s, s)
    r = k.mul(z, _polynomial(k, _LOG, z))
    half = k.mul(k.mul(f, f), k.const(0.5, float64))
    tail = k.add(k.mul(s, k.add(half, r)), k.mul(e, k.const(_LN2_LOW, float64)))
    return k.sub(k.mul(e, k.const(_LN2_HIGH, float64)), k.sub(k.sub(half, tail), f))


def sine_or_cosine(k: Any, x: Any, cosine: Any) -> Any:
    """cos(x) where `cosine` holds, else sin(x), for 0 <= x <= 2 pi in float64, within 2 ulp."""

    def const(value: float) -> Any:
        return k.const(value, float64)

    n = k.rint(k.mul(x, const(2 / math.pi)))
    r = x
    for part in _HALF_PI:
        r = k.sub(r, k.mul(n, const(part)))
    z = k.mul(r, r)
    sine = k.add(r, k.mul(k.mul(r, z), _polynomial(k, _SIN, z)))
    half = k.mul(z, const(0.5))
    one_less = k.sub(const(1), half)
    lost = k.sub(k.sub(const(1), one_less), half)
    cos = k.add(one_less, k.add(lost, k.mul(k.mul(z, z), _polynomial(k, _COS, z))))
    quadrant = k.add(k.cast(n, int64), k.select(cosine, k.const(1, int64), k.const(0, int64)))
    zero, one, two = (k.const(v, int64) for v in (0, 1, 2))
    value = k.select(k.eq(k.and_(quadrant, one), zero), sine, cos)
    return k.select(k.eq(k.and_(quadrant, two), zero), value, k.neg(value))


# Coefficients of FreeBSD's msun, e_exp.c.
_EXP = (
    1.66666666666666019037e-01, -2.77777777770155933842e-03, 6.61375632143793436117e-05,
    -1.65339022054652515390e-06, 4.13813679705723846039e-08,
)  # fmt: skip


def exponential(k: Any, x: Any) -> Any:
    """exp(x) of a float64, within 1 ulp where it is normal; 0 below -746 and inf above 710."""

    def const(value: float) -> Any:
        return k.const(value, float64)

    x = k.max(k.min(x, const(710)), const(-746))
    n = k.rint(k.mul(x, const(1 / math.log(2))))
    high, low = k.sub(x, k.mul(n, const(_LN2_HIGH))), k.mul(n, const(_LN2_LOW))
    r = k.sub(high, low)
    z = k.mul(r, r)
    c = k.sub(r, k.mul(z, _polynomial(k, _EXP, z)))
    quotient = k.div(k.mul(r, c), k.sub(const(2), c))
    y = k.add(const(1), k.sub(high, k.sub(low, quotient)))
    # The power of two in two factors, because it may be no normal number itself.
    power = k.cast(n, int64)
    half = k.shr(power, k.const(1, int64))
    for part in (half, k.sub(power, half)):
        y = k.mul(y, k.bitcast(k.shl(k.add(part, k.const(1023, int64)), k.const(52, int64)), float64))
    return y
