"""Elementwise ops beyond the elementary ones: circular, hyperbolic, of the gamma function and the normal distribution.

Their bodies are programs of the `scalar_*` modules, imported when a body is first used. Gradients are TensorFlow's.
"""

from __future__ import annotations

import math
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from graphcore.handler import numpy_handler
from graphcore.ops.rules import FLOATING, INEXACT, Rule, binary, conj, samples, scalar, scaled, unary

if TYPE_CHECKING:
    from graphcore.functions import Functions


def _program(module: str, name: str, *, bits: bool = False) -> Rule:
    """The body `name` of a module of scalar programs; 16-bit floats go through float32 unless it needs their bits."""

    def body(k: Any, *operands: Any) -> Any:
        from graphcore.dtypes import float32

        program = getattr(import_module(f"graphcore.ops.{module}"), name)
        dtype = k.dtype(operands[0])
        if bits or dtype.size > 2:
            return program(k, *operands)
        return k.cast(program(k, *(k.cast(x, float32) for x in operands)), dtype)

    return body


def _widely(body: Rule) -> Rule:
    """The NumPy meaning of a body: computed in float64, rounded to the operand's dtype."""
    return lambda x: np.asarray(body(numpy_handler, np.asarray(x, np.float64))).astype(x.dtype)


def _one_plus_square(f: Functions, x: Any, sign: int = 1) -> Any:
    """1 + x*x, or 1 - x*x."""
    square = f.mul(x, x)
    return f.add(scalar(f, x, 1), square) if sign > 0 else f.sub(scalar(f, x, 1), square)


def _d_asin(f: Functions, ct: Any, x: Any, y: Any) -> Any:
    return f.mul(ct, conj(f, f.rsqrt(_one_plus_square(f, x, -1))))


# Circular functions.

tan = unary(
    "tan", INEXACT, np.tan, lambda k, x: k.tan(x),
    lambda f, ct, x, y: f.mul(ct, conj(f, _one_plus_square(f, y))), max_ulp=4,
)  # fmt: skip
asin = unary("asin", INEXACT, np.arcsin, _program("scalar_inverse", "asin"), _d_asin, max_ulp=4)
acos = unary(
    "acos", INEXACT, np.arccos, _program("scalar_inverse", "acos"),
    lambda f, ct, x, y: f.neg(_d_asin(f, ct, x, y)), max_ulp=4,
)  # fmt: skip
atan = unary(
    "atan", INEXACT, np.arctan, _program("scalar_inverse", "atan"),
    lambda f, ct, x, y: f.div(ct, conj(f, _one_plus_square(f, x))), max_ulp=4,
)  # fmt: skip


def _over_square_sum(f: Functions, ct: Any, x: Any, y: Any) -> Any:
    return f.div(ct, f.add(f.mul(x, x), f.mul(y, y)))


atan2 = binary(
    "atan2", FLOATING, np.arctan2, _program("scalar_inverse", "atan2"),
    (lambda f, ct, y, x, z: f.mul(x, _over_square_sum(f, ct, x, y)),
     lambda f, ct, y, x, z: f.neg(f.mul(y, _over_square_sum(f, ct, x, y)))),
    max_ulp=4, sampler=samples("angles"),
)  # fmt: skip

# Hyperbolic functions.

sinh = unary(
    "sinh", INEXACT, np.sinh, _program("scalar_hyperbolic", "sinh"),
    lambda f, ct, x, y: f.mul(ct, conj(f, f.cosh(x))), max_ulp=4,
)  # fmt: skip
cosh = unary(
    "cosh", INEXACT, np.cosh, _program("scalar_hyperbolic", "cosh"),
    lambda f, ct, x, y: f.mul(ct, conj(f, f.sinh(x))), max_ulp=4,
)  # fmt: skip
asinh = unary(
    "asinh", INEXACT, np.arcsinh, _program("scalar_hyperbolic", "asinh"),
    lambda f, ct, x, y: f.div(ct, conj(f, f.cosh(y))), max_ulp=4,
)  # fmt: skip
acosh = unary(
    "acosh", INEXACT, np.arccosh, _program("scalar_hyperbolic", "acosh"),
    lambda f, ct, x, y: f.div(ct, conj(f, f.sinh(y))), max_ulp=4, sampler=samples("above_one"),
)  # fmt: skip
atanh = unary(
    "atanh", INEXACT, np.arctanh, _program("scalar_hyperbolic", "atanh"),
    lambda f, ct, x, y: f.div(ct, conj(f, _one_plus_square(f, x, -1))), max_ulp=4, sampler=samples("between_ones"),
)  # fmt: skip

# The normal distribution.

_erfc = _program("scalar_normal", "erfc")
erfc = unary(
    "erfc", FLOATING, _widely(_erfc), _erfc,
    lambda f, ct, x, y: f.mul(ct, scaled(f, f.exp(f.neg(f.mul(x, x))), -2 / math.sqrt(math.pi))), max_ulp=4,
)  # fmt: skip
_erfinv = _program("scalar_normal", "erfinv")
erfinv = unary(
    "erfinv", FLOATING, _widely(_erfinv), _erfinv,
    lambda f, ct, x, y: f.mul(ct, scaled(f, f.exp(f.mul(y, y)), math.sqrt(math.pi) / 2)), max_ulp=4,
    sampler=samples("between_ones"),
)  # fmt: skip
_ndtri = _program("scalar_normal", "ndtri")
ndtri = unary(
    "ndtri", FLOATING, _widely(_ndtri), _ndtri,
    lambda f, ct, x, y: f.mul(ct, scaled(f, f.exp(scaled(f, f.mul(y, y), 0.5)), math.sqrt(2 * math.pi))),
    max_ulp=4, sampler=samples("between_ones"),
)  # fmt: skip

# The gamma function.

_lgamma = _program("scalar_gamma", "lgamma")
lgamma = unary(
    "lgamma", FLOATING, _widely(_lgamma), _lgamma, lambda f, ct, x, y: f.mul(ct, f.digamma(x)), max_ulp=4
)
_digamma = _program("scalar_gamma", "digamma")
digamma = unary(
    "digamma", FLOATING, _widely(_digamma), _digamma,
    lambda f, ct, x, y: f.mul(ct, f.zeta(f.full(f.type(x), 2), x)), max_ulp=4,
)  # fmt: skip

# Steps.

nextafter = binary(
    "nextafter", FLOATING, np.nextafter, _program("scalar_bits", "nextafter", bits=True),
    (lambda f, ct, x, y, z: ct, lambda f, ct, x, y, z: f.zeros_like(ct)),
    sampler=samples("steps"),
)  # fmt: skip
