"""pow of floating types.

float32 goes through float64: exp2(y * log2|x|) with enough spare bits that the result is nearly correctly
rounded. float64 follows fdlibm's e_pow.c (Sun Microsystems, 2004, freely usable): log2|x| and its product
with y are sums of a part with few bits and a rest, so that no fused operation is needed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from codegen.vectormath.common import (
    polynomial,
    round_magic,
    scale,
    scale_small,
    to_float,
)
from codegen.vectormath.logarithm import split, split_any
from graphcore.dtypes import bool_, float32, float64, int64

if TYPE_CHECKING:
    from codegen.emit.value_base import Val
    from codegen.emit.values import LlvmHandler

# log2(m) / s in s**2, s = (m - 1) / (m + 1); and (2**f - 1) / f (both our own, Remez exchange).
_LOG2_SERIES = (
    2.885390081777927, 0.9617966939244048, 0.5770780172308735, 0.4121984034691171, 0.32061632728020234,
    0.2614454083171696, 0.24290884737998766,
)  # fmt: skip
_EXP2_SERIES = (
    0.69314718070455, 0.24022651066538944, 0.05550410365874314, 0.009618038134897977, 0.0013333935181146519,
    0.0001546675556194169, 1.519612408120001e-05,
)  # fmt: skip

# fdlibm's names.
_L = (
    5.99999999999994648725e-01, 4.28571428578550184252e-01, 3.33333329818377432918e-01,
    2.72728123808534006489e-01, 2.30660745775561754067e-01, 2.06975017800338417784e-01,
)  # fmt: skip
_P = (
    1.66666666666666019037e-01, -2.77777777770155933842e-03, 6.61375632143793436117e-05,
    -1.65339022054652515390e-06, 4.13813679705723846039e-08,
)  # fmt: skip
_DP_HIGH, _DP_LOW = 5.84962487220764160156e-01, 1.35003920212974897128e-08
_CP, _CP_HIGH, _CP_LOW = 9.61796693925975554329e-01, 9.61796700954437255859e-01, -7.02846165095275826516e-09
_LG2, _LG2_HIGH, _LG2_LOW = (
    6.93147180559945286227e-01,
    6.93147182464599609375e-01,
    -1.90465429995776804525e-09,
)


def power(k: LlvmHandler, x: Val, y: Val) -> Val:
    """`x ** y` with the special cases of C's pow; see np.power."""
    k.require_float("pow", x)
    x, y = k.unify(x, y)
    size = k.abs(x)
    result = _power32(k, size, y) if x.dtype is float32 else _power64(k, size, y)
    return _special(k, x, y, result)


def _power32(k: LlvmHandler, size: Val, y: Val) -> Val:
    wide, exponent = k.cast(size, float64), k.cast(y, float64)
    m, e = split(k, wide)
    one = k.like(1.0, m)
    s = k.div(k.sub(m, one), k.add(m, one))
    log2 = k.fma(s, polynomial(k, k.mul(s, s), _LOG2_SERIES), to_float(k, e, float64))
    z = k.clamp(k.mul(log2, exponent), -200.0, 200.0)
    biased, n = round_magic(k, z, 1.0)
    fraction = polynomial(k, k.sub(z, n), (1.0, *_EXP2_SERIES))
    return k.cast(scale_small(k, fraction, biased), float32)


def _low_cleared(k: LlvmHandler, x: Val) -> Val:
    """`x` with the lower half of its bits zero, so that products with such numbers are exact."""
    return k.bitcast(k.and_(k.bits(x), k.const(-(1 << 32), int64)), float64)


