"""exp, exp2, expm1, sigmoid and tanh.

All reduce x = n * ln 2 + r with |r| <= ln(2) / 2 and evaluate e**r by a minimax polynomial (Remez exchange,
coefficients rounded to the dtype). Out-of-range arguments are clamped to where the result has saturated, so
that n stays within the exponent's field; a NaN passes through the clamps and the arithmetic.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from codegen.vectormath.common import exponent_field, polynomial, round_magic, scale, scale_small
from graphcore.dtypes import DType, float32, float64

if TYPE_CHECKING:
    from codegen.emit.value_base import Val
    from codegen.emit.values import LlvmHandler

LOG2E = 1.4426950408889634
LN2 = 0.6931471805599453

# ln 2 as a part with few bits (its product with n is exact) and the rest.
_LN2_PARTS: dict[DType, tuple[float, float]] = {
    float32: (0.693359375, -2.12194440e-4),
    float64: (0.6931471803691238, 1.9082149292705877e-10),
}
# (e**r - 1 - r) / r**2, with the error of e**r and, for expm1, of e**r - 1 as the weight.
_EXP: dict[DType, tuple[float, ...]] = {
    float32: (
        0.4999999403953552, 0.16666516661643982, 0.041668105870485306, 0.00836913101375103,
        0.0013836442958563566,
    ),
    float64: (
        0.5000000000000011, 0.1666666666666641, 0.041666666666529184, 0.008333333333495632,
        0.0013888888943922881, 0.0001984126950474295, 2.480149276262773e-05, 2.755758736433754e-06,
        2.7630378662027823e-07, 2.499995784190675e-08,
    ),
}  # fmt: skip
_EXPM1: dict[DType, tuple[float, ...]] = {
    float32: (
        0.4999999701976776, 0.16666539013385773, 0.041667744517326355, 0.008367138914763927,
        0.0013836949365213513,
    ),
    float64: (
        0.5, 0.16666666666666677, 0.041666666666666505, 0.008333333333321606, 0.001388888888896276,
        0.00019841269886212276, 2.480158717204822e-05, 2.7557244100056175e-06, 2.7557402803183343e-07,
        2.510908276378586e-08, 2.0875362945609778e-09,
    ),
}  # fmt: skip
# Arguments between which e**x, 2**x and e**x - 1 are neither saturated nor rounded to 0 (or to -1).
_EXP_RANGE: dict[DType, tuple[float, float]] = {float32: (-104.5, 89.0), float64: (-746.0, 710.0)}
_EXP2_RANGE: dict[DType, tuple[float, float]] = {float32: (-151.0, 129.0), float64: (-1076.0, 1025.0)}
_EXPM1_RANGE: dict[DType, tuple[float, float]] = {float32: (-18.0, 89.0), float64: (-38.0, 710.0)}
# (tanh x - x) / x**3 in x**2, below the break.
_TANH: dict[DType, tuple[float, ...]] = {
    float32: (
        -0.3333331346511841, 0.1333245187997818, -0.053837429732084274, 0.02100745029747486,
        -0.006179794203490019,
    ),
    float64: (
        -0.33333333333333276, 0.13333333333323133, -0.0539682539617241, 0.021869488327269662,
        -0.008863231637105583, 0.0035920822494332804, -0.0014554796387367952, 0.0005881836370581329,
        -0.00023271619043803532, 8.236088952103079e-05, -1.8903938803986324e-05,
    ),
}  # fmt: skip
_TANH_BREAK = 0.5625
_TANH_LIMIT: dict[DType, float] = {float32: 9.5, float64: 20.0}


def _reduce(k: LlvmHandler, x: Val) -> tuple[Val, Val, Val]:
    """(n in a magic sum, n, r) with x = n * ln 2 + r."""
    biased, n = round_magic(k, x, LOG2E)
    high, low = _LN2_PARTS[x.dtype]
    r = k.fma(n, k.like(-high, x), x)
    return biased, n, k.fma(n, k.like(-low, x), r)


def _exp_fraction(k: LlvmHandler, r: Val) -> Val:
    """e**r for |r| <= ln(2) / 2."""
    return polynomial(k, r, (1.0, 1.0, *_EXP[r.dtype]))


def exp(k: LlvmHandler, x: Val) -> Val:
    """`e ** x`: denormal results are rounded once, overflow is inf."""
    k.require_float("exp", x)
    biased, n, r = _reduce(k, k.clamp(x, *_EXP_RANGE[x.dtype]))
    return scale(k, _exp_fraction(k, r), biased, n)


def exp_small(k: LlvmHandler, x: Val) -> Val:
    """`e ** x` for arguments known to give a normal result; cheaper than `exp`."""
    biased, _, r = _reduce(k, x)
    return scale_small(k, _exp_fraction(k, r), biased)


def exp2(k: LlvmHandler, x: Val) -> Val:
    """2 ** x; exact for integers."""
    k.require_float("exp2", x)
    x = k.clamp(x, *_EXP2_RANGE[x.dtype])
    biased, n = round_magic(k, x, 1.0)
    r = k.mul(k.sub(x, n), k.like(LN2, x))
    return scale(k, _exp_fraction(k, r), biased, n)


def _expm1_fraction(k: LlvmHandler, r: Val) -> Val:
    """e**r - 1 for |r| <= ln(2) / 2, with a relative error of about 1 ulp."""
    return k.fma(k.mul(r, r), polynomial(k, r, _EXPM1[r.dtype]), r)


def _inverse_power(k: LlvmHandler, biased: Val) -> Val:
    """2 ** -n for the n of a magic sum."""
    one = k.bits(k.splat(k.like(1.0, biased), biased.lanes))
    return k.bitcast(k.sub(one, exponent_field(k, biased)), biased.dtype)


def expm1(k: LlvmHandler, x: Val) -> Val:
    """`e ** x - 1`, as ((e**r - 1) + (1 - 2**-n)) * 2**n, so that nothing cancels near 0; keeps -0.0."""
    k.require_float("expm1", x)
    clamped = k.clamp(x, *_EXPM1_RANGE[x.dtype])
    biased, n, r = _reduce(k, clamped)
    q = _expm1_fraction(k, r)
    # Of the largest n the power is denormal and its bits come out negative; beside 1 it counts for nothing.
    bits = k.bits(_inverse_power(k, biased))
    power = k.bitcast(k.max(bits, k.like(0, bits)), x.dtype)
    shifted = k.add(q, k.sub(k.like(1.0, x), power))
    result = scale(k, shifted, biased, n)
    return k.select(k.eq(x, k.like(0.0, x)), x, result)


def sigmoid(k: LlvmHandler, x: Val) -> Val:
    """1 / (1 + e**-x), for negative x as e**x / (1 + e**x), which reaches the denormals."""
    k.require_float("sigmoid", x)
    e = exp(k, k.neg(k.abs(x)))
    one = k.like(1.0, x)
    divisor = k.add(one, e)
    quotient = k.div(k.select(k.lt(x, k.like(0.0, x)), e, one), divisor)
    # What 1 + e lost in rounding, times the quotient's derivative; for negative x, 1 / divisor is
    # 1 - quotient, and for the others the error is small enough already.
    lost = k.sub(e, k.sub(divisor, one))
    return k.fma(k.neg(k.mul(quotient, lost)), k.sub(one, quotient), quotient)


def tanh(k: LlvmHandler, x: Val) -> Val:
    """The hyperbolic tangent: x + x**3 * P(x**2) near 0, and 1 - 2 / (e**2|x| + 1) beyond."""
    k.require_float("tanh", x)
    size, one = k.abs(x), k.like(1.0, x)
    limit = k.like(_TANH_LIMIT[x.dtype], x)
    clamped = k.select(k.gt(size, limit), limit, size)
    grown = exp_small(k, k.add(clamped, clamped))
    large = k.sub(one, k.div(k.like(2.0, x), k.add(grown, one)))
    square = k.mul(x, x)
    small = k.fma(k.mul(size, square), polynomial(k, square, _TANH[x.dtype]), size)
    # NaN takes the small branch, which keeps it; the sign comes last, so that -0.0 keeps its own.
    return k.copysign(k.select(k.gt(size, k.like(_TANH_BREAK, x)), large, small), x)
