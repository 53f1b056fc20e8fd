"""Scalar programs of the hyperbolic functions and their inverses, over exp and log1p.

Near 0 they are polynomials (interpolated at Chebyshev points in 60 digits), because differences of exponentials and
logarithms would cancel there.
"""

from __future__ import annotations

import math
from typing import Any

from graphcore.ops.formula import Number, where

# (sinh(x) / x - 1) / x**2 in x**2, for |x| <= 1.
_SINH: dict[int, tuple[float, ...]] = {
    4: (0.166666666468421343, 0.00833333967591706091, 0.000198381019686838893, 2.80628025822769462e-6),
    8: (
        0.166666666666666667, 0.00833333333333329936, 0.000198412698413241979, 2.7557319191381817e-6,
        2.50521176959078236e-8, 1.60576796238016377e-10, 7.74617859301882749e-13,
    ),
}  # fmt: skip
# (asinh(x) / x - 1) / x**2 and (atanh(x) / x - 1) / x**2 in x**2, for |x| <= 1/2.
_ASINH: dict[int, tuple[float, ...]] = {
    4: (
        -0.166666645880747179, 0.0749958263023912645, -0.0445065109937376545, 0.0287836062198223692,
        -0.0142885080888727177,
    ),
    8: (
        -0.166666666666666655, 0.074999999999986392, -0.0446428571402524384, 0.0303819442485463644,
        -0.0223721514499226031, 0.017352587715192572, -0.0139622356822323478, 0.0115262101696755695,
        -0.009591452221673174, 0.00762230942748172805, -0.00499271719814251127, 0.00188541176550390033,
    ),
}  # fmt: skip
_ATANH: dict[int, tuple[float, ...]] = {
    4: (
        0.333333316847945401, 0.200004733095393489, 0.142639798526462702, 0.114698751616187621,
        0.0649348956766934546, 0.157517802591526033,
    ),
    8: (
        0.333333333333333328, 0.200000000000008649, 0.14285714285490105, 0.111111111339389688,
        0.0909090788150918814, 0.0769234594027063833, 0.0666588635270188413, 0.058930996925900416,
        0.0516076988114716203, 0.0544191541823458718, 0.0122924487285405317, 0.135579039136922984,
        -0.144504911834144678, 0.210980978859757969,
    ),
}  # fmt: skip
_SHIFT = {4: 64.0, 8: 512.0}
"""exp(x) / 2 for x above this is exp(x - shift) * (exp(shift) / 2), which overflows only where the result does."""
_HUGE = {4: 2.0**26, 8: 2.0**54}
"""Above this the logarithm's argument is 2 x to the dtype's precision."""


def _odd_series(x: Number, coefficients: tuple[float, ...]) -> Number:
    square = x * x
    return x + x * square * square.polynomial(coefficients)


def _half_exp(a: Number) -> Number:
    """exp(a) / 2 for a >= 0."""
    shift = _SHIFT[a.size]
    far = a > shift
    e = (a - where(far, a.constant(shift), 0)).word("exp")
    return e * where(far, e.constant(math.exp(shift) / 2), 0.5)


def sinh(k: Any, value: Any) -> Any:
    """The hyperbolic sine; it overflows only where the result does."""
    x = Number(k, value)
    a = abs(x)
    half = _half_exp(a)
    return where(a < 1, _odd_series(a, _SINH[x.size]), half - 0.25 / half).signed_as(x).value


def cosh(k: Any, value: Any) -> Any:
    """The hyperbolic cosine; it overflows only where the result does."""
    half = _half_exp(abs(Number(k, value)))
    return (half + 0.25 / half).value


def _log_of_double(huge: Number, argument: Number) -> Number:
    """log(1 + argument), plus log(2) where the argument is one half of what it stands for."""
    return argument.word("log1p") + where(huge, argument.constant(math.log(2)), 0)


def asinh(k: Any, value: Any) -> Any:
    """The inverse hyperbolic sine, log1p(a + a*a / (1 + sqrt(a*a + 1))) of a = |x| from 1/2 on."""
    x = Number(k, value)
    a = abs(x)
    huge = a > _HUGE[x.size]
    square = a * a
    argument = where(huge, a, a + square / ((square + 1).word("sqrt") + 1))
    far = _log_of_double(huge, argument)
    return where(a < 0.5, _odd_series(a, _ASINH[x.size]), far).signed_as(x).value


def acosh(k: Any, value: Any) -> Any:
    """The inverse hyperbolic cosine, log1p(t + sqrt(2 t + t*t)) of t = x - 1; NaN below 1."""
    x = Number(k, value)
    huge = x > _HUGE[x.size]
    t = x - 1
    root = (t * 2 + t * t).word("sqrt")
    return where(x < 1, math.nan, _log_of_double(huge, where(huge, x, t + root))).value


def atanh(k: Any, value: Any) -> Any:
    """The inverse hyperbolic tangent, log1p(2 a / (1 - a)) / 2 of a = |x| from 1/2 on; NaN beyond 1."""
    x = Number(k, value)
    a = abs(x)
    far = (a * 2 / (1 - a)).word("log1p") * 0.5
    return where(a < 0.5, _odd_series(a, _ATANH[x.size]), far).signed_as(x).value