def _log2_parts(k: LlvmHandler, size: Val) -> tuple[Val, Val]:
    """The log2 of a positive number as t1 + t2, t1 with its lower half zero."""
    m, e = split_any(k, size)
    c = lambda value: k.const(value, float64)  # noqa: E731
    # fdlibm reduces to near 1 or near 3/2; m lies in [sqrt(1/2), sqrt(2)).
    below = k.lt(m, c(0.8660254037844386))
    m = k.select(below, k.mul(m, c(2.0)), m)
    e = k.select(below, k.sub(e, k.const(1, int64)), e)
    upper = k.gt(m, c(1.2247448713915890))
    base = k.select(upper, c(1.5), c(1.0))
    u = k.sub(m, base)
    v = k.div(c(1.0), k.add(m, base))
    s = k.mul(u, v)
    s_high = _low_cleared(k, s)
    t_high = _low_cleared(k, k.add(m, base))
    t_low = k.sub(m, k.sub(t_high, base))
    s_low = k.mul(v, k.sub(k.sub(u, k.mul(s_high, t_high)), k.mul(s_high, t_low)))
    square = k.mul(s, s)
    r = k.mul(k.mul(square, square), polynomial(k, square, _L))
    r = k.add(r, k.mul(s_low, k.add(s_high, s)))
    square = k.mul(s_high, s_high)
    t_high = _low_cleared(k, k.add(k.add(c(3.0), square), r))
    t_low = k.sub(r, k.sub(k.sub(t_high, c(3.0)), square))
    u = k.mul(s_high, t_high)
    v = k.add(k.mul(s_low, t_high), k.mul(t_low, s))
    p_high = _low_cleared(k, k.add(u, v))
    p_low = k.sub(v, k.sub(p_high, u))
    z_high = k.mul(c(_CP_HIGH), p_high)
    dp_low = k.select(upper, c(_DP_LOW), c(0.0))
    dp_high = k.select(upper, c(_DP_HIGH), c(0.0))
    z_low = k.add(k.add(k.mul(c(_CP_LOW), p_high), k.mul(p_low, c(_CP))), dp_low)
    t = to_float(k, e, float64)
    t1 = _low_cleared(k, k.add(k.add(k.add(z_high, z_low), dp_high), t))
    return t1, k.sub(z_low, k.sub(k.sub(k.sub(t1, t), dp_high), z_high))


def _power64(k: LlvmHandler, size: Val, y: Val) -> Val:
    t1, t2 = _log2_parts(k, size)
    y = k.clamp(y, -1e300, 1e300)
    y_high = _low_cleared(k, y)
    low = k.add(k.mul(k.sub(y, y_high), t1), k.mul(y, t2))
    high = k.mul(y_high, t1)
    z = k.add(low, high)
    limit = k.const(1100.0, float64)
    within = k.lt(k.abs(z), limit)
    high = k.select(within, high, k.copysign(limit, z))
    low = k.select(within, low, k.const(0.0, float64))
    return _exp2_parts(k, high, low)


def _exp2_parts(k: LlvmHandler, high: Val, low: Val) -> Val:
    """2 ** (high + low)."""
    biased, n = round_magic(k, k.add(high, low), 1.0)
    high = k.sub(high, n)
    t = _low_cleared(k, k.add(low, high))
    u = k.mul(t, k.const(_LG2_HIGH, float64))
    v = k.add(k.mul(k.sub(low, k.sub(t, high)), k.const(_LG2, float64)), k.mul(t, k.const(_LG2_LOW, float64)))
    z = k.add(u, v)
    w = k.sub(v, k.sub(z, u))
    t = k.mul(z, z)
    t1 = k.sub(z, k.mul(t, polynomial(k, t, _P)))
    r = k.sub(k.div(k.mul(z, t1), k.sub(t1, k.const(2.0, float64))), k.add(w, k.mul(z, w)))
    return scale(k, k.sub(k.const(1.0, float64), k.sub(r, z)), biased, n)


def _special(k: LlvmHandler, x: Val, y: Val, result: Val) -> Val:
    """Zeros, infinities, negative bases and NaN in place of the general result for |x|."""
    zero, one, half = k.like(0.0, x), k.like(1.0, x), k.like(0.5, x)
    infinity, nan = k.like(float("inf"), x), k.like(float("nan"), x)
    size, minus = k.abs(x), k.op("icmp slt", k.bits(x), k.splat(k.like(0, k.bits(x)), x.lanes), bool_)
    integral = k.eq(k.trunc(y), y)
    half_y = k.mul(y, half)
    odd = k.and_(integral, k.ne(k.trunc(half_y), half_y))
    extreme = k.or_(k.eq(size, zero), k.eq(size, infinity))
    grows = k.xor(k.eq(size, zero), k.gt(y, zero))
    result = k.select(extreme, k.select(grows, infinity, zero), result)
    result = k.select(k.and_(odd, minus), k.neg(result), result)
    finite = k.lt(size, infinity)
    outside = k.and_(k.and_(minus, finite), k.and_(k.not_(integral), k.ne(size, zero)))
    result = k.select(outside, nan, result)
    result = k.select(k.or_(k.is_nan(x), k.is_nan(y)), k.add(x, y), result)
    unit = k.or_(k.eq(x, one), k.eq(y, zero))
    unit = k.or_(unit, k.and_(k.eq(size, one), k.eq(k.abs(y), infinity)))
    return k.select(unit, one, result)
