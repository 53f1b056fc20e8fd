"""The vocabulary of scalar bodies, and the handler that evaluates it with NumPy.

A body is a function of an abstract handler `k`: `lambda k, x: k.div(k.const(1, k.dtype(x)), k.add(...))`.
Handlers give it meaning: NumPy evaluates it on arrays (here), codegen records it into loop IR and emits LLVM
from that, the cost model counts it. Operands of one call have one dtype, unless the word says otherwise.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from graphcore.dtypes import DType, as_dtype, bool_

VOCABULARY: dict[str, int] = {
    "add": 2, "sub": 2, "mul": 2, "div": 2, "floordiv": 2, "mod": 2, "pow": 2, "min": 2, "max": 2,
    "neg": 1, "abs": 1, "sign": 1, "sqrt": 1, "rsqrt": 1, "floor": 1, "ceil": 1, "rint": 1, "trunc": 1,
    "eq": 2, "ne": 2, "lt": 2, "le": 2, "gt": 2, "ge": 2,
    "and_": 2, "or_": 2, "xor": 2, "not_": 1, "shl": 2, "shr": 2, "select": 3,
    "exp": 1, "exp2": 1, "expm1": 1, "log": 1, "log1p": 1, "tanh": 1, "erf": 1, "sin": 1, "cos": 1,
    "tan": 1, "muladd": 3, "mulhi": 2, "is_nan": 1,
}  # fmt: skip
"""Every word and its number of operands. Besides these a handler has const, cast, bitcast and dtype.

`muladd` is a * b + c, rounded once or twice as the machine likes: for polynomials of functions with an error bound.
`mulhi` is the upper half of the double-width product of unsigned integers. `shr` is arithmetic for signed
integers. `div` is for floating types only. `min` and `max` propagate NaN. `floordiv` and `mod` round toward
minus infinity.
"""

_COMPARE = frozenset(("eq", "ne", "lt", "le", "gt", "ge", "is_nan"))


def result_dtype(word: str, operands: list[DType]) -> DType:
    """The dtype of a word's result. Raises TypeError if the operands' dtypes clash."""
    if word == "select":
        _require_same(word, operands[1:])
        if operands[0] is not bool_:
            raise TypeError(f"body word select: the condition is {operands[0].name}, expected bool")
        return operands[1]
    _require_same(word, operands)
    return bool_ if word in _COMPARE else operands[0]


def _require_same(word: str, operands: list[DType]) -> None:
    if any(d is not operands[0] for d in operands):
        raise TypeError(f"body word {word}: dtypes differ: {', '.join(d.name for d in operands)}")


class NumpyHandler:
    """Evaluates bodies on NumPy arrays; each word is NumPy's own function of that meaning."""

    def __getattr__(self, word: str) -> Any:
        """The NumPy function of a word. Raises AttributeError outside the vocabulary."""
        try:
            return _NUMPY[word]
        except KeyError:
            raise AttributeError(f"{word!r} is not a word of scalar bodies") from None

    def dtype(self, x: Any) -> DType:
        """The dtype of a value."""
        return as_dtype(x.dtype)

    def const(self, value: Any, dtype: DType) -> Any:
        """A scalar of the given dtype."""
        return dtype.numpy.type(value)

    def cast(self, x: Any, dtype: DType) -> Any:
        """Conversion with saturation: out-of-range floats become the nearest integer, NaN becomes 0."""
        return cast_array(x, dtype)

    def bitcast(self, x: Any, dtype: DType) -> Any:
        """The same bits as another dtype of equal size."""
        return np.asarray(x).view(dtype.numpy)


def cast_array(x: Any, dtype: DType) -> Any:
    """Casts an array; float to integer saturates and maps NaN to 0, everything else is NumPy's astype.

    A float64 becomes a bfloat16 in one rounding (ml_dtypes makes two, by way of float32).
    """
    x = np.asarray(x)
    if x.dtype.kind == "c" and not dtype.is_complex:
        x = x.real
    if not (dtype.is_integer and as_dtype(x.dtype).is_floating):
        return (_odd_float32(x) if dtype.name == "bfloat16" and x.dtype == np.float64 else x).astype(dtype.numpy)
    if x.dtype.itemsize == 2:
        x = x.astype(np.float32)
    limits = np.iinfo(dtype.numpy)
    with np.errstate(all="ignore"):
        y = x.astype(dtype.numpy)
        if np.all((x > float(limits.min)) & (x < float(limits.max))):
            return y
        # The float nearest to the integer limit may lie beyond it, so compare before converting.
        y = np.where(x >= x.dtype.type(limits.max), dtype.numpy.type(limits.max), y)
        y = np.where(x <= x.dtype.type(limits.min), dtype.numpy.type(limits.min), y)
        return np.where(np.isnan(x), dtype.numpy.type(0), y)


def _odd_float32(x: Any) -> Any:
    """Float64 as float32, inexact ones rounded to odd, so that rounding once more is as rounding once."""
    with np.errstate(all="ignore"):
        near = x.astype(np.float32)
        back = near.astype(np.float64)
        bits = near.view(np.uint32) - (np.absolute(back) > np.absolute(x)) | np.uint32(1)
        exact = (back == x) | np.isnan(x)
    return np.where(exact, near, bits.view(np.float32))


