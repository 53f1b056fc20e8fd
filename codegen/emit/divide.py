"""Exact division of vectors by a number that a loop does not change, without the divider.

With y = 1 / b correctly rounded, and q within one unit in the last place of a / b, the fused remainder r = a - b q
is exact and q + r y is a / b correctly rounded (P. Markstein, IBM Journal of Research and Development 34, 1990), as
long as nothing on the way leaves the normal range. Two such steps follow the first guess q = a y. Vectors with an
element outside of the range (denormal, infinite, NaN, -0) are divided by the divider.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from codegen.emit.value_base import literal
from codegen.emit.values import LlvmHandler, Val
from graphcore.dtypes import DType, bool_, float32, int32, int64

# Exponents of the divisor's and the dividend's magnitudes. Quotients stay normal, and remainders exact.
_DIVISOR = {"float32": 20, "float64": 100}
_DIVIDEND = {"float32": 100, "float64": 800}
_MANTISSA = {"float32": 23, "float64": 52}
_BIAS = {"float32": 127, "float64": 1023}


class Divisor(NamedTuple):
    """A divisor that has been looked at before the loop.

    Attributes:
        value: itself.
        reciprocal: 1 / value, rounded.
        span: how far the bits of |a| may lie above those of the lowest dividend; 0 if the divisor is unsuited.
        zero: the bits of the one other dividend that is served: 0, or a NaN if the divisor is unsuited.
    """

    value: Val
    reciprocal: Val
    span: Val
    zero: Val


def serves(k: LlvmHandler, dtype: DType) -> bool:
    """Whether exact division pays: on AVX-512 the divider takes 16 cycles for a vector, and this takes 6."""
    return k.isa == "avx512" and k.has_fma and dtype.kind == "f"


def _bits(exponent: int, dtype: DType) -> int:
    return (exponent + _BIAS[dtype.name]) << _MANTISSA[dtype.name]


def _integer(dtype: DType) -> DType:
    return int32 if dtype is float32 else int64


def _magnitude(k: LlvmHandler, x: Val) -> tuple[Val, Val]:
    """The bits of x, and those of |x|."""
    whole = _integer(x.dtype)
    bits = k.bitcast(x, whole)
    return bits, k.and_(bits, k.like((1 << (whole.size * 8 - 1)) - 1, bits))


def prepare(k: LlvmHandler, value: Val) -> Divisor:
    """Looks at a scalar divisor; a literal costs no instruction."""
    dtype, whole = value.dtype, _integer(value.dtype)
    limit = _DIVISOR[dtype.name]
    low, high = _bits(-limit, dtype), _bits(limit, dtype)
    span = _bits(_DIVIDEND[dtype.name], dtype) - _bits(-_DIVIDEND[dtype.name], dtype)
    nan = (1 << (whole.size * 8 - 1)) - 1
    if value.is_literal:
        number = _parse(value)
        suited = bool(2.0**-limit <= abs(number) < 2.0**limit)
        with np.errstate(all="ignore"):
            inverse = dtype.numpy.type(1) / number
        return Divisor(
            value, Val(literal(inverse, dtype), dtype), k.const(span if suited else 0, whole),
            k.const(0 if suited else nan, whole),
        )  # fmt: skip
    _, magnitude = _magnitude(k, value)
    suited = k.op("icmp ult", k.sub(magnitude, k.like(low, magnitude)), k.like(high - low, magnitude), bool_)
    return Divisor(
        value, k.div(k.const(1, dtype), value), k.select(suited, k.const(span, whole), k.const(0, whole)),
        k.select(suited, k.const(0, whole), k.const(nan, whole)),
    )  # fmt: skip


def _parse(value: Val) -> np.floating:
    import struct

    return value.dtype.numpy.type(struct.unpack(">d", bytes.fromhex(value.text[2:]))[0])


def divide(k: LlvmHandler, xs: Sequence[Val], by: Divisor) -> list[Val]:
    """Each vector divided by the divisor, bit-equal to division; one branch for all of them."""
    fn = k.fn
    fast = [_quotient(k, x, by) for x in xs]
    fine = ""
    for x in xs:
        served = _served(k, x, by)
        fine = served.text if not fine else fn.emit(f"and {served.type} {fine}, {served.text}")
    lanes = xs[0].lanes
    every = fn.call("i1", f"llvm.vector.reduce.and.v{lanes}i1", [(f"<{lanes} x i1>", fine)])
    divider, done, before = fn.new_label("divider"), fn.new_label("divided"), fn.block
    fn.branch_if(every, done, divider)
    fn.place(divider)
    slow = [k.div(x, by.value) for x in xs]
    after = fn.block
    fn.branch(done)
    fn.place(done)
    return [
        Val(fn.phi(a.type, [(a.text, before), (b.text, after)]), a.dtype, a.lanes)
        for a, b in zip(fast, slow, strict=True)
    ]


def _quotient(k: LlvmHandler, a: Val, by: Divisor) -> Val:
    """Right where `_served` holds."""
    y, b = by.reciprocal, k.neg(by.value)
    q = k.mul(a, y)
    for _ in range(2):
        q = k.fma(k.fma(b, q, a), y, q)
    return q


def _served(k: LlvmHandler, a: Val, by: Divisor) -> Val:
    bits, magnitude = _magnitude(k, a)
    lowest = _bits(-_DIVIDEND[a.dtype.name], a.dtype)
    x, span = k.unify(k.sub(magnitude, k.like(lowest, magnitude)), by.span)
    return k.or_(k.op("icmp ult", x, span, bool_), k.eq(bits, by.zero))
