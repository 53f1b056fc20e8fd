"""Scalar programs of the normal distribution's family: erfc, erfinv, ndtri."""

from __future__ import annotations

import math
from typing import Any

from graphcore.dtypes import float64
from graphcore.ops.formula import Number, Operand, where
from graphcore.ops.scalar import MILLS, MILLS_CENTER, split, tail_exp

_MILLS_START = {4: 0.045960818974787726, 8: 0.045960818445910397}
"""The first coefficient of `MILLS` less 1/4, with more digits than their difference has."""
_SQRT_HALF_REST = -4.833646656726457e-17
"""The square root of 1/2 less the float64 next to it."""
_ERFC_BREAK = 0.47
"""Below this 1 - erf(x) is more than a half, so that nothing cancels."""


def erfc(k: Any, value: Any) -> Any:
    """1 - erf(x), for large x as exp(-x*x) times a smooth function, down to the denormals.

    The smooth function is gelu's: 2 Phi(-a) of a = sqrt(2) x. What x*x loses in rounding is given back as a factor,
    because exp would multiply it by x*x. For float32 all but exp is computed in float64.
    """
    x = Number(k, value)
    a = abs(x).word("min", MILLS[x.size][0] * math.sqrt(0.5))
    square, rounding = _product(a, a)
    halved, halved_rounding = _product(a, a.constant(math.sqrt(0.5)))
    if x.size == 8:
        halved_rounding = halved_rounding + a * _SQRT_HALF_REST
    far = _tail((square, rounding), (halved, halved_rounding), 2.0).cast(x.dtype)
    return where(x < _ERFC_BREAK, 1 - x.word("erf"), where(x >= _ERFC_BREAK, far, x)).value


def gelu_tail(k: Any, value: Any) -> Any:
    """a * Phi(-a), Phi the normal distribution function, of a float64 a >= 0 up to the limit in `MILLS`."""
    a = Number(k, value)
    square, rounding = _product(a, a)
    return _tail((square * 0.5, rounding * 0.5), (a * 0.5, a.constant(0)), a).value


def _tail(of_square: tuple[Number, Number], of_half: tuple[Number, Number], factor: Operand) -> Number:
    """factor * Phi(-a) in float64, given a*a/2 and a/2, each with what it lost in rounding; denormals round once."""
    (square, square_rounding), (halved, halved_rounding) = of_square, of_half
    k, size = square.k, square.size
    coefficients = MILLS[size][1]
    e, s = (Number(k, factor).cast(float64) for factor in tail_exp(k, square.value))
    halved = halved.cast(float64)
    divisor = halved + 1
    t = 1 / divisor
    lost = square_rounding + t * ((halved - (divisor - 1)) + halved_rounding)
    scale, scale_rounding = e * t, t.constant(0)
    if size == 8:
        whole, whole_rounding = _product(divisor, t)
        lost = lost + ((whole - 1) + whole_rounding)
        scale, scale_rounding = _product(e, t)
    w = t - MILLS_CENTER
    rest = w * w.polynomial(coefficients[1:])
    # A quarter of the sum is multiplied without an error.
    ratio = _MILLS_START[size] + (rest - lost * (rest + coefficients[0]))
    return (scale * 0.25 + (scale * ratio + scale_rounding * (ratio + 0.25))) * factor * s


def _product(a: Number, b: Number) -> tuple[Number, Number]:
    """a * b as a number of its dtype and, in float64, what that lost (Dekker 1971)."""
    product = a * b
    if a.size == 4:
        return product, a.cast(float64) * b.cast(float64) - product.cast(float64)
    (a_high, a_low), (b_high, b_low) = (
        [Number(a.k, part) for part in split(a.k, x.value, 27)] for x in (a, b)
    )
    cross = a_high * b_low + a_low * b_high
    return product, ((a_high * b_high - product) + cross) + a_low * b_low


