"""Logarithm, exponential and lgamma as compositions of exactly rounded ops: eager and native code agree to the bit.

What rejection sampling decides by them must not depend on where it runs. The ops `log` and `exp` are good to an ulp or
two, but not equal in NumPy and in native code.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from eager.convert import convert
from eager.ops.common import op
from eager.tensor import Tensor
from graphcore.dtypes import DType, float64
from graphcore.ops import philox

_WORDS = {
    "min": "minimum", "max": "maximum", "rint": "round", "eq": "equal", "ne": "not_equal", "lt": "less",
    "le": "less_equal", "gt": "greater", "ge": "greater_equal", "shl": "shift_left", "shr": "shift_right",
}  # fmt: skip
"""Words of scalar bodies whose op has another name."""


class _Tensors:
    """The vocabulary of scalar bodies on tensors, as far as its words are exact; see graphcore.handler."""

    def __getattr__(self, word: str) -> Callable[..., Tensor]:
        name = _WORDS.get(word, word)
        return lambda *x: op(name, *x)

    def dtype(self, x: Tensor) -> DType:
        return x.dtype

    def const(self, value: Any, dtype: DType) -> Tensor:
        return convert(np.asarray(value).astype(dtype.numpy))

    def cast(self, x: Tensor, dtype: DType) -> Tensor:
        return op("cast", x, dtype=dtype)

    def bitcast(self, x: Tensor, dtype: DType) -> Tensor:
        return op("bitcast", x, dtype=dtype)

    def and_(self, x: Tensor, y: Tensor) -> Tensor:
        return _logic("and", x, y)

    def or_(self, x: Tensor, y: Tensor) -> Tensor:
        return _logic("or", x, y)

    def xor(self, x: Tensor, y: Tensor) -> Tensor:
        return _logic("xor", x, y)

    def muladd(self, a: Tensor, b: Tensor, c: Tensor) -> Tensor:
        return op("add", op("mul", a, b), c)

    def log(self, x: Tensor) -> Tensor:
        return log(x)


def _logic(word: str, x: Tensor, y: Tensor) -> Tensor:
    return op(f"{'logical' if x.dtype.is_bool else 'bitwise'}_{word}", x, y)


_tensors = _Tensors()


def log(x: Tensor) -> Tensor:
    """The logarithm of a float64 >= 0 within 1 ulp; -inf at 0. Subnormal and negative numbers give anything."""
    value = philox.logarithm(_tensors, x)
    return op("select", op("equal", x, number(0)), number(-np.inf), value)


def exp(x: Tensor) -> Tensor:
    """The exponential of a float64 within 1 ulp."""
    return philox.exponential(_tensors, x)


def log1p(x: Tensor) -> Tensor:
    """log(1 + x) of a float64 above -1, within a few ulp (Kahan's quotient)."""
    y = x + number(1)
    same = op("equal", y, number(1))
    divisor = op("select", same, number(1), y - number(1))
    return op("select", same, x, x * (log(y) / divisor))


def lgamma(x: Tensor) -> Tensor:
    """The logarithm of the gamma function of a float64 >= 1."""
    from graphcore.ops import scalar_gamma

    return scalar_gamma.lgamma(_tensors, x)


def number(value: float) -> Tensor:
    """A float64 scalar."""
    return convert(value, like=float64)


def both(*conditions: Tensor) -> Tensor:
    """Whether all conditions hold, elementwise."""
    found = conditions[0]
    for condition in conditions[1:]:
        found = op("logical_and", found, condition)
    return found


def negation(condition: Tensor) -> Tensor:
    """Where the condition does not hold."""
    return op("logical_not", condition)


__all__ = ["both", "exp", "lgamma", "log", "log1p", "negation", "number"]
