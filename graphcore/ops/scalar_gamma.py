"""Scalar programs of lgamma and digamma, computed in float64 for both dtypes.

Small arguments are moved by the recurrence to where one polynomial serves, large ones take Stirling's series, negative
ones are reflected (Abramowitz and Stegun, Handbook of Mathematical Functions, 6.1 and 6.3). The polynomials
interpolate at Chebyshev points in 60 digits. They serve both dtypes, because what is added up cancels near the zeros
at negative arguments.

There float32 keeps its bound, float64 does not: at negative arguments it keeps the bound in units of the last place of
the largest of 1, the result and the function's value at |x|, as SciPy does.
"""

from __future__ import annotations

import math
from typing import Any

from graphcore.dtypes import float64
from graphcore.ops.formula import Number, where

# lgamma(2 + e) / e for -3/4 <= e <= 1/2.
_LGAMMA = (
    0.42278433509846714241, 0.3224670334241132712, -0.067352301053199886859, 0.020580808427774178549,
    -0.0073855510285021584493, 0.0028905103313836949657, -0.0011927539179523957678, 0.00050966950549154240557,
    -0.00022315464669130103694, 0.000099457839133306538572, -0.000044927323253898134102,
    0.000020503882702645787037, -9.4337309119108387406e-6, 4.395623759794621687e-6, -2.0532766649484134999e-6,
    8.7819633686360735721e-7, -4.5172517222650806064e-7, 3.665291710434640163e-7, -1.7366603163262680492e-8,
    -7.7273275302853853833e-8, -1.4427747303509594892e-7,
)  # fmt: skip
# (lgamma(x) - (x - 1/2) (log(x) - 1) - _STIRLING) * x in 1 / x**2, for x >= 6.5.
_STIRLING = 0.41893853320467274178
_LGAMMA_TAIL = (
    0.0833333333333333237, -0.00277777777773801451, 0.000793650766590042132, -0.000595231142842168383,
    0.000840891399401838014, -0.00186190010808840383, 0.00453689063010078176,
)  # fmt: skip
# digamma(u + 3/2) / (u + 3/2 - root) for |u| <= 1/2; root is where digamma is 0, less 3/2, in two parts.
_ROOT = (1.4616321449683622458 - 1.5, 9.5499954299656977152e-17)
_DIGAMMA = (
    0.951055876031832893, -0.423627421281460505, 0.240542484240774219, -0.148404923053908857,
    0.0949887244549412133, -0.0619221332730645317, 0.040760833812420736, -0.0269757967561382488,
    0.0179072524394511994, -0.0119082180015686448, 0.00792694464640379604, -0.00527996487325740421,
    0.00351900640150227605, -0.00234526763254076904, 0.00155663174744868393, -0.00103763740984186047,
    0.000723326627928755416, -0.000482199053056678888, 0.000227233166098737588, -0.000151485868367733659,
    0.000259684821264307466, -0.000173122618027273933,
)  # fmt: skip
# (log(x) - 1 / (2 x) - digamma(x)) * x**2 in 1 / x**2, for x >= 6.
_DIGAMMA_TAIL = (
    0.0833333333333333186, -0.00833333333326542438, 0.00396825391649681816, -0.00416665152295117037,
    0.00757355775685173012, -0.0209160852173933743, 0.0751835876696361073, -0.229785424549747199,
)  # fmt: skip
# sin(pi r) / r and cos(pi r) in r**2, for |r| <= 1/2.
_SIN_PI = (
    3.14159265358979324, -5.16771278004996961, 2.55016403987730047, -0.599264529318944681,
    0.082145886573102895, -0.0073704305059169434, 0.00046629981618983938, -0.0000219034970746260172,
    7.69782676822419065e-7,
)  # fmt: skip
_COS_PI = (
    1.0, -4.9348022005446793, 4.05871212641676754, -1.33526276885455496, 0.23533063035799502,
    -0.025806891376592964, 0.00192957418728123483, -0.000104637416817521383, 4.30072417273484693e-6,
    -1.34352129509532007e-7,
)  # fmt: skip


def _lgamma_positive(v: Number) -> Number:
    """The logarithm of |Gamma(v)| for v > -1/2."""
    far = v >= 6.5
    below, product = v.constant(0), v * (v + 1)
    for n, start, factor in ((1, 0.5, v), (2, 1.25, v.constant(1)), (3, 2.5, v - 1)):
        reached = v >= start
        below, product = where(reached, n, below), where(reached, factor, product)
    for n in (4, 5, 6):
        reached = v >= n - 0.5
        below, product = where(reached, n, below), where(reached, product * (v - (n - 2)), product)
    e = v - below
    log = where(far, v, abs(product)).word("log")
    near = e * e.polynomial(_LGAMMA) + where(v < 2, -log, log)
    inverse = 1 / v
    tail = (inverse * inverse).polynomial(_LGAMMA_TAIL) * inverse + _STIRLING
    return where(far, (v - 0.5) * (log - 1) + tail, near)


def lgamma(k: Any, value: Any) -> Any:
    """The logarithm of the absolute value of the gamma function; inf at its poles and at both infinities."""
    narrow = Number(k, value)
    x = narrow.cast(float64)
    a = abs(x)
    reflected = x <= -0.5
    positive = _lgamma_positive(where(reflected, a, x))
    r = abs(a - a.word("rint"))
    sine = r * (r * r).polynomial(_SIN_PI)
    negative = math.log(math.pi) - (a * sine).word("log") - positive
    result = where(reflected, where(sine.equals(0), math.inf, negative), positive)
    return where(a.equals(math.inf), a, result).cast(narrow.dtype).value


def _digamma_positive(v: Number) -> Number:
    """The derivative of lgamma for v > 0."""
    far = v >= 6
    below, numerator, divisor = v.constant(0.5), v.constant(-1), v
    reached = v >= 1
    below, numerator, divisor = where(reached, 1.5, below), where(reached, 0, numerator), where(reached, 1, divisor)
    for n in (2, 3, 4, 5):  # adds 1 / (v - n + 1)
        reached, part = v >= n, v - (n - 1)
        below = where(reached, n + 0.5, below)
        numerator = where(reached, numerator * part + divisor, numerator)
        divisor = where(reached, divisor * part, divisor)
    u = v - below
    quotient = where(far, 1, numerator) / where(far, v, divisor)
    near = ((u - _ROOT[0]) - _ROOT[1]) * u.polynomial(_DIGAMMA) + quotient
    square = quotient * quotient
    return where(far, v.word("log") - (quotient * 0.5 + square * square.polynomial(_DIGAMMA_TAIL)), near)


def digamma(k: Any, value: Any) -> Any:
    """The derivative of lgamma; at 0 infinite against its sign, NaN at negative integers and -inf."""
    narrow = Number(k, value)
    x = narrow.cast(float64)
    a = abs(x)
    positive = _digamma_positive(a)
    r = a - a.word("rint")
    square = r * r
    cotangent = square.polynomial(_COS_PI) * math.pi / (r * square.polynomial(_SIN_PI))
    negative = where(r.equals(0), math.nan, positive + (1 / a + cotangent))
    result = where(x < 0, negative, positive)
    return where(a < 2.0**-60, -(1 / x), result).cast(narrow.dtype).value
