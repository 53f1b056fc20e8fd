"""Scalar programs of the inverse circular functions: asin, acos, atan, atan2.

Each reduces its argument to where a short polynomial serves, and adds a multiple of pi / 4 that is held in two parts.
The polynomials interpolate at Chebyshev points in 60 digits; their error is below a tenth of the dtype's precision.
"""

from __future__ import annotations

import math
from typing import Any

from graphcore.ops.formula import Number, where

# (atan(t) / t - 1) / t**2 in t**2, for |t| <= tan(pi / 8).
_ATAN: dict[int, tuple[float, ...]] = {
    4: (
        -0.333333317604345559, 0.199995403149579694, -0.14263949753605724, 0.107436683248300981,
        -0.0645171886935895807,
    ),
    8: (
        -0.333333333333333302, 0.199999999999955165, -0.142857142846656808, 0.111111110151870187,
        -0.0909090457530648908, 0.0769218312537689209, -0.066645105255089366, 0.0585814090486632828,
        -0.0508540783458948426, 0.0392304477847930952, -0.0191754047111049337,
    ),
}  # fmt: skip
# (asin(s) / s - 1) / s**2 in s**2, for |s| <= 1/2.
_ASIN: dict[int, tuple[float, ...]] = {
    4: (
        0.166666663374309071, 0.0750009454349742348, 0.0445994015285121837, 0.0311006627354945679,
        0.0171492383576772532, 0.0336908472028301195,
    ),
    8: (
        0.166666666666666678, 0.0749999999999843293, 0.0446428571463554298, 0.0303819441385312473,
        0.0223721729421498879, 0.0173523927208699729, 0.0139712129735529333, 0.0114791774151849059,
        0.0103228143501857793, 0.0054575067186403583, 0.0174008794426940224, -0.0148518870712472032,
        0.0287578513674215647,
    ),
}  # fmt: skip
_TAN_EIGHTH = math.sqrt(2) - 1
# pi / 2 and pi / 4 as the nearest number of the dtype and the rest; the second's first part has two zero bits
# at its end, so that its product with 3 is exact.
_HALF_PI: dict[int, tuple[float, float]] = {
    4: (1.57079637050628662, -4.37113900018624283e-8), 8: (math.pi / 2, 6.12323399573676604e-17)
}  # fmt: skip
_QUARTER_PI: dict[int, tuple[float, float]] = {
    4: (0.785398006439208984, 1.56958239325268e-7), 8: (math.pi / 4, 3.061616997868383e-17)
}  # fmt: skip


def _atan_small(t: Number) -> Number:
    """atan(t) - t for |t| <= tan(pi / 8)."""
    square = t * t
    return t * square * square.polynomial(_ATAN[t.size])


def atan(k: Any, value: Any) -> Any:
    """The inverse tangent: below tan(pi/8) itself, up to tan(3 pi/8) from pi/4, beyond from pi/2."""
    x = Number(k, value)
    a = abs(x)
    middle, far = a > _TAN_EIGHTH, a > math.sqrt(2) + 1
    numerator = where(far, -1, where(middle, a - 1, a))
    t = numerator / where(far, a, where(middle, a + 1, 1))
    high, low = _HALF_PI[x.size]
    part = where(far, 1, where(middle, x.constant(0.5), 0))
    return (part * high + (t + (_atan_small(t) + part * low))).signed_as(x).value


def atan2(k: Any, first: Any, second: Any) -> Any:
    """The angle of the point (second, first), from the octant's own and a multiple of pi / 4.

    Signed zeros and infinities are those of C's atan2.
    """
    y, x = Number(k, first), Number(k, second)
    a, b = abs(y), abs(x)
    small, large = a.word("min", b), a.word("max", b)
    # Sums of the largest numbers must not overflow, nor the smallest lose bits; two infinities are as good as two ones.
    top = 2.0 ** (126 if x.size == 4 else 1022)
    factor = where(large > top, large.constant(0.25), where(large < 1 / top, large.constant(2.0**54), 1))
    infinite = small.equals(math.inf)
    small, large = where(infinite, 1, small * factor), where(infinite, 1, large * factor)
    near = small <= large * _TAN_EIGHTH
    divisor = where(near, large, small + large)
    t = where(near, small, small - large) / where(large.equals(0), 1, divisor)
    swapped, behind = a > b, x.bits() < 0
    eighths = where(near, t.constant(0), 1)
    eighths = where(swapped, 2 - eighths, eighths)
    eighths = where(behind, 4 - eighths, eighths)
    angle = t + _atan_small(t)
    angle = where(Number(k, k.xor(swapped.value, behind.value)), -angle, angle)
    high, low = _QUARTER_PI[x.size]
    return (eighths * high + (angle + eighths * low)).signed_as(y).value


def _reduced(x: Number) -> tuple[Number, Number, Number]:
    """(whether |x| > 1/2, s, asin(s) - s): there s is sqrt((1 - |x|) / 2), NaN beyond 1, else x."""
    a = abs(x)
    far = a > 0.5
    square = where(far, (1 - a) * 0.5, a * a)
    s = where(far, square.word("sqrt"), x)
    return far, s, s * square * square.polynomial(_ASIN[x.size])


def asin(k: Any, value: Any) -> Any:
    """The inverse sine; beyond 1/2 by that of sqrt((1 - |x|) / 2), half the complement; NaN outside [-1, 1]."""
    x = Number(k, value)
    far, s, rest = _reduced(x)
    high, low = _HALF_PI[x.size]
    return where(far, high - (s * 2 + (rest * 2 - low)), s + rest).signed_as(x).value


def acos(k: Any, value: Any) -> Any:
    """The inverse cosine, without cancellation near 1; NaN outside [-1, 1]."""
    x = Number(k, value)
    far, s, rest = _reduced(x)
    high, low = _HALF_PI[x.size]
    away = high - (s + (rest - low))
    return where(far, where(x < 0, away, s + rest) * 2, away).value