def in_float32(evaluate: Any) -> Any:
    """`evaluate` for 16-bit floats too: computed in float32 and rounded once; other arrays pass as they are."""

    def run(*arrays: Any, **attrs: Any) -> Any:
        dtype = as_dtype(arrays[0].dtype)
        if not dtype.is_half:
            return evaluate(*arrays, **attrs)
        found = np.asarray(evaluate(*(x.astype(np.float32) for x in arrays), **attrs))
        return found.astype(dtype.numpy) if found.dtype == np.float32 else found

    return run


def _rsqrt(x: Any) -> Any:
    return np.asarray(x).dtype.type(1) / np.sqrt(x)


def _muladd(a: Any, b: Any, c: Any) -> Any:
    return np.add(np.multiply(a, b), c)


def _mulhi(a: Any, b: Any) -> Any:
    a, b = np.asarray(a), np.asarray(b)
    if a.dtype.itemsize <= 4:
        bits = a.dtype.itemsize * 8
        return ((a.astype(np.uint64) * b.astype(np.uint64)) >> np.uint64(bits)).astype(a.dtype)
    half, mask = np.uint64(32), np.uint64(0xFFFFFFFF)
    a_hi, a_lo, b_hi, b_lo = a >> half, a & mask, b >> half, b & mask
    mid = a_hi * b_lo + ((a_lo * b_lo) >> half)
    mid_low = (mid & mask) + a_lo * b_hi
    return a_hi * b_hi + (mid >> half) + (mid_low >> half)


# Below _ERF_SPLIT: erf(x) / x - 1 in x*x, coefficients of FreeBSD's s_erf.c (Sun Microsystems 1993). Above:
# exp(x*x) * erfc(x) in x, W. J. Cody, Rational Chebyshev approximations for the error function, Math. Comp.
# 23 (1969), coefficients of his CALERF. Lowest power first.
_ERF_SPLIT = 0.84375
_ERF_P = (
    1.28379167095512558561e-01, -3.25042107247001499370e-01, -2.84817495755985104766e-02,
    -5.77027029648944159157e-03, -2.37630166566501626084e-05,
)  # fmt: skip
_ERF_Q = (
    1.0, 3.97917223959155352819e-01, 6.50222499887672944485e-02, 5.08130628187576562776e-03,
    1.32494738004321644526e-04, -3.96022827877536812320e-06,
)  # fmt: skip
_ERFC_P = (
    1.23033935479799725e03, 2.05107837782607147e03, 1.71204761263407058e03, 8.81952221241769090e02,
    2.98635138197400131e02, 6.61191906371416295e01, 8.88314979438837594e00, 5.64188496988670089e-1,
    2.15311535474403846e-8,
)  # fmt: skip
_ERFC_Q = (
    1.23033935480374942e03, 3.43936767414372164e03, 4.36261909014324716e03, 3.29079923573345963e03,
    1.62138957456669019e03, 5.37181101862009858e02, 1.17693950891312499e02, 1.57449261107098347e01, 1.0,
)  # fmt: skip


def _horner(coefficients: tuple[float, ...], x: Any) -> Any:
    total = np.full_like(x, coefficients[-1])
    for c in reversed(coefficients[:-1]):
        total *= x
        total += c
    return total


def _erf_far(a: Any) -> Any:
    """The error function of float64 values of at least _ERF_SPLIT; beyond 6 the result rounds to 1."""
    a = np.minimum(a, 6.0)
    # exp(-a*a) from an exact square of the leading bits and a small rest.
    high = np.trunc(a * 16.0) / 16.0
    decay = np.exp(-high * high) * np.exp(-(a - high) * (a + high))
    return 1.0 - decay * (_horner(_ERFC_P, a) / _horner(_ERFC_Q, a))


def erf(x: Any) -> Any:
    """The error function of an array, computed in float64 (within 1 ulp) and rounded to x's dtype."""
    x = np.asarray(x)
    wide = x.astype(np.float64)
    near = np.absolute(wide) < _ERF_SPLIT
    small = np.where(near, wide, 0.0)
    square = small * small
    result = small + small * (_horner(_ERF_P, square) / _horner(_ERF_Q, square))
    far = ~near
    if far.any():
        result = np.asarray(result)
        result[far] = np.copysign(_erf_far(np.absolute(wide[far])), wide[far])
    return result.astype(x.dtype)


_NUMPY: dict[str, Any] = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide, "floordiv": np.floor_divide,
    "mod": np.mod, "pow": np.power, "min": np.minimum, "max": np.maximum, "neg": np.negative, "abs": np.absolute,
    "sign": np.sign, "sqrt": np.sqrt, "rsqrt": _rsqrt, "floor": np.floor, "ceil": np.ceil, "rint": np.rint,
    "trunc": np.trunc, "eq": np.equal, "ne": np.not_equal, "lt": np.less, "le": np.less_equal, "gt": np.greater,
    "ge": np.greater_equal, "and_": np.bitwise_and, "or_": np.bitwise_or, "xor": np.bitwise_xor,
    "not_": np.bitwise_not, "shl": np.left_shift, "shr": np.right_shift, "select": np.where, "exp": np.exp,
    "exp2": np.exp2, "expm1": np.expm1, "log": np.log, "log1p": np.log1p, "tanh": np.tanh, "erf": erf, "sin": np.sin,
    "cos": np.cos, "tan": np.tan, "muladd": _muladd, "mulhi": _mulhi, "is_nan": np.isnan,
}  # fmt: skip

numpy_handler = NumpyHandler()
"""The one NumPy handler; it has no state."""