# M. J. Wichura, Algorithm AS 241: The percentage points of the normal distribution, Applied Statistics 37 (1988).
# Each row is a numerator, a denominator and the centre of the variable: near the median in 0.180625 - q*q, in the
# tail in r = sqrt(-log(p)). For results of float32 it is PPND7 (1 part in 10**7) as it stands. For float64 it is
# PPND16 with the main part of the quantile taken out of every row, so that rounding errors count for less:
# q * (_MEDIAN_SLOPE + q*q * ratio), _MIDDLE + (r - 1.6) * (sqrt(2) + ratio), and sqrt(2) * r - ratio.
_CENTRAL = 0.425
_MEDIAN_SLOPE, _MIDDLE = 2.506628274631000689, 1.42343711074968357734
_Rational = tuple[tuple[float, ...], tuple[float, ...], float]
_AS241: dict[int, tuple[_Rational, _Rational, _Rational]] = {
    4: (
        ((3.3871327179, 50.434271938, 159.29113202, 59.10937472), (1.0, 17.895169469, 78.757757664, 67.1875636), 0.0),
        ((1.4234372777, 2.7568153900, 1.3067284816, 0.17023821103), (1.0, 0.73700164250, 0.12021132975, 0.0), 1.6),
        ((6.6579051150, 3.0812263860, 0.42868294337, 0.017337203997), (1.0, 0.24197894225, 0.012258202635, 0.0), 5.0),
    ),
    8: (
        ((
            4.8747659413999497265, 176.90044402900753028, 2358.3059454499726761, 14221.483431164575817,
            38579.04915793209246, 40495.706885421418728, 10591.799914467878976, 0.0, 0.0,
        ), (
            1.0, 4.2313330701600911252e1, 6.8718700749205790830e2, 5.3941960214247511077e3, 2.1213794301586595867e4,
            3.9307895800092710610e4, 2.8729085735721942674e4, 5.2264952788528545610e3,
        ), 0.0),
        ((
            0.2935351269467557692, 0.4796173977372640915, 0.29524173976005148168, 0.084163236138022629888,
            0.010695727051761088787, 0.00045021925638131490358, 1.289279501182144325e-7, -1.4859850019840355905e-9, 0.0,
        ), (
            1.0, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1,
            1.48103976427480074590e-1, 1.51986665636164571966e-2, 5.47593808499534494600e-4,
            1.05075007164441684324e-9,
        ), 1.6),
        ((
            0.41316316836437224401, 0.19188285950656378346, 0.031704775217554762472, 0.0022722112801644825872,
            0.000068753141538865408558, 6.9446994481119216779e-7, 4.8896721303353282158e-10,
            -1.3047057114586669832e-12, 2.8910246058729653404e-15,
        ), (
            1.0, 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2,
            7.86869131145613259100e-4, 1.84631831751005468180e-5, 1.42151175831644588870e-7,
            2.04426310338993978564e-15,
        ), 5.0),
    ),
}  # fmt: skip


def _quantile(q: Number, tail: Number, size: int, linear: float) -> Number:
    """The normal quantile at 1/2 + q, times linear / sqrt(2); `tail` is 1/2 - |q| without its rounding error."""
    root = (-tail.word("log")).word("sqrt").cast(float64)
    factor = 1.0 if linear > 1 else math.sqrt(0.5)
    q = q.cast(float64)
    square = q * q
    central, near = abs(q) <= _CENTRAL, root <= 5
    rows = _AS241[size]

    def picked(a: float, b: float, c: float) -> Number:
        return where(central, q.constant(a), where(near, q.constant(b), c))

    r = where(central, 0.180625 - square, root) - picked(*(row[2] for row in rows))
    numerators = zip(*([c * factor for c in row[0]] for row in rows), strict=True)
    ratio = r.polynomial([picked(*c) for c in numerators])
    ratio = ratio / r.polynomial([picked(*c) for c in zip(*(row[1] for row in rows), strict=True)])
    inner, outer = ratio, ratio
    if size == 8:
        inner = square * ratio + _MEDIAN_SLOPE * factor
        main = where(near, r.polynomial((_MIDDLE * factor, linear)), root * linear)
        outer = main + where(near, r, -1) * ratio
    end = tail.cast(float64).equals(0)
    return where(central, q * inner, where(end, math.inf, outer).signed_as(q))


def ndtri(k: Any, value: Any) -> Any:
    """The normal quantile: the x with Phi(x) = p; infinite at 0 and 1, NaN outside."""
    p = Number(k, value)
    return _quantile(p - 0.5, p.word("min", 1 - p), p.size, math.sqrt(2)).cast(p.dtype).value


def erfinv(k: Any, value: Any) -> Any:
    """The inverse of erf: the normal quantile at (1 + x) / 2, over sqrt(2); infinite at -1 and 1, NaN beyond."""
    x = Number(k, value)
    q = x.cast(float64) * 0.5
    return _quantile(q, (1 - abs(x)) * 0.5, x.size, 1.0).cast(x.dtype).value
